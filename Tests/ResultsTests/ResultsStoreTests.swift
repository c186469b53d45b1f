import Foundation
import GRDB
import Results
import Testing

/// A directory that goes when the test ends.
final class Scratch {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("abench-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }
}

/// A store with one session, one model, and a planned cell per key.
func store(_ scratch: Scratch, keys: [String] = ["k1"]) throws -> ResultsStore {
    let store = try ResultsStore(scratch.url)
    let session = SessionRecord(id: "s1", suite: "quick", startedAt: Date(timeIntervalSince1970: 1_700_000_000))
    try store.beginSession(
        session,
        cells: keys.enumerated().map {
            CellRecord(
                sessionID: "s1", model: "m", method: "method\($0)", eval: "kl", modelIndex: 0, methodIndex: $0,
                evalIndex: 0, runKey: $1)
        })
    try store.save(ModelRecord(id: "m1", repo: "org/name"))
    return store
}

func run(_ key: String = "k1", session: String = "s1") -> RunRecord {
    RunRecord(
        key: key, sessionID: session, modelID: "m1", method: "baseline", eval: "kl",
        startedAt: Date(timeIntervalSince1970: 1_700_000_100))
}

@Suite struct ResultsStoreTests {
    @Test func everyRecordSurvivesARoundTrip() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        var session = try #require(try store.sessions().first)
        session.suiteSHA256 = "ab"
        session.gitDirty = true
        session.libraries = ["sqlite": "3.40"]
        session.allowOverlap = true
        session.reference = [
            ReferenceValue(model: "m", method: "heretic", eval: "kl", metric: "kl", value: 0.16, source: "card")
        ]
        session.sampleLimit = 5
        try store.update(session)
        #expect(try store.sessions() == [session])

        var run = run()
        run.dataSHA256 = ["kl.test": "00"]
        run.phaseSeconds = ["load": 0.25, "generate": 1e-9]
        run.peakRSSBytes = 5_000_000_000
        run.seed = String(UInt64.max)
        run.isShareable = true
        try store.beginRun(run)
        #expect(try store.run("k1") == run)

        var sample = SampleRecord(
            runKey: "k1", sampleID: "7", filter: "heretic-1.4", input: "e\u{301} ☃", target: nil,
            output: "", answer: "refusal", score: 1)
        sample.docSHA256 = "d"
        sample.generatedTokens = 3
        try store.appendSamples([sample])
        #expect(try store.samples(of: "k1") == [sample])
        let readBack = try #require(try store.samples(of: "k1").first?.input)
        #expect(Array(readBack.utf8) == Array("e\u{301} ☃".utf8))

        var metric = MetricRecord(runKey: "k1", name: "kl", value: 0.1 + 0.2, ciLow: 1e-300, n: 3)
        metric.baselineDelta = -0.5
        metric.baselineDeltaCILow = -0.6
        metric.pAdjusted = 0.04
        metric.higherIsBetter = false
        try store.replaceMetrics([metric], of: "k1")
        #expect(try store.metrics(of: "k1") == [metric])

        let trial = TrialRecord(
            searchKey: "sk", number: 0, parameters: ["a": 0.1, "b": 2], objectives: [0.3, .infinity], refusals: 3,
            prompts: 64, kl: .infinity, seconds: 2, createdAt: Date(timeIntervalSince1970: 1_700_000_000))
        try store.append(trial)
        #expect(try store.trials(searchKey: "sk") == [trial])

        let artifact = ArtifactRecord(ownerKey: "k1", kind: "notes", body: Data("{}".utf8))
        try store.save([artifact])
        #expect(try store.artifacts(of: "k1") == [artifact])
        #expect(try store.artifacts(of: "k1", kind: "directions").isEmpty)

        let geometry = GeometryRecord(modelID: "m1", contrastKey: "c", name: "direction_norm", layer: 3, value: 2.5)
        try store.save([geometry])
        #expect(try store.geometry(modelID: "m1") == [geometry])
    }

