/// How token texts become text again: the `decoder` of a tokenizer file. Works on the list of token texts.
indirect enum TokenDecoder: Sendable {
    /// Scalars of the printable alphabet back to bytes; a token with any other scalar stands for itself.
    case byteLevel
    case metaspace(replacement: UInt32, dropsFirst: Bool)
    case replace(TokenizerRegex, with: [UInt8])
    /// Runs of `<0x..>` to the text they spell, or U+FFFD each.
    case byteFallback
    case fuse
    case strip(content: UInt32, start: Int, stop: Int)
    case sequence([TokenDecoder])

    static let known = "ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, Sequence"

    init(_ field: TokenizerField) throws(TokenizerError) {
        switch try field.type() {
        case "ByteLevel": self = .byteLevel
        case "Metaspace":
            guard case .metaspace(_, let prepend, _) = try PreTokenizer(field) else {
                throw field.error("not a Metaspace")
            }
            self = .metaspace(
                replacement: try field.required("replacement").scalar().value, dropsFirst: prepend != .never)
        case "Replace":
            self = .replace(try .init(pattern: field.required("pattern")), with: try field.required("content").utf8())
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Strip":
            self = .strip(
                content: try field.required("content").scalar().value,
                start: max(0, try field.required("start").int()), stop: max(0, try field.required("stop").int()))
        case "Sequence":
            var items: [TokenDecoder] = []
            for item in try field.required("decoders").array() { items.append(try TokenDecoder(item)) }
            self = .sequence(items)
        case let name: throw field.error("unknown decoder '\(name)'; known are \(Self.known)")
        }
    }

    func apply(_ tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .byteLevel:
            var bytes: [UInt8] = []
            for token in tokens { Self.appendBytes(of: token, to: &bytes) }
            return [UTF8Text.repaired(bytes)]
        case .metaspace(let replacement, let dropsFirst):
            return tokens.enumerated().map { index, token in
                var out: [UInt8] = []
                for c in UTF8Text.scalars(token) {
                    if c != replacement {
                        UTF8Text.append(c, to: &out)
                    } else if !(index == 0 && dropsFirst) {
                        out.append(0x20)
                    }
                }
                return out
            }
        case .replace(let regex, let content):
            return tokens.map { regex.replacing($0, with: content).0 }
        case .byteFallback: return Self.fallback(tokens)
        case .fuse: return [tokens.flatMap { $0 }]
        case .strip(let content, let start, let stop):
            return tokens.map { token in
                let scalars = UTF8Text.scalars(token)
                var low = 0
                while low < min(start, scalars.count), scalars[low] == content { low += 1 }
                var high = scalars.count
                while scalars.count - high < stop, high > 0, scalars[high - 1] == content { high -= 1 }
                var out: [UInt8] = []
                if low < high { for c in scalars[low..<high] { UTF8Text.append(c, to: &out) } }
                return out
            }
        case .sequence(let items):
            return items.reduce(tokens) { $1.apply($0) }
        }
    }

    /// The bytes that a byte-level token stands for.
    static func appendBytes(of token: some Collection<UInt8>, to out: inout [UInt8]) {
        let table = PreTokenizer.scalarBytes
        let mark = out.count
        var index = token.startIndex
        while index < token.endIndex {
            var c = UInt32(token[index])
            if c >= 0x80 {
                // The alphabet ends below U+0144: two bytes.
                let second = token.index(after: index)
                guard c < 0xE0, second < token.endIndex else { break }
                c = (c & 0x1F) << 6 | UInt32(token[second]) & 0x3F
                index = second
            }
            guard c < table.count, table[Int(c)] >= 0 else { break }
            out.append(UInt8(truncatingIfNeeded: table[Int(c)]))
            index = token.index(after: index)
        }
        if index < token.endIndex {
            out.removeLast(out.count - mark)
            out.append(contentsOf: token)
        }
    }

    /// The byte of `<0xHH>`.
    static func fallbackByte(_ token: some RandomAccessCollection<UInt8>) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token.last == UInt8(ascii: ">") else { return nil }
        var value: UInt8 = 0
        for byte in token.dropFirst(3).prefix(2) {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            value = value << 4 | digit
        }
        return value
    }

    private static func fallback(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            guard !run.isEmpty else { return }
            if UTF8Text.isValid(run) {
                out.append(run)
            } else {
                out += [[UInt8]](repeating: UTF8Text.replacement, count: run.count)
            }
            run = []
        }
        for token in tokens {
            if let byte = fallbackByte(token) {
                run.append(byte)
            } else {
                flush()
                out.append(token)
            }
        }
        flush()
        return out
    }

    /// Whether a byte token's text can depend on its neighbours (byte fallback is among the steps).
    var fallsBack: Bool {
        switch self {
        case .byteFallback: true
        case .sequence(let items): items.contains(where: \.fallsBack)
        default: false
        }
    }
}
