/// The edits of one writer composed into the form that is applied while computing,
///
///     y = s ⊙ (W (c ⊙ x)) + bias, then low-rank and projection steps in order,
///
/// which is exact for every single operator of DESIGN 4. A norm-preserving operator needs norms of the matrix that is
/// already there; when earlier edits of the same writer changed it, or when a norm all but vanishes, the edited
/// matrix is worked out densely in f32 and takes W's place.
package struct EditComposition {
    /// W so far: the model's own, or a dense one.
    private var base: EditableMatrix
    /// The dense matrix that took W's place, (outputs, inputs).
    package private(set) var replacement: [Float]?
    package private(set) var columnScale: [Float]?
    package private(set) var rowScale: [Float]?
    package private(set) var bias: [Float]?
    package private(set) var steps: [OverlayStep] = []
    private let writer: ResidualWriter
    /// Row norms of the model's own matrix, computed once for all edits.
    private let rowNorms: () throws -> [Double]
    private let columnNorms: () throws -> [Double]

    /// Above this scale, s W + b aᵀ cancels too many digits in f32 and the dense form is taken.
    private static let largestScale = 64.0
    /// A row or column that keeps less than this share of its norm holds nothing but r: it becomes zero.
    private static let smallestShare = 1e-6

    package init(
        writer: ResidualWriter, base: EditableMatrix, bias: [Float]?, rowNorms: @escaping () throws -> [Double],
        columnNorms: @escaping () throws -> [Double]
    ) {
        self.writer = writer
        self.base = base
        self.bias = bias
        self.rowNorms = rowNorms
        self.columnNorms = columnNorms
    }

    private var isUntouched: Bool { columnScale == nil && rowScale == nil && steps.isEmpty }

    package mutating func append(_ edit: LinearEdit) throws {
        try validate(edit)
        switch edit {
        case .project(let alpha, let direction):
            steps.append(.project(alpha: alpha, direction: direction, reference: 0))
        case .affine(let alpha, let direction, let reference):
            steps.append(.project(alpha: alpha, direction: direction, reference: reference))
        case .lowRank(let rank, let a, let b):
            appendLowRank(rank: rank, a: a, b: b)
        case .projectPreservingRowNorms(let alpha, let direction):
            try preserveRowNorms(alpha: Double(alpha), direction: direction.map(Double.init))
        case .projectPreservingColumnNorms(let alpha, let direction):
            try preserveColumnNorms(alpha: Double(alpha), direction: direction.map(Double.init))
        case .projectRowNormalized(let alpha, let direction):
            try projectRowNormalized(alpha: Double(alpha), direction: direction.map(Double.init))
        }
    }

    /// The edited matrix, row-major (outputs, inputs), and bias.
    package func dense() throws -> (matrix: [Float], bias: [Float]?) {
        let (n, k) = (base.outputs, base.inputs)
        var matrix = try replacement ?? base.dense()
        var bias = bias
        if columnScale != nil || rowScale != nil {
            for i in 0..<n {
                let s = rowScale?[i] ?? 1
                for j in 0..<k { matrix[i * k + j] *= s * (columnScale?[j] ?? 1) }
            }
        }
        for step in steps {
            switch step {
            case .lowRank(let a, let b):
                for rank in a.indices {
                    for i in 0..<n where b[rank][i] != 0 {
                        let factor = b[rank][i]
                        for j in 0..<k { matrix[i * k + j] += factor * a[rank][j] }
                    }
                }
            case .project(let alpha, let r, let reference):
                let product = try EditableMatrix(dense: matrix, outputs: n, inputs: k)
                    .leftProduct(r.map(Double.init))
                for i in 0..<n where r[i] != 0 {
                    let factor = Double(alpha) * Double(r[i])
                    for j in 0..<k { matrix[i * k + j] = Float(Double(matrix[i * k + j]) - factor * product[j]) }
                }
                if bias != nil || reference != 0 {
                    bias = project(
                        bias ?? [Float](repeating: 0, count: n), alpha: Double(alpha), r.map(Double.init),
                        reference: Double(reference))
                }
            }
        }
        return (matrix, bias)
    }

    // MARK: Operators

    private mutating func appendLowRank(rank: Int, a: [Float], b: [Float]) {
        let (n, k) = (base.outputs, base.inputs)
        let rowsOfA = (0..<rank).map { Array(a[$0 * k..<($0 + 1) * k]) }
        let columnsOfB = (0..<rank).map { column in (0..<n).map { b[$0 * rank + column] } }
        steps.append(.lowRank(a: rowsOfA, b: columnsOfB))
    }

    /// diag(s) W + b aᵀ with a = rᵀŴ, s_i = 1 / ‖ŵ_i − α r_i a‖, b = −α s ⊙ n ⊙ r.
    private mutating func preserveRowNorms(alpha: Double, direction r: [Double]) throws {
        if !isUntouched { try rebase() }
        let n = try currentRowNorms()
        let a = try base.leftProduct(zip(r, n).map { $1 > 0 ? $0 / $1 : 0 })
        let products = try base.rightProduct(a)
        let aa = a.reduce(0) { $0 + $1 * $1 }
        var s = [Double](repeating: 1, count: n.count)
        var needsDense = false
        for i in s.indices where n[i] > 0 {
            let square = 1 - 2 * alpha * r[i] * products[i] / n[i] + alpha * alpha * r[i] * r[i] * aa
            let share = max(square, 0).squareRoot()
            if share * Self.largestScale < 1 { needsDense = true } else { s[i] = 1 / share }
        }
        let projectedBias = bias.map { project($0, alpha: alpha, r, reference: 0) }
        if needsDense {
            var matrix = try base.dense()
            let k = base.inputs
            for i in 0..<n.count where n[i] > 0 {
                var square = 0.0
                for j in 0..<k {
                    let value = Double(matrix[i * k + j]) / n[i] - alpha * r[i] * a[j]
                    square += value * value
                }
                let share = square.squareRoot()
                let scale = share < Self.smallestShare ? 0 : n[i] / share
                for j in 0..<k {
                    matrix[i * k + j] = Float((Double(matrix[i * k + j]) / n[i] - alpha * r[i] * a[j]) * scale)
                }
            }
            replaceBase(matrix, bias: projectedBias)
            return
        }
        rowScale = s.map(Float.init)
        let b = s.indices.map { Float(-alpha * s[$0] * n[$0] * r[$0]) }
        steps.append(.lowRank(a: [a.map(Float.init)], b: [b]))
        bias = projectedBias
    }

    /// (I − α r rᵀ) W diag(c) with c_j = ‖w_j‖ / ‖(I − α r rᵀ) w_j‖.
    private mutating func preserveColumnNorms(alpha: Double, direction r: [Double]) throws {
        if !isUntouched { try rebase() }
        let norms = try currentColumnNorms()
        let product = try base.leftProduct(r)
        let rr = r.reduce(0) { $0 + $1 * $1 }
        var c = [Double](repeating: 1, count: norms.count)
        var needsDense = false
        for j in c.indices where norms[j] > 0 {
            let cosine = product[j] / norms[j]
            let share = max(1 - (2 * alpha - alpha * alpha * rr) * cosine * cosine, 0).squareRoot()
            if share * Self.largestScale < 1 { needsDense = true } else { c[j] = 1 / share }
        }
        if needsDense {
            var matrix = try base.dense()
            let (n, k) = (base.outputs, base.inputs)
            var squares = [Double](repeating: 0, count: k)
            for i in 0..<n {
                for j in 0..<k {
                    let value = Double(matrix[i * k + j]) - alpha * r[i] * product[j]
                    squares[j] += value * value
                }
            }
            let scales = (0..<k).map { j in
                norms[j] > 0 && squares[j].squareRoot() >= Self.smallestShare * norms[j]
                    ? norms[j] / squares[j].squareRoot() : 0
            }
            for i in 0..<n {
                for j in 0..<k {
                    matrix[i * k + j] = Float((Double(matrix[i * k + j]) - alpha * r[i] * product[j]) * scales[j])
                }
            }
            replaceBase(matrix, bias: bias.map { project($0, alpha: alpha, r, reference: 0) })
            return
        }
        columnScale = c.map(Float.init)
        steps.append(.project(alpha: Float(alpha), direction: r.map(Float.init), reference: 0))
    }

    /// W − α (n ⊙ r) aᵀ with a = rᵀŴ.
    private mutating func projectRowNormalized(alpha: Double, direction r: [Double]) throws {
        if !isUntouched { try rebase() }
        let n = try currentRowNorms()
        let a = try base.leftProduct(zip(r, n).map { $1 > 0 ? $0 / $1 : 0 })
        let b = r.indices.map { Float(-alpha * n[$0] * r[$0]) }
        steps.append(.lowRank(a: [a.map(Float.init)], b: [b]))
        bias = bias.map { project($0, alpha: alpha, r, reference: 0) }
    }

    // MARK: The matrix so far

    private func currentRowNorms() throws -> [Double] {
        try replacement == nil ? rowNorms() : base.rowNorms()
    }

    private func currentColumnNorms() throws -> [Double] {
        try replacement == nil ? columnNorms() : base.columnNorms()
    }

    private mutating func rebase() throws {
        let (matrix, bias) = try dense()
        replaceBase(matrix, bias: bias)
    }

    private mutating func replaceBase(_ matrix: [Float], bias: [Float]?) {
        base = EditableMatrix(dense: matrix, outputs: base.outputs, inputs: base.inputs)
        replacement = matrix
        columnScale = nil
        rowScale = nil
        steps = []
        self.bias = bias
    }

    private func project(_ b: [Float], alpha: Double, _ r: [Double], reference: Double) -> [Float] {
        var product = 0.0
        for i in b.indices { product += r[i] * Double(b[i]) }
        return b.indices.map { Float(Double(b[$0]) - alpha * r[$0] * (product - reference)) }
    }

    private func validate(_ edit: LinearEdit) throws {
        func fail(_ message: String) -> ModelError { .edit(writer: writer.description, message: message) }
        func check(_ alpha: Float, _ direction: [Float]) throws {
            if !alpha.isFinite { throw fail("alpha is \(alpha)") }
            if direction.count != base.outputs {
                throw fail("a direction of \(direction.count) numbers, where the matrix writes \(base.outputs)")
            }
            if let i = direction.firstIndex(where: { !$0.isFinite }) {
                throw fail("direction[\(i)] is \(direction[i])")
            }
        }
        switch edit {
        case .project(let alpha, let direction), .projectPreservingRowNorms(let alpha, let direction),
            .projectPreservingColumnNorms(let alpha, let direction), .projectRowNormalized(let alpha, let direction):
            try check(alpha, direction)
        case .affine(let alpha, let direction, let reference):
            try check(alpha, direction)
            if !reference.isFinite { throw fail("reference is \(reference)") }
        case .lowRank(let rank, let a, let b):
            guard rank > 0, a.count == rank * base.inputs, b.count == rank * base.outputs else {
                throw fail(
                    "rank \(rank) with A of \(a.count) and B of \(b.count) numbers, for a matrix "
                        + "(\(base.outputs), \(base.inputs))")
            }
            if a.contains(where: { !$0.isFinite }) || b.contains(where: { !$0.isFinite }) {
                throw fail("a low-rank factor holds a NaN or an infinity")
            }
        }
    }
}
