import Foundation
import Synchronization

/// Answers requests with a model: batches them, shares what prompts have in common, applies edits.
///
/// Every response has the same bits for any batch size, composition, order, chunk size and thread count. Calls from
/// several threads are safe.
public final class Engine: Responder {
    public let model: LanguageModel
    public let options: EngineOptions

    private let totals = Mutex(EngineStatistics())
    /// The edits used last; an evaluation after another asks with the same ones.
    private let prepared = Mutex<(edits: WeightEdits, value: PreparedEdits<CPUBackend>?)?>(nil)
    /// What the base model says to prompts of `compare`: asked again for every method and every trial of a search.
    private let baseRuns = Mutex<[BaseKey: BaseRun]>([:])
    /// Floats of final states kept in `baseRuns`.
    private static let largestBaseRuns = 64 << 20

    struct BaseKey: Hashable {
        var prompt: [Int32]
        var positions: Int
    }

    /// A greedy response of the base model and the final-normed state that predicted each token.
    struct BaseRun {
        var tokens: [Int32]
        var states: [[Float]]
    }

    public init(model: LanguageModel, options: EngineOptions = EngineOptions()) {
        self.model = model
        self.options = options
    }

    /// Work done since the engine was made.
    public var statistics: EngineStatistics { totals.withLock { $0 } }

    public func respond(
        to requests: [ModelRequest], edits: WeightEdits,
        decided: (@Sendable (_ index: Int, _ text: String) -> Bool)?,
        onResponse: (_ index: Int, ModelResponse) throws -> Void
    ) throws {
        // Everything is encoded first, so that a prompt that cannot be is an error before any work is done.
        var generating: [(request: Int, job: Job)] = []
        var capturing: [(request: Int, job: Job)] = []
        var comparing: [(request: Int, key: BaseKey)] = []
        var immediate: [(request: Int, response: ModelResponse)] = []
        for (i, request) in requests.enumerated() {
            switch try plan(request) {
            case .job(let job): generating.append((i, job))
            case .activations(let job): capturing.append((i, job))
            case .compare(let key): comparing.append((i, key))
            case .done(let response): immediate.append((i, response))
            }
        }
        let prepared = try prepare(edits)
        for (index, response) in immediate { try onResponse(index, response) }

        try run(generating, edits: prepared, decided: decided) { request, result in
            try onResponse(request, Self.response(result, promptTokens: generating.promptTokens(of: request)))
        }
        try run(capturing, edits: prepared, decided: nil) { request, result in
            try onResponse(request, Self.response(result, promptTokens: 0))
        }
        try compare(comparing, edits: prepared, onResponse: onResponse)
    }

    private enum Plan {
        case job(Job)
        case activations(Job)
        case compare(BaseKey)
        case done(ModelResponse)
    }

    private func plan(_ request: ModelRequest) throws -> Plan {
        switch request {
        case .generate(let prompt, let maxTokens, let stop, let sampling):
            let tokens = try model.encode(prompt, options: options.prompt)
            if maxTokens <= 0 {
                return .done(
                    .generation(
                        Generation(text: "", tokens: [], promptTokens: tokens.count, finishReason: .length)))
            }
            return .job(
                Job(
                    prompt: tokens,
                    goal: .generate(
                        limit: maxTokens, stop: stop.filter { !$0.isEmpty }, sampler: sampling.sampler(prompt: tokens)))
            )
        case .nextToken(let prompt):
            return .job(Job(prompt: try model.encode(prompt, options: options.prompt), goal: .nextToken))
        case .logLikelihood(let context, let continuation):
            let pair = try model.encodePair(context: context, continuation: continuation, options: options.prompt)
            if pair.continuation.isEmpty { return .done(.logLikelihood(0, tokens: 0, isGreedy: true)) }
            // The last token predicts nothing that is asked for.
            return .job(
                Job(
                    tokens: pair.context + pair.continuation.dropLast(), firstOutput: pair.context.count - 1,
                    goal: .score(targets: pair.continuation)))
        case .activations(let prompt, let sites):
            if let site = sites.first(where: { !$0.exists(layers: model.spec.layerCount) }) {
                throw ModelError.noSuchSite(site: site.description, layers: model.spec.layerCount)
            }
            if sites.isEmpty { return .done(.activations([])) }
            return .activations(
                Job(prompt: try model.encode(prompt, options: options.prompt), goal: .activations(sites)))
        case .compare(let prompt, let tokens):
            let encoded = try model.encode(prompt, options: options.prompt)
            if tokens <= 0 { return .done(.comparison([])) }
            return .compare(BaseKey(prompt: encoded, positions: tokens))
        }
    }

