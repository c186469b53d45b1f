import Inference

/// Single-pass directional ablation: one direction, the difference of means at one layer, is projected out of every
/// residual writer of a range of blocks.
///
///     r = normalize(μH_i − μA_i)        W' = W − α r rᵀ W
///
/// i = int(0.6 L) is the residual stream at the *input* of block i (`hidden_states[i]`), as in AUGMXNT/deccp and
/// Sumandora/remove-refusals-with-transformers; block 0 is left out as deccp does. Arithmetic in f64, where deccp
/// averages bf16 activations.
public struct DifferenceOfMeans: Method {
    public static let name = "difference-of-means"
    public static let version = 1
    public static let summary = "One difference-of-means direction, projected out of all writers of blocks 1…L−1."
    public static let citation = Citation(
        "Single-pass difference of means as in AUGMXNT/deccp and Sumandora/remove-refusals-with-transformers, after "
            + "Arditi et al. 2024, Refusal in Language Models Is Mediated by a Single Direction",
        url: "https://arxiv.org/abs/2406.11717")

    public struct Options: OptionsProtocol {
        public var layer: Int?
        public var alpha = 1.0
        public var firstLayer = 1
        public var lastLayer: Int?
        public var winsorization: Double?
        public var components: [String]?

        public init() {}

        public static var help: [String: String] {
            [
                "layer": "index i of h_i (0 = embeddings, i = input of block i) to measure at; default int(0.6 L)",
                "alpha": "share of the component removed: 1 removes it, 2 reflects it, negative strengthens it",
                "firstLayer": "first edited block",
                "lastLayer": "last edited block; default L−1",
                "winsorization": "quantile of |activation| per prompt and layer to clamp to, e.g. 0.995; default none",
                "components": "attn.o_proj, mlp.down_proj, embedding; default every writer inside the blocks",
            ]
        }

        public func validate() throws {
            try OptionChecks.layers(layer: layer, first: firstLayer, last: lastLayer)
            try OptionChecks.alpha(alpha)
            try OptionChecks.winsorization(winsorization)
            try OptionChecks.components(components)
        }
    }

    let options: Options

    public init(options: Options) throws {
        try options.validate()
        self.options = options
    }

    public func edits(in context: MethodContext) throws -> MethodResult {
        let layerCount = context.weights.layerCount
        let statistics = try ContrastStatistics(
            context.contrast, weights: context.weights, winsorization: options.winsorization)
        let index = try WriterSelection.measuredIndex(options.layer, layerCount: layerCount)
        let layers = try WriterSelection.layers(
            first: options.firstLayer, last: options.lastLayer, layerCount: layerCount)
        let writers = try WriterSelection(context.weights, layers: layers, components: options.components).writers
        let direction = Directions.single(try statistics.direction(index))
        var edits = WeightEdits()
        for writer in writers { edits.append(.project(alpha: Float(options.alpha), direction: direction), to: writer) }
        return MethodResult(
            edits: edits,
            notes: try Notes.edited(writers, layers: layers).merging(
                [
                    "layer": .int(index), "alpha": .double(options.alpha),
                    "measured": LayerQuality(statistics, index: index).json,
                ]) { $1 },
            directions: [index: direction])
    }
}

/// Facts that several methods note.
enum Notes {
    static func edited(_ writers: [ResidualWriter], layers: ClosedRange<Int>) -> [String: JSONValue] {
        [
            "first_layer": .int(layers.lowerBound), "last_layer": .int(layers.upperBound),
            "edited_matrices": .int(writers.count),
        ]
    }
}
