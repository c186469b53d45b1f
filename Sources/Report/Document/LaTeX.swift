// LaTeX: a document that compiles with booktabs and graphicx, and every table as a file of its own to \input.

enum LaTeX {
    static func render(_ document: Document, figures: FigureLinks?) -> String {
        var out = """
            % \(oneLine(document.origin))
            \\documentclass{article}
            \\usepackage[T1]{fontenc}
            \\usepackage[utf8]{inputenc}
            \\usepackage{booktabs,graphicx,hyperref,longtable,textcomp}
            \\usepackage[margin=2cm]{geometry}
            \\title{\(escape(document.title))}
            \\date{}
            \\begin{document}
            \\maketitle

            """
        for block in document.blocks { out += "\n" + render(block, document, figures) + "\n" }
        return out + "\n\\end{document}\n"
    }

    private static func render(_ block: Block, _ document: Document, _ figures: FigureLinks?) -> String {
        switch block {
        case .heading(let level, let text):
            "\\" + String(repeating: "sub", count: max(0, min(level - 2, 2))) + "section*{\(escape(text))}"
        case .paragraph(let spans): render(spans)
        case .list(let items):
            "\\begin{itemize}\n" + items.map { "\\item " + render($0) }.joined(separator: "\n") + "\n\\end{itemize}"
        case .note(let spans): "\\noindent\\textbf{Note.} " + render(spans)
        case .code(let text, _): "{\\small\\raggedright\\noindent " + lines(text) + "\\par}"
        case .table(let table): "\\input{tables/\(table.name).tex}"
        case .figure(let chart, let caption):
            if let path = figures?.path(chart, preferring: [.pdf, .png]), !path.hasSuffix(".svg") {
                "\\begin{figure}[htbp]\\centering\n\\includegraphics[width=\\linewidth]{\(path)}\n"
                    + "\\caption{\(escape(caption))}\n\\end{figure}"
            } else {
                "% figure charts/\(chart.name): LaTeX needs it as PDF or PNG (--charts pdf)"
            }
        }
    }

    /// A `table` environment on its own, scaled down when it is wider than the line.
    static func render(_ table: DocumentTable, origin: String) -> String {
        let alignment = table.columns.map { $0.kind == .number ? "r" : "l" }.joined()
        var out = """
            % \(oneLine(origin))
            \\begin{table}[htbp]
            \\centering
            \\caption{\(escape(table.caption))}
            \\label{tab:\(table.name)}
            \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%
            \\begin{tabular}{\(alignment)}
            \\toprule

            """
        out += table.columns.map { escape($0.title) }.joined(separator: " & ") + " \\\\\n\\midrule\n"
        for row in table.rows { out += row.map(render).joined(separator: " & ") + " \\\\\n" }
        return out + "\\bottomrule\n\\end{tabular}}\n\\end{table}\n"
    }

    private static func render(_ cell: TableCell) -> String {
        var text = escape(cell.text)
        if cell.isCode { text = "\\texttt{\(text)}" }
        if cell.isBest { text = "\\textbf{\(text)}" }
        // A row that starts with a bracket would be taken for the option of the \\ before it.
        if text.hasPrefix("[") { text = "{}" + text }
        return cell.detail.isEmpty ? text : text + " {\\small " + escape(cell.detail) + "}"
    }

    private static func render(_ spans: [Span]) -> String {
        spans.map {
            switch $0 {
            case .text(let text): escape(text)
            case .strong(let text): "\\textbf{\(escape(text))}"
            case .code(let text): "\\texttt{\(escape(text))}"
            }
        }.joined()
    }

    private static func lines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "~" : "\\texttt{\(escape(String($0)))}" }.joined(separator: "\\\\\n")
    }

    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\n" || $0 == "\r" ? " " : $0 }))
    }

    /// The ten special characters, and what these reports use beyond ASCII.
    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\textbackslash{}"
            case "_", "%", "&", "$", "#", "{", "}": out += "\\" + String(scalar)
            case "~": out += "\\textasciitilde{}"
            case "^": out += "\\textasciicircum{}"
            case "<": out += "\\textless{}"
            case ">": out += "\\textgreater{}"
            case "|": out += "\\textbar{}"
            case "\"": out += "\\textquotedbl{}"
            case "Δ": out += "$\\Delta$"
            case "†": out += "\\dag{}"
            case "↑": out += "$\\uparrow$"
            case "↓": out += "$\\downarrow$"
            case "×": out += "$\\times$"
            case "−": out += "$-$"
            case "–": out += "--"
            case "—": out += "---"
            case "…": out += "\\ldots{}"
            case "‖": out += "$\\|$"
            case "κ": out += "$\\kappa$"
            case "→": out += "$\\rightarrow$"
            case "\n", "\r", "\t": out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
