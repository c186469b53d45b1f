// What makes a result the same result: everything that can change a number and nothing else. Threads, batch size and
// times are absent because results do not depend on them.

/// One cell of the plan, by content. Its `key` identifies the run in the database, so that the same command resumes.
public struct RunSpec: Hashable, Sendable, Codable {
    public var checkpointSHA256: String
    public var method: String
    public var methodVersion: Int
    /// Options as the harness spells them, JSON text; canonicalised here.
    public var methodOptions: String
    public var eval: String
    public var evalVersion: Int
    public var evalOptions: String
    /// SHA-256 of each slice of data that enters, by role: `harmful.contrast`, `harmless.test`, `gsm8k.test` …
    public var dataSHA256: [String: String]
    /// System prompt, template variables, thinking switch; JSON text or nil.
    public var promptOptions: String?
    public var seed: UInt64
    public var limit: Int?
    /// `f32`, `bf16`.
    public var precision: String
    /// `nf4` or nil.
    public var quantization: String?

    public init(
        checkpointSHA256: String, method: String, methodVersion: Int, methodOptions: String = "{}", eval: String,
        evalVersion: Int, evalOptions: String = "{}", dataSHA256: [String: String] = [:],
        promptOptions: String? = nil, seed: UInt64, limit: Int? = nil, precision: String, quantization: String? = nil
    ) {
        self.checkpointSHA256 = checkpointSHA256
        self.method = method
        self.methodVersion = methodVersion
        self.methodOptions = methodOptions
        self.eval = eval
        self.evalVersion = evalVersion
        self.evalOptions = evalOptions
        self.dataSHA256 = dataSHA256
        self.promptOptions = promptOptions
        self.seed = seed
        self.limit = limit
        self.precision = precision
        self.quantization = quantization
    }

    /// The canonical JSON that `key` is the SHA-256 of.
    public var canonicalJSON: String {
        JSON.object(
            ("checkpoint_sha256", .string(checkpointSHA256)), ("method", .string(method)),
            ("method_version", .int(methodVersion)), ("method_options", embedded(methodOptions)),
            ("eval", .string(eval)), ("eval_version", .int(evalVersion)), ("eval_options", embedded(evalOptions)),
            ("data_sha256", strings(dataSHA256)), ("prompt_options", promptOptions.map(embedded) ?? .null),
            // As text: a seed above Int.max has no portable JSON number.
            ("seed", .string(String(seed))), ("limit", .integer(limit)), ("precision", .string(precision)),
            ("quantization", .text(quantization))
        ).canonical
    }

    /// 64 hexadecimal digits.
    public var key: String { sha256Hex(canonicalJSON) }
}

/// What a search's trials depend on. Evaluations are not part of it: all evaluations of a method share its search.
public struct SearchSpec: Hashable, Sendable, Codable {
    public var checkpointSHA256: String
    public var method: String
    public var methodVersion: Int
    /// Only the options that change a trial's numbers. Leave out `trials`: more trials continue the same search.
    public var methodOptions: String
    /// The `contrast` and `search` slices by role.
    public var dataSHA256: [String: String]
    public var promptOptions: String?
    public var seed: UInt64
    public var precision: String
    public var quantization: String?

    public init(
        checkpointSHA256: String, method: String, methodVersion: Int, methodOptions: String = "{}",
        dataSHA256: [String: String] = [:], promptOptions: String? = nil, seed: UInt64, precision: String,
        quantization: String? = nil
    ) {
        self.checkpointSHA256 = checkpointSHA256
        self.method = method
        self.methodVersion = methodVersion
        self.methodOptions = methodOptions
        self.dataSHA256 = dataSHA256
        self.promptOptions = promptOptions
        self.seed = seed
        self.precision = precision
        self.quantization = quantization
    }

    public var canonicalJSON: String {
        JSON.object(
            ("checkpoint_sha256", .string(checkpointSHA256)), ("method", .string(method)),
            ("method_version", .int(methodVersion)), ("method_options", embedded(methodOptions)),
            ("data_sha256", strings(dataSHA256)), ("prompt_options", promptOptions.map(embedded) ?? .null),
            ("seed", .string(String(seed))), ("precision", .string(precision)), ("quantization", .text(quantization))
        ).canonical
    }

    /// 64 hexadecimal digits.
    public var key: String { sha256Hex(canonicalJSON) }
}

/// Options text as a JSON value, so that spaces and key order do not matter; text that is not JSON stays a string.
private func embedded(_ text: String) -> JSON { (try? JSON(parsing: text)) ?? .string(text) }

private func strings(_ values: [String: String]) -> JSON {
    .object(values.map { JSONMember(key: $0.key, value: .string($0.value)) })
}
