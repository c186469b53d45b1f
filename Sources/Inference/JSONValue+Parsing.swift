import Foundation

/// What is wrong with a JSON text and where. `description` reads `tokenizer.json:12:5: …`.
public struct JSONError: Error, CustomStringConvertible, Sendable, Equatable {
    public var source: String
    public var line: Int
    /// In bytes, from 1.
    public var column: Int
    public var message: String

    public var description: String { "\(source):\(line):\(column): \(message)" }
}

extension JSONValue {
    /// Deepest nesting of arrays and objects that is read.
    static let depthLimit = 512

    /// Parses JSON (RFC 8259, in UTF-8). `NaN`, `Infinity` and `-Infinity` are read too, as Python's json writes them.
    /// Integers outside Int's range become doubles.
    public static func parse(_ bytes: [UInt8], source: String) throws(JSONError) -> JSONValue {
        var result: Result<JSONValue, JSONError> = .success(.null)
        bytes.withUnsafeBytes { buffer in
            do throws(JSONError) { result = .success(try parse(buffer, source: source)) } catch { result = .failure(error) }
        }
        return try result.get()
    }

    /// Parses bytes where they lie, such as a part of a mapped file.
    public static func parse(_ bytes: UnsafeRawBufferPointer, source: String) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes.assumingMemoryBound(to: UInt8.self), source: source)
        return try parser.document()
    }

    public static func parse(_ text: String, source: String) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), source: source)
    }

    public static func parse(contentsOf url: URL) throws -> JSONValue {
        try parse([UInt8](Data(contentsOf: url)), source: url.path)
    }
}

