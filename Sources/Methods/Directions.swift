import Inference

/// The vector algebra of directions, in f64. Vectors have length d_model.
public enum Directions {
    /// A difference smaller than this share of the means it was taken from is rounding noise, not a direction.
    static let relativeFloor = 1e-12

    public static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                for j in 0..<min(a.count, b.count) { sum += a[j] * b[j] }
            }
        }
        return sum
    }

    public static func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }

    /// cos(a, b); nil when either is zero.
    public static func cosine(_ a: [Double], _ b: [Double]) -> Double? {
        let scale = norm(a) * norm(b)
        return scale > 0 ? max(-1, min(1, dot(a, b) / scale)) : nil
    }

    public static func subtract(_ a: [Double], _ b: [Double]) -> [Double] {
        var difference = a
        for j in 0..<min(a.count, b.count) { difference[j] -= b[j] }
        return difference
    }

    /// v / ‖v‖. Throws when v is zero or not finite; `index` (of h_i) only names the place.
    public static func normalized(_ v: [Double], index: Int, what: String = "the direction") throws -> [Double] {
        let length = norm(v)
        guard length.isFinite else { throw MethodError.nonFinite(index: index, what: what) }
        guard length > 0 else { throw MethodError.degenerateDirection(index: index, reason: "\(what) is zero") }
        return v.map { $0 / length }
    }

    /// r = normalize(harmful − harmless): the difference of means.
    public static func differenceOfMeans(harmful: [Double], harmless: [Double], index: Int) throws -> [Double] {
        guard harmful.count == harmless.count else {
            throw MethodError.contrastShape("\(harmful.count) and \(harmless.count) components at index \(index)")
        }
        let difference = subtract(harmful, harmless)
        let length = norm(difference)
        guard length.isFinite else { throw MethodError.nonFinite(index: index, what: "the difference of means") }
        guard length > relativeFloor * max(norm(harmful), norm(harmless)), length > 0 else {
            throw MethodError.degenerateDirection(
                index: index, reason: "harmful and harmless prompts have the same mean")
        }
        return difference.map { $0 / length }
    }

    /// v − (v·u) u for a unit vector u, twice: the second pass removes what rounding left of the first
    /// (two-pass Gram-Schmidt). Not normalised.
    public static func projectedOut(_ v: [Double], of unit: [Double]) -> [Double] {
        var result = v
        for _ in 0..<2 {
            let coefficient = dot(result, unit)
            for j in 0..<min(result.count, unit.count) { result[j] -= coefficient * unit[j] }
        }
        return result
    }

    /// normalize(v − (v·m̂) m̂), m̂ = normalize(mean): projected abliteration
    /// (https://huggingface.co/blog/grimjim/projected-abliteration). A zero mean has no direction and changes nothing.
    public static func orthogonalized(_ v: [Double], against mean: [Double], index: Int) throws -> [Double] {
        let length = norm(mean)
        guard length.isFinite else { throw MethodError.nonFinite(index: index, what: "the harmless mean") }
        guard length > 0 else { return try normalized(v, index: index) }
        let rest = projectedOut(v, of: mean.map { $0 / length })
        guard norm(rest) > relativeFloor * norm(v) else {
            throw MethodError.degenerateDirection(
                index: index, reason: "the direction is parallel to the harmless mean and its projection is nothing")
        }
        return try normalized(rest, index: index)
    }

    /// normalize(a + weight (b − a)): a direction between two layers' directions.
    public static func interpolated(_ a: [Double], _ b: [Double], weight: Double, index: Int) throws -> [Double] {
        var v = a
        for j in 0..<min(a.count, b.count) { v[j] += weight * (b[j] - a[j]) }
        guard norm(v) > relativeFloor else {
            throw MethodError.degenerateDirection(index: index, reason: "neighbouring directions are opposite")
        }
        return try normalized(v, index: index)
    }

    /// The q-quantile of |x| with linear interpolation between order statistics at rank q (n − 1), as
    /// `torch.quantile(x.abs(), q)`. NaN when x has one.
    public static func absoluteQuantile(_ x: [Float], _ q: Double) -> Double {
        guard !x.isEmpty else { return .nan }
        var magnitudes = x.map { abs($0) }
        for value in magnitudes where value.isNaN { return .nan }
        let rank = q * Double(x.count - 1)
        let lower = min(max(Int(rank.rounded(.down)), 0), x.count - 1)
        let weight = rank - Double(lower)
        let low = select(&magnitudes, lower)
        guard weight > 0, lower + 1 < magnitudes.count else { return Double(low) }
        // Selection leaves everything after `lower` at least as large: the next order statistic is its minimum.
        var high = Float.infinity
        for j in (lower + 1)..<magnitudes.count { high = min(high, magnitudes[j]) }
        return Double(low) + weight * (Double(high) - Double(low))
    }

    /// Winsorisation of one prompt's activations at one layer: clamp to ±absoluteQuantile(x, q).
    public static func winsorized(_ x: [Float], quantile q: Double) -> [Double] {
        let limit = absoluteQuantile(x, q)
        guard limit.isFinite else { return x.map(Double.init) }
        return x.map { min(max(Double($0), -limit), limit) }
    }

    /// The k-th smallest element (Hoare's selection); afterwards elements before k are ≤ it and those after are ≥ it.
    private static func select(_ values: inout [Float], _ k: Int) -> Float {
        var low = 0
        var high = values.count - 1
        while low < high {
            let middle = low + (high - low) / 2
            let pivot = max(min(values[low], values[middle]), min(max(values[low], values[middle]), values[high]))
            var i = low
            var j = high
            while i <= j {
                while values[i] < pivot { i += 1 }
                while values[j] > pivot { j -= 1 }
                if i <= j {
                    values.swapAt(i, j)
                    i += 1
                    j -= 1
                }
            }
            if k <= j { high = j } else if k >= i { low = i } else { break }
        }
        return values[k]
    }

    /// To the f32 of `LinearEdit`.
    public static func single(_ v: [Double]) -> [Float] { v.map(Float.init) }
}
