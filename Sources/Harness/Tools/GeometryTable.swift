import Foundation
import Inference
import Methods

/// `abench geometry`: the statistics of the two classes, a row per h_i.
public struct GeometryTable {
    private let rows: [Geometry.Row]
    private let names: [String]

    public init(model: LanguageModel, harmful: String, harmless: String, dataDirectory: String?) throws {
        let engine = Engine(model: model, options: EngineOptions())
        let contrast = try ContrastCollector.collect(
            harmful: PromptReference.load(harmful, dataDirectory: dataDirectory),
            harmless: PromptReference.load(harmless, dataDirectory: dataDirectory), layerCount: model.layerCount,
            responder: engine)
        rows = Geometry(contrast: contrast).rows
        names = rows.first?.values.map(\.name) ?? []
    }

    public var json: Any {
        rows.map { row in
            var object: [String: Any] = ["layer": row.index]
            for (name, value) in row.values where value.isFinite { object[name] = value }
            return object
        }
    }

    public var text: String {
        let header = ["layer"] + names
        let body = rows.map { row in
            [String(row.index)] + row.values.map { $0.value.isFinite ? String(format: "%.4f", $0.value) : "-" }
        }
        let widths = header.indices.map { column in ([header] + body).map { $0[column].count }.max() ?? 0 }
        return ([header] + body).map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// (layer, value) by name, for the chart.
    public var series: [(name: String, points: [(layer: Int, value: Double)])] {
        names.enumerated().map { column, name in
            (name, rows.compactMap { row in
                let value = row.values[column].value
                return value.isFinite ? (row.index, value) : nil
            })
        }
    }
}
