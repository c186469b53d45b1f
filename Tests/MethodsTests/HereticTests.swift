import Foundation
import Inference
import Methods
import Testing

/// Measures edits by their size on a synthetic model and keeps the journal in memory.
final class FakeSearch: SearchEnvironment, @unchecked Sendable {
    var trials: [Trial] = []
    var measured = 0
    /// Stops after this many measurements of this run.
    var stopAfter = Int.max
    var measureWith: @Sendable (WeightEdits) -> SearchMeasurement

    init(journal: [Trial] = [], measure: @escaping @Sendable (WeightEdits) -> SearchMeasurement = FakeSearch.bySize) {
        trials = journal
        measureWith = measure
    }

    /// Stronger edits refuse less and cost more KL, with some waviness.
    static let bySize: @Sendable (WeightEdits) -> SearchMeasurement = { edits in
        var strength = 0.0
        // In a fixed order: a dictionary's differs between two equal ones, and so would the sum's last bits.
        for writer in edits.writers {
            for edit in edits.edits[writer] ?? [] {
                guard case .projectPreservingRowNorms(let alpha, let r) = edit else { continue }
                strength += Double(alpha) * (1 + 0.1 * Double(r[0])) * (writer.component == "attn.o_proj" ? 0.1 : 0.07)
            }
        }
        return SearchMeasurement(refusals: max(0, 40 - Int(40 * strength)), prompts: 50, kl: 0.08 * strength * strength)
    }

    func baseline() throws -> SearchMeasurement { SearchMeasurement(refusals: 40, prompts: 50, kl: 0) }
    func measure(_ edits: WeightEdits) throws -> SearchMeasurement {
        measured += 1
        return measureWith(edits)
    }
    func journaledTrials() throws -> [Trial] { trials.reversed() }
    func journal(_ trial: Trial) throws { trials.append(trial) }
    var shouldContinue: Bool { measured < stopAfter }
}

@Suite struct HereticTests {
    let model = SyntheticModel(layers: 8, hidden: 20, inputs: 14)

    var parameters: HereticParameters {
        HereticParameters(
            directionIndex: 3.25,
            kernels: [
                "attn.o_proj": .init(maxWeight: 1.2, maxWeightPosition: 5.5, minWeight: 0.3, minWeightDistance: 2.6),
                "mlp.down_proj": .init(maxWeight: 0.9, maxWeightPosition: 6, minWeight: 0.9, minWeightDistance: 1),
            ])
    }

    /// r_i as Heretic defines it, from the raw definition.
    func direction(_ contrast: Contrast, _ i: Int, orthogonalized: Bool = true) -> [Double] {
        func average(_ states: [[[Float]]], _ normed: [[Float]]) -> [Double] {
            i == model.layerCount ? mean(normed.map { [$0] }, 0) : mean(states, i)
        }
        let b = average(contrast.harmful, contrast.harmfulFinalNormed)
        let g = average(contrast.harmless, contrast.harmlessFinalNormed)
        let r = unit(zip(b, g).map { $0 - $1 })
        return orthogonalized ? unit(without(r, g)) : r
    }

    func apply(_ change: (inout Heretic.Options) -> Void) throws -> MethodResult {
        var options = Heretic.Options()
        options.parameters = parameters
        change(&options)
        return try Heretic(options: options).edits(in: model.context())
    }

    @Test func searchSpaceIsThePublishedOne() {
        // L = 32: last = 31.
        let space = Dictionary(
            uniqueKeysWithValues: HereticParameters.space(layerCount: 32, components: ["attn.o_proj", "mlp.down_proj"])
                .map { ($0.name, $0.range) })
        #expect(space.count == 10)
        #expect(space["direction_scope"] == .categorical(count: 2))
        #expect(space["direction_index"] == .float(low: 0.4 * 31, high: 0.9 * 31))
        for component in ["attn.o_proj", "mlp.down_proj"] {
            #expect(space["\(component).max_weight"] == .float(low: 0.8, high: 1.5))
            #expect(space["\(component).max_weight_position"] == .float(low: 0.6 * 31, high: 31))
            #expect(space["\(component).min_weight"] == .float(low: 0, high: 1))
            #expect(space["\(component).min_weight_distance"] == .float(low: 1, high: 0.6 * 31))
        }
    }

    @Test func kernelIsLinearThenCut() {
        let kernel = HereticParameters.Kernel(
            maxWeight: 1.2, maxWeightPosition: 5.5, minWeight: 0.3, minWeightDistance: 2.5)
        #expect(kernel.weight(layer: 2) == nil)
        #expect(abs((kernel.weight(layer: 3) ?? 0) - 0.3) < 1e-12)
        #expect(abs((kernel.weight(layer: 5) ?? 0) - (1.2 - 0.2 * 0.9)) < 1e-12)
        #expect(abs((kernel.weight(layer: 8) ?? 0) - 0.3) < 1e-12)
        #expect(kernel.weight(layer: 9) == nil)
    }

