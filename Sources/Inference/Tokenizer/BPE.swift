/// Byte-pair encoding (Sennrich et al. 2016) over token ids: a piece starts as one symbol per scalar, and of all
/// adjacent pairs the one with the lowest merge rank, leftmost first, is joined until none has a rank.
struct BPE: Sendable {
    var vocabulary: ByteTable
    /// left << 32 | right → rank << 32 | joined id.
    var merges: PairTable
    /// For scalars that are not in the vocabulary; nil drops them, as the reference does.
    var unknownID: Int32?
    /// Neighbouring unknowns become one token.
    var fusesUnknown = false
    /// Ids of `<0x00>` … `<0xFF>`, −1 where there is none; empty without byte fallback.
    var byteIDs: [Int32] = []
    /// A piece that is a token as a whole is not split.
    var ignoresMerges = false
    /// Ids of tokens of one scalar below U+0800, −1 where there is none.
    private let scalarIDs: [Int32]

    init(vocabulary: ByteTable, merges: PairTable) {
        self.vocabulary = vocabulary
        self.merges = merges
        var ids = [Int32](repeating: -1, count: 0x800)
        var text: [UInt8] = []
        for c in UInt32(0)..<0x800 {
            text.removeAll(keepingCapacity: true)
            UTF8Text.append(c, to: &text)
            if let id = vocabulary.id(text) { ids[Int(c)] = id }
        }
        scalarIDs = ids
    }

    /// `<0x00>` … `<0xFF>`.
    static func byteIDs(in vocabulary: ByteTable) -> [Int32] {
        let hex = Array("0123456789ABCDEF".utf8)
        return (0..<256).map { byte in
            vocabulary.id(Array("<0x".utf8) + [hex[byte >> 4], hex[byte & 15], UInt8(ascii: ">")]) ?? -1
        }
    }

    /// Working memory, reused from piece to piece.
    struct Scratch {
        var ids: [Int32] = []
        var ranks: [UInt64] = []
        var previous: [Int32] = []
        var next: [Int32] = []
        var heap: [UInt64] = []
    }

    /// Pieces of at most this many symbols are merged by scanning, longer ones with a heap.
    private static let scanLimit = 48

    /// Appends the ids of `text[start..<end]` to `out`.
    func encode(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: inout Scratch, _ out: inout [Int32])
    {
        if ignoresMerges, let id = vocabulary.id(UnsafeBufferPointer(start: text + start, count: end - start)) {
            out.append(id)
            return
        }
        symbols(text, start, end, &scratch.ids)
        if scratch.ids.count < 2 {
            out.append(contentsOf: scratch.ids)
        } else if scratch.ids.count <= Self.scanLimit {
            mergeByScanning(&scratch)
            out.append(contentsOf: scratch.ids)
        } else {
            mergeWithHeap(&scratch, &out)
        }
    }

    private func symbols(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ ids: inout [Int32]) {
        ids.removeAll(keepingCapacity: true)
        var pendingUnknown = false
        var p = start
        while p < end {
            let (c, length) = UTF8Text.scalar(text, p)
            var id: Int32 = -1
            if c < 0x800 {
                id = scalarIDs[Int(c)]
            } else if let found = vocabulary.id(UnsafeBufferPointer(start: text + p, count: length)) {
                id = found
            }
            if id >= 0 {
                if pendingUnknown, let unknownID { ids.append(unknownID) }
                pendingUnknown = false
                ids.append(id)
            } else if !byteIDs.isEmpty, (p..<p + length).allSatisfy({ byteIDs[Int(text[$0])] >= 0 }) {
                // The reference leaves an unknown that is waiting to be fused waiting here, so it comes after the
                // bytes.
                for i in p..<p + length { ids.append(byteIDs[Int(text[i])]) }
            } else if let unknownID {
                if pendingUnknown, !fusesUnknown { ids.append(unknownID) }
                pendingUnknown = true
            }
            p += length
        }
        if pendingUnknown, let unknownID { ids.append(unknownID) }
    }

