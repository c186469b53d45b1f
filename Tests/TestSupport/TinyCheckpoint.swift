import Foundation
import Inference

/// A small random model on disk: `config.json`, `model.safetensors` (F32), a byte-level BPE tokenizer and a chat template.
public struct TinyCheckpoint {
    public enum Family: String, Sendable, CaseIterable { case llama, qwen2 }

    public var family: Family
    public var layers: Int
    public var hidden: Int
    public var intermediate: Int
    public var heads: Int
    public var keyValueHeads: Int
    public var tied: Bool
    public var seed: UInt64

    public init(
        family: Family = .llama, layers: Int = 2, hidden: Int = 32, intermediate: Int = 48, heads: Int = 4,
        keyValueHeads: Int = 2, tied: Bool = true, seed: UInt64 = 1
    ) {
        self.family = family
        self.layers = layers
        self.hidden = hidden
        self.intermediate = intermediate
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.tied = tied
        self.seed = seed
    }

    public static let merges = [("t", "h"), ("th", "e"), ("Ġ", "a"), ("Ġ", "the"), ("i", "n"), ("in", "g"), ("e", "r")]
    public static let specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

    /// Bytes in GPT-2's printable alphabet, indexed by byte.
    public static let byteAlphabet: [String] = {
        var table = [String](repeating: "", count: 256)
        var extra: UInt32 = 256
        for byte in 0..<256 {
            let printable = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            let code = printable ? UInt32(byte) : extra
            if !printable { extra += 1 }
            table[byte] = String(Character(Unicode.Scalar(code) ?? " "))
        }
        return table
    }()

    /// Token texts by id: the specials, the 256 bytes, then one per merge.
    public static var vocabulary: [String] { specials + byteAlphabet + merges.map { $0.0 + $0.1 } }

    public static var tokenizerJSON: JSONValue {
        let added = specials.enumerated().map { id, text -> JSONValue in
            .object([
                ("id", .int(id)), ("content", .string(text)), ("single_word", .bool(false)), ("lstrip", .bool(false)),
                ("rstrip", .bool(false)), ("normalized", .bool(false)), ("special", .bool(true)),
            ])
        }
        func byteLevel(_ extra: [(key: String, value: JSONValue)]) -> JSONValue {
            .object([("type", .string("ByteLevel"))] + extra)
        }
        let flags: [(key: String, value: JSONValue)] = [
            ("add_prefix_space", .bool(false)), ("trim_offsets", .bool(true)), ("use_regex", .bool(true)),
        ]
        let model: JSONValue = .object([
            ("type", .string("BPE")), ("dropout", .null), ("unk_token", .null), ("continuing_subword_prefix", .null),
            ("end_of_word_suffix", .null), ("fuse_unk", .bool(false)), ("byte_fallback", .bool(false)),
            ("ignore_merges", .bool(false)),
            ("vocab", .object(vocabulary.enumerated().map { ($0.element, .int($0.offset)) })),
            ("merges", .array(merges.map { .array([.string($0.0), .string($0.1)]) })),
        ])
        return .object([
            ("version", .string("1.0")), ("truncation", .null), ("padding", .null), ("added_tokens", .array(added)),
            ("normalizer", .null), ("pre_tokenizer", byteLevel(flags)), ("post_processor", .null),
            ("decoder", byteLevel(flags)), ("model", model),
        ])
    }

    public static let chatTemplate =
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

    public var config: JSONValue {
        .object([
            ("architectures", .array([.string(family == .llama ? "LlamaForCausalLM" : "Qwen2ForCausalLM")])),
            ("model_type", .string(family.rawValue)), ("hidden_size", .int(hidden)),
            ("intermediate_size", .int(intermediate)), ("num_hidden_layers", .int(layers)),
            ("num_attention_heads", .int(heads)), ("num_key_value_heads", .int(keyValueHeads)),
            ("vocab_size", .int(Self.vocabulary.count)), ("max_position_embeddings", .int(512)),
            ("rms_norm_eps", .double(1e-5)), ("rope_theta", .double(10000)), ("hidden_act", .string("silu")),
            ("attention_bias", .bool(false)), ("mlp_bias", .bool(false)), ("tie_word_embeddings", .bool(tied)),
            ("bos_token_id", .int(0)), ("eos_token_id", .int(2)), ("torch_dtype", .string("float32")),
        ])
    }

    /// Names, shapes and values of all tensors, in a fixed order.
    public func tensors() -> [(name: String, shape: [Int], values: [Float])] {
        var random = SeededGenerator(seed: seed)
        var all: [(name: String, shape: [Int], values: [Float])] = []
        func add(_ name: String, _ shape: [Int], scale: Float, offset: Float = 0) {
            let count = shape.reduce(1, *)
            var values = [Float](repeating: 0, count: count)
            for i in 0..<count { values[i] = random.normal() * scale + offset }
            all.append((name, shape, values))
        }
        let headDim = hidden / heads
        let scale = 1 / Float(hidden).squareRoot()
        add("model.embed_tokens.weight", [Self.vocabulary.count, hidden], scale: 0.5)
        for layer in 0..<layers {
            let prefix = "model.layers.\(layer)."
            add(prefix + "input_layernorm.weight", [hidden], scale: 0.1, offset: 1)
            for (name, rows) in [("q", heads * headDim), ("k", keyValueHeads * headDim), ("v", keyValueHeads * headDim)] {
                add(prefix + "self_attn.\(name)_proj.weight", [rows, hidden], scale: scale)
                if family == .qwen2 { add(prefix + "self_attn.\(name)_proj.bias", [rows], scale: 0.1) }
            }
            add(prefix + "self_attn.o_proj.weight", [hidden, heads * headDim], scale: scale)
            add(prefix + "post_attention_layernorm.weight", [hidden], scale: 0.1, offset: 1)
            add(prefix + "mlp.gate_proj.weight", [intermediate, hidden], scale: scale)
            add(prefix + "mlp.up_proj.weight", [intermediate, hidden], scale: scale)
            add(prefix + "mlp.down_proj.weight", [hidden, intermediate], scale: 1 / Float(intermediate).squareRoot())
        }
        add("model.norm.weight", [hidden], scale: 0.1, offset: 1)
        if !tied { add("lm_head.weight", [Self.vocabulary.count, hidden], scale: scale) }
        return all
    }

    /// Writes the model into `directory`, which is made when needed.
    public func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        func put(_ name: String, _ value: JSONValue) throws {
            try Data(value.serialized(pretty: true).utf8).write(to: directory.appendingPathComponent(name))
        }
        try put("config.json", config)
        try put("generation_config.json", .object([("eos_token_id", .array([.int(2), .int(0)]))]))
        try put("tokenizer.json", Self.tokenizerJSON)
        try put(
            "tokenizer_config.json",
            .object([
                ("tokenizer_class", .string("PreTrainedTokenizerFast")), ("bos_token", .string(Self.specials[0])),
                ("eos_token", .string(Self.specials[2])), ("pad_token", .object([("content", .string(Self.specials[0]))])),
                ("chat_template", .string(Self.chatTemplate)),
            ]))
        let all = tensors()
        let writer = try SafetensorsWriter(
            path: directory.appendingPathComponent("model.safetensors").path,
            entries: all.map { SafetensorsWriter.Entry(name: $0.name, type: .f32, shape: $0.shape) })
        for tensor in all { try tensor.values.withUnsafeBufferPointer { try writer.append($0) } }
        try writer.finish()
    }
}