    @Test func globalDirectionIsInterpolatedAboveItsIndex() throws {
        let result = try apply { $0.rowNormalization = .none }
        let contrast = model.contrast()
        // direction_index 3.25 → between r_4 and r_5.
        let a = direction(contrast, 4)
        let b = direction(contrast, 5)
        let v = unit(zip(a, b).map { 0.75 * $0 + 0.25 * $1 })
        var expected = Set<ResidualWriter>()
        for layer in 0..<8 {
            if abs(Double(layer) - 5.5) <= 2.6 { expected.insert(.attentionOutput(layer: layer)) }
            if abs(Double(layer) - 6) <= 1 { expected.insert(.mlpOutput(layer: layer, expert: nil)) }
        }
        #expect(Set(result.edits.writers) == expected)
        for writer in expected {
            let kernel = try #require(parameters.kernels[writer.component])
            let layer = try #require(writer.layer)
            let weight = try #require(kernel.weight(layer: layer))
            let edited = model.dense(writer).applying(result.edits.edits[writer] ?? [])
            #expect(distance(edited.values, model.dense(writer).ablated(v, weight).values) < 1e-5)
        }
        #expect(result.directions.keys.sorted() == [4, 5])
    }

    @Test func perLayerDirectionIsTheBlocksOutput() throws {
        let result = try apply {
            $0.rowNormalization = .none
            $0.parameters?.directionIndex = nil
        }
        let contrast = model.contrast()
        for layer in 5...7 {
            let writer = ResidualWriter.mlpOutput(layer: layer, expert: nil)
            guard case .project(let alpha, let v)? = result.edits.edits[writer]?.first else {
                Issue.record("no edit of \(writer)")
                continue
            }
            #expect(alpha == 0.9)
            // Block 7's output is index 8 = L: after the final norm.
            #expect(distance(doubles(v), direction(contrast, layer + 1)) < 1e-6)
        }
    }

    @Test func orthogonalizationCanBeLeftOut() throws {
        let result = try apply {
            $0.rowNormalization = .none
            $0.orthogonalizeDirection = false
            $0.parameters?.directionIndex = 4
        }
        guard case .project(_, let v)? = result.edits.edits[.attentionOutput(layer: 5)]?.first else {
            Issue.record("no edit")
            return
        }
        #expect(distance(doubles(v), direction(model.contrast(), 5, orthogonalized: false)) < 1e-6)
        #expect(result.directions.keys.sorted() == [5])
    }

    @Test func rowNormalizationModes() throws {
        let pre = try apply { $0.rowNormalization = .pre }
        let full = try apply { _ in }
        let v = unit(zip(direction(model.contrast(), 4), direction(model.contrast(), 5)).map { 0.75 * $0 + 0.25 * $1 })
        for writer in full.edits.writers {
            let w = model.dense(writer)
            let n = w.rowNorms
            let weight = try #require(parameters.kernels[writer.component]?.weight(layer: writer.layer ?? -1))
            // X = rownorm(Ŵ − w v vᵀŴ) · n, Heretic's order of operations.
            let unitRows = w.rowsScaled(n.map { 1 / $0 })
            let ablated = unitRows.ablated(v, weight)
            let expected = ablated.rowsScaled(zip(ablated.rowNorms, n).map { $1 / $0 })
            let got = w.applying(full.edits.edits[writer] ?? [])
            #expect(distance(got.values, expected.values) < 1e-5)
            #expect(distance(got.rowNorms, n) < 1e-9)
            let expectedPre = ablated.rowsScaled(n)
            #expect(distance(w.applying(pre.edits.edits[writer] ?? []).values, expectedPre.values) < 1e-5)
        }
    }

