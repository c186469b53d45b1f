import Inference
import Methods
import Testing

@Suite struct DirectionsTests {
    @Test func quantileInterpolatesAsTorch() {
        // torch.quantile(torch.tensor([...]).abs(), q): rank q (n − 1).
        let x: [Float] = [-4, 1, 3, -2]
        #expect(Directions.absoluteQuantile(x, 1) == 4)
        #expect(abs(Directions.absoluteQuantile(x, 0.5) - 2.5) < 1e-12)
        #expect(abs(Directions.absoluteQuantile(x, 0.9) - 3.7) < 1e-12)
        #expect(Directions.absoluteQuantile([5], 0.3) == 5)
        #expect(Directions.absoluteQuantile([1, .nan], 0.3).isNaN)
    }

    /// Selection against sorting, on lengths, ties and quantiles of every kind.
    @Test(arguments: [1, 2, 3, 10, 101, 577]) func quantileEqualsSorting(count: Int) {
        var generator = SeededGenerator(UInt64(count))
        for round in 0..<20 {
            let x = (0..<count).map { _ in
                round % 3 == 0 ? Float(Int(5 * generator.uniform())) - 2 : Float(generator.gaussian())
            }
            let q = round == 0 ? 0 : generator.uniform()
            let sorted = x.map { Double(abs($0)) }.sorted()
            let rank = q * Double(count - 1)
            let low = Int(rank.rounded(.down))
            let high = min(low + 1, count - 1)
            let expected = sorted[low] + (rank - Double(low)) * (sorted[high] - sorted[low])
            #expect(abs(Directions.absoluteQuantile(x, q) - expected) < 1e-12)
        }
    }

    @Test func winsorisationClampsBothSides() {
        let x: [Float] = [-10, 0.5, 1, -1, 8]
        let limit = Directions.absoluteQuantile(x, 0.75)
        #expect(limit == 8)
        #expect(Directions.winsorized(x, quantile: 0.75) == [-8, 0.5, 1, -1, 8])
    }

    @Test func projectionIsOrthogonalToMachinePrecision() throws {
        var generator = SeededGenerator(5)
        // Nearly parallel: one pass of Gram-Schmidt would leave 1e-9 of it.
        let u = unit((0..<300).map { _ in generator.gaussian() })
        let v = u.map { $0 + 1e-7 * generator.gaussian() }
        let rest = Directions.projectedOut(v, of: u)
        #expect(abs(dot(rest, u)) < 1e-21)
        let r = try Directions.orthogonalized(v, against: u.map { 40 * $0 }, index: 3)
        #expect(abs(dot(r, u)) < 1e-14)
        #expect(abs(norm(r) - 1) < 1e-14)
    }

    @Test func interpolationIsRenormalised() throws {
        let v = try Directions.interpolated([1, 0], [0, 1], weight: 0.25, index: 0)
        let expected = unit([0.75, 0.25])
        #expect(distance(v, expected) < 1e-15)
        #expect(throws: MethodError.self) { try Directions.interpolated([1, 0], [-1, 0], weight: 0.5, index: 2) }
    }

    @Test func degenerateCasesNameTheIndex() {
        #expect {
            try Directions.differenceOfMeans(harmful: [1, 2], harmless: [1, 2], index: 4)
        } throws: { error in
            guard case MethodError.degenerateDirection(let index, _)? = error as? MethodError else { return false }
            return index == 4 && "\(error)".contains("h_4")
        }
        #expect {
            try Directions.differenceOfMeans(harmful: [1, .nan], harmless: [1, 2], index: 5)
        } throws: { ($0 as? MethodError) == .nonFinite(index: 5, what: "the difference of means") }
        #expect {
            try Directions.orthogonalized([0, 3], against: [0, -2], index: 1)
        } throws: { error in
            guard case MethodError.degenerateDirection(index: 1, _)? = error as? MethodError else { return false }
            return true
        }
        // A zero mean has no direction: nothing to project out.
        #expect(throws: Never.self) { try Directions.orthogonalized([0, 3], against: [0, 0], index: 1) }
    }

    @Test func nonFiniteActivationsNameTheLayer() throws {
        let model = SyntheticModel()
        var harmful = model.contrast().harmful
        harmful[2][3][5] = .infinity
        let contrast = Contrast(
            harmful: harmful, harmless: model.contrast().harmless, harmfulFinalNormed: [], harmlessFinalNormed: [])
        for winsorization in [nil, 0.9] as [Double?] {
            let statistics = try ContrastStatistics(contrast, weights: model, winsorization: winsorization)
            #expect(throws: Never.self) { try statistics.direction(2) }
            #expect(throws: MethodError.nonFinite(index: 3, what: "the harmful mean")) { try statistics.direction(3) }
        }
    }

    @Test func shapesAreChecked() {
        let model = SyntheticModel()
        var contrast = model.contrast()
        #expect(throws: MethodError.self) {
            try ContrastStatistics(contrast, layerCount: model.layerCount + 1, hiddenSize: model.hiddenSize)
        }
        #expect(throws: MethodError.self) {
            try ContrastStatistics(contrast, layerCount: model.layerCount, hiddenSize: model.hiddenSize + 1)
        }
        contrast.harmful = []
        #expect(throws: MethodError.self) { try ContrastStatistics(contrast, weights: model, winsorization: 0.9) }
        let empty = Contrast(harmful: [], harmless: [], harmfulFinalNormed: [], harmlessFinalNormed: [])
        #expect(throws: MethodError.self) { try ContrastStatistics(empty, weights: model) }
    }

    @Test func winsorisedMeansClampEachPromptByItself() throws {
        let model = SyntheticModel(layers: 2, hidden: 11)
        let contrast = model.contrast(prompts: 4)
        let statistics = try ContrastStatistics(contrast, weights: model, winsorization: 0.8)
        var expected = [Double](repeating: 0, count: 11)
        for prompt in contrast.harmful {
            let sorted = prompt[1].map { Double(abs($0)) }.sorted()
            let limit = sorted[8]  // rank 0.8 · 10
            for j in 0..<11 { expected[j] += min(max(Double(prompt[1][j]), -limit), limit) / 4 }
        }
        #expect(distance(try statistics.harmfulMean(1), expected) < 1e-6)
    }

    @Test func finalNormReplacesOnlyTheLastIndex() throws {
        let model = SyntheticModel()
        let contrast = model.contrast()
        let raw = try ContrastStatistics(contrast, weights: model)
        let normed = try ContrastStatistics(contrast, weights: model, usesFinalNorm: true)
        for i in 0..<model.layerCount { #expect(try raw.harmfulMean(i) == normed.harmfulMean(i)) }
        let expected = (0..<model.hiddenSize).map { j in
            contrast.harmfulFinalNormed.reduce(0) { $0 + Double($1[j]) } / Double(contrast.harmfulFinalNormed.count)
        }
        #expect(distance(try normed.harmfulMean(model.layerCount), expected) < 1e-12)
        #expect(try raw.harmfulMean(model.layerCount) != normed.harmfulMean(model.layerCount))
    }
}
