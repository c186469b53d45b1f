import Foundation

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) and its extensions to longer contexts.
public struct RopeSpec: Sendable, Hashable {
    public enum Scaling: Sendable, Hashable {
        case none
        /// Positions are divided by `factor`.
        case linear(factor: Double)
        /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a smooth ramp between.
        case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, originalContext: Double)
        /// YaRN (Peng et al. 2023, arXiv:2309.00071): interpolation by frequency band; cos and sin are multiplied by
        /// `attentionFactor`.
        case yarn(
            factor: Double, betaFast: Double, betaSlow: Double, originalContext: Double, attentionFactor: Double,
            truncate: Bool)
    }
    public var theta: Double
    /// Leading dimensions of each head that are rotated; an even number.
    public var rotaryDim: Int
    public var scaling: Scaling
    /// Pairs (2i, 2i + 1) instead of Hugging Face's (i, i + rotaryDim / 2).
    public var interleaved: Bool

    public init(theta: Double, rotaryDim: Int, scaling: Scaling = .none, interleaved: Bool = false) {
        self.theta = theta
        self.rotaryDim = rotaryDim
        self.scaling = scaling
        self.interleaved = interleaved
    }

    /// (rotaryDim / 2) angles per position, in f32 arithmetic as the reference library computes them.
    package func inverseFrequencies() -> [Float] {
        let half = rotaryDim / 2
        let base = (0..<half).map { 1 / powf(Float(theta), Float(2 * $0) / Float(rotaryDim)) }
        switch scaling {
        case .none:
            return base
        case .linear(let factor):
            return base.map { $0 / Float(factor) }
        case .llama3(let factor, let low, let high, let original):
            let lowWavelength = Float(original / low)
            let highWavelength = Float(original / high)
            return base.map { frequency in
                let wavelength = 2 * Float.pi / frequency
                if wavelength < highWavelength { return frequency }
                if wavelength > lowWavelength { return frequency / Float(factor) }
                let smooth = (Float(original) / wavelength - Float(low)) / Float(high - low)
                return (1 - smooth) * frequency / Float(factor) + smooth * frequency
            }
        case .yarn(let factor, let fast, let slow, let original, _, let truncate):
            // The dimension whose wavelength makes `rotations` turns over the original context.
            func dimension(_ rotations: Double) -> Double {
                Double(rotaryDim) * log(original / (rotations * 2 * Double.pi)) / (2 * log(theta))
            }
            var first = dimension(fast)
            var last = dimension(slow)
            if truncate {
                first = first.rounded(.down)
                last = last.rounded(.up)
            }
            first = max(first, 0)
            last = min(last, Double(rotaryDim - 1))
            if first == last { last += 0.001 }
            return base.enumerated().map { i, frequency in
                let ramp = min(max((Float(i) - Float(first)) / Float(last - first), 0), 1)
                return frequency / Float(factor) * ramp + frequency * (1 - ramp)
            }
        }
    }

    /// What cos and sin are multiplied by.
    package var amplitude: Float {
        if case .yarn(_, _, _, _, let attentionFactor, _) = scaling { Float(attentionFactor) } else { 1 }
    }
}

/// Cosines and sines of one `RopeSpec` for positions 0 ..< count, (count, rotaryDim / 2) each.
package final class RopeTable: Sendable {
    package let count: Int
    package let cosines: [Float]
    package let sines: [Float]

    package init(_ spec: RopeSpec, count: Int) {
        let frequencies = spec.inverseFrequencies()
        let amplitude = spec.amplitude
        var cosines = [Float](repeating: 0, count: count * frequencies.count)
        var sines = cosines
        for position in 0..<count {
            for (i, frequency) in frequencies.enumerated() {
                let angle = Double(Float(position) * frequency)
                cosines[position * frequencies.count + i] = Float(cos(angle)) * amplitude
                sines[position * frequencies.count + i] = Float(sin(angle)) * amplitude
            }
        }
        self.count = count
        self.cosines = cosines
        self.sines = sines
    }
}
