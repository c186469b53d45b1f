/// Two-objective minimisation: non-domination ranks, hypervolume, and the greedy choice of a subset by hypervolume,
/// as multi-objective TPE needs them (Ozaki et al. 2020, MOTPE; Optuna 4.8.0). Points are (first, second) losses.
public enum ParetoRanking {
    public struct Losses: Hashable, Sendable {
        public var first: Double
        public var second: Double

        public init(_ first: Double, _ second: Double) {
            self.first = first
            self.second = second
        }

        static func lexicographic(_ a: Losses, _ b: Losses) -> Bool {
            a.first != b.first ? a.first < b.first : a.second < b.second
        }
    }

    static let epsilon = 1e-12

    /// Rank 0 = not dominated, 1 = not dominated once rank 0 is taken away, and so on. Equal points share a rank.
    public static func ranks(_ points: [Losses]) -> [Int] {
        let order = points.indices.sorted { Losses.lexicographic(points[$0], points[$1]) }
        var ranks = [Int](repeating: 0, count: points.count)
        var remaining = order
        var rank = 0
        while !remaining.isEmpty {
            var next: [Int] = []
            var lowest: Losses?
            for index in remaining {
                let point = points[index]
                if let best = lowest, point != best, point.second >= best.second {
                    next.append(index)
                } else {
                    // A new minimum of the second loss, or the same point again.
                    ranks[index] = rank
                    lowest = point
                }
            }
            remaining = next
            rank += 1
        }
        return ranks
    }

    /// Per coordinate max(1.1 worst, 0.9 worst), and 1e-12 in place of 0.
    public static func referencePoint(_ points: [Losses]) -> Losses {
        func reference(_ worst: Double) -> Double {
            let value = max(1.1 * worst, 0.9 * worst)
            return value == 0 ? epsilon : value
        }
        return Losses(
            reference(points.map(\.first).max() ?? 0), reference(points.map(\.second).max() ?? 0))
    }

    /// Area dominated by `points` inside `reference`.
    public static func hypervolume(_ points: [Losses], reference: Losses) -> Double {
        var area = 0.0
        var ceiling = reference.second
        for point in points.sorted(by: Losses.lexicographic)
        where point.first < reference.first && point.second < ceiling {
            area += (reference.first - point.first) * (ceiling - point.second)
            ceiling = point.second
        }
        return area
    }

    /// Greedy hypervolume subset selection: `count` positions of `points` (mutually not dominated), each time the one
    /// that adds the largest rectangle. Copies of a chosen point are taken only when distinct ones run out.
    public static func subset(_ points: [Losses], count: Int, reference: Losses) -> [Int] {
        guard count < points.count else { return Array(points.indices) }
        // Distinct points in lexicographic order, each by its first occurrence.
        var unique: [Int] = []
        for index in points.indices.sorted(by: {
            points[$0] != points[$1] ? Losses.lexicographic(points[$0], points[$1]) : $0 < $1
        }) {
            if let last = unique.last, points[last] == points[index] { continue }
            unique.append(index)
        }
        if unique.count < count {
            let chosen = Set(unique)
            let copies = points.indices.filter { !chosen.contains($0) }
            return (unique + copies.prefix(count - unique.count)).sorted()
        }
        if unique.count == count { return unique }
        var corners = [Losses](repeating: reference, count: unique.count)
        var selected: [Int] = []
        for _ in 0..<count {
            var best = 0
            var largest = -Double.infinity
            for (k, index) in unique.enumerated() {
                let area =
                    (corners[k].first - points[index].first) * (corners[k].second - points[index].second)
                if area > largest {
                    largest = area
                    best = k
                }
            }
            let chosen = points[unique[best]]
            selected.append(unique[best])
            unique.remove(at: best)
            corners.remove(at: best)
            for k in 0..<best { corners[k].first = min(corners[k].first, chosen.first) }
            for k in best..<unique.count { corners[k].second = min(corners[k].second, chosen.second) }
        }
        return selected
    }

    /// Weights of the better group: the exclusive hypervolume of a front member over the largest one, at least 1e-12;
    /// 1e-12 behind the front.
    public static func contributionWeights(_ points: [Losses]) -> [Double] {
        guard points.count > 1 else { return points.map { _ in 1 } }
        let reference = referencePoint(points)
        let ranks = ranks(points)
        let front = points.indices.filter { ranks[$0] == 0 }
        let total = hypervolume(front.map { points[$0] }, reference: reference)
        guard total.isFinite else { return points.map { _ in 1 } }
        var contributions = [Double](repeating: 0, count: points.count)
        for index in front {
            let others = front.filter { $0 != index }.map { points[$0] }
            contributions[index] = total - hypervolume(others, reference: reference)
        }
        let largest = max(contributions.max() ?? 0, epsilon)
        return contributions.map { max($0 / largest, epsilon) }
    }
}
