/// A value inside a template, with Python's semantics. Container values never change once made; what can change
/// (namespaces, loops, generators) lives in the interpreter's table and is referred to by number, so values can form
/// neither cycles nor chains that would overflow the stack when released.
enum TemplateValue {
    case undefined(TemplateUndefined)
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(PyText)
    /// What `safe` and `escape` make: text that escapes the plain text it is joined with.
    case markup(PyText)
    case list(TemplateSequence)
    case tuple(TemplateSequence)
    case dict(TemplateDictionary)
    case view(TemplateView, TemplateDictionary)
    case range(TemplateRange)
    case object(Int)
    case method(TemplateMethod)
    case function(TemplateFunction)

    static func text(_ string: String) -> TemplateValue { .string(PyText(string.unicodeScalars)) }

    /// The value with markup taken as ordinary text.
    var plain: TemplateValue { if case .markup(let s) = self { .string(s) } else { self } }

    /// The type's name in Python, for messages.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int: "int"
        case .float: "float"
        case .string, .markup: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .dict: "dict"
        case .view(let view, _): "dict_\(view.rawValue)"
        case .range: "range"
        case .object: "object"
        case .method, .function: "function"
        }
    }

    var nesting: Int {
        switch self {
        case .list(let s), .tuple(let s): s.nesting
        case .dict(let d), .view(_, let d): d.nesting
        case .method(let m): m.receiver.nesting + 1
        default: 0
        }
    }
}

final class TemplateUndefined {
    let message: String
    /// Access to it was forbidden rather than missing.
    init(_ message: String) { self.message = message }
}

final class TemplateSequence {
    let items: [TemplateValue]
    let nesting: Int

    init(_ items: [TemplateValue]) throws {
        self.items = items
        var depth = 0
        for item in items { depth = max(depth, item.nesting) }
        nesting = depth + 1
        if nesting > TemplateLimits.valueDepth { throw TemplateFault.limit("a value is nested too deeply") }
    }
}

enum TemplateView: String { case keys, values, items }

struct TemplateRange {
    let start: Int
    let stop: Int
    let step: Int

    var count: Int {
        if step > 0 { return start < stop ? (stop - start - 1) / step + 1 : 0 }
        return start > stop ? (start - stop - 1) / (-step) + 1 : 0
    }

    func value(_ index: Int) -> TemplateValue { .int(start + index * step) }
}

final class TemplateMethod {
    let receiver: TemplateValue
    let name: String

    init(_ receiver: TemplateValue, _ name: String) {
        self.receiver = receiver
        self.name = name
    }
}

enum TemplateFunction: String, CaseIterable {
    case range, dict, namespace, cycler, joiner, raise_exception, strftime_now, lipsum
}

/// A dictionary key: hashable values only, 1 == 1.0 == true.
struct TemplateKey: Hashable {
    private enum Form: Hashable {
        case none
        case int(Int)
        case float(Double)
        case string(PyText)
        case tuple([TemplateKey])
        case object(Int)
        case other(String)
    }

    private let form: Form

    /// nil for unhashable values (lists, dictionaries).
    init?(_ value: TemplateValue) {
        switch value {
        case .none: form = .none
        case .bool(let b): form = .int(b ? 1 : 0)
        case .int(let i): form = .int(i)
        case .float(let d):
            if let i = Int(exactly: d) { form = .int(i) } else { form = .float(d) }
        case .string(let s), .markup(let s): form = .string(s)
        case .tuple(let s):
            var keys: [TemplateKey] = []
            for item in s.items {
                guard let key = TemplateKey(item) else { return nil }
                keys.append(key)
            }
            form = .tuple(keys)
        case .object(let id): form = .object(id)
        case .undefined: form = .other("undefined")
        case .function(let f): form = .other("function " + f.rawValue)
        case .range(let r): form = .other("range \(r.start) \(r.stop) \(r.step)")
        default: return nil
        }
    }

    init(_ text: String) { form = .string(PyText(text.unicodeScalars)) }
}

/// A dictionary in order of insertion.
final class TemplateDictionary {
    let keys: [TemplateValue]
    let values: [TemplateValue]
    let nesting: Int
    private let index: [TemplateKey: Int]

    /// A repeated key keeps its first place and takes the last value, as in Python.
    init(_ pairs: [(TemplateValue, TemplateValue)]) throws {
        var keys: [TemplateValue] = []
        var values: [TemplateValue] = []
        var index: [TemplateKey: Int] = [:]
        index.reserveCapacity(pairs.count)
        var depth = 0
        for (key, value) in pairs {
            guard let hashable = TemplateKey(key) else {
                throw TemplateFault.runtime("unhashable type: '\(key.typeName)'")
            }
            depth = max(depth, value.nesting, key.nesting)
            if let i = index[hashable] {
                values[i] = value
            } else {
                index[hashable] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
        self.keys = keys
        self.values = values
        self.index = index
        nesting = depth + 1
        if nesting > TemplateLimits.valueDepth { throw TemplateFault.limit("a value is nested too deeply") }
    }

    var count: Int { keys.count }
    subscript(_ key: TemplateKey) -> TemplateValue? { index[key].map { values[$0] } }
    subscript(_ key: String) -> TemplateValue? { self[TemplateKey(key)] }

    func pair(_ i: Int) throws -> TemplateValue { .tuple(try TemplateSequence([keys[i], values[i]])) }
}

/// A one-shot stream of values: a Python iterator.
final class TemplateIterator {
    private var produce: () throws -> TemplateValue?
    private var isDone = false

    init(_ produce: @escaping () throws -> TemplateValue?) { self.produce = produce }

    convenience init(_ items: [TemplateValue]) {
        var i = 0
        self.init {
            guard i < items.count else { return nil }
            i += 1
            return items[i - 1]
        }
    }

    func next() throws -> TemplateValue? {
        guard !isDone else { return nil }
        let value: TemplateValue?
        do { value = try produce() } catch {
            finish()
            throw error
        }
        if value == nil { finish() }
        return value
    }

    /// Lets go of what the stream holds on to.
    func finish() {
        isDone = true
        produce = { nil }
    }
}
