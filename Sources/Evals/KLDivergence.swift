import Inference

/// How far an edit moves the model's predictions on harmless prompts: D_KL(base ‖ edited) in nats over the whole
/// vocabulary.
///
/// `kl_first_token` is Heretic's definition, the mean over prompts at the first response token. With `tokens` above 1
/// the models are also compared along the base model's own greedy response, pooled over positions as llama.cpp's
/// `--kl-divergence` does, with intervals that resample whole prompts. The first token alone misses damage that shows
/// later, and a mean alone hides a heavy tail; hence the quantiles.
///
/// A baseline row is measured too: comparing a model with itself gives zeros. There is no paired difference, since
/// every value is a comparison with the baseline already.
public struct KLDivergence: Eval {
    public struct Options: OptionsProtocol {
        public var tokens = 1
        public var dataset: String?
        public var split: String?
        public var limit: Int?

        public init() {}

        public static var help: [String: String] {
            [
                "tokens": "positions compared along the base model's greedy response; 1 = the first token only",
                "dataset": "a registered dataset to use instead of the suite's harmless prompts",
                "split": "split of that dataset, with an optional slice",
                "limit": "only the first N prompts",
            ]
        }

        public func validate() throws {
            if tokens < 1 { throw OptionsError(key: "tokens", message: "must be 1 or more, is \(tokens)") }
            if let limit, limit < 1 { throw OptionsError(key: "limit", message: "must be 1 or more, is \(limit)") }
            if (dataset == nil) != (split == nil) {
                throw OptionsError(key: dataset == nil ? "split" : "dataset", message: "dataset and split go together")
            }
        }
    }

    public static let name = "kl"
    public static let version = 1
    public static let summary = "KL divergence from the original model on harmless prompts, in nats"
    public static let metrics: [MetricSpec] = [
        MetricSpec(
            name: "kl_first_token", higherIsBetter: false, unit: "nats",
            summary: "mean over prompts of D_KL(base ‖ edited) at the first response token (Heretic's definition)",
            isHeadline: true),
        MetricSpec(name: "kl_first_token_median", higherIsBetter: false, unit: "nats", summary: "median over prompts"),
        MetricSpec(name: "kl_first_token_p95", higherIsBetter: false, unit: "nats", summary: "95th percentile"),
        MetricSpec(name: "kl_first_token_p99", higherIsBetter: false, unit: "nats", summary: "99th percentile"),
        MetricSpec(name: "kl_first_token_max", higherIsBetter: false, unit: "nats", summary: "largest of all prompts"),
        MetricSpec(
            name: "kl", higherIsBetter: false, unit: "nats/token",
            summary: "mean over the positions of all base responses"),
        MetricSpec(name: "kl_median", higherIsBetter: false, unit: "nats/token", summary: "median over positions"),
        MetricSpec(name: "kl_p95", higherIsBetter: false, unit: "nats/token", summary: "95th percentile of positions"),
        MetricSpec(name: "kl_p99", higherIsBetter: false, unit: "nats/token", summary: "99th percentile of positions"),
        MetricSpec(name: "kl_max", higherIsBetter: false, unit: "nats/token", summary: "largest of all positions"),
        MetricSpec(
            name: "same_top", higherIsBetter: true, unit: "%",
            summary: "share of positions where both models prefer the same token"),
        MetricSpec(
            name: "reverse_kl", higherIsBetter: false, unit: "nats/token", summary: "mean D_KL(edited ‖ base)"),
        MetricSpec(name: "js", higherIsBetter: false, unit: "nats/token", summary: "mean Jensen-Shannon divergence"),
        MetricSpec(
            name: "delta_p_rms", higherIsBetter: false, unit: "%",
            summary: "root mean square change of the probability of the base model's token"),
    ]

    public let options: Options

    public init(options: Options) throws {
        try options.validate()
        self.options = options
    }

    public var promptSource: EvalPromptSource { options.dataset.map { .dataset($0) } ?? .harmless }

    public func samples(in environment: EvalEnvironment) throws -> [Sample] {
        let records: [PromptRecord]
        if let dataset = options.dataset {
            records = try environment.datasets.prompts(DatasetReference(dataset: dataset, split: options.split))
        } else {
            records = environment.harmless
            guard !records.isEmpty else {
                throw DatasetError.badReference("kl needs harmless prompts: give the suite `prompts: {harmless: …}`")
            }
        }
        return Sample.chats(records, limits: [options.limit, environment.limit])
    }

