import Results

extension Section {
    /// What weakens the numbers above, from the data alone.
    static let limitations = Section(title: "Limitations") { context in
        let snapshot = context.snapshot
        let runs = snapshot.cells.compactMap(\.run)
        var items: [[Span]] = []
        let limits = Set(runs.compactMap(\.sampleLimit)).sorted()
        if !limits.isEmpty {
            items.append([
                .text(
                    "A sample limit was in force (\(limits.map(String.init).joined(separator: ", "))): intervals are wide, "
                        + "and the first samples of a dataset need not stand for the rest.")
            ])
        }
        if snapshot.sessions.contains(where: \.allowOverlap) {
            items.append([
                .text(
                    "The suite allows the same prompts in the contrast, search and test splits: methods were partly fitted to what "
                        + "they are measured on.")
            ])
        }
        items += share(snapshot, "unscored", "no score could be derived; they count in n of neither side") {
            $0.nUnscored
        }
        items += share(snapshot, "degenerate", "empty, looping or wordless output, a class of its own") {
            $0.nDegenerate
        }
        let small = snapshot.cells.flatMap(\.metrics).filter(\.isHeadline).map(\.n).filter { $0 < 30 }
        if let least = small.min() {
            items.append([.text("Some headline numbers rest on fewer than 30 samples (as few as \(least)).")])
        }
        for cell in snapshot.cells {
            guard let run = cell.run, run.status != .success else { continue }
            let word = ["error": "failed", "cancelled": "was cancelled", "started": "did not finish"][
                run.status.rawValue]
            var spans: [Span] = [.text("\(cell.model), \(cell.method), \(cell.eval) \(word ?? "is incomplete")")]
            if let error = run.error { spans += [": ", .code(error)] }
            items.append(spans)
        }
        let pending = snapshot.cells.filter { $0.run == nil }.count
        if pending > 0 { items.append([.text("\(plural(pending, "planned cell")) not run yet.")]) }
        if snapshot.sessions.contains(where: { $0.gitDirty == true }) {
            items.append(["The program was built from a working tree with uncommitted changes."])
        }
        guard !items.isEmpty else { return [.paragraph(["None found in the data."])] }
        return [.list(items)]
    }

    private static func share(
        _ snapshot: Snapshot, _ word: String, _ meaning: String, _ count: (RunRecord) -> Int?
    ) -> [[Span]] {
        var worst: (cell: ResultCell, count: Int, of: Int)?
        var affected = 0
        for cell in snapshot.cells {
            guard let run = cell.run, let n = count(run), n > 0, let all = run.nEffective, all > 0 else { continue }
            affected += 1
            if worst.map({ n * $0.of > $0.count * all }) ?? true { worst = (cell, n, all) }
        }
        guard let worst else { return [] }
        let percent = NumberFormat.fixed(100 * Double(worst.count) / Double(worst.of), 1)
        return [
            [
                .text(
                    "\(plural(affected, "cell")) with \(word) samples (\(meaning)); most in \(worst.cell.model), "
                        + "\(worst.cell.method), \(worst.cell.eval): \(worst.count) of \(worst.of) (\(percent) %).")
            ]
        ]
    }
}
