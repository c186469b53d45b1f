import Foundation
import Inference
import TestSupport
import Testing

/// Loading against what gguf-py, safetensors and transformers wrote (Tools/make_checkpoint_goldens.py).
struct CheckpointTests {
    private let folder = Fixtures.url("checkpoint").path

    private func open(_ name: String) throws -> any Checkpoint { try CheckpointLoader.open("\(folder)/\(name)") }

    /// A safetensors file alone, put into a directory with an empty configuration.
    private func openLoose(_ name: String, in directory: TemporaryDirectory) throws -> any Checkpoint {
        try directory.write("config.json", "{}")
        try directory.write("model.safetensors", Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))))
        return try CheckpointLoader.open(directory.path)
    }

    @Test func everyTypeEqualsGGUFPy() throws {
        let directory = try TemporaryDirectory()
        let expected = try openLoose("types.safetensors", in: directory)
        let actual = try open("types.gguf")
        #expect(actual.tensors.count == TensorType.allCases.count)
        for type in TensorType.allCases {
            let info = try actual.tensor(type.rawValue, shape: [3, 512])
            #expect(info.type == type)
            let want = try expected.floats(type.rawValue)
            let all = try actual.floats(type.rawValue)
            #expect(all.map(\.bitPattern) == want.map(\.bitPattern), "\(type.rawValue)")
            var row = [Float](repeating: 0, count: 512)
            try row.withUnsafeMutableBufferPointer { try actual.readRows(type.rawValue, 1..<2, into: $0.baseAddress!) }
            #expect(row == Array(want[512..<1024]))
        }
    }

    @Test func ggufHasTheTensorsOfTransformers() throws {
        let gguf = try open("llama.gguf")
        let reference = try open("llama")
        #expect(gguf.format == .gguf && reference.format == .safetensors)
        #expect(Set(gguf.tensors.keys) == Set(reference.tensors.keys))
        for (name, info) in reference.tensors {
            #expect(gguf.tensors[name]?.shape == info.shape, "\(name)")
            #expect(try gguf.floats(name) == reference.floats(name), "\(name)")
        }
        // Single rows go through the permutation, too.
        let q = "model.layers.1.self_attn.q_proj.weight"
        let want = try reference.floats(q)
        for row in 0..<32 {
            var values = [Float](repeating: 0, count: 32)
            try values.withUnsafeMutableBufferPointer { try gguf.readRows(q, row..<row + 1, into: $0.baseAddress!) }
            #expect(values == Array(want[row * 32..<row * 32 + 32]))
        }
        #expect(gguf.parameterCount == reference.parameterCount)
        try gguf.scanNonFinite()
    }

    @Test func ggufConfigurationIsHuggingFaces() throws {
        let gguf = try open("llama.gguf").modelConfiguration
        let reference = try open("llama").modelConfiguration
        let keys = [
            "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size",
            "rms_norm_eps", "vocab_size", "max_position_embeddings", "bos_token_id", "eos_token_id", "attention_bias",
            "model_type", "tie_word_embeddings", "mlp_bias", "hidden_act",
        ]
        for key in keys { #expect(gguf.value(key) == reference.value(key), "\(key)") }
        #expect(try gguf.ropeParameters()?.theta == reference.ropeParameters()?.theta)
    }

    @Test func ggufTokenizerParts() throws {
        let checkpoint = try open("llama.gguf")
        guard case .gguf(let vocabulary) = checkpoint.tokenizerSource else {
            Issue.record("no vocabulary")
            return
        }
        #expect(vocabulary.tokens.count == 96 && vocabulary.tokens[7] == Array("t7".utf8))
        #expect(vocabulary.merges == [Array("t 0".utf8), Array("t 1".utf8)])
        #expect(vocabulary.types.count == 96 && vocabulary.pre == "smollm" && vocabulary.model == "gpt2")
        #expect(checkpoint.chatTemplate == "{{ messages[0]['content'] }}")
        #expect(checkpoint.specialTokens == SpecialTokens(bos: "t1", eos: "t2"))
        #expect(checkpoint.generationEOS == [2, 3])
    }

    @Test func shards() throws {
        let sharded = try open("llama-sharded")
        let whole = try open("llama")
        #expect(Set(sharded.tensors.keys) == Set(whole.tensors.keys))
        #expect(Set(sharded.tensors.values.map(\.file)).count == 3)
        for name in whole.tensors.keys {
            #expect(sharded.tensors[name]?.type == .bf16)
            // Round to nearest even, as torch does.
            let rounded = try whole.floats(name).map { value -> Float in
                let bits = value.bitPattern
                return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
            }
            #expect(try sharded.floats(name) == rounded, "\(name)")
        }
        #expect(sharded.sha256.count == 64 && sharded.sha256 != whole.sha256)
    }

    @Test func missingShardAndTensor() throws {
        let directory = try TemporaryDirectory()
        let source = URL(fileURLWithPath: folder + "/llama-sharded")
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
            try directory.write(name, Array(Data(contentsOf: source.appendingPathComponent(name))))
        }
        let index = directory.url.appendingPathComponent("model.safetensors.index.json")
        let text = try String(contentsOf: index, encoding: .utf8)
        try directory.write(
            index.lastPathComponent, text.replacingOccurrences(of: "\"model.norm.weight\"", with: "\"model.nrm.weight\""))
        #expect(failure { _ = try CheckpointLoader.open(directory.path) }.contains("'model.nrm.weight': is listed in"))
        try directory.write(index.lastPathComponent, text)
        try FileManager.default.removeItem(at: directory.url.appendingPathComponent("model-00002-of-00003.safetensors"))
        #expect(
            failure { _ = try CheckpointLoader.open(directory.path) }
                .contains("model-00002-of-00003.safetensors: is missing, though"))
        try directory.write(index.lastPathComponent, #"{"weight_map": {"a": "../other.safetensors"}}"#)
        #expect(failure { _ = try CheckpointLoader.open(directory.path) }.contains("a name in the same directory"))
    }

    @Test func hashIsTheFiles() throws {
        let path = folder + "/llama.gguf"
        // A second, independent way over the same bytes.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        process.arguments = [path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(output.hasPrefix(try open("llama.gguf").sha256 + " "))
    }

    @Test func wrongShapeAndMissingTensor() throws {
        let checkpoint = try open("llama")
        #expect(failure { _ = try checkpoint.floats("model.layers.9.x") }.contains("tensor 'model.layers.9.x': is missing"))
        #expect(
            failure { _ = try checkpoint.tensor("model.norm.weight", shape: [64]) }
                .contains("has the shape [32], but the configuration asks for [64]"))
    }

    /// Sums recorded by gguf-py over files that are not in the repository.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["ABENCH_MODELS"] != nil, "needs ABENCH_MODELS"))
    func realFiles() throws {
        let models = ProcessInfo.processInfo.environment["ABENCH_MODELS"] ?? ""
        let recorded = try JSONValue.parse(contentsOf: Fixtures.url("checkpoint/real.json"))
        let names = [
            "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
            "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
            "ffn_down": "mlp.down_proj",
        ]
        for (file, tensors) in recorded.objectValue ?? []
        where FileManager.default.fileExists(atPath: models + "/" + file) {
            let checkpoint = try CheckpointLoader.open(file)
            for (stored, want) in tensors.objectValue ?? [] {
                let parts = stored.split(separator: ".").map(String.init)
                let name = try
                    names[stored] ?? "model.layers.\(parts[1]).\(#require(names[parts[2]])).\(parts[3])"
                let shape = try #require(want["shape"]?.arrayValue).compactMap(\.intValue)
                let info = try checkpoint.tensor(name, shape: shape)
                #expect(info.type.rawValue == want["type"]?.stringValue)
                let values = try checkpoint.floats(name)
                var sum = 0.0
                var squares = 0.0
                var weighted = 0.0
                for (i, value) in values.enumerated() {
                    sum += Double(value)
                    squares += Double(value) * Double(value)
                    weighted += Double(value) * Double(1 + i % 97)
                }
                let scale = squares.squareRoot()
                #expect(abs(sum - (want["sum"]?.doubleValue ?? .nan)) < 1e-9 * scale * scale, "\(name)")
                #expect(abs(squares - (want["squares"]?.doubleValue ?? .nan)) < 1e-9 * squares, "\(name)")
                #expect(abs(weighted - (want["weighted"]?.doubleValue ?? .nan)) < 1e-7 * scale * scale, "\(name)")
            }
        }
    }
}

func failure(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch { return "\(error)" }
}
