import Foundation

/// The variables of a block: a chain, innermost first.
final class TemplateScope {
    private var names: [Int] = []
    private var values: [TemplateValue] = []
    let parent: TemplateScope?

    init(_ parent: TemplateScope?) { self.parent = parent }

    func set(_ name: Int, _ value: TemplateValue) {
        for i in names.indices where names[i] == name {
            values[i] = value
            return
        }
        names.append(name)
        values.append(value)
    }

    func lookup(_ name: Int) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let current = scope {
            for i in current.names.indices where current.names[i] == name { return current.values[i] }
            scope = current.parent
        }
        return nil
    }
}

/// What can change while a template runs.
enum TemplateObject {
    case namespace(TemplateNamespace)
    case macro(TemplateMacro, TemplateScope)
    case loop(TemplateLoopState)
    case generator(TemplateIterator, chain: Int)
    case cycler([TemplateValue], position: Int)
    case joiner(PyText, used: Bool)
}

final class TemplateNamespace {
    var keys: [String] = []
    var values: [TemplateValue] = []

    subscript(_ key: String) -> TemplateValue? {
        get {
            for i in keys.indices where keys[i].utf8.elementsEqual(key.utf8) { return values[i] }
            return nil
        }
        set {
            guard let newValue else { return }
            for i in keys.indices where keys[i].utf8.elementsEqual(key.utf8) {
                values[i] = newValue
                return
            }
            keys.append(key)
            values.append(newValue)
        }
    }
}

/// Jinja's LoopContext.
final class TemplateLoopState {
    let loop: TemplateLoop
    let scope: TemplateScope
    let depth0: Int
    let source: TemplateIterator
    let knownLength: Int?
    var length: Int?
    var index0 = -1
    var pending: [TemplateValue] = []
    var pendingStart = 0
    var current: TemplateValue?
    var before: TemplateValue?
    var changedValue: TemplateValue?

    init(loop: TemplateLoop, scope: TemplateScope, depth0: Int, source: TemplateIterator, knownLength: Int?) {
        self.loop = loop
        self.scope = scope
        self.depth0 = depth0
        self.source = source
        self.knownLength = knownLength
    }

    func peek() throws -> TemplateValue? {
        if pendingStart < pending.count { return pending[pendingStart] }
        guard let value = try source.next() else { return nil }
        pending = [value]
        pendingStart = 0
        return value
    }

    func advance() throws -> TemplateValue? {
        guard let value = try peek() else { return nil }
        pendingStart += 1
        index0 += 1
        before = current
        current = value
        return value
    }

    func fullLength() throws -> Int {
        if let length { return length }
        if let knownLength {
            length = knownLength
            return knownLength
        }
        var rest = Array(pending[pendingStart...])
        while let value = try source.next() { rest.append(value) }
        pending = rest
        pendingStart = 0
        let total = rest.count + index0 + 1
        length = total
        return total
    }
}

/// Runs one rendering of a template.
final class TemplateInterpreter {
    enum Flow { case normal, breakLoop, continueLoop }

    let names: [String]
    let now: Date
    var output = PyText()
    var objects: [TemplateObject] = []
    private var operations = 0
    private var allocated = 0
    private var depth = 0
    private var calls = 0
    private let context: [TemplateValue?]
    let loopName: Int?
    let callerName: Int?
    let varargsName: Int?
    let kwargsName: Int?
    private var currentFilterInput: [TemplateValue] = []

    init(names: [String], context: JSONValue, now: Date) throws {
        self.names = names
        self.now = now
        var values = [TemplateValue?](repeating: nil, count: names.count)
        for (i, name) in names.enumerated() {
            if let given = context[name] {
                values[i] = try Self.convert(given, depth: 0)
            } else if let function = TemplateFunction(rawValue: name) {
                values[i] = .function(function)
            }
        }
        self.context = values
        func find(_ name: String) -> Int? { names.firstIndex(of: name) }
        loopName = find("loop")
        callerName = find("caller")
        varargsName = find("varargs")
        kwargsName = find("kwargs")
    }

