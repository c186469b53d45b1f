import Crypto
import Foundation

/// A model's chat template: a Jinja2 program that turns a conversation into the text the model was trained on.
///
/// Follows Jinja2 3.1 as transformers' `apply_chat_template` sets it up: an immutable sandbox, `trim_blocks`,
/// `lstrip_blocks`, loop controls, `{% generation %}`, `raise_exception`, `strftime_now`, and its own `tojson`.
/// Template inheritance, includes and imports are not supported; integers are 64-bit. Templates are untrusted code:
/// what runs too long, nests too deeply or produces too much ends with an error.
public struct ChatTemplate: Sendable {
    /// Of the source's UTF-8 bytes, in lower-case hexadecimal.
    public let sha256: String
    public let source: String
    public let name: String
    private let statements: [TemplateStatement]
    private let names: [String]

    /// Parses a template. `name` is used in errors (`chat_template.jinja:12: …`).
    public init(source: String, name: String) throws(TemplateError) {
        self.source = source
        self.name = name
        sha256 = SHA256.hash(data: Data(source.utf8)).map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }.joined()
        guard source.utf8.count <= TemplateLimits.source else {
            throw TemplateError(kind: .limit, template: name, line: 1, message: "the template is too long")
        }
        (statements, names) = try Self.guarded(name) {
            var parser = try TemplateParser(source)
            let statements = try parser.parse()
            return (statements, parser.names)
        }
    }

    /// Renders a conversation of plain text messages. `variables` are what the template may read besides, such as
    /// `bos_token`, `tools` or `enable_thinking`. Empty `tools` and `documents` are given as none, as in transformers.
    public func render(
        messages: [ChatMessage], addGenerationPrompt: Bool, variables: [String: JSONValue]
    ) throws(TemplateError) -> String {
        let turns = messages.map { JSONValue.object([("role", .string($0.role)), ("content", .string($0.content))]) }
        var context: [(key: String, value: JSONValue)] = [
            ("messages", .array(turns)), ("tools", .null), ("documents", .null),
            ("add_generation_prompt", .bool(addGenerationPrompt)),
        ]
        for key in variables.keys.sorted() {
            if let value = variables[key] { context.append((key, value)) }
        }
        return try render(context: .object(context))
    }

    /// Renders with exactly these variables (an object). `now` is what `strftime_now` formats, in local time.
    public func render(context: JSONValue, now: Date = Date()) throws(TemplateError) -> String {
        try Self.guarded(name) {
            let interpreter = try TemplateInterpreter(names: names, context: context, now: now)
            _ = try interpreter.run(statements, scope: TemplateScope(nil))
            var bytes: [UInt8] = []
            bytes.reserveCapacity(interpreter.output.count)
            for scalar in interpreter.output {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Runs `body` on a thread whose stack is known to suffice for the depth limits, whatever thread asks.
    private static func guarded<T>(_ name: String, _ body: () throws -> T) throws(TemplateError) -> T {
        let result: Result<T, any Error> = withoutActuallyEscaping(body) { body in
            let box = ResultBox(body)
            let done = DispatchSemaphore(value: 0)
            let thread = Thread {
                box.run()
                done.signal()
            }
            thread.stackSize = TemplateLimits.stack
            thread.start()
            done.wait()
            return box.take()
        }
        switch result {
        case .success(let value): return value
        case .failure(let error):
            let fault = error as? TemplateFault ?? TemplateFault.runtime("\(error)")
            throw TemplateError(kind: fault.kind, template: name, line: fault.line ?? 1, message: fault.message)
        }
    }
}

/// Hands a closure to another thread and its result back; the semaphore orders the accesses.
private final class ResultBox<T>: @unchecked Sendable {
    private var body: (() throws -> T)?
    private var result: Result<T, any Error>?

    init(_ body: @escaping () throws -> T) { self.body = body }

    func run() {
        guard let body else { return }
        result = Result { try body() }
        self.body = nil
    }

    func take() -> Result<T, any Error> {
        result ?? .failure(TemplateFault.runtime("the template did not run"))
    }
}
