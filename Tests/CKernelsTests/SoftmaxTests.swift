import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite(.serialized) struct Softmax {
        static let lengths = [1, 2, 15, 16, 17, 100, 1009, 49152]

        static func logProbabilities(_ logits: [Float]) -> [Double] {
            let top = Double(logits.max()!)
            // Neumaier's sum: the reference must be better than what it judges.
            var sum = 0.0, lost = 0.0
            for x in logits {
                let term = exp(Double(x) - top), next = sum + term
                lost += abs(sum) >= abs(term) ? (sum - next) + term : (term - next) + sum
                sum = next
            }
            return logits.map { Double($0) - top - log(sum + lost) }
        }

        @Test func logSoftmax() {
            var random = Random(1)
            for n in Self.lengths {
                var logits = random.floats(n, scale: 20)
                if n > 10 {
                    logits[3] = -.infinity
                    logits[n - 1] = -1e30
                    logits[5] = 900
                    logits[6] = 899
                }
                let want = Self.logProbabilities(logits)
                var first: [Float]?
                onEachISA { _, name in
                    var out = logits
                    ab_log_softmax(out, n, &out)
                    let worst = zip(out, want).map { ulps($0, $1) }.max()!
                    #expect(worst <= 0.51, "\(name) \(n): \(worst) ulp")
                    #expect(first == nil || sameBits(first!, out))
                    first = first ?? out
                }
            }
        }

        @Test func argmax() {
            var random = Random(2)
            onEachISA { _, name in
                for n in Self.lengths {
                    // Few distinct values, so ties at every distance.
                    var x = (0..<n).map { _ in Float(random.integer(-3...3)) }
                    #expect(ab_argmax(x, n) == x.firstIndex(of: x.max()!)!, "\(name) \(n)")
                    x = [Float](repeating: -.infinity, count: n)
                    #expect(ab_argmax(x, n) == 0)
                    x[n - 1] = -5
                    #expect(ab_argmax(x, n) == n - 1)
                    if n > 2 {
                        x[0] = .nan
                        x[1] = .nan
                        x[2] = -4
                        #expect(ab_argmax(x, n) == 2, "\(name): NaN never wins")
                    }
                }
                #expect(ab_argmax([0, -0.0], 2) == 0 && ab_argmax([-0.0, 0], 2) == 0)
            }
        }

        static func reference(_ base: [Float], _ edited: [Float]) -> (kl: Double, reverse: Double, js: Double) {
            let p = logProbabilities(base), q = logProbabilities(edited)
            var kl = 0.0, reverse = 0.0, js = 0.0
            for (lp, lq) in zip(p, q) {
                let a = exp(lp), b = exp(lq)
                if a > 0 { kl += a * (lp - lq) }
                if b > 0 { reverse += b * (lq - lp) }
                // log (p / m) = -log1p((q - p) / 2p)
                if a > 0 { js -= 0.5 * a * log1p((b - a) / (2 * a)) }
                if b > 0 { js -= 0.5 * b * log1p((a - b) / (2 * b)) }
            }
            return (kl, reverse, js)
        }

        @Test func compareLogits() {
            var random = Random(3)
            for n in Self.lengths where n > 1 {
                for noise in [Float(1e-3), 0.1, 3] {
                    let base = random.floats(n, scale: 12), edited = base.map { $0 + random.float(noise) }
                    let token = Int32(random.integer(0...n - 1))
                    let want = Self.reference(base, edited)
                    let p = Self.logProbabilities(base), q = Self.logProbabilities(edited)
                    onEachISA { _, name in
                        var d = ab_divergence()
                        ab_compare_logits(base, edited, n, token, &d)
                        let top = base.firstIndex(of: base.max()!)!
                        for (got, right) in [(d.kl, want.kl), (d.reverse_kl, want.reverse), (d.js, want.js)] {
                            #expect(abs(got - right) <= 1e-14 + 1e-11 * right, "\(name) n \(n) noise \(noise)")
                        }
                        #expect(Int(d.base_top) == top)
                        #expect(Int(d.edited_top) == edited.firstIndex(of: edited.max()!)!)
                        for (got, right) in [
                            (d.base_top_logprob, p[top]), (d.edited_logprob_of_base_top, q[top]),
                            (d.base_token_logprob, p[Int(token)]), (d.edited_token_logprob, q[Int(token)]),
                        ] { #expect(abs(got - right) < 1e-13) }
                    }
                }
            }
        }

        @Test func compareLogitsAtTheEdges() {
            var random = Random(4)
            onEachISA { _, name in
                var d = ab_divergence()
                let base = random.floats(333, scale: 10)
                ab_compare_logits(base, base, 333, -1, &d)
                #expect(d.kl == 0 && d.reverse_kl == 0 && abs(d.js) < 1e-15, "\(name): identical rows")

                // Masked in both: 0 · log 0 = 0.
                var a = base, b = base.map { $0 * 0.9 }
                for i in stride(from: 0, to: 333, by: 3) { (a[i], b[i]) = (-.infinity, -.infinity) }
                ab_compare_logits(a, b, 333, 1, &d)
                let kept = a.indices.filter { a[$0].isFinite }
                let want = Self.reference(kept.map { a[$0] }, kept.map { b[$0] })
                #expect(abs(d.kl - want.kl) < 1e-13 && abs(d.js - want.js) < 1e-13, "\(name): masked in both")

                // Masked in one: infinite in one direction, finite in the other; JS stays below log 2.
                ab_compare_logits(a, base, 333, 0, &d)
                #expect(d.kl.isFinite && d.reverse_kl == .infinity && d.js > 0 && d.js < log(2.0), "\(name)")
                #expect(d.base_token_logprob == -.infinity)
                ab_compare_logits(base, a, 333, 0, &d)
                #expect(d.kl == .infinity && d.reverse_kl.isFinite && d.js.isFinite, "\(name)")

                // Disjoint support.
                ab_compare_logits([0, -.infinity], [-.infinity, 0], 2, -1, &d)
                #expect(abs(d.js - log(2.0)) < 1e-15 && d.base_top == 0 && d.edited_top == 1)
                // Far apart, nothing masked.
                ab_compare_logits([0, -2000], [-2000, 0], 2, -1, &d)
                #expect(d.kl == 2000 && abs(d.js - log(2.0)) < 1e-15)
                // A NaN shows.
                ab_compare_logits([0, .nan, 1], [0, 1, 1], 3, -1, &d)
                #expect(d.kl.isNaN)
            }
        }
    }
}
