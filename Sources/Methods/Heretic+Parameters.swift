import Inference

/// One trial's numbers in Heretic's own spelling. `min_weight` is absolute, as Heretic prints and stores it, not the
/// fraction that is sampled.
public struct HereticParameters: Hashable, Sendable {
    /// The weight over blocks of one component.
    public struct Kernel: Hashable, Sendable {
        public var maxWeight: Double
        public var maxWeightPosition: Double
        public var minWeight: Double
        public var minWeightDistance: Double

        public init(maxWeight: Double, maxWeightPosition: Double, minWeight: Double, minWeightDistance: Double) {
            self.maxWeight = maxWeight
            self.maxWeightPosition = maxWeightPosition
            self.minWeight = minWeight
            self.minWeightDistance = minWeightDistance
        }

        /// w(l): linear from max_weight at its position to min_weight at min_weight_distance; nil beyond.
        public func weight(layer: Int) -> Double? {
            let distance = abs(Double(layer) - maxWeightPosition)
            guard distance <= minWeightDistance else { return nil }
            return maxWeight + distance / minWeightDistance * (minWeight - maxWeight)
        }
    }

    /// Between the directions of two layers, counted as Heretic does (0 = the stream after block 0); nil = per layer.
    public var directionIndex: Double?
    public var kernels: [String: Kernel]

    public init(directionIndex: Double?, kernels: [String: Kernel]) {
        self.directionIndex = directionIndex
        self.kernels = kernels
    }

    static let scope = "direction_scope"
    static let index = "direction_index"

    /// Heretic 1.4.0's search space (heretic.md 1.8). `direction_scope` is 0 = global, 1 = per layer; `min_weight` is a
    /// fraction of max_weight. The distance's upper end is at least 1, as in later versions: 1.4.0 fails on a model of
    /// two blocks.
    public static func space(layerCount: Int, components: [String]) -> [SearchDimension] {
        let last = Double(layerCount - 1)
        var space: [SearchDimension] = [.categorical(scope, 2), .float(index, 0.4 * last, 0.9 * last)]
        for component in components {
            space += [
                .float("\(component).max_weight", 0.8, 1.5),
                .float("\(component).max_weight_position", 0.6 * last, last),
                .float("\(component).min_weight", 0, 1),
                .float("\(component).min_weight_distance", 1, max(0.6 * last, 1)),
            ]
        }
        return space
    }

    /// From sampled values: `direction_index` is ignored per layer, the fraction becomes a weight.
    public init(trial: [String: Double], components: [String]) {
        directionIndex = trial[Self.scope] == 1 ? nil : trial[Self.index]
        kernels = [:]
        for component in components {
            let maxWeight = trial["\(component).max_weight"] ?? 0
            kernels[component] = Kernel(
                maxWeight: maxWeight, maxWeightPosition: trial["\(component).max_weight_position"] ?? 0,
                minWeight: maxWeight * (trial["\(component).min_weight"] ?? 0),
                minWeightDistance: trial["\(component).min_weight_distance"] ?? 1)
        }
    }

    func validate() throws {
        if let directionIndex, !(directionIndex >= 0 && directionIndex.isFinite) {
            throw OptionsError(key: "parameters", message: "direction_index: \(directionIndex) is not a layer")
        }
        guard !kernels.isEmpty else {
            throw OptionsError(key: "parameters", message: "no component: give attn.o_proj and mlp.down_proj")
        }
        for (component, kernel) in kernels {
            guard WriterSelection.blockComponents.contains(component) else {
                throw OptionsError(key: "parameters", message: "`\(component)` is not attn.o_proj or mlp.down_proj")
            }
            for value in [kernel.maxWeight, kernel.maxWeightPosition, kernel.minWeight] where !value.isFinite {
                throw OptionsError(key: "parameters", message: "\(component): \(value) is not a finite number")
            }
            guard kernel.minWeightDistance > 0, kernel.minWeightDistance.isFinite else {
                throw OptionsError(
                    key: "parameters",
                    message: "\(component): min_weight_distance must be positive, not \(kernel.minWeightDistance)")
            }
        }
    }

    var json: JSONValue {
        .object(
            [(Self.index, directionIndex.map { .double($0) } ?? .null)]
                + kernels.sorted { $0.key < $1.key }.map { component, kernel in
                    (
                        component,
                        .object([
                            ("max_weight", .double(kernel.maxWeight)),
                            ("max_weight_position", .double(kernel.maxWeightPosition)),
                            ("min_weight", .double(kernel.minWeight)),
                            ("min_weight_distance", .double(kernel.minWeightDistance)),
                        ])
                    )
                })
    }
}

/// Written with Heretic's keys. Read without regard to `_` and case inside a key: a suite's keys may have gone through
/// a snake_case conversion, which knows nothing of `attn.o_proj`. An unknown or missing key is an error.
extension HereticParameters: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
        var folded: String { stringValue.filter { $0 != "_" }.lowercased() }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        kernels = [:]
        for key in container.allKeys {
            if key.folded == "directionindex" {
                directionIndex = try container.decodeIfPresent(Double.self, forKey: key)
                continue
            }
            let component = WriterSelection.blockComponents.first { Key(stringValue: $0).folded == key.folded }
            guard let component else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container,
                    debugDescription: "unknown key `\(key.stringValue)`: direction_index, attn.o_proj, mlp.down_proj")
            }
            let inner = try container.nestedContainer(keyedBy: Key.self, forKey: key)
            var numbers: [String: Double] = [:]
            let known = ["maxweight", "maxweightposition", "minweight", "minweightdistance"]
            for name in inner.allKeys {
                guard known.contains(name.folded) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: name, in: inner, debugDescription: "unknown key `\(name.stringValue)`: "
                            + "max_weight, max_weight_position, min_weight, min_weight_distance")
                }
                numbers[name.folded] = try inner.decode(Double.self, forKey: name)
            }
            guard let maximum = numbers[known[0]], let position = numbers[known[1]], let minimum = numbers[known[2]],
                let distance = numbers[known[3]]
            else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "`\(component)` needs max_weight, "
                        + "max_weight_position, min_weight and min_weight_distance")
            }
            kernels[component] = Kernel(
                maxWeight: maximum, maxWeightPosition: position, minWeight: minimum, minWeightDistance: distance)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(directionIndex, forKey: Key(stringValue: Self.index))
        for (component, kernel) in kernels.sorted(by: { $0.key < $1.key }) {
            var inner = container.nestedContainer(keyedBy: Key.self, forKey: Key(stringValue: component))
            try inner.encode(kernel.maxWeight, forKey: Key(stringValue: "max_weight"))
            try inner.encode(kernel.maxWeightPosition, forKey: Key(stringValue: "max_weight_position"))
            try inner.encode(kernel.minWeight, forKey: Key(stringValue: "min_weight"))
            try inner.encode(kernel.minWeightDistance, forKey: Key(stringValue: "min_weight_distance"))
        }
    }
}
