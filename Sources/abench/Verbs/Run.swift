import ArgumentParser
import Foundation
import Harness
import Report

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a suite: models × methods × evaluations.",
        discussion: """
            Re-issuing the same command resumes: finished cells are skipped, a half-done cell goes on at its first \
            missing sample, searches continue after their last trial. Ctrl-C once finishes the batch and stops, twice \
            stops at once.

            Exit status: 0 all cells succeeded, 1 some failed, 64 usage, 130 interrupted.
            """)

    @Argument(help: "The suite file.") var suite: String
    @Option(help: "At most this many prompts and samples everywhere; for trying a suite out.") var limit: Int?
    @Option(help: "Only these models, by label, comma-separated.") var models: String?
    @Option(help: "Only these methods, by label or name, comma-separated.") var methods: String?
    @Option(help: "Only these evaluations, by label or name, comma-separated.") var evals: String?
    @Option(name: .customLong("set"), help: "Change a setting: methods.heretic.trials=20. May be repeated.")
    var settings: [String] = []
    @Option(help: "Replace the suite's seed.") var seed: UInt64?
    @Option(help: "Threads; 0 = all cores. Results do not depend on it.") var threads = 0
    @Option(help: "Sequences generated side by side. Results do not depend on it.") var batch: Int?
    @Option(help: "f32 or bf16.") var precision: String?
    @Option(name: [.customShort("o"), .long], help: "Results directory (default: results/<suite>).") var output: String?
    @Option(help: "Where datasets lie (default: $ABENCH_DATA, then the cache, then a download).") var dataDir: String?
    @Flag(help: "Never download.") var offline = false
    @Flag(help: "Measure again what is already there.") var fresh = false
    @Flag(help: "Print the plan and stop.") var dryRun = false
    @Option(help: "Progress: rich, plain or none (default: rich on a terminal).") var display: String?
    @Flag(help: "Do not write a report at the end.") var noReport = false

    func validate() throws {
        if let display, Display(rawValue: display) == nil {
            throw ValidationError("--display must be one of rich, plain, none")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let batch, batch < 1 { throw ValidationError("--batch must be at least 1") }
        if threads < 0 { throw ValidationError("--threads must be 0 (all cores) or more") }
        if let precision, precision != "f32", precision != "bf16" {
            throw ValidationError("--precision must be f32 or bf16")
        }
    }

    func run() throws {
        let names: (String?) -> [String]? = { $0?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
        let loaded = try Suite.load(
            path: suite,
            overrides: SuiteOverrides(
                settings: settings, limit: limit, seed: seed, precision: precision, models: names(models),
                methods: names(methods), evals: names(evals)))
        var options = RunOptions(output: URL(fileURLWithPath: output ?? "results/\(loaded.name)"))
        options.dataDirectory = dataDir
        options.offline = offline
        options.fresh = fresh
        options.threads = threads
        options.batch = batch
        options.command = CommandLine.arguments
        if let display {
            guard let known = Display(rawValue: display) else {
                throw ValidationError("--display must be one of rich, plain, none")
            }
            options.display = known
        }
        if dryRun {
            print(try DryRun.text(loaded, options: options))
            return
        }
        Interrupt.install()
        let runner = try Runner(suite: loaded, options: options)
        let summary = try runner.run()
        report(summary, options: options)
        if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
    }

    /// The last lines of a run: what happened, where the report is, how to go on.
    private func report(_ summary: RunSummary, options: RunOptions) {
        var lines = [
            "\(summary.completed) of \(summary.completed + summary.skipped + summary.failed) cells done now, \(summary.skipped) already there, \(summary.failed) failed"
                + (summary.interrupted ? "; interrupted" : "")
        ]
        if !noReport {
            do {
                let files = try ReportBuilder().write(options.output, to: options.output)
                if let first = files.urls.first { lines.append("report: \(first.path)") }
                if let problem = files.chartError { lines.append("charts: not drawn: \(problem)") }
            } catch {
                lines.append("report: not written: \(error)")
            }
        }
        if summary.exitCode != 0 {
            lines.append("resume: \(CommandLine.arguments.filter { $0 != "--fresh" }.joined(separator: " "))")
        }
        if options.display != .none || summary.exitCode != 0 {
            FileHandle.standardError.write(Data((lines.joined(separator: "\n") + "\n").utf8))
        }
    }
}

struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check suites: keys, values, prompts, overlaps, models. Runs nothing.")

    @Argument(help: "Suite files.") var suites: [String]
    @Option(help: "Where datasets lie.") var dataDir: String?
    @Flag(help: "Never download.") var offline = false

    func run() throws {
        var failed = false
        for path in suites {
            do {
                let suite = try Suite.load(path: path)
                var options = RunOptions(output: URL(fileURLWithPath: "results/\(suite.name)"))
                options.dataDirectory = dataDir
                options.offline = offline
                let problems = try DryRun.problems(suite, options: options)
                for problem in problems { print("\(path): \(problem)") }
                if problems.isEmpty { print("\(path): ok") } else { failed = true }
            } catch {
                print("\(error)")
                failed = true
            }
        }
        if failed { throw ExitCode.failure }
    }
}
