/// Arithmetic precision of a run.
public enum Precision: String, Sendable, Hashable, Codable, CaseIterable {
    /// The reference: weights, activations and KV cache in f32.
    case f32
    /// Products of bf16 weights and bf16-rounded activations with f32 accumulation; KV cache in bf16. The residual
    /// stream, norms, softmax and everything after the unembedding stay f32.
    case bf16
}

/// How one linear map differs from its loaded weights: `PreparedEdits` made ready for one matrix.
///
///     y = s ⊙ (W (c ⊙ x)) + bias, then each step in order
package struct LinearOverlay<Matrix: Sendable>: Sendable {
    /// c, (in).
    package var columnScale: [Float]?
    /// s, (out).
    package var rowScale: [Float]?
    /// In place of the model's bias, (out); nil = no bias.
    package var bias: [Float]?
    /// In place of W, where the edit has no closed form.
    package var matrix: Matrix?
    package var steps: [OverlayStep] = []
}

/// One step of an overlay.
package enum OverlayStep: Sendable {
    /// y += B (A x); a is (rank, in), b is (rank, out): B transposed, one row per rank.
    case lowRank(a: [[Float]], b: [[Float]])
    /// y −= α r (r·y − c).
    case project(alpha: Float, direction: [Float], reference: Float)
}

/// What a decoder asks of the machine it computes on. `TransformerDecoder` holds no arithmetic of its own, so another
/// device is another conformance. Tensors are f32 matrices (rows, columns) in the backend's memory; a call may assume
/// that its operands do not overlap unless it says in place.
package protocol Backend: Sendable {
    /// A view of a matrix; cheap to copy, valid as long as its workspace.
    associatedtype Tensor
    /// Packed weights (out, in).
    associatedtype Matrix: Sendable
    /// Keys and values of consecutive positions, in every layer.
    associatedtype Segment: Sendable
    /// Owner of scratch tensors, used again from step to step. Not shared between threads.
    associatedtype Workspace

    func makeWorkspace() -> Workspace
    /// The tensor of a name, (rows, columns) with undefined contents; grown when it is too small. Values are kept
    /// between calls of one step only.
    func tensor(_ name: ScratchName, rows: Int, columns: Int, in workspace: Workspace) -> Tensor
    /// Columns `range` of a tensor, same memory.
    func columns(_ range: Range<Int>, of tensor: Tensor) -> Tensor
    /// Rows `range` of a tensor, same memory.
    func rows(_ range: Range<Int>, of tensor: Tensor) -> Tensor

    /// Packs a matrix whose rows `fill` writes, in chunks, from several threads.
    func makeMatrix(
        outputs: Int, inputs: Int, precision: Precision,
        fill: @Sendable (_ rows: Range<Int>, _ destination: UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws -> Matrix
    /// Row of a matrix as it is computed with (after rounding to the matrix's precision).
    func unpack(row: Int, of matrix: Matrix, into destination: UnsafeMutableBufferPointer<Float>)

    func rowCount(_ tensor: Tensor) -> Int
    func copy(_ x: Tensor, to out: Tensor)
    /// Host values into a tensor, row by row.
    func write(_ values: UnsafeBufferPointer<Float>, to tensor: Tensor)
    /// A row of a tensor to the host.
    func read(row: Int, of tensor: Tensor) -> [Float]
    /// out(i) = x(rows[i]).
    func gather(_ x: Tensor, rows: [Int], out: Tensor)

    /// out = W x + bias, with the overlay's edits.
    func linear(
        _ x: Tensor, _ matrix: Matrix, bias: [Float]?, overlay: LinearOverlay<Matrix>?, out: Tensor,
        workspace: Workspace)
    /// `out` may be `x`.
    func norm(_ x: Tensor, _ norm: NormParameters, out: Tensor)
    /// The same over each of `heads` heads that lie side by side in x; in place.
    func headNorm(_ x: Tensor, heads: Int, _ norm: NormParameters)
    /// Rotates `heads` heads side by side in x; in place. positions: (rows).
    func rope(_ x: Tensor, heads: Int, headDim: Int, positions: [Int32], table: RopeTable, spec: RopeSpec)
    /// out(rows, width) = act(gate) · up.
    func gated(_ activation: MLPSpec.Activation, gate: Tensor, up: Tensor, out: Tensor)
    /// x += scale · y.
    func add(_ x: Tensor, _ y: Tensor, scale: Float)
    func scale(_ x: Tensor, by factor: Float)

    func makeSegment(layout: KVLayout, capacity: Int) -> Segment
    /// Keys and values of x's rows into positions `offset...` of a segment.
    func store(keys: Tensor, values: Tensor, segment: Segment, layout: KVLayout, layer: Int, offset: Int)
    func attention(
        query: Tensor, jobs: [AttentionJob<Segment>], shape: AttentionParameters, layout: KVLayout, layer: Int,
        out: Tensor, workspace: Workspace)

    /// cap · tanh(scale · x / cap) where cap > 0, else scale · x; in place.
    func finishLogits(_ x: Tensor, scale: Float, softcap: Float)
    /// The largest logit's index of every row, lowest index on ties.
    func argmax(_ x: Tensor, unembedding: Matrix, bias: [Float]?, scale: Float, softcap: Float) -> [Int32]
    /// Logits to log-probabilities in place.
    func logSoftmax(_ x: Tensor)
    /// log p(token) of every row's token, and whether it is the most probable. x holds logits.
    func logProbabilities(_ x: Tensor, of tokens: [Int32]) -> [(logProbability: Double, isTop: Bool)]
    /// Row by row divergences of two logit tensors.
    func compare(base: Tensor, edited: Tensor) -> [PositionComparison]
}

/// Scratch tensors of a forward pass.
package enum ScratchName: Int, CaseIterable, Sendable {
    case residual, normed, qkv, mixed, branch, secondBranch, gateUp, hidden, scaledInput, output, logits, editedLogits
}

/// A norm with its parameters on the host.
package struct NormParameters: Sendable {
    package var kind: NormSpec.Kind
    package var epsilon: Float
    package var weight: [Float]?
    package var bias: [Float]?
}

/// How keys and values lie in a segment: (layer, key or value, position, kvHeads · headDim). Widths may differ by
/// layer.
package struct KVLayout: Sendable, Hashable {
    package var precision: Precision
    /// kvHeads · headDim of every layer.
    package var widths: [Int]

    package var bytesPerElement: Int { precision == .f32 ? 4 : 2 }
    /// Bytes of one position over all layers.
    package var bytesPerPosition: Int { 2 * bytesPerElement * widths.reduce(0, +) }
}

/// Queries of one sequence: rows `rows` of the query tensor, the first at `firstPosition`.
package struct AttentionJob<Segment: Sendable>: Sendable {
    package var rows: Range<Int>
    package var firstPosition: Int
    /// In order of position, with the number of positions that are filled.
    package var segments: [(segment: Segment, length: Int)]
}

package struct AttentionParameters: Sendable {
    package var heads: Int
    package var kvHeads: Int
    package var headDim: Int
    package var scale: Float
    package var softcap: Float
    package var window: Int
    package var sinks: [Float]?
}
