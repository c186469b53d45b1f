// Everything that changes the database. Each method is one transaction, durable when it returns.
import Foundation
import GRDB

extension ResultsStore {
    // MARK: - Sessions and plan

    /// Records a session and its plan, in suite order.
    public func beginSession(_ session: SessionRecord, cells: [CellRecord]) throws {
        try write { db in
            try session.insert(db)
            for var cell in cells {
                cell.sessionID = session.id
                try cell.insert(db)
            }
        }
    }

    /// Rewrites a session's row; for what is known only later.
    public func update(_ session: SessionRecord) throws { try write { try session.update($0) } }

    public func finishSession(_ id: String, status: RunStatus, error: String? = nil, at date: Date = Date()) throws {
        try write { db in
            guard var session = try SessionRecord.fetchOne(db, key: id) else { return }
            session.status = status
            session.error = error
            session.completedAt = date
            try session.update(db)
        }
    }

    /// Inserts or updates.
    public func save(_ model: ModelRecord) throws { try write { try model.save($0) } }

    // MARK: - Runs

    /// Writes the run as `started`. Samples a former attempt left stay, so that the run can go on where it stopped.
    public func beginRun(_ run: RunRecord) throws {
        var run = run
        run.status = .started
        run.error = nil
        run.completedAt = nil
        try write { try run.save($0) }
    }

    /// Writes the run's final row, replaces its metrics, in one transaction. `run.status` says how it ended.
    public func finishRun(_ run: RunRecord, metrics: [MetricRecord] = []) throws {
        var run = run
        if run.completedAt == nil { run.completedAt = Date() }
        try write { db in
            try run.save(db)
            try Self.replace(metrics, of: run.key, in: db)
        }
    }

    /// Adds a batch of samples, one row per filter; one that is there already is replaced. A NUL character in a text
    /// is stored as U+2400 (␀), because SQLite would end the text there; `response` keeps it, as JSON escapes it.
    public func appendSamples(_ samples: [SampleRecord]) throws {
        try appendSamples(samples, responses: [])
    }

    /// Adds a batch of samples together with the responses they came from.
    public func appendSamples(_ samples: [SampleRecord], responses: [ResponseRecord]) throws {
        guard !samples.isEmpty || !responses.isEmpty else { return }
        try write { db in
            for sample in samples { try sample.withoutNUL.insert(db, onConflict: .replace) }
            for response in responses { try response.insert(db, onConflict: .ignore) }
        }
    }

    /// Replaces a run's metrics; the array's order is kept.
    public func replaceMetrics(_ metrics: [MetricRecord], of runKey: String) throws {
        try write { try Self.replace(metrics, of: runKey, in: $0) }
    }

    /// Replaces the metrics of several runs at once (after Holm's correction over a table).
    public func replaceMetrics(_ metrics: [String: [MetricRecord]]) throws {
        try write { db in for (key, values) in metrics { try Self.replace(values, of: key, in: db) } }
    }

    private static func replace(_ metrics: [MetricRecord], of runKey: String, in db: Database) throws {
        try db.execute(sql: "DELETE FROM metric WHERE run_key = ?", arguments: [runKey])
        for (position, metric) in metrics.enumerated() {
            var metric = metric
            metric.runKey = runKey
            metric.position = position
            try metric.insert(db)
        }
    }

    /// Removes runs with their samples, metrics and artifacts; for `--fresh`.
    public func deleteRuns(_ keys: [String]) throws {
        try write { db in
            for key in keys {
                try db.execute(sql: "DELETE FROM artifact WHERE owner_key = ?", arguments: [key])
                try db.execute(sql: "DELETE FROM run WHERE key = ?", arguments: [key])
            }
        }
    }

    // MARK: - Searches

    /// Journals a trial. A number that is there already is an error: two searches must not share a key.
    public func append(_ trial: TrialRecord) throws { try write { try trial.insert($0) } }

    /// Marks the front and the chosen trial of a finished search.
    public func markTrials(searchKey: String, front: Set<Int>, chosen: Int?) throws {
        try write { db in
            try db.execute(
                sql: "UPDATE trial SET on_front = 0, chosen = 0 WHERE search_key = ?", arguments: [searchKey])
            for number in front {
                try db.execute(
                    sql: "UPDATE trial SET on_front = 1 WHERE search_key = ? AND number = ?",
                    arguments: [searchKey, number])
            }
            if let chosen {
                try db.execute(
                    sql: "UPDATE trial SET chosen = 1 WHERE search_key = ? AND number = ?",
                    arguments: [searchKey, chosen])
            }
        }
    }

    public func deleteTrials(searchKey: String) throws {
        try write { db in
            try db.execute(sql: "DELETE FROM artifact WHERE owner_key = ?", arguments: [searchKey])
            try db.execute(sql: "DELETE FROM trial WHERE search_key = ?", arguments: [searchKey])
        }
    }

    // MARK: - Cache, artifacts, geometry

    /// Caches responses; one that is there already stays (it is the same by construction).
    public func insert(_ responses: [ResponseRecord]) throws {
        guard !responses.isEmpty else { return }
        try write { db in for response in responses { try response.insert(db, onConflict: .ignore) } }
    }

    /// Empties the response cache, or one checkpoint's part of it.
    public func deleteResponses(checkpointSHA256: String? = nil) throws {
        try write { db in
            if let checkpointSHA256 {
                try db.execute(
                    sql: "DELETE FROM response WHERE checkpoint_sha256 = ?", arguments: [checkpointSHA256])
            } else {
                try db.execute(sql: "DELETE FROM response")
            }
        }
    }

    /// Writes artifacts; one with the same owner, kind and name is replaced.
    public func save(_ artifacts: [ArtifactRecord]) throws {
        try write { db in for artifact in artifacts { try artifact.insert(db, onConflict: .replace) } }
    }

    /// Writes per-layer statistics; values with the same key are replaced.
    public func save(_ geometry: [GeometryRecord]) throws {
        try write { db in for value in geometry { try value.insert(db, onConflict: .replace) } }
    }
}

extension SampleRecord {
    fileprivate var withoutNUL: SampleRecord {
        var sample = self
        for path in [\SampleRecord.input, \.prompt, \.target, \.output, \.answer, \.explanation, \.error] {
            guard let text = sample[keyPath: path], text.utf8.contains(0) else { continue }
            var scalars = String.UnicodeScalarView()
            for scalar in text.unicodeScalars { scalars.append(scalar == "\0" ? "\u{2400}" : scalar) }
            sample[keyPath: path] = String(scalars)
        }
        return sample
    }
}
