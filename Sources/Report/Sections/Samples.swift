import Results

extension Section {
    /// The first samples of each evaluation, all methods side by side. Texts only where the data may be shown.
    static let samples = Section(title: "Samples side by side") { context in
        var blocks: [Block] = []
        let count = context.snapshot.models.count * context.snapshot.evals.count > 8 ? 1 : 3
        for model in context.snapshot.models {
            for eval in context.snapshot.evals {
                let cells = context.cells(model: model).filter { $0.eval == eval && $0.run != nil }
                guard let first = cells.first(where: \.isComplete) ?? cells.first, let run = first.run else { continue }
                let isOpen = context.includeHarmful || cells.allSatisfy { $0.run?.isShareable ?? false }
                let ids = try context.store.firstSampleIDs(of: run.key, count: isOpen ? count : 8)
                guard !ids.isEmpty else { continue }
                var samples: [String: [SampleRecord]] = [:]
                for cell in cells {
                    guard let key = cell.run?.key else { continue }
                    samples[cell.method] = try context.store.samples(of: key, ids: ids)
                }
                // Evaluations that generate nothing have nothing to read.
                guard samples.values.lazy.joined().contains(where: { $0.output != nil }) else { continue }
                blocks.append(.heading(3, "\(model), \(eval)"))
                if isOpen {
                    blocks += open(ids, cells, samples, stem: slug("samples-\(model)-\(eval)"))
                } else {
                    blocks.append(.table(withheld(ids, cells, samples, "\(model), \(eval)")))
                }
            }
        }
        if !blocks.isEmpty, !context.includeHarmful {
            blocks.append(
                .paragraph([
                    .text(
                        "Prompts and responses of datasets that are not marked as shareable are left out; they are in the "
                            + "database ("), .code("--include-harmful"), " shows them).",
                ]))
        }
        return blocks
    }

    private static func open(
        _ ids: [String], _ cells: [ResultCell], _ samples: [String: [SampleRecord]], stem: String
    ) -> [Block] {
        ids.enumerated().flatMap { index, id -> [Block] in
            let input = samples.values.lazy.joined().first { $0.sampleID == id && $0.input != nil }?.input
            let target = samples.values.lazy.joined().first { $0.sampleID == id && $0.target != nil }?.target
            var blocks: [Block] = []
            if let input { blocks.append(.code(shortened(input, 600), language: "text")) }
            let rows = cells.map { cell -> [TableCell] in
                let rows = (samples[cell.method] ?? []).filter { $0.sampleID == id }
                return [
                    TableCell(cell.method), TableCell(shortened(rows.lazy.compactMap(\.output).first ?? "", 300)),
                    TableCell(rows.map { verdict($0, withAnswer: true) }.joined(separator: "; ")),
                ]
            }
            blocks.append(
                .table(
                    DocumentTable(
                        name: "\(stem)-\(index)",
                        caption: "Sample \(id)" + (target.map { ", target: \(shortened($0, 80))" } ?? ""),
                        columns: [TableColumn("Method"), TableColumn("Response"), TableColumn("Score")], rows: rows)))
            return blocks
        }
    }

    private static func withheld(
        _ ids: [String], _ cells: [ResultCell], _ samples: [String: [SampleRecord]], _ name: String
    ) -> DocumentTable {
        DocumentTable(
            name: slug("samples-\(name)"), caption: "\(name): verdicts by sample (texts left out)",
            columns: [TableColumn("Sample")] + cells.map { TableColumn($0.method) },
            rows: ids.map { id in
                [TableCell(id)]
                    + cells.map { cell in
                        let rows = (samples[cell.method] ?? []).filter { $0.sampleID == id }
                        return TableCell(rows.map { verdict($0, withAnswer: false) }.joined(separator: "; "))
                    }
            })
    }

    /// Words that are verdicts and not text from a response.
    private static let verdicts: Set<String> = [
        "refusal", "complied", "degenerate", "correct", "incorrect", "unscored",
    ]

    private static func verdict(_ sample: SampleRecord, withAnswer: Bool) -> String {
        var text = sample.filter == "none" ? "" : "\(sample.filter): "
        if sample.error != nil { return text + "error" }
        if let answer = sample.answer, withAnswer || verdicts.contains(answer) {
            text += shortened(answer, 40)
            if verdicts.contains(answer) { return text }
            text += ", "
        }
        return text + (sample.score.map(NumberFormat.compact) ?? "unscored")
    }

    private static func shortened(_ text: String, _ limit: Int) -> String {
        guard text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit))) + "…"
    }
}
