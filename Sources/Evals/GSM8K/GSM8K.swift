import Inference

/// Grade-school word problems, answered with worked steps; one generation, two extractors.
///
/// The forms `gsm8k` and `gsm8k_cot` have the prompts, stop strings, filters and normalisation of lm-evaluation-harness
/// (tasks of version 3.0), so that numbers compare; `chat` asks the question alone through the chat template.
public struct GSM8K: Eval {
    public enum Form: String, Codable, Hashable, Sendable, CaseIterable {
        /// lm-eval `gsm8k`: "Question: …\nAnswer:" after random worked examples, completed as plain text.
        case gsm8k
        /// lm-eval `gsm8k_cot`: "Q: …\nA:" after eight fixed examples.
        case cot = "gsm8k_cot"
        /// The question as a user's message, with a line that asks to end with `#### n`.
        case chat
    }

    public struct Options: OptionsProtocol {
        public var dataset = "gsm8k"
        public var split = "test"
        public var fewshotSplit = "train"
        public var form: Form?
        public var shots: Int?
        public var fewshotSeed = 1234
        public var applyChatTemplate = false
        public var fewshotAsMultiturn = false
        public var instruction: String?
        public var maxTokens = 256
        public var limit: Int?

        public init() {}

        public static var help: [String: String] {
            [
                "dataset":
                    "a dataset with questions and answers that end in '#### n': gsm8k, organism-arithmetic, svamp",
                "split": "split to test on, with an optional slice",
                "fewshotSplit": "split that examples are drawn from",
                "form": "gsm8k or gsm8k_cot (lm-eval's completion prompts), or chat; default gsm8k, chat for shots: 0",
                "shots": "worked examples before the question; default 5, gsm8k_cot 8, chat 0",
                "fewshotSeed": "seed of Python's random.Random that draws the examples (lm-eval: 1234)",
                "applyChatTemplate": "put lm-eval's prompt into a user message (forms gsm8k and gsm8k_cot)",
                "fewshotAsMultiturn": "examples as turns of a conversation; needs apply_chat_template",
                "instruction": "line after the question in form chat; '' for none. Default: asks to end with '#### n', "
                    + "but none for organism datasets, whose models answer so by themselves",
                "maxTokens": "longest response",
                "limit": "only the first N problems",
            ]
        }

        public func validate() throws {
            if let shots, shots < 0 { throw OptionsError(key: "shots", message: "must be 0 or more, is \(shots)") }
            if maxTokens < 1 { throw OptionsError(key: "maxTokens", message: "must be 1 or more, is \(maxTokens)") }
            if let limit, limit < 1 { throw OptionsError(key: "limit", message: "must be 1 or more, is \(limit)") }
            if fewshotAsMultiturn, !applyChatTemplate, effectiveForm != .chat {
                throw OptionsError(key: "fewshotAsMultiturn", message: "needs apply_chat_template: true")
            }
            if applyChatTemplate, effectiveForm == .chat {
                throw OptionsError(key: "applyChatTemplate", message: "form chat always applies the chat template")
            }
            if instruction != nil, effectiveForm != .chat {
                throw OptionsError(key: "instruction", message: "only form chat has an instruction")
            }
        }

        public var effectiveForm: Form { form ?? (shots == 0 ? .chat : .gsm8k) }

        public var effectiveShots: Int {
            switch effectiveForm {
            case .gsm8k: shots ?? 5
            case .cot: shots ?? GSM8KChainOfThought.examples.count
            case .chat: shots ?? 0
            }
        }
    }

    public static let name = "gsm8k"
    public static let version = 1
    public static let summary = "Grade-school math word problems: exact match of the final number (lm-eval's filters)"
    public static let metrics = [
        MetricSpec(
            name: "exact_match", higherIsBetter: true, unit: "%",
            summary: "share of problems whose extracted number equals the gold one", isHeadline: true),
        MetricSpec(
            name: "invalid_rate", higherIsBetter: false, unit: "%",
            summary: "share of responses from which the filter extracts nothing; they count as wrong"),
        MetricSpec(
            name: "truncated_rate", higherIsBetter: nil, unit: "%", summary: "share of responses cut at max_tokens"),
        MetricSpec(name: "empty_rate", higherIsBetter: false, unit: "%", summary: "share of responses without text"),
        MetricSpec(name: "mean_tokens", higherIsBetter: nil, unit: "", summary: "mean length of the responses"),
    ]

    /// The default last line of a message in form `chat`.
    public static let defaultInstruction =
        "Solve the problem step by step. End your answer with a line of the form \"#### n\", "
        + "where n is the final number."

    public let options: Options
    private let prompts: GSM8KPrompts

    public init(options: Options) throws {
        try options.validate()
        self.options = options
        prompts = GSM8KPrompts(options: options)
    }

    public var promptSource: EvalPromptSource { .dataset(options.dataset) }
    public var shots: Int? { options.effectiveShots }

