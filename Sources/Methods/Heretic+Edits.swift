import Inference

/// Turns parameters into edits; directions are computed once for a whole search.
struct HereticEdits {
    let options: Heretic.Options
    let weights: any WeightAccess
    /// Those the model has, sorted, as Heretic finds them over all layers.
    let components: [String]
    /// r_i by i = 0…L; nil where the classes do not differ, or have only the harmless mean's direction, which is an
    /// error once such an index is used.
    private let directions: [[Double]?]
    private let failures: [Int: any Error]

    init(options: Heretic.Options, context: MethodContext) throws {
        self.options = options
        weights = context.weights
        components = WriterSelection.blockComponents.filter { name in
            context.weights.writers.contains { $0.layer != nil && $0.component == name }
        }
        guard !components.isEmpty else {
            throw MethodError.unsupportedWriter("the model declares neither attn.o_proj nor mlp.down_proj writers")
        }
        for layer in 0..<context.weights.layerCount {
            guard context.weights.writers.contains(where: { $0.layer == layer }) else {
                throw MethodError.unsupportedWriter(
                    "block \(layer) declares no residual writer; `heretic` would skip it silently")
            }
        }
        let statistics = try ContrastStatistics(
            context.contrast, weights: weights, winsorization: options.winsorization, usesFinalNorm: true)
        var directions: [[Double]?] = []
        var failures: [Int: any Error] = [:]
        for index in 0...weights.layerCount {
            do {
                directions.append(
                    options.orthogonalizeDirection
                        ? try statistics.projectedDirection(index) : try statistics.direction(index))
            } catch {
                directions.append(nil)
                failures[index] = error
            }
        }
        self.directions = directions
        self.failures = failures
    }

    private func direction(_ index: Int) throws -> [Double] {
        guard directions.indices.contains(index) else {
            throw MethodError.outOfRange(
                option: "parameters.direction_index", value: "\(index - 1)", allowed: "0…\(weights.layerCount - 1)")
        }
        if let direction = directions[index] { return direction }
        throw failures[index] ?? MethodError.degenerateDirection(index: index, reason: "no direction")
    }

    /// The one direction of a global scope: between indices ⌊d + 1⌋ and the next (heretic.md 1.5).
    func globalDirection(_ directionIndex: Double) throws -> [Double] {
        let shifted = directionIndex + 1
        guard shifted <= Double(weights.layerCount) else {
            throw MethodError.outOfRange(
                option: "parameters.direction_index", value: "\(directionIndex)",
                allowed: "0…\(weights.layerCount - 1)")
        }
        let index = Int(shifted)
        let weight = shifted - Double(index)
        // Nothing lies above the last index, and nothing is needed there.
        guard weight > 0 else { return try direction(index) }
        return try Directions.interpolated(direction(index), direction(index + 1), weight: weight, index: index)
    }

    func edits(_ parameters: HereticParameters) throws -> WeightEdits {
        for component in parameters.kernels.keys.sorted() where !components.contains(component) {
            throw MethodError.unsupportedWriter("parameters: the model declares no `\(component)` writer")
        }
        let global = try parameters.directionIndex.map { try globalDirection($0) }
        var edits = WeightEdits()
        for writer in weights.writers {
            guard let layer = writer.layer, let weight = parameters.kernels[writer.component]?.weight(layer: layer)
            else { continue }
            let direction = try global ?? direction(layer + 1)
            let alpha = Float(weight)
            let single = Directions.single(direction)
            switch (options.rowNormalization, options.rank) {
            case (.none, _): edits.append(.project(alpha: alpha, direction: single), to: writer)
            case (.pre, _): edits.append(.projectRowNormalized(alpha: alpha, direction: single), to: writer)
            case (.full, nil): edits.append(.projectPreservingRowNorms(alpha: alpha, direction: single), to: writer)
            case (.full, let rank?):
                let matrix = try WriterMatrix(writer, in: weights)
                let change = LowRankTruncation.rowNormPreservingChange(matrix, alpha: weight, direction: direction)
                let (a, b) = try LowRankTruncation.truncate(
                    change, rows: matrix.outputs, columns: matrix.inputs, rank: rank, name: "\(writer)")
                edits.append(.lowRank(rank: a.count / max(matrix.inputs, 1), a: a, b: b), to: writer)
            }
        }
        return edits
    }

    /// Directions at whole indices that the parameters draw on.
    func directions(used parameters: HereticParameters) -> [Int: [Float]] {
        let indices: [Int]
        if let index = parameters.directionIndex {
            let lower = Int(index + 1)
            indices = index + 1 > Double(lower) ? [lower, lower + 1] : [lower]
        } else {
            indices = Array(1...weights.layerCount)
        }
        var used: [Int: [Float]] = [:]
        for index in indices where directions.indices.contains(index) {
            used[index] = directions[index].map(Directions.single)
        }
        return used
    }
}