    @inline(__always)
    private func merge(_ left: Int32, _ right: Int32) -> UInt64 {
        merges[UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))] ?? .max
    }

    private func mergeByScanning(_ scratch: inout Scratch) {
        var count = scratch.ids.count
        scratch.ranks.removeAll(keepingCapacity: true)
        for i in 0..<count - 1 { scratch.ranks.append(merge(scratch.ids[i], scratch.ids[i + 1])) }
        scratch.ids.withUnsafeMutableBufferPointer { ids in
            scratch.ranks.withUnsafeMutableBufferPointer { ranks in
                while count > 1 {
                    var best = UInt64.max
                    var at = -1
                    // The rank is in the high half; equal ranks are equal pairs, of which the first is kept.
                    for i in 0..<count - 1 where ranks[i] < best {
                        best = ranks[i]
                        at = i
                    }
                    guard at >= 0 else { break }
                    ids[at] = Int32(truncatingIfNeeded: best & 0xFFFF_FFFF)
                    for i in at + 1..<count - 1 {
                        ids[i] = ids[i + 1]
                        ranks[i - 1] = ranks[i]
                    }
                    count -= 1
                    if at > 0 { ranks[at - 1] = merge(ids[at - 1], ids[at]) }
                    if at < count - 1 { ranks[at] = merge(ids[at], ids[at + 1]) }
                }
            }
        }
        scratch.ids.removeLast(scratch.ids.count - count)
    }

    /// n log n: candidates wait in a heap as rank << 32 | position; one whose pair has changed since is passed over.
    private func mergeWithHeap(_ scratch: inout Scratch, _ out: inout [Int32]) {
        let count = scratch.ids.count
        scratch.previous = (0..<Int32(count)).map { $0 - 1 }
        scratch.next = (0..<Int32(count)).map { $0 + 1 < count ? $0 + 1 : -1 }
        var heap = MinHeap(storage: scratch.heap)
        for i in 0..<count - 1 {
            let found = merge(scratch.ids[i], scratch.ids[i + 1])
            if found != .max { heap.append(found & 0xFFFF_FFFF_0000_0000 | UInt64(i)) }
        }
        heap.heapify()
        scratch.ids.withUnsafeMutableBufferPointer { ids in
            scratch.previous.withUnsafeMutableBufferPointer { previous in
                scratch.next.withUnsafeMutableBufferPointer { next in
                    while let top = heap.pop() {
                        let at = Int(top & 0xFFFF_FFFF)
                        guard ids[at] >= 0, next[at] >= 0 else { continue }
                        let right = Int(next[at])
                        let found = merge(ids[at], ids[right])
                        guard found != .max, found >> 32 == top >> 32 else { continue }
                        ids[at] = Int32(truncatingIfNeeded: found & 0xFFFF_FFFF)
                        ids[right] = -1
                        next[at] = next[right]
                        if next[at] >= 0 { previous[Int(next[at])] = Int32(at) }
                        if previous[at] >= 0 {
                            let before = merge(ids[Int(previous[at])], ids[at])
                            if before != .max { heap.push(before & 0xFFFF_FFFF_0000_0000 | UInt64(previous[at])) }
                        }
                        if next[at] >= 0 {
                            let after = merge(ids[at], ids[Int(next[at])])
                            if after != .max { heap.push(after & 0xFFFF_FFFF_0000_0000 | UInt64(at)) }
                        }
                    }
                }
            }
        }
        for id in scratch.ids where id >= 0 { out.append(id) }
        scratch.heap = heap.storage
    }
}

/// A binary heap of integers, smallest first.
struct MinHeap {
    private(set) var storage: [UInt64]

    /// Takes over an array's memory.
    init(storage: [UInt64]) {
        self.storage = storage
        self.storage.removeAll(keepingCapacity: true)
    }

    mutating func append(_ value: UInt64) { storage.append(value) }

    mutating func heapify() {
        var i = storage.count / 2
        while i > 0 {
            i -= 1
            sink(i)
        }
    }

    mutating func push(_ value: UInt64) {
        storage.append(value)
        var i = storage.count - 1
        while i > 0, storage[(i - 1) / 2] > value {
            storage[i] = storage[(i - 1) / 2]
            i = (i - 1) / 2
        }
        storage[i] = value
    }

    mutating func pop() -> UInt64? {
        guard let top = storage.first, let last = storage.popLast() else { return nil }
        if !storage.isEmpty {
            storage[0] = last
            sink(0)
        }
        return top
    }

    private mutating func sink(_ start: Int) {
        storage.withUnsafeMutableBufferPointer { heap in
            let value = heap[start]
            var i = start
            while true {
                var child = 2 * i + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < value else { break }
                heap[i] = heap[child]
                i = child
            }
            heap[i] = value
        }
    }
}
