/// SentencePiece's BPE as GGUF files carry it (`tokenizer.ggml.model` = `llama`): no list of merges; two neighbours may
/// join when their text is a token, the best score first, leftmost on ties. What is no token in the end becomes bytes.
struct ScoredBPE: Sendable {
    var vocabulary: ByteTable
    /// By id.
    var scores: [Float]
    var byteIDs: [Int32]
    var unknownID: Int32?
    /// Bytes of the longest token.
    private let longest: Int

    init(vocabulary: ByteTable, scores: [Float], unknownID: Int32?) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknownID = unknownID
        byteIDs = BPE.byteIDs(in: vocabulary)
        var longest = 0
        for id in 0..<Int32(vocabulary.bound) { longest = max(longest, vocabulary.text(id)?.count ?? 0) }
        self.longest = longest
    }

    /// Scores in an order that sorts as integers, best first.
    @inline(__always)
    private static func key(_ score: Float, _ position: Int) -> UInt64 {
        let bits = (score + 0).bitPattern
        let ascending = bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000
        return UInt64(~ascending) << 32 | UInt64(position)
    }

    func encode(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ out: inout [Int32]) {
        // Symbols by the byte they begin at.
        var length: [Int32] = []
        var previous: [Int32] = []
        var next: [Int32] = []
        var offset: [Int] = []
        var p = start
        while p < end {
            let n = UTF8Text.length(lead: text[p])
            offset.append(p)
            length.append(Int32(n))
            p += n
        }
        let count = offset.count
        previous = (0..<Int32(count)).map { $0 - 1 }
        next = (0..<Int32(count)).map { $0 + 1 < count ? $0 + 1 : -1 }
        var heap = MinHeap(storage: [])

        func candidate(_ left: Int, _ right: Int) -> Float? {
            let total = Int(length[left] + length[right])
            guard total <= longest,
                let id = vocabulary.id(UnsafeBufferPointer(start: text + offset[left], count: total))
            else { return nil }
            return Int(id) < scores.count ? scores[Int(id)] : 0
        }
        for i in 0..<max(count - 1, 0) {
            if let score = candidate(i, i + 1) { heap.append(Self.key(score, i)) }
        }
        heap.heapify()
        while let top = heap.pop() {
            let at = Int(top & 0xFFFF_FFFF)
            guard length[at] > 0, next[at] >= 0 else { continue }
            let right = Int(next[at])
            // A stale entry has another score, unless the new pair scores the same: then it is due now all the same.
            guard let score = candidate(at, right), Self.key(score, at) == top else { continue }
            length[at] += length[right]
            length[right] = 0
            next[at] = next[right]
            if next[at] >= 0 { previous[Int(next[at])] = Int32(at) }
            if previous[at] >= 0, let before = candidate(Int(previous[at]), at) {
                heap.push(Self.key(before, Int(previous[at])))
            }
            if next[at] >= 0, let after = candidate(at, Int(next[at])) { heap.push(Self.key(after, at)) }
        }
        for i in 0..<count where length[i] > 0 {
            if let id = vocabulary.id(UnsafeBufferPointer(start: text + offset[i], count: Int(length[i]))) {
                out.append(id)
                continue
            }
            for b in offset[i]..<offset[i] + Int(length[i]) {
                let id = byteIDs[Int(text[b])]
                if id >= 0 { out.append(id) } else if let unknownID { out.append(unknownID) }
            }
        }
    }
}
