/// Llama 1–3.x and what is saved as it: SmolLM2, Yi, DeepSeek-LLM, Vicuna, OpenChat, Zephyr. (Touvron et al. 2023,
/// arXiv:2302.13971: pre-norm RMSNorm, SwiGLU, rotary embedding.)
public enum Llama: Architecture {
    public static let modelTypes = ["llama"]

    public static func decoder(for configuration: ModelConfiguration, in tensors: TensorNames) throws -> DecoderSpec {
        let attentionBias = try configuration.bool("attention_bias", default: false)
        return try decoder(
            for: configuration, tensors: tensors,
            family: Family(
                qkvBias: attentionBias, outputBias: attentionBias,
                mlpBias: try configuration.bool("mlp_bias", default: false)))
    }

    /// In which Llama's relatives differ from it.
    struct Family {
        var qkvBias = false
        var outputBias = false
        var mlpBias = false
        /// RMSNorm over each head of queries and keys, `q_norm` and `k_norm`.
        var hasQueryKeyNorm = false
        /// Positions that block i's queries see; 0 = all.
        var window: @Sendable (Int) -> Int = { _ in 0 }
    }

    static func decoder(
        for configuration: ModelConfiguration, tensors: TensorNames, family: Family
    ) throws -> DecoderSpec {
        let (heads, kvHeads, headDim) = try configuration.attentionShape()
        let norm = NormSpec(epsilon: Float(try configuration.double("rms_norm_eps", default: 1e-6)), weight: nil)
        let rope = try configuration.rope(headDim: headDim)
        let activation = try configuration.activation()
        let width = try configuration.size("intermediate_size")
        let blocks = (0..<(try configuration.size("num_hidden_layers"))).map { layer in
            let prefix = "model.layers.\(layer)."
            let attention = prefix + "self_attn."
            return BlockSpec(
                preAttention: norm.named(prefix + "input_layernorm.weight"),
                preMLP: norm.named(prefix + "post_attention_layernorm.weight"),
                attention: AttentionSpec(
                    heads: heads, kvHeads: kvHeads, headDim: headDim,
                    qkv: LinearSpec(["q_proj", "k_proj", "v_proj"].map { attention + $0 }, bias: family.qkvBias),
                    output: LinearSpec([attention + "o_proj"], bias: family.outputBias),
                    queryKeyNorm: family.hasQueryKeyNorm
                        ? .perHead(
                            query: norm.named(attention + "q_norm.weight"),
                            key: norm.named(attention + "k_norm.weight")) : .none,
                    window: family.window(layer), rope: rope),
                mlp: MLPSpec(
                    activation: activation, width: width,
                    gateUp: LinearSpec(["gate_proj", "up_proj"].map { prefix + "mlp." + $0 }, bias: family.mlpBias),
                    down: LinearSpec([prefix + "mlp.down_proj"], bias: family.mlpBias)))
        }
        // GGUF files and some safetensors say nothing of tying: without the tensor, it is tied.
        let isTied = try configuration.bool("tie_word_embeddings", default: !tensors.contains("lm_head.weight"))
        return DecoderSpec(
            modelType: try configuration.string("model_type", default: "llama"),
            hiddenSize: try configuration.size("hidden_size"), vocabularySize: try configuration.size("vocab_size"),
            contextLength: try configuration.optionalSize("max_position_embeddings") ?? 2048, blocks: blocks,
            finalNorm: norm.named("model.norm.weight"), unembeddingTensor: isTied ? nil : "lm_head.weight")
    }
}
