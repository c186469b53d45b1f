import Results

extension Section {
    /// Where the time went. Times differ between runs; results do not.
    static let cost = Section(title: "Cost") { context in
        var phases: [String] = []
        for cell in context.snapshot.cells {
            for phase in (cell.run?.phaseSeconds ?? [:]).keys.sorted() where !phases.contains(phase) {
                phases.append(phase)
            }
        }
        var rows: [[TableCell]] = []
        for model in context.snapshot.models {
            for method in context.methods(of: model) {
                let runs = context.cells(model: model).filter { $0.method == method }.compactMap(\.run)
                guard runs.contains(where: { $0.seconds != nil || $0.generatedTokens != nil }) else { continue }
                rows.append(row(model, method, runs, phases))
            }
        }
        guard !rows.isEmpty else { return [] }
        return [
            .table(
                DocumentTable(
                    name: "cost", caption: "Wall time by phase, tokens and memory",
                    columns: [TableColumn("Model"), TableColumn("Method"), TableColumn("Total", .number)]
                        + phases.map { TableColumn($0, .number) } + [
                            TableColumn("Edit", .number), TableColumn("Prompt tokens", .number),
                            TableColumn("Generated tokens", .number), TableColumn("Tokens/s", .number),
                            TableColumn("Peak memory", .number),
                        ], rows: rows)),
            .paragraph([
                .text(
                    "Edit: directions and search, once per model and method. Tokens/s: prompt and generated tokens over "
                        + "the evaluations' wall time.")
            ]),
        ]
    }

    private static func row(_ model: String, _ method: String, _ runs: [RunRecord], _ phases: [String]) -> [TableCell] {
        func seconds(_ value: Double?) -> TableCell { TableCell(NumberFormat.duration(value), value: value) }
        func sum(_ values: [Double]) -> Double? { values.isEmpty ? nil : values.reduce(0, +) }
        func count(_ values: [Int]) -> TableCell {
            values.isEmpty
                ? TableCell("–") : TableCell(String(values.reduce(0, +)), value: Double(values.reduce(0, +)))
        }
        let total = sum(runs.compactMap(\.seconds))
        let tokens = runs.compactMap(\.promptTokens) + runs.compactMap(\.generatedTokens)
        var speed: Double?
        if let total, total > 0, !tokens.isEmpty { speed = Double(tokens.reduce(0, +)) / total }
        let memory = runs.compactMap(\.peakRSSBytes).max()
        return [TableCell(model), TableCell(method), seconds(total)]
            + phases.map { phase in seconds(sum(runs.compactMap { $0.phaseSeconds?[phase] })) }
            + [
                seconds(runs.compactMap(\.editsSeconds).max()), count(runs.compactMap(\.promptTokens)),
                count(runs.compactMap(\.generatedTokens)),
                TableCell(speed.map(NumberFormat.compact) ?? "–", value: speed),
                TableCell(NumberFormat.bytes(memory), value: memory.map(Double.init)),
            ]
    }
}
