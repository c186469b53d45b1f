extension Engine {
    /// Logits of the original model at every position, (positions, vocabulary), as `abench logits` prints them. For
    /// comparing with other implementations: everything else reduces logits as they are made.
    public func logits(of tokens: [Int32]) throws -> [[Float]] {
        let tokens = try model.encode(.tokens(tokens), options: options.prompt)
        let decoder = model.decoder
        var states: [[Float]] = []
        var scheduler = Scheduler(
            model: model, edits: nil, options: options, workspace: decoder.backend.makeWorkspace())
        try scheduler.run(
            [Job(tokens: tokens, firstOutput: 0, goal: .states)], decided: nil,
            finished: { _, result in if case .states(let rows) = result { states = rows } })
        let workspace = decoder.backend.makeWorkspace()
        var rows: [[Float]] = []
        rows.reserveCapacity(states.count)
        for first in stride(from: 0, to: states.count, by: Scheduler.logitRows) {
            let part = states[first..<min(first + Scheduler.logitRows, states.count)]
            let x = decoder.backend.tensor(.output, rows: part.count, columns: decoder.spec.hiddenSize, in: workspace)
            part.flatMap { $0 }.withUnsafeBufferPointer { decoder.backend.write($0, to: x) }
            let logits = decoder.logits(of: x, name: .logits, workspace: workspace)
            for row in 0..<part.count { rows.append(decoder.backend.read(row: row, of: logits)) }
        }
        return rows
    }
}
