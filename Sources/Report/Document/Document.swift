// A report as a value: what it says, not how it looks. Renderers turn it into Markdown, LaTeX, HTML, JSON.
import Results

/// A piece of running text.
public enum Span: Hashable, Sendable, ExpressibleByStringLiteral {
    case text(String)
    case strong(String)
    case code(String)

    public init(stringLiteral value: String) { self = .text(value) }

    var plain: String {
        switch self {
        case .text(let text), .strong(let text), .code(let text): text
        }
    }
}

/// A cell: the number that counts, and what qualifies it.
public struct TableCell: Hashable, Sendable {
    /// Bold when `isBest`.
    public var text: String
    /// Interval, difference to the baseline; never bold.
    public var detail: String
    public var isBest: Bool
    public var isCode: Bool
    /// For sorting and for JSON: full precision.
    public var value: Double?

    public init(_ text: String, detail: String = "", isBest: Bool = false, isCode: Bool = false, value: Double? = nil) {
        self.text = text
        self.detail = detail
        self.isBest = isBest
        self.isCode = isCode
        self.value = value
    }

    public static func code(_ text: String) -> TableCell { TableCell(text, isCode: true) }
}

public struct TableColumn: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable { case text, number }
    public var title: String
    public var kind: Kind

    public init(_ title: String, _ kind: Kind = .text) {
        self.title = title
        self.kind = kind
    }
}

public struct DocumentTable: Hashable, Sendable {
    /// File name of the table on its own; lower-case letters, digits and hyphens.
    public var name: String
    public var caption: String
    public var columns: [TableColumn]
    /// As long as `columns` each.
    public var rows: [[TableCell]]

    public init(name: String, caption: String, columns: [TableColumn], rows: [[TableCell]]) {
        self.name = name
        self.caption = caption
        self.columns = columns
        self.rows = rows
    }
}

public enum Block: Hashable, Sendable {
    case heading(Int, String)
    case paragraph([Span])
    case list([[Span]])
    case table(DocumentTable)
    case figure(Chart, caption: String)
    case code(String, language: String)
    /// Something the reader must not miss.
    case note([Span])
}

public struct Document: Hashable, Sendable {
    public var title: String
    /// What made it, for the first line of every file.
    public var origin: String
    public var blocks: [Block]

    public init(title: String, origin: String, blocks: [Block]) {
        self.title = title
        self.origin = origin
        self.blocks = blocks
    }

    public var charts: [Chart] {
        blocks.compactMap { if case .figure(let chart, _) = $0 { chart } else { nil } }
    }

    public var tables: [DocumentTable] {
        blocks.compactMap { if case .table(let table) = $0 { table } else { nil } }
    }
}

/// Where a document's figures lie, relative to it; nil = charts could not be drawn.
public struct FigureLinks: Sendable {
    public var directory: String
    /// `svg`, `png`, `pdf`, the best one first.
    public var formats: [ChartFormat]

    public init(directory: String = "charts", formats: [ChartFormat]) {
        self.directory = directory
        self.formats = formats
    }

    func path(_ chart: Chart, preferring order: [ChartFormat]) -> String? {
        (order.first { formats.contains($0) } ?? formats.first).map { "\(directory)/\(chart.name).\($0.rawValue)" }
    }
}

// MARK: - Rendering

extension Document {
    /// The document as Markdown; figures as links when `figures` says where they lie.
    public static func markdown(_ document: Document, figures: FigureLinks? = nil) -> String {
        Markdown.render(document, figures: figures)
    }

    /// As one self-contained HTML page, with SVG texts by chart name put inside.
    public static func html(_ document: Document, svg: [String: String] = [:]) -> String {
        HTML.render(document, svg: svg)
    }

    /// LaTeX of each table, to be written as `tables/NAME.tex`.
    public static func latexTables(_ document: Document) -> [String: String] {
        Dictionary(
            document.tables.map { ($0.name, LaTeX.render($0, origin: document.origin)) },
            uniquingKeysWith: { a, _ in a })
    }
}
