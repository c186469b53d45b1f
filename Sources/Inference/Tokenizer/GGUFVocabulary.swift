/// The tokenizer part of a GGUF file's metadata, as read. Token texts are bytes as stored (byte-level BPE in its printable
/// alphabet for `gpt2`, `▁` for spaces in `llama`).
public struct GGUFVocabulary: Sendable {
    /// `tokenizer.ggml.model`: `gpt2` (byte-level BPE), `llama` (SentencePiece BPE), `t5` (Unigram) …
    public var model: String
    /// `tokenizer.ggml.pre`: which pre-tokenizer; `smollm`, `qwen2`, `llama-bpe` …
    public var pre: String?
    public var tokens: [[UInt8]]
    /// llama.cpp's token types: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte. Empty when absent.
    public var types: [Int32]
    /// `left right`, in order of rank.
    public var merges: [[UInt8]]
    public var scores: [Float]
    public var bosTokenID: Int?
    public var eosTokenID: Int?
    public var eotTokenID: Int?
    public var unknownTokenID: Int?
    public var paddingTokenID: Int?
    public var addBOS: Bool?
    public var addEOS: Bool?
    public var addSpacePrefix: Bool?

    public init(
        model: String, pre: String? = nil, tokens: [[UInt8]], types: [Int32] = [], merges: [[UInt8]] = [],
        scores: [Float] = [], bosTokenID: Int? = nil, eosTokenID: Int? = nil, eotTokenID: Int? = nil,
        unknownTokenID: Int? = nil, paddingTokenID: Int? = nil, addBOS: Bool? = nil, addEOS: Bool? = nil,
        addSpacePrefix: Bool? = nil
    ) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
        self.types = types
        self.merges = merges
        self.scores = scores
        self.bosTokenID = bosTokenID
        self.eosTokenID = eosTokenID
        self.eotTokenID = eotTokenID
        self.unknownTokenID = unknownTokenID
        self.paddingTokenID = paddingTokenID
        self.addBOS = addBOS
        self.addEOS = addEOS
        self.addSpacePrefix = addSpacePrefix
    }
}
