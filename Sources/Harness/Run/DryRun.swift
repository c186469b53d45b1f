import Evals
import Foundation
import Results

/// What `--dry-run` and `validate` say about a suite without running it.
public enum DryRun {
    static func plan(_ suite: Suite, options: RunOptions) throws -> Plan {
        var completed: Set<String> = []
        let database = ResultsStore.databaseURL(for: options.output)
        if !options.fresh, FileManager.default.fileExists(atPath: database.path) {
            completed = try ResultsStore(options.output, mode: .readOnly).completedRunKeys()
        }
        return try Plan.make(suite, datasets: suite.datasets(options), completed: completed)
    }

    /// The plan as a table: one line per cell with its state, samples and run key.
    public static func text(_ suite: Suite, options: RunOptions) throws -> String {
        let plan = try plan(suite, options: options)
        var rows = [["model", "method", "eval", "samples", "state", "run key"]]
        for cell in plan.cells {
            let eval = plan.evals[cell.eval]
            let problem = plan.models[cell.model].problem ?? eval.problem
            rows.append([
                plan.models[cell.model].entry.label, suite.methods[cell.method].label, eval.entry.label,
                String(eval.samples.count), problem.map { _ in "cannot run" } ?? (cell.isComplete ? "done" : "to do"),
                String(cell.key.prefix(12)),
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }
        for (role, description) in plan.prompts.descriptions.sorted(by: { $0.key < $1.key }) {
            lines.append("\(role): \(description)")
        }
        lines += problems(of: plan).map { "problem: \($0)" }
        let open = plan.cells.filter { !$0.isComplete }.count
        lines.append("\(plan.cells.count) cells, \(open) to do; results in \(options.output.path)")
        return lines.joined(separator: "\n")
    }

    public static func problems(_ suite: Suite, options: RunOptions) throws -> [String] {
        problems(of: try plan(suite, options: options))
    }

    private static func problems(of plan: Plan) -> [String] {
        var problems = plan.models.compactMap(\.problem) + plan.evals.compactMap(\.problem)
        for method in plan.suite.methods {
            let needs = method.method.needs
            for (need, purpose) in [(needs.contains(.contrast), PromptPurpose.contrast), (needs.contains(.search), .search)]
            where need && plan.prompts.hashes(purpose).count < 2 {
                problems.append(HarnessError.needsPrompts(method.label, purpose: purpose).description)
            }
        }
        return problems
    }
}
