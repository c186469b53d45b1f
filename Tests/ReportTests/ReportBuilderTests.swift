import Foundation
import Report
import Results
import Testing

@Suite struct ReportBuilderTests {
    @Test func writesEverythingAndSaysItIsPartial() throws {
        let scratch = try Scratch()
        let store = try ReportFixture().store(in: scratch.url)
        // ABENCH_KEEP_REPORT=DIR keeps the result, for looking at the charts.
        let keep = ProcessInfo.processInfo.environment["ABENCH_KEEP_REPORT"].map { URL(fileURLWithPath: $0) }
        let output = keep ?? scratch.url.appendingPathComponent("report")
        let files = try ReportBuilder(formats: ReportFormat.allCases, charts: [.svg, .png]).write(store, to: output)
        #expect(files.isPartial)
        #expect(files.chartError == nil)
        for url in files.urls { #expect(FileManager.default.fileExists(atPath: url.path), "\(url.path)") }
        #expect(
            files.urls.prefix(5).map(\.lastPathComponent)
                == ["report.md", "results.csv", "report.tex", "report.json", "report.html"])
        let names = Set(files.urls.map(\.lastPathComponent))
        #expect(names.isSuperset(of: ["tradeoff-llama-tiny-a.svg", "tradeoff-llama-tiny-a.png", "cost.tex"]))

        let text = try String(contentsOf: output.appendingPathComponent("report.md"), encoding: .utf8)
        #expect(text.contains("# Abliteration benchmark: six_methods (partial)"))
        #expect(text.contains("33 of 36 cells are complete, 1 failed"))
        #expect(text.contains("| heretic | **3.0** [0.0, 9.0] (Δ -93.0†) |"))
        #expect(text.contains("| baseline | 96.0 [90.0, 102.0] |"))
        #expect(text.contains("| heretic | failed | failed | unfinished | not run | not run |"))
        #expect(text.contains("heretic, refusal failed: `out of memory in layer 3; set max_memory`"))
        #expect(
            text.contains("| llama_tiny\\|a | heretic | kl | 0.160 | 0.110 [0.0825, 0.138] | outside | model card |"))
        #expect(text.contains("up to 1 unscored"))
        #expect(text.contains("](charts/tradeoff-llama-tiny-a.svg)"))
        // Every figure's link leads somewhere.
        for part in text.components(separatedBy: "](charts/").dropFirst() {
            let name = String(part.prefix { $0 != ")" })
            #expect(FileManager.default.fileExists(atPath: output.appendingPathComponent("charts/\(name)").path))
        }
        let json = try JSON(
            parsing: try String(contentsOf: output.appendingPathComponent("report.json"), encoding: .utf8))
        guard case .array(let results)? = json["results"] else {
            Issue.record("no results")
            return
        }
        #expect(results.count == 11)
        #expect(results[0]["lm_eval"]?["results"]?["gsm8k"]?["exact_match,strict-match"] == .double(0.42))
    }

    @Test func secondRunWritesTheSameBytes() throws {
        let scratch = try Scratch()
        let store = try ReportFixture().store(in: scratch.url)
        let builder = ReportBuilder(formats: ReportFormat.allCases, charts: [.svg])
        let output = scratch.url.appendingPathComponent("report")
        func contents() throws -> [String: Data] {
            let files = try builder.write(store, to: output)
            return Dictionary(
                try files.urls.map { ($0.path, try Data(contentsOf: $0)) }, uniquingKeysWith: { a, _ in a })
        }
        let first = try contents()
        #expect(try contents() == first)
        // No temporary files are left.
        let all = try FileManager.default.subpathsOfDirectory(atPath: output.path)
        #expect(!all.contains { $0.hasSuffix(".tmp") })
    }

    @Test func textsAreLeftOutUnlessShareable() throws {
        for (isShareable, include, isShown) in [(true, false, true), (false, false, false), (false, true, true)] {
            let scratch = try Scratch()
            let store = try ReportFixture(isShareable: isShareable, secret: "SECRETPROMPT").store(in: scratch.url)
            let builder = ReportBuilder(formats: ReportFormat.allCases, charts: [], includeHarmful: include)
            let files = try builder.write(store, to: scratch.url.appendingPathComponent("r"))
            var text = ""
            for url in files.urls { text += try String(contentsOf: url, encoding: .utf8) }
            #expect(text.contains("SECRETPROMPT") == isShown)
            #expect(text.contains("answer of") == isShown)
            // Verdicts stay.
            #expect(text.contains("complied"))
        }
    }

    @Test func aLimitShowsInTheTitle() throws {
        let scratch = try Scratch()
        let store = try ReportFixture(limit: 10).store(in: scratch.url)
        _ = try ReportBuilder(formats: [.markdown], charts: []).write(store, to: scratch.url)
        let text = try String(contentsOf: scratch.url.appendingPathComponent("report.md"), encoding: .utf8)
        #expect(text.contains("# Abliteration benchmark: six_methods (limited to 10 samples, partial)"))
        #expect(text.contains("A sample limit was in force (10)"))
        #expect(text.contains("allows the same prompts"))
    }

    @Test func longFormComesInSuiteOrder() throws {
        let scratch = try Scratch()
        let store = try ReportFixture().store(in: scratch.url)
        let files = try ReportBuilder(formats: [.csv]).write(store, to: scratch.url.appendingPathComponent("r"))
        #expect(files.urls.map(\.lastPathComponent) == ["results.csv"])
        let lines = try String(contentsOf: files.urls[0], encoding: .utf8).components(separatedBy: "\r\n")
        #expect(lines[0] == "model,method,eval,filter,metric,value,stderr,ci_low,ci_high,n")
        #expect(lines[1].hasPrefix("llama_tiny|a,baseline,refusal,heretic-1.4,refusal_rate,0.96,0.03,"))
        // 11 complete methods of 6 metrics each, the header, and nothing after the last line's end.
        #expect(lines.count == 11 * 6 + 2)
        #expect(lines.last == "")
    }

    @Test func readsWhileAWriterIsAtWork() throws {
        let scratch = try Scratch()
        let store = try ReportFixture().store(in: scratch.url)
        let files = try ReportBuilder(formats: [.markdown], charts: [])
            .write(scratch.url, to: scratch.url.appendingPathComponent("r"))
        #expect(files.isPartial)
        withExtendedLifetime(store) {}
    }

    @Test func anEmptyDatabaseAndAnUnwritablePlaceAreErrors() throws {
        let scratch = try Scratch()
        let store = try ResultsStore(scratch.url)
        #expect(throws: ReportError.empty(path: store.url.path)) {
            try ReportBuilder().write(store, to: scratch.url.appendingPathComponent("r"))
        }
        try ReportFixture().fill(store)
        let file = scratch.url.appendingPathComponent("file")
        try Data().write(to: file)
        #expect {
            try ReportBuilder(charts: []).write(store, to: file.appendingPathComponent("r"))
        } throws: { error in
            guard case .cannotWrite = error as? ReportError else { return false }
            return "\(error)".contains("-o")
        }
    }

    @Test func nothingFinishedYetIsStillAReport() throws {
        let scratch = try Scratch()
        let store = try ResultsStore(scratch.url)
        try store.beginSession(
            SessionRecord(id: "s", suite: "x"),
            cells: [
                CellRecord(
                    sessionID: "s", model: "m", method: "baseline", eval: "kl", modelIndex: 0, methodIndex: 0,
                    evalIndex: 0, runKey: "k")
            ])
        let files = try ReportBuilder(formats: ReportFormat.allCases).write(store, to: scratch.url)
        #expect(files.isPartial && files.chartError == nil)
        let text = try String(contentsOf: scratch.url.appendingPathComponent("report.md"), encoding: .utf8)
        #expect(text.contains("No cell has finished yet"))
    }
}
