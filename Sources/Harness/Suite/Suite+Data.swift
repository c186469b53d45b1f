import Evals
import Foundation

extension Suite {
    /// Where this suite's data comes from: relative paths start at the repository that the suite lies in.
    func datasets(_ options: RunOptions) -> DatasetStore {
        DatasetStore(
            dataDirectory: options.dataDirectory.map { URL(fileURLWithPath: $0) }, root: root, isOffline: options.offline)
    }

    /// The folder above `suites/` (or the suite's own folder elsewhere); nil when it holds no organisms, so that a suite
    /// kept anywhere can still name paths relative to the working directory.
    var root: URL? {
        let parent = directory.standardizedFileURL.deletingLastPathComponent()
        let files = FileManager.default
        for candidate in [directory.standardizedFileURL, parent]
        where files.fileExists(atPath: candidate.appendingPathComponent("organisms").path) {
            return candidate
        }
        return nil
    }

    /// A model reference as it can be opened: a relative path is tried below the repository too.
    func resolved(_ reference: String) -> String {
        let files = FileManager.default
        if files.fileExists(atPath: reference) { return reference }
        if let root, files.fileExists(atPath: root.appendingPathComponent(reference).path) {
            return root.appendingPathComponent(reference).path
        }
        return reference
    }

    /// Whether documents may show this evaluation's prompts and responses: only text that ships with the repository and
    /// public school problems, never prompts that ask for harm or what a model answered to them.
    func isShareable(_ eval: any Eval) -> Bool {
        switch eval.promptSource {
        case .harmful: harmful?.dataset?.hasPrefix("organism-") ?? false
        case .harmless: harmless?.dataset?.hasPrefix("organism-") ?? false
        case .dataset(let name): name.hasPrefix("organism-") || name == "gsm8k"
        }
    }
}
