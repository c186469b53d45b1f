extension GGUFCheckpoint {
    /// `config.json` as the equivalent Hugging Face model would have it, from metadata and from which tensors there are.
    func configuration(_ vocabulary: GGUFVocabulary?) throws(CheckpointError) -> JSONValue {
        var builder = Builder(file: file, architecture: architecture)
        builder.set("model_type", .string(family.modelType))
        builder.set("gguf_architecture", .string(architecture))
        try builder.integer("hidden_size", "embedding_length")
        try builder.integer("num_hidden_layers", "block_count")
        try builder.integer("intermediate_size", "feed_forward_length")
        try builder.integer("num_attention_heads", "attention.head_count")
        try builder.integer("num_key_value_heads", "attention.head_count_kv")
        if builder["num_key_value_heads"] == nil { builder.set("num_key_value_heads", builder["num_attention_heads"]) }
        try builder.integer("max_position_embeddings", "context_length")
        try builder.integer("head_dim", "attention.key_length")
        try builder.number("rms_norm_eps", "attention.layer_norm_rms_epsilon")
        try builder.number("layer_norm_eps", "attention.layer_norm_epsilon")
        try rope(&builder)
        try experts(&builder)
        try attention(&builder)

        if let embedding = tensorInfos["model.embed_tokens.weight"] {
            builder.set("vocab_size", .int(embedding.rowCount))
        } else {
            try builder.integer("vocab_size", "vocab_size")
        }
        builder.set("tie_word_embeddings", .bool(tensorInfos["lm_head.weight"] == nil))
        if let id = vocabulary?.bosTokenID { builder.set("bos_token_id", .int(id)) }
        if let id = vocabulary?.eosTokenID { builder.set("eos_token_id", .int(id)) }
        if let id = vocabulary?.paddingTokenID { builder.set("pad_token_id", .int(id)) }
        return .object(builder.pairs)
    }

    private func rope(_ builder: inout Builder) throws(CheckpointError) {
        let theta = try builder.value("rope.freq_base") ?? 10_000
        builder.set("rope_theta", .double(theta))
        if architecture == "gemma3" {
            builder.set("rope_local_base_freq", .double(try builder.value("rope.freq_base_swa") ?? 10_000))
        }
        let rotated = try builder.count("rope.dimension_count")
        if let rotated, let hidden = builder["hidden_size"]?.intValue, let heads = builder["num_attention_heads"]?.intValue,
            heads > 0
        {
            let headDim = builder["head_dim"]?.intValue ?? hidden / heads
            if rotated != headDim, headDim > 0 {
                builder.set("partial_rotary_factor", .double(Double(rotated) / Double(headDim)))
            }
        }
        var scaling: [(key: String, value: JSONValue)] = []
        let type = try file.string("\(architecture).rope.scaling.type")
        let original = try builder.count("rope.scaling.original_context_length")
        if let original { scaling.append(("original_max_position_embeddings", .int(original))) }
        if let factor = try builder.value("rope.scaling.factor") { scaling.append(("factor", .double(factor))) }
        if let factor = try builder.value("rope.scaling.attn_factor") {
            scaling.append(("attention_factor", .double(factor)))
        }
        for (key, name) in [("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")] {
            if let value = try builder.value("rope.scaling.\(name)") { scaling.append((key, .double(value))) }
        }
        if tensorInfos["rope_freqs.weight"] != nil {
            // Llama 3's scaling, already worked out: the inverse frequency of pair i is divided by factor i.
            scaling.insert(("rope_type", .string("factors")), at: 0)
            scaling.append(("factors", try small("rope_freqs.weight")))
        } else if tensorInfos["rope_factors_long.weight"] != nil, tensorInfos["rope_factors_short.weight"] != nil {
            scaling.insert(("rope_type", .string("longrope")), at: 0)
            scaling.append(("long_factor", try small("rope_factors_long.weight")))
            scaling.append(("short_factor", try small("rope_factors_short.weight")))
            if let original { builder.set("original_max_position_embeddings", .int(original)) }
        } else if let type, type != "none" {
            scaling.insert(("rope_type", .string(type)), at: 0)
        } else {
            return
        }
        builder.set("rope_scaling", .object(scaling))
    }

    /// A vector of a few numbers, for the configuration.
    private func small(_ name: String) throws(CheckpointError) -> JSONValue {
        guard let info = tensorInfos[name], info.type == .f32, info.elementCount <= 65_536 else {
            throw CheckpointError(.malformed, path: file.path, subject: "tensor '\(name)'", "is not a short F32 vector")
        }
        var values: [JSONValue] = []
        for index in 0..<info.elementCount {
            let bits = file.file.bytes.loadUnaligned(fromByteOffset: info.offset + 4 * index, as: UInt32.self)
            values.append(.double(Double(Float(bitPattern: UInt32(littleEndian: bits)))))
        }
        return .array(values)
    }

    private func experts(_ builder: inout Builder) throws(CheckpointError) {
        guard let count = try builder.count("expert_count"), count > 0 else { return }
        builder.set("num_experts", .int(count))
        builder.set("num_local_experts", .int(count))
        try builder.integer("num_experts_per_tok", "expert_used_count")
        try builder.integer("moe_intermediate_size", "expert_feed_forward_length")
        try builder.integer("shared_expert_intermediate_size", "expert_shared_feed_forward_length")
        if family.modelType == "qwen3_moe" { builder.set("norm_topk_prob", .bool(true)) }
        if family.modelType == "qwen2_moe" { builder.set("norm_topk_prob", .bool(false)) }
    }

    private func attention(_ builder: inout Builder) throws(CheckpointError) {
        let first = "model.layers.0."
        builder.set("attention_bias", .bool(tensorInfos[first + "self_attn.q_proj.bias"] != nil))
        builder.set("mlp_bias", .bool(tensorInfos[first + "mlp.up_proj.bias"] != nil))
        if family.modelType == "stablelm" {
            builder.set("use_qkv_bias", .bool(tensorInfos[first + "self_attn.q_proj.bias"] != nil))
            builder.set("qk_layernorm", .bool(tensorInfos[first + "self_attn.q_layernorm.weight"] != nil))
            let parallel = tensorInfos[first + "post_attention_layernorm.weight"] == nil
            builder.set("use_parallel_residual", .bool(parallel))
        }
        let isGemma = family.normPlusOne
        builder.set("hidden_act", .string(isGemma ? "gelu_pytorch_tanh" : "silu"))
        if isGemma { builder.set("hidden_activation", .string("gelu_pytorch_tanh")) }
        if let window = try builder.count("attention.sliding_window"), window > 0 {
            builder.set("sliding_window", .int(window))
            if architecture == "qwen2" || architecture == "qwen3" { builder.set("use_sliding_window", .bool(true)) }
        }
        try builder.number("attn_logit_softcapping", "attn_logit_softcapping")
        try builder.number("final_logit_softcapping", "final_logit_softcapping")
        if family.hasPostNorms {
            if architecture == "gemma3" { builder.set("sliding_window_pattern", .int(6)) }
            let hidden = builder["hidden_size"]?.intValue ?? 0
            let heads = builder["num_attention_heads"]?.intValue ?? 0
            // The 27B models (46 layers in Gemma 2, 62 in Gemma 3) scale by hidden size over heads, the rest by head size.
            let is27B = builder["num_hidden_layers"]?.intValue == (architecture == "gemma2" ? 46 : 62)
            if is27B, heads > 0 {
                builder.set("query_pre_attn_scalar", .int(hidden / heads))
            } else if let headDim = builder["head_dim"] {
                builder.set("query_pre_attn_scalar", headDim)
            }
        }
        try builder.number("logits_scaling", "logit_scale")
        try builder.number("embedding_multiplier", "embedding_scale")
        try builder.number("residual_multiplier", "residual_scale")
        try builder.number("attention_multiplier", "attention.scale")
    }

    /// Collects keys from `architecture.*` metadata.
    private struct Builder {
        let file: GGUFFile
        let architecture: String
        var pairs: [(key: String, value: JSONValue)] = []

        init(file: GGUFFile, architecture: String) {
            self.file = file
            self.architecture = architecture
        }

        subscript(key: String) -> JSONValue? { pairs.first { $0.key == key }?.value }

        mutating func set(_ key: String, _ value: JSONValue?) {
            guard let value else { return }
            pairs.removeAll { $0.key == key }
            pairs.append((key, value))
        }

        func value(_ name: String) throws(CheckpointError) -> Double? { try file.number("\(architecture).\(name)") }
        func count(_ name: String) throws(CheckpointError) -> Int? { try file.integer("\(architecture).\(name)") }

        mutating func number(_ key: String, _ name: String) throws(CheckpointError) {
            if let number = try value(name) { set(key, .double(number)) }
        }

        /// An integer, or one per layer: the same for all becomes one, different ones stay a list.
        mutating func integer(_ key: String, _ name: String) throws(CheckpointError) {
            guard let values = try file.numbers("\(architecture).\(name)"), let first = values.first else { return }
            var integers: [JSONValue] = []
            for value in values {
                guard let integer = Int(exactly: value) else {
                    throw CheckpointError(
                        .malformed, path: file.path, subject: "key '\(architecture).\(name)'", "is not an integer")
                }
                integers.append(.int(integer))
            }
            set(key, values.allSatisfy { $0 == first } ? integers[0] : .array(integers))
        }
    }
}
