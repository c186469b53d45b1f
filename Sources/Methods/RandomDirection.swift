import Inference

/// The control for "any edit of this size would do": a random unit vector projected out of the writers that
/// `difference-of-means` edits, each edit as large as there.
///
/// The direction is Gaussian, normalised, from (seed, draw). With `match_norm` each writer's α is chosen so that
///
///     ‖α_g g gᵀ W‖_F = ‖α r rᵀ W‖_F,   that is   α_g = α ‖rᵀ W‖ / ‖gᵀ W‖,
///
/// r and α being those of `difference-of-means` with the same options. A trained matrix writes more along r than along
/// a random direction, so α_g usually exceeds 1: the component is then over-subtracted (its sign turns), which is what
/// an edit of that size must do. `max_alpha` caps it where that is not wanted; the notes then say how many writers were
/// capped and how much smaller the edit is.
public struct RandomDirection: Method {
    public static let name = "random-direction"
    public static let version = 1
    public static let summary = "A random direction, projected out with the same ‖ΔW‖ as difference-of-means."
    public static let citation = Citation(
        "Control. Random directions can matter: Korznikov et al. 2025, The Rogue Scalpel",
        url: "https://arxiv.org/abs/2509.22067")

    public struct Options: OptionsProtocol {
        public var draw = 0
        public var matchNorm = true
        public var maxAlpha: Double?
        public var layer: Int?
        public var alpha = 1.0
        public var firstLayer = 1
        public var lastLayer: Int?
        public var winsorization: Double?
        public var components: [String]?

        public init() {}

        public static var help: [String: String] {
            var help = DifferenceOfMeans.Options.help
            help["draw"] = "which random direction of the suite's seed: 0, 1, 2 … give independent controls"
            help["matchNorm"] = "scale each writer's edit to the Frobenius norm of difference-of-means; else use alpha"
            help["maxAlpha"] = "upper limit of the scaled alpha of a writer; default none"
            help["layer"] = "index i of h_i of the difference-of-means edit to match; default int(0.6 L)"
            help["alpha"] = "alpha of the difference-of-means edit to match (or of this edit, without match_norm)"
            help["winsorization"] = "as in difference-of-means, for the edit to match"
            return help
        }

        public func validate() throws {
            guard draw >= 0 else { throw OptionsError(key: "draw", message: "\(draw) is negative; count from 0") }
            if let maxAlpha {
                guard matchNorm else {
                    throw OptionsError(key: "maxAlpha", message: "limits a matched alpha; it needs match_norm: true")
                }
                guard maxAlpha.isFinite, maxAlpha > 0 else {
                    throw OptionsError(key: "maxAlpha", message: "must be positive, not \(maxAlpha)")
                }
            }
            try reference.validate()
        }

        /// The difference-of-means edit to match.
        var reference: DifferenceOfMeans.Options {
            var options = DifferenceOfMeans.Options()
            options.layer = layer
            options.alpha = alpha
            options.firstLayer = firstLayer
            options.lastLayer = lastLayer
            options.winsorization = winsorization
            options.components = components
            return options
        }
    }

    let options: Options

    public init(options: Options) throws {
        try options.validate()
        self.options = options
    }

    /// The unit vector of one draw.
    public static func direction(size: Int, seed: UInt64, draw: Int) throws -> [Double] {
        var generator = SeededGenerator(seed, UInt64(bitPattern: Int64(draw)), 0x72616E64)
        var v = [Double](repeating: 0, count: size)
        for j in 0..<size { v[j] = generator.gaussian() }
        return try Directions.normalized(v, index: 0)
    }

    public func edits(in context: MethodContext) throws -> MethodResult {
        let weights = context.weights
        let layers = try WriterSelection.layers(
            first: options.firstLayer, last: options.lastLayer, layerCount: weights.layerCount)
        let writers = try WriterSelection(weights, layers: layers, components: options.components).writers
        let random = try Self.direction(size: weights.hiddenSize, seed: context.seed, draw: options.draw)
        let direction = Directions.single(random)
        var edits = WeightEdits()
        var notes = Notes.edited(writers, layers: layers)
        notes["draw"] = .int(options.draw)
        guard options.matchNorm else {
            for writer in writers {
                edits.append(.project(alpha: Float(options.alpha), direction: direction), to: writer)
            }
            notes["alpha"] = .double(options.alpha)
            return MethodResult(edits: edits, notes: notes, directions: [:])
        }

        let statistics = try ContrastStatistics(
            context.contrast, weights: weights, winsorization: options.winsorization)
        let index = try WriterSelection.measuredIndex(options.layer, layerCount: weights.layerCount)
        let reference = try statistics.direction(index)
        var matched = 0.0
        var own = 0.0
        var alphas: [Double] = []
        var capped = 0
        for writer in writers {
            let matrix = try WriterMatrix(writer, in: weights)
            let target = options.alpha * Directions.norm(matrix.projection(on: reference))
            let component = Directions.norm(matrix.projection(on: random))
            guard target.isFinite, component.isFinite else {
                throw MethodError.unsupportedWriter("\(writer) has weights that are not finite")
            }
            var alpha = component > 0 ? target / component : 0
            if let limit = options.maxAlpha, abs(alpha) > limit {
                alpha = alpha < 0 ? -limit : limit
                capped += 1
            }
            alphas.append(alpha)
            matched += target * target
            own += (alpha * component) * (alpha * component)
            edits.append(.project(alpha: Float(alpha), direction: direction), to: writer)
        }
        notes["matched_layer"] = .int(index)
        notes["difference_of_means_frobenius_norm"] = .double(matched.squareRoot())
        notes["frobenius_norm"] = .double(own.squareRoot())
        notes["alpha_min"] = .double(alphas.min() ?? 0)
        notes["alpha_mean"] = .double(alphas.reduce(0, +) / Double(max(alphas.count, 1)))
        notes["alpha_max"] = .double(alphas.max() ?? 0)
        notes["capped_matrices"] = .int(capped)
        notes["cosine_with_difference_of_means"] = .double(Directions.dot(random, reference))
        return MethodResult(edits: edits, notes: notes, directions: [:])
    }
}
