import COpenBLAS
import Inference

/// How the two classes lie to each other at one index i of h_i. A cosine with a zero vector is nil.
public struct LayerGeometry: Hashable, Sendable, Codable {
    public var index: Int
    /// ‖μH‖, ‖μA‖, ‖r‖ with r = μH − μA.
    public var harmfulNorm: Double
    public var harmlessNorm: Double
    public var directionNorm: Double
    public var cosineHarmfulHarmless: Double?
    public var cosineDirectionHarmful: Double?
    public var cosineDirectionHarmless: Double?
    /// Mean silhouette coefficient of the two classes, Euclidean, over all prompts (Rousseeuw 1987; scikit-learn's
    /// `silhouette_score`): 1 = far apart, 0 = mixed. Of the activations as measured; nil when they were not kept.
    public var silhouette: Double?
    /// See `LayerQuality`.
    public var snr: Double
    public var purity: Double
    public var quality: Double
    /// cos(r_i, r_{i−1}); nil at i = 0.
    public var cosineWithPrevious: Double?
}

public enum Geometry {
    /// One entry per index 0…L. `winsorization` as in the methods (means only).
    public static func layers(
        _ contrast: Contrast, layerCount: Int, hiddenSize: Int, winsorization: Double? = nil
    ) throws -> [LayerGeometry] {
        let statistics = try ContrastStatistics(
            contrast, layerCount: layerCount, hiddenSize: hiddenSize, winsorization: winsorization)
        var previous: [Double]?
        var result: [LayerGeometry] = []
        for index in 0...layerCount {
            let harmful = try statistics.harmfulMean(index)
            let harmless = try statistics.harmlessMean(index)
            let direction = Directions.subtract(harmful, harmless)
            let quality = LayerQuality(harmfulMean: harmful, harmlessMean: harmless, index: index)
            let kept = !contrast.harmful.isEmpty && !contrast.harmless.isEmpty
            result.append(
                LayerGeometry(
                    index: index, harmfulNorm: Directions.norm(harmful), harmlessNorm: Directions.norm(harmless),
                    directionNorm: quality.directionNorm,
                    cosineHarmfulHarmless: Directions.cosine(harmful, harmless),
                    cosineDirectionHarmful: Directions.cosine(direction, harmful),
                    cosineDirectionHarmless: Directions.cosine(direction, harmless),
                    silhouette: kept
                        ? silhouette(contrast.harmful.map { $0[index] }, contrast.harmless.map { $0[index] }) : nil,
                    snr: quality.snr, purity: quality.purity, quality: quality.quality,
                    cosineWithPrevious: previous.flatMap { Directions.cosine(direction, $0) }))
            previous = direction
        }
        return result
    }

    /// Mean over all points of (b − a) / max(a, b): a = mean distance to the other points of its class, b = to the
    /// points of the other class. A point alone in its class scores 0, as does one with a = b = 0.
    /// - Parameters: (points, dimensions), at least one point in each.
    public static func silhouette(_ first: [[Float]], _ second: [[Float]]) -> Double {
        let points = first + second
        let count = points.count
        guard !first.isEmpty, !second.isEmpty, let dimensions = points.first?.count, dimensions > 0 else { return 0 }
        // Centred, so that |x|² + |y|² − 2xy keeps the digits of distances that are small beside the common mean.
        var centre = [Double](repeating: 0, count: dimensions)
        for point in points { for j in 0..<dimensions { centre[j] += Double(point[j]) / Double(count) } }
        var matrix = [Double](repeating: 0, count: count * dimensions)
        for (i, point) in points.enumerated() {
            for j in 0..<dimensions { matrix[i * dimensions + j] = Double(point[j]) - centre[j] }
        }
        var gram = [Double](repeating: 0, count: count * count)
        cblas_dgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, blasint(count), blasint(count), blasint(dimensions), 1, matrix,
            blasint(dimensions), matrix, blasint(dimensions), 0, &gram, blasint(count))
        var total = 0.0
        for i in 0..<count {
            let own = i < first.count ? 0..<first.count : first.count..<count
            guard own.count > 1 else { continue }
            var inside = 0.0
            var outside = 0.0
            for k in 0..<count where k != i {
                let square = gram[i * count + i] + gram[k * count + k] - 2 * gram[i * count + k]
                let distance = max(square, 0).squareRoot()
                if own.contains(k) { inside += distance } else { outside += distance }
            }
            let a = inside / Double(own.count - 1)
            let b = outside / Double(count - own.count)
            if max(a, b) > 0 { total += (b - a) / max(a, b) }
        }
        return total / Double(count)
    }
}
