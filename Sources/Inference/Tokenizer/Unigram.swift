/// A unigram language model of pieces (Kudo 2018): the segmentation with the greatest sum of log-probabilities, by
/// Viterbi's algorithm, as SentencePiece's optimised encoder breaks ties.
struct Unigram: Sendable {
    var vocabulary: ByteTable
    private let scores: [Double]
    private let unknownID: Int32?
    private let byteIDs: [Int32]
    private let unknownScore: Double
    /// node << 8 | byte → child node.
    private var edges: PairTable
    /// Token that ends at a node, or −1.
    private var tokens: [Int32] = [-1]

    /// SentencePiece's penalty for an unknown character, below the worst piece.
    private static let unknownPenalty = 10.0

    /// - Parameter pieces: texts and log-probabilities; the index is the id. A repeated text counts with its last id.
    init(pieces: [(text: [UInt8], score: Double)], unknownID: Int32?, hasByteFallback: Bool) {
        var vocabulary = ByteTable(capacity: pieces.count)
        edges = PairTable(capacity: pieces.count * 4)
        var lowest = Double.infinity
        for (id, piece) in pieces.enumerated() {
            vocabulary.insert(piece.text, id: Int32(id))
            lowest = min(lowest, piece.score)
        }
        for (id, piece) in pieces.enumerated() where !piece.text.isEmpty {
            var node = 0
            for byte in piece.text {
                let key = UInt64(node) << 8 | UInt64(byte)
                if let child = edges[key] {
                    node = Int(child)
                } else {
                    edges.set(key, UInt64(tokens.count))
                    node = tokens.count
                    tokens.append(-1)
                }
            }
            tokens[node] = Int32(id)
        }
        self.vocabulary = vocabulary
        scores = pieces.map(\.score)
        self.unknownID = unknownID
        unknownScore = lowest - Self.unknownPenalty
        byteIDs = hasByteFallback ? BPE.byteIDs(in: vocabulary) : []
    }

    func encode(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ out: inout [Int32]) {
        let count = end - start
        var best = [Double](repeating: 0, count: count + 1)
        var from = [Int32](repeating: -1, count: count + 1)
        var node = [Int32](repeating: -1, count: count + 1)
        var p = 0
        while p < count {
            let here = best[p]
            let length = UTF8Text.length(lead: text[start + p])
            var hasSingle = false
            var state = 0
            var q = p
            while q < count, let child = edges[UInt64(state) << 8 | UInt64(text[start + q])] {
                state = Int(child)
                q += 1
                let id = tokens[state]
                guard id >= 0 else { continue }
                let score = here + scores[Int(id)]
                if from[q] < 0 || score > best[q] {
                    best[q] = score
                    from[q] = Int32(p)
                    node[q] = id
                }
                if q - p == length { hasSingle = true }
            }
            if !hasSingle {
                let score = here + unknownScore
                if from[p + length] < 0 || score > best[p + length] {
                    best[p + length] = score
                    from[p + length] = Int32(p)
                    // Without an unknown token the scalar is dropped later.
                    node[p + length] = unknownID ?? -1
                }
            }
            p += length
        }
        // Backwards: neighbouring unknowns are one segment.
        var segments: [(start: Int, end: Int)] = []
        var isInUnknown = false
        p = count
        while p > 0 {
            let begin = Int(from[p])
            let isUnknown = node[p] < 0 || node[p] == unknownID
            if isUnknown, isInUnknown {
                segments[segments.count - 1].start = begin
            } else {
                segments.append((begin, p))
            }
            isInUnknown = isUnknown
            p = begin
        }
        for segment in segments.reversed() {
            let length = segment.end - segment.start
            if let id = vocabulary.id(UnsafeBufferPointer(start: text + start + segment.start, count: length)) {
                out.append(id)
            } else if !byteIDs.isEmpty,
                (segment.start..<segment.end).allSatisfy({ byteIDs[Int(text[start + $0])] >= 0 })
            {
                for b in segment.start..<segment.end { out.append(byteIDs[Int(text[start + b])]) }
            } else if let unknownID {
                out.append(unknownID)
            }
        }
    }
}
