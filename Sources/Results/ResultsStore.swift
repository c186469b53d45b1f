// The results database: one SQLite file in WAL mode, one writing process, any number of readers at the same time.
// Every write method is one transaction that is on disk when it returns: a kill loses at most what was not yet handed
// over. It stores what it is given and computes no statistics.
import Foundation
import GRDB

public final class ResultsStore: Sendable {
    public enum Mode: Sendable {
        /// Creates directory and file when missing.
        case readWrite
        /// Leaves file and directory untouched; works on read-only media and beside a running writer.
        case readOnly
    }

    /// The database's file name in a results directory.
    public static let fileName = "results.sqlite"

    /// The database file.
    public let url: URL
    let queue: DatabaseQueue
    private let lock: WriterLock?

    /// Opens a results directory or a database file (`.sqlite`, `.db`).
    ///
    /// - Throws: `ResultsError`.
    public init(_ location: URL, mode: Mode = .readWrite) throws {
        let url = Self.databaseURL(for: location)
        let path = url.path
        self.url = url
        switch mode {
        case .readWrite:
            let directory = url.deletingLastPathComponent()
            do {
                try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            } catch {
                throw ResultsError.cannotOpen(path: path, reason: "cannot create \(directory.path)")
            }
            lock = try WriterLock(path: path + ".lock", database: path)
        case .readOnly:
            guard FileManager.default.fileExists(atPath: path) else { throw ResultsError.notFound(path: path) }
            lock = nil
        }
        do {
            queue = try Self.open(path: path, mode: mode)
        } catch {
            throw ResultsError.from(error, path: path)
        }
    }

    /// The database that a user means by a directory or a file.
    public static func databaseURL(for location: URL) -> URL {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: location.path, isDirectory: &isDirectory)
        if exists ? !isDirectory.boolValue : ["sqlite", "sqlite3", "db"].contains(location.pathExtension) {
            return location
        }
        return location.appendingPathComponent(fileName)
    }

    private static func open(path: String, mode: Mode) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.label = "results"
        switch mode {
        case .readWrite:
            configuration.journalMode = .wal
            // FULL: a commit is on disk when it returns, so even a power cut loses only what is in flight.
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            if FileManager.default.fileExists(atPath: path) { try checkOwnership(path: path) }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try Schema.migrator.migrate(queue)
            return queue
        case .readOnly:
            configuration.readonly = true
            let queue: DatabaseQueue
            do {
                queue = try DatabaseQueue(path: path, configuration: configuration)
                try check(queue, path: path)
            } catch let error as DatabaseError
                where error.resultCode == .SQLITE_CANTOPEN || error.resultCode == .SQLITE_READONLY
            {
                // WAL needs a shared-memory file; on read-only media without a pending WAL the file cannot change.
                guard !FileManager.default.fileExists(atPath: path + "-wal") else { throw error }
                let uri = URL(fileURLWithPath: path).absoluteString + "?immutable=1"
                let fixed = try DatabaseQueue(path: uri, configuration: configuration)
                try check(fixed, path: path)
                return fixed
            }
            return queue
        }
    }

    /// Refuses, before anything is written, a file that is not ours or that a newer version made.
    private static func checkOwnership(path: String) throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if (attributes?[.size] as? NSNumber)?.intValue == 0 { return }
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.read { db in
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            if tables == 0 { return }
            let id = try Int32.fetchOne(db, sql: "PRAGMA application_id")
            guard id == Schema.applicationID else { throw ResultsError.notResults(path: path) }
            if try Schema.migrator.hasBeenSuperseded(db) { throw ResultsError.newerSchema(path: path) }
        }
        try queue.close()
    }

    private static func check(_ queue: DatabaseQueue, path: String) throws {
        try queue.read { db in
            let id = try Int32.fetchOne(db, sql: "PRAGMA application_id")
            guard id == Schema.applicationID else { throw ResultsError.notResults(path: path) }
            if try Schema.migrator.hasBeenSuperseded(db) { throw ResultsError.newerSchema(path: path) }
            if try !Schema.migrator.hasCompletedMigrations(db) { throw ResultsError.olderSchema(path: path) }
        }
    }

    // MARK: - Access

    func write<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try queue.write(body)
        } catch {
            throw ResultsError.from(error, path: url.path)
        }
    }

    func read<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try queue.read(body)
        } catch {
            throw ResultsError.from(error, path: url.path)
        }
    }
}
