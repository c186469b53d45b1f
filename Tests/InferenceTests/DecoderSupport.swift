import Foundation
import Inference
import TestSupport

/// The tiny checkpoints of Tools/make_decoder_goldens.py.
enum DecoderFixtures {
    static let root = Fixtures.url("decoder")
    static let names = [
        "llama-gqa", "llama3-tied", "llama-linear", "llama-yarn", "qwen2", "qwen2-window", "qwen3", "mistral",
    ]

    static func path(_ name: String) -> String { root.appendingPathComponent(name).path }

    static func model(_ name: String, _ precision: Precision = .f32) throws -> LanguageModel {
        try LanguageModel.load(path(name), options: LoadOptions(precision: precision))
    }

    static func golden(_ name: String) throws -> JSONValue {
        try JSONValue.parse(contentsOf: root.appendingPathComponent(name + "/golden.json"))
    }
}

extension SeededGenerator {
    mutating func normals(_ count: Int) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        for i in 0..<count { values[i] = normal() }
        return values
    }

    mutating func unit(_ count: Int) -> [Float] {
        let values = normals(count)
        var square = 0.0
        for value in values { square += Double(value) * Double(value) }
        return values.map { Float(Double($0) / square.squareRoot()) }
    }

    mutating func tokens(_ count: Int, vocabulary: Int = 131) -> [Int32] {
        (0..<count).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &self) }
    }
}

/// A checkpoint in memory, made from another one with some tensors exchanged.
final class MemoryCheckpoint: Checkpoint {
    let path: String
    let format = CheckpointFormat.safetensors
    let configuration: JSONValue
    let configurationSource: String
    let tensors: [String: TensorInfo]
    let sha256 = String(repeating: "0", count: 64)
    let tokenizerSource: TokenizerSource
    let chatTemplate: String?
    let specialTokens: SpecialTokens
    let generationEOS: [Int]
    private let base: any Checkpoint
    private let replaced: [String: [Float]]

    init(
        copying base: any Checkpoint, replacing replaced: [String: [Float]] = [:], shapes: [String: [Int]] = [:],
        configuration: JSONValue? = nil, tokenizerSource: TokenizerSource? = nil, chatTemplate: String? = nil,
        specialTokens: SpecialTokens? = nil, generationEOS: [Int]? = nil, removing: Set<String> = []
    ) {
        self.base = base
        self.replaced = replaced
        path = base.path
        self.configuration = configuration ?? base.configuration
        configurationSource = base.configurationSource
        self.tokenizerSource = tokenizerSource ?? base.tokenizerSource
        self.chatTemplate = chatTemplate ?? base.chatTemplate
        self.specialTokens = specialTokens ?? base.specialTokens
        self.generationEOS = generationEOS ?? base.generationEOS
        var tensors = base.tensors
        for (name, values) in replaced {
            tensors[name] = TensorInfo(
                name: name, type: .f32, shape: shapes[name] ?? tensors[name]?.shape ?? [values.count],
                byteCount: values.count * 4, file: path, offset: 0)
        }
        for name in removing { tensors[name] = nil }
        self.tensors = tensors
    }

    func readRows(
        _ name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) throws(CheckpointError) {
        guard let values = replaced[name] else { return try base.readRows(name, rows, into: destination) }
        let length = try tensor(name).rowLength
        for (i, value) in values[rows.lowerBound * length..<rows.upperBound * length].enumerated() {
            destination[i] = value
        }
    }
}

