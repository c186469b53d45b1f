import CKernels
import Foundation
import Testing

/// One sequence's queries, keys and values, and attention over them with any cut into segments and chunks.
struct AttentionCase {
    var heads = 6, kvHeads = 2, dim = 64, length = 70
    var window = 0, softcap: Float = 0, type = AB_F32
    var sinks: [Float]?
    var q: [Float] = [], k: [Float] = [], v: [Float] = []
    var scale: Float { 1 / Float(dim).squareRoot() }

    mutating func fill(_ random: inout Random, scale: Float = 2) {
        q = random.floats(length * heads * dim, scale: scale)
        k = random.floats(length * kvHeads * dim, scale: scale)
        v = random.floats(length * kvHeads * dim)
    }

    /// Attention of queries [0, length) in chunks, keys and values in segments of the given lengths.
    func run(chunks: [Int], segments: [Int]) -> [Float] {
        let width = kvHeads * dim, stride = width + 5
        let bytes = type == AB_F32 ? 4 : 2
        var memory: [UnsafeMutableRawPointer] = [], list: [ab_kv_segment] = []
        defer { memory.forEach { $0.deallocate() } }
        var start = 0
        for segment in segments {
            var both: [UnsafeMutableRawPointer] = []
            for source in [k, v] {
                let storage = UnsafeMutableRawPointer.allocate(byteCount: max(segment * stride * bytes, 1), alignment: 64)
                source.withUnsafeBufferPointer {
                    ab_store_kv(type, $0.baseAddress! + start * width, width, segment, width, storage, stride)
                }
                both.append(storage)
            }
            memory += both
            list.append(ab_kv_segment(keys: both[0], values: both[1], length: segment, stride: stride))
            start += segment
        }
        var out = [Float](repeating: .nan, count: length * heads * dim)
        var first = 0
        for chunk in chunks {
            out.withUnsafeMutableBufferPointer { out in
                q.withUnsafeBufferPointer { q in
                    list.withUnsafeBufferPointer { list in
                        (sinks ?? [0]).withUnsafeBufferPointer { sinkValues in
                            var job = ab_attention_job()
                            job.q = q.baseAddress! + first * heads * dim
                            job.q_stride = heads * dim
                            job.queries = chunk
                            job.first_position = first
                            job.segments = list.baseAddress
                            job.segment_count = list.count
                            job.out = out.baseAddress! + first * heads * dim
                            job.out_stride = heads * dim
                            var shape = ab_attention_shape()
                            shape.heads = heads
                            shape.kv_heads = kvHeads
                            shape.head_dim = dim
                            shape.scale = scale
                            shape.softcap = softcap
                            shape.window = window
                            shape.sinks = sinks == nil ? nil : sinkValues.baseAddress
                            shape.kv_type = type
                            ab_attention(&job, 1, &shape)
                        }
                    }
                }
            }
            first += chunk
        }
        return out
    }

    func reference() -> [Double] {
        var out = [Double](repeating: 0, count: length * heads * dim)
        let round: (Float) -> Double = { Double(type == AB_F32 ? $0 : bf16Rounded($0)) }
        for i in 0..<length {
            let begin = window > 0 ? max(0, i + 1 - window) : 0
            for h in 0..<heads {
                let g = h / (heads / kvHeads)
                var scores: [Double] = []
                for j in begin...i {
                    var s = 0.0
                    for d in 0..<dim { s += Double(q[(i * heads + h) * dim + d]) * round(k[(j * kvHeads + g) * dim + d]) }
                    s *= Double(scale)
                    if softcap != 0 { s = Double(softcap) * tanh(s / Double(softcap)) }
                    scores.append(s)
                }
                var top = scores.max()!
                if let sinks { top = max(top, Double(sinks[h])) }
                var total = sinks.map { exp(Double($0[h]) - top) } ?? 0
                scores = scores.map { exp($0 - top) }
                total += scores.reduce(0, +)
                for (n, p) in scores.enumerated() {
                    for d in 0..<dim {
                        out[(i * heads + h) * dim + d] += p / total * round(v[((begin + n) * kvHeads + g) * dim + d])
                    }
                }
            }
        }
        return out
    }
}

/// `total` as pieces of at most `largest`, random lengths.
func pieces(_ total: Int, largest: Int, _ random: inout Random) -> [Int] {
    var out: [Int] = [], left = total
    while left > 0 {
        out.append(min(left, random.integer(1...largest)))
        left -= out[out.count - 1]
    }
    return out
}

extension KernelTests {
    @Suite(.serialized) struct Attention {
        static let cases: [AttentionCase] = [
            AttentionCase(),
            AttentionCase(heads: 14, kvHeads: 2, dim: 64, length: 130, type: AB_BF16),
            AttentionCase(heads: 3, kvHeads: 3, dim: 80, length: 67, window: 9),
            AttentionCase(heads: 4, kvHeads: 1, dim: 256, length: 66, window: 33, softcap: 5),
            AttentionCase(heads: 2, kvHeads: 1, dim: 8, length: 33, type: AB_BF16, sinks: [0.5, -3]),
            AttentionCase(heads: 8, kvHeads: 2, dim: 23, length: 49, window: 1),
            AttentionCase(heads: 2, kvHeads: 2, dim: 128, length: 1, sinks: [40, -1000]),
            AttentionCase(heads: 4, kvHeads: 4, dim: 32, length: 200, window: 70),
        ]

