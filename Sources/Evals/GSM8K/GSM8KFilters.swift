/// How lm-evaluation-harness reads a number out of a response and compares it with the gold answer: its `gsm8k` and
/// `gsm8k_cot` tasks, version 3.0, `regex` filters and `exact_match`. The patterns are matched by hand, with the
/// meaning Python's `re` gives them: `findall` from left to right, greedy, `[0-9]` is ASCII only.
package enum GSM8KFilters {
    /// What lm-eval stores when a pattern matches nowhere.
    package static let invalid = "[invalid]"

    /// `#### (\-?[0-9\.\,]+)`, the first match.
    package static func strictMatch(_ response: String) -> String? {
        let text = Array(response.utf8)
        var start = 0
        while let found = ByteSearch.firstIndex(of: hashes, in: text, from: start) {
            if let end = number(in: text, at: found + hashes.count) {
                return String(decoding: text[(found + hashes.count)..<end], as: UTF8.self)
            }
            start = found + 1
        }
        return nil
    }

    /// `The answer is (\-?[0-9\.\,]+).`, the first match. The dot at the end of the pattern takes any one character
    /// but a line feed; where there is none left, it takes the number's last one: "The answer is 18" at the end of
    /// a text gives "1". That is what the published task does, so it is what this does.
    package static func strictMatchCoT(_ response: String) -> String? {
        let text = Array(response.utf8)
        var start = 0
        while let found = ByteSearch.firstIndex(of: theAnswerIs, in: text, from: start) {
            let begin = found + theAnswerIs.count
            if var end = number(in: text, at: begin) {
                if end == text.count || text[end] == UInt8(ascii: "\n") { end -= 1 }
                let digits = text[begin] == UInt8(ascii: "-") ? begin + 1 : begin
                if end > digits { return String(decoding: text[begin..<end], as: UTF8.self) }
            }
            start = found + 1
        }
        return nil
    }

    /// `(-?[$0-9.,]{2,})|(-?[0-9]+)`, the last match.
    package static func flexibleExtract(_ response: String) -> String? {
        let text = Array(response.utf8)
        var last: Range<Int>?
        var index = 0
        while index < text.count {
            let digits = text[index] == UInt8(ascii: "-") ? index + 1 : index
            var end = digits
            while end < text.count, isNumeric(text[end]) || text[end] == UInt8(ascii: "$") { end += 1 }
            if end - digits < 2 {
                end = digits
                while end < text.count, isDigit(text[end]) { end += 1 }
            }
            if end > digits {
                last = index..<end
                index = end
            } else {
                index += 1
            }
        }
        return last.map { String(decoding: text[$0], as: UTF8.self) }
    }

    /// `exact_match` with `regexes_to_ignore` `,` `\$` `(?s).*#### ` `\.$` and `ignore_case`: both sides lose these in
    /// this order, are lower-cased and compared.
    package static func exactMatch(_ prediction: String, _ reference: String) -> Bool {
        normalized(prediction).utf8.elementsEqual(normalized(reference).utf8)
    }

    package static func normalized(_ text: String) -> String {
        var bytes = text.utf8.filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "$") }
        if let last = ByteSearch.lastIndex(of: hashes, in: bytes) { bytes.removeSubrange(...(last + hashes.count - 1)) }
        // `$` also matches before a line feed at the very end.
        if bytes.last == UInt8(ascii: ".") {
            bytes.removeLast()
        } else if bytes.count > 1, bytes.last == UInt8(ascii: "\n"), bytes[bytes.count - 2] == UInt8(ascii: ".") {
            bytes.remove(at: bytes.count - 2)
        }
        return PythonText.lower(String(decoding: bytes, as: UTF8.self))
    }

    private static let hashes = Array("#### ".utf8)
    private static let theAnswerIs = Array("The answer is ".utf8)

    /// The end of `-?[0-9.,]+` at an offset, nil when it doesn't match there.
    private static func number(in text: [UInt8], at start: Int) -> Int? {
        guard start < text.count else { return nil }
        let digits = text[start] == UInt8(ascii: "-") ? start + 1 : start
        var end = digits
        while end < text.count, isNumeric(text[end]) { end += 1 }
        return end > digits ? end : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isNumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",")
    }
}