    private static func response(_ result: JobResult, promptTokens: Int) -> ModelResponse {
        switch result {
        case .generated(let generated):
            .generation(
                Generation(
                    text: generated.text, tokens: generated.tokens, promptTokens: promptTokens,
                    finishReason: generated.reason))
        case .logProbs(let values): .logProbs(values)
        case .score(let sum, let tokens, let isGreedy): .logLikelihood(sum, tokens: tokens, isGreedy: isGreedy)
        case .activations(let values), .states(let values), .greedyStates(_, let values): .activations(values)
        }
    }

    // MARK: Passes

    private func prepare(_ edits: WeightEdits) throws -> PreparedEdits<CPUBackend>? {
        if let last = prepared.withLock({ $0 }), last.edits == edits { return last.value }
        let value = try model.prepare(edits)
        prepared.withLock { $0 = (edits, value) }
        return value
    }

    /// One pass of the scheduler over jobs, reported by request.
    private func run(
        _ work: [(request: Int, job: Job)], edits: PreparedEdits<CPUBackend>?,
        decided: (@Sendable (Int, String) -> Bool)?, finished: (Int, JobResult) throws -> Void
    ) throws {
        if work.isEmpty { return }
        var scheduler = Scheduler(
            model: model, edits: edits, options: options, workspace: model.decoder.backend.makeWorkspace())
        defer { totals.withLock { $0.add(scheduler.statistics) } }
        try scheduler.run(
            work.map(\.job), decided: decided.map { decided in { decided(work[$0].request, $1) } },
            finished: { try finished(work[$0].request, $1) })
    }

    /// Base and edited model along the base's own response: states of both first, then logits of a few positions at a
    /// time, reduced at once.
    private func compare(
        _ items: [(request: Int, key: BaseKey)], edits: PreparedEdits<CPUBackend>?,
        onResponse: (Int, ModelResponse) throws -> Void
    ) throws {
        if items.isEmpty { return }
        var bases: [BaseKey: BaseRun] = baseRuns.withLock { known in
            var found: [BaseKey: BaseRun] = [:]
            for item in items { found[item.key] = known[item.key] }
            return found
        }
        var missing: [BaseKey] = []
        var seen = Set<BaseKey>()
        for item in items where bases[item.key] == nil && seen.insert(item.key).inserted { missing.append(item.key) }
        let baseJobs = missing.indices.map { i in
            (request: i, job: Job(prompt: missing[i].prompt, goal: .greedyStates(limit: missing[i].positions)))
        }
        try run(baseJobs, edits: nil, decided: nil) { index, result in
            if case .greedyStates(let tokens, let states) = result {
                bases[missing[index]] = BaseRun(tokens: tokens, states: states)
            }
        }
        keep(missing, bases)

        var comparer = StateComparer(decoder: model.decoder)
        if edits == nil {
            for item in items {
                let states = bases[item.key]?.states ?? []
                try comparer.append(item.request, base: states, edited: states, onResponse)
            }
            return try comparer.flush(onResponse)
        }
        let editedJobs = items.compactMap { item -> (request: Int, job: Job)? in
            guard let base = bases[item.key] else { return nil }
            let job = Job(
                tokens: item.key.prompt + base.tokens.prefix(base.states.count - 1),
                firstOutput: item.key.prompt.count - 1, goal: .states)
            return (item.request, job)
        }
        let keys = Dictionary(items.map { ($0.request, $0.key) }, uniquingKeysWith: { first, _ in first })
        try run(editedJobs, edits: edits, decided: nil) { request, result in
            guard case .states(let edited) = result, let key = keys[request], let base = bases[key] else { return }
            try comparer.append(request, base: base.states, edited: edited, onResponse)
        }
        try comparer.flush(onResponse)
    }

