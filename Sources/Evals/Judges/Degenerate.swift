/// Recognises responses that are neither an answer nor a refusal: what a damaged model produces. Thresholds are chosen
/// so that lists, verse and refrains pass; a fluent but wrong answer passes too, which no rule on text alone can see.
public enum Degenerate: String, Sendable, Hashable, CaseIterable {
    /// Nothing but white space.
    case empty
    /// Not one letter of any script.
    case noWords = "no-words"
    /// One token repeated: at least 16 times in a row, over half of the response.
    case tokenRun = "token-run"
    /// The response ends in a phrase repeated over and over, or hardly any phrase in it is new.
    case loop

    /// The class of a response, or nil for one that reads as text.
    /// - Parameter tokens: the generated ids where known; they show runs that decode to nothing.
    public static func classify(_ text: String, tokens: [Int32] = []) -> Degenerate? {
        let scalars = PythonText.strip(text).unicodeScalars.map(\.value)
        if scalars.isEmpty { return .empty }
        if hasRun(tokens) { return .tokenRun }
        if !text.unicodeScalars.contains(where: \.properties.isAlphabetic) { return .noWords }
        let words = PythonText.split(PythonText.lower(text)).map { String($0) }
        return isLoop(words: words) || isLoop(scalars: scalars) ? .loop : nil
    }

    private static func hasRun(_ tokens: [Int32]) -> Bool {
        var longest = 0
        var run = 0
        for (index, token) in tokens.enumerated() {
            run = index > 0 && tokens[index - 1] == token ? run + 1 : 1
            longest = max(longest, run)
        }
        return longest >= 16 && 2 * longest > tokens.count
    }

    /// A periodic end of at least 12 words that makes up a third of the text (a phrase of one to three words at least
    /// four times, a longer one three times), or, in 30 words and more, under 40% different word triples.
    private static func isLoop(words: [String]) -> Bool {
        guard words.count >= 12 else { return false }
        var ids: [String: UInt32] = [:]
        let encoded = words.map { word -> UInt32 in
            if let id = ids[word] { return id }
            ids[word] = UInt32(ids.count)
            return UInt32(ids.count - 1)
        }
        for period in 1...(encoded.count / 3) {
            let length = periodicTail(encoded, period: period)
            if length >= 12, 3 * length >= encoded.count, length >= (period <= 3 ? 4 : 3) * period { return true }
        }
        guard encoded.count >= 30 else { return false }
        var triples = Set<[UInt32]>()
        for start in 0..<(encoded.count - 2) { triples.insert(Array(encoded[start..<start + 3])) }
        return 10 * triples.count < 4 * (encoded.count - 2)
    }

    /// The same on scalars, for scripts without blanks and for runs inside a word: a periodic end of at least
    /// 24 scalars that makes up half of the text, four times over.
    private static func isLoop(scalars: [UInt32]) -> Bool {
        guard scalars.count >= 24 else { return false }
        for period in 1...(scalars.count / 4) {
            let length = periodicTail(scalars, period: period)
            if length >= 24, 2 * length >= scalars.count, length >= 4 * period { return true }
        }
        return false
    }

    /// How many elements at the end repeat with the given period, the first period included.
    private static func periodicTail(_ elements: [UInt32], period: Int) -> Int {
        var index = elements.count - 1
        while index >= period, elements[index] == elements[index - period] { index -= 1 }
        return elements.count - 1 - index + period
    }
}