/// The operators of DESIGN 4 by their dense formulas, in f64.
enum DenseReference {
    static func apply(
        _ edit: LinearEdit, to w: [[Double]], bias: [Double]?
    ) -> (matrix: [[Double]], bias: [Double]?) {
        switch edit {
        case .project(let alpha, let r):
            return (project(w, Double(alpha), r), bias.map { project($0, Double(alpha), r, 0) })
        case .affine(let alpha, let r, let reference):
            return (
                project(w, Double(alpha), r),
                project(bias ?? [Double](repeating: 0, count: w.count), Double(alpha), r, Double(reference))
            )
        case .lowRank(let rank, let a, let b):
            var result = w
            for i in w.indices {
                for j in w[i].indices {
                    for p in 0..<rank { result[i][j] += Double(b[i * rank + p]) * Double(a[p * w[i].count + j]) }
                }
            }
            return (result, bias)
        case .projectPreservingRowNorms(let alpha, let r):
            let norms = w.map(norm)
            let unit = zip(w, norms).map { row, n in row.map { n > 0 ? $0 / n : 0 } }
            let edited = project(unit, Double(alpha), r)
            let rows = zip(edited, norms).map { row, n in
                let length = norm(row)
                return row.map { length > 1e-6 ? $0 / length * n : 0 }
            }
            return (rows, bias.map { project($0, Double(alpha), r, 0) })
        case .projectPreservingColumnNorms(let alpha, let r):
            var edited = project(w, Double(alpha), r)
            for j in w[0].indices {
                let before = norm(w.map { $0[j] })
                let after = norm(edited.map { $0[j] })
                for i in w.indices { edited[i][j] *= after > 1e-6 * before ? before / after : 0 }
            }
            return (edited, bias.map { project($0, Double(alpha), r, 0) })
        case .projectRowNormalized(let alpha, let r):
            let norms = w.map(norm)
            let unit = zip(w, norms).map { row, n in row.map { n > 0 ? $0 / n : 0 } }
            let edited = project(unit, Double(alpha), r)
            return (
                zip(edited, norms).map { row, n in row.map { $0 * n } }, bias.map { project($0, Double(alpha), r, 0) }
            )
        }
    }

    static func norm(_ x: [Double]) -> Double {
        var square = 0.0
        for value in x { square += value * value }
        return square.squareRoot()
    }

    /// W − α r rᵀ W.
    static func project(_ w: [[Double]], _ alpha: Double, _ r: [Float]) -> [[Double]] {
        var product = [Double](repeating: 0, count: w[0].count)
        for i in w.indices { for j in w[i].indices { product[j] += Double(r[i]) * w[i][j] } }
        var result = w
        for i in w.indices { for j in w[i].indices { result[i][j] -= alpha * Double(r[i]) * product[j] } }
        return result
    }

    static func project(_ b: [Double], _ alpha: Double, _ r: [Float], _ reference: Double) -> [Double] {
        var product = 0.0
        for i in b.indices { product += Double(r[i]) * b[i] }
        return b.indices.map { b[$0] - alpha * Double(r[$0]) * (product - reference) }
    }

    static func rows(_ values: [Float], _ columns: Int) -> [[Double]] {
        stride(from: 0, to: values.count, by: columns).map { start in
            values[start..<start + columns].map(Double.init)
        }
    }

    static func flat(_ rows: [[Double]]) -> [Float] { rows.flatMap { $0.map(Float.init) } }
}

/// Random edits of every kind.
struct EditMaker {
    var random: SeededGenerator
    let outputs: Int
    let inputs: Int

    mutating func make(_ kind: Int) -> LinearEdit {
        let alpha = Float.random(in: -0.5...1.5, using: &random)
        let r = random.unit(outputs)
        switch kind {
        case 0: return .project(alpha: alpha, direction: r)
        case 1: return .projectPreservingRowNorms(alpha: alpha, direction: r)
        case 2: return .projectPreservingColumnNorms(alpha: alpha, direction: r)
        case 3: return .projectRowNormalized(alpha: alpha, direction: r)
        case 4:
            let rank = Int.random(in: 1...3, using: &random)
            return .lowRank(
                rank: rank, a: random.normals(rank * inputs).map { $0 * 0.2 },
                b: random.normals(rank * outputs).map { $0 * 0.2 })
        default: return .affine(alpha: alpha, direction: r, reference: random.normal())
        }
    }

    static let kinds = 0..<6
}
