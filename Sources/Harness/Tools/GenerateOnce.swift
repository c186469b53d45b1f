import Evals
import Foundation
import Inference
import Methods

/// `abench generate`: one response, from the original model or with a method applied.
public struct GenerateOnce {
    let model: LanguageModel
    let prompt: String
    let raw: Bool
    let system: String?
    let maxTokens: Int
    let temperature: Double
    let topP: Double
    let seed: UInt64
    let method: String?
    let methodSettings: [String]
    let harmful: String?
    let harmless: String?
    let dataDirectory: String?

    public init(
        model: LanguageModel, prompt: String, raw: Bool, system: String?, maxTokens: Int, temperature: Double,
        topP: Double, seed: UInt64, method: String?, methodSettings: [String], harmful: String?, harmless: String?,
        dataDirectory: String?
    ) {
        self.model = model
        self.prompt = prompt
        self.raw = raw
        self.system = system
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.topP = topP
        self.seed = seed
        self.method = method
        self.methodSettings = methodSettings
        self.harmful = harmful
        self.harmless = harmless
        self.dataDirectory = dataDirectory
    }

    public func run() throws -> Generation {
        var options = EngineOptions()
        options.prompt.systemPrompt = system
        let engine = Engine(model: model, options: options)
        let edits = try edits(engine)
        let sampling: Sampling =
            temperature == 0 ? .greedy : .random(temperature: temperature, topP: topP, seed: seed)
        let request = ModelRequest.generate(
            raw ? .text(prompt) : .chat([.user(prompt)]), maxTokens: maxTokens, sampling: sampling)
        guard case .generation(let generation)? = try engine.responses(to: [request], edits: edits).first else {
            throw HarnessError.unexpectedResponse(request: "generate")
        }
        return generation
    }

    private func edits(_ engine: Engine) throws -> WeightEdits {
        guard let name = method else { return .none }
        guard let type = MethodRegistry.all.first(where: { $0.name == name }) else {
            throw HarnessError.unknownName(
                NearestName.message("method", name, known: MethodRegistry.all.map { $0.name }))
        }
        func make<M: Method>(_ type: M.Type) throws -> any Method {
            try M(options: OptionsDecoding.decode(
                M.Options.self, from: OptionsDecoding.mapping(methodSettings), name: name, source: "--set"))
        }
        let method = try make(type)
        if method.needs.contains(.search) {
            throw HarnessError.unknownName(
                "\(name) searches, which needs a suite: use `abench run`, or give it a trial's numbers with --set parameters=…")
        }
        var contrast = Contrast(harmful: [], harmless: [], harmfulFinalNormed: [], harmlessFinalNormed: [])
        if method.needs.contains(.contrast), let harmful, let harmless {
            contrast = try ContrastCollector.collect(
                harmful: PromptReference.load(harmful, dataDirectory: dataDirectory),
                harmless: PromptReference.load(harmless, dataDirectory: dataDirectory),
                layerCount: model.layerCount, responder: engine)
        }
        return try method.edits(in: MethodContext(weights: model, contrast: contrast, seed: seed)).edits
    }
}

/// Prompts named on a command line: `DATASET:SLICE`, or `FILE` with an optional `:SLICE`.
enum PromptReference {
    static func load(_ text: String, dataDirectory: String?) throws -> [PromptRecord] {
        let datasets = DatasetStore(dataDirectory: dataDirectory.map { URL(fileURLWithPath: $0) })
        let colon = text.firstIndex(of: ":")
        let name = colon.map { String(text[..<$0]) } ?? text
        let split = colon.map { String(text[text.index(after: $0)...]) }
        let isFile = FileManager.default.fileExists(atPath: name)
        return try datasets.prompts(
            DatasetReference(dataset: isFile ? nil : name, path: isFile ? name : nil, split: split))
    }
}
