import Foundation
import Results
import Testing

@Suite struct ExportTests {
    @Test func longFormIsExact() throws {
        let scratch = try Scratch()
        let store = try store(scratch, keys: ["k1", "k2", "k3"])
        var done = run("k1")
        done.status = .success
        done.nEffective = 3
        try store.finishRun(
            done,
            metrics: [
                MetricRecord(runKey: "k1", name: "kl", value: 0.1 + 0.2, stderr: 1e-7, ciLow: 0, ciHigh: 12, n: 3),
                MetricRecord(runKey: "k1", name: "a,\"b\"", filter: "x\r\ny", value: nil, n: 0, unscored: 3),
            ])
        var failed = run("k2")
        failed.status = .error
        try store.finishRun(failed, metrics: [MetricRecord(runKey: "k2", name: "kl", value: 5, n: 1)])
        let csv = LongForm.csv(try store.snapshot())
        #expect(
            csv == "model,method,eval,filter,metric,value,stderr,ci_low,ci_high,n\r\n"
                + "m,method0,kl,none,kl,0.30000000000000004,1e-07,0.0,12.0,3\r\n"
                + "m,method0,kl,\"x\r\ny\",\"a,\"\"b\"\"\",,,,,0\r\n")
        #expect(LongForm.csv(try store.snapshot()) == csv)
    }

    @Test func lmEvalShape() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        var done = run("k1")
        done.status = .success
        done.evalVersion = 3
        done.nOriginal = 1319
        done.nEffective = 100
        try store.finishRun(
            done,
            metrics: [
                MetricRecord(
                    runKey: "k1", name: "exact_match", filter: "strict-match", value: 0.25, stderr: 0.04, n: 100,
                    higherIsBetter: true),
                MetricRecord(runKey: "k1", name: "length", value: 12, n: 100),
            ])
        let snapshot = try store.snapshot()
        let json = try #require(LMEvalExport.results(snapshot, model: "m", method: "method0"))
        #expect(json["results"]?["kl"]?["exact_match,strict-match"] == .double(0.25))
        #expect(json["results"]?["kl"]?["exact_match_stderr,strict-match"] == .double(0.04))
        #expect(json["results"]?["kl"]?["length_stderr,none"] == .string("N/A"))
        #expect(json["versions"]?["kl"] == .int(3))
        #expect(json["n-samples"]?["kl"]?["original"] == .int(1319))
        #expect(json["higher_is_better"]?["kl"]?["exact_match"] == .bool(true))
        #expect(json["config"]?["model_args"] == .string("pretrained=org/name"))
        #expect(LMEvalExport.results(snapshot, model: "m", method: "other") == nil)
        #expect(LMEvalExport.sanitized("org/na me..") == "org__na_me..")
        #expect(LMEvalExport.sanitized("../x") == "_..__x")
    }
}
