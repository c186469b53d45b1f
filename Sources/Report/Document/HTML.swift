// One self-contained HTML file: styles, sorting and figures inside, nothing loaded from elsewhere.

enum HTML {
    /// - Parameter svg: a chart's SVG text by its name, put into the page as it is.
    static func render(_ document: Document, svg: [String: String]) -> String {
        var out = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="generator" content="\(escape(document.origin))">
            <title>\(escape(document.title))</title>
            <style>\(style)</style>
            </head>
            <body>
            <h1>\(escape(document.title))</h1>

            """
        for block in document.blocks { out += render(block, svg) + "\n" }
        return out + "<script>\(script)</script>\n</body>\n</html>\n"
    }

    private static func render(_ block: Block, _ svg: [String: String]) -> String {
        switch block {
        case .heading(let level, let text): "<h\(level)>\(escape(text))</h\(level)>"
        case .paragraph(let spans): "<p>\(render(spans))</p>"
        case .list(let items): "<ul>" + items.map { "<li>\(render($0))</li>" }.joined() + "</ul>"
        case .note(let spans): "<p class=\"note\"><strong>Note.</strong> \(render(spans))</p>"
        case .code(let text, _): "<pre>\(escape(text))</pre>"
        case .table(let table): render(table)
        case .figure(let chart, let caption): figure(svg[chart.name], caption)
        }
    }

    private static func figure(_ svg: String?, _ caption: String) -> String {
        guard let svg, let start = svg.range(of: "<svg") else {
            return "<p><em>Figure not drawn: \(escape(caption))</em></p>"
        }
        return "<figure>\(svg[start.lowerBound...])<figcaption>\(escape(caption))</figcaption></figure>"
    }

    private static func render(_ table: DocumentTable) -> String {
        var out = "<table id=\"\(escape(table.name))\"><caption>\(escape(table.caption))</caption>\n<thead><tr>"
        for column in table.columns {
            out += "<th class=\"\(column.kind.rawValue)\" tabindex=\"0\">\(escape(column.title))</th>"
        }
        out += "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            out += "<tr>"
            for (cell, column) in zip(row, table.columns) {
                var text = escape(cell.text)
                if cell.isCode { text = "<code>\(text)</code>" }
                if cell.isBest { text = "<strong>\(text)</strong>" }
                if !cell.detail.isEmpty { text += " <small>\(escape(cell.detail))</small>" }
                let sort = cell.value.map { " data-value=\"\($0)\"" } ?? ""
                out += "<td class=\"\(column.kind.rawValue)\"\(sort)>\(text)</td>"
            }
            out += "</tr>\n"
        }
        return out + "</tbody></table>"
    }

    private static func render(_ spans: [Span]) -> String {
        spans.map {
            switch $0 {
            case .text(let text): escape(text)
            case .strong(let text): "<strong>\(escape(text))</strong>"
            case .code(let text): "<code>\(escape(text))</code>"
            }
        }.joined()
    }

    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\0": out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static let style = """
        body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
        table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}
        caption{text-align:left;font-weight:600;padding:.3rem 0}
        th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
        th{border-bottom:2px solid #222;cursor:pointer}
        th.number,td.number{text-align:right;font-variant-numeric:tabular-nums}
        td{white-space:pre-wrap}small{color:#666}
        pre{background:#f5f5f5;padding:.7rem;overflow-x:auto}
        .note{border-left:4px solid #D55E00;padding-left:.7rem}
        figure{margin:1rem 0}figure svg{max-width:100%;height:auto}figcaption{color:#555}
        """

    /// A click on a header sorts by that column; a second one the other way round. Empty values go last.
    private static let script = """
        document.querySelectorAll('table').forEach(function(t){t.querySelectorAll('th').forEach(function(h,i){
        var up=true;h.addEventListener('click',function(){var b=t.tBodies[0];var v=function(r){var c=r.cells[i];
        return c.dataset.value!==undefined?parseFloat(c.dataset.value):(c.classList.contains('number')?NaN:
        c.textContent)};Array.from(b.rows).sort(function(x,y){x=v(x);y=v(y);
        if(typeof x==='number'){if(isNaN(x))return isNaN(y)?0:1;if(isNaN(y))return -1;return up?x-y:y-x}
        return up?x.localeCompare(y):y.localeCompare(x)}).forEach(function(r){b.appendChild(r)});up=!up})})});
        """
}
