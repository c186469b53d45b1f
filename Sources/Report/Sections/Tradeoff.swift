import Results

extension Section {
    /// Refusal against KL, one chart per model: the question every method answers differently.
    static let tradeoff = Section(title: "Refusal against divergence") { context in
        guard let refusal = context.refusalColumn, let kl = context.klColumn else { return [] }
        var blocks: [Block] = []
        for model in context.snapshot.models {
            guard let chart = chart(context, model, refusal, kl) else { continue }
            let caption =
                "\(model): \(refusal.title.replacing(" ↓", with: "")) against \(kl.title.replacing(" ↓", with: "")); "
                + "lower left is better. Bars are 95 % intervals, the dashed line is the Pareto front of the methods."
            blocks.append(.figure(chart, caption: caption))
        }
        return blocks
    }

    private static func chart(
        _ context: ReportContext, _ model: String, _ refusal: MetricColumn, _ kl: MetricColumn
    ) -> Chart? {
        var series: [Chart.Series] = []
        var points: [(x: Double, y: Double)] = []
        for method in context.methods(of: model) {
            guard let y = context.metric(model, method, refusal), let x = context.metric(model, method, kl),
                let xValue = x.value, let yValue = y.value, xValue.isFinite, yValue.isFinite
            else { continue }
            points.append((xValue, 100 * yValue))
            let point = Chart.Point(
                x: xValue, y: 100 * yValue, xInterval: interval(x, scale: 1), yInterval: interval(y, scale: 100),
                label: method)
            series.append(
                Chart.Series(
                    name: method, style: .points, colour: context.snapshot.methods.firstIndex(of: method),
                    points: [point]))
        }
        guard !series.isEmpty else { return nil }
        let front = Pareto.front(points).map { Chart.Point(x: points[$0].x, y: points[$0].y) }
        series.insert(Chart.Series(name: "Pareto front", style: .front, colour: nil, points: front), at: 0)
        let values = series.flatMap(\.points).flatMap { [$0.x, $0.xInterval?.upperBound ?? $0.x] }
        let name = kl.name.contains("first_token") ? "first-token KL divergence" : "KL divergence"
        return Chart(
            name: "tradeoff-\(slug(model))", title: "\(model): refusal against divergence",
            panels: [
                Chart.Panel(
                    x: klAxis("\(name) from the original (\(kl.unit ?? "nats")), lower is better", values),
                    y: Chart.Axis("refusals (%), lower is better", lower: -4, upper: 104), series: series)
            ])
    }

    /// A linear axis for small divergences; beyond, linear near 0 and logarithmic further out.
    static func klAxis(_ label: String, _ values: [Double]) -> Chart.Axis {
        let high = values.filter(\.isFinite).max() ?? 0
        let nonzero = values.filter { $0.isFinite && $0 > 0 }.min() ?? high
        guard high > 0.05, high > 8 * nonzero || high > 1 else {
            // A little room left of zero, so that points on it are whole.
            return Chart.Axis(label, lower: -0.04 * max(high, 0.01), upper: high > 0 ? nil : 0.01)
        }
        let threshold = nonzero < 0.003 ? 0.001 : 0.01
        return Chart.Axis(label, scale: .asinh(threshold: threshold))
    }

    static func interval(_ metric: MetricRecord, scale: Double) -> ClosedRange<Double>? {
        guard let low = metric.ciLow, let high = metric.ciHigh, low.isFinite, high.isFinite, low <= high else {
            return nil
        }
        return scale * low...scale * high
    }
}
