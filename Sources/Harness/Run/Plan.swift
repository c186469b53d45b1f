import Crypto
import Evals
import Foundation
import Inference
import Methods
import Results

/// Every cell of a suite, by content: what `--dry-run` prints and the runner works through.
public struct Plan: Sendable {
    /// A model as far as planning needs it, or why it cannot be used.
    public struct PlannedModel: Sendable {
        public var entry: ModelEntry
        public var checkpointSHA256: String?
        public var problem: String?
    }

    public struct PlannedEval: Sendable {
        public var entry: EvalEntry
        public var samples: [Sample]
        /// Samples before the limit.
        public var originalCount: Int
        /// Over ids, prompts and targets of the samples.
        public var samplesSHA256: String
        public var problem: String?
    }

    public struct Cell: Sendable {
        public var model: Int
        public var method: Int
        public var eval: Int
        public var key: String
        public var spec: RunSpec?
        /// Already in the database.
        public var isComplete: Bool
    }

    public var suite: Suite
    public var prompts: PromptSets
    public var models: [PlannedModel]
    public var evals: [PlannedEval]
    public var cells: [Cell]

    public func cells(model: Int, method: Int) -> [Cell] { cells.filter { $0.model == model && $0.method == method } }

    /// Hashes checkpoints, builds every evaluation's samples, and derives run keys. Loads no weights.
    public static func make(_ suite: Suite, datasets: DatasetStore, completed: Set<String> = []) throws -> Plan {
        let prompts = try PromptSets.load(suite, datasets: datasets)
        let evals = suite.evals.map { planned($0, suite: suite, prompts: prompts, datasets: datasets) }
        let models = suite.models.map { entry -> PlannedModel in
            do {
                let checkpoint = try CheckpointLoader.open(
                    suite.resolved(entry.reference), revision: entry.revision)
                return PlannedModel(entry: entry, checkpointSHA256: checkpoint.sha256)
            } catch {
                return PlannedModel(entry: entry, problem: "\(error)")
            }
        }
        var plan = Plan(suite: suite, prompts: prompts, models: models, evals: evals, cells: [])
        for model in models.indices {
            for method in suite.methods.indices {
                for eval in evals.indices { plan.cells.append(plan.cell(model, method, eval, completed)) }
            }
        }
        return plan
    }

    private static func planned(
        _ entry: EvalEntry, suite: Suite, prompts: PromptSets, datasets: DatasetStore
    ) -> PlannedEval {
        do {
            var environment = EvalEnvironment(
                datasets: datasets, harmful: prompts.records(.harmful, .test) ?? [],
                harmless: prompts.records(.harmless, .test) ?? [], limit: nil, seed: suite.seed)
            let original = try entry.eval.samples(in: environment).count
            environment.limit = [entry.limit, suite.limit].compactMap { $0 }.min()
            let samples = try entry.eval.samples(in: environment)
            guard !samples.isEmpty else {
                return PlannedEval(
                    entry: entry, samples: [], originalCount: original, samplesSHA256: "",
                    problem: "\(entry.label): there is nothing to evaluate: the data gives no samples. Check 'prompts' "
                        + "(its 'test' slices) and the evaluation's own dataset")
            }
            return PlannedEval(
                entry: entry, samples: samples, originalCount: original, samplesSHA256: try hash(of: samples))
        } catch {
            return PlannedEval(
                entry: entry, samples: [], originalCount: 0, samplesSHA256: "", problem: "\(entry.label): \(error)")
        }
    }

    private static func hash(of samples: [Sample]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return SHA256.hash(data: try encoder.encode(samples)).map { String(format: "%02x", $0) }.joined()
    }

    private func cell(_ model: Int, _ method: Int, _ eval: Int, _ completed: Set<String>) -> Cell {
        let (m, e) = (suite.methods[method], evals[eval])
        guard let checkpoint = models[model].checkpointSHA256 else {
            // Not loadable: the key only has to be distinct, the error is what is recorded.
            let text = ["unloadable", models[model].entry.reference, m.label, e.entry.label].joined(separator: "\n")
            return Cell(model: model, method: method, eval: eval, key: sha256Hex(text), spec: nil, isComplete: false)
        }
        var hashes = ["samples": e.samplesSHA256]
        let needs = m.method.needs
        if needs.contains(.contrast) { hashes.merge(prompts.hashes(.contrast)) { a, _ in a } }
        if needs.contains(.search) { hashes.merge(prompts.hashes(.search)) { a, _ in a } }
        let spec = RunSpec(
            checkpointSHA256: checkpoint, method: m.name, methodVersion: m.version, methodOptions: m.options,
            eval: e.entry.name, evalVersion: e.entry.version, evalOptions: e.entry.options, dataSHA256: hashes,
            promptOptions: suite.promptOptions.canonicalJSON, seed: suite.seed,
            limit: [e.entry.limit, suite.limit].compactMap { $0 }.min(), precision: suite.precision.rawValue)
        return Cell(
            model: model, method: method, eval: eval, key: spec.key, spec: spec,
            isComplete: completed.contains(spec.key))
    }

    /// The key of a method's search on one model, shared by all evaluations.
    func searchKey(model: Int, method: Int) -> String? {
        guard let checkpoint = models[model].checkpointSHA256 else { return nil }
        let entry = suite.methods[method]
        // Options that only decide how long to search or what to pick leave the trials themselves as they are.
        var options = (try? JSON(parsing: entry.options)) ?? .null
        if case .object(let members) = options {
            options = .object(members.filter { !["trials", "kl_budget"].contains($0.key) })
        }
        return SearchSpec(
            checkpointSHA256: checkpoint, method: entry.name, methodVersion: entry.version,
            methodOptions: options.canonical,
            dataSHA256: prompts.hashes(.contrast).merging(prompts.hashes(.search)) { a, _ in a },
            promptOptions: suite.promptOptions.canonicalJSON, seed: suite.seed, precision: suite.precision.rawValue
        ).key
    }
}
