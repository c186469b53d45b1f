import Inference
import Methods
import Testing

@Suite struct SimpleMethodsTests {
    let model = SyntheticModel()

    @Test func baselineEditsNothing() throws {
        let result = try Baseline(options: NoOptions()).edits(in: model.context())
        #expect(result.edits.isEmpty)
    }

    @Test func differenceOfMeansRemovesItsDirection() throws {
        let context = model.context()
        let result = try DifferenceOfMeans(options: .init()).edits(in: context)
        let index = 3  // int(0.6 · 6)
        let r = unit(zip(mean(context.contrast.harmful, index), mean(context.contrast.harmless, index)).map { $0 - $1 })
        #expect(result.directions.keys.sorted() == [index])
        #expect(distance(doubles(result.directions[index] ?? []), r) < 1e-7)
        #expect(result.edits.writers.compactMap(\.layer).min() == 1)
        #expect(Set(result.edits.writers) == Set(model.writers.filter { ($0.layer ?? 0) >= 1 }))
        for writer in result.edits.writers {
            let edited = model.dense(writer).applying(result.edits.edits[writer] ?? [])
            #expect(norm(edited.projected(on: r)) < 1e-5 * model.dense(writer).frobenius)
        }
    }

    @Test func optionsMoveLayerAlphaRangeAndComponents() throws {
        var options = DifferenceOfMeans.Options()
        options.layer = 2
        options.alpha = 0.25
        options.firstLayer = 0
        options.lastLayer = 2
        options.components = ["attn.o_proj", "embedding"]
        let context = model.context()
        let result = try DifferenceOfMeans(options: options).edits(in: context)
        #expect(
            result.edits.writers
                == [.embedding, .attentionOutput(layer: 0), .attentionOutput(layer: 1), .attentionOutput(layer: 2)])
        #expect(result.edits.lowestLayer == 0)
        let r = unit(zip(mean(context.contrast.harmful, 2), mean(context.contrast.harmless, 2)).map { $0 - $1 })
        let writer = ResidualWriter.attentionOutput(layer: 1)
        let before = model.dense(writer).projected(on: r)
        let after = model.dense(writer).applying(result.edits.edits[writer] ?? []).projected(on: r)
        #expect(distance(after, before.map { 0.75 * $0 }) < 1e-5)
    }

    @Test func everyExpertIsEdited() throws {
        let mixture = SyntheticModel(layers: 4, experts: 3)
        let result = try DifferenceOfMeans(options: .init()).edits(in: mixture.context())
        #expect(Set(result.edits.writers) == Set(mixture.writers.filter { ($0.layer ?? 0) >= 1 }))
        #expect(result.edits.edits[.sharedExpertOutput(layer: 3)]?.count == 1)
        #expect(result.edits.edits[.mlpOutput(layer: 2, expert: 2)]?.count == 1)
    }

    @Test func randomDirectionMatchesTheNormOfEveryWriter() throws {
        let context = model.context()
        let reference = try DifferenceOfMeans(options: .init()).edits(in: context)
        let random = try RandomDirection(options: .init()).edits(in: context)
        #expect(random.edits.writers == reference.edits.writers)
        var total = 0.0
        for writer in reference.edits.writers {
            let w = model.dense(writer)
            let wanted = w.applying(reference.edits.edits[writer] ?? []).minus(w).frobenius
            let got = w.applying(random.edits.edits[writer] ?? []).minus(w).frobenius
            #expect(abs(got - wanted) < 1e-5 * wanted)
            total += wanted * wanted
        }
        let noted = random.notes["frobenius_norm"]?.doubleValue ?? 0
        #expect(abs(noted - total.squareRoot()) < 1e-5 * total.squareRoot())
    }

    @Test func randomDirectionDependsOnSeedAndDraw() throws {
        let first = try RandomDirection.direction(size: 64, seed: 3, draw: 0)
        #expect(try RandomDirection.direction(size: 64, seed: 3, draw: 0) == first)
        #expect(abs(dot(try RandomDirection.direction(size: 64, seed: 3, draw: 1), first)) < 0.5)
        #expect(abs(dot(try RandomDirection.direction(size: 64, seed: 4, draw: 0), first)) < 0.5)
        #expect(abs(norm(first) - 1) < 1e-14)
    }

    @Test func alphaCanBeCapped() throws {
        var options = RandomDirection.Options()
        options.alpha = 3
        options.maxAlpha = 0.5
        let result = try RandomDirection(options: options).edits(in: model.context())
        for edit in result.edits.edits.values.flatMap({ $0 }) {
            guard case .project(let alpha, _) = edit else { Issue.record("another operator"); continue }
            #expect(alpha <= 0.5)
        }
        #expect((result.notes["capped_matrices"]?.intValue ?? 0) > 0)
        let own = result.notes["frobenius_norm"]?.doubleValue ?? 0
        let reference = result.notes["difference_of_means_frobenius_norm"]?.doubleValue ?? 0
        #expect(own < reference)
        options = .init()
        options.matchNorm = false
        options.alpha = 1
        let plain = try RandomDirection(options: options).edits(in: model.context())
        #expect(plain.edits.edits[.attentionOutput(layer: 1)] != result.edits.edits[.attentionOutput(layer: 1)])
    }

    @Test func projectedLeavesTheHarmlessMean() throws {
        var options = Projected.Options()
        options.layer = 4
        let context = model.context()
        let result = try Projected(options: options).edits(in: context)
        let harmless = mean(context.contrast.harmless, 4)
        let r = zip(mean(context.contrast.harmful, 4), harmless).map { $0 - $1 }
        let expected = unit(without(r, harmless))
        let direction = doubles(result.directions[4] ?? [])
        #expect(distance(direction, expected) < 1e-6)
        #expect(abs(dot(direction, harmless)) < 1e-5 * norm(harmless))
        for writer in result.edits.writers {
            let w = model.dense(writer)
            let edited = w.applying(result.edits.edits[writer] ?? [])
            #expect(norm(edited.projected(on: expected)) < 1e-5 * w.frobenius)
            // What the matrix writes along the harmless mean is untouched.
            #expect(distance(edited.projected(on: harmless), w.projected(on: harmless)) < 1e-4 * norm(harmless))
        }
    }

    @Test func mappingChoosesMeasurementPerBlock() throws {
        var options = Projected.Options()
        options.mapping = [
            LayerMapping(layers: "1-2", measurement: 2), LayerMapping(layers: "5", measurement: 6, alpha: 0.5),
        ]
        let context = model.context()
        let result = try Projected(options: options).edits(in: context)
        #expect(Set(result.edits.writers.compactMap(\.layer)) == [1, 2, 5])
        #expect(result.directions.keys.sorted() == [2, 6])
        #expect(
            result.edits.edits[.attentionOutput(layer: 5)]
                == [.project(alpha: 0.5, direction: result.directions[6] ?? [])])
        #expect(
            result.edits.edits[.mlpOutput(layer: 2, expert: nil)]
                == [.project(alpha: 1, direction: result.directions[2] ?? [])])
    }

    @Test(arguments: Biprojected.Norm.allCases) func biprojectedKeepsNormsAndProjectsTwice(norm kind: Biprojected.Norm)
        throws
    {
        var options = Biprojected.Options()
        options.norm = kind
        options.measurement = 4
        options.winsorization = nil
        let context = model.context()
        let result = try Biprojected(options: options).edits(in: context)
        #expect(result.edits.writers.count == 10)
        let measured = mean(context.contrast.harmless, 4)
        let r = unit(without(zip(mean(context.contrast.harmful, 4), measured).map { $0 - $1 }, measured))
        for writer in result.edits.writers {
            let layer = try #require(writer.layer)
            let own = mean(context.contrast.harmless, layer)
            let expected = unit(without(r, own))
            let edits = try #require(result.edits.edits[writer])
            let direction: [Float]
            switch (kind, edits.first) {
            case (.row, .projectPreservingRowNorms(let alpha, let r)):
                direction = r
                #expect(alpha == 1)
            case (.column, .projectPreservingColumnNorms(let alpha, let r)):
                direction = r
                #expect(alpha == 1)
            default:
                Issue.record("another operator: \(edits)")
                continue
            }
            #expect(distance(doubles(direction), expected) < 1e-6)
            let w = model.dense(writer)
            let edited = w.applying(edits)
            switch kind {
            case .row: #expect(distance(edited.rowNorms, w.rowNorms) < 1e-9)
            case .column:
                #expect(distance(edited.columnNorms, w.columnNorms) < 1e-9)
                // Only the column form stays exactly orthogonal.
                #expect(norm(edited.projected(on: expected)) < 1e-5 * w.frobenius)
            }
        }
    }

    @Test func biprojectedMeasuresWhereQualityIsHighest() throws {
        var options = Biprojected.Options()
        options.winsorization = nil
        let context = model.context()
        let result = try Biprojected(options: options).edits(in: context)
        var best = (index: 0, quality: -1.0)
        for i in 1..<model.layerCount {
            let h = mean(context.contrast.harmful, i)
            let a = mean(context.contrast.harmless, i)
            let r = zip(h, a).map { $0 - $1 }
            let snr = norm(r) / max(norm(h), norm(a))
            let quality = snr * (1 - dot(h, a) / norm(h) / norm(a)) * norm(without(r, a)) / norm(r)
            if quality > best.quality { best = (i, quality) }
        }
        #expect(result.directions.keys.sorted() == [best.index])
        #expect(result.notes["quality"]?.arrayValue?.count == model.layerCount - 1)
    }

    @Test func methodsAreDeterministic() throws {
        for type in MethodRegistry.all where type.name != "heretic" {
            func run(_ type: any Method.Type) throws -> MethodResult {
                func open<M: Method>(_ type: M.Type) throws -> MethodResult {
                    try type.init(options: M.Options()).edits(in: model.context())
                }
                return try open(type)
            }
            let first = try run(type)
            let second = try run(type)
            #expect(first.edits == second.edits)
            #expect(first.notes == second.notes)
        }
    }

    @Test func unsupportedWritersAreErrors() throws {
        var options = DifferenceOfMeans.Options()
        // No embedding declared.
        var bare = model
        bare.writers.removeAll { $0 == .embedding }
        options.components = ["embedding"]
        #expect(throws: MethodError.self) { try DifferenceOfMeans(options: options).edits(in: bare.context()) }
        // A block without any writer.
        bare = model
        bare.writers.removeAll { $0.layer == 4 }
        #expect {
            try DifferenceOfMeans(options: .init()).edits(in: bare.context())
        } throws: { "\($0)".contains("block 4") }
        // A matrix that is not d_model tall.
        var crooked = model
        crooked.matrices[.attentionOutput(layer: 2)] = [1, 2, 3]
        #expect {
            try RandomDirection(options: .init()).edits(in: crooked.context())
        } throws: { "\($0)".contains("blocks.2.attn.o_proj") }
    }

    @Test func optionsOutOfRangeAreErrors() throws {
        func refuses<M: Method>(_ type: M.Type, _ key: String, _ change: (inout M.Options) -> Void) {
            var options = M.Options()
            change(&options)
            #expect("\(M.name) \(key)") { _ = try M(options: options) } throws: { ($0 as? OptionsError)?.key == key }
        }
        refuses(DifferenceOfMeans.self, "layer") { $0.layer = -1 }
        refuses(DifferenceOfMeans.self, "alpha") { $0.alpha = .nan }
        refuses(DifferenceOfMeans.self, "lastLayer") { $0.lastLayer = 0 }
        refuses(DifferenceOfMeans.self, "winsorization") { $0.winsorization = 0 }
        refuses(DifferenceOfMeans.self, "components") { $0.components = [] }
        refuses(DifferenceOfMeans.self, "components") { $0.components = ["mlp.up_proj"] }
        refuses(RandomDirection.self, "draw") { $0.draw = -1 }
        refuses(RandomDirection.self, "maxAlpha") { $0.maxAlpha = 0 }
        refuses(Projected.self, "mapping") { $0.mapping = [LayerMapping(layers: "3-1", measurement: 2)] }
        refuses(Projected.self, "mapping") { $0.mapping = [LayerMapping(layers: "a", measurement: 2)] }
        refuses(Projected.self, "mapping") {
            $0.mapping = [LayerMapping(layers: "1-3", measurement: 2), LayerMapping(layers: "3", measurement: 1)]
        }
        refuses(Projected.self, "mapping") {
            $0.mapping = [LayerMapping(layers: "1", measurement: 2)]
            $0.layer = 2
        }
        refuses(Biprojected.self, "components") { $0.components = ["embedding"] }
        refuses(Biprojected.self, "measurement") { $0.measurement = -2 }

        // Only the model knows these.
        for change in [{ $0.layer = 7 }, { $0.lastLayer = 6 }, { $0.firstLayer = 6 }]
            as [(inout DifferenceOfMeans.Options) -> Void]
        {
            var options = DifferenceOfMeans.Options()
            change(&options)
            #expect(throws: MethodError.self) { try DifferenceOfMeans(options: options).edits(in: model.context()) }
        }
        var options = Projected.Options()
        options.mapping = [LayerMapping(layers: "4-6", measurement: 2)]
        #expect(throws: MethodError.self) { try Projected(options: options).edits(in: model.context()) }
    }

    @Test func equalClassesGiveAnErrorNotNaN() throws {
        let contrast = model.contrast()
        let same = Contrast(
            harmful: contrast.harmful, harmless: contrast.harmful, harmfulFinalNormed: contrast.harmfulFinalNormed,
            harmlessFinalNormed: contrast.harmfulFinalNormed)
        let context = MethodContext(weights: model, contrast: same, seed: 0)
        for type in MethodRegistry.all where type.name != "baseline" {
            func open<M: Method>(_ type: M.Type) {
                #expect(throws: MethodError.self) { try type.init(options: M.Options()).edits(in: context) }
            }
            open(type)
        }
    }
}
