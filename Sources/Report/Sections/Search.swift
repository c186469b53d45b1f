import Results

extension Section {
    /// What searches tried, measured on the search split.
    static let search = Section(title: "Searches") { context in
        var blocks: [Block] = []
        var shown: Set<String> = []
        for cell in context.snapshot.cells {
            guard let key = cell.run?.searchKey, shown.insert(key).inserted,
                let trials = context.snapshot.trials[key], !trials.isEmpty
            else { continue }
            let name = "\(cell.model), \(cell.method)"
            blocks.append(.heading(3, name))
            blocks.append(.paragraph([.text(sentence(trials))]))
            let stem = slug("search-\(cell.model)-\(cell.method)")
            let colour = context.snapshot.methods.firstIndex(of: cell.method)
            blocks.append(
                .figure(
                    scatter(trials, name, stem, colour),
                    caption: "\(name): trials on the search split; lower left is better."))
            blocks.append(
                .figure(
                    history(trials, name, stem, colour),
                    caption: "\(name): refusals and KL by trial; filled: on the Pareto front."))
            blocks.append(.table(front(trials, name, stem)))
        }
        return blocks
    }

    private static func sentence(_ trials: [TrialRecord]) -> String {
        let front = trials.filter(\.onFront).count
        var text = "\(plural(trials.count, "trial")), \(front) on the Pareto front"
        let seconds = trials.compactMap(\.seconds)
        if !seconds.isEmpty {
            text += ", \(NumberFormat.duration(seconds.reduce(0, +) / Double(seconds.count))) per trial"
        }
        if let chosen = trials.first(where: \.chosen) {
            text +=
                ". Chosen: trial \(chosen.number), \(chosen.refusals)/\(chosen.prompts) refusals at KL "
                + NumberFormat.compact(chosen.kl)
        }
        return text + ". Numbers of this section come from the search split; the tables above are from the test split."
    }

    private static func groups(
        _ trials: [TrialRecord], _ colour: Int?, _ point: (TrialRecord) -> Chart.Point
    ) -> [Chart.Series] {
        func label(_ trial: TrialRecord) -> Chart.Point {
            var made = point(trial)
            made.label = "chosen: trial \(trial.number)"
            return made
        }
        return [
            Chart.Series(
                name: "trials", style: .hollowPoints, colour: nil,
                points: trials.filter { !$0.onFront && !$0.chosen }.map(point)),
            Chart.Series(
                name: "front", style: .points, colour: colour,
                points: trials.filter { $0.onFront && !$0.chosen }.map(point)),
            Chart.Series(name: "chosen", style: .points, colour: colour, points: trials.filter(\.chosen).map(label)),
        ]
    }

    private static func scatter(_ trials: [TrialRecord], _ name: String, _ stem: String, _ colour: Int?) -> Chart {
        let front = trials.filter(\.onFront).sorted {
            ($0.kl, $0.refusals, $0.number) < ($1.kl, $1.refusals, $1.number)
        }
        var series = [
            Chart.Series(
                name: "Pareto front", style: .front, colour: nil,
                points: front.map { Chart.Point(x: $0.kl, y: percent($0)) })
        ]
        series += groups(trials, colour) { Chart.Point(x: $0.kl, y: percent($0)) }
        return Chart(
            name: stem, title: "\(name): trials of the search",
            panels: [
                Chart.Panel(
                    x: klAxis("KL divergence from the original (nats), lower is better", trials.map(\.kl)),
                    y: Chart.Axis("refusals (%), lower is better", lower: -4, upper: 104), series: series)
            ])
    }

    private static func history(_ trials: [TrialRecord], _ name: String, _ stem: String, _ colour: Int?) -> Chart {
        Chart(
            name: stem + "-history", title: "\(name): refusals and KL by trial",
            panels: [
                Chart.Panel(
                    x: Chart.Axis("trial"), y: Chart.Axis("refusals (%)", lower: -4, upper: 104),
                    series: groups(trials, colour) { Chart.Point(x: Double($0.number), y: percent($0)) }),
                Chart.Panel(
                    x: Chart.Axis("trial"), y: klAxis("KL (nats)", trials.map(\.kl)),
                    series: groups(trials, colour) { Chart.Point(x: Double($0.number), y: $0.kl) }),
            ], height: 700)
    }

    private static func front(_ trials: [TrialRecord], _ name: String, _ stem: String) -> DocumentTable {
        let front = trials.filter { $0.onFront || $0.chosen }
            .sorted { ($0.kl, $0.refusals, $0.number) < ($1.kl, $1.refusals, $1.number) }
        return DocumentTable(
            name: stem, caption: "\(name): Pareto front of the search",
            columns: [
                TableColumn("Trial", .number), TableColumn("Refusals ↓", .number), TableColumn("KL, nats ↓", .number),
                TableColumn("Parameters"),
            ],
            rows: front.map { trial in
                [
                    TableCell(String(trial.number), isBest: trial.chosen, value: Double(trial.number)),
                    TableCell("\(trial.refusals)/\(trial.prompts)", value: Double(trial.refusals)),
                    TableCell(NumberFormat.compact(trial.kl), value: trial.kl),
                    .code(
                        trial.parameters.sorted { $0.key < $1.key }
                            .map { "\($0.key)=\(NumberFormat.compact($0.value))" }.joined(separator: " ")),
                ]
            })
    }

    private static func percent(_ trial: TrialRecord) -> Double {
        trial.prompts > 0 ? 100 * Double(trial.refusals) / Double(trial.prompts) : .nan
    }
}
