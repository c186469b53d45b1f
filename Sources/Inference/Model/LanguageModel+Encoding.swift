import Foundation

extension LanguageModel {
    /// A prompt as token ids.
    ///
    /// A chat is rendered through the template and encoded with exactly one BOS where the tokenizer uses one: the
    /// template's own when it writes it, else the tokenizer's.
    ///
    /// - Throws: `ModelError` when the prompt is empty, too long, or cannot be encoded; the template's errors.
    public func encode(_ prompt: Prompt, options: PromptOptions = PromptOptions()) throws -> [Int32] {
        var tokens: [Int32]
        switch prompt {
        case .tokens(let ids):
            tokens = ids
        case .text(let text):
            tokens = try requireTokenizer().encode(text, addSpecialTokens: true)
        case .chat:
            tokens = try encodeRendered(render(prompt, options: options))
        }
        if tokens.isEmpty, let startToken { tokens = [startToken] }
        try check(tokens)
        return tokens
    }

    /// A prompt as text: what the tokenizer sees. Token prompts are decoded.
    public func render(_ prompt: Prompt, options: PromptOptions = PromptOptions()) throws -> String {
        switch prompt {
        case .text(let text): return text
        case .tokens(let ids): return try requireTokenizer().decode(ids, skipSpecialTokens: false)
        case .chat(let given, let responsePrefix):
            guard let template else { throw ModelError.noChatTemplate }
            var messages = given
            if let system = options.systemPrompt,
                !messages.contains(where: { $0.role.utf8.elementsEqual("system".utf8) })
            {
                messages.insert(.system(system), at: 0)
            }
            var variables = options.templateVariables
            if let thinking = options.enableThinking { variables["enable_thinking"] = .bool(thinking) }
            for (name, text) in checkpoint.specialTokens.templateVariables where variables[name] == nil {
                variables[name] = text
            }
            return try template.render(messages: messages, addGenerationPrompt: true, variables: variables)
                + responsePrefix
        }
    }

    /// Context and continuation as lm-eval's `_encode_pair` splits them: spaces at the context's end go to the
    /// continuation, both are encoded together, and the context keeps the tokens it has by itself. An empty context is
    /// the BOS (or EOS) token.
    func encodePair(context: Prompt, continuation: String, options: PromptOptions) throws -> (
        context: [Int32], continuation: [Int32]
    ) {
        let tokenizer = try requireTokenizer()
        let pair: (context: [Int32], continuation: [Int32])
        if case .tokens(let ids) = context, !ids.isEmpty {
            pair = (ids, tokenizer.encode(continuation, addSpecialTokens: false))
        } else {
            var text = try render(context, options: options)
            if text.unicodeScalars.isEmpty {
                guard let startToken else { throw ModelError.emptyPrompt }
                var tokens = tokenizer.encode(continuation, addSpecialTokens: false)
                // A continuation that brings the start token itself does not get a second one.
                if tokens.first == startToken { tokens.removeFirst() }
                pair = ([startToken], tokens)
            } else {
                let spaces = trailingWhitespace(of: text)
                let moved = String(text.unicodeScalars.suffix(spaces))
                text = String(text.unicodeScalars.dropLast(spaces))
                let isChat = if case .chat = context { true } else { false }
                func encode(_ text: String) throws -> [Int32] {
                    isChat ? try encodeRendered(text) : tokenizer.encode(text, addSpecialTokens: true)
                }
                let whole = try encode(text + moved + continuation)
                var first = try encode(text)
                if first.isEmpty, let startToken { first = [startToken] }
                pair = (first, Array(whole.dropFirst(try encode(text).count)))
            }
        }
        try check(pair.context + pair.continuation.dropLast())
        for token in pair.continuation { try check(token) }
        return pair
    }

    /// Rendered chats are encoded without the tokenizer's special tokens, which the template writes; a BOS that the
    /// template leaves out is put in front.
    private func encodeRendered(_ text: String) throws -> [Int32] {
        let tokens = try requireTokenizer().encode(text, addSpecialTokens: false)
        return tokens.starts(with: leadingTokens) ? tokens : leadingTokens + tokens
    }

