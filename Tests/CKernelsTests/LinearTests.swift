import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite(.serialized) struct Linear {
        static let edgeShapes: [(m: Int, n: Int, k: Int)] = [
            (1, 1, 1), (1, 17, 63), (2, 49, 577), (7, 1, 577), (70, 17, 1), (13, 130, 64), (5, 16, 2), (6, 64, 3),
            (64, 48, 63), (1, 576, 576), (33, 65, 1030), (12, 33, 2500), (1, 49, 4099),
        ]
        static func shapes(seed: UInt64, count: Int) -> [(m: Int, n: Int, k: Int)] {
            var random = Random(seed)
            return edgeShapes
                + (0..<count).map { _ in
                    (random.integer(1...70), random.integer(1...150), random.integer(1...600))
                }
        }

        /// The bound is the one of a sum of k fused multiply-adds: |error| <= k · 2^-24 · Σ|x w| (plus the bias).
        @Test(arguments: [AB_PRECISION_F32, AB_PRECISION_BF16])
        func matchesDoubleReference(precision: ab_precision) {
            for (index, shape) in Self.shapes(seed: 11, count: 12).enumerated() {
                var random = Random(UInt64(index) + 100)
                let (m, n, k) = shape
                let x = random.floats(m * k, scale: 2), w = random.floats(n * k), bias = random.floats(n)
                let withBias = index % 2 == 1
                let packed = Packed(precision, n: n, k: k, rows: w)
                var first: [Float]?
                onEachISA { _, name in
                    let y = packed.times(x, rows: m, bias: withBias ? bias : nil)
                    var worst = 0.0
                    for i in 0..<m {
                        for j in 0..<n {
                            var sum = 0.0, size = 0.0
                            for c in 0..<k {
                                var a = x[i * k + c], b = w[j * k + c]
                                if precision == AB_PRECISION_BF16 { (a, b) = (bf16Rounded(a), bf16Rounded(b)) }
                                sum += Double(a) * Double(b)
                                size += abs(Double(a) * Double(b))
                            }
                            if withBias {
                                sum += Double(bias[j])
                                size += abs(Double(bias[j]))
                            }
                            let bound = Double(k + 1) * 0x1p-24 * size + 0x1p-149
                            worst = max(worst, abs(Double(y[i * n + j]) - sum) / bound)
                        }
                    }
                    #expect(worst <= 1, "\(name) \(shape): error is \(worst) times the bound")
                    if let first {
                        #expect(sameBits(first, y), "\(name) \(shape) differs from the plain version")
                    } else {
                        first = y
                    }
                }
            }
        }

        /// The documented order, written out: odd k of a pair first for bf16, rising k for f32, one fma each.
        @Test(arguments: [AB_PRECISION_F32, AB_PRECISION_BF16])
        func sumsInTheDocumentedOrder(precision: ab_precision) {
            var random = Random(5)
            let (m, n, k) = (9, 37, 301)
            let x = random.floats(m * k, scale: 3), w = random.floats(n * k)
            var expected = [Float](repeating: 0, count: m * n)
            for i in 0..<m {
                for j in 0..<n {
                    var sum: Float = 0
                    for step in 0..<(k + k % 2) {
                        let c = precision == AB_PRECISION_F32 ? step : step ^ 1
                        guard c < k else { continue }
                        var a = x[i * k + c], b = w[j * k + c]
                        if precision == AB_PRECISION_BF16 { (a, b) = (bf16Rounded(a), bf16Rounded(b)) }
                        sum = sum.addingProduct(a, b)
                    }
                    expected[i * n + j] = sum
                }
            }
            let packed = Packed(precision, n: n, k: k, rows: w)
            onEachISA { _, name in #expect(sameBits(packed.times(x, rows: m), expected), "\(name)") }
        }

        @Test(arguments: [AB_PRECISION_F32, AB_PRECISION_BF16])
        func sameBitsWhateverTheBatchAndThreads(precision: ab_precision) {
            for (index, shape) in Self.shapes(seed: 23, count: 6).enumerated() {
                var random = Random(UInt64(index) + 900)
                let (m, n, k) = shape
                let x = random.floats(m * k), bias = random.floats(n)
                let packed = Packed(precision, n: n, k: k, rows: random.floats(n * k))
                onEachISA { _, name in
                    let whole = withThreads(1) { packed.times(x, rows: m, bias: bias) }
                    let threaded = withThreads(2) { packed.times(x, rows: m, bias: bias) }
                    #expect(sameBits(whole, threaded), "\(name) \(shape): 1 and 2 threads")
                    for i in 0..<m {
                        let alone = packed.times(Array(x[i * k..<(i + 1) * k]), rows: 1, bias: bias)
                        #expect(sameBits(alone, Array(whole[i * n..<(i + 1) * n])), "\(name) \(shape): row \(i) alone")
                    }
                    let cut = random.integer(0...m)
                    let parts =
                        packed.times(Array(x[..<(cut * k)]), rows: cut, bias: bias)
                        + packed.times(Array(x[(cut * k)...]), rows: m - cut, bias: bias)
                    #expect(sameBits(parts, whole), "\(name) \(shape): cut at \(cut)")
                }
            }
        }

        @Test(arguments: [AB_PRECISION_F32, AB_PRECISION_BF16])
        func packingIsIndependentOfTheSplit(precision: ab_precision) {
            var random = Random(77)
            for (n, k) in [(1, 1), (17, 63), (49, 577), (64, 32), (130, 5)] {
                let rows = random.floats(n * k)
                let whole = Packed(precision, n: n, k: k, rows: rows)
                for _ in 0..<4 {
                    var pieces: [Int] = []
                    while pieces.reduce(0, +) < n {
                        pieces.append(min(n - pieces.reduce(0, +), random.integer(1...40)))
                    }
                    let split = Packed(precision, n: n, k: k, rows: rows, pieces: pieces)
                    #expect(memcmp(whole.memory, split.memory, whole.bytes) == 0, "(\(n), \(k)) as \(pieces)")
                }
                for row in [0, n / 2, n - 1] {
                    var out = [Float](repeating: 0, count: k)
                    ab_unpack_row(precision, n, k, whole.memory, row, &out)
                    let want = rows[row * k..<(row + 1) * k].map {
                        precision == AB_PRECISION_F32 ? $0 : bf16Rounded($0)
                    }
                    #expect(sameBits(out, want))
                }
            }
        }

        @Test(arguments: [AB_PRECISION_F32, AB_PRECISION_BF16])
        func argmaxEqualsLinearThenArgmax(precision: ab_precision) {
            for (index, shape) in Self.shapes(seed: 31, count: 6).enumerated() {
                var random = Random(UInt64(index) + 40)
                let (m, n, k) = shape
                // Coarse values and repeated rows make ties common.
                let x = (0..<m * k).map { _ in Float(random.integer(-2...2)) }
                var w = (0..<n * k).map { _ in Float(random.integer(-1...1)) }
                for j in stride(from: n / 2, to: n, by: 1) {
                    for c in 0..<k { w[j * k + c] = w[(j - n / 2) * k + c] }
                }
                let packed = Packed(precision, n: n, k: k, rows: w)
                onEachISA { _, name in
                    for softcap in [Float(0), 3] {
                        for threads in [Int32(1), 2] {
                            var y = packed.times(x, rows: m)
                            if softcap != 0 { ab_softcap(&y, y.count, softcap) }
                            var indices = [Int32](repeating: -7, count: m), values = [Float](repeating: 0, count: m)
                            withThreads(threads) {
                                ab_linear_argmax(precision, x, m, packed.memory, n, k, nil, softcap, &indices, &values)
                            }
                            for i in 0..<m {
                                let row = Array(y[i * n..<(i + 1) * n])
                                let best = row.firstIndex(of: row.max()!)!
                                #expect(Int(indices[i]) == best, "\(name) \(shape) softcap \(softcap) row \(i)")
                                #expect(values[i].bitPattern == row[best].bitPattern)
                            }
                        }
                    }
                }
            }
        }

        @Test func nonFiniteValuesReachTheOutputOfTheirRowOnly() {
            var random = Random(3)
            let (m, n, k) = (8, 20, 40)
            var x = random.floats(m * k)
            x[3 * k + 7] = .nan
            x[5 * k + 1] = .infinity
            for precision in [AB_PRECISION_F32, AB_PRECISION_BF16] {
                let packed = Packed(precision, n: n, k: k, rows: random.floats(n * k))
                onEachISA { _, name in
                    let y = packed.times(x, rows: m)
                    for i in 0..<m {
                        let row = Array(y[i * n..<(i + 1) * n])
                        if i == 3 { #expect(row.allSatisfy { $0.isNaN }, "\(name)") }
                        if i == 5 { #expect(row.allSatisfy { !$0.isFinite }, "\(name)") }
                        if i != 3 && i != 5 { #expect(row.allSatisfy { $0.isFinite }, "\(name)") }
                    }
                }
            }
        }
    }
}
