import Inference

/// "These blocks are edited with the direction measured there": an entry of `mapping`.
///
///     mapping:
///       - {layers: 11-23, measurement: 23}
///       - {layers: 24-41, measurement: 29}
public struct LayerMapping: Hashable, Sendable, Codable {
    /// One block (`"7"`) or a range with both ends (`"11-23"`).
    public var layers: String
    /// Index i of h_i.
    public var measurement: Int
    /// This entry's α in place of the method's.
    public var alpha: Double?

    public init(layers: String, measurement: Int, alpha: Double? = nil) {
        self.layers = layers
        self.measurement = measurement
        self.alpha = alpha
    }

    private enum CodingKeys: String, CodingKey { case layers, measurement, alpha }

    /// `layers: 7` may be a number.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let block = try? container.decode(Int.self, forKey: .layers) {
            layers = String(block)
        } else {
            layers = try container.decode(String.self, forKey: .layers)
        }
        measurement = try container.decode(Int.self, forKey: .measurement)
        alpha = try container.decodeIfPresent(Double.self, forKey: .alpha)
    }

    var range: ClosedRange<Int>? {
        let parts = layers.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0.filter { $0 != " " }) }
        guard numbers.count == parts.count, (1...2).contains(numbers.count), let first = numbers.first,
            let last = numbers.last, first >= 0, last >= first
        else { return nil }
        return first...last
    }

    /// Ranges readable, none twice.
    static func validate(_ mapping: [LayerMapping]) throws {
        guard !mapping.isEmpty else { throw OptionsError(key: "mapping", message: "an empty list edits nothing") }
        var seen = Set<Int>()
        for entry in mapping {
            guard let range = entry.range else {
                throw OptionsError(
                    key: "mapping", message: "layers: `\(entry.layers)` is not a block like 7 or a range like 11-23")
            }
            guard entry.measurement >= 0 else {
                throw OptionsError(key: "mapping", message: "measurement: \(entry.measurement) is negative")
            }
            if let alpha = entry.alpha { try OptionChecks.alpha(alpha, key: "mapping") }
            // A hostile range would otherwise fill the set.
            guard range.upperBound < 100_000 else {
                throw OptionsError(key: "mapping", message: "layers: `\(entry.layers)` goes beyond any model")
            }
            for block in range where !seen.insert(block).inserted {
                throw OptionsError(key: "mapping", message: "block \(block) is named twice")
            }
        }
    }
}

/// One edited block with its measurement: what `mapping`, or a single measurement and a range, come to.
struct LayerAssignment {
    var layer: Int
    var measurement: Int
    var alpha: Double

    static func resolve(
        mapping: [LayerMapping], alpha: Double, layerCount: Int
    ) throws -> [LayerAssignment] {
        var assignments: [LayerAssignment] = []
        for entry in mapping {
            guard let range = entry.range, range.upperBound < layerCount else {
                throw MethodError.outOfRange(
                    option: "mapping", value: "layers \(entry.layers)", allowed: "0…\(layerCount - 1)")
            }
            guard (0...layerCount).contains(entry.measurement) else {
                throw MethodError.outOfRange(
                    option: "mapping", value: "measurement \(entry.measurement)", allowed: "0…\(layerCount)")
            }
            for layer in range {
                assignments.append(
                    LayerAssignment(layer: layer, measurement: entry.measurement, alpha: entry.alpha ?? alpha))
            }
        }
        return assignments.sorted { $0.layer < $1.layer }
    }

    /// Writers of the assigned blocks, with their assignment.
    static func writers(
        _ assignments: [LayerAssignment], in weights: any WeightAccess, components: [String]?
    ) throws -> [(writer: ResidualWriter, assignment: LayerAssignment?)] {
        var result: [(writer: ResidualWriter, assignment: LayerAssignment?)] = []
        for assignment in assignments {
            let blocks = components.map { $0.filter { $0 != "embedding" } }
            if let blocks, blocks.isEmpty { continue }
            let layer = assignment.layer...assignment.layer
            for writer in try WriterSelection(weights, layers: layer, components: blocks).writers {
                result.append((writer, assignment))
            }
        }
        if let components, components.contains("embedding") {
            let writers = try WriterSelection(weights, layers: 0...0, components: ["embedding"]).writers
            result = writers.map { ($0, nil) } + result
        }
        return result
    }
}
