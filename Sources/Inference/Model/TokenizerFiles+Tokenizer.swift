extension LanguageModel {
    /// The tokenizer of a directory or file, without a model around it.
    ///
    /// - Throws: `ModelError.noTokenizer`, or the tokenizer's and the file's errors.
    public static func tokenizer(of files: TokenizerFiles) throws -> Tokenizer {
        guard let tokenizer = try makeTokenizer(files.tokenizerSource, path: files.directory) else {
            throw ModelError.noTokenizer
        }
        return tokenizer
    }
}

extension SpecialTokens {
    /// The names that chat templates know them by.
    public var templateVariables: [String: JSONValue] {
        var variables: [String: JSONValue] = [:]
        for (name, text) in [("bos_token", bos), ("eos_token", eos), ("unk_token", unknown), ("pad_token", padding)] {
            variables[name] = text.map { .string($0) }
        }
        return variables
    }
}
