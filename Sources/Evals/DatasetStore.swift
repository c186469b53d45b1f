/// Finds datasets by name. (Contract stub: the Evals builder fills this in.)
public struct DatasetStore: Sendable {
    public init() {}
}
