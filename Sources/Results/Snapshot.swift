// The database at one moment, arranged as model × method × eval: what reports and exports are made from.
import Foundation
import GRDB

/// One cell of the matrix: planned, and perhaps run.
public struct ResultCell: Hashable, Sendable {
    /// Labels, as the suite's plan names them.
    public var model: String
    public var method: String
    public var eval: String
    /// nil = planned but not yet begun.
    public var run: RunRecord?
    /// In the evaluation's order; empty unless it ended well.
    public var metrics: [MetricRecord]

    public init(model: String, method: String, eval: String, run: RunRecord?, metrics: [MetricRecord]) {
        self.model = model
        self.method = method
        self.eval = eval
        self.run = run
        self.metrics = metrics
    }

    public var isComplete: Bool { run?.status == .success }

    public func metric(_ name: String, filter: String) -> MetricRecord? {
        metrics.first { $0.name == name && $0.filter == filter }
    }
}

/// All results of a database. A cell that several sessions planned counts as the latest one planned it.
public struct Snapshot: Sendable {
    /// Oldest first.
    public var sessions: [SessionRecord]
    /// Labels in suite order.
    public var models: [String]
    public var methods: [String]
    public var evals: [String]
    /// In the order models, methods, evals.
    public var cells: [ResultCell]
    /// By model label.
    public var modelRecords: [String: ModelRecord]
    /// By search key, in order of number.
    public var trials: [String: [TrialRecord]]
    /// By model label.
    public var geometry: [String: [GeometryRecord]]

    /// The latest session; nil only for an empty database.
    public var session: SessionRecord? { sessions.last }

    /// Whether anything planned is missing or failed.
    public var isPartial: Bool { cells.contains { !$0.isComplete } }

    public func cell(model: String, method: String, eval: String) -> ResultCell? {
        cells.first { $0.model == model && $0.method == method && $0.eval == eval }
    }
}

extension ResultsStore {
    /// Reads everything but samples, responses and artifacts in one transaction.
    public func snapshot() throws -> Snapshot {
        try read { db in
            let sessions = try Self.sessions(db)
            let recency = Dictionary(sessions.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
            var planned = try CellRecord.fetchAll(db, sql: "SELECT * FROM cell")
            // Newest session first, then suite order: the first of each label triple wins.
            planned.sort { a, b in
                let (x, y) = (recency[a.sessionID] ?? 0, recency[b.sessionID] ?? 0)
                if x != y { return x > y }
                return (a.modelIndex, a.methodIndex, a.evalIndex, a.runKey)
                    < (b.modelIndex, b.methodIndex, b.evalIndex, b.runKey)
            }
            let models = Self.axis(planned) { ($0.model, $0.modelIndex) }
            let methods = Self.axis(planned) { ($0.method, $0.methodIndex) }
            let evals = Self.axis(planned) { ($0.eval, $0.evalIndex) }

            let runs = Dictionary(
                try RunRecord.fetchAll(db).map { ($0.key, $0) }, uniquingKeysWith: { a, _ in a })
            let metrics = Dictionary(
                grouping: try MetricRecord.fetchAll(db, sql: "SELECT * FROM metric ORDER BY run_key, position"),
                by: \.runKey)
            var chosen: [[String]: CellRecord] = [:]
            for cell in planned where chosen[[cell.model, cell.method, cell.eval]] == nil {
                chosen[[cell.model, cell.method, cell.eval]] = cell
            }
            var cells: [ResultCell] = []
            var modelIDs: [String: String] = [:]
            for model in models {
                for method in methods {
                    for eval in evals {
                        guard let cell = chosen[[model, method, eval]] else { continue }
                        let run = runs[cell.runKey]
                        let values = run?.status == .success ? metrics[cell.runKey] ?? [] : []
                        cells.append(ResultCell(model: model, method: method, eval: eval, run: run, metrics: values))
                        if let run, modelIDs[model] == nil { modelIDs[model] = run.modelID }
                    }
                }
            }
            let byID = Dictionary(
                try ModelRecord.fetchAll(db).map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
            let trials = Dictionary(
                grouping: try TrialRecord.fetchAll(db, sql: "SELECT * FROM trial ORDER BY search_key, number"),
                by: \.searchKey)
            let geometry = Dictionary(
                grouping: try GeometryRecord.fetchAll(
                    db, sql: "SELECT * FROM geometry ORDER BY contrast_key, name, layer"), by: \.modelID)
            return Snapshot(
                sessions: sessions, models: models, methods: methods, evals: evals, cells: cells,
                modelRecords: modelIDs.compactMapValues { byID[$0] }, trials: trials,
                geometry: modelIDs.compactMapValues { geometry[$0] })
        }
    }

    /// Labels in suite order: by the index the newest session gives them, ties by first appearance.
    private static func axis(_ cells: [CellRecord], _ label: (CellRecord) -> (String, Int)) -> [String] {
        var seen: [String: (index: Int, rank: Int)] = [:]
        for cell in cells {
            let (name, index) = label(cell)
            if seen[name] == nil { seen[name] = (index, seen.count) }
        }
        return seen.sorted { ($0.value.index, $0.value.rank) < ($1.value.index, $1.value.rank) }.map(\.key)
    }
}
