import Foundation

/// The normal distribution cut to an interval, in log space: accurate in both tails, where a Parzen kernel near a
/// bound has its mass. Arguments a, b, x are standardised, (bound − mu) / sigma.
public enum TruncatedNormal {
    private static let logSqrtTwoPi = 0.918_938_533_204_672_741_78
    private static let inverseSqrt2 = 0.707_106_781_186_547_524_4

    /// log Φ(x).
    public static func logCDF(_ x: Double) -> Double {
        if x > 0 { return log1p(-0.5 * erfc(x * inverseSqrt2)) }
        if x > -20 { return log(0.5 * erfc(-x * inverseSqrt2)) }
        // Asymptotic series of Φ(x) = φ(x)/|x| (1 − 1/x² + 3/x⁴ − 15/x⁶ …); at |x| ≥ 20 its terms fall below 1e-17
        // long before they grow.
        let inverseSquare = 1 / (x * x)
        var term = 1.0
        var sum = 1.0
        var k = 1.0
        while abs(term) > 1e-17, k < 40 {
            term *= -k * inverseSquare
            sum += term
            k += 2
        }
        return -0.5 * x * x - log(-x) - logSqrtTwoPi + log(sum)
    }

    /// log φ(x).
    public static func logDensity(_ x: Double) -> Double { -0.5 * x * x - logSqrtTwoPi }

    /// log (Φ(b) − Φ(a)) for a < b.
    public static func logMass(_ a: Double, _ b: Double) -> Double {
        if a > 0 { return logMass(-b, -a) }
        if b > 0 { return log(0.5 * (erf(b * inverseSqrt2) - erf(a * inverseSqrt2))) }
        let upper = logCDF(b)
        return upper + log1p(-exp(logCDF(a) - upper))
    }

    /// log density at x of the normal cut to [a, b]; −∞ outside. Per unit of the standardised scale.
    public static func logPDF(_ x: Double, _ a: Double, _ b: Double) -> Double {
        x < a || x > b ? -.infinity : logDensity(x) - logMass(a, b)
    }

    /// x with log Φ(x) = y, y ≤ 0: Newton's method in log space, from the tail's or the logistic approximation.
    public static func inverseLogCDF(_ y: Double) -> Double {
        if y >= 0 { return .infinity }
        if y == -.infinity { return -.infinity }
        // Near Φ = 1 the logarithm keeps no digits: solve for the other tail.
        if y > -0.693_147_180_559_945_3 { return -inverseLogCDF(log(-expm1(y))) }
        var x = y < -5 ? -(-2 * (y + logSqrtTwoPi)).squareRoot() : -0.551_328_895_421_792_05 * log(expm1(-y))
        for _ in 0..<100 {
            let logPhi = logCDF(x)
            // (log Φ − y) Φ / φ
            let step = (logPhi - y) * exp(logPhi - logDensity(x))
            x -= step
            if abs(step) <= 1e-15 * max(abs(x), 1e-3) { break }
        }
        return x
    }

    /// The q-quantile of the normal cut to [a, b].
    public static func quantile(_ q: Double, _ a: Double, _ b: Double) -> Double {
        if q <= 0 { return a }
        if q >= 1 { return b }
        let mass = logMass(a, b)
        let x: Double
        if a < 0 {
            x = inverseLogCDF(logAdd(logCDF(a), log(q) + mass))
        } else {
            x = -inverseLogCDF(logAdd(logCDF(-b), log1p(-q) + mass))
        }
        return min(max(x, a), b)
    }

    static func logAdd(_ p: Double, _ q: Double) -> Double {
        let high = max(p, q)
        return high == -.infinity ? high : high + log1p(exp(min(p, q) - high))
    }
}
