import Inference

/// Mean negative log-likelihood per token of the gold solutions: a measure of the same ability as `gsm8k` that still
/// tells models apart when hardly any answer is right, and that no answer format can spoil.
public struct GSM8KLikelihood: Eval {
    public struct Options: OptionsProtocol {
        public var dataset = "gsm8k"
        public var split = "test"
        public var fewshotSplit = "train"
        public var form: GSM8K.Form?
        public var shots: Int?
        public var fewshotSeed = 1234
        public var limit: Int?

        public init() {}

        public static var help: [String: String] {
            [
                "dataset": "a dataset with questions and worked solutions: gsm8k, organism-arithmetic",
                "split": "split to test on, with an optional slice",
                "fewshotSplit": "split that examples are drawn from",
                "form": "prompt as in gsm8k: gsm8k or chat; default gsm8k, chat for shots: 0",
                "shots": "worked examples before the question; default 5, chat 0",
                "fewshotSeed": "seed of Python's random.Random that draws the examples",
                "limit": "only the first N problems",
            ]
        }

        /// The options of `gsm8k` that give the same prompts.
        fileprivate var generation: GSM8K.Options {
            var options = GSM8K.Options()
            options.dataset = dataset
            options.split = split
            options.fewshotSplit = fewshotSplit
            options.form = form
            options.shots = shots
            options.fewshotSeed = fewshotSeed
            options.limit = limit
            return options
        }

        public func validate() throws {
            try generation.validate()
            if form == .cot {
                throw OptionsError(
                    key: "form", message: "gsm8k_cot has answers only, no solutions to score; use gsm8k or chat")
            }
        }
    }

    public static let name = "gsm8k_nll"
    public static let version = 1
    public static let summary = "Negative log-likelihood of the gold solutions of grade-school problems"
    public static let metrics = [
        MetricSpec(
            name: "nll", higherIsBetter: false, unit: "nats/token",
            summary: "negative log-likelihood of the gold solutions, per token over all of them", isHeadline: true),
        MetricSpec(
            name: "nll_median", higherIsBetter: false, unit: "nats/token", summary: "median over problems"),
    ]

    public let options: Options
    private let prompts: GSM8K

    public init(options: Options) throws {
        try options.validate()
        self.options = options
        prompts = try GSM8K(options: options.generation)
    }

    public var promptSource: EvalPromptSource { .dataset(options.dataset) }
    public var shots: Int? { prompts.shots }

    public func samples(in environment: EvalEnvironment) throws -> [Sample] { try prompts.samples(in: environment) }

    public func request(for sample: Sample) -> ModelRequest {
        let solution = sample.target ?? ""
        let isChat = options.generation.effectiveForm == .chat
        return .logLikelihood(context: sample.prompt, continuation: isChat ? solution : " " + solution)
    }

    /// Nats per token.
    public func score(_ sample: Sample, _ response: ModelResponse) -> [Score] {
        guard let (nll, tokens) = Self.terms(response) else {
            return [Score(value: nil, explanation: "no finite log-likelihood")]
        }
        return [Score(value: nll / tokens)]
    }

    private static func terms(_ response: ModelResponse) -> (nll: Double, tokens: Double)? {
        guard case .logLikelihood(let value, let tokens, _) = response, value.isFinite, tokens > 0 else { return nil }
        return (-value, Double(tokens))
    }

    public func metrics(of samples: [ScoredSample], baseline: [ScoredSample]?, seed: UInt64) -> [MetricValue] {
        let aggregate = Aggregate(eval: Self.name, seed: seed)
        let terms = samples.compactMap { Self.terms($0.response) }
        let unscored = samples.count - terms.count
        let tokens = terms.reduce(0) { $0 + $1.tokens }
        let interval = aggregate.bootstrap.ratio(
            terms.map(\.nll), terms.map(\.tokens), stream: aggregate.stream("nll", "none"))
        let mean = MetricValue(
            name: "nll", value: tokens > 0 ? terms.reduce(0) { $0 + $1.nll } / tokens : nil, interval: interval,
            intervalMethod: interval == nil ? nil : Bootstrap.method, count: terms.count, unscored: unscored,
            paired: baseline.flatMap { paired(samples, $0, aggregate) })
        let median = aggregate.plain(
            "nll_median", Statistics.median(terms.map { $0.nll / $0.tokens }), count: terms.count, unscored: unscored)
        return [mean, median]
    }

    private func paired(
        _ samples: [ScoredSample], _ baseline: [ScoredSample], _ aggregate: Aggregate
    ) -> PairedDifference? {
        let other = Dictionary(
            baseline.compactMap { sample in Self.terms(sample.response).map { (sample.sampleID, $0) } },
            uniquingKeysWith: { first, _ in first })
        let pairs = samples.compactMap { sample in
            Self.terms(sample.response).flatMap { own in other[sample.sampleID].map { (own, $0) } }
        }
        let first = (numerators: pairs.map(\.0.nll), denominators: pairs.map(\.0.tokens))
        let second = (numerators: pairs.map(\.1.nll), denominators: pairs.map(\.1.tokens))
        guard
            let interval = aggregate.bootstrap.ratioDifference(
                first, second, stream: aggregate.stream("nll", "none", paired: true))
        else { return nil }
        let delta =
            first.numerators.reduce(0, +) / first.denominators.reduce(0, +)
            - second.numerators.reduce(0, +) / second.denominators.reduce(0, +)
        return PairedDifference(
            delta: delta, interval: interval, intervalMethod: Bootstrap.method, pValue: nil, count: pairs.count)
    }
}
