import Foundation
import Inference
import TestSupport
import Testing

/// Responses must have the same bits however the engine works.
@Suite(.serialized) struct EngineTests {
    /// Requests of every kind over prompts of many lengths, many with common beginnings.
    static func requests(_ model: LanguageModel, seed: UInt64, count: Int = 40) -> [ModelRequest] {
        var random = SeededGenerator(seed: seed)
        let vocabulary = model.spec.vocabularySize
        let preambles = (0..<3).map { random.tokens(20 + 17 * $0, vocabulary: vocabulary) }
        let second = preambles[1] + random.tokens(25, vocabulary: vocabulary)
        return (0..<count).map { i in
            let own = random.tokens(Int.random(in: 1...30, using: &random), vocabulary: vocabulary)
            let prompt: [Int32] =
                switch i % 5 {
                case 0: own
                case 1: preambles[0] + own
                case 2: preambles[1] + own
                case 3: second + own
                default: preambles[2]
                }
            let sites: [HookPoint] = [.residPre(0), .residMid(1), .residPost(model.layerCount - 1), .lnFinal]
            switch i % 7 {
            case 0, 1: return .generate(.tokens(prompt), maxTokens: Int.random(in: 1...40, using: &random))
            case 2:
                return .generate(
                    .tokens(prompt), maxTokens: 12, sampling: .random(temperature: 0.9, topP: 0.8, seed: UInt64(i)))
            case 3: return .nextToken(.tokens(prompt))
            case 4: return .activations(.tokens(prompt), sites: sites)
            default: return .compare(.tokens(prompt), tokens: Int.random(in: 1...6, using: &random))
            }
        }
    }

    static func edits(_ model: LanguageModel) -> WeightEdits {
        var random = SeededGenerator(seed: 4)
        var edits = WeightEdits()
        for layer in 1..<model.layerCount {
            let r = random.unit(model.hiddenSize)
            edits.append(.project(alpha: 0.9, direction: r), to: .attentionOutput(layer: layer))
            edits.append(
                .projectPreservingRowNorms(alpha: 0.7, direction: r), to: .mlpOutput(layer: layer, expert: nil))
        }
        return edits
    }

    static let variants: [EngineOptions] = [
        EngineOptions(maxBatch: 1, reusesPrefixes: false), EngineOptions(maxBatch: 1, reusesPrefixes: true),
        EngineOptions(maxBatch: 64, reusesPrefixes: false), EngineOptions(maxBatch: 5, maxBatchTokens: 7),
        EngineOptions(maxBatch: 3, maxBatchTokens: 1, reusesPrefixes: false), EngineOptions(maxBatchTokens: 33),
    ]

    @Test(arguments: ["llama-gqa", "qwen2", "qwen2-window", "qwen3"], [Precision.f32, .bf16])
    func bitsDoNotDependOnTheBatch(_ name: String, _ precision: Precision) throws {
        let model = try DecoderFixtures.model(name, precision)
        let requests = Self.requests(model, seed: 11)
        for edits in [WeightEdits.none, Self.edits(model)] {
            let expected = try Engine(model: model).responses(to: requests, edits: edits)
            for options in Self.variants {
                #expect(try Engine(model: model, options: options).responses(to: requests, edits: edits) == expected)
            }
            let reversed = try Engine(model: model).responses(to: requests.reversed(), edits: edits)
            #expect(Array(reversed.reversed()) == expected)
        }
    }

    @Test(arguments: [Precision.f32, .bf16])
    func bitsDoNotDependOnThreads(_ precision: Precision) throws {
        let before = KernelInfo.active.threads
        defer { KernelInfo.setThreads(before) }
        let name = "llama3-tied"
        var results: [[ModelResponse]] = []
        for threads in [1, 2, 3] {
            KernelInfo.setThreads(threads)
            let model = try DecoderFixtures.model(name, precision)
            let requests = Self.requests(model, seed: 3)
            results.append(try Engine(model: model).responses(to: requests, edits: Self.edits(model)))
        }
        #expect(results[0] == results[1])
        #expect(results[0] == results[2])
    }

    @Test func everyRequestIsAnsweredOnce() throws {
        let model = try DecoderFixtures.model("qwen2")
        let requests = Self.requests(model, seed: 5, count: 100)
        var seen: [Int: Int] = [:]
        try Engine(model: model).respond(to: requests, edits: .none, decided: nil) { index, _ in
            seen[index, default: 0] += 1
        }
        #expect(seen.count == requests.count)
        #expect(seen.values.allSatisfy { $0 == 1 })
    }

