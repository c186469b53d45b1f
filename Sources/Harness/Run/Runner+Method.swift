import Evals
import Foundation
import Inference
import Methods
import Results

/// A model in memory, with what methods share on it.
final class LoadedModel {
    let index: Int
    let entry: ModelEntry
    let model: LanguageModel
    let engine: Engine
    let record: ModelRecord
    let loadSeconds: Double
    /// Computed by the first method that needs it.
    var contrast: Contrast?
    var contrastSeconds = 0.0
    /// Samples of finished baseline cells, by evaluation.
    var baseline: [Int: [ScoredSample]] = [:]

    init(index: Int, entry: ModelEntry, model: LanguageModel, engine: Engine, record: ModelRecord, loadSeconds: Double) {
        self.index = index
        self.entry = entry
        self.model = model
        self.engine = engine
        self.record = record
        self.loadSeconds = loadSeconds
    }
}

/// A method's edits on one model.
struct PreparedMethod {
    var edits: WeightEdits
    var editsSHA256: String
    var seconds: Double
    var searchKey: String?
    var phases: [String: Double]
}

func elapsed(since start: Double) -> Double { ProcessInfo.processInfo.systemUptime - start }

extension Runner {
    func load(_ planned: Plan.PlannedModel, index: Int) throws -> LoadedModel {
        let start = ProcessInfo.processInfo.systemUptime
        let entry = planned.entry
        progress.line("\(entry.label): loading \(entry.reference)")
        var loading = LoadOptions()
        loading.precision = suite.precision
        let model = try LanguageModel.load(suite.resolved(entry.reference), revision: entry.revision, options: loading)
        var engineOptions = EngineOptions()
        engineOptions.prompt = suite.promptOptions
        if let batch = options.batch { engineOptions.maxBatch = batch }
        let engine = Engine(model: model, options: engineOptions)
        var record = ModelRecord(
            id: ModelRecord.identifier(repo: entry.reference, checkpointSHA256: planned.checkpointSHA256 ?? ""),
            repo: entry.reference)
        record.revision = entry.revision
        record.format = model.checkpoint.format.rawValue
        record.dtype = suite.precision.rawValue
        record.architecture = model.spec.modelType
        record.parameters = model.checkpoint.parameterCount
        record.layers = model.layerCount
        record.hiddenSize = model.hiddenSize
        record.checkpointSHA256 = planned.checkpointSHA256
        record.tokenizerSHA256 = model.tokenizer?.sha256
        record.chatTemplateSHA256 = model.template?.sha256
        return LoadedModel(
            index: index, entry: entry, model: model, engine: engine, record: record, loadSeconds: elapsed(since: start))
    }

    /// Residual-stream statistics of the contrast prompts, once per model; their geometry is stored for the report.
    func contrast(on loaded: LoadedModel, for label: String) throws -> Contrast {
        if let contrast = loaded.contrast { return contrast }
        guard let harmful = plan.prompts.records(.harmful, .contrast),
            let harmless = plan.prompts.records(.harmless, .contrast)
        else { throw HarnessError.needsPrompts(label, purpose: .contrast) }
        let start = ProcessInfo.processInfo.systemUptime
        progress.beginStep()
        let contrast = try ContrastCollector.collect(
            harmful: harmful, harmless: harmless, layerCount: loaded.model.layerCount, responder: loaded.engine
        ) { [progress] done, total in
            progress.update("\(loaded.entry.label) · directions", done: done, total: total)
        }
        loaded.contrast = contrast
        loaded.contrastSeconds = elapsed(since: start)
        try storeGeometry(of: contrast, on: loaded)
        progress.line(
            "\(loaded.entry.label) · directions from \(harmful.count) + \(harmless.count) prompts  "
                + Progress.duration(loaded.contrastSeconds))
        return contrast
    }

