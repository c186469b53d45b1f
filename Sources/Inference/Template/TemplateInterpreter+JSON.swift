extension TemplateInterpreter {
    private struct JSONStyle {
        var ascii = false
        var indent: PyText?
        var item = PyText()
        var key: PyText = [":", " "]
        var sorts = false
    }

    /// `json.dumps` with the options transformers' `tojson` takes.
    func json(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> PyText {
        try arguments.check("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
        var style = JSONStyle()
        style.ascii = try arguments.get(0, "ensure_ascii").map { try truth($0) } ?? false
        style.sorts = try arguments.get(3, "sort_keys").map { try truth($0) } ?? false
        switch arguments.get(1, "indent") {
        case nil, TemplateValue.none?: style.indent = nil
        case .string(let s)?: style.indent = s
        case let width?:
            let n = max(0, try integer(width, 0))
            try allocate(n)
            style.indent = PyText(repeating: " ", count: n)
        }
        style.item = style.indent == nil ? [",", " "] : [","]
        if let separators = arguments.get(2, "separators"), !separators.isNone {
            let parts = try array(separators)
            guard parts.count == 2 else { throw TemplateFault.runtime("tojson: separators must be a pair") }
            style.item = try text(parts[0], "separators")
            style.key = try text(parts[1], "separators")
        }
        var result = PyText()
        try write(value, style, level: 0, into: &result)
        return result
    }

    private func newline(_ style: JSONStyle, _ level: Int, into text: inout PyText) throws {
        guard let indent = style.indent else { return }
        let (count, overflow) = indent.count.multipliedReportingOverflow(by: level)
        guard !overflow else { throw TemplateFault.limit("the template produces too much text") }
        try allocate(count)
        text.append("\n")
        for _ in 0..<level { text += indent }
    }

    private func scalar(_ value: TemplateValue) -> PyText? {
        switch value {
        case .none: return PyText("null".unicodeScalars)
        case .bool(let b): return PyText((b ? "true" : "false").unicodeScalars)
        case .int(let i): return PyText(String(i).unicodeScalars)
        case .float(let d):
            let text = d.isNaN ? "NaN" : d.isInfinite ? (d < 0 ? "-Infinity" : "Infinity") : PyString.repr(d)
            return PyText(text.unicodeScalars)
        default: return nil
        }
    }

    private func write(_ value: TemplateValue, _ style: JSONStyle, level: Int, into text: inout PyText) throws {
        try allocate(4)
        switch value {
        case .string(let s), .markup(let s): try quote(s, style, into: &text)
        case .list(let s), .tuple(let s):
            if s.items.isEmpty {
                text += ["[", "]"]
                return
            }
            text.append("[")
            for (i, item) in s.items.enumerated() {
                if i > 0 { text += style.item }
                try newline(style, level + 1, into: &text)
                try nested { try write(item, style, level: level + 1, into: &text) }
            }
            try newline(style, level, into: &text)
            text.append("]")
        case .dict(let d):
            if d.count == 0 {
                text += ["{", "}"]
                return
            }
            var order = Array(0..<d.count)
            if style.sorts {
                let sorted = try sequenceFilter(
                    "dictsort", .dict(try TemplateDictionary(order.map { (d.keys[$0], .int($0)) })),
                    TemplateCallArguments(positional: [.bool(true)]))
                order = try array(sorted).map { pair in
                    guard case .int(let i)? = try array(pair).last else { return 0 }
                    return i
                }
            }
            text.append("{")
            for (n, i) in order.enumerated() {
                if n > 0 { text += style.item }
                try newline(style, level + 1, into: &text)
                if case .string(let key) = d.keys[i].plain {
                    try quote(key, style, into: &text)
                } else if let key = scalar(d.keys[i]) {
                    try quote(key, style, into: &text)
                } else {
                    throw TemplateFault.runtime("keys must be str, int, float, bool or None, not \(d.keys[i].typeName)")
                }
                text += style.key
                try nested { try write(d.values[i], style, level: level + 1, into: &text) }
            }
            try newline(style, level, into: &text)
            text.append("}")
        default:
            guard let scalar = scalar(value) else {
                if case .undefined(let u) = value { throw TemplateFault.runtime("tojson: \(u.message)") }
                throw TemplateFault.runtime("Object of type \(value.typeName) is not JSON serializable")
            }
            text += scalar
        }
    }

    private func quote(_ s: PyText, _ style: JSONStyle, into text: inout PyText) throws {
        try allocate(s.count)
        text.append("\"")
        for c in s {
            switch c {
            case "\"": text += ["\\", "\""]
            case "\\": text += ["\\", "\\"]
            case "\n": text += ["\\", "n"]
            case "\r": text += ["\\", "r"]
            case "\t": text += ["\\", "t"]
            case "\u{8}": text += ["\\", "b"]
            case "\u{C}": text += ["\\", "f"]
            default:
                if c.value < 0x20 || (style.ascii && c.value > 0x7E) {
                    for unit in String(c).utf16 {
                        text += ["\\", "u"]
                        text += PyString.hex(UInt32(unit), digits: 4)
                    }
                } else {
                    text.append(c)
                }
            }
        }
        text.append("\"")
    }
}
