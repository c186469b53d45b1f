import Foundation

extension TemplateInterpreter {
    // MARK: Truth, length, iteration

    func truth(_ value: TemplateValue) throws -> Bool {
        switch value {
        case .undefined, .none: return false
        case .bool(let b): return b
        case .int(let i): return i != 0
        case .float(let d): return d != 0
        case .string(let s), .markup(let s): return !s.isEmpty
        case .list(let s), .tuple(let s): return !s.items.isEmpty
        case .dict(let d), .view(_, let d): return d.count > 0
        case .range(let r): return r.count > 0
        case .object(let id):
            if case .loop(let state) = objects[id] { return try state.fullLength() > 0 }
            return true
        case .method, .function: return true
        }
    }

    /// `len(value)`, or nil for values without one.
    func lengthIfSized(_ value: TemplateValue) throws -> Int? {
        switch value {
        case .undefined: return 0
        case .string(let s), .markup(let s): return s.count
        case .list(let s), .tuple(let s): return s.items.count
        case .dict(let d), .view(_, let d): return d.count
        case .range(let r): return r.count
        case .object(let id):
            if case .loop(let state) = objects[id] { return try state.fullLength() }
            return nil
        default: return nil
        }
    }

    func length(_ value: TemplateValue) throws -> Int {
        guard let length = try lengthIfSized(value) else {
            throw TemplateFault.runtime("object of type '\(value.typeName)' has no len()")
        }
        return length
    }

    func isIterable(_ value: TemplateValue) -> Bool {
        switch value {
        case .undefined, .string, .markup, .list, .tuple, .dict, .view, .range: return true
        case .object(let id):
            switch objects[id] {
            case .loop, .generator: return true
            default: return false
            }
        default: return false
        }
    }

    func iterate(_ value: TemplateValue) throws -> TemplateIterator {
        switch value {
        case .undefined: return TemplateIterator([])
        case .string(let s), .markup(let s):
            var i = 0
            return TemplateIterator {
                guard i < s.count else { return nil }
                i += 1
                return .string([s[i - 1]])
            }
        case .list(let s), .tuple(let s): return TemplateIterator(s.items)
        case .dict(let d), .view(.keys, let d): return TemplateIterator(d.keys)
        case .view(.values, let d): return TemplateIterator(d.values)
        case .view(.items, let d):
            var i = 0
            return TemplateIterator {
                guard i < d.count else { return nil }
                i += 1
                return try d.pair(i - 1)
            }
        case .range(let r):
            var i = 0
            return TemplateIterator {
                guard i < r.count else { return nil }
                i += 1
                return r.value(i - 1)
            }
        case .object(let id):
            switch objects[id] {
            case .generator(let iterator, _): return iterator
            case .loop(let state):
                return TemplateIterator {
                    guard let value = try state.advance() else { return nil }
                    return .tuple(try TemplateSequence([value, .object(id)]))
                }
            default: break
            }
        default: break
        }
        throw TemplateFault.runtime("'\(value.typeName)' object is not iterable")
    }

    /// `list(value)`.
    func array(_ value: TemplateValue) throws -> [TemplateValue] {
        switch value {
        case .list(let s), .tuple(let s): return s.items
        default:
            let iterator = try iterate(value)
            var items: [TemplateValue] = []
            while let item = try iterator.next() {
                try allocate(4)
                items.append(item)
            }
            return items
        }
    }

    /// A lazy sequence drawing on `source`. Chains of them are bounded: each link is a call deeper.
    func generator(
        from source: TemplateValue, _ produce: @escaping (TemplateIterator) throws -> TemplateValue?
    ) throws -> TemplateValue {
        var chain = 1
        if case .object(let id) = source, case .generator(_, let length) = objects[id] { chain = length + 1 }
        if chain > 60 { throw TemplateFault.limit("too many filters are chained lazily") }
        var upstream: TemplateIterator?
        return try make(
            .generator(
                TemplateIterator { [unowned self] in
                    let input = try upstream ?? self.iterate(source)
                    upstream = input
                    try self.charge(1)
                    return try self.nested { try produce(input) }
                }, chain: chain))
    }

    // MARK: str and repr

    func str(_ value: TemplateValue) throws -> PyText {
        switch value {
        case .string(let s), .markup(let s): return s
        case .undefined: return []
        default:
            var text = PyText()
            try repr(value, into: &text)
            return text
        }
    }

