import CKernels
import Foundation
import Inference

/// `abench bench`: prompt and generation speed of one model, median of a few repetitions.
public struct Benchmark {
    let model: LanguageModel
    let promptTokens: Int
    let batch: Int
    let newTokens: Int
    let repetitions: Int

    public init(model: LanguageModel, promptTokens: Int, batch: Int, newTokens: Int, repetitions: Int) {
        self.model = model
        self.promptTokens = max(1, promptTokens)
        self.batch = max(1, batch)
        self.newTokens = max(1, newTokens)
        self.repetitions = max(1, repetitions)
    }

    public struct Result {
        public var promptTokensPerSecond: Double
        /// By batch size.
        public var generationTokensPerSecond: [Int: Double]
        public var precision: String
        public var kernels: String
        public var threads: Int
        public var peakResidentBytes: Int

        public var json: [String: Any] {
            [
                "prompt_tokens_per_second": promptTokensPerSecond,
                "generation_tokens_per_second": Dictionary(
                    generationTokensPerSecond.map { (String($0.key), $0.value) }) { a, _ in a },
                "peak_rss_bytes": peakResidentBytes, "precision": precision, "kernels": kernels, "threads": threads,
            ]
        }

        public var text: String {
            var lines = ["prompt      \(Self.number(promptTokensPerSecond)) tokens/s"]
            for (size, speed) in generationTokensPerSecond.sorted(by: { $0.key < $1.key }) {
                lines.append("generation  \(Self.number(speed)) tokens/s at batch \(size)")
            }
            lines.append("precision \(precision), kernels \(kernels), threads \(threads), peak \(peakResidentBytes >> 20) MiB")
            return lines.joined(separator: "\n")
        }

        private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
    }

    public func run() throws -> Result {
        var generation: [Int: Double] = [:]
        for size in [1, 8, 64] { generation[size] = try generationSpeed(batch: size) }
        return Result(
            promptTokensPerSecond: try promptSpeed(), generationTokensPerSecond: generation,
            precision: model.precision.rawValue, kernels: String(cString: ab_isa_name(ab_isa_active())),
            threads: Int(ab_threads()), peakResidentBytes: peakResidentBytes())
    }

    /// Distinct pseudo-random prompts, so that no prefix is shared.
    private func prompts(_ count: Int, length: Int, salt: Int) -> [Prompt] {
        let vocabulary = model.spec.vocabularySize
        var state = UInt64(truncatingIfNeeded: salt &* 7919 &+ 12345)
        return (0..<count).map { _ in
            .tokens(
                (0..<length).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int32((state >> 33) % UInt64(vocabulary))
                })
        }
    }

    private func promptSpeed() throws -> Double {
        var speeds: [Double] = []
        for repetition in 0...repetitions {
            let engine = Engine(model: model, options: EngineOptions())
            let requests = prompts(batch, length: promptTokens, salt: repetition).map { ModelRequest.nextToken($0) }
            let start = ProcessInfo.processInfo.systemUptime
            _ = try engine.responses(to: requests)
            // The first run warms caches and is not counted.
            if repetition > 0 { speeds.append(Double(batch * promptTokens) / elapsed(since: start)) }
        }
        return speeds.sorted()[speeds.count / 2]
    }

    /// Tokens per second of the generation alone: time with `newTokens` minus time with one token.
    private func generationSpeed(batch: Int) throws -> Double {
        var speeds: [Double] = []
        for repetition in 0..<repetitions {
            func seconds(_ count: Int) throws -> (Double, Int) {
                var options = EngineOptions()
                options.maxBatch = batch
                let engine = Engine(model: model, options: options)
                let requests = prompts(batch, length: 16, salt: 1000 + repetition).map {
                    ModelRequest.generate($0, maxTokens: count)
                }
                let start = ProcessInfo.processInfo.systemUptime
                _ = try engine.responses(to: requests)
                return (elapsed(since: start), engine.statistics.generatedTokens)
            }
            let (short, few) = try seconds(1)
            let (long, many) = try seconds(newTokens + 1)
            speeds.append(Double(many - few) / max(long - short, 1e-9))
        }
        return speeds.sorted()[speeds.count / 2]
    }
}
