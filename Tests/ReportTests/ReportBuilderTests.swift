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
    }
}
