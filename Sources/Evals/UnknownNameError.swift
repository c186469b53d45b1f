import Inference

/// A name that no registry entry has, with the nearest one that exists.
public struct UnknownNameError: Error, CustomStringConvertible, Sendable {
    /// `judge`, `evaluation`, `dataset`, `split of gsm8k`.
    public var kind: String
    public var name: String
    public var known: [String]

    public init(kind: String, name: String, known: [String]) {
        self.kind = kind
        self.name = name
        self.known = known
    }

    public var suggestion: String? { NearestName.suggestion(for: name, among: known) }

    public var description: String {
        let hint = suggestion.map { "; did you mean '\($0)'?" } ?? ""
        return "unknown \(kind) '\(name)'\(hint) Available: \(known.joined(separator: ", "))"
    }
}