    private func keep(_ keys: [BaseKey], _ runs: [BaseKey: BaseRun]) {
        baseRuns.withLock { known in
            for key in keys { known[key] = runs[key] }
            let floats = known.values.reduce(0) { $0 + $1.states.count } * model.spec.hiddenSize
            if floats > Self.largestBaseRuns { known.removeAll() }
        }
    }
}

/// Divergences between base and edited final-normed states. Positions of several responses are put together, so that
/// the unembedding is not read anew for each; logits of a few rows exist at a time.
private struct StateComparer {
    let decoder: TransformerDecoder<CPUBackend>
    let workspace: CPUWorkspace
    private var pending: [(request: Int, base: [[Float]], edited: [[Float]])] = []
    private var rows = 0

    init(decoder: TransformerDecoder<CPUBackend>) {
        self.decoder = decoder
        workspace = decoder.backend.makeWorkspace()
    }

    /// States (positions, d_model) of one response.
    mutating func append(
        _ request: Int, base: [[Float]], edited: [[Float]], _ onResponse: (Int, ModelResponse) throws -> Void
    ) throws {
        pending.append((request, base, edited))
        rows += base.count
        if rows >= 4 * Scheduler.logitRows { try flush(onResponse) }
    }

    mutating func flush(_ onResponse: (Int, ModelResponse) throws -> Void) throws {
        let base = pending.flatMap(\.base)
        let edited = pending.flatMap(\.edited)
        var results: [PositionComparison] = []
        var first = 0
        while first < base.count {
            let rows = first..<min(first + Scheduler.logitRows, base.count)
            results += decoder.backend.compare(
                base: logits(base[rows], .logits), edited: logits(edited[rows], .editedLogits))
            first = rows.upperBound
        }
        var next = 0
        for entry in pending {
            try onResponse(entry.request, .comparison(Array(results[next..<next + entry.base.count])))
            next += entry.base.count
        }
        pending = []
        rows = 0
    }

    private func logits(_ states: ArraySlice<[Float]>, _ name: ScratchName) -> CPUTensor {
        let x = decoder.backend.tensor(.output, rows: states.count, columns: decoder.spec.hiddenSize, in: workspace)
        let values = states.flatMap { $0 }
        values.withUnsafeBufferPointer { decoder.backend.write($0, to: x) }
        return decoder.logits(of: x, name: name, workspace: workspace)
    }
}

extension Sampling {
    func sampler(prompt: [Int32]) -> Sampler? {
        switch self {
        case .greedy: nil
        case .random(let temperature, _, _) where !(temperature > 0): nil
        case .random(let temperature, let topP, let seed):
            Sampler(temperature: temperature, topP: topP, seed: seed, prompt: prompt)
        }
    }
}

extension Array where Element == (request: Int, job: Job) {
    fileprivate func promptTokens(of request: Int) -> Int {
        // In order of request, so found by bisection.
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].request < request { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low].request == request ? self[low].job.tokens.count : 0
    }
}

extension EngineStatistics {
    mutating func add(_ other: EngineStatistics) {
        promptTokens += other.promptTokens
        reusedTokens += other.reusedTokens
        generatedTokens += other.generatedTokens
        promptSeconds += other.promptSeconds
        generationSeconds += other.generationSeconds
        peakCacheBytes = Swift.max(peakCacheBytes, other.peakCacheBytes)
    }
}
