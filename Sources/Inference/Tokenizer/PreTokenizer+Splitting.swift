extension PreTokenizer {
    /// The printable alphabet of byte-level BPE: a scalar per byte, as GPT-2 defines it. Printable Latin-1 stands for
    /// itself, the other 68 bytes for U+0100 and up.
    static let byteScalars: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 256)
        var next: UInt32 = 0x100
        for byte in UInt32(0)..<256 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: table[Int(byte)] = byte
            default:
                table[Int(byte)] = next
                next += 1
            }
        }
        return table
    }()

    /// The byte that a scalar of the alphabet stands for, by scalar; −1 elsewhere. 324 entries.
    static let scalarBytes: [Int16] = {
        var table = [Int16](repeating: -1, count: 256 + 68)
        for (byte, scalar) in byteScalars.enumerated() { table[Int(scalar)] = Int16(byte) }
        return table
    }()

    /// A space in front of every piece that does not begin with one.
    static func prependSpace(_ text: inout TokenPieces) {
        var out: [UInt8] = []
        out.reserveCapacity(text.bytes.count + text.pieces.count)
        for i in text.pieces.indices {
            let piece = text.pieces[i]
            let start = out.count
            if text.bytes[piece.start] != 0x20 { out.append(0x20) }
            out.append(contentsOf: text.bytes[piece.start..<piece.end])
            text.pieces[i] = .init(start: start, end: out.count, isFirst: piece.isFirst)
        }
        text.bytes = out
    }

    /// Every byte becomes its scalar of the printable alphabet.
    static func mapBytes(_ text: inout TokenPieces) {
        let table = byteScalars
        let input = text.bytes
        let count = input.count * 2
        let pieces = text.pieces
        var mapped = pieces
        text.bytes = [UInt8](unsafeUninitializedCapacity: count) { out, used in
            var o = 0
            for (i, piece) in pieces.enumerated() {
                let start = o
                for p in piece.start..<piece.end {
                    let scalar = table[Int(input[p])]
                    if scalar < 0x80 {
                        out[o] = UInt8(truncatingIfNeeded: scalar)
                        o += 1
                    } else {
                        out[o] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
                        out[o + 1] = UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F)
                        o += 2
                    }
                }
                mapped[i].start = start
                mapped[i].end = o
            }
            used = o
        }
        text.pieces = mapped
    }

    /// Spaces become the replacement; it is put in front as the scheme says; pieces begin at it when splitting.
    static func metaspace(_ text: inout TokenPieces, _ replacement: [UInt8], _ prepend: Prepend, splits: Bool) {
        var out: [UInt8] = []
        out.reserveCapacity(text.bytes.count + text.bytes.count / 4 + 16)
        var pieces: [TokenPieces.Piece] = []
        for piece in text.pieces {
            let start = out.count
            let first = text.bytes[piece.start]
            let startsWithIt =
                first == 0x20 || text.bytes[piece.start..<piece.end].starts(with: replacement)
            if !startsWithIt, prepend == .always || (prepend == .first && piece.isFirst) {
                out.append(contentsOf: replacement)
            }
            for p in piece.start..<piece.end {
                if text.bytes[p] == 0x20 { out.append(contentsOf: replacement) } else { out.append(text.bytes[p]) }
            }
            guard splits else {
                pieces.append(.init(start: start, end: out.count, isFirst: piece.isFirst))
                continue
            }
            // MergedWithNext: of several in a row, each but the last is a piece of its own.
            var from = start
            var p = start
            while p < out.count {
                if p + replacement.count <= out.count, out[p..<p + replacement.count].elementsEqual(replacement) {
                    if p > from { pieces.append(.init(start: from, end: p, isFirst: piece.isFirst && from == start)) }
                    from = p
                    p += replacement.count
                } else {
                    p += 1
                }
            }
            if from < out.count {
                pieces.append(.init(start: from, end: out.count, isFirst: piece.isFirst && from == start))
            }
        }
        text.bytes = out
        text.pieces = pieces
    }

    static func split(_ text: inout TokenPieces, _ regex: TokenizerRegex?, _ behavior: Behavior, isInverted: Bool) {
        guard let regex else { return }
        var cutter = PieceCutter(behavior)
        cutter.out.reserveCapacity(text.bytes.count / 4 + text.pieces.count)
        text.bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for piece in text.pieces {
                cutter.begin(piece)
                var last = piece.start
                regex.forEachMatch(in: base, piece.start, piece.end) { start, end in
                    if start > last { cutter.add(last, start, isMatch: isInverted) }
                    cutter.add(start, end, isMatch: !isInverted)
                    last = end
                }
                if last < piece.end { cutter.add(last, piece.end, isMatch: isInverted) }
                cutter.finish()
            }
        }
        text.pieces = cutter.out
    }

    static func split(_ text: inout TokenPieces, _ set: ScalarSet, _ behavior: Behavior) {
        var cutter = PieceCutter(behavior)
        let table = UnicodeTable.shared
        text.bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for piece in text.pieces {
                cutter.begin(piece)
                var last = piece.start
                var p = piece.start
                while p < piece.end {
                    let (c, length) = UTF8Text.scalar(base, p)
                    if set.contains(c, table) {
                        if p > last { cutter.add(last, p, isMatch: false) }
                        cutter.add(p, p + length, isMatch: true)
                        last = p + length
                    }
                    p += length
                }
                if last < piece.end { cutter.add(last, piece.end, isMatch: false) }
                cutter.finish()
            }
        }
        text.pieces = cutter.out
    }
}

