import Foundation

/// Python's `random.Random`: MT19937 with CPython's seeding from an integer and its ways of drawing from it.
///
/// lm-evaluation-harness draws few-shot examples with `random.Random(1234).sample`; the same prompts need the same
/// numbers. Algorithm: M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); the draws are
/// specified by the Python library's documentation and behaviour (3.2 and later, unchanged through 3.13).
package struct PythonRandom: Sendable {
    private static let size = 624
    private static let shift = 397
    private var state = [UInt32](repeating: 0, count: PythonRandom.size)
    private var position = PythonRandom.size

    /// `random.Random(seed)`. Python seeds from the absolute value, cut into 32-bit words, least significant first.
    package init(seed: Int) {
        var magnitude = seed.magnitude
        var key: [UInt32] = []
        repeat {
            key.append(UInt32(truncatingIfNeeded: magnitude))
            magnitude >>= 32
        } while magnitude != 0
        seedByArray(key)
    }

    private mutating func seedByArray(_ key: [UInt32]) {
        let size = Self.size
        state[0] = 19_650_218
        for i in 1..<size {
            state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i)
        }
        var i = 1
        var j = 0
        for _ in 0..<max(size, key.count) {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_664_525)) &+ key[j] &+ UInt32(j)
            i += 1
            j += 1
            if i >= size {
                state[0] = state[size - 1]
                i = 1
            }
            if j >= key.count { j = 0 }
        }
        for _ in 0..<(size - 1) {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* 1_566_083_941)) &- UInt32(i)
            i += 1
            if i >= size {
                state[0] = state[size - 1]
                i = 1
            }
        }
        state[0] = 0x8000_0000
        position = size
    }

    private mutating func nextWord() -> UInt32 {
        let size = Self.size
        if position >= size {
            for k in 0..<size {
                let y = (state[k] & 0x8000_0000) | (state[(k + 1) % size] & 0x7FFF_FFFF)
                state[k] = state[(k + Self.shift) % size] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
            }
            position = 0
        }
        var y = state[position]
        position += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C_5680
        y ^= (y << 15) & 0xEFC6_0000
        y ^= y >> 18
        return y
    }

    /// `getrandbits(bits)`, 1…64 bits.
    package mutating func getRandBits(_ bits: Int) -> UInt64 {
        precondition((1...64).contains(bits))
        if bits <= 32 { return UInt64(nextWord() >> UInt32(32 - bits)) }
        let low = UInt64(nextWord())
        return low | UInt64(nextWord() >> UInt32(64 - bits)) << 32
    }

    /// `_randbelow(n)`: uniform on 0..<n by rejection, n > 0.
    package mutating func randBelow(_ n: Int) -> Int {
        precondition(n > 0)
        let bits = Int.bitWidth - n.leadingZeroBitCount
        var r = getRandBits(bits)
        while r >= UInt64(n) { r = getRandBits(bits) }
        return Int(r)
    }

    /// `random()`: 53 bits on [0, 1).
    package mutating func random() -> Double {
        let a = Double(nextWord() >> 5)
        let b = Double(nextWord() >> 6)
        return (a * 67_108_864 + b) / 9_007_199_254_740_992
    }

    /// The indices that `sample(range(n), k)` returns, in its order; k ≤ n.
    package mutating func sampleIndices(from n: Int, count k: Int) -> [Int] {
        precondition(0 <= k && k <= n)
        // CPython weighs a list copy against a set by this estimate; the branch decides which numbers are drawn.
        var setSize = 21.0
        if k > 5 { setSize += pow(4, ceil(log(Double(k) * 3) / log(4))) }
        var result: [Int] = []
        result.reserveCapacity(k)
        if Double(n) <= setSize {
            var pool = Array(0..<n)
            for i in 0..<k {
                let j = randBelow(n - i)
                result.append(pool[j])
                pool[j] = pool[n - i - 1]
            }
        } else {
            var selected = Set<Int>()
            for _ in 0..<k {
                var j = randBelow(n)
                while !selected.insert(j).inserted { j = randBelow(n) }
                result.append(j)
            }
        }
        return result
    }
}
