import Evals
import Foundation
import Inference
import Methods
import Results

/// Recomputes every score and every metric from the stored samples alone: no model, no data files. Proves that the
/// database is enough, and brings old results up to a corrected scorer.
public struct Rescorer {
    public struct Change: Sendable {
        public var model: String
        public var method: String
        public var eval: String
        public var metric: String
        public var filter: String
        public var old: Double?
        public var new: Double?
    }

    public struct Outcome: Sendable {
        public var runs = 0
        public var samples = 0
        public var metrics = 0
        public var changes: [Change] = []
        /// Runs that cannot be rescored, and why.
        public var problems: [String] = []
    }

    let store: ResultsStore

    public init(_ location: URL, write: Bool) throws {
        store = try ResultsStore(location, mode: write ? .readWrite : .readOnly)
        isWriting = write
    }

    private let isWriting: Bool

    public func run() throws -> Outcome {
        let snapshot = try store.snapshot()
        var outcome = Outcome()
        var fresh: [String: [MetricRecord]] = [:]
        var order: [String] = []
        for cell in snapshot.cells where cell.isComplete {
            guard let run = cell.run else { continue }
            do {
                let eval = try makeEval(name: run.eval, options: run.evalOptions)
                let scored = try rescored(run.key, eval: eval)
                let baselineCell = snapshot.cells.first {
                    $0.model == cell.model && $0.eval == cell.eval && $0.run?.method == Baseline.name && $0.isComplete
                }
                var baseline: [ScoredSample]?
                if run.method != Baseline.name, let key = baselineCell?.run?.key {
                    baseline = try rescored(key, eval: eval)
                }
                let specs = Dictionary(type(of: eval).metrics.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
                let seed = UInt64(run.seed ?? "0") ?? 0
                fresh[run.key] = eval.metrics(of: scored, baseline: baseline, seed: seed).map {
                    MetricRecord(runKey: run.key, value: $0, spec: specs[$0.name])
                }
                order.append(run.key)
                outcome.runs += 1
                outcome.samples += scored.count
            } catch {
                outcome.problems.append("\(cell.model) · \(cell.method) · \(cell.eval): \(error)")
            }
        }
        fresh = Significance.adjusted(fresh, order: order)
        for cell in snapshot.cells {
            guard let key = cell.run?.key, let new = fresh[key] else { continue }
            outcome.metrics += new.count
            for metric in new {
                let old = cell.metrics.first { $0.name == metric.name && $0.filter == metric.filter }
                if old?.value != metric.value || old?.ciLow != metric.ciLow || old?.ciHigh != metric.ciHigh
                    || old?.baselineDelta != metric.baselineDelta || old?.pValue != metric.pValue
                {
                    outcome.changes.append(
                        Change(
                            model: cell.model, method: cell.method, eval: cell.eval, metric: metric.name,
                            filter: metric.filter, old: old?.value, new: metric.value))
                }
            }
        }
        if isWriting { try store.replaceMetrics(fresh) }
        return outcome
    }

    private func makeEval(name: String, options: String) throws -> any Eval {
        guard let type = EvalRegistry.all.first(where: { $0.name == name }) else {
            throw HarnessError.unknownName(
                NearestName.message("evaluation", name, known: EvalRegistry.all.map { $0.name }))
        }
        let tree = try LocatedValue.parse(yaml: options, source: "stored options")
        func make<E: Eval>(_ type: E.Type) throws -> any Eval {
            try E(options: OptionsDecoding.decode(E.Options.self, from: tree, name: name, source: "stored options"))
        }
        return try make(type)
    }

    /// The run's samples, scored anew from their stored responses.
    private func rescored(_ key: String, eval: any Eval) throws -> [ScoredSample] {
        var result: [ScoredSample] = []
        for row in try store.samples(of: key) {
            guard let body = row.response else { continue }
            let response = try JSONDecoder().decode(ModelResponse.self, from: Data(body.utf8))
            let metadata = try row.metadata.map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
            let sample = Sample(
                id: row.sampleID, input: row.input ?? "", target: row.target, metadata: metadata ?? [:],
                prompt: .text(row.input ?? ""))
            result.append(ScoredSample(sampleID: row.sampleID, response: response, scores: eval.score(sample, response)))
        }
        return result
    }
}