    public func request(for sample: Sample) -> ModelRequest { .compare(sample.prompt, tokens: options.tokens) }

    public static let firstTokenFilter = "first-token"
    public static let responseFilter = "response"

    /// The divergence at the first token, and its mean over the response.
    public func score(_ sample: Sample, _ response: ModelResponse) -> [Score] {
        guard let positions = Self.positions(response), let first = positions.first else {
            return [Self.firstTokenFilter, Self.responseFilter].map {
                Score(filter: $0, value: nil, explanation: "no comparison with finite values")
            }
        }
        return [
            Score(filter: Self.firstTokenFilter, value: first.kl),
            Score(filter: Self.responseFilter, value: Statistics.mean(positions.map(\.kl))),
        ]
    }

    /// The positions of a comparison; nil for another response, and when a value isn't finite (an edit that made the
    /// model overflow): then the prompt is unscored, and counted as such.
    private static func positions(_ response: ModelResponse) -> [PositionComparison]? {
        guard case .comparison(let positions) = response, !positions.isEmpty else { return nil }
        let isFinite = positions.allSatisfy {
            $0.kl.isFinite && $0.reverseKL.isFinite && $0.js.isFinite && $0.deltaP.isFinite
        }
        return isFinite ? positions : nil
    }

    public func metrics(of samples: [ScoredSample], baseline: [ScoredSample]?, seed: UInt64) -> [MetricValue] {
        let aggregate = Aggregate(eval: Self.name, seed: seed)
        let responses = samples.compactMap { Self.positions($0.response) }
        let unscored = samples.count - responses.count
        let first = samples.map { (id: $0.sampleID, value: Self.positions($0.response)?.first?.kl) }
        var metrics = [aggregate.mean("kl_first_token", first, baseline: nil)]
        metrics += Self.distribution("kl_first_token", responses.map { $0[0].kl }, unscored, aggregate)
        metrics.append(pooled("kl", responses, unscored, aggregate, \.kl))
        metrics += Self.distribution("kl", responses.flatMap { $0.map(\.kl) }, unscored, aggregate)
        metrics.append(pooled("same_top", responses, unscored, aggregate) { $0.sameTopToken ? 1 : 0 })
        metrics.append(pooled("reverse_kl", responses, unscored, aggregate, \.reverseKL))
        metrics.append(pooled("js", responses, unscored, aggregate, \.js))
        var rms = pooled("delta_p_rms", responses, unscored, aggregate) { $0.deltaP * $0.deltaP }
        // The root is monotone: the ends of the interval go through it like the value.
        rms.value = rms.value?.squareRoot()
        rms.interval = rms.interval.map { $0.lowerBound.squareRoot()...$0.upperBound.squareRoot() }
        metrics.append(rms)
        return metrics
    }

    private static func distribution(
        _ name: String, _ values: [Double], _ unscored: Int, _ aggregate: Aggregate
    ) -> [MetricValue] {
        let sorted = values.sorted()
        return [("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1)].map { suffix, q in
            aggregate.plain(
                "\(name)_\(suffix)", Statistics.quantile(sorted: sorted, q), count: values.count, unscored: unscored)
        }
    }

    /// The mean over all positions, with an interval that resamples prompts. `count` is the number of positions,
    /// `unscored` of prompts.
    private func pooled(
        _ name: String, _ responses: [[PositionComparison]], _ unscored: Int, _ aggregate: Aggregate,
        _ value: (PositionComparison) -> Double
    ) -> MetricValue {
        let sums = responses.map { positions in positions.reduce(0) { $0 + value($1) } }
        let counts = responses.map { Double($0.count) }
        let total = counts.reduce(0, +)
        let interval = aggregate.bootstrap.ratio(sums, counts, stream: aggregate.stream(name, "none"))
        return MetricValue(
            name: name, value: total > 0 ? sums.reduce(0, +) / total : nil, interval: interval,
            intervalMethod: interval == nil ? nil : Bootstrap.method, count: Int(total), unscored: unscored)
    }
}