/// Applies a split behaviour to the matches and gaps of one piece after another. Empty results are dropped.
struct PieceCutter {
    var out: [TokenPieces.Piece] = []
    private let behavior: PreTokenizer.Behavior
    private var piece = TokenPieces.Piece(start: 0, end: 0, isFirst: false)
    /// Index in `out` where the current piece's parts begin.
    private var base = 0
    private var previousIsMatch = false
    /// For MergedWithNext, which is decided from the end: the parts so far.
    private var parts: [(start: Int, end: Int, isMatch: Bool)] = []

    init(_ behavior: PreTokenizer.Behavior) { self.behavior = behavior }

    mutating func begin(_ piece: TokenPieces.Piece) {
        self.piece = piece
        base = out.count
        previousIsMatch = false
        parts.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    private mutating func emit(_ start: Int, _ end: Int) {
        out.append(.init(start: start, end: end, isFirst: piece.isFirst && start == piece.start))
    }

    @inline(__always)
    mutating func add(_ start: Int, _ end: Int, isMatch: Bool) {
        switch behavior {
        case .isolated: if end > start { emit(start, end) }
        case .removed: if !isMatch, end > start { emit(start, end) }
        case .contiguous:
            if isMatch == previousIsMatch, out.count > base { out[out.count - 1].end = end } else { emit(start, end) }
            previousIsMatch = isMatch
        case .mergedWithPrevious:
            if isMatch, !previousIsMatch, out.count > base { out[out.count - 1].end = end } else { emit(start, end) }
            previousIsMatch = isMatch
        case .mergedWithNext: parts.append((start, end, isMatch))
        }
    }

    mutating func finish() {
        if behavior == .mergedWithNext {
            for part in parts.reversed() {
                if part.isMatch, !previousIsMatch, out.count > base {
                    out[out.count - 1].start = part.start
                } else {
                    emit(part.start, part.end)
                }
                previousIsMatch = part.isMatch
            }
            out[base...].reverse()
            for i in base..<out.count { out[i].isFirst = piece.isFirst && out[i].start == piece.start }
        }
        if behavior != .isolated, behavior != .removed {
            var kept = base
            for i in base..<out.count where out[i].end > out[i].start {
                out[kept] = out[i]
                kept += 1
            }
            out.removeLast(out.count - kept)
        }
    }
}
