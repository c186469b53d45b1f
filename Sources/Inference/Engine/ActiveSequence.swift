/// One sequence in the batch.
struct ActiveSequence {
    /// What happens to an output row; the raw values are the order in a step.
    enum Use: Int { case argmax, argmaxAndState, sample, logProbs, score, state, capture }

    let job: Int
    let goal: Job.Goal
    let tokens: ArraySlice<Int32>
    let firstOutput: Int
    /// Positions that came from a shared prefix.
    private let sharedLength: Int
    var cache: KVCache<CPUBackend>
    /// Set for a shared prefix.
    var node: Int?
    /// The token that the last step chose.
    var chosen: Int32?
    private(set) var nextToken: Int32 = 0
    private(set) var generated: [Int32] = []
    var states: [[Float]] = []
    var captureStart: Int?
    var result: JobResult?
    private var text: GeneratedText?
    private var scored = 0
    private var logProbability = 0.0
    private var isGreedy = true

    init(
        job: Int, goal: Job.Goal, tokens: ArraySlice<Int32>, firstOutput: Int, cache: KVCache<CPUBackend>,
        model: LanguageModel
    ) {
        self.job = job
        self.goal = goal
        self.tokens = tokens
        self.firstOutput = firstOutput
        self.cache = cache
        sharedLength = cache.length
        if case .generate(_, let stop, _) = goal, let tokenizer = model.tokenizer {
            text = GeneratedText(tokenizer: tokenizer, stop: stop)
        }
    }

    /// All prompt tokens are done.
    var isGenerating: Bool { cache.length >= tokens.count }
    var isPrefixDone: Bool { node != nil && cache.length >= tokens.count }
    var ownPositions: Int { cache.length - sharedLength }

    var use: Use {
        switch goal {
        case .generate(_, _, let sampler): sampler == nil ? .argmax : .sample
        case .greedyStates: .argmaxAndState
        case .nextToken: .logProbs
        case .score: .score
        case .states: .state
        case .activations: .capture
        }
    }

    /// Which of the next `count` tokens' outputs are wanted, counted from the first of them.
    func wantedRows(count: Int) -> Range<Int> {
        if isGenerating { return 0..<count }
        let consumed = cache.length
        let first = max(firstOutput, consumed)
        return first < consumed + count ? first - consumed..<count : 0..<0
    }

    mutating func sample(_ logits: [Float]) {
        guard case .generate(_, _, let sampler?) = goal else { return }
        chosen = sampler.sample(logits, step: generated.count)
    }

    /// The token whose probability the next wanted row gives.
    mutating func takeTarget() -> Int32 {
        guard case .score(let targets) = goal else { return 0 }
        defer { scored += 1 }
        return targets[scored]
    }

    mutating func addScore(_ logProbability: Double, isTop: Bool) {
        self.logProbability += logProbability
        isGreedy = isGreedy && isTop
    }

    /// Takes in what the step gave, and sets `result` when the job is done.
    mutating func afterStep(model: LanguageModel, decided: ((Int, String) -> Bool)?) throws {
        if node != nil || cache.length < tokens.count || result != nil { return }
        switch goal {
        case .generate(let limit, _, _):
            guard let token = chosen else { return }
            chosen = nil
            accept(token, limit: limit, model: model, decided: decided)
        case .greedyStates(let limit):
            guard let token = chosen else { return }
            chosen = nil
            let ended = model.endTokens.contains(token)
            if !ended { generated.append(token) }
            nextToken = token
            if ended || generated.count >= limit || cache.length >= model.spec.contextLength {
                result = .greedyStates(tokens: generated, states: states)
            }
        case .score: result = .score(logProbability, tokens: scored, isGreedy: isGreedy)
        case .states: result = .states(states)
        case .nextToken, .activations: break
        }
    }

    private mutating func accept(
        _ token: Int32, limit: Int, model: LanguageModel, decided: ((Int, String) -> Bool)?
    ) {
        if model.endTokens.contains(token) { return finish(.endOfTurn) }
        generated.append(token)
        nextToken = token
        if text?.append(token) == true { return finish(.stopString) }
        if generated.count >= limit || cache.length >= model.spec.contextLength { return finish(.length) }
        // Every fourth token: where a generation stops must not depend on anything but itself.
        if let decided, generated.count % 4 == 0, let text, decided(job, text.current) { finish(.decided) }
    }

    private mutating func finish(_ reason: FinishReason) {
        result = .generated(
            Generated(text: text?.final(stopped: reason == .stopString) ?? "", tokens: generated, reason: reason))
    }
}
