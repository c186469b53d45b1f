import Foundation

/// The tokenizer's part of a directory: `tokenizer.json`, `tokenizer_config.json`, templates, special tokens.
public struct TokenizerFiles: Sendable {
    public var directory: String
    public var tokenizerSource: TokenizerSource
    public var chatTemplate: String?
    public var specialTokens: SpecialTokens

    public init(
        directory: String, tokenizerSource: TokenizerSource, chatTemplate: String? = nil,
        specialTokens: SpecialTokens = SpecialTokens()
    ) {
        self.directory = directory
        self.tokenizerSource = tokenizerSource
        self.chatTemplate = chatTemplate
        self.specialTokens = specialTokens
    }

    public init(directory: String) throws(CheckpointError) {
        self.directory = directory
        let config = try Self.json(directory, "tokenizer_config.json")
        let tokenizerPath = directory + "/tokenizer.json"
        tokenizerSource =
            FileManager.default.fileExists(atPath: tokenizerPath)
            ? .files(tokenizerJSON: tokenizerPath, config: config) : .none
        chatTemplate = try Self.chatTemplate(directory, config)
        specialTokens = try Self.specialTokens(directory, config)
    }

    /// A JSON file of the directory, or nil when there is none.
    static func json(_ directory: String, _ name: String) throws(CheckpointError) -> JSONValue? {
        let path = directory + "/" + name
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try MappedFile(path: path)
        do throws(JSONError) {
            return try JSONValue.parse(file.bytes, source: path)
        } catch {
            throw CheckpointError(.malformed, path: path, "line \(error.line), column \(error.column): \(error.message)")
        }
    }

    /// `chat_template.jinja` wins over `tokenizer_config.json`, as in transformers; a list of named templates gives
    /// `default`.
    private static func chatTemplate(_ directory: String, _ config: JSONValue?) throws(CheckpointError) -> String? {
        let path = directory + "/chat_template.jinja"
        if FileManager.default.fileExists(atPath: path) {
            let file = try MappedFile(path: path)
            guard let text = String(validating: file.bytes, as: UTF8.self) else {
                throw CheckpointError(.malformed, path: path, "is not UTF-8")
            }
            return text
        }
        if let template = templateText(config?["chat_template"]) { return template }
        return templateText(try json(directory, "chat_template.json")?["chat_template"])
    }

    private static func templateText(_ value: JSONValue?) -> String? {
        if let text = value?.stringValue { return text }
        let named = value?.arrayValue ?? []
        return named.first { $0["name"]?.stringValue == "default" }?["template"]?.stringValue
    }

    private static func specialTokens(_ directory: String, _ config: JSONValue?) throws(CheckpointError) -> SpecialTokens {
        let map = try json(directory, "special_tokens_map.json")
        func text(_ key: String) -> String? {
            for source in [config, map] {
                guard let value = source?[key] else { continue }
                if let text = value.stringValue ?? value["content"]?.stringValue { return text }
            }
            return nil
        }
        return SpecialTokens(
            bos: text("bos_token"), eos: text("eos_token"), unknown: text("unk_token"), padding: text("pad_token"))
    }
}
