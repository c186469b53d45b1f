import ArgumentParser
import Foundation
import Harness
import Inference

/// Options of every verb that loads a model.
struct ModelOptions: ParsableArguments {
    @Argument(help: "A .gguf file, a checkpoint directory, a file name in $ABENCH_MODELS, or org/name[@rev].")
    var model: String
    @Option(help: "f32 or bf16.") var precision: String = "bf16"
    @Option(help: "Threads; 0 = all cores.") var threads = 0

    func validate() throws {
        if Precision(rawValue: precision) == nil { throw ValidationError("--precision must be f32 or bf16") }
        if threads < 0 { throw ValidationError("--threads must be 0 (all cores) or more") }
    }

    func load() throws -> LanguageModel {
        guard let precision = Precision(rawValue: precision) else {
            throw ValidationError("--precision must be f32 or bf16")
        }
        return try ModelLoading.load(model, precision: precision, threads: threads)
    }
}

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a checkpoint: configuration, family, tensors, residual writers, memory.")

    @Argument(help: "A .gguf file, a checkpoint directory, a file name in $ABENCH_MODELS, or org/name[@rev].")
    var model: String
    @Flag(help: "Machine-readable.") var json = false
    @Flag(help: "List every tensor.") var tensors = false

    func run() throws {
        let inspection = try Inspection(model)
        if json {
            try printJSON(inspection.json(includeTensors: true))
        } else {
            print(inspection.text(includeTensors: tensors))
        }
    }
}

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn text into token ids.",
        discussion: "MODEL may be a directory that holds only a tokenizer. --batch reads a JSON array of texts.")

    @Argument(help: "A checkpoint, or a directory with a tokenizer.json.") var model: String
    @Argument(help: "The text.") var text: String?
    @Flag(help: "Wrap the text as a user message in the model's chat template.") var chat = false
    @Option(help: "A file with a JSON array of texts; no special tokens are added.") var batch: String?
    @Flag(help: "Machine-readable.") var json = false

    func validate() throws {
        if (text == nil) == (batch == nil) { throw ValidationError("give either a text or --batch FILE") }
        if chat && batch != nil { throw ValidationError("--chat takes one text, not --batch") }
    }

    func run() throws {
        let tokenizer = try ModelLoading.tokenizer(model)
        if let batch {
            let texts = try ModelLoading.stringArray(file: batch)
            let ids = texts.map { tokenizer.encode($0, addSpecialTokens: false).map(Int.init) }
            if json {
                let rows = ids.map { "[" + $0.map(String.init).joined(separator: ",") + "]" }
                print("{\"ids\":[" + rows.joined(separator: ",") + "]}")
            } else {
                for row in ids { print(row.map(String.init).joined(separator: " ")) }
            }
            return
        }
        let ids = chat
            ? try ModelLoading.encodeChat(model, text: text ?? "")
            : tokenizer.encode(text ?? "", addSpecialTokens: true)
        if json {
            print("{\"ids\":[[" + ids.map { String($0) }.joined(separator: ",") + "]]}")
        } else {
            for id in ids { print("\(id)\t\(tokenizer.tokenText(id) ?? "?")") }
        }
    }
}

