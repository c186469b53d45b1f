extension Tokenizer {
    /// The tokenizer of a GGUF file: byte-level BPE (`gpt2`) with the pre-tokenizer the file names, SentencePiece BPE
    /// (`llama`), or Gemma's (`gemma4`). Tokens of type 2, 3 and 4 are recognised in texts; 2 and 3 are special.
    /// - Parameter source: the file's name, for errors.
    public init(vocabulary file: GGUFVocabulary, source: String) throws(TokenizerError) {
        func fail(_ key: String, _ message: String) -> TokenizerError {
            TokenizerError(source: source, place: "tokenizer.ggml.\(key)", message: message)
        }
        guard !file.tokens.isEmpty, file.tokens.count < Int(Int32.max) / 2 else {
            throw fail("tokens", "there are none")
        }
        if !file.types.isEmpty, file.types.count != file.tokens.count {
            throw fail("token_type", "\(file.types.count) types for \(file.tokens.count) tokens")
        }
        var vocabulary = ByteTable(capacity: file.tokens.count, bytes: file.tokens.count * 8)
        var added: [AddedTokens.Token] = []
        for (index, token) in file.tokens.enumerated() {
            let id = Int32(index)
            guard UTF8Text.isValid(token) else { throw fail("tokens[\(index)]", "is not UTF-8") }
            // Of tokens spelt alike the first one counts: the others (padding of the embedding) only decode.
            if let first = vocabulary.id(token) {
                vocabulary.insert(token, id: id)
                vocabulary.insert(token, id: first)
            } else {
                vocabulary.insert(token, id: id)
            }
            let type = file.types.isEmpty ? 1 : file.types[index]
            if !token.isEmpty, (2...4).contains(type) {
                added.append(.init(id: id, content: token, isSpecial: type != 4))
            }
        }
        // Added tokens spelt alike: the first is found in texts.
        var seen: Set<[UInt8]> = []
        added = added.filter { seen.insert($0.content).inserted }

        var digest = TokenizerDigest()
        digest.add(vocabulary)
        digest.add(file.types)
        digest.add(file.scores.map { Double($0) })
        for merge in file.merges { digest.add(merge) }
        digest.add(
            "\(file.model) \(file.pre ?? "") \(file.addBOS as Any) \(file.addEOS as Any) \(file.addSpacePrefix as Any)")

        func checked(_ id: Int?, _ key: String) throws(TokenizerError) -> Int32? {
            guard let id else { return nil }
            guard id >= 0, id < file.tokens.count else { throw fail(key, "\(id) is not an id of the vocabulary") }
            return Int32(id)
        }
        let bos = try checked(file.bosTokenID, "bos_token_id")
        let eos = try checked(file.eosTokenID, "eos_token_id")
        let unknown = try checked(file.unknownTokenID, "unknown_token_id")
        let pad = try checked(file.paddingTokenID, "padding_token_id")

        var parts: Parts
        var addsBOS = false
        switch file.model {
        case "gpt2":
            let name = file.pre ?? ""
            guard let pre = GGUFPreTokenizer.table[name] else {
                let message = file.pre == nil ? "is missing" : "unknown pre-tokenizer '\(name)'"
                throw fail("pre", "\(message); known are \(GGUFPreTokenizer.known)")
            }
            var steps: [PreTokenizer] = pre.splitsDigits ? [.splitScalars(PreTokenizer.digits, .isolated)] : []
            for pattern in pre.patterns {
                do throws(TokenizerRegex.Failure) {
                    steps.append(.split(try TokenizerRegex(pattern), .isolated, isInverted: false))
                } catch { throw fail("pre", "'\(name)': \(error.message)") }
            }
            steps.append(.byteLevel(addsPrefixSpace: false, usesRegex: false))
            var model = BPE(vocabulary: vocabulary, merges: try Self.merges(file, vocabulary, source))
            model.ignoresMerges = pre.ignoresMerges
            addsBOS = pre.addsBOS
            parts = Parts(
                normalizer: pre.normalizer, preTokenizer: .sequence(steps), model: .bpe(model), added: added,
                postProcessor: .none, decoder: .byteLevel, sha256: "")
        case "llama", "gemma4":
            let space: TokenizerRegex
            let marker: TokenizerRegex
            do throws(TokenizerRegex.Failure) {
                (space, marker) = (try TokenizerRegex(literal: " "), try TokenizerRegex(literal: "\u{2581}"))
            } catch { throw fail("model", error.message) }
            let mark = Array("\u{2581}".utf8)
            let prefixes = file.addSpacePrefix ?? (file.model == "llama")
            let replace = TokenNormalizer.replace(space, with: mark)
            var decoder: [TokenDecoder] = [.replace(marker, with: [0x20]), .byteFallback, .fuse]
            if prefixes { decoder.append(.strip(content: 0x20, start: 1, stop: 0)) }
            addsBOS = true
            let model: Model
            if file.model == "llama" {
                guard file.scores.count == file.tokens.count else {
                    throw fail("scores", "\(file.scores.count) scores for \(file.tokens.count) tokens")
                }
                model = .scored(ScoredBPE(vocabulary: vocabulary, scores: file.scores, unknownID: unknown))
            } else {
                var bpe = BPE(vocabulary: vocabulary, merges: try Self.merges(file, vocabulary, source))
                bpe.unknownID = unknown
                bpe.fusesUnknown = true
                bpe.byteIDs = BPE.byteIDs(in: vocabulary)
                model = .bpe(bpe)
            }
            parts = Parts(
                normalizer: prefixes ? .sequence([.prepend(mark), replace]) : replace, preTokenizer: nil, model: model,
                added: added, postProcessor: .none, decoder: .sequence(decoder), sha256: "")
        default: throw fail("model", "unknown tokenizer model '\(file.model)'; known are gpt2, llama, gemma4")
        }
        parts.bos = bos
        parts.eos = eos
        parts.pad = pad
        parts.sha256 = digest.hex()
        var template: [PostProcessor.Piece] = [.text]
        if file.addBOS ?? addsBOS {
            guard let bos else { throw fail("add_bos_token", "is true, but bos_token_id is missing") }
            template.insert(.special([bos]), at: 0)
        }
        if file.addEOS ?? false {
            guard let eos else { throw fail("add_eos_token", "is true, but eos_token_id is missing") }
            template.append(.special([eos]))
        }
        if template.count > 1 { parts.postProcessor = PostProcessor(templates: [template]) }
        self.init(parts)
    }

    private static func merges(
        _ file: GGUFVocabulary, _ vocabulary: ByteTable, _ source: String
    ) throws(TokenizerError) -> PairTable {
        var builder = MergeBuilder(vocabulary: vocabulary, count: file.merges.count)
        for (rank, merge) in file.merges.enumerated() {
            // Tokens of raw text may hold spaces: the separator is the first one after the first byte.
            let isKnown: Bool? = merge.withUnsafeBufferPointer { text in
                guard let space = text.dropFirst().firstIndex(of: 0x20) else { return nil }
                return builder.add(
                    UnsafeBufferPointer(rebasing: text[..<space]), UnsafeBufferPointer(rebasing: text[(space + 1)...]),
                    rank: rank)
            }
            if isKnown != true {
                throw TokenizerError(
                    source: source, place: "tokenizer.ggml.merges[\(rank)]",
                    message: isKnown == nil
                        ? "expected two tokens with a space between"
                        : "a token of the merge, or the joined one, is not in the vocabulary")
            }
        }
        return builder.table
    }
}
