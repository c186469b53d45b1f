import Foundation

/// A mixture of products of one-dimensional kernels, one component per observation and one for the prior: the density
/// model of the multivariate tree-structured Parzen estimator, as Optuna 4.8.0 builds it
/// (optuna/samplers/_tpe/parzen_estimator.py; Falkner et al. 2018, BOHB, for the multivariate form).
///
///     float        normal cut to [low, high], mu = observation,
///                  sigma = 0.2 max(n, 1)^(−1/(dimensions + 4)) (high − low),
///                  clipped to [(high − low) / min(100, n + 2), high − low] ("magic clip");
///                  prior: mu = centre, sigma = high − low
///     categorical  1/(n + 1) for every choice, + 1 for the observed one, normalised; prior: uniform
public struct ParzenEstimator: Sendable {
    enum Kernels: Sendable {
        /// (components): mu, sigma, and log of the mass inside the bounds.
        case float(low: Double, high: Double, mu: [Double], sigma: [Double], logMass: [Double])
        /// (components, choices)
        case categorical(probability: [[Double]])
    }

    /// (components), sum 1, the prior last.
    public let weights: [Double]
    let dimensions: [Kernels]

    /// - Parameters:
    ///   - observations: (n, dimensions); a categorical value as the index of its choice.
    ///   - weights: (n), before normalisation; the prior gets 1.
    public init(space: [SearchDimension], observations: [[Double]], weights: [Double]) {
        let n = observations.count
        var all = n == 0 ? [1.0] : weights + [1.0]
        let total = all.reduce(0, +)
        for k in 0..<all.count { all[k] /= total }
        self.weights = all
        dimensions = space.enumerated().map { column, dimension in
            switch dimension.range {
            case .float(let low, let high):
                let width = high - low
                let scott = 0.2 * pow(Double(max(n, 1)), -1 / Double(space.count + 4)) * width
                let sigma = min(max(scott, width / min(100, Double(n + 2))), width)
                let mus = observations.map { $0[column] } + [0.5 * (low + high)]
                let sigmas = [Double](repeating: sigma, count: n) + [width]
                return .float(
                    low: low, high: high, mu: mus, sigma: sigmas,
                    logMass: zip(mus, sigmas).map { TruncatedNormal.logMass((low - $0) / $1, (high - $0) / $1) })
            case .categorical(let count):
                let base = 1 / Double(n + 1)
                var rows = [[Double]](repeating: [Double](repeating: 1 / Double(count), count: count), count: n + 1)
                for k in 0..<n {
                    rows[k] = [Double](repeating: base, count: count)
                    rows[k][Int(observations[k][column])] += 1
                    let sum = rows[k].reduce(0, +)
                    for c in 0..<count { rows[k][c] /= sum }
                }
                return .categorical(probability: rows)
            }
        }
    }

    /// The sigma of every component of one float dimension, the prior's last; nil for a categorical one.
    public func sigmas(dimension: Int) -> [Double]? {
        if case .float(_, _, _, let sigma, _) = dimensions[dimension] { sigma } else { nil }
    }

    /// One point (dimensions): a component by weight, then each coordinate by itself.
    public func sample(_ generator: inout SeededGenerator) -> [Double] {
        let component = Self.pick(weights, generator.uniform())
        return dimensions.map { kernels in
            let q = generator.uniform()
            switch kernels {
            case .categorical(let probability): return Double(Self.pick(probability[component], q))
            case .float(let low, let high, let mu, let sigma, _):
                let m = mu[component]
                let s = sigma[component]
                let x = m + s * TruncatedNormal.quantile(q, (low - m) / s, (high - m) / s)
                return min(max(x, low), high)
            }
        }
    }

    /// log density at a point (dimensions).
    public func logDensity(_ point: [Double]) -> Double {
        var logs = weights.map { log($0) }
        for (value, kernels) in zip(point, dimensions) {
            switch kernels {
            case .categorical(let probability):
                for k in 0..<logs.count { logs[k] += log(probability[k][Int(value)]) }
            case .float(let low, let high, let mu, let sigma, let logMass):
                guard value >= low, value <= high else { return -.infinity }
                for k in 0..<logs.count {
                    logs[k] +=
                        TruncatedNormal.logDensity((value - mu[k]) / sigma[k]) - logMass[k] - log(sigma[k])
                }
            }
        }
        let high = logs.max() ?? -.infinity
        guard high > -.infinity else { return high }
        var sum = 0.0
        for value in logs { sum += exp(value - high) }
        return high + log(sum)
    }

    /// The first index whose cumulative probability reaches q.
    private static func pick(_ probabilities: [Double], _ q: Double) -> Int {
        var cumulative = 0.0
        for (k, p) in probabilities.enumerated() {
            cumulative += p
            if q < cumulative { return k }
        }
        return probabilities.count - 1
    }
}
