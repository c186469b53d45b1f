/// A key of a configuration that is missing or cannot be used.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public var source: String
    public var key: String
    public var message: String

    public init(source: String, key: String, message: String) {
        self.source = source
        self.key = key
        self.message = message
    }

    /// `config.json: hidden_size is missing`
    public var description: String { "\(source): \(key) \(message)" }
}

/// A model's `config.json` (or what GGUF metadata says, in the same spelling) with typed access.
///
/// A key that is absent or null counts as missing; one of the wrong type is an error, also for the optional getters.
public struct ModelConfiguration: Sendable, Hashable {
    public let json: JSONValue
    /// The file, for errors.
    public let source: String
    /// Keys that lead to `json` inside the file, `text_config.` …
    private let prefix: String

    public init(json: JSONValue, source: String) {
        self.init(json: json, source: source, prefix: "")
    }

    private init(json: JSONValue, source: String, prefix: String) {
        self.json = json
        self.source = source
        self.prefix = prefix
    }

    public func error(_ key: String, _ message: String) -> ConfigurationError {
        ConfigurationError(source: source, key: prefix + key, message: message)
    }

    /// The value of a key, or nil when it is absent or null.
    public func value(_ key: String) -> JSONValue? {
        guard let value = json[key], !value.isNull else { return nil }
        return value
    }

    public func has(_ key: String) -> Bool { value(key) != nil }

    private func required<T>(_ key: String, _ value: T?) throws(ConfigurationError) -> T {
        guard let value else { throw error(key, "is missing") }
        return value
    }

    private func wrongType(_ key: String, _ value: JSONValue, wanted: String) -> ConfigurationError {
        var text = value.serialized()
        if text.utf8.count > 40 { text = String(text.prefix(40)) + "…" }
        return error(key, "should be \(wanted), but is \(text)")
    }

    public func optionalInt(_ key: String) throws(ConfigurationError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let int = value.intValue else { throw wrongType(key, value, wanted: "an integer") }
        return int
    }

    public func int(_ key: String) throws(ConfigurationError) -> Int { try required(key, optionalInt(key)) }

    public func int(_ key: String, default: Int) throws(ConfigurationError) -> Int {
        if let value = try optionalInt(key) { value } else { `default` }
    }

    /// A size or count: an integer of at least 1 and at most 2³¹ − 1.
    public func size(_ key: String) throws(ConfigurationError) -> Int { try required(key, optionalSize(key)) }

    public func optionalSize(_ key: String) throws(ConfigurationError) -> Int? {
        guard let value = try optionalInt(key) else { return nil }
        guard value >= 1, value <= Int(Int32.max) else { throw error(key, "is \(value), which is not a usable size") }
        return value
    }

    public func optionalDouble(_ key: String) throws(ConfigurationError) -> Double? {
        guard let value = value(key) else { return nil }
        guard let double = value.doubleValue else { throw wrongType(key, value, wanted: "a number") }
        guard double.isFinite else { throw wrongType(key, value, wanted: "a finite number") }
        return double
    }

    public func double(_ key: String) throws(ConfigurationError) -> Double { try required(key, optionalDouble(key)) }

    public func double(_ key: String, default: Double) throws(ConfigurationError) -> Double {
        if let value = try optionalDouble(key) { value } else { `default` }
    }

    public func optionalBool(_ key: String) throws(ConfigurationError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let bool = value.boolValue else { throw wrongType(key, value, wanted: "true or false") }
        return bool
    }

    public func bool(_ key: String, default: Bool) throws(ConfigurationError) -> Bool {
        if let value = try optionalBool(key) { value } else { `default` }
    }

    public func optionalString(_ key: String) throws(ConfigurationError) -> String? {
        guard let value = value(key) else { return nil }
        guard let string = value.stringValue else { throw wrongType(key, value, wanted: "a string") }
        return string
    }

    public func string(_ key: String) throws(ConfigurationError) -> String { try required(key, optionalString(key)) }

    public func string(_ key: String, default: String) throws(ConfigurationError) -> String {
        if let value = try optionalString(key) { value } else { `default` }
    }

    public func optionalInts(_ key: String) throws(ConfigurationError) -> [Int]? {
        guard let value = value(key) else { return nil }
        guard let array = value.arrayValue else { throw wrongType(key, value, wanted: "a list of integers") }
        var ints: [Int] = []
        for element in array {
            guard let int = element.intValue else { throw wrongType(key, value, wanted: "a list of integers") }
            ints.append(int)
        }
        return ints
    }

