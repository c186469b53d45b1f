import Inference

/// The prompts of `gsm8k`: which examples a question is shown with, and in which wording.
struct GSM8KPrompts {
    let options: GSM8K.Options
    var form: GSM8K.Form { options.effectiveForm }

    /// A question with its solution.
    struct Problem {
        var question: String
        var answer: String
    }

    /// Strings that end a response.
    var stops: [String] {
        switch form {
        case .gsm8k: ["Question:", "</s>", "<|im_end|>"]
        case .cot: ["Q:", "</s>", "<|im_end|>"]
        case .chat: []
        }
    }

    /// One prompt per test problem, in order. Random examples come from one generator that runs on from problem to
    /// problem, as lm-eval's does; so every problem has its own, and a limit doesn't change them.
    func prompts(for problems: [Problem], instruction: String, train: () throws -> [Problem]) throws -> [Prompt] {
        let shots = options.effectiveShots
        switch form {
        case .cot:
            guard shots <= GSM8KChainOfThought.examples.count else {
                throw OptionsError(key: "shots", message: "gsm8k_cot has 8 fixed examples, \(shots) were asked for")
            }
            let examples = GSM8KChainOfThought.examples.prefix(shots).map { Problem(question: $0, answer: $1) }
            return problems.map { prompt(for: $0, examples: Array(examples), instruction: instruction) }
        case .gsm8k, .chat:
            guard shots > 0 else { return problems.map { prompt(for: $0, examples: [], instruction: instruction) } }
            let pool = try train()
            guard shots <= pool.count else {
                throw OptionsError(
                    key: "shots",
                    message: "\(shots) examples were asked for, '\(options.fewshotSplit)' has \(pool.count)")
            }
            var random = PythonRandom(seed: options.fewshotSeed)
            return problems.map { problem in
                let examples = random.sampleIndices(from: pool.count, count: shots).map { pool[$0] }
                return prompt(for: problem, examples: examples, instruction: instruction)
            }
        }
    }

    private func prompt(for problem: Problem, examples: [Problem], instruction: String) -> Prompt {
        if form == .chat {
            var messages: [ChatMessage] = []
            for example in examples {
                messages.append(.user(chatQuestion(example.question, instruction)))
                messages.append(.assistant(example.answer))
            }
            return .chat(messages + [.user(chatQuestion(problem.question, instruction))])
        }
        if options.applyChatTemplate, options.fewshotAsMultiturn {
            var messages: [ChatMessage] = []
            for example in examples {
                messages.append(.user(question(example.question)))
                messages.append(.assistant(example.answer))
            }
            return .chat(messages + [.user(question(problem.question))])
        }
        var text = ""
        for example in examples { text += question(example.question) + " " + example.answer + "\n\n" }
        text += question(problem.question)
        return options.applyChatTemplate ? .chat([.user(text)]) : .text(text)
    }

    private func question(_ text: String) -> String {
        form == .cot ? "Q: \(text)\nA:" : "Question: \(text)\nAnswer:"
    }

    private func chatQuestion(_ text: String, _ instruction: String) -> String {
        instruction.isEmpty ? text : "\(text)\n\n\(instruction)"
    }
}
