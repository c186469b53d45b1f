import CKernels
import Foundation
import Testing

/// Distance in units in the last place of the f32 nearest to `want`.
func ulps(_ got: Float, _ want: Double) -> Double {
    let nearest = Float(want)
    if got == nearest || (got.isNaN && nearest.isNaN) { return 0 }
    if nearest.isInfinite || got.isInfinite || got.isNaN || nearest.isNaN { return .infinity }
    return abs(Double(got) - want) / Double(max(nearest.ulp, 0x1p-149))
}

extension KernelTests {
    @Suite(.serialized) struct Elementwise {
        /// Widths around the vector length, and ones that real models have.
        static let widths = [1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 576, 577, 896]

        /// `kernel` on every instruction set gives the plain version's bits; returns them.
        static func compared(_ what: String, _ kernel: () -> [Float]) -> [Float] {
            var first: [Float] = []
            onEachISA { isa, name in
                let out = kernel()
                if isa == availableISAs[0] { first = out } else { #expect(sameBits(first, out), "\(what): \(name)") }
            }
            return first
        }

        @Test func rmsnorm() {
            var random = Random(1)
            for d in Self.widths {
                let m = random.integer(1...9), epsilon: Float = 1e-6, offset: Float = d % 2 == 0 ? 1 : 0
                let x = random.floats(m * d, scale: d % 3 == 0 ? 1e4 : 0.3), w = random.floats(d)
                for weighted in [true, false] {
                    let out = Self.compared("rmsnorm \(d)") {
                        var out = [Float](repeating: .nan, count: m * d)
                        ab_rmsnorm(x, m, d, weighted ? w : nil, epsilon, offset, &out)
                        return out
                    }
                    for i in 0..<m {
                        let row = x[i * d..<(i + 1) * d].map(Double.init)
                        let inverse = 1 / (row.map { $0 * $0 }.reduce(0, +) / Double(d) + Double(epsilon)).squareRoot()
                        for j in 0..<d {
                            let gain = weighted ? Double(w[j] + offset) : 1
                            #expect(ulps(out[i * d + j], row[j] * inverse * gain) <= 2.6)
                        }
                    }
                }
            }
        }

        @Test func layernorm() {
            var random = Random(2)
            for d in Self.widths where d > 1 {
                let m = random.integer(1...5), epsilon: Float = 1e-5
                let x = random.floats(m * d).map { $0 + 100 }, w = random.floats(d), b = random.floats(d)
                let out = Self.compared("layernorm \(d)") {
                    var out = [Float](repeating: .nan, count: m * d)
                    ab_layernorm(x, m, d, w, b, epsilon, &out)
                    return out
                }
                for i in 0..<m {
                    let row = x[i * d..<(i + 1) * d].map(Double.init)
                    let mean = row.reduce(0, +) / Double(d)
                    let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(d)
                    for j in 0..<d {
                        let scaled = (row[j] - mean) / (variance + Double(epsilon)).squareRoot() * Double(w[j])
                        let want = scaled + Double(b[j])
                        #expect(abs(Double(out[i * d + j]) - want) <= 0x1p-23 * (abs(scaled) + abs(want)) + 1e-30)
                    }
                }
            }
        }

        @Test func activations() {
            var random = Random(3)
            var x = random.floats(3001, scale: 12) + random.floats(500, scale: 0.01) + random.floats(300, scale: 200)
            x += [0, -0.0, 88, -88, -87.5, 1e30, -1e30, 1e-30, -1e-30, .infinity]
            let up = random.floats(x.count)
            for (kind, limit) in [(AB_SILU, 4.0), (AB_GELU_TANH, 8.0), (AB_GELU_ERF, 4.0), (AB_RELU, 0)] {
                let out = Self.compared("activate \(kind)") {
                    var y = x
                    ab_activate(kind, &y, y.count)
                    return y
                }
                for (value, got) in zip(x, out) {
                    let v = Double(value)
                    let want: Double
                    // 1 + tanh and 1 + erf cancel for negative x: the error is relative to x there.
                    var allowed = limit * Double(Float(abs(v)).ulp)
                    switch kind {
                    case AB_SILU:
                        want = v / (1 + exp(-v))
                        // Below -88.7 e^-x overflows and the result is -0, as PyTorch's; it should be at most 2^-121.
                        allowed = max(limit * Double(Float(abs(want)).ulp), 0x1p-121)
                    case AB_GELU_TANH: want = 0.5 * v * (1 + tanh((2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v)))
                    case AB_GELU_ERF: want = 0.5 * v * (1 + erf(v / 2.0.squareRoot()))
                    default: want = max(v, 0)
                    }
                    #expect(Float(want) == got || abs(Double(got) - want) <= allowed, "\(kind)(\(value)) = \(got), not \(want)")
                }
                // Gated: rows with strides, any width, equal to the activation times up.
                let (m, n, gateStride, upStride) = (7, 37, 41, 50)
                let gated = Self.compared("gated \(kind)") {
                    var y = [Float](repeating: .nan, count: m * n)
                    ab_gated(kind, x, gateStride, up, upStride, m, n, &y)
                    return y
                }
                for i in 0..<m {
                    for j in 0..<n {
                        #expect(gated[i * n + j].bitPattern == (out[i * gateStride + j] * up[i * upStride + j]).bitPattern)
                    }
                }
            }
        }

        @Test func softcap() {
            var random = Random(4)
            let x = random.floats(2000, scale: 120) + random.floats(2000, scale: 30) + random.floats(500, scale: 0.1)
                + [0, -0.0, .infinity, -.infinity, 16.4, 16.6, -16.5, 1e-30]
            for cap in [Float(30), 50] {
                let out = Self.compared("softcap") {
                    var y = x
                    ab_softcap(&y, y.count, cap)
                    return y
                }
                let worst = zip(x, out).map { ulps($1, Double(cap) * tanh(Double($0) / Double(cap))) }.max()!
                #expect(worst <= 4, "\(worst) ulp")
                #expect(out.allSatisfy { abs($0) <= cap })
                var tiny: [Float] = [1e-38, -0x1p-149]  // x / cap is subnormal and loses digits: absolute error only
                ab_softcap(&tiny, 2, cap)
                #expect(abs(tiny[0] - 1e-38) < 0x1p-140 && abs(tiny[1]) < 0x1p-140)
            }
        }

        /// Through silu's relatives there is no bare exp in the interface; softmax of one key with a sink is one.
        @Test func exponential() {
            for isa in availableISAs {
                let before = ab_isa_active()
                _ = ab_isa_force(isa)
                defer { _ = ab_isa_force(before) }
                var random = Random(6)
                var worst = 0.0
                for _ in 0..<4000 {
                    // silu(x) / x = 1 / (1 + e^-x) is nearly e^x for x below -17.
                    let x = -17.5 - abs(random.float(60))
                    var y = [x]
                    ab_activate(AB_SILU, &y, 1)
                    worst = max(worst, ulps(y[0], Double(x) / (1 + exp(-Double(x)))))
                }
                #expect(worst <= 2.5, "\(isa): \(worst) ulp, the division and the sum included")
            }
        }

        @Test func rope() {
            var random = Random(7)
            for (dim, rotary) in [(64, 64), (80, 20), (128, 128), (6, 4), (256, 64)] {
                for interleaved in [false, true] {
                    let m = 5, heads = 3, stride = heads * dim + 3, half = rotary / 2
                    let c = random.floats(40 * half), s = random.floats(40 * half), x = random.floats(m * stride)
                    let positions = (0..<m).map { _ in Int32(random.integer(0...39)) }
                    let out = Self.compared("rope") {
                        var y = x
                        ab_rope(&y, m, stride, heads, dim, rotary, positions, c, s, interleaved)
                        return y
                    }
                    var want = x
                    for i in 0..<m {
                        for h in 0..<heads {
                            for j in 0..<half {
                                let base = i * stride + h * dim
                                let (a, b) = interleaved ? (base + 2 * j, base + 2 * j + 1) : (base + j, base + j + half)
                                let cosine = c[Int(positions[i]) * half + j], sine = s[Int(positions[i]) * half + j]
                                want[a] = x[a] * cosine - x[b] * sine
                                want[b] = x[b] * cosine + x[a] * sine
                            }
                        }
                    }
                    #expect(sameBits(out, want), "dim \(dim) rotary \(rotary) interleaved \(interleaved)")
                }
            }
        }

        @Test func editsAndAdd() {
            var random = Random(8)
            for k in Self.widths + [1500] {
                let m = random.integer(1...20)
                let x = random.floats(m * k), a = random.floats(k), c = random.floats(m)
                let dots = Self.compared("dot_rows") {
                    var out = [Float](repeating: .nan, count: m)
                    ab_dot_rows(x, m, k, a, &out)
                    return out
                }
                let outer = Self.compared("axpy_rows") {
                    var y = x
                    ab_axpy_rows(&y, m, k, c, a)
                    return y
                }
                let scaled = Self.compared("scale_columns") {
                    var out = [Float](repeating: .nan, count: m * k)
                    ab_scale_columns(x, m, k, a, &out)
                    return out
                }
                let added = Self.compared("add") {
                    var y = x
                    ab_add(&y, scaled, 0.5, y.count)
                    return y
                }
                for i in 0..<m {
                    var sum = 0.0, size = 0.0
                    for j in 0..<k {
                        let at = i * k + j
                        sum += Double(x[at]) * Double(a[j])
                        size += abs(Double(x[at]) * Double(a[j]))
                        #expect(outer[at].bitPattern == x[at].addingProduct(c[i], a[j]).bitPattern)
                        #expect(scaled[at].bitPattern == (x[at] * a[j]).bitPattern)
                        #expect(added[at].bitPattern == x[at].addingProduct(0.5, scaled[at]).bitPattern)
                    }
                    #expect(abs(Double(dots[i]) - sum) <= Double(k / 64 + 7) * 0x1p-24 * size)
                }
                var one = [Float](repeating: 0, count: 1)
                ab_dot_rows(Array(x[((m - 1) * k)...]), 1, k, a, &one)
                #expect(one[0].bitPattern == dots[m - 1].bitPattern, "a row alone")

                var first: [Double]?
                onEachISA { _, name in
                    for threads in [Int32(1), 2] {
                        var out = [Double](repeating: 0.25, count: k)
                        withThreads(threads) { ab_matvec_t(x, m, k, c, &out) }
                        #expect(first == nil || first! == out, "matvec_t \(name) threads \(threads)")
                        first = first ?? out
                    }
                }
                for j in 0..<k {
                    let want = 0.25 + (0..<m).map { Double(c[$0]) * Double(x[$0 * k + j]) }.reduce(0, +)
                    #expect(abs(first![j] - want) < 1e-13)
                }
            }
        }

        @Test func largeRowsAreTheSameOnTwoThreads() {
            var random = Random(10)
            let (m, d) = (96, 1536)
            let x = random.floats(m * d), w = random.floats(d)
            func all() -> [Float] {
                var norm = [Float](repeating: 0, count: m * d), gated = norm, active = x, capped = x
                ab_rmsnorm(x, m, d, w, 1e-6, 0, &norm)
                ab_gated(AB_SILU, x, d, norm, d, m, d, &gated)
                ab_activate(AB_GELU_TANH, &active, active.count)
                ab_softcap(&capped, capped.count, 30)
                return norm + gated + active + capped
            }
            onEachISA { _, name in #expect(sameBits(withThreads(1) { all() }, withThreads(2) { all() }), "\(name)") }
        }

        @Test func bf16Conversion() {
            var random = Random(11)
            var x = (0..<4003).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.bits())) }
            x += [0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, 0x1p-149, 1 + 0x1p-8, 1 + 0x1p-7 + 0x1p-8]
            x.append(Float(bitPattern: 0x7f80_0001))  // a NaN whose upper half alone would be infinity
            onEachISA { _, name in
                for count in [1, 15, 16, 17, x.count] {
                    let source = Array(x.suffix(count))
                    var bits = [UInt16](repeating: 0, count: count), back = [Float](repeating: 0, count: count)
                    ab_f32_to_bf16(source, &bits, count)
                    ab_bf16_to_f32(bits, &back, count)
                    for i in 0..<count where source[i].isNaN { #expect(back[i].isNaN, "\(name)") }
                    for i in 0..<count where !source[i].isNaN {
                        #expect(back[i].bitPattern == bf16Rounded(source[i]).bitPattern, "\(name) \(source[i])")
                    }
                }
            }
        }

        @Test func firstNonFinite() {
            var random = Random(12)
            onEachISA { _, name in
                for count in [0, 1, 15, 16, 17, 100, 1000] {
                    var x = random.floats(count, scale: 3e38)
                    #expect(ab_first_nonfinite(x, count) == count, "\(name)")
                    for bad in [Float.nan, .infinity, -.infinity] where count > 0 {
                        let at = random.integer(0...count - 1), later = random.integer(at...count - 1), old = x
                        x[later] = .nan
                        x[at] = bad
                        #expect(ab_first_nonfinite(x, count) == at, "\(name)")
                        x = old
                    }
                }
            }
        }
    }
}
