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
        /// (components)
        case float(low: Double, high: Double, mu: [Double], sigma: [Double])
        /// (components, choices), and its logarithm by (choices, components).
        case categorical(probability: [[Double]], logs: [[Double]])
    }

    /// (components), sum 1, the prior last.
    public let weights: [Double]
    let dimensions: [Kernels]
    /// (components): log weight and everything else of log density that does not depend on the point, which is
    /// −log σ − log mass inside the bounds − log √2π, summed over the float dimensions.
    private let constants: [Double]

    /// - Parameters:
    ///   - observations: (n, dimensions); a categorical value as the index of its choice.
    ///   - weights: (n), before normalisation; the prior gets 1.
    public init(space: [SearchDimension], observations: [[Double]], weights: [Double]) {
        let n = observations.count
        var all = n == 0 ? [1.0] : weights + [1.0]
        let total = all.reduce(0, +)
        for k in 0..<all.count { all[k] /= total }
        self.weights = all
        var constants = all.map { log($0) }
        var dimensions: [Kernels] = []
        for (column, dimension) in space.enumerated() {
            switch dimension.range {
            case .float(let low, let high):
                let width = high - low
                let scott = 0.2 * pow(Double(max(n, 1)), -1 / Double(space.count + 4)) * width
                let sigma = min(max(scott, width / min(100, Double(n + 2))), width)
                let mus = observations.map { $0[column] } + [0.5 * (low + high)]
                let sigmas = [Double](repeating: sigma, count: n) + [width]
                for k in 0...n {
                    let mass = TruncatedNormal.logMass((low - mus[k]) / sigmas[k], (high - mus[k]) / sigmas[k])
                    constants[k] += TruncatedNormal.logDensity(0) - log(sigmas[k]) - mass
                }
                dimensions.append(.float(low: low, high: high, mu: mus, sigma: sigmas))
            case .categorical(let count):
                let base = 1 / Double(n + 1)
                var rows = [[Double]](repeating: [Double](repeating: 1 / Double(count), count: count), count: n + 1)
                for k in 0..<n {
                    rows[k] = [Double](repeating: base, count: count)
                    rows[k][Int(observations[k][column])] += 1
                    let sum = rows[k].reduce(0, +)
                    for c in 0..<count { rows[k][c] /= sum }
                }
                let logs = (0..<count).map { c in rows.map { log($0[c]) } }
                dimensions.append(.categorical(probability: rows, logs: logs))
            }
        }
        self.dimensions = dimensions
        self.constants = constants
    }

    /// The sigma of every component of one float dimension, the prior's last; nil for a categorical one.
    public func sigmas(dimension: Int) -> [Double]? {
        if case .float(_, _, _, let sigma) = dimensions[dimension] { sigma } else { nil }
    }

    /// One point (dimensions): a component by weight, then each coordinate by itself.
    public func sample(_ generator: inout SeededGenerator) -> [Double] {
        let component = Self.pick(weights, generator.uniform())
        return dimensions.map { kernels in
            let q = generator.uniform()
            switch kernels {
            case .categorical(let probability, _): return Double(Self.pick(probability[component], q))
            case .float(let low, let high, let mu, let sigma):
                let m = mu[component]
                let s = sigma[component]
                let x = m + s * TruncatedNormal.quantile(q, (low - m) / s, (high - m) / s)
                return min(max(x, low), high)
            }
        }
    }

    /// log density at a point (dimensions).
    public func logDensity(_ point: [Double]) -> Double {
        var logs = constants
        for (value, kernels) in zip(point, dimensions) {
            switch kernels {
            case .categorical(_, let table):
                let column = table[Int(value)]
                for k in 0..<logs.count { logs[k] += column[k] }
            case .float(let low, let high, let mu, let sigma):
                guard value >= low, value <= high else { return -.infinity }
                logs.withUnsafeMutableBufferPointer { logs in
                    mu.withUnsafeBufferPointer { mu in
                        sigma.withUnsafeBufferPointer { sigma in
                            for k in 0..<logs.count {
                                let z = (value - mu[k]) / sigma[k]
                                logs[k] -= 0.5 * z * z
                            }
                        }
                    }
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
