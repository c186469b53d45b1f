import Inference

/// Which residual writers a method edits: a range of blocks and some components.
struct WriterSelection {
    static let blockComponents = ["attn.o_proj", "mlp.down_proj"]
    static let allComponents = blockComponents + ["embedding"]

    /// Writers in the order of the forward pass: every expert and the shared expert of a mixture block included.
    let writers: [ResidualWriter]

    /// - Parameters:
    ///   - layers: blocks, first and last included.
    ///   - components: names as in `ResidualWriter.component`; nil = every writer inside the blocks.
    /// Throws when a block of the range has no such writer, or a named component does not occur in the range: an edit
    /// that silently skips a matrix would look like a gentle method.
    init(_ weights: any WeightAccess, layers: ClosedRange<Int>, components: [String]?) throws {
        let wanted = Set(components ?? Self.blockComponents)
        var missing = Set(components ?? [])
        var bare = Set(wanted == ["embedding"] ? [] : Array(layers))
        var writers: [ResidualWriter] = []
        for writer in weights.writers where wanted.contains(writer.component) {
            if let layer = writer.layer {
                guard layers.contains(layer) else { continue }
                bare.remove(layer)
            }
            missing.remove(writer.component)
            writers.append(writer)
        }
        if let component = missing.min() {
            throw MethodError.unsupportedWriter(
                "components: the model declares no `\(component)` writer in blocks \(layers.lowerBound) to "
                    + "\(layers.upperBound); it has \(Self.declared(weights)). Leave it out of `components`.")
        }
        if let layer = bare.min() {
            throw MethodError.unsupportedWriter(
                "block \(layer) declares no residual writer that could be edited; it would be skipped silently. "
                    + "Choose a range of blocks without it (first_layer, last_layer).")
        }
        self.writers = writers.sorted()
    }

    private static func declared(_ weights: any WeightAccess) -> String {
        Set(weights.writers.map(\.component)).sorted().map { "`\($0)`" }.joined(separator: ", ")
    }

    /// The blocks first…last of a model with `layerCount` of them; nil = up to the last.
    static func layers(first: Int, last: Int?, layerCount: Int) throws -> ClosedRange<Int> {
        let end = last ?? layerCount - 1
        guard (0..<layerCount).contains(end) else {
            throw MethodError.outOfRange(option: "last_layer", value: "\(end)", allowed: "0…\(layerCount - 1)")
        }
        guard (0...end).contains(first) else {
            throw MethodError.outOfRange(option: "first_layer", value: "\(first)", allowed: "0…\(end)")
        }
        return first...end
    }

    /// The measured index i of h_i: as given, or int(0.6 L), the share of the depth used by single-pass tools since
    /// Sumandora/remove-refusals-with-transformers.
    static func measuredIndex(_ layer: Int?, layerCount: Int) throws -> Int {
        let index = layer ?? Int(0.6 * Double(layerCount))
        guard (0...layerCount).contains(index) else {
            throw MethodError.outOfRange(option: "layer", value: "\(index)", allowed: "0…\(layerCount)")
        }
        return index
    }
}

/// A writer's matrix, checked: (out = d_model, in), row-major.
struct WriterMatrix {
    let values: [Float]
    let outputs: Int
    let inputs: Int

    init(_ writer: ResidualWriter, in weights: any WeightAccess) throws {
        let matrix = try weights.matrix(writer)
        guard matrix.outputs == weights.hiddenSize, matrix.values.count == matrix.outputs * matrix.inputs else {
            throw MethodError.unsupportedWriter(
                "\(writer) is \(matrix.outputs) × \(matrix.inputs) with \(matrix.values.count) values; a residual "
                    + "writer must have d_model = \(weights.hiddenSize) outputs")
        }
        values = matrix.values
        outputs = matrix.outputs
        inputs = matrix.inputs
    }

    /// rᵀ W (in), f64.
    func projection(on direction: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: inputs)
        values.withUnsafeBufferPointer { w in
            result.withUnsafeMutableBufferPointer { out in
                for i in 0..<outputs {
                    let r = direction[i]
                    let row = i * inputs
                    for j in 0..<inputs { out[j] += r * Double(w[row + j]) }
                }
            }
        }
        return result
    }
}

/// Checks that several methods' options share.
enum OptionChecks {
    static func components(_ components: [String]?, allowed: [String] = WriterSelection.allComponents) throws {
        guard let components else { return }
        guard !components.isEmpty else {
            throw OptionsError(key: "components", message: "an empty list edits nothing; leave it out for all writers")
        }
        for component in components where !allowed.contains(component) {
            throw OptionsError(
                key: "components",
                message: "`\(component)` is not one of \(allowed.map { "`\($0)`" }.joined(separator: ", "))")
        }
        guard Set(components).count == components.count else {
            throw OptionsError(key: "components", message: "a component is named twice")
        }
    }

    static func alpha(_ alpha: Double, key: String = "alpha") throws {
        guard alpha.isFinite else { throw OptionsError(key: key, message: "must be a finite number, not \(alpha)") }
    }

    static func winsorization(_ quantile: Double?) throws {
        guard let quantile else { return }
        guard quantile > 0, quantile <= 1 else {
            throw OptionsError(
                key: "winsorization", message: "a quantile of |x| in (0, 1], for example 0.995, not \(quantile)")
        }
    }

    static func layers(layer: Int?, first: Int, last: Int?) throws {
        if let layer, layer < 0 { throw OptionsError(key: "layer", message: "\(layer) is negative; indices run 0…L") }
        guard first >= 0 else {
            throw OptionsError(key: "firstLayer", message: "\(first) is negative; blocks run 0…L−1")
        }
        if let last, last < first {
            throw OptionsError(key: "lastLayer", message: "\(last) is below the first edited block \(first)")
        }
    }
}
