/// A checkpoint whose tensors do not make the model its configuration declares.
public enum ModelError: Error, CustomStringConvertible, Sendable, Equatable {
    case unknownArchitecture(modelType: String, known: [String])
    case missingTensor(name: String)
    case wrongShape(tensor: String, expected: [Int], found: [Int])
    case noTokenizer
    case noChatTemplate
    case emptyPrompt
    case tokenOutOfRange(token: Int32, vocabulary: Int)
    case promptTooLong(tokens: Int, limit: Int)
    case continuation(message: String)
    case edit(writer: String, message: String)
    case noSuchSite(site: String, layers: Int)
    case unsupportedCombination(message: String)

    public var description: String {
        switch self {
        case .unknownArchitecture(let type, let known):
            "model_type \"\(type)\" is not a family this build knows; it knows \(known.joined(separator: ", "))"
        case .missingTensor(let name):
            "the checkpoint has no tensor \"\(name)\", which its configuration calls for; is a shard missing?"
        case .wrongShape(let tensor, let expected, let found):
            "tensor \"\(tensor)\" has shape \(found), the configuration calls for \(expected)"
        case .noTokenizer:
            "the checkpoint has no tokenizer.json (and no GGUF vocabulary), so text cannot be encoded"
        case .noChatTemplate:
            "the checkpoint has no chat template; use plain text prompts, or a checkpoint that has one"
        case .emptyPrompt:
            "the prompt is empty and the tokenizer has no BOS or EOS token to start from"
        case .tokenOutOfRange(let token, let vocabulary):
            "token \(token) is outside the model's vocabulary of \(vocabulary)"
        case .promptTooLong(let tokens, let limit):
            "the prompt has \(tokens) tokens, more than the model's context of \(limit); shorten it or its shots"
        case .continuation(let message): "log-likelihood: \(message)"
        case .edit(let writer, let message): "edit of \(writer): \(message)"
        case .noSuchSite(let site, let layers): "hook site \(site) does not exist in a model of \(layers) blocks"
        case .unsupportedCombination(let message): message
        }
    }
}

/// A linear map of the model: packed weights and the bias.
package struct LinearWeights<B: Backend>: Sendable {
    package var matrix: B.Matrix
    package var outputs: Int
    package var inputs: Int
    /// (outputs)
    package var bias: [Float]?
}

/// Parameters of one block, ready to compute with.
package struct BlockWeights<B: Backend>: Sendable {
    package var preAttention: NormParameters?
    package var postAttention: NormParameters?
    package var preMLP: NormParameters?
    package var postMLP: NormParameters?
    package var qkv: LinearWeights<B>
    package var queryNorm: NormParameters?
    package var keyNorm: NormParameters?
    package var output: LinearWeights<B>
    package var sinks: [Float]?
    package var gateUp: LinearWeights<B>
    package var down: LinearWeights<B>
}

/// All parameters except the embedding, whose rows are read from the checkpoint when they are needed.
package struct DecoderWeights<B: Backend>: Sendable {
    package var blocks: [BlockWeights<B>]
    package var finalNorm: NormParameters
    package var unembedding: LinearWeights<B>
}

