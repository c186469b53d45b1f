import Foundation
import TestSupport
import Testing

/// Help is compared verbatim. After a wanted change: Tools/make_help_goldens.sh
@Suite struct HelpTests {
    static let verbs: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url("cli").path)) ?? [])
        .filter { $0.hasSuffix(".txt") && $0 != "abench.txt" }.map { String($0.dropLast(4)) }.sorted()

    @Test func root() throws {
        let outcome = try CommandLineProgram.run(["--help"])
        let expected = try String(contentsOf: Fixtures.url("cli/abench.txt"), encoding: .utf8)
        #expect(outcome.status == 0)
        #expect(outcome.output == expected, "after a wanted change run Tools/make_help_goldens.sh")
        for verb in Self.verbs { #expect(outcome.output.contains("  \(verb) ")) }
        #expect(Self.verbs.count >= 13)
    }

    @Test(arguments: verbs) func verb(_ name: String) throws {
        let outcome = try CommandLineProgram.run([name, "--help"])
        let expected = try String(contentsOf: Fixtures.url("cli/\(name).txt"), encoding: .utf8)
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.output == expected, "after a wanted change run Tools/make_help_goldens.sh")
    }
}
