import Inference

/// The loop of a search over edits: propose, measure, journal, again. Reusable by every method that searches.
public struct TrialSearch: Sendable {
    /// KL given to a trial whose measured KL is not finite (an edit that broke the model), in nats: finite, so that it
    /// can be journaled and ranked, and worse than any working model.
    public static let brokenKL = 1000.0

    public var sampler: TPESampler
    /// Trials in all, journaled ones included.
    public var trials: Int

    public init(sampler: TPESampler, trials: Int) {
        self.sampler = sampler
        self.trials = trials
    }

    /// Continues the journal of `environment` up to `trials` and returns all of them by number. Each trial is durable
    /// before the next one starts.
    /// - Parameters:
    ///   - edits: parameters (by name) → the edits to measure.
    ///   - objectives: measurement → two losses.
    /// Throws `CancellationError` when the environment asks to stop; `MethodError.journalMismatch` when the journal is
    /// of another search.
    public func run(
        in environment: any SearchEnvironment, edits: ([String: Double]) throws -> WeightEdits,
        objectives: (SearchMeasurement) -> [Double]
    ) throws -> [Trial] {
        var finished = try environment.journaledTrials().sorted { $0.number < $1.number }
        finished = Array(finished.prefix(trials))
        for (position, trial) in finished.enumerated() {
            guard trial.number == position else {
                throw MethodError.journalMismatch("trial \(position) is missing or there twice")
            }
            for dimension in sampler.space {
                guard let value = trial.parameters[dimension.name], dimension.contains(value) else {
                    throw MethodError.journalMismatch(
                        "trial \(trial.number) has no `\(dimension.name)` inside this search space")
                }
            }
        }
        while finished.count < trials {
            guard environment.shouldContinue else { throw CancellationError() }
            let number = finished.count
            let parameters = try sampler.suggest(number: number, finished: finished)
            var measurement = try environment.measure(try edits(parameters))
            if !measurement.kl.isFinite { measurement.kl = Self.brokenKL }
            let trial = Trial(
                number: number, parameters: parameters, objectives: objectives(measurement), measurement: measurement)
            try environment.journal(trial)
            finished.append(trial)
        }
        return finished
    }

    /// Trials sorted by (refusals, KL); one stays when its KL is below that of every one before (heretic.md 1.10).
    /// By raw refusals and KL, not by the objectives.
    public static func paretoFront(_ trials: [Trial]) -> [Trial] {
        var front: [Trial] = []
        var lowest = Double.infinity
        for trial in trials.sorted(by: fewerRefusals) where trial.measurement.kl < lowest {
            front.append(trial)
            lowest = trial.measurement.kl
        }
        return front
    }

    /// The trial with the fewest refusals among those with KL ≤ `klBudget`, ties by KL, then by number. When none is
    /// within the budget: the lowest KL, and `withinBudget` false. Nil without trials.
    public static func pick(_ trials: [Trial], klBudget: Double) -> (trial: Trial, withinBudget: Bool)? {
        if let best = trials.filter({ $0.measurement.kl <= klBudget }).min(by: fewerRefusals) { return (best, true) }
        let gentlest = trials.min {
            ($0.measurement.kl, $0.measurement.refusals, $0.number)
                < ($1.measurement.kl, $1.measurement.refusals, $1.number)
        }
        return gentlest.map { ($0, false) }
    }

    private static func fewerRefusals(_ a: Trial, _ b: Trial) -> Bool {
        (a.measurement.refusals, a.measurement.kl, a.number) < (b.measurement.refusals, b.measurement.kl, b.number)
    }
}
