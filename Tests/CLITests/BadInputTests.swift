import Foundation
import TestSupport
import Testing

/// Every failure says what, where and the next step; nothing crashes.
@Suite struct BadInputTests {
    let directory: TemporaryDirectory
    let model: URL

    init() throws {
        directory = try TemporaryDirectory()
        model = directory.url.appendingPathComponent("tiny")
        try TinyCheckpoint(seed: 7).write(to: model)
    }

    @Test func usage() throws {
        try CommandLineProgram.expectFailure(["frobnicate"], 64, "frobnicate")
        try CommandLineProgram.expectFailure(["ls", "modles"], 64, "modles")
        try CommandLineProgram.expectFailure(["logits", model.path, "--tokens", ""], 64, "token id")
        try CommandLineProgram.expectFailure(["logits", model.path, "--tokens", "1,x"], 64, "'x'")
        try CommandLineProgram.expectFailure(["logits", model.path, "--tokens", "1", "--precision", "f64"], 64, "f32 or bf16")
        try CommandLineProgram.expectFailure(["run", "suite.yaml", "--display", "loud"], 64, "rich, plain, none")
        try CommandLineProgram.expectFailure(["run", "suite.yaml", "--limit", "0"], 64, "--limit")
        try CommandLineProgram.expectFailure(["bench", model.path, "-n", "0"], 64, "--new-tokens")
    }

    @Test func missingThings() throws {
        let nowhere = directory.path + "/nowhere"
        try CommandLineProgram.expectFailure(["inspect", nowhere], 1, nowhere)
        try CommandLineProgram.expectFailure(["report", nowhere], 1, "abench run")
        try CommandLineProgram.expectFailure(["rescore", nowhere], 1, "abench run")
        #expect(!FileManager.default.fileExists(atPath: nowhere))
        try CommandLineProgram.expectFailure(["run", nowhere + ".yaml"], 1, "suites/README.md")
    }

    @Test func misspeltSuiteKey() throws {
        let suite = try directory.write("suite.yaml", "suite: x\nmodels: [tiny]\nmethods: [baseline]\nevalz: [kl]\n")
        try CommandLineProgram.expectFailure(["run", suite], 1, "\(suite):4:1: unknown key 'evalz'; did you mean 'evals'?")
    }

    @Test func damagedCheckpoints() throws {
        let weights = model.appendingPathComponent("model.safetensors")
        let bytes = [UInt8](try Data(contentsOf: weights))
        try Data(bytes.prefix(bytes.count / 2)).write(to: weights)
        try CommandLineProgram.expectFailure(["inspect", model.path], 1, "cut short")
        // The last value of the file is an F32 of the last tensor: the final norm.
        let nan: [UInt8] = [0, 0, 0xC0, 0x7F]
        try Data(Array(bytes.dropLast(4)) + nan).write(to: weights)
        try CommandLineProgram.expectFailure(["logits", model.path, "--tokens", "1"], 1, "model.norm.weight", "NaN")

        let gguf = try directory.write("short.gguf", Array(GGUFWriter().bytes().prefix(20)))
        try CommandLineProgram.expectFailure(["inspect", gguf], 1, gguf)
    }

    @Test func prompts() throws {
        try CommandLineProgram.expectFailure(["logits", model.path, "--tokens", "1,9999999"], 1, "outside the model's vocabulary")
        let long = String(repeating: "word ", count: 1000)
        try CommandLineProgram.expectFailure(["generate", model.path, long, "--max-tokens", "1"], 1, "context of 512")
    }

    @Test func unknownTemplateConstruct() throws {
        let template = try directory.write("t.jinja", "a\n{% frobnicate %}")
        let messages = try directory.write("m.json", #"[{"role": "user", "content": "hi"}]"#)
        try CommandLineProgram.expectFailure(
            ["template", "--template", template, "--messages", messages], 1, "t.jinja:2", "frobnicate")
    }
}
