import Foundation
import Inference
import TestSupport
import Testing

private let tokenizers = ProcessInfo.processInfo.environment["ABENCH_TOKENIZERS"]

/// Real tokenizers, which are not part of the repository: `ABENCH_TOKENIZERS` names a directory with
/// `hf/NAME/tokenizer.json` and `gguf/ggml-vocab-NAME.gguf` with its `.inp` and `.out`.
@Suite(.enabled(if: tokenizers != nil, "set ABENCH_TOKENIZERS to a directory with tokenizers"))
struct TokenizerRealTests {
    private var directory: String { tokenizers ?? "" }

    @Test(arguments: ["qwen", "smollm", "olmo", "phi", "mistral", "yi"]) func tokenizerFiles(_ name: String) throws {
        let files = try CheckpointLoader.openTokenizerOnly("\(directory)/hf/\(name)")
        guard case .files(let path, let config) = files.tokenizerSource else {
            Issue.record("no tokenizer.json")
            return
        }
        let tokenizer = try Tokenizer(
            json: JSONValue.parse(contentsOf: URL(fileURLWithPath: path)), config: config, source: path)
        let rows =
            try JSONValue.parse(contentsOf: Fixtures.url("tokenizers/real/\(name).json"))["rows"]?.arrayValue ?? []
        #expect(rows.count > 400)
        for (index, row) in rows.enumerated() {
            let parts = try #require(row.arrayValue)
            let text = try #require(parts[0].stringValue)
            let ids = (parts[1].arrayValue ?? []).compactMap { $0.intValue.map(Int32.init) }
            #expect(tokenizer.encode(text, addSpecialTokens: index % 2 == 0) == ids, "\(text.debugDescription)")
            let decoded = tokenizer.decode(ids, skipSpecialTokens: index % 2 == 1)
            #expect(decoded.utf8.elementsEqual((parts[2].stringValue ?? "").utf8), "\(ids)")
        }
    }

    @Test(arguments: [
        "command-r", "deepseek-coder", "deepseek-llm", "falcon", "gemma-4", "gpt-2", "llama-bpe", "llama-spm", "mpt",
        "phi-3",
        "qwen2", "qwen35", "refact", "starcoder",
    ]) func ggufVocabularies(_ name: String) throws {
        let path = "\(directory)/gguf/ggml-vocab-\(name).gguf"
        let tokenizer = try LanguageModel.tokenizer(of: CheckpointLoader.openTokenizerOnly(path))
        let texts = try String(contentsOfFile: path + ".inp", encoding: .utf8).components(
            separatedBy: "\n__ggml_vocab_test__\n")
        let lines = try String(contentsOfFile: path + ".out", encoding: .utf8).components(separatedBy: "\n")
        #expect(texts.count > 40 && lines.count >= texts.count)
        for (text, line) in zip(texts, lines) {
            // These vectors come from llama.cpp itself, which leaves out the normalisation of the original tokenizer.
            if name == "qwen35", !text.precomposedStringWithCanonicalMapping.utf8.elementsEqual(text.utf8) { continue }
            let ids = line.split(separator: " ").compactMap { Int32($0) }
            #expect(tokenizer.encode(text, addSpecialTokens: false) == ids, "\(text.debugDescription)")
        }
    }

    /// The same vocabulary in both kinds of file gives the same ids.
    @Test func bothKindsOfFileAgree() throws {
        let files = try CheckpointLoader.openTokenizerOnly("\(directory)/hf/qwen")
        let first = try LanguageModel.tokenizer(of: files)
        let second = try LanguageModel.tokenizer(
            of: CheckpointLoader.openTokenizerOnly("\(directory)/gguf/ggml-vocab-qwen2.gguf"))
        let texts = try JSONValue.parse(contentsOf: Fixtures.url("tokenizers/texts.json")).arrayValue ?? []
        for text in texts.compactMap(\.stringValue) where !text.unicodeScalars.contains("<") {
            #expect(first.encode(text, addSpecialTokens: false) == second.encode(text, addSpecialTokens: false))
        }
    }
}
