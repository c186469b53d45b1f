import Foundation
import TestSupport
import Testing

/// The forms that other programs read (DESIGN 7).
@Suite struct MachineFormTests {
    let directory: TemporaryDirectory
    let model: URL

    init() throws {
        directory = try TemporaryDirectory()
        model = directory.url.appendingPathComponent("tiny")
        try TinyCheckpoint(seed: 11).write(to: model)
    }

    private func json(_ arguments: [String]) throws -> Any {
        let outcome = try CommandLineProgram.run(arguments)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    }

    @Test func tokenizeWithTokenizerOnly() throws {
        let alone = directory.url.appendingPathComponent("alone")
        try FileManager.default.createDirectory(at: alone, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: model.appendingPathComponent("tokenizer.json"), to: alone.appendingPathComponent("tokenizer.json"))
        let batch = try directory.write("texts.json", #"["the", "", "é"]"#)
        let alphabet = TinyCheckpoint.vocabulary
        // "the" is one merged token; é is two bytes, C3 and A9, after the three specials.
        let the = try #require(alphabet.firstIndex(of: "the"))
        for path in [alone.path, model.path] {
            let object = try #require(try json(["tokenize", path, "--batch", batch, "--json"]) as? [String: Any])
            #expect(object["ids"] as? [[Int]] == [[the], [], [3 + 0xC3, 3 + 0xA9]])
            #expect(object.count == 1)
        }
    }

    @Test func logits() throws {
        let object = try #require(
            try json(["logits", model.path, "--tokens", "1,2,3", "--precision", "f32", "--json"]) as? [String: Any])
        #expect(object["tokens"] as? [Int] == [1, 2, 3])
        let rows = try #require(object["logits"] as? [[Double]])
        #expect(rows.count == 3)
        #expect(rows.allSatisfy { $0.count == TinyCheckpoint.vocabulary.count })
        // Full precision: a value read as Float and printed again is the same number.
        #expect(rows.joined().contains { Double(Float($0 * 1000).rounded() / 1000) != $0 })
    }

    @Test func template() throws {
        let file = try directory.write("t.jinja", "{{ messages[0].content }}|{{ flag }}|{{ add_generation_prompt }}")
        let messages = try directory.write("m.json", #"[{"role": "user", "content": "hi"}]"#)
        let outcome = try CommandLineProgram.run(
            ["template", "--template", file, "--messages", messages, "--set", "flag=false"])
        #expect(outcome.output == "hi|False|True")
        #expect(outcome.errors.isEmpty)
    }

    @Test(arguments: ["models", "families", "methods", "evals", "judges", "datasets", "runs"])
    func listing(_ kind: String) throws {
        let rows = try #require(try json(["ls", kind, "--json"]) as? [[String: Any]])
        if !["models", "runs"].contains(kind) { #expect(!rows.isEmpty) }
    }

    @Test func inspect() throws {
        let object = try #require(try json(["inspect", model.path, "--json"]) as? [String: Any])
        #expect(object["family"] as? String == "llama")
        #expect(object["layers"] as? Int == 2)
        #expect((object["residual_writers"] as? [String])?.isEmpty == false)
    }
}
