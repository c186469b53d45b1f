import COpenBLAS

/// Heretic's published form of row-norm-preserving ablation: the change of the matrix, cut to a low rank
/// (`full_normalization_lora_rank`, 3). The result does not keep row norms exactly (heretic.md 1.7).
///
/// Heretic takes `torch.svd_lowrank(Δ, q = 2 rank + 4, niter = 6)`, which is randomised and itself an approximation of
/// the best rank-r part; here the best one is computed, from the eigenvectors of ΔΔᵀ or ΔᵀΔ (whichever is smaller)
/// with LAPACK's dsyevd, so it is the same on every run. Squaring costs half the digits of small singular values; the
/// few largest, which are kept, have all of f32's. Costs O(min(out, in)²·max(out, in)) per matrix: seconds for
/// d_model 1000, minutes beyond 4000, so leave `rank` out in searches on large models.
enum LowRankTruncation {
    /// Δ = n ⊙ rownorm(Ŵ − α v vᵀŴ) − W, (out, in) row-major f64; a zero row stays zero.
    static func rowNormPreservingChange(_ matrix: WriterMatrix, alpha: Double, direction: [Double]) -> [Double] {
        let (outputs, inputs) = (matrix.outputs, matrix.inputs)
        var unit = matrix.values.map(Double.init)
        var norms = [Double](repeating: 0, count: outputs)
        var projection = [Double](repeating: 0, count: inputs)
        for i in 0..<outputs {
            var sum = 0.0
            for j in 0..<inputs { sum += unit[i * inputs + j] * unit[i * inputs + j] }
            norms[i] = sum.squareRoot()
            // torch.nn.functional.normalize's epsilon.
            let scale = 1 / max(norms[i], 1e-12)
            for j in 0..<inputs {
                unit[i * inputs + j] *= scale
                projection[j] += direction[i] * unit[i * inputs + j]
            }
        }
        for i in 0..<outputs {
            var sum = 0.0
            for j in 0..<inputs {
                unit[i * inputs + j] -= alpha * direction[i] * projection[j]
                sum += unit[i * inputs + j] * unit[i * inputs + j]
            }
            let scale = norms[i] / max(sum.squareRoot(), 1e-12)
            for j in 0..<inputs {
                unit[i * inputs + j] = unit[i * inputs + j] * scale - Double(matrix.values[i * inputs + j])
            }
        }
        return unit
    }

    /// The best approximation B A of rank `rank` (at most min(rows, columns)): A (rank, columns) = √S Vᵀ,
    /// B (rows, rank) = U √S, as Heretic splits it.
    static func truncate(
        _ matrix: [Double], rows: Int, columns: Int, rank: Int, name: String
    ) throws -> (a: [Float], b: [Float]) {
        let size = min(rows, columns)
        let kept = min(rank, size)
        guard kept > 0 else { return ([], []) }
        for value in matrix where !value.isFinite {
            throw MethodError.unsupportedWriter("\(name) has weights that are not finite")
        }
        let tall = rows > columns
        var gram = [Double](repeating: 0, count: size * size)
        cblas_dgemm(
            CblasRowMajor, tall ? CblasTrans : CblasNoTrans, tall ? CblasNoTrans : CblasTrans, blasint(size),
            blasint(size), blasint(max(rows, columns)), 1, matrix, blasint(columns), matrix, blasint(columns), 0, &gram,
            blasint(size))
        let vectors = try eigenvectors(&gram, size: size, name: name)
        var a = [Float](repeating: 0, count: kept * columns)
        var b = [Float](repeating: 0, count: rows * kept)
        for k in 0..<kept {
            // dsyevd's eigenvalues ascend; column-major storage makes the k-th vector contiguous.
            let start = (size - 1 - k) * size
            let small = Array(vectors[start..<start + size])
            var large = [Double](repeating: 0, count: max(rows, columns))
            cblas_dgemv(
                CblasRowMajor, tall ? CblasNoTrans : CblasTrans, blasint(rows), blasint(columns), 1, matrix,
                blasint(columns), small, 1, 0, &large, 1)
            // large = σ times the other side's singular vector.
            let sigma = Directions.norm(large)
            guard sigma > 0 else { continue }
            let root = sigma.squareRoot()
            let left = tall ? large.map { $0 / root } : small.map { $0 * root }
            let right = tall ? small.map { $0 * root } : large.map { $0 / root }
            for i in 0..<rows { b[i * kept + k] = Float(left[i]) }
            for j in 0..<columns { a[k * columns + j] = Float(right[j]) }
        }
        return (a, b)
    }

    private static func eigenvectors(_ matrix: inout [Double], size: Int, name: String) throws -> [Double] {
        var n = Int32(size)
        var eigenvalues = [Double](repeating: 0, count: size)
        var workSize = Int32(1 + 6 * size + 2 * size * size)
        var integerWorkSize = Int32(3 + 5 * size)
        var work = [Double](repeating: 0, count: Int(workSize))
        var integerWork = [Int32](repeating: 0, count: Int(integerWorkSize))
        var info: Int32 = 0
        var lda = n
        dsyevd_("V", "U", &n, &matrix, &lda, &eigenvalues, &work, &workSize, &integerWork, &integerWorkSize, &info)
        guard info == 0 else {
            throw MethodError.unsupportedWriter("\(name): LAPACK dsyevd failed to converge (info \(info))")
        }
        return matrix
    }
}
