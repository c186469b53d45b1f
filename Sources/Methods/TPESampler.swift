import Foundation

/// The multivariate, two-objective tree-structured Parzen estimator of Optuna 4.8.0, the version Heretic 1.4.0 pins
/// (`TPESampler(n_startup_trials:, n_ei_candidates:, multivariate=True)`, everything else at its default).
///
/// Every draw depends on (seed, trial number) and the finished trials alone, never on a stream's position: a resumed
/// search draws what an uninterrupted one would have. Random numbers differ from NumPy's; the distribution is the same.
public struct TPESampler: Sendable {
    public var space: [SearchDimension]
    public var startupTrials: Int
    public var candidates: Int
    public var seed: UInt64

    /// `space` is sorted by name, as Optuna orders it.
    public init(space: [SearchDimension], startupTrials: Int, candidates: Int, seed: UInt64) {
        self.space = space.sorted { $0.name < $1.name }
        self.startupTrials = startupTrials
        self.candidates = candidates
        self.seed = seed
    }

    /// Parameters of trial `number`, given the finished ones; uniform while there are fewer than `startupTrials`.
    public func suggest(number: Int, finished: [Trial]) throws -> [String: Double] {
        var generator = SeededGenerator(seed, UInt64(number), 0x5450_45)
        var parameters: [String: Double] = [:]
        for dimension in space { parameters[dimension.name] = dimension.constant }
        let open = space.filter { $0.constant == nil }
        let point: [Double]
        if finished.count < startupTrials || finished.isEmpty {
            point = open.map { dimension in
                let u = generator.uniform()
                switch dimension.range {
                case .float(let low, let high): return min(low + u * (high - low), high)
                case .categorical(let count): return Double(min(Int(u * Double(count)), count - 1))
                }
            }
        } else {
            point = try propose(open, finished.sorted { $0.number < $1.number }, &generator)
        }
        for (dimension, value) in zip(open, point) { parameters[dimension.name] = value }
        return parameters
    }

    private func propose(
        _ open: [SearchDimension], _ finished: [Trial], _ generator: inout SeededGenerator
    ) throws -> [Double] {
        let losses = try finished.map { trial in
            guard trial.objectives.count == 2, trial.objectives.allSatisfy(\.isFinite) else {
                throw MethodError.journalMismatch("trial \(trial.number) has not two finite objectives")
            }
            return ParetoRanking.Losses(trial.objectives[0], trial.objectives[1])
        }
        let points = try finished.map { trial in
            try open.map { dimension in
                guard let value = trial.parameters[dimension.name], dimension.contains(value) else {
                    throw MethodError.journalMismatch(
                        "trial \(trial.number) has no `\(dimension.name)` inside this search space")
                }
                return value
            }
        }
        let (below, above) = Self.split(losses)
        let good = ParzenEstimator(
            space: open, observations: below.map { points[$0] },
            weights: ParetoRanking.contributionWeights(below.map { losses[$0] }))
        let bad = ParzenEstimator(
            space: open, observations: above.map { points[$0] }, weights: Self.rampWeights(above.count))
        var best: [Double] = []
        var highest = -Double.infinity
        for _ in 0..<max(candidates, 1) {
            let candidate = good.sample(&generator)
            let score = good.logDensity(candidate) - bad.logDensity(candidate)
            if best.isEmpty || score > highest {
                best = candidate
                highest = score
            }
        }
        return best
    }

    /// Number of trials in the better group: min(⌈0.1 n⌉, 25).
    public static func belowCount(_ n: Int) -> Int { min(Int((0.1 * Double(n)).rounded(.up)), 25) }

    /// Positions of the better and of the other trials, both in trial order: whole non-domination ranks while they
    /// fit, the rest of the next rank by greedy hypervolume subset selection.
    public static func split(_ losses: [ParetoRanking.Losses]) -> (below: [Int], above: [Int]) {
        let wanted = min(belowCount(losses.count), losses.count)
        let ranks = ParetoRanking.ranks(losses)
        var below: [Int] = []
        var rank = 0
        while below.count < wanted {
            let members = losses.indices.filter { ranks[$0] == rank }
            if below.count + members.count <= wanted {
                below += members
            } else {
                let points = members.map { losses[$0] }
                let chosen = ParetoRanking.subset(
                    points, count: wanted - below.count, reference: ParetoRanking.referencePoint(points))
                below += chosen.map { members[$0] }
            }
            rank += 1
        }
        let chosen = Set(below)
        return (below.sorted(), losses.indices.filter { !chosen.contains($0) })
    }

    /// Weights of the other group in trial order: 1 below 25 trials; else a ramp from 1/n to 1, then 25 ones, so that
    /// old trials count less.
    public static func rampWeights(_ n: Int) -> [Double] {
        guard n >= 25 else { return [Double](repeating: 1, count: n) }
        let steps = n - 25
        let first = 1 / Double(n)
        return (0..<n).map { k in
            guard k < steps else { return 1 }
            return steps == 1 ? first : first + (1 - first) * Double(k) / Double(steps - 1)
        }
    }
}