    /// Python's `len(text) - len(text.rstrip())`, in Unicode scalars.
    private func trailingWhitespace(of text: String) -> Int {
        var count = 0
        for scalar in text.unicodeScalars.reversed() {
            guard scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value) else { break }
            count += 1
        }
        return count
    }

    private func requireTokenizer() throws -> Tokenizer {
        guard let tokenizer else { throw ModelError.noTokenizer }
        return tokenizer
    }

    private func check(_ tokens: [Int32]) throws {
        if tokens.isEmpty { throw ModelError.emptyPrompt }
        if tokens.count > spec.contextLength {
            throw ModelError.promptTooLong(tokens: tokens.count, limit: spec.contextLength)
        }
        for token in tokens { try check(token) }
    }

    private func check(_ token: Int32) throws {
        if token < 0 || Int(token) >= spec.vocabularySize {
            throw ModelError.tokenOutOfRange(token: token, vocabulary: spec.vocabularySize)
        }
    }
}

extension Engine {
    /// Identifies everything about a request that its response depends on, apart from checkpoint and edits: sha256 over
    /// the prompt's tokens, the kind and limits of the request, and the precision.
    public func responseIdentity(of request: ModelRequest) throws -> String {
        var bytes = CanonicalBytes()
        bytes.append("abench.request.1")
        bytes.append(model.precision.rawValue)
        switch request {
        case .generate(let prompt, let maxTokens, let stop, let sampling):
            bytes.append("generate")
            bytes.append(try model.encode(prompt, options: options.prompt))
            bytes.append(maxTokens)
            bytes.append(stop.count)
            for text in stop { bytes.append(text) }
            switch sampling {
            case .greedy: bytes.append("greedy")
            case .random(let temperature, let topP, let seed):
                bytes.append("random")
                bytes.append(temperature)
                bytes.append(topP)
                bytes.append(seed)
            }
        case .nextToken(let prompt):
            bytes.append("next-token")
            bytes.append(try model.encode(prompt, options: options.prompt))
        case .logLikelihood(let context, let continuation):
            bytes.append("log-likelihood")
            let pair = try model.encodePair(context: context, continuation: continuation, options: options.prompt)
            bytes.append(pair.context)
            bytes.append(pair.continuation)
        case .activations(let prompt, let sites):
            bytes.append("activations")
            bytes.append(try model.encode(prompt, options: options.prompt))
            bytes.append(sites.count)
            for site in sites { bytes.append(site.description) }
        case .compare(let prompt, let tokens):
            bytes.append("compare")
            bytes.append(try model.encode(prompt, options: options.prompt))
            bytes.append(tokens)
        }
        return bytes.sha256
    }
}

extension LanguageModel {
    static func makeTokenizer(_ checkpoint: any Checkpoint) throws -> Tokenizer? {
        try makeTokenizer(checkpoint.tokenizerSource, path: checkpoint.path)
    }

    static func makeTokenizer(_ source: TokenizerSource, path: String) throws -> Tokenizer? {
        switch source {
        case .none: nil
        case .gguf(let vocabulary): try Tokenizer(vocabulary: vocabulary, source: path)
        case .files(let file, let config):
            try Tokenizer(json: JSONValue.parse(contentsOf: URL(fileURLWithPath: file)), config: config, source: file)
        }
    }

    /// Tokens that end a response: what the generation settings name, and the tokenizer's EOS. What an empty context
    /// starts from: BOS, else EOS.
    static func specialTokenIDs(
        _ checkpoint: any Checkpoint, _ tokenizer: Tokenizer?
    ) -> (end: Set<Int32>, start: Int32?) {
        var end = Set(checkpoint.generationEOS.compactMap { Int32(exactly: $0) })
        if let eos = tokenizer?.eosTokenID { end.insert(eos) }
        return (end, tokenizer?.bosTokenID ?? tokenizer?.eosTokenID ?? end.min())
    }

    /// What the tokenizer puts in front of every text.
    static func leadingTokens(_ tokenizer: Tokenizer?) -> [Int32] {
        guard let tokenizer, tokenizer.addsBOS, let bos = tokenizer.bosTokenID else { return [] }
        return [bos]
    }
}
