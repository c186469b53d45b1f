// A JSON value for what the database keeps as text: options, parameters, hashes. Not a general JSON library: it exists
// because keys must be the same text on every platform and Foundation's encoder promises neither order nor spelling.
import Crypto
import Foundation

/// A JSON value whose objects keep their order.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([JSONMember])

    /// An object from pairs in the order given.
    public static func object(_ pairs: (String, JSON)...) -> JSON {
        .object(pairs.map { JSONMember(key: $0.0, value: $0.1) })
    }

    /// A number, or null for nil and for values JSON cannot spell (NaN, infinities).
    public static func number(_ value: Double?) -> JSON {
        guard let value, value.isFinite else { return .null }
        return .double(value)
    }

    public static func text(_ value: String?) -> JSON { value.map(JSON.string) ?? .null }
    public static func integer(_ value: Int?) -> JSON { value.map(JSON.int) ?? .null }
    public static func flag(_ value: Bool?) -> JSON { value.map(JSON.bool) ?? .null }

    /// The value of an object's key (the last one when a key is repeated), or nil.
    public subscript(_ key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }

    /// What any `Encodable` looks like as JSON.
    public init(encoding value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let data = try encoder.encode(value)
        self = try JSON(parsing: String(decoding: data, as: UTF8.self))
    }

    /// Decodes a Codable type from this value.
    public func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(canonical.utf8))
    }
}

/// One key and value of a JSON object.
public struct JSONMember: Hashable, Sendable {
    public var key: String
    public var value: JSON

    public init(key: String, value: JSON) {
        self.key = key
        self.value = value
    }
}

// MARK: - ExpressibleByStringLiteral

extension JSON: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
}

// MARK: - Writing

extension JSON {
    /// The one spelling that keys are hashed from: no spaces, keys sorted by their UTF-8 bytes, members that are null
    /// left out (so an option added later with a nil default changes no key), integral doubles as integers, other
    /// doubles in shortest round-trip form, only `"`, `\` and control characters escaped.
    public var canonical: String {
        var out = ""
        write(to: &out, canonical: true, indent: nil)
        return out
    }

    /// Indented by two spaces, keys in their own order, nulls kept; ends with a newline.
    public var pretty: String {
        var out = ""
        write(to: &out, canonical: false, indent: 0)
        out += "\n"
        return out
    }

    private func write(to out: inout String, canonical: Bool, indent: Int?) {
        switch self {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .int(let value): out += String(value)
        case .double(let value): out += Self.spell(value)
        case .string(let value): Self.quote(value, to: &out)
        case .array(let values):
            Self.list(values, "[", "]", to: &out, indent: indent) {
                $0.write(to: &$1, canonical: canonical, indent: $2)
            }
        case .object(let members):
            var members = members
            if canonical {
                members = members.filter { $0.value != .null }
                members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            }
            Self.list(members, "{", "}", to: &out, indent: indent) { member, out, indent in
                Self.quote(member.key, to: &out)
                out += indent == nil ? ":" : ": "
                member.value.write(to: &out, canonical: canonical, indent: indent)
            }
        }
    }

    private static func list<T>(
        _ items: [T], _ open: String, _ close: String, to out: inout String, indent: Int?,
        item: (T, inout String, Int?) -> Void
    ) {
        out += open
        for (i, element) in items.enumerated() {
            if i > 0 { out += "," }
            if let indent { out += "\n" + String(repeating: " ", count: indent + 2) }
            item(element, &out, indent.map { $0 + 2 })
        }
        if let indent, !items.isEmpty { out += "\n" + String(repeating: " ", count: indent) }
        out += close
    }

    /// Shortest text that reads back as the same double; integral values below 2⁵³ without a fraction.
    static func spell(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return String(Int64(value)) }
        return "\(value)"
    }

    private static func quote(_ text: String, to out: inout String) {
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..."\u{1F}":
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits.
public func sha256Hex(_ bytes: some DataProtocol) -> String {
    let digits = Array("0123456789abcdef".unicodeScalars)
    var out = String.UnicodeScalarView()
    for byte in SHA256.hash(data: bytes) {
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
    }
    return String(out)
}

/// SHA-256 of a text's UTF-8 bytes.
public func sha256Hex(_ text: String) -> String { sha256Hex(Array(text.utf8)) }
