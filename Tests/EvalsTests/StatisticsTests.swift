import Evals
import Foundation
import Testing

@Suite struct StatisticsTests {
    nonisolated(unsafe) static let golden = try! EvalFixtures.object("statistics/statistics.json")

    func rows(_ name: String) throws -> [[Any]] { try #require(Self.golden[name] as? [[Any]]) }

    @Test func wilsonIntervalsEqualSciPy() throws {
        for row in try rows("wilson") {
            let (k, n, confidence) = (Int(double(row[0])), Int(double(row[1])), double(row[2]))
            let interval = try #require(Statistics.wilson(successes: k, count: n, confidence: confidence))
            #expect(isClose(interval.lowerBound, double(row[3]), absolute: 1e-16), "\(row)")
            #expect(isClose(interval.upperBound, double(row[4]), absolute: 1e-16), "\(row)")
        }
        #expect(Statistics.wilson(successes: 0, count: 0) == nil)
    }

    @Test func mcnemarEqualsSciPysBinomialTest() throws {
        for row in try rows("mcnemar") {
            let p = Statistics.mcnemar(onlyFirst: Int(double(row[0])), onlySecond: Int(double(row[1])))
            #expect(isClose(p, double(row[2]), relative: 1e-9, absolute: 0), "\(row) \(p)")
        }
    }

    @Test func normalQuantilesEqualSciPy() throws {
        for row in try rows("normal_quantile") {
            #expect(isClose(Statistics.normalQuantile(double(row[0])), double(row[1]), relative: 1e-12), "\(row)")
        }
    }

    @Test func quantilesMeansAndErrorsEqualNumPyAndSciPy() throws {
        for item in try #require(Self.golden["quantiles"] as? [[String: Any]]) {
            let values = try #require(item["values"] as? [NSNumber]).map(\.doubleValue)
            for pair in try #require(item["quantiles"] as? [[NSNumber]]) {
                let q = Statistics.quantile(values, pair[0].doubleValue)
                #expect(isClose(q, pair[1].doubleValue), "\(values.count) \(pair)")
            }
            #expect(isClose(Statistics.mean(values), double(item["mean"]!)))
            #expect(isClose(Statistics.median(values), double(item["median"]!)))
            #expect(isClose(Statistics.standardError(values), (item["stderr"] as? NSNumber)?.doubleValue))
            if let interval = item["interval"] as? [NSNumber] {
                let own = try #require(Statistics.normalInterval(values))
                #expect(isClose(own.lowerBound, interval[0].doubleValue, absolute: 1e-13))
                #expect(isClose(own.upperBound, interval[1].doubleValue, absolute: 1e-13))
            }
        }
        #expect(Statistics.mean([]) == nil && Statistics.median([]) == nil && Statistics.standardError([]) == nil)
    }

    @Test func holmAndKappaEqualTheirGoldens() throws {
        for row in try rows("holm") {
            let p = try #require(row[0] as? [NSNumber]).map(\.doubleValue)
            let expected = try #require(row[1] as? [NSNumber]).map(\.doubleValue)
            #expect(zip(Statistics.holm(p), expected).allSatisfy { isClose($0, $1) } && expected.count == p.count)
        }
        for row in try rows("kappa") {
            let a = try #require(row[0] as? [NSNumber]).map(\.intValue)
            let b = try #require(row[1] as? [NSNumber]).map(\.intValue)
            #expect(isClose(Statistics.cohensKappa(a, b), (row[2] as? NSNumber)?.doubleValue, absolute: 1e-12))
        }
        #expect(Statistics.cohensKappa([Int](), []) == nil)
    }

    @Test func bootstrapAgreesWithSciPyWithinMonteCarloError() throws {
        for item in try #require(Self.golden["bootstrap"] as? [[String: Any]]) {
            let values = try #require(item["values"] as? [NSNumber]).map(\.doubleValue)
            let interval = try #require(Bootstrap(seed: 7).mean(values, stream: "test"))
            // A 2.5% quantile of 10,000 draws has a standard error of about 0.027 standard errors of the mean; for
            // values on a grid the quantile may also fall on the neighbouring step of 1/n.
            let grid = values.allSatisfy { $0 == $0.rounded() } ? 1 / Double(values.count) : 0
            let tolerance = 4 * 0.027 * double(item["stderr"]!) + grid
            #expect(abs(interval.lowerBound - double(item["low"]!)) < tolerance)
            #expect(abs(interval.upperBound - double(item["high"]!)) < tolerance)
        }
    }

    @Test func bootstrapDependsOnSeedAndNameAlone() {
        let values = (0..<200).map { Double(($0 * 7919) % 101) }
        let first = Bootstrap(seed: 3).mean(values, stream: "a")
        #expect(first == Bootstrap(seed: 3).mean(values, stream: "a"))
        #expect(first != Bootstrap(seed: 4).mean(values, stream: "a"))
        #expect(first != Bootstrap(seed: 3).mean(values, stream: "b"))
        #expect(Bootstrap(seed: 3).mean([], stream: "a") == nil)
        #expect(Bootstrap(seed: 3).mean([2.5], stream: "a") == 2.5...2.5)
        #expect(Bootstrap(seed: 3).ratio([1, 2], [0, 0], stream: "a") == nil)
        // One cluster only: every resample is the same.
        #expect(Bootstrap(seed: 3).ratio([6], [4], stream: "a") == 1.5...1.5)
    }

    @Test func ratioOverEqualDenominatorsIsTheMean() throws {
        let values = (0..<50).map { sin(Double($0)) }
        let mean = try #require(Bootstrap(seed: 1).mean(values, stream: "x"))
        let ratio = try #require(Bootstrap(seed: 1).ratio(values.map { $0 * 4 }, values.map { _ in 4 }, stream: "x"))
        #expect(isClose(mean.lowerBound, ratio.lowerBound) && isClose(mean.upperBound, ratio.upperBound))
    }

    @Test func tenThousandResamplesOfGSM8KAreQuick() throws {
        let values = (0..<1319).map { Double(($0 * 31) % 3 - 1) }
        let start = Date()
        _ = try #require(Bootstrap(seed: 1).mean(values, stream: "speed"))
        let seconds = Date().timeIntervalSince(start)
        print("bootstrap 10,000 x 1,319: \(seconds) s")
        #expect(seconds < 2)
    }
}
