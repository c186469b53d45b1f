import Foundation

extension TemplateInterpreter {
    // MARK: printf style

    /// `format % value`.
    func percentFormat(_ format: PyText, _ value: TemplateValue) throws -> PyText {
        var items: [TemplateValue] = [value]
        var isTuple = false
        if case .tuple(let s) = value {
            items = s.items
            isTuple = true
        }
        var used = 0
        var usedMapping = false
        var result = PyText()
        var i = 0
        func nextItem() throws -> TemplateValue {
            guard used < items.count else { throw TemplateFault.runtime("not enough arguments for format string") }
            used += 1
            return items[used - 1]
        }
        while i < format.count {
            guard format[i] == "%" else {
                result.append(format[i])
                i += 1
                continue
            }
            i += 1
            var argument: TemplateValue?
            if i < format.count, format[i] == "(" {
                guard let close = PyString.find([")"], in: format, from: i) else {
                    throw TemplateFault.runtime("incomplete format key")
                }
                let key = TemplateValue.string(PyText(format[(i + 1)..<close]))
                guard case .dict(let d) = value, !isTuple else {
                    throw TemplateFault.runtime("format requires a mapping")
                }
                guard let hashable = TemplateKey(key), let found = d[hashable] else {
                    throw TemplateFault.runtime("the format key is not in the mapping")
                }
                argument = found
                usedMapping = true
                i = close + 1
            }
            var spec = FormatSpec()
            while i < format.count, "-+ 0#".unicodeScalars.contains(format[i]) {
                switch format[i] {
                case "-": spec.align = "<"
                case "+": spec.sign = "+"
                case " ": if spec.sign != "+" { spec.sign = " " }
                case "0": spec.zero = true
                default: spec.alternate = true
                }
                i += 1
            }
            func amount() throws -> Int? {
                if i < format.count, format[i] == "*" {
                    i += 1
                    return try integer(try nextItem(), 0)
                }
                var n: Int?
                while i < format.count, format[i].isASCII, let d = Character(format[i]).wholeNumberValue {
                    n = min((n ?? 0) * 10 + d, 100_000_000)
                    i += 1
                }
                return n
            }
            if let width = try amount() {
                if width < 0 { spec.align = "<" }
                spec.width = Int(width.magnitude)
            }
            if i < format.count, format[i] == "." {
                i += 1
                spec.precision = try amount() ?? 0
            }
            while i < format.count, "hlL".unicodeScalars.contains(format[i]) { i += 1 }
            guard i < format.count else { throw TemplateFault.runtime("incomplete format") }
            let type = format[i]
            i += 1
            if type == "%" {
                result.append("%")
                continue
            }
            result += try percentItem(try argument ?? nextItem(), type, spec)
        }
        if used < items.count, !usedMapping {
            switch value {
            // Whatever can be subscripted might be a mapping to CPython.
            case .dict, .list, .range, .undefined: break
            default: throw TemplateFault.runtime("not all arguments converted during string formatting")
            }
        }
        return result
    }

