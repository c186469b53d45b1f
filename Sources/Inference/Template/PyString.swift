/// Python's string operations on code points.
enum PyString {
    /// `str.isspace` for one character.
    static func isSpace(_ s: Unicode.Scalar) -> Bool {
        switch s.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// Where `str.splitlines` breaks.
    static func isLineBreak(_ s: Unicode.Scalar) -> Bool {
        switch s.value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    static func isAlpha(_ s: Unicode.Scalar) -> Bool {
        switch s.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    static func isDecimal(_ s: Unicode.Scalar) -> Bool { s.properties.generalCategory == .decimalNumber }

    static func isDigit(_ s: Unicode.Scalar) -> Bool {
        s.properties.numericType == .decimal || s.properties.numericType == .digit
    }

    static func isAlphanumeric(_ s: Unicode.Scalar) -> Bool {
        if s.isASCII {
            return (s.value >= 48 && s.value <= 57) || (s.value | 32 >= 97 && s.value | 32 <= 122)
        }
        return isAlpha(s) || s.properties.numericType != nil
    }

    static func isIdentifierStart(_ s: Unicode.Scalar) -> Bool { s.properties.isXIDStart }

    /// Whether `repr` shows the character as it is.
    static func isPrintable(_ s: Unicode.Scalar) -> Bool {
        if s.isASCII { return s.value >= 0x20 && s.value < 0x7F }
        switch s.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    static func strip(_ s: PyText, _ characters: PyText?, left: Bool = true, right: Bool = true) -> PyText {
        let set = characters.map { Set($0) }
        func drops(_ c: Unicode.Scalar) -> Bool { set?.contains(c) ?? isSpace(c) }
        var start = 0
        var end = s.count
        if left { while start < end, drops(s[start]) { start += 1 } }
        if right { while end > start, drops(s[end - 1]) { end -= 1 } }
        return PyText(s[start..<end])
    }

    static func hasPrefix(_ s: ArraySlice<Unicode.Scalar>, _ prefix: PyText) -> Bool {
        s.count >= prefix.count && s.prefix(prefix.count).elementsEqual(prefix)
    }

    static func hasSuffix(_ s: ArraySlice<Unicode.Scalar>, _ suffix: PyText) -> Bool {
        s.count >= suffix.count && s.suffix(suffix.count).elementsEqual(suffix)
    }

    /// The first occurrence of `needle` at or after `start`, in linear time (Knuth-Morris-Pratt).
    static func find(_ needle: PyText, in s: PyText, from start: Int = 0, to end: Int? = nil) -> Int? {
        let end = end ?? s.count
        let m = needle.count
        guard m > 0 else { return start <= end ? start : nil }
        guard end - start >= m else { return nil }
        if m == 1 {
            var i = start
            while i < end {
                if s[i] == needle[0] { return i }
                i += 1
            }
            return nil
        }
        let failure = failureTable(needle)
        var matched = 0
        var i = start
        while i < end {
            while matched > 0, s[i] != needle[matched] { matched = failure[matched - 1] }
            if s[i] == needle[matched] { matched += 1 }
            i += 1
            if matched == m { return i - m }
        }
        return nil
    }

    private static func failureTable(_ needle: PyText) -> [Int] {
        var table = [Int](repeating: 0, count: needle.count)
        var k = 0
        var i = 1
        while i < needle.count {
            while k > 0, needle[i] != needle[k] { k = table[k - 1] }
            if needle[i] == needle[k] { k += 1 }
            table[i] = k
            i += 1
        }
        return table
    }

    /// Starts of the non-overlapping occurrences of a non-empty needle, at most `limit`.
    static func occurrences(_ needle: PyText, in s: PyText, limit: Int = .max) -> [Int] {
        var result: [Int] = []
        guard !needle.isEmpty, s.count >= needle.count, limit > 0 else { return result }
        let failure = failureTable(needle)
        var matched = 0
        for i in 0..<s.count {
            while matched > 0, s[i] != needle[matched] { matched = failure[matched - 1] }
            if s[i] == needle[matched] { matched += 1 }
            if matched == needle.count {
                result.append(i + 1 - needle.count)
                matched = 0
                if result.count == limit { break }
            }
        }
        return result
    }

    static func rfind(_ needle: PyText, in s: PyText, from start: Int, to end: Int) -> Int? {
        let found = find(PyText(needle.reversed()), in: PyText(s[start..<end].reversed()))
        return found.map { end - $0 - needle.count }
    }

    static func replace(_ s: PyText, _ old: PyText, _ new: PyText, count: Int = -1) -> PyText {
        let limit = count < 0 ? Int.max : count
        var result = PyText()
        if old.isEmpty {
            var left = limit
            for c in s {
                if left > 0 {
                    result += new
                    left -= 1
                }
                result.append(c)
            }
            if left > 0 { result += new }
            return result
        }
        var last = 0
        for start in occurrences(old, in: s, limit: limit) {
            result += s[last..<start]
            result += new
            last = start + old.count
        }
        result += s[last...]
        return result
    }

    static func split(_ s: PyText, separator: PyText, limit: Int) -> [PyText] {
        var parts: [PyText] = []
        var last = 0
        for start in occurrences(separator, in: s, limit: limit < 0 ? .max : limit) {
            parts.append(PyText(s[last..<start]))
            last = start + separator.count
        }
        parts.append(PyText(s[last...]))
        return parts
    }

    static func rsplit(_ s: PyText, separator: PyText, limit: Int) -> [PyText] {
        let parts = split(PyText(s.reversed()), separator: PyText(separator.reversed()), limit: limit)
        return parts.reversed().map { PyText($0.reversed()) }
    }

    /// Splits at runs of white space.
    static func split(_ s: PyText, limit: Int) -> [PyText] {
        var parts: [PyText] = []
        var i = 0
        while true {
            while i < s.count, isSpace(s[i]) { i += 1 }
            guard i < s.count else { return parts }
            if limit >= 0, parts.count == limit {
                parts.append(PyText(s[i...]))
                return parts
            }
            let start = i
            while i < s.count, !isSpace(s[i]) { i += 1 }
            parts.append(PyText(s[start..<i]))
        }
    }

    static func rsplit(_ s: PyText, limit: Int) -> [PyText] {
        split(PyText(s.reversed()), limit: limit).reversed().map { PyText($0.reversed()) }
    }

    static func splitLines(_ s: PyText, keepEnds: Bool = false) -> [PyText] {
        var lines: [PyText] = []
        var i = 0
        while i < s.count {
            let start = i
            while i < s.count, !isLineBreak(s[i]) { i += 1 }
            let end = i
            if i < s.count { i += s[i] == "\r" && i + 1 < s.count && s[i + 1] == "\n" ? 2 : 1 }
            lines.append(PyText(s[start..<(keepEnds ? i : end)]))
        }
        return lines
    }

    // MARK: Case

    private static func isCased(_ s: Unicode.Scalar) -> Bool { s.properties.isCased }

    static func upper(_ s: PyText) -> PyText {
        var result = PyText()
        for c in s { result += c.properties.uppercaseMapping.unicodeScalars }
        return result
    }

    private static func lower(_ i: Int, of s: PyText) -> String {
        // A final sigma: after a cased letter and before none, case-ignorable characters not counting.
        guard s[i].value == 0x3A3 else { return s[i].properties.lowercaseMapping }
        var j = i - 1
        while j >= 0, s[j].properties.isCaseIgnorable { j -= 1 }
        guard j >= 0, isCased(s[j]) else { return "\u{3C3}" }
        j = i + 1
        while j < s.count, s[j].properties.isCaseIgnorable { j += 1 }
        return j < s.count && isCased(s[j]) ? "\u{3C3}" : "\u{3C2}"
    }

    static func lower(_ s: PyText) -> PyText {
        var result = PyText()
        for i in s.indices { result += lower(i, of: s).unicodeScalars }
        return result
    }

    static func capitalize(_ s: PyText) -> PyText {
        var result = PyText()
        for i in s.indices {
            result += (i == 0 ? s[i].properties.titlecaseMapping : lower(i, of: s)).unicodeScalars
        }
        return result
    }

    static func title(_ s: PyText) -> PyText {
        var result = PyText()
        var previousCased = false
        for i in s.indices {
            result += (previousCased ? lower(i, of: s) : s[i].properties.titlecaseMapping).unicodeScalars
            previousCased = isCased(s[i])
        }
        return result
    }

    static func swapcase(_ s: PyText) -> PyText {
        var result = PyText()
        for i in s.indices {
            let p = s[i].properties
            result +=
                (p.isUppercase ? lower(i, of: s) : p.isLowercase ? p.uppercaseMapping : String(s[i])).unicodeScalars
        }
        return result
    }

    static func istitle(_ s: PyText) -> Bool {
        var previousCased = false
        var found = false
        for c in s {
            let p = c.properties
            if p.isUppercase || p.generalCategory == .titlecaseLetter {
                if previousCased { return false }
                previousCased = true
                found = true
            } else if p.isLowercase {
                if !previousCased { return false }
                found = true
            } else {
                previousCased = false
            }
        }
        return found
    }

    // MARK: Representation

    /// `repr` of a string.
    static func repr(_ s: PyText) -> PyText {
        let quote: Unicode.Scalar = s.contains("'") && !s.contains("\"") ? "\"" : "'"
        var result: PyText = [quote]
        for c in s {
            switch c {
            case quote, "\\": result += ["\\", c]
            case "\n": result += ["\\", "n"]
            case "\r": result += ["\\", "r"]
            case "\t": result += ["\\", "t"]
            default:
                if isPrintable(c) {
                    result.append(c)
                } else if c.value < 0x100 {
                    result += "\\x".unicodeScalars
                    result += hex(c.value, digits: 2)
                } else if c.value < 0x10000 {
                    result += "\\u".unicodeScalars
                    result += hex(c.value, digits: 4)
                } else {
                    result += "\\U".unicodeScalars
                    result += hex(c.value, digits: 8)
                }
            }
        }
        result.append(quote)
        return result
    }

    static func hex(_ value: UInt32, digits: Int) -> PyText {
        let text = String(value, radix: 16)
        return PyText((String(repeating: "0", count: max(0, digits - text.count)) + text).unicodeScalars)
    }

    /// `repr` of a float: the shortest digits that read back, exponents below -4 and from 16.
    static func repr(_ d: Double) -> String {
        if d.isNaN { return "nan" }
        if d.isInfinite { return d < 0 ? "-inf" : "inf" }
        if d == 0 { return d.sign == .minus ? "-0.0" : "0.0" }
        let (digits, exponent) = shortest(abs(d))
        let sign = d < 0 ? "-" : ""
        let n = digits.count
        if exponent < -4 || exponent >= 16 {
            let mantissa = n == 1 ? digits : "\(digits.prefix(1)).\(digits.dropFirst())"
            let magnitude = abs(exponent)
            return "\(sign)\(mantissa)e\(exponent < 0 ? "-" : "+")\(magnitude < 10 ? "0" : "")\(magnitude)"
        }
        if exponent < 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)" }
        if n <= exponent + 1 { return "\(sign)\(digits)\(String(repeating: "0", count: exponent + 1 - n)).0" }
        return "\(sign)\(digits.prefix(exponent + 1)).\(digits.dropFirst(exponent + 1))"
    }

    /// Shortest decimal digits and the power of ten of the first one.
    private static func shortest(_ d: Double) -> (digits: String, exponent: Int) {
        let parts = d.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
        var exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + whole.count - 1
        var digits = whole + fraction
        while digits.count > 1, digits.hasPrefix("0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        return (digits, exponent)
    }
}
