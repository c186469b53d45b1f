/// Every evaluation. A new one is one file and one line here.
public enum EvalRegistry {
    public static let all: [any Eval.Type] = [
        GSM8K.self,
        GSM8KLikelihood.self,
        KLDivergence.self,
        Refusal.self,
        OverRefusal.self,
    ]

    public static var names: [String] { all.map { $0.name } }

    /// The evaluation of that name, or an error with the nearest right one.
    public static func named(_ name: String) throws -> any Eval.Type {
        guard let eval = all.first(where: { $0.name == name }) else {
            throw UnknownNameError(kind: "evaluation", name: name, known: names)
        }
        return eval
    }
}
