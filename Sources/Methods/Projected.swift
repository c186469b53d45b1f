import Inference

/// Projected abliteration: what the direction has along the harmless mean of the measured layer stays in the model.
///
///     r = normalize(μH_m − μA_m)     r' = normalize(r − (r·â) â),  â = normalize(μA_m)     W' = W − α r' r'ᵀ W
///
/// h_m is the residual stream at the *input* of block m, as jim-plus/llm-abliteration measures it (`hidden_states[m]`).
/// The projection is done twice (two-pass Gram-Schmidt), in f64. The author's Gemma-3-12B recipe is
/// `winsorization: 0.995, mapping: [{layers: 11-23, measurement: 23}, {layers: 24-41, measurement: 29}]`.
public struct Projected: Method {
    public static let name = "projected"
    public static let version = 1
    public static let summary = "Difference of means without its component along the harmless mean, projected out."
    public static let citation = Citation(
        "Lai (grimjim) 2025-10-25, Projected Abliteration",
        url: "https://huggingface.co/blog/grimjim/projected-abliteration")

    public struct Options: OptionsProtocol {
        public var layer: Int?
        public var mapping: [LayerMapping]?
        public var alpha = 1.0
        public var firstLayer = 1
        public var lastLayer: Int?
        public var winsorization: Double?
        public var components: [String]?

        public init() {}

        public static var help: [String: String] {
            var help = DifferenceOfMeans.Options.help
            help["mapping"] =
                "list of {layers: a-b, measurement: i, alpha: x}: which blocks use which h_i; "
                + "in place of layer, first_layer, last_layer"
            return help
        }

        public func validate() throws {
            if let mapping {
                try LayerMapping.validate(mapping)
                guard layer == nil, firstLayer == Options().firstLayer, lastLayer == nil else {
                    throw OptionsError(
                        key: "mapping", message: "says which blocks to edit; leave out layer, first_layer, last_layer")
                }
                guard components?.contains("embedding") != true else {
                    throw OptionsError(key: "components", message: "`embedding` has no entry in a mapping")
                }
            }
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
        let weights = context.weights
        let statistics = try ContrastStatistics(
            context.contrast, weights: weights, winsorization: options.winsorization)
        let assignments: [LayerAssignment]
        let index = try WriterSelection.measuredIndex(options.layer, layerCount: weights.layerCount)
        if let mapping = options.mapping {
            assignments = try LayerAssignment.resolve(
                mapping: mapping, alpha: options.alpha, layerCount: weights.layerCount)
        } else {
            assignments = try WriterSelection.layers(
                first: options.firstLayer, last: options.lastLayer, layerCount: weights.layerCount
            ).map { LayerAssignment(layer: $0, measurement: index, alpha: options.alpha) }
        }
        var directions: [Int: [Float]] = [:]
        var measured: [JSONValue] = []
        for measurement in Set(assignments.map(\.measurement)).sorted() {
            directions[measurement] = Directions.single(try statistics.projectedDirection(measurement))
            measured.append(try LayerQuality(statistics, index: measurement).json)
        }
        var edits = WeightEdits()
        for (writer, assignment) in try LayerAssignment.writers(
            assignments, in: weights, components: options.components)
        {
            guard let direction = directions[assignment?.measurement ?? index] else { continue }
            let alpha = Float(assignment?.alpha ?? options.alpha)
            edits.append(.project(alpha: alpha, direction: direction), to: writer)
        }
        return MethodResult(
            edits: edits,
            notes: [
                "alpha": .double(options.alpha), "edited_layers": .array(assignments.map { .int($0.layer) }),
                "edited_matrices": .int(edits.edits.count), "measured": .array(measured),
            ],
            directions: directions)
    }
}
