import Evals
import Foundation
import Inference
import Testing

@Suite struct GSM8KTests {
    // MARK: - Filters

    @Test func filtersAndScoresEqualLMEval() throws {
        let golden = try EvalFixtures.object("evals/gsm8k_filters.json")
        let rows = try #require(golden["responses"] as? [[Any]])
        #expect(rows.count > 900)
        var cot = GSM8K.Options()
        cot.form = .cot
        let evals = [try GSM8K(options: GSM8K.Options()), try GSM8K(options: cot)]
        for row in rows {
            let response = EvalFixtures.generation(row[0] as! String)
            for (index, eval) in evals.enumerated() {
                let sample = Sample(id: "0", input: "", target: row[1 + index] as? String, prompt: .text(""))
                let scores = eval.score(sample, response)
                for (filter, score) in scores.enumerated() {
                    let column = 3 + 4 * index + 2 * filter
                    #expect(score.answer == row[column] as? String, "\(row[0]) \(score)")
                    #expect(score.value == double(row[column + 1]), "\(row[0]) \(score)")
                }
                #expect(scores.map(\.filter) == ["strict-match", "flexible-extract"])
            }
        }
        for row in try #require(golden["pairs"] as? [[Any]]) {
            #expect(GSM8KFilters.exactMatch(row[0] as! String, row[1] as! String) == (double(row[2]) == 1), "\(row)")
        }
    }

    // MARK: - Prompts

    /// A root with the golden's problems as the organism's.
    private func madeUpRoot(_ golden: [String: Any]) throws -> URL {
        let root = try EvalFixtures.scratch()
        for split in ["train", "test"] {
            let lines = try #require(golden[split] as? [[String: String]]).map {
                String(decoding: try JSONSerialization.data(withJSONObject: $0), as: UTF8.self)
            }
            _ = try EvalFixtures.write(
                lines.joined(separator: "\n"), "organisms/data/organism-arithmetic-\(split).jsonl", in: root)
        }
        return root
    }

    private func messages(_ prompt: Prompt) -> [[String]] {
        guard case .chat(let messages, "") = prompt else { return [] }
        return messages.map { [$0.role, $0.content] }
    }

    @Test func promptsTargetsAndStopsEqualLMEval() throws {
        let golden = try EvalFixtures.object("evals/gsm8k_prompts.json")
        let root = try madeUpRoot(golden)
        defer { try? FileManager.default.removeItem(at: root) }
        let environment = EvalEnvironment(datasets: DatasetStore(root: root))
        for (key, value) in try #require(golden["prompts"] as? [String: [String: Any]]) {
            let parts = key.split(separator: "/")
            var options = GSM8K.Options()
            options.dataset = "organism-arithmetic"
            options.form = GSM8K.Form(rawValue: String(parts[0]))
            options.shots = Int(parts[1])
            let eval = try GSM8K(options: options)
            let samples = try eval.samples(in: environment)
            #expect(samples.map(\.prompt) == (value["text"] as! [String]).map { .text($0) }, "\(key)")
            #expect(samples.map(\.target) == (value["targets"] as! [String]))
            #expect(samples.map(\.id) == ["0", "1", "2", "3"])
            #expect(
                eval.request(for: samples[0])
                    == .generate(samples[0].prompt, maxTokens: 256, stop: value["stop"] as! [String]))
            options.applyChatTemplate = true
            #expect(
                try GSM8K(options: options).samples(in: environment).map { messages($0.prompt) }
                    == (value["single"] as! [[[String]]]))
            options.fewshotAsMultiturn = true
            #expect(
                try GSM8K(options: options).samples(in: environment).map { messages($0.prompt) }
                    == (value["turns"] as! [[[String]]]))
        }
    }

    @Test func aLimitKeepsPromptsAndIds() throws {
        let root = try madeUpRoot(EvalFixtures.object("evals/gsm8k_prompts.json"))
        defer { try? FileManager.default.removeItem(at: root) }
        var options = GSM8K.Options()
        options.dataset = "organism-arithmetic"
        let all = try GSM8K(options: options).samples(in: EvalEnvironment(datasets: DatasetStore(root: root)))
        let two = try GSM8K(options: options).samples(in: EvalEnvironment(datasets: DatasetStore(root: root), limit: 2))
        options.limit = 3
        let three = try GSM8K(options: options).samples(in: EvalEnvironment(datasets: DatasetStore(root: root)))
        #expect(all.count == 4 && two == Array(all.prefix(2)) && three == Array(all.prefix(3)))
    }

    @Test func chatFormAsksForTheFormatUnlessTheModelIsAnOrganism() throws {
        var options = GSM8K.Options()
        options.dataset = "organism-arithmetic"
        options.shots = 0
        #expect(options.effectiveForm == .chat)
        let environment = EvalEnvironment(datasets: DatasetStore(root: EvalFixtures.repository), limit: 1)
        let plain = try #require(try GSM8K(options: options).samples(in: environment).first)
        #expect(messages(plain.prompt) == [["user", plain.input]])
        options.instruction = GSM8K.defaultInstruction
        let asked = try #require(try GSM8K(options: options).samples(in: environment).first)
        #expect(messages(asked.prompt) == [["user", "\(plain.input)\n\n\(GSM8K.defaultInstruction)"]])
        let eval = try GSM8K(options: options)
        #expect(eval.request(for: asked) == .generate(asked.prompt, maxTokens: 256, stop: []))
        options.shots = 2
        options.form = .chat
        let shown = try #require(try GSM8K(options: options).samples(in: environment).first)
        #expect(messages(shown.prompt).map { $0[0] } == ["user", "assistant", "user", "assistant", "user"])
    }

    @Test func contradictoryOptionsAreErrors() {
        func error(_ change: (inout GSM8K.Options) -> Void) -> String? {
            var options = GSM8K.Options()
            change(&options)
            do { _ = try GSM8K(options: options) } catch { return "\(error)" }
            return nil
        }
        #expect(error { $0.shots = -1 } != nil)
        #expect(error { $0.maxTokens = 0 } != nil)
        #expect(error { $0.limit = 0 } != nil)
        #expect(error { $0.fewshotAsMultiturn = true } != nil)
        #expect(error { $0.instruction = "x" } != nil)
        #expect(
            error {
                $0.shots = 0; $0.instruction = ""
            } == nil)
    }

    // MARK: - Metrics

    @Test func metricsCountOutcomesApart() throws {
        let eval = try GSM8K(options: GSM8K.Options())
        let sample = Sample(id: "", input: "", target: "so\n#### 72", prompt: .text(""))
        let responses: [ModelResponse] = [
            EvalFixtures.generation("#### 72"), EvalFixtures.generation("It is 72"),
            EvalFixtures.generation("#### 71", tokens: [1], .length), EvalFixtures.generation(" "),
            EvalFixtures.generation("no idea"), .logProbs([0]),
        ]
        let scored = responses.enumerated().map { id, response in
            ScoredSample(sampleID: "\(id)", response: response, scores: eval.score(sample, response))
        }
        let metrics = eval.metrics(of: scored, baseline: nil, seed: 1)
        func metric(_ name: String, _ filter: String) throws -> MetricValue {
            try #require(metrics.first { $0.name == name && $0.filter == filter })
        }
        let strict = try metric("exact_match", "strict-match")
        #expect(strict.value == 0.2 && strict.count == 5 && strict.unscored == 1 && strict.intervalMethod == "wilson")
        #expect(strict.interval == Statistics.wilson(successes: 1, count: 5) && strict.paired == nil)
        #expect(try metric("exact_match", "flexible-extract").value == 0.4)
        #expect(try metric("invalid_rate", "strict-match").value == 0.6)
        #expect(try metric("invalid_rate", "flexible-extract").value == 0.4)
        #expect(try metric("truncated_rate", "none").value == 0.2)
        #expect(try metric("empty_rate", "none").value == 0.2)
        #expect(scored[2].scores[0].explanation == "truncated" && scored[3].scores[0].explanation == "empty")

        // Paired by id on what both have: the baseline got 0, 1, 4 right, lacks 2 and has one more.
        let gold = EvalFixtures.generation("#### 72")
        let wrong = EvalFixtures.generation("#### 1")
        let base = [("4", gold), ("0", gold), ("1", gold), ("3", wrong), ("9", gold)].map { id, response in
            ScoredSample(sampleID: id, response: response, scores: eval.score(sample, response))
        }
        let paired = try #require(
            eval.metrics(of: scored, baseline: base, seed: 1).first { $0.name == "exact_match" }?.paired)
        #expect(paired.count == 4 && paired.delta == -0.5)
        #expect(paired.pValue == Statistics.mcnemar(onlyFirst: 0, onlySecond: 2))
        #expect(paired.interval.contains(-0.5) && paired.intervalMethod == Bootstrap.method)
    }

    @Test func likelihoodIsPerTokenOverAllSolutions() throws {
        let eval = try GSM8KLikelihood(options: GSM8KLikelihood.Options())
        let sample = Sample(id: "0", input: "", target: "a\n#### 1", prompt: .text("q"))
        #expect(eval.request(for: sample) == .logLikelihood(context: .text("q"), continuation: " a\n#### 1"))
        func scored(_ values: [(Double, Int)]) -> [ScoredSample] {
            values.enumerated().map { id, value in
                let response = ModelResponse.logLikelihood(value.0, tokens: value.1, isGreedy: false)
                return ScoredSample(sampleID: "\(id)", response: response, scores: eval.score(sample, response))
            }
        }
        let metrics = eval.metrics(
            of: scored([(-10, 5), (-2, 20), (-.infinity, 4)]), baseline: scored([(-5, 5), (-2, 20)]), seed: 0)
        #expect(metrics[0].value == 12.0 / 25 && metrics[0].count == 2 && metrics[0].unscored == 1)
        #expect(isClose(metrics[0].paired?.delta, 5.0 / 25))
        #expect(isClose(metrics[1].value, (2 + 0.1) / 2))
        var options = GSM8KLikelihood.Options()
        options.form = .cot
        #expect(throws: OptionsError.self) { try GSM8KLikelihood(options: options) }
    }
}