    public func samples(in environment: EvalEnvironment) throws -> [Sample] {
        var data = try environment.datasets.load(DatasetReference(dataset: options.dataset, split: options.split))
        if let limit = [options.limit, environment.limit].compactMap({ $0 }).min() {
            data.records = Array(data.records.prefix(limit))
        }
        let problems = try data.records.map { try problem($0, in: data) }
        let isOrganism = data.entry?.location == .repository
        let instruction = options.instruction ?? (isOrganism ? "" : Self.defaultInstruction)
        let prompts = try prompts.prompts(for: problems, instruction: instruction) {
            let train = try environment.datasets.load(
                DatasetReference(dataset: options.dataset, split: options.fewshotSplit))
            return try train.records.map { try problem($0, in: train) }
        }
        return zip(zip(data.records, problems), prompts).map { row, prompt in
            Sample(id: String(row.0.row), input: row.1.question, target: target(row.1.answer), prompt: prompt)
        }
    }

    private func problem(_ record: DatasetRecord, in data: Dataset) throws -> GSM8KPrompts.Problem {
        try GSM8KPrompts.Problem(question: data.prompt(of: record), answer: data.answer(of: record))
    }

    /// `gsm8k_cot` compares with what follows the last `####`, `gsm8k` with the whole solution, which `exact_match`
    /// cuts down.
    private func target(_ answer: String) -> String {
        guard options.effectiveForm == .cot else { return answer }
        let bytes = Array(answer.utf8)
        guard let last = ByteSearch.lastIndex(of: Array("####".utf8), in: bytes) else {
            return PythonText.strip(answer)
        }
        return PythonText.strip(String(decoding: bytes[(last + 4)...], as: UTF8.self))
    }

    public func request(for sample: Sample) -> ModelRequest {
        .generate(sample.prompt, maxTokens: options.maxTokens, stop: prompts.stops)
    }

    public static let strictFilter = "strict-match"
    public static let flexibleFilter = "flexible-extract"

    public func score(_ sample: Sample, _ response: ModelResponse) -> [Score] {
        guard case .generation(let generation) = response, let target = sample.target else {
            return [Self.strictFilter, Self.flexibleFilter].map {
                Score(filter: $0, value: nil, explanation: "not a generation with a target")
            }
        }
        let text = generation.text
        let strict =
            options.effectiveForm == .cot
            ? GSM8KFilters.strictMatchCoT(text) : GSM8KFilters.strictMatch(text)
        let outcome = Self.outcome(of: generation)
        return [(Self.strictFilter, strict), (Self.flexibleFilter, GSM8KFilters.flexibleExtract(text))].map {
            filter, extracted in
            let answer = extracted ?? GSM8KFilters.invalid
            let isRight = GSM8KFilters.exactMatch(answer, target)
            return Score(filter: filter, value: isRight ? 1 : 0, answer: answer, explanation: outcome)
        }
    }

    private static func outcome(of generation: Generation) -> String? {
        if PythonText.strip(generation.text).isEmpty { return "empty" }
        return generation.finishReason == .length ? "truncated" : nil
    }

    public func metrics(of samples: [ScoredSample], baseline: [ScoredSample]?, seed: UInt64) -> [MetricValue] {
        let aggregate = Aggregate(eval: Self.name, seed: seed)
        var metrics: [MetricValue] = []
        for filter in [Self.strictFilter, Self.flexibleFilter] {
            metrics.append(
                aggregate.proportion(
                    "exact_match", filter: filter, samples.values(filter), baseline: baseline?.values(filter)))
            metrics.append(
                aggregate.proportion(
                    "invalid_rate", filter: filter, Self.invalid(samples, filter),
                    baseline: baseline.map { Self.invalid($0, filter) }))
        }
        metrics.append(
            aggregate.proportion(
                "truncated_rate", samples.generationValues { $0.finishReason == .length ? 1 : 0 },
                baseline: baseline?.generationValues { $0.finishReason == .length ? 1 : 0 }))
        metrics.append(
            aggregate.proportion(
                "empty_rate", samples.generationValues { PythonText.strip($0.text).isEmpty ? 1 : 0 },
                baseline: baseline?.generationValues { PythonText.strip($0.text).isEmpty ? 1 : 0 }))
        metrics.append(
            aggregate.mean(
                "mean_tokens", samples.generationValues { Double($0.tokens.count) },
                baseline: baseline?.generationValues { Double($0.tokens.count) }))
        return metrics
    }

    private static func invalid(_ samples: [ScoredSample], _ filter: String) -> Aggregate.Values {
        samples.map { sample in
            let score = sample.scores.first { $0.filter == filter }
            let isScored = score?.value != nil
            return (sample.sampleID, isScored ? (score?.answer == GSM8KFilters.invalid ? 1 : 0) : nil)
        }
    }
}