    private static func convert(_ json: JSONValue, depth: Int) throws -> TemplateValue {
        if depth > TemplateLimits.valueDepth { throw TemplateFault.limit("the template's input is nested too deeply") }
        switch json {
        case .null: return .none
        case .bool(let b): return .bool(b)
        case .int(let i): return .int(i)
        case .double(let d): return .float(d)
        case .string(let s): return .text(s)
        case .array(let items):
            var values: [TemplateValue] = []
            for item in items { values.append(try convert(item, depth: depth + 1)) }
            return .list(try TemplateSequence(values))
        case .object(let pairs):
            var values: [(TemplateValue, TemplateValue)] = []
            for (key, value) in pairs { values.append((.text(key), try convert(value, depth: depth + 1))) }
            return .dict(try TemplateDictionary(values))
        }
    }

    // MARK: Limits

    func charge(_ units: Int) throws {
        operations += units
        if operations > TemplateLimits.operations { throw TemplateFault.limit("the template runs too long") }
    }

    /// Accounts for `count` characters or elements about to be produced.
    func allocate(_ count: Int) throws {
        allocated = allocated.addingReportingOverflow(max(0, count)).partialValue
        if allocated > TemplateLimits.allocation || allocated < 0 {
            throw TemplateFault.limit("the template produces too much text")
        }
        try charge(count / 16 + 1)
    }

    func nested<T>(_ body: () throws -> T) throws -> T {
        depth += 1
        defer { depth -= 1 }
        if depth > TemplateLimits.evaluationDepth { throw TemplateFault.limit("the template nests too deeply") }
        return try body()
    }

    func calling<T>(_ body: () throws -> T) throws -> T {
        calls += 1
        defer { calls -= 1 }
        if calls > TemplateLimits.callDepth { throw TemplateFault.limit("macros or loops recurse too deeply") }
        return try body()
    }

    // MARK: Objects

    func make(_ object: TemplateObject) throws -> TemplateValue {
        try allocate(16)
        objects.append(object)
        return .object(objects.count - 1)
    }

    func list(_ items: [TemplateValue]) throws -> TemplateValue {
        try allocate(items.count * 4)
        return .list(try TemplateSequence(items))
    }

    func tuple(_ items: [TemplateValue]) throws -> TemplateValue {
        try allocate(items.count * 4)
        return .tuple(try TemplateSequence(items))
    }

    func dict(_ pairs: [(TemplateValue, TemplateValue)]) throws -> TemplateValue {
        try allocate(pairs.count * 16)
        return .dict(try TemplateDictionary(pairs))
    }

    func string(_ text: PyText) throws -> TemplateValue {
        try allocate(text.count)
        return .string(text)
    }

    // MARK: Statements

    func run(_ body: [TemplateStatement], scope: TemplateScope) throws -> Flow {
        for statement in body {
            do {
                let flow = try nested { try run(statement, scope: scope) }
                if flow != .normal { return flow }
            } catch let fault as TemplateFault {
                throw fault.at(statement.line)
            }
        }
        return .normal
    }

    /// The text a body writes.
    func capture(_ body: [TemplateStatement], scope: TemplateScope) throws -> (PyText, Flow) {
        let outer = output
        output = []
        defer { output = outer }
        let flow = try run(body, scope: scope)
        return (output, flow)
    }

    private func write(_ text: PyText) throws {
        try allocate(text.count)
        output += text
    }

