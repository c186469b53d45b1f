import Foundation
import Inference
import TestSupport
import Testing

/// Tiny tokenizers of every kind, trained for these tests, against what the `tokenizers` library made of hard texts:
/// all planes, unassigned scalars, marks in any order, special tokens whole and cut, runs of white space, long runs.
struct TokenizerGoldenTests {
    static let names = [
        "qwen-like", "llama3-like", "gpt2-like", "olmo-like", "o200k-like", "possessive", "digits-split",
        "merged-previous",
        "merged-next", "contiguous", "llama2-like", "gemma-like", "mistral-like", "no-fallback", "no-fusing", "t5-like",
        "unigram-bytes", "whitespace",
    ]

    private struct Golden {
        var tokenizer: Tokenizer
        var texts: [String]
        var ids: [[Int32]]
        var front: [Int32]
        var back: [Int32]
        var decodings: [(ids: [Int32], skips: Bool, text: String)]

        init(_ name: String) throws {
            let json = try JSONValue.parse(contentsOf: Fixtures.url("tokenizers/\(name).json"))
            texts =
                try JSONValue.parse(contentsOf: Fixtures.url("tokenizers/texts.json")).arrayValue?.compactMap(
                    \.stringValue) ?? []
            tokenizer = try Tokenizer(json: try #require(json["tokenizer"]), config: nil, source: name)
            ids = (json["ids"]?.arrayValue ?? []).map(Self.ids)
            front = Self.ids(json["front"] ?? .null)
            back = Self.ids(json["back"] ?? .null)
            decodings = (json["decodings"]?.arrayValue ?? []).map {
                (
                    Self.ids($0.arrayValue?[0] ?? .null), $0.arrayValue?[1].boolValue ?? false,
                    $0.arrayValue?[2].stringValue ?? ""
                )
            }
        }

        static func ids(_ value: JSONValue) -> [Int32] {
            (value.arrayValue ?? []).compactMap { $0.intValue.map(Int32.init) }
        }
    }

    @Test(arguments: names) func idsEqualTheReference(_ name: String) throws {
        let golden = try Golden(name)
        #expect(golden.texts.count > 400 && golden.ids.count == golden.texts.count)
        for (text, ids) in zip(golden.texts, golden.ids) {
            let found = golden.tokenizer.encode(text, addSpecialTokens: false)
            #expect(found == ids, "\(text.unicodeScalars.map { String($0.value, radix: 16) })")
            #expect(golden.tokenizer.encode(text, addSpecialTokens: true) == golden.front + ids + golden.back)
        }
    }

    @Test(arguments: names) func textEqualsTheReference(_ name: String) throws {
        let golden = try Golden(name)
        #expect(golden.decodings.count > 100)
        for (ids, skips, text) in golden.decodings {
            let found = golden.tokenizer.decode(ids, skipSpecialTokens: skips)
            #expect(
                found.utf8.elementsEqual(text.utf8), "\(ids): \(found.debugDescription), not \(text.debugDescription)")
        }
    }

    /// What has been handed out is never taken back, and adds up to the whole.
    @Test(arguments: names) func streamingAddsUpToTheWhole(_ name: String) throws {
        let golden = try Golden(name)
        for (ids, skips, text) in golden.decodings + golden.ids.map({ ($0, false, "") }) {
            var decoder = StreamingDecoder(golden.tokenizer, skipSpecialTokens: skips)
            var parts = ""
            for id in ids { parts += decoder.append(id) }
            parts += decoder.finish()
            #expect(parts.utf8.elementsEqual(decoder.text.utf8))
            let whole = golden.tokenizer.decode(ids, skipSpecialTokens: skips)
            #expect(decoder.text.utf8.elementsEqual(whole.utf8), "\(ids)")
            if !text.isEmpty { #expect(whole.utf8.elementsEqual(text.utf8)) }
        }
    }

    @Test func byteLevelTextSurvives() throws {
        let golden = try Golden("llama3-like")
        for text in golden.texts where !text.unicodeScalars.contains("<") && !text.utf8.starts(with: "strip".utf8) {
            let ids = golden.tokenizer.encode(text, addSpecialTokens: false)
            guard !ids.contains(where: { golden.tokenizer.id(of: "strip") == $0 }) else { continue }
            #expect(golden.tokenizer.decode(ids, skipSpecialTokens: false).utf8.elementsEqual(text.utf8))
        }
    }

    @Test func describesItself() throws {
        let golden = try Golden("llama3-like")
        let tokenizer = golden.tokenizer
        let start = try #require(tokenizer.id(of: "<|start|>"))
        #expect(tokenizer.vocabularySize == 705)
        #expect(tokenizer.tokenText(start) == "<|start|>")
        #expect(tokenizer.isSpecial(start))
        let word = try #require(tokenizer.id(of: "Word"))
        #expect(!tokenizer.isSpecial(word))
        #expect(
            tokenizer.tokenText(-1) == nil && tokenizer.tokenText(705) == nil
                && tokenizer.id(of: "no such token") == nil)
        #expect(tokenizer.decode([start, -5, 99_999, word], skipSpecialTokens: true) == "Word")
        #expect(tokenizer.sha256.utf8.count == 64)
        #expect(try tokenizer.sha256 == Golden("llama3-like").tokenizer.sha256)
        #expect(try tokenizer.sha256 != Golden("o200k-like").tokenizer.sha256)
    }

    @Test func configurationNamesTheSpecialTokens() throws {
        let json = try #require(JSONValue.parse(contentsOf: Fixtures.url("tokenizers/llama3-like.json"))["tokenizer"])
        let config = try JSONValue.parse(
            #"{"bos_token": {"content": "<|start|>", "lstrip": false}, "eos_token": "<|end|>", "pad_token": null}"#,
            source: "tokenizer_config.json")
        let tokenizer = try Tokenizer(json: json, config: config, source: "tokenizer.json")
        #expect(tokenizer.bosTokenID == tokenizer.id(of: "<|start|>"))
        #expect(tokenizer.eosTokenID == tokenizer.id(of: "<|end|>"))
        #expect(tokenizer.padTokenID == nil)
        #expect(tokenizer.addsBOS)
        #expect(try !Tokenizer(json: json, config: nil, source: "tokenizer.json").addsBOS)
    }

    /// A million bytes without a place to cut: quadratic merging would take hours.
    @Test(arguments: ["qwen-like", "llama2-like", "t5-like", "mistral-like"]) func longTextsAreLinear(_ name: String)
        throws
    {
        let tokenizer = try Golden(name).tokenizer
        for text in [
            String(repeating: "ab", count: 500_000), String(repeating: " ", count: 1_000_000),
            String(repeating: "\u{301}\u{316}", count: 100_000), String(repeating: "<|", count: 500_000),
            String(repeating: "漢字", count: 150_000),
        ] {
            let clock = ContinuousClock()
            let time = clock.measure { _ = tokenizer.encode(text, addSpecialTokens: false) }
            #expect(time < .seconds(20))
        }
    }
}
