// What was run: sessions, their plan, models, runs. Rows as values; the store writes them.
import Foundation

/// `started` is written first, so that a crash is visible.
public enum RunStatus: String, Codable, Hashable, Sendable, CaseIterable {
    case started, success, error, cancelled
}

/// One invocation of `abench run`, with its provenance.
public struct SessionRecord: ResultsRecord {
    public static let databaseTableName = "session"

    public var id: String
    /// The suite's name.
    public var suite: String
    public var suiteSHA256: String?
    public var suiteText: String?
    /// The suite's description.
    public var summary: String?
    public var command: String?
    public var status: RunStatus = .started
    public var error: String?
    public var startedAt: Date
    public var completedAt: Date?
    public var harnessVersion: String?
    public var gitCommit: String?
    public var gitDirty: Bool?
    public var swiftVersion: String?
    /// Library versions by name.
    public var libraries: [String: String]?
    public var os: String?
    public var cpu: String?
    /// Kernels in use (`avx512bf16`), and why.
    public var isa: String?
    public var isaReason: String?
    public var blas: String?
    public var threads: Int?
    public var precision: String?
    public var precisionReason: String?
    /// Decimal text: a UInt64 does not fit SQLite's integers.
    public var seed: String?
    /// `--limit`.
    public var sampleLimit: Int?
    /// The suite said `allow_overlap: true` and prompts do overlap.
    public var allowOverlap = false
    /// Prompt sets and their hashes by role: `harmful.contrast` → `organism-restricted train[:128] sha256…`.
    public var prompts: [String: String]?
    /// Published values to show beside measured ones.
    public var reference: [ReferenceValue]?

    public init(id: String = UUID().uuidString.lowercased(), suite: String, startedAt: Date = Date()) {
        self.id = id
        self.suite = suite
        self.startedAt = startedAt
    }
}

/// A published number, as a suite's `reference:` names it.
public struct ReferenceValue: Codable, Hashable, Sendable {
    public var model: String
    public var method: String
    public var eval: String
    public var metric: String
    /// nil = whatever the metric's first filter is.
    public var filter: String?
    public var value: Double
    /// Where it was published.
    public var source: String?

    public init(
        model: String, method: String, eval: String, metric: String, filter: String? = nil, value: Double,
        source: String? = nil
    ) {
        self.model = model
        self.method = method
        self.eval = eval
        self.metric = metric
        self.filter = filter
        self.value = value
        self.source = source
    }
}

/// One planned cell of a session, in suite order. Names are the labels that reports show; they must be unique per
/// axis (`biprojected`, `biprojected (norm=row)`).
public struct CellRecord: ResultsRecord {
    public static let databaseTableName = "cell"

    public var sessionID: String
    public var model: String
    public var method: String
    public var eval: String
    /// Positions in the suite file, also when `--models` and the like leave some out.
    public var modelIndex: Int
    public var methodIndex: Int
    public var evalIndex: Int
    public var runKey: String

    public init(
        sessionID: String, model: String, method: String, eval: String, modelIndex: Int, methodIndex: Int,
        evalIndex: Int, runKey: String
    ) {
        self.sessionID = sessionID
        self.model = model
        self.method = method
        self.eval = eval
        self.modelIndex = modelIndex
        self.methodIndex = methodIndex
        self.evalIndex = evalIndex
        self.runKey = runKey
    }
}

public struct ModelRecord: ResultsRecord {
    public static let databaseTableName = "model"

    /// Any stable text; `ModelRecord.identifier` makes one from the content.
    public var id: String
    /// As the suite names it: `org/name` or a path.
    public var repo: String
    public var revision: String?
    /// `safetensors`, `gguf`.
    public var format: String?
    public var dtype: String?
    public var quantization: String?
    public var architecture: String?
    public var parameters: Int?
    public var layers: Int?
    public var hiddenSize: Int?
    public var checkpointSHA256: String?
    public var tokenizerSHA256: String?
    public var chatTemplateSHA256: String?

    public init(id: String, repo: String) {
        self.id = id
        self.repo = repo
    }

    /// 16 hexadecimal digits from the checkpoint's hash and how it was loaded.
    public static func identifier(repo: String, checkpointSHA256: String, quantization: String? = nil) -> String {
        String(sha256Hex([repo, checkpointSHA256, quantization ?? "none"].joined(separator: "\n")).prefix(16))
    }
}

/// One model × method × eval.
public struct RunRecord: ResultsRecord {
    public static let databaseTableName = "run"

    /// `RunSpec.key`.
    public var key: String
    public var sessionID: String
    public var modelID: String
    public var method: String
    public var methodVersion: Int
    /// JSON text.
    public var methodOptions = "{}"
    /// The method as reports show it.
    public var label: String
    public var editsSHA256: String?
    /// Directions and search, once per method; repeated on each of its runs.
    public var editsSeconds: Double?
    /// `SearchSpec.key`, when the method searched.
    public var searchKey: String?
    public var eval: String
    public var evalVersion: Int
    public var evalOptions = "{}"
    /// Few-shot examples, for lm-eval's `n-shot`.
    public var nShot: Int?
    /// SHA-256 of each slice of data by role.
    public var dataSHA256: [String: String]?
    public var promptOptions: String?
    public var seed: String?
    public var sampleLimit: Int?
    public var precision: String?
    /// Samples in the data, and after the limit.
    public var nOriginal: Int?
    public var nEffective: Int?
    public var nScored: Int?
    public var nUnscored: Int?
    public var nDegenerate: Int?
    public var status: RunStatus = .started
    public var error: String?
    public var startedAt: Date
    public var completedAt: Date?
    public var seconds: Double?
    /// Wall time by phase: `load`, `directions`, `search`, `generate`, `score` …
    public var phaseSeconds: [String: Double]?
    public var promptTokens: Int?
    public var generatedTokens: Int?
    public var peakRSSBytes: Int?
    /// Over all samples' document, prompt and target hashes (lm-eval's `task_hashes`).
    public var samplesSHA256: String?
    /// Documents may show prompts and responses (organisms, arithmetic); false = only ids and verdicts.
    public var isShareable = false

    public init(
        key: String, sessionID: String, modelID: String, method: String, methodVersion: Int = 1,
        label: String? = nil, eval: String, evalVersion: Int = 1, startedAt: Date = Date()
    ) {
        self.key = key
        self.sessionID = sessionID
        self.modelID = modelID
        self.method = method
        self.methodVersion = methodVersion
        self.label = label ?? method
        self.eval = eval
        self.evalVersion = evalVersion
        self.startedAt = startedAt
    }
}
