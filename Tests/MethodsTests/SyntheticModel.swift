import Inference
import Methods

/// A model of random matrices, and contrast activations with a planted direction.
struct SyntheticModel: WeightAccess {
    var layerCount: Int
    var hiddenSize: Int
    var writers: [ResidualWriter]
    var matrices: [ResidualWriter: [Float]]
    var inputs: Int

    /// - Parameter experts: 0 = dense blocks; otherwise that many experts and a shared one.
    init(layers: Int = 6, hidden: Int = 24, inputs: Int = 17, experts: Int = 0, seed: UInt64 = 1) {
        layerCount = layers
        hiddenSize = hidden
        self.inputs = inputs
        var writers: [ResidualWriter] = [.embedding]
        for layer in 0..<layers {
            writers.append(.attentionOutput(layer: layer))
            if experts == 0 {
                writers.append(.mlpOutput(layer: layer, expert: nil))
            } else {
                for expert in 0..<experts { writers.append(.mlpOutput(layer: layer, expert: expert)) }
                writers.append(.sharedExpertOutput(layer: layer))
            }
        }
        self.writers = writers
        var generator = SeededGenerator(seed)
        var matrices: [ResidualWriter: [Float]] = [:]
        for writer in writers {
            // Rows of different length, as trained matrices have.
            var values: [Float] = []
            for _ in 0..<hidden {
                let scale = 0.2 + 2 * generator.uniform()
                for _ in 0..<inputs { values.append(Float(scale * generator.gaussian())) }
            }
            matrices[writer] = values
        }
        self.matrices = matrices
    }

    func matrix(_ writer: ResidualWriter) throws -> (values: [Float], outputs: Int, inputs: Int) {
        (matrices[writer] ?? [], hiddenSize, inputs)
    }

    /// Activations of `prompts` per class; the classes differ along a direction that turns slowly with depth.
    func contrast(prompts: Int = 9, seed: UInt64 = 2, scale: Double = 3) -> Contrast {
        var generator = SeededGenerator(seed)
        func vector(_ scale: Double = 1) -> [Double] { (0..<hiddenSize).map { _ in scale * generator.gaussian() } }
        let planted = vector()
        let turn = vector()
        let common = (0...layerCount).map { _ in vector(2) }
        func activations(_ strength: Double) -> [[[Float]]] {
            (0..<prompts).map { _ in
                (0...layerCount).map { i in
                    let noise = vector()
                    let mix = Double(i) / Double(layerCount)
                    return (0..<hiddenSize).map { j in
                        Float(common[i][j] + noise[j] + strength * mix * (planted[j] + mix * turn[j]))
                    }
                }
            }
        }
        let harmful = activations(scale)
        let harmless = activations(0)
        func normed(_ states: [[[Float]]]) -> [[Float]] {
            states.map { prompt in
                let last = prompt[layerCount]
                let scale = 1 / (last.reduce(0) { $0 + $1 * $1 } / Float(hiddenSize)).squareRoot()
                return last.enumerated().map { $1 * scale * (1 + 0.1 * Float($0 % 5)) }
            }
        }
        return Contrast(
            harmful: harmful, harmless: harmless, harmfulFinalNormed: normed(harmful),
            harmlessFinalNormed: normed(harmless))
    }

    func context(seed: UInt64 = 7, search: (any SearchEnvironment)? = nil) -> MethodContext {
        MethodContext(weights: self, contrast: contrast(), seed: seed, search: search)
    }

    func dense(_ writer: ResidualWriter) -> Dense {
        Dense(rows: hiddenSize, columns: inputs, values: (matrices[writer] ?? []).map(Double.init))
    }
}

/// Plain dense algebra, written independently of the sources under test.
struct Dense: Equatable {
    var rows: Int
    var columns: Int
    var values: [Double]

    subscript(i: Int, j: Int) -> Double {
        get { values[i * columns + j] }
        set { values[i * columns + j] = newValue }
    }

    var frobenius: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    var rowNorms: [Double] {
        (0..<rows).map { i in (0..<columns).reduce(0) { $0 + self[i, $1] * self[i, $1] }.squareRoot() }
    }
    var columnNorms: [Double] {
        (0..<columns).map { j in (0..<rows).reduce(0) { $0 + self[$1, j] * self[$1, j] }.squareRoot() }
    }

    func minus(_ other: Dense) -> Dense {
        Dense(rows: rows, columns: columns, values: zip(values, other.values).map { $0 - $1 })
    }

    /// rᵀ W.
    func projected(on r: [Double]) -> [Double] {
        (0..<columns).map { j in (0..<rows).reduce(0) { $0 + r[$1] * self[$1, j] } }
    }

    /// W − α r rᵀ W.
    func ablated(_ r: [Double], _ alpha: Double) -> Dense {
        let p = projected(on: r)
        var result = self
        for i in 0..<rows { for j in 0..<columns { result[i, j] -= alpha * r[i] * p[j] } }
        return result
    }

    func rowsScaled(_ factors: [Double]) -> Dense {
        var result = self
        for i in 0..<rows { for j in 0..<columns { result[i, j] *= factors[i] } }
        return result
    }

    /// The dense forms of `LinearEdit`, step by step as their definitions say.
    func applying(_ edit: LinearEdit) -> Dense {
        switch edit {
        case .project(let alpha, let r): return ablated(r.map(Double.init), Double(alpha))
        case .projectPreservingRowNorms(let alpha, let r):
            let n = rowNorms
            let unit = rowsScaled(n.map { 1 / $0 })
            let edited = unit.ablated(r.map(Double.init), Double(alpha))
            let m = edited.rowNorms
            return edited.rowsScaled(zip(n, m).map { $0 / $1 })
        case .projectPreservingColumnNorms(let alpha, let r):
            var edited = ablated(r.map(Double.init), Double(alpha))
            let old = columnNorms
            let new = edited.columnNorms
            for i in 0..<rows { for j in 0..<columns { edited[i, j] *= old[j] / new[j] } }
            return edited
        case .projectRowNormalized(let alpha, let r):
            let n = rowNorms
            return rowsScaled(n.map { 1 / $0 }).ablated(r.map(Double.init), Double(alpha)).rowsScaled(n)
        case .lowRank(let rank, let a, let b):
            var result = self
            for i in 0..<rows {
                for j in 0..<columns {
                    for k in 0..<rank { result[i, j] += Double(b[i * rank + k]) * Double(a[k * columns + j]) }
                }
            }
            return result
        case .affine(let alpha, let r, _): return ablated(r.map(Double.init), Double(alpha))
        }
    }

    func applying(_ edits: [LinearEdit]) -> Dense { edits.reduce(self) { $0.applying($1) } }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
func unit(_ a: [Double]) -> [Double] { a.map { $0 / norm(a) } }
func doubles(_ a: [Float]) -> [Double] { a.map(Double.init) }

/// Mean over prompts at one index, written as the definition.
func mean(_ activations: [[[Float]]], _ index: Int) -> [Double] {
    (0..<activations[0][index].count).map { j in
        activations.reduce(0) { $0 + Double($1[index][j]) } / Double(activations.count)
    }
}

/// v without its component along u (any length).
func without(_ v: [Double], _ u: [Double]) -> [Double] {
    let k = dot(v, u) / dot(u, u)
    return zip(v, u).map { $0 - k * $1 }
}

/// Largest absolute difference.
func distance(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } }
