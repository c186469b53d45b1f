/// Why a tokenizer could not be read: the file, the place in it, what is wrong.
public struct TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
    public var source: String
    /// A path of keys and indices, such as `pre_tokenizer.pretokenizers[0].pattern`.
    public var place: String
    public var message: String

    public init(source: String, place: String, message: String) {
        self.source = source
        self.place = place
        self.message = message
    }

    public var description: String { "\(source): \(place): \(message)" }
}

/// A value of a tokenizer's JSON with its place, so that every error can name it.
struct TokenizerField {
    let value: JSONValue
    let place: String
    let source: String

    func error(_ message: String) -> TokenizerError {
        TokenizerError(source: source, place: place, message: message)
    }

    /// The field of an object; nil when absent or null.
    subscript(_ key: String) -> TokenizerField? {
        guard let child = value[key], !child.isNull else { return nil }
        return TokenizerField(value: child, place: place.isEmpty ? key : "\(place).\(key)", source: source)
    }

    func required(_ key: String) throws(TokenizerError) -> TokenizerField {
        guard let field = self[key] else { throw error("'\(key)' is missing") }
        return field
    }

    /// What `read` makes of the field; nil when absent or null.
    func optional<T>(
        _ key: String, _ read: (TokenizerField) throws(TokenizerError) -> T
    ) throws(TokenizerError) -> T? {
        guard let field = self[key] else { return nil }
        return try read(field)
    }

    func string() throws(TokenizerError) -> String {
        guard let text = value.stringValue else { throw error("expected a string") }
        return text
    }

    func utf8() throws(TokenizerError) -> [UInt8] { Array(try string().utf8) }

    func bool() throws(TokenizerError) -> Bool {
        guard let flag = value.boolValue else { throw error("expected true or false") }
        return flag
    }

    func int() throws(TokenizerError) -> Int {
        guard let number = value.intValue else { throw error("expected an integer") }
        return number
    }

    /// A token id: 0 … 2³¹ − 2.
    func tokenID() throws(TokenizerError) -> Int32 {
        guard let number = value.intValue, number >= 0, number < Int(Int32.max) else {
            throw error("expected a token id")
        }
        return Int32(number)
    }

    func array() throws(TokenizerError) -> [TokenizerField] {
        guard let items = value.arrayValue else { throw error("expected an array") }
        return items.enumerated().map { TokenizerField(value: $1, place: "\(place)[\($0)]", source: source) }
    }

    /// A string of exactly one scalar.
    func scalar() throws(TokenizerError) -> Unicode.Scalar {
        let scalars = try string().unicodeScalars
        guard let first = scalars.first, scalars.count == 1 else { throw error("expected one character") }
        return first
    }

    func flag(_ key: String, default value: Bool) throws(TokenizerError) -> Bool { try self[key]?.bool() ?? value }

    /// The `type` of a piece of the pipeline.
    func type() throws(TokenizerError) -> String { try required("type").string() }
}
