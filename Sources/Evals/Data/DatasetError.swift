/// What went wrong with a dataset, where, and what to do about it.
public enum DatasetError: Error, CustomStringConvertible, Sendable, Equatable {
    /// A file that can't be understood. Line and column count from 1; a column of 0 means the whole line.
    case malformed(file: String, line: Int, column: Int, message: String)
    /// The file or its content doesn't fit what was asked for.
    case unusable(file: String, message: String)
    /// A reference that makes no sense whatever the file holds.
    case badReference(String)
    /// The dataset is nowhere on this machine and can't be downloaded.
    case notFound(dataset: String, looked: [String], hint: String)
    /// A download that failed for good.
    case download(url: String, message: String)
    /// A file whose content isn't the registered one.
    case checksum(file: String, expected: String, actual: String)

    public var description: String {
        switch self {
        case .malformed(let file, let line, let column, let message):
            column > 0 ? "\(file):\(line):\(column): \(message)" : "\(file):\(line): \(message)"
        case .unusable(let file, let message): "\(file): \(message)"
        case .badReference(let message): message
        case .notFound(let dataset, let looked, let hint):
            "dataset '\(dataset)' not found; looked for \(looked.joined(separator: ", ")). \(hint)"
        case .download(let url, let message): "can't download \(url): \(message)"
        case .checksum(let file, let expected, let actual):
            "\(file): sha256 is \(actual), expected \(expected). The file is damaged or another version: delete it, "
                + "or name it by `path:` to use it as it is"
        }
    }
}