    @Test func samplingFollowsTheDistribution() throws {
        let model = try DecoderFixtures.model("llama-linear")
        let engine = Engine(model: model)
        let prompt = Prompt.tokens([7, 3])
        guard case .logProbs(let logProbs) = try engine.responses(to: [.nextToken(prompt)])[0] else {
            throw DecoderGoldenTests.WrongResponse()
        }
        let draws = 4000
        let requests = (0..<draws).map {
            ModelRequest.generate(prompt, maxTokens: 1, sampling: .random(temperature: 1, topP: 1, seed: UInt64($0)))
        }
        var counts = [Int](repeating: 0, count: logProbs.count)
        for response in try engine.responses(to: requests) {
            if case .generation(let generation) = response { counts[Int(generation.tokens[0])] += 1 }
        }
        // Each frequency within five standard deviations.
        for (count, logProb) in zip(counts, logProbs) {
            let p = exp(Double(logProb))
            let deviation = (Double(draws) * p * (1 - p)).squareRoot()
            #expect(abs(Double(count) - Double(draws) * p) <= 5 * deviation + 1)
        }
        // A tiny top-p, or no temperature, is greedy.
        let greedy = try engine.responses(to: [.generate(prompt, maxTokens: 9)])[0]
        for sampling in [
            Sampling.random(temperature: 0.8, topP: 1e-9, seed: 1), .random(temperature: 0, topP: 1, seed: 1),
        ] {
            #expect(try engine.responses(to: [.generate(prompt, maxTokens: 9, sampling: sampling)])[0] == greedy)
        }
    }

    @Test func compareIsZeroWithoutEditsAndConsistentWithLogits() throws {
        let model = try DecoderFixtures.model("qwen2")
        let engine = Engine(model: model)
        let prompt: [Int32] = [9, 8, 7, 6]
        guard case .comparison(let none) = try engine.responses(to: [.compare(.tokens(prompt), tokens: 5)])[0] else {
            throw DecoderGoldenTests.WrongResponse()
        }
        #expect(none.count == 5)
        #expect(none.allSatisfy { $0.kl == 0 && $0.reverseKL == 0 && $0.sameTopToken && $0.deltaP == 0 })

        let edits = Self.edits(model)
        guard
            case .comparison(let edited) = try engine.responses(
                to: [.compare(.tokens(prompt), tokens: 5)], edits: edits)[0],
            case .generation(let base) = try engine.responses(to: [.generate(.tokens(prompt), maxTokens: 5)])[0]
        else { throw DecoderGoldenTests.WrongResponse() }
        for (i, position) in edited.enumerated() {
            let request = ModelRequest.nextToken(.tokens(prompt + base.tokens.prefix(i)))
            guard case .logProbs(let p) = try engine.responses(to: [request])[0],
                case .logProbs(let q) = try engine.responses(to: [request], edits: edits)[0]
            else { throw DecoderGoldenTests.WrongResponse() }
            var kl = 0.0
            var reverse = 0.0
            for (a, b) in zip(p, q) {
                kl += exp(Double(a)) * (Double(a) - Double(b))
                reverse += exp(Double(b)) * (Double(b) - Double(a))
            }
            #expect(abs(position.kl - kl) <= 1e-5)
            #expect(abs(position.reverseKL - reverse) <= 1e-5)
            #expect(position.kl > 0)
        }
    }

    @Test func endTokensEndTheTurn() throws {
        let model = try DecoderFixtures.model("llama-gqa")
        let prompt: [Int32] = [1, 2, 3, 50]
        guard
            case .generation(let free) = try Engine(model: model).responses(to: [
                .generate(.tokens(prompt), maxTokens: 20)
            ])[0]
        else { throw DecoderGoldenTests.WrongResponse() }
        // A token that has not come before.
        let position = try #require((1..<20).last { !free.tokens[..<$0].contains(free.tokens[$0]) })
        let copy = MemoryCheckpoint(copying: model.checkpoint, generationEOS: [Int(free.tokens[position])])
        let ending = try LanguageModel(checkpoint: copy, reference: "x", options: LoadOptions(precision: .f32))
        let engine = Engine(model: ending)
        guard case .generation(let ended) = try engine.responses(to: [.generate(.tokens(prompt), maxTokens: 20)])[0]
        else { throw DecoderGoldenTests.WrongResponse() }
        #expect(ended.finishReason == .endOfTurn)
        #expect(ended.tokens == Array(free.tokens[..<position]))
        // The position that predicts the end is compared too.
        guard case .comparison(let comparison) = try engine.responses(to: [.compare(.tokens(prompt), tokens: 20)])[0]
        else { throw DecoderGoldenTests.WrongResponse() }
        #expect(comparison.count == position + 1)
    }

