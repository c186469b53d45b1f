import Crypto
import Foundation

/// Finds datasets by name or path, downloads what is missing, and reads the rows a reference selects.
///
/// A registered file is looked for in the explicit data directory, in `ABENCH_DATA`, in the cache
/// (`$XDG_CACHE_HOME/abench/data`, else `~/.cache/abench/data`), and at last downloaded into the cache. Wherever it is
/// found, its checksum must be the registered one. Datasets that ship with the repository are found below `root`.
public struct DatasetStore: Sendable {
    /// `--data-dir`.
    public var dataDirectory: URL?
    /// The root of the repository a suite belongs to; relative paths start there. nil: the working directory, and for
    /// datasets that ship with the repository also the directories above it.
    public var root: URL?
    public var isOffline: Bool
    public var environment: [String: String]
    public var onProgress: (@Sendable (Download.Progress) -> Void)?

    public init(
        dataDirectory: URL? = nil, root: URL? = nil, isOffline: Bool = false,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        onProgress: (@Sendable (Download.Progress) -> Void)? = nil
    ) {
        self.dataDirectory = dataDirectory
        self.root = root
        self.isOffline = isOffline
        self.environment = environment
        self.onProgress = onProgress
    }

    public init() { self.init(dataDirectory: nil) }

    /// Where downloads go.
    public var cacheDirectory: URL {
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
            return URL(fileURLWithPath: cache, isDirectory: true).appendingPathComponent("abench/data")
        }
        let home =
            environment["HOME"].map { URL(fileURLWithPath: $0, isDirectory: true) }
            ?? FileManager.default.homeDirectoryForCurrentUser
        return home.appendingPathComponent(".cache/abench/data")
    }

    // MARK: - Reading

    /// The rows a reference selects.
    public func load(_ reference: DatasetReference) throws -> Dataset {
        switch (reference.dataset, reference.path) {
        case (let name?, nil): try load(DatasetRegistry.named(name), reference)
        case (nil, let path?): try load(path: path, reference)
        case (nil, nil): throw DatasetError.badReference("a dataset needs a name (dataset:) or a file (path:)")
        case (_?, _?): throw DatasetError.badReference("a dataset has a name (dataset:) or a file (path:), not both")
        }
    }

    /// The prompts a reference selects.
    public func prompts(_ reference: DatasetReference) throws -> [PromptRecord] { try load(reference).prompts() }

    private func load(_ entry: DatasetEntry, _ reference: DatasetReference) throws -> Dataset {
        guard let text = reference.split else {
            throw DatasetError.badReference(
                "dataset '\(entry.name)' needs a split: \(entry.splits.map(\.name).joined(separator: ", "))")
        }
        let slice = try DatasetSlice(parsing: text)
        let split = try entry.split(named: slice.split)
        let url = try locate(split.file, of: entry)
        let bytes = try Self.read(url)
        var rows = try DatasetFile.read(bytes, format: split.file.format, file: url.path)
        if let filter = split.filter { rows = rows.filter { $0.text(filter.column) == filter.value } }
        return try Dataset(
            reference: reference, entry: entry, file: url.path, sha256: Self.sha256(bytes),
            records: select(slice, of: rows, file: url.path), splitCount: rows.count,
            promptColumns: reference.column.map { [$0] } ?? entry.promptColumns, answerColumn: entry.answerColumn)
    }

    private func load(path: String, _ reference: DatasetReference) throws -> Dataset {
        let url =
            path.hasPrefix("/")
            ? URL(fileURLWithPath: path) : (root ?? workingDirectory).appendingPathComponent(path)
        let file =
            FileManager.default.fileExists(atPath: url.path)
            ? url : workingDirectory.appendingPathComponent(path)
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw DatasetError.unusable(file: path, message: "no such file (looked for \(url.path))")
        }
        let bytes = try Self.read(file)
        let rows = try DatasetFile.read(bytes, format: DatasetFormat(path: path), file: file.path)
        guard !rows.isEmpty else { throw DatasetError.unusable(file: path, message: "the file has no rows") }
        let slice = try DatasetSlice(parsing: reference.split ?? "")
        var columns: [String] = []
        for row in rows {
            for (key, _) in row.fields.objectValue ?? [] where !columns.contains(key) { columns.append(key) }
        }
        return try Dataset(
            reference: reference, entry: nil, file: file.path, sha256: Self.sha256(bytes),
            records: select(slice, of: rows, file: file.path), splitCount: rows.count,
            promptColumns: [promptColumn(reference.column, columns, file: file.path)],
            answerColumn: columns.first { $0 == "answer" })
    }

    private func promptColumn(_ asked: String?, _ columns: [String], file: String) throws -> String {
        if let asked {
            if columns.contains(asked) { return asked }
            throw UnknownNameError(kind: "column of \(file)", name: asked, known: columns)
        }
        if columns.count == 1 { return columns[0] }
        if columns.contains("prompt") { return "prompt" }
        if columns.contains("question"), columns.contains("answer") { return "question" }
        throw DatasetError.unusable(
            file: file,
            message: "name the column that holds the prompt (column:); there are \(columns.joined(separator: ", "))")
    }

    private func select(_ slice: DatasetSlice, of rows: [DatasetRecord], file: String) throws -> [DatasetRecord] {
        let range = slice.range(count: rows.count)
        guard !range.isEmpty else {
            throw DatasetError.unusable(file: file, message: "\(slice) selects none of \(rows.count) rows")
        }
        return Array(rows[range])
    }

    // MARK: - Finding

    /// The registered file on this machine, downloaded if need be, its checksum checked.
    public func locate(_ file: DatasetEntry.File, of entry: DatasetEntry) throws -> URL {
        let candidates = candidates(for: file, of: entry)
        for url in candidates where FileManager.default.fileExists(atPath: url.path) {
            if let expected = file.sha256 {
                let actual = try Self.sha256(Self.read(url))
                guard actual == expected else {
                    throw DatasetError.checksum(file: url.path, expected: expected, actual: actual)
                }
            }
            return url
        }
        let looked = candidates.map(\.path)
        if entry.location == .repository {
            throw DatasetError.notFound(
                dataset: entry.name, looked: looked, hint: "It ships with the repository: run from its root.")
        }
        guard let address = file.url, let sha256 = file.sha256 else {
            throw DatasetError.notFound(
                dataset: entry.name, looked: looked,
                hint: "It can't be downloaded in this form: get it from \(entry.homepage) and put it there.")
        }
        guard !isOffline else {
            throw DatasetError.notFound(
                dataset: entry.name, looked: looked, hint: "Offline: download \(address) to one of these.")
        }
        let target = cacheDirectory.appendingPathComponent(file.path)
        try Download(url: address, sha256: sha256, target: target).run(onProgress: onProgress)
        return target
    }

    private func candidates(for file: DatasetEntry.File, of entry: DatasetEntry) -> [URL] {
        switch entry.location {
        case .data:
            let named = environment["ABENCH_DATA"].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
            return [dataDirectory, named, cacheDirectory].compactMap { $0?.appendingPathComponent(file.path) }
        case .repository:
            if let root { return [root.appendingPathComponent(file.path)] }
            var directory = workingDirectory.standardizedFileURL
            var result = [directory.appendingPathComponent(file.path)]
            while directory.path != "/" {
                directory = directory.deletingLastPathComponent()
                let url = directory.appendingPathComponent(file.path)
                if FileManager.default.fileExists(atPath: url.path) { result.append(url) }
            }
            return result
        }
    }

    private var workingDirectory: URL {
        URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
    }

    private static func read(_ url: URL) throws -> [UInt8] {
        do {
            return try [UInt8](Data(contentsOf: url, options: .mappedIfSafe))
        } catch {
            throw DatasetError.unusable(file: url.path, message: "can't be read: \(error.localizedDescription)")
        }
    }

    static func sha256(_ bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}
