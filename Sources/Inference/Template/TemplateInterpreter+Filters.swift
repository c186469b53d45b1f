import Foundation

enum TemplateFilters {
    /// Jinja's filters and transformers' `tojson`; unknown names are errors when a template is parsed.
    static let names: Set<String> = [
        "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
        "filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items", "join",
        "last", "length", "list", "lower", "map", "max", "min", "pprint", "random", "reject", "rejectattr", "replace",
        "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "striptags", "sum", "title",
        "tojson", "trim", "truncate", "unique", "upper", "urlencode", "urlize", "wordcount", "wordwrap", "xmlattr",
    ]
}

extension TemplateInterpreter {
    func filter(_ name: String, _ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        guard case .markup(let s) = value else { return try plainFilter(name, value, arguments) }
        switch name {
        case "safe", "string", "e", "escape", "default", "d": return value
        case "format": return try markup(try percentFormat(s, try escapedItems(try tuple(arguments.positional))))
        case "trim", "upper", "lower", "capitalize", "title", "indent", "center":
            let result = try plainFilter(name, .string(s), arguments)
            if case .string(let text) = result { return .markup(text) }
            return result
        default: return try plainFilter(name, .string(s), arguments)
        }
    }

    func markup(_ text: PyText) throws -> TemplateValue {
        try allocate(text.count)
        return .markup(text)
    }

    /// What `Markup % value` formats: text in `value` escaped.
    func escapedItems(_ value: TemplateValue) throws -> TemplateValue {
        switch value {
        case .string(let s): return .string(escaped(s))
        case .tuple(let s): return try tuple(try s.items.map { item in try nested { try escapedItems(item) } })
        case .dict(let d):
            return try dict(try zip(d.keys, d.values).map { key, item in (key, try nested { try escapedItems(item) }) })
        default: return value
        }
    }

    private func plainFilter(_ name: String, _ value: TemplateValue, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        switch name {
        case "default", "d":
            try arguments.check(name, ["default_value", "boolean"])
            let isBoolean = try arguments.get(1, "boolean").map { try truth($0) } ?? false
            if value.isUndefined { return arguments.get(0, "default_value") ?? .string([]) }
            if isBoolean, !(try truth(value)) { return arguments.get(0, "default_value") ?? .string([]) }
            return value
        case "trim":
            try arguments.check(name, ["chars"])
            var characters: PyText?
            if let chars = arguments.get(0, "chars"), !chars.isNone { characters = try text(chars, name) }
            return try string(PyString.strip(try str(value), characters))
        case "length", "count":
            try arguments.check(name, [])
            return .int(try length(value))
        case "tojson": return try string(try json(value, arguments))
        case "string":
            try arguments.check(name, [])
            return .string(try str(value))
        case "safe":
            try arguments.check(name, [])
            return .markup(try str(value))
        case "e", "escape", "forceescape":
            try arguments.check(name, [])
            return try markup(escaped(try str(value)))
        case "upper", "lower", "capitalize", "title":
            try arguments.check(name, [])
            let s = try str(value)
            switch name {
            case "upper": return try string(PyString.upper(s))
            case "lower": return try string(PyString.lower(s))
            case "capitalize": return try string(PyString.capitalize(s))
            default: return try string(titled(s))
            }
        case "replace":
            try arguments.check(name, ["old", "new", "count"], required: 2)
            var count = -1
            if let limit = arguments.get(2, "count"), !limit.isNone { count = try integer(limit, -1) }
            return try replaced(
                try str(value), try str(arguments.get(0, "old") ?? .none), try str(arguments.get(1, "new") ?? .none),
                count)
        case "format":
            let s = try str(value)
            guard arguments.positional.isEmpty || arguments.keywords.isEmpty else {
                throw TemplateFault.runtime("can't handle positional and keyword arguments at the same time")
            }
            if !arguments.keywords.isEmpty {
                return try string(
                    try percentFormat(s, try dict(arguments.keywords.map { (.text($0.name), $0.value) })))
            }
            return try string(try percentFormat(s, try tuple(arguments.positional)))
        case "indent": return try indent(value, arguments)
        case "wordcount": return .int(words(try str(value)))
        case "center":
            try arguments.check(name, ["width"])
            let s = try str(value)
            return try callMethod(
                .string(s), "center", TemplateCallArguments(positional: [arguments.get(0, "width") ?? .int(80)]))
        case "truncate": return try truncate(value, arguments)
        case "striptags": return try string(stripTags(try str(value)))
        case "urlencode": return try urlEncode(value)
        case "int": return try toInt(value, arguments)
        case "float":
            try arguments.check(name, ["default"])
            if case .undefined(let u) = value { throw TemplateFault.runtime(u.message) }
            if let number = number(value) { return .float(number.double) }
            if case .string(let s) = value, let d = parseFloat(s) { return .float(d) }
            return arguments.get(0, "default") ?? .float(0)
        case "abs":
            switch number(value) {
            case .int(let i): return try binary(.multiply, .int(i), .int(i < 0 ? -1 : 1))
            case .float(let d): return .float(abs(d))
            case nil: throw mismatch("abs()", value)
            }
        case "round": return try round(value, arguments)
        case "attr":
            try arguments.check(name, ["name"], required: 1)
            let attribute = Self.swiftString(try str(arguments.get(0, "name") ?? .none))
            if case .dict = value, TemplateMethods.table["dict"]?.contains(attribute) != true {
                return .undefined(TemplateUndefined("'dict object' has no attribute '\(attribute)'"))
            }
            return try self.attribute(value, attribute)
        default: return try sequenceFilter(name, value, arguments)
        }
    }

