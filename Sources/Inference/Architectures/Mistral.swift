/// Mistral 7B and its relatives: Llama with an optional sliding window (Jiang et al. 2023, arXiv:2310.06825).
public enum Mistral: Architecture {
    public static let modelTypes = ["mistral"]

    public static func decoder(for configuration: ModelConfiguration, in tensors: TensorNames) throws -> DecoderSpec {
        let window = try configuration.optionalSize("sliding_window") ?? 0
        return try Llama.decoder(for: configuration, tensors: tensors, family: Llama.Family(window: { _ in window }))
    }
}
