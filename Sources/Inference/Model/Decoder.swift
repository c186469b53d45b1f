/// One step's work: new tokens of several sequences, one after another without padding.
package struct DecoderBatch<B: Backend> {
    /// (T) all new tokens.
    package var tokens: [Int32] = []
    /// Rows of each sequence's tokens, with its cache; room for them has been reserved.
    package var sequences: [(rows: Range<Int>, cache: KVCache<B>)] = []
    /// Which rows to copy to the host at which site; `slot` is the index in the result.
    package var captures: [HookPoint: [(row: Int, slot: Int)]] = [:]
    package var captureCount = 0
    /// Rows whose state after the final norm is wanted.
    package var outputRows: [Int] = []

    package init() {}
}

/// What a step gives.
package struct DecoderOutput<B: Backend> {
    /// (outputRows, d_model) after the final norm; nil when none were wanted. Valid until the next step.
    package var normed: B.Tensor?
    /// (captureCount, d_model)
    package var captures: [[Float]]
}

/// What attention does in a step, the same in every block.
private struct AttentionPlan<B: Backend> {
    /// (T) absolute positions.
    var positions: [Int32] = []
    /// Where the new rows' keys and values go.
    var stores: [(rows: Range<Int>, segment: B.Segment, offset: Int)] = []
    var jobs: [AttentionJob<B.Segment>] = []

    init(_ batch: DecoderBatch<B>) {
        positions.reserveCapacity(batch.tokens.count)
        jobs.reserveCapacity(batch.sequences.count)
        for (rows, cache) in batch.sequences {
            for i in 0..<rows.count { positions.append(Int32(cache.length + i)) }
            for place in cache.places(rows.count) {
                let first = rows.lowerBound + place.rows.lowerBound
                stores.append((first..<first + place.rows.count, place.segment, place.offset))
            }
            var filled = cache
            filled.advance(rows.count)
            let segments = filled.segments.filter { $0.length > 0 }.map { ($0.segment, $0.length) }
            jobs.append(AttentionJob(rows: rows, firstPosition: cache.length, segments: segments))
        }
    }
}

