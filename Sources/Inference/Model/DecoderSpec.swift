/// Everything in which decoder families differ, as data. A family is a declaration (`Architecture.decoder`) that
/// fills this in; `TransformerDecoder` computes every family from it, so that all of them have the same hook sites
/// and residual writers.
public struct DecoderSpec: Sendable, Hashable {
    /// `model_type` of config.json.
    public var modelType: String
    /// d_model.
    public var hiddenSize: Int
    public var vocabularySize: Int
    /// `max_position_embeddings`: prompt and response together.
    public var contextLength: Int
    /// Token embeddings, (vocabulary, d_model).
    public var embeddingTensor: String
    /// Embeddings are multiplied by this on the way into the residual stream (Gemma: √d_model, rounded as it does).
    public var embeddingScale: Float
    /// One entry per block, in order.
    public var blocks: [BlockSpec]
    public var finalNorm: NormSpec
    /// (vocabulary, d_model); nil = tied to the embedding.
    public var unembeddingTensor: String?
    /// A bias of the unembedding, where one exists.
    public var unembeddingBias: String?
    /// Logits are multiplied by this (Granite: 1 / logits_scaling).
    public var logitScale: Float
    /// cap · tanh(logits / cap) after scaling; 0 = none.
    public var logitSoftcap: Float

    /// L, the number of blocks.
    public var layerCount: Int { blocks.count }

    public init(
        modelType: String, hiddenSize: Int, vocabularySize: Int, contextLength: Int,
        embeddingTensor: String = "model.embed_tokens.weight", embeddingScale: Float = 1, blocks: [BlockSpec],
        finalNorm: NormSpec, unembeddingTensor: String?, unembeddingBias: String? = nil, logitScale: Float = 1,
        logitSoftcap: Float = 0
    ) {
        self.modelType = modelType
        self.hiddenSize = hiddenSize
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.embeddingTensor = embeddingTensor
        self.embeddingScale = embeddingScale
        self.blocks = blocks
        self.finalNorm = finalNorm
        self.unembeddingTensor = unembeddingTensor
        self.unembeddingBias = unembeddingBias
        self.logitScale = logitScale
        self.logitSoftcap = logitSoftcap
    }
}

/// One block: attention and MLP, each read from and added to the residual stream.
///
///     sequential: x += m · post(attention(pre(x)));  x += m · post(mlp(pre(x)))
///     parallel:   x += m · (attention(preAttention(x)) + mlp(preMLP(x)))
public struct BlockSpec: Sendable, Hashable {
    /// nil = no norm at this place.
    public var preAttention: NormSpec?
    public var postAttention: NormSpec?
    public var preMLP: NormSpec?
    public var postMLP: NormSpec?
    public var attention: AttentionSpec
    public var mlp: MLPSpec
    /// m: what each branch is multiplied by before it is added (Granite's residual_multiplier).
    public var residualMultiplier: Float
    /// Both branches read the block's input.
    public var isParallel: Bool

    public init(
        preAttention: NormSpec?, postAttention: NormSpec? = nil, preMLP: NormSpec?, postMLP: NormSpec? = nil,
        attention: AttentionSpec, mlp: MLPSpec, residualMultiplier: Float = 1, isParallel: Bool = false
    ) {
        self.preAttention = preAttention
        self.postAttention = postAttention
        self.preMLP = preMLP
        self.postMLP = postMLP
        self.attention = attention
        self.mlp = mlp
        self.residualMultiplier = residualMultiplier
        self.isParallel = isParallel
    }
}

/// A normalisation and the tensors that hold its parameters.
public struct NormSpec: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// x / rms(x) · (weight + offset). Gemma stores weight − 1: offset 1.
        case rms(offset: Float)
        /// (x − mean) / std · weight + bias.
        case layer
    }
    public var kind: Kind
    public var epsilon: Float
    /// nil = no learned scale.
    public var weight: String?
    public var bias: String?

    public init(_ kind: Kind = .rms(offset: 0), epsilon: Float, weight: String?, bias: String? = nil) {
        self.kind = kind
        self.epsilon = epsilon
        self.weight = weight
        self.bias = bias
    }

    /// The same norm with the tensors of another place.
    public func named(_ weight: String, bias: String? = nil) -> NormSpec {
        NormSpec(kind, epsilon: epsilon, weight: weight, bias: bias)
    }
}

