import Inference

/// Per-layer statistics of the residual stream at the last prompt token, for harmful and harmless prompts: what every
/// direction is computed from. Index i runs over 0…L: h_i of DESIGN 4, raw (before the final norm).
public struct Contrast: Sendable {
    /// (L + 1, d_model) means in f64.
    public var harmfulMeans: [[Double]]
    public var harmlessMeans: [[Double]]
    /// Activations as measured, (prompts, L + 1, d_model), for winsorisation, geometry and subspace methods.
    public var harmful: [[[Float]]]
    public var harmless: [[[Float]]]
    /// The same at i = L after the final norm, which `heretic` alone uses: (prompts, d_model).
    public var harmfulFinalNormed: [[Float]]
    public var harmlessFinalNormed: [[Float]]

    /// - Parameters: activations as (prompts, L + 1, d_model); at least one prompt of each class.
    public init(
        harmful: [[[Float]]], harmless: [[[Float]]], harmfulFinalNormed: [[Float]], harmlessFinalNormed: [[Float]]
    ) {
        self.harmful = harmful
        self.harmless = harmless
        self.harmfulFinalNormed = harmfulFinalNormed
        self.harmlessFinalNormed = harmlessFinalNormed
        self.harmfulMeans = Self.means(harmful)
        self.harmlessMeans = Self.means(harmless)
    }

    /// Means over prompts in f64: (prompts, layers, d) → (layers, d).
    static func means(_ activations: [[[Float]]]) -> [[Double]] {
        guard let first = activations.first else { return [] }
        var sums = first.map { [Double](repeating: 0, count: $0.count) }
        for prompt in activations {
            for (layer, vector) in prompt.enumerated() {
                for (j, value) in vector.enumerated() { sums[layer][j] += Double(value) }
            }
        }
        let scale = 1 / Double(activations.count)
        return sums.map { $0.map { $0 * scale } }
    }
}
