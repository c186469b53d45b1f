import Foundation

/// Continuous batching over one model with one set of edits: sequences join as soon as there is room and leave when
/// they are done; long prompts are cut into chunks and mixed with sequences that generate.
struct Scheduler {
    let model: LanguageModel
    let edits: PreparedEdits<CPUBackend>?
    let options: EngineOptions
    let workspace: CPUWorkspace
    var statistics = EngineStatistics()

    /// Rows of logits held at a time.
    static let logitRows = 32

    private var decoder: TransformerDecoder<CPUBackend> { model.decoder }
    private var backend: CPUBackend { model.decoder.backend }

    init(model: LanguageModel, edits: PreparedEdits<CPUBackend>?, options: EngineOptions, workspace: CPUWorkspace) {
        self.model = model
        self.edits = edits
        self.options = options
        self.workspace = workspace
    }

    /// Something waiting for its turn, with the keys and values it continues from.
    private struct Waiting {
        var item: PrefixPlan.Item
        var cache: KVCache<CPUBackend>
    }

    /// Runs all jobs; `finished` is called as each one ends.
    mutating func run(
        _ jobs: [Job], decided: ((Int, String) -> Bool)?, finished: (Int, JobResult) throws -> Void
    ) throws {
        let layers = model.spec.layerCount
        let depth = jobs.map { $0.depth(layers: layers) }.max() ?? 0
        let longest = jobs.map { min($0.tokens.count + $0.limit, model.spec.contextLength) }.max() ?? 0
        let tables = model.ropeTables(positions: longest)
        let plan = PrefixPlan(
            shareable: jobs.map { $0.tokens[..<max(0, $0.firstOutput)] }, enabled: options.reusesPrefixes)

        // Last in, first out: what continues a prefix comes before the next prefix, so few of them are held at a time.
        var waiting: [Waiting] = plan.roots.reversed().map { Waiting(item: $0, cache: KVCache()) }
        var active: [ActiveSequence] = []
        while !active.isEmpty || !waiting.isEmpty {
            if let shouldContinue = options.shouldContinue, !shouldContinue() { throw CancellationError() }
            while active.count < options.maxBatch, let next = waiting.popLast() {
                active.append(admit(next, jobs: jobs, plan: plan))
            }
            try step(&active, depth: depth, tables: tables, jobs: jobs)
            for i in active.indices { try active[i].afterStep(model: model, decided: decided) }
            for sequence in active where sequence.result != nil || sequence.isPrefixDone {
                if let result = sequence.result {
                    try finished(sequence.job, result)
                } else if let node = sequence.node {
                    for child in plan.nodes[node].children.reversed() {
                        waiting.append(Waiting(item: child, cache: KVCache(continuing: sequence.cache)))
                    }
                }
            }
            active.removeAll { $0.result != nil || $0.isPrefixDone }
        }
    }

    private mutating func admit(_ waiting: Waiting, jobs: [Job], plan: PrefixPlan) -> ActiveSequence {
        var sequence: ActiveSequence
        switch waiting.item {
        case .job(let index):
            let job = jobs[index]
            sequence = ActiveSequence(
                job: index, goal: job.goal, tokens: job.tokens[...], firstOutput: job.firstOutput, cache: waiting.cache,
                model: model)
            statistics.reusedTokens += waiting.cache.length
        case .node(let index):
            let node = plan.nodes[index]
            sequence = ActiveSequence(
                job: node.job, goal: .states, tokens: jobs[node.job].tokens[..<node.end], firstOutput: node.end,
                cache: waiting.cache, model: model)
            sequence.node = index
        }
        let remaining = sequence.tokens.count - sequence.cache.length
        let expected = sequence.node == nil ? min(jobs[sequence.job].limit, 32) : 0
        sequence.cache.reserve(
            remaining + expected, growth: 0, layout: decoder.layout, backend: backend)
        return sequence
    }