    // MARK: Text

    func escaped(_ s: PyText) -> PyText {
        var result = PyText()
        for c in s {
            switch c {
            case "&": result += "&amp;".unicodeScalars
            case "<": result += "&lt;".unicodeScalars
            case ">": result += "&gt;".unicodeScalars
            case "'": result += "&#39;".unicodeScalars
            case "\"": result += "&#34;".unicodeScalars
            default: result.append(c)
            }
        }
        return result
    }

    /// The filter's title case: words start after white space, hyphens and opening brackets.
    private func titled(_ s: PyText) -> PyText {
        var result = PyText()
        var word = PyText()
        func flush() {
            guard let first = word.first else { return }
            result += PyString.upper([first])
            result += PyString.lower(PyText(word.dropFirst()))
            word = []
        }
        for c in s {
            if PyString.isSpace(c) || ["-", "(", "{", "[", "<"].contains(c) {
                flush()
                result.append(c)
            } else {
                word.append(c)
            }
        }
        flush()
        return result
    }

    private func words(_ s: PyText) -> Int {
        var count = 0
        var inside = false
        for c in s {
            let isWord = c == "_" || PyString.isAlphanumeric(c)
            if isWord, !inside { count += 1 }
            inside = isWord
        }
        return count
    }

    private func indent(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("indent", ["width", "first", "blank"])
        var indention = PyText(repeating: " ", count: 4)
        if let width = arguments.get(0, "width") {
            if case .string(let s) = width {
                indention = s
            } else {
                let n = max(0, try integer(width, 4))
                try allocate(n)
                indention = PyText(repeating: " ", count: n)
            }
        }
        let first = try arguments.get(1, "first").map { try truth($0) } ?? false
        let blank = try arguments.get(2, "blank").map { try truth($0) } ?? false
        let lines = PyString.splitLines(try text(value, "indent") + ["\n"])
        let (growth, overflow) = lines.count.multipliedReportingOverflow(by: indention.count + 1)
        guard !overflow else { throw TemplateFault.limit("the template produces too much text") }
        try allocate(growth)
        var result = first ? indention : []
        for (i, line) in lines.enumerated() {
            if i > 0 {
                result.append("\n")
                if blank || !line.isEmpty { result += indention }
            }
            result += line
        }
        return try string(result)
    }

    private func truncate(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("truncate", ["length", "killwords", "end", "leeway"])
        let length = try integer(arguments.get(0, "length"), 255)
        let kill = try arguments.get(1, "killwords").map { try truth($0) } ?? false
        let end = try arguments.get(2, "end").map { try str($0) } ?? [".", ".", "."]
        let leeway: Int
        if let given = arguments.get(3, "leeway"), !given.isNone { leeway = try integer(given, 5) } else { leeway = 5 }
        guard length >= end.count, leeway >= 0 else { throw TemplateFault.runtime("truncate: bad length or leeway") }
        if try self.length(value) - leeway <= length { return value }
        let s = try text(value, "truncate")
        let head = PyText(s[..<(length - end.count)])
        if kill { return try string(head + end) }
        guard let space = PyString.rfind([" "], in: head, from: 0, to: head.count) else {
            return try string(head + end)
        }
        return try string(PyText(head[..<space]) + end)
    }