    func repr(_ value: TemplateValue, into text: inout PyText) throws {
        func add(_ s: String) { text += s.unicodeScalars }
        try allocate(4)
        switch value {
        case .undefined: add("Undefined")
        case .none: add("None")
        case .bool(let b): add(b ? "True" : "False")
        case .int(let i): add(String(i))
        case .float(let d): add(PyString.repr(d))
        case .string(let s):
            try allocate(s.count)
            text += PyString.repr(s)
        case .markup(let s):
            try allocate(s.count)
            add("Markup(")
            text += PyString.repr(s)
            add(")")
        case .list(let s):
            add("[")
            try nested { try reprItems(s.items, into: &text) }
            add("]")
        case .tuple(let s):
            add("(")
            try nested { try reprItems(s.items, into: &text) }
            add(s.items.count == 1 ? ",)" : ")")
        case .dict(let d):
            add("{")
            for i in 0..<d.count {
                if i > 0 { add(", ") }
                try nested { try repr(d.keys[i], into: &text) }
                add(": ")
                try nested { try repr(d.values[i], into: &text) }
            }
            add("}")
        case .view(let view, _):
            add("dict_\(view.rawValue)([")
            let items = try array(value)
            try nested { try reprItems(items, into: &text) }
            add("])")
        case .range(let r):
            add(r.step == 1 ? "range(\(r.start), \(r.stop))" : "range(\(r.start), \(r.stop), \(r.step))")
        case .object(let id):
            switch objects[id] {
            case .namespace(let namespace):
                add("<Namespace {")
                for i in namespace.keys.indices {
                    if i > 0 { add(", ") }
                    text += PyString.repr(PyText(namespace.keys[i].unicodeScalars))
                    add(": ")
                    try nested { try repr(namespace.values[i], into: &text) }
                }
                add("}>")
            case .macro(let macro, _):
                add(macro.name.map { "<Macro '\($0)'>" } ?? "<Macro anonymous>")
            case .loop(let state): add("<LoopContext \(state.index0 + 1)/\(try state.fullLength())>")
            // Python prints an address for these; there is none to reproduce.
            case .generator: add("<generator object>")
            case .cycler: add("<Cycler object>")
            case .joiner: add("<Joiner object>")
            }
        case .method(let method): add("<built-in method \(method.name) of \(method.receiver.typeName) object>")
        case .function(let function): add("<function \(function.rawValue)>")
        }
    }

    private func reprItems(_ items: [TemplateValue], into text: inout PyText) throws {
        for i in items.indices {
            if i > 0 { text += [",", " "] }
            try repr(items[i], into: &text)
        }
    }

    // MARK: Attributes, items, slices

    /// `object.name`: the attribute, else the item, else undefined.
    func attribute(_ object: TemplateValue, _ name: String) throws -> TemplateValue {
        if let value = try pythonAttribute(object, name) { return value }
        if case .dict(let d) = object, let value = d[name] { return value }
        return missing(object, "attribute '\(name)'")
    }

    /// `object[key]`: the item, else the attribute of that name, else undefined.
    func item(_ object: TemplateValue, _ key: TemplateValue) throws -> TemplateValue {
        switch object {
        case .undefined(let u): throw TemplateFault.runtime(u.message)
        case .dict(let d):
            if let key = TemplateKey(key), let value = d[key] { return value }
        case .list(let s), .tuple(let s):
            if let i = index(key, count: s.items.count) { return s.items[i] }
        case .string(let s), .markup(let s):
            if let i = index(key, count: s.count) { return .string([s[i]]) }
        case .range(let r):
            if let i = index(key, count: r.count) { return r.value(i) }
        default: break
        }
        if case .string(let name) = key.plain {
            let name = Self.swiftString(name)
            if let value = try pythonAttribute(object, name) { return value }
            return missing(object, "attribute '\(name)'")
        }
        var text = PyText()
        try repr(key, into: &text)
        return missing(object, "element \(Self.swiftString(text))")
    }

    private func missing(_ object: TemplateValue, _ what: String) -> TemplateValue {
        .undefined(TemplateUndefined("'\(object.typeName) object' has no \(what)"))
    }

    private func index(_ key: TemplateValue, count: Int) -> Int? {
        let i: Int
        switch key {
        case .int(let n): i = n
        case .bool(let b): i = b ? 1 : 0
        default: return nil
        }
        let position = i < 0 ? i + count : i
        return position >= 0 && position < count ? position : nil
    }

