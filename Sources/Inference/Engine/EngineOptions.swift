/// How an engine works; none of it changes a single bit of any response, except `prompt`.
public struct EngineOptions: Sendable {
    /// Sequences computed side by side.
    public var maxBatch: Int
    /// Tokens in one step: how long prompts are cut.
    public var maxBatchTokens: Int
    /// Computes a beginning that several prompts share once.
    public var reusesPrefixes: Bool
    public var prompt: PromptOptions
    /// Asked between steps; false ends `respond` with `CancellationError`.
    public var shouldContinue: (@Sendable () -> Bool)?

    public init(
        maxBatch: Int = 64, maxBatchTokens: Int = 512, reusesPrefixes: Bool = true,
        prompt: PromptOptions = PromptOptions(), shouldContinue: (@Sendable () -> Bool)? = nil
    ) {
        self.maxBatch = max(1, maxBatch)
        self.maxBatchTokens = max(1, maxBatchTokens)
        self.reusesPrefixes = reusesPrefixes
        self.prompt = prompt
        self.shouldContinue = shouldContinue
    }
}

/// How chats become text.
public struct PromptOptions: Sendable, Hashable {
    /// Put in front of conversations that bring no system message.
    public var systemPrompt: String?
    /// The template's `enable_thinking`, where it has one.
    public var enableThinking: Bool?
    /// Further template variables.
    public var templateVariables: [String: JSONValue]

    public init(
        systemPrompt: String? = nil, enableThinking: Bool? = nil, templateVariables: [String: JSONValue] = [:]
    ) {
        self.systemPrompt = systemPrompt
        self.enableThinking = enableThinking
        self.templateVariables = templateVariables
    }
}

/// What an engine has done so far.
public struct EngineStatistics: Sendable, Hashable, Codable {
    /// Prompt tokens computed.
    public var promptTokens = 0
    /// Prompt tokens that came from a shared prefix instead.
    public var reusedTokens = 0
    public var generatedTokens = 0
    /// Seconds on prompts and on generation; a step that does both is split by its tokens.
    public var promptSeconds = 0.0
    public var generationSeconds = 0.0
    /// Bytes of keys and values held at the largest step.
    public var peakCacheBytes = 0

    public init() {}

    public var promptTokensPerSecond: Double? { promptSeconds > 0 ? Double(promptTokens) / promptSeconds : nil }
    public var generatedTokensPerSecond: Double? {
        generationSeconds > 0 ? Double(generatedTokens) / generationSeconds : nil
    }
}
