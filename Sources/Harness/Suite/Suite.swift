import Evals
import Foundation
import Inference
import Methods

/// A suite, checked: models × methods × evaluations, the prompts that directions are fitted, searched and reported on,
/// and the settings that all cells share. suites/README.md documents every key once.
public struct Suite: Sendable {
    public var name: String
    public var summary: String?
    /// The file it came from, its text as read, and the folder that relative paths start from.
    public var source: String
    public var text: String
    public var directory: URL

    public var seed: UInt64 = 0
    public var limit: Int?
    public var precision: Precision = .bf16
    public var allowOverlap = false
    public var promptOptions = PromptOptions()

    public var models: [ModelEntry]
    public var harmful: PromptSource?
    public var harmless: PromptSource?
    public var methods: [MethodEntry]
    public var evals: [EvalEntry]

    public static let keys = [
        "suite", "description", "seed", "limit", "precision", "allow_overlap", "system_prompt", "enable_thinking",
        "template_variables", "models", "prompts", "methods", "evals",
    ]
}

/// One model of the matrix.
public struct ModelEntry: Sendable {
    /// What the suite says: a path, a file name in ABENCH_MODELS, or `org/name`.
    public var reference: String
    public var revision: String?
    /// How tables name it.
    public var label: String
    public var place: LocatedValue.Place?

    static let keys = ["path", "revision", "label", "quantization"]
}

/// Where the prompts of one class come from, and which rows serve which purpose.
public struct PromptSource: Sendable {
    public var dataset: String?
    public var path: String?
    public var column: String?
    /// Slices such as `train[:128]`: fitted on, searched on, reported on.
    public var contrast: String?
    public var search: String?
    public var test: String?
    public var place: LocatedValue.Place?

    static let keys = ["dataset", "path", "column", "contrast", "search", "test"]

    /// The split a purpose names.
    public func slice(_ purpose: PromptPurpose) -> String? {
        switch purpose {
        case .contrast: contrast
        case .search: search
        case .test: test
        }
    }
}

/// What a set of prompts is for. No prompt may serve two purposes.
public enum PromptPurpose: String, Sendable, CaseIterable {
    case contrast, search, test
}

/// One method with its options.
public struct MethodEntry: Sendable {
    public var method: any Method
    public var name: String
    public var version: Int
    /// Canonical JSON of the options.
    public var options: String
    public var label: String
    public var place: LocatedValue.Place?
}

/// One evaluation with its options.
public struct EvalEntry: Sendable {
    public var eval: any Eval
    public var name: String
    public var version: Int
    public var options: String
    public var label: String
    /// Overrides the suite's limit.
    public var limit: Int?
    public var place: LocatedValue.Place?
}
