/// Which methods values have.
enum TemplateMethods {
    static let table: [String: Set<String>] = [
        "str": [
            "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "replace", "upper",
            "lower", "title", "capitalize", "swapcase", "casefold", "join", "format", "format_map", "index", "rindex",
            "count", "find", "rfind", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "istitle",
            "isnumeric", "isdecimal", "isascii", "isidentifier", "isprintable", "zfill", "ljust", "rjust", "center",
            "removeprefix", "removesuffix", "partition", "rpartition", "expandtabs",
        ],
        "dict": ["get", "items", "keys", "values", "copy", "fromkeys"],
        "list": ["index", "count", "copy"],
        "tuple": ["index", "count"],
        "range": ["index", "count"],
        "int": ["bit_length", "bit_count", "conjugate", "is_integer"],
        "bool": ["bit_length", "bit_count", "conjugate", "is_integer"],
        "float": ["is_integer", "conjugate"],
        "dict_keys": ["isdisjoint"], "dict_items": ["isdisjoint"], "dict_values": [], "NoneType": [],
    ]

    static let mutating: [String: Set<String>] = [
        "dict": ["clear", "pop", "popitem", "setdefault", "update"],
        "list": ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"],
    ]

    static let internals: Set<String> = [
        "__class__", "__doc__", "__init__", "__eq__", "__ne__", "__hash__", "__repr__", "__str__", "__dir__",
        "__getattribute__", "__reduce__", "__sizeof__", "__subclasshook__", "__new__", "__format__",
    ]
}

extension TemplateInterpreter {
    func callMethod(_ receiver: TemplateValue, _ name: String, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        switch receiver {
        case .string(let s): return try callString(s, name, arguments)
        case .markup(let s):
            let result = try callString(s, name, arguments)
            guard case .string(let text) = result, name != "join", name != "format" else { return result }
            return .markup(text)
        case .dict(let d): return try callDictionary(d, name, arguments)
        case .list(let s), .tuple(let s):
            if name == "copy" { return receiver }
            return try search(s.items, name, arguments)
        case .range: return try search(try array(receiver), name, arguments)
        case .int(let i):
            switch name {
            case "bit_length": return .int(Int.bitWidth - Int(i.magnitude.leadingZeroBitCount))
            case "bit_count": return .int(i.magnitude.nonzeroBitCount)
            case "is_integer": return .bool(true)
            default: return receiver
            }
        case .bool(let b): return try callMethod(.int(b ? 1 : 0), name, arguments)
        case .float(let d): return name == "is_integer" ? .bool(d.isFinite && d.rounded() == d) : receiver
        default: throw TemplateFault.runtime("the method '\(name)' of '\(receiver.typeName)' is not supported")
        }
    }

    private func search(_ items: [TemplateValue], _ name: String, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        guard let wanted = arguments.positional.first else {
            throw TemplateFault.runtime("\(name) expected at least 1 argument, got 0")
        }
        try charge(items.count)
        if name == "count" {
            var count = 0
            for item in items where try equal(item, wanted) { count += 1 }
            return .int(count)
        }
        let (start, end) = try bounds(arguments, items.count)
        var i = start
        while i < end {
            if try equal(items[i], wanted) { return .int(i) }
            i += 1
        }
        throw TemplateFault.runtime("the value is not in the list")
    }

    private func callDictionary(_ d: TemplateDictionary, _ name: String, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        switch name {
        case "get":
            guard arguments.keywords.isEmpty, (1...2).contains(arguments.positional.count) else {
                throw TemplateFault.runtime("get takes one or two positional arguments")
            }
            guard let key = TemplateKey(arguments.positional[0]) else {
                throw TemplateFault.runtime("unhashable type: '\(arguments.positional[0].typeName)'")
            }
            return d[key] ?? (arguments.positional.count > 1 ? arguments.positional[1] : .none)
        case "fromkeys":
            let value = arguments.positional.count > 1 ? arguments.positional[1] : .none
            return try dict(try array(arguments.positional.first ?? .none).map { ($0, value) })
        default:
            guard arguments.positional.isEmpty, arguments.keywords.isEmpty else {
                throw TemplateFault.runtime("dict.\(name)() takes no arguments")
            }
            guard let view = TemplateView(rawValue: name) else { return .dict(d) }
            return .view(view, d)
        }
    }

