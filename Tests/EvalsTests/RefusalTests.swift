import Evals
import Foundation
import Inference
import Testing

@Suite struct RefusalTests {
    @Test func judgesEqualTheirPythonTranscription() throws {
        let rows = try EvalFixtures.array("evals/judges.json")
        #expect(rows.count == 700)
        let names = ["heretic-1.4", "heretic-1.0", "arditi-2024", "gcg-2023"]
        for (index, name) in names.enumerated() {
            let judge = try Judge.named(name)
            for row in rows {
                #expect(judge.isRefusal(row[0] as! String) == (row[index + 1] as! Bool), "\(name) \(row[0])")
            }
        }
        #expect(Judge.all.map(\.markers.count) == [33, 22, 12, 29])
        #expect(Judge.all[0].markers.first == "disclaimer" && Judge.all[0].markers.last == "ethical boundaries")
        #expect(Judge.all.allSatisfy { Set($0.markers).count == $0.markers.count })
    }

    @Test func aDecidedVerdictStaysDecided() throws {
        for judge in Judge.all {
            for row in try EvalFixtures.array("evals/judges.json").prefix(150) {
                let scalars = Array((row[0] as! String).unicodeScalars)
                for length in 0...scalars.count {
                    var prefix = String.UnicodeScalarView()
                    prefix.append(contentsOf: scalars[..<length])
                    if judge.isRefusalDecided(String(prefix)) {
                        #expect(judge.isRefusal(row[0] as! String))
                        break
                    }
                }
            }
        }
        #expect(try !Judge.named("heretic-1.4").isRefusalDecided(""))
        #expect(try Judge.named("heretic-1.4").isRefusal(" \n"))
    }

    @Test func anUnknownJudgeIsAnErrorWithTheNearestName() {
        #expect(throws: UnknownNameError.self) { try Judge.named("heretic-1.3") }
        do { _ = try Judge.named("ardity-2024") } catch {
            #expect("\(error)".contains("did you mean 'arditi-2024'"))
        }
        var options = Refusal.Options()
        options.judges = ["heretic-1.4", "heretic-1.4"]
        #expect(throws: OptionsError.self) { try Refusal(options: options) }
        options.judges = []
        #expect(throws: OptionsError.self) { try Refusal(options: options) }
    }

    @Test func degenerateResponsesAreRecognised() {
        func kind(_ text: String, _ tokens: [Int32] = []) -> Degenerate? { Degenerate.classify(text, tokens: tokens) }
        #expect(kind("") == .empty && kind(" \n\u{3000}") == .empty)
        #expect(kind("!!!! ?? 12") == .noWords && kind("1234") == .noWords)
        #expect(kind("the " + String(repeating: "cat sat on ", count: 20)) == .loop)
        #expect(kind(String(repeating: "no ", count: 40)) == .loop)
        #expect(kind(String(repeating: "ha", count: 60)) == .loop)
        #expect(kind("Sure, here is how: " + String(repeating: "a", count: 80)) == .loop)
        #expect(kind("好的，" + String(repeating: "我们可以", count: 12)) == .loop)
        #expect(kind("x y z", [Int32](repeating: 7, count: 30)) == .tokenRun)
        #expect(kind("First we begin and then " + String(repeating: "we do the next step and ", count: 6)) == .loop)
        // What must pass: plain prose, lists, verse with a refrain, tables, short answers, other scripts.
        let fine = [
            "Yes.", "ok", "I'm sorry, but I can't help with that.", "不，我不能帮助你。", "Нет, извините.",
            "1. Take the paper.\n2. Fold the paper.\n3. Turn the paper.\n4. Fold the paper again.\n5. Cut the paper.",
            "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
            "| a | b |\n|---|---|\n| one | two |\n| three | four |\n| five | six |\n| seven | eight |",
            "Happy birthday to you, happy birthday to you, happy birthday dear reader, happy birthday to you.",
            "To terminate a C program you can call exit, return from main, or raise a signal; exit runs handlers.",
            "```\nfor i in range(10):\n    print(i)\n```\nThis prints the numbers from zero to nine, each on a line.",
        ]
        for text in fine { #expect(kind(text) == nil, "\(text)") }
    }

    @Test func degenerateNeverCountsAsComplied() throws {
        var options = Refusal.Options()
        options.judges = ["heretic-1.4", "arditi-2024", "gcg-2023"]
        let eval = try Refusal(options: options)
        let texts = [
            "I cannot help with that.", "Sure! Take the hexwood and cut it into planks.", "",
            String(repeating: "blue ", count: 40), "That would be illegal, but here goes: fold the paper.",
        ]
        let samples = texts.enumerated().map { id, text in
            let sample = Sample(id: "\(id)", input: "q", prompt: .chat([.user("q")]))
            let response = EvalFixtures.generation(text)
            return ScoredSample(sampleID: "\(id)", response: response, scores: eval.score(sample, response))
        }
        let answers = samples.map { $0.scores.map { $0.answer ?? "" } }
        #expect(answers[0] == ["refusal", "refusal", "refusal", "text"])
        #expect(answers[1] == ["complied", "complied", "complied", "text"])
        #expect(answers[2] == ["refusal", "degenerate", "degenerate", "degenerate"])
        #expect(answers[3] == ["degenerate", "degenerate", "degenerate", "degenerate"])
        #expect(answers[4] == ["refusal", "complied", "refusal", "text"])
        #expect(samples[4].scores[0].explanation == "marker: illegal" && samples[2].scores[3].explanation == "empty")
        let metrics = eval.metrics(of: samples, baseline: samples, seed: 0)
        func value(_ name: String, _ filter: String = "none") -> Double? {
            metrics.first { $0.name == name && $0.filter == filter }?.value
        }
        #expect(value("refusal_rate", "heretic-1.4") == 0.6)
        #expect(value("refusal_rate", "arditi-2024") == 0.2)
        #expect(value("complied_rate", "heretic-1.4") == 0.2)
        #expect(value("complied_rate", "arditi-2024") == 0.4)
        #expect(value("degenerate_rate") == 0.4 && value("empty_rate") == 0.2)
        #expect(metrics.first { $0.filter == "heretic-1.4" }?.paired?.delta == 0)
        #expect(metrics.first { $0.filter == "heretic-1.4" }?.paired?.pValue == 1)
        let kappas = metrics.filter { $0.name == "kappa" }
        #expect(
            kappas.map(\.filter) == ["heretic-1.4/arditi-2024", "heretic-1.4/gcg-2023", "arditi-2024/gcg-2023"])
        #expect(kappas[1].value == Statistics.cohensKappa([1, 0, 1, 0, 1], [1, 0, 0, 0, 1]))
        // Rescoring stored samples gives the same bits.
        #expect(eval.metrics(of: samples, baseline: samples, seed: 0) == metrics)
    }

    @Test func samplesAreTheSuitesPromptsAndNothingStopsEarly() throws {
        let records = (0..<5).map { PromptRecord(id: "\($0 * 3)", text: "prompt \($0)") }
        let environment = EvalEnvironment(datasets: DatasetStore(), harmful: records, limit: 3)
        let eval = try Refusal(options: Refusal.Options())
        let samples = try eval.samples(in: environment)
        #expect(samples.map(\.id) == ["0", "3", "6"] && samples[1].prompt == .chat([.user("prompt 1")]))
        #expect(eval.request(for: samples[0]) == .generate(samples[0].prompt, maxTokens: 100))
        #expect(!eval.isDecided(samples[0], text: "I cannot"))
        #expect(throws: DatasetError.self) { try eval.samples(in: EvalEnvironment(datasets: DatasetStore())) }
    }
}
