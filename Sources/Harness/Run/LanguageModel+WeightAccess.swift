import Inference
import Methods

/// Methods read shapes and weights of the loaded model; they never run it.
extension LanguageModel: WeightAccess {}

extension PromptOptions {
    /// What run keys carry of the prompt's form; nil when nothing is set.
    var canonicalJSON: String? {
        var pairs: [(key: String, value: JSONValue)] = []
        if let systemPrompt { pairs.append(("system_prompt", .string(systemPrompt))) }
        if let enableThinking { pairs.append(("enable_thinking", .bool(enableThinking))) }
        if !templateVariables.isEmpty {
            pairs.append(("template_variables", .object(templateVariables.map { ($0.key, $0.value) })))
        }
        return pairs.isEmpty ? nil : JSONValue.object(pairs).serialized(sortedKeys: true)
    }
}
