import Foundation
import Inference
import TestSupport
import Testing

struct TokenizerUnicodeTests {
    /// Every kind of pattern against Oniguruma's matches.
    @Test func patternsMatchAsInTheReference() throws {
        let json = try JSONValue.parse(contentsOf: Fixtures.url("tokenizers/regex.json"))
        let texts = (json["texts"]?.arrayValue ?? []).compactMap(\.stringValue)
        let rows = json["patterns"]?.arrayValue ?? []
        #expect(texts.count > 60 && rows.count > 70)
        for row in rows {
            let pattern = try #require(row.arrayValue?[0].stringValue)
            let regex = try TokenizerRegex(pattern)
            for (text, expected) in zip(texts, row.arrayValue?[1].arrayValue ?? []) {
                let found = regex.matches(in: Array(text.utf8)).filter { !$0.isEmpty }
                let wanted = (expected.arrayValue ?? []).compactMap { pair -> Range<Int>? in
                    guard let low = pair.arrayValue?[0].intValue, let high = pair.arrayValue?[1].intValue else {
                        return nil
                    }
                    return low..<high
                }
                #expect(found == wanted, "\(pattern) in \(text.debugDescription)")
            }
        }
    }

    @Test(arguments: [
        #"(a)\1"#, "(?<=a)b", "(?<!a)b", "(?<name>a)", "[a&&b]", "[[:alpha:]]", #"\p{Han}"#, "a{2}+", "a{2}?", "*a",
        "(a", "a)",
        "[a", "[]a]", #"a\"#, #"\p{L"#, #"\pL"#, "[z-a]", "(?x:a)", #"\h"#, #"\R"#, #"\X"#, #"\K"#, #"\xE9"#, "(?:a*)*",
        "(?i:é)",
        "(?i:ss)", "(?i:office)", "a{3,2}", #"\07"#, "(?:(?:(?:a{1000}b){1000}c){1000}d)",
        "(?:(?:(?:){9999}){9999}){9999}",
    ]) func unsupportedPatternsAreRefused(_ pattern: String) {
        #expect(throws: TokenizerRegex.Failure.self) { try TokenizerRegex(pattern) }
    }

    private func forms(_ text: String) -> [[UInt8]] {
        [(true, false), (false, false), (true, true), (false, true)].map { composes, isCompatibility in
            UnicodeNormalization.shared.normalize(
                Array(text.utf8), composes: composes, isCompatibility: isCompatibility)
        }
    }

    /// NFC, NFD, NFKC, NFKD of sequences of marks, jamo, and all that decomposes, as Python has them.
    @Test func normalFormsOfSequences() throws {
        let rows = try JSONValue.parse(contentsOf: Fixtures.url("tokenizers/normalization.json")).arrayValue ?? []
        #expect(rows.count == 900)
        for row in rows {
            let texts = (row.arrayValue ?? []).compactMap(\.stringValue)
            #expect(texts.count == 5)
            #expect(
                forms(texts[0]) == texts[1...].map { Array($0.utf8) },
                "\(texts[0].unicodeScalars.map { String($0.value, radix: 16) })")
        }
    }

    /// Single scalars against Foundation, which is another implementation (and wrong about some sequences), for what the
    /// library's Unicode 9 assigns; later ones stay as they are.
    @Test func normalFormsOfScalars() {
        for value in UInt32(0)..<0x2FA20 where value < 0x3400 || value % 7 == 0 || value >= 0x2F800 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(Character(scalar))
            var expected = [text, text, text, text]
            if let age = scalar.properties.age, age.major <= 9 {
                expected = [
                    text.precomposedStringWithCanonicalMapping, text.decomposedStringWithCanonicalMapping,
                    text.precomposedStringWithCompatibilityMapping, text.decomposedStringWithCompatibilityMapping,
                ]
            }
            #expect(forms(text) == expected.map { Array($0.utf8) }, "\(String(value, radix: 16))")
        }
    }

    @Test func illFormedBytesBecomeReplacementsAsInPython() {
        // Recorded from bytes.decode("utf-8", errors="replace").
        let cases: [([UInt8], String)] = [
            ([0xE4, 0xB8, 0xAD], "中"), ([0xE4, 0xB8], "\u{FFFD}"), ([0xE4, 0xB8, 0x41], "\u{FFFD}A"),
            ([0xFF, 0x41, 0x80], "\u{FFFD}A\u{FFFD}"), ([0xF0, 0x9F, 0x98], "\u{FFFD}"),
            ([0xF0, 0x9F, 0x98, 0x80], "😀"),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"), ([0xE0, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF0, 0x80], "\u{FFFD}\u{FFFD}"), ([0xC3, 0xC3, 0xA9], "\u{FFFD}é"), ([0xF5], "\u{FFFD}"),
            ([0xF1, 0x80, 0xC3, 0xA9], "\u{FFFD}é"),
        ]
        for (bytes, text) in cases { #expect(UTF8Text.repaired(bytes).elementsEqual(text.utf8), "\(bytes)") }
    }
}
