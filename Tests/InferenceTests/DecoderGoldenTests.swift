import Foundation
import Inference
import Testing

/// f32 logits, hidden states and greedy text against the reference library on tiny random checkpoints.
@Suite struct DecoderGoldenTests {
    static func logProbabilities(_ logits: JSONValue) -> [Double] {
        let values = (logits.arrayValue ?? []).compactMap(\.doubleValue)
        let largest = values.max() ?? 0
        var sum = 0.0
        for value in values { sum += exp(value - largest) }
        return values.map { $0 - largest - log(sum) }
    }

    static func tokens(_ value: JSONValue?) -> [Int32] {
        (value?.arrayValue ?? []).compactMap { $0.intValue.map(Int32.init) }
    }

    static func worst(_ response: ModelResponse, _ expected: [Double]) throws -> Double {
        guard case .logProbs(let values) = response else { throw WrongResponse() }
        try #require(values.count == expected.count)
        return zip(values, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    }

    struct WrongResponse: Error {}

    @Test(arguments: DecoderFixtures.names)
    func logitsMatchTheReference(_ name: String) throws {
        let golden = try DecoderFixtures.golden(name)
        let engine = Engine(model: try DecoderFixtures.model(name))
        let sequences = try #require(golden["sequences"]?.arrayValue).map { Self.tokens($0) }
        let logits = try #require(golden["logits"]?.arrayValue)
        for (sequence, expected) in zip(sequences, logits) {
            let requests = sequence.indices.map { ModelRequest.nextToken(.tokens(Array(sequence[...$0]))) }
            let responses = try engine.responses(to: requests)
            for (response, row) in zip(responses, expected.arrayValue ?? []) {
                #expect(try Self.worst(response, Self.logProbabilities(row)) <= 1e-4)
            }
        }
        let long = try engine.responses(to: [.nextToken(.tokens(Self.tokens(golden["long"])))])
        let expected = Self.logProbabilities(try #require(golden["longLogits"]))
        #expect(try Self.worst(long[0], expected) <= 1e-4)
    }

    @Test(arguments: DecoderFixtures.names)
    func greedyMatchesTheReference(_ name: String) throws {
        let golden = try DecoderFixtures.golden(name)
        let prompt = Self.tokens(golden["sequences"]?.arrayValue?[1])
        let response = try Engine(model: try DecoderFixtures.model(name))
            .responses(to: [.generate(.tokens(prompt), maxTokens: 12)])[0]
        guard case .generation(let generation) = response else { throw WrongResponse() }
        #expect(generation.tokens == Self.tokens(golden["greedy"]))
        #expect(generation.promptTokens == prompt.count)
        #expect(generation.finishReason == .length)
    }

    @Test(arguments: DecoderFixtures.names)
    func hiddenStatesMatchTheReference(_ name: String) throws {
        let golden = try DecoderFixtures.golden(name)
        let model = try DecoderFixtures.model(name)
        let prompt = Self.tokens(golden["sequences"]?.arrayValue?[1])
        let sites = (0..<model.layerCount).map { HookPoint.residPre($0) } + [.lnFinal]
        let response = try Engine(model: model).responses(to: [.activations(.tokens(prompt), sites: sites)])[0]
        guard case .activations(let vectors) = response else { throw WrongResponse() }
        let hidden = try #require(golden["hidden"]?.arrayValue)
        try #require(vectors.count == hidden.count)
        for (vector, expected) in zip(vectors, hidden) {
            let values = (expected.arrayValue ?? []).compactMap(\.doubleValue)
            try #require(vector.count == values.count)
            for (a, b) in zip(vector, values) { #expect(abs(Double(a) - b) <= 1e-4 * max(1, abs(b))) }
        }
    }

    @Test func hookSitesAddUp() throws {
        let model = try DecoderFixtures.model("llama-gqa")
        let sites: [HookPoint] = [
            .embed, .residPre(0), .attnOut(0), .residMid(0), .mlpOut(0), .residPost(0), .residPre(1), .residPost(1),
        ]
        let response = try Engine(model: model).responses(to: [.activations(.tokens([5, 9, 11]), sites: sites)])[0]
        guard case .activations(let v) = response else { throw WrongResponse() }
        #expect(v[0] == v[1])
        #expect(v[5] == v[6])
        for i in v[0].indices {
            #expect(v[1][i] + v[2][i] == v[3][i])
            #expect(v[3][i] + v[4][i] == v[5][i])
        }
    }

    @Test func unknownFamilyNamesTheKnownOnes() throws {
        let base = try CheckpointLoader.open(DecoderFixtures.path("qwen2"))
        let configuration = JSONValue.object([("model_type", .string("nonesuch")), ("hidden_size", .int(32))])
        #expect {
            _ = try LanguageModel(
                checkpoint: MemoryCheckpoint(copying: base, configuration: configuration), reference: "x")
        } throws: { error in
            let text = "\(error)"
            return text.contains("nonesuch") && text.contains("llama") && text.contains("qwen2")
        }
    }

    @Test func damagedCheckpointsAreErrors() throws {
        let base = try CheckpointLoader.open(DecoderFixtures.path("qwen2"))
        let name = "model.layers.1.mlp.down_proj.weight"
        var values = [Float](repeating: 0.5, count: 48 * 64)
        values[777] = .nan
        #expect {
            _ = try LanguageModel(
                checkpoint: MemoryCheckpoint(copying: base, replacing: [name: values]), reference: "x")
        } throws: { "\($0)".contains(name) }
        #expect {
            _ = try LanguageModel(checkpoint: MemoryCheckpoint(copying: base, removing: [name]), reference: "x")
        } throws: { $0 as? ModelError == .missingTensor(name: name) }
        #expect {
            _ = try LanguageModel(
                checkpoint: MemoryCheckpoint(
                    copying: base, replacing: [name: [Float](repeating: 1, count: 47 * 64)], shapes: [name: [47, 64]]),
                reference: "x")
        } throws: { $0 as? ModelError == .wrongShape(tensor: name, expected: [48, 64], found: [47, 64]) }
    }
}
