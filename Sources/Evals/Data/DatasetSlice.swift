/// A split and a range of its rows, in the slicing syntax of Hugging Face's `datasets`: `test`, `train[:100]`,
/// `train[10:20]`, `train[-50:]`, `train[:10%]`, `train[25%:50%]`.
public struct DatasetSlice: Hashable, Sendable, CustomStringConvertible {
    public enum Bound: Hashable, Sendable {
        case row(Int)
        case percent(Int)
    }

    public var split: String
    public var lower: Bound?
    public var upper: Bound?

    public init(split: String, lower: Bound? = nil, upper: Bound? = nil) {
        self.split = split
        self.lower = lower
        self.upper = upper
    }

    /// Parses `split`, `split[a:b]`. An empty text or one that begins with `[` leaves the split's name empty.
    public init(parsing text: String) throws {
        func fail(_ message: String) -> DatasetError {
            .badReference(
                "'\(text)': \(message); write a slice as test[:100], train[10:20], train[-50:] or train[:10%]")
        }
        let bytes = Array(text.utf8)
        guard let open = bytes.firstIndex(of: UInt8(ascii: "[")) else {
            try self.init(split: Self.checkedName(bytes, fail))
            return
        }
        guard bytes.last == UInt8(ascii: "]") else { throw fail("the slice isn't closed by ]") }
        let inner = bytes[(open + 1)..<(bytes.count - 1)]
        let parts = inner.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw fail("a slice has exactly one colon") }
        let bounds = try parts.map { part -> Bound? in
            var digits = part.drop { $0 == UInt8(ascii: " ") }
            while digits.last == UInt8(ascii: " ") { digits.removeLast() }
            if digits.isEmpty { return nil }
            let isPercent = digits.last == UInt8(ascii: "%")
            if isPercent { digits.removeLast() }
            guard let value = Int(String(decoding: digits, as: UTF8.self)), digits.first != UInt8(ascii: "+") else {
                throw fail("'\(String(decoding: part, as: UTF8.self))' is no row number")
            }
            if isPercent, abs(value) > 100 { throw fail("\(value)% is out of range") }
            return isPercent ? .percent(value) : .row(value)
        }
        if case .percent = bounds[0] ?? bounds[1], case .row = bounds[1] ?? bounds[0] {
            throw fail("rows and percentages can't be mixed")
        }
        if case .row = bounds[0] ?? bounds[1], case .percent = bounds[1] ?? bounds[0] {
            throw fail("rows and percentages can't be mixed")
        }
        try self.init(split: Self.checkedName(bytes[..<open], fail), lower: bounds[0], upper: bounds[1])
    }

    private static func checkedName(
        _ bytes: some Sequence<UInt8>, _ fail: (String) -> DatasetError
    ) throws -> String {
        let name = String(decoding: Array(bytes), as: UTF8.self)
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x2E || byte == 0x5F
        }
        guard isPlain else { throw fail("'\(name)' is no name of a split") }
        return name
    }

    /// The rows selected out of `count`; bounds beyond the end are cut, as `datasets` does.
    public func range(count: Int) -> Range<Int> {
        func row(_ bound: Bound) -> Int {
            let row: Int
            switch bound {
            case .row(let value): row = value
            case .percent(let value):
                row = Int((Double(value) * Double(count) / 100).rounded(.toNearestOrEven))
            }
            return min(count, row < 0 ? max(count + row, 0) : row)
        }
        let start = lower.map(row) ?? 0
        let end = upper.map(row) ?? count
        return start..<max(start, end)
    }

    public var description: String {
        func text(_ bound: Bound?) -> String {
            switch bound {
            case .row(let value): "\(value)"
            case .percent(let value): "\(value)%"
            case nil: ""
            }
        }
        return lower == nil && upper == nil ? split : "\(split)[\(text(lower)):\(text(upper))]"
    }
}
