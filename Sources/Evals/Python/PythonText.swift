/// Text operations with the meaning they have in Python 3: on Unicode scalars, never on grapheme clusters, so that
/// scorers ported from Python give the same verdict on any text.
package enum PythonText {
    /// `str.isspace` of one character: Unicode white space plus the four information separators U+001C…U+001F.
    package static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    /// `str.lower()`: the full lower-case mapping of every scalar, with the rule for a final sigma.
    package static func lower(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar.value == 0x3A3 {
                result.append(isFinalSigma(scalars, index) ? "\u{3C2}" : "\u{3C3}")
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(result)
    }

    /// Preceded by a cased letter and not followed by one, case-ignorable characters between them not counting.
    private static func isFinalSigma(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
        var before = index - 1
        while before >= 0, scalars[before].properties.isCaseIgnorable { before -= 1 }
        guard before >= 0, scalars[before].properties.isCased else { return false }
        var after = index + 1
        while after < scalars.count, scalars[after].properties.isCaseIgnorable { after += 1 }
        return after == scalars.count || !scalars[after].properties.isCased
    }

    /// `str.strip()`.
    package static func strip(_ text: String) -> String {
        let view = text.unicodeScalars
        guard let first = view.firstIndex(where: { !isSpace($0) }), let last = view.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(view[first...last])
    }

    /// `str.split()`: the runs of characters that are no white space.
    package static func split(_ text: String) -> [Substring] {
        text.unicodeScalars.split(whereSeparator: isSpace).map(Substring.init)
    }
}

/// Byte-string search, for texts whose identity is their UTF-8 bytes.
package enum ByteSearch {
    /// Whether `needle` occurs in `haystack`. An empty needle occurs everywhere.
    package static func contains(_ haystack: [UInt8], _ needle: [UInt8]) -> Bool {
        firstIndex(of: needle, in: haystack, from: 0) != nil
    }

    /// The first offset at or after `start` where `needle` begins.
    package static func firstIndex(of needle: [UInt8], in haystack: [UInt8], from start: Int) -> Int? {
        guard let head = needle.first else { return start <= haystack.count ? start : nil }
        var index = start
        let last = haystack.count - needle.count
        while index <= last {
            if haystack[index] == head {
                var length = 1
                while length < needle.count, haystack[index + length] == needle[length] { length += 1 }
                if length == needle.count { return index }
            }
            index += 1
        }
        return nil
    }

    /// The last offset where `needle` begins.
    package static func lastIndex(of needle: [UInt8], in haystack: [UInt8]) -> Int? {
        var index = haystack.count - needle.count
        while index >= 0 {
            var length = 0
            while length < needle.count, haystack[index + length] == needle[length] { length += 1 }
            if length == needle.count { return index }
            index -= 1
        }
        return nil
    }
}
