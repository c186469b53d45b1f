/// Something that answers requests: the engine, or a canned double in tests.
public protocol Responder: Sendable {
    /// Answers every request with the model edited by `edits`. `onResponse` is called once per request, in order of
    /// completion, from the calling thread; what it throws ends the run. `decided` is asked now and then with the text
    /// generated so far, and ends that generation early by answering true.
    func respond(
        to requests: [ModelRequest], edits: WeightEdits,
        decided: (@Sendable (_ index: Int, _ text: String) -> Bool)?,
        onResponse: (_ index: Int, ModelResponse) throws -> Void) throws
}

extension Responder {
    /// All responses, in the order of the requests.
    public func responses(to requests: [ModelRequest], edits: WeightEdits = .none) throws -> [ModelResponse] {
        var responses = [ModelResponse?](repeating: nil, count: requests.count)
        try respond(to: requests, edits: edits, decided: nil) { responses[$0] = $1 }
        return responses.compactMap { $0 }
    }
}
