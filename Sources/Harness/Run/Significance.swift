import Evals
import Foundation
import Results

extension Runner {
    /// Holm's correction, once all cells are in: the family of a p-value is its metric (name and filter) over every
    /// model and method of the suite, which is one table of the report.
    func adjustSignificance() throws { try Significance.adjust(store, runKeys: plan.cells.map(\.key)) }
}

enum Significance {
    static func adjust(_ store: ResultsStore, runKeys: [String]) throws {
        var metrics: [String: [MetricRecord]] = [:]
        for key in runKeys { metrics[key] = try store.metrics(of: key) }
        let updated = adjusted(metrics, order: runKeys)
        let changed = updated.filter { metrics[$0.key] != $0.value }
        if !changed.isEmpty { try store.replaceMetrics(changed) }
    }

    /// The same rows with `pAdjusted` filled in.
    static func adjusted(_ metrics: [String: [MetricRecord]], order: [String]) -> [String: [MetricRecord]] {
        var result = metrics
        var families: [String: [(key: String, index: Int, p: Double)]] = [:]
        for key in order {
            for (index, metric) in (metrics[key] ?? []).enumerated() {
                guard let p = metric.pValue else { continue }
                families["\(metric.name)\u{0}\(metric.filter)", default: []].append((key, index, p))
            }
        }
        for family in families.values {
            let corrected = Statistics.holm(family.map(\.p))
            for (member, p) in zip(family, corrected) { result[member.key]?[member.index].pAdjusted = p }
        }
        return result
    }
}
