import Foundation

/// Seeded sampling. The random number of a step depends on the seed, the prompt and the step alone (a counter-based
/// generator), so that neither the batch nor earlier draws of other sequences matter.
struct Sampler {
    private let temperature: Double
    private let topP: Double
    private let key: UInt64

    init(temperature: Double, topP: Double, seed: UInt64, prompt: [Int32]) {
        self.temperature = temperature
        self.topP = topP
        var key = Self.mix(seed)
        for token in prompt { key = Self.mix(key ^ UInt64(UInt32(bitPattern: token))) }
        self.key = key
    }

    /// A token drawn from softmax(logits / temperature), cut to the smallest set of most probable tokens with mass
    /// topP.
    func sample(_ logits: [Float], step: Int) -> Int32 {
        let largest = Double(logits.max() ?? 0)
        var weights = [Double](repeating: 0, count: logits.count)
        var total = 0.0
        for i in logits.indices {
            weights[i] = exp((Double(logits[i]) - largest) / temperature)
            total += weights[i]
        }
        // Below e^-40 of the top a token cannot matter to the draw; leaving it out keeps the sort short.
        var candidates = weights.indices.filter { weights[$0] > 4e-18 }
        candidates.sort { weights[$0] > weights[$1] || (weights[$0] == weights[$1] && $0 < $1) }
        var kept = 0
        var mass = 0.0
        for candidate in candidates {
            mass += weights[candidate]
            kept += 1
            if mass >= topP * total { break }
        }
        let draw = uniform(step: step) * mass
        var sum = 0.0
        for candidate in candidates.prefix(kept) {
            sum += weights[candidate]
            if draw < sum { return Int32(candidate) }
        }
        return Int32(candidates[max(kept - 1, 0)])
    }

    /// In [0, 1).
    private func uniform(step: Int) -> Double {
        let bits = Self.mix(key &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
        return Double(bits >> 11) * 0x1p-53
    }

    /// The finalizer of SplitMix64 (Steele, Lea & Flood 2014).
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