        @Test(arguments: cases.indices)
        func matchesDoubleReference(index: Int) {
            var test = Self.cases[index]
            var random = Random(UInt64(index) + 71)
            test.fill(&random)
            let reference = test.reference()
            var first: [Float]?
            onEachISA { _, name in
                let out = test.run(chunks: [test.length], segments: [test.length])
                let worst = zip(out, reference).map { abs(Double($0) - $1) }.max()!
                #expect(worst < 5e-6 && out.allSatisfy { $0.isFinite }, "\(name) case \(index): \(worst)")
                if let first { #expect(sameBits(out, first), "\(name) case \(index) differs from the plain version") }
                first = first ?? out
            }
        }

        @Test(arguments: cases.indices)
        func sameBitsWhateverChunksSegmentsThreads(index: Int) {
            var test = Self.cases[index]
            var random = Random(UInt64(index) + 171)
            test.fill(&random, scale: 4)
            let n = test.length
            onEachISA { _, name in
                let whole = withThreads(1) { test.run(chunks: [n], segments: [n]) }
                #expect(sameBits(withThreads(2) { test.run(chunks: [n], segments: [n]) }, whole), "\(name) threads")
                for chunk in [1, 7, 64] {
                    let chunks = (0..<(n + chunk - 1) / chunk).map { min(chunk, n - $0 * chunk) }
                    #expect(sameBits(test.run(chunks: chunks, segments: [n]), whole), "\(name) case \(index) by \(chunk)")
                }
                for _ in 0..<3 {
                    let chunks = pieces(n, largest: 40, &random), segments = pieces(n, largest: 50, &random) + [0]
                    #expect(sameBits(test.run(chunks: chunks, segments: segments), whole),
                            "\(name) case \(index) chunks \(chunks) segments \(segments)")
                }
            }
        }

        /// What a query may not see must not touch it, not even as NaN.
        @Test func futureAndExpiredKeysHaveNoEffect() {
            var test = AttentionCase(heads: 4, kvHeads: 2, dim: 32, length: 100, window: 20)
            var random = Random(9)
            test.fill(&random)
            let clean = test.run(chunks: [100], segments: [100])
            let width = test.kvHeads * test.dim, row = test.heads * test.dim
            for c in 0..<width {
                test.k[60 * width + c] = .nan
                test.v[60 * width + c] = .infinity
            }
            onEachISA { _, name in
                let out = test.run(chunks: [100], segments: [100])
                #expect(sameBits(Array(out[..<(60 * row)]), Array(clean[..<(60 * row)])), "\(name) future")
                #expect(sameBits(Array(out[(80 * row)...]), Array(clean[(80 * row)...])), "\(name) expired")
                #expect(out[60 * row..<80 * row].allSatisfy { !$0.isFinite }, "\(name) visible")
            }
        }

        @Test func extremeScoresStayFinite() {
            var test = AttentionCase(heads: 2, kvHeads: 1, dim: 16, length: 40)
            var random = Random(1)
            test.fill(&random, scale: 300)
            let reference = test.reference()
            onEachISA { _, name in
                let out = test.run(chunks: [40], segments: [40])
                // Scores reach 1e5, where one f32 rounding of a score moves its weight by up to 1 %.
                let worst = zip(out, reference).map { abs(Double($0) - $1) }.max()!
                #expect(worst < 0.02, "\(name): \(worst)")
            }
        }

        @Test func manyJobsAtOnceEqualOneByOne() {
            var random = Random(12)
            let lengths = [1, 5, 33, 64, 129], heads = 6, kvHeads = 2, dim = 64
            let keys = random.floats(129 * kvHeads * dim), values = random.floats(129 * kvHeads * dim)
            let q = random.floats(lengths.count * heads * dim)
            var together = [Float](repeating: .nan, count: q.count), single = together
            var shape = ab_attention_shape()
            shape.heads = heads
            shape.kv_heads = kvHeads
            shape.head_dim = dim
            shape.scale = 0.125
            shape.kv_type = AB_F32
            keys.withUnsafeBufferPointer { keys in
                values.withUnsafeBufferPointer { values in
                    q.withUnsafeBufferPointer { q in
                        let segments = lengths.map {
                            ab_kv_segment(keys: keys.baseAddress, values: values.baseAddress, length: $0,
                                          stride: kvHeads * dim)
                        }
                        segments.withUnsafeBufferPointer { segments in
                            for (target, all) in [(0, true), (1, false)] {
                                func fill(_ out: UnsafeMutablePointer<Float>) {
                                    var jobs = lengths.indices.map { i in
                                        var job = ab_attention_job()
                                        job.q = q.baseAddress! + i * heads * dim
                                        job.q_stride = heads * dim
                                        job.queries = 1
                                        job.first_position = lengths[i] - 1
                                        job.segments = segments.baseAddress! + i
                                        job.segment_count = 1
                                        job.out = out + i * heads * dim
                                        job.out_stride = heads * dim
                                        return job
                                    }
                                    if all { ab_attention(&jobs, jobs.count, &shape) }
                                    else { for i in jobs.indices { ab_attention(&jobs[i], 1, &shape) } }
                                }
                                if target == 0 { fill(&together) } else { fill(&single) }
                            }
                        }
                    }
                }
            }
            #expect(sameBits(together, single) && together.allSatisfy { $0.isFinite })
        }
    }
}
