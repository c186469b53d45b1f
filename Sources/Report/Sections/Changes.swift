import Results

extension Section {
    /// What each method costs: paired differences to the baseline of every headline metric but refusal and KL.
    static let changes = Section(title: "Change against the baseline") { context in
        var blocks: [Block] = []
        let shown = [context.refusalColumn, context.klColumn].compactMap { $0 }
        for column in context.columns(headlineOnly: true)
        where !shown.contains(where: { $0.eval == column.eval && $0.name == column.name }) {
            for model in context.snapshot.models {
                guard let chart = chart(context, model, column) else { continue }
                blocks.append(
                    .figure(
                        chart,
                        caption:
                            "\(model): change in \(column.title) against the baseline, paired, with 95 % intervals; "
                            + "† p < 0.05 after Holm's correction."))
            }
        }
        return blocks
    }

    private static func chart(_ context: ReportContext, _ model: String, _ column: MetricColumn) -> Chart? {
        let scale: Double = NumberFormat.isPercent(column.unit) ? 100 : 1
        var names: [String] = []
        var series: [Chart.Series] = []
        for method in context.methods(of: model) {
            guard let metric = context.metric(model, method, column), let delta = metric.baselineDelta, delta.isFinite
            else { continue }
            var interval: ClosedRange<Double>?
            if let low = metric.baselineDeltaCILow, let high = metric.baselineDeltaCIHigh, low <= high {
                interval = scale * low...scale * high
            }
            var text = NumberFormat.signed(delta, unit: column.unit)
            if let interval {
                let unit: String? = nil
                let ends = [interval.lowerBound, interval.upperBound].map {
                    scale == 100 ? NumberFormat.fixed($0, 1) : NumberFormat.value($0, unit: unit)
                }
                text += " [\(ends.joined(separator: ", "))]"
            }
            if context.isSignificant(metric) { text += " †" }
            series.append(
                Chart.Series(
                    name: method, style: .points, colour: context.snapshot.methods.firstIndex(of: method),
                    points: [Chart.Point(x: scale * delta, y: Double(names.count), xInterval: interval, label: text)]))
            names.append(method)
        }
        guard !series.isEmpty else { return nil }
        let unit = scale == 100 ? "percentage points" : column.unit ?? ""
        let direction = column.higherIsBetter.map { $0 ? "right is better" : "left is better" }
        let label = ["change against baseline" + (unit.isEmpty ? "" : " (\(unit))"), direction]
        return Chart(
            name: slug("change-\(column.eval)-\(column.name)-\(column.filter)-\(model)"),
            title: "\(model): \(column.eval) \(column.name)" + (column.filter == "none" ? "" : " (\(column.filter))"),
            panels: [
                Chart.Panel(
                    x: Chart.Axis(label.compactMap { $0 }.joined(separator: ", ")),
                    y: Chart.Axis("", categories: names), series: series, hasZeroLine: true, labelsInMargin: true)
            ], height: 130 + 32 * names.count)
    }
}
