import CKernels
import Foundation
import Inference

/// Loading for the verbs that work on one model.
public enum ModelLoading {
    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    public static func load(_ reference: String, precision: Precision, threads: Int = 0) throws -> LanguageModel {
        ab_set_threads(Int32(threads))
        var options = LoadOptions()
        options.precision = precision
        return try LanguageModel.load(reference, revision: nil, options: options)
    }

    /// The tokenizer alone, of a checkpoint or of a directory that holds nothing else.
    public static func tokenizer(_ reference: String) throws -> Tokenizer {
        try LanguageModel.tokenizer(of: CheckpointLoader.openTokenizerOnly(reference, environment: environment))
    }

    /// A user message in the model's chat template, as ids.
    public static func encodeChat(_ reference: String, text: String) throws -> [Int32] {
        let files = try CheckpointLoader.openTokenizerOnly(reference, environment: environment)
        guard let source = files.chatTemplate else { throw ModelError.noChatTemplate }
        let template = try ChatTemplate(source: source, name: reference)
        let tokenizer = try LanguageModel.tokenizer(of: files)
        let rendered = try template.render(
            messages: [.user(text)], addGenerationPrompt: true, variables: files.specialTokens.templateVariables)
        return tokenizer.encode(rendered, addSpecialTokens: false)
    }

    /// Logits of every position, (positions, vocabulary).
    public static func logits(_ model: LanguageModel, tokens: [Int32]) throws -> [[Float]] {
        try Engine(model: model, options: EngineOptions()).logits(of: tokens)
    }

    /// A JSON file that holds a list of texts.
    public static func stringArray(file: String) throws -> [String] {
        let json = try json(file: file)
        guard let items = json.arrayValue else {
            throw HarnessError.unknownName("\(file): expected a JSON array of texts")
        }
        return try items.enumerated().map { index, item in
            guard let text = item.stringValue else {
                throw HarnessError.unknownName("\(file): element \(index) is not a text")
            }
            return text
        }
    }

    static func json(file: String) throws -> JSONValue {
        return try JSONValue.parse(InputFile.read(file), source: file)
    }
}
