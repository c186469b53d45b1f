/// Characters as Python sees them: code points.
typealias PyText = [Unicode.Scalar]

enum TemplateToken: Equatable {
    case data(PyText)
    case variableBegin, variableEnd, blockBegin, blockEnd
    case name(String)
    case string(PyText)
    case integer(Int)
    case float(Double)
    case op(String)
    case end
}

/// Splits a template into tokens as Jinja2 3.1 does with `trim_blocks` and `lstrip_blocks` on.
struct TemplateLexer {
    private let source: PyText
    private var position = 0
    private var line = 1
    private(set) var tokens: [(token: TemplateToken, line: Int)] = []

    init(_ text: String) {
        // Line ends become \n, and one trailing line end is dropped (keep_trailing_newline is off).
        var scalars = PyText()
        scalars.reserveCapacity(text.utf8.count)
        var previousCR = false
        for scalar in text.unicodeScalars {
            if scalar == "\n", previousCR {
                previousCR = false
                continue
            }
            previousCR = scalar == "\r"
            scalars.append(previousCR ? "\n" : scalar)
        }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    static func tokenize(_ text: String) throws -> [(token: TemplateToken, line: Int)] {
        var lexer = TemplateLexer(text)
        try lexer.root()
        lexer.tokens.append((.end, lexer.line))
        return lexer.tokens
    }

    // MARK: Text between tags

    private mutating func root() throws {
        var lineStarting = true
        while position < source.count {
            let start = position
            var tag = start
            while tag < source.count, !opensTag(tag) { tag += 1 }
            guard tag < source.count else {
                emit(data: source[start...])
                position = source.count
                return
            }
            let kind = source[tag + 1]
            var after = tag + 2
            var sign: Unicode.Scalar?
            if after < source.count, source[after] == "-" || source[after] == "+" {
                sign = source[after]
                after += 1
            }
            let raw = kind == "%" ? rawBegin(at: after) : nil
            emit(data: stripped(start..<tag, sign: sign, isVariable: kind == "{", lineStarting: lineStarting))
            advance(from: start, to: tag)
            if let bodyStart = raw {
                advance(from: tag, to: bodyStart)
                position = bodyStart
                lineStarting = source[bodyStart - 1] == "\n"
                lineStarting = try rawBody(lineStarting: lineStarting)
            } else if kind == "#" {
                let begin = line
                position = after
                guard let close = find("#}", from: after) else {
                    throw TemplateFault.syntax("missing end of comment tag", line: begin)
                }
                let end = endOfTag(close: close, from: after, trims: true)
                advance(from: tag, to: end)
                position = end
                lineStarting = source[end - 1] == "\n"
            } else {
                position = after
                tokens.append((kind == "{" ? .variableBegin : .blockBegin, line))
                try inside(isVariable: kind == "{")
                lineStarting = source[position - 1] == "\n"
            }
        }
    }

    private func opensTag(_ i: Int) -> Bool {
        source[i] == "{" && i + 1 < source.count
            && (source[i + 1] == "%" || source[i + 1] == "{" || source[i + 1] == "#")
    }

    private func find(_ pair: StaticString, from start: Int) -> Int? {
        let a = Unicode.Scalar(pair.utf8Start[0])
        let b = Unicode.Scalar(pair.utf8Start[1])
        var i = start
        while i + 1 < source.count {
            if source[i] == a, source[i + 1] == b { return i }
            i += 1
        }
        return nil
    }

    /// Where a tag closed at `close` (`%}`, `#}`) ends: `-` eats the white space after it, otherwise one line end goes
    /// unless a `+` says to keep it.
    private func endOfTag(close: Int, from start: Int, trims: Bool) -> Int {
        var end = close + 2
        let sign: Unicode.Scalar? = close > start ? source[close - 1] : nil
        if sign == "-" {
            while end < source.count, PyString.isSpace(source[end]) { end += 1 }
        } else if sign != "+", trims, end < source.count, source[end] == "\n" {
            end += 1
        }
        return end
    }

    private func stripped(
        _ range: Range<Int>, sign: Unicode.Scalar?, isVariable: Bool, lineStarting: Bool
    ) -> ArraySlice<Unicode.Scalar> {
        let text = source[range]
        if sign == "-" {
            var end = text.endIndex
            while end > text.startIndex, PyString.isSpace(text[end - 1]) { end -= 1 }
            return text[text.startIndex..<end]
        }
        guard sign != "+", !isVariable else { return text }
        var lineStart = text.endIndex
        while lineStart > text.startIndex, text[lineStart - 1] != "\n" { lineStart -= 1 }
        guard lineStart > text.startIndex || lineStarting else { return text }
        guard text[lineStart...].allSatisfy(PyString.isSpace) else { return text }
        return text[..<lineStart]
    }

    private func word(_ word: String, at start: Int) -> Int? {
        var i = start
        for scalar in word.unicodeScalars {
            guard i < source.count, source[i] == scalar else { return nil }
            i += 1
        }
        return i
    }

    private func skipSpace(_ start: Int) -> Int {
        var i = start
        while i < source.count, PyString.isSpace(source[i]) { i += 1 }
        return i
    }

    /// The start of the body when `raw %}` follows, else nil.
    private func rawBegin(at start: Int) -> Int? {
        guard let end = word("raw", at: skipSpace(start)) else { return nil }
        let i = skipSpace(end)
        if let close = word("-%}", at: i) { return skipSpace(close) }
        return word("%}", at: i)
    }

    private mutating func rawBody(lineStarting: Bool) throws -> Bool {
        let begin = line
        let start = position
        var i = start
        while i + 1 < source.count {
            guard source[i] == "{", source[i + 1] == "%" else {
                i += 1
                continue
            }
            var after = i + 2
            var sign: Unicode.Scalar?
            if after < source.count, source[after] == "-" || source[after] == "+" {
                sign = source[after]
                after += 1
            }
            guard let wordEnd = word("endraw", at: skipSpace(after)) else {
                i += 1
                continue
            }
            let closeStart = skipSpace(wordEnd)
            var end: Int
            if let close = word("-%}", at: closeStart) {
                end = skipSpace(close)
            } else if let close = word("+%}", at: closeStart) {
                end = close
            } else if let close = word("%}", at: closeStart) {
                end = close
                if end < source.count, source[end] == "\n" { end += 1 }
            } else {
                i += 1
                continue
            }
            emit(data: stripped(start..<i, sign: sign, isVariable: false, lineStarting: lineStarting))
            advance(from: start, to: end)
            position = end
            return source[end - 1] == "\n"
        }
        throw TemplateFault.syntax("missing end of raw block; close it with {% endraw %}", line: begin)
    }

    private mutating func emit(data: ArraySlice<Unicode.Scalar>) {
        guard !data.isEmpty else { return }
        tokens.append((.data(PyText(data)), line))
    }

    private mutating func advance(from start: Int, to end: Int) {
        var i = start
        while i < end {
            if source[i] == "\n" { line += 1 }
            i += 1
        }
    }

    // MARK: Inside a tag

    private static let operators2 = ["//", "**", "==", "!=", ">=", "<="]
    private static let operators1 = "+-/*%~[](){}><=.:|,;"

    private mutating func inside(isVariable: Bool) throws {
        var open: [String] = []
        while true {
            guard position < source.count else {
                throw TemplateFault.syntax(
                    isVariable
                        ? "missing end of an expression; close it with }}" : "missing end of a tag; close it with %}",
                    line: line)
            }
            if open.isEmpty, let end = closing(isVariable: isVariable) {
                tokens.append((isVariable ? .variableEnd : .blockEnd, line))
                advance(from: position, to: end)
                position = end
                return
            }
            let scalar = source[position]
            if PyString.isSpace(scalar) {
                if scalar == "\n" { line += 1 }
                position += 1
            } else if scalar == "'" || scalar == "\"" {
                try string(quote: scalar)
            } else if isWord(scalar) {
                if try !number() { try name() }
            } else {
                try operatorToken(&open)
            }
        }
    }

    private func closing(isVariable: Bool) -> Int? {
        if isVariable {
            if let end = word("-}}", at: position) { return skipSpace(end) }
            return word("}}", at: position)
        }
        if let end = word("+%}", at: position) { return end }
        if let end = word("-%}", at: position) { return skipSpace(end) }
        guard let end = word("%}", at: position) else { return nil }
        return end < source.count && source[end] == "\n" ? end + 1 : end
    }

    private mutating func operatorToken(_ open: inout [String]) throws {
        for candidate in Self.operators2 {
            if let end = word(candidate, at: position) {
                tokens.append((.op(candidate), line))
                position = end
                return
            }
        }
        let text = String(Character(source[position]))
        guard Self.operators1.unicodeScalars.contains(source[position]) else {
            throw TemplateFault.syntax("unexpected character '\(text)'", line: line)
        }
        switch text {
        case "(": open.append(")")
        case "[": open.append("]")
        case "{": open.append("}")
        case ")", "]", "}":
            guard let expected = open.popLast() else {
                throw TemplateFault.syntax("unexpected '\(text)'", line: line)
            }
            guard expected == text else {
                throw TemplateFault.syntax("unexpected '\(text)', expected '\(expected)'", line: line)
            }
        default: break
        }
        tokens.append((.op(text), line))
        position += 1
    }

    private func isWord(_ s: Unicode.Scalar) -> Bool { s == "_" || PyString.isAlphanumeric(s) }
    private func isDigit(_ i: Int) -> Bool { i < source.count && source[i].value >= 48 && source[i].value <= 57 }

    /// `(\d+_)*\d+` from `start`: the end, or nil.
    private func digits(_ start: Int) -> Int? {
        guard isDigit(start) else { return nil }
        var i = start
        while isDigit(i) || (i < source.count && source[i] == "_" && isDigit(i + 1)) { i += 1 }
        return i
    }

    private func text(_ start: Int, _ end: Int) -> String {
        var result = ""
        for i in start..<end where source[i] != "_" { result.unicodeScalars.append(source[i]) }
        return result
    }

    private mutating func number() throws -> Bool {
        let start = position
        guard let integerEnd = digits(start) else { return false }
        let precededByDot = start > 0 && source[start - 1] == "."
        if !precededByDot {
            var end = integerEnd
            var isFloat = false
            if end < source.count, source[end] == ".", let fraction = digits(end + 1) {
                end = fraction
                isFloat = true
            }
            if end < source.count, source[end] == "e" || source[end] == "E" {
                var exponent = end + 1
                if exponent < source.count, source[exponent] == "+" || source[exponent] == "-" { exponent += 1 }
                if let exponentEnd = digits(exponent) {
                    end = exponentEnd
                    isFloat = true
                }
            }
            if isFloat {
                guard let value = Double(text(start, end)) else {
                    throw TemplateFault.syntax("number \(text(start, end)) cannot be read", line: line)
                }
                tokens.append((.float(value), line))
                position = end
                return true
            }
        }
        var end = integerEnd
        var value: Int?
        if source[start] == "0", start + 1 < source.count, let radix = radix(source[start + 1]) {
            var i = start + 2
            while i < source.count, source[i] == "_" || (source[i].properties.numericType != nil || source[i].isASCII),
                source[i] == "_" || Int(String(Character(source[i])), radix: radix) != nil
            { i += 1 }
            if i > start + 2 {
                end = i
                value = Int(text(start + 2, end), radix: radix)
                position = end
                guard let value else { throw TemplateFault.syntax("integer literal is too large", line: line) }
                tokens.append((.integer(value), line))
                return true
            }
        }
        if source[start] == "0" {
            end = start + 1
            while end < source.count, source[end] == "0" || (source[end] == "_" && isZero(end + 1)) { end += 1 }
        }
        value = Int(text(start, end))
        guard let value else {
            throw TemplateFault.syntax(
                "integer literal \(text(start, end)) is too large; 64-bit integers only", line: line)
        }
        tokens.append((.integer(value), line))
        position = end
        return true
    }

    private func isZero(_ i: Int) -> Bool { i < source.count && source[i] == "0" }

    private func radix(_ s: Unicode.Scalar) -> Int? {
        switch s {
        case "b", "B": 2
        case "o", "O": 8
        case "x", "X": 16
        default: nil
        }
    }

    private mutating func name() throws {
        let start = position
        while position < source.count, isWord(source[position]) { position += 1 }
        var name = ""
        name.unicodeScalars.append(contentsOf: source[start..<position])
        guard source[start] == "_" || PyString.isIdentifierStart(source[start]) else {
            throw TemplateFault.syntax("invalid character in identifier '\(name)'", line: line)
        }
        tokens.append((.name(name), line))
    }

    private mutating func string(quote: Unicode.Scalar) throws {
        let begin = line
        var i = position + 1
        var value = PyText()
        while true {
            guard i < source.count else { throw TemplateFault.syntax("missing end of a string literal", line: begin) }
            let scalar = source[i]
            if scalar == quote { break }
            if scalar == "\n" { line += 1 }
            guard scalar == "\\" else {
                value.append(scalar)
                i += 1
                continue
            }
            i += 1
            guard i < source.count else { throw TemplateFault.syntax("missing end of a string literal", line: begin) }
            if source[i] == "\n" { line += 1 }
            i = try escape(at: i, into: &value)
        }
        position = i + 1
        tokens.append((.string(value), begin))
    }

    /// Python's escapes; an unknown one keeps its backslash.
    private func escape(at i: Int, into value: inout PyText) throws -> Int {
        let scalar = source[i]
        switch scalar {
        case "\n": break
        case "\\", "'", "\"": value.append(scalar)
        case "a": value.append("\u{7}")
        case "b": value.append("\u{8}")
        case "f": value.append("\u{C}")
        case "n": value.append("\n")
        case "r": value.append("\r")
        case "t": value.append("\t")
        case "v": value.append("\u{B}")
        case "x": return try hex(i + 1, count: 2, into: &value)
        case "u": return try hex(i + 1, count: 4, into: &value)
        case "U": return try hex(i + 1, count: 8, into: &value)
        case "N": throw TemplateFault.syntax("\\N{…} escapes are not supported; write the character", line: line)
        case "0"..."7":
            var code: UInt32 = 0
            var end = i
            while end < min(i + 3, source.count), source[end].value >= 48, source[end].value <= 55 {
                code = code * 8 + source[end].value - 48
                end += 1
            }
            if let s = Unicode.Scalar(code) { value.append(s) }
            return end
        default:
            value.append("\\")
            value.append(scalar)
        }
        return i + 1
    }

    private func hex(_ start: Int, count: Int, into value: inout PyText) throws -> Int {
        let end = start + count
        var code: UInt32 = 0
        guard end <= source.count else { throw TemplateFault.syntax("truncated \\x, \\u or \\U escape", line: line) }
        for i in start..<end {
            guard source[i].isASCII, let digit = Character(source[i]).hexDigitValue else {
                throw TemplateFault.syntax("truncated \\x, \\u or \\U escape", line: line)
            }
            code = code &* 16 &+ UInt32(digit)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw TemplateFault.syntax("the escape is not a Unicode character", line: line)
        }
        value.append(scalar)
        return end
    }
}
