import Inference

/// Heretic 1.4.0 (p-e-w/heretic, tag v1.4.0, 2026-06-14): directional ablation with a weight that rises and falls over
/// the blocks, its ten parameters found by multi-objective TPE against refusals and KL.
///
///     r_i  = normalize(b_i − g_i), then normalize(r_i − (r_i·ĝ_i) ĝ_i) with orthogonalize_direction
///     v    = per layer: r_{l+1} (the stream after block l)
///            global: normalize(lerp(r_k, r_{k+1}, t)), k + t = direction_index + 1
///     w(l) = M + (|l − p| / d) (m − M) where |l − p| ≤ d, nothing beyond
///     none W' = W − w v vᵀW      pre  W' = W − w n⊙v vᵀŴ      full W' = n ⊙ rownorm(Ŵ − w v vᵀŴ)
///
/// Index L is the state after the final norm, as the source gets it. What differs from 1.4.0, on purpose: arithmetic is
/// f64; `full` is exact where Heretic keeps the rank-3 part of the change (`rank: 3` gives that, see
/// `LowRankTruncation`); all experts and shared experts of a mixture are edited, where PEFT cannot wrap fused ones;
/// biases of writers are projected with `none`; prompts, splits and refusal judge are the suite's; and the trial is
/// picked by `kl_budget`, where Heretic asks its user.
public struct Heretic: Method {
    public static let name = "heretic"
    public static let version = 1
    public static let summary = "Ablation weights over layers found by TPE against refusals and KL (Heretic 1.4.0)."
    public static let citation = Citation(
        "Weidmann (p-e-w), Heretic 1.4.0", url: "https://github.com/p-e-w/heretic/releases/tag/v1.4.0")

    /// `none`, `pre` and `full` of Heretic's `row_normalization`.
    public enum RowNormalization: String, Hashable, Sendable, Codable, CaseIterable { case none, pre, full }

    public struct Options: OptionsProtocol {
        public var trials = 200
        public var startupTrials = 60
        public var candidates = 128
        public var klTarget = 0.01
        public var klScale = 1.0
        public var klBudget = 0.1
        public var orthogonalizeDirection = true
        public var rowNormalization = RowNormalization.full
        public var rank: Int?
        public var winsorization: Double?
        public var parameters: HereticParameters?

        public init() {}

        public static var help: [String: String] {
            [
                "trials": "trials in all (Heretic's n_trials)",
                "startupTrials": "uniform random trials before TPE models them (n_startup_trials)",
                "candidates": "points drawn per trial from the better density (n_ei_candidates)",
                "klTarget": "below this KL the first objective follows refusals, so that doing nothing does not pay",
                "klScale": "KL divided by this is the first objective",
                "klBudget": "the trial taken has the fewest refusals among those with search KL ≤ this, in nats",
                "orthogonalizeDirection": "project the harmless mean out of each layer's direction",
                "rowNormalization": "none, pre (ablate with unit rows) or full (and keep every row's norm)",
                "rank": "with full: keep only this rank of the change; 3 is Heretic's approximation; default exact",
                "winsorization": "quantile of |activation| per prompt and layer to clamp to (winsorization_quantile)",
                "parameters": "a trial's numbers as Heretic prints them: {direction_index: x or null, attn.o_proj: "
                    + "{max_weight, max_weight_position, min_weight, min_weight_distance}, mlp.down_proj: {…}}; "
                    + "applies that one edit without a search",
            ]
        }

