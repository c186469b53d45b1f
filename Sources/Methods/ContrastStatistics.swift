import Inference

/// Means of the two classes by index i of h_i (0…L), winsorised or not, checked against the model.
public struct ContrastStatistics: Sendable {
    public let contrast: Contrast
    /// Quantile of |x| per prompt and layer to which activations are clamped before averaging; nil = none.
    public let winsorization: Double?
    /// Whether index L is taken after the final norm (Heretic's source does; see heretic.md 1.1).
    public let usesFinalNorm: Bool
    /// L.
    public let layerCount: Int

    /// Throws `MethodError.contrastShape` when activations do not fit `weights`.
    public init(
        _ contrast: Contrast, weights: any WeightAccess, winsorization: Double? = nil, usesFinalNorm: Bool = false
    ) throws {
        try self.init(
            contrast, layerCount: weights.layerCount, hiddenSize: weights.hiddenSize, winsorization: winsorization,
            usesFinalNorm: usesFinalNorm)
    }

    public init(
        _ contrast: Contrast, layerCount: Int, hiddenSize: Int, winsorization: Double? = nil,
        usesFinalNorm: Bool = false
    ) throws {
        self.contrast = contrast
        self.winsorization = winsorization.flatMap { $0 < 1 ? $0 : nil }
        self.usesFinalNorm = usesFinalNorm
        self.layerCount = layerCount
        for (name, means) in [("harmful", contrast.harmfulMeans), ("harmless", contrast.harmlessMeans)] {
            guard !means.isEmpty else { throw MethodError.contrastShape("no \(name) prompts") }
            guard means.count == layerCount + 1, means.allSatisfy({ $0.count == hiddenSize }) else {
                throw MethodError.contrastShape(
                    "\(name) means are \(means.count) × \(means.first?.count ?? 0), the model needs "
                        + "\(layerCount + 1) × \(hiddenSize)")
            }
        }
        if self.winsorization != nil, contrast.harmful.isEmpty || contrast.harmless.isEmpty {
            throw MethodError.contrastShape("winsorisation needs every prompt's activations, only means are here")
        }
        if usesFinalNorm {
            for vectors in [contrast.harmfulFinalNormed, contrast.harmlessFinalNormed] {
                guard !vectors.isEmpty, vectors.allSatisfy({ $0.count == hiddenSize }) else {
                    throw MethodError.contrastShape("the states after the final norm are missing")
                }
            }
        }
    }

    /// μH_i (d_model); throws when it is not finite.
    public func harmfulMean(_ index: Int) throws -> [Double] {
        try mean(index, contrast.harmful, contrast.harmfulMeans, contrast.harmfulFinalNormed, "the harmful mean")
    }

    /// μA_i (d_model); throws when it is not finite.
    public func harmlessMean(_ index: Int) throws -> [Double] {
        try mean(index, contrast.harmless, contrast.harmlessMeans, contrast.harmlessFinalNormed, "the harmless mean")
    }

    /// r_i = normalize(μH_i − μA_i).
    public func direction(_ index: Int) throws -> [Double] {
        try Directions.differenceOfMeans(harmful: harmfulMean(index), harmless: harmlessMean(index), index: index)
    }

    /// normalize(r_i − (r_i·â_i) â_i), â_i = normalize(μA_i).
    public func projectedDirection(_ index: Int) throws -> [Double] {
        try Directions.orthogonalized(direction(index), against: harmlessMean(index), index: index)
    }

    private func mean(
        _ index: Int, _ activations: [[[Float]]], _ means: [[Double]], _ finalNormed: [[Float]], _ what: String
    ) throws -> [Double] {
        let result: [Double]
        if usesFinalNorm, index == layerCount {
            result = average(finalNormed.count) { finalNormed[$0] }
        } else if winsorization != nil {
            result = average(activations.count) { activations[$0][index] }
        } else {
            result = means[index]
        }
        for value in result where !value.isFinite { throw MethodError.nonFinite(index: index, what: what) }
        return result
    }

    /// Mean in f64 over prompts of the (winsorised) vectors.
    private func average(_ count: Int, _ vector: (Int) -> [Float]) -> [Double] {
        var sum: [Double] = []
        for prompt in 0..<count {
            let values = vector(prompt)
            if sum.isEmpty { sum = [Double](repeating: 0, count: values.count) }
            let limit = winsorization.map { Directions.absoluteQuantile(values, $0) } ?? .infinity
            for j in 0..<values.count {
                let value = Double(values[j])
                // NaN and infinity pass, so that the mean shows them: clamping would hide a broken model.
                sum[j] += value.isFinite ? min(max(value, -limit), limit) : value
            }
        }
        let scale = 1 / Double(max(count, 1))
        for j in 0..<sum.count { sum[j] *= scale }
        return sum
    }
}
