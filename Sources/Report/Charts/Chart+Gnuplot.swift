// A chart as a gnuplot script and the CSV it reads. The script stands alone: `gnuplot -e "format='png'" NAME.gp` in its
// directory draws the chart again. Terminals run with `noenhanced`, so underscores and carets in names are just text.
import Foundation
import Results

extension Chart {
    /// `series,name,x,y,x_low,x_high,y_low,y_high,label`; full precision, lines end with "\n".
    public var csv: String {
        var out = "series,name,x,y,x_low,x_high,y_low,y_high,label\n"
        for (index, series) in panels.flatMap(\.series).enumerated() {
            for point in series.points {
                let numbers = [
                    point.x, point.y, point.xInterval?.lowerBound, point.xInterval?.upperBound,
                    point.yInterval?.lowerBound, point.yInterval?.upperBound,
                ].map { $0.map(CSV.number) ?? "" }
                let fields = [String(index), series.name] + numbers + [point.label ?? ""]
                // gnuplot knows no line breaks in fields.
                out += fields.map { CSV.quoted(Self.oneLine($0)) }.joined(separator: ",") + "\n"
            }
        }
        return out
    }

    /// The script that draws it.
    public var gnuplotScript: String {
        var out = """
            # \(Self.oneLine(title))
            # Draw again: gnuplot -e "format='svg'" \(name).gp   (or png, pdf)
            if (!exists("format")) format = "svg"
            if (format eq "svg") set terminal svg size \(width),\(height) noenhanced font "Helvetica,13" \
            background "#ffffff"
            if (format eq "png") set terminal pngcairo size \(2 * width),\(2 * height) noenhanced font "Sans,12" \
            fontscale 1.6 linewidth 1.8 pointscale 1.8 background "#ffffff"
            if (format eq "pdf") set terminal pdfcairo size \(Self.inches(width)),\(Self.inches(height)) noenhanced \
            font "Sans,9"
            set output "\(name)." . format
            set encoding utf8
            set datafile separator comma
            set key off
            set tics nomirror out
            set border 3 linecolor rgb "#444444"
            set grid back linetype 1 linewidth 0.5 linecolor rgb "#DDDDDD"

            """
        if panels.count > 1 { out += "set multiplot\n" }
        var first = 0
        for (index, panel) in panels.enumerated() {
            out += script(panel, index: index, firstSeries: first)
            first += panel.series.count
        }
        if panels.count > 1 { out += "unset multiplot\n" }
        return out + "unset output\n"
    }

    // MARK: - One panel

