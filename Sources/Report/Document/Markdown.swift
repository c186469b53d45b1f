// GitHub-flavoured Markdown.

enum Markdown {
    static func render(_ document: Document, figures: FigureLinks?) -> String {
        var out = "<!-- \(document.origin.replacing("--", with: "- -")) -->\n\n# \(escape(document.title))\n"
        for block in document.blocks { out += "\n" + render(block, figures) + "\n" }
        return out
    }

    private static func render(_ block: Block, _ figures: FigureLinks?) -> String {
        switch block {
        case .heading(let level, let text): String(repeating: "#", count: level) + " " + escape(text)
        case .paragraph(let spans): render(spans)
        case .list(let items): items.map { "- " + render($0) }.joined(separator: "\n")
        case .note(let spans): "> **Note.** " + render(spans)
        case .code(let text, let language): fenced(text, language)
        case .table(let table): render(table)
        case .figure(let chart, let caption):
            if let path = figures?.path(chart, preferring: [.svg, .png, .pdf]) {
                "![\(escape(caption))](\(path))"
            } else {
                "*Figure not drawn: \(escape(caption))*"
            }
        }
    }

    static func render(_ table: DocumentTable) -> String {
        var lines = ["**\(escape(table.caption))**", ""]
        lines.append("| " + table.columns.map { escape($0.title) }.joined(separator: " | ") + " |")
        lines.append("|" + table.columns.map { $0.kind == .number ? "--:" : ":--" }.joined(separator: "|") + "|")
        for row in table.rows { lines.append("| " + row.map(render).joined(separator: " | ") + " |") }
        return lines.joined(separator: "\n")
    }

    private static func render(_ cell: TableCell) -> String {
        var text = cell.isCode && !cell.text.isEmpty ? code(cell.text, inTable: true) : escape(cell.text)
        if cell.isBest { text = "**\(text)**" }
        return cell.detail.isEmpty ? text : text + " " + escape(cell.detail)
    }

    static func render(_ spans: [Span]) -> String {
        spans.map {
            switch $0 {
            case .text(let text): escape(text)
            case .strong(let text): "**\(escape(text))**"
            case .code(let text): code(text, inTable: false)
            }
        }.joined()
    }

    /// Everything that Markdown or embedded HTML would take for markup. Line breaks become spaces.
    static func escape(_ text: String) -> String {
        var out = ""
        var previous: Unicode.Scalar = " "
        let scalars = Array(text.unicodeScalars)
        for (i, scalar) in scalars.enumerated() {
            switch scalar {
            case "\\", "`", "*", "|", "#", "~": out += "\\" + String(scalar)
            case "]":
                // Brackets are plain text unless a link's target or another bracket follows.
                let next = i + 1 < scalars.count ? scalars[i + 1] : " "
                out += next == "(" || next == "[" || next == ":" ? "\\]" : "]"
            case "_":
                // Inside a word GitHub leaves underscores alone; readable source matters too.
                let next = i + 1 < scalars.count ? scalars[i + 1] : " "
                let inside = isWord(previous) && isWord(next)
                out += inside ? "_" : "\\_"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "&": out += "&amp;"
            case "$": out += "\\$"
            case "\n", "\r", "\t": out += " "
            default: out.unicodeScalars.append(scalar)
            }
            previous = scalar
        }
        return out
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
    }

    /// A code span with a fence longer than any run of backticks inside.
    private static func code(_ text: String, inTable: Bool) -> String {
        var text = text.replacing("\n", with: " ").replacing("\r", with: " ")
        if inTable { text = text.replacing("|", with: "\\|") }
        let fence = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
        let pad = text.hasPrefix("`") || text.hasSuffix("`") ? " " : ""
        return fence + pad + text + pad + fence
    }

    private static func fenced(_ text: String, _ language: String) -> String {
        let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
        return "\(fence)\(language)\n\(text)\n\(fence)"
    }

    private static func longestRun(of scalar: Unicode.Scalar, in text: String) -> Int {
        var longest = 0
        var run = 0
        for other in text.unicodeScalars {
            run = other == scalar ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }
}
