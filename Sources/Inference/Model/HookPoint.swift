/// A named site in the forward pass. `description` is TransformerLens's name: `blocks.3.hook_resid_pre`.
public enum HookPoint: Hashable, Sendable, Codable {
    case embed
    /// The residual stream at the input of a block: h_i of DESIGN 4 is `residPre(i)` for i < L.
    case residPre(Int)
    case attnOut(Int)
    case residMid(Int)
    case mlpOut(Int)
    /// The residual stream after a block: h_L is `residPost(L - 1)`.
    case residPost(Int)
    /// After the final norm.
    case lnFinal
}

extension HookPoint: CustomStringConvertible {
    public var description: String {
        switch self {
        case .embed: "hook_embed"
        case .residPre(let i): "blocks.\(i).hook_resid_pre"
        case .attnOut(let i): "blocks.\(i).hook_attn_out"
        case .residMid(let i): "blocks.\(i).hook_resid_mid"
        case .mlpOut(let i): "blocks.\(i).hook_mlp_out"
        case .residPost(let i): "blocks.\(i).hook_resid_post"
        case .lnFinal: "ln_final.hook_normalized"
        }
    }
}
