import Foundation

/// Turns a GGUF file into a checkpoint with Hugging Face's names and configuration.
struct GGUFCheckpoint {
    let file: GGUFFile
    let architecture: String
    let family: GGUFNames.Family
    private(set) var tensorInfos: [String: TensorInfo] = [:]

    static func open(_ path: String) throws(CheckpointError) -> MappedCheckpoint {
        let reader = try GGUFCheckpoint(path)
        let vocabulary = try reader.vocabulary()
        var tokens = SpecialTokens()
        if let vocabulary {
            func text(_ id: Int?) -> String? {
                guard let id, vocabulary.tokens.indices.contains(id) else { return nil }
                return String(validating: vocabulary.tokens[id], as: UTF8.self)
            }
            tokens = SpecialTokens(
                bos: text(vocabulary.bosTokenID), eos: text(vocabulary.eosTokenID),
                unknown: text(vocabulary.unknownTokenID), padding: text(vocabulary.paddingTokenID))
        }
        var eos: [Int] = []
        for id in [vocabulary?.eosTokenID, vocabulary?.eotTokenID] {
            if let id, !eos.contains(id) { eos.append(id) }
        }
        return MappedCheckpoint(
            path: path, format: .gguf, configuration: try reader.configuration(vocabulary), configurationSource: path,
            tensors: reader.tensorInfos, files: [reader.file.file],
            tokenizerSource: vocabulary.map { .gguf($0) } ?? .none,
            chatTemplate: try reader.file.string("tokenizer.chat_template"), specialTokens: tokens, generationEOS: eos)
    }

    private init(_ path: String) throws(CheckpointError) {
        file = try GGUFFile(path: path)
        guard let architecture = try file.string("general.architecture") else {
            throw CheckpointError(.malformed, path: path, subject: "key 'general.architecture'", "is missing")
        }
        if let count = try file.integer("split.count"), count > 1 {
            throw CheckpointError(
                .unsupported, path: path, subject: "key 'split.count'",
                "the model is split into \(count) files; join them with `llama-gguf-split --merge`")
        }
        self.architecture = architecture
        let experts = try file.integer("\(architecture).expert_count") ?? 0
        family = GGUFNames.family(architecture, hasExperts: experts > 0)
        for tensor in file.tensors { try add(tensor) }
    }

    // MARK: Tensors

    private mutating func add(_ tensor: GGUFTensor) throws(CheckpointError) {
        let parts = tensor.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let subject = "tensor '\(tensor.name)'"
        var info = TensorInfo(
            name: tensor.name, storedName: tensor.name, type: tensor.type, shape: tensor.shape,
            byteCount: tensor.byteCount, file: file.path, offset: tensor.offset)
        if parts.count == 2, let name = GGUFNames.global[parts[0]] {
            info.name = "\(name).\(parts[1])"
        } else if parts.count >= 3, parts[0] == "blk", let layer = Int(parts[1]), layer >= 0, layer < 100_000 {
            let suffix = parts.count > 3 ? "." + parts[3] : ""
            if GGUFNames.expert(parts[2], 0, family) != nil, tensor.shape.count > 1 {
                return try addExperts(info, layer: layer, part: parts[2], suffix: suffix)
            }
            if let name = GGUFNames.block(parts[2], family, architecture: architecture) {
                // Sinks are a bare parameter.
                info.name = "model.layers.\(layer).\(name)" + (parts[2] == "attn_sinks" ? "" : suffix)
            }
            if family.permutesQK, parts[2] == "attn_q" || parts[2] == "attn_k" {
                let key = parts[2] == "attn_q" ? "attention.head_count" : "attention.head_count_kv"
                let own = try perLayer(key, layer)
                let all = try perLayer("attention.head_count", layer)
                let heads = own ?? all
                let rows = tensor.shape.count == 1 ? tensor.shape[0] : info.rowCount
                guard let heads, heads > 0, rows % (2 * heads) == 0 else {
                    throw file.malformed(
                        subject, tensor.offset, "its \(rows) rows do not divide into \(heads ?? 0) heads of even size")
                }
                if tensor.shape.count == 1, tensor.type.blockLength != 1 {
                    throw file.malformed(subject, tensor.offset, "a bias cannot be \(tensor.type.rawValue)")
                }
                info.rowOrder = .interleaved(heads: heads)
            }
        }
        if family.normPlusOne, tensor.name.hasSuffix("norm.weight") { info.valueOffset = -1 }
        try insert(info)
    }

    private mutating func insert(_ info: TensorInfo) throws(CheckpointError) {
        guard tensorInfos.updateValue(info, forKey: info.name) == nil else {
            throw file.malformed("tensor '\(info.storedName)'", info.offset, "stands for '\(info.name)', which another is too")
        }
    }

    /// One tensor per expert, over the stacked [experts, out, in] one.
    private mutating func addExperts(
        _ stacked: TensorInfo, layer: Int, part: String, suffix: String
    ) throws(CheckpointError) {
        let count = stacked.shape[0]
        guard count <= 4096 else {
            throw file.malformed("tensor '\(stacked.storedName)'", stacked.offset, "has \(count) experts")
        }
        for index in 0..<count {
            guard let name = GGUFNames.expert(part, index, family) else { continue }
            var info = stacked
            info.name = "model.layers.\(layer).\(name)\(suffix)"
            info.shape = Array(stacked.shape.dropFirst())
            info.byteCount = stacked.byteCount / count
            info.offset = stacked.offset + index * info.byteCount
            try insert(info)
        }
    }

    /// A number that the metadata gives once, or once per layer.
    private func perLayer(_ key: String, _ layer: Int) throws(CheckpointError) -> Int? {
        guard let values = try file.numbers("\(architecture).\(key)"), let first = values.first else { return nil }
        let value = layer < values.count ? values[layer] : first
        return Int(exactly: value)
    }

    // MARK: Vocabulary

    private func vocabulary() throws(CheckpointError) -> GGUFVocabulary? {
        let prefix = "tokenizer.ggml."
        guard let model = try file.string(prefix + "model"), let tokens = try file.byteStrings(prefix + "tokens") else {
            return nil
        }
        let types = try file.numbers(prefix + "token_type") ?? []
        let scores = try file.floats(prefix + "scores") ?? []
        for (key, count) in [("token_type", types.count), ("scores", scores.count)]
        where count != 0 && count != tokens.count {
            throw CheckpointError(
                .malformed, path: file.path, subject: "key '\(prefix)\(key)'",
                "has \(count) entries for \(tokens.count) tokens")
        }
        func id(_ key: String) throws(CheckpointError) -> Int? {
            guard let id = try file.integer(prefix + key) else { return nil }
            // llama.cpp writes −1 (or its unsigned form) for none.
            return tokens.indices.contains(id) ? id : nil
        }
        return GGUFVocabulary(
            model: model, pre: try file.string(prefix + "pre"), tokens: tokens,
            types: types.map { Int32(exactly: $0) ?? 0 }, merges: try file.byteStrings(prefix + "merges") ?? [],
            scores: scores, bosTokenID: try id("bos_token_id"), eosTokenID: try id("eos_token_id"),
            eotTokenID: try id("eot_token_id"), unknownTokenID: try id("unknown_token_id"),
            paddingTokenID: try id("padding_token_id"), addBOS: try file.bool(prefix + "add_bos_token"),
            addEOS: try file.bool(prefix + "add_eos_token"), addSpacePrefix: try file.bool(prefix + "add_space_prefix"))
    }
}
