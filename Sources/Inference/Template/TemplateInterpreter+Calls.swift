import Foundation

struct TemplateCallArguments {
    var positional: [TemplateValue] = []
    var keywords: [(name: String, value: TemplateValue)] = []

    /// The argument at a position or under a keyword.
    func get(_ position: Int, _ name: String) -> TemplateValue? {
        if position < positional.count { return positional[position] }
        return keywords.first { $0.name == name }?.value
    }

    /// Checks that there are only so many positional arguments and only known keywords, none given twice.
    func check(_ function: String, _ names: [String], required: Int = 0) throws {
        if positional.count > names.count {
            throw TemplateFault.runtime(
                "\(function) takes at most \(names.count) arguments (\(positional.count) given)")
        }
        for keyword in keywords {
            guard let i = names.firstIndex(of: keyword.name) else {
                throw TemplateFault.runtime("\(function) got an unexpected keyword argument '\(keyword.name)'")
            }
            if i < positional.count {
                throw TemplateFault.runtime("\(function) got multiple values for argument '\(keyword.name)'")
            }
        }
        for i in 0..<required where get(i, names[i]) == nil {
            throw TemplateFault.runtime("\(function) misses its argument '\(names[i])'")
        }
    }
}

extension TemplateInterpreter {
    func evaluateCall(
        _ callee: TemplateExpression, _ arguments: TemplateArguments, _ scope: TemplateScope, caller: TemplateValue?,
        line: Int
    ) throws -> TemplateValue {
        let function = try evaluate(callee, scope)
        var arguments = try evaluateArguments(arguments, scope)
        if let caller { arguments.keywords.append(("caller", caller)) }
        do {
            return try call(function, arguments)
        } catch let fault as TemplateFault {
            throw fault.at(line)
        }
    }

    func call(_ function: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        switch function {
        case .undefined(let u): throw TemplateFault.runtime(u.message)
        case .function(let f): return try call(f, arguments)
        case .method(let m):
            if case .object(let id) = m.receiver { return try callObjectMethod(id, m.name, arguments) }
            return try callMethod(m.receiver, m.name, arguments)
        case .object(let id):
            switch objects[id] {
            case .macro(let macro, let scope): return try calling { try call(macro, scope, arguments) }
            case .loop(let state):
                guard state.loop.isRecursive else {
                    throw TemplateFault.runtime("the loop must have the 'recursive' marker to be called recursively")
                }
                try arguments.check("loop", ["iterable"], required: 1)
                let outer = output
                output = []
                defer { output = outer }
                _ = try calling {
                    try nested {
                        try run(
                            state.loop, over: arguments.positional.first ?? .none, scope: state.scope,
                            depth0: state.depth0 + 1)
                    }
                }
                return .string(output)
            case .joiner(let separator, let used):
                objects[id] = .joiner(separator, used: true)
                return .string(used ? separator : [])
            default: break
            }
        default: break
        }
        throw TemplateFault.runtime("'\(function.typeName)' object is not callable")
    }

    private func callObjectMethod(_ id: Int, _ name: String, _ arguments: TemplateCallArguments) throws -> TemplateValue
    {
        switch (objects[id], name) {
        case (.loop(let state), "cycle"):
            guard !arguments.positional.isEmpty else { throw TemplateFault.runtime("no items for cycling given") }
            return arguments.positional[max(0, state.index0) % arguments.positional.count]
        case (.loop(let state), "changed"):
            let value = try tuple(arguments.positional)
            if let last = state.changedValue, try equal(last, value) { return .bool(false) }
            state.changedValue = value
            return .bool(true)
        case (.cycler(let items, let position), "next"):
            objects[id] = .cycler(items, position: (position + 1) % items.count)
            return items[position]
        case (.cycler(let items, _), "reset"):
            objects[id] = .cycler(items, position: 0)
            return .none
        default: throw TemplateFault.runtime("'\(name)' is not callable")
        }
    }

    private func call(_ macro: TemplateMacro, _ closure: TemplateScope, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        let name = macro.name ?? "caller"
        let scope = TemplateScope(closure)
        var keywords = arguments.keywords
        for (i, parameter) in macro.parameters.enumerated() {
            if i < arguments.positional.count {
                scope.set(parameter.name, arguments.positional[i])
            } else if let k = keywords.firstIndex(where: { $0.name.utf8.elementsEqual(parameter.text.utf8) }) {
                scope.set(parameter.name, keywords.remove(at: k).value)
            } else if let value = parameter.defaultValue {
                scope.set(parameter.name, try evaluate(value, scope))
            } else {
                scope.set(
                    parameter.name, .undefined(TemplateUndefined("parameter '\(parameter.text)' was not provided")))
            }
        }
        if macro.usesCaller, let callerName {
            if let k = keywords.firstIndex(where: { $0.name == "caller" }) {
                scope.set(callerName, keywords.remove(at: k).value)
            } else {
                scope.set(callerName, .undefined(TemplateUndefined("no caller defined")))
            }
        }
        if macro.usesKwargs, let kwargsName {
            scope.set(kwargsName, try dict(keywords.map { (.text($0.name), $0.value) }))
        } else if let extra = keywords.first {
            throw TemplateFault.runtime("macro '\(name)' takes no keyword argument '\(extra.name)'")
        }
        let rest = Array(arguments.positional.dropFirst(macro.parameters.count))
        if macro.usesVarargs, let varargsName {
            scope.set(varargsName, try tuple(rest))
        } else if !rest.isEmpty {
            throw TemplateFault.runtime("macro '\(name)' takes not more than \(macro.parameters.count) argument(s)")
        }
        return .string(try capture(macro.body, scope: scope).0)
    }

