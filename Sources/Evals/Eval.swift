import Inference

/// A metric an evaluation reports.
public struct MetricSpec: Hashable, Sendable, Codable {
    public var name: String
    /// nil = neither: a description (a length, a share).
    public var higherIsBetter: Bool?
    /// `%`, `nats`, `nats/token` or empty.
    public var unit: String
    public var summary: String
    /// True for the metric that the headline table shows.
    public var isHeadline: Bool

    public init(name: String, higherIsBetter: Bool?, unit: String, summary: String, isHeadline: Bool = false) {
        self.name = name
        self.higherIsBetter = higherIsBetter
        self.unit = unit
        self.summary = summary
        self.isHeadline = isHeadline
    }
}

/// One item of an evaluation.
public struct Sample: Hashable, Sendable, Codable {
    /// Row number in the dataset, as text; stable across limits and methods: pairing goes by it.
    public var id: String
    public var input: String
    public var target: String?
    /// What the scorer needs besides (choices, subject, category).
    public var metadata: [String: String]
    public var prompt: Prompt

    public init(id: String, input: String, target: String? = nil, metadata: [String: String] = [:], prompt: Prompt) {
        self.id = id
        self.input = input
        self.target = target
        self.metadata = metadata
        self.prompt = prompt
    }
}

/// A verdict on one response by one filter (extractor, judge).
public struct Score: Hashable, Sendable, Codable {
    /// `strict-match`, `heretic-1.4`, or `none` when an eval has only one.
    public var filter: String
    /// nil = unscored: counted, never averaged.
    public var value: Double?
    /// What was extracted, or the verdict in a word: `refusal`, `complied`, `degenerate`.
    public var answer: String?
    public var explanation: String?

    public init(filter: String = "none", value: Double?, answer: String? = nil, explanation: String? = nil) {
        self.filter = filter
        self.value = value
        self.answer = answer
        self.explanation = explanation
    }
}

/// A score with the sample it belongs to, as kept in the database.
public struct ScoredSample: Hashable, Sendable, Codable {
    public var sampleID: String
    public var response: ModelResponse
    public var scores: [Score]

    public init(sampleID: String, response: ModelResponse, scores: [Score]) {
        self.sampleID = sampleID
        self.response = response
        self.scores = scores
    }
}

/// A metric's value over all samples, with its uncertainty.
public struct MetricValue: Hashable, Sendable, Codable {
    public var name: String
    public var filter: String
    /// nil when nothing could be scored.
    public var value: Double?
    public var standardError: Double?
    public var interval: ClosedRange<Double>?
    /// `wilson`, `bootstrap-percentile`, `clt`.
    public var intervalMethod: String?
    /// Samples that entered the value.
    public var count: Int
    public var unscored: Int
    /// Paired against the baseline on the samples both have; nil for the baseline itself.
    public var paired: PairedDifference?

    public init(
        name: String, filter: String = "none", value: Double?, standardError: Double? = nil,
        interval: ClosedRange<Double>? = nil, intervalMethod: String? = nil, count: Int, unscored: Int = 0,
        paired: PairedDifference? = nil
    ) {
        self.name = name
        self.filter = filter
        self.value = value
        self.standardError = standardError
        self.interval = interval
        self.intervalMethod = intervalMethod
        self.count = count
        self.unscored = unscored
        self.paired = paired
    }
}

/// value − baseline over the same samples.
public struct PairedDifference: Hashable, Sendable, Codable {
    public var delta: Double
    public var interval: ClosedRange<Double>
    /// `bootstrap-percentile`, 10 000 resamples, seeded.
    public var intervalMethod: String
    /// Exact McNemar for 0/1 scores, else nil.
    public var pValue: Double?
    public var count: Int

    public init(delta: Double, interval: ClosedRange<Double>, intervalMethod: String, pValue: Double?, count: Int) {
        self.delta = delta
        self.interval = interval
        self.intervalMethod = intervalMethod
        self.pValue = pValue
        self.count = count
    }
}

/// What an evaluation may draw on when it builds its samples.
public struct EvalEnvironment: Sendable {
    public var datasets: DatasetStore
    /// The suite's harmful and harmless prompts of the `test` split.
    public var harmful: [PromptRecord]
    public var harmless: [PromptRecord]
    /// At most this many samples; nil = all.
    public var limit: Int?
    public var seed: UInt64

    public init(
        datasets: DatasetStore, harmful: [PromptRecord] = [], harmless: [PromptRecord] = [], limit: Int? = nil,
        seed: UInt64 = 0
    ) {
        self.datasets = datasets
        self.harmful = harmful
        self.harmless = harmless
        self.limit = limit
        self.seed = seed
    }
}

/// One prompt of a prompt set, with its row number in the file it came from.
public struct PromptRecord: Hashable, Sendable, Codable {
    public var id: String
    public var text: String

    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}

/// One evaluation. It emits requests and scores responses; it never sees the model.
public protocol Eval: Sendable {
    associatedtype Options: OptionsProtocol
    static var name: String { get }
    /// Bumped when prompts or scoring change.
    static var version: Int { get }
    static var summary: String { get }
    static var metrics: [MetricSpec] { get }
    init(options: Options) throws
    var promptSource: EvalPromptSource { get }
    /// Worked examples in the prompt, for lm-eval's `n-shot`; nil where that means nothing.
    var shots: Int? { get }
    func samples(in environment: EvalEnvironment) throws -> [Sample]
    func request(for sample: Sample) -> ModelRequest
    /// One score per filter.
    func score(_ sample: Sample, _ response: ModelResponse) -> [Score]
    /// Whether the text so far already decides every verdict, so that generation may stop.
    func isDecided(_ sample: Sample, text: String) -> Bool
    /// Every metric from the stored samples alone (`rescore` relies on it); paired where a baseline is given.
    func metrics(of samples: [ScoredSample], baseline: [ScoredSample]?, seed: UInt64) -> [MetricValue]
}

/// Where an evaluation's prompts come from: decides what documents may show.
public enum EvalPromptSource: Hashable, Sendable {
    /// The suite's harmful or harmless prompts of the `test` split.
    case harmful, harmless
    /// A dataset of its own.
    case dataset(String)
}

extension Eval {
    public var shots: Int? { nil }
    public func isDecided(_ sample: Sample, text: String) -> Bool { false }
}