    @Test func aNulInATextDoesNotCutIt() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        try store.beginRun(run())
        try store.appendSamples([SampleRecord(runKey: "k1", sampleID: "1", input: "a\0b", output: "\0c")])
        let sample = try #require(try store.samples(of: "k1").first)
        #expect(sample.input == "a␀b")
        #expect(sample.output == "␀c")
    }

    @Test func columnNamesConvertBothWays() {
        for (property, column) in [
            ("checkpointSHA256", "checkpoint_sha256"), ("sessionID", "session_id"), ("nShot", "n_shot"),
            ("baselineDeltaCILow", "baseline_delta_ci_low"), ("peakRSSBytes", "peak_rss_bytes"), ("key", "key"),
            ("id", "id"), ("chatTemplateSHA256", "chat_template_sha256"), ("sha256", "sha256"), ("pValue", "p_value"),
        ] {
            #expect(ColumnName.column(forProperty: property) == column)
            #expect(ColumnName.property(forColumn: column) == property)
        }
    }

    @Test func resumeSeesWhatIsThere() throws {
        let scratch = try Scratch()
        do {
            let store = try store(scratch, keys: ["k1", "k2"])
            try store.beginRun(run("k1"))
            try store.beginRun(run("k2"))
            try store.appendSamples(["10", "9", "x"].map { SampleRecord(runKey: "k1", sampleID: $0, score: 1) })
            var done = run("k2")
            done.status = .success
            try store.finishRun(done, metrics: [MetricRecord(runKey: "", name: "kl", value: 0, n: 1)])
        }
        let store = try ResultsStore(scratch.url)
        #expect(try store.completedRunKeys() == ["k2"])
        #expect(try store.sampleIDs(of: "k1") == ["9", "10", "x"])
        #expect(try store.samples(of: "k1").map(\.sampleID) == ["9", "10", "x"])
        // Beginning again keeps the samples.
        try store.beginRun(run("k1"))
        #expect(try store.sampleIDs(of: "k1").count == 3)
        #expect(try store.metrics(of: "k2").map(\.runKey) == ["k2"])
        try store.deleteRuns(["k1", "k2"])
        #expect(try store.samples(of: "k1").isEmpty)
        #expect(try store.metrics(of: "k2").isEmpty)
    }

    @Test func responsesAreFoundByContent() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let records = (0..<1203).map {
            ResponseRecord(
                checkpointSHA256: "c", editsSHA256: "e", requestSHA256: "r\($0)", body: Data("body \($0)".utf8))
        }
        try store.insert(records)
        try store.insert(Array(records.prefix(3)))
        let found = try store.responses(
            checkpointSHA256: "c", editsSHA256: "e", requests: records.map(\.requestSHA256) + ["other"])
        #expect(found.count == 1203)
        #expect(found["r1202"] == Data("body 1202".utf8))
        #expect(try store.responses(checkpointSHA256: "c", editsSHA256: "none", requests: ["r1"]).isEmpty)
        try store.deleteResponses(checkpointSHA256: "c")
        #expect(try store.responses(checkpointSHA256: "c", editsSHA256: "e", requests: ["r1"]).isEmpty)
    }

    @Test func trialsAreMarkedAndKeysGuarded() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        for number in 0..<4 {
            try store.append(
                TrialRecord(
                    searchKey: "s", number: number, parameters: [:], objectives: [], refusals: 1, prompts: 2, kl: 0))
        }
        try store.markTrials(searchKey: "s", front: [1, 3], chosen: 3)
        try store.markTrials(searchKey: "s", front: [0, 3], chosen: 0)
        #expect(try store.trials(searchKey: "s").filter(\.onFront).map(\.number) == [0, 3])
        #expect(try store.trials(searchKey: "s").filter(\.chosen).map(\.number) == [0])
        #expect(throws: ResultsError.self) {
            try store.append(
                TrialRecord(searchKey: "s", number: 0, parameters: [:], objectives: [], refusals: 1, prompts: 2, kl: 0))
        }
    }

    @Test func statusIsChecked() throws {
        let scratch = try Scratch()
        let url = try store(scratch).url
        let queue = try DatabaseQueue(path: url.path)
        #expect(throws: DatabaseError.self) {
            try queue.write { try $0.execute(sql: "UPDATE session SET status = 'finished'") }
        }
    }

    @Test func aSampleWithoutItsRunIsRefused() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        #expect(throws: ResultsError.self) {
            try store.appendSamples([SampleRecord(runKey: "nowhere", sampleID: "1")])
        }
    }

    @Test func snapshotMergesSessions() throws {
        let scratch = try Scratch()
        let store = try store(scratch, keys: ["k1", "k2"])
        var first = run("k1")
        first.status = .success
        try store.finishRun(first, metrics: [MetricRecord(runKey: "k1", name: "kl", value: 1, n: 1)])
        // A later session with another limit replaces method1's cell and adds a method.
        let later = SessionRecord(id: "s2", suite: "quick", startedAt: Date(timeIntervalSince1970: 1_800_000_000))
        try store.beginSession(
            later,
            cells: [
                CellRecord(
                    sessionID: "", model: "m", method: "method1", eval: "kl", modelIndex: 0, methodIndex: 1,
                    evalIndex: 0, runKey: "k3"),
                CellRecord(
                    sessionID: "", model: "m", method: "another", eval: "kl", modelIndex: 0, methodIndex: 2,
                    evalIndex: 0, runKey: "k4"),
            ])
        var third = run("k3", session: "s2")
        third.status = .error
        third.error = "out of memory"
        try store.finishRun(third)
        let snapshot = try store.snapshot()
        #expect(snapshot.methods == ["method0", "method1", "another"])
        #expect(snapshot.cells.map { $0.run?.key } == ["k1", "k3", nil])
        #expect(snapshot.isPartial)
        #expect(snapshot.session?.id == "s2")
        #expect(snapshot.modelRecords["m"]?.repo == "org/name")
    }
}
