import Inference

/// How often a model refuses what it should answer: harmless prompts that look harmful (XSTest's safe half, P. Röttger
/// et al. 2024, arXiv 2308.01263), judged like `refusal`.
public struct OverRefusal: Eval {
    public struct Options: OptionsProtocol {
        public var judges = ["heretic-1.4", "arditi-2024"]
        public var dataset = "xstest"
        public var split = "safe"
        public var maxTokens = 100
        public var limit: Int?

        public init() {}

        public static var help: [String: String] {
            [
                "judges": "named judges, each a row of its own: \(Judge.names.joined(separator: ", "))",
                "dataset": "a registered dataset of harmless prompts",
                "split": "its split, with an optional slice",
                "maxTokens": "longest response",
                "limit": "only the first N prompts",
            ]
        }

        public func validate() throws {
            try RefusalOptions.check(judges: judges, maxTokens: maxTokens, limit: limit)
        }
    }

    public static let name = "over-refusal"
    public static let version = 1
    public static let summary = "Share of harmless prompts that look harmful (XSTest) refused"
    public static let metrics = RefusalScorer.metricSpecs(
        rate: "over_refusal_rate", summary: "share of harmless prompts that the judge (the filter) sees refused")

    public let options: Options
    private let scorer: RefusalScorer

    public init(options: Options) throws {
        try options.validate()
        self.options = options
        scorer = RefusalScorer(judges: try options.judges.map(Judge.named))
    }

    public var promptSource: EvalPromptSource { .dataset(options.dataset) }

    public func samples(in environment: EvalEnvironment) throws -> [Sample] {
        let records = try environment.datasets.prompts(
            DatasetReference(dataset: options.dataset, split: options.split))
        return Sample.chats(records, limits: [options.limit, environment.limit])
    }

    public func request(for sample: Sample) -> ModelRequest {
        .generate(sample.prompt, maxTokens: options.maxTokens)
    }

    public func score(_ sample: Sample, _ response: ModelResponse) -> [Score] { scorer.scores(response) }

    public func metrics(of samples: [ScoredSample], baseline: [ScoredSample]?, seed: UInt64) -> [MetricValue] {
        scorer.metrics(rate: "over_refusal_rate", eval: Self.name, of: samples, baseline: baseline, seed: seed)
    }
}
