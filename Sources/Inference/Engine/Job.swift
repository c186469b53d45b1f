/// What the scheduler computes: a token sequence, and what is wanted of it.
struct Job {
    enum Goal {
        /// Continue until an end token, a stop string, or `limit` tokens.
        case generate(limit: Int, stop: [String], sampler: Sampler?)
        /// Log-probabilities after the last token.
        case nextToken
        /// log p of each of `targets`, predicted from the tokens at `firstOutput...`.
        case score(targets: [Int32])
        /// Final-normed states at `firstOutput...`.
        case states
        /// A greedy continuation of up to `limit` tokens and the final-normed state that each was predicted from; the
        /// state that predicts the end token is the last one.
        case greedyStates(limit: Int)
        case activations([HookPoint])
    }
    var tokens: [Int32]
    /// Index of the first token whose output is wanted; the tokens before it may be shared.
    var firstOutput: Int
    var goal: Goal

    /// Wanted of the last prompt token only.
    init(prompt: [Int32], goal: Goal) {
        tokens = prompt
        firstOutput = prompt.count - 1
        self.goal = goal
    }

    init(tokens: [Int32], firstOutput: Int, goal: Goal) {
        self.tokens = tokens
        self.firstOutput = firstOutput
        self.goal = goal
    }

    /// Tokens that may still be generated.
    var limit: Int {
        switch goal {
        case .generate(let limit, _, _), .greedyStates(let limit): limit
        default: 0
        }
    }

    /// Blocks that must be computed, in a model of `layers`.
    func depth(layers: Int) -> Int {
        guard case .activations(let sites) = goal else { return layers }
        return sites.map { $0.depth(layers: layers) }.max() ?? 0
    }
}

extension HookPoint {
    /// Blocks that must be computed before this site has its value.
    func depth(layers: Int) -> Int {
        switch self {
        case .embed: 0
        case .residPre(let i): i
        case .attnOut(let i), .residMid(let i), .mlpOut(let i), .residPost(let i): i + 1
        case .lnFinal: layers
        }
    }

    /// Whether a model of this many blocks has the site.
    package func exists(layers: Int) -> Bool {
        switch self {
        case .embed, .lnFinal: true
        case .residPre(let i), .attnOut(let i), .residMid(let i), .mlpOut(let i), .residPost(let i):
            i >= 0 && i < layers
        }
    }
}

/// What a job gave.
enum JobResult {
    case generated(Generated)
    case logProbs([Float])
    case score(Double, tokens: Int, isGreedy: Bool)
    /// (positions, d_model)
    case states([[Float]])
    case greedyStates(tokens: [Int32], states: [[Float]])
    case activations([[Float]])
}

struct Generated {
    var text: String
    var tokens: [Int32]
    var reason: FinishReason
}
