import Foundation
import Inference
import Methods
import Testing

@Suite struct MethodRegistryTests {
    @Test func namesAreUniqueAndKebabCase() {
        let names = MethodRegistry.names
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.utf8.allSatisfy { $0 == 45 || (97...122).contains($0) }) }
        #expect(names.first == "baseline")
    }

    @Test func lookup() throws {
        #expect(try MethodRegistry.method(named: "projected").name == "projected")
        #expect {
            try MethodRegistry.method(named: "diference-of-means")
        } throws: { "\($0)".contains("Did you mean `difference-of-means`?") }
        #expect {
            try MethodRegistry.method(named: "qqqqqqqqqqqqqqqqqqq")
        } throws: { !"\($0)".contains("Did you mean") && "\($0)".contains("baseline") }
    }

    @Test func everyOptionHasHelpAndDefaultsAreValid() throws {
        for type in MethodRegistry.all {
            func open<M: Method>(_ type: M.Type) throws {
                try M.Options().validate()
                #expect(Set(M.Options.help.keys) == Set(M.Options.keys), "\(M.name)")
                #expect(!M.summary.isEmpty && M.version >= 1)
                // Options survive the way through JSON.
                let options = M.Options()
                let data = try JSONEncoder().encode(options)
                #expect(try JSONDecoder().decode(M.Options.self, from: data) == options)
            }
            try open(type)
        }
    }

    /// Changed defaults give other edits under the same options: they need a new version, and then a new line here.
    @Test func defaultsChangeOnlyWithTheVersion() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var lines: [String] = []
        for type in MethodRegistry.all {
            func open<M: Method>(_ type: M.Type) throws -> String {
                String(decoding: try encoder.encode(M.Options()), as: UTF8.self)
            }
            lines.append("\(type.name) \(type.version) \(try open(type))")
        }
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/methods/defaults.txt")
        let golden = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
        for line in lines where !golden.contains(line) {
            Issue.record("not in Tests/Fixtures/methods/defaults.txt; bump the version and replace its line:\n\(line)")
        }
        #expect(lines.count == golden.count)
    }
}
