import Foundation
import Inference
import TestSupport
import Testing

/// Damaged and hostile files: a typed error that says where, or a valid load; never a crash.
struct CheckpointHostileTests {
    private static func model(version: UInt32 = 3) -> GGUFWriter {
        var writer = GGUFWriter(version: version)
        writer.set("llama.block_count", .uint32(1))
        writer.set("llama.embedding_length", .uint32(32))
        writer.set("llama.attention.head_count", .uint32(4))
        writer.set("llama.attention.head_count_kv", .uint32(2))
        writer.set("llama.attention.layer_norm_rms_epsilon", .float(1e-5))
        writer.set("llama.context_length", .uint64(64))
        writer.set("tokenizer.ggml.model", .string("gpt2"))
        writer.set("tokenizer.ggml.tokens", .strings(["a", "b", "ab", "é"]))
        writer.set("tokenizer.ggml.scores", .floats([0, 1, 2, 3]))
        writer.set("tokenizer.ggml.token_type", .int32s([1, 1, 1, 3]))
        writer.set("tokenizer.ggml.merges", .strings(["a b"]))
        writer.set("tokenizer.ggml.eos_token_id", .uint32(3))
        writer.set("tokenizer.ggml.add_bos_token", .bool(false))
        writer.add("token_embd.weight", [4, 32], (0..<128).map { Float($0) / 7 })
        writer.add("blk.0.attn_q.weight", [32, 32], (0..<1024).map { Float($0) / 77 })
        writer.add("blk.0.ffn_up.weight", type: 8, [2, 32], data: (0..<68).map { UInt8($0) })
        writer.add("rope_freqs.weight", [4], [1, 1, 2, 8])
        return writer
    }

    private func message(_ bytes: [UInt8]) throws -> String {
        let directory = try TemporaryDirectory()
        let path = try directory.write("m.gguf", bytes)
        return failure { _ = try CheckpointLoader.open(path) }.replacingOccurrences(of: path, with: "m.gguf")
    }

    private func message(_ change: (inout GGUFWriter) -> Void) throws -> String {
        var writer = Self.model()
        change(&writer)
        return try message(writer.bytes())
    }

    @Test(arguments: [UInt32(2), 3]) func bothVersions(_ version: UInt32) throws {
        let directory = try TemporaryDirectory()
        let checkpoint = try CheckpointLoader.open(try directory.write("m.gguf", Self.model(version: version).bytes()))
        #expect(checkpoint.tensors.count == 4)
        let configuration = checkpoint.modelConfiguration
        #expect(try configuration.double("rms_norm_eps") == 1e-5)
        #expect(try configuration.int("vocab_size") == 4)
        #expect(try configuration.bool("tie_word_embeddings", default: false))
        let rope = try #require(try configuration.ropeParameters())
        #expect(rope.type == "factors")
        #expect(try rope.values.optionalDoubles("factors") == [1, 1, 2, 8])
    }

    @Test func headerErrors() throws {
        #expect(try message { $0.magic = Array("GGML".utf8) }.contains("not a GGUF file"))
        #expect(try message { $0.version = 1 }.contains("GGUF version 1 is not supported; supported: 2, 3"))
        #expect(try message { $0.version = 0x0300_0000 }.contains("big-endian"))
        #expect(try message { $0.tensorCount = .max }.contains("announces 18446744073709551615 tensors"))
        #expect(try message { $0.keyCount = 1 << 40 }.contains("metadata keys"))
        #expect(try message([]).contains("is empty"))
        #expect(try message([0x47, 0x47]).contains("header at byte 0: the file ends inside it"))
    }

