import Foundation
import GRDB
import Results
import Testing

@Suite struct OpeningTests {
    @Test func acceptsADirectoryOrAFile() throws {
        let scratch = try Scratch()
        let directory = scratch.url.appendingPathComponent("a/b")
        #expect(try ResultsStore(directory).url.lastPathComponent == "results.sqlite")
        let file = scratch.url.appendingPathComponent("other.db")
        #expect(try ResultsStore(file).url == file)
        #expect(try ResultsStore(file, mode: .readOnly).runs().isEmpty)
    }

    @Test func usesTheWriteAheadLog() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let queue = try DatabaseQueue(path: store.url.path)
        #expect(try queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM grdb_migrations") } == 1)
    }

    @Test func oneWriterManyReaders() throws {
        let scratch = try Scratch()
        let writer = try store(scratch)
        #expect(throws: ResultsError.locked(path: writer.url.path)) { try ResultsStore(scratch.url) }
        let reader = try ResultsStore(scratch.url, mode: .readOnly)
        try writer.beginRun(run())
        #expect(try reader.run("k1") != nil)
        #expect(throws: ResultsError.readOnly(path: writer.url.path)) { try reader.beginRun(run()) }
    }

    @Test func aMissingDatabaseIsNamed() throws {
        let scratch = try Scratch()
        let path = scratch.url.appendingPathComponent("results.sqlite").path
        #expect(throws: ResultsError.notFound(path: path)) { try ResultsStore(scratch.url, mode: .readOnly) }
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(ResultsError.notFound(path: path).description.contains("abench run"))
    }

    @Test(arguments: [ResultsStore.Mode.readWrite, .readOnly])
    func damagedFilesAreRefused(mode: ResultsStore.Mode) throws {
        let scratch = try Scratch()
        let url = scratch.url.appendingPathComponent("results.sqlite")
        try Data("this is not a database, but it is long enough to be mistaken for one".utf8).write(to: url)
        #expect { try ResultsStore(url, mode: mode) } throws: { error in
            guard case .corrupt = error as? ResultsError else { return false }
            return true
        }
        // A real database cut in the middle, behind a sound header.
        try FileManager.default.removeItem(at: url)
        do {
            let store = try store(scratch)
            try store.beginRun(run())
            try store.appendSamples(
                (0..<500).map {
                    SampleRecord(runKey: "k1", sampleID: "\($0)", output: String(repeating: "x", count: 99))
                })
        }
        var data = try Data(contentsOf: url)
        for i in stride(from: 4096, to: data.count, by: 1) where i % 3 == 0 { data[i] = 0xA5 }
        try data.write(to: url)
        #expect {
            let store = try ResultsStore(url, mode: mode)
            _ = try store.snapshot()
            _ = try store.samples(of: "k1")
        } throws: { error in
            if case .corrupt = error as? ResultsError { return true }
            return false
        }
    }

    @Test(arguments: [ResultsStore.Mode.readWrite, .readOnly])
    func foreignAndNewerDatabasesAreRefused(mode: ResultsStore.Mode) throws {
        let scratch = try Scratch()
        let foreign = scratch.url.appendingPathComponent("foreign.db")
        let queue = try DatabaseQueue(path: foreign.path)
        try queue.write { try $0.execute(sql: "CREATE TABLE t(a); INSERT INTO t VALUES (1)") }
        try queue.close()
        let before = try Data(contentsOf: foreign)
        #expect(throws: ResultsError.notResults(path: foreign.path)) { try ResultsStore(foreign, mode: mode) }
        #expect(try Data(contentsOf: foreign) == before)

        let url = try store(scratch).url
        let newer = try DatabaseQueue(path: url.path)
        try newer.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('v9-future')") }
        try newer.close()
        #expect(throws: ResultsError.newerSchema(path: url.path)) { try ResultsStore(url, mode: mode) }
    }

    @Test func anUnusablePlaceIsNamed() throws {
        let scratch = try Scratch()
        let file = scratch.url.appendingPathComponent("file")
        try Data().write(to: file)
        #expect { try ResultsStore(file.appendingPathComponent("results")) } throws: { error in
            guard case .cannotOpen = error as? ResultsError else { return false }
            return "\(error)".contains("--output")
        }
    }

    @Test func aReadOnlyDirectoryCanBeRead() throws {
        let scratch = try Scratch()
        let url = try store(scratch).url
        try? FileManager.default.removeItem(atPath: url.path + ".lock")
        let manager = FileManager.default
        try manager.setAttributes([.posixPermissions: 0o444], ofItemAtPath: url.path)
        try manager.setAttributes([.posixPermissions: 0o555], ofItemAtPath: scratch.url.path)
        defer { try? manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.url.path) }
        #expect(try ResultsStore(url, mode: .readOnly).snapshot().cells.count == 1)
        // Root writes anywhere, so only other users see the refusal.
        if getuid() != 0 {
            #expect(throws: ResultsError.readOnly(path: url.path)) { try ResultsStore(url) }
        }
    }

    @Test func aKilledWriterLosesOnlyWhatIsInFlight() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        try store.beginRun(run())
        try store.appendSamples([SampleRecord(runKey: "k1", sampleID: "1", score: 1)])
        // What a kill leaves behind: the files as they are at this moment, WAL included, no clean close.
        let copy = try Scratch()
        for name in ["results.sqlite", "results.sqlite-wal"] {
            try FileManager.default.copyItem(
                at: scratch.url.appendingPathComponent(name), to: copy.url.appendingPathComponent(name))
        }
        // And a half-written frame at the end of the WAL.
        let wal = try FileHandle(forWritingTo: copy.url.appendingPathComponent("results.sqlite-wal"))
        try wal.seekToEnd()
        try wal.write(contentsOf: Data(repeating: 7, count: 1000))
        try wal.close()
        let revived = try ResultsStore(copy.url)
        #expect(try revived.sampleIDs(of: "k1") == ["1"])
        #expect(try revived.run("k1")?.status == .started)
    }
}
