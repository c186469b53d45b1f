// A chart as a value: data, axes, labels. `Chart+Gnuplot.swift` writes it down; gnuplot draws it.
import Foundation

public enum ChartFormat: String, Hashable, Sendable, CaseIterable {
    case svg, png, pdf
}

public struct Chart: Hashable, Sendable {
    /// File stem: lower-case letters, digits and hyphens.
    public var name: String
    public var title: String
    /// One above the other, the same width.
    public var panels: [Panel]
    /// In pixels (PDF: at 96 per inch).
    public var width = 800
    public var height = 500

    public init(name: String, title: String, panels: [Panel], height: Int = 500) {
        self.name = name
        self.title = title
        self.panels = panels
        self.height = height
    }

    public struct Axis: Hashable, Sendable {
        public enum Scale: Hashable, Sendable {
            case linear
            /// asinh(x / threshold): linear near 0, logarithmic beyond, so that 0 and 12 fit one axis.
            case asinh(threshold: Double)
        }
        /// With unit and direction: "first-token KL (nats), lower is better".
        public var label: String
        public var lower: Double?
        public var upper: Double?
        public var scale = Scale.linear
        /// Names at 0, 1, 2 …, instead of numbers; drawn from the top for y.
        public var categories: [String] = []

        public init(
            _ label: String, lower: Double? = nil, upper: Double? = nil, scale: Scale = .linear,
            categories: [String] = []
        ) {
            self.label = label
            self.lower = lower
            self.upper = upper
            self.scale = scale
            self.categories = categories
        }
    }

    public struct Point: Hashable, Sendable {
        public var x: Double
        public var y: Double
        public var xInterval: ClosedRange<Double>?
        public var yInterval: ClosedRange<Double>?
        /// Written beside the point (or in the right margin, `Panel.labelsInMargin`).
        public var label: String?

        public init(
            x: Double, y: Double, xInterval: ClosedRange<Double>? = nil, yInterval: ClosedRange<Double>? = nil,
            label: String? = nil
        ) {
            self.x = x
            self.y = y
            self.xInterval = xInterval
            self.yInterval = yInterval
            self.label = label
        }
    }

    public struct Series: Hashable, Sendable {
        public enum Style: Hashable, Sendable {
            case points
            case hollowPoints
            case lines
            case linesAndPoints
            /// A Pareto front: steps, dashed, grey.
            case front
        }
        public var name: String
        public var style: Style
        /// Index in `Palette`; one per method everywhere. nil = grey.
        public var colour: Int?
        public var points: [Point]

        /// Points that are not finite are left out: there is no place for them.
        public init(name: String, style: Style, colour: Int?, points: [Point]) {
            self.name = name
            self.style = style
            self.colour = colour
            self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
        }
    }

    public struct Panel: Hashable, Sendable {
        public var x: Axis
        public var y: Axis
        public var series: [Series]
        /// A vertical line at x = 0.
        public var hasZeroLine = false
        /// Labels stand in a column right of the panel, at their point's height.
        public var labelsInMargin = false

        public init(
            x: Axis, y: Axis, series: [Series], hasZeroLine: Bool = false, labelsInMargin: Bool = false
        ) {
            self.x = x
            self.y = y
            self.series = series
            self.hasZeroLine = hasZeroLine
            self.labelsInMargin = labelsInMargin
        }
    }

    public var isEmpty: Bool { panels.allSatisfy { $0.series.allSatisfy(\.points.isEmpty) } }
}

/// Colours that stay apart for colour-blind eyes (Okabe & Ito, then Tol's muted set), and a shape for each.
enum Palette {
    static let colours = [
        "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#44AA99", "#999933",
        "#332288", "#AA4499",
    ]
    static let grey = "#888888"
    /// gnuplot's filled circle, square, triangles, diamond, pentagon; the hollow twin is one less.
    private static let shapes = [7, 5, 9, 11, 13, 15]

    static func colour(_ index: Int?) -> String { index.map { colours[$0 % colours.count] } ?? grey }

    static func shape(_ index: Int?, hollow: Bool) -> Int {
        let shape = index.map { shapes[($0 + $0 / colours.count) % shapes.count] } ?? 7
        return hollow ? shape - 1 : shape
    }
}

extension Chart.Axis {
    /// Linear position of a value on this axis.
    func transform(_ value: Double) -> Double {
        switch scale {
        case .linear: value
        case .asinh(let threshold): Foundation.asinh(value / threshold)
        }
    }

    /// What the axis spans for these values, with a margin; never empty.
    func range(of values: [Double]) -> (lower: Double, upper: Double) {
        if !categories.isEmpty { return (-0.5, Double(categories.count) - 0.5) }
        var low = lower ?? values.min() ?? 0
        var high = upper ?? values.max() ?? 1
        if !(low < high) {
            // A single value: some room around it.
            let pad = Swift.max(abs(low) * 0.1, 0.01)
            if lower == nil { low -= pad }
            if upper == nil || high <= low { high = Swift.max(high, low) + pad }
        }
        switch scale {
        case .linear:
            let pad = (high - low) * 0.06
            return (lower == nil ? low - pad : low, upper == nil ? high + pad : high)
        case .asinh(let threshold):
            let span = transform(high) - transform(low)
            return (
                lower == nil ? threshold * sinh(transform(low) - 0.06 * span) : low,
                upper == nil ? threshold * sinh(transform(high) + 0.06 * span) : high
            )
        }
    }
}
