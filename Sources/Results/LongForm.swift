// The long-form CSV that other programs rely on: one row per metric, RFC 4180, no times, so that two runs with the
// same results give the same bytes.

/// `model,method,eval,filter,metric,value,stderr,ci_low,ci_high,n`
public enum LongForm {
    public static let columns = [
        "model", "method", "eval", "filter", "metric", "value", "stderr", "ci_low", "ci_high", "n",
    ]

    /// Every metric of every complete cell, in suite order. Lines end with CRLF as RFC 4180 says.
    public static func csv(_ snapshot: Snapshot) -> String {
        var rows = [columns]
        for cell in snapshot.cells where cell.isComplete {
            for metric in cell.metrics {
                rows.append([
                    cell.model, cell.method, cell.eval, metric.filter, metric.name, number(metric.value),
                    number(metric.stderr), number(metric.ciLow), number(metric.ciHigh), String(metric.n),
                ])
            }
        }
        return CSV.text(rows)
    }

    private static func number(_ value: Double?) -> String { value.map(CSV.number) ?? "" }
}

/// RFC 4180 text.
public enum CSV {
    public static func text(_ rows: [[String]]) -> String {
        var out = ""
        for row in rows {
            for (i, field) in row.enumerated() {
                if i > 0 { out += "," }
                out += quoted(field)
            }
            out += "\r\n"
        }
        return out
    }

    /// A field in quotes where it must be. Works on bytes: "\r\n" is one Swift character.
    public static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return field }
        var out = "\""
        for scalar in field.unicodeScalars {
            if scalar == "\"" { out += "\"" }
            out.unicodeScalars.append(scalar)
        }
        return out + "\""
    }

    /// The shortest text that reads back as the same double; empty for NaN.
    public static func number(_ value: Double) -> String { value.isNaN ? "" : "\(value)" }
}
