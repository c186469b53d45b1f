/// Text to token ids and back, exactly as the reference library (Hugging Face `tokenizers`) does it from the same file.
///
/// Immutable. A text passes through added tokens → normalizer → pre-tokenizer → model → post-processor, ids through the
/// decoder. Everything works on UTF-8 bytes and Unicode scalars.
public struct Tokenizer: Sendable {
    enum Model: Sendable {
        case bpe(BPE)
        case scored(ScoredBPE)
        case unigram(Unigram)

        var vocabulary: ByteTable {
            switch self {
            case .bpe(let model): model.vocabulary
            case .scored(let model): model.vocabulary
            case .unigram(let model): model.vocabulary
            }
        }
    }

    let normalizer: TokenNormalizer?
    let preTokenizer: PreTokenizer?
    let model: Model
    let added: AddedTokens
    let postProcessor: PostProcessor
    let decoder: TokenDecoder?
    /// By id: a token that decoding leaves out when special tokens are skipped.
    private let skipped: [Bool]

    /// One more than the greatest id. A model's embedding may have more rows.
    public let vocabularySize: Int
    public let bosTokenID: Int32?
    public let eosTokenID: Int32?
    public let padTokenID: Int32?
    /// Whether `encode(_:addSpecialTokens: true)` puts the beginning-of-sequence token in front. A chat template that
    /// writes it itself must then be encoded without special tokens.
    public let addsBOS: Bool
    /// SHA-256 in hexadecimal over vocabulary, merges, scores and pipeline: equal definitions, equal sums.
    public let sha256: String

    /// What the initialisers gather from the two kinds of source.
    struct Parts {
        var normalizer: TokenNormalizer?
        var preTokenizer: PreTokenizer?
        var model: Model
        var added: [AddedTokens.Token]
        var postProcessor: PostProcessor
        var decoder: TokenDecoder?
        var bos: Int32?
        var eos: Int32?
        var pad: Int32?
        var sha256: String
    }

    init(_ parts: Parts) {
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        model = parts.model
        added = AddedTokens(parts.added, normalizer: parts.normalizer)
        postProcessor = parts.postProcessor
        decoder = parts.decoder
        bosTokenID = parts.bos
        eosTokenID = parts.eos
        padTokenID = parts.pad
        sha256 = parts.sha256
        addsBOS = parts.bos.map { parts.postProcessor.leading.contains($0) } ?? false
        var size = parts.model.vocabulary.bound
        for token in parts.added { size = max(size, Int(token.id) + 1) }
        vocabularySize = size
        // The reference compares texts: a token whose decoding text is a special token's content is skipped.
        var skipped = [Bool](repeating: false, count: size)
        for token in parts.added where token.isSpecial {
            if added.decodingText(token.id) == token.content { skipped[Int(token.id)] = true }
            if let id = parts.model.vocabulary.id(token.content), added.token(id) == nil { skipped[Int(id)] = true }
        }
        self.skipped = skipped
    }

    /// The ids of a text. Special and added tokens written in the text are recognised.
    /// - Parameter addSpecialTokens: whether the post-processor adds its tokens (often BOS) around the text.
    public func encode(_ text: String, addSpecialTokens: Bool) -> [Int32] {
        encode(utf8: Array(text.utf8), addSpecialTokens: addSpecialTokens)
    }

    /// - Parameter utf8: valid UTF-8.
    func encode(utf8 bytes: [UInt8], addSpecialTokens: Bool) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(bytes.count / 3 + 8)
        var scratch = BPE.Scratch()
        bytes.withUnsafeBufferPointer { buffer in
            for segment in added.segments(of: buffer, isNormalized: false) {
                switch segment {
                case .token(let id): ids.append(id)
                case .text(let range):
                    encodePlain(Array(buffer[range]), isFirst: range.lowerBound == 0, &scratch, &ids)
                }
            }
        }
        return addSpecialTokens ? postProcessor.apply(ids) : ids
    }

    /// A stretch without (unnormalised) added tokens.
    private func encodePlain(_ bytes: [UInt8], isFirst: Bool, _ scratch: inout BPE.Scratch, _ ids: inout [Int32]) {
        var bytes = bytes
        var cutsStart = false
        normalizer?.apply(&bytes, cutsStart: &cutsStart)
        guard !bytes.isEmpty else { return }
        let segments = bytes.withUnsafeBufferPointer { added.segments(of: $0, isNormalized: true) }
        for segment in segments {
            switch segment {
            case .token(let id): ids.append(id)
            case .text(let range):
                let isFirst = isFirst && !cutsStart && range.lowerBound == 0
                let part = range.count == bytes.count ? bytes : Array(bytes[range])
                var text = TokenPieces(bytes: part, pieces: [.init(start: 0, end: part.count, isFirst: isFirst)])
                preTokenizer?.apply(&text)
                text.bytes.withUnsafeBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return }
                    for piece in text.pieces {
                        switch model {
                        case .bpe(let model): model.encode(base, piece.start, piece.end, &scratch, &ids)
                        case .scored(let model): model.encode(base, piece.start, piece.end, &ids)
                        case .unigram(let model): model.encode(base, piece.start, piece.end, &ids)
                        }
                    }
                }
            }
        }
    }

    /// The text of ids. Ids without a token are passed over; bytes that are no UTF-8 become U+FFFD as in Python.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
        String(decoding: decodedBytes(ids, skipSpecialTokens: skipSpecialTokens), as: UTF8.self)
    }

    func decodedBytes(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool) -> [UInt8] {
        var tokens: [[UInt8]] = []
        for id in ids {
            if skipSpecialTokens, isSkipped(id) { continue }
            if let text = decodingText(id) { tokens.append(text) }
        }
        guard let decoder else { return Array(tokens.joined(separator: [0x20])) }
        return decoder.apply(tokens).flatMap { $0 }
    }

    func isSkipped(_ id: Int32) -> Bool { id >= 0 && Int(id) < skipped.count && skipped[Int(id)] }

    /// What the decoder gets for an id.
    func decodingText(_ id: Int32) -> [UInt8]? {
        added.decodingText(id) ?? model.vocabulary.text(id).map { Array($0) }
    }

    /// The token as the vocabulary spells it (byte-level BPE in its printable alphabet), or nil for an id without one.
    public func tokenText(_ id: Int32) -> String? {
        if let token = added.token(id) { return String(decoding: token.content, as: UTF8.self) }
        return model.vocabulary.text(id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The id of a token as the vocabulary spells it.
    public func id(of token: String) -> Int32? {
        let bytes = Array(token.utf8)
        return added.token(content: bytes)?.id ?? model.vocabulary.id(bytes)
    }

    /// Whether an id is a special token: one that structures the input rather than being text.
    public func isSpecial(_ id: Int32) -> Bool { added.token(id)?.isSpecial ?? false }
}
