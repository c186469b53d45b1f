import Foundation

extension ReportBuilder {
    /// The chart of `abench geometry`: one panel per statistic over the layers, drawn into `directory`.
    ///
    /// - Throws: `ReportError`, or `ChartError` when gnuplot is missing or fails (script and data are written anyway).
    public static func writeGeometryChart(
        series: [(name: String, points: [(layer: Int, value: Double)])], title: String, to directory: URL
    ) throws -> [URL] {
        let charts = series.filter { !$0.points.isEmpty }.map { name, points in
            Chart(
                name: "geometry-\(name.replacing("_", with: "-"))", title: "\(title): \(name.replacing("_", with: " "))",
                panels: [
                    Chart.Panel(
                        x: Chart.Axis("layer (0 = embeddings)"), y: Chart.Axis(name.replacing("_", with: " ")),
                        series: [
                            Chart.Series(
                                name: name, style: .linesAndPoints, colour: 1,
                                points: points.map { Chart.Point(x: Double($0.layer), y: $0.value) })
                        ])
                ])
        }
        let drawn = try ReportBuilder().draw(charts, FileWriter(directory: directory))
        if let error = drawn.error { throw error }
        return drawn.urls
    }
}
