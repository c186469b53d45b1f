import Foundation

/// A model family: how its configuration reads and how its decoder differs. Declares; never computes.
public protocol Architecture: Sendable {
    /// `model_type` values of config.json (GGUF's `general.architecture` comes in the same spelling).
    static var modelTypes: [String] { get }
    static func decoder(for configuration: ModelConfiguration, in tensors: TensorNames) throws -> DecoderSpec
}

/// What a declaration may ask of the checkpoint: some families' files leave out what their configuration allows.
public struct TensorNames: Sendable {
    private let exists: @Sendable (String) -> Bool

    public init(exists: @escaping @Sendable (String) -> Bool) { self.exists = exists }

    public func contains(_ name: String) -> Bool { exists(name) }
}

/// Every family this build computes. A new one is one file in this folder and one line here.
public enum ArchitectureRegistry {
    public static let all: [any Architecture.Type] = [
        Llama.self,
        Mistral.self,
        Qwen2.self,
        Qwen3.self,
    ]

    /// The decoder that a checkpoint's configuration declares.
    ///
    /// - Throws: `ModelError.unknownArchitecture`, or the configuration's errors.
    public static func spec(for configuration: ModelConfiguration, in tensors: TensorNames) throws -> DecoderSpec {
        let text = try configuration.textConfiguration()
        let type = try text.optionalString("model_type") ?? configuration.string("model_type")
        for family in all {
            let types: [String] = family.modelTypes
            if types.contains(where: { $0.utf8.elementsEqual(type.utf8) }) {
                return try family.decoder(for: text, in: tensors)
            }
        }
        var known: [String] = []
        for family in all { known += family.modelTypes }
        throw ModelError.unknownArchitecture(modelType: type, known: known.sorted())
    }
}

extension ModelConfiguration {
    /// The rotary embedding of one kind of layer, of heads of `headDim`.
    func rope(headDim: Int, layerType: String? = nil, defaultTheta: Double = 10_000) throws -> RopeSpec? {
        guard let parameters = try ropeParameters(layerType: layerType, defaultTheta: defaultTheta) else { return nil }
        let values = parameters.values
        let share = try values.optionalDouble("partial_rotary_factor") ?? double("partial_rotary_factor", default: 1)
        let rotaryDim = Int(Double(headDim) * share)
        guard rotaryDim > 0, rotaryDim <= headDim, rotaryDim % 2 == 0 else {
            throw error("partial_rotary_factor", "gives \(rotaryDim) of \(headDim) rotary dimensions")
        }
        let original =
            try values.optionalDouble("original_max_position_embeddings")
            ?? optionalDouble("original_max_position_embeddings") ?? double("max_position_embeddings", default: 2048)
        let scaling: RopeSpec.Scaling
        switch parameters.type {
        case "default":
            scaling = .none
        case "linear":
            scaling = .linear(factor: try values.double("factor"))
        case "llama3":
            scaling = .llama3(
                factor: try values.double("factor"), lowFrequency: try values.double("low_freq_factor"),
                highFrequency: try values.double("high_freq_factor"), originalContext: original)
        case "yarn":
            scaling = try yarn(values, original: original)
        default:
            throw values.error("rope_type", "is \"\(parameters.type)\", which this family's decoder does not compute")
        }
        return RopeSpec(theta: parameters.theta, rotaryDim: rotaryDim, scaling: scaling)
    }

    /// YaRN's parameters as the reference library fills them in (its `_compute_yarn_parameters`).
    private func yarn(_ values: ModelConfiguration, original: Double) throws -> RopeSpec.Scaling {
        let factor = try values.double("factor")
        func scale(_ multiplier: Double) -> Double { factor <= 1 ? 1 : 0.1 * multiplier * log(factor) + 1 }
        let attention: Double
        if let given = try values.optionalDouble("attention_factor") {
            attention = given
        } else if let m = try values.optionalDouble("mscale"), let all = try values.optionalDouble("mscale_all_dim"),
            m != 0, all != 0
        {
            attention = scale(m) / scale(all)
        } else {
            attention = scale(1)
        }
        return .yarn(
            factor: factor, betaFast: try values.double("beta_fast", default: 32),
            betaSlow: try values.double("beta_slow", default: 1), originalContext: original,
            attentionFactor: attention, truncate: try values.bool("truncate", default: true))
    }

    /// `hidden_act` of a gated MLP.
    func activation(_ key: String = "hidden_act", default name: String = "silu") throws -> MLPSpec.Activation {
        switch try string(key, default: name) {
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_pytorch_tanh", "gelu_new", "gelu_tanh": return .geluTanh
        case "relu": return .relu
        case let other: throw error(key, "is \"\(other)\", which is not a known activation")
        }
    }

    /// Head count, key-value heads and head size, with the usual defaults and their consistency.
    func attentionShape() throws -> (heads: Int, kvHeads: Int, headDim: Int) {
        let heads = try size("num_attention_heads")
        let kvHeads = try optionalSize("num_key_value_heads") ?? heads
        let hidden = try size("hidden_size")
        guard heads % kvHeads == 0 else {
            throw error("num_key_value_heads", "is \(kvHeads), which does not divide \(heads)")
        }
        let headDim = try optionalSize("head_dim") ?? hidden / heads
        guard headDim > 0 else { throw error("head_dim", "is 0") }
        return (heads, kvHeads, headDim)
    }
}