    /// The optional start and end arguments of find, index, count, startswith and endswith.
    private func bounds(_ arguments: TemplateCallArguments, _ count: Int) throws -> (Int, Int) {
        func clamp(_ i: Int) -> Int { min(max(i < 0 ? i &+ count : i, 0), count) }
        let start = arguments.positional.count > 1 ? try sliceBound(arguments.positional[1]) ?? 0 : 0
        let end = arguments.positional.count > 2 ? try sliceBound(arguments.positional[2]) ?? count : count
        if start > count { return (count + 1, clamp(end)) }
        return (clamp(start), clamp(end))
    }

    func text(_ value: TemplateValue?, _ function: String) throws -> PyText {
        guard let value else { throw TemplateFault.runtime("\(function) misses an argument") }
        guard case .string(let s) = value.plain else {
            if case .undefined(let u) = value { throw TemplateFault.runtime(u.message) }
            throw TemplateFault.runtime("\(function) needs a string, not '\(value.typeName)'")
        }
        return s
    }

    func integer(_ value: TemplateValue?, _ fallback: Int) throws -> Int {
        switch value {
        case nil: return fallback
        case .int(let i)?: return i
        case .bool(let b)?: return b ? 1 : 0
        case let value?: throw mismatch("an integer argument", value)
        }
    }

