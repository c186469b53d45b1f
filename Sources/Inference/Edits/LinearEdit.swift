/// One edit of one matrix W (out = d_model, in), as data. Each is equal to the dense form given here to 1e-5;
/// `Linear` applies it while computing, so base weights never change. `r` is a unit vector of length `out`, W's rows
/// are w_i, and Ŵ is W with unit rows.
public enum LinearEdit: Hashable, Sendable, Codable {
    /// W − α r rᵀ W. A bias is projected too: b − α r (r·b).
    case project(alpha: Float, direction: [Float])
    /// n ⊙ rownorm(Ŵ − α r rᵀ Ŵ), n the row norms of W: exact norm-preserving ablation, rows (Heretic "full", MPOA's
    /// blog).
    case projectPreservingRowNorms(alpha: Float, direction: [Float])
    /// (I − α r rᵀ) W diag(c), c such that each column keeps its norm (grimjim's reference code).
    case projectPreservingColumnNorms(alpha: Float, direction: [Float])
    /// W − α diag(n) r rᵀ diag(1/n) W, n the row norms (Heretic "pre").
    case projectRowNormalized(alpha: Float, direction: [Float])
    /// W + B A; `a` is (rank, in), `b` is (out, rank), row-major.
    case lowRank(rank: Int, a: [Float], b: [Float])
    /// y − α r (r·y − c): the component along r is moved to the reference value c (affine concept editing).
    case affine(alpha: Float, direction: [Float], reference: Float)
}

/// All edits of one method on one model. Empty = the original model. Several edits of one writer act in order.
public struct WeightEdits: Hashable, Sendable, Codable {
    public var edits: [ResidualWriter: [LinearEdit]]

    public init(_ edits: [ResidualWriter: [LinearEdit]] = [:]) { self.edits = edits }

    public static let none = WeightEdits()

    public var isEmpty: Bool { edits.allSatisfy { $0.value.isEmpty } }

    public mutating func append(_ edit: LinearEdit, to writer: ResidualWriter) {
        edits[writer, default: []].append(edit)
    }

    /// Writers in the order of the forward pass.
    public var writers: [ResidualWriter] { edits.keys.sorted() }

    /// The lowest edited block, or nil when nothing is edited; 0 when the embedding is. Hidden states below it are the
    /// base model's.
    public var lowestLayer: Int? { edits.filter { !$0.value.isEmpty }.keys.map { $0.layer ?? 0 }.min() }
}
