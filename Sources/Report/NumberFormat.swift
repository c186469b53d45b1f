// Numbers for readers: few digits, a point as the decimal mark whatever the locale.
import Foundation
import Results

package enum NumberFormat {
    /// `decimals` digits after the point; never "-0.0".
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "-inf" : "inf" }
        let text = String(format: "%.\(decimals)f", value)
        return text.hasPrefix("-") && !text.utf8.contains { (0x31...0x39).contains($0) }
            ? String(text.dropFirst()) : text
    }

    /// About three significant digits: `123.4`, `12.3`, `1.23`, `0.123`, `0.0123`, `1.2e-5`, `0`.
    package static func compact(_ value: Double) -> String {
        let size = abs(value)
        guard size.isFinite, size > 0 else { return size == 0 ? "0" : fixed(value, 0) }
        if size < 0.000_95 {
            let text = String(format: "%.1e", value)
            let parts = text.split(separator: "e")
            guard parts.count == 2, let exponent = Int(parts[1]) else { return text }
            return "\(parts[0])e\(exponent)"
        }
        return fixed(value, size < 0.0995 ? 4 : size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 9999.5 ? 1 : 0)
    }

    /// A metric's value in its unit: proportions as percentages with one decimal.
    package static func value(_ value: Double?, unit: String?) -> String {
        guard let value else { return "–" }
        return isPercent(unit) ? fixed(100 * value, 1) : compact(value)
    }

    package static func interval(_ low: Double?, _ high: Double?, unit: String?) -> String {
        guard let low, let high else { return "" }
        return "[\(value(low, unit: unit)), \(value(high, unit: unit))]"
    }

    package static func signed(_ difference: Double, unit: String?) -> String {
        let text = value(difference, unit: unit)
        return difference > 0 && text.utf8.contains { (0x31...0x39).contains($0) } ? "+" + text : text
    }

    package static func isPercent(_ unit: String?) -> Bool { unit == "%" }

    /// `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`.
    package static func duration(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds >= 0 else { return "–" }
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 60 { return fixed(seconds, 1) + " s" }
        let whole = Int(min(seconds, 1e15).rounded())
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    /// `1.2 GB` (decimal units).
    package static func bytes(_ count: Int?) -> String {
        guard let count, count > 0 else { return "–" }
        let value = Double(count)
        if value >= 1e9 { return fixed(value / 1e9, 1) + " GB" }
        return fixed(value / 1e6, value >= 1e7 ? 0 : 1) + " MB"
    }

    /// `135M`, `7.24B`.
    package static func parameters(_ count: Int?) -> String {
        guard let count, count > 0 else { return "–" }
        let value = Double(count)
        if value >= 1e9 { return fixed(value / 1e9, 2) + "B" }
        if value >= 1e6 { return fixed(value / 1e6, value >= 1e8 ? 0 : 1) + "M" }
        return fixed(value / 1e3, 0) + "K"
    }
}