    private func run(_ statement: TemplateStatement, scope: TemplateScope) throws -> Flow {
        try charge(1)
        switch statement.kind {
        case .data(let text): try write(text)
        case .output(let expression):
            try write(try str(try evaluate(expression, scope)))
        case .branches(let branches, let otherwise):
            for branch in branches where try truth(try evaluate(branch.test, scope)) {
                return try run(branch.body, scope: scope)
            }
            return try run(otherwise, scope: scope)
        case .loop(let loop):
            return try run(loop, over: try evaluate(loop.iterable, scope), scope: scope, depth0: 0)
        case .set(let target, let expression):
            try assign(target, try evaluate(expression, scope), scope: scope)
        case .setBlock(let target, let filter, let body):
            let inner = TemplateScope(scope)
            let (text, flow) = try capture(body, scope: inner)
            if flow != .normal { return flow }
            var value: TemplateValue = .string(text)
            if let filter { value = try apply(filter, to: value, scope: inner) }
            try assign(target, value, scope: scope)
        case .macro(let name, let macro):
            scope.set(name, try make(.macro(macro, scope)))
        case .callBlock(let call, let body):
            guard case .call(let callee, let arguments) = call.kind else { return .normal }
            let caller = try make(.macro(body, scope))
            let result = try evaluateCall(callee, arguments, scope, caller: caller, line: call.line)
            try write(try str(result))
        case .filterBlock(let filter, let body):
            let inner = TemplateScope(scope)
            let (text, flow) = try capture(body, scope: inner)
            if flow != .normal { return flow }
            try write(try str(try apply(filter, to: .string(text), scope: inner)))
        case .with(let bindings, let body):
            let inner = TemplateScope(scope)
            for (target, expression) in bindings { try assign(target, try evaluate(expression, scope), scope: inner) }
            return try run(body, scope: inner)
        case .scoped(let body):
            _ = try run(body, scope: TemplateScope(scope))
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .normal
    }

    func apply(_ filter: TemplateExpression, to value: TemplateValue, scope: TemplateScope) throws -> TemplateValue {
        currentFilterInput.append(value)
        defer { currentFilterInput.removeLast() }
        return try evaluate(filter, scope)
    }

    /// What a filter without an operand of its own works on: the text of its block.
    var filterInput: TemplateValue { currentFilterInput.last ?? .none }

    func assign(_ target: TemplateTarget, _ value: TemplateValue, scope: TemplateScope) throws {
        switch target {
        case .name(let name): scope.set(name, value)
        case .namespace(let name, let attribute):
            guard case .object(let id)? = lookup(name, scope), case .namespace(let namespace) = objects[id] else {
                throw TemplateFault.runtime("cannot assign attribute on non-namespace object '\(names[name])'")
            }
            try store(attribute, value, in: namespace)
        case .tuple(let targets):
            let items = try array(value)
            guard items.count == targets.count else {
                throw TemplateFault.runtime("cannot unpack \(items.count) values into \(targets.count) names")
            }
            for (target, item) in zip(targets, items) { try assign(target, item, scope: scope) }
        }
    }

    func store(_ attribute: String, _ value: TemplateValue, in namespace: TemplateNamespace) throws {
        if attribute.hasPrefix("_") {
            throw TemplateFault.runtime("a namespace cannot have the underscore-prefixed attribute '\(attribute)'")
        }
        try charge(namespace.keys.count / 8)
        namespace[attribute] = value
    }

    func lookup(_ name: Int, _ scope: TemplateScope) -> TemplateValue? { scope.lookup(name) ?? context[name] }

    /// Runs a loop; a recursive one calls this again with the inner iterable.
    func run(_ loop: TemplateLoop, over iterable: TemplateValue, scope: TemplateScope, depth0: Int) throws -> Flow {
        var source = try iterate(iterable)
        var length = loop.test == nil ? try lengthIfSized(iterable) : nil
        if let test = loop.test {
            let unfiltered = source
            length = nil
            source = TemplateIterator { [unowned self] in
                while let value = try unfiltered.next() {
                    try self.charge(1)
                    let inner = TemplateScope(scope)
                    try self.assign(loop.target, value, scope: inner)
                    guard try self.truth(try self.evaluate(test, inner)) else { continue }
                    // Jinja's filtering generator yields the targets, so what was unpacked goes on as a tuple.
                    if case .tuple = loop.target { return try self.tuple(try self.array(value)) }
                    return value
                }
                return nil
            }
        }
        let state = TemplateLoopState(loop: loop, scope: scope, depth0: depth0, source: source, knownLength: length)
        let loopValue: TemplateValue? = loopName == nil && !loop.isRecursive ? nil : try make(.loop(state))
        // As in Jinja, an iteration that `break` or `continue` cuts short does not count against the else branch.
        var runsElse = true
        while let value = try state.advance() {
            try charge(1)
            let inner = TemplateScope(scope)
            if let loopName, let loopValue { inner.set(loopName, loopValue) }
            try assign(loop.target, value, scope: inner)
            let flow = try run(loop.body, scope: inner)
            if flow == .breakLoop { break }
            if flow == .normal { runsElse = false }
        }
        if runsElse { return try run(loop.otherwise, scope: TemplateScope(scope)) }
        return .normal
    }
}
