import Foundation
import Inference
import TestSupport
import Testing

struct CheckpointLoaderTests {
    @Test func tinyDirectory() throws {
        for family in TinyCheckpoint.Family.allCases {
            let directory = try TemporaryDirectory()
            let tiny = TinyCheckpoint(family: family, tied: family == .llama, seed: 9)
            try tiny.write(to: directory.url)
            let checkpoint = try CheckpointLoader.open(directory.path + "/")
            #expect(checkpoint.configuration == tiny.config)
            for tensor in tiny.tensors() {
                #expect(try checkpoint.tensor(tensor.name, shape: tensor.shape).type == .f32)
                #expect(try checkpoint.floats(tensor.name) == tensor.values)
            }
            #expect(checkpoint.generationEOS == [2, 0])
            #expect(checkpoint.chatTemplate == TinyCheckpoint.chatTemplate)
            #expect(
                checkpoint.specialTokens
                    == SpecialTokens(bos: "<|endoftext|>", eos: "<|im_end|>", padding: "<|endoftext|>"))
            guard case .files(let path, let config) = checkpoint.tokenizerSource else {
                Issue.record("no tokenizer")
                return
            }
            #expect(path.hasSuffix("tokenizer.json") && config?["eos_token"]?.stringValue == "<|im_end|>")
        }
    }

    @Test func writerTypesRoundTrip() throws {
        let directory = try TemporaryDirectory()
        let values: [Float] = [0, -0.0, 1, 1.00390625, 1.01171875, 65504, 1e-7, .infinity, -3.14159, 0.1]
        try directory.write("config.json", "{}")
        let writer = try SafetensorsWriter(
            path: directory.path + "/model.safetensors",
            entries: [
                .init(name: "a", type: .bf16, shape: [2, 5]), .init(name: "b", type: .f16, shape: [10]),
                .init(name: "c", type: .f32, shape: [5, 1, 2]),
            ])
        let all = values + values + values
        // Pieces that do not match tensor borders.
        for start in stride(from: 0, to: 30, by: 7) {
            try Array(all[start..<min(start + 7, 30)]).withUnsafeBufferPointer { try writer.append($0) }
        }
        try writer.finish()
        let checkpoint = try CheckpointLoader.open(directory.path)
        #expect(try checkpoint.floats("c") == values)
        // 1.00390625 and 1.01171875 are ties between two bfloat16 numbers; both go to the even one.
        let bf16 = try checkpoint.floats("a")
        #expect(bf16[3] == 1.0 && bf16[4] == 1.015625 && bf16[5] == 65536 && bf16[7] == .infinity && bf16[9] == 0.10009765625)
        #expect(try checkpoint.floats("b") == values.map { Float(Float16($0)) })
        #expect(failure { try checkpoint.scanNonFinite() }.contains("tensor 'a': element at row 1, column 2 is infinite"))
    }

    @Test func nonFiniteIsNamed() throws {
        let directory = try TemporaryDirectory()
        var writer = GGUFWriter()
        var values = [Float](repeating: 0.5, count: 64)
        values[37] = .nan
        writer.add("blk.0.ffn_up.weight", [4, 16], values)
        let checkpoint = try CheckpointLoader.open(try directory.write("x.gguf", writer.bytes()))
        #expect(
            failure { try checkpoint.scanNonFinite() }
                .contains("tensor 'model.layers.0.mlp.up_proj.weight': element at row 2, column 5 is NaN"))
    }

    @Test func hubCache() throws {
        let directory = try TemporaryDirectory()
        let commit = "0123456789abcdef0123456789abcdef01234567"
        let repository = directory.url.appendingPathComponent("hub/models--some-org--Tiny.1")
        try TinyCheckpoint().write(to: repository.appendingPathComponent("snapshots/\(commit)"))
        try directory.write("hub/models--some-org--Tiny.1/refs/main", commit + "\n")
        for environment in [
            ["HF_HOME": directory.path], ["HF_HUB_CACHE": directory.path + "/hub"],
            ["HF_HUB_CACHE": directory.path + "/hub", "HF_HOME": "/nowhere"],
        ] {
            for reference in ["some-org/Tiny.1", "some-org/Tiny.1@main", "some-org/Tiny.1@\(commit)"] {
                let checkpoint = try CheckpointLoader.open(reference, environment: environment)
                #expect(checkpoint.path.hasSuffix(commit))
            }
            #expect(try CheckpointLoader.locate("some-org/Tiny.1", revision: commit, environment: environment).hasSuffix(commit))
            let message = failure { _ = try CheckpointLoader.open("some-org/Tiny.1@v2", environment: environment) }
            #expect(message.contains("hub/models--some-org--Tiny.1/snapshots/v2"))
            #expect(message.contains("hf download some-org/Tiny.1 --revision v2"))
        }
        let xdg = ["XDG_CACHE_HOME": "/c", "HOME": "/h"]
        #expect(CheckpointLoader.hubCaches(xdg) == ["/c/huggingface/hub"])
        #expect(CheckpointLoader.hubCaches(["HOME": "/h"]) == ["/h/.cache/huggingface/hub"])
        #expect(CheckpointLoader.hubCaches(["HF_HOME": "~/x", "HOME": "/h"]) == ["/h/x/hub"])
    }

    @Test func bareNameInModels() throws {
        let directory = try TemporaryDirectory()
        var writer = GGUFWriter()
        writer.add("token_embd.weight", [4, 8], [Float](repeating: 1, count: 32))
        try directory.write("m.gguf", writer.bytes())
        let checkpoint = try CheckpointLoader.open("m.gguf", environment: ["ABENCH_MODELS": directory.path])
        #expect(checkpoint.tensors["model.embed_tokens.weight"]?.shape == [4, 8])
        let message = failure {
            _ = try CheckpointLoader.open("absent.gguf", environment: ["ABENCH_MODELS": directory.path])
        }
        #expect(message.contains(directory.path + "/absent.gguf"))
    }

    @Test func directories() throws {
        let directory = try TemporaryDirectory()
        #expect(failure { _ = try CheckpointLoader.open(directory.path) }.contains("config.json: is missing"))
        try directory.write("config.json", "{}")
        try directory.write("pytorch_model.bin", "x")
        #expect(failure { _ = try CheckpointLoader.open(directory.path) }.contains("convert them to safetensors"))
        var writer = GGUFWriter()
        writer.add("token_embd.weight", [4, 8], [Float](repeating: 1, count: 32))
        try directory.write("a.gguf", writer.bytes())
        #expect(try CheckpointLoader.open(directory.path).format == .gguf)
        try directory.write("b.gguf", writer.bytes())
        #expect(failure { _ = try CheckpointLoader.open(directory.path) }.contains("name one of: a.gguf, b.gguf"))
    }

    @Test func tokenizerOnly() throws {
        let directory = try TemporaryDirectory()
        try directory.write("tokenizer.json", TinyCheckpoint.tokenizerJSON.serialized())
        try directory.write(
            "tokenizer_config.json",
            #"{"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]}"#)
        try directory.write(
            "special_tokens_map.json", #"{"bos_token": {"content": "<s>"}, "unk_token": "<unk>", "eos_token": null}"#)
        var files = try CheckpointLoader.openTokenizerOnly(directory.path)
        #expect(files.chatTemplate == "D")
        #expect(files.specialTokens == SpecialTokens(bos: "<s>", unknown: "<unk>"))
        try directory.write("chat_template.jinja", "J")
        files = try CheckpointLoader.openTokenizerOnly(directory.path)
        #expect(files.chatTemplate == "J")
        try directory.write("tokenizer_config.json", "{\n\"a\": }")
        #expect(
            failure { _ = try CheckpointLoader.openTokenizerOnly(directory.path) }
                .contains("tokenizer_config.json: line 2, column 6"))
    }

    @Test func configurationMustBeAnObject() throws {
        let directory = try TemporaryDirectory()
        try TinyCheckpoint().write(to: directory.url)
        try directory.write("config.json", "[1]")
        #expect(failure { _ = try CheckpointLoader.open(directory.path) }.contains("config.json: is not a JSON object"))
    }
}
