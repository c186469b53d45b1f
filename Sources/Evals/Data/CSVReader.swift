import Inference

/// Comma-separated values after RFC 4180: quoted fields may hold commas, doubled quotes and line ends; records end
/// with CRLF or LF; the first record names the columns. A leading byte order mark is skipped.
enum CSVReader {
    /// One object of strings per record. Lines of nothing are skipped where the file has more than one column.
    static func read(_ bytes: [UInt8], file: String) throws -> [DatasetRecord] {
        var scanner = Scanner(bytes: bytes, file: file)
        guard let header = try scanner.record() else {
            throw DatasetError.unusable(file: file, message: "the file is empty; its first line must name the columns")
        }
        let names = header.fields
        for (index, name) in names.enumerated()
        where names[..<index].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            throw DatasetError.malformed(file: file, line: 1, column: 0, message: "column '\(name)' is named twice")
        }
        var records: [DatasetRecord] = []
        while let record = try scanner.record() {
            if record.isBlank, names.count > 1 { continue }
            guard record.fields.count == names.count else {
                throw DatasetError.malformed(
                    file: file, line: record.line, column: 0,
                    message: "\(record.fields.count) fields, but the header names \(names.count) columns")
            }
            let pairs = zip(names, record.fields).map { (key: $0, value: JSONValue.string($1)) }
            records.append(DatasetRecord(row: records.count, line: record.line, fields: .object(pairs)))
        }
        return records
    }

    private struct Scanner {
        let bytes: [UInt8]
        let file: String
        var index: Int
        var line = 1
        var lineStart: Int

        init(bytes: [UInt8], file: String) {
            self.bytes = bytes
            self.file = file
            index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            lineStart = index
        }

        func error(_ message: String, line: Int? = nil, at position: Int? = nil) -> DatasetError {
            .malformed(
                file: file, line: line ?? self.line, column: (position ?? index) - lineStart + 1, message: message)
        }

        mutating func newLine() {
            line += 1
            lineStart = index
        }

        mutating func record() throws -> (fields: [String], line: Int, isBlank: Bool)? {
            guard index < bytes.count else { return nil }
            let firstLine = line
            let start = index
            var fields: [String] = []
            while true {
                fields.append(try field())
                guard index < bytes.count else { break }
                if bytes[index] == UInt8(ascii: ",") {
                    index += 1
                    continue
                }
                let end = index
                if bytes[index] == UInt8(ascii: "\r") { index += 1 }
                index += 1
                newLine()
                return (fields, firstLine, end == start)
            }
            return (fields, firstLine, index == start)
        }

        /// Reads one field and stops at the comma, the line end or the end of the file.
        mutating func field() throws -> String {
            var content: [UInt8] = []
            let start = index
            if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                let opening = (line: line, column: index - lineStart + 1)
                index += 1
                while true {
                    guard index < bytes.count else {
                        throw DatasetError.malformed(
                            file: file, line: opening.line, column: opening.column,
                            message: "a quoted field begins here and never ends")
                    }
                    let byte = bytes[index]
                    index += 1
                    if byte == UInt8(ascii: "\"") {
                        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { break }
                        index += 1
                    } else if byte == UInt8(ascii: "\n") {
                        newLine()
                    }
                    content.append(byte)
                }
                if index < bytes.count, bytes[index] != UInt8(ascii: ","), !isLineEnd(index) {
                    throw error("text after the closing quote; write a quote inside a field as \"\"")
                }
            } else {
                while index < bytes.count, bytes[index] != UInt8(ascii: ","), !isLineEnd(index) {
                    if bytes[index] == UInt8(ascii: "\"") {
                        throw error("a quote inside an unquoted field; quote the whole field and double the quote")
                    }
                    content.append(bytes[index])
                    index += 1
                }
            }
            guard let text = String(validating: content, as: UTF8.self) else {
                throw error("the field isn't valid UTF-8", at: start)
            }
            return text
        }

        func isLineEnd(_ position: Int) -> Bool {
            if bytes[position] == UInt8(ascii: "\n") { return true }
            return bytes[position] == UInt8(ascii: "\r")
                && (position + 1 == bytes.count || bytes[position + 1] == UInt8(ascii: "\n"))
        }
    }
}
