import Foundation

/// A directory in Hugging Face's layout: `config.json`, safetensors in one file or several, tokenizer files.
enum SafetensorsCheckpoint {
    static func open(directory: String) throws(CheckpointError) -> MappedCheckpoint {
        let configPath = directory + "/config.json"
        guard let config = try TokenizerFiles.json(directory, "config.json") else {
            throw CheckpointError(.notFound, path: configPath, "is missing; download the whole repository, not only weights")
        }
        guard config.objectValue != nil else { throw CheckpointError(.malformed, path: configPath, "is not a JSON object") }
        let (files, weightMap) = try weightFiles(directory)
        var tensors: [String: TensorInfo] = [:]
        var maps: [MappedFile] = []
        var unsupported: [(name: String, type: String, path: String)] = []
        for (index, name) in files.enumerated() {
            let file = try SafetensorsFile(path: directory + "/" + name, fileIndex: index)
            maps.append(file.file)
            unsupported += file.unsupported.map { ($0.name, $0.type, file.file.path) }
            for tensor in file.tensors {
                guard tensors.updateValue(tensor, forKey: tensor.name) == nil else {
                    throw CheckpointError(
                        .malformed, path: file.file.path, subject: "tensor '\(tensor.name)'", "is in another shard too")
                }
            }
        }
        // Integer buffers (position ids, masks) are of no use to us; weights of such a type are a quantised model.
        if let first = unsupported.first(where: { isWeight($0.name) }) {
            throw CheckpointError(
                .unsupported, path: first.path, subject: "tensor '\(first.name)'",
                "dtype \(first.type) is not supported; supported: F32, F16, BF16. Use an unquantised checkpoint or GGUF")
        }
        if let weightMap {
            for (name, shard) in weightMap where tensors[name] == nil && !unsupported.contains(where: { $0.name == name }) {
                throw CheckpointError(
                    .malformed, path: directory + "/" + (shard.stringValue ?? ""), subject: "tensor '\(name)'",
                    "is listed in model.safetensors.index.json but is not in the file")
            }
        }
        let tokenizer = try TokenizerFiles(directory: directory)
        return MappedCheckpoint(
            path: directory, format: .safetensors, configuration: config, configurationSource: configPath,
            tensors: languageModel(tensors), files: maps, tokenizerSource: tokenizer.tokenizerSource,
            chatTemplate: tokenizer.chatTemplate, specialTokens: tokenizer.specialTokens,
            generationEOS: try generationEOS(directory, config))
    }

    private static func isWeight(_ name: String) -> Bool {
        [".weight", ".bias", "_proj", ".qweight", "_blocks"].contains { name.hasSuffix($0) }
    }

    /// Names of the weight files, and the index's map where there is one.
    private static func weightFiles(
        _ directory: String
    ) throws(CheckpointError) -> (files: [String], map: [(key: String, value: JSONValue)]?) {
        let indexName = "model.safetensors.index.json"
        if FileManager.default.fileExists(atPath: directory + "/model.safetensors") { return (["model.safetensors"], nil) }
        guard let index = try TokenizerFiles.json(directory, indexName) else {
            let other = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
            let hint =
                other.contains { $0.hasSuffix(".bin") || $0.hasSuffix(".pt") || $0.hasSuffix(".pth") }
                ? "; PyTorch pickles are not read, convert them to safetensors" : ""
            throw CheckpointError(
                .notFound, path: directory, "has neither model.safetensors, nor \(indexName), nor a .gguf file\(hint)")
        }
        let indexPath = directory + "/" + indexName
        guard let map = index["weight_map"]?.objectValue, !map.isEmpty else {
            throw CheckpointError(.malformed, path: indexPath, subject: "weight_map", "is missing or empty")
        }
        var names = Set<String>()
        for (tensor, value) in map {
            guard let name = value.stringValue, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), name != ".." else {
                throw CheckpointError(
                    .malformed, path: indexPath, subject: "tensor '\(tensor)'",
                    "its file should be a name in the same directory, but is \(value.serialized())")
            }
            names.insert(name)
        }
        for name in names.sorted() where !FileManager.default.fileExists(atPath: directory + "/" + name) {
            throw CheckpointError(
                .notFound, path: directory + "/" + name, "is missing, though \(indexName) lists it; finish the download")
        }
        return (names.sorted(), map)
    }

    /// Multimodal models keep the language model's tensors under a prefix; it is taken off.
    private static func languageModel(_ tensors: [String: TensorInfo]) -> [String: TensorInfo] {
        guard tensors["model.embed_tokens.weight"] == nil else { return tensors }
        let prefixes = [("language_model.model.", "model."), ("model.language_model.", "model.")]
        guard let prefix = prefixes.first(where: { tensors[$0.0 + "embed_tokens.weight"] != nil }) else { return tensors }
        var renamed: [String: TensorInfo] = [:]
        for (name, info) in tensors {
            var info = info
            if name.hasPrefix(prefix.0) {
                info.name = prefix.1 + name.dropFirst(prefix.0.count)
            } else if name.hasPrefix("language_model.lm_head.") {
                info.name = String(name.dropFirst("language_model.".count))
            }
            renamed[info.name] = info
        }
        return renamed
    }

    /// End-of-generation ids: those of generation_config.json, else those of config.json.
    private static func generationEOS(_ directory: String, _ config: JSONValue) throws(CheckpointError) -> [Int] {
        let generation = try TokenizerFiles.json(directory, "generation_config.json")
        let sources = [
            ("generation_config.json", generation), ("config.json", config), ("config.json", config["text_config"]),
        ]
        for (name, json) in sources {
            guard let json else { continue }
            do throws(ConfigurationError) {
                let ids = try ModelConfiguration(json: json, source: directory + "/" + name).ids("eos_token_id")
                if !ids.isEmpty { return ids }
            } catch {
                throw CheckpointError(.malformed, path: error.source, subject: error.key, error.message)
            }
        }
        return []
    }
}