    /// The low-rank form is the best one: full rank gives the exact edit; the error of rank r is the tail of the
    /// singular values (Eckart-Young), checked against power iteration with deflation.
    @Test(arguments: [(20, 14), (14, 20)]) func lowRankIsTheBestApproximation(shape: (Int, Int)) throws {
        let model = SyntheticModel(layers: 8, hidden: shape.0, inputs: shape.1)
        func edits(_ rank: Int?) throws -> WeightEdits {
            var options = Heretic.Options()
            options.parameters = parameters
            options.rank = rank
            return try Heretic(options: options).edits(in: model.context()).edits
        }
        let exact = try edits(nil)
        let fullRank = try edits(50)
        let third = try edits(3)
        #expect(third == (try edits(3)))
        for writer in exact.writers {
            let w = model.dense(writer)
            let delta = w.applying(exact.edits[writer] ?? []).minus(w)
            #expect(distance(w.applying(fullRank.edits[writer] ?? []).minus(w).values, delta.values) < 1e-5)
            guard case .lowRank(let rank, let a, let b)? = third.edits[writer]?.first else {
                Issue.record("no low-rank edit")
                continue
            }
            #expect(rank == 3 && a.count == 3 * shape.1 && b.count == 3 * shape.0)
            var rest = delta
            for _ in 0..<3 {
                var x = (0..<shape.1).map { 1 + 0.37 * Double($0 % 5) }
                for _ in 0..<4000 {
                    let y = (0..<shape.0).map { i in (0..<shape.1).reduce(0) { $0 + rest[i, $1] * x[$1] } }
                    x = unit(rest.projected(on: y))
                }
                let y = (0..<shape.0).map { i in (0..<shape.1).reduce(0) { $0 + rest[i, $1] * x[$1] } }
                for i in 0..<shape.0 { for j in 0..<shape.1 { rest[i, j] -= y[i] * x[j] } }
            }
            let error = w.applying(third.edits[writer] ?? []).minus(w).minus(delta).frobenius
            #expect(abs(error - rest.frobenius) < 1e-4 * delta.frobenius)
            #expect(error < 0.6 * delta.frobenius)
        }
    }

    @Test func hereticsOwnSpellingOfParameters() throws {
        let text = """
            {"direction_index": null, "attn.o_proj": {"max_weight": 1.2957, "max_weight_position": 20.78,
             "min_weight": 0.2248, "min_weight_distance": 18.56}}
            """
        let decoded = try JSONDecoder().decode(HereticParameters.self, from: Data(text.utf8))
        #expect(decoded.directionIndex == nil)
        #expect(decoded.kernels["attn.o_proj"]?.minWeightDistance == 18.56)
        // Keys that went through a snake_case conversion.
        let converting = JSONDecoder()
        converting.keyDecodingStrategy = .convertFromSnakeCase
        #expect(try converting.decode(HereticParameters.self, from: Data(text.utf8)) == decoded)
        var options = Heretic.Options()
        options.parameters = parameters
        let again = try JSONDecoder().decode(Heretic.Options.self, from: JSONEncoder().encode(options))
        #expect(again == options)
        for wrong in [
            "{\"attn.q_proj\": {}}", "{\"attn.o_proj\": {\"max_weight\": 1}}",
            text.replacingOccurrences(of: "max_weight\"", with: "maximum\""),
        ] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(HereticParameters.self, from: Data(wrong.utf8))
            }
        }
    }

    @Test func objectivesFollowTheTarget() throws {
        let seen = FakeSearch(measure: { _ in SearchMeasurement(refusals: 20, prompts: 50, kl: 0.004) })
        var options = Heretic.Options()
        options.trials = 1
        _ = try Heretic(options: options).edits(in: model.context(search: seen))
        #expect(distance(seen.trials[0].objectives, [0.5 * 0.01, 0.5]) < 1e-15)
        let above = FakeSearch(measure: { _ in SearchMeasurement(refusals: 20, prompts: 50, kl: 0.3) })
        options.klScale = 2
        _ = try Heretic(options: options).edits(in: model.context(search: above))
        #expect(distance(above.trials[0].objectives, [0.15, 0.5]) < 1e-15)
    }

    var short: Heretic.Options {
        var options = Heretic.Options()
        options.trials = 24
        options.startupTrials = 10
        options.candidates = 24
        return options
    }

    /// Interrupted inside the random phase and inside the modelled one; the journal comes back in another order.
    @Test(arguments: [4, 10, 17]) func resumeGivesTheSameTrials(after count: Int) throws {
        let whole = FakeSearch()
        let expected = try Heretic(options: short).edits(in: model.context(search: whole))
        #expect(whole.trials.map(\.number) == Array(0..<24))
        #expect(Set(whole.trials.map { $0.parameters["direction_index"] ?? 0 }).count == 24)

        let first = FakeSearch()
        first.stopAfter = count
        #expect(throws: CancellationError.self) {
            try Heretic(options: short).edits(in: model.context(search: first))
        }
        #expect(first.trials.count == count)
        let second = FakeSearch(journal: first.trials)
        let result = try Heretic(options: short).edits(in: model.context(search: second))
        #expect(second.measured == 24 - count)
        #expect(second.trials == whole.trials)
        #expect(result.edits == expected.edits)
        #expect(result.notes == expected.notes)
    }

    @Test func journalsOfOtherSearchesAreRefused() throws {
        let search = FakeSearch()
        _ = try Heretic(options: short).edits(in: model.context(search: search))
        var gap = search.trials
        gap.remove(at: 3)
        var foreign = search.trials
        foreign[2].parameters["attn.o_proj.max_weight"] = 7
        for journal in [gap, foreign] {
            #expect(throws: MethodError.self) {
                try Heretic(options: short).edits(in: model.context(search: FakeSearch(journal: journal)))
            }
        }
    }

    @Test func chosenTrialCanBeReplayed() throws {
        let search = FakeSearch()
        let result = try Heretic(options: short).edits(in: model.context(search: search))
        let number = try #require(result.notes["chosen_trial"]?["number"]?.intValue)
        #expect(result.edits.isEmpty == false)
        var options = Heretic.Options()
        options.parameters = HereticParameters(
            trial: search.trials[number].parameters, components: ["attn.o_proj", "mlp.down_proj"])
        let replay = try Heretic(options: options).edits(in: model.context())
        #expect(replay.edits == result.edits)
        // The chosen trial's measurement belongs to the edits that come back.
        #expect(FakeSearch.bySize(result.edits) == search.trials[number].measurement)
        let front = try #require(result.notes["pareto_front"]?.arrayValue)
        #expect(front.compactMap { $0["number"]?.intValue } == Heretic.paretoFront(search.trials).map(\.number))
        #expect(front.first?["parameters"]?["attn.o_proj"]?["max_weight"]?.doubleValue != nil)
    }

    @Test func replayedParametersMustFitTheModel() throws {
        for index in [7.5, 900, 1e300] {
            #expect(throws: MethodError.self) { try apply { $0.parameters?.directionIndex = index } }
        }
        // The last whole index has no neighbour above and needs none.
        #expect(throws: Never.self) { try apply { $0.parameters?.directionIndex = 7 } }
        #expect(throws: OptionsError.self) { try apply { $0.parameters?.directionIndex = -1 } }
        #expect(throws: OptionsError.self) {
            try apply { $0.parameters?.kernels["attn.o_proj"]?.minWeightDistance = 0 }
        }
        #expect(throws: OptionsError.self) { try apply { $0.parameters?.kernels = [:] } }
        #expect(throws: OptionsError.self) {
            try apply {
                $0.rank = 3
                $0.rowNormalization = .pre
            }
        }
    }

    @Test func withoutASearchSplitTheErrorSaysSo() throws {
        #expect {
            try Heretic(options: .init()).edits(in: model.context())
        } throws: { ($0 as? MethodError) == .needsSearch(method: "heretic") }
    }

    @Test func brokenMeasurementsDoNotStopTheSearch() throws {
        let search = FakeSearch(measure: { edits in
            SearchMeasurement(refusals: 3, prompts: 50, kl: edits.writers.count % 2 == 0 ? .nan : 0.2)
        })
        let result = try Heretic(options: short).edits(in: model.context(search: search))
        #expect(search.trials.allSatisfy { $0.measurement.kl.isFinite && $0.objectives.allSatisfy(\.isFinite) })
        #expect(result.notes["kl_budget_met"]?.boolValue == false)
    }

    /// Small models: ranges that shrink to a point.
    @Test(arguments: [1, 2, 3]) func fewBlocks(layers: Int) throws {
        let model = SyntheticModel(layers: layers, hidden: 12, inputs: 7)
        let result = try Heretic(options: short).edits(in: model.context(search: FakeSearch()))
        #expect(result.notes["trials"]?.intValue == 24)
    }
}

