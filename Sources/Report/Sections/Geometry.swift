import Results

extension Section {
    /// Per-layer statistics of the two prompt classes: one chart per statistic, one line per model.
    static let geometry = Section(title: "Geometry by layer") { context in
        var names: [String] = []
        for model in context.snapshot.models {
            for record in context.snapshot.geometry[model] ?? [] where !names.contains(record.name) {
                names.append(record.name)
            }
        }
        return names.compactMap { name -> Block? in
            guard let chart = chart(context, name) else { return nil }
            return .figure(
                chart, caption: "\(words(name)) by relative depth (0 = embeddings, 1 = last block), one line per model."
            )
        }
    }

    private static func chart(_ context: ReportContext, _ name: String) -> Chart? {
        var series: [Chart.Series] = []
        for (index, model) in context.snapshot.models.enumerated() {
            // Several contrasts of a model: the last by key, so that the choice is stable.
            let all = (context.snapshot.geometry[model] ?? []).filter { $0.name == name }
            let records = all.filter { $0.contrastKey == all.last?.contrastKey }
            guard let depth = records.map(\.layer).max(), depth > 0 else { continue }
            var points = records.compactMap { record in
                record.value.map { Chart.Point(x: Double(record.layer) / Double(depth), y: $0) }
            }.filter(\.y.isFinite)
            guard !points.isEmpty else { continue }
            points[points.count - 1].label = model
            series.append(Chart.Series(name: model, style: .linesAndPoints, colour: index + 1, points: points))
        }
        guard !series.isEmpty else { return nil }
        return Chart(
            name: slug("geometry-\(name)"), title: "\(words(name)) by layer",
            panels: [
                Chart.Panel(
                    x: Chart.Axis("relative depth (layer / number of blocks)", lower: 0, upper: 1),
                    y: Chart.Axis(words(name)), series: series, labelsInMargin: true)
            ])
    }

    private static func words(_ name: String) -> String { name.replacing("_", with: " ") }
}
