/// A set of scalars as a regular expression's class denotes it: Unicode classes and ranges, perhaps negated.
/// ASCII is answered from a bitmap, the rest by class mask first.
struct ScalarSet: Sendable, Equatable {
    private(set) var low: UInt64 = 0
    private(set) var high: UInt64 = 0
    /// `UnicodeTable` classes of the set beyond ASCII, before negation.
    private(set) var classes: UInt32 = 0
    /// Further ranges beyond ASCII, before negation.
    private(set) var ranges: [ClosedRange<UInt32>] = []
    private(set) var isNegated = false
    /// Negated sets with ranges of their own, which do not fold into the union; before negation.
    private(set) var members: [ScalarSet] = []

    init() {}

    init(classes: UInt32) { insert(classes: classes) }

    init(_ scalar: UInt32) { insert(scalar...scalar) }

    /// Everything.
    static let all: ScalarSet = ScalarSet().negated

    mutating func insert(classes mask: UInt32) {
        classes |= mask
        let table = UnicodeTable.shared
        for c in 0..<UInt32(128) where table.mask(of: c) & mask != 0 { setASCII(c) }
    }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        if range.lowerBound < 128 {
            for c in range.lowerBound...min(range.upperBound, 127) { setASCII(c) }
        }
        if range.upperBound >= 128 { ranges.append(max(range.lowerBound, 128)...range.upperBound) }
    }

    private mutating func setASCII(_ c: UInt32) {
        if c < 64 { low |= 1 << UInt64(c) } else { high |= 1 << UInt64(c - 64) }
    }

    /// - Precondition: the set itself is not negated.
    mutating func formUnion(_ other: ScalarSet) {
        low |= other.low
        high |= other.high
        if !other.isNegated {
            classes |= other.classes
            ranges += other.ranges
            members += other.members
        } else if other.ranges.isEmpty && other.members.isEmpty {
            classes |= ~other.classes
        } else {
            members.append(other)
        }
    }

    var negated: ScalarSet {
        var set = self
        set.low = ~low
        set.high = ~high
        set.isNegated.toggle()
        return set
    }

    @inline(__always)
    func containsASCII(_ byte: UInt8) -> Bool {
        byte < 64 ? low >> UInt64(byte) & 1 != 0 : high >> UInt64(byte & 63) & 1 != 0
    }

    @inline(__always)
    func contains(_ scalar: UInt32, _ table: borrowing UnicodeTable) -> Bool {
        if scalar < 128 { return containsASCII(UInt8(truncatingIfNeeded: scalar)) }
        var found = table.mask(of: scalar) & classes != 0
        if !found {
            for range in ranges where range.contains(scalar) {
                found = true
                break
            }
            if !found, !members.isEmpty { found = members.contains { $0.contains(scalar, UnicodeTable.shared) } }
        }
        return found != isNegated
    }
}