/// Recursive descent over bytes; positions are turned into line and column only for an error.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let source: String
    var at = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>, source: String) {
        self.bytes = bytes
        self.source = source
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
    }

    func fail(_ message: String, at position: Int? = nil) -> JSONError {
        let end = min(position ?? at, bytes.count)
        var line = 1
        var lineStart = 0
        for i in 0..<end where bytes[i] == 0x0A {
            line += 1
            lineStart = i + 1
        }
        return JSONError(source: source, line: line, column: end - lineStart + 1, message: message)
    }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        skipSpace()
        if at < bytes.count { throw fail("unexpected text after the JSON value") }
        return value
    }

    mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        guard at < bytes.count else { throw fail("the text ends where a value should be") }
        switch bytes[at] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): try word("true"); return .bool(true)
        case UInt8(ascii: "f"): try word("false"); return .bool(false)
        case UInt8(ascii: "n"): try word("null"); return .null
        case UInt8(ascii: "N"): try word("NaN"); return .double(.nan)
        case UInt8(ascii: "I"): try word("Infinity"); return .double(.infinity)
        case UInt8(ascii: "-"), 0x30...0x39: return try number()
        default: throw fail("unexpected character where a value should be")
        }
    }

    mutating func word(_ text: StaticString) throws(JSONError) {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { throw fail("expected '\(text)'") }
        for i in 0..<count where bytes[at + i] != text.utf8Start[i] { throw fail("expected '\(text)'") }
        at += count
    }

    mutating func enter() throws(JSONError) {
        depth += 1
        if depth > JSONValue.depthLimit { throw fail("nested deeper than \(JSONValue.depthLimit) levels") }
    }

    mutating func array() throws(JSONError) -> JSONValue {
        try enter()
        at += 1
        var items: [JSONValue] = []
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
            at += 1
            depth -= 1
            return .array(items)
        }
        while true {
            items.append(try value())
            skipSpace()
            guard at < bytes.count else { throw fail("the text ends inside an array") }
            if bytes[at] == UInt8(ascii: ",") { at += 1; continue }
            guard bytes[at] == UInt8(ascii: "]") else { throw fail("expected ',' or ']'") }
            at += 1
            depth -= 1
            return .array(items)
        }
    }

    mutating func object() throws(JSONError) -> JSONValue {
        try enter()
        at += 1
        var pairs: [(key: String, value: JSONValue)] = []
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
            at += 1
            depth -= 1
            return .object(pairs)
        }
        while true {
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw fail("expected a key in quotes") }
            let key = try string()
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw fail("expected ':' after a key") }
            at += 1
            pairs.append((key, try value()))
            skipSpace()
            guard at < bytes.count else { throw fail("the text ends inside an object") }
            if bytes[at] == UInt8(ascii: ",") { at += 1; continue }
            guard bytes[at] == UInt8(ascii: "}") else { throw fail("expected ',' or '}'") }
            at += 1
            depth -= 1
            return .object(pairs)
        }
    }

    mutating func string() throws(JSONError) -> String {
        let start = at
        at += 1
        let first = at
        // Most strings have no escapes: one pass finds the end, one decodes.
        while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 0x20 { at += 1 }
        guard at < bytes.count else { throw fail("a string does not end", at: start) }
        if bytes[at] == UInt8(ascii: "\"") {
            let slice = UnsafeBufferPointer(rebasing: bytes[first..<at])
            at += 1
            return try decode(slice, at: first)
        }
        var buffer = [UInt8](bytes[first..<at])
        while true {
            guard at < bytes.count else { throw fail("a string does not end", at: start) }
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                var result: Result<String, JSONError> = .success("")
                buffer.withUnsafeBufferPointer { pointer in
                    do throws(JSONError) { result = .success(try decode(pointer, at: first)) } catch { result = .failure(error) }
                }
                return try result.get()
            case UInt8(ascii: "\\"): try escape(into: &buffer)
            case 0..<0x20: throw fail("a control character must be escaped in a string")
            default:
                buffer.append(byte)
                at += 1
            }
        }
    }

    private func decode(_ slice: UnsafeBufferPointer<UInt8>, at position: Int) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw fail("a string is not UTF-8", at: position) }
        return text
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(JSONError) {
        guard at + 1 < bytes.count else { throw fail("a string ends inside an escape") }
        let kind = bytes[at + 1]
        at += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(kind)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hex()
            if (0xD800..<0xDC00).contains(code), at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                bytes[at + 1] == UInt8(ascii: "u")
            {
                let mark = at
                at += 2
                let low = try hex()
                if (0xDC00..<0xE000).contains(low) {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    at = mark
                }
            }
            // A lone surrogate has no UTF-8 form: the replacement character stands for it.
            let scalar = Unicode.Scalar(code) ?? "\u{FFFD}"
            buffer.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        default:
            at -= 2
            throw fail("unknown escape in a string")
        }
    }

    private mutating func hex() throws(JSONError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw fail("a string ends inside an escape") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[at]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw fail("expected four hexadecimal digits after \\u")
            }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }

    mutating func number() throws(JSONError) -> JSONValue {
        let start = at
        if bytes[at] == UInt8(ascii: "-") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "I") {
                try word("Infinity")
                return .double(-.infinity)
            }
        }
        guard at < bytes.count, (0x30...0x39).contains(bytes[at]) else { throw fail("expected a digit") }
        if bytes[at] == 0x30, at + 1 < bytes.count, (0x30...0x39).contains(bytes[at + 1]) {
            throw fail("a number must not start with 0")
        }
        var isInteger = true
        var value = 0
        var overflow = false
        let isNegative = bytes[start] == UInt8(ascii: "-")
        while at < bytes.count, (0x30...0x39).contains(bytes[at]) {
            let digit = Int(bytes[at] - 0x30)
            let (product, o1) = value.multipliedReportingOverflow(by: 10)
            let (sum, o2) = isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            overflow = overflow || o1 || o2
            value = sum
            at += 1
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            isInteger = false
            at += 1
            guard at < bytes.count, (0x30...0x39).contains(bytes[at]) else { throw fail("expected a digit after '.'") }
            while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at += 1 }
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            guard at < bytes.count, (0x30...0x39).contains(bytes[at]) else { throw fail("expected a digit in the exponent") }
            while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at += 1 }
        }
        if isInteger && !overflow { return .int(value) }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
        guard let number = Double(text) else { throw fail("not a number", at: start) }
        return .double(number)
    }
}