    private func call(_ function: TemplateFunction, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        switch function {
        case .range:
            guard arguments.keywords.isEmpty, (1...3).contains(arguments.positional.count) else {
                throw TemplateFault.runtime("range takes one to three positional arguments")
            }
            var numbers: [Int] = []
            for value in arguments.positional {
                switch value {
                case .int(let i): numbers.append(i)
                case .bool(let b): numbers.append(b ? 1 : 0)
                default: throw mismatch("range", value)
                }
            }
            let start = numbers.count == 1 ? 0 : numbers[0]
            let stop = numbers.count == 1 ? numbers[0] : numbers[1]
            let step = numbers.count == 3 ? numbers[2] : 1
            guard step != 0 else { throw TemplateFault.runtime("range() arg 3 must not be zero") }
            let bound = 1 << 60
            guard abs(max(start, -bound)) < bound, abs(max(stop, -bound)) < bound, abs(max(step, -bound)) < bound else {
                throw TemplateFault.limit("range too big")
            }
            let range = TemplateRange(start: start, stop: stop, step: step)
            guard range.count <= TemplateLimits.range else {
                throw TemplateFault.limit("range too big; at most \(TemplateLimits.range) numbers")
            }
            return .range(range)
        case .dict, .namespace:
            let pairs = try dictionaryPairs(arguments)
            if function == .dict { return try dict(pairs) }
            let namespace = TemplateNamespace()
            for (key, value) in pairs {
                guard case .string(let name) = key else {
                    throw TemplateFault.runtime("namespace attributes must be strings")
                }
                try store(Self.swiftString(name), value, in: namespace)
            }
            return try make(.namespace(namespace))
        case .cycler:
            guard !arguments.positional.isEmpty else {
                throw TemplateFault.runtime("at least one item has to be provided")
            }
            return try make(.cycler(arguments.positional, position: 0))
        case .joiner:
            try arguments.check("joiner", ["sep"])
            return try make(.joiner(try arguments.get(0, "sep").map { try str($0) } ?? [",", " "], used: false))
        case .raise_exception:
            try arguments.check("raise_exception", ["message"], required: 1)
            let message = Self.swiftString(try str(arguments.get(0, "message") ?? .none))
            throw TemplateFault(kind: .raised, message: message, line: nil)
        case .strftime_now:
            try arguments.check("strftime_now", ["format"], required: 1)
            guard case .string(let format)? = arguments.get(0, "format") else {
                throw TemplateFault.runtime("strftime_now takes a format string")
            }
            return try string(try strftime(format))
        case .lipsum: throw TemplateFault.runtime("lipsum is random text and is not supported")
        }
    }

    private func dictionaryPairs(_ arguments: TemplateCallArguments) throws -> [(TemplateValue, TemplateValue)] {
        guard arguments.positional.count <= 1 else { throw TemplateFault.runtime("dict expected at most 1 argument") }
        var pairs: [(TemplateValue, TemplateValue)] = []
        if let source = arguments.positional.first {
            if case .dict(let d) = source {
                pairs = zip(d.keys, d.values).map { ($0, $1) }
            } else {
                let iterator = try iterate(source)
                while let item = try iterator.next() {
                    let pair = try array(item)
                    guard pair.count == 2 else { throw TemplateFault.runtime("dict needs pairs") }
                    pairs.append((pair[0], pair[1]))
                }
            }
        }
        return pairs + arguments.keywords.map { (.text($0.name), $0.value) }
    }

    /// `datetime.now().strftime`, in local time.
    private func strftime(_ format: PyText) throws -> PyText {
        var seconds = time_t(now.timeIntervalSince1970.rounded(.down))
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { throw TemplateFault.runtime("the date cannot be formatted") }
        let micro = Int((now.timeIntervalSince1970 - Double(seconds)) * 1e6)
        var text = Self.swiftString(format)
        guard text.utf8.count < 4096, !text.utf8.contains(0) else {
            throw TemplateFault.runtime("the date format is too long")
        }
        // %f is Python's own. Aware of "%%f": a literal percent sign and an f.
        var prepared = ""
        var i = text.unicodeScalars.makeIterator()
        while let c = i.next() {
            guard c == "%", let d = i.next() else {
                prepared.unicodeScalars.append(c)
                continue
            }
            if d == "f" {
                let digits = String(max(0, micro))
                prepared += String(repeating: "0", count: max(0, 6 - digits.count)) + digits
            } else if d == "z" || d == "Z" {
                // A naive datetime has no zone.
                continue
            } else {
                prepared.unicodeScalars.append("%")
                prepared.unicodeScalars.append(d)
            }
        }
        text = prepared
        if text.isEmpty { return [] }
        var buffer = [CChar](repeating: 0, count: 65536)
        let count = Foundation.strftime(&buffer, buffer.count, text, &parts)
        let bytes = buffer[..<count].map { UInt8(bitPattern: $0) }
        return PyText(String(decoding: bytes, as: UTF8.self).unicodeScalars)
    }
}
