/// Builds metric values from per-sample numbers: the estimate, its uncertainty, and the paired difference.
///
/// Values come with their sample's id; nil is unscored. The baseline pairs by id on the samples that both have scored.
struct Aggregate {
    typealias Values = [(id: String, value: Double?)]

    /// Names the random streams; the evaluation's name.
    let eval: String
    let seed: UInt64
    var bootstrap: Bootstrap { Bootstrap(seed: seed) }

    /// The share of ones among 0/1 values, with Wilson's interval and exact McNemar against the baseline.
    func proportion(_ name: String, filter: String = "none", _ values: Values, baseline: Values?) -> MetricValue {
        let scored = values.compactMap(\.value)
        let ones = scored.reduce(into: 0) { $0 += $1 == 1 ? 1 : 0 }
        return MetricValue(
            name: name, filter: filter, value: Statistics.mean(scored),
            standardError: Statistics.standardError(scored),
            interval: Statistics.wilson(successes: ones, count: scored.count),
            intervalMethod: scored.isEmpty ? nil : "wilson", count: scored.count,
            unscored: values.count - scored.count,
            paired: paired(name, filter, values, baseline, isBinary: true))
    }

    /// A mean with a bootstrap interval.
    func mean(_ name: String, filter: String = "none", _ values: Values, baseline: Values?) -> MetricValue {
        let scored = values.compactMap(\.value)
        let interval = bootstrap.mean(scored, stream: stream(name, filter))
        return MetricValue(
            name: name, filter: filter, value: Statistics.mean(scored),
            standardError: Statistics.standardError(scored), interval: interval,
            intervalMethod: interval == nil ? nil : Bootstrap.method, count: scored.count,
            unscored: values.count - scored.count,
            paired: paired(name, filter, values, baseline, isBinary: false))
    }

    /// A value without an interval (a quantile, a kappa).
    func plain(_ name: String, filter: String = "none", _ value: Double?, count: Int, unscored: Int = 0) -> MetricValue
    {
        MetricValue(name: name, filter: filter, value: value, count: count, unscored: unscored)
    }

    func stream(_ name: String, _ filter: String, paired: Bool = false) -> String {
        "bootstrap/\(eval)/\(name)/\(filter)\(paired ? "/paired" : "")"
    }

    private func paired(
        _ name: String, _ filter: String, _ values: Values, _ baseline: Values?, isBinary: Bool
    ) -> PairedDifference? {
        guard let baseline else { return nil }
        let other = Dictionary(baseline.map { ($0.id, $0.value) }, uniquingKeysWith: { first, _ in first })
        var differences: [Double] = []
        var gained = 0
        var lost = 0
        for (id, value) in values {
            guard let value, let reference = other[id] ?? nil else { continue }
            differences.append(value - reference)
            if value > reference { gained += 1 } else if value < reference { lost += 1 }
        }
        guard let delta = Statistics.mean(differences),
            let interval = bootstrap.mean(differences, stream: stream(name, filter, paired: true))
        else { return nil }
        return PairedDifference(
            delta: delta, interval: interval, intervalMethod: Bootstrap.method,
            pValue: isBinary ? Statistics.mcnemar(onlyFirst: gained, onlySecond: lost) : nil,
            count: differences.count)
    }
}
