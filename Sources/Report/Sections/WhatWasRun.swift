import Results

extension Section {
    static let whatWasRun = Section(title: "What was run") { context in
        let snapshot = context.snapshot
        var blocks: [Block] = []
        if let session = snapshot.session {
            var spans: [Span] = ["Suite ", .strong(session.suite), ". "]
            if let summary = session.summary { spans.append(.text(summary.trimmedForLine + " ")) }
            spans.append(
                .text(
                    "\(plural(snapshot.models.count, "model")) × \(plural(snapshot.methods.count, "method")) × "
                        + "\(plural(snapshot.evals.count, "evaluation")): \(plural(snapshot.cells.count, "cell"))."))
            blocks.append(.paragraph(spans))
            if let command = session.command { blocks.append(.code(command, language: "sh")) }
        }
        blocks.append(.table(models(context)))
        blocks.append(.table(methods(context)))
        blocks.append(.table(evals(context)))
        return blocks
    }

    private static func models(_ context: ReportContext) -> DocumentTable {
        DocumentTable(
            name: "models", caption: "Models",
            columns: [
                TableColumn("Model"), TableColumn("Family"), TableColumn("Parameters", .number),
                TableColumn("Layers", .number), TableColumn("Format"), TableColumn("Weights"),
            ],
            rows: context.snapshot.models.map { label in
                let model = context.snapshot.modelRecords[label]
                let weights = [model?.dtype, model?.quantization].compactMap { $0 }.joined(separator: " ")
                return [
                    TableCell(label), TableCell(model?.architecture ?? "–"),
                    TableCell(NumberFormat.parameters(model?.parameters), value: model?.parameters.map(Double.init)),
                    TableCell(model?.layers.map(String.init) ?? "–", value: model?.layers.map(Double.init)),
                    TableCell(model?.format ?? "–"), TableCell(weights.isEmpty ? "–" : weights),
                ]
            })
    }

    private static func methods(_ context: ReportContext) -> DocumentTable {
        DocumentTable(
            name: "methods", caption: "Methods",
            columns: [
                TableColumn("Label"), TableColumn("Method"), TableColumn("Version", .number), TableColumn("Options"),
            ],
            rows: context.snapshot.methods.map { label in
                let run = context.snapshot.cells.first { $0.method == label && $0.run != nil }?.run
                return [
                    TableCell(label), TableCell(run?.method ?? "–"),
                    TableCell(run.map { String($0.methodVersion) } ?? "–"), options(run?.methodOptions),
                ]
            })
    }

    private static func evals(_ context: ReportContext) -> DocumentTable {
        DocumentTable(
            name: "evaluations", caption: "Evaluations",
            columns: [
                TableColumn("Label"), TableColumn("Evaluation"), TableColumn("Version", .number),
                TableColumn("Options"), TableColumn("Shots", .number), TableColumn("Samples", .number),
                TableColumn("of", .number),
            ],
            rows: context.snapshot.evals.map { label in
                let runs = context.snapshot.cells.compactMap { $0.eval == label ? $0.run : nil }
                let run = runs.first { $0.nEffective != nil } ?? runs.first
                func count(_ value: Int?) -> TableCell {
                    TableCell(value.map(String.init) ?? "–", value: value.map(Double.init))
                }
                return [
                    TableCell(label), TableCell(run?.eval ?? "–"),
                    TableCell(run.map { String($0.evalVersion) } ?? "–"), options(run?.evalOptions),
                    count(run?.nShot), count(run?.nEffective), count(run?.nOriginal),
                ]
            })
    }

    private static func options(_ text: String?) -> TableCell {
        guard let text, text != "{}" else { return TableCell("") }
        return .code((try? JSON(parsing: text))?.canonical ?? text)
    }

    static func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

extension String {
    /// On one line, ending with a full stop.
    var trimmedForLine: String {
        let words = split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.hasSuffix(".") || words.hasSuffix("!") || words.hasSuffix("?") ? words : words + "."
    }
}
