import CKernels
import Evals
import Foundation
import Inference
import Methods
import Results

/// A table that `abench ls` prints, or its rows as JSON.
public struct Listing {
    public var columns: [String]
    public var rows: [[String]]
    /// Indented lines below a row: options with defaults and help.
    public var details: [[String]] = []

    public var text: String {
        guard !rows.isEmpty else { return "none" }
        let widths = columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines: [String] = []
        for (index, row) in rows.enumerated() {
            let cells = zip(row, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
            lines.append(cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces))
            if index < details.count { lines += details[index].map { "    " + $0 } }
        }
        return lines.joined(separator: "\n")
    }

    public var json: Any {
        rows.map { row in Dictionary(zip(columns, row).map { ($0, $1 as Any) }) { a, _ in a } }
    }

    public static func methods(verbose: Bool) throws -> Listing {
        func row<M: Method>(_ type: M.Type) throws -> ([String], [String]) {
            ([M.name, "v\(M.version)", M.summary, M.citation.text], verbose ? try options(M.Options.self) : [])
        }
        let all = try MethodRegistry.all.map { try row($0) }
        return Listing(columns: ["name", "version", "summary", "source"], rows: all.map(\.0), details: all.map(\.1))
    }

    public static func evals(verbose: Bool) throws -> Listing {
        func row<E: Eval>(_ type: E.Type) throws -> ([String], [String]) {
            let metrics = E.metrics.map { metric in
                let arrow = metric.higherIsBetter.map { $0 ? " ↑" : " ↓" } ?? ""
                return "\(metric.name)\(arrow): \(metric.summary)"
            }
            return ([E.name, "v\(E.version)", E.summary], verbose ? try options(E.Options.self) + metrics : [])
        }
        let all = try EvalRegistry.all.map { try row($0) }
        return Listing(columns: ["name", "version", "summary"], rows: all.map(\.0), details: all.map(\.1))
    }

    /// `trials = 200   how many trials`.
    private static func options<O: OptionsProtocol>(_ type: O.Type) throws -> [String] {
        let defaults = try JSONSerialization.jsonObject(with: JSONEncoder().encode(O())) as? [String: Any] ?? [:]
        return try O.keys.map { key in
            var shown = "(none)"
            if let value = defaults[key] {
                let data = try JSONSerialization.data(
                    withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
                shown = String(decoding: data, as: UTF8.self)
            }
            return "\(snakeCase(key)) = \(shown)   \(O.help[key] ?? "")".trimmingCharacters(in: .whitespaces)
        }
    }

    public static func judges(verbose: Bool) -> Listing {
        Listing(
            columns: ["name", "markers", "summary"],
            rows: Judge.all.map { [$0.name, String($0.markers.count), $0.summary] },
            details: verbose ? Judge.all.map { $0.markers } : [])
    }

    public static func families() -> Listing {
        Listing(
            columns: ["family", "model types"],
            rows: ArchitectureRegistry.all.map { ["\($0)", $0.modelTypes.joined(separator: ", ")] })
    }

    public static func datasets() -> Listing {
        Listing(
            columns: ["name", "splits", "licence", "homepage"],
            rows: DatasetRegistry.all.map {
                [$0.name, $0.splits.map(\.name).joined(separator: ", "), $0.licence, $0.homepage]
            })
    }

    /// Checkpoints in ABENCH_MODELS and in the folder `organisms` of the working directory.
    public static func models() throws -> Listing {
        let files = FileManager.default
        var rows: [[String]] = []
        if let directory = ProcessInfo.processInfo.environment["ABENCH_MODELS"] {
            for name in (try? files.contentsOfDirectory(atPath: directory).sorted()) ?? [] {
                let path = directory + "/" + name
                if name.hasSuffix(".gguf") || files.fileExists(atPath: path + "/config.json") { rows.append([name, path]) }
            }
        }
        for name in (try? files.contentsOfDirectory(atPath: "organisms").sorted()) ?? []
        where files.fileExists(atPath: "organisms/\(name)/config.json") {
            rows.append(["organisms/\(name)", "organisms/\(name)"])
        }
        return Listing(columns: ["name", "path"], rows: rows)
    }

    /// Every session below a results directory.
    public static func runs(in directory: URL) throws -> Listing {
        var databases: [URL] = []
        let own = ResultsStore.databaseURL(for: directory)
        if FileManager.default.fileExists(atPath: own.path) { databases.append(own) }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()) ?? [] {
            let url = directory.appendingPathComponent(name).appendingPathComponent(ResultsStore.fileName)
            if FileManager.default.fileExists(atPath: url.path) { databases.append(url) }
        }
        let formatter = ISO8601DateFormatter()
        var rows: [[String]] = []
        for url in databases {
            let store = try ResultsStore(url, mode: .readOnly)
            for session in try store.sessions() {
                rows.append([
                    session.suite, formatter.string(from: session.startedAt), session.status.rawValue,
                    session.command ?? "", url.path,
                ])
            }
        }
        return Listing(columns: ["suite", "started", "status", "command", "database"], rows: rows)
    }
}
