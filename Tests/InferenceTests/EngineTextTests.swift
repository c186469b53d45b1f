import Foundation
import Inference
import Testing

/// What the engine does with text: templates, BOS, stop strings, early decisions, continuations.
@Suite struct EngineTextTests {
    static let bos: Int32 = 98
    static let end: Int32 = 99
    static let plainTemplate =
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[a]{% endif %}"

    /// The tiny Llama with a byte-level tokenizer of ASCII characters (ids 0–97 with two merges), `<s>` and `</s>`.
    static func model(
        template: String = "{{ bos_token }}" + plainTemplate, addsBOS: Bool = true, named name: String = "llama-gqa",
        precision: Precision = .f32
    ) throws -> LanguageModel {
        var vocabulary: [(key: String, value: JSONValue)] = []
        for byte in 33...126 as ClosedRange<UInt8> {
            vocabulary.append((String(UnicodeScalar(byte)), .int(vocabulary.count)))
        }
        for text in ["Ġ", "Ċ", "th", "Ġa"] { vocabulary.append((text, .int(vocabulary.count))) }
        let special: [JSONValue] = [(Int(bos), "<s>"), (Int(end), "</s>")].map { id, text in
            .object([
                ("id", .int(id)), ("content", .string(text)), ("single_word", .bool(false)), ("lstrip", .bool(false)),
                ("rstrip", .bool(false)), ("normalized", .bool(false)), ("special", .bool(true)),
            ])
        }
        let byteLevel: JSONValue = .object([
            ("type", .string("ByteLevel")), ("add_prefix_space", .bool(false)), ("trim_offsets", .bool(true)),
            ("use_regex", .bool(true)),
        ])
        let leading: [JSONValue] =
            addsBOS ? [.object([("SpecialToken", .object([("id", .string("<s>")), ("type_id", .int(0))]))])] : []
        let sequence: JSONValue = .object([("Sequence", .object([("id", .string("A")), ("type_id", .int(0))]))])
        let processor: JSONValue = .object([
            ("type", .string("TemplateProcessing")), ("single", .array(leading + [sequence])),
            ("pair", .array(leading + [sequence])),
            (
                "special_tokens",
                .object([
                    (
                        "<s>",
                        .object([
                            ("id", .string("<s>")), ("ids", .array([.int(Int(bos))])),
                            ("tokens", .array([.string("<s>")])),
                        ])
                    )
                ])
            ),
        ])
        let json: JSONValue = .object([
            ("version", .string("1.0")), ("added_tokens", .array(special)), ("normalizer", .null),
            ("pre_tokenizer", byteLevel), ("post_processor", processor), ("decoder", byteLevel),
            (
                "model",
                .object([
                    ("type", .string("BPE")), ("dropout", .null), ("unk_token", .null), ("byte_fallback", .bool(false)),
                    ("vocab", .object(vocabulary)), ("merges", .array([.string("t h"), .string("Ġ a")])),
                ])
            ),
        ])
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("abench-\(UUID().uuidString).json")
        try Data(json.serialized().utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let base = try CheckpointLoader.open(DecoderFixtures.path(name))
        let config: JSONValue = .object([("bos_token", .string("<s>")), ("eos_token", .string("</s>"))])
        return try LanguageModel(
            checkpoint: MemoryCheckpoint(
                copying: base, tokenizerSource: .files(tokenizerJSON: file.path, config: config),
                chatTemplate: template,
                specialTokens: SpecialTokens(bos: "<s>", eos: "</s>"), generationEOS: [Int(end)]),
            reference: "tiny", options: LoadOptions(precision: precision))
    }

    static func generation(_ response: ModelResponse) throws -> Generation {
        guard case .generation(let generation) = response else { throw DecoderGoldenTests.WrongResponse() }
        return generation
    }

    @Test func exactlyOneBOS() throws {
        let chat = Prompt.chat([.user("hi")])
        for (template, addsBOS, expected) in [
            ("{{ bos_token }}" + Self.plainTemplate, true, 1), (Self.plainTemplate, true, 1),
            ("{{ bos_token }}" + Self.plainTemplate, false, 1), (Self.plainTemplate, false, 0),
        ] {
            let model = try Self.model(template: template, addsBOS: addsBOS)
            let tokens = try model.encode(chat)
            #expect(tokens.count { $0 == Self.bos } == expected)
            #expect(expected == 0 || tokens.first == Self.bos)
            #expect(try model.encode(.text("hi")).count == (addsBOS ? 3 : 2))
        }
    }

    @Test func chatsAreRenderedWithOptions() throws {
        let model = try Self.model(
            template: "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
                + "{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}{{ extra }}[a]")
        let chat = Prompt.chat([.user("hi")], responsePrefix: "Sure")
        #expect(try model.render(chat) == "<s>[user]hi[a]Sure")
        let options = PromptOptions(
            systemPrompt: "be", enableThinking: false, templateVariables: ["extra": .string("!")])
        #expect(try model.render(chat, options: options) == "<s>[system]be[user]hiFalse![a]Sure")
        let own = Prompt.chat([.system("mine"), .user("hi")])
        #expect(try model.render(own, options: PromptOptions(systemPrompt: "be")) == "<s>[system]mine[user]hi[a]")
    }

    @Test func stopStringsAreCutOff() throws {
        let model = try Self.model()
        let engine = Engine(model: model)
        var found = 0
        for seed in 0..<12 {
            let prompt = Prompt.text("item \(seed * 7) of th")
            let free = try Self.generation(try engine.responses(to: [.generate(prompt, maxTokens: 40)])[0])
            let text = Array(free.text.utf8)
            guard text.count >= 12 else { continue }
            found += 1
            // A stop string over several tokens, beside one that never comes.
            let stop = String(decoding: text[6..<9], as: UTF8.self)
            let cut = try #require(free.text.range(of: stop, options: .literal))
            for options in EngineTests.variants {
                let request = ModelRequest.generate(prompt, maxTokens: 40, stop: ["\u{1}never", stop])
                let stopped = try Self.generation(
                    try Engine(model: model, options: options).responses(to: [request])[0])
                #expect(stopped.text == String(free.text[..<cut.lowerBound]))
                #expect(stopped.finishReason == .stopString)
                #expect(stopped.tokens == Array(free.tokens.prefix(stopped.tokens.count)))
                #expect(stopped.tokens.count < free.tokens.count)
            }
        }
        #expect(found >= 4)
    }

    @Test func decidedEndsEarlyWhateverTheBatch() throws {
        let model = try Self.model()
        let requests = (0..<10).map { ModelRequest.generate(.text("number \($0 * 13)"), maxTokens: 40) }
        var results: [[Generation]] = []
        for options in EngineTests.variants {
            var generations = [Generation?](repeating: nil, count: requests.count)
            try Engine(model: model, options: options).respond(
                to: requests, edits: .none, decided: { index, text in text.utf8.count >= 5 + index }
            ) { generations[$0] = try Self.generation($1) }
            results.append(generations.compactMap { $0 })
        }
        for result in results { #expect(result == results[0]) }
        #expect(results[0].count == requests.count)
        #expect(results[0].contains { $0.finishReason == .decided && $0.tokens.count < 40 })
    }

    @Test func textIsTheDecodedTokens() throws {
        let model = try Self.model()
        let requests = (0..<8).map { ModelRequest.generate(.text("x\($0)"), maxTokens: 30) }
        for response in try Engine(model: model).responses(to: requests) {
            let generation = try Self.generation(response)
            #expect(generation.text == model.tokenizer?.decode(generation.tokens, skipSpecialTokens: true))
        }
    }

    /// Sums of next-token log-probabilities over what `_encode_pair` gives.
    @Test(arguments: [Precision.f32, .bf16])
    func logLikelihoodIsTheSumOverContinuationTokens(_ precision: Precision) throws {
        let model = try Self.model(precision: precision)
        let engine = Engine(model: model)
        let cases: [(context: Prompt, continuation: String, whole: [Int32], split: Int)] = [
            (.text("Question: x"), " th", try model.encode(.text("Question: x th")), 12),
            // The spaces move to the continuation and merge with its first letter.
            (.text("so "), "apple", try model.encode(.text("so apple")), 3),
            (.text("so \n "), "apple", try model.encode(.text("so \n apple")), 3),
            (.text(""), "the", try model.encode(.text("the")), 1),
            (.tokens([5, 6, 7]), "the", [5, 6, 7] + (try model.encode(.text("the"))).dropFirst(), 3),
            (.chat([.user("hi")]), "ok", try model.encode(.chat([.user("hi")], responsePrefix: "ok")), 12),
        ]
        var requests: [ModelRequest] = []
        var expected: [ModelResponse] = []
        for (context, continuation, whole, split) in cases {
            var sum = 0.0
            var isGreedy = true
            for position in split..<whole.count {
                let response = try engine.responses(to: [.nextToken(.tokens(Array(whole[..<position])))])[0]
                guard case .logProbs(let logProbs) = response else { throw DecoderGoldenTests.WrongResponse() }
                let value = logProbs[Int(whole[position])]
                sum += Double(value)
                isGreedy = isGreedy && value == logProbs.max()
            }
            requests.append(.logLikelihood(context: context, continuation: continuation))
            expected.append(.logLikelihood(sum, tokens: whole.count - split, isGreedy: isGreedy))
        }
        for (response, wanted) in zip(try engine.responses(to: requests), expected) { #expect(response == wanted) }
        for options in EngineTests.variants {
            let other = Engine(model: model, options: options)
            #expect(try other.responses(to: requests + requests.reversed()) == expected + expected.reversed())
        }
        let greedy = try Self.generation(try engine.responses(to: [.generate(.text("Question: x"), maxTokens: 1)])[0])
        if let text = model.tokenizer?.decode(greedy.tokens, skipSpecialTokens: true), !text.utf8.isEmpty {
            guard
                case .logLikelihood(_, let count, let isGreedy) = try engine.responses(
                    to: [.logLikelihood(context: .text("Question: x"), continuation: text)])[0]
            else { throw DecoderGoldenTests.WrongResponse() }
            if count == 1 { #expect(isGreedy) }
        }
    }

    @Test func withoutTokenizerTextIsAnError() throws {
        let engine = Engine(model: try DecoderFixtures.model("qwen2"))
        #expect(throws: ModelError.noTokenizer) { _ = try engine.responses(to: [.nextToken(.text("hi"))]) }
        #expect(throws: ModelError.noChatTemplate) { _ = try engine.responses(to: [.nextToken(.chat([.user("hi")]))]) }
    }
}
