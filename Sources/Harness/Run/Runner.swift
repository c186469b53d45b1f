import CKernels
import Evals
import Foundation
import Inference
import Methods
import Results

/// How to run a suite: everything that must not change its results.
public struct RunOptions: Sendable {
    /// The results directory.
    public var output: URL
    public var dataDirectory: String?
    public var offline = false
    /// Forget this suite's finished cells and searches and measure again.
    public var fresh = false
    /// 0 = all cores.
    public var threads = 0
    /// Sequences generated side by side; nil = the engine's choice.
    public var batch: Int?
    /// The command line, for provenance.
    public var command: [String] = []
    public var display: Display = .automatic

    public init(output: URL) { self.output = output }
}

/// How a run ended.
public struct RunSummary: Sendable {
    public var completed = 0
    public var skipped = 0
    public var failed = 0
    public var interrupted = false
    public var database: URL

    /// 0 all cells succeeded, 1 some failed, 130 interrupted.
    public var exitCode: Int32 { interrupted ? 130 : failed > 0 ? 1 : 0 }
}

/// Runs a suite: baseline first, then every method on all evaluations, one model after the other. Only this type and
/// its extensions write to the database.
public final class Runner {
    let suite: Suite
    let options: RunOptions
    let store: ResultsStore
    let datasets: DatasetStore
    let progress: Progress
    let plan: Plan
    var session: SessionRecord
    var summary: RunSummary

    /// Checks everything that can be checked before the first weight is read.
    public init(suite: Suite, options: RunOptions) throws {
        self.suite = suite
        self.options = options
        progress = Progress(display: options.display)
        ab_set_threads(Int32(options.threads))
        datasets = suite.datasets(options)
        store = try ResultsStore(options.output)
        if options.fresh {
            let keys = try Plan.make(suite, datasets: datasets).cells.map(\.key)
            try store.deleteRuns(keys)
        }
        plan = try Plan.make(suite, datasets: datasets, completed: try store.completedRunKeys())
        let provenance = Provenance.current(command: options.command, directory: suite.directory)
        session = SessionRecord(suite: suite, plan: plan, provenance: provenance)
        summary = RunSummary(database: store.url)
    }

    /// Runs what is missing. Throws only when results cannot be written; a failed cell is recorded and passed over.
    public func run() throws -> RunSummary {
        try store.beginSession(session, cells: plan.cellRecords(session: session.id))
        do {
            for model in plan.models.indices { try run(model: model) }
            try adjustSignificance()
            try store.finishSession(session.id, status: summary.failed > 0 ? .error : .success)
        } catch is InterruptedError {
            summary.interrupted = true
            try store.finishSession(session.id, status: .cancelled, error: InterruptedError().description)
        } catch {
            // Whatever stops a session is written down if the database still takes it; the error itself matters more.
            try? store.finishSession(session.id, status: .error, error: "\(error)")
            throw error
        }
        progress.finishLive()
        return summary
    }

    private func run(model index: Int) throws {
        let planned = plan.models[index]
        let cells = plan.cells.filter { $0.model == index }
        let open = cells.filter { !$0.isComplete }
        summary.skipped += cells.count - open.count
        if open.isEmpty {
            progress.line("\(planned.entry.label): all \(cells.count) cells are already there")
            return
        }
        let loaded: LoadedModel
        do {
            if let problem = planned.problem { throw HarnessError.unknownName(problem) }
            loaded = try load(planned, index: index)
        } catch {
            progress.warning("\(planned.entry.label): \(error)")
            let record = ModelRecord(id: sha256Hex("unloadable " + planned.entry.reference), repo: planned.entry.reference)
            try store.save(record)
            for cell in open { try fail(cell, modelID: record.id, error: "\(error)") }
            return
        }
        try store.save(loaded.record)
        // The baseline first, whatever the suite's order: every other method is compared with it.
        let order = suite.methods.indices.sorted {
            (suite.methods[$0].name == Baseline.name ? 0 : 1, $0) < (suite.methods[$1].name == Baseline.name ? 0 : 1, $1)
        }
        for method in order {
            let open = plan.cells(model: index, method: method).filter { !$0.isComplete }
            guard !open.isEmpty else { continue }
            let prepared: PreparedMethod
            do {
                prepared = try prepare(method: method, on: loaded)
            } catch let error as InterruptedError {
                throw error
            } catch is CancellationError {
                throw InterruptedError()
            } catch let error as ResultsError {
                throw error
            } catch {
                progress.warning("\(planned.entry.label) · \(suite.methods[method].label): \(error)")
                for cell in open { try fail(cell, modelID: loaded.record.id, error: "\(error)") }
                continue
            }
            for cell in open { try run(cell, prepared, on: loaded) }
        }
    }

    /// Records a cell that could not be run.
    func fail(_ cell: Plan.Cell, modelID: String, error: String) throws {
        summary.failed += 1
        var record = runRecord(for: cell, modelID: modelID)
        record.status = .error
        record.error = error
        try store.finishRun(record)
    }

    func runRecord(for cell: Plan.Cell, modelID: String) -> RunRecord {
        let (method, eval) = (suite.methods[cell.method], plan.evals[cell.eval])
        var record = RunRecord(
            key: cell.key, sessionID: session.id, modelID: modelID, method: method.name, methodVersion: method.version,
            label: method.label, eval: eval.entry.name, evalVersion: eval.entry.version)
        record.methodOptions = method.options
        record.evalOptions = eval.entry.options
        record.dataSHA256 = cell.spec?.dataSHA256
        record.promptOptions = suite.promptOptions.canonicalJSON
        record.seed = String(suite.seed)
        record.sampleLimit = cell.spec?.limit
        record.precision = suite.precision.rawValue
        record.nOriginal = eval.originalCount
        record.nEffective = eval.samples.count
        record.samplesSHA256 = eval.samplesSHA256
        record.nShot = eval.entry.eval.shots
        record.isShareable = suite.isShareable(eval.entry.eval)
        return record
    }
}