/// The forward pass, in the paper's order (Vaswani et al. 2017, pre-norm), for every family.
package struct TransformerDecoder<B: Backend>: Sendable {
    package let spec: DecoderSpec
    package let backend: B
    package let weights: DecoderWeights<B>
    package let layout: KVLayout
    /// Rows of the embedding, (d_model) each, as the checkpoint has them.
    let embed: @Sendable (_ token: Int32, _ destination: UnsafeMutableBufferPointer<Float>) throws -> Void

    /// Computes one step. The caller advances the caches afterwards.
    ///
    /// - Parameters:
    ///   - depth: blocks to compute; fewer than all when nothing above them is asked for (then `outputRows` is empty).
    ///   - tables: for every rope of the spec, with room for the largest position.
    package func forward(
        _ batch: DecoderBatch<B>, edits: PreparedEdits<B>?, depth: Int, tables: [RopeSpec: RopeTable],
        workspace: B.Workspace
    ) throws -> DecoderOutput<B> {
        let d = spec.hiddenSize
        let count = batch.tokens.count
        var captured = [[Float]](repeating: [], count: batch.captureCount)
        func capture(_ site: HookPoint, _ x: B.Tensor) {
            guard let wanted = batch.captures[site] else { return }
            for (row, slot) in wanted { captured[slot] = backend.read(row: row, of: x) }
        }

        let plan = AttentionPlan(batch)

        // (T, d) the residual stream.
        let x = backend.tensor(.residual, rows: count, columns: d, in: workspace)
        try writeEmbeddings(of: batch.tokens, edits: edits, to: x)
        capture(.embed, x)

        let normed = backend.tensor(.normed, rows: count, columns: d, in: workspace)
        for layer in 0..<depth {
            let block = spec.blocks[layer]
            let parameters = weights.blocks[layer]
            capture(.residPre(layer), x)

            // Attention: x += o_proj(softmax(q kᵀ) v).
            normalize(x, parameters.preAttention, out: normed)
            let attended = attention(
                normed, layer: layer, plan: plan, edits: edits, tables: tables, workspace: workspace)
            if let norm = parameters.postAttention { backend.norm(attended, norm, out: attended) }
            if block.residualMultiplier != 1 { backend.scale(attended, by: block.residualMultiplier) }
            capture(.attnOut(layer), attended)

            // MLP: x += down_proj(act(gate) · up).
            if block.isParallel {
                normalize(x, parameters.preMLP, out: normed)
                backend.add(x, attended, scale: 1)
            } else {
                backend.add(x, attended, scale: 1)
                normalize(x, parameters.preMLP, out: normed)
            }
            capture(.residMid(layer), x)
            let mixed = mlp(normed, layer: layer, edits: edits, workspace: workspace)
            if let norm = parameters.postMLP { backend.norm(mixed, norm, out: mixed) }
            if block.residualMultiplier != 1 { backend.scale(mixed, by: block.residualMultiplier) }
            capture(.mlpOut(layer), mixed)
            backend.add(x, mixed, scale: 1)
            capture(.residPost(layer), x)
        }
        if depth < spec.layerCount { capture(.residPre(depth), x) }

        var output = DecoderOutput<B>(normed: nil, captures: [])
        if depth == spec.layerCount {
            if !batch.outputRows.isEmpty {
                let gathered = backend.tensor(.output, rows: batch.outputRows.count, columns: d, in: workspace)
                backend.gather(x, rows: batch.outputRows, out: gathered)
                backend.norm(gathered, weights.finalNorm, out: gathered)
                output.normed = gathered
            }
            if let wanted = batch.captures[.lnFinal] {
                let rows = wanted.map(\.row)
                let gathered = backend.tensor(.branch, rows: rows.count, columns: d, in: workspace)
                backend.gather(x, rows: rows, out: gathered)
                backend.norm(gathered, weights.finalNorm, out: gathered)
                for (i, (_, slot)) in wanted.enumerated() { captured[slot] = backend.read(row: i, of: gathered) }
            }
        }
        output.captures = captured
        return output
    }

    /// (T, d) → (T, d); writes the new keys and values to the caches' segments.
    private func attention(
        _ x: B.Tensor, layer: Int, plan: AttentionPlan<B>, edits: PreparedEdits<B>?, tables: [RopeSpec: RopeTable],
        workspace: B.Workspace
    ) -> B.Tensor {
        let attention = spec.blocks[layer].attention
        let parameters = weights.blocks[layer]
        let count = plan.positions.count
        let queryWidth = attention.heads * attention.headDim
        let keyWidth = attention.kvHeads * attention.headDim

        let qkv = backend.tensor(.qkv, rows: count, columns: queryWidth + 2 * keyWidth, in: workspace)
        backend.linear(
            x, parameters.qkv.matrix, bias: parameters.qkv.bias, overlay: nil, out: qkv, workspace: workspace)
        let query = backend.columns(0..<queryWidth, of: qkv)
        let key = backend.columns(queryWidth..<queryWidth + keyWidth, of: qkv)
        let value = backend.columns(queryWidth + keyWidth..<queryWidth + 2 * keyWidth, of: qkv)

        switch attention.queryKeyNorm {
        case .none: break
        case .perHead:
            if let norm = parameters.queryNorm { backend.headNorm(query, heads: attention.heads, norm) }
            if let norm = parameters.keyNorm { backend.headNorm(key, heads: attention.kvHeads, norm) }
        case .whole:
            if let norm = parameters.queryNorm { backend.headNorm(query, heads: 1, norm) }
            if let norm = parameters.keyNorm { backend.headNorm(key, heads: 1, norm) }
        }
        if let rope = attention.rope, let table = tables[rope] {
            backend.rope(
                query, heads: attention.heads, headDim: attention.headDim, positions: plan.positions, table: table,
                spec: rope)
            backend.rope(
                key, heads: attention.kvHeads, headDim: attention.headDim, positions: plan.positions, table: table,
                spec: rope)
        }

        for store in plan.stores {
            backend.store(
                keys: backend.rows(store.rows, of: key), values: backend.rows(store.rows, of: value),
                segment: store.segment, layout: layout, layer: layer, offset: store.offset)
        }
        let mixed = backend.tensor(.mixed, rows: count, columns: queryWidth, in: workspace)
        backend.attention(
            query: query, jobs: plan.jobs,
            shape: AttentionParameters(
                heads: attention.heads, kvHeads: attention.kvHeads, headDim: attention.headDim, scale: attention.scale,
                softcap: attention.softcap, window: attention.window, sinks: parameters.sinks),
            layout: layout, layer: layer, out: mixed, workspace: workspace)

        let out = backend.tensor(.branch, rows: count, columns: spec.hiddenSize, in: workspace)
        backend.linear(
            mixed, parameters.output.matrix, bias: parameters.output.bias,
            overlay: edits?.overlays[.attentionOutput(layer: layer)], out: out, workspace: workspace)
        return out
    }

    /// (T, d) → (T, d).
    private func mlp(_ x: B.Tensor, layer: Int, edits: PreparedEdits<B>?, workspace: B.Workspace) -> B.Tensor {
        let mlp = spec.blocks[layer].mlp
        let parameters = weights.blocks[layer]
        let count = backend.rowCount(x)
        let gateUp = backend.tensor(.gateUp, rows: count, columns: 2 * mlp.width, in: workspace)
        backend.linear(
            x, parameters.gateUp.matrix, bias: parameters.gateUp.bias, overlay: nil, out: gateUp, workspace: workspace)
        let hidden = backend.tensor(.hidden, rows: count, columns: mlp.width, in: workspace)
        backend.gated(
            mlp.activation, gate: backend.columns(0..<mlp.width, of: gateUp),
            up: backend.columns(mlp.width..<2 * mlp.width, of: gateUp), out: hidden)
        let out = backend.tensor(.branch, rows: count, columns: spec.hiddenSize, in: workspace)
        backend.linear(
            hidden, parameters.down.matrix, bias: parameters.down.bias,
            overlay: edits?.overlays[.mlpOutput(layer: layer, expert: nil)], out: out, workspace: workspace)
        return out
    }

    private func normalize(_ x: B.Tensor, _ norm: NormParameters?, out: B.Tensor) {
        if let norm {
            backend.norm(x, norm, out: out)
        } else {
            backend.copy(x, to: out)
        }
    }

    /// Embedding rows, edited and scaled, to x(T, d).
    private func writeEmbeddings(of tokens: [Int32], edits: PreparedEdits<B>?, to x: B.Tensor) throws {
        let d = spec.hiddenSize
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: tokens.count * d) { buffer in
            for (i, token) in tokens.enumerated() {
                let row = UnsafeMutableBufferPointer(rebasing: buffer[i * d..<(i + 1) * d])
                try embed(token, row)
                edits?.embedding?.apply(to: row, token: Int(token))
                if spec.embeddingScale != 1 { for j in 0..<d { row[j] *= spec.embeddingScale } }
            }
            backend.write(UnsafeBufferPointer(buffer), to: x)
        }
    }
}

extension TransformerDecoder {
    /// Logits (rows, vocabulary) of states after the final norm.
    package func logits(of normed: B.Tensor, name: ScratchName = .logits, workspace: B.Workspace) -> B.Tensor {
        let head = weights.unembedding
        let logits = backend.tensor(
            name, rows: backend.rowCount(normed), columns: spec.vocabularySize, in: workspace)
        backend.linear(normed, head.matrix, bias: head.bias, overlay: nil, out: logits, workspace: workspace)
        backend.finishLogits(logits, scale: spec.logitScale, softcap: spec.logitSoftcap)
        return logits
    }

    /// The greedy next token of every row.
    package func argmax(of normed: B.Tensor) -> [Int32] {
        backend.argmax(
            normed, unembedding: weights.unembedding.matrix, bias: weights.unembedding.bias, scale: spec.logitScale,
            softcap: spec.logitSoftcap)
    }
}
