import Inference

/// Norm-preserving biprojected abliteration (MPOA): the measured direction, projected by the harmless mean where it was
/// measured, is projected again by the harmless mean of the block it is applied to, and the matrix keeps its norms.
///
///     r_m  = normalize(r − (r·â_m) â_m)          at the measured index m
///     r_t  = normalize(r_m − (r_m·â_t) â_t)      at the edited block t
///     norm: row       W' = n ⊙ rownorm(Ŵ − α r_t r_tᵀ Ŵ)    as the blog post says (and Heretic "full", vauban)
///     norm: column    W' = (I − α r_t r_tᵀ) W diag(c)        as the author's code does since 2025-11-10
///
/// Both projections are done twice (two-pass Gram-Schmidt), in f64. h_m and h_t are residual streams at the *input* of
/// blocks m and t: jim-plus/llm-abliteration takes `hidden_states[t]` for both. The block adds to h_t, so this is the
/// stream its output is added to. Left out from the author's code: at its HEAD a second full projection makes
/// `--normpreserve` ignore the scale (here α means what the post says, at α = 1 they agree), and the quantile of the
/// winsorisation is per prompt and layer, not over a whole batch.
public struct Biprojected: Method {
    public static let name = "biprojected"
    public static let version = 1
    public static let summary = "Direction projected at the measured and at the edited layer; weight norms kept."
    public static let citation = Citation(
        "Lai (grimjim) 2025-11-06, Norm-Preserving Biprojected Abliteration",
        url: "https://huggingface.co/blog/grimjim/norm-preserving-biprojected-abliteration")

    public enum Norm: String, Hashable, Sendable, Codable, CaseIterable { case row, column }

    public struct Options: OptionsProtocol {
        public var norm = Norm.row
        public var measurement: Int?
        public var mapping: [LayerMapping]?
        public var alpha = 1.0
        public var firstLayer = 1
        public var lastLayer: Int?
        public var winsorization: Double? = 0.995
        public var components: [String]?

        public init() {}

        public static var help: [String: String] {
            [
                "norm": "row = keep each row's norm (the blog post), column = each column's (the author's code)",
                "measurement": "index i of h_i to measure at; default the highest quality "
                    + "snr × (1 − cos) × purity over 1…L−1",
                "mapping": "list of {layers: a-b, measurement: i, alpha: x}: which blocks use which h_i; "
                    + "in place of measurement, first_layer, last_layer",
                "alpha": "share of the component removed before norms are restored",
                "firstLayer": "first edited block",
                "lastLayer": "last edited block; default L−1",
                "winsorization": "quantile of |activation| per prompt and layer to clamp to; 1 = none",
                "components": "attn.o_proj, mlp.down_proj; default both",
            ]
        }

        public func validate() throws {
            if let mapping {
                try LayerMapping.validate(mapping)
                guard measurement == nil, firstLayer == Options().firstLayer, lastLayer == nil else {
                    throw OptionsError(
                        key: "mapping",
                        message: "says which blocks to edit; leave out measurement, first_layer, last_layer")
                }
            }
            if let measurement, measurement < 0 {
                throw OptionsError(key: "measurement", message: "\(measurement) is negative; indices run 0…L")
            }
            try OptionChecks.layers(layer: nil, first: firstLayer, last: lastLayer)
            try OptionChecks.alpha(alpha)
            try OptionChecks.winsorization(winsorization)
            try OptionChecks.components(components, allowed: WriterSelection.blockComponents)
        }
    }

    let options: Options

    public init(options: Options) throws {
        try options.validate()
        self.options = options
    }

    /// The index in 1…L−1 of the highest quality (the lowest on ties), with the quality of each.
    static func bestMeasurement(_ statistics: ContrastStatistics) throws -> (index: Int, profile: [LayerQuality]) {
        let last = max(statistics.layerCount - 1, 1)
        let profile = try (1...last).map { try LayerQuality(statistics, index: $0) }
        var best = profile[0]
        for candidate in profile where candidate.quality > best.quality { best = candidate }
        return (best.index, profile)
    }

    public func edits(in context: MethodContext) throws -> MethodResult {
        let weights = context.weights
        let statistics = try ContrastStatistics(
            context.contrast, weights: weights, winsorization: options.winsorization)
        var notes: [String: JSONValue] = ["norm": .string(options.norm.rawValue), "alpha": .double(options.alpha)]
        let assignments: [LayerAssignment]
        if let mapping = options.mapping {
            assignments = try LayerAssignment.resolve(
                mapping: mapping, alpha: options.alpha, layerCount: weights.layerCount)
        } else {
            let measurement: Int
            if let given = options.measurement {
                guard (0...weights.layerCount).contains(given) else {
                    throw MethodError.outOfRange(
                        option: "measurement", value: "\(given)", allowed: "0…\(weights.layerCount)")
                }
                measurement = given
            } else {
                let (best, profile) = try Self.bestMeasurement(statistics)
                measurement = best
                notes["quality"] = .array(profile.map(\.json))
            }
            assignments = try WriterSelection.layers(
                first: options.firstLayer, last: options.lastLayer, layerCount: weights.layerCount
            ).map { LayerAssignment(layer: $0, measurement: measurement, alpha: options.alpha) }
        }

        var measured: [Int: [Double]] = [:]
        for measurement in Set(assignments.map(\.measurement)) {
            measured[measurement] = try statistics.projectedDirection(measurement)
        }
        var perLayer: [Int: [Float]] = [:]
        for assignment in assignments {
            guard let direction = measured[assignment.measurement] else { continue }
            let again = try Directions.orthogonalized(
                direction, against: statistics.harmlessMean(assignment.layer), index: assignment.layer)
            perLayer[assignment.layer] = Directions.single(again)
        }
        var edits = WeightEdits()
        for (writer, assignment) in try LayerAssignment.writers(
            assignments, in: weights, components: options.components)
        {
            guard let assignment, let direction = perLayer[assignment.layer] else { continue }
            let alpha = Float(assignment.alpha)
            switch options.norm {
            case .row: edits.append(.projectPreservingRowNorms(alpha: alpha, direction: direction), to: writer)
            case .column: edits.append(.projectPreservingColumnNorms(alpha: alpha, direction: direction), to: writer)
            }
        }
        notes["measurements"] = .array(measured.keys.sorted().map { .int($0) })
        notes["edited_layers"] = .array(assignments.map { .int($0.layer) })
        notes["edited_matrices"] = .int(edits.edits.count)
        return MethodResult(edits: edits, notes: notes, directions: measured.mapValues(Directions.single))
    }
}
