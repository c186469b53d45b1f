// Database → files. Reads once, writes every file whole (temporary name, then rename), so that a reader never sees half
// a report and a second run with the same database writes the same bytes.
import Foundation
import Results

public enum ReportFormat: String, Hashable, Sendable, CaseIterable {
    case markdown = "md"
    case csv
    case latex = "tex"
    case json
    case html
}

public enum ReportError: Error, CustomStringConvertible, Sendable, Equatable {
    case cannotWrite(path: String, reason: String)
    case empty(path: String)

    public var description: String {
        switch self {
        case .cannotWrite(let path, let reason):
            "\(path): cannot be written (\(reason)); free space or fix the permissions, or choose another directory with -o"
        case .empty(let path):
            "\(path): no session in this database; run a suite with `abench run SUITE --output DIR` first"
        }
    }
}

/// What a report consists of.
public struct ReportFiles: Sendable {
    /// The main document of each format first, in the order asked for; then tables and charts.
    public var urls: [URL]
    /// Why charts are missing, if they are; the documents are complete otherwise.
    public var chartError: ChartError?
    /// Planned cells are missing or failed.
    public var isPartial: Bool
}

public struct ReportBuilder: Sendable {
    public var formats: [ReportFormat]
    /// Empty = no charts.
    public var charts: [ChartFormat]
    /// Also prompts and responses of datasets that are not marked shareable.
    public var includeHarmful: Bool

    public init(
        formats: [ReportFormat] = [.markdown, .csv, .json], charts: [ChartFormat] = [.svg, .png],
        includeHarmful: Bool = false
    ) {
        self.formats = formats
        self.charts = charts
        self.includeHarmful = includeHarmful
    }

    /// Reports on a results directory or database file, which may still be being written to.
    public func write(_ results: URL, to directory: URL) throws -> ReportFiles {
        try write(try ResultsStore(results, mode: .readOnly), to: directory)
    }

    /// - Throws: `ReportError`, `ResultsError`. A chart that cannot be drawn is not thrown but returned.
    public func write(_ store: ResultsStore, to directory: URL) throws -> ReportFiles {
        let context = try ReportContext(store: store, includeHarmful: includeHarmful)
        guard context.snapshot.session != nil else { throw ReportError.empty(path: store.url.path) }
        let document = try Self.document(context)
        let writer = FileWriter(directory: directory)
        var urls: [URL] = []
        var chartURLs: [URL] = []
        var chartError: ChartError?
        var figures: FigureLinks?
        let wantsDocument = formats.contains { $0 != .csv }
        if wantsDocument, !charts.isEmpty, !document.charts.isEmpty {
            let drawn = try draw(document.charts, writer)
            (chartURLs, chartError) = (drawn.urls, drawn.error)
            if chartError == nil { figures = FigureLinks(formats: charts) }
        }
        var tables: [URL] = []
        for format in formats {
            switch format {
            case .markdown:
                urls.append(try writer.write(Markdown.render(document, figures: figures), "report.md"))
            case .csv:
                urls.append(try writer.write(LongForm.csv(context.snapshot), "results.csv"))
            case .latex:
                urls.append(try writer.write(LaTeX.render(document, figures: figures), "report.tex"))
                for table in document.tables {
                    let text = LaTeX.render(table, origin: document.origin)
                    tables.append(try writer.write(text, "tables/\(table.name).tex"))
                }
            case .json:
                let (main, others) = try writeJSON(document, context.snapshot, writer)
                urls.append(main)
                tables += others
            case .html:
                var svg: [String: String] = [:]
                if figures != nil, charts.contains(.svg) {
                    for chart in document.charts {
                        let url = directory.appendingPathComponent("charts/\(chart.name).svg")
                        svg[chart.name] = Self.namespaced(try? String(contentsOf: url, encoding: .utf8), chart.name)
                    }
                }
                urls.append(try writer.write(HTML.render(document, svg: svg), "report.html"))
            }
        }
        return ReportFiles(
            urls: urls + tables + chartURLs, chartError: chartError, isPartial: context.snapshot.isPartial)
    }

    // MARK: - The document

