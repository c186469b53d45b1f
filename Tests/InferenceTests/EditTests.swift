import Foundation
import Inference
import TestSupport
import Testing

/// Every operator applied while computing against its dense form.
@Suite struct EditTests {
    /// y = W x + b through the backend with edits, against dense f64 algebra.
    func check(_ edits: [LinearEdit], outputs n: Int, inputs k: Int, bias: [Float]?, w: [Float], seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let m = 5
        let x = random.normals(m * k)
        var dense = DenseReference.rows(w, k)
        var denseBias = bias?.map(Double.init)
        for edit in edits { (dense, denseBias) = DenseReference.apply(edit, to: dense, bias: denseBias) }

        let base = EditableMatrix(dense: w, outputs: n, inputs: k)
        var composition = EditComposition(
            writer: .attentionOutput(layer: 0), base: base, bias: bias, rowNorms: { try base.rowNorms() },
            columnNorms: { try base.columnNorms() })
        for edit in edits { try composition.append(edit) }

        // The dense matrix it gives for export.
        let exported = try composition.dense()
        var largest = 0.0
        for row in dense { for value in row { largest = max(largest, abs(value)) } }
        for i in 0..<n {
            for j in 0..<k { #expect(abs(Double(exported.matrix[i * k + j]) - dense[i][j]) <= 1e-5 * largest) }
        }

        let got = try composition.outputs(for: x, rows: m, weights: w)
        var scale = 0.0
        var worst = 0.0
        for row in 0..<m {
            for i in 0..<n {
                var y = denseBias?[i] ?? 0
                for j in 0..<k { y += dense[i][j] * Double(x[row * k + j]) }
                scale = max(scale, abs(y))
                worst = max(worst, abs(Double(got[row * n + i]) - y))
            }
        }
        #expect(worst <= 1e-5 * scale, "\(edits.count) edits: \(worst) of \(scale)")
    }

    @Test(arguments: EditMaker.kinds, [true, false])
    func singleOperatorsEqualTheirDenseForm(_ kind: Int, hasBias: Bool) throws {
        for (n, k, seed) in [(24, 40, 1), (40, 24, 2), (33, 7, 3), (64, 100, 4)] as [(Int, Int, UInt64)] {
            var random = SeededGenerator(seed: seed * 100 + UInt64(kind))
            let w = random.normals(n * k)
            let bias = hasBias ? random.normals(n) : nil
            var maker = EditMaker(random: random, outputs: n, inputs: k)
            try check([maker.make(kind)], outputs: n, inputs: k, bias: bias, w: w, seed: seed)
        }
    }

    @Test(arguments: EditMaker.kinds, EditMaker.kinds)
    func pairsActInOrder(_ first: Int, _ second: Int) throws {
        let (n, k) = (28, 36)
        var random = SeededGenerator(seed: UInt64(1000 + first * 10 + second))
        let w = random.normals(n * k)
        let bias = random.normals(n)
        var maker = EditMaker(random: random, outputs: n, inputs: k)
        try check([maker.make(first), maker.make(second)], outputs: n, inputs: k, bias: bias, w: w, seed: 7)
    }

    @Test func longSequencesActInOrder() throws {
        let (n, k) = (28, 36)
        for seed in 0..<6 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let w = random.normals(n * k)
            var maker = EditMaker(random: random, outputs: n, inputs: k)
            let edits = (0..<5).map { _ in maker.make(Int.random(in: EditMaker.kinds, using: &random)) }
            try check(edits, outputs: n, inputs: k, bias: nil, w: w, seed: seed)
        }
    }

    @Test(arguments: EditMaker.kinds)
    func rowsAndColumnsOfZeros(_ kind: Int) throws {
        let (n, k) = (20, 30)
        var random = SeededGenerator(seed: 77)
        var w = random.normals(n * k)
        for j in 0..<k { w[3 * k + j] = 0 }
        for i in 0..<n { w[i * k + 5] = 0 }
        var maker = EditMaker(random: random, outputs: n, inputs: k)
        try check([maker.make(kind)], outputs: n, inputs: k, bias: nil, w: w, seed: 3)
    }

    /// Rows or columns of which the edit leaves next to nothing: 1 − 2αr_i(ŵ_i·a) + α²r_i²‖a‖² near zero.
    @Test(arguments: [Float(1e-1), 1e-2, 1e-3, 0])
    func vanishingNorms(_ rest: Float) throws {
        let (n, k) = (12, 18)
        var random = SeededGenerator(seed: 5)
        var w = random.normals(n * k)
        var r = [Float](repeating: 0, count: n)
        r[4] = 1
        // Column 2 is r and a little else.
        for i in 0..<n { w[i * k + 2] = (i == 4 ? 1 : 0) + rest * w[i * k + 2] }
        try check(
            [.projectPreservingColumnNorms(alpha: 1, direction: r)], outputs: n, inputs: k, bias: nil, w: w, seed: 1)
        // Row 4 under r = e_4 and α = 1 − rest keeps just that share of itself.
        let edit = LinearEdit.projectPreservingRowNorms(alpha: 1 - rest, direction: r)
        try check([edit], outputs: n, inputs: k, bias: nil, w: w, seed: 2)
    }

