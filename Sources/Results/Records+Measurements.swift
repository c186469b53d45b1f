// What was measured: samples, metrics, trials, cached responses, artifacts, geometry.
import Foundation

/// One response with one filter's verdict. A response judged by three judges is three rows.
public struct SampleRecord: ResultsRecord {
    public static let databaseTableName = "sample"

    public var runKey: String
    public var sampleID: String
    public var epoch = 0
    public var filter: String
    public var input: String?
    /// The rendered prompt, special tokens included.
    public var prompt: String?
    public var target: String?
    /// Generated text; nil for evaluations that do not generate.
    public var output: String?
    public var answer: String?
    /// nil = unscored.
    public var score: Double?
    public var explanation: String?
    /// JSON text.
    public var metadata: String?
    /// The whole response as JSON text, so that `rescore` needs no model. On the first filter's row is enough.
    public var response: String?
    public var docSHA256: String?
    public var promptSHA256: String?
    public var targetSHA256: String?
    public var seconds: Double?
    public var promptTokens: Int?
    public var generatedTokens: Int?
    public var error: String?

    public init(
        runKey: String, sampleID: String, filter: String = "none", input: String? = nil, target: String? = nil,
        output: String? = nil, answer: String? = nil, score: Double? = nil, explanation: String? = nil,
        response: String? = nil
    ) {
        self.runKey = runKey
        self.sampleID = sampleID
        self.filter = filter
        self.input = input
        self.target = target
        self.output = output
        self.answer = answer
        self.score = score
        self.explanation = explanation
        self.response = response
    }
}

/// A metric's value over a run's samples. Every one can be recomputed from `sample`.
public struct MetricRecord: ResultsRecord {
    public static let databaseTableName = "metric"

    public var runKey: String
    public var name: String
    public var filter: String
    /// Order within the run; the store sets it from the array's order.
    public var position = 0
    /// nil when nothing could be scored. Proportions are 0…1.
    public var value: Double?
    public var stderr: Double?
    public var ciLow: Double?
    public var ciHigh: Double?
    /// `wilson`, `bootstrap-percentile`, `clt`.
    public var ciMethod: String?
    /// Samples that entered the value.
    public var n: Int
    public var unscored = 0
    /// nil = neither.
    public var higherIsBetter: Bool?
    /// `%` (the value is a proportion), `nats`, `nats/token` or empty.
    public var unit: String?
    public var summary: String?
    public var isHeadline = false
    /// Paired difference to the baseline on the samples both have.
    public var baselineDelta: Double?
    public var baselineDeltaCILow: Double?
    public var baselineDeltaCIHigh: Double?
    public var baselineDeltaMethod: String?
    public var baselineN: Int?
    /// Exact McNemar, uncorrected.
    public var pValue: Double?
    /// After Holm's correction over the table.
    public var pAdjusted: Double?

    public init(
        runKey: String, name: String, filter: String = "none", value: Double?, stderr: Double? = nil,
        ciLow: Double? = nil, ciHigh: Double? = nil, ciMethod: String? = nil, n: Int, unscored: Int = 0,
        higherIsBetter: Bool? = nil, unit: String? = nil, isHeadline: Bool = false
    ) {
        self.runKey = runKey
        self.name = name
        self.filter = filter
        self.value = value
        self.stderr = stderr
        self.ciLow = ciLow
        self.ciHigh = ciHigh
        self.ciMethod = ciMethod
        self.n = n
        self.unscored = unscored
        self.higherIsBetter = higherIsBetter
        self.unit = unit
        self.isHeadline = isHeadline
    }
}

/// One finished trial of a search, as journaled.
public struct TrialRecord: ResultsRecord {
    public static let databaseTableName = "trial"

    public var searchKey: String
    public var number: Int
    public var parameters: [String: Double]
    public var objectives: [Double]
    public var refusals: Int
    public var prompts: Int
    /// Nats. May be infinite, never NaN (the database has no NaN).
    public var kl: Double
    public var seconds: Double?
    /// On the Pareto front of (KL, refusals).
    public var onFront = false
    /// The one whose edit was taken.
    public var chosen = false
    public var createdAt: Date

    public init(
        searchKey: String, number: Int, parameters: [String: Double], objectives: [Double], refusals: Int,
        prompts: Int, kl: Double, seconds: Double? = nil, createdAt: Date = Date()
    ) {
        self.searchKey = searchKey
        self.number = number
        self.parameters = parameters
        self.objectives = objectives
        self.refusals = refusals
        self.prompts = prompts
        self.kl = kl.isNaN ? .infinity : kl
        self.seconds = seconds
        self.createdAt = createdAt
    }
}

/// A cached response, by content.
public struct ResponseRecord: ResultsRecord {
    public static let databaseTableName = "response"

    public var checkpointSHA256: String
    public var editsSHA256: String
    public var requestSHA256: String
    public var body: Data

    public init(checkpointSHA256: String, editsSHA256: String, requestSHA256: String, body: Data) {
        self.checkpointSHA256 = checkpointSHA256
        self.editsSHA256 = editsSHA256
        self.requestSHA256 = requestSHA256
        self.body = body
    }
}

/// Something kept beside the numbers: directions, edits, a method's notes.
public struct ArtifactRecord: ResultsRecord {
    public static let databaseTableName = "artifact"

    /// A run's key, a search's key or an edit's hash.
    public var ownerKey: String
    /// `notes` (JSON), `directions` (little-endian f32), `edits`, …
    public var kind: String
    /// Tells several of a kind apart: a layer's index.
    public var name: String
    /// Relative to the results directory, when the content is a file.
    public var path: String?
    /// Of the content.
    public var sha256: String?
    public var body: Data?

    public init(ownerKey: String, kind: String, name: String = "", path: String? = nil, body: Data? = nil) {
        self.ownerKey = ownerKey
        self.kind = kind
        self.name = name
        self.path = path
        self.sha256 = body.map { sha256Hex($0) }
        self.body = body
    }
}

/// One per-layer statistic of the two prompt classes, at h_layer.
public struct GeometryRecord: ResultsRecord {
    public static let databaseTableName = "geometry"

    public var modelID: String
    /// Hash of the contrast prompts and how they were measured.
    public var contrastKey: String
    /// `direction_norm`, `cosine_means`, `silhouette`, `snr` …
    public var name: String
    public var layer: Int
    public var value: Double?

    public init(modelID: String, contrastKey: String, name: String, layer: Int, value: Double?) {
        self.modelID = modelID
        self.contrastKey = contrastKey
        self.name = name
        self.layer = layer
        self.value = value
    }
}
