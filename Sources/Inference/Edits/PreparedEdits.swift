/// `WeightEdits` resolved against a model: what each writer does differently, ready to compute with.
package struct PreparedEdits<B: Backend>: Sendable {
    package var overlays: [ResidualWriter: LinearOverlay<B.Matrix>] = [:]
    package var embedding: EmbeddingOverlay?
}

/// Edits of the embedding, E (vocabulary, d_model), seen as the writer Eᵀ (d_model, vocabulary) whose input is one-hot.
/// The unembedding keeps the loaded weights, tied or not.
package struct EmbeddingOverlay: Sendable {
    let composition: LinearOverlay<Never>
    /// The edited Eᵀ, (d_model, vocabulary), where there is no closed form.
    let replacement: [Float]?
    let vocabulary: Int

    /// Edits one embedding in place.
    package func apply(to row: UnsafeMutableBufferPointer<Float>, token: Int) {
        if let replacement {
            for i in row.indices { row[i] = replacement[i * vocabulary + token] }
        }
        if let scale = composition.columnScale { for i in row.indices { row[i] *= scale[token] } }
        if let scale = composition.rowScale { for i in row.indices { row[i] *= scale[i] } }
        if let bias = composition.bias { for i in row.indices { row[i] += bias[i] } }
        for step in composition.steps {
            switch step {
            case .lowRank(let a, let b):
                for rank in a.indices {
                    let factor = a[rank][token]
                    for i in row.indices { row[i] += factor * b[rank][i] }
                }
            case .project(let alpha, let direction, let reference):
                var product = 0.0
                for i in row.indices { product += Double(direction[i]) * Double(row[i]) }
                let factor = alpha * Float(product - Double(reference))
                for i in row.indices { row[i] -= factor * direction[i] }
            }
        }
    }
}

extension LinearOverlay {
    /// A composition with its dense replacement packed, where it has one.
    package init(_ composition: EditComposition, matrix: Matrix?) {
        columnScale = composition.columnScale
        rowScale = composition.rowScale
        bias = composition.bias
        self.matrix = matrix
        steps = composition.steps
    }
}
