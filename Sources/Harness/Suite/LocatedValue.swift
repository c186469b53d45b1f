import Foundation
import Inference
import Yams

/// A value of a suite file with the place it stands at, so that every complaint can name file, line and column.
public struct LocatedValue: Sendable {
    /// Where a value comes from: a line and column of the suite, or a flag such as `--set`.
    public enum Place: Hashable, Sendable {
        case file(line: Int, column: Int)
        case flag(String)
    }

    public enum Content: Sendable {
        case null
        case bool(Bool)
        case int(Int)
        case double(Double)
        case string(String)
        case list([LocatedValue])
        case map([(key: String, keyPlace: Place, value: LocatedValue)])
    }

    public var content: Content
    public var place: Place

    public init(_ content: Content, at place: Place) {
        self.content = content
        self.place = place
    }

    /// In words, for "expected a number, found a list".
    var kind: String {
        switch content {
        case .null: "nothing"
        case .bool: "a truth value"
        case .int, .double: "a number"
        case .string(let s): "the text \"\(s.count > 40 ? String(s.prefix(40)) + "…" : s)\""
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    /// The same without places.
    public var json: JSONValue {
        switch content {
        case .null: .null
        case .bool(let b): .bool(b)
        case .int(let i): .int(i)
        case .double(let d): .double(d)
        case .string(let s): .string(s)
        case .list(let items): .array(items.map(\.json))
        case .map(let pairs): .object(pairs.map { ($0.key, $0.value.json) })
        }
    }
}

/// What is wrong with a suite and where. `description` reads `suites/quick.yaml:12:5: …`.
public struct SuiteError: Error, CustomStringConvertible, Sendable {
    public var source: String
    public var place: LocatedValue.Place?
    public var message: String

    public init(source: String, place: LocatedValue.Place?, message: String) {
        self.source = source
        self.place = place
        self.message = message
    }

    public var description: String {
        switch place {
        case .file(let line, let column)?: "\(source):\(line):\(column): \(message)"
        case .flag(let flag)?: "\(flag): \(message)"
        case nil: "\(source): \(message)"
        }
    }
}

extension LocatedValue {
    /// Parses YAML 1.1/1.2 scalars as their plain style says. Anchors, aliases and merge keys are refused: a suite is
    /// read by people, and its text is stored as provenance.
    static func parse(yaml text: String, source: String) throws -> LocatedValue {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw SuiteError(source: source, place: nil, message: "not valid YAML: \(error)")
        }
        guard let node else { throw SuiteError(source: source, place: nil, message: "the file is empty") }
        return try LocatedValue(node: node, source: source)
    }

    private init(node: Node, source: String) throws {
        let place = Place.file(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        switch node {
        case .alias:
            throw SuiteError(source: source, place: place, message: "aliases (*name) are not allowed in suites")
        case .sequence(let sequence):
            self.init(.list(try sequence.map { try LocatedValue(node: $0, source: source) }), at: place)
        case .mapping(let mapping):
            var pairs: [(key: String, keyPlace: Place, value: LocatedValue)] = []
            for (key, value) in mapping {
                let keyPlace = Place.file(line: key.mark?.line ?? 1, column: key.mark?.column ?? 1)
                guard case .scalar(let scalar) = key else {
                    throw SuiteError(source: source, place: keyPlace, message: "a key must be plain text")
                }
                pairs.append((scalar.string, keyPlace, try LocatedValue(node: value, source: source)))
            }
            self.init(.map(pairs), at: place)
        case .scalar(let scalar):
            self.init(Self.scalar(node, scalar), at: place)
        }
    }

    private static func scalar(_ node: Node, _ scalar: Node.Scalar) -> Content {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        switch node.tag.description {
        case Tag.Name.null.rawValue: return .null
        case Tag.Name.bool.rawValue: return Bool.construct(from: scalar).map(Content.bool) ?? .string(scalar.string)
        // YAML reads 0x10 and 1_000 as integers too; digits with a leading zero stay text (a hash, a name).
        case Tag.Name.int.rawValue: return Int.construct(from: scalar).map(Content.int) ?? .string(scalar.string)
        case Tag.Name.float.rawValue: return Double.construct(from: scalar).map(Content.double) ?? .string(scalar.string)
        default:
            // YAML 1.1 wants a dot in floats: `1e-3` would be text.
            if let number = Double(scalar.string), scalar.string.contains(where: { $0 == "e" || $0 == "E" }),
                scalar.string.first.map({ $0.isNumber || $0 == "-" || $0 == "+" || $0 == "." }) == true
            {
                return .double(number)
            }
            return .string(scalar.string)
        }
    }
}
