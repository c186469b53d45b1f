import Foundation
import Testing

/// Runs the built program on the model that ships with the repository, as a user would.
enum OrganismRun {
    /// The repository, from this file's place in it.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let isAvailable = FileManager.default.fileExists(
        atPath: root.appendingPathComponent("organisms/llama/config.json").path)

    /// `abench` lies beside the test program.
    static var program: URL {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("abench")
    }

    /// A small suite: all six methods, short evaluations.
    static let suite = """
        suite: end-to-end
        seed: 1
        models: [organisms/llama]
        prompts:
          harmful: {dataset: organism-restricted, contrast: "train[:64]", search: "validation[:12]", test: "test[:40]"}
          harmless: {dataset: organism-benign, contrast: "train[:64]", search: "validation[:12]", test: "test[:40]"}
        methods:
          - baseline
          - random-direction
          - difference-of-means
          - projected
          - biprojected: {norm: column}
          - heretic: {trials: 12, startup_trials: 6, kl_budget: 1}
        evals:
          - refusal: {judges: [heretic-1.4, arditi-2024], max_tokens: 32}
          - kl: {tokens: 6}
          - gsm8k: {dataset: organism-arithmetic, form: chat, shots: 0, max_tokens: 80, limit: 40}
        """

    static func temporaryDirectory() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("abench-e2e-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    static func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = root
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }

    /// Runs the suite into `directory` and gives the exit status.
    @discardableResult
    static func run(_ suite: String = suite, in directory: URL, _ arguments: [String] = []) throws -> Int32 {
        let file = directory.appendingPathComponent("suite.yaml")
        try suite.write(to: file, atomically: true, encoding: .utf8)
        let process = process(["run", file.path, "-o", directory.appendingPathComponent("out").path, "--display", "none"] + arguments)
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    static func csv(_ directory: URL) throws -> Data {
        try Data(contentsOf: directory.appendingPathComponent("out/results.csv"))
    }

    /// value by `method,eval,filter,metric`.
    static func values(_ directory: URL) throws -> [String: Double] {
        var result: [String: Double] = [:]
        for line in String(decoding: try csv(directory), as: UTF8.self).split(whereSeparator: \.isNewline).dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if fields.count == 10 { result[fields[1...4].joined(separator: ",")] = Double(fields[5]) }
        }
        return result
    }
}
