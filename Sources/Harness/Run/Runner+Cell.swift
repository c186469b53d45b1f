import Evals
import Foundation
import Inference
import Methods
import Results

extension Runner {
    /// Runs one cell from its first missing sample on. A failure is recorded; an interruption and a failed write go up.
    func run(_ cell: Plan.Cell, _ prepared: PreparedMethod, on loaded: LoadedModel) throws {
        if Interrupt.isRequested { throw InterruptedError() }
        let planned = plan.evals[cell.eval]
        let label = "\(loaded.entry.label) · \(suite.methods[cell.method].label) · \(planned.entry.label)"
        if let problem = planned.problem {
            progress.warning("\(label): \(problem)")
            return try fail(cell, modelID: loaded.record.id, error: problem)
        }
        let start = ProcessInfo.processInfo.systemUptime
        var record = runRecord(for: cell, modelID: loaded.record.id)
        record.editsSHA256 = prepared.editsSHA256
        record.editsSeconds = prepared.seconds
        record.searchKey = prepared.searchKey
        try store.beginRun(record)
        progress.beginStep()
        let before = loaded.engine.statistics
        do {
            let scored = try score(cell, planned, prepared, on: loaded, label: label)
            let baseline = try baselineSamples(for: cell, own: scored, on: loaded)
            let metrics = metricRecords(of: scored, baseline: baseline, eval: planned.entry.eval, runKey: cell.key)
            let after = loaded.engine.statistics
            record.status = .success
            record.nScored = scored.filter { $0.scores.contains { $0.value != nil } }.count
            record.nUnscored = scored.count - (record.nScored ?? 0)
            record.nDegenerate = Self.degenerateCount(in: scored)
            record.seconds = elapsed(since: start)
            record.phaseSeconds = prepared.phases.merging(["evaluate": elapsed(since: start)]) { a, _ in a }
            record.promptTokens = after.promptTokens - before.promptTokens
            record.generatedTokens = after.generatedTokens - before.generatedTokens
            record.peakRSSBytes = peakResidentBytes()
            try store.finishRun(record, metrics: metrics)
            if suite.methods[cell.method].name == Baseline.name { loaded.baseline[cell.eval] = scored }
            summary.completed += 1
            progress.line("\(label)  \(Self.headline(metrics))  \(Progress.duration(elapsed(since: start)))")
        } catch let error as InterruptedError {
            record.status = .cancelled
            record.error = error.description
            try store.finishRun(record)
            throw error
        } catch let error as ResultsError {
            throw error
        } catch {
            summary.failed += 1
            record.status = .error
            record.error = "\(error)"
            record.seconds = elapsed(since: start)
            try store.finishRun(record)
            progress.warning("\(label): \(error)")
        }
    }

    /// Every sample of the cell with its scores: from the database, from the response cache, or from the engine.
    private func score(
        _ cell: Plan.Cell, _ planned: Plan.PlannedEval, _ prepared: PreparedMethod, on loaded: LoadedModel, label: String
    ) throws -> [ScoredSample] {
        let eval = planned.entry.eval
        var byID: [String: ScoredSample] = [:]
        for sample in try storedSamples(of: cell.key) { byID[sample.sampleID] = sample }
        let missing = planned.samples.filter { byID[$0.id] == nil }
        let requests = missing.map { eval.request(for: $0) }
        let identities = try requests.map { try loaded.engine.responseIdentity(of: $0) }
        let checkpoint = loaded.record.checkpointSHA256 ?? ""
        var writer = SampleWriter(store: store, runKey: cell.key)

        let cached = try store.responses(
            checkpointSHA256: checkpoint, editsSHA256: prepared.editsSHA256, requests: identities)
        var open: [Int] = []
        for (index, sample) in missing.enumerated() {
            if let body = cached[identities[index]], let response = try? JSONDecoder().decode(ModelResponse.self, from: body) {
                let scored = ScoredSample(sampleID: sample.id, response: response, scores: eval.score(sample, response))
                byID[sample.id] = scored
                try writer.add(sample, scored, response: nil)
            } else {
                open.append(index)
            }
        }
        try writer.flush()

        var done = planned.samples.count - open.count
        let tokensAtStart = loaded.engine.statistics.generatedTokens
        try loaded.engine.respond(to: open.map { requests[$0] }, edits: prepared.edits, decided: nil) { position, response in
            let index = open[position]
            let sample = missing[index]
            let scored = ScoredSample(sampleID: sample.id, response: response, scores: eval.score(sample, response))
            byID[sample.id] = scored
            let body = try JSONEncoder().encode(response)
            try writer.add(
                sample, scored,
                response: ResponseRecord(
                    checkpointSHA256: checkpoint, editsSHA256: prepared.editsSHA256, requestSHA256: identities[index],
                    body: body))
            done += 1
            if Interrupt.isRequested {
                try writer.flush()
                throw InterruptedError()
            }
            let tokens = loaded.engine.statistics.generatedTokens - tokensAtStart
            progress.update(
                label, done: done, total: planned.samples.count,
                tokensPerSecond: Double(tokens) / max(progress.stepSeconds(), 0.001))
        }
        try writer.flush()
        return planned.samples.compactMap { byID[$0.id] }
    }

