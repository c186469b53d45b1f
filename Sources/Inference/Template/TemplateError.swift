/// Why a chat template could not be parsed or rendered.
public struct TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The source is not a template this interpreter understands.
        case syntax
        /// The template called `raise_exception`: it refuses this conversation.
        case raised
        /// An operation failed while rendering (an undefined value used, a type mismatch, …).
        case runtime
        /// The template ran past the limits on operations, memory or nesting.
        case limit
    }

    public let kind: Kind
    /// The template's name, as given to ``ChatTemplate/init(source:name:)``.
    public let template: String
    /// 1-based line in the source.
    public let line: Int
    public let message: String

    public init(kind: Kind, template: String, line: Int, message: String) {
        self.kind = kind
        self.template = template
        self.line = line
        self.message = message
    }

    /// `chat_template.jinja:12: …`
    public var description: String { "\(template):\(line): \(message)" }
}

/// An error inside the interpreter; the line is filled in by the innermost node that knows one.
struct TemplateFault: Error {
    var kind: TemplateError.Kind
    var message: String
    var line: Int?

    static func runtime(_ message: String) -> TemplateFault {
        TemplateFault(kind: .runtime, message: message, line: nil)
    }
    static func limit(_ message: String) -> TemplateFault { TemplateFault(kind: .limit, message: message, line: nil) }
    static func syntax(_ message: String, line: Int) -> TemplateFault {
        TemplateFault(kind: .syntax, message: message, line: line)
    }

    func at(_ line: Int) -> TemplateFault {
        guard self.line == nil else { return self }
        return TemplateFault(kind: kind, message: message, line: line)
    }
}

/// What bounds a template, which is untrusted code from a model repository.
enum TemplateLimits {
    /// Work units of one rendering: one per node evaluated, plus one per few characters or elements produced.
    static let operations = 10_000_000
    /// Characters and elements (weighted) produced by one rendering.
    static let allocation = 64_000_000
    /// Nested expressions and statements being evaluated at a time.
    static let evaluationDepth = 2_000
    /// Nested macro calls and recursive loops.
    static let callDepth = 200
    /// Nesting of one expression, of statements, and of a container value.
    static let expressionDepth = 150
    static let treeDepth = 400
    static let statementDepth = 80
    static let valueDepth = 300
    /// Jinja's sandbox refuses longer ranges.
    static let range = 100_000
    /// Characters of a template's source.
    static let source = 4_000_000
    /// Stack of the thread that parses or renders, in bytes. Reserved, not touched.
    static let stack = 256 << 20
}
