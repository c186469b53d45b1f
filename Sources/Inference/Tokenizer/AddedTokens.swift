/// Tokens recognised in a text before anything else: special ones such as `<|im_start|>`, and words added later.
struct AddedTokens: Sendable {
    struct Token: Sendable, Equatable {
        var id: Int32
        var content: [UInt8]
        /// Only where no word character touches it.
        var isSingleWord = false
        /// Takes the white space on its left, on its right.
        var stripsLeft = false
        var stripsRight = false
        /// Looked for in the normalised text, in its own normalised form.
        var isNormalized = false
        var isSpecial = false
    }

    private(set) var tokens: [Token]
    private let plain: AddedTokenMatcher
    private let normalized: AddedTokenMatcher
    /// Index in `tokens` by id.
    private let indices: [Int32: Int]
    /// Normalised forms by id, where they differ from the content; decoding uses them.
    private let forms: [Int32: [UInt8]]

    init(_ tokens: [Token], normalizer: TokenNormalizer?) {
        self.tokens = tokens
        var indices: [Int32: Int] = [:]
        for (i, token) in tokens.enumerated() { indices[token.id] = i }
        var forms: [Int32: [UInt8]] = [:]
        var plain: [(text: [UInt8], index: Int)] = []
        var normalized: [(text: [UInt8], index: Int)] = []
        for (i, token) in tokens.enumerated() where indices[token.id] == i {
            guard token.isNormalized else {
                plain.append((token.content, i))
                continue
            }
            var form = token.content
            var cut = false
            normalizer?.apply(&form, cutsStart: &cut)
            if form != token.content { forms[token.id] = form }
            normalized.append((form, i))
        }
        self.indices = indices
        self.forms = forms
        self.plain = AddedTokenMatcher(plain)
        self.normalized = AddedTokenMatcher(normalized)
    }

    func token(_ id: Int32) -> Token? { indices[id].map { tokens[$0] } }

    /// The text that decoding starts from.
    func decodingText(_ id: Int32) -> [UInt8]? { forms[id] ?? token(id)?.content }

    func token(content: [UInt8]) -> Token? { tokens.last { $0.content == content } }

    enum Segment { case text(Range<Int>), token(Int32) }

    /// Cuts a text (valid UTF-8) at the tokens in it; the segments cover it in order.
    func segments(of bytes: UnsafeBufferPointer<UInt8>, isNormalized: Bool) -> [Segment] {
        let matcher = isNormalized ? normalized : plain
        guard let base = bytes.baseAddress, !matcher.isEmpty else {
            return bytes.isEmpty ? [] : [.text(0..<bytes.count)]
        }
        let table = UnicodeTable.shared
        var segments: [Segment] = []
        var last = 0
        var p = 0
        while let match = matcher.next(in: bytes, from: p) {
            p = match.end
            let token = tokens[match.index]
            var start = match.start
            var end = match.end
            if token.isSingleWord {
                let before =
                    start > 0
                    && PreTokenizer.word.contains(
                        UTF8Text.scalar(base, UTF8Text.start(before: start, in: base)).value, table)
                let after = end < bytes.count && PreTokenizer.word.contains(UTF8Text.scalar(base, end).value, table)
                if before || after { continue }
            }
            if token.stripsLeft {
                while start > last {
                    let q = UTF8Text.start(before: start, in: base)
                    if table.mask(of: UTF8Text.scalar(base, q).value) & UnicodeTable.space == 0 { break }
                    start = q
                }
            }
            // A token of white space may lie inside what the one before it took.
            start = max(start, last)
            if token.stripsRight {
                while end < bytes.count {
                    let (c, length) = UTF8Text.scalar(base, end)
                    if table.mask(of: c) & UnicodeTable.space == 0 { break }
                    end += length
                }
            }
            if start > last { segments.append(.text(last..<start)) }
            segments.append(.token(token.id))
            last = max(end, last)
        }
        if last < bytes.count { segments.append(.text(last..<bytes.count)) }
        return segments
    }
}

/// Finds the leftmost of several texts, the longest where several begin.
struct AddedTokenMatcher: Sendable {
    /// node << 8 | byte → child node.
    private var edges: PairTable
    private var ends: [Int32] = [-1]
    private var firstBytes = [Bool](repeating: false, count: 256)
    let isEmpty: Bool

    init(_ texts: [(text: [UInt8], index: Int)]) {
        edges = PairTable(capacity: texts.count * 8)
        var isEmpty = true
        for (text, index) in texts where !text.isEmpty {
            isEmpty = false
            firstBytes[Int(text[0])] = true
            var node = 0
            for byte in text {
                let key = UInt64(node) << 8 | UInt64(byte)
                if let child = edges[key] {
                    node = Int(child)
                } else {
                    edges.set(key, UInt64(ends.count))
                    node = ends.count
                    ends.append(-1)
                }
            }
            ends[node] = Int32(index)
        }
        self.isEmpty = isEmpty
    }

    func next(in bytes: UnsafeBufferPointer<UInt8>, from position: Int) -> (start: Int, end: Int, index: Int)? {
        firstBytes.withUnsafeBufferPointer { firstBytes in
            var start = position
            while start < bytes.count {
                if firstBytes[Int(bytes[start])] {
                    var node = 0
                    var q = start
                    var found: (Int, Int)?
                    while q < bytes.count, let child = edges[UInt64(node) << 8 | UInt64(bytes[q])] {
                        node = Int(child)
                        q += 1
                        if ends[node] >= 0 { found = (q, Int(ends[node])) }
                    }
                    if let (end, index) = found { return (start, end, index) }
                }
                start += 1
            }
            return nil
        }
    }
}
