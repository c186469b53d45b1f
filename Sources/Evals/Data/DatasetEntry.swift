/// A dataset that suites can name.
public struct DatasetEntry: Sendable, Hashable {
    /// One file of a dataset.
    public struct File: Sendable, Hashable {
        /// Relative to a data directory: `gsm8k/test.jsonl`.
        public var path: String
        /// Where the same bytes can be downloaded; nil when upstream has them in another form only.
        public var url: String?
        /// Hexadecimal; nil for files that ship with the repository.
        public var sha256: String?
        public var format: DatasetFormat
        /// Rows in the file.
        public var rows: Int?
    }

    public struct Split: Sendable, Hashable {
        public var name: String
        public var file: File
        /// Only rows whose column has this text belong to the split.
        public var filter: Filter?
    }

    public struct Filter: Sendable, Hashable {
        public var column: String
        public var value: String
    }

    public enum Location: Sendable, Hashable {
        /// A data directory or the cache.
        case data
        /// `organisms/data` of the repository a suite belongs to; ships with it, never downloaded.
        case repository
    }

    public var name: String
    public var summary: String
    public var licence: String
    /// Where a reader finds out more, and the data where no `url` has the same bytes.
    public var homepage: String
    public var location: Location
    /// The columns whose texts, joined by blanks, are the prompt.
    public var promptColumns: [String]
    public var answerColumn: String?
    public var splits: [Split]

    /// The split of that name, or an error with the nearest right one.
    public func split(named name: String) throws -> Split {
        guard let split = splits.first(where: { $0.name == name }) else {
            throw UnknownNameError(kind: "split of \(self.name)", name: name, known: splits.map(\.name))
        }
        return split
    }

    /// The distinct files of all splits.
    public var files: [File] {
        var files: [File] = []
        for split in splits where !files.contains(split.file) { files.append(split.file) }
        return files
    }
}