    static func document(_ context: ReportContext) throws -> Document {
        let snapshot = context.snapshot
        let session = snapshot.session
        var title = "Abliteration benchmark: \(session?.suite ?? "results")"
        let limits = Set(snapshot.cells.compactMap { $0.run?.sampleLimit } + [session?.sampleLimit].compactMap { $0 })
        var marks: [String] = []
        if !limits.isEmpty {
            marks.append("limited to \(limits.sorted().map(String.init).joined(separator: "/")) samples")
        }
        if snapshot.isPartial { marks.append("partial") }
        if !marks.isEmpty { title += " (\(marks.joined(separator: ", ")))" }

        var blocks: [Block] = []
        if snapshot.isPartial {
            let complete = snapshot.cells.filter(\.isComplete).count
            let failed = snapshot.cells.filter { $0.run?.status == .error }.count
            blocks.append(
                .note([
                    .text(
                        "This report is partial: \(complete) of \(snapshot.cells.count) cells are complete, "
                            + "\(failed) failed.")
                ]))
        }
        for section in Section.all {
            let content = try section.blocks(context)
            if !content.isEmpty { blocks += [.heading(2, section.title)] + content }
        }
        return Document(title: title, origin: origin(session), blocks: unique(blocks))
    }

    private static func origin(_ session: SessionRecord?) -> String {
        var text = "generated by abench report"
        if let command = session?.command { text += " from: \(command)" }
        if let commit = session?.gitCommit { text += " at \(commit)" }
        return text
    }

    /// Labels that differ only in what file names leave out must not share a file.
    private static func unique(_ blocks: [Block]) -> [Block] {
        var tables: Set<String> = []
        var charts: Set<String> = []
        func free(_ name: String, _ used: inout Set<String>) -> String {
            var candidate = name
            var number = 2
            while !used.insert(candidate).inserted {
                candidate = "\(name)-\(number)"
                number += 1
            }
            return candidate
        }
        return blocks.map { block in
            switch block {
            case .table(var table):
                table.name = free(table.name, &tables)
                return .table(table)
            case .figure(var chart, let caption):
                chart.name = free(chart.name, &charts)
                return .figure(chart, caption: caption)
            default: return block
            }
        }
    }

    // MARK: - Files

    private func writeJSON(_ document: Document, _ snapshot: Snapshot, _ writer: FileWriter) throws -> (URL, [URL]) {
        var runs: [JSON] = []
        var urls: [URL] = []
        for model in snapshot.models {
            for method in snapshot.methods {
                guard let results = LMEvalExport.results(snapshot, model: model, method: method) else { continue }
                runs.append(
                    .object(("model", .string(model)), ("method", .string(method)), ("lm_eval", results)))
                let name = "\(LMEvalExport.sanitized(model))/\(LMEvalExport.sanitized(method))"
                urls.append(try writer.write(results.pretty, "lm_eval/\(name)/results.json"))
            }
        }
        let json = JSON.object(("document", DocumentJSON.render(document)), ("results", .array(runs)))
        return (try writer.write(json.pretty, "report.json"), urls)
    }

    /// Draws in a directory of its own and moves finished files into `charts/`.
    func draw(_ charts: [Chart], _ writer: FileWriter) throws -> (urls: [URL], error: ChartError?) {
        let work = FileManager.default.temporaryDirectory.appendingPathComponent("abench-charts-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: work) }
        let drafts = FileWriter(directory: work)
        var urls: [URL] = []
        var gnuplot: Gnuplot?
        var failure: ChartError?
        do { gnuplot = try Gnuplot() } catch let error as ChartError { failure = error }
        for chart in charts {
            // The script and its data are worth having even when nothing here can draw them.
            for (name, text) in [("\(chart.name).gp", chart.gnuplotScript), ("\(chart.name).csv", chart.csv)] {
                _ = try drafts.write(text, name)
                urls.append(try writer.write(text, "charts/\(name)"))
            }
            guard let gnuplot, failure == nil else { continue }
            do {
                for format in self.charts {
                    try gnuplot.draw(chart, format: format, in: work)
                    let file = "\(chart.name).\(format.rawValue)"
                    let data = try Data(contentsOf: work.appendingPathComponent(file))
                    urls.append(try writer.write(data, "charts/\(file)"))
                }
            } catch let error as ChartError {
                failure = error
            }
        }
        return (urls, failure)
    }

    /// gnuplot gives the same element ids to every chart; on one page they must differ.
    static func namespaced(_ svg: String?, _ name: String) -> String? {
        svg?.replacing("id=\"", with: "id=\"\(name)-").replacing("url(#", with: "url(#\(name)-")
            .replacing("href='#", with: "href='#\(name)-").replacing("href=\"#", with: "href=\"#\(name)-")
            .replacing("id='", with: "id='\(name)-")
    }
}