    private func percentItem(_ value: TemplateValue, _ type: Unicode.Scalar, _ spec: FormatSpec) throws -> PyText {
        var spec = spec
        if spec.align == nil { spec.align = ">" }
        switch type {
        case "s", "r", "a":
            var text = PyText()
            if type == "s" { text = try str(value) } else { try repr(value, into: &text) }
            if type == "a" { text = ascii(text) }
            if let precision = spec.precision { text = PyText(text.prefix(max(0, precision))) }
            return try padded(text, spec, fill: " ")
        case "c":
            if case .string(let s) = value, s.count == 1 { return try padded(s, spec, fill: " ") }
            guard case .int(let code) = value, code >= 0, code < 0x110000, let c = Unicode.Scalar(UInt32(code)) else {
                throw TemplateFault.runtime("%c requires an int or a character")
            }
            return try padded([c], spec, fill: " ")
        case "d", "i", "u", "x", "X", "o":
            var integer: Int
            switch number(value) {
            case .int(let n): integer = n
            case .float(let d) where type == "d" || type == "i" || type == "u":
                guard let n = Int(exactly: d.rounded(.towardZero)) else {
                    throw TemplateFault.limit("an integer exceeds 64 bits")
                }
                integer = n
            default: throw mismatch("%\(type) format", value)
            }
            let precision = spec.precision
            spec.precision = nil
            spec.type = type == "i" || type == "u" ? "d" : type
            if let precision {
                var digits = String(integer.magnitude, radix: type == "o" ? 8 : type == "d" ? 10 : 16)
                try allocate(precision)
                digits = String(repeating: "0", count: max(0, precision - digits.count)) + digits
                let sign = integer < 0 ? "-" : spec.sign.map { $0 == "-" ? "" : String($0) } ?? ""
                return try padded(PyText((sign + digits).unicodeScalars), spec, fill: " ")
            }
            if spec.zero, spec.align != "<" { spec.align = "=" } else { spec.zero = false }
            integer += 0
            return try formatInteger(integer, spec)
        case "e", "E", "f", "F", "g", "G":
            guard let number = number(value) else { throw mismatch("%\(type) format", value) }
            spec.type = type
            if spec.zero, spec.align != "<" { spec.align = "=" } else { spec.zero = false }
            return try formatFloat(number.double, spec)
        default:
            throw TemplateFault.runtime("unsupported format character '\(type)'")
        }
    }

    private func ascii(_ s: PyText) -> PyText {
        var result = PyText()
        for c in s {
            if c.isASCII {
                result.append(c)
            } else {
                let digits = c.value < 0x100 ? 2 : c.value < 0x10000 ? 4 : 8
                result += ["\\", digits == 2 ? "x" : digits == 4 ? "u" : "U"]
                result += PyString.hex(c.value, digits: digits)
            }
        }
        return result
    }

    // MARK: str.format

    struct FormatSpec {
        var fill: Unicode.Scalar?
        var align: Unicode.Scalar?
        var sign: Unicode.Scalar?
        var alternate = false
        var zero = false
        var width = 0
        var grouping: Unicode.Scalar?
        var precision: Int?
        var type: Unicode.Scalar?
    }

    func braceFormat(_ format: PyText, _ arguments: TemplateCallArguments) throws -> PyText {
        var automatic = 0
        return try braceFormat(format, arguments, &automatic, depth: 2)
    }

    private func braceFormat(
        _ format: PyText, _ arguments: TemplateCallArguments, _ automatic: inout Int, depth: Int
    ) throws -> PyText {
        guard depth > 0 else { throw TemplateFault.runtime("max string recursion exceeded") }
        var result = PyText()
        var i = 0
        while i < format.count {
            let c = format[i]
            guard c == "{" || c == "}" else {
                result.append(c)
                i += 1
                continue
            }
            if i + 1 < format.count, format[i + 1] == c {
                result.append(c)
                i += 2
                continue
            }
            guard c == "{" else { throw TemplateFault.runtime("single '}' encountered in format string") }
            var level = 1
            var end = i + 1
            while end < format.count {
                if format[end] == "{" { level += 1 }
                if format[end] == "}" {
                    level -= 1
                    if level == 0 { break }
                }
                end += 1
            }
            guard end < format.count else { throw TemplateFault.runtime("expected '}' before end of string") }
            result += try replacement(PyText(format[(i + 1)..<end]), arguments, &automatic, depth: depth)
            try allocate(8)
            i = end + 1
        }
        return result
    }

