/// One searched parameter.
public struct SearchDimension: Hashable, Sendable {
    public enum Range: Hashable, Sendable {
        /// Any number of the interval.
        case float(low: Double, high: Double)
        /// 0 ..< count, no order among them.
        case categorical(count: Int)
    }

    public var name: String
    public var range: Range

    public init(_ name: String, _ range: Range) {
        self.name = name
        self.range = range
    }

    public static func float(_ name: String, _ low: Double, _ high: Double) -> SearchDimension {
        SearchDimension(name, .float(low: low, high: high))
    }

    public static func categorical(_ name: String, _ count: Int) -> SearchDimension {
        SearchDimension(name, .categorical(count: count))
    }

    /// Its only value when there is no choice; such a dimension is not modelled.
    var constant: Double? {
        switch range {
        case .float(let low, let high): high > low ? nil : low
        case .categorical(let count): count > 1 ? nil : 0
        }
    }

    func contains(_ value: Double) -> Bool {
        switch range {
        case .float(let low, let high): value >= low && value <= max(low, high)
        case .categorical(let count): value >= 0 && value < Double(count) && value == value.rounded()
        }
    }
}
