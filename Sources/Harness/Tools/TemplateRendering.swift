import Foundation
import Inference

/// `abench template`: a chat template rendered as it stands, for comparing with other tools.
public enum TemplateRendering {
    /// - Parameters:
    ///   - messages: a JSON file with a list of messages, or an object that becomes the template's whole context.
    ///   - settings: `key=value` variables; values are read as JSON where they are JSON.
    public static func render(
        model: String?, template: String?, messages: String, settings: [String], addGenerationPrompt: Bool
    ) throws -> String {
        let compiled: ChatTemplate
        var special: [String: JSONValue] = [:]
        if let template {
            let source = String(decoding: try InputFile.read(template), as: UTF8.self)
            compiled = try ChatTemplate(source: source, name: template)
        } else {
            let files = try CheckpointLoader.openTokenizerOnly(model ?? "", environment: ModelLoading.environment)
            guard let source = files.chatTemplate else {
                throw HarnessError.unknownName("\(model ?? ""): has no chat template; give one with --template FILE")
            }
            compiled = try ChatTemplate(source: source, name: model ?? "")
            special = files.specialTokens.templateVariables
        }
        let json = try ModelLoading.json(file: messages)
        var context: [(key: String, value: JSONValue)] = []
        if case .object(let pairs) = json { context = pairs } else { context = [("messages", json)] }
        func set(_ key: String, _ value: JSONValue) {
            context.removeAll { $0.key == key }
            context.append((key, value))
        }
        for (name, text) in special where !context.contains(where: { $0.key == name }) { set(name, text) }
        if !context.contains(where: { $0.key == "add_generation_prompt" }) {
            set("add_generation_prompt", .bool(addGenerationPrompt))
        }
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw HarnessError.unknownName("--set \(setting): expected key=value")
            }
            let text = String(setting[setting.index(after: equals)...])
            set(String(setting[..<equals]), (try? JSONValue.parse(Array(text.utf8), source: "--set")) ?? .string(text))
        }
        return try compiled.render(context: .object(context))
    }
}
