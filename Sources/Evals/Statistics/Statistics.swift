import Foundation

/// Estimates and intervals. Every function is checked against SciPy in the tests.
public enum Statistics {
    /// The arithmetic mean, or nil of nothing.
    public static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// Standard deviation with n − 1 in the denominator; nil under two values.
    public static func standardDeviation(_ values: [Double]) -> Double? {
        guard values.count > 1, let mean = mean(values) else { return nil }
        var sum = 0.0
        for value in values { sum += (value - mean) * (value - mean) }
        return (sum / Double(values.count - 1)).squareRoot()
    }

    /// Standard error of the mean, s / √n with s over n − 1 (lm-eval's `mean_stderr`); nil under two values.
    public static func standardError(_ values: [Double]) -> Double? {
        standardDeviation(values).map { $0 / Double(values.count).squareRoot() }
    }

    public static func median(_ values: [Double]) -> Double? { quantile(values, 0.5) }

    /// The q-quantile by linear interpolation between order statistics (type 7: NumPy's and R's default).
    public static func quantile(_ values: [Double], _ q: Double) -> Double? { quantile(sorted: values.sorted(), q) }

    /// The q-quantile of values in ascending order, 0 ≤ q ≤ 1.
    public static func quantile(sorted values: [Double], _ q: Double) -> Double? {
        guard let last = values.last else { return nil }
        let position = q * Double(values.count - 1)
        let below = Int(position.rounded(.down))
        guard below < values.count - 1 else { return last }
        let fraction = position - Double(below)
        let difference = values[below + 1] - values[below]
        // From the nearer end, as NumPy does: exact at both ends and monotone in q.
        return fraction < 0.5
            ? values[below] + difference * fraction : values[below + 1] - difference * (1 - fraction)
    }

    /// Wilson's score interval for `successes` of `count` (E. B. Wilson, JASA 22, 1927); nil for count 0.
    public static func wilson(successes: Int, count: Int, confidence: Double = 0.95) -> ClosedRange<Double>? {
        guard count > 0 else { return nil }
        let n = Double(count)
        let p = Double(successes) / n
        let z = normalQuantile(0.5 + confidence / 2)
        let scale = 1 + z * z / n
        let center = (p + z * z / (2 * n)) / scale
        let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / scale
        let low = successes == 0 ? 0 : max(0, center - half)
        let high = successes == count ? 1 : min(1, center + half)
        return low...high
    }

    /// mean ± z s/√n; nil under two values.
    public static func normalInterval(_ values: [Double], confidence: Double = 0.95) -> ClosedRange<Double>? {
        guard let mean = mean(values), let error = standardError(values) else { return nil }
        let half = normalQuantile(0.5 + confidence / 2) * error
        return (mean - half)...(mean + half)
    }

    /// The inverse of the standard normal distribution function, 0 < p < 1, to double precision.
    ///
    /// Start: Abramowitz and Stegun 26.2.23 (|error| < 4.5e-4); then Newton steps with Halley's correction on the
    /// upper tail, where `erfc` keeps its relative precision.
    public static func normalQuantile(_ p: Double) -> Double {
        if p == 0.5 { return 0 }
        if p <= 0 { return -.infinity }
        if p >= 1 { return .infinity }
        let tail = min(p, 1 - p)
        let t = (-2 * log(tail)).squareRoot()
        var x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
        for _ in 0..<3 {
            let density = exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
            let step = (0.5 * erfc(x / 2.0.squareRoot()) - tail) / density
            x += step / (1 - 0.5 * x * step)
        }
        return p < 0.5 ? -x : x
    }

    /// Cohen's kappa of two raters' verdicts on the same items (J. Cohen, 1960); nil when it is undefined: no items, or
    /// agreement by chance is certain because both raters always say the same one thing.
    public static func cohensKappa<Label: Hashable>(_ a: [Label], _ b: [Label]) -> Double? {
        precondition(a.count == b.count)
        guard !a.isEmpty else { return nil }
        var counts: [Label: (a: Int, b: Int)] = [:]
        var agreements = 0
        for (x, y) in zip(a, b) {
            counts[x, default: (0, 0)].a += 1
            counts[y, default: (0, 0)].b += 1
            if x == y { agreements += 1 }
        }
        let n = a.count
        var chance = 0
        for count in counts.values { chance += count.a * count.b }
        guard chance < n * n else { return nil }
        return (Double(agreements) * Double(n) - Double(chance)) / (Double(n) * Double(n) - Double(chance))
    }

    /// Two-sided exact McNemar test: `onlyFirst` and `onlySecond` items where just one of two classifiers is right.
    /// Under the null hypothesis either is Binomial(n, ½) with n their sum; p = min(1, 2 P(X ≤ smaller)).
    public static func mcnemar(onlyFirst: Int, onlySecond: Int) -> Double {
        let n = onlyFirst + onlySecond
        let smaller = min(onlyFirst, onlySecond)
        if n == 0 || onlyFirst == onlySecond { return 1 }
        // The largest term through log-gamma; the others from it by their ratio, until they no longer count.
        let k = Double(smaller)
        let total = Double(n)
        let logChoices: Double = lgamma(total + 1) - lgamma(k + 1) - lgamma(total - k + 1)
        let logTerm: Double = logChoices - total * log(2.0)
        var ratio = 1.0
        var sum = 1.0
        var i = k
        while i > 0 {
            ratio *= i / (total - i + 1)
            sum += ratio
            if ratio < 1e-18 * sum { break }
            i -= 1
        }
        return min(1, 2 * exp(logTerm) * sum)
    }

    /// Holm's step-down adjustment of p-values, in the order given (S. Holm, 1979).
    public static func holm(_ pValues: [Double]) -> [Double] {
        let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
        var adjusted = pValues
        var running = 0.0
        for (rank, index) in order.enumerated() {
            running = max(running, min(1, Double(pValues.count - rank) * pValues[index]))
            adjusted[index] = running
        }
        return adjusted
    }
}
