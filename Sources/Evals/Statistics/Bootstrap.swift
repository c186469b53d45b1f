/// Percentile bootstrap over samples (B. Efron, 1979), seeded: the same seed, name and values give the same interval.
public struct Bootstrap: Sendable {
    public static let method = "bootstrap-percentile"
    public var resamples: Int
    public var confidence: Double
    public var seed: UInt64

    public init(seed: UInt64, resamples: Int = 10_000, confidence: Double = 0.95) {
        self.resamples = resamples
        self.confidence = confidence
        self.seed = seed
    }

    /// Interval of the mean of `values`; nil of nothing.
    public func mean(_ values: [Double], stream name: String) -> ClosedRange<Double>? {
        guard !values.isEmpty else { return nil }
        return interval(count: values.count, stream: name) { sums in
            values.withUnsafeBufferPointer { values in
                sums { indices in
                    var sum = 0.0
                    for index in indices { sum += values[Int(index)] }
                    return sum / Double(values.count)
                }
            }
        }
    }

    /// Interval of Σ numerators / Σ denominators, resampling the pairs together: a mean over tokens whose samples are
    /// prompts. nil of nothing or when all denominators are 0.
    public func ratio(_ numerators: [Double], _ denominators: [Double], stream name: String) -> ClosedRange<Double>? {
        precondition(numerators.count == denominators.count)
        guard denominators.contains(where: { $0 > 0 }) else { return nil }
        return interval(count: numerators.count, stream: name) { resample in
            numerators.withUnsafeBufferPointer { top in
                denominators.withUnsafeBufferPointer { bottom in
                    resample { indices in
                        var numerator = 0.0
                        var denominator = 0.0
                        for index in indices {
                            numerator += top[Int(index)]
                            denominator += bottom[Int(index)]
                        }
                        return denominator > 0 ? numerator / denominator : .nan
                    }
                }
            }
        }
    }

    /// Interval of Σ a / Σ b − Σ c / Σ d over the same resampled items.
    public func ratioDifference(
        _ first: (numerators: [Double], denominators: [Double]),
        _ second: (numerators: [Double], denominators: [Double]), stream name: String
    ) -> ClosedRange<Double>? {
        let count = first.numerators.count
        guard first.denominators.contains(where: { $0 > 0 }), second.denominators.contains(where: { $0 > 0 })
        else { return nil }
        return interval(count: count, stream: name) { resample in
            resample { indices in
                var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
                for index in indices {
                    a += first.numerators[Int(index)]
                    b += first.denominators[Int(index)]
                    c += second.numerators[Int(index)]
                    d += second.denominators[Int(index)]
                }
                return b > 0 && d > 0 ? a / b - c / d : .nan
            }
        }
    }

    /// Draws the resamples and takes the percentiles of the statistic. `body` is handed a function that runs its
    /// argument once per resample on the drawn indices.
    private func interval(
        count: Int, stream name: String,
        _ body: (_ resample: (_ statistic: (UnsafeBufferPointer<UInt32>) -> Double) -> [Double]) -> [Double]
    ) -> ClosedRange<Double>? {
        let statistics = body { statistic in
            var random = RandomStream(seed: seed, name: name)
            var indices = [UInt32](repeating: 0, count: count)
            var results = [Double](repeating: 0, count: resamples)
            let bound = UInt64(count)
            for resample in 0..<resamples {
                indices.withUnsafeMutableBufferPointer { indices in
                    var position = 0
                    while position < count {
                        // Two indices from one draw; multiply-shift favours an index by at most count / 2³².
                        let word = random.next()
                        indices[position] = UInt32(((word & 0xFFFF_FFFF) &* bound) >> 32)
                        if position + 1 < count { indices[position + 1] = UInt32(((word >> 32) &* bound) >> 32) }
                        position += 2
                    }
                    results[resample] = statistic(UnsafeBufferPointer(indices))
                }
            }
            return results
        }
        let sorted = statistics.filter { !$0.isNaN }.sorted()
        guard let low = Statistics.quantile(sorted: sorted, (1 - confidence) / 2),
            let high = Statistics.quantile(sorted: sorted, (1 + confidence) / 2)
        else { return nil }
        return low...max(low, high)
    }
}