    /// markupsafe's striptags: comments and tags removed, white space collapsed, entities left to basic ones.
    private func stripTags(_ s: PyText) -> PyText {
        func removing(_ open: PyText, _ close: PyText, _ s: PyText) -> PyText {
            var result = PyText()
            var i = 0
            while let start = PyString.find(open, in: s, from: i),
                let end = PyString.find(close, in: s, from: start + open.count)
            {
                result += s[i..<start]
                i = end + close.count
            }
            return result + s[i...]
        }
        var text = removing(["<", "!", "-", "-"], ["-", "-", ">"], s)
        text = removing(["<"], [">"], text)
        var result = PyText()
        for (i, word) in PyString.split(text, limit: -1).enumerated() {
            if i > 0 { result.append(" ") }
            result += word
        }
        for (entity, character) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", "\""), ("&quot;", "\""), ("&amp;", "&"),
        ] {
            result = PyString.replace(result, PyText(entity.unicodeScalars), PyText(character.unicodeScalars))
        }
        return result
    }

    private func urlEncode(_ value: TemplateValue) throws -> TemplateValue {
        func quote(_ value: TemplateValue, query: Bool) throws -> PyText {
            var result = PyText()
            for byte in Self.swiftString(try str(value)).utf8 {
                let scalar = Unicode.Scalar(byte)
                let isPlain =
                    scalar.isASCII && (PyString.isAlphanumeric(scalar) || "_.-~".unicodeScalars.contains(scalar))
                if isPlain || (scalar == "/" && !query) {
                    result.append(scalar)
                } else if scalar == " ", query {
                    result.append("+")
                } else {
                    result.append("%")
                    result += PyString.upper(PyString.hex(UInt32(byte), digits: 2))
                }
            }
            return result
        }
        if case .string = value.plain { return try string(try quote(value, query: false)) }
        guard isIterable(value) else { return try string(try quote(value, query: false)) }
        var pairs = try array(value)
        if case .dict(let d) = value { pairs = try array(.view(.items, d)) }
        var result = PyText()
        for (i, pair) in pairs.enumerated() {
            let parts = try array(pair)
            guard parts.count == 2 else { throw TemplateFault.runtime("urlencode needs pairs") }
            if i > 0 { result.append("&") }
            result += try quote(parts[0], query: true) + ["="] + (try quote(parts[1], query: true))
        }
        return try string(result)
    }

    // MARK: Numbers

    private func plain(_ s: PyText) -> String? {
        let text = Self.swiftString(PyString.strip(s, nil))
        guard !text.isEmpty, !text.hasPrefix("_"), !text.hasSuffix("_"), !text.contains("__") else { return nil }
        return text.replacingOccurrences(of: "_", with: "")
    }

    private func parseFloat(_ s: PyText) -> Double? {
        guard let text = plain(s) else { return nil }
        let lower = text.lowercased()
        let unsigned = lower.hasPrefix("-") || lower.hasPrefix("+") ? String(lower.dropFirst()) : lower
        switch unsigned {
        case "inf", "infinity": return lower.hasPrefix("-") ? -.infinity : .infinity
        case "nan": return .nan
        default:
            guard unsigned.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || [46, 101, 43, 45].contains($0) }) else {
                return nil
            }
            return Double(lower.hasSuffix(".") ? lower + "0" : lower)
                ?? Double(lower.replacingOccurrences(of: ".e", with: ".0e"))
        }
    }

    private func toInt(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("int", ["default", "base"])
        let fallback = arguments.get(0, "default") ?? .int(0)
        let base = try integer(arguments.get(1, "base"), 10)
        func truncated(_ d: Double) throws -> TemplateValue {
            guard d.isFinite else {
                if d.isNaN { return fallback }
                return fallback
            }
            guard let i = Int(exactly: d.rounded(.towardZero)) else {
                throw TemplateFault.limit("an integer exceeds 64 bits")
            }
            return .int(i)
        }
        switch value {
        case .undefined(let u): throw TemplateFault.runtime(u.message)
        case .int, .bool, .float:
            switch number(value) {
            case .int(let i)?: return .int(i)
            case .float(let d)?: return try truncated(d)
            case nil: return fallback
            }
        case .string(let s):
            if var text = plain(s) {
                var sign = ""
                if text.hasPrefix("-") || text.hasPrefix("+") { sign = String(text.removeFirst()) }
                let lower = text.lowercased()
                var radix = base
                for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)]
                where lower.hasPrefix(prefix) && (base == value || base == 0) {
                    text = String(text.dropFirst(2))
                    radix = value
                }
                if radix == 0 { radix = 10 }
                guard (2...36).contains(radix) else { return fallback }
                if !text.hasPrefix("-"), !text.hasPrefix("+"), let i = Int(sign + text, radix: radix) { return .int(i) }
            }
            if let d = parseFloat(s) { return try truncated(d) }
            return fallback
        default: return fallback
        }
    }

    private func round(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("round", ["precision", "method"])
        let precision = try integer(arguments.get(0, "precision"), 0)
        let method = try arguments.get(1, "method").map { Self.swiftString(try str($0)) } ?? "common"
        guard let number = number(value) else { throw mismatch("round()", value) }
        guard abs(precision) <= 300 else { throw TemplateFault.runtime("round: precision out of range") }
        switch method {
        case "common":
            if case .int(let i) = number {
                if precision >= 0 { return .int(i) }
                guard precision > -18 else { return .int(0) }
                let unit = Int(pow(10.0, Double(-precision)))
                // Half to even, as Python rounds integers.
                let (low, rest) = (i / unit * unit, abs(i % unit))
                let up = rest * 2 > unit || (rest * 2 == unit && (i / unit) % 2 != 0)
                return .int(up ? low + (i < 0 ? -unit : unit) : low)
            }
            let d = number.double
            guard d.isFinite else { return .float(d) }
            if precision < 0 {
                let unit = pow(10.0, Double(-precision))
                return .float((d / unit).rounded(.toNearestOrEven) * unit)
            }
            // Correct rounding of the exact binary value, through its decimal expansion.
            return .float(Double(String(format: "%.\(precision)f", d)) ?? d)
        case "ceil", "floor":
            let unit = pow(10.0, Double(precision))
            let scaled = number.double * unit
            return .float((method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)) / unit)
        default: throw TemplateFault.runtime("method must be common, ceil or floor")
        }
    }
}
