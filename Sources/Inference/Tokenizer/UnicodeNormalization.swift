/// The Unicode normalisation forms (UAX #15) with the decompositions and combining classes of the reference library,
/// whose tables are those of Unicode 9: marks and letters assigned later are left alone, as it leaves them.
package struct UnicodeNormalization: Sendable {
    /// scalar → start in `pool` << 8 | length, full canonical decompositions.
    private var canonical = PairTable(capacity: 2200)
    /// The same for the compatibility decompositions that differ.
    private var compatibility = PairTable(capacity: 4000)
    private var pool: [UInt32] = []
    /// first << 32 | second → composite.
    private var composition = PairTable(capacity: 1200)
    private var combiningClass = PairTable(capacity: 1000)
    /// One bit per scalar below `bound`: it decomposes, combines, or has a combining class.
    private var relevant = [UInt64](repeating: 0, count: UnicodeNormalization.bound / 64)
    private static let bound = 0x30000

    package static let shared = UnicodeNormalization()

    private init() {
        var single: [UInt32: [UInt32]] = [:]
        Self.forEachEntry(Self.canonicalText) { low, high, composes, parts in
            for c in low...high {
                single[c] = parts.count == 1 ? [parts[0] + (c - low)] : parts
                if composes { composition.set(UInt64(parts[0]) << 32 | UInt64(parts[1]), UInt64(c)) }
                mark(c)
            }
            if composes { mark(parts[1]) }
        }
        func expand(_ c: UInt32) -> [UInt32] { single[c]?.flatMap(expand) ?? [c] }
        for c in single.keys { canonical.set(UInt64(c), stored(expand(c))) }
        Self.forEachEntry(Self.compatibilityText) { low, high, _, parts in
            for c in low...high {
                compatibility.set(UInt64(c), stored(parts.count == 1 ? [parts[0] + (c - low)] : parts))
                mark(c)
            }
        }
        Self.forEachEntry(Self.combiningClassText) { low, high, _, parts in
            for c in low...high {
                combiningClass.set(UInt64(c), UInt64(parts[0]))
                mark(c)
            }
        }
        for c in Self.hangulL..<Self.hangulL + 19 { mark(c) }
        for c in Self.hangulV..<Self.hangulV + 21 { mark(c) }
        for c in Self.hangulT..<Self.hangulT + 28 { mark(c) }
        for c in Self.hangulS..<Self.hangulS + 11172 { mark(c) }
    }

    private mutating func mark(_ c: UInt32) {
        if c < Self.bound { relevant[Int(c) >> 6] |= 1 << UInt64(c & 63) }
    }

    /// Puts scalars into the pool; start << 8 | length.
    private mutating func stored(_ scalars: [UInt32]) -> UInt64 {
        defer { pool += scalars }
        return UInt64(pool.count) << 8 | UInt64(scalars.count)
    }

    /// Entries `C=A.B`, `C:A.B`, `C-D:A` between spaces.
    private static func forEachEntry(
        _ text: StaticString, _ body: (_ low: UInt32, _ high: UInt32, _ composes: Bool, _ parts: [UInt32]) -> Void
    ) {
        var low: UInt32 = 0
        var number: UInt32 = 0
        var isRange = false
        var composes = false
        var parts: [UInt32] = []
        var isKey = true
        func finish() {
            parts.append(number)
            body(low, high, composes, parts)
        }
        var high: UInt32 = 0
        for byte in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount) {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt32(byte - 0x30)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): number = number << 4 | UInt32(byte - 0x41 + 10)
            case UInt8(ascii: "-"):
                low = number
                isRange = true
                number = 0
            case UInt8(ascii: ":"), UInt8(ascii: "="):
                high = number
                if !isRange { low = number }
                composes = byte == UInt8(ascii: "=")
                isKey = false
                number = 0
            case UInt8(ascii: "."):
                parts.append(number)
                number = 0
            default:
                guard !isKey else { continue }
                finish()
                parts = []
                isRange = false
                isKey = true
                number = 0
            }
        }
        if !isKey { finish() }
    }

    // Hangul syllables: The Unicode Standard, section 3.12.
    private static let hangulS: UInt32 = 0xAC00
    private static let hangulL: UInt32 = 0x1100
    private static let hangulV: UInt32 = 0x1161
    private static let hangulT: UInt32 = 0x11A7

    @inline(__always)
    private func isRelevant(_ c: UInt32) -> Bool {
        c < Self.bound && relevant[Int(c) >> 6] >> UInt64(c & 63) & 1 != 0
    }

    /// The normal form of valid UTF-8.
    package func normalize(_ bytes: [UInt8], composes: Bool, isCompatibility: Bool) -> [UInt8] {
        var isPlain = true
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var p = 0
            while p < buffer.count {
                let lead = buffer[p]
                if lead < 0x80 {
                    p += 1
                    continue
                }
                let (c, length) = UTF8Text.scalar(base, p)
                // Composed Latin letters are their own NFC as long as no mark follows, which would be relevant itself.
                if isRelevant(c), !(composes && !isCompatibility && c < 0x300) {
                    isPlain = false
                    return
                }
                p += length
            }
        }
        if isPlain { return bytes }

        var scalars: [UInt32] = []
        var classes: [UInt8] = []
        scalars.reserveCapacity(bytes.count)
        classes.reserveCapacity(bytes.count)
        for c in UTF8Text.scalars(bytes) { decompose(c, isCompatibility, &scalars, &classes) }
        reorder(&scalars, &classes)
        if composes { compose(&scalars, &classes) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 16)
        for c in scalars { UTF8Text.append(c, to: &out) }
        return out
    }

    private func decompose(_ c: UInt32, _ isCompatibility: Bool, _ scalars: inout [UInt32], _ classes: inout [UInt8]) {
        guard isRelevant(c) else {
            scalars.append(c)
            classes.append(0)
            return
        }
        if c >= Self.hangulS, c < Self.hangulS + 11172 {
            let s = c - Self.hangulS
            scalars += [Self.hangulL + s / 588, Self.hangulV + s % 588 / 28]
            classes += [0, 0]
            if s % 28 != 0 {
                scalars.append(Self.hangulT + s % 28)
                classes.append(0)
            }
            return
        }
        if let entry = (isCompatibility ? compatibility[UInt64(c)] : nil) ?? canonical[UInt64(c)] {
            let start = Int(entry >> 8)
            for i in start..<start + Int(entry & 0xFF) {
                scalars.append(pool[i])
                classes.append(UInt8(truncatingIfNeeded: combiningClass[UInt64(pool[i])] ?? 0))
            }
            return
        }
        scalars.append(c)
        classes.append(UInt8(truncatingIfNeeded: combiningClass[UInt64(c)] ?? 0))
    }

    /// Sorts each run of marks by combining class, stably.
    private func reorder(_ scalars: inout [UInt32], _ classes: inout [UInt8]) {
        var i = 0
        while i < scalars.count {
            guard classes[i] != 0 else {
                i += 1
                continue
            }
            let start = i
            var sorted = true
            while i < scalars.count, classes[i] != 0 {
                if i > start, classes[i] < classes[i - 1] { sorted = false }
                i += 1
            }
            if sorted { continue }
            // Swift's sort is stable in practice only; the index makes it so by definition.
            let order = (start..<i).sorted { (classes[$0], $0) < (classes[$1], $1) }
            let run = order.map { (scalars[$0], classes[$0]) }
            for (k, (c, k2)) in run.enumerated() {
                scalars[start + k] = c
                classes[start + k] = k2
            }
        }
    }

    /// Canonical composition: each scalar joins the last starter unless a mark of its class or above blocks it.
    private func compose(_ scalars: inout [UInt32], _ classes: inout [UInt8]) {
        var starter = -1
        var out = 0
        var lastClass = -1
        for i in 0..<scalars.count {
            let c = scalars[i]
            let k = Int(classes[i])
            if starter >= 0, lastClass < k || lastClass == -1, let joined = pair(scalars[starter], c) {
                scalars[starter] = joined
                continue
            }
            scalars[out] = c
            classes[out] = UInt8(k)
            if k == 0 {
                starter = out
                lastClass = -1
            } else {
                lastClass = k
            }
            out += 1
        }
        scalars.removeLast(scalars.count - out)
        classes.removeLast(classes.count - out)
    }

    private func pair(_ a: UInt32, _ b: UInt32) -> UInt32? {
        if a >= Self.hangulL, a < Self.hangulL + 19, b >= Self.hangulV, b < Self.hangulV + 21 {
            return Self.hangulS + ((a - Self.hangulL) * 21 + (b - Self.hangulV)) * 28
        }
        if a >= Self.hangulS, a < Self.hangulS + 11172, (a - Self.hangulS) % 28 == 0, b > Self.hangulT,
            b < Self.hangulT + 28
        {
            return a + (b - Self.hangulT)
        }
        return composition[UInt64(a) << 32 | UInt64(b)].map { UInt32(truncatingIfNeeded: $0) }
    }
}
