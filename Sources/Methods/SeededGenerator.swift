import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): a stream that depends on its seed words alone, on every machine.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Streams of different words are independent: `SeededGenerator(seed, trialNumber)`.
    public init(_ words: UInt64...) {
        state = 0x243F_6A88_85A3_08D3
        for word in words {
            state ^= word
            state = Self.mix(state &+ 0x9E37_79B9_7F4A_7C15)
        }
    }

    private static func mix(_ x: UInt64) -> UInt64 {
        var z = x
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// Uniform in [0, 1), 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Standard normal, by Box and Muller.
    public mutating func gaussian() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }
}
