import Foundation

extension TemplateInterpreter {
    func evaluate(_ node: TemplateExpression, _ scope: TemplateScope) throws -> TemplateValue {
        try charge(1)
        switch node.kind {
        case .none: return .none
        case .bool(let b): return .bool(b)
        case .int(let i): return .int(i)
        case .float(let d): return .float(d)
        case .string(let s): return .string(s)
        case .name(let name):
            return lookup(name, scope) ?? .undefined(TemplateUndefined("'\(names[name])' is undefined"))
        default:
            do {
                return try nested { try evaluateCompound(node, scope) }
            } catch let fault as TemplateFault {
                throw fault.at(node.line)
            }
        }
    }

    private func evaluateCompound(_ node: TemplateExpression, _ scope: TemplateScope) throws -> TemplateValue {
        switch node.kind {
        case .tuple(let items): return try tuple(try evaluateAll(items, scope))
        case .list(let items): return try list(try evaluateAll(items, scope))
        case .dict(let items):
            var pairs: [(TemplateValue, TemplateValue)] = []
            for (key, value) in items { pairs.append((try evaluate(key, scope), try evaluate(value, scope))) }
            return try dict(pairs)
        case .attribute(let object, let name): return try attribute(try evaluate(object, scope), name)
        case .item(let object, let key): return try item(try evaluate(object, scope), try evaluate(key, scope))
        case .slice(let object, let lower, let upper, let step):
            let value = try evaluate(object, scope)
            let bounds = try [lower, upper, step].map { try $0.map { try sliceBound(try evaluate($0, scope)) } ?? nil }
            return try slice(value, bounds[0], bounds[1], bounds[2])
        case .call(let callee, let arguments):
            return try evaluateCall(callee, arguments, scope, caller: nil, line: node.line)
        case .filter(let operand, let name, let arguments):
            let value = try operand.map { try evaluate($0, scope) } ?? filterInput
            return try filter(name, value, try evaluateArguments(arguments, scope))
        case .test(let operand, let name, let arguments):
            let value = try evaluate(operand, scope)
            return .bool(try test(name, value, try evaluateArguments(arguments, scope)))
        case .not(let operand): return .bool(!(try truth(try evaluate(operand, scope))))
        case .negate(let operand): return try negate(try evaluate(operand, scope))
        case .plus(let operand):
            let value = try evaluate(operand, scope)
            switch value {
            case .int, .float: return value
            case .bool(let b): return .int(b ? 1 : 0)
            default: throw mismatch("unary +", value)
            }
        case .and(let a, let b):
            let left = try evaluate(a, scope)
            return try truth(left) ? try evaluate(b, scope) : left
        case .or(let a, let b):
            let left = try evaluate(a, scope)
            return try truth(left) ? left : try evaluate(b, scope)
        case .binary(let op, let a, let b):
            return try binary(op, try evaluate(a, scope), try evaluate(b, scope))
        case .concat(let parts):
            var text = PyText()
            for part in parts { text += try str(try evaluate(part, scope)) }
            return try string(text)
        case .compare(let first, let operands):
            var left = try evaluate(first, scope)
            for (op, operand) in operands {
                let right = try evaluate(operand, scope)
                if !(try compare(op, left, right)) { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .conditional(let test, let then, let otherwise):
            if try truth(try evaluate(test, scope)) { return try evaluate(then, scope) }
            if let otherwise { return try evaluate(otherwise, scope) }
            return .undefined(TemplateUndefined("the inline if was false and has no else"))
        default: return .none
        }
    }

    private func evaluateAll(_ nodes: [TemplateExpression], _ scope: TemplateScope) throws -> [TemplateValue] {
        var values: [TemplateValue] = []
        values.reserveCapacity(nodes.count)
        for node in nodes { values.append(try evaluate(node, scope)) }
        return values
    }

    func evaluateArguments(_ arguments: TemplateArguments, _ scope: TemplateScope) throws -> TemplateCallArguments {
        var result = TemplateCallArguments(positional: try evaluateAll(arguments.positional, scope))
        for (name, value) in arguments.keywords { result.keywords.append((name, try evaluate(value, scope))) }
        if let spread = arguments.spread { result.positional += try array(try evaluate(spread, scope)) }
        if let spread = arguments.keywordSpread {
            guard case .dict(let more) = try evaluate(spread, scope) else {
                throw TemplateFault.runtime("the argument after ** must be a mapping")
            }
            for i in 0..<more.count {
                guard case .string(let key) = more.keys[i] else {
                    throw TemplateFault.runtime("keywords must be strings")
                }
                let name = Self.swiftString(key)
                if result.keywords.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
                    throw TemplateFault.runtime("multiple values for keyword argument '\(name)'")
                }
                result.keywords.append((name, more.values[i]))
            }
        }
        return result
    }

    static func swiftString(_ text: PyText) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text)
        return String(view)
    }

    // MARK: Arithmetic

    func mismatch(_ operation: String, _ values: TemplateValue...) -> TemplateFault {
        for value in values {
            if case .undefined(let u) = value { return .runtime(u.message) }
        }
        let types = values.map { "'\($0.typeName)'" }.joined(separator: " and ")
        return .runtime("unsupported operand type(s) for \(operation): \(types)")
    }

    enum Number {
        case int(Int)
        case float(Double)
        var double: Double {
            switch self {
            case .int(let i): Double(i)
            case .float(let d): d
            }
        }
    }

    func number(_ value: TemplateValue) -> Number? {
        switch value {
        case .bool(let b): .int(b ? 1 : 0)
        case .int(let i): .int(i)
        case .float(let d): .float(d)
        default: nil
        }
    }

    private func negate(_ value: TemplateValue) throws -> TemplateValue {
        switch number(value) {
        case .int(let i): return try checked(Int(0).subtractingReportingOverflow(i))
        case .float(let d): return .float(-d)
        case nil: throw mismatch("unary -", value)
        }
    }

    private func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> TemplateValue {
        guard !result.overflow else { throw TemplateFault.limit("an integer exceeds 64 bits") }
        return .int(result.partialValue)
    }

    func binary(_ op: TemplateOperator, _ a: TemplateValue, _ b: TemplateValue) throws -> TemplateValue {
        if let x = number(a), let y = number(b) {
            if case .int(let i) = x, case .int(let j) = y { return try integers(op, i, j) }
            return try floats(op, x.double, y.double)
        }
        switch (op, a, b) {
        case (.add, .string(let x), .string(let y)): return try string(x + y)
        case (.add, .markup(let x), .string(let y)): return try markup(x + escaped(y))
        case (.add, .string(let x), .markup(let y)): return try markup(escaped(x) + y)
        case (.add, .markup(let x), .markup(let y)): return try markup(x + y)
        case (.multiply, .markup(let s), let n), (.multiply, let n, .markup(let s)):
            return .markup(try repeated(s, n, weight: 1, a, b))
        case (.modulo, .markup(let format), _): return try markup(try percentFormat(format, try escapedItems(b)))
        case (.add, .list(let x), .list(let y)): return try list(x.items + y.items)
        case (.add, .tuple(let x), .tuple(let y)): return try tuple(x.items + y.items)
        case (.multiply, .string(let s), let n), (.multiply, let n, .string(let s)):
            return .string(try repeated(s, n, weight: 1, a, b))
        case (.multiply, .list(let s), let n), (.multiply, let n, .list(let s)):
            return .list(try TemplateSequence(try repeated(s.items, n, weight: 4, a, b)))
        case (.multiply, .tuple(let s), let n), (.multiply, let n, .tuple(let s)):
            return .tuple(try TemplateSequence(try repeated(s.items, n, weight: 4, a, b)))
        case (.modulo, .string(let format), _): return try string(try percentFormat(format, b))
        default: throw mismatch(op.rawValue, a, b)
        }
    }

    private func repeated<T>(
        _ items: [T], _ count: TemplateValue, weight: Int, _ a: TemplateValue, _ b: TemplateValue
    ) throws -> [T] {
        guard case .int(let n)? = number(count) else { throw mismatch("*", a, b) }
        guard n > 0, !items.isEmpty else { return [] }
        let (total, overflow) = (items.count * weight).multipliedReportingOverflow(by: n)
        guard !overflow else { throw TemplateFault.limit("the template produces too much text") }
        try allocate(total)
        var result: [T] = []
        result.reserveCapacity(items.count * n)
        for _ in 0..<n { result += items }
        return result
    }

    private func integers(_ op: TemplateOperator, _ a: Int, _ b: Int) throws -> TemplateValue {
        switch op {
        case .add: return try checked(a.addingReportingOverflow(b))
        case .subtract: return try checked(a.subtractingReportingOverflow(b))
        case .multiply: return try checked(a.multipliedReportingOverflow(by: b))
        case .divide:
            guard b != 0 else { throw TemplateFault.runtime("division by zero") }
            return .float(Double(a) / Double(b))
        case .floorDivide, .modulo:
            guard b != 0 else { throw TemplateFault.runtime("integer modulo by zero") }
            if b == -1 { return op == .modulo ? .int(0) : try checked(Int(0).subtractingReportingOverflow(a)) }
            let remainder = a % b
            let adjust = remainder != 0 && (remainder < 0) != (b < 0)
            return .int(op == .modulo ? (adjust ? remainder + b : remainder) : a / b - (adjust ? 1 : 0))
        case .power:
            if b < 0 {
                guard a != 0 else { throw TemplateFault.runtime("zero cannot be raised to a negative power") }
                return .float(pow(Double(a), Double(b)))
            }
            if a == 0 || a == 1 || b == 0 { return .int(b == 0 ? 1 : a) }
            if a == -1 { return .int(b % 2 == 0 ? 1 : -1) }
            guard b <= 64 else { throw TemplateFault.limit("an integer exceeds 64 bits") }
            var result = 1
            for _ in 0..<b {
                guard case .int(let next) = try checked(result.multipliedReportingOverflow(by: a)) else { return .none }
                result = next
            }
            return .int(result)
        }
    }

    private func floats(_ op: TemplateOperator, _ a: Double, _ b: Double) throws -> TemplateValue {
        switch op {
        case .add: return .float(a + b)
        case .subtract: return .float(a - b)
        case .multiply: return .float(a * b)
        case .divide:
            guard b != 0 else { throw TemplateFault.runtime("float division by zero") }
            return .float(a / b)
        case .floorDivide, .modulo:
            guard b != 0 else { throw TemplateFault.runtime("float floor division by zero") }
            // CPython's float_divmod.
            var mod = fmod(a, b)
            var div = (a - mod) / b
            if mod != 0 {
                if (b < 0) != (mod < 0) {
                    mod += b
                    div -= 1
                }
            } else {
                mod = b < 0 ? -0.0 : 0.0
            }
            if op == .modulo { return .float(mod) }
            guard div != 0 else { return .float((a / b).sign == .minus ? -0.0 : 0.0) }
            var floored = div.rounded(.down)
            if div - floored > 0.5 { floored += 1 }
            return .float(floored)
        case .power:
            if a == 0, b < 0 { throw TemplateFault.runtime("zero cannot be raised to a negative power") }
            if a < 0, b.rounded() != b, b.isFinite { throw TemplateFault.runtime("complex numbers are not supported") }
            let result = pow(a, b)
            if result.isInfinite, a.isFinite, b.isFinite {
                throw TemplateFault.runtime("numerical result out of range")
            }
            return .float(result)
        }
    }

    // MARK: Comparison

    func compare(_ op: TemplateComparison, _ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
        switch op {
        case .equal: return try equal(a, b)
        case .notEqual: return !(try equal(a, b))
        case .isIn: return try contains(b, a)
        case .notIn: return !(try contains(b, a))
        case .less: return try less(a, b, op)
        case .greater: return try less(b, a, op)
        case .lessOrEqual: return try lessOrEqual(a, b, op)
        case .greaterOrEqual: return try lessOrEqual(b, a, op)
        }
    }

    func equal(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
        if let x = number(a), let y = number(b) { return Self.order(x, y) == .equal }
        switch (a.plain, b.plain) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.string(let x), .string(let y)):
            try charge(min(x.count, y.count) / 32)
            return x == y
        case (.list(let x), .list(let y)), (.tuple(let x), .tuple(let y)): return try equal(x.items, y.items)
        case (.dict(let x), .dict(let y)):
            guard x.count == y.count else { return false }
            try charge(x.count)
            for i in 0..<x.count {
                guard let key = TemplateKey(x.keys[i]), let other = y[key] else { return false }
                if !(try nested { try equal(x.values[i], other) }) { return false }
            }
            return true
        case (.view(let v, let x), .view(let w, let y)):
            // Keys and items compare as sets, values by identity of the view.
            guard v != .values, w != .values, x.count == y.count else { return false }
            let right = try list(try array(b))
            for item in try array(a) where !(try contains(right, item)) { return false }
            return true
        case (.range(let x), .range(let y)):
            return x.count == y.count && (x.count == 0 || (x.start == y.start && (x.count == 1 || x.step == y.step)))
        case (.object(let x), .object(let y)): return x == y
        case (.function(let x), .function(let y)): return x == y
        case (.method(let x), .method(let y)): return try x.name == y.name && equal(x.receiver, y.receiver)
        default: return false
        }
    }

    func equal(_ a: [TemplateValue], _ b: [TemplateValue]) throws -> Bool {
        guard a.count == b.count else { return false }
        try charge(a.count)
        for i in a.indices where !(try nested({ try equal(a[i], b[i]) })) { return false }
        return true
    }

    enum Order { case less, equal, greater, unordered }

    static func order(_ a: Number, _ b: Number) -> Order {
        func compare<T: Comparable>(_ x: T, _ y: T) -> Order {
            x < y ? .less : x == y ? .equal : x > y ? .greater : .unordered
        }
        switch (a, b) {
        case (.int(let x), .int(let y)): return compare(x, y)
        case (.float(let x), .float(let y)): return compare(x, y)
        case (.int(let x), .float(let y)):
            if abs(x) < 1 << 53 { return compare(Double(x), y) }
            if let z = Int(exactly: y.rounded(.down)) {
                return x == z ? (y > Double(z) ? .less : .equal) : compare(x, z)
            }
            return y.isNaN ? .unordered : y > 0 ? .less : .greater
        case (.float, .int):
            switch order(b, a) {
            case .less: return .greater
            case .greater: return .less
            case let same: return same
            }
        }
    }

    func less(_ a: TemplateValue, _ b: TemplateValue, _ op: TemplateComparison = .less) throws -> Bool {
        if let x = number(a), let y = number(b) { return Self.order(x, y) == .less }
        switch (a.plain, b.plain) {
        case (.string(let x), .string(let y)):
            try charge(min(x.count, y.count) / 32)
            return x.lexicographicallyPrecedes(y)
        case (.list(let x), .list(let y)), (.tuple(let x), .tuple(let y)):
            for i in 0..<min(x.items.count, y.items.count) where !(try equal(x.items[i], y.items[i])) {
                return try nested { try less(x.items[i], y.items[i], op) }
            }
            return x.items.count < y.items.count
        default: throw mismatch("'\(op.rawValue)'", a, b)
        }
    }

    private func lessOrEqual(_ a: TemplateValue, _ b: TemplateValue, _ op: TemplateComparison) throws -> Bool {
        if let x = number(a), let y = number(b) { return [.less, .equal].contains(Self.order(x, y)) }
        switch (a.plain, b.plain) {
        case (.list, .list), (.tuple, .tuple), (.string, .string):
            if try equal(a, b) { return true }
            return try less(a, b, op)
        default: throw mismatch("'\(op.rawValue)'", a, b)
        }
    }

    func contains(_ container: TemplateValue, _ value: TemplateValue) throws -> Bool {
        switch container.plain {
        case .string(let s):
            guard case .string(let needle) = value.plain else {
                throw TemplateFault.runtime("'in <string>' requires string as left operand, not \(value.typeName)")
            }
            try charge((s.count + needle.count) / 16)
            return PyString.find(needle, in: s) != nil
        case .dict(let d), .view(.keys, let d):
            guard let key = TemplateKey(value) else {
                throw TemplateFault.runtime("unhashable type: '\(value.typeName)'")
            }
            return d[key] != nil
        case .range(let r):
            guard case .int(let i)? = number(value) else {
                if case .float(let d) = value, let i = Int(exactly: d) { return try contains(container, .int(i)) }
                return false
            }
            let inside = r.step > 0 ? i >= r.start && i < r.stop : i <= r.start && i > r.stop
            return inside && (i - r.start) % r.step == 0
        default:
            let iterator = try iterate(container)
            while let item = try iterator.next() {
                try charge(1)
                if try nested({ try equal(item, value) }) { return true }
            }
            return false
        }
    }
}
