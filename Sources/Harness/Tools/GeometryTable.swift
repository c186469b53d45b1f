import Foundation
import Inference
import Methods

/// `abench geometry`: the statistics of the two classes, a row per h_i.
public struct GeometryTable {
    private let rows: [LayerGeometry]
    private let names: [String]

    public init(model: LanguageModel, harmful: String, harmless: String, dataDirectory: String?) throws {
        let engine = Engine(model: model, options: EngineOptions())
        let contrast = try ContrastCollector.collect(
            harmful: PromptReference.load(harmful, dataDirectory: dataDirectory),
            harmless: PromptReference.load(harmless, dataDirectory: dataDirectory), layerCount: model.layerCount,
            responder: engine)
        rows = try Geometry.layers(contrast, layerCount: model.layerCount, hiddenSize: model.hiddenSize)
        names = rows.first?.named.map(\.name) ?? []
    }

    public var json: Any {
        rows.map { row in
            var object: [String: Any] = ["layer": row.index]
            for (name, value) in row.named { if let value { object[name] = value } }
            return object
        }
    }

    public var text: String {
        let header = ["layer"] + names
        let body = rows.map { row in
            [String(row.index)] + row.named.map { $0.value.map { String(format: "%.4f", $0) } ?? "-" }
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
                row.named[column].value.map { (row.index, $0) }
            })
        }
    }
}
