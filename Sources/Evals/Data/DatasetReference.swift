import Inference

/// Rows of a dataset as a suite names them: `{dataset: gsm8k, split: "test[:100]"}` or
/// `{path: my-prompts.csv, column: prompt, split: "[:50]"}`.
public struct DatasetReference: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A name in the registry; excludes `path`.
    public var dataset: String?
    /// A file (jsonl, json, csv, txt); relative paths are taken from the store's root, then the working directory.
    public var path: String?
    /// The split with an optional slice. A file by path has one split, so only the slice counts there.
    public var split: String?
    /// The column that holds the prompt, where it isn't the registered one.
    public var column: String?

    public init(dataset: String? = nil, path: String? = nil, split: String? = nil, column: String? = nil) {
        self.dataset = dataset
        self.path = path
        self.split = split
        self.column = column
    }

    public var description: String {
        "\(dataset ?? path ?? "?")\(split.map { $0.hasPrefix("[") ? $0 : ":\($0)" } ?? "")"
    }
}

/// One row of a dataset file.
public struct DatasetRecord: Sendable, Hashable {
    /// Row number in the whole file, from 0; unchanged by splits and slices.
    public var row: Int
    /// Line of the file on which the row begins, from 1, where the format has lines.
    public var line: Int
    /// An object; a bare string of a txt or json file is its `text` column.
    public var fields: JSONValue

    public init(row: Int, line: Int, fields: JSONValue) {
        self.row = row
        self.line = line
        self.fields = fields
    }

    /// A column as text: a string as it is, a number in its shortest form (51.0 as `51`); nil when absent or neither.
    public func text(_ column: String) -> String? {
        switch fields[column] {
        case .string(let text): text
        case .int(let value): String(value)
        case .double(let value): value.rounded() == value && abs(value) < 9e15 ? String(Int(value)) : String(value)
        default: nil
        }
    }
}

/// The rows a reference selects, with the columns to read them by and the identity of the file.
public struct Dataset: Sendable {
    public var reference: DatasetReference
    /// The registry entry, nil for a file by path.
    public var entry: DatasetEntry?
    public var file: String
    /// Of the whole file, hexadecimal.
    public var sha256: String
    public var records: [DatasetRecord]
    /// Rows of the split before slicing.
    public var splitCount: Int
    /// The columns whose texts, joined by blanks, are the prompt.
    public var promptColumns: [String]
    public var answerColumn: String?

    /// The prompt of a row; an error names the column and the row's line.
    public func prompt(of record: DatasetRecord) throws -> String {
        let text = try promptColumns.map { try self.text(of: record, column: $0) }.joined(separator: " ")
        guard !PythonText.strip(text).isEmpty else {
            throw DatasetError.malformed(
                file: file, line: record.line, column: 0,
                message: "row \(record.row) has an empty prompt (column \(promptColumns.joined(separator: " + ")))")
        }
        return text
    }

    /// The answer of a row.
    public func answer(of record: DatasetRecord) throws -> String {
        guard let answerColumn else {
            throw DatasetError.unusable(file: file, message: "no column with answers is known for \(reference)")
        }
        return try text(of: record, column: answerColumn)
    }

    private func text(of record: DatasetRecord, column: String) throws -> String {
        if let text = record.text(column) { return text }
        let columns = record.fields.objectValue?.map(\.key).joined(separator: ", ") ?? ""
        throw DatasetError.malformed(
            file: file, line: record.line, column: 0,
            message: "row \(record.row) has no text in column '\(column)'; it has \(columns)")
    }

    /// Every row as a prompt.
    public func prompts() throws -> [PromptRecord] {
        try records.map { PromptRecord(id: String($0.row), text: try prompt(of: $0)) }
    }
}
