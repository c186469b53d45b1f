import Foundation
import Inference

/// A file of records in one of the four formats.
public enum DatasetFormat: String, Sendable, Hashable, CaseIterable {
    /// One JSON object (or string) per line.
    case jsonl
    /// One array of JSON objects (or strings).
    case json
    case csv
    /// One prompt per line; blank lines are skipped.
    case txt
    /// The whole file is one text (a corpus).
    case text

    /// By the file's extension.
    init(path: String) throws {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let suffix = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last
            .map { $0.lowercased() }
        switch suffix {
        case "jsonl", "ndjson": self = .jsonl
        case "json": self = .json
        case "csv": self = .csv
        case "txt": self = .txt
        default:
            throw DatasetError.unusable(
                file: path, message: "the format is told by the name; it must end in .jsonl, .json, .csv or .txt")
        }
    }
}

enum DatasetFile {
    /// The column of records that are bare strings.
    static let textColumn = "text"

    static func read(_ bytes: [UInt8], format: DatasetFormat, file: String) throws -> [DatasetRecord] {
        switch format {
        case .jsonl: try readLines(bytes, file: file)
        case .json: try readArray(bytes, file: file)
        case .csv: try CSVReader.read(bytes, file: file)
        case .txt: try readText(bytes, file: file)
        case .text: [try textRecord(row: 0, line: 1, bytes[...], file: file)]
        }
    }

    private static func readLines(_ bytes: [UInt8], file: String) throws -> [DatasetRecord] {
        var records: [DatasetRecord] = []
        try forEachLine(bytes) { number, line in
            if isBlank(line) { return }
            let value = try parse(line, file: file, firstLine: number)
            let fields = try object(value, file: file, line: number)
            records.append(DatasetRecord(row: records.count, line: number, fields: fields))
        }
        return records
    }

    private static func readArray(_ bytes: [UInt8], file: String) throws -> [DatasetRecord] {
        guard case .array(let items) = try parse(withoutMark(bytes), file: file, firstLine: 1) else {
            throw DatasetError.malformed(
                file: file, line: 1, column: 1, message: "a JSON dataset is an array of objects or of strings")
        }
        return try items.enumerated().map { row, value in
            guard let fields = try? object(value, file: file, line: 1) else {
                throw DatasetError.unusable(
                    file: file, message: "item \(row) of the array is neither an object nor a string")
            }
            return DatasetRecord(row: row, line: 1, fields: fields)
        }
    }

    private static func readText(_ bytes: [UInt8], file: String) throws -> [DatasetRecord] {
        var records: [DatasetRecord] = []
        try forEachLine(bytes) { number, line in
            if isBlank(line) { return }
            records.append(try textRecord(row: records.count, line: number, line, file: file))
        }
        return records
    }

    private static func textRecord(
        row: Int, line: Int, _ bytes: ArraySlice<UInt8>, file: String
    ) throws -> DatasetRecord {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError.malformed(file: file, line: line, column: 0, message: "the text isn't valid UTF-8")
        }
        return DatasetRecord(row: row, line: line, fields: .object([(key: textColumn, value: .string(text))]))
    }

    private static func object(_ value: JSONValue, file: String, line: Int) throws -> JSONValue {
        switch value {
        case .object: return value
        case .string: return .object([(key: textColumn, value: value)])
        default:
            throw DatasetError.malformed(
                file: file, line: line, column: 1, message: "the line is neither a JSON object nor a string")
        }
    }

    /// Lines without their ends (LF or CRLF), numbered from 1; a byte order mark at the start is skipped.
    private static func forEachLine(_ bytes: [UInt8], _ body: (Int, ArraySlice<UInt8>) throws -> Void) throws {
        var rest = withoutMark(bytes)
        var number = 1
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var line = rest[rest.startIndex..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            try body(number, line)
            number += 1
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
        }
    }

    private static func withoutMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
    }
}