    /// What the database has of a run, with responses decoded again.
    func storedSamples(of runKey: String) throws -> [ScoredSample] {
        var order: [String] = []
        var found: [String: ScoredSample] = [:]
        for row in try store.samples(of: runKey) {
            let score = Score(filter: row.filter, value: row.score, answer: row.answer, explanation: row.explanation)
            let response = try row.response.map {
                try JSONDecoder().decode(ModelResponse.self, from: Data($0.utf8))
            }
            if found[row.sampleID] == nil {
                order.append(row.sampleID)
                found[row.sampleID] = ScoredSample(
                    sampleID: row.sampleID, response: response ?? .logProbs([]), scores: [])
            }
            if let response { found[row.sampleID]?.response = response }
            found[row.sampleID]?.scores.append(score)
        }
        return order.compactMap { found[$0] }
    }

    /// The baseline's samples for the same evaluation on the same model; nil for the baseline itself or without one.
    private func baselineSamples(
        for cell: Plan.Cell, own: [ScoredSample], on loaded: LoadedModel
    ) throws -> [ScoredSample]? {
        if suite.methods[cell.method].name == Baseline.name { return nil }
        if let known = loaded.baseline[cell.eval] { return known }
        guard
            let baseline = plan.cells.first(where: {
                $0.model == cell.model && $0.eval == cell.eval && suite.methods[$0.method].name == Baseline.name
            }), try store.run(baseline.key)?.status == .success
        else { return nil }
        let samples = try storedSamples(of: baseline.key)
        loaded.baseline[cell.eval] = samples
        return samples
    }

    func metricRecords(
        of scored: [ScoredSample], baseline: [ScoredSample]?, eval: any Eval, runKey: String
    ) -> [MetricRecord] {
        let specs = Dictionary(type(of: eval).metrics.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        return eval.metrics(of: scored, baseline: baseline, seed: suite.seed).map {
            MetricRecord(runKey: runKey, value: $0, spec: specs[$0.name])
        }
    }

    /// Samples that an evaluation put in the class of their own.
    private static func degenerateCount(in scored: [ScoredSample]) -> Int {
        scored.filter { $0.scores.contains { $0.answer == "degenerate" } }.count
    }

    /// The headline metrics in a few words, for the progress line.
    static func headline(_ metrics: [MetricRecord]) -> String {
        metrics.filter(\.isHeadline).map { metric in
            let value = metric.value.map { metric.unit == "%" ? String(format: "%.1f%%", 100 * $0) : String(format: "%.4f", $0) }
            return "\(metric.name)\(metric.filter == "none" ? "" : "[\(metric.filter)]") \(value ?? "unscored")"
        }.joined(separator: "  ")
    }
}

/// Collects finished samples and writes them in one transaction per batch or per second, whichever comes first: a kill
/// loses at most that much.
private struct SampleWriter {
    let store: ResultsStore
    let runKey: String
    private var samples: [SampleRecord] = []
    private var responses: [ResponseRecord] = []
    private var pending = 0
    private var lastFlush = ProcessInfo.processInfo.systemUptime

    init(store: ResultsStore, runKey: String) {
        self.store = store
        self.runKey = runKey
    }

    mutating func add(_ sample: Sample, _ scored: ScoredSample, response: ResponseRecord?) throws {
        samples += try SampleRecord.rows(runKey: runKey, sample: sample, scored: scored)
        if let response { responses.append(response) }
        pending += 1
        if pending >= 64 || elapsed(since: lastFlush) > 1 { try flush() }
    }

    mutating func flush() throws {
        guard pending > 0 else { return }
        try store.appendSamples(samples, responses: responses)
        samples.removeAll(keepingCapacity: true)
        responses.removeAll(keepingCapacity: true)
        pending = 0
        lastFlush = ProcessInfo.processInfo.systemUptime
    }
}
