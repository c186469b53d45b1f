/// A matrix that writes to the residual stream: the only places where directional ablation may act. Every architecture
/// declares all of its writers; one that a method should edit but cannot is an error, never a silent skip.
public enum ResidualWriter: Hashable, Sendable, Codable {
    case embedding
    /// `o_proj`, or the output projection of whatever takes attention's place in this block.
    case attentionOutput(layer: Int)
    /// `down_proj`; `expert` is nil in a dense block.
    case mlpOutput(layer: Int, expert: Int?)
    /// The shared expert of a mixture block.
    case sharedExpertOutput(layer: Int)

    /// The block this writer belongs to; nil for the embedding.
    public var layer: Int? {
        switch self {
        case .embedding: nil
        case .attentionOutput(let layer), .mlpOutput(let layer, _), .sharedExpertOutput(let layer): layer
        }
    }

    /// The component name of DESIGN 4 and of Heretic: `attn.o_proj`, `mlp.down_proj` or `embedding`.
    public var component: String {
        switch self {
        case .embedding: "embedding"
        case .attentionOutput: "attn.o_proj"
        case .mlpOutput, .sharedExpertOutput: "mlp.down_proj"
        }
    }
}

extension ResidualWriter: CustomStringConvertible, Comparable {
    public var description: String {
        switch self {
        case .embedding: "embedding"
        case .attentionOutput(let layer): "blocks.\(layer).attn.o_proj"
        case .mlpOutput(let layer, nil): "blocks.\(layer).mlp.down_proj"
        case .mlpOutput(let layer, let expert?): "blocks.\(layer).mlp.experts.\(expert).down_proj"
        case .sharedExpertOutput(let layer): "blocks.\(layer).mlp.shared_expert.down_proj"
        }
    }

    private var order: (Int, Int, Int) {
        switch self {
        case .embedding: (-1, 0, 0)
        case .attentionOutput(let layer): (layer, 0, 0)
        case .mlpOutput(let layer, let expert): (layer, 1, expert ?? 0)
        case .sharedExpertOutput(let layer): (layer, 2, 0)
        }
    }

    public static func < (a: ResidualWriter, b: ResidualWriter) -> Bool { a.order < b.order }
}