    private func storeGeometry(of contrast: Contrast, on loaded: LoadedModel) throws {
        let hashes = plan.prompts.hashes(.contrast)
        let key = sha256Hex(hashes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n"))
        let layers = try Geometry.layers(
            contrast, layerCount: loaded.model.layerCount, hiddenSize: loaded.model.hiddenSize)
        let rows = layers.flatMap { layer in
            layer.named.map { name, value in
                GeometryRecord(
                    modelID: loaded.record.id, contrastKey: key, name: name, layer: layer.index, value: value)
            }
        }
        try store.save(rows)
    }

    /// Computes a method's edits: from the contrast alone, or by a search that resumes where its journal ends.
    func prepare(method index: Int, on loaded: LoadedModel) throws -> PreparedMethod {
        if Interrupt.isRequested { throw InterruptedError() }
        let entry = suite.methods[index]
        let needs = entry.method.needs
        var phases = ["load": loaded.loadSeconds]
        var contrast = Contrast(harmful: [], harmless: [], harmfulFinalNormed: [], harmlessFinalNormed: [])
        if needs.contains(.contrast) {
            contrast = try self.contrast(on: loaded, for: entry.label)
            phases["directions"] = loaded.contrastSeconds
        }
        let start = ProcessInfo.processInfo.systemUptime
        var searchKey: String?
        var search: SearchRun?
        if needs.contains(.search) {
            guard let key = plan.searchKey(model: loaded.index, method: index) else { throw InterruptedError() }
            guard let harmful = plan.prompts.records(.harmful, .search),
                let harmless = plan.prompts.records(.harmless, .search)
            else { throw HarnessError.needsPrompts(entry.label, purpose: .search) }
            if options.fresh { try store.deleteTrials(searchKey: key) }
            searchKey = key
            search = try SearchRun(
                responder: loaded.engine, harmful: harmful, harmless: harmless, store: store, searchKey: key,
                onTrial: { [progress, total = entry.method.plannedTrials ?? 0, label = "\(loaded.entry.label) · \(entry.label)"] trial in
                    progress.update(
                        "\(label) · search", done: trial.number + 1, total: total,
                        metric: "refusals \(trial.measurement.refusals)/\(trial.measurement.prompts)  KL "
                            + String(format: "%.4f", trial.measurement.kl))
                })
            progress.beginStep()
        }
        let context = MethodContext(
            weights: loaded.model, contrast: contrast, seed: suite.seed, search: search)
        let result = try entry.method.edits(in: context)
        let seconds = elapsed(since: start)
        if searchKey != nil { phases["search"] = seconds } else { phases["edit"] = seconds }
        let hash = result.edits.sha256
        try keep(result, hash: hash, searchKey: searchKey)
        if !result.edits.isEmpty {
            progress.line(
                "\(loaded.entry.label) · \(entry.label): \(result.edits.writers.count) matrices edited  "
                    + Progress.duration(seconds))
        }
        return PreparedMethod(
            edits: result.edits, editsSHA256: hash, seconds: seconds, searchKey: searchKey, phases: phases)
    }

    /// Notes and directions go beside the numbers; the front and the pick of a search are marked on its trials.
    private func keep(_ result: MethodResult, hash: String, searchKey: String?) throws {
        var artifacts: [ArtifactRecord] = []
        let notes = JSONValue.object(result.notes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        artifacts.append(
            ArtifactRecord(ownerKey: hash, kind: "notes", body: Data(notes.serialized(sortedKeys: true).utf8)))
        for (layer, direction) in result.directions {
            let data = direction.withUnsafeBytes { Data($0) }
            artifacts.append(ArtifactRecord(ownerKey: hash, kind: "directions", name: String(layer), body: data))
        }
        try store.save(artifacts)
        if let searchKey {
            let trials = try store.trials(searchKey: searchKey).map { Trial(record: $0) }
            try store.markTrials(
                searchKey: searchKey, front: Set(TrialSearch.paretoFront(trials).map(\.number)),
                chosen: result.notes["chosen_trial"]?["number"]?.intValue)
        }
    }
}