    /// One forward pass: a token of every generating sequence, and prompt chunks up to the step's size.
    private mutating func step(
        _ active: inout [ActiveSequence], depth: Int, tables: [RopeSpec: RopeTable], jobs: [Job]
    ) throws {
        let start = DispatchTime.now().uptimeNanoseconds
        var batch = DecoderBatch<CPUBackend>()
        // Sequence and number of its tokens in this step.
        var members: [(sequence: Int, count: Int)] = []
        var generating = 0
        for i in active.indices where active[i].isGenerating {
            active[i].cache.reserve(1, growth: 64, layout: decoder.layout, backend: backend)
            batch.sequences.append((batch.tokens.count..<batch.tokens.count + 1, active[i].cache))
            batch.tokens.append(active[i].nextToken)
            members.append((i, 1))
            generating += 1
        }
        var room = max(options.maxBatchTokens - batch.tokens.count, 1)
        for i in active.indices where !active[i].isGenerating && room > 0 {
            let consumed = active[i].cache.length
            let count = min(active[i].tokens.count - consumed, room)
            let first = batch.tokens.count
            batch.sequences.append((first..<first + count, active[i].cache))
            let chunk = active[i].tokens.startIndex + consumed
            batch.tokens += active[i].tokens[chunk..<chunk + count]
            members.append((i, count))
            room -= count
        }

        // Rows whose outputs are wanted: greedy ones first, then those that need logits, then plain states.
        var outputs: [OutputRow] = []
        for (member, entry) in zip(members, batch.sequences) {
            let sequence = active[member.sequence]
            let rows = sequence.wantedRows(count: member.count)
            for row in rows {
                outputs.append(
                    OutputRow(
                        use: sequence.use, sequence: member.sequence, row: entry.rows.lowerBound + row))
            }
            if case .activations(let sites) = sequence.goal, !rows.isEmpty {
                active[member.sequence].captureStart = batch.captureCount
                for (slot, site) in sites.enumerated() {
                    batch.captures[site, default: []].append(
                        (entry.rows.upperBound - 1, batch.captureCount + slot))
                }
                batch.captureCount += sites.count
            }
        }
        outputs.removeAll { $0.use == .capture }
        outputs.sort { ($0.use.rawValue, $0.row) < ($1.use.rawValue, $1.row) }
        batch.outputRows = outputs.map(\.row)

        let result = try decoder.forward(batch, edits: edits, depth: depth, tables: tables, workspace: workspace)
        for (sequence, count) in members { active[sequence].cache.advance(count) }
        if let normed = result.normed { distribute(normed, outputs, to: &active) }
        for (index, _) in members {
            guard case .activations(let sites) = active[index].goal, let first = active[index].captureStart else {
                continue
            }
            active[index].result = .activations(Array(result.captures[first..<first + sites.count]))
        }

        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
        let share = Double(generating) / Double(batch.tokens.count)
        statistics.generatedTokens += outputs.count {
            $0.use == .argmax || $0.use == .sample || $0.use == .argmaxAndState
        }
        statistics.generationSeconds += seconds * share
        statistics.promptTokens += batch.tokens.count - generating
        statistics.promptSeconds += seconds * (1 - share)
        let positions = active.reduce(0) { $0 + $1.ownPositions }
        statistics.peakCacheBytes = max(
            statistics.peakCacheBytes, positions * decoder.layout.bytesPerPosition)
    }

    private struct OutputRow {
        var use: ActiveSequence.Use
        var sequence: Int
        var row: Int
    }

    /// Turns final states into tokens, log-probabilities or plain vectors. `outputs` is sorted by use.
    private func distribute(_ normed: CPUTensor, _ outputs: [OutputRow], to active: inout [ActiveSequence]) {
        let greedy = outputs.prefix { $0.use == .argmax || $0.use == .argmaxAndState }.count
        if greedy > 0 {
            let tokens = decoder.argmax(of: backend.rows(0..<greedy, of: normed))
            for i in 0..<greedy {
                let sequence = outputs[i].sequence
                if outputs[i].use == .argmaxAndState {
                    active[sequence].states.append(backend.read(row: i, of: normed))
                }
                active[sequence].chosen = tokens[i]
            }
        }
        var first = greedy
        while first < outputs.count, outputs[first].use != .state {
            let use = outputs[first].use
            var end = first + 1
            while end < outputs.count, outputs[end].use == use, end - first < Self.logitRows { end += 1 }
            let logits = decoder.logits(of: backend.rows(first..<end, of: normed), workspace: workspace)
            switch use {
            case .sample:
                for i in first..<end {
                    active[outputs[i].sequence].sample(backend.read(row: i - first, of: logits))
                }
            case .logProbs:
                backend.logSoftmax(logits)
                for i in first..<end {
                    active[outputs[i].sequence].result = .logProbs(backend.read(row: i - first, of: logits))
                }
            case .score:
                let targets = (first..<end).map { active[outputs[$0].sequence].takeTarget() }
                for (i, score) in zip(first..<end, backend.logProbabilities(logits, of: targets)) {
                    active[outputs[i].sequence].addScore(score.logProbability, isTop: score.isTop)
                }
            case .argmax, .argmaxAndState, .state, .capture: break
            }
            first = end
        }
        for i in first..<outputs.count {
            active[outputs[i].sequence].states.append(backend.read(row: i, of: normed))
        }
    }
}
