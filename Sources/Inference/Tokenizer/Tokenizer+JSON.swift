import Crypto

extension Tokenizer {
    /// Reads `tokenizer.json`; `tokenizer_config.json` names the BOS, EOS and padding tokens.
    /// - Parameter source: the file's name, for errors.
    public init(json: JSONValue, config: JSONValue?, source: String) throws(TokenizerError) {
        let root = TokenizerField(value: json, place: "", source: source)
        guard case .object = json else { throw root.error("expected an object") }
        var digest = TokenizerDigest()
        let normalizer = try root.optional("normalizer") { field throws(TokenizerError) in try TokenNormalizer(field) }
        let preTokenizer = try root.optional("pre_tokenizer") { field throws(TokenizerError) in try PreTokenizer(field)
        }
        let model = try Self.model(root.required("model"), &digest)
        let added = try Self.addedTokens(root["added_tokens"], model.vocabulary)
        let postProcessor =
            try root.optional("post_processor") { field throws(TokenizerError) in
                try PostProcessor(field)
            } ?? PostProcessor.none
        let decoder = try root.optional("decoder") { field throws(TokenizerError) in try TokenDecoder(field) }
        for key in ["normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"] {
            digest.add((json[key] ?? .null).serialized(sortedKeys: true))
        }

        func special(_ key: String) -> Int32? {
            // A string, or an object as AddedToken is written.
            guard let entry = config?[key], let name = entry.stringValue ?? entry["content"]?.stringValue else {
                return nil
            }
            let bytes = Array(name.utf8)
            return added.last { $0.content == bytes }?.id ?? model.vocabulary.id(bytes)
        }
        self.init(
            Parts(
                normalizer: normalizer, preTokenizer: preTokenizer, model: model, added: added,
                postProcessor: postProcessor,
                decoder: decoder, bos: special("bos_token"), eos: special("eos_token"), pad: special("pad_token"),
                sha256: digest.hex()))
    }

    private static func addedTokens(
        _ field: TokenizerField?, _ vocabulary: ByteTable
    ) throws(TokenizerError) -> [AddedTokens.Token] {
        guard let field else { return [] }
        var tokens: [AddedTokens.Token] = []
        var ids: [[UInt8]: Int32] = [:]
        var next = Int32(vocabulary.count)
        for item in try field.array() {
            var token = AddedTokens.Token(
                id: try item.required("id").tokenID(), content: try item.required("content").utf8())
            guard !token.content.isEmpty else { continue }
            // The reference takes the model's id for a token that the model has, and numbers the others on from there,
            // whatever the file says. Where the two differ nobody can tell which ids the model was trained with.
            let known = vocabulary.id(token.content) ?? ids[token.content] ?? next
            guard known == token.id else {
                let name = try item.required("content").string()
                throw item.error("'\(name)' has id \(token.id) here, but \(known) by the model's vocabulary")
            }
            if known == next, vocabulary.id(token.content) == nil, ids[token.content] == nil { next += 1 }
            token.isSingleWord = try item.flag("single_word", default: false)
            token.stripsLeft = try item.flag("lstrip", default: false)
            token.stripsRight = try item.flag("rstrip", default: false)
            token.isSpecial = try item.flag("special", default: false)
            token.isNormalized = try item.flag("normalized", default: !token.isSpecial)
            ids[token.content] = token.id
            tokens.append(token)
        }
        return tokens
    }

    private static func model(_ field: TokenizerField, _ digest: inout TokenizerDigest) throws(TokenizerError) -> Model
    {
        // Old files have no type.
        let type = try field["type"]?.string() ?? (field["merges"] != nil ? "BPE" : "Unigram")
        switch type {
        case "BPE": return .bpe(try bpe(field, &digest))
        case "Unigram": return .unigram(try unigram(field, &digest))
        default: throw field.error("unknown model '\(type)'; known are BPE, Unigram")
        }
    }

    private static func bpe(_ field: TokenizerField, _ digest: inout TokenizerDigest) throws(TokenizerError) -> BPE {
        if let dropout = field["dropout"], dropout.value.doubleValue != 0 {
            throw dropout.error("BPE dropout makes ids random; set it to null")
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let text = field[key], try !text.string().isEmpty { throw text.error("is not supported unless empty") }
        }
        let vocabularyField = try field.required("vocab")
        guard let pairs = vocabularyField.value.objectValue else { throw vocabularyField.error("expected an object") }
        var vocabulary = ByteTable(capacity: pairs.count, bytes: pairs.count * 8)
        for (key, value) in pairs {
            guard let id = value.intValue, id >= 0, id < Int(Int32.max) / 2, id < pairs.count * 8 + 1_000_000 else {
                throw vocabularyField.error("'\(key)' has no usable id")
            }
            var key = key
            key.withUTF8 { vocabulary.insert($0, id: Int32(id)) }
        }
        digest.add(vocabulary)

        let mergesField = try field.required("merges")
        guard let list = mergesField.value.arrayValue else { throw mergesField.error("expected an array") }
        var merges = MergeBuilder(vocabulary: vocabulary, count: list.count)
        for (rank, item) in list.enumerated() {
            func fail(_ message: String) -> TokenizerError {
                TokenizerError(source: field.source, place: "\(mergesField.place)[\(rank)]", message: message)
            }
            var isKnown: Bool
            switch item {
            case .string(var text):
                let result = text.withUTF8 { merges.add(joined: $0, rank: rank) }
                guard let result else { throw fail("expected two tokens with one space between") }
                isKnown = result
            case .array(let parts):
                guard parts.count == 2, case .string(var left) = parts[0], case .string(var right) = parts[1] else {
                    throw fail("expected two tokens")
                }
                isKnown = left.withUTF8 { l in right.withUTF8 { r in merges.add(l, r, rank: rank) } }
            default: throw fail("expected a string or a pair")
            }
            if !isKnown { throw fail("a token of the merge, or the joined one, is not in the vocabulary") }
        }
        digest.add(merges.log)

        var model = BPE(vocabulary: vocabulary, merges: merges.table)
        if let unknown = field["unk_token"] {
            // A name that the vocabulary lacks is an error in the reference, once an unknown comes up.
            guard let id = vocabulary.id(try unknown.utf8()) else { throw unknown.error("is not in the vocabulary") }
            model.unknownID = id
        }
        model.fusesUnknown = try field.flag("fuse_unk", default: false)
        model.ignoresMerges = try field.flag("ignore_merges", default: false)
        if try field.flag("byte_fallback", default: false) { model.byteIDs = BPE.byteIDs(in: vocabulary) }
        digest.add("\(model.unknownID ?? -1) \(model.fusesUnknown) \(model.ignoresMerges) \(!model.byteIDs.isEmpty)")
        return model
    }