    private func replacement(
        _ field: PyText, _ arguments: TemplateCallArguments, _ automatic: inout Int, depth: Int
    ) throws -> PyText {
        var nameEnd = 0
        var bracket = false
        while nameEnd < field.count, bracket || (field[nameEnd] != "!" && field[nameEnd] != ":") {
            if field[nameEnd] == "[" { bracket = true }
            if field[nameEnd] == "]" { bracket = false }
            nameEnd += 1
        }
        var value = try fieldValue(PyText(field[..<nameEnd]), arguments, &automatic)
        var i = nameEnd
        if i < field.count, field[i] == "!" {
            guard i + 1 < field.count else { throw TemplateFault.runtime("end of format while looking for conversion") }
            var text = PyText()
            switch field[i + 1] {
            case "s": text = try str(value)
            case "r": try repr(value, into: &text)
            case "a":
                try repr(value, into: &text)
                text = ascii(text)
            default: throw TemplateFault.runtime("unknown conversion specifier")
            }
            value = .string(text)
            i += 2
            guard i == field.count || field[i] == ":" else {
                throw TemplateFault.runtime("expected ':' after conversion specifier")
            }
        }
        let specText = i < field.count ? PyText(field[(i + 1)...]) : []
        let spec = try braceFormat(specText, arguments, &automatic, depth: depth - 1)
        return try formatted(value, spec)
    }

