import ArgumentParser
import Foundation
import Harness
import Report
import Results

struct ReportVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write the report of a results directory or database.")

    @Argument(help: "A results directory or a .sqlite file.") var results: String
    @Option(help: "Formats, comma-separated: md, csv, json, tex, html.") var format = "md,csv,json"
    @Option(help: "Chart formats, comma-separated: svg, png, pdf; empty for none.") var charts = "svg,png"
    @Option(name: .shortAndLong, help: "Where to write (default: beside the results).") var output: String?
    @Flag(help: "Show the text of harmful prompts and of responses to them.") var includeHarmful = false

    func validate() throws {
        _ = try choices(format, "--format", ReportFormat.self)
        _ = try choices(charts, "--charts", ChartFormat.self)
    }

    func run() throws {
        let location = URL(fileURLWithPath: results)
        let builder = ReportBuilder(
            formats: try choices(format, "--format", ReportFormat.self),
            charts: try choices(charts, "--charts", ChartFormat.self), includeHarmful: includeHarmful)
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: location.path, isDirectory: &isDirectory)
        let beside = exists && !isDirectory.boolValue ? location.deletingLastPathComponent() : location
        let files = try builder.write(location, to: output.map { URL(fileURLWithPath: $0) } ?? beside)
        for url in files.urls { print(url.path) }
        if let problem = files.chartError { FileHandle.standardError.write(Data("charts: not drawn: \(problem)\n".utf8)) }
    }
}

/// A comma-separated list of known names.
private func choices<T: RawRepresentable & CaseIterable>(_ text: String, _ flag: String, _ type: T.Type) throws -> [T]
where T.RawValue == String {
    try text.split(separator: ",").map { part in
        let name = part.trimmingCharacters(in: .whitespaces)
        guard let value = T(rawValue: name) else {
            let known = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(flag): '\(name)' is not one of \(known)")
        }
        return value
    }
}

struct Rescore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recompute every score and metric from the stored samples: no model, no data.")

    @Argument(help: "A results directory or a .sqlite file.") var results: String
    @Flag(help: "Only compare; change nothing. Exit status 1 when anything differs.") var check = false

    func run() throws {
        // Opening for writing would make a new, empty database.
        let database = ResultsStore.databaseURL(for: URL(fileURLWithPath: results))
        guard FileManager.default.fileExists(atPath: database.path) else {
            throw ResultsError.notFound(path: database.path)
        }
        let outcome = try Rescorer(URL(fileURLWithPath: results), write: !check).run()
        for change in outcome.changes {
            let show: (Double?) -> String = { $0.map { "\($0)" } ?? "unscored" }
            print(
                "\(change.model)\t\(change.method)\t\(change.eval)\t\(change.metric)\t\(change.filter)\t"
                    + "\(show(change.old))\t\(show(change.new))")
        }
        for problem in outcome.problems { FileHandle.standardError.write(Data("cannot rescore \(problem)\n".utf8)) }
        FileHandle.standardError.write(
            Data(
                "\(outcome.runs) runs, \(outcome.samples) samples, \(outcome.metrics) metrics; \(outcome.changes.count) changed\n"
                    .utf8))
        if !outcome.problems.isEmpty || (check && !outcome.changes.isEmpty) { throw ExitCode.failure }
    }
}

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List what there is: models, families, methods, evals, judges, datasets, runs.")

    enum Kind: String, ExpressibleByArgument, CaseIterable { case models, families, methods, evals, judges, datasets, runs }

    @Argument(help: "models, families, methods, evals, judges, datasets or runs.") var kind: Kind
    @Flag(help: "Machine-readable.") var json = false
    @Flag(name: .shortAndLong, help: "With options and their defaults.") var verbose = false
    @Option(help: "For runs: the results directory.") var results = "results"

    func run() throws {
        let listing: Listing
        switch kind {
        case .models: listing = try .models()
        case .families: listing = .families()
        case .methods: listing = try .methods(verbose: verbose)
        case .evals: listing = try .evals(verbose: verbose)
        case .judges: listing = .judges(verbose: verbose)
        case .datasets: listing = .datasets()
        case .runs: listing = try .runs(in: URL(fileURLWithPath: results))
        }
        if json { try printJSON(listing.json) } else { print(listing.text) }
    }
}

struct GeometryVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "geometry",
        abstract: "Per layer: norms, cosines, separation of harmful and harmless prompts in the residual stream.")

    @OptionGroup var options: ModelOptions
    @Option(help: "Harmful prompts: DATASET:SLICE.") var harmful = "refusal-direction-harmful:train[:128]"
    @Option(help: "Harmless prompts: DATASET:SLICE.") var harmless = "refusal-direction-harmless:train[:128]"
    @Option(help: "Where datasets lie.") var dataDir: String?
    @Option(help: "Write a chart (SVG, PNG, .gp, .csv) into this directory.") var chart: String?
    @Flag(help: "Machine-readable.") var json = false

    func run() throws {
        let table = try GeometryTable(
            model: options.load(), harmful: harmful, harmless: harmless, dataDirectory: dataDir)
        if json { try printJSON(table.json) } else { print(table.text) }
        if let chart {
            let files = try ReportBuilder.writeGeometryChart(
                series: table.series, title: options.model, to: URL(fileURLWithPath: chart))
            for file in files { FileHandle.standardError.write(Data("\(file.path)\n".utf8)) }
        }
    }
}

struct ScoreVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Score generations made elsewhere with the same scorers.",
        discussion: #"RESPONSES has one JSON object per line: {"id": row number in the dataset, "response": "…"}."#)

    @Argument(help: "An evaluation: gsm8k, refusal …") var eval: String
    @Argument(help: "A .jsonl file.") var responses: String
    @Option(name: .customLong("set"), help: "An option of the evaluation: dataset=gsm8k. May be repeated.") var settings: [String] = []
    @Option(help: "Where datasets lie.") var dataDir: String?
    @Flag(help: "A line per response and filter.") var json = false

    func run() throws {
        let lines = try ScoreFile(eval: eval, responses: responses, settings: settings, dataDirectory: dataDir)
        print(json ? try lines.jsonLines() : try lines.summary())
    }
}
