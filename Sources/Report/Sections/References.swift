import Results

extension Section {
    /// Published numbers beside measured ones, where the suite names them.
    static let references = Section(title: "Published and measured") { context in
        guard let references = context.snapshot.session?.reference, !references.isEmpty else { return [] }
        let rows = references.map { reference -> [TableCell] in
            let cell = context.snapshot.cells.first {
                $0.model == reference.model && [$0.method, $0.run?.method].contains(reference.method)
                    && [$0.eval, $0.run?.eval].contains(reference.eval)
            }
            let metric = cell?.metrics.first {
                $0.name == reference.metric && (reference.filter == nil || $0.filter == reference.filter)
            }
            var agreement = "–"
            if let low = metric?.ciLow, let high = metric?.ciHigh {
                agreement = low <= reference.value && reference.value <= high ? "inside" : "outside"
            }
            return [
                TableCell(reference.model), TableCell(reference.method),
                TableCell(
                    (reference.metric.hasPrefix(reference.eval) ? "" : "\(reference.eval) ") + reference.metric
                        + (reference.filter.map { " (\($0))" } ?? "")),
                TableCell(NumberFormat.value(reference.value, unit: metric?.unit), value: reference.value),
                TableCell(
                    context.text(metric),
                    detail: NumberFormat.interval(metric?.ciLow, metric?.ciHigh, unit: metric?.unit),
                    value: metric?.value),
                TableCell(agreement), TableCell(reference.source ?? ""),
            ]
        }
        return [
            .table(
                DocumentTable(
                    name: "published", caption: "Published values beside measured ones",
                    columns: [
                        TableColumn("Model"), TableColumn("Method"), TableColumn("Metric"),
                        TableColumn("Published", .number), TableColumn("Measured", .number),
                        TableColumn("Published value and our interval"), TableColumn("Source"),
                    ], rows: rows))
        ]
    }
}
