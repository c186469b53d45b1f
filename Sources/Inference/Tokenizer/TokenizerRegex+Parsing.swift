/// Reads a pattern in Oniguruma's Ruby syntax, as far as tokenizer files use it.
struct RegexParser {
    private let scalars: [Unicode.Scalar]
    private var at = 0
    private var ignoresCase = false
    private var dotMatchesNewline = false
    private var depth = 0

    init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

    private func fail(_ message: String) -> TokenizerRegex.Failure {
        TokenizerRegex.Failure(message: "\(message) (at character \(at + 1))")
    }

    private var peek: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard at + wanted.count <= scalars.count, Array(scalars[at..<at + wanted.count]) == wanted else { return false }
        at += wanted.count
        return true
    }

    mutating func parse() throws(TokenizerRegex.Failure) -> RegexNode {
        let node = try alternation()
        if at < scalars.count { throw fail("unmatched ')'") }
        return node
    }

    private mutating func alternation() throws(TokenizerRegex.Failure) -> RegexNode {
        depth += 1
        defer { depth -= 1 }
        if depth > 200 { throw fail("groups nested too deeply") }
        var branches: [RegexNode] = []
        var items: [RegexNode] = []
        var previous: UInt32?
        while let c = peek, c != ")" {
            if c == "|" {
                at += 1
                branches.append(.sequence(items))
                items = []
                previous = nil
                continue
            }
            let start = at
            let atom = try atom()
            let literal = at == start + 1 ? c.value | 0x20 : nil
            if ignoresCase, let a = previous, let b = literal, Self.foldsToOne(a, b) {
                throw fail("case-insensitive text that also matches a ligature is not supported")
            }
            items.append(try quantified(atom))
            previous = literal
        }
        branches.append(.sequence(items))
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    /// Pairs of letters that Oniguruma also matches with one scalar under (?i): ß, ﬀ, ﬁ, ﬂ, ﬆ.
    private static func foldsToOne(_ a: UInt32, _ b: UInt32) -> Bool {
        switch (a, b) {
        case (0x73, 0x73), (0x66, 0x66), (0x66, 0x69), (0x66, 0x6C), (0x73, 0x74): true
        default: false
        }
    }

    private mutating func quantified(_ atom: RegexNode) throws(TokenizerRegex.Failure) -> RegexNode {
        var node = atom
        while let c = peek {
            let bounds: (Int, Int)
            var isInterval = false
            switch c {
            case "*": bounds = (0, .max)
            case "+": bounds = (1, .max)
            case "?": bounds = (0, 1)
            case "{":
                guard let interval = try interval() else { return node }
                bounds = interval
                isInterval = true
            default: return node
            }
            if !isInterval { at += 1 }
            var greed = RegexGreed.greedy
            if peek == "?" || peek == "+" {
                // In Ruby's syntax {n,m}+ is a repeat of a repeat, and {n}? an optional one: neither is worth a guess.
                if isInterval { throw fail("'\(scalars[at])' after an interval") }
                greed = peek == "?" ? .lazy : .possessive
                at += 1
            }
            if case .assertion = node { throw fail("a repeated assertion") }
            if case .look = node { throw fail("a repeated look-ahead") }
            node = .repeat(node, min: bounds.0, max: bounds.1, greed)
        }
        return node
    }

    /// `{n}`, `{n,}`, `{,m}`, `{n,m}`; nil when the brace is an ordinary character.
    private mutating func interval() throws(TokenizerRegex.Failure) -> (Int, Int)? {
        var p = at + 1
        func number() -> Int? {
            var value: Int?
            while p < scalars.count, let digit = Int(String(scalars[p])), value ?? 0 < 100_000 {
                value = (value ?? 0) * 10 + digit
                p += 1
            }
            return value
        }
        let low = number()
        var high = low
        if p < scalars.count, scalars[p] == "," {
            p += 1
            high = number() ?? .max
            if low == nil, high == .max { return nil }
        } else if low == nil {
            return nil
        }
        guard p < scalars.count, scalars[p] == "}" else { return nil }
        guard let high, high >= low ?? 0, high == .max || high <= 100_000 else { throw fail("bad interval") }
        at = p + 1
        return (low ?? 0, high)
    }

    private mutating func atom() throws(TokenizerRegex.Failure) -> RegexNode {
        guard let c = peek else { throw fail("the pattern ends unexpectedly") }
        switch c {
        case "(": return try group()
        case "[": return .set(try characterClass())
        case ".":
            at += 1
            return .set(dotMatchesNewline ? .all : ScalarSet(0x0A).negated)
        case "^":
            at += 1
            return .assertion(.lineStart)
        case "$":
            at += 1
            return .assertion(.lineEnd)
        case "*", "+", "?": throw fail("'\(c)' repeats nothing")
        case "\\":
            at += 1
            guard let e = peek else { throw fail("the pattern ends after '\\'") }
            switch e {
            case "A": at += 1; return .assertion(.textStart)
            case "z": at += 1; return .assertion(.textEnd)
            case "Z": at += 1; return .assertion(.textEndOrNewline)
            case "b": at += 1; return .assertion(.wordBoundary(isNegated: false))
            case "B": at += 1; return .assertion(.wordBoundary(isNegated: true))
            default: return .set(try escape())
            }
        default:
            at += 1
            return .set(try literal(c.value))
        }
    }

    private mutating func group() throws(TokenizerRegex.Failure) -> RegexNode {
        let outer = (ignoresCase, dotMatchesNewline)
        defer { depth -= 1 }
        depth += 1
        at += 1
        var wrap: (RegexNode) -> RegexNode = { $0 }
        if take("?=") {
            wrap = { .look($0, isNegated: false) }
        } else if take("?!") {
            wrap = { .look($0, isNegated: true) }
        } else if take("?>") {
            wrap = { .atomic($0) }
        } else if take("?:") {
        } else if take("?<") {
            throw fail("look-behind and named groups are not supported")
        } else if take("?") {
            var value = true
            while let c = peek, c != ")", c != ":" {
                switch c {
                case "-": value = false
                case "i": ignoresCase = value
                case "m": dotMatchesNewline = value
                default: throw fail("unsupported group option '\(c)'")
                }
                at += 1
            }
            // Options alone open a group that lasts to the end of the enclosing one: a(?i)b|c is a(?i:b|c).
            if take(")") {
                let rest = try alternation()
                (ignoresCase, dotMatchesNewline) = outer
                return rest
            }
            guard take(":") else { throw fail("the group does not end") }
        }
        let inner = try alternation()
        guard take(")") else { throw fail("'(' without ')'") }
        (ignoresCase, dotMatchesNewline) = outer
        return wrap(inner)
    }

    private func literal(_ value: UInt32) throws(TokenizerRegex.Failure) -> ScalarSet {
        var set = ScalarSet(value)
        if ignoresCase { try addCases(value...value, to: &set) }
        return set
    }

    /// The other cases of the range's letters. `s` and `k` have a relative beyond ASCII each: ſ and the Kelvin sign.
    private func addCases(_ range: ClosedRange<UInt32>, to set: inout ScalarSet) throws(TokenizerRegex.Failure) {
        if let other = range.lazy.filter({ $0 >= 0x80 }).first(where: { Self.hasCase($0) }) {
            throw fail("case-insensitive matching of U+\(String(other, radix: 16, uppercase: true)) is not supported")
        }
        for c in range where (0x41...0x5A).contains(c & ~0x20) && c < 0x80 {
            set.insert(c ^ 0x20...c ^ 0x20)
            if c | 0x20 == 0x73 { set.insert(0x17F...0x17F) }
            if c | 0x20 == 0x6B { set.insert(0x212A...0x212A) }
        }
    }

    private static func hasCase(_ value: UInt32) -> Bool {
        Unicode.Scalar(value)?.properties.isCased ?? false
    }

    /// The set of an escape; `at` is on the character after the backslash.
    private mutating func escape(inClass: Bool = false) throws(TokenizerRegex.Failure) -> ScalarSet {
        guard let c = peek else { throw fail("the pattern ends after '\\'") }
        at += 1
        switch c {
        case "s": return ScalarSet(classes: UnicodeTable.space)
        case "S": return ScalarSet(classes: UnicodeTable.space).negated
        case "d": return ScalarSet(classes: UnicodeTable.Class.nd.mask)
        case "D": return ScalarSet(classes: UnicodeTable.Class.nd.mask).negated
        case "w": return inClass ? ScalarSet(classes: UnicodeTable.word) : Self.word
        case "W": return (inClass ? ScalarSet(classes: UnicodeTable.word) : Self.word).negated
        case "p", "P": return try property(isNegated: c == "P")
        case "n", "r", "t", "f", "v", "a", "e", "x", "u", "0":
            return try literal(try scalarEscape(c))
        default:
            guard c.value >= 0x80 || !Self.isASCIIAlphanumeric(c.value) else {
                throw fail("unsupported escape '\\\(c)'")
            }
            return try literal(c.value)
        }
    }

    private static func isASCIIAlphanumeric(_ c: UInt32) -> Bool {
        (0x30...0x39).contains(c) || (0x41...0x5A).contains(c & ~0x20)
    }

    /// Oniguruma's `\w` outside a class, which has the superscripts and fractions of Latin-1 too.
    static let word: ScalarSet = {
        var set = ScalarSet(classes: UnicodeTable.word)
        for range: ClosedRange<UInt32> in [0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE] { set.insert(range) }
        return set
    }()

    /// The scalar of a letter escape; `at` is after the letter.
    private mutating func scalarEscape(_ c: Unicode.Scalar) throws(TokenizerRegex.Failure) -> UInt32 {
        switch c {
        case "n": return 0x0A
        case "r": return 0x0D
        case "t": return 0x09
        case "f": return 0x0C
        case "v": return 0x0B
        case "a": return 0x07
        case "e": return 0x1B
        case "0":
            if let next = peek, (0x30...0x37).contains(next.value) { throw fail("octal escapes are not supported") }
            return 0
        default:
            var digits = ""
            // \xHH names a byte, which beyond ASCII is no scalar; \x{…} and \uHHHH name scalars.
            var isByte = c == "x"
            if c == "x", take("{") {
                isByte = false
                while let d = peek, d != "}" {
                    digits.unicodeScalars.append(d)
                    at += 1
                }
                guard take("}") else { throw fail("'\\x{' without '}'") }
            } else {
                for _ in 0..<(c == "x" ? 2 : 4) {
                    guard let d = peek else { break }
                    digits.unicodeScalars.append(d)
                    at += 1
                }
            }
            guard let value = UInt32(digits, radix: 16), Unicode.Scalar(value) != nil, !isByte || value < 0x80,
                c == "x" || digits.utf8.count == 4
            else { throw fail("bad hexadecimal escape") }
            return value
        }
    }

    private static let properties: [String: UInt32] = {
        var table: [String: UInt32] = [
            "l": UnicodeTable.letter, "letter": UnicodeTable.letter, "m": UnicodeTable.mark, "mark": UnicodeTable.mark,
            "n": UnicodeTable.number, "number": UnicodeTable.number, "p": UnicodeTable.punctuation,
            "punctuation": UnicodeTable.punctuation, "s": UnicodeTable.symbol, "symbol": UnicodeTable.symbol,
            "z": UnicodeTable.separator, "separator": UnicodeTable.separator, "c": UnicodeTable.other,
            "other": UnicodeTable.other, "space": UnicodeTable.space, "whitespace": UnicodeTable.space,
        ]
        for kind in UnicodeTable.Class.allCases { table["\(kind)"] = kind.mask }
        table["controlSpace"] = nil
        table["alphabeticSymbol"] = nil
        table["cc"] = UnicodeTable.mask(.cc, .controlSpace)
        table["so"] = UnicodeTable.mask(.so, .alphabeticSymbol)
        return table
    }()

    private mutating func property(isNegated: Bool) throws(TokenizerRegex.Failure) -> ScalarSet {
        guard take("{") else { throw fail("expected '{' after \\p") }
        var isNegated = isNegated
        if take("^") { isNegated.toggle() }
        var name = ""
        while let c = peek, c != "}" {
            if c != " " && c != "_" && c != "-" { name.unicodeScalars.append(c) }
            at += 1
        }
        guard take("}") else { throw fail("'\\p{' without '}'") }
        guard let mask = Self.properties[name.lowercased()] else { throw fail("unsupported property '\(name)'") }
        let set = ScalarSet(classes: mask)
        return isNegated ? set.negated : set
    }

    private mutating func characterClass() throws(TokenizerRegex.Failure) -> ScalarSet {
        depth += 1
        defer { depth -= 1 }
        if depth > 200 { throw fail("classes nested too deeply") }
        at += 1
        let isNegated = take("^")
        var set = ScalarSet()
        var isFirst = true
        while true {
            guard let c = peek else { throw fail("'[' without ']'") }
            if c == "]", !isFirst { break }
            if c == "]" { throw fail("an empty class, or ']' first in one") }
            isFirst = false
            if c == "&", at + 1 < scalars.count, scalars[at + 1] == "&" {
                throw fail("class intersections are not supported")
            }
            var item: ScalarSet?
            var low = c.value
            if c == "[" {
                if at + 1 < scalars.count, scalars[at + 1] == ":" { throw fail("POSIX brackets are not supported") }
                item = try characterClass()
            } else if c == "\\" {
                at += 1
                guard let e = peek else { throw fail("the pattern ends after '\\'") }
                if e == "b" {
                    at += 1
                    low = 0x08
                } else if "nrtfvaexu0".unicodeScalars.contains(e) {
                    at += 1
                    low = try scalarEscape(e)
                } else if Self.isASCIIAlphanumeric(e.value) {
                    item = try escape(inClass: true)
                } else {
                    at += 1
                    low = e.value
                }
            } else {
                at += 1
            }
            if let item {
                set.formUnion(item)
                continue
            }
            var high = low
            if peek == "-", at + 1 < scalars.count, scalars[at + 1] != "]" {
                at += 1
                guard let e = peek, e != "[" else { throw fail("bad range in a class") }
                at += 1
                high = e.value
                if e == "\\" {
                    guard let escaped = peek else { throw fail("the pattern ends after '\\'") }
                    at += 1
                    if "nrtfvaexu0".unicodeScalars.contains(escaped) {
                        high = try scalarEscape(escaped)
                    } else if Self.isASCIIAlphanumeric(escaped.value) {
                        throw fail("bad range in a class")
                    } else {
                        high = escaped.value
                    }
                }
            }
            guard low <= high else { throw fail("a range in a class runs backwards") }
            set.insert(low...high)
            if ignoresCase { try addCases(low...high, to: &set) }
        }
        at += 1
        return isNegated ? set.negated : set
    }
}
