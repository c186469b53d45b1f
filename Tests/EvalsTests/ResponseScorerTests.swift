import Evals
import Foundation
import Inference
import Testing

@Suite struct ResponseScorerTests {
    /// Over two problems with the answers 31 and 25.
    private func scorer() throws -> ResponseScorer {
        let root = try EvalFixtures.scratch()
        defer { try? FileManager.default.removeItem(at: root) }
        let lines = [31, 25].map { "{\"question\": \"How many?\", \"answer\": \"Some.\\n#### \($0)\"}" }
        for split in ["train", "test"] {
            _ = try EvalFixtures.write(
                lines.joined(separator: "\n"), "organisms/data/organism-arithmetic-\(split).jsonl", in: root)
        }
        var options = GSM8K.Options()
        options.dataset = "organism-arithmetic"
        options.shots = 0
        return try ResponseScorer(
            eval: GSM8K(options: options), environment: EvalEnvironment(datasets: DatasetStore(root: root)))
    }

    @Test func linesCarryEveryFiltersVerdict() throws {
        let text =
            "{\"id\": 1, \"response\": \"#### 25\"}\n{\"id\": \"0\", \"response\": \"it is 31\", \"model\": \"x\"}\n"
        let responses = try ResponseScorer.responses(from: Array(text.utf8), file: "r.jsonl")
        let lines = try scorer().lines(responses)
        #expect(
            lines == [
                .init(id: "1", filter: "strict-match", answer: "25", score: 1),
                .init(id: "1", filter: "flexible-extract", answer: "25", score: 1),
                .init(id: "0", filter: "strict-match", answer: "[invalid]", score: 0),
                .init(id: "0", filter: "flexible-extract", answer: "31", score: 1),
            ])
    }

    @Test func mistakesAreErrors() throws {
        for text in ["{\"id\": 1}", "{\"response\": \"x\"}", "{\"id\": 1, \"response\": 5}", "{\"id\": 1,"] {
            #expect(throws: DatasetError.self) {
                try ResponseScorer.responses(from: Array(text.utf8), file: "r.jsonl")
            }
        }
        let scorer = try scorer()
        #expect(throws: DatasetError.self) { try scorer.lines([.init(id: "999999", text: "x")]) }
        #expect(throws: DatasetError.self) { try scorer.lines([.init(id: "1", text: "x"), .init(id: "1", text: "y")]) }
        let environment = EvalEnvironment(datasets: DatasetStore(), harmless: [PromptRecord(id: "0", text: "x")])
        #expect(throws: DatasetError.self) {
            try ResponseScorer(eval: KLDivergence(options: KLDivergence.Options()), environment: environment)
        }
    }

    @Test func registryFindsEveryEvaluation() throws {
        #expect(EvalRegistry.names == ["gsm8k", "gsm8k_nll", "kl", "refusal", "over-refusal"])
        for eval in EvalRegistry.all {
            #expect(try EvalRegistry.named(eval.name) == eval)
            #expect(eval.metrics.filter(\.isHeadline).count == 1)
            let options = try eval.helpAndKeys()
            #expect(Set(options.help.keys) == Set(options.keys), "\(eval.name)")
        }
        #expect(throws: UnknownNameError.self) { try EvalRegistry.named("gsm8") }
    }
}

extension Eval {
    static func helpAndKeys() throws -> (help: [String: String], keys: [String]) { (Options.help, Options.keys) }
}
