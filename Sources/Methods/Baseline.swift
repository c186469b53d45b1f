import Inference

/// No edits: the control every other row is compared with.
public struct Baseline: Method {
    public typealias Options = NoOptions
    public static let name = "baseline"
    public static let version = 1
    public static let summary = "The original model: no edits."
    public static let citation = Citation("control")

    public init(options: NoOptions) throws {}

    public var needs: MethodNeeds { [] }

    public func edits(in context: MethodContext) throws -> MethodResult { MethodResult(edits: .none) }
}
