import Evals
import Foundation
import Inference
import Methods

extension Suite {
    /// Reads and checks a suite file; `overrides` are applied to its tree first, so they are checked the same way.
    public static func load(path: String, overrides: SuiteOverrides = .init()) throws -> Suite {
        let text: String
        do {
            text = String(decoding: try InputFile.read(path), as: UTF8.self)
        } catch HarnessError.unreadable(_, let reason) {
            throw SuiteError(
                source: path, place: nil, message: "\(reason); suites lie in suites/, see suites/README.md")
        }
        return try parse(
            text: text, source: path, directory: URL(fileURLWithPath: path).deletingLastPathComponent(),
            overrides: overrides)
    }

    public static func parse(
        text: String, source: String, directory: URL, overrides: SuiteOverrides = .init()
    ) throws -> Suite {
        var root = try LocatedValue.parse(yaml: text, source: source)
        try overrides.applySettings(to: &root)
        let reader = try NodeReader(root, what: "the suite", source: source, known: keys)
        guard let name = try reader.string("suite") else { throw reader.missing("suite") }
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "-_.".contains($0) }) else {
            throw SuiteError(
                source: source, place: reader.value("suite")?.place,
                message: "a suite's name becomes a folder: letters, digits, '-', '_' and '.' only, found \"\(name)\"")
        }
        var suite = Suite(
            name: name, summary: try reader.string("description"), source: source, text: text, directory: directory,
            models: [], methods: [], evals: [])
        if let seed = try reader.int("seed", atLeast: 0) { suite.seed = UInt64(seed) }
        suite.limit = try reader.int("limit", atLeast: 1)
        if let precision = try reader.choice("precision", Precision.self) { suite.precision = precision }
        suite.allowOverlap = try reader.bool("allow_overlap") ?? false
        suite.promptOptions.systemPrompt = try reader.string("system_prompt")
        suite.promptOptions.enableThinking = try reader.bool("enable_thinking")
        if let variables = reader.value("template_variables") {
            guard case .map(let pairs) = variables.content else {
                throw reader.fail(variables, "template_variables", "a mapping")
            }
            for pair in pairs { suite.promptOptions.templateVariables[pair.key] = pair.value.json }
        }
        guard let models = try reader.list("models"), !models.isEmpty else { throw reader.missing("models") }
        suite.models = try models.map { try model($0, source: source) }
        if let prompts = reader.value("prompts") {
            let sets = try NodeReader(prompts, what: "prompts", source: source, known: ["harmful", "harmless"])
            suite.harmful = try sets.value("harmful").map { try promptSource($0, what: "prompts.harmful", source: source) }
            suite.harmless = try sets.value("harmless").map {
                try promptSource($0, what: "prompts.harmless", source: source)
            }
        }
        guard let methods = try reader.list("methods"), !methods.isEmpty else { throw reader.missing("methods") }
        suite.methods = try methods.map { try method($0, source: source) }
        guard let evals = try reader.list("evals"), !evals.isEmpty else { throw reader.missing("evals") }
        suite.evals = try evals.map { try eval($0, source: source) }

        try overrides.applyScalars(to: &suite)
        try overrides.applySelections(to: &suite)
        try suite.requireDistinctLabels()
        return suite
    }

    private static func model(_ value: LocatedValue, source: String) throws -> ModelEntry {
        if case .string(let reference) = value.content {
            return ModelEntry(reference: reference, label: label(of: reference), place: value.place)
        }
        let reader = try NodeReader(value, what: "a model", source: source, known: ModelEntry.keys)
        guard let path = try reader.string("path") else { throw reader.missing("path") }
        if let quantization = try reader.string("quantization"), quantization != "none" {
            throw SuiteError(
                source: source, place: reader.value("quantization")?.place,
                message: "quantization '\(quantization)' is not known; known: none (a GGUF file is loaded as it is)")
        }
        return ModelEntry(
            reference: path, revision: try reader.string("revision"),
            label: try reader.string("label") ?? label(of: path), place: value.place)
    }

    /// `organisms/llama` → `llama`, `Qwen/Qwen2-0.5B@rev` → `Qwen2-0.5B`, `x/y.gguf` → `y`.
    private static func label(of reference: String) -> String {
        var last = reference.split(separator: "/").last.map(String.init) ?? reference
        if let at = last.firstIndex(of: "@") { last = String(last[..<at]) }
        if last.hasSuffix(".gguf") { last = String(last.dropLast(5)) }
        return last
    }

    private static func promptSource(_ value: LocatedValue, what: String, source: String) throws -> PromptSource {
        let reader = try NodeReader(value, what: what, source: source, known: PromptSource.keys)
        let result = PromptSource(
            dataset: try reader.string("dataset"), path: try reader.string("path"), column: try reader.string("column"),
            contrast: try reader.string("contrast"), search: try reader.string("search"),
            test: try reader.string("test"), place: value.place)
        guard (result.dataset == nil) != (result.path == nil) else {
            throw SuiteError(
                source: source, place: value.place, message: "\(what) needs either 'dataset' or 'path', and not both")
        }
        return result
    }

    /// `name`, or `{name: {options}}`: splits an entry of `methods` or `evals`.
    private static func entry(_ value: LocatedValue, _ what: String, source: String) throws -> (String, LocatedValue?) {
        switch value.content {
        case .string(let name): return (name, nil)
        case .map(let pairs) where pairs.count == 1:
            if case .null = pairs[0].value.content { return (pairs[0].key, nil) }
            return (pairs[0].key, pairs[0].value)
        default:
            throw SuiteError(
                source: source, place: value.place,
                message: "\(what) is a name, or one name with its options ({name: {option: value}}), found \(value.kind)")
        }
    }

    private static func extra(_ value: LocatedValue?, _ key: String) -> LocatedValue? {
        guard case .map(let pairs)? = value?.content else { return nil }
        return pairs.first { $0.key == key }?.value
    }

    private static func method(_ value: LocatedValue, source: String) throws -> MethodEntry {
        let (name, options) = try entry(value, "a method", source: source)
        guard let type = MethodRegistry.all.first(where: { $0.name == name }) else {
            throw SuiteError(
                source: source, place: value.place,
                message: NearestName.message("method", name, known: MethodRegistry.all.map { $0.name }))
        }
        func make<M: Method>(_ type: M.Type) throws -> MethodEntry {
            let decoded = try OptionsDecoding.decode(
                M.Options.self, from: options, name: name, source: source, extraKeys: ["label"])
            let method: M
            do { method = try M(options: decoded) } catch {
                throw SuiteError(source: source, place: options?.place ?? value.place, message: "\(name): \(error)")
            }
            return MethodEntry(
                method: method, name: name, version: M.version, options: try OptionsDecoding.canonicalJSON(decoded),
                label: try extraString(extra(options, "label"), "label", source: source) ?? name, place: value.place)
        }
        return try make(type)
    }

    private static func eval(_ value: LocatedValue, source: String) throws -> EvalEntry {
        let (name, options) = try entry(value, "an evaluation", source: source)
        guard let type = EvalRegistry.all.first(where: { $0.name == name }) else {
            throw SuiteError(
                source: source, place: value.place,
                message: NearestName.message("evaluation", name, known: EvalRegistry.all.map { $0.name }))
        }
        func make<E: Eval>(_ type: E.Type) throws -> EvalEntry {
            let own = Set(E.Options.keys.map(snakeCase))
            let decoded = try OptionsDecoding.decode(
                E.Options.self, from: options, name: name, source: source,
                extraKeys: ["label", "limit"].filter { !own.contains($0) })
            let eval: E
            do { eval = try E(options: decoded) } catch {
                throw SuiteError(source: source, place: options?.place ?? value.place, message: "\(name): \(error)")
            }
            var limit: Int?
            if let given = extra(options, "limit"), !own.contains("limit") {
                guard case .int(let i) = given.content, i >= 1 else {
                    throw SuiteError(
                        source: source, place: given.place, message: "limit must be an integer of at least 1")
                }
                limit = i
            }
            return EvalEntry(
                eval: eval, name: name, version: E.version, options: try OptionsDecoding.canonicalJSON(decoded),
                label: try extraString(extra(options, "label"), "label", source: source) ?? name, limit: limit,
                place: value.place)
        }
        return try make(type)
    }

    private static func extraString(_ value: LocatedValue?, _ key: String, source: String) throws -> String? {
        guard let value else { return nil }
        guard case .string(let text) = value.content, !text.isEmpty else {
            throw SuiteError(source: source, place: value.place, message: "\(key) must be text, found \(value.kind)")
        }
        return text
    }

    private func requireDistinctLabels() throws {
        func check(_ labels: [(String, LocatedValue.Place?)], _ what: String) throws {
            var seen: Set<String> = []
            for (label, place) in labels where !seen.insert(label).inserted {
                throw SuiteError(
                    source: source, place: place,
                    message: "two \(what) are called '\(label)': give one of them a 'label'")
            }
        }
        try check(models.map { ($0.label, $0.place) }, "models")
        try check(methods.map { ($0.label, $0.place) }, "methods")
        try check(evals.map { ($0.label, $0.place) }, "evaluations")
    }
}
