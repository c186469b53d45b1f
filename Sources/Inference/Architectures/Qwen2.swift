/// Qwen2 and Qwen2.5: Llama with biases on queries, keys and values (Yang et al. 2024, arXiv:2407.10671).
public enum Qwen2: Architecture {
    public static let modelTypes = ["qwen2"]

    public static func decoder(for configuration: ModelConfiguration, in tensors: TensorNames) throws -> DecoderSpec {
        let window = try configuration.qwenWindows()
        return try Llama.decoder(
            for: configuration, tensors: tensors, family: Llama.Family(qkvBias: true, window: window))
    }
}

/// Qwen3 (dense): RMSNorm on each head of queries and keys (Yang et al. 2025, arXiv:2505.09388).
public enum Qwen3: Architecture {
    public static let modelTypes = ["qwen3"]

    public static func decoder(for configuration: ModelConfiguration, in tensors: TensorNames) throws -> DecoderSpec {
        let bias = try configuration.bool("attention_bias", default: false)
        let window = try configuration.qwenWindows()
        return try Llama.decoder(
            for: configuration, tensors: tensors,
            family: Llama.Family(qkvBias: bias, outputBias: bias, hasQueryKeyNorm: true, window: window))
    }
}

extension ModelConfiguration {
    /// Qwen's sliding window: only with `use_sliding_window`; on the layers that `layer_types` names, or, in older
    /// files, on those from `max_window_layers` on.
    fileprivate func qwenWindows() throws -> @Sendable (Int) -> Int {
        guard try bool("use_sliding_window", default: false), let window = try optionalSize("sliding_window") else {
            return { _ in 0 }
        }
        if let types = try optionalStrings("layer_types") {
            let layers = try size("num_hidden_layers")
            guard types.count == layers else {
                throw error("layer_types", "has \(types.count) entries for \(layers) layers")
            }
            return { types[$0].utf8.elementsEqual("sliding_attention".utf8) ? window : 0 }
        }
        let first = try int("max_window_layers", default: 28)
        return { $0 >= first ? window : 0 }
    }
}
