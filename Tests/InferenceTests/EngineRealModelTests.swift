import Foundation
import Inference
import Testing

private let modelDirectory = ProcessInfo.processInfo.environment["ABENCH_MODELS"]

/// Real models against the reference library (Tools/make_model_goldens.py). Needs ABENCH_MODELS, the directory with the
/// GGUF files; skipped without.
@Suite(.enabled(if: modelDirectory != nil, "ABENCH_MODELS is not set"))
struct EngineRealModelTests {
    static let names = ["SmolLM2-135M-Instruct.Q4_1.gguf", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"]

    @Test(arguments: names)
    func logitsAndGreedyTextMatchTheReference(_ name: String) throws {
        let url = DecoderFixtures.root.deletingLastPathComponent().appendingPathComponent("models/\(name).json")
        let golden = try JSONValue.parse(contentsOf: url)
        let path = try #require(modelDirectory) + "/" + name
        let model = try LanguageModel.load(path, options: LoadOptions(precision: .f32))
        let engine = Engine(model: model)

        // Our tokenizer gives the reference's ids.
        let tokens = DecoderGoldenTests.tokens(golden["tokens"])
        let text = try #require(golden["text"]?.stringValue)
        let encoded = try #require(model.tokenizer).encode(text, addSpecialTokens: false)
        #expect(Array(encoded.prefix(tokens.count)) == tokens)

        let logits = try engine.logits(of: tokens)
        var worst = 0.0
        for (row, expected) in zip(logits, golden["logits"]?.arrayValue ?? []) {
            let entry = try #require(expected.arrayValue)
            let top = try #require(entry[0].intValue)
            #expect(row.indices.max { row[$0] < row[$1] } == top)
            worst = max(worst, abs(Double(row[top]) - (entry[1].doubleValue ?? .infinity)))
            var sum = 0.0
            for value in row { sum += exp(Double(value) - Double(row[top])) }
            worst = max(worst, abs(Double(row[top]) + log(sum) - (entry[2].doubleValue ?? .infinity)))
            for pick in entry[3].arrayValue ?? [] {
                let index = try #require(pick.arrayValue?[0].intValue)
                worst = max(worst, abs(Double(row[index]) - (pick.arrayValue?[1].doubleValue ?? .infinity)))
            }
        }
        #expect(logits.count == tokens.count)
        #expect(worst <= 2e-3)

        let chats = try #require(golden["chats"]?.arrayValue)
        let responses = try engine.responses(
            to: chats.map { .generate(.chat([.user($0["prompt"]?.stringValue ?? "")]), maxTokens: 64) })
        for (chat, response) in zip(chats, responses) {
            guard case .generation(let generation) = response else { throw DecoderGoldenTests.WrongResponse() }
            #expect(generation.promptTokens == chat["ids"]?.arrayValue?.count)
            #expect(generation.tokens == DecoderGoldenTests.tokens(chat["answer"]))
            #expect(generation.text == chat["text"]?.stringValue)
            #expect((generation.finishReason == .endOfTurn) == chat["ended"]?.boolValue)
        }
    }
}
