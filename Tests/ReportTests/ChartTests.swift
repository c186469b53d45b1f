import Foundation
import Report
import Testing

@Suite struct ChartTests {
    static let chart = Chart(
        name: "c", title: "it's a_b^2",
        panels: [
            Chart.Panel(
                x: Chart.Axis("KL (nats)", scale: .asinh(threshold: 0.01)), y: Chart.Axis("%", lower: -4, upper: 104),
                series: [
                    Chart.Series(
                        name: "a, \"b\"", style: .points, colour: 1,
                        points: [
                            Chart.Point(x: 0, y: 100, label: "base_line"),
                            Chart.Point(x: 12, y: 0, xInterval: 10...14, label: "it's"),
                            Chart.Point(x: .infinity, y: 1), Chart.Point(x: 1, y: .nan),
                        ])
                ])
        ])

    @Test func dataIsExact() {
        #expect(
            Self.chart.csv == """
                series,name,x,y,x_low,x_high,y_low,y_high,label
                0,"a, ""b""\",0.0,100.0,,,,,base_line
                0,"a, ""b""\",12.0,0.0,10.0,14.0,,,it's

                """)
    }

    @Test func scriptIsExact() {
        let script = Self.chart.gnuplotScript
        let body = script.split(separator: "\n").drop { !$0.hasPrefix("set lmargin") }.joined(separator: "\n")
        #expect(body == Self.expected, "\(body)")
        #expect(script.hasPrefix("# it's a_b^2\n"))
        #expect(script.contains("noenhanced"))
    }

    static let expected = #"""
        set lmargin at screen 0.0975
        set rmargin at screen 0.9700
        set tmargin at screen 0.9200
        set bmargin at screen 0.1240
        set title 'it''s a_b^2' font ",15"
        unset label
        unset arrow
        set xrange [-0.4762424894228575:8.413617313137149]
        set xlabel 'KL (nats)'
        sx(v) = asinh(v / 0.01)
        set xtics ("0" sx(0), "0.01" sx(0.01), "0.1" sx(0.1), "1" sx(1), "10" sx(10))
        set yrange [-4.0:104.0]
        set ylabel '%'
        sy(v) = v
        set ytics autofreq
        set label 'base_line' at graph 0.0679, 0.9630 left front textcolor rgb "#0072B2"
        set label 'it''s' at graph 0.9577, 0.0370 left front textcolor rgb "#0072B2"
        plot "c.csv" skip 1 using ($1 == 0 ? sx($3) : NaN):(sy($4)):(sx($5)):(sx($6)) with xerrorbars pointsize 0 linewidth 1.2 linecolor rgb "#0072B2", \
             "c.csv" skip 1 using ($1 == 0 ? sx($3) : NaN):(sy($4)) with points pointtype 5 pointsize 1.1 linecolor rgb "#0072B2"
        unset output
        """#

    @Test func quotingSurvivesGnuplot() {
        #expect(Chart.quoted("it's\n`date` \"x\"") == "'it''s `date` \"x\"'")
        #expect(
            Chart.shortened(String(repeating: "a", count: 30) + "0123456789") == "aaaaaaaaaaaaaaaaaaaa…aaaaa0123456789")
        #expect(Chart.ticks(threshold: 0.01, (lower: 0, upper: 13)) == ["0", "0.01", "0.1", "1", "10"])
        #expect(Chart.ticks(threshold: 0.01, (lower: 0, upper: 0.5)) == ["0", "0.01", "0.1", "0.03", "0.3"])
    }

    @Test func labelsDoNotOverlap() {
        // Twelve methods on one spot, in the corner: the worst case.
        let items = (0..<12).map { LabelLayout.Item(text: "method number \($0)", x: 5 + Double($0 % 2), y: 3) }
        let placed = LabelLayout(width: 700, height: 400).place(items)
        #expect(placed.count == 12)
        for (i, a) in placed.enumerated() {
            let width = Double(items[i].text.count) * LabelLayout.characterWidth
            #expect(a.x >= 0 && a.x + width <= 700 && a.y >= 0 && a.y <= 400)
            for (j, b) in placed.enumerated() where j > i {
                let apart =
                    abs(a.y - b.y) >= LabelLayout.lineHeight - 0.01
                    || a.x + width <= b.x || b.x + Double(items[j].text.count) * LabelLayout.characterWidth <= a.x
                #expect(apart, "\(i) \(a) and \(j) \(b)")
            }
        }
        let heights = LabelLayout.spread([10, 11, 12, 400, 399], height: 400)
        #expect(heights[0] <= heights[1] - 15 && heights[1] <= heights[2] - 15)
        #expect(heights[3] <= 400 && heights[3] - heights[4] >= 15)
    }

    @Test func crowdedAndDegenerateChartsAreDrawn() throws {
        let scratch = try Scratch()
        let keep = ProcessInfo.processInfo.environment["ABENCH_KEEP_REPORT"].map { URL(fileURLWithPath: $0) }
        let output = keep?.appendingPathComponent("crowded") ?? scratch.url
        try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
        func scatter(_ name: String, _ points: [(Double, Double)], _ x: Chart.Axis) -> Chart {
            let series = points.enumerated().map { index, point in
                Chart.Series(
                    name: "m\(index)", style: .points, colour: index,
                    points: [
                        Chart.Point(
                            x: point.0, y: point.1, yInterval: max(0, point.1 - 5)...min(100, point.1 + 5),
                            label: [
                                "baseline", "random-direction", "difference-of-means", "erisforge", "failspy",
                                "arditi", "projected", "biprojected (norm=row)", "biprojected (norm=column)", "heretic",
                                "heretic (row=full)", "external: someone/some-model-abliterated-v3",
                            ][index])
                    ])
            }
            return Chart(
                name: name, title: name,
                panels: [
                    Chart.Panel(x: x, y: Chart.Axis("refusals (%)", lower: -4, upper: 104), series: series)
                ])
        }
        let wide = Chart.Axis("KL (nats)", scale: .asinh(threshold: 0.01))
        let charts = [
            scatter(
                "extreme",
                [
                    (0, 98), (0.004, 97), (0.4, 2), (0.3, 4), (12, 0), (0.09, 1), (0.08, 3), (0.05, 12), (0.06, 9),
                    (0.07, 2), (0.075, 1), (0.11, 40),
                ], wide),
            scatter("all-zero", (0..<12).map { _ in (0, 0) }, Chart.Axis("KL (nats)", lower: -0.0004, upper: 0.01)),
            scatter("empty", [], wide),
            scatter("single", [(0.2, 50)], Chart.Axis("KL (nats)")),
        ]
        for chart in charts {
            for (name, text) in [("gp", chart.gnuplotScript), ("csv", chart.csv)] {
                try Data(text.utf8).write(to: output.appendingPathComponent("\(chart.name).\(name)"))
            }
            for format in [ChartFormat.svg, .png] { try Gnuplot().draw(chart, format: format, in: output) }
            let first = try Data(contentsOf: output.appendingPathComponent("\(chart.name).svg"))
            try Gnuplot().draw(chart, format: .svg, in: output)
            #expect(try Data(contentsOf: output.appendingPathComponent("\(chart.name).svg")) == first)
        }
    }

    @Test func aMissingGnuplotSaysWhatToInstall() throws {
        #expect(throws: ChartError.gnuplotMissing) { try Gnuplot(searchPath: "/nowhere:/nothing") }
        #expect(ChartError.gnuplotMissing.description.contains("apt install gnuplot-nox"))
    }

    @Test func aBrokenScriptIsReported() throws {
        let scratch = try Scratch()
        try Data("plot nonsense(".utf8).write(to: scratch.url.appendingPathComponent("c.gp"))
        #expect {
            try Gnuplot().draw(Self.chart, format: .svg, in: scratch.url)
        } throws: { error in
            guard case .gnuplotFailed(let chart, let message) = error as? ChartError else { return false }
            return chart == "c" && !message.isEmpty
        }
    }
}
