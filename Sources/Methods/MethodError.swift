/// Why a method could not give edits. Each says what, where, and the next step.
public enum MethodError: Error, Hashable, Sendable {
    /// The two classes do not differ at h_index, or what is left of a direction after a projection is nothing.
    case degenerateDirection(index: Int, reason: String)
    /// A NaN or an infinity in the activations (or a mean) at h_index.
    case nonFinite(index: Int, what: String)
    /// Activations and model do not fit together.
    case contrastShape(String)
    /// An option names a layer or index the model does not have.
    case outOfRange(option: String, value: String, allowed: String)
    /// A matrix the method should edit and cannot.
    case unsupportedWriter(String)
    /// A search without a search split.
    case needsSearch(method: String)
    /// The journal belongs to another search.
    case journalMismatch(String)
    case unknownMethod(name: String, nearest: String?, known: [String])
}

extension MethodError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .degenerateDirection(let index, let reason):
            "no direction at index \(index) (h_\(index) of the residual stream): \(reason). Choose another layer, or "
                + "look at `abench geometry MODEL`."
        case .nonFinite(let index, let what):
            "\(what) at index \(index) (h_\(index) of the residual stream) is not finite. Check the checkpoint with "
                + "`abench inspect`, or run with `--precision f32`."
        case .contrastShape(let message): "contrast activations: \(message)"
        case .outOfRange(let option, let value, let allowed): "\(option): \(value) is not in \(allowed) for this model"
        case .unsupportedWriter(let message): message
        case .needsSearch(let method):
            "`\(method)` searches, and there is no search split here. Give the suite `search:` prompts, or give "
                + "`parameters:` to apply one edit without a search."
        case .journalMismatch(let message): "the search journal does not fit: \(message). Start afresh with `--fresh`."
        case .unknownMethod(let name, let nearest, let known):
            "unknown method `\(name)`." + (nearest.map { " Did you mean `\($0)`?" } ?? "")
                + " Known: \(known.joined(separator: ", "))."
        }
    }
}
