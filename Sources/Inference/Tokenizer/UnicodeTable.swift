/// General categories and word characters of all scalars, one byte each, in the Unicode version of the reference's
/// regular expressions (Oniguruma 6.9.10: Unicode 16; Swift's own tables are newer). Scalars that newer versions assign
/// count as unassigned.
///
/// Two extra classes make `\s` and `\w` unions of classes too: the control characters that are white space, and the
/// symbols that are alphabetic.
struct UnicodeTable: Sendable {
    enum Class: UInt8, CaseIterable {
        case lu, ll, lt, lm, lo, mn, mc, me, nd, nl, no, pc, pd, ps, pe, pi, pf, po, sm, sc, sk, so, zs, zl, zp, cc, cf,
            cs, co
        case cn, controlSpace, alphabeticSymbol

        var mask: UInt32 { 1 << UInt32(rawValue) }
    }

    static func mask(_ classes: Class...) -> UInt32 { classes.reduce(0) { $0 | $1.mask } }

    static let letter = mask(.lu, .ll, .lt, .lm, .lo)
    static let mark = mask(.mn, .mc, .me)
    static let number = mask(.nd, .nl, .no)
    static let punctuation = mask(.pc, .pd, .ps, .pe, .pi, .pf, .po)
    static let symbol = mask(.sm, .sc, .sk, .so, .alphabeticSymbol)
    static let separator = mask(.zs, .zl, .zp)
    static let other = mask(.cc, .cf, .cs, .co, .cn, .controlSpace)
    static let space = mask(.zs, .zl, .zp, .controlSpace)
    /// `\w` of Oniguruma: alphabetic, marks, decimal digits, connector punctuation.
    static let word = letter | mark | mask(.nd, .nl, .pc, .alphabeticSymbol)

    /// Index of a page of 256 scalars by scalar >> 8.
    private let pageOf: [UInt16]
    private let pages: [UInt8]

    static let shared = UnicodeTable()

    private init() {
        var all = [UInt8](repeating: Class.cn.rawValue, count: 0x110000)
        var position = 0
        var kind: UInt8 = 0
        var length = 0
        func emit() {
            guard position + max(length, 1) <= all.count else { return }
            for _ in 0..<max(length, 1) {
                all[position] = kind
                position += 1
            }
        }
        let text = UnsafeBufferPointer(start: Self.runs.utf8Start, count: Self.runs.utf8CodeUnitCount)
        for (index, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                length = length * 10 + Int(byte - UInt8(ascii: "0"))
            default:
                if index > 0 { emit() }
                kind = byte < UInt8(ascii: "a") ? byte - UInt8(ascii: "A") : byte - UInt8(ascii: "a") + 26
                length = 0
            }
        }
        emit()
        var pageOf = [UInt16](repeating: 0, count: 0x1100)
        var pages: [UInt8] = []
        var known: [ArraySlice<UInt8>: UInt16] = [:]
        for page in 0..<0x1100 {
            let content = all[page << 8..<(page + 1) << 8]
            if let index = known[content] {
                pageOf[page] = index
            } else {
                let index = UInt16(known.count)
                known[content] = index
                pageOf[page] = index
                pages += content
            }
        }
        self.pageOf = pageOf
        self.pages = pages
    }

    @inline(__always)
    func mask(of scalar: UInt32) -> UInt32 {
        1 << UInt32(pages[Int(pageOf[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)])
    }
}
