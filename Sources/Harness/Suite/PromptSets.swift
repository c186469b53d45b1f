import Evals
import Foundation
import Inference
import Results

/// The two classes of prompts.
public enum PromptClass: String, Sendable, CaseIterable { case harmful, harmless }

/// The suite's prompts, by class and purpose, with the hash of each slice.
public struct PromptSets: Sendable {
    public struct Slice: Sendable {
        public var source: String
        public var records: [PromptRecord]
        /// Over ids and texts, in order.
        public var sha256: String
    }

    private var slices: [PromptClass: [PromptPurpose: Slice]] = [:]
    public private(set) var hasOverlap = false

    public func records(_ kind: PromptClass, _ purpose: PromptPurpose) -> [PromptRecord]? {
        slices[kind]?[purpose]?.records
    }

    /// Hashes of both classes for one purpose, by role: `harmful.contrast` → 64 hexadecimal digits.
    public func hashes(_ purpose: PromptPurpose) -> [String: String] {
        var result: [String: String] = [:]
        for kind in PromptClass.allCases {
            if let slice = slices[kind]?[purpose] { result["\(kind.rawValue).\(purpose.rawValue)"] = slice.sha256 }
        }
        return result
    }

    /// `harmful.contrast` → `organism-restricted train[:128]: 128 prompts, sha256 …`, for provenance.
    public var descriptions: [String: String] {
        var result: [String: String] = [:]
        for (kind, purposes) in slices {
            for (purpose, slice) in purposes {
                result["\(kind.rawValue).\(purpose.rawValue)"] =
                    "\(slice.source): \(slice.records.count) prompts, sha256 \(slice.sha256)"
            }
        }
        return result
    }

    /// Loads what the suite names and refuses prompts that serve two purposes, unless `allow_overlap` says so.
    public static func load(_ suite: Suite, datasets: DatasetStore) throws -> PromptSets {
        var sets = PromptSets()
        for (kind, source) in [(PromptClass.harmful, suite.harmful), (.harmless, suite.harmless)] {
            guard let source else { continue }
            for purpose in PromptPurpose.allCases {
                guard let split = source.slice(purpose) else { continue }
                let reference = DatasetReference(
                    dataset: source.dataset, path: source.path, split: split, column: source.column)
                do {
                    var records = try datasets.load(reference).prompts()
                    guard !records.isEmpty else {
                        throw HarnessError.unknownName("the slice '\(split)' is empty")
                    }
                    // A limit is for trying a suite out: fewer prompts everywhere, tables marked with it.
                    if let limit = suite.limit { records = Array(records.prefix(limit)) }
                    let text = records.map { "\($0.id)\t\($0.text)" }.joined(separator: "\n")
                    sets.slices[kind, default: [:]][purpose] = Slice(
                        source: "\(source.dataset ?? source.path ?? "") \(split)", records: records,
                        sha256: sha256Hex(text))
                } catch {
                    throw SuiteError(
                        source: suite.source, place: source.place,
                        message: "prompts.\(kind.rawValue).\(purpose.rawValue): \(error)")
                }
            }
        }
        try sets.checkOverlap(suite)
        return sets
    }

    private mutating func checkOverlap(_ suite: Suite) throws {
        for kind in PromptClass.allCases {
            guard let purposes = slices[kind] else { continue }
            let present = PromptPurpose.allCases.filter { purposes[$0] != nil }
            for (i, first) in present.enumerated() {
                for second in present.dropFirst(i + 1) {
                    let known = Set((purposes[first]?.records ?? []).map { Self.key($0.text) })
                    let shared = (purposes[second]?.records ?? []).filter { known.contains(Self.key($0.text)) }
                    guard !shared.isEmpty else { continue }
                    hasOverlap = true
                    if suite.allowOverlap { continue }
                    let place = kind == .harmful ? suite.harmful?.place : suite.harmless?.place
                    let ids = shared.prefix(5).map { "row \($0.id)" }.joined(separator: ", ")
                    throw SuiteError(
                        source: suite.source, place: place,
                        message: """
                            prompts.\(kind.rawValue): \(shared.count) prompt\(shared.count == 1 ? "" : "s") of '\(second.rawValue)' also \
                            in '\(first.rawValue)' (\(ids)): numbers would be reported on prompts that were fitted on. \
                            Choose disjoint slices, or say 'allow_overlap: true' and the report will say so
                            """)
                }
            }
        }
    }

    /// Prompts are the same when their bytes are, white space at the ends apart.
    private static func key(_ text: String) -> String {
        sha256Hex(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
