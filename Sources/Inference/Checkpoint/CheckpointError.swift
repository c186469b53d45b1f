/// A checkpoint that cannot be found, read or trusted.
public struct CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        /// Nothing at the path, or nothing that could be a model.
        case notFound
        /// The operating system refused.
        case io
        /// The file contradicts itself or its format.
        case malformed
        /// A valid file with something this program does not read.
        case unsupported
        /// The tensor asked for is not there, or has another shape.
        case missingTensor
        /// A weight is NaN or infinite.
        case nonFinite
    }

    public var kind: Kind
    public var path: String
    /// What in the file: `tensor 'blk.0.attn_q.weight'`, `key 'general.alignment'`, `header` …
    public var subject: String?
    /// Byte offset in the file.
    public var offset: Int?
    public var message: String

    public init(_ kind: Kind, path: String, subject: String? = nil, offset: Int? = nil, _ message: String) {
        self.kind = kind
        self.path = path
        self.subject = subject
        self.offset = offset
        self.message = message
    }

    public var description: String {
        var text = path + ": "
        if let subject { text += subject }
        if let offset { text += (subject == nil ? "" : " ") + "at byte \(offset)" }
        if subject != nil || offset != nil { text += ": " }
        return text + message
    }
}
