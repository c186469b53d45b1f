import Evals
import Foundation
import Inference
import Testing

@Suite struct DatasetTests {
    // MARK: - Slices

    @Test(arguments: [
        ("test", 10, 0..<10), ("test[:100]", 10, 0..<10), ("test[:3]", 10, 0..<3), ("train[2:5]", 10, 2..<5),
        ("train[-4:]", 10, 6..<10), ("train[:-4]", 10, 0..<6), ("train[-50:]", 10, 0..<10), ("t[5:2]", 10, 5..<5),
        ("t[:]", 10, 0..<10), ("t[20:30]", 10, 10..<10), ("t[:10%]", 25, 0..<2), ("t[10%:30%]", 25, 2..<8),
        ("t[-50%:]", 7, 3..<7), ("t[:50%]", 5, 0..<2), ("t[:50%]", 7, 0..<4), ("t[ 1 : 2 ]", 5, 1..<2),
        ("[:2]", 5, 0..<2),
    ])
    func slicesAreHuggingFaces(_ text: String, _ count: Int, _ expected: Range<Int>) throws {
        #expect(try DatasetSlice(parsing: text).range(count: count) == expected)
    }

    @Test(arguments: [
        "test[", "test[1]", "test[1:2", "test[1:2:3]", "test[a:b]", "test[:1.5]", "test[:10%:]", "te st[:1]",
        "test[1:10%]",
        "test[10%:1]", "test[:101%]", "test]:1[", "test[:+5]", "test[:1]x", "test[:99999999999999999999]", "train+test",
    ])
    func malformedSlicesAreErrors(_ text: String) {
        #expect(throws: DatasetError.self) { try DatasetSlice(parsing: text) }
    }

    // MARK: - Files

    private func load(
        _ text: String, _ name: String, split: String? = nil, column: String? = nil
    ) throws -> Dataset {
        let directory = try EvalFixtures.scratch()
        defer { try? FileManager.default.removeItem(at: directory) }
        _ = try EvalFixtures.write(text, name, in: directory)
        return try DatasetStore(root: directory).load(
            DatasetReference(path: name, split: split, column: column))
    }

    private func failure(_ text: String, _ name: String, split: String? = nil, column: String? = nil) -> String {
        do { _ = try load(text, name, split: split, column: column).prompts() } catch { return "\(error)" }
        return "no error"
    }

    @Test func csvFollowsRFC4180() throws {
        let text =
            "\u{FEFF}id,prompt,note\r\n1,\"a, b\",x\r\n2,\"say \"\"hi\"\"\nand\r\ngo\",\r\n3,plain,\"\"\r\n4,,last"
        let data = try load(text, "a.csv")
        #expect(data.records.map { $0.text("prompt") } == ["a, b", "say \"hi\"\nand\r\ngo", "plain", ""])
        #expect(data.records.map { $0.text("note") } == ["x", "", "", "last"])
        #expect(data.records.map(\.line) == [2, 3, 6, 7] && data.records.map(\.row) == [0, 1, 2, 3])
        #expect(data.promptColumns == ["prompt"])
        // One column: an empty line is a row; several columns: it is nothing.
        #expect(try load("prompt\na\n\nb\n", "b.csv").records.count == 3)
        #expect(try load("prompt,x\na,1\n\nb,2\n", "b.csv").records.count == 2)
        // A carriage return inside a field is text.
        #expect(try load("prompt\na\rb\n", "b.csv").records.map { $0.text("prompt") } == ["a\rb"])
    }

    @Test func malformedCSVNamesTheirPlace() {
        #expect(failure("prompt,x\n\"a,1\n", "a.csv").contains("a.csv:2:1: a quoted field begins here"))
        #expect(failure("prompt,x\na,1\nb,\"2\"3\n", "a.csv").contains("a.csv:3:6: text after the closing quote"))
        #expect(failure("prompt,x\na\"b,1\n", "a.csv").contains("a.csv:2:2: a quote inside"))
        #expect(failure("prompt,x\na,1,2\n", "a.csv").contains("a.csv:2: 3 fields, but the header names 2"))
        #expect(failure("prompt,x\n\"a\nb\",1\nc\n", "a.csv").contains("a.csv:4: 1 fields"))
        #expect(failure("p,p\n1,2\n", "a.csv").contains("named twice"))
        #expect(failure("", "a.csv").contains("empty"))
        #expect(failure("prompt\n", "a.csv").contains("no rows"))
        #expect(failure("prompt,x\n ,1\n", "a.csv").contains("a.csv:2: row 0 has an empty prompt"))
    }