        public func validate() throws {
            guard trials >= 1 else { throw OptionsError(key: "trials", message: "must be at least 1, not \(trials)") }
            guard startupTrials >= 1 else {
                throw OptionsError(key: "startupTrials", message: "must be at least 1, not \(startupTrials)")
            }
            guard candidates >= 1 else {
                throw OptionsError(key: "candidates", message: "must be at least 1, not \(candidates)")
            }
            for (key, value) in [("klTarget", klTarget), ("klBudget", klBudget)] where !(value >= 0 && value.isFinite) {
                throw OptionsError(key: key, message: "must be a number of nats ≥ 0, not \(value)")
            }
            guard klScale > 0, klScale.isFinite else {
                throw OptionsError(key: "klScale", message: "must be positive, not \(klScale)")
            }
            if let rank {
                guard rowNormalization == .full else {
                    throw OptionsError(key: "rank", message: "only row_normalization: full has a rank to keep")
                }
                guard rank >= 1 else { throw OptionsError(key: "rank", message: "must be at least 1, not \(rank)") }
            }
            try OptionChecks.winsorization(winsorization)
            try parameters?.validate()
        }
    }

    let options: Options

    public init(options: Options) throws {
        try options.validate()
        self.options = options
    }

    public var needs: MethodNeeds { options.parameters == nil ? [.contrast, .search] : .contrast }
    public var plannedTrials: Int? { options.parameters == nil ? options.trials : nil }

    public func edits(in context: MethodContext) throws -> MethodResult {
        let builder = try HereticEdits(options: options, context: context)
        if let parameters = options.parameters {
            return MethodResult(
                edits: try builder.edits(parameters), notes: ["parameters": parameters.json],
                directions: builder.directions(used: parameters))
        }
        guard let search = context.search else { throw MethodError.needsSearch(method: Self.name) }
        let base = try search.baseline()
        let sampler = TPESampler(
            space: HereticParameters.space(layerCount: context.weights.layerCount, components: builder.components),
            startupTrials: options.startupTrials, candidates: options.candidates, seed: context.seed)
        let trials = try TrialSearch(sampler: sampler, trials: options.trials).run(
            in: search,
            edits: { try builder.edits(HereticParameters(trial: $0, components: builder.components)) },
            objectives: { objectives($0, baseRefusals: base.refusals) })
        guard let (chosen, withinBudget) = TrialSearch.pick(trials, klBudget: options.klBudget) else {
            throw MethodError.needsSearch(method: Self.name)
        }
        let parameters = HereticParameters(trial: chosen.parameters, components: builder.components)
        func describe(_ trial: Trial) -> JSONValue {
            .object([
                ("number", .int(trial.number)), ("refusals", .int(trial.measurement.refusals)),
                ("prompts", .int(trial.measurement.prompts)), ("kl", .double(trial.measurement.kl)),
                ("parameters", HereticParameters(trial: trial.parameters, components: builder.components).json),
            ])
        }
        return MethodResult(
            edits: try builder.edits(parameters),
            notes: [
                "chosen_trial": describe(chosen), "parameters": parameters.json,
                "kl_budget": .double(options.klBudget), "kl_budget_met": .bool(withinBudget),
                "pick": .string(
                    withinBudget
                        ? "fewest refusals with KL ≤ kl_budget, ties by KL"
                        : "no trial within kl_budget: the lowest KL"),
                "base_refusals": .int(base.refusals), "base_prompts": .int(base.prompts),
                "trials": .int(trials.count),
                "random_trials": .int(min(options.startupTrials, trials.count)),
                "pareto_front": .array(TrialSearch.paretoFront(trials).map(describe)),
            ],
            directions: builder.directions(used: parameters))
    }

    /// (KL score, refusal score), heretic.md 1.9: below `kl_target` the first follows the second.
    func objectives(_ measurement: SearchMeasurement, baseRefusals: Int) -> [Double] {
        let refusals = Double(measurement.refusals) / Double(baseRefusals == 0 ? 1 : baseRefusals)
        let kl =
            measurement.kl >= options.klTarget
            ? measurement.kl / options.klScale : refusals * options.klTarget / options.klScale
        return [kl, refusals]
    }

    /// Same as `TrialSearch.paretoFront`.
    public static func paretoFront(_ trials: [Trial]) -> [Trial] { TrialSearch.paretoFront(trials) }
}
