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
        "(?:(?:(?:){9999}){9999}){9999}", #"[\P{L}a-cé[^é]]"#,
    ]) func unsupportedPatternsAreRefused(_ pattern: String) {
        #expect(throws: TokenizerRegex.Failure.self) { try TokenizerRegex(pattern) }
    }

    /// Normal forms against Foundation, which is another implementation, for what both Unicode versions assign.
    @Test func normalFormsAgreeWithFoundation() {
        var generator = SeededGenerator(seed: 7)
        let marks = (UInt32(0x300)..<0x3100).compactMap(Unicode.Scalar.init).filter {
            ($0.properties.age?.major ?? 99) <= 9 && $0.properties.canonicalCombiningClass != .notReordered
        }
        let normalization = UnicodeNormalization.shared
        func check(_ text: String) {
            let bytes = Array(text.utf8)
            let forms: [(Bool, Bool, String)] = [
                (true, false, text.precomposedStringWithCanonicalMapping),
                (false, false, text.decomposedStringWithCanonicalMapping),
                (true, true, text.precomposedStringWithCompatibilityMapping),
                (false, true, text.decomposedStringWithCompatibilityMapping),
            ]
            for (composes, isCompatibility, expected) in forms {
                let found = normalization.normalize(bytes, composes: composes, isCompatibility: isCompatibility)
                #expect(
                    found.elementsEqual(expected.utf8),
                    "\(text.unicodeScalars.map { String($0.value, radix: 16) }) \(composes) \(isCompatibility)")
            }
        }
        let scalars = (UInt32(0)..<0x2FA20).compactMap(Unicode.Scalar.init).filter {
            ($0.properties.age?.major ?? 99) <= 9
        }
        for scalar in scalars where scalar.value < 0x3400 || scalar.value % 7 == 0 || scalar.value >= 0x2F800 {
            check(String(Character(scalar)))
        }
        for _ in 0..<5_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                if Bool.random(using: &generator) {
                    text.unicodeScalars.append(scalars[Int.random(in: 0..<0x2000, using: &generator)])
                } else {
                    text.unicodeScalars.append(marks.randomElement(using: &generator) ?? "\u{301}")
                }
            }
            check(text)
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
