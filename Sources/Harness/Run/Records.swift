import Evals
import Foundation
import Inference
import Methods
import Results

extension SessionRecord {
    init(suite: Suite, plan: Plan, provenance: Provenance) {
        self.init(suite: suite.name)
        suiteSHA256 = sha256Hex(suite.text)
        suiteText = suite.text
        summary = suite.summary
        command = provenance.command
        harnessVersion = provenance.version
        gitCommit = provenance.gitCommit
        gitDirty = provenance.gitDirty
        swiftVersion = provenance.swiftVersion
        os = provenance.operatingSystem
        cpu = provenance.cpu
        isa = provenance.kernels
        isaReason = provenance.kernelsReason
        threads = provenance.threads
        precision = suite.precision.rawValue
        seed = String(suite.seed)
        sampleLimit = suite.limit
        allowOverlap = plan.prompts.hasOverlap
        prompts = plan.prompts.descriptions
    }
}

extension Plan {
    func cellRecords(session: String) -> [CellRecord] {
        cells.map { cell in
            CellRecord(
                sessionID: session, model: models[cell.model].entry.label, method: suite.methods[cell.method].label,
                eval: evals[cell.eval].entry.label, modelIndex: cell.model, methodIndex: cell.method,
                evalIndex: cell.eval, runKey: cell.key)
        }
    }
}

extension MetricRecord {
    init(runKey: String, value: MetricValue, spec: MetricSpec?) {
        self.init(
            runKey: runKey, name: value.name, filter: value.filter, value: value.value, stderr: value.standardError,
            ciLow: value.interval?.lowerBound, ciHigh: value.interval?.upperBound, ciMethod: value.intervalMethod,
            n: value.count, unscored: value.unscored, higherIsBetter: spec?.higherIsBetter, unit: spec?.unit,
            isHeadline: spec?.isHeadline ?? false)
        summary = spec?.summary
        if let paired = value.paired {
            baselineDelta = paired.delta
            baselineDeltaCILow = paired.interval.lowerBound
            baselineDeltaCIHigh = paired.interval.upperBound
            baselineDeltaMethod = paired.intervalMethod
            baselineN = paired.count
            pValue = paired.pValue
        }
    }
}

extension SampleRecord {
    /// One row per filter; the first carries the whole response, so that `rescore` needs no model.
    static func rows(runKey: String, sample: Sample, scored: ScoredSample) throws -> [SampleRecord] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = String(decoding: try encoder.encode(scored.response), as: UTF8.self)
        var output: String?
        var generated: (prompt: Int, tokens: Int)?
        if case .generation(let generation) = scored.response {
            output = generation.text
            generated = (generation.promptTokens, generation.tokens.count)
        }
        let promptText = String(decoding: try encoder.encode(sample.prompt), as: UTF8.self)
        return scored.scores.enumerated().map { index, score in
            var row = SampleRecord(
                runKey: runKey, sampleID: sample.id, filter: score.filter, input: sample.input, target: sample.target,
                output: output, answer: score.answer, score: score.value, explanation: score.explanation,
                response: index == 0 ? body : nil)
            if !sample.metadata.isEmpty {
                row.metadata = (try? encoder.encode(sample.metadata)).map { String(decoding: $0, as: UTF8.self) }
            }
            row.docSHA256 = sha256Hex(sample.input)
            row.promptSHA256 = sha256Hex(promptText)
            row.targetSHA256 = sample.target.map { sha256Hex($0) }
            row.promptTokens = generated?.prompt
            row.generatedTokens = generated?.tokens
            return row
        }
    }
}

extension Trial {
    init(record: TrialRecord) {
        self.init(
            number: record.number, parameters: record.parameters, objectives: record.objectives,
            measurement: SearchMeasurement(refusals: record.refusals, prompts: record.prompts, kl: record.kl))
    }

    func record(searchKey: String, seconds: Double) -> TrialRecord {
        TrialRecord(
            searchKey: searchKey, number: number, parameters: parameters, objectives: objectives,
            refusals: measurement.refusals, prompts: measurement.prompts, kl: measurement.kl, seconds: seconds)
    }
}