    private func script(_ panel: Panel, index: Int, firstSeries: Int) -> String {
        let points = panel.series.flatMap(\.points)
        let xs = points.flatMap { [$0.x] + ($0.xInterval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
        let ys = points.flatMap { [$0.y] + ($0.yInterval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
        let xRange = panel.x.range(of: panel.hasZeroLine ? xs + [0] : xs)
        let yRange = panel.y.range(of: ys)

        // Margins in pixels; the longest category or margin label decides.
        let categories = panel.y.categories.map(Self.shortened)
        let longest = categories.map { $0.unicodeScalars.count }.max() ?? 0
        let left = categories.isEmpty ? 78.0 : max(78, Double(longest) * LabelLayout.characterWidth + 20)
        let marginLabels = panel.labelsInMargin ? points.compactMap(\.label).map(Self.shortened) : []
        let right = 24 + Double(marginLabels.map { $0.unicodeScalars.count }.max() ?? 0) * LabelLayout.characterWidth
        let titleHeight = 40.0
        let share = (Double(height) - titleHeight) / Double(panels.count)
        let top = Double(height) - titleHeight - Double(index) * share
        let bottom = top - share + 62
        let area = (width: Double(width) - left - right, height: top - bottom)

        var out = ""
        func screen(_ value: Double, _ total: Int) -> String { NumberFormat.fixed(value / Double(total), 4) }
        out +=
            "set lmargin at screen \(screen(left, width))\nset rmargin at screen \(screen(left + area.width, width))\n"
        out += "set tmargin at screen \(screen(top, height))\nset bmargin at screen \(screen(bottom, height))\n"
        out += index == 0 ? "set title \(Self.quoted(title)) font \",15\"\n" : "unset title\n"
        out += "unset label\nunset arrow\n"
        out += axis(panel.x, "x", xRange, reversed: false)
        out += axis(panel.y, "y", yRange, reversed: !panel.y.categories.isEmpty)
        if panel.hasZeroLine {
            out +=
                "set arrow from first \(panel.x.expression("0", "x")), graph 0 to first "
                + "\(panel.x.expression("0", "x")), graph 1 nohead back linewidth 1 linecolor rgb \"#444444\"\n"
        }
        out += labels(panel, xRange, yRange, area)
        var plots: [String] = []
        for (offset, series) in panel.series.enumerated() where !series.points.isEmpty {
            plots += elements(series, panel, firstSeries + offset)
        }
        if plots.isEmpty { plots = ["NaN notitle"] }
        return out + "plot " + plots.joined(separator: ", \\\n     ") + "\n"
    }

    private func axis(_ axis: Axis, _ name: String, _ range: (lower: Double, upper: Double), reversed: Bool) -> String {
        let low = Self.number(axis.transform(range.lower))
        let high = Self.number(axis.transform(range.upper))
        var out = "set \(name)range [\(reversed ? high : low):\(reversed ? low : high)]\n"
        out += "set \(name)label \(Self.quoted(axis.label))\n"
        if case .asinh(let threshold) = axis.scale {
            out += "s\(name)(v) = asinh(v / \(threshold))\n"
        } else {
            out += "s\(name)(v) = v\n"
        }
        if !axis.categories.isEmpty {
            let tics = axis.categories.enumerated().map { "\(Self.quoted(Self.shortened($1))) \($0)" }
            out += "set \(name)tics (\(tics.joined(separator: ", ")))\n"
        } else if case .asinh(let threshold) = axis.scale {
            let values = Self.ticks(threshold: threshold, range).map { "\"\($0)\" s\(name)(\($0))" }
            out += "set \(name)tics (\(values.joined(separator: ", ")))\n"
        } else {
            out += "set \(name)tics autofreq\n"
        }
        return out
    }

    /// 0, then decades from the threshold up.
    package static func ticks(threshold: Double, _ range: (lower: Double, upper: Double)) -> [String] {
        var ticks = ["0"]
        var decade = threshold
        while decade <= range.upper, ticks.count < 20 {
            ticks.append(JSON.number(decade).canonical)
            decade *= 10
            // Keeps the text short: 0.1, not 0.10000000000000002.
            decade = Double(String(format: "%.3g", decade)) ?? decade
        }
        if ticks.count > 1, ticks.count < 5, threshold * 3 <= range.upper {
            // Few decades: a tick between each two.
            var between: [String] = []
            var value = threshold * 3
            while value <= range.upper, between.count < 8 {
                between.append(JSON.number(Double(String(format: "%.3g", value))).canonical)
                value *= 10
            }
            ticks += between
        }
        return ticks
    }

    private func elements(_ series: Series, _ panel: Panel, _ index: Int) -> [String] {
        let colour = "linecolor rgb \"\(Palette.colour(series.colour))\""
        let x = "($1 == \(index) ? sx($3) : NaN)"
        let y = "(sy($4))"
        let source = "\"\(name).csv\" skip 1 using "
        var elements: [String] = []
        if series.points.contains(where: { $0.xInterval != nil }) {
            elements.append("\(source)\(x):\(y):(sx($5)):(sx($6)) with xerrorbars pointsize 0 linewidth 1.2 \(colour)")
        }
        if series.points.contains(where: { $0.yInterval != nil }) {
            elements.append("\(source)\(x):\(y):(sy($7)):(sy($8)) with yerrorbars pointsize 0 linewidth 1.2 \(colour)")
        }
        let shape = Palette.shape(series.colour, hollow: series.style == .hollowPoints)
        switch series.style {
        case .points, .hollowPoints:
            let size = series.style == .points ? "1.1" : "0.7"
            elements.append("\(source)\(x):\(y) with points pointtype \(shape) pointsize \(size) \(colour)")
        case .lines:
            elements.append("\(source)\(x):\(y) with lines linewidth 1.8 \(colour)")
        case .linesAndPoints:
            elements.append(
                "\(source)\(x):\(y) with linespoints pointtype \(shape) pointsize 0.6 linewidth 1.5 \(colour)")
        case .front:
            elements.append("\(source)\(x):\(y) with steps linewidth 1.2 dashtype 2 \(colour)")
        }
        return elements
    }

    // MARK: - Labels

    private func labels(
        _ panel: Panel, _ xRange: (lower: Double, upper: Double), _ yRange: (lower: Double, upper: Double),
        _ area: (width: Double, height: Double)
    ) -> String {
        func fraction(_ axis: Axis, _ value: Double, _ range: (lower: Double, upper: Double)) -> Double {
            let low = axis.transform(range.lower)
            let f = (axis.transform(value) - low) / (axis.transform(range.upper) - low)
            return axis.categories.isEmpty ? f : 1 - f
        }
        var items: [(LabelLayout.Item, colour: Int?)] = []
        var obstacles: [LabelLayout.Box] = []
        func addObstacle(_ x: ClosedRange<Double>, _ y: ClosedRange<Double>) {
            obstacles.append(
                LabelLayout.Box(
                    left: x.lowerBound - 3, bottom: y.lowerBound - 3, right: x.upperBound + 3, top: y.upperBound + 3))
        }
        for series in panel.series {
            var previous: (x: Double, y: Double)?
            for point in series.points {
                let x = fraction(panel.x, point.x, xRange) * area.width
                let y = fraction(panel.y, point.y, yRange) * area.height
                if let bar = point.xInterval {
                    let ends = [bar.lowerBound, bar.upperBound].map { fraction(panel.x, $0, xRange) * area.width }
                    addObstacle(min(ends[0], ends[1])...max(ends[0], ends[1]), y...y)
                }
                if let bar = point.yInterval {
                    let ends = [bar.lowerBound, bar.upperBound].map { fraction(panel.y, $0, yRange) * area.height }
                    addObstacle(x...x, min(ends[0], ends[1])...max(ends[0], ends[1]))
                }
                if series.style == .front, let previous {
                    // A step goes right first, then up or down.
                    addObstacle(min(previous.x, x)...max(previous.x, x), previous.y...previous.y)
                    addObstacle(x...x, min(previous.y, y)...max(previous.y, y))
                }
                previous = (x, y)
                if let label = point.label {
                    items.append((LabelLayout.Item(text: Self.shortened(label), x: x, y: y), series.colour))
                } else if series.style != .front {
                    addObstacle(x...x, y...y)
                }
            }
        }
        var out = ""
        func place(_ text: String, _ x: Double, _ y: Double, _ colour: Int?) {
            out +=
                "set label \(Self.quoted(text)) at graph \(NumberFormat.fixed(x / area.width, 4)), "
                + "\(NumberFormat.fixed(y / area.height, 4)) left front textcolor rgb \"\(Palette.colour(colour))\"\n"
        }
        if panel.labelsInMargin {
            let heights = LabelLayout.spread(items.map(\.0.y), height: area.height)
            for (item, height) in zip(items, heights) { place(item.0.text, area.width + 8, height, item.colour) }
            return out
        }
        let placements = LabelLayout(width: area.width, height: area.height)
            .place(items.map(\.0), obstacles: obstacles)
        for (item, placement) in zip(items, placements) {
            place(item.0.text, placement.x, placement.y, item.colour)
            guard placement.needsLine else { continue }
            let textEnd = placement.x + Double(item.0.text.unicodeScalars.count) * LabelLayout.characterWidth
            let nearest = min(max(item.0.x, placement.x), textEnd)
            let edge = placement.y + (item.0.y > placement.y ? 1 : -1) * LabelLayout.lineHeight / 2
            let vertical = nearest == item.0.x
            out +=
                "set arrow from graph \(NumberFormat.fixed(item.0.x / area.width, 4)), "
                + "\(NumberFormat.fixed(item.0.y / area.height, 4)) to graph "
                + "\(NumberFormat.fixed(nearest / area.width, 4)), "
                + "\(NumberFormat.fixed((vertical ? edge : placement.y) / area.height, 4)) nohead linewidth 0.6 "
                + "linecolor rgb \"\(Palette.colour(item.colour))\"\n"
        }
        return out
    }

    // MARK: - Spelling

    /// A single-quoted gnuplot string: nothing in it is special but the quote, which is doubled.
    package static func quoted(_ text: String) -> String {
        "'" + oneLine(text).replacing("'", with: "''") + "'"
    }

    static func oneLine(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 32 || scalar.value == 127 || scalar.value == 0x2028 || scalar.value == 0x2029
            out.append(isControl ? " " : scalar)
        }
        return String(out)
    }

    /// Long names lose their middle, where they differ least.
    package static func shortened(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count > 36 else { return text }
        var out = String.UnicodeScalarView(scalars.prefix(20))
        out.append("…")
        out.append(contentsOf: scalars.suffix(15))
        return String(out)
    }

    private static func number(_ value: Double) -> String { "\(value)" }

    private static func inches(_ pixels: Int) -> String { NumberFormat.fixed(Double(pixels) / 96, 3) + "in" }
}

extension Chart.Axis {
    /// A gnuplot expression for a value on this axis.
    func expression(_ value: String, _ name: String) -> String { "s\(name)(\(value))" }
}