    private static func unigram(_ field: TokenizerField, _ digest: inout TokenizerDigest) throws(TokenizerError)
        -> Unigram
    {
        var pieces: [(text: [UInt8], score: Double)] = []
        let vocabularyField = try field.required("vocab")
        guard let items = vocabularyField.value.arrayValue else { throw vocabularyField.error("expected an array") }
        pieces.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            guard let pair = item.arrayValue, pair.count == 2, let text = pair[0].stringValue,
                let score = pair[1].doubleValue
            else {
                throw TokenizerError(
                    source: field.source, place: "\(vocabularyField.place)[\(index)]",
                    message: "expected a piece and its log-probability")
            }
            pieces.append((Array(text.utf8), score))
        }
        var unknown: Int32?
        if let unknownField = field["unk_id"] {
            let id = try unknownField.tokenID()
            guard Int(id) < pieces.count else { throw unknownField.error("is beyond the vocabulary") }
            unknown = id
        }
        let fallback = try field.flag("byte_fallback", default: false)
        let model = Unigram(pieces: pieces, unknownID: unknown, hasByteFallback: fallback)
        digest.add(model.vocabulary)
        digest.add(pieces.map(\.score))
        digest.add("\(unknown ?? -1) \(fallback)")
        return model
    }
}

/// Gathers merges: looks up the ids of both sides and of their concatenation.
struct MergeBuilder {
    let vocabulary: ByteTable
    private(set) var table: PairTable
    /// left, right, joined in order of rank.
    private(set) var log: [Int32] = []
    private var buffer: [UInt8] = []

    init(vocabulary: ByteTable, count: Int) {
        self.vocabulary = vocabulary
        table = PairTable(capacity: count)
        log.reserveCapacity(count * 3)
    }

    /// False when a token is missing. A repeated pair gets the later rank, as in the reference.
    mutating func add(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, rank: Int) -> Bool {
        guard let a = vocabulary.id(left), let b = vocabulary.id(right) else { return false }
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: left)
        buffer.append(contentsOf: right)
        guard let joined = vocabulary.id(buffer) else { return false }
        table.set(
            UInt64(UInt32(bitPattern: a)) << 32 | UInt64(UInt32(bitPattern: b)), UInt64(rank) << 32 | UInt64(joined))
        log.append(a)
        log.append(b)
        log.append(joined)
        return true
    }

    /// `left right`; nil unless there is exactly one space.
    mutating func add(joined text: UnsafeBufferPointer<UInt8>, rank: Int) -> Bool? {
        guard let space = text.firstIndex(of: 0x20), text[(space + 1)...].firstIndex(of: 0x20) == nil else {
            return nil
        }
        return add(
            UnsafeBufferPointer(rebasing: text[..<space]), UnsafeBufferPointer(rebasing: text[(space + 1)...]),
            rank: rank)
    }
}

/// SHA-256 over a tokenizer's definition, part by part, each with its length.
struct TokenizerDigest {
    private var hash = SHA256()

    mutating func add(_ bytes: [UInt8]) {
        add(count: bytes.count)
        hash.update(data: bytes)
    }

    private mutating func add(count: Int) {
        withUnsafeBytes(of: UInt64(count).littleEndian) { hash.update(bufferPointer: $0) }
    }

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    mutating func add(_ numbers: [Int32]) {
        add(count: numbers.count)
        numbers.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    mutating func add(_ numbers: [Double]) {
        add(count: numbers.count)
        numbers.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    mutating func add(_ vocabulary: ByteTable) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vocabulary.arena.count + vocabulary.bound * 4)
        for id in 0..<Int32(vocabulary.bound) {
            let text = vocabulary.text(id)
            withUnsafeBytes(of: Int32(text?.count ?? -1).littleEndian) { bytes.append(contentsOf: $0) }
            if let text { bytes.append(contentsOf: text) }
        }
        add(bytes)
    }

    func hex() -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in hash.finalize() {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }
}
