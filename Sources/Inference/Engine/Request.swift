/// One turn of a conversation, as chat templates see it.
public struct ChatMessage: Hashable, Sendable, Codable {
    public var role: String
    public var content: String

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }

    public static func user(_ content: String) -> ChatMessage { ChatMessage(role: "user", content: content) }
    public static func assistant(_ content: String) -> ChatMessage { ChatMessage(role: "assistant", content: content) }
    public static func system(_ content: String) -> ChatMessage { ChatMessage(role: "system", content: content) }
}

/// What a model is asked to continue. How a chat becomes tokens is the model's business (its template, its tokenizer).
public enum Prompt: Hashable, Sendable, Codable {
    /// Plain text, tokenized with the tokenizer's own special tokens (a BOS where it adds one).
    case text(String)
    /// A conversation, rendered through the model's chat template with the generation prompt, then `responsePrefix`.
    /// The suite's system prompt is put in front when the messages bring none.
    case chat([ChatMessage], responsePrefix: String = "")
    /// Token ids as they are.
    case tokens([Int32])
}

/// How to choose the next token.
public enum Sampling: Hashable, Sendable, Codable {
    /// The most probable token; the lowest id on a tie.
    case greedy
    /// Softmax of logits / temperature, cut to the smallest set with mass `topP`. The stream of random numbers depends
    /// on `seed` and the prompt alone, never on the batch.
    case random(temperature: Double, topP: Double, seed: UInt64)
}

/// A question to a model. Evaluations build requests; only the engine answers them.
public enum ModelRequest: Hashable, Sendable, Codable {
    /// Text up to `maxTokens` tokens, the end of the turn, or the first of the `stop` strings (which is cut off).
    case generate(Prompt, maxTokens: Int, stop: [String] = [], sampling: Sampling = .greedy)
    /// Log-probabilities of the whole vocabulary for the token after the prompt.
    case nextToken(Prompt)
    /// Log-probability (nats) of `continuation` after `context`, encoded together and split as lm-eval does.
    case logLikelihood(context: Prompt, continuation: String)
    /// Residual-stream vectors at `sites`, at the last prompt token.
    case activations(Prompt, sites: [HookPoint])
    /// Base against edited model along the base model's own greedy response: position 0 predicts the first response
    /// token, up to `tokens` positions (fewer when the base ends its turn earlier).
    case compare(Prompt, tokens: Int)
}

/// Why a generation ended.
public enum FinishReason: String, Hashable, Sendable, Codable {
    /// An end-of-turn token.
    case endOfTurn
    /// One of the request's stop strings.
    case stopString
    /// `maxTokens` were generated.
    case length
    /// The caller had seen enough (its verdict was decided).
    case decided
}

public struct Generation: Hashable, Sendable, Codable {
    /// Decoded without special tokens, stop string cut off.
    public var text: String
    /// Generated ids, without the end-of-turn token.
    public var tokens: [Int32]
    public var promptTokens: Int
    public var finishReason: FinishReason

    public init(text: String, tokens: [Int32], promptTokens: Int, finishReason: FinishReason) {
        self.text = text
        self.tokens = tokens
        self.promptTokens = promptTokens
        self.finishReason = finishReason
    }
}

/// How two models differ at one position. All in nats, computed in f64 over the whole vocabulary.
public struct PositionComparison: Hashable, Sendable, Codable {
    /// D_KL(base ‖ edited).
    public var kl: Double
    /// D_KL(edited ‖ base).
    public var reverseKL: Double
    /// Jensen-Shannon divergence.
    public var js: Double
    public var sameTopToken: Bool
    /// p_edited − p_base of the base model's most probable token.
    public var deltaP: Double

    public init(kl: Double, reverseKL: Double, js: Double, sameTopToken: Bool, deltaP: Double) {
        self.kl = kl
        self.reverseKL = reverseKL
        self.js = js
        self.sameTopToken = sameTopToken
        self.deltaP = deltaP
    }
}

public enum ModelResponse: Hashable, Sendable, Codable {
    case generation(Generation)
    /// (vocabulary)
    case logProbs([Float])
    /// Sum over the continuation's tokens in nats, their number, and whether greedy decoding would have given them.
    case logLikelihood(Double, tokens: Int, isGreedy: Bool)
    /// (sites, d_model), in the order asked for.
    case activations([[Float]])
    /// (positions)
    case comparison([PositionComparison])
}
