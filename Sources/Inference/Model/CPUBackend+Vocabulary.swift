import CKernels
import Foundation

// Reductions over the vocabulary.
extension CPUBackend {
    package func finishLogits(_ x: CPUTensor, scale factor: Float, softcap: Float) {
        if factor != 1 { scale(x, by: factor) }
        if softcap > 0 { ab_softcap(x.base, x.rows * x.columns, softcap) }
    }

    package func argmax(
        _ x: CPUTensor, unembedding: PackedMatrix, bias: [Float]?, scale: Float, softcap: Float
    ) -> [Int32] {
        var indices = [Int32](repeating: 0, count: x.rows)
        var values = [Float](repeating: 0, count: x.rows)
        // A positive scale does not move the largest logit; a cap can only make ties, which it does after scaling.
        withPointer(bias) { bias in
            ab_linear_argmax(
                unembedding.precision.kernel, x.base, x.rows, unembedding.memory, unembedding.outputs,
                unembedding.inputs, bias, softcap > 0 ? softcap / scale : 0, &indices, &values)
        }
        return indices
    }

    package func logSoftmax(_ x: CPUTensor) {
        nonisolated(unsafe) let x = x
        parallelFor(x.rows, grain: 1) { rows in
            for row in rows { ab_log_softmax(x.row(row), x.columns, x.row(row)) }
        }
    }

    package func logProbabilities(_ x: CPUTensor, of tokens: [Int32]) -> [(logProbability: Double, isTop: Bool)] {
        var results = [(logProbability: Double, isTop: Bool)](repeating: (0, false), count: x.rows)
        nonisolated(unsafe) let x = x
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            parallelFor(x.rows, grain: 1) { rows in
                for row in rows {
                    let token = Int(tokens[row])
                    let isTop = ab_argmax(x.row(row), x.columns) == token
                    ab_log_softmax(x.row(row), x.columns, x.row(row))
                    results[row] = (Double(x.row(row)[token]), isTop)
                }
            }
        }
        return results
    }

    package func compare(base: CPUTensor, edited: CPUTensor) -> [PositionComparison] {
        var results = [PositionComparison](
            repeating: PositionComparison(kl: 0, reverseKL: 0, js: 0, sameTopToken: true, deltaP: 0), count: base.rows)
        nonisolated(unsafe) let base = base
        nonisolated(unsafe) let edited = edited
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            parallelFor(base.rows, grain: 1) { rows in
                for row in rows {
                    var divergence = ab_divergence()
                    ab_compare_logits(base.row(row), edited.row(row), base.columns, -1, &divergence)
                    results[row] = PositionComparison(
                        kl: divergence.kl, reverseKL: divergence.reverse_kl, js: divergence.js,
                        sameTopToken: divergence.base_top == divergence.edited_top,
                        deltaP: exp(divergence.edited_logprob_of_base_top) - exp(divergence.base_top_logprob))
                }
            }
        }
        return results
    }
}
