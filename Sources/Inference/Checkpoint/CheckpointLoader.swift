import Foundation

/// Finds and opens checkpoints. Nothing here downloads.
public enum CheckpointLoader {
    /// Opens a model.
    /// - Parameters:
    ///   - reference: a `.gguf` file, a directory (safetensors, or with exactly one `.gguf`), `org/name[@revision]` in the
    ///     Hub cache, or the bare name of a file or directory in `$ABENCH_MODELS`.
    ///   - revision: a commit, branch or tag; wins over `@revision`.
    public static func open(
        _ reference: String, revision: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(CheckpointError) -> any Checkpoint {
        try open(path: try locate(reference, revision: revision, environment: environment))
    }

    /// A tokenizer with its templates: from a directory that may have no weights, or from any model.
    public static func openTokenizerOnly(
        _ reference: String, revision: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(CheckpointError) -> TokenizerFiles {
        let path = try locate(reference, revision: revision, environment: environment)
        if isDirectory(path), FileManager.default.fileExists(atPath: path + "/tokenizer.json") {
            return try TokenizerFiles(directory: path)
        }
        let checkpoint = try open(path: path)
        if case .none = checkpoint.tokenizerSource {
            throw CheckpointError(.notFound, path: path, "has no tokenizer.json and no vocabulary in GGUF metadata")
        }
        return TokenizerFiles(
            directory: path, tokenizerSource: checkpoint.tokenizerSource, chatTemplate: checkpoint.chatTemplate,
            specialTokens: checkpoint.specialTokens)
    }

    private static func open(path: String) throws(CheckpointError) -> any Checkpoint {
        guard isDirectory(path) else {
            if path.hasSuffix(".safetensors") {
                throw CheckpointError(
                    .unsupported, path: path, "is weights alone; give the directory that has config.json beside it")
            }
            return try GGUFCheckpoint.open(path)
        }
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        let hasSafetensors = names.contains { $0.hasSuffix(".safetensors") || $0.hasSuffix(".safetensors.index.json") }
        let gguf = names.filter { $0.hasSuffix(".gguf") }
        if !hasSafetensors, gguf.count == 1 { return try GGUFCheckpoint.open(path + "/" + gguf[0]) }
        if !hasSafetensors, gguf.count > 1 {
            throw CheckpointError(
                .notFound, path: path, "has several .gguf files; name one of: \(gguf.joined(separator: ", "))")
        }
        return try SafetensorsCheckpoint.open(directory: path)
    }

    static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// The path a reference stands for; an error lists every place that was looked at.
    public static func locate(
        _ reference: String, revision: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(CheckpointError) -> String {
        var looked: [String] = []
        var path = reference
        if path == "~" || path.hasPrefix("~/"), let home = environment["HOME"] { path = home + path.dropFirst() }
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard !path.isEmpty else { throw CheckpointError(.notFound, path: reference, "the model's name is empty") }
        if FileManager.default.fileExists(atPath: path) { return path }
        looked.append(path)
        if !path.hasPrefix("/"), !path.hasPrefix("."), let models = environment["ABENCH_MODELS"], !models.isEmpty {
            let candidate = models + "/" + path
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
            looked.append(candidate)
        }
        if let hub = hubReference(path, revision: revision) {
            for cache in hubCaches(environment) {
                let folder = "\(cache)/models--\(hub.owner)--\(hub.name)"
                for candidate in try snapshots(folder, hub.revision) {
                    if isDirectory(candidate) { return candidate }
                    looked.append(candidate)
                }
            }
            throw CheckpointError(
                .notFound, path: reference,
                "no such model. Looked at:\n  " + looked.joined(separator: "\n  ")
                    + "\nDownload it with: hf download \(hub.owner)/\(hub.name)"
                    + (hub.revision == "main" ? "" : " --revision \(hub.revision)"))
        }
        throw CheckpointError(
            .notFound, path: reference,
            "no such model. Looked at:\n  " + looked.joined(separator: "\n  ")
                + "\nGive a .gguf file, a directory with config.json and safetensors, or org/name of a downloaded model"
                + (environment["ABENCH_MODELS"] == nil ? "; bare names are looked up in $ABENCH_MODELS, which is not set" : ""))
    }

    /// `org/name[@revision]`, or nil when the text cannot be that.
    static func hubReference(_ text: String, revision: String?) -> (owner: String, name: String, revision: String)? {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        func isName(_ part: Substring) -> Bool {
            guard let first = part.utf8.first, first != UInt8(ascii: ".") else { return false }
            return part.utf8.allSatisfy {
                ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 46 || $0 == 95
            }
        }
        guard parts.count == 2, isName(parts[0]), isName(parts[1]) else { return nil }
        let given = revision ?? (halves.count == 2 ? String(halves[1]) : "main")
        guard !given.isEmpty, !given.contains(".."), !given.hasPrefix("/") else { return nil }
        return (String(parts[0]), String(parts[1]), given)
    }

    /// Where huggingface_hub keeps repositories: HF_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub,
    /// ~/.cache/huggingface/hub; the first that is set counts.
    public static func hubCaches(_ environment: [String: String]) -> [String] {
        func value(_ key: String) -> String? {
            guard let value = environment[key], !value.isEmpty else { return nil }
            if value == "~" || value.hasPrefix("~/"), let home = environment["HOME"] { return home + value.dropFirst() }
            return value
        }
        if let cache = value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") { return [cache] }
        if let home = value("HF_HOME") { return [home + "/hub"] }
        if let cache = value("XDG_CACHE_HOME") { return [cache + "/huggingface/hub"] }
        if let home = value("HOME") { return [home + "/.cache/huggingface/hub"] }
        return []
    }

    /// Snapshot directories a revision may be in: through `refs/`, or the commit itself.
    private static func snapshots(_ folder: String, _ revision: String) throws(CheckpointError) -> [String] {
        let reference = "\(folder)/refs/\(revision)"
        if FileManager.default.fileExists(atPath: reference), !isDirectory(reference) {
            let text = (try? String(contentsOfFile: reference, encoding: .utf8)) ?? ""
            let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
            guard !commit.isEmpty, commit.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") }) else {
                throw CheckpointError(.malformed, path: reference, "does not name a commit")
            }
            return ["\(folder)/snapshots/\(commit)"]
        }
        return ["\(folder)/snapshots/\(revision)"]
    }
}
