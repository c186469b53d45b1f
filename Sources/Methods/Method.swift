import Inference

/// Where a method or a formula comes from.
public struct Citation: Hashable, Sendable, Codable {
    public var text: String
    public var url: String?

    public init(_ text: String, url: String? = nil) {
        self.text = text
        self.url = url
    }
}

/// One abliteration method: a pure function from a model's contrast activations (and, for searches, measurements of
/// candidate edits) to weight edits. It never holds the model.
public protocol Method: Sendable {
    associatedtype Options: OptionsProtocol
    /// What a suite file says: `difference-of-means`.
    static var name: String { get }
    /// Bumped when the same options give other edits.
    static var version: Int { get }
    static var summary: String { get }
    static var citation: Citation { get }
    init(options: Options) throws
    /// What `edits` draws on; part of what a result depends on, and computed only when asked for.
    var needs: MethodNeeds { get }
    /// For progress: trials a search will make in all; nil for methods that do not search.
    var plannedTrials: Int? { get }
    func edits(in context: MethodContext) throws -> MethodResult
}

/// What a method draws on besides the weights.
public struct MethodNeeds: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Activations of the `contrast` prompts.
    public static let contrast = MethodNeeds(rawValue: 1)
    /// Measurements of candidate edits on the `search` prompts.
    public static let search = MethodNeeds(rawValue: 2)
}

extension Method {
    public var needs: MethodNeeds { .contrast }
    public var plannedTrials: Int? { nil }
}

/// The model as methods see it: shapes and weights, no forward pass.
public protocol WeightAccess: Sendable {
    /// L, the number of blocks.
    var layerCount: Int { get }
    /// d_model.
    var hiddenSize: Int { get }
    /// Every declared writer, in the order of the forward pass; the embedding included.
    var writers: [ResidualWriter] { get }
    /// A writer's matrix as (out = d_model, in), row-major f32, as loaded. The embedding comes as (d_model, vocabulary).
    func matrix(_ writer: ResidualWriter) throws -> (values: [Float], outputs: Int, inputs: Int)
}

/// What a method works from.
public struct MethodContext: Sendable {
    public var weights: any WeightAccess
    public var contrast: Contrast
    public var seed: UInt64
    /// Measures candidate edits on the `search` split; nil for methods run without one (`abench generate --method`).
    public var search: (any SearchEnvironment)?

    public init(weights: any WeightAccess, contrast: Contrast, seed: UInt64, search: (any SearchEnvironment)? = nil) {
        self.weights = weights
        self.contrast = contrast
        self.seed = seed
        self.search = search
    }
}

/// The edits, and what is worth keeping beside them.
public struct MethodResult: Sendable {
    public var edits: WeightEdits
    /// Facts for the report and the database: chosen layer, alpha, cosine values … in snake_case.
    public var notes: [String: JSONValue]
    /// The unit directions that were used, by the index i of h_i they were measured at.
    public var directions: [Int: [Float]]

    public init(edits: WeightEdits, notes: [String: JSONValue] = [:], directions: [Int: [Float]] = [:]) {
        self.edits = edits
        self.notes = notes
        self.directions = directions
    }
}

/// What one candidate edit did on the search split.
public struct SearchMeasurement: Hashable, Sendable, Codable {
    public var refusals: Int
    public var prompts: Int
    /// Mean first-token D_KL(base ‖ edited) over the harmless search prompts, nats.
    public var kl: Double

    public init(refusals: Int, prompts: Int, kl: Double) {
        self.refusals = refusals
        self.prompts = prompts
        self.kl = kl
    }
}

/// One finished trial of a search.
public struct Trial: Hashable, Sendable, Codable {
    public var number: Int
    /// Parameter values by name; a categorical one as the index of its choice.
    public var parameters: [String: Double]
    /// The objective values given to the sampler, all minimised.
    public var objectives: [Double]
    public var measurement: SearchMeasurement

    public init(number: Int, parameters: [String: Double], objectives: [Double], measurement: SearchMeasurement) {
        self.number = number
        self.parameters = parameters
        self.objectives = objectives
        self.measurement = measurement
    }
}

/// Measures edits on the `search` split and keeps the journal of a search. Implemented by the harness.
public protocol SearchEnvironment: Sendable {
    /// The original model on the same prompts.
    func baseline() throws -> SearchMeasurement
    func measure(_ edits: WeightEdits) throws -> SearchMeasurement
    /// Trials already journaled, by number: a resumed search continues after them.
    func journaledTrials() throws -> [Trial]
    /// Durable when it returns.
    func journal(_ trial: Trial) throws
    /// False when the user asked to stop: the search throws `CancellationError`, the journal stays.
    var shouldContinue: Bool { get }
}