    @Test func contextIsALimit() throws {
        let model = try DecoderFixtures.model("qwen2")
        let limit = model.spec.contextLength
        let engine = Engine(model: model)
        var random = SeededGenerator(seed: 1)
        let long = random.tokens(limit + 1)
        #expect(throws: ModelError.promptTooLong(tokens: limit + 1, limit: limit)) {
            _ = try engine.responses(to: [.nextToken(.tokens(long))])
        }
        guard
            case .generation(let generation) = try engine.responses(
                to: [.generate(.tokens(Array(long.prefix(limit - 3))), maxTokens: 50)])[0]
        else { throw DecoderGoldenTests.WrongResponse() }
        #expect(generation.tokens.count == 4)
        #expect(generation.finishReason == .length)
        #expect(throws: ModelError.tokenOutOfRange(token: 131, vocabulary: 131)) {
            _ = try engine.responses(to: [.nextToken(.tokens([131]))])
        }
        #expect(throws: ModelError.emptyPrompt) { _ = try engine.responses(to: [.nextToken(.tokens([]))]) }
    }

    @Test func stopsWhenAsked() throws {
        let model = try DecoderFixtures.model("qwen2")
        let calls = Counter()
        let engine = Engine(model: model, options: EngineOptions(shouldContinue: { calls.next() < 3 }))
        #expect(throws: CancellationError.self) {
            _ = try engine.responses(to: [.generate(.tokens([1]), maxTokens: 50)])
        }
    }

    @Test func statisticsCountTokens() throws {
        let model = try DecoderFixtures.model("qwen2")
        let engine = Engine(model: model)
        var random = SeededGenerator(seed: 2)
        let shared = random.tokens(40)
        let requests = (0..<4).map { i in ModelRequest.generate(.tokens(shared + random.tokens(5 + i)), maxTokens: 6) }
        _ = try engine.responses(to: requests)
        let statistics = engine.statistics
        #expect(statistics.promptTokens == 40 + 5 + 6 + 7 + 8)
        #expect(statistics.reusedTokens == 4 * 40)
        #expect(statistics.generatedTokens == 4 * 6)
        #expect(statistics.peakCacheBytes > 0)
    }

    @Test func identitiesFollowWhatMatters() throws {
        let model = try DecoderFixtures.model("qwen2")
        let engine = Engine(model: model)
        let prompt = Prompt.tokens([1, 2])
        let requests: [ModelRequest] = [
            .generate(prompt, maxTokens: 5), .generate(prompt, maxTokens: 6),
            .generate(prompt, maxTokens: 5, stop: ["a"]),
            .generate(prompt, maxTokens: 5, stop: ["a", ""]), .generate(.tokens([1, 2, 0]), maxTokens: 5),
            .generate(prompt, maxTokens: 5, sampling: .random(temperature: 1, topP: 1, seed: 0)),
            .generate(prompt, maxTokens: 5, sampling: .random(temperature: 1, topP: 1, seed: 1)), .nextToken(prompt),
            .activations(prompt, sites: [.embed]), .activations(prompt, sites: [.lnFinal]), .compare(prompt, tokens: 5),
        ]
        let identities = try requests.map { try engine.responseIdentity(of: $0) }
        #expect(Set(identities).count == requests.count)
        let other = Engine(model: model, options: EngineOptions(maxBatch: 2, maxBatchTokens: 9, reusesPrefixes: false))
        #expect(try other.responseIdentity(of: requests[0]) == identities[0])
        let rounded = Engine(model: try DecoderFixtures.model("qwen2", .bf16))
        #expect(try rounded.responseIdentity(of: requests[0]) != identities[0])
    }

    final class Counter: @unchecked Sendable {
        private var value = 0
        private let lock = NSLock()
        func next() -> Int {
            lock.withLock {
                defer { value += 1 }; return value
            }
        }
    }
}
