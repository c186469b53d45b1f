import Crypto

extension PromptRecord {
    /// SHA-256 of the prompt's UTF-8 bytes, white space at both ends left out: the identity by which prompts of
    /// different splits are compared. Hexadecimal.
    public var sha256: String { DatasetStore.sha256(Array(PythonText.strip(text).utf8)) }
}

/// Prompts that two sets have in common.
public struct PromptOverlap: Hashable, Sendable {
    /// Names of the two sets, as the caller gave them.
    public var first: String
    public var second: String
    /// Row numbers of the shared prompts in either set, in the order of the second.
    public var rows: [(first: String, second: String)]

    public static func == (a: PromptOverlap, b: PromptOverlap) -> Bool {
        a.first == b.first && a.second == b.second && a.rows.elementsEqual(b.rows) { $0 == $1 }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(first)
        hasher.combine(second)
        hasher.combine(rows.count)
    }
}

extension DatasetStore {
    /// Every pair of sets that share prompts, by `PromptRecord.sha256`; empty when the sets are disjoint.
    public static func overlap(between sets: [(name: String, prompts: [PromptRecord])]) -> [PromptOverlap] {
        let hashed = sets.map { set in set.prompts.map { (hash: $0.sha256, id: $0.id) } }
        var overlaps: [PromptOverlap] = []
        for i in sets.indices {
            let known = Dictionary(hashed[i].map { ($0.hash, $0.id) }, uniquingKeysWith: { first, _ in first })
            for j in sets.indices.dropFirst(i + 1) {
                let shared = hashed[j].compactMap { item in known[item.hash].map { (first: $0, second: item.id) } }
                if !shared.isEmpty {
                    overlaps.append(PromptOverlap(first: sets[i].name, second: sets[j].name, rows: shared))
                }
            }
        }
        return overlaps
    }
}
