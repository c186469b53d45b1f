/// How GGUF's architectures and tensor names translate to Hugging Face's. Sources: llama.cpp's gguf-py/constants.py and
/// convert_hf_to_gguf.py.
enum GGUFNames {
    struct Family {
        /// `model_type` of the equivalent Hugging Face model.
        var modelType: String
        /// Whether the converter permuted the rows of Q and K for interleaved rotation.
        var permutesQK = false
        /// Whether norm weights are stored plus one.
        var normPlusOne = false
        /// Whether blocks have norms after attention and MLP (Gemma 2 and 3).
        var hasPostNorms = false
        /// Prefix of the MoE part and the names of its expert matrices.
        var moe = MoE.qwen
    }

    enum MoE { case qwen, mixtral, gptOss }

    /// By `general.architecture`. Anything else keeps its own name and takes the generic tensor names.
    static func family(_ architecture: String, hasExperts: Bool) -> Family {
        switch architecture {
        case "llama":
            hasExperts
                ? Family(modelType: "mixtral", permutesQK: true, moe: .mixtral)
                : Family(modelType: "llama", permutesQK: true)
        // The converter splits InternLM2's fused wqkv, which leaves a plain llama.
        case "internlm2": Family(modelType: "llama", permutesQK: true)
        case "granite": Family(modelType: "granite", permutesQK: true)
        case "granitemoe": Family(modelType: "granitemoe", permutesQK: true)
        case "smollm3": Family(modelType: "smollm3", permutesQK: true)
        case "gemma": Family(modelType: "gemma", normPlusOne: true)
        case "gemma2": Family(modelType: "gemma2", normPlusOne: true, hasPostNorms: true)
        case "gemma3": Family(modelType: "gemma3_text", normPlusOne: true, hasPostNorms: true)
        case "qwen2moe": Family(modelType: "qwen2_moe")
        case "qwen3moe": Family(modelType: "qwen3_moe")
        case "phimoe": Family(modelType: "phimoe", moe: .mixtral)
        case "gpt-oss": Family(modelType: "gpt_oss", moe: .gptOss)
        default: Family(modelType: architecture)
        }
    }

    /// Tensors outside the blocks.
    static let global = [
        "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    ]

    /// Tensors of a block, after `blk.N.`; the part before `.weight` or `.bias`.
    static func block(_ name: String, _ family: Family, architecture: String) -> String? {
        switch name {
        case "attn_norm": return "input_layernorm"
        case "attn_q": return "self_attn.q_proj"
        case "attn_k": return "self_attn.k_proj"
        case "attn_v": return "self_attn.v_proj"
        case "attn_qkv": return "self_attn.qkv_proj"
        case "attn_output": return "self_attn.o_proj"
        case "attn_q_norm": return family.modelType == "stablelm" ? "self_attn.q_layernorm" : "self_attn.q_norm"
        case "attn_k_norm": return family.modelType == "stablelm" ? "self_attn.k_layernorm" : "self_attn.k_norm"
        case "attn_sinks": return "self_attn.sinks"
        case "ffn_norm": return family.hasPostNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm"
        case "post_attention_norm": return "post_attention_layernorm"
        case "post_ffw_norm": return "post_feedforward_layernorm"
        case "ffn_gate": return "mlp.gate_proj"
        // Phi-3 keeps gate and up fused under this name.
        case "ffn_up": return family.modelType == "phi3" ? "mlp.gate_up_proj" : "mlp.up_proj"
        case "ffn_down": return "mlp.down_proj"
        case "ffn_gate_inp":
            switch family.moe {
            case .qwen: return "mlp.gate"
            case .mixtral: return "block_sparse_moe.gate"
            case .gptOss: return "mlp.router"
            }
        case "ffn_gate_inp_shexp": return "mlp.shared_expert_gate"
        case "ffn_gate_shexp": return "mlp.shared_expert.gate_proj"
        case "ffn_up_shexp": return "mlp.shared_expert.up_proj"
        case "ffn_down_shexp": return "mlp.shared_expert.down_proj"
        default: return nil
        }
    }

    /// Name of expert `index`'s matrix inside a stacked tensor, after `model.layers.N.`, or nil for other tensors.
    static func expert(_ name: String, _ index: Int, _ family: Family) -> String? {
        let names: (String, String, String)
        let prefix: String
        switch family.moe {
        case .qwen, .gptOss: (prefix, names) = ("mlp.experts", ("gate_proj", "up_proj", "down_proj"))
        case .mixtral: (prefix, names) = ("block_sparse_moe.experts", ("w1", "w3", "w2"))
        }
        switch name {
        case "ffn_gate_exps": return "\(prefix).\(index).\(names.0)"
        case "ffn_up_exps": return "\(prefix).\(index).\(names.1)"
        case "ffn_down_exps": return "\(prefix).\(index).\(names.2)"
        default: return nil
        }
    }
}