    public func optionalDoubles(_ key: String) throws(ConfigurationError) -> [Double]? {
        guard let value = value(key) else { return nil }
        guard let array = value.arrayValue else { throw wrongType(key, value, wanted: "a list of numbers") }
        var doubles: [Double] = []
        for element in array {
            guard let double = element.doubleValue else { throw wrongType(key, value, wanted: "a list of numbers") }
            doubles.append(double)
        }
        return doubles
    }

    public func optionalStrings(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let value = value(key) else { return nil }
        guard let array = value.arrayValue else { throw wrongType(key, value, wanted: "a list of strings") }
        var strings: [String] = []
        for element in array {
            guard let string = element.stringValue else { throw wrongType(key, value, wanted: "a list of strings") }
            strings.append(string)
        }
        return strings
    }

    /// Ids where the file has one integer or a list of them (`eos_token_id`); empty when absent.
    public func ids(_ key: String) throws(ConfigurationError) -> [Int] {
        guard let value = value(key) else { return [] }
        if value.arrayValue != nil { return if let ids = try optionalInts(key) { ids } else { [] } }
        return [try int(key)]
    }

    /// An object under `key`, with errors that name the whole path.
    public func object(_ key: String) throws(ConfigurationError) -> ModelConfiguration? {
        guard let value = value(key) else { return nil }
        guard value.objectValue != nil else { throw wrongType(key, value, wanted: "an object") }
        return ModelConfiguration(json: value, source: source, prefix: prefix + key + ".")
    }

    /// The language model's part of a multimodal configuration (`text_config`), else the whole.
    public func textConfiguration() throws(ConfigurationError) -> ModelConfiguration {
        if let text = try object("text_config") { text } else { self }
    }
}

/// Rotary embedding settings of one kind of layer.
public struct RopeParameters: Sendable, Hashable {
    public var theta: Double
    /// `default`, `linear`, `dynamic`, `yarn`, `longrope`, `llama3` …
    public var type: String
    /// What the type needs: `factor`, `low_freq_factor`, `original_max_position_embeddings`, `short_factor` …
    public var values: ModelConfiguration
}

extension ModelConfiguration {
    /// Rotary settings from either spelling: `rope_parameters` (newer; flat, or one object per layer type), or
    /// `rope_theta` with `rope_scaling` (older). Old Gemma 3 files keep the sliding layers' base in
    /// `rope_local_base_freq`, without scaling.
    /// - Parameter layerType: an entry of `layer_types`, such as `sliding_attention`.
    /// - Returns: nil when the configuration has no rotary settings at all and no default is given.
    public func ropeParameters(
        layerType: String? = nil, defaultTheta: Double? = 10_000
    ) throws(ConfigurationError) -> RopeParameters? {
        let ownTheta = try optionalDouble("rope_theta")
        if let parameters = try object("rope_parameters") {
            if let layerType, let own = try parameters.object(layerType) {
                return try own.flatRope(defaultTheta: ownTheta ?? defaultTheta)
            }
            return try parameters.flatRope(defaultTheta: ownTheta ?? defaultTheta)
        }
        if layerType == "sliding_attention", let local = try optionalDouble("rope_local_base_freq") {
            let none = ModelConfiguration(json: .object([]), source: source, prefix: prefix)
            return RopeParameters(theta: try positive("rope_local_base_freq", local), type: "default", values: none)
        }
        guard let theta = ownTheta ?? defaultTheta else { return nil }
        let checked = try positive("rope_theta", theta)
        guard let scaling = try object("rope_scaling") else {
            let none = ModelConfiguration(json: .object([]), source: source, prefix: prefix + "rope_scaling.")
            return RopeParameters(theta: checked, type: "default", values: none)
        }
        return RopeParameters(theta: checked, type: try scaling.ropeType(), values: scaling)
    }

    private func flatRope(defaultTheta: Double?) throws(ConfigurationError) -> RopeParameters? {
        let own = try optionalDouble("rope_theta")
        guard let theta = own ?? defaultTheta else { return nil }
        return RopeParameters(theta: try positive("rope_theta", theta), type: try ropeType(), values: self)
    }

    private func ropeType() throws(ConfigurationError) -> String {
        let newer = try optionalString("rope_type")
        let older = try optionalString("type")
        let type = newer ?? older ?? "default"
        // Names that older files used for what is now `longrope`.
        return type.utf8.elementsEqual("su".utf8) ? "longrope" : type
    }

    private func positive(_ key: String, _ value: Double) throws(ConfigurationError) -> Double {
        guard value > 0 else { throw error(key, "is \(JSONValue.double(value).serialized()), but must be positive") }
        return value
    }
}