struct LogitsVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits", abstract: "Logits of every position of a token sequence.")

    @OptionGroup var options: ModelOptions
    @Option(help: "Token ids, comma-separated.") var tokens: String
    @Option(help: "Without --json: how many of the largest logits per position.") var top = 5
    @Flag(help: "Machine-readable, full precision.") var json = false

    func validate() throws {
        _ = try tokenIDs()
        if top < 1 { throw ValidationError("--top must be at least 1") }
    }

    private func tokenIDs() throws -> [Int32] {
        let ids = try tokens.split(separator: ",", omittingEmptySubsequences: false).map { part -> Int32 in
            guard let id = Int32(part.trimmingCharacters(in: .whitespaces)), id >= 0 else {
                throw ValidationError("--tokens: '\(part)' is not a token id; give them as in --tokens 1,2,3")
            }
            return id
        }
        return ids
    }

    func run() throws {
        let ids = try tokenIDs()
        let model = try options.load()
        let rows = try ModelLoading.logits(model, tokens: ids)
        if json {
            var out = "{\"tokens\":[" + ids.map { String($0) }.joined(separator: ",") + "],\"logits\":["
            for (index, row) in rows.enumerated() {
                out += index == 0 ? "[" : ",["
                out += row.map { $0.isFinite ? "\($0)" : "null" }.joined(separator: ",")
                out += "]"
            }
            print(out + "]}")
            return
        }
        for (position, row) in rows.enumerated() {
            let best = row.indices.sorted { row[$0] > row[$1] }.prefix(top)
            let list = best.map { "\($0) \(model.tokenizer?.tokenText(Int32($0)) ?? "?") \(row[$0])" }
            print("\(position)\t\(ids[position])\t" + list.joined(separator: "  |  "))
        }
    }
}

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Generate text, from the original model or with a method applied.")

    @OptionGroup var options: ModelOptions
    @Argument(help: "The user's message.") var prompt: String
    @Option(help: "Apply this method first (needs --harmful and --harmless).") var method: String?
    @Option(help: "Contrast prompts: DATASET:SLICE, as in refusal-direction-harmful:train[:128].") var harmful: String?
    @Option(help: "Contrast prompts: DATASET:SLICE.") var harmless: String?
    @Option(name: .customLong("set"), help: "An option of the method: alpha=0.5. May be repeated.") var settings: [String] = []
    @Option(help: "Where datasets lie.") var dataDir: String?
    @Option(help: "System prompt.") var system: String?
    @Option(help: "At most this many tokens.") var maxTokens = 200
    @Option(help: "0 = greedy.") var temperature = 0.0
    @Option(help: "Nucleus sampling.") var topP = 1.0
    @Option(help: "Seed of the sampler and the method.") var seed: UInt64 = 0
    @Flag(help: "Continue the text as it is, without a chat template.") var raw = false

    func validate() throws {
        if method != nil && method != "baseline" && (harmful == nil || harmless == nil) {
            throw ValidationError("--method needs --harmful and --harmless prompts to find its direction")
        }
        if maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1") }
        if temperature < 0 || topP <= 0 || topP > 1 { throw ValidationError("--temperature >= 0 and 0 < --top-p <= 1") }
    }

    func run() throws {
        let model = try options.load()
        let generation = try GenerateOnce(
            model: model, prompt: prompt, raw: raw, system: system, maxTokens: maxTokens, temperature: temperature,
            topP: topP, seed: seed, method: method, methodSettings: settings, harmful: harmful, harmless: harmless,
            dataDirectory: dataDir
        ).run()
        print(generation.text)
        let note = "\(generation.promptTokens) prompt + \(generation.tokens.count) generated tokens, \(generation.finishReason.rawValue)\n"
        FileHandle.standardError.write(Data(note.utf8))
    }
}

struct Template: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Render a chat template.")

    @Argument(help: "A checkpoint; leave out with --template.") var model: String?
    @Option(help: "A template file.") var template: String?
    @Option(help: "A JSON file with a list of messages, or an object with messages, tools …") var messages: String
    @Option(name: .customLong("set"), help: "A template variable: enable_thinking=false. May be repeated.") var settings: [String] = []
    @Flag(inversion: .prefixedNo, help: "Open the assistant's turn.") var generationPrompt = true

    func validate() throws {
        if (model == nil) == (template == nil) { throw ValidationError("give either MODEL or --template FILE") }
    }

    func run() throws {
        let text = try TemplateRendering.render(
            model: model, template: template, messages: messages, settings: settings,
            addGenerationPrompt: generationPrompt)
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure prompt and generation speed.",
        discussion: "Prompt work is 16 × 128 tokens unless -p and -b say otherwise. Median of the repetitions.")

    @OptionGroup var options: ModelOptions
    @Option(name: .shortAndLong, help: "Prompt length in tokens.") var promptTokens = 128
    @Option(name: .shortAndLong, help: "Prompts side by side.") var batch = 16
    @Option(name: .shortAndLong, help: "Tokens to generate per sequence.") var newTokens = 64
    @Option(name: .shortAndLong, help: "Repetitions.") var repetitions = 3
    @Flag(help: "Machine-readable.") var json = false

    func validate() throws {
        if min(promptTokens, batch, newTokens, repetitions) < 1 {
            throw ValidationError("--prompt-tokens, --batch, --new-tokens and --repetitions must be at least 1")
        }
    }

    func run() throws {
        let result = try Benchmark(
            model: options.load(), promptTokens: promptTokens, batch: batch, newTokens: newTokens,
            repetitions: repetitions
        ).run()
        if json { try printJSON(result.json) } else { print(result.text) }
    }
}
