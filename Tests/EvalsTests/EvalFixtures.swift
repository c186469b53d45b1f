import Evals
import Foundation
import Inference
import Testing

/// Goldens by Tools/make_eval_goldens.py and Tools/make_statistics_goldens.py, and canned data.
enum EvalFixtures {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")
    static let repository = directory.deletingLastPathComponent().deletingLastPathComponent()

    static func json(_ path: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: directory.appendingPathComponent(path)))
    }

    static func array(_ path: String) throws -> [[Any]] { try #require(try json(path) as? [[Any]]) }
    static func object(_ path: String) throws -> [String: Any] { try #require(try json(path) as? [String: Any]) }

    /// A new empty directory below the temporary one, removed by the caller.
    static func scratch() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("evals-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    static func write(_ text: String, _ name: String, in directory: URL) throws -> URL {
        let url = directory.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url
    }

    static func generation(
        _ text: String, tokens: [Int32] = [1, 2, 3], _ reason: FinishReason = .endOfTurn
    ) -> ModelResponse {
        .generation(Generation(text: text, tokens: tokens, promptTokens: 5, finishReason: reason))
    }
}

func double(_ any: Any) -> Double { (any as? NSNumber)?.doubleValue ?? .nan }
func isClose(_ a: Double?, _ b: Double?, relative: Double = 1e-12, absolute: Double = 1e-14) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))
}