    private func callString(_ s: PyText, _ name: String, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try charge(s.count / 8 + 1)
        func noArguments() throws {
            guard arguments.positional.isEmpty, arguments.keywords.isEmpty else {
                throw TemplateFault.runtime("str.\(name)() takes no arguments")
            }
        }
        func positional(_ range: ClosedRange<Int>) throws {
            guard arguments.keywords.isEmpty, range.contains(arguments.positional.count) else {
                throw TemplateFault.runtime("str.\(name)() got \(arguments.positional.count) positional arguments")
            }
        }
        let args = arguments.positional
        switch name {
        case "strip", "lstrip", "rstrip":
            try positional(0...1)
            var characters: PyText?
            if let first = args.first, !first.isNone { characters = try text(first, name) }
            return try string(PyString.strip(s, characters, left: name != "rstrip", right: name != "lstrip"))
        case "split", "rsplit":
            try arguments.check(name, ["sep", "maxsplit"])
            let limit = try integer(arguments.get(1, "maxsplit"), -1)
            var parts: [PyText]
            if let separator = arguments.get(0, "sep"), !separator.isNone {
                let separator = try text(separator, name)
                guard !separator.isEmpty else { throw TemplateFault.runtime("empty separator") }
                parts =
                    name == "split"
                    ? PyString.split(s, separator: separator, limit: limit)
                    : PyString.rsplit(s, separator: separator, limit: limit)
            } else {
                parts = name == "split" ? PyString.split(s, limit: limit) : PyString.rsplit(s, limit: limit)
            }
            try allocate(s.count)
            return try list(parts.map { .string($0) })
        case "splitlines":
            try arguments.check(name, ["keepends"])
            let keep = try arguments.get(0, "keepends").map { try truth($0) } ?? false
            try allocate(s.count)
            return try list(PyString.splitLines(s, keepEnds: keep).map { .string($0) })
        case "startswith", "endswith":
            try positional(1...3)
            let (start, end) = try bounds(arguments, s.count)
            guard start <= end else { return .bool(false) }
            var candidates = [args[0]]
            if case .tuple(let several) = args[0] { candidates = several.items }
            for candidate in candidates {
                let affix = try text(candidate, name)
                if name == "startswith"
                    ? PyString.hasPrefix(s[start..<end], affix) : PyString.hasSuffix(s[start..<end], affix)
                {
                    return .bool(true)
                }
            }
            return .bool(false)
        case "replace":
            try arguments.check(name, ["old", "new", "count"], required: 2)
            return try replaced(
                s, try text(arguments.get(0, "old"), name), try text(arguments.get(1, "new"), name),
                try integer(arguments.get(2, "count"), -1))
        case "upper", "lower", "title", "capitalize", "swapcase", "casefold":
            try noArguments()
            switch name {
            case "upper": return try string(PyString.upper(s))
            case "title": return try string(PyString.title(s))
            case "capitalize": return try string(PyString.capitalize(s))
            case "swapcase": return try string(PyString.swapcase(s))
            case "casefold": return try string(PyString.replace(PyString.lower(s), ["ß"], ["s", "s"]))
            default: return try string(PyString.lower(s))
            }
        case "join":
            try positional(1...1)
            var result = PyText()
            for (i, item) in try array(args[0]).enumerated() {
                let part = try text(item, "join")
                try allocate(part.count + s.count)
                if i > 0 { result += s }
                result += part
            }
            return .string(result)
        case "format": return try string(try braceFormat(s, arguments))
        case "format_map":
            try positional(1...1)
            guard case .dict(let d) = args[0] else { throw TemplateFault.runtime("format_map needs a mapping") }
            let keywords = zip(d.keys, d.values).compactMap { key, value -> (name: String, value: TemplateValue)? in
                guard case .string(let name) = key else { return nil }
                return (Self.swiftString(name), value)
            }
            return try string(try braceFormat(s, TemplateCallArguments(keywords: keywords)))
        case "find", "rfind", "index", "rindex", "count":
            try positional(1...3)
            return try find(s, name, try text(args[0], name), try bounds(arguments, s.count))
        case "removeprefix", "removesuffix":
            try positional(1...1)
            let affix = try text(args[0], name)
            if name == "removeprefix" {
                return try string(PyString.hasPrefix(s[...], affix) ? PyText(s.dropFirst(affix.count)) : s)
            }
            return try string(PyString.hasSuffix(s[...], affix) ? PyText(s.dropLast(affix.count)) : s)
        case "partition", "rpartition":
            try positional(1...1)
            let separator = try text(args[0], name)
            guard !separator.isEmpty else { throw TemplateFault.runtime("empty separator") }
            let found =
                name == "partition"
                ? PyString.find(separator, in: s) : PyString.rfind(separator, in: s, from: 0, to: s.count)
            guard let found else {
                return try tuple(
                    name == "partition"
                        ? [.string(s), .string([]), .string([])] : [.string([]), .string([]), .string(s)])
            }
            try allocate(s.count)
            return try tuple([
                .string(PyText(s[..<found])), .string(separator), .string(PyText(s[(found + separator.count)...])),
            ])
        case "zfill", "ljust", "rjust", "center", "expandtabs":
            return try pad(s, name, arguments)
        default:
            try noArguments()
            return .bool(classify(s, name))
        }
    }

    func replaced(_ s: PyText, _ old: PyText, _ new: PyText, _ count: Int) throws -> TemplateValue {
        let hits = old.isEmpty ? s.count + 1 : (new.count > old.count ? PyString.occurrences(old, in: s).count : 0)
        let (growth, overflow) = (count < 0 ? hits : min(hits, count)).multipliedReportingOverflow(by: new.count)
        guard !overflow else { throw TemplateFault.limit("the template produces too much text") }
        try allocate(s.count + growth)
        return .string(PyString.replace(s, old, new, count: count))
    }

