import Evals
import Foundation
import Inference
import Testing

@Suite struct KLDivergenceTests {
    private func position(_ kl: Double, same: Bool = true, p: Double = 0) -> PositionComparison {
        PositionComparison(kl: kl, reverseKL: 2 * kl, js: kl / 4, sameTopToken: same, deltaP: p)
    }

    private func scored(_ responses: [ModelResponse]) throws -> [ScoredSample] {
        let eval = try KLDivergence(options: KLDivergence.Options())
        let sample = Sample(id: "", input: "", prompt: .text(""))
        return responses.enumerated().map {
            ScoredSample(sampleID: "\($0)", response: $1, scores: eval.score(sample, $1))
        }
    }

    @Test func firstTokenAndPooledPositions() throws {
        let samples = try scored([
            .comparison([position(0.5, same: false, p: -0.3), position(0.1), position(0.2, p: 0.1)]),
            .comparison([position(0.1)]),
            .comparison([position(.infinity)]),
            .comparison([position(0.3, p: 0.5), position(.nan)]),
            .comparison([position(0.2), position(1.2, same: false)]),
        ])
        #expect(samples[0].scores.map(\.value)[0] == 0.5)
        #expect(isClose(samples[0].scores[1].value, 0.8 / 3))
        #expect(samples[2].scores.allSatisfy { $0.value == nil })
        let metrics = try KLDivergence(options: KLDivergence.Options()).metrics(of: samples, baseline: nil, seed: 5)
        func metric(_ name: String) throws -> MetricValue { try #require(metrics.first { $0.name == name }) }
        #expect(metrics.map(\.name) == KLDivergence.metrics.map(\.name))
        let first = try metric("kl_first_token")
        #expect(isClose(first.value, 0.8 / 3) && first.count == 3 && first.unscored == 2)
        #expect(first.intervalMethod == Bootstrap.method && first.interval!.contains(0.8 / 3))
        #expect(try metric("kl_first_token_median").value == 0.2)
        #expect(try metric("kl_first_token_max").value == 0.5)
        #expect(isClose(try metric("kl_first_token_p95").value, 0.47))
        let pooled = try metric("kl")
        #expect(isClose(pooled.value, 2.3 / 6) && pooled.count == 6 && pooled.unscored == 2)
        #expect(isClose(try metric("reverse_kl").value, 4.6 / 6))
        #expect(isClose(try metric("js").value, 2.3 / 24))
        #expect(isClose(try metric("same_top").value, 4.0 / 6))
        let rms = try metric("delta_p_rms")
        #expect(isClose(rms.value, (0.1 / 6).squareRoot()) && rms.interval!.contains(rms.value!))
        #expect(metrics.allSatisfy { $0.paired == nil })
    }

    @Test func aModelAgainstItselfIsZero() throws {
        let samples = try scored((0..<20).map { _ in .comparison([position(0), position(0)]) })
        let metrics = try KLDivergence(options: KLDivergence.Options()).metrics(of: samples, baseline: samples, seed: 0)
        for metric in metrics {
            #expect(metric.value == (metric.name == "same_top" ? 1 : 0), "\(metric)")
            #expect(metric.interval == nil || metric.interval!.lowerBound == metric.interval!.upperBound)
        }
    }

    @Test func nothingScoredIsNilNotZero() throws {
        let samples = try scored([.logProbs([0]), .comparison([])])
        let metrics = try KLDivergence(options: KLDivergence.Options()).metrics(of: samples, baseline: nil, seed: 0)
        #expect(metrics.allSatisfy { $0.value == nil && $0.interval == nil && $0.unscored == 2 && $0.count == 0 })
    }

    @Test func requestsCompareAsManyTokensAsAsked() throws {
        var options = KLDivergence.Options()
        options.tokens = 16
        let eval = try KLDivergence(options: options)
        let environment = EvalEnvironment(datasets: DatasetStore(), harmless: [PromptRecord(id: "7", text: "hi")])
        let samples = try eval.samples(in: environment)
        #expect(samples.map(eval.request) == [.compare(.chat([.user("hi")]), tokens: 16)])
        options.tokens = 0
        #expect(throws: OptionsError.self) { try KLDivergence(options: options) }
    }
}