    @Test func metadataErrors() throws {
        #expect(try message { $0.set("llama.block_count", .uint32(2)) }.contains("key 'llama.block_count'"))
        #expect(try message { $0.set("x", .raw(13, [])) }.contains("key 'x'"))
        #expect(try message { $0.set("x", .raw(9, [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])) }.contains("nested arrays"))
        let huge: [UInt8] = [8, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)
        #expect(try message { $0.set("x", .raw(9, huge)) }.contains("an array of 18446744073709551615 elements runs past"))
        #expect(
            try message { $0.set("x", .raw(8, [UInt8](repeating: 0x7F, count: 8))) }
                .contains("a string of 9187201950435737471 bytes runs past the end of the file"))
        #expect(try message { $0.metadata.removeFirst() }.contains("'general.architecture': is missing"))
        #expect(try message { $0.metadata[0].value = .uint32(1) }.contains("'general.architecture': is not a UTF-8 string"))
        #expect(try message { $0.set("general.alignment", .uint32(0)) }.contains("key 'general.alignment'"))
        #expect(try message { $0.set("general.alignment", .uint32(48)) }.contains("power of two"))
        #expect(try message { $0.set("split.count", .uint32(3)) }.contains("llama-gguf-split --merge"))
        #expect(try message { $0.metadata[9].value = .floats([1]) }.contains("has 1 entries for 4 tokens"))
        #expect(try message { $0.metadata[3].value = .uint32(3) }.contains("do not divide into 3 heads"))
    }

    @Test func alignmentIsHonoured() throws {
        let directory = try TemporaryDirectory()
        var writer = Self.model()
        writer.alignment = 256
        writer.set("general.alignment", .uint32(256))
        let checkpoint = try CheckpointLoader.open(try directory.write("m.gguf", writer.bytes()))
        #expect(try checkpoint.floats("model.embed_tokens.weight") == (0..<128).map { Float($0) / 7 })
        #expect(checkpoint.tensors.values.allSatisfy { $0.offset % 256 == 0 })
    }

    @Test func tensorErrors() throws {
        #expect(try message { $0.tensors[2].type = 17 }.contains("tensor 'blk.0.ffn_up.weight' at byte"))
        #expect(try message { $0.tensors[2].type = 17 }.contains("IQ2_XS is not supported; supported: F32, F16, BF16, Q4_0"))
        #expect(try message { $0.tensors[2].type = 99 }.contains("tensor type 99 is not supported"))
        #expect(try message { $0.tensors[1].name = "token_embd.weight" }.contains("appears twice"))
        #expect(try message { $0.tensors[0].shape = [4, 0] }.contains("has a dimension of 0"))
        #expect(try message { $0.tensors[0].shape = [1 << 40, 32] }.contains("has a dimension of 1099511627776"))
        #expect(try message { $0.tensors[0].shape = [1 << 30, 1 << 30] }.contains("impossible size"))
        #expect(try message { $0.tensors[0].shape = [1, 1, 1, 4, 32] }.contains("has 5 dimensions"))
        #expect(try message { $0.tensors[0].shape = [] }.contains("has 0 dimensions"))
        #expect(try message { $0.tensors[2].shape = [4, 16] }.contains("rows of 16 elements cannot be Q8_0"))
        #expect(try message { $0.tensors[0].offset = 33 }.contains("offset 33 is not a multiple of 32"))
        #expect(try message { $0.tensors[0].offset = .max }.contains("past the end of the file"))
        #expect(try message { $0.tensors[1].offset = 0 }.contains("overlaps"))
        #expect(try message { $0.tensors[3].shape = [1 << 20] }.contains("runs past the end of the file"))
        #expect(try message { $0.tensors[0].name = "" }.contains("its name is empty"))
    }

    /// Opens what `bytes` are, and reads everything when that succeeds.
    private func attempt(_ path: String, _ bytes: [UInt8], directory: Bool) throws -> Bool {
        try Data(bytes).write(to: URL(fileURLWithPath: directory ? path + "/model.safetensors" : path))
        do {
            let checkpoint = try CheckpointLoader.open(path)
            for name in checkpoint.tensors.keys.sorted() { _ = try checkpoint.floats(name) }
            _ = try? checkpoint.modelConfiguration.ropeParameters()
            return true
        } catch is CheckpointError { return false }
    }

    private func mutate(_ valid: [UInt8], header: Int, rounds: Int, seed: UInt64, _ attempt: ([UInt8]) throws -> Bool) throws {
        #expect(try attempt(valid))
        for end in 0..<min(valid.count, header) { #expect(try !attempt(Array(valid[..<end])), "cut at \(end)") }
        #expect(try !attempt(Array(valid.dropLast(40))))
        var random = SeededGenerator(seed: seed)
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
        var loaded = 0
        for _ in 0..<rounds {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<header, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[at] = extremes.randomElement(using: &random) ?? 0
                case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
                default:
                    let fill = extremes.randomElement(using: &random) ?? 0
                    for i in at..<min(at + 8, bytes.count) { bytes[i] = fill }
                }
            }
            if try attempt(bytes) { loaded += 1 }
        }
        // Most damage must be noticed; some (a letter of a template) cannot be.
        #expect(loaded < rounds * 3 / 4, "\(loaded) of \(rounds) damaged files were accepted")
    }

    @Test func mutatedGGUF() throws {
        let directory = try TemporaryDirectory()
        let valid = Self.model().bytes()
        let data = 128 * 4 + 1024 * 4 + 96 + 32
        try mutate(valid, header: valid.count - data, rounds: 5000, seed: 5) { bytes in
            try attempt(directory.path + "/m.gguf", bytes, directory: false)
        }
    }

    @Test func mutatedSafetensors() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        let path = directory.path + "/model.safetensors"
        let writer = try SafetensorsWriter(
            path: path,
            entries: [
                .init(name: "model.a.weight", type: .f32, shape: [4, 8]), .init(name: "b", type: .bf16, shape: [3]),
                .init(name: "c", type: .f16, shape: [2, 2, 2]),
            ])
        try [Float](repeating: 0.25, count: 32 + 3 + 8).withUnsafeBufferPointer { try writer.append($0) }
        try writer.finish()
        let valid = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let header = 8 + Int(valid[0]) + Int(valid[1]) << 8
        try mutate(valid, header: header, rounds: 4000, seed: 6) { bytes in
            try attempt(directory.path, bytes, directory: true)
        }
    }

    @Test func safetensorsErrors() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        func message(_ header: String, data: Int = 32, length: UInt64? = nil) throws -> String {
            let text = Array(header.utf8)
            let prefix = withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Array($0) }
            try directory.write("model.safetensors", prefix + text + [UInt8](repeating: 0, count: data))
            return failure { _ = try CheckpointLoader.open(directory.path) }
        }
        func tensor(_ dtype: String, _ shape: String, _ offsets: String) -> String {
            "\"w.weight\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
        }
        #expect(try message("{\(tensor("F32", "[2,4]", "[0,32]"))}") == "no error")
        #expect(try message("{}", data: 0) == "no error")
        #expect(try message("{}", length: .max).contains("its length 18446744073709551615 does not fit"))
        #expect(try message("{\"a\"", length: 4).contains("header at byte 8: line 1, column 5"))
        #expect(try message("[]").contains("is not a JSON object"))
        #expect(try message("{\(tensor("F32", "[2,4]", "[0,64]"))}").contains("outside the data (32 bytes)"))
        #expect(try message("{\(tensor("F32", "[2,4]", "[32,0]"))}").contains("outside the data"))
        #expect(try message("{\(tensor("F32", "[2,3]", "[0,32]"))}").contains("shape [2, 3] of F32 does not take the 32 bytes"))
        #expect(try message("{\(tensor("F32", "[-2,-4]", "[0,32]"))}").contains("impossible dimension -2"))
        #expect(
            try message("{\(tensor("F32", "[2000000000,2000000000,2000000000]", "[0,32]"))}").contains("impossible shape"))
        #expect(try message("{\(tensor("F8_E4M3", "[32]", "[0,32]"))}").contains("dtype F8_E4M3 is not supported"))
        #expect(try message("{\(tensor("Q9", "[32]", "[0,32]"))}").contains("dtype Q9 is not supported"))
        #expect(try message("{\(tensor("F32", "[2,2]", "[0,16]"))}").contains("16 bytes belong to no tensor"))
        #expect(try message("{\(tensor("F32", "[2,2]", "[16,32]"))}").contains("hole"))
        #expect(try message("{\(tensor("F32", "[2]", "[0,8]")),\(tensor("F32", "[6]", "[8,32]"))}").contains("appears twice"))
        #expect(
            try message("{\"a\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,20]},\(tensor("F32", "[4]", "[16,32]"))}")
                .contains("overlaps"))
    }
}
