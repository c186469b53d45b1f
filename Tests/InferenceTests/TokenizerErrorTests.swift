import Foundation
import Inference
import TestSupport
import Testing

struct TokenizerErrorTests {
    private static let vocabulary = #"{"a": 0, "b": 1, "ab": 2, "<unk>": 3}"#

    private func message(
        model: String = #"{"type": "BPE", "vocab": \#(vocabulary), "merges": ["a b"]}"#, _ rest: String = ""
    ) -> String {
        do {
            let json = try JSONValue.parse(#"{"model": \#(model)\#(rest)}"#, source: "t.json")
            let ids = try Tokenizer(json: json, config: nil, source: "t.json").encode("abab", addSpecialTokens: false)
            return "read: \(ids)"
        } catch { return "\(error)" }
    }

    @Test func smallestTokenizers() {
        #expect(message() == "read: [2, 2]")
        #expect(message(model: #"{"vocab": \#(Self.vocabulary), "merges": [["a", "b"]]}"#) == "read: [2, 2]")
        #expect(
            message(model: #"{"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["ab", -1.5]]}"#)
                == "read: [1, 1]")
    }

    @Test(arguments: [
        (#", "normalizer": {"type": "Nmt"}"#, "t.json: normalizer: unknown normalizer 'Nmt'; known are NFC"),
        (
            #", "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "BertNormalizer"}]}"#,
            "t.json: normalizer.normalizers[1]: unknown normalizer 'BertNormalizer'"
        ),
        (
            #", "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}]}"#,
            "t.json: pre_tokenizer.pretokenizers[0]: unknown pre-tokenizer 'UnicodeScripts'; known are ByteLevel"
        ),
        (
            #", "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?<=x)y"}, "behavior": "Isolated"}"#,
            "t.json: pre_tokenizer.pattern: regular expression: look-behind and named groups are not supported"
        ),
        (
            #", "pre_tokenizer": {"type": "Split", "pattern": {"String": "x"}, "behavior": "Sideways"}"#,
            "t.json: pre_tokenizer.behavior: unknown 'Sideways'"
        ),
        (
            #", "pre_tokenizer": {"type": "Metaspace", "replacement": "ab"}"#,
            "t.json: pre_tokenizer.replacement: expected one character"
        ),
        (
            #", "post_processor": {"type": "Odd"}"#,
            "t.json: post_processor: unknown post-processor 'Odd'; known are TemplateProcessing"
        ),
        (
            #", "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}]"#
                + #", "special_tokens": {}}"#,
            "t.json: post_processor.single[0].SpecialToken: special token '<s>' is not among special_tokens"
        ),
        (#", "decoder": {"type": "WordPiece"}"#, "t.json: decoder: unknown decoder 'WordPiece'; known are ByteLevel"),
        (#", "decoder": {}"#, "t.json: decoder: 'type' is missing"),
        (#", "added_tokens": [{"content": "x"}]"#, "t.json: added_tokens[0]: 'id' is missing"),
        (
            #", "added_tokens": [{"id": 9, "content": "ab"}]"#,
            "t.json: added_tokens[0]: 'ab' has id 9 here, but 2 by the model's vocabulary"
        ),
        (
            #", "added_tokens": [{"id": 4, "content": "x"}, {"id": 4, "content": "x"}, {"id": 7, "content": "y"}]"#,
            "t.json: added_tokens[2]: 'y' has id 7 here, but 5 by the model's vocabulary"
        ),
        (#", "added_tokens": [{"id": -1, "content": "x"}]"#, "t.json: added_tokens[0].id: expected a token id"),
    ]) func unknownPartsAreNamed(_ rest: String, _ expected: String) {
        let found = message(rest)
        #expect(found.hasPrefix(expected), "\(found)")
    }

    @Test(arguments: [
        (#"{"type": "WordPiece", "vocab": {}}"#, "t.json: model: unknown model 'WordPiece'; known are BPE, Unigram"),
        (#"{"type": "BPE", "vocab": {"a": 0}}"#, "t.json: model: 'merges' is missing"),
        (#"{"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}"#, "t.json: model.merges[0]: a token of the merge"),
        (
            #"{"type": "BPE", "vocab": {"a": 0}, "merges": ["a  b"]}"#,
            "t.json: model.merges[0]: expected two tokens with one space"
        ),
        (#"{"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]}"#, "t.json: model.merges[0]: expected two tokens"),
        (#"{"type": "BPE", "vocab": {"a": -1}, "merges": []}"#, "t.json: model.vocab: 'a' has no usable id"),
        (#"{"type": "BPE", "vocab": {"a": 2000000000}, "merges": []}"#, "t.json: model.vocab: 'a' has no usable id"),
        (#"{"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1}"#, "t.json: model.dropout: BPE dropout"),
        (
            #"{"type": "BPE", "vocab": {}, "merges": [], "continuing_subword_prefix": "@@"}"#,
            "t.json: model.continuing_subword_prefix: is not supported unless empty"
        ),
        (
            #"{"type": "BPE", "vocab": {}, "merges": [], "unk_token": "?"}"#,
            "t.json: model.unk_token: is not in the vocabulary"
        ),
        (#"{"type": "Unigram", "vocab": [["a"]]}"#, "t.json: model.vocab[0]: expected a piece and its log-probability"),
        (#"{"type": "Unigram", "vocab": [["a", -1]], "unk_id": 4}"#, "t.json: model.unk_id: is beyond the vocabulary"),
    ]) func badModelsAreNamed(_ model: String, _ expected: String) {
        let found = message(model: model)
        #expect(found.hasPrefix(expected), "\(found)")
    }

    private func gguf(_ change: (inout GGUFVocabulary) -> Void) -> String {
        var vocabulary = GGUFVocabulary(
            model: "gpt2", pre: "gpt-2", tokens: ["a", "b", "ab", "<s>"].map { Array($0.utf8) }, types: [1, 1, 1, 3],
            merges: [Array("a b".utf8)])
        change(&vocabulary)
        do {
            let tokenizer = try Tokenizer(vocabulary: vocabulary, source: "m.gguf")
            return "read: \(tokenizer.encode("ab<s>a", addSpecialTokens: true))"
        } catch { return "\(error)" }
    }

    @Test func ggufVocabularies() {
        #expect(gguf { _ in } == "read: [2, 3, 0]")
        #expect(gguf { ($0.addBOS, $0.bosTokenID) = (true, 3) } == "read: [3, 2, 3, 0]")
        #expect(gguf { ($0.pre, $0.bosTokenID) = ("llama-bpe", 3) } == "read: [3, 2, 3, 0]")
        #expect(gguf { ($0.addEOS, $0.eosTokenID) = (true, 3) } == "read: [2, 3, 0, 3]")
        #expect(
            gguf { $0.addBOS = true } == "m.gguf: tokenizer.ggml.add_bos_token: is true, but bos_token_id is missing")
        #expect(gguf { $0.bosTokenID = 4 } == "m.gguf: tokenizer.ggml.bos_token_id: 4 is not an id of the vocabulary")
        let unknown = gguf { $0.pre = "mystery" }
        #expect(unknown.hasPrefix("m.gguf: tokenizer.ggml.pre: unknown pre-tokenizer 'mystery'; known are "))
        for name in [
            "smollm", "qwen2", "llama-bpe", "gpt-2", "deepseek-llm", "deepseek-coder", "falcon", "tekken", "gpt-4o",
        ] {
            #expect(unknown.contains(name))
            #expect(gguf { ($0.pre, $0.bosTokenID, $0.addBOS) = (name, 3, false) }.hasPrefix("read"))
        }
        #expect(gguf { $0.pre = nil }.hasPrefix("m.gguf: tokenizer.ggml.pre: is missing; known are"))
        #expect(gguf { $0.model = "bert" }.hasPrefix("m.gguf: tokenizer.ggml.model: unknown tokenizer model 'bert'"))
        #expect(gguf { $0.merges = [[0x61]] }.hasPrefix("m.gguf: tokenizer.ggml.merges[0]: expected two tokens"))
        #expect(
            gguf { $0.merges = [Array("a c".utf8)] }.hasPrefix("m.gguf: tokenizer.ggml.merges[0]: a token of the merge")
        )
        #expect(gguf { $0.tokens[1] = [0xFF] } == "m.gguf: tokenizer.ggml.tokens[1]: is not UTF-8")
        #expect(gguf { $0.tokens = [] } == "m.gguf: tokenizer.ggml.tokens: there are none")
        #expect(gguf { $0.types = [1] } == "m.gguf: tokenizer.ggml.token_type: 1 types for 4 tokens")
        #expect(gguf { $0.model = "llama" }.hasPrefix("m.gguf: tokenizer.ggml.scores: 0 scores for 4 tokens"))
    }

    /// Composed and decomposed tokens are two tokens, though equal as Swift strings.
    @Test func tokenTextsAreBytes() throws {
        let json = try JSONValue.parse(
            #"{"model": {"vocab": {"\u00e9": 0, "e": 1, "\u0301": 2, "e\u0301": 3}, "merges": [["e", "\u0301"]]}}"#,
            source: "t.json")
        let tokenizer = try Tokenizer(json: json, config: nil, source: "t.json")
        #expect(tokenizer.encode("\u{E9}", addSpecialTokens: false) == [0])
        #expect(tokenizer.encode("e\u{301}", addSpecialTokens: false) == [3])
        #expect(tokenizer.id(of: "e\u{301}") == 3)
        #expect(tokenizer.tokenText(3)?.utf8.count == 3)
    }

    /// Whatever stands where a value should be, the file is refused or read; nothing crashes.
    @Test(arguments: ["llama3-like", "mistral-like", "unigram-bytes", "contiguous"])
    func hostileFilesAreRefusedOrRead(_ name: String) throws {
        var generator = SeededGenerator(seed: 11)
        let json = try #require(JSONValue.parse(contentsOf: Fixtures.url("tokenizers/\(name).json"))["tokenizer"])
        let odd: [JSONValue] = [
            .null, .int(-1), .int(.max), .int(0), .double(1e300), .double(.nan), .string(""), .string("\u{301}("),
            .string("(?:a|b)*[^"), .array([]), .array([.null, .int(1)]), .object([]), .bool(true),
            .object([("type", .string("Sequence"))]),
        ]
        func mutated(_ value: JSONValue) -> JSONValue {
            switch value {
            case .array(var items) where !items.isEmpty && Int.random(in: 0..<8, using: &generator) > 0:
                let index = Int.random(in: 0..<items.count, using: &generator)
                items[index] = mutated(items[index])
                return .array(items)
            case .object(var pairs) where !pairs.isEmpty && Int.random(in: 0..<8, using: &generator) > 0:
                let index = Int.random(in: 0..<pairs.count, using: &generator)
                pairs[index].value = mutated(pairs[index].value)
                return .object(pairs)
            default: return odd[Int.random(in: 0..<odd.count, using: &generator)]
            }
        }
        var read = 0
        for _ in 0..<300 {
            guard let tokenizer = try? Tokenizer(json: mutated(json), config: nil, source: name) else { continue }
            read += 1
            let ids = tokenizer.encode("Hello  <|start|> wörld\n123 \u{1F600}", addSpecialTokens: true)
            _ = tokenizer.decode(ids, skipSpecialTokens: true)
        }
        #expect(read > 0 && read < 300)
    }
}