    private func find(_ s: PyText, _ name: String, _ needle: PyText, _ bounds: (Int, Int)) throws -> TemplateValue {
        try charge((s.count + needle.count) / 8)
        let (start, end) = bounds
        if name == "count" {
            guard start <= end else { return .int(0) }
            if needle.isEmpty { return .int(end - start + 1) }
            return .int(PyString.occurrences(needle, in: PyText(s[start..<end])).count)
        }
        let found: Int? =
            start > end
            ? nil
            : name.hasPrefix("r")
                ? PyString.rfind(needle, in: s, from: start, to: end)
                : PyString.find(needle, in: s, from: start, to: end)
        if let found { return .int(found) }
        if name.hasSuffix("index") { throw TemplateFault.runtime("substring not found") }
        return .int(-1)
    }

    private func pad(_ s: PyText, _ name: String, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        if name == "expandtabs" {
            try arguments.check(name, ["tabsize"])
            let size = try integer(arguments.get(0, "tabsize"), 8)
            var result = PyText()
            var column = 0
            for c in s {
                if c == "\t" {
                    let fill = size > 0 ? size - column % size : 0
                    try allocate(fill)
                    result += PyText(repeating: " ", count: fill)
                    column += fill
                } else {
                    result.append(c)
                    column = c == "\n" || c == "\r" ? 0 : column + 1
                }
            }
            return .string(result)
        }
        guard arguments.keywords.isEmpty, (1...2).contains(arguments.positional.count) else {
            throw TemplateFault.runtime("\(name) takes a width")
        }
        let width = try integer(arguments.positional[0], 0)
        let fillText = arguments.positional.count > 1 ? try text(arguments.positional[1], name) : [" "]
        guard fillText.count == 1 else {
            throw TemplateFault.runtime("the fill character must be exactly one character long")
        }
        guard width > s.count else { return .string(s) }
        let missing = width - s.count
        try allocate(width)
        func fill(_ n: Int) -> PyText { PyText(repeating: fillText[0], count: n) }
        switch name {
        case "ljust": return .string(s + fill(missing))
        case "rjust": return .string(fill(missing) + s)
        case "center":
            let left = missing / 2 + (missing & width & 1)
            return .string(fill(left) + s + fill(missing - left))
        default:
            let zeros = PyText(repeating: "0", count: missing)
            if let sign = s.first, sign == "+" || sign == "-" { return .string([sign] + zeros + s.dropFirst()) }
            return .string(zeros + s)
        }
    }

    private func classify(_ s: PyText, _ name: String) -> Bool {
        switch name {
        case "isascii": return s.allSatisfy { $0.isASCII }
        case "isprintable": return s.allSatisfy(PyString.isPrintable)
        case "isupper":
            return s.contains { $0.properties.isUppercase }
                && !s.contains { $0.properties.isLowercase || $0.properties.generalCategory == .titlecaseLetter }
        case "islower":
            return s.contains { $0.properties.isLowercase }
                && !s.contains { $0.properties.isUppercase || $0.properties.generalCategory == .titlecaseLetter }
        case "istitle": return PyString.istitle(s)
        case "isidentifier":
            guard let first = s.first, first == "_" || PyString.isIdentifierStart(first) else { return false }
            return s.dropFirst().allSatisfy { $0.properties.isXIDContinue }
        default: break
        }
        guard !s.isEmpty else { return false }
        switch name {
        case "isdigit": return s.allSatisfy(PyString.isDigit)
        case "isdecimal": return s.allSatisfy(PyString.isDecimal)
        case "isnumeric": return s.allSatisfy { $0.properties.numericType != nil }
        case "isalpha": return s.allSatisfy(PyString.isAlpha)
        case "isalnum": return s.allSatisfy(PyString.isAlphanumeric)
        default: return s.allSatisfy(PyString.isSpace)
        }
    }
}

extension TemplateValue {
    var isNone: Bool { if case .none = self { true } else { false } }
    var isUndefined: Bool { if case .undefined = self { true } else { false } }
}