@Suite struct TrialSearchTests {
    func trial(_ number: Int, _ refusals: Int, _ kl: Double) -> Trial {
        Trial(
            number: number, parameters: [:], objectives: [kl, Double(refusals)],
            measurement: SearchMeasurement(refusals: refusals, prompts: 100, kl: kl))
    }

    @Test func pickIsFewestRefusalsWithinTheBudget() {
        let trials = [
            trial(0, 50, 0.01), trial(1, 10, 0.09), trial(2, 10, 0.05), trial(3, 2, 0.11), trial(4, 10, 0.05),
            trial(5, 12, 0.1),
        ]
        let best = TrialSearch.pick(trials, klBudget: 0.1)
        #expect(best?.trial.number == 2 && best?.withinBudget == true)
        // The bound itself is within.
        #expect(TrialSearch.pick([trial(0, 3, 0.2), trial(1, 1, 0.1)], klBudget: 0.1)?.trial.number == 1)
        let none = TrialSearch.pick(trials, klBudget: 0.001)
        #expect(none?.trial.number == 0 && none?.withinBudget == false)
        #expect(TrialSearch.pick([], klBudget: 1) == nil)
    }

    @Test func frontSweepsByRefusalsThenKL() {
        let trials = [
            trial(0, 5, 0.5), trial(1, 5, 0.4), trial(2, 9, 0.4), trial(3, 9, 0.1), trial(4, 30, 0.2),
            trial(5, 80, 0), trial(6, 80, 0),
        ]
        #expect(TrialSearch.paretoFront(trials).map(\.number) == [1, 3, 5])
    }
}
