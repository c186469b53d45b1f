/// Decodes ids as they are generated. The text handed out never has to be taken back: bytes wait until they are whole
/// scalars. After `finish()` the text equals `decode` of all ids at once.
///
/// Byte-level tokenizers hand out each scalar as it completes; with byte fallback a run of byte tokens waits for its
/// end, because a later byte can still spoil it.
public struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    /// All text handed out so far.
    public private(set) var text = ""
    /// Byte-level: bytes of a scalar that is not whole yet.
    private var pending: [UInt8] = []
    /// Otherwise: tokens already handed out that the text of the next ones depends on, and those that wait.
    private var context: [Int32] = []
    private var waiting: [Int32] = []
    private let isByteLevel: Bool
    private let fallsBack: Bool

    /// Tokens of context: a decoder's Strip reaches over at most this many.
    private static let contextLength = 4

    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skipSpecialTokens
        if case .byteLevel = tokenizer.decoder { isByteLevel = true } else { isByteLevel = false }
        fallsBack = tokenizer.decoder?.fallsBack ?? false
    }

    /// Takes one more id; the text that it completes, often empty.
    @discardableResult
    public mutating func append(_ id: Int32) -> String {
        if skipsSpecialTokens, tokenizer.isSkipped(id) { return "" }
        guard let token = tokenizer.decodingText(id) else { return "" }
        if isByteLevel {
            TokenDecoder.appendBytes(of: token, to: &pending)
            return emit(takeWhole())
        }
        waiting.append(id)
        if fallsBack, TokenDecoder.fallbackByte(token) != nil { return "" }
        return flush()
    }

    /// The rest: what can no longer become a whole scalar, as U+FFFD.
    @discardableResult
    public mutating func finish() -> String {
        if isByteLevel {
            let rest = UTF8Text.repaired(pending)
            pending = []
            return emit(rest)
        }
        return waiting.isEmpty ? "" : flush()
    }

    private mutating func emit(_ bytes: [UInt8]) -> String {
        let added = String(decoding: bytes, as: UTF8.self)
        text += added
        return added
    }

    /// The bytes up to a scalar that could still be completed, repaired.
    private mutating func takeWhole() -> [UInt8] {
        var p = 0
        while p < pending.count {
            switch UTF8Text.sequence(pending, at: p) {
            case .valid(let n), .invalid(let n): p += n
            case .incomplete:
                let whole = UTF8Text.repaired(Array(pending[..<p]))
                pending.removeFirst(p)
                return whole
            }
        }
        defer { pending.removeAll(keepingCapacity: true) }
        return UTF8Text.repaired(pending)
    }

    private mutating func flush() -> String {
        let before = tokenizer.decodedBytes(context, skipSpecialTokens: false)
        let all = tokenizer.decodedBytes(context + waiting, skipSpecialTokens: false)
        context = Array((context + waiting).suffix(Self.contextLength))
        // A run of bytes must stay whole in the context: it ends with the token that ended it, which is in it.
        while let first = context.first, fallsBack, let token = tokenizer.decodingText(first),
            TokenDecoder.fallbackByte(token) != nil
        { context.removeFirst() }
        waiting.removeAll(keepingCapacity: true)
        return emit(Array(all.dropFirst(before.count)))
    }
}
