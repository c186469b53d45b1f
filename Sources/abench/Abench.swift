import ArgumentParser
import Foundation
import Harness

@main
struct Abench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abench",
        abstract: "Compare abliteration methods on language models, with controls, held-out prompts and uncertainty.",
        discussion: """
            Start with `abench run suites/quickstart.yaml`. Results go to results/<suite>/results.sqlite, the report \
            beside it. Every command prints data on standard output and progress on standard error.
            """,
        version: AbenchVersion.current,
        subcommands: [
            Run.self, List.self, Validate.self, ReportVerb.self, Rescore.self, Inspect.self, Tokenize.self,
            LogitsVerb.self, Generate.self, Template.self, GeometryVerb.self, ScoreVerb.self, Bench.self,
        ])

    /// Runs the verb. Errors of ours are printed as they describe themselves; usage errors keep ArgumentParser's form.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as ExitCode {
            exit(withError: error)
        } catch {
            if exitCode(for: error) != .failure { exit(withError: error) }
            let text = fullMessage(for: error)
            let message = text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text
            FileHandle.standardError.write(Data("abench: \(message)\n".utf8))
            Foundation.exit(1)
        }
    }
}

/// Prints to standard output; `print` is for data only.
func printJSON(_ object: Any) throws {
    let data = try JSONSerialization.data(
        withJSONObject: object, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
    FileHandle.standardOutput.write(data + Data("\n".utf8))
}
