/// Token texts and their ids, both ways: one arena of bytes and an open-addressing hash table over it.
///
/// A Swift dictionary keyed by arrays allocates per key; a vocabulary of 150 000 tokens would take most of a second.
struct ByteTable: Sendable {
    private(set) var arena: [UInt8] = []
    /// Start and length in the arena by id; length −1 where an id has no text.
    private var starts: [Int32] = []
    private var lengths: [Int32] = []
    /// id + 1, or 0 for a free slot.
    private var slots: [Int32]
    private var mask: Int
    private(set) var count = 0

    /// - Parameter capacity: how many tokens to expect.
    init(capacity: Int, bytes: Int = 0) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = [Int32](repeating: 0, count: size)
        mask = size - 1
        arena.reserveCapacity(bytes)
        starts.reserveCapacity(capacity)
        lengths.reserveCapacity(capacity)
    }

    /// One more than the greatest id.
    var bound: Int { starts.count }

    @inline(__always)
    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        // FNV-1a over words of eight bytes with a final mix: short keys, no adversary.
        var h: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: bytes.count)
        let raw = UnsafeRawBufferPointer(bytes)
        var i = 0
        while i + 8 <= bytes.count {
            let word = raw.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            h = (h ^ word) &* 0x9E37_79B9_7F4A_7C15
            h ^= h >> 29
            i += 8
        }
        var tail: UInt64 = 0
        while i < bytes.count {
            tail = tail << 8 | UInt64(bytes[i])
            i += 1
        }
        h = (h ^ tail) &* 0x9E37_79B9_7F4A_7C15
        h ^= h >> 32
        h = h &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: (h ^ h >> 32) & 0x7FFF_FFFF)
    }

    /// Enters a token. A text that is there already moves to the new id; an id's former text stays findable.
    mutating func insert(_ text: UnsafeBufferPointer<UInt8>, id: Int32) {
        let index = Int(id)
        while starts.count <= index {
            starts.append(0)
            lengths.append(-1)
        }
        starts[index] = Int32(arena.count)
        lengths[index] = Int32(text.count)
        arena.append(contentsOf: text)
        if (count + 1) * 2 > slots.count { grow() }
        var slot = Self.hash(text) & mask
        while slots[slot] != 0 {
            if matches(slots[slot] - 1, text) {
                slots[slot] = id + 1
                return
            }
            slot = (slot + 1) & mask
        }
        slots[slot] = id + 1
        count += 1
    }

    mutating func insert(_ text: [UInt8], id: Int32) { text.withUnsafeBufferPointer { insert($0, id: id) } }

    private mutating func grow() {
        let old = slots
        slots = [Int32](repeating: 0, count: old.count * 2)
        mask = slots.count - 1
        for entry in old where entry != 0 {
            var slot = withText(entry - 1) { Self.hash($0) } & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = entry
        }
    }

    @inline(__always)
    private func matches(_ id: Int32, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let index = Int(id)
        guard Int(lengths[index]) == text.count else { return false }
        let start = Int(starts[index])
        for i in 0..<text.count where arena[start + i] != text[i] { return false }
        return true
    }

    @inline(__always)
    private func withText<R>(_ id: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        let start = Int(starts[Int(id)])
        let length = Int(lengths[Int(id)])
        return arena.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start..<start + length])) }
    }

    @inline(__always)
    func id(_ text: UnsafeBufferPointer<UInt8>) -> Int32? {
        var slot = Self.hash(text) & mask
        while slots[slot] != 0 {
            if matches(slots[slot] - 1, text) { return slots[slot] - 1 }
            slot = (slot + 1) & mask
        }
        return nil
    }

    func id(_ text: [UInt8]) -> Int32? { text.withUnsafeBufferPointer { id($0) } }

    func id(_ text: String) -> Int32? {
        var text = text
        return text.withUTF8 { id($0) }
    }

    /// The text of an id, or nil where the vocabulary has a hole.
    func text(_ id: Int32) -> ArraySlice<UInt8>? {
        guard id >= 0, Int(id) < starts.count, lengths[Int(id)] >= 0 else { return nil }
        let start = Int(starts[Int(id)])
        return arena[start..<start + Int(lengths[Int(id)])]
    }
}

/// A hash table from 64-bit keys (pairs of token ids, trie edges) to 64-bit values.
struct PairTable: Sendable {
    /// Key and value in turn: one cache line serves a lookup.
    private var cells: [UInt64]
    private var mask: Int
    private(set) var count = 0
    static let free = UInt64.max

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        cells = [UInt64](repeating: Self.free, count: size * 2)
        mask = size - 1
    }

    @inline(__always)
    private static func hash(_ key: UInt64) -> Int {
        var h = key &* 0x9E37_79B9_7F4A_7C15
        h ^= h >> 32
        h = h &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: h >> 33)
    }

    /// - Precondition: key ≠ 2⁶⁴ − 1, which marks a free cell.
    mutating func set(_ key: UInt64, _ value: UInt64) {
        if (count + 1) * 2 > mask + 1 { grow() }
        var slot = Self.hash(key) & mask
        while cells[2 * slot] != Self.free, cells[2 * slot] != key { slot = (slot + 1) & mask }
        if cells[2 * slot] == Self.free { count += 1 }
        cells[2 * slot] = key
        cells[2 * slot + 1] = value
    }

    private mutating func grow() {
        let old = self
        self = PairTable(capacity: (old.mask + 1) * 2)
        for slot in 0...old.mask where old.cells[2 * slot] != Self.free {
            set(old.cells[2 * slot], old.cells[2 * slot + 1])
        }
    }

    @inline(__always)
    subscript(_ key: UInt64) -> UInt64? {
        cells.withUnsafeBufferPointer { cells in
            var slot = Self.hash(key) & mask
            while true {
                let found = cells[2 * slot]
                if found == key { return cells[2 * slot + 1] }
                if found == Self.free { return nil }
                slot = (slot + 1) & mask
            }
        }
    }
}
