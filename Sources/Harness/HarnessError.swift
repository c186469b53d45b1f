/// What can go wrong in a run besides the suite, the model and the data.
public enum HarnessError: Error, CustomStringConvertible, Sendable {
    case unexpectedResponse(request: String)
    case needsPrompts(String, purpose: PromptPurpose)
    case overlappingPrompts(String)
    case unknownName(String)
    case unreadable(String, reason: String)

    public var description: String {
        switch self {
        case .unexpectedResponse(let request):
            "the engine answered a request of kind '\(request)' with another kind: this is a bug, please report it"
        case .needsPrompts(let who, let purpose):
            """
            \(who) needs harmful and harmless prompts of the '\(purpose.rawValue)' split: add them under 'prompts', as in \
            prompts: {harmful: {dataset: …, \(purpose.rawValue): "train[:128]"}, harmless: {…}}
            """
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .overlappingPrompts(let message), .unknownName(let message): message
        }
    }
}