    @Test(arguments: ["llama3-tied", "llama-gqa", "qwen2"], EditMaker.kinds)
    func wholeModelEqualsDenselyEditedModel(_ name: String, _ kind: Int) throws {
        let model = try DecoderFixtures.model(name)
        var edits = WeightEdits()
        var replaced: [String: [Float]] = [:]
        var shapes: [String: [Int]] = [:]
        var random = SeededGenerator(seed: UInt64(kind) + 31)
        for layer in 0..<model.layerCount {
            for (writer, prefix) in [
                (ResidualWriter.attentionOutput(layer: layer), "model.layers.\(layer).self_attn.o_proj"),
                (.mlpOutput(layer: layer, expert: nil), "model.layers.\(layer).mlp.down_proj"),
            ] {
                let (values, bias, n, k) = try model.denseMatrix(writer)
                var maker = EditMaker(random: SeededGenerator(seed: random.next()), outputs: n, inputs: k)
                var edit = maker.make(kind)
                if case .affine(let alpha, let r, let c) = edit, bias == nil {
                    // A model without biases cannot hold the shift; the reference would need one.
                    edit = .affine(alpha: alpha, direction: r, reference: c * 0)
                }
                edits.append(edit, to: writer)
                let dense = DenseReference.apply(edit, to: DenseReference.rows(values, k), bias: bias?.map(Double.init))
                replaced[prefix + ".weight"] = DenseReference.flat(dense.matrix)
                shapes[prefix + ".weight"] = [n, k]
                if bias != nil, let edited = dense.bias { replaced[prefix + ".bias"] = edited.map(Float.init) }
            }
        }
        let denseModel = try LanguageModel(
            checkpoint: MemoryCheckpoint(copying: model.checkpoint, replacing: replaced, shapes: shapes),
            reference: "dense", options: LoadOptions(precision: .f32))
        let requests = (1...4).map { ModelRequest.nextToken(.tokens(random.tokens(3 * $0))) }
        let edited = try Engine(model: model).responses(to: requests, edits: edits)
        let expected = try Engine(model: denseModel).responses(to: requests)
        let original = try Engine(model: model).responses(to: requests)
        for i in requests.indices {
            guard case .logProbs(let a) = edited[i], case .logProbs(let b) = expected[i],
                case .logProbs(let c) = original[i]
            else { throw DecoderGoldenTests.WrongResponse() }
            let scale = b.map { abs($0) }.max() ?? 1
            let worst = zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 1e-5 * scale, "\(worst) of \(scale)")
            #expect(a != c)
        }
    }

    /// The embedding's edit must not reach the unembedding that is tied to it.
    @Test(arguments: EditMaker.kinds)
    func embeddingEditsLeaveATiedUnembedding(_ kind: Int) throws {
        let model = try DecoderFixtures.model("llama3-tied")
        let (values, _, n, k) = try model.denseMatrix(.embedding)
        #expect(n == model.hiddenSize && k == model.spec.vocabularySize)
        var maker = EditMaker(random: SeededGenerator(seed: UInt64(kind) + 3), outputs: n, inputs: k)
        let edit = maker.make(kind)
        let (dense, shift) = DenseReference.apply(edit, to: DenseReference.rows(values, k), bias: nil)
        let response = try Engine(model: model).responses(
            to: (0..<9).map { .activations(.tokens([3, Int32($0 * 11)]), sites: [.embed]) },
            edits: WeightEdits([.embedding: [edit]]))
        for (i, entry) in response.enumerated() {
            guard case .activations(let vectors) = entry else { throw DecoderGoldenTests.WrongResponse() }
            for j in 0..<n {
                let expected = dense[j][i * 11] + (shift?[j] ?? 0)
                #expect(abs(Double(vectors[0][j]) - expected) <= 1e-5 * max(1, abs(expected)))
            }
        }
        // With the embedding alone exchanged in an untied copy, logits agree: the unembedding stayed.
        var configuration = model.checkpoint.configuration.objectValue ?? []
        configuration.removeAll { $0.key == "tie_word_embeddings" }
        configuration.append(("tie_word_embeddings", .bool(false)))
        var transposed = [Float](repeating: 0, count: n * k)
        var original = transposed
        for token in 0..<k {
            for j in 0..<n {
                transposed[token * n + j] = Float(dense[j][token] + (shift?[j] ?? 0))
                original[token * n + j] = values[j * k + token]
            }
        }
        let copy = MemoryCheckpoint(
            copying: model.checkpoint,
            replacing: ["model.embed_tokens.weight": transposed, "lm_head.weight": original],
            shapes: ["lm_head.weight": [k, n], "model.embed_tokens.weight": [k, n]],
            configuration: .object(configuration))
        let denseModel = try LanguageModel(checkpoint: copy, reference: "dense", options: LoadOptions(precision: .f32))
        let request = ModelRequest.nextToken(.tokens([4, 8, 15, 16, 23, 42]))
        let a = try Engine(model: model).responses(to: [request], edits: WeightEdits([.embedding: [edit]]))
        let b = try Engine(model: denseModel).responses(to: [request])
        guard case .logProbs(let edited) = a[0], case .logProbs(let expected) = b[0] else {
            throw DecoderGoldenTests.WrongResponse()
        }
        for (x, y) in zip(edited, expected) { #expect(abs(x - y) <= 1e-4) }
    }

    @Test func unusableEditsAreErrors() throws {
        let model = try DecoderFixtures.model("qwen2")
        let engine = Engine(model: model)
        let d = model.hiddenSize
        var bad = [Float](repeating: 0.1, count: d)
        bad[7] = .infinity
        let cases: [(ResidualWriter, LinearEdit)] = [
            (.attentionOutput(layer: 99), .project(alpha: 1, direction: [Float](repeating: 0.1, count: d))),
            (.mlpOutput(layer: 0, expert: 2), .project(alpha: 1, direction: [Float](repeating: 0.1, count: d))),
            (.sharedExpertOutput(layer: 0), .project(alpha: 1, direction: [Float](repeating: 0.1, count: d))),
            (.attentionOutput(layer: 0), .project(alpha: 1, direction: [Float](repeating: 0.1, count: d + 1))),
            (.attentionOutput(layer: 0), .projectRowNormalized(alpha: 1, direction: bad)),
            (
                .attentionOutput(layer: 0),
                .affine(alpha: .nan, direction: [Float](repeating: 0, count: d), reference: 0)
            ),
            (.attentionOutput(layer: 0), .lowRank(rank: 2, a: [1, 2, 3], b: [1])),
            (.embedding, .project(alpha: 1, direction: [])),
        ]
        for (writer, edit) in cases {
            #expect {
                _ = try engine.responses(to: [.nextToken(.tokens([1]))], edits: WeightEdits([writer: [edit]]))
            } throws: { error in
                guard case .edit(let name, _)? = error as? ModelError else { return false }
                return name == writer.description
            }
        }
    }

    @Test func hashesIdentifyEdits() throws {
        let r: [Float] = [1, 0, 0]
        let a = ResidualWriter.attentionOutput(layer: 1)
        let b = ResidualWriter.mlpOutput(layer: 0, expert: nil)
        var first = WeightEdits()
        first.append(.project(alpha: 1, direction: r), to: a)
        first.append(.project(alpha: 0.5, direction: r), to: b)
        var second = WeightEdits()
        second.append(.project(alpha: 0.5, direction: r), to: b)
        second.append(.project(alpha: 1, direction: r), to: a)
        second.edits[.embedding] = []
        #expect(first.sha256 == second.sha256)
        #expect(first.sha256.utf8.count == 64)
        #expect(WeightEdits.none.sha256 == WeightEdits([.embedding: []]).sha256)
        let others: [LinearEdit] = [
            .project(alpha: 1.0000001, direction: r), .project(alpha: 1, direction: [0, 1, 0]),
            .projectPreservingRowNorms(alpha: 1, direction: r), .projectPreservingColumnNorms(alpha: 1, direction: r),
            .projectRowNormalized(alpha: 1, direction: r), .affine(alpha: 1, direction: r, reference: 0),
            .lowRank(rank: 1, a: r, b: r),
        ]
        var seen: Set<String> = [first.sha256, WeightEdits.none.sha256]
        for edit in others { #expect(seen.insert(WeightEdits([a: [edit]]).sha256).inserted) }
        #expect(seen.insert(WeightEdits([b: [others[0]]]).sha256).inserted)
        #expect(seen.insert(WeightEdits([a: [others[0], others[1]]]).sha256).inserted)
        #expect(seen.insert(WeightEdits([a: [others[1], others[0]]]).sha256).inserted)
    }
}

extension EditComposition {
    /// (rows, outputs) for x (rows, inputs) on the CPU backend in f32, as a decoder would compute it.
    func outputs(for x: [Float], rows: Int, weights: [Float]) throws -> [Float] {
        let backend = CPUBackend()
        let workspace = backend.makeWorkspace()
        let inputs = x.count / rows
        let outputs = weights.count / inputs
        func pack(_ values: [Float]) throws -> PackedMatrix {
            try backend.makeMatrix(outputs: outputs, inputs: inputs, precision: .f32) { rows, destination in
                for (i, j) in (rows.lowerBound * inputs..<rows.upperBound * inputs).enumerated() {
                    destination[i] = values[j]
                }
            }
        }
        let input = backend.tensor(.normed, rows: rows, columns: inputs, in: workspace)
        x.withUnsafeBufferPointer { backend.write($0, to: input) }
        let output = backend.tensor(.branch, rows: rows, columns: outputs, in: workspace)
        backend.linear(
            input, try pack(weights), bias: nil, overlay: LinearOverlay(self, matrix: try replacement.map(pack)),
            out: output, workspace: workspace)
        return (0..<rows).flatMap { backend.read(row: $0, of: output) }
    }
}
