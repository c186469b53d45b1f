import Foundation
import Synchronization

/// How a model is loaded.
public struct LoadOptions: Sendable, Hashable {
    public var precision: Precision

    public init(precision: Precision = .bf16) { self.precision = precision }
}

/// A checkpoint, ready to compute: weights packed for the kernels, tokenizer, chat template. Immutable; edits are given
/// to the engine with each question.
public final class LanguageModel: Sendable {
    /// What the user wrote: a directory, a file, `org/name@revision`.
    public let reference: String
    public let spec: DecoderSpec
    public let precision: Precision
    public let checkpoint: any Checkpoint
    public let tokenizer: Tokenizer?
    public let template: ChatTemplate?
    /// Tokens that end a response.
    public let endTokens: Set<Int32>
    /// Put first by the tokenizer, or nil when it adds none.
    let leadingTokens: [Int32]
    /// What an empty context starts from: BOS, else EOS.
    let startToken: Int32?
    package let decoder: TransformerDecoder<CPUBackend>

    private let norms = Mutex<[NormKey: [Double]]>([:])
    private let tables = Mutex<[RopeSpec: RopeTable]>([:])

    private struct NormKey: Hashable {
        var writer: ResidualWriter
        var ofRows: Bool
    }

    /// Opens a checkpoint by reference and packs its weights.
    ///
    /// - Parameters:
    ///   - reference: a directory, a `.gguf` file, or `org/name` in the Hub cache.
    ///   - revision: of a Hub reference; nil = its `main`.
    ///   - progress: called with the share that is done, 0…1.
    /// - Throws: the checkpoint's errors, or `ModelError` when its tensors do not make the model it declares.
    public static func load(
        _ reference: String, revision: String? = nil, options: LoadOptions = LoadOptions(),
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws -> LanguageModel {
        let checkpoint = try CheckpointLoader.open(reference, revision: revision)
        return try LanguageModel(checkpoint: checkpoint, reference: reference, options: options, progress: progress)
    }

    public init(
        checkpoint: any Checkpoint, reference: String, options: LoadOptions = LoadOptions(),
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws {
        self.reference = reference
        self.checkpoint = checkpoint
        precision = options.precision
        let spec = try ArchitectureRegistry.spec(
            for: checkpoint.modelConfiguration, in: TensorNames { checkpoint.tensors[$0] != nil })
        self.spec = spec
        let tokenizer = try Self.makeTokenizer(checkpoint)
        self.tokenizer = tokenizer
        template = try checkpoint.chatTemplate.map { try ChatTemplate(source: $0, name: reference) }

        let ids = Self.specialTokenIDs(checkpoint, tokenizer)
        endTokens = ids.end
        startToken = ids.start
        leadingTokens = Self.leadingTokens(tokenizer)

        let backend = CPUBackend()
        let loader = WeightLoader(backend: backend, checkpoint: checkpoint, spec: spec, precision: options.precision)
        let weights = try loader.load(progress: progress)
        let embedding = spec.embeddingTensor
        decoder = TransformerDecoder(
            spec: spec, backend: backend, weights: weights,
            layout: KVLayout(
                precision: options.precision,
                widths: spec.blocks.map { $0.attention.kvHeads * $0.attention.headDim })
        ) { token, destination in
            guard token >= 0, Int(token) < spec.vocabularySize else {
                throw ModelError.tokenOutOfRange(token: token, vocabulary: spec.vocabularySize)
            }
            guard let base = destination.baseAddress else { return }
            try checkpoint.readRows(embedding, Int(token)..<Int(token) + 1, into: base)
        }
    }

    /// Tables for all ropes of the model with room for this many positions, kept for the next call.
    func ropeTables(positions: Int) -> [RopeSpec: RopeTable] {
        let ropes = Set(spec.blocks.compactMap(\.attention.rope))
        return tables.withLock { tables in
            for rope in ropes where (tables[rope]?.count ?? -1) < positions {
                // Grown by doubling, so that a run of longer and longer prompts does not rebuild them each time.
                let count = max(positions, min(2 * (tables[rope]?.count ?? 256), spec.contextLength))
                tables[rope] = RopeTable(rope, count: count)
            }
            return tables
        }
    }

    // MARK: Weights

    /// A writer's matrix as it is computed with: after rounding to the run's precision. The embedding, which is never
    /// rounded, comes transposed.
    func editable(_ writer: ResidualWriter) throws -> (matrix: EditableMatrix, bias: [Float]?) {
        if case .embedding = writer {
            let embed = decoder.embed
            return (
                EditableMatrix(outputs: spec.hiddenSize, inputs: spec.vocabularySize, isTransposed: true) {
                    token, row in
                    try embed(Int32(token), row)
                }, nil
            )
        }
        let weights = try linear(writer)
        let backend = decoder.backend
        return (
            EditableMatrix(outputs: weights.outputs, inputs: weights.inputs) { row, destination in
                backend.unpack(row: row, of: weights.matrix, into: destination)
            }, weights.bias
        )
    }

    private func linear(_ writer: ResidualWriter) throws -> LinearWeights<CPUBackend> {
        guard spec.writers.contains(writer) else {
            throw ModelError.edit(
                writer: writer.description,
                message: "this model (\(spec.modelType), \(spec.layerCount) blocks) has no such matrix")
        }
        switch writer {
        case .attentionOutput(let layer): return decoder.weights.blocks[layer].output
        case .mlpOutput(let layer, _): return decoder.weights.blocks[layer].down
        case .embedding, .sharedExpertOutput:
            throw ModelError.edit(writer: writer.description, message: "this model has no such matrix")
        }
    }

    private func composition(_ writer: ResidualWriter, _ edits: [LinearEdit]) throws -> EditComposition {
        let (matrix, bias) = try editable(writer)
        var composition = EditComposition(
            writer: writer, base: matrix, bias: bias,
            rowNorms: { try self.cachedNorms(NormKey(writer: writer, ofRows: true), matrix) },
            columnNorms: { try self.cachedNorms(NormKey(writer: writer, ofRows: false), matrix) })
        for edit in edits { try composition.append(edit) }
        return composition
    }

    private func cachedNorms(_ key: NormKey, _ matrix: EditableMatrix) throws -> [Double] {
        if let known = norms.withLock({ $0[key] }) { return known }
        let computed = try key.ofRows ? matrix.rowNorms() : matrix.columnNorms()
        norms.withLock { $0[key] = computed }
        return computed
    }

    /// Resolves edits against this model; nil when there are none.
    ///
    /// - Throws: `ModelError.edit` for a writer the model does not have, or numbers that do not fit it.
    package func prepare(_ edits: WeightEdits) throws -> PreparedEdits<CPUBackend>? {
        if edits.isEmpty { return nil }
        var prepared = PreparedEdits<CPUBackend>()
        for writer in edits.writers {
            guard let list = edits.edits[writer], !list.isEmpty else { continue }
            let composition = try composition(writer, list)
            if case .embedding = writer {
                prepared.embedding = EmbeddingOverlay(
                    composition: LinearOverlay(composition, matrix: nil), replacement: composition.replacement,
                    vocabulary: spec.vocabularySize)
                continue
            }
            let weights = try linear(writer)
            let matrix = try composition.replacement.map { dense in
                // f32 whatever the policy: the matrix carries the edit, which rounding to bf16 would blur.
                try decoder.backend.makeMatrix(outputs: weights.outputs, inputs: weights.inputs, precision: .f32) {
                    rows, destination in
                    for (i, source) in (rows.lowerBound * weights.inputs..<rows.upperBound * weights.inputs)
                        .enumerated()
                    {
                        destination[i] = dense[source]
                    }
                }
            }
            prepared.overlays[writer] = LinearOverlay(composition, matrix: matrix)
        }
        return prepared
    }

    /// A writer's matrix with these edits, (out = d_model, in) row-major, and its bias; the embedding as
    /// (d_model, vocabulary). For export and for checking.
    public func denseMatrix(_ writer: ResidualWriter, edits: WeightEdits = .none) throws -> (
        values: [Float], bias: [Float]?, outputs: Int, inputs: Int
    ) {
        let matrix = try editable(writer).matrix
        let (values, bias) = try composition(writer, edits.edits[writer] ?? []).dense()
        return (values, bias, matrix.outputs, matrix.inputs)
    }

    // What methods ask of a model (`WeightAccess` in Methods, conformed to in Harness).

    /// L, the number of blocks.
    public var layerCount: Int { spec.layerCount }
    /// d_model.
    public var hiddenSize: Int { spec.hiddenSize }
    /// Every residual writer, in the order of the forward pass.
    public var writers: [ResidualWriter] { spec.writers }

    /// A writer's matrix (out = d_model, in) row-major, as it is computed with; the embedding as (d_model, vocabulary).
    public func matrix(_ writer: ResidualWriter) throws -> (values: [Float], outputs: Int, inputs: Int) {
        let (values, _, outputs, inputs) = try denseMatrix(writer)
        return (values, outputs, inputs)
    }
}
