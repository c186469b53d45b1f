/// What is done to a text before it is split: the `normalizer` of a tokenizer file.
indirect enum TokenNormalizer: Sendable {
    case nfc, nfd, nfkc, nfkd
    case lowercase
    /// A text in front, unless the input is empty.
    case prepend([UInt8])
    case replace(TokenizerRegex, with: [UInt8])
    /// White space away at the ends.
    case strip(left: Bool, right: Bool)
    case sequence([TokenNormalizer])

    static let known = "NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, Sequence"

    init(_ field: TokenizerField) throws(TokenizerError) {
        switch try field.type() {
        case "NFC": self = .nfc
        case "NFD": self = .nfd
        case "NFKC": self = .nfkc
        case "NFKD": self = .nfkd
        case "Lowercase": self = .lowercase
        case "Prepend": self = .prepend(try field.required("prepend").utf8())
        case "Replace":
            self = .replace(try .init(pattern: field.required("pattern")), with: try field.required("content").utf8())
        case "Strip":
            self = .strip(
                left: try field.required("strip_left").bool(), right: try field.required("strip_right").bool())
        case "Sequence":
            var items: [TokenNormalizer] = []
            for item in try field.required("normalizers").array() { items.append(try TokenNormalizer(item)) }
            self = .sequence(items)
        case let name: throw field.error("unknown normalizer '\(name)'; known are \(Self.known)")
        }
    }

    /// - Parameter cutsStart: set when text at the start goes away, after which a piece no longer begins where the
    ///   input does (which decides whether Metaspace's `first` prepends).
    func apply(_ bytes: inout [UInt8], cutsStart: inout Bool) {
        switch self {
        case .nfc: bytes = UnicodeNormalization.shared.normalize(bytes, composes: true, isCompatibility: false)
        case .nfd: bytes = UnicodeNormalization.shared.normalize(bytes, composes: false, isCompatibility: false)
        case .nfkc: bytes = UnicodeNormalization.shared.normalize(bytes, composes: true, isCompatibility: true)
        case .nfkd: bytes = UnicodeNormalization.shared.normalize(bytes, composes: false, isCompatibility: true)
        case .lowercase: bytes = Self.lowercased(bytes)
        case .prepend(let text):
            if !bytes.isEmpty { bytes = text + bytes }
        case .replace(let regex, let content):
            let (result, startIsGone) = regex.replacing(bytes, with: content)
            bytes = result
            if startIsGone { cutsStart = true }
        case .strip(let left, let right):
            let (start, end) = Self.strippedRange(bytes, left: left, right: right)
            if start > 0 { cutsStart = true }
            if start > 0 || end < bytes.count { bytes = Array(bytes[start..<end]) }
        case .sequence(let items):
            for item in items { item.apply(&bytes, cutsStart: &cutsStart) }
        }
    }

    /// Each scalar's full lower-case mapping, without regard to context, as the reference does.
    static func lowercased(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for c in UTF8Text.scalars(bytes) {
            if c < 0x80 {
                out.append(UInt8((0x41...0x5A).contains(c) ? c | 0x20 : c))
            } else if let scalar = Unicode.Scalar(c) {
                out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
            }
        }
        return out
    }

    static func strippedRange(_ bytes: [UInt8], left: Bool, right: Bool) -> (Int, Int) {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return (0, 0) }
            let table = UnicodeTable.shared
            var start = 0
            var end = buffer.count
            while left, start < end {
                let (c, length) = UTF8Text.scalar(base, start)
                if table.mask(of: c) & UnicodeTable.space == 0 { break }
                start += length
            }
            while right, end > start {
                let p = UTF8Text.start(before: end, in: base)
                if table.mask(of: UTF8Text.scalar(base, p).value) & UnicodeTable.space == 0 { break }
                end = p
            }
            return (start, end)
        }
    }
}

extension TokenizerRegex {
    /// A `pattern` of a tokenizer file: `{"String": …}` or `{"Regex": …}`.
    init(pattern field: TokenizerField) throws(TokenizerError) {
        do throws(Failure) {
            if let text = field["String"]?.value.stringValue {
                try self.init(literal: text)
            } else if let text = field["Regex"]?.value.stringValue {
                try self.init(text)
            } else {
                throw Failure(message: "expected {\"String\": …} or {\"Regex\": …}")
            }
        } catch {
            throw field.error("regular expression: \(error.message)")
        }
    }

    /// The text with every match replaced, and whether its beginning was replaced by nothing.
    func replacing(_ bytes: [UInt8], with content: [UInt8]) -> ([UInt8], Bool) {
        guard !bytes.isEmpty else { return (bytes, false) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 64)
        var last = 0
        var startIsGone = false
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            forEachMatch(in: base, 0, buffer.count) { start, end in
                out.append(contentsOf: buffer[last..<start])
                out.append(contentsOf: content)
                if start == 0, end > 0, content.isEmpty { startIsGone = true }
                last = end
            }
            out.append(contentsOf: buffer[last...])
        }
        return (out, startIsGone)
    }
}
