import Foundation

extension JSONValue {
    /// JSON text. Numbers as Python spells them (`1.0`, `1e-05`, `NaN`). With `sortedKeys` and without `pretty`, a canonical
    /// form for hashing.
    public func serialized(sortedKeys: Bool = false, pretty: Bool = false) -> String {
        var out = ""
        write(to: &out, sortedKeys: sortedKeys, indent: pretty ? 0 : nil)
        return out
    }

    private func write(to out: inout String, sortedKeys: Bool, indent: Int?) {
        switch self {
        case .null: out += "null"
        case .bool(let b): out += b ? "true" : "false"
        case .int(let i): out += String(i)
        case .double(let d): out += Self.spelling(of: d)
        case .string(let s): Self.write(s, to: &out)
        case .array(let items):
            Self.list(items.count, "[", "]", indent, &out) { index, inner, out in
                items[index].write(to: &out, sortedKeys: sortedKeys, indent: inner)
            }
        case .object(var pairs):
            if sortedKeys { pairs.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
            Self.list(pairs.count, "{", "}", indent, &out) { index, inner, out in
                Self.write(pairs[index].key, to: &out)
                out += inner == nil ? ":" : ": "
                pairs[index].value.write(to: &out, sortedKeys: sortedKeys, indent: inner)
            }
        }
    }

    private static func list(
        _ count: Int, _ open: String, _ close: String, _ indent: Int?, _ out: inout String,
        _ element: (Int, Int?, inout String) -> Void
    ) {
        out += open
        for index in 0..<count {
            if index > 0 { out += "," }
            if let indent { out += "\n" + String(repeating: "  ", count: indent + 1) }
            element(index, indent.map { $0 + 1 }, &out)
        }
        if let indent, count > 0 { out += "\n" + String(repeating: "  ", count: indent) }
        out += close
    }

    private static func write(_ text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20: out += "\\u" + String(format: "%04x", scalar.value)
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }

    /// A double as Python's `repr` spells it: the shortest digits that read back as the same value, in positional
    /// notation from 1e-4 up to 1e16, with an exponent of at least two digits outside.
    package static func spelling(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
        // Swift's description has the shortest digits too; only the notation differs.
        var digits: [UInt8] = []
        var exponent = 0
        var pointAt: Int?
        var spelt = Substring(abs(value).description)
        if let e = spelt.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(spelt[spelt.index(after: e)...]) ?? 0
            spelt = spelt[..<e]
        }
        for byte in spelt.utf8 {
            if byte == UInt8(ascii: ".") { pointAt = digits.count } else { digits.append(byte) }
        }
        // value = 0.d1d2d3… × 10^point
        var point = (pointAt ?? digits.count) + exponent
        while let first = digits.first, first == UInt8(ascii: "0"), digits.count > 1 {
            digits.removeFirst()
            point -= 1
        }
        while let last = digits.last, last == UInt8(ascii: "0"), digits.count > 1 { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        func text(_ part: ArraySlice<UInt8>) -> String { String(decoding: part, as: UTF8.self) }
        if point > 16 || point < -3 {
            let power = point - 1
            let fraction = digits.count > 1 ? "." + text(digits[1...]) : ""
            let magnitude = abs(power) < 10 ? "0\(abs(power))" : "\(abs(power))"
            return "\(sign)\(text(digits[..<1]))\(fraction)e\(power < 0 ? "-" : "+")\(magnitude)"
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text(digits[...]) }
        if point >= digits.count {
            return sign + text(digits[...]) + String(repeating: "0", count: point - digits.count) + ".0"
        }
        return sign + text(digits[..<point]) + "." + text(digits[point...])
    }
}

extension JSONValue: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            // A decoder's keys come in no particular order; theirs is the order of their bytes.
            let keys = container.allKeys.sorted { $0.stringValue.utf8.lexicographicallyPrecedes($1.stringValue.utf8) }
            self = .object(try keys.map { ($0.stringValue, try container.decode(JSONValue.self, forKey: $0)) })
            return
        }
        if var container = try? decoder.unkeyedContainer() {
            var items: [JSONValue] = []
            while !container.isAtEnd { items.append(try container.decode(JSONValue.self)) }
            self = .array(items)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let b = try? container.decode(Bool.self) {
            self = .bool(b)
        } else if let i = try? container.decode(Int.self) {
            self = .int(i)
        } else if let d = try? container.decode(Double.self) {
            self = .double(d)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let pairs):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in pairs { try container.encode(value, forKey: Key(stringValue: key)) }
        case .array(let items):
            var container = encoder.unkeyedContainer()
            for item in items { try container.encode(item) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let b):
            var container = encoder.singleValueContainer()
            try container.encode(b)
        case .int(let i):
            var container = encoder.singleValueContainer()
            try container.encode(i)
        case .double(let d):
            var container = encoder.singleValueContainer()
            try container.encode(d)
        case .string(let s):
            var container = encoder.singleValueContainer()
            try container.encode(s)
        }
    }
}
