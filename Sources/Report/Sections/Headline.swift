import Results

extension Section {
    static let headline = Section(title: "Results") { context in
        let columns = context.columns(headlineOnly: true)
        guard !columns.isEmpty else { return [.note(["No cell has finished yet; there are no numbers to show."])] }
        var blocks: [Block] = []
        for model in context.snapshot.models {
            let used = columns.filter { column in
                context.methods(of: model).contains { context.metric(model, $0, column) != nil }
            }
            guard !used.isEmpty else { continue }
            let best = used.map { context.best(model, $0) }
            let rows = context.methods(of: model).map { method in
                [TableCell(method)]
                    + zip(used, best).map {
                        context.tableCell(model, method, $0, isBest: $1.contains(method))
                    }
            }
            let counts = used.map { "\($0.eval) \(context.count(model, $0))" }
            var seen: Set<String> = []
            blocks.append(
                .table(
                    DocumentTable(
                        name: "headline-\(slug(model))",
                        caption: "\(model) (\(counts.filter { seen.insert($0).inserted }.joined(separator: "; ")))",
                        columns: [TableColumn("Method")] + used.map { TableColumn($0.title, .number) }, rows: rows)))
        }
        guard !blocks.isEmpty else { return [.note(["No cell with a headline metric has finished yet."])] }
        blocks.append(
            .paragraph([
                .text(
                    "Values with their 95 % interval; Δ is the paired difference to the baseline on the same samples, in "
                        + "the column's unit (percentage points for %); † marks p < 0.05 after Holm's correction. Bold: "
                        + "best of the column, controls aside. ↓ lower is better, ↑ higher is better.")
            ]))
        return blocks
    }

    static let metrics = Section(title: "Every metric") { context in
        let snapshot = context.snapshot
        return context.columns().map { column in
            let models = snapshot.models.filter { model in
                context.methods(of: model).contains { context.metric(model, $0, column) != nil }
            }
            let best = models.map { context.best($0, column) }
            let rows = snapshot.methods.filter { method in
                models.contains { context.cell($0, method, column.eval) != nil }
            }.map { method in
                [TableCell(method)]
                    + zip(models, best).map {
                        context.tableCell($0, method, column, isBest: $1.contains(method))
                    }
            }
            let summary = snapshot.cells.lazy.filter { $0.eval == column.eval }
                .compactMap { $0.metric(column.name, filter: column.filter)?.summary }.first
            let counts = Set(models.map { context.count($0, column) }).sorted().joined(separator: "; ")
            return .table(
                DocumentTable(
                    name: slug("\(column.eval)-\(column.name)-\(column.filter)"),
                    caption: column.title + (summary.map { ": \($0)" } ?? "") + " (\(counts))",
                    columns: [TableColumn("Method")] + models.map { TableColumn($0, .number) }, rows: rows))
        }
    }
}