/// Reads and packs weights, checking shapes and values.
package struct WeightLoader<B: Backend> {
    let backend: B
    let checkpoint: any Checkpoint
    let spec: DecoderSpec
    let precision: Precision

    package func load(progress: (@Sendable (Double) -> Void)?) throws -> DecoderWeights<B> {
        var blocks: [BlockWeights<B>] = []
        let steps = Double(spec.layerCount + 1)
        for (i, block) in spec.blocks.enumerated() {
            blocks.append(try load(block))
            progress?(Double(i + 1) / steps)
        }
        let name = spec.unembeddingTensor ?? spec.embeddingTensor
        let unembedding = try linear(
            LinearSpec([TensorRows(name)], bias: spec.unembeddingBias.map { [TensorRows($0)] } ?? []),
            outputs: spec.vocabularySize, inputs: spec.hiddenSize)
        try checkShape(spec.embeddingTensor, [spec.vocabularySize, spec.hiddenSize])
        let weights = DecoderWeights(
            blocks: blocks, finalNorm: try norm(spec.finalNorm, width: spec.hiddenSize), unembedding: unembedding)
        progress?(1)
        return weights
    }

    private func load(_ block: BlockSpec) throws -> BlockWeights<B> {
        let d = spec.hiddenSize
        let attention = block.attention
        let queryWidth = attention.heads * attention.headDim
        let keyWidth = attention.kvHeads * attention.headDim
        var queryNorm: NormParameters?
        var keyNorm: NormParameters?
        switch attention.queryKeyNorm {
        case .none: break
        case .perHead(let query, let key):
            queryNorm = try norm(query, width: attention.headDim)
            keyNorm = try norm(key, width: attention.headDim)
        case .whole(let query, let key):
            queryNorm = try norm(query, width: queryWidth)
            keyNorm = try norm(key, width: keyWidth)
        }
        return BlockWeights(
            preAttention: try block.preAttention.map { try norm($0, width: d) },
            postAttention: try block.postAttention.map { try norm($0, width: d) },
            preMLP: try block.preMLP.map { try norm($0, width: d) },
            postMLP: try block.postMLP.map { try norm($0, width: d) },
            qkv: try linear(attention.qkv, outputs: queryWidth + 2 * keyWidth, inputs: d),
            queryNorm: queryNorm, keyNorm: keyNorm,
            output: try linear(attention.output, outputs: d, inputs: queryWidth),
            sinks: try attention.sinks.map { try vector([TensorRows($0)], count: attention.heads) },
            gateUp: try linear(block.mlp.gateUp, outputs: 2 * block.mlp.width, inputs: d),
            down: try linear(block.mlp.down, outputs: d, inputs: block.mlp.width))
    }

    private func norm(_ norm: NormSpec, width: Int) throws -> NormParameters {
        NormParameters(
            kind: norm.kind, epsilon: norm.epsilon,
            weight: try norm.weight.map { try vector([TensorRows($0)], count: width) },
            bias: try norm.bias.map { try vector([TensorRows($0)], count: width) })
    }

    /// A vector put together from one-dimensional tensors.
    private func vector(_ sources: [TensorRows], count: Int) throws -> [Float] {
        var values: [Float] = []
        for source in sources {
            let shape = try shape(of: source.tensor)
            guard shape.count == 1 else {
                throw ModelError.wrongShape(tensor: source.tensor, expected: [count], found: shape)
            }
            let rows = source.rows ?? 0..<shape[0]
            guard rows.upperBound <= shape[0] else {
                throw ModelError.wrongShape(tensor: source.tensor, expected: [rows.upperBound], found: shape)
            }
            values += try checkpoint.floats(source.tensor, checkFinite: true)[rows]
        }
        guard values.count == count else {
            throw ModelError.wrongShape(
                tensor: sources.map(\.tensor).joined(separator: " + "), expected: [count], found: [values.count])
        }
        return values
    }

    /// A matrix put together from rows of tensors, packed.
    private func linear(_ linear: LinearSpec, outputs: Int, inputs: Int) throws -> LinearWeights<B> {
        // (first output row, source tensor, its first row) of each part.
        var parts: [(rows: Range<Int>, tensor: String, first: Int)] = []
        var next = 0
        for source in linear.weight {
            let shape = try shape(of: source.tensor)
            let rows = source.rows ?? 0..<(shape.first ?? 0)
            guard shape.count == 2, shape[1] == inputs, rows.upperBound <= shape[0] else {
                throw ModelError.wrongShape(
                    tensor: source.tensor, expected: [source.rows?.upperBound ?? outputs, inputs], found: shape)
            }
            parts.append((next..<next + rows.count, source.tensor, rows.lowerBound))
            next += rows.count
        }
        guard next == outputs else {
            throw ModelError.wrongShape(
                tensor: linear.weight.map(\.tensor).joined(separator: " + "), expected: [outputs, inputs],
                found: [next, inputs])
        }
        let fixedParts = parts
        let checkpoint = checkpoint
        let matrix = try backend.makeMatrix(outputs: outputs, inputs: inputs, precision: precision) { rows, buffer in
            for part in fixedParts where part.rows.overlaps(rows) {
                let wanted = part.rows.clamped(to: rows)
                let source = wanted.lowerBound - part.rows.lowerBound + part.first
                let start = (wanted.lowerBound - rows.lowerBound) * inputs
                guard let target = buffer.baseAddress else { continue }
                try checkpoint.readRows(
                    part.tensor, source..<source + wanted.count, into: target + start, checkFinite: true)
            }
        }
        let bias = linear.bias.isEmpty ? nil : try vector(linear.bias, count: outputs)
        return LinearWeights(matrix: matrix, outputs: outputs, inputs: inputs, bias: bias)
    }

    private func shape(of tensor: String) throws -> [Int] {
        guard let shape = checkpoint.tensors[tensor]?.shape else { throw ModelError.missingTensor(name: tensor) }
        return shape
    }

    private func checkShape(_ tensor: String, _ expected: [Int]) throws {
        let found = try shape(of: tensor)
        guard found == expected else { throw ModelError.wrongShape(tensor: tensor, expected: expected, found: found) }
    }
}

extension Checkpoint {
    /// A whole tensor, with an error for the first NaN or infinity.
    fileprivate func floats(_ name: String, checkFinite: Bool) throws -> [Float] {
        let info = try tensor(name)
        return try [Float](unsafeUninitializedCapacity: info.elementCount) { buffer, count in
            if let base = buffer.baseAddress, info.elementCount > 0 {
                try readRows(name, 0..<info.rowCount, into: base, checkFinite: checkFinite)
            }
            count = info.elementCount
        }
    }
}
