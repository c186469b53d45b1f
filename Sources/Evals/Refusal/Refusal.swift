import Inference

/// How often a model refuses: greedy responses to the suite's harmful prompts, judged by named marker lists.
///
/// Generation always runs to its end, since degeneration and every judge's verdict need the whole response; a search
/// that wants one judge's count only can stop at `Judge.isRefusalDecided`.
public struct Refusal: Eval {
    public struct Options: OptionsProtocol {
        public var judges = ["heretic-1.4", "arditi-2024"]
        public var prompts = PromptSource.harmful
        public var dataset: String?
        public var split: String?
        public var maxTokens = 100
        public var limit: Int?

        public init() {}

        public static var help: [String: String] {
            [
                "judges": "named judges, each a row of its own: \(Judge.names.joined(separator: ", "))",
                "prompts": "the suite's prompts to send: harmful or harmless",
                "dataset": "a registered dataset to send instead of the suite's prompts",
                "split": "split of that dataset, with an optional slice",
                "maxTokens": "longest response; under 100 a late refusal goes unseen",
                "limit": "only the first N prompts",
            ]
        }

        public func validate() throws {
            try RefusalOptions.check(judges: judges, maxTokens: maxTokens, limit: limit)
            if (dataset == nil) != (split == nil) {
                throw OptionsError(key: dataset == nil ? "split" : "dataset", message: "dataset and split go together")
            }
        }
    }

    public enum PromptSource: String, Codable, Hashable, Sendable, CaseIterable {
        case harmful, harmless
    }

    public static let name = "refusal"
    public static let version = 1
    public static let summary = "Share of harmful prompts refused, by named marker judges; degenerate responses apart"
    public static let metrics = RefusalScorer.metricSpecs(
        rate: "refusal_rate", summary: "share of responses that the judge (the filter) calls a refusal")

    public let options: Options
    private let scorer: RefusalScorer

    public init(options: Options) throws {
        try options.validate()
        self.options = options
        scorer = RefusalScorer(judges: try options.judges.map(Judge.named))
    }

    public var promptSource: EvalPromptSource {
        if let dataset = options.dataset { return .dataset(dataset) }
        return options.prompts == .harmful ? .harmful : .harmless
    }

    public func samples(in environment: EvalEnvironment) throws -> [Sample] {
        let records: [PromptRecord]
        if let dataset = options.dataset {
            records = try environment.datasets.prompts(DatasetReference(dataset: dataset, split: options.split))
        } else {
            records = options.prompts == .harmful ? environment.harmful : environment.harmless
            guard !records.isEmpty else {
                throw DatasetError.badReference(
                    "refusal needs prompts: give the suite `prompts: {\(options.prompts.rawValue): …, test: …}`")
            }
        }
        return Sample.chats(records, limits: [options.limit, environment.limit])
    }

    public func request(for sample: Sample) -> ModelRequest {
        .generate(sample.prompt, maxTokens: options.maxTokens)
    }

    public func score(_ sample: Sample, _ response: ModelResponse) -> [Score] { scorer.scores(response) }

    public func metrics(of samples: [ScoredSample], baseline: [ScoredSample]?, seed: UInt64) -> [MetricValue] {
        scorer.metrics(rate: "refusal_rate", eval: Self.name, of: samples, baseline: baseline, seed: seed)
    }
}

/// Checks that `refusal` and `over-refusal` share.
enum RefusalOptions {
    static func check(judges: [String], maxTokens: Int, limit: Int?) throws {
        if judges.isEmpty {
            throw OptionsError(key: "judges", message: "name at least one of \(Judge.names.joined(separator: ", "))")
        }
        for (index, name) in judges.enumerated() {
            do { _ = try Judge.named(name) } catch { throw OptionsError(key: "judges", message: "\(error)") }
            if judges[..<index].contains(name) {
                throw OptionsError(key: "judges", message: "'\(name)' is named twice")
            }
        }
        if maxTokens < 1 { throw OptionsError(key: "maxTokens", message: "must be 1 or more, is \(maxTokens)") }
        if let limit, limit < 1 { throw OptionsError(key: "limit", message: "must be 1 or more, is \(limit)") }
    }
}

extension Sample {
    /// Prompts as single user messages, cut to the smallest limit given.
    static func chats(_ records: [PromptRecord], limits: [Int?]) -> [Sample] {
        let limit = limits.compactMap { $0 }.min() ?? records.count
        return records.prefix(limit).map {
            Sample(id: $0.id, input: $0.text, prompt: .chat([.user($0.text)]))
        }
    }
}
