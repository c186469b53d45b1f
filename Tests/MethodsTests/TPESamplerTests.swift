import Foundation
import Methods
import Testing

private func fixture<T: Decodable>(_ path: String, as type: T.Type) throws -> T {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/\(path)")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

/// Against values recorded from Optuna 4.8.0 and SciPy by Tools/make_tpe_goldens.py.
@Suite struct TPEComponentsTests {
    struct Goldens: Decodable {
        struct Case: Decodable {
            var kind: String
            var losses: [[Double]]
            var below: [Int]
            var weights_below: [Double]
            var weights_above: [Double]
            var sigmas_below: [Double]
            var sigmas_above: [Double]
            var parameters: [[Double]]?
            var points: [[Double]]?
            var log_below: [Double]?
            var log_above: [Double]?
        }
        var names: [String]
        var cases: [Case]
    }

    @Test func splitWeightsSigmasAndDensities() throws {
        let goldens = try fixture("tpe/components.json", as: Goldens.self)
        #expect(goldens.names == TPEFunctions.space.map(\.name))
        var densities = 0
        for golden in goldens.cases {
            let label = Comment(rawValue: "\(golden.kind) \(golden.losses.count)")
            let losses = golden.losses.map { ParetoRanking.Losses($0[0], $0[1]) }
            let (below, above) = TPESampler.split(losses)
            #expect(below == golden.below, label)
            #expect(below.count + above.count == losses.count && Set(below).isDisjoint(with: above), label)
            // Densities are compared on Optuna's own split, so that one fault does not hide another.
            let rest = losses.indices.filter { !golden.below.contains($0) }
            let parameters = golden.parameters ?? losses.map { _ in TPEFunctions.space.map { _ in 1 } }
            let good = ParzenEstimator(
                space: TPEFunctions.space, observations: golden.below.map { parameters[$0] },
                weights: ParetoRanking.contributionWeights(golden.below.map { losses[$0] }))
            let bad = ParzenEstimator(
                space: TPEFunctions.space, observations: rest.map { parameters[$0] },
                weights: TPESampler.rampWeights(rest.count))
            #expect(distance(good.weights, golden.weights_below) < 1e-12, label)
            #expect(distance(bad.weights, golden.weights_above) < 1e-14, label)
            #expect(distance(Array((good.sigmas(dimension: 0) ?? []).suffix(2)), golden.sigmas_below) < 1e-13, label)
            #expect(distance(Array((bad.sigmas(dimension: 0) ?? []).suffix(2)), golden.sigmas_above) < 1e-13, label)
            guard let points = golden.points, let logBelow = golden.log_below, let logAbove = golden.log_above else {
                continue
            }
            for (k, point) in points.enumerated() {
                #expect(abs(good.logDensity(point) - logBelow[k]) < 1e-9, label)
                #expect(abs(bad.logDensity(point) - logAbove[k]) < 1e-9, label)
                densities += 1
            }
        }
        #expect(densities > 20)
    }

    struct Normal: Decodable {
        struct Cut: Decodable {
            var a: Double
            var b: Double
            var q: [Double]
            var ppf: [Double]
            var x: [Double]
            var logpdf: [Double]
        }
        var x: [Double]
        var log_ndtr: [Double]
        var y: [Double]
        var ndtri_exp: [Double]
        var cut: [Cut]
    }

    private func agree(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool {
        a == b || abs(a - b) <= tolerance * max(abs(b), 1e-300)
    }

    @Test func normalDistributionInTheTails() throws {
        let golden = try fixture("tpe/normal.json", as: Normal.self)
        for (x, expected) in zip(golden.x, golden.log_ndtr) {
            let got = TruncatedNormal.logCDF(x)
            #expect(agree(got, expected), "logCDF(\(x)) = \(got), SciPy \(expected)")
        }
        for (y, expected) in zip(golden.y, golden.ndtri_exp) {
            let got = TruncatedNormal.inverseLogCDF(y)
            #expect(
                agree(got, expected) || abs(got - expected) < 1e-13,
                "inverseLogCDF(\(y)) = \(got), SciPy \(expected)")
        }
        for cut in golden.cut {
            for (q, expected) in zip(cut.q, cut.ppf) {
                let got = TruncatedNormal.quantile(q, cut.a, cut.b)
                // SciPy's own quantiles lose digits where an interval is narrow or far out: relative to its width.
                let error = abs(got - expected) / (cut.b - cut.a)
                #expect(error < 1e-9, "quantile(\(q), \(cut.a), \(cut.b)) = \(got), SciPy \(expected)")
                // The exact check: the mass below the quantile is q of the whole. Not for q = 1e-10, where the
                // quantile's distance from a is a few units in the last place of a.
                let share = exp(TruncatedNormal.logMass(cut.a, got) - TruncatedNormal.logMass(cut.a, cut.b))
                if q >= 0.001 { #expect(agree(share, q, 1e-9), "share \(share) at q = \(q) of [\(cut.a), \(cut.b)]") }
            }
            for (x, expected) in zip(cut.x, cut.logpdf) {
                let got = TruncatedNormal.logPDF(x, cut.a, cut.b)
                #expect(agree(got, expected, 1e-10) || abs(got - expected) < 1e-11, "logPDF(\(x)) \(got) \(expected)")
            }
        }
        #expect(TruncatedNormal.logPDF(2, -1, 1) == -.infinity)
        #expect(TruncatedNormal.quantile(0, -1, 1) == -1)
        #expect(TruncatedNormal.quantile(1, -1, 1) == 1)
    }

    /// A sample's distribution is the density's: moments of the mixture, within the error of 20 000 draws.
    @Test func samplesFollowTheDensity() {
        let space: [SearchDimension] = [.float("a", -2, 3), .categorical("b", 3)]
        let estimator = ParzenEstimator(space: space, observations: [[2.5, 0], [-1, 2], [2.9, 2]], weights: [1, 0.5, 2])
        var generator = SeededGenerator(8)
        var mean = 0.0
        var counts = [0.0, 0, 0]
        let draws = 20_000
        for _ in 0..<draws {
            let point = estimator.sample(&generator)
            mean += point[0] / Double(draws)
            counts[Int(point[1])] += 1 / Double(draws)
            #expect(point[0] >= -2 && point[0] <= 3)
        }
        var expectedMean = 0.0
        var expectedCounts = [0.0, 0, 0]
        let steps = 2_000
        for k in 0..<steps {
            let x = -2 + 5 * (Double(k) + 0.5) / Double(steps)
            for choice in 0..<3 {
                let p = exp(estimator.logDensity([x, Double(choice)])) * 5 / Double(steps)
                expectedMean += x * p
                expectedCounts[choice] += p
            }
        }
        #expect(abs(expectedCounts.reduce(0, +) - 1) < 1e-5)
        #expect(abs(mean - expectedMean) < 0.04)
        #expect(distance(counts, expectedCounts) < 0.015)
    }

    @Test func hypervolumeAndRanksOfHand() {
        let points = [(1.0, 3.0), (2, 2), (3, 1), (2, 2), (3, 3), (4, 4)].map { ParetoRanking.Losses($0.0, $0.1) }
        #expect(ParetoRanking.ranks(points) == [0, 0, 0, 0, 1, 2])
        #expect(ParetoRanking.hypervolume(points, reference: .init(4, 4)) == 3 + 2 * 1 + 1 * 1)
        #expect(ParetoRanking.referencePoint([.init(-1, 0)]) == .init(-0.9, 1e-12))
        #expect(ParetoRanking.contributionWeights([.init(0, 0)]) == [1])
    }
}

@Suite struct TPESamplerTests {
    @Test func drawsDependOnSeedNumberAndHistoryAlone() throws {
        let sampler = TPESampler(space: TPEFunctions.space, startupTrials: 10, candidates: 16, seed: 4)
        let fifth = try sampler.suggest(number: 5, finished: [])
        #expect(try sampler.suggest(number: 5, finished: []) == fifth)
        #expect(try sampler.suggest(number: 6, finished: []) != fifth)
        var other = sampler
        other.seed = 5
        #expect(try other.suggest(number: 5, finished: []) != fifth)
        for (name, value) in fifth {
            let dimension = try #require(TPEFunctions.space.first { $0.name == name })
            switch dimension.range {
            case .float(let low, let high): #expect(value >= low && value <= high)
            case .categorical(let count): #expect((0..<count).contains(Int(value)))
            }
        }
    }

    @Test func fixedDimensionsKeepTheirOnlyValue() throws {
        let space: [SearchDimension] = [.float("a", 2, 2), .float("b", 0, 1), .categorical("c", 1)]
        let sampler = TPESampler(space: space, startupTrials: 3, candidates: 8, seed: 1)
        var finished: [Trial] = []
        for number in 0..<8 {
            let parameters = try sampler.suggest(number: number, finished: finished)
            #expect(parameters["a"] == 2 && parameters["c"] == 0)
            let b = parameters["b"] ?? -1
            finished.append(
                Trial(
                    number: number, parameters: parameters, objectives: [b, 1 - b],
                    measurement: .init(refusals: 0, prompts: 1, kl: b)))
        }
    }

    @Test func objectivesThatAreNotTwoFiniteNumbersAreRefused() throws {
        let sampler = TPESampler(space: TPEFunctions.space, startupTrials: 1, candidates: 8, seed: 1)
        let parameters = try sampler.suggest(number: 0, finished: [])
        for objectives in [[1.0], [1, .nan], [1, 2, 3]] {
            let trial = Trial(
                number: 0, parameters: parameters, objectives: objectives,
                measurement: .init(refusals: 0, prompts: 1, kl: 0))
            #expect(throws: MethodError.self) { try sampler.suggest(number: 1, finished: [trial]) }
        }
    }

    struct Recorded: Decodable {
        var reference: [Double]
        var hypervolumes: [Double]
    }

    static let isBenchmark = ProcessInfo.processInfo.environment["ABENCH_TPE_COMPARISON"] != nil

    /// Medians of the hypervolume after 200 trials lie where Optuna's do: within three standard errors of a median
    /// (from both spreads), ten seeds each; `ABENCH_TPE_COMPARISON=1` takes 30 here and prints the table.
    @Test(arguments: TPEFunctions.all.map(\.name)) func reachesOptunasHypervolume(name: String) throws {
        let recorded = try #require(try fixture("tpe/optuna.json", as: [String: Recorded].self)[name])
        let function = try #require(TPEFunctions.all.first { $0.name == name }).function
        let reference = ParetoRanking.Losses(recorded.reference[0], recorded.reference[1])
        let seeds = Self.isBenchmark ? 30 : 10
        let own = try (0..<seeds).map {
            try TPEFunctions.hypervolume(function, reference: reference, trials: 200, startup: 60, seed: UInt64($0))
        }
        let random = try (0..<10).map {
            try TPEFunctions.hypervolume(function, reference: reference, trials: 200, startup: 200, seed: UInt64($0))
        }
        func deviation(_ v: [Double]) -> Double {
            let m = v.reduce(0, +) / Double(v.count)
            return (v.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(v.count - 1)).squareRoot()
        }
        // The standard error of a median is 1.2533 σ / √n for normal values.
        let error =
            1.2533
            * (pow(deviation(own), 2) / Double(own.count)
                + pow(deviation(recorded.hypervolumes), 2) / Double(recorded.hypervolumes.count)).squareRoot()
        let difference = median(own) - median(recorded.hypervolumes)
        if Self.isBenchmark {
            func row(_ v: [Double]) -> String {
                [median(v), v.min() ?? 0, v.max() ?? 0, deviation(v)].map { String(format: "%.4f", $0) }
                    .joined(separator: " ")
            }
            print("TPE \(name): abench \(row(own)) | optuna \(row(recorded.hypervolumes)) | random \(row(random))")
        }
        #expect(abs(difference) < 3 * error, "median differs by \(difference), standard error \(error)")
        #expect(median(own) > median(random))
    }
}