    @Test func invalidUTF8NamesItsPlace() throws {
        let directory = try EvalFixtures.scratch()
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, bytes) in [
            ("a.csv", Array("prompt,x\nok,1\n".utf8) + [0xFF, 0x2C, 0x31]), ("a.txt", [0x61, 0x0A, 0xC3]),
            ("a.jsonl", Array("{\"prompt\": \"x\"}\n{\"prompt\": \"".utf8) + [0xFF, 0x22, 0x7D]),
        ] {
            try Data(bytes).write(to: directory.appendingPathComponent(name))
            let error = #expect(throws: DatasetError.self) {
                try DatasetStore(root: directory).load(DatasetReference(path: name))
            }
            let line = name == "a.csv" ? 3 : 2
            #expect("\(error!)".contains("\(name):\(line)"), "\(error!)")
        }
    }

    @Test func jsonLinesArraysAndText() throws {
        let lines = try load(
            "{\"prompt\": \"caf\\u00e9\", \"n\": 1}\r\n\r\n\"bare\"\n{\"text\": \"c\", \"prompt\": \"b\"}", "a.jsonl",
            column: "text")
        #expect(lines.records.map(\.line) == [1, 3, 4] && lines.records.map(\.row) == [0, 1, 2])
        #expect(lines.records[0].text("prompt") == "café" && lines.records[0].text("n") == "1")
        #expect(lines.records[1].text("text") == "bare")
        let array = try load(
            "[{\"Body\": \"x\", \"Answer\": 51.0}, {\"Body\": \"y\", \"Answer\": 2.5}]", "a.json", column: "Body")
        #expect(array.records.map { $0.text("Answer") } == ["51", "2.5"])
        #expect(try load("[\"a\", \"b\"]", "a.json").prompts().map(\.text) == ["a", "b"])
        let text = try load("\u{FEFF}first \r\n\n  \nsecond\n\n", "a.txt", split: "[1:]")
        #expect(try text.prompts() == [PromptRecord(id: "1", text: "second")] && text.splitCount == 2)
    }

    @Test func malformedJSONNamesItsPlace() {
        #expect(failure("{\"prompt\": \"a\"}\n{\"prompt\": }\n", "a.jsonl").contains("a.jsonl:2:12"))
        #expect(failure("{\"prompt\": \"a\"}\n[1]\n", "a.jsonl").contains("a.jsonl:2:1"))
        #expect(failure("{\"prompt\": \"a\"} x\n", "a.jsonl").contains("a.jsonl:1:"))
        #expect(failure("{\"prompt\": 7}\n", "a.json").contains("an array of objects"))
        #expect(failure("[{\"prompt\": \"a\"},\n 7]\n", "a.json").contains("item 1"))
        #expect(failure("[{\"prompt\": \"a\"},\n {]\n", "a.json").contains("a.json:2:"))
        #expect(
            failure("{\"prompt\": \"a\"}\n{\"q\": \"b\"}\n", "a.jsonl").contains(
                "a.jsonl:2: row 1 has no text in column 'prompt'"))
        #expect(failure("x", "a.yaml").contains(".jsonl, .json, .csv or .txt"))
        #expect(failure("x", "noextension").contains("must end in"))
    }

    @Test func columnsAreNeverGuessed() throws {
        #expect(failure("{\"a\": \"x\", \"b\": \"y\"}", "a.jsonl").contains("column:"))
        #expect(failure("{\"goal\": \"x\", \"b\": \"y\"}", "a.jsonl", column: "gaol").contains("did you mean 'goal'"))
        #expect(try load("{\"goal\": \"x\"}", "a.jsonl").prompts().map(\.text) == ["x"])
        #expect(try load("{\"a\": \"x\", \"b\": \"y\"}", "a.jsonl", column: "b").prompts().map(\.text) == ["y"])
    }

    @Test func referencesAreChecked() throws {
        let store = DatasetStore(isOffline: true, environment: ["HOME": "/nonexistent"])
        func failure(_ reference: DatasetReference) -> String {
            do { _ = try store.load(reference) } catch { return "\(error)" }
            return "no error"
        }
        #expect(failure(DatasetReference(dataset: "gsm9k", split: "test")).contains("did you mean 'gsm8k'"))
        #expect(failure(DatasetReference(dataset: "gsm8k")).contains("needs a split: train, test"))
        #expect(failure(DatasetReference(dataset: "gsm8k", split: "tets")).contains("did you mean 'test'"))
        #expect(failure(DatasetReference(dataset: "gsm8k", path: "x", split: "test")).contains("not both"))
        #expect(failure(DatasetReference()).contains("needs a name"))
        #expect(failure(DatasetReference(dataset: "gsm8k", split: "test")).contains("Offline: download https://"))
        #expect(failure(DatasetReference(dataset: "mmlu", split: "test")).contains("get it from https://"))
        #expect(failure(DatasetReference(path: "nowhere.csv")).contains("no such file"))
    }

    @Test func referencesAreCodable() throws {
        let reference = DatasetReference(dataset: "xstest", split: "safe[:50]", column: "prompt")
        let data = try JSONEncoder().encode(reference)
        #expect(try JSONDecoder().decode(DatasetReference.self, from: data) == reference)
        #expect(
            try JSONDecoder().decode(DatasetReference.self, from: Data("{\"path\": \"a.csv\"}".utf8)).path == "a.csv")
    }

    // MARK: - Finding

    @Test func dataDirectoriesAreTriedInOrderAndChecked() throws {
        let base = try EvalFixtures.scratch()
        defer { try? FileManager.default.removeItem(at: base) }
        _ = try EvalFixtures.write("damaged", "named/gsm8k/test.jsonl", in: base)
        _ = try EvalFixtures.write("other", "cache/abench/data/gsm8k/test.jsonl", in: base)
        let environment = ["ABENCH_DATA": base.path + "/named", "XDG_CACHE_HOME": base.path + "/cache"]
        func failing(_ store: DatasetStore) -> String {
            do { _ = try store.load(DatasetReference(dataset: "gsm8k", split: "test")) } catch { return "\(error)" }
            return "no error"
        }
        let named = failing(DatasetStore(isOffline: true, environment: environment))
        #expect(named.contains("named/gsm8k/test.jsonl: sha256 is") && named.contains("expected 3730d312"))
        let explicit = base.appendingPathComponent("explicit")
        _ = try EvalFixtures.write("mine", "explicit/gsm8k/test.jsonl", in: base)
        #expect(
            failing(DatasetStore(dataDirectory: explicit, isOffline: true, environment: environment)).contains(
                "explicit/"))
        let cache = failing(DatasetStore(isOffline: true, environment: ["XDG_CACHE_HOME": base.path + "/cache"]))
        #expect(cache.contains("cache/abench/data/gsm8k/test.jsonl: sha256"))
    }

    @Test func organismsAreFoundBelowTheRoot() throws {
        let store = DatasetStore(root: EvalFixtures.repository, environment: [:])
        for name in ["organism-restricted", "organism-benign", "organism-arithmetic"] {
            for split in try DatasetRegistry.named(name).splits.map(\.name) {
                let data = try store.load(DatasetReference(dataset: name, split: split))
                #expect(try data.prompts().count == data.splitCount && data.splitCount >= 32)
            }
        }
        let elsewhere = DatasetStore(root: URL(fileURLWithPath: "/nonexistent"), environment: [:])
        #expect(throws: DatasetError.self) {
            try elsewhere.load(DatasetReference(dataset: "organism-benign", split: "test"))
        }
    }

    @Test func overlapsAreByTrimmedBytes() {
        func set(_ texts: [String]) -> [PromptRecord] {
            texts.enumerated().map { PromptRecord(id: "\($0 + 10)", text: $1) }
        }
        let overlaps = DatasetStore.overlap(between: [
            ("contrast", set(["a", "b ", "c"])), ("search", set(["x", "caf\u{E9}"])),
            ("test", set(["B", "b", " c\n", "cafe\u{301}"])),
        ])
        #expect(overlaps.count == 1)
        #expect(overlaps[0].first == "contrast" && overlaps[0].second == "test")
        #expect(overlaps[0].rows.map(\.first) == ["11", "12"] && overlaps[0].rows.map(\.second) == ["11", "12"])
        #expect(
            PromptRecord(id: "0", text: " abc\n").sha256
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    // MARK: - The registry

    @Test func registryEntriesAreWellFormed() {
        #expect(Set(DatasetRegistry.names).count == DatasetRegistry.all.count)
        for entry in DatasetRegistry.all {
            #expect(Set(entry.splits.map(\.name)).count == entry.splits.count && !entry.promptColumns.isEmpty)
            for file in entry.files {
                #expect((entry.location == .repository) == (file.sha256 == nil))
                #expect(file.sha256.map { $0.count == 64 && $0.allSatisfy(\.isHexDigit) } ?? true)
                #expect(file.url.map { $0.hasPrefix("https://") } ?? true)
            }
        }
    }

    static let dataDirectory = ProcessInfo.processInfo.environment["ABENCH_DATA"]

    @Test(.enabled(if: dataDirectory != nil, "set ABENCH_DATA to a directory with the datasets"))
    func realFilesHaveTheirChecksumsAndRows() throws {
        let store = DatasetStore(isOffline: true)
        var seen = 0
        for entry in DatasetRegistry.all where entry.location == .data {
            for split in entry.splits {
                let file = URL(fileURLWithPath: Self.dataDirectory ?? "").appendingPathComponent(split.file.path)
                guard FileManager.default.fileExists(atPath: file.path) else { continue }
                let data = try store.load(DatasetReference(dataset: entry.name, split: split.name))
                if split.filter == nil {
                    #expect(data.splitCount == split.file.rows, "\(entry.name) \(split.name)")
                }
                if !["arc", "mmlu", "hellaswag"].contains(entry.name) {
                    #expect(try data.prompts().count == data.splitCount)
                    if entry.answerColumn != nil { for record in data.records { _ = try data.answer(of: record) } }
                }
                seen += 1
            }
        }
        #expect(seen > 0)
        func count(_ name: String, _ split: String) throws -> Int {
            try store.load(DatasetReference(dataset: name, split: split)).splitCount
        }
        #expect(try count("gsm8k", "test") == 1319)
        #expect(try count("gsm8k", "train") == 7473)
        #expect(try count("refusal-direction-harmful", "train") == 260)
        #expect(try count("refusal-direction-harmful", "validation") == 39)
        #expect(try count("refusal-direction-harmful", "test") == 572)
        #expect(try count("xstest", "safe") == 250)
        #expect(try count("xstest", "unsafe") == 200)
        #expect(try count("harmbench", "test-standard") == 159)
    }

    @Test(.enabled(if: dataDirectory != nil, "set ABENCH_DATA to a directory with the datasets"))
    func goldAnswersScoreAsRightAndRealPromptsHaveFiveExamples() throws {
        let environment = EvalEnvironment(datasets: DatasetStore(isOffline: true))
        let eval = try GSM8K(options: GSM8K.Options())
        let samples = try eval.samples(in: environment)
        #expect(samples.count == 1319)
        for sample in samples {
            let scores = eval.score(sample, EvalFixtures.generation(sample.target ?? ""))
            #expect(scores[0].value == 1, "\(sample.id)")
        }
        guard case .text(let first) = samples[0].prompt else { return #expect(Bool(false)) }
        #expect(first.components(separatedBy: "Question: ").count == 7)
        #expect(first.hasSuffix("Question: \(samples[0].input)\nAnswer:"))
    }
}