/// Consecutive rows of a tensor; nil = all of them. A fused tensor is cut by listing ranges of it.
public struct TensorRows: Sendable, Hashable, ExpressibleByStringLiteral {
    public var tensor: String
    public var rows: Range<Int>?

    public init(_ tensor: String, rows: Range<Int>? = nil) {
        self.tensor = tensor
        self.rows = rows
    }

    public init(stringLiteral tensor: String) { self.init(tensor) }
}

/// A linear map: the rows of `weight`, one source after another, make the matrix (out, in); `bias` likewise (out).
public struct LinearSpec: Sendable, Hashable {
    public var weight: [TensorRows]
    public var bias: [TensorRows]

    public init(_ weight: [TensorRows], bias: [TensorRows] = []) {
        self.weight = weight
        self.bias = bias
    }

    /// `prefix.weight` of every prefix, and `prefix.bias` where there are biases.
    public init(_ prefixes: [String], bias: Bool) {
        weight = prefixes.map { TensorRows($0 + ".weight") }
        self.bias = bias ? prefixes.map { TensorRows($0 + ".bias") } : []
    }
}

/// Softmax attention with grouped key-value heads.
public struct AttentionSpec: Sendable, Hashable {
    /// Normalisation of queries and keys after projection.
    public enum QueryKeyNorm: Sendable, Hashable {
        case none
        /// Over each head (Qwen3, Gemma 3).
        case perHead(query: NormSpec, key: NormSpec)
        /// Over all heads together (OLMo 2).
        case whole(query: NormSpec, key: NormSpec)
    }
    public var heads: Int
    public var kvHeads: Int
    public var headDim: Int
    /// Rows: all query heads, then all key heads, then all value heads.
    public var qkv: LinearSpec
    /// A residual writer: (d_model, heads · headDim).
    public var output: LinearSpec
    public var queryKeyNorm: QueryKeyNorm
    /// Scores are multiplied by this; usually 1 / √headDim.
    public var scale: Float
    /// cap · tanh(scores / cap); 0 = none.
    public var softcap: Float
    /// A query sees this many positions, itself included; 0 = all.
    public var window: Int
    /// Tensor (heads) of extra logits in the softmax that carry no value (gpt-oss).
    public var sinks: String?
    /// nil = no positional rotation in this block.
    public var rope: RopeSpec?

    public init(
        heads: Int, kvHeads: Int, headDim: Int, qkv: LinearSpec, output: LinearSpec, queryKeyNorm: QueryKeyNorm = .none,
        scale: Float? = nil, softcap: Float = 0, window: Int = 0, sinks: String? = nil, rope: RopeSpec?
    ) {
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.qkv = qkv
        self.output = output
        self.queryKeyNorm = queryKeyNorm
        self.scale = scale ?? 1 / Float(headDim).squareRoot()
        self.softcap = softcap
        self.window = window
        self.sinks = sinks
        self.rope = rope
    }
}

/// A gated MLP: down(act(gate(x)) · up(x)).
public struct MLPSpec: Sendable, Hashable {
    public enum Activation: Sendable, Hashable { case silu, geluTanh, gelu, relu }
    public var activation: Activation
    /// Width of the hidden layer.
    public var width: Int
    /// Rows: the gate's, then the up projection's; (2 · width, d_model).
    public var gateUp: LinearSpec
    /// A residual writer: (d_model, width).
    public var down: LinearSpec

    public init(activation: Activation, width: Int, gateUp: LinearSpec, down: LinearSpec) {
        self.activation = activation
        self.width = width
        self.gateUp = gateUp
        self.down = down
    }
}

extension DecoderSpec {
    /// Every matrix that writes to the residual stream, in the order of the forward pass.
    public var writers: [ResidualWriter] {
        var writers: [ResidualWriter] = [.embedding]
        for layer in 0..<layerCount {
            writers.append(.attentionOutput(layer: layer))
            writers.append(.mlpOutput(layer: layer, expert: nil))
        }
        return writers
    }
}
