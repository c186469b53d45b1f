// Everything that reads the database, typed.
import Foundation
import GRDB

extension ResultsStore {
    // MARK: - Resuming

    /// Keys of runs that ended well: a resumed session skips them.
    public func completedRunKeys() throws -> Set<String> {
        try read { try String.fetchSet($0, sql: "SELECT key FROM run WHERE status = 'success'") }
    }

    public func run(_ key: String) throws -> RunRecord? { try read { try RunRecord.fetchOne($0, key: key) } }

    /// Ids of samples that a run already has, with all filters: written in one transaction, so any row will do.
    public func sampleIDs(of runKey: String, epoch: Int = 0) throws -> Set<String> {
        try read {
            try String.fetchSet(
                $0, sql: "SELECT DISTINCT sample_id FROM sample WHERE run_key = ? AND epoch = ?",
                arguments: [runKey, epoch])
        }
    }

    /// A run's samples by id (numbers before texts, in numeric order), epoch and filter.
    public func samples(of runKey: String) throws -> [SampleRecord] {
        let samples = try read {
            try SampleRecord.fetchAll($0, sql: "SELECT * FROM sample WHERE run_key = ?", arguments: [runKey])
        }
        return samples.sorted { SampleOrder.precedes($0, $1) }
    }

    public func metrics(of runKey: String) throws -> [MetricRecord] {
        try read {
            try MetricRecord.fetchAll(
                $0, sql: "SELECT * FROM metric WHERE run_key = ? ORDER BY position", arguments: [runKey])
        }
    }

    // MARK: - Searches, cache, artifacts, geometry

    /// Trials of a search by number.
    public func trials(searchKey: String) throws -> [TrialRecord] {
        try read {
            try TrialRecord.fetchAll(
                $0, sql: "SELECT * FROM trial WHERE search_key = ? ORDER BY number", arguments: [searchKey])
        }
    }

    /// Cached bodies by request hash; requests without one are absent.
    public func responses(
        checkpointSHA256: String, editsSHA256: String, requests: [String]
    ) throws -> [String: Data] {
        try read { db in
            var found: [String: Data] = [:]
            var start = 0
            while start < requests.count {
                // SQLite allows 32 766 parameters by default; older builds 999.
                let batch = requests[start..<min(start + 500, requests.count)]
                start += 500
                let marks = databaseQuestionMarks(count: batch.count)
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT request_sha256, body FROM response
                        WHERE checkpoint_sha256 = ? AND edits_sha256 = ? AND request_sha256 IN (\(marks))
                        """,
                    arguments: StatementArguments([checkpointSHA256, editsSHA256] + batch))
                while let row = try rows.next() { found[row[0]] = row[1] }
            }
            return found
        }
    }

    public func artifacts(of ownerKey: String, kind: String? = nil) throws -> [ArtifactRecord] {
        try read {
            try ArtifactRecord.fetchAll(
                $0, sql: "SELECT * FROM artifact WHERE owner_key = ? AND (?2 IS NULL OR kind = ?2) ORDER BY kind, name",
                arguments: [ownerKey, kind])
        }
    }

    public func geometry(modelID: String) throws -> [GeometryRecord] {
        try read {
            try GeometryRecord.fetchAll(
                $0, sql: "SELECT * FROM geometry WHERE model_id = ? ORDER BY contrast_key, name, layer",
                arguments: [modelID])
        }
    }

    // MARK: - Sessions

    /// All sessions, oldest first.
    public func sessions() throws -> [SessionRecord] { try read { try Self.sessions($0) } }

    static func sessions(_ db: Database) throws -> [SessionRecord] {
        try SessionRecord.fetchAll(db, sql: "SELECT * FROM session ORDER BY started_at, rowid")
    }

    public func runs() throws -> [RunRecord] {
        try read { try RunRecord.fetchAll($0, sql: "SELECT * FROM run ORDER BY started_at, key") }
    }
}

/// Samples in dataset order: ids are row numbers as text.
enum SampleOrder {
    static func precedes(_ a: SampleRecord, _ b: SampleRecord) -> Bool {
        if a.sampleID != b.sampleID { return precedes(a.sampleID, b.sampleID) }
        if a.epoch != b.epoch { return a.epoch < b.epoch }
        return a.filter < b.filter
    }

    static func precedes(_ a: String, _ b: String) -> Bool {
        switch (Int(a), Int(b)) {
        case (let x?, let y?) where x != y: x < y
        case (_?, nil): true
        case (nil, _?): false
        default: a.utf8.lexicographicallyPrecedes(b.utf8)
        }
    }
}

extension ResultsStore {
    /// A few samples of a run, for showing; same order as `samples(of:)`.
    public func samples(of runKey: String, ids: [String]) throws -> [SampleRecord] {
        guard !ids.isEmpty else { return [] }
        let samples = try read {
            try SampleRecord.fetchAll(
                $0,
                sql:
                    "SELECT * FROM sample WHERE run_key = ? AND sample_id IN (\(databaseQuestionMarks(count: ids.count)))",
                arguments: StatementArguments([runKey] + ids))
        }
        return samples.sorted { SampleOrder.precedes($0, $1) }
    }

    /// The first `count` sample ids of a run in dataset order.
    public func firstSampleIDs(of runKey: String, count: Int) throws -> [String] {
        Array(try sampleIDs(of: runKey).sorted { SampleOrder.precedes($0, $1) }.prefix(count))
    }
}
