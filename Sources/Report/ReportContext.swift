// What sections draw on: the results at one moment, and the questions that several sections ask of them.
import Results

/// One column of a table: a metric of an evaluation under one filter.
struct MetricColumn: Hashable {
    var eval: String
    var name: String
    var filter: String
    var unit: String?
    var higherIsBetter: Bool?

    /// `gsm8k exact_match (strict-match), % ↑`
    var title: String {
        var text = name.hasPrefix(eval) ? name : "\(eval) \(name)"
        if filter != "none" { text += " (\(filter))" }
        if let unit, !unit.isEmpty { text += ", \(unit)" }
        if let higherIsBetter { text += higherIsBetter ? " ↑" : " ↓" }
        return text
    }
}

/// One report: a snapshot, the store for samples, and what may be shown.
struct ReportContext {
    var snapshot: Snapshot
    var store: ResultsStore
    var includeHarmful: Bool

    init(store: ResultsStore, includeHarmful: Bool) throws {
        self.store = store
        self.includeHarmful = includeHarmful
        snapshot = try store.snapshot()
    }

    /// Rows that methods are compared with, never the best of a column.
    static let controls: Set<String> = ["baseline", "random-direction"]

    /// Holm-adjusted p below this earns a mark.
    static let significance = 0.05

    // MARK: - Cells

    func cells(model: String) -> [ResultCell] { snapshot.cells.filter { $0.model == model } }

    func isControl(_ cell: ResultCell) -> Bool { Self.controls.contains(cell.run?.method ?? cell.method) }

    func methods(of model: String) -> [String] {
        snapshot.methods.filter { method in snapshot.cells.contains { $0.model == model && $0.method == method } }
    }

    func cell(_ model: String, _ method: String, _ eval: String) -> ResultCell? {
        snapshot.cell(model: model, method: method, eval: eval)
    }

    func metric(_ model: String, _ method: String, _ column: MetricColumn) -> MetricRecord? {
        cell(model, method, column.eval)?.metric(column.name, filter: column.filter)
    }

    /// Every metric that any cell has, in the order of evaluations and of their metrics.
    func columns(headlineOnly: Bool = false) -> [MetricColumn] {
        var columns: [MetricColumn] = []
        for eval in snapshot.evals {
            for cell in snapshot.cells where cell.eval == eval {
                for metric in cell.metrics where !headlineOnly || metric.isHeadline {
                    let column = MetricColumn(
                        eval: eval, name: metric.name, filter: metric.filter, unit: metric.unit,
                        higherIsBetter: metric.higherIsBetter)
                    let known = columns.contains {
                        $0.eval == eval && $0.name == metric.name && $0.filter == metric.filter
                    }
                    if !known { columns.append(column) }
                }
            }
        }
        return columns
    }

    /// The first headline column of the first evaluation of this kind; any first column when none is marked.
    func column(evalNamed names: [String], metrics: [String]) -> MetricColumn? {
        let evals = snapshot.evals.filter { label in
            snapshot.cells.contains { $0.eval == label && names.contains($0.run?.eval ?? label) }
        }
        let all = columns().filter { evals.contains($0.eval) }
        let headline = columns(headlineOnly: true).filter { evals.contains($0.eval) }
        return all.first { metrics.contains($0.name) } ?? headline.first ?? all.first
    }

    /// Refusal rate under the suite's first judge.
    var refusalColumn: MetricColumn? { column(evalNamed: ["refusal"], metrics: ["refusal_rate"]) }
    /// First-token KL.
    var klColumn: MetricColumn? { column(evalNamed: ["kl"], metrics: ["kl_first_token", "kl"]) }

    // MARK: - Formatting

    func text(_ metric: MetricRecord?) -> String { NumberFormat.value(metric?.value, unit: metric?.unit) }

    /// A metric as a table cell: value, interval, difference to the baseline, what is missing.
    func tableCell(_ model: String, _ method: String, _ column: MetricColumn, isBest: Bool) -> TableCell {
        guard let cell = cell(model, method, column.eval) else { return TableCell("") }
        guard let metric = cell.metric(column.name, filter: column.filter) else {
            switch cell.run?.status {
            case .error: return TableCell("failed")
            case .cancelled: return TableCell("cancelled")
            case .success: return TableCell("–")
            case .started: return TableCell("unfinished")
            case nil: return TableCell("not run")
            }
        }
        var parts = [NumberFormat.interval(metric.ciLow, metric.ciHigh, unit: metric.unit)]
        if let delta = metric.baselineDelta {
            parts.append("(Δ \(NumberFormat.signed(delta, unit: metric.unit))\(isSignificant(metric) ? "†" : ""))")
        }
        return TableCell(
            text(metric), detail: parts.filter { !$0.isEmpty }.joined(separator: " "), isBest: isBest,
            value: metric.value)
    }

    func isSignificant(_ metric: MetricRecord) -> Bool { metric.pAdjusted.map { $0 < Self.significance } ?? false }

    /// Methods with the best value of a column; controls do not compete, ties share, unless all tie.
    func best(_ model: String, _ column: MetricColumn) -> Set<String> {
        guard let higher = column.higherIsBetter else { return [] }
        var values: [(String, Double)] = []
        for method in methods(of: model) {
            guard let cell = cell(model, method, column.eval), !isControl(cell),
                let value = cell.metric(column.name, filter: column.filter)?.value
            else { continue }
            values.append((method, value))
        }
        guard values.count > 1 else { return [] }
        let best = values.reduce(values[0].1) { higher ? max($0, $1.1) : min($0, $1.1) }
        let winners = values.filter { $0.1 == best }
        return winners.count == values.count ? [] : Set(winners.map(\.0))
    }

    /// `n = 100`, `n = 98–100 (2 unscored)`: how many samples stand behind a column.
    func count(_ model: String, _ column: MetricColumn) -> String {
        let metrics = methods(of: model).compactMap { metric(model, $0, column) }
        guard let low = metrics.map(\.n).min(), let high = metrics.map(\.n).max() else { return "n = 0" }
        let unscored = metrics.map(\.unscored).max() ?? 0
        let range = low == high ? "n = \(low)" : "n = \(low)–\(high)"
        return unscored > 0 ? range + ", up to \(unscored) unscored" : range
    }
}

/// A label as part of a file name: lower-case letters, digits, hyphens; a hash when that loses something.
func slug(_ label: String) -> String {
    var out = ""
    for scalar in label.unicodeScalars {
        switch scalar {
        case "a"..."z", "0"..."9": out.unicodeScalars.append(scalar)
        case "A"..."Z": out += String(scalar).lowercased()
        default: if !out.isEmpty, !out.hasSuffix("-") { out += "-" }
        }
    }
    while out.hasSuffix("-") { out.removeLast() }
    return out.isEmpty ? "x" + sha256Hex(label).prefix(8) : out
}
