import Foundation
import Results

/// A directory that goes when the test ends.
final class Scratch {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("abench-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
}

/// A hand-made database: 2 models × 6 methods × 3 evaluations, with a failed, an unfinished and a missing cell.
struct ReportFixture {
    static let models = ["llama_tiny|a", "org/Qwen-2.5 & <co>"]
    static let methods = [
        "baseline", "random-direction", "difference-of-means", "projected", "biprojected (norm=row)", "heretic",
    ]
    static let evals = ["refusal", "kl", "gsm8k"]
    /// Refusal rate, KL and accuracy by method.
    static let refusal = [0.96, 0.95, 0.12, 0.08, 0.05, 0.03]
    static let kl = [0, 0.004, 0.35, 0.21, 0.08, 0.11]
    static let accuracy = [0.42, 0.41, 0.30, 0.36, 0.40, 0.39]

    var limit: Int?
    var isShareable = true
    var secret = "how to <b>pick</b> a lock | 50% & $5 #1 a_b"

    func store(in directory: URL) throws -> ResultsStore {
        let store = try ResultsStore(directory)
        try fill(store)
        return store
    }

    func fill(_ store: ResultsStore) throws {
        let start = Date(timeIntervalSince1970: 1_790_000_000)
        var session = SessionRecord(id: "s1", suite: "six_methods", startedAt: start)
        session.summary = "Six methods on two models"
        session.command = "abench run suites/six_methods.yaml"
        session.gitCommit = "0123abcd"
        session.isa = "avx512bf16"
        session.isaReason = "the CPU has it"
        session.threads = 2
        session.sampleLimit = limit
        session.allowOverlap = true
        session.reference = [
            ReferenceValue(
                model: Self.models[0], method: "heretic", eval: "kl", metric: "kl", value: 0.16, source: "model card")
        ]
        var cells: [CellRecord] = []
        for (m, model) in Self.models.enumerated() {
            for (k, method) in Self.methods.enumerated() {
                for (e, eval) in Self.evals.enumerated() {
                    cells.append(
                        CellRecord(
                            sessionID: "s1", model: model, method: method, eval: eval, modelIndex: m, methodIndex: k,
                            evalIndex: e, runKey: "run-\(m)-\(k)-\(e)"))
                }
            }
        }
        try store.beginSession(session, cells: cells)
        for m in 0..<2 {
            var model = ModelRecord(id: "m\(m)", repo: ["organisms/llama", "Qwen/Qwen2.5"][m])
            model.architecture = ["llama", "qwen2"][m]
            model.parameters = [1_500_000, 7_240_000_000][m]
            model.layers = [8, 28][m]
            model.checkpointSHA256 = String(repeating: "\(m)a", count: 32)
            try store.save(model)
            try store.save(
                (0...[8, 28][m]).flatMap { layer -> [GeometryRecord] in
                    let depth = Double(layer) / Double([8, 28][m])
                    return [
                        GeometryRecord(
                            modelID: "m\(m)", contrastKey: "c", name: "direction_norm", layer: layer,
                            value: depth * Double(3 + 4 * m)),
                        GeometryRecord(
                            modelID: "m\(m)", contrastKey: "c", name: "silhouette", layer: layer,
                            value: 0.6 * depth * (1.2 - depth)),
                    ]
                })
            for k in 0..<6 { for e in 0..<3 { try run(store, m, k, e, start) } }
        }
        for number in 0..<40 {
            let kl = number == 7 ? Double.infinity : 0.01 * Double((number * 17) % 40) + (number % 9 == 0 ? 5 : 0)
            try store.append(
                TrialRecord(
                    searchKey: "search", number: number, parameters: ["max_weight": 1 + 0.01 * Double(number), "k": 3],
                    objectives: [kl, 0.5], refusals: (number * 23) % 64, prompts: 64, kl: kl, seconds: 0.8,
                    createdAt: start))
        }
        try store.markTrials(searchKey: "search", front: [39, 33, 26, 12, 17, 3], chosen: 3)
    }

    private func run(_ store: ResultsStore, _ m: Int, _ k: Int, _ e: Int, _ start: Date) throws {
        // The last method of the second model: one failed, one unfinished, one never begun.
        if m == 1, k == 5, e == 2 { return }
        let eval = Self.evals[e]
        var run = RunRecord(
            key: "run-\(m)-\(k)-\(e)", sessionID: "s1", modelID: "m\(m)",
            method: k == 4 ? "biprojected" : Self.methods[k], label: Self.methods[k], eval: eval, startedAt: start)
        run.methodOptions = k == 4 ? #"{"norm": "row"}"# : "{}"
        run.editsSHA256 = String(repeating: "\(k)", count: 64)
        run.searchKey = m == 0 && k == 5 ? "search" : nil
        run.isShareable = isShareable
        run.sampleLimit = limit
        run.nOriginal = 200
        run.nEffective = 100
        run.seconds = 12.5 + Double(k)
        run.phaseSeconds = ["generate": 10, "score": 0.25]
        run.promptTokens = 1000
        run.generatedTokens = 3000
        run.peakRSSBytes = 812_000_000
        run.nDegenerate = k == 2 ? 4 : 0
        try store.beginRun(run)
        if m == 1, k == 5, e == 1 { return }
        if m == 1, k == 5, e == 0 {
            run.status = .error
            run.error = "out of memory in layer 3; set max_memory"
            return try store.finishRun(run)
        }
        try store.appendSamples(
            (0..<4).map {
                SampleRecord(
                    runKey: run.key, sampleID: "\($0)", filter: "none", input: "\(secret) \($0)", target: nil,
                    output: e == 1 ? nil : "answer of \(Self.methods[k]) | _x_", answer: k < 2 ? "refusal" : "complied",
                    score: k < 2 ? 1 : 0)
            })
        run.status = .success
        run.completedAt = start.addingTimeInterval(60)
        try store.finishRun(run, metrics: metrics(run.key, k, e, eval))
    }

    private func metrics(_ key: String, _ k: Int, _ e: Int, _ eval: String) -> [MetricRecord] {
        let value = [Self.refusal, Self.kl, Self.accuracy][e][k]
        let baseline = [Self.refusal, Self.kl, Self.accuracy][e][0]
        let half = e == 1 ? value / 4 : 0.06
        func metric(_ name: String, _ filter: String, _ shift: Double) -> MetricRecord {
            var metric = MetricRecord(
                runKey: key, name: name, filter: filter, value: value + shift, stderr: half / 2,
                ciLow: max(0, value + shift - half), ciHigh: value + shift + half, ciMethod: "wilson", n: 100,
                unscored: e == 2 ? 1 : 0, higherIsBetter: e == 2, unit: e == 1 ? "nats" : "%", isHeadline: true)
            if k > 0 {
                metric.baselineDelta = value - baseline
                metric.baselineDeltaCILow = value - baseline - half
                metric.baselineDeltaCIHigh = value - baseline + half
                metric.pAdjusted = e == 1 ? nil : k > 1 ? 0.01 : 1
            }
            return metric
        }
        switch eval {
        case "refusal":
            var rate = metric("degenerate_rate", "none", 0)
            rate.isHeadline = false
            (rate.value, rate.ciLow, rate.ciHigh, rate.baselineDelta) = (0.01, 0, 0.05, nil)
            return [metric("refusal_rate", "heretic-1.4", 0), metric("refusal_rate", "arditi-2024", 0.01), rate]
        case "kl": return [metric("kl", "none", 0)]
        default: return [metric("exact_match", "strict-match", 0), metric("exact_match", "flexible-extract", 0.02)]
        }
    }
}
