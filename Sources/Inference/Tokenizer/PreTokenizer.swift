/// Pieces of one text: ranges of one byte buffer, in order.
struct TokenPieces {
    struct Piece {
        var start: Int
        var end: Int
        /// The piece begins where the input text does.
        var isFirst: Bool
    }

    var bytes: [UInt8]
    var pieces: [Piece]
}

/// How a text is cut into words, before the model sees them: the `pre_tokenizer` of a tokenizer file.
indirect enum PreTokenizer: Sendable {
    enum Behavior: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }

    enum Prepend: String, Sendable { case first, never, always }

    case byteLevel(addsPrefixSpace: Bool, usesRegex: Bool)
    case split(TokenizerRegex, Behavior, isInverted: Bool)
    /// Splits at single scalars of a set.
    case splitScalars(ScalarSet, Behavior)
    case metaspace(replacement: [UInt8], Prepend, splits: Bool)
    case sequence([PreTokenizer])

    static let known =
        "ByteLevel, Split, Digits, Metaspace, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer, Sequence"

    init(_ field: TokenizerField) throws(TokenizerError) {
        switch try field.type() {
        case "ByteLevel":
            self = .byteLevel(
                addsPrefixSpace: try field.required("add_prefix_space").bool(),
                usesRegex: try field.flag("use_regex", default: true))
        case "Split":
            self = .split(
                try TokenizerRegex(pattern: field.required("pattern")), try Self.behavior(field.required("behavior")),
                isInverted: try field.required("invert").bool())
        case "Digits":
            self = .splitScalars(Self.digits, try field.required("individual_digits").bool() ? .isolated : .contiguous)
        case "Punctuation":
            self = .splitScalars(Self.punctuation, try field.optional("behavior", Self.behavior) ?? .isolated)
        case "WhitespaceSplit": self = .splitScalars(ScalarSet(classes: UnicodeTable.space), .removed)
        case "BertPreTokenizer":
            self = .sequence([
                .splitScalars(ScalarSet(classes: UnicodeTable.space), .removed),
                .splitScalars(Self.punctuation, .isolated),
            ])
        case "Whitespace":
            let regex: TokenizerRegex
            do throws(TokenizerRegex.Failure) { regex = try TokenizerRegex(words: Self.word) } catch {
                throw field.error(error.message)
            }
            self = .split(regex, .removed, isInverted: true)
        case "Metaspace":
            let replacement = try field.required("replacement")
            _ = try replacement.scalar()
            var prepend = Prepend.always
            if let scheme = field["prepend_scheme"] {
                guard let known = Prepend(rawValue: try scheme.string()) else {
                    throw scheme.error("unknown scheme '\(try scheme.string())'; known are first, never, always")
                }
                prepend = known
            }
            if let adds = field["add_prefix_space"], try !adds.bool() {
                if field["prepend_scheme"] != nil, prepend != .never {
                    throw adds.error("add_prefix_space does not match prepend_scheme")
                }
                prepend = .never
            }
            self = .metaspace(
                replacement: try replacement.utf8(), prepend, splits: try field.flag("split", default: true))
        case "Sequence":
            var items: [PreTokenizer] = []
            for item in try field.required("pretokenizers").array() { items.append(try PreTokenizer(item)) }
            self = .sequence(items)
        case let name: throw field.error("unknown pre-tokenizer '\(name)'; known are \(Self.known)")
        }
    }

    private static func behavior(_ field: TokenizerField) throws(TokenizerError) -> Behavior {
        let name = try field.string()
        guard let behavior = Behavior(rawValue: name) else {
            throw field.error(
                "unknown '\(name)'; known are Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous"
            )
        }
        return behavior
    }

    /// `\w` of Rust's regex crate, which added tokens and the Whitespace pre-tokenizer use: with the joiners.
    static let word: ScalarSet = {
        var set = ScalarSet(classes: UnicodeTable.word)
        set.insert(0x200C...0x200D)
        return set
    }()

    /// Rust's `char::is_numeric`, of Unicode 17: two blocks of digits more than the regular expressions know.
    static let digits: ScalarSet = {
        var set = ScalarSet(classes: UnicodeTable.number)
        for range: ClosedRange<UInt32> in [0x11DE0...0x11DE9, 0x16FF4...0x16FF6] { set.insert(range) }
        return set
    }()

    /// Punctuation as the reference's crate knows it: Unicode 8, and all of ASCII's punctuation.
    static let punctuation: ScalarSet = {
        var set = ScalarSet()
        for range: ClosedRange<UInt32> in [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E] { set.insert(range) }
        var low: UInt32?
        for c in UInt32(0x80)...0x1FFFF {
            let isIn = isOldPunctuation(c)
            if isIn, low == nil { low = c }
            if !isIn, let from = low {
                set.insert(from...c - 1)
                low = nil
            }
        }
        return set
    }()

    private static func isOldPunctuation(_ c: UInt32) -> Bool {
        if c == 0x166D || c == 0x111C9 { return true }
        guard UnicodeTable.shared.mask(of: c) & UnicodeTable.punctuation != 0 else { return false }
        guard let age = Unicode.Scalar(c)?.properties.age else { return false }
        return age.major <= 8
    }

    func apply(_ text: inout TokenPieces) {
        switch self {
        case .byteLevel(let addsPrefixSpace, let usesRegex):
            if addsPrefixSpace { Self.prependSpace(&text) }
            if usesRegex { Self.split(&text, Self.gpt2, .isolated, isInverted: false) }
            Self.mapBytes(&text)
        case .split(let regex, let behavior, let isInverted):
            Self.split(&text, regex, behavior, isInverted: isInverted)
        case .splitScalars(let set, let behavior): Self.split(&text, set, behavior)
        case .metaspace(let replacement, let prepend, let splits):
            Self.metaspace(&text, replacement, prepend, splits: splits)
        case .sequence(let items):
            for item in items { item.apply(&text) }
        }
    }

    /// GPT-2's pattern, which ByteLevel applies when told to.
    static let gpt2: TokenizerRegex? = try? TokenizerRegex(
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#)
}

extension TokenizerRegex {
    /// `\w+|[^\w\s]+`.
    init(words: ScalarSet) throws(Failure) {
        var neither = words
        neither.formUnion(ScalarSet(classes: UnicodeTable.space))
        var compiler = RegexCompiler()
        let node = RegexNode.alternation([
            .repeat(.set(words), min: 1, max: .max, .greedy),
            .repeat(.set(neither.negated), min: 1, max: .max, .greedy),
        ])
        try compiler.emit(node)
        compiler.code.append(.accept)
        pattern = #"\w+|[^\w\s]+"#
        code = compiler.code
        sets = compiler.sets
        first = RegexCompiler.firstSet(node)
    }
}
