import CKernels
import Foundation
import Testing

/// Counts how often each index of a parallel region was visited, and the shortest range seen.
final class Visits: @unchecked Sendable {
    var counts: [Int32]
    var shortest = Int.max
    let lock = NSLock()
    var nested = 0
    init(_ count: Int) { counts = .init(repeating: 0, count: count) }
}

func visit(_ visits: Visits, grain: Int, nested: Int = 0) {
    visits.nested = nested
    ab_parallel_for(visits.counts.count, grain, { context, begin, end in
        let visits = Unmanaged<Visits>.fromOpaque(context!).takeUnretainedValue()
        if visits.nested > 0 {
            let inner = Visits(visits.nested)
            visit(inner, grain: 1)
            precondition(inner.counts.allSatisfy { $0 == 1 })
        }
        visits.lock.lock()
        visits.shortest = min(visits.shortest, end - begin)
        for i in begin..<end { visits.counts[i] += 1 }
        visits.lock.unlock()
    }, Unmanaged.passUnretained(visits).toOpaque())
}

extension KernelTests {
    @Suite(.serialized) struct Threads {
        @Test func coversEveryIndexOnce() {
            var random = Random(1)
            for threads in [Int32(1), 2, 3, 7] {
                withThreads(threads) {
                    #expect(ab_threads() == threads)
                    for _ in 0..<200 {
                        let count = random.integer(0...300), grain = random.integer(0...40)
                        let visits = Visits(count)
                        visit(visits, grain: grain)
                        #expect(visits.counts.allSatisfy { $0 == 1 }, "\(count) by \(grain) on \(threads)")
                        if count > 0 { #expect(visits.shortest >= min(count, max(grain, 1))) }
                    }
                }
            }
            ab_set_threads(0)
            #expect(ab_threads() >= 1)
        }

        @Test func nestedAndConcurrentRegions() {
            withThreads(3) {
                let nested = Visits(64)
                visit(nested, grain: 1, nested: 50)
                #expect(nested.counts.allSatisfy { $0 == 1 })

                let failures = Visits(4)
                DispatchQueue.concurrentPerform(iterations: 4) { thread in
                    for round in 0..<300 {
                        let visits = Visits(1 + (round * 7 + thread) % 90)
                        visit(visits, grain: 1, nested: round % 5 == 0 ? 9 : 0)
                        if !visits.counts.allSatisfy({ $0 == 1 }) {
                            failures.lock.lock()
                            failures.counts[thread] += 1
                            failures.lock.unlock()
                        }
                    }
                }
                #expect(failures.counts.allSatisfy { $0 == 0 })
            }
        }

        @Test func productsFromSeveralThreadsAreRight() {
            var random = Random(5)
            let (m, n, k) = (33, 200, 300)
            let x = random.floats(m * k)
            let packed = Packed(AB_PRECISION_F32, n: n, k: k, rows: random.floats(n * k))
            let want = packed.times(x, rows: m)
            let wrong = Visits(3)
            withThreads(2) {
                let shared = Shared(packed: packed)
                DispatchQueue.concurrentPerform(iterations: 3) { thread in
                    for _ in 0..<20 where !sameBits(shared.packed.times(x, rows: m), want) {
                        wrong.lock.lock()
                        wrong.counts[thread] += 1
                        wrong.lock.unlock()
                    }
                }
            }
            #expect(wrong.counts == [0, 0, 0])
        }

        struct Shared: @unchecked Sendable { let packed: Packed }

        @Test func instructionSetIsNamedAndExplained() {
            let active = ab_isa_active()
            #expect(availableISAs.contains(active))
            #expect(String(cString: ab_isa_reason()).contains(":"))
            #expect(!ab_isa_force(ab_isa(rawValue: 77)) && ab_isa_active() == active)
            #if arch(x86_64)
            #expect(!ab_isa_force(AB_ISA_NEON))
            #endif
        }
    }
}