    private func pythonAttribute(_ object: TemplateValue, _ name: String) throws -> TemplateValue? {
        if case .undefined(let u) = object { throw TemplateFault.runtime(u.message) }
        if case .object(let id) = object { return try objectAttribute(id, name) }
        guard let methods = TemplateMethods.table[object.typeName] else { return nil }
        if methods.contains(name) { return .method(TemplateMethod(object, name)) }
        if name.hasPrefix("_"), TemplateMethods.internals.contains(name) {
            return .undefined(
                TemplateUndefined("access to attribute '\(name)' of '\(object.typeName)' object is unsafe"))
        }
        if TemplateMethods.mutating[object.typeName]?.contains(name) == true {
            return .undefined(
                TemplateUndefined("'\(object.typeName).\(name)' would change a value, which templates may not do"))
        }
        switch (object, name) {
        case (.int, "real"), (.int, "numerator"), (.float, "real"): return object
        case (.bool(let b), "real"), (.bool(let b), "numerator"): return .int(b ? 1 : 0)
        case (.int, "imag"), (.bool, "imag"): return .int(0)
        case (.float, "imag"): return .float(0)
        case (.int, "denominator"), (.bool, "denominator"): return .int(1)
        case (.range(let r), "start"): return .int(r.start)
        case (.range(let r), "stop"): return .int(r.stop)
        case (.range(let r), "step"): return .int(r.step)
        default: return nil
        }
    }

    private func objectAttribute(_ id: Int, _ name: String) throws -> TemplateValue? {
        switch objects[id] {
        case .namespace(let namespace):
            try charge(namespace.keys.count / 8)
            return namespace[name]
        case .macro(let macro, _):
            switch name {
            case "name": return macro.name.map { .text($0) } ?? TemplateValue.none
            case "arguments": return try tuple(macro.parameters.map { .text($0.text) })
            case "catch_kwargs": return .bool(macro.usesKwargs)
            case "catch_varargs": return .bool(macro.usesVarargs)
            case "caller": return .bool(macro.usesCaller)
            default: return nil
            }
        case .loop(let state): return try loopAttribute(state, id, name)
        case .cycler(let items, let position):
            switch name {
            case "next", "reset": return .method(TemplateMethod(.object(id), name))
            case "current": return items[position]
            case "items": return try tuple(items)
            case "pos": return .int(position)
            default: return nil
            }
        case .generator, .joiner: return nil
        }
    }

    private func loopAttribute(_ state: TemplateLoopState, _ id: Int, _ name: String) throws -> TemplateValue? {
        switch name {
        case "index": return .int(state.index0 + 1)
        case "index0": return .int(state.index0)
        case "first": return .bool(state.index0 == 0)
        case "last": return .bool(try state.peek() == nil)
        case "length": return .int(try state.fullLength())
        case "revindex": return .int(try state.fullLength() - state.index0)
        case "revindex0": return .int(try state.fullLength() - state.index0 - 1)
        case "depth": return .int(state.depth0 + 1)
        case "depth0": return .int(state.depth0)
        case "previtem":
            return state.index0 == 0 ? .undefined(TemplateUndefined("there is no previous item")) : state.before
        case "nextitem": return try state.peek() ?? .undefined(TemplateUndefined("there is no next item"))
        case "cycle", "changed": return .method(TemplateMethod(.object(id), name))
        default: return nil
        }
    }

    /// An integer of a slice, nil for none.
    func sliceBound(_ value: TemplateValue) throws -> Int? {
        switch value {
        case .none: return nil
        case .int(let i): return i
        case .bool(let b): return b ? 1 : 0
        case .undefined(let u): throw TemplateFault.runtime(u.message)
        default: throw TemplateFault.runtime("slice indices must be integers or None")
        }
    }

    func slice(_ value: TemplateValue, _ lower: Int?, _ upper: Int?, _ step: Int?) throws -> TemplateValue {
        func indices(_ count: Int) throws -> [Int] {
            let step = step ?? 1
            guard step != 0 else { throw TemplateFault.runtime("slice step cannot be zero") }
            func clamp(_ i: Int, _ low: Int, _ high: Int) -> Int {
                let i = i < 0 ? max(i &+ count, low) : i
                return min(max(i, low), high)
            }
            let start = step > 0 ? clamp(lower ?? 0, 0, count) : lower.map { clamp($0, -1, count - 1) } ?? count - 1
            let stop = step > 0 ? clamp(upper ?? count, 0, count) : upper.map { clamp($0, -1, count - 1) } ?? -1
            try allocate(step > 0 ? max(0, stop - start) : max(0, start - stop))
            var result: [Int] = []
            var i = start
            while step > 0 ? i < stop : i > stop {
                result.append(i)
                let (next, overflow) = i.addingReportingOverflow(step)
                if overflow { break }
                i = next
            }
            return result
        }
        switch value {
        case .string(let s), .markup(let s): return .string(try indices(s.count).map { s[$0] })
        case .list(let s): return try list(try indices(s.items.count).map { s.items[$0] })
        case .tuple(let s): return try tuple(try indices(s.items.count).map { s.items[$0] })
        case .range(let r): return try list(try indices(r.count).map { r.value($0) })
        case .undefined(let u): throw TemplateFault.runtime(u.message)
        default: throw TemplateFault.runtime("'\(value.typeName)' object cannot be sliced")
        }
    }
}