    private func fieldValue(
        _ path: PyText, _ arguments: TemplateCallArguments, _ automatic: inout Int
    ) throws -> TemplateValue {
        var i = 0
        while i < path.count, path[i] != ".", path[i] != "[" { i += 1 }
        let first = PyText(path[..<i])
        var value: TemplateValue
        if first.isEmpty || first.allSatisfy(PyString.isDigit) {
            guard first.isEmpty == (automatic >= 0) || automatic == 0 else {
                throw TemplateFault.runtime("cannot switch between manual and automatic field numbering")
            }
            let index = first.isEmpty ? automatic : Int(Self.swiftString(first)) ?? .max
            automatic = first.isEmpty ? automatic + 1 : -1
            guard index >= 0, index < arguments.positional.count else {
                throw TemplateFault.runtime("replacement index \(index) out of range for positional arguments")
            }
            value = arguments.positional[index]
        } else {
            let name = Self.swiftString(first)
            guard let found = arguments.keywords.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                throw TemplateFault.runtime("format misses the argument '\(name)'")
            }
            value = found.value
        }
        while i < path.count {
            try charge(1)
            let start = i + 1
            if path[i] == "." {
                i = start
                while i < path.count, path[i] != ".", path[i] != "[" { i += 1 }
                value = try attribute(value, Self.swiftString(PyText(path[start..<i])))
            } else {
                guard path[i] == "[", let close = PyString.find(["]"], in: path, from: start) else {
                    throw TemplateFault.runtime("malformed field in format string")
                }
                let key = PyText(path[start..<close])
                let isIndex = !key.isEmpty && key.allSatisfy(PyString.isDigit)
                value = try item(value, isIndex ? .int(Int(Self.swiftString(key)) ?? .max) : .string(key))
                i = close + 1
            }
        }
        return value
    }

    private func formatted(_ value: TemplateValue, _ text: PyText) throws -> PyText {
        if text.isEmpty { return try str(value) }
        var spec = try parseSpec(text)
        switch value.plain {
        case .string(let s):
            guard spec.type == nil || spec.type == "s", spec.sign == nil, spec.grouping == nil, spec.align != "=" else {
                throw TemplateFault.runtime("invalid format specifier for a string")
            }
            let cut = spec.precision.map { PyText(s.prefix($0)) } ?? s
            if spec.align == nil { spec.align = "<" }
            return try padded(cut, spec, fill: spec.fill ?? (spec.zero ? "0" : " "))
        case .int(let i): return try numeric(i, nil, spec)
        case .bool(let b):
            return try numeric(b ? 1 : 0, nil, spec)
        case .float(let d): return try numeric(nil, d, spec)
        default: throw TemplateFault.runtime("unsupported format string passed to \(value.typeName).__format__")
        }
    }

    private func numeric(_ integer: Int?, _ double: Double?, _ spec: FormatSpec) throws -> PyText {
        var spec = spec
        if spec.align == nil { spec.align = spec.zero ? "=" : ">" }
        if spec.zero, spec.fill == nil { spec.fill = "0" }
        if let integer, spec.type.map({ "dxXobnc".unicodeScalars.contains($0) }) ?? true {
            guard spec.precision == nil else {
                throw TemplateFault.runtime("precision not allowed in integer format specifier")
            }
            if spec.type == "c" {
                guard integer >= 0, integer < 0x110000, let c = Unicode.Scalar(UInt32(integer)) else {
                    throw TemplateFault.runtime("%c arg not in range")
                }
                return try padded([c], spec, fill: spec.fill ?? " ")
            }
            return try formatInteger(integer, spec)
        }
        let value = double ?? Double(integer ?? 0)
        guard spec.type.map({ "eEfFgGn%".unicodeScalars.contains($0) }) ?? true else {
            throw TemplateFault.runtime("unknown format code for a number")
        }
        return try formatFloat(value, spec)
    }

    private func parseSpec(_ text: PyText) throws -> FormatSpec {
        var spec = FormatSpec()
        var i = 0
        func isAlign(_ k: Int) -> Bool { k < text.count && "<>=^".unicodeScalars.contains(text[k]) }
        if isAlign(1) {
            spec.fill = text[0]
            spec.align = text[1]
            i = 2
        } else if isAlign(0) {
            spec.align = text[0]
            i = 1
        }
        if i < text.count, "+- ".unicodeScalars.contains(text[i]) {
            spec.sign = text[i]
            i += 1
        }
        if i < text.count, text[i] == "#" {
            spec.alternate = true
            i += 1
        }
        if i < text.count, text[i] == "0" {
            spec.zero = true
            i += 1
        }
        func amount() -> Int? {
            var n: Int?
            while i < text.count, text[i].isASCII, let d = Character(text[i]).wholeNumberValue {
                n = min((n ?? 0) * 10 + d, 100_000_000)
                i += 1
            }
            return n
        }
        spec.width = amount() ?? 0
        if i < text.count, text[i] == "," || text[i] == "_" {
            spec.grouping = text[i]
            i += 1
        }
        if i < text.count, text[i] == "." {
            i += 1
            guard let precision = amount() else { throw TemplateFault.runtime("format specifier missing precision") }
            spec.precision = precision
        }
        if i < text.count {
            spec.type = text[i]
            i += 1
        }
        guard i == text.count else { throw TemplateFault.runtime("invalid format specifier") }
        return spec
    }

    // MARK: Numbers

    func padded(_ text: PyText, _ spec: FormatSpec, fill: Unicode.Scalar) throws -> PyText {
        guard spec.width > text.count else { return text }
        let missing = spec.width - text.count
        try allocate(spec.width)
        let (left, right): (Int, Int) =
            switch spec.align {
            case "<": (0, missing)
            case "^": (missing / 2, missing - missing / 2)
            default: (missing, 0)
            }
        return PyText(repeating: fill, count: left) + text + PyText(repeating: fill, count: right)
    }

    private func grouped(_ digits: String, _ separator: Unicode.Scalar, every size: Int = 3) -> String {
        var result = ""
        for (i, c) in digits.enumerated() {
            if i > 0, (digits.count - i) % size == 0 { result.unicodeScalars.append(separator) }
            result.append(c)
        }
        return result
    }

    /// Sign, prefix, digits and padding put together.
    private func assembled(_ sign: String, _ prefix: String, _ digits: String, _ rest: String, _ spec: FormatSpec)
        throws
        -> PyText
    {
        var digits = digits
        let size = spec.type == "x" || spec.type == "X" || spec.type == "o" || spec.type == "b" ? 4 : 3
        let head = sign + prefix
        if let separator = spec.grouping {
            if spec.align == "=", (spec.fill ?? (spec.zero ? "0" : " ")) == "0" {
                // Zero padding takes part in the grouping.
                try allocate(spec.width)
                while head.count + grouped(digits, separator, every: size).count + rest.count < spec.width {
                    digits = "0" + digits
                    try charge(digits.count)
                }
            }
            digits = grouped(digits, separator, every: size)
        }
        let fill = spec.fill ?? (spec.zero ? "0" : " ")
        if spec.align == "=" {
            let count = head.count + digits.count + rest.count
            let missing = max(0, spec.width - count)
            try allocate(missing)
            return PyText(head.unicodeScalars) + PyText(repeating: fill, count: missing)
                + PyText((digits + rest).unicodeScalars)
        }
        return try padded(PyText((head + digits + rest).unicodeScalars), spec, fill: fill)
    }

    private func signText(_ isNegative: Bool, _ spec: FormatSpec) -> String {
        if isNegative { return "-" }
        return spec.sign == "+" ? "+" : spec.sign == " " ? " " : ""
    }

    func formatInteger(_ value: Int, _ spec: FormatSpec) throws -> PyText {
        let (radix, prefix): (Int, String) =
            switch spec.type {
            case "x": (16, "0x")
            case "X": (16, "0X")
            case "o": (8, "0o")
            case "b": (2, "0b")
            default: (10, "")
            }
        let digits = String(value.magnitude, radix: radix, uppercase: spec.type == "X")
        return try assembled(signText(value < 0, spec), spec.alternate ? prefix : "", digits, "", spec)
    }

    func formatFloat(_ value: Double, _ spec: FormatSpec) throws -> PyText {
        let isNegative = value.sign == .minus && !value.isNaN
        let magnitude = abs(value)
        let isUpper = spec.type == "E" || spec.type == "F" || spec.type == "G"
        if !magnitude.isFinite {
            let text = magnitude.isNaN ? "nan" : "inf"
            var plain = spec
            if plain.fill == "0" || plain.zero, plain.align == "=" { plain.fill = plain.fill ?? "0" }
            return try assembled(
                signText(isNegative, spec), "", "",
                (isUpper ? text.uppercased() : text) + (spec.type == "%" ? "%" : ""), plain)
        }
        if let precision = spec.precision, precision > 1000 { throw TemplateFault.limit("the precision is too large") }
        var text: String
        switch spec.type {
        case "f", "F": text = String(format: "%\(spec.alternate ? "#" : "").\(spec.precision ?? 6)f", magnitude)
        case "%": text = String(format: "%.\(spec.precision ?? 6)f", magnitude * 100) + "%"
        case "e", "E": text = String(format: "%.\(spec.precision ?? 6)e", magnitude)
        case "g", "G", "n": text = String(format: "%\(spec.alternate ? "#" : "").\(spec.precision ?? 6)g", magnitude)
        default:
            if let precision = spec.precision {
                // Like g, but with at least one digit after the point, and exponents from the precision minus one.
                text = String(format: "%.\(max(1, precision))g", magnitude)
                let exponent = text.contains("e") || text.contains(".")
                if !exponent {
                    if text.count >= max(1, precision) {
                        text = magnitude == 0 ? "0.0" : generalExponent(magnitude, max(1, precision))
                    } else {
                        text += ".0"
                    }
                }
            } else {
                text = PyString.repr(magnitude)
            }
        }
        if isUpper { text = text.uppercased() }
        let split = text.firstIndex { !$0.isNumber } ?? text.endIndex
        return try assembled(
            signText(isNegative, spec), "", String(text[..<split]), String(text[split...]), spec)
    }

    private func generalExponent(_ value: Double, _ precision: Int) -> String {
        var text = String(format: "%.\(precision - 1)e", value)
        guard let e = text.firstIndex(of: "e") else { return text }
        var mantissa = String(text[..<e])
        if mantissa.contains(".") {
            while mantissa.hasSuffix("0") { mantissa.removeLast() }
            if mantissa.hasSuffix(".") { mantissa.removeLast() }
        }
        text = mantissa + text[e...]
        return text
    }
}
