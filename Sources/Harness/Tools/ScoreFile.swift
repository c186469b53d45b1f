import Evals
import Foundation
import Inference

/// `abench score`: generations made elsewhere, scored by the same code as our own.
public struct ScoreFile {
    private let scorer: ResponseScorer
    private let responses: [ResponseScorer.Response]

    /// - Parameter settings: `key=value` options of the evaluation.
    public init(eval name: String, responses path: String, settings: [String], dataDirectory: String?) throws {
        guard let type = EvalRegistry.all.first(where: { $0.name == name }) else {
            throw HarnessError.unknownName(
                NearestName.message("evaluation", name, known: EvalRegistry.all.map { $0.name }))
        }
        func make<E: Eval>(_ type: E.Type) throws -> any Eval {
            try E(options: OptionsDecoding.decode(
                E.Options.self, from: OptionsDecoding.mapping(settings), name: name, source: "--set"))
        }
        let bytes = try InputFile.read(path)
        responses = try ResponseScorer.responses(from: bytes, file: path)
        let datasets = DatasetStore(dataDirectory: dataDirectory.map { URL(fileURLWithPath: $0) })
        let eval = try make(type)
        var environment = EvalEnvironment(datasets: datasets)
        // Evaluations of the suite's prompts are scored on the published test split, rows as ids.
        switch eval.promptSource {
        case .harmful:
            environment.harmful = try datasets.prompts(
                DatasetReference(dataset: "refusal-direction-harmful", split: "test"))
        case .harmless:
            environment.harmless = try datasets.prompts(
                DatasetReference(dataset: "refusal-direction-harmless", split: "test"))
        case .dataset: break
        }
        scorer = try ResponseScorer(eval: eval, environment: environment)
    }

    /// One JSON object per response and filter.
    public func jsonLines() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try scorer.lines(responses).map { String(decoding: try encoder.encode($0), as: UTF8.self) }
            .joined(separator: "\n")
    }

    /// The metrics over all responses, a line each.
    public func summary() throws -> String {
        let metrics = scorer.eval.metrics(of: try scorer.scored(responses), baseline: nil, seed: 0)
        return metrics.map { metric in
            let value = metric.value.map { "\($0)" } ?? "unscored"
            let interval = metric.interval.map { "  [\($0.lowerBound), \($0.upperBound)]" } ?? ""
            return "\(metric.name)\t\(metric.filter)\t\(value)\(interval)\tn=\(metric.count)"
        }.joined(separator: "\n")
    }
}
