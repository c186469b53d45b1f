/// Suggestions for misspelt names: registries, suite keys and command-line choices all offer the nearest right one.
public enum NearestName {
    /// The known name with the fewest changed letters, when few enough for a slip of the pen: at most a third of the
    /// name's length, and two are always allowed. Case does not count.
    public static func suggestion(for name: String, among known: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8)
        let ranked = known.map { (name: $0, distance: distance(Array($0.lowercased().utf8), wanted)) }
        guard let nearest = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return nearest.distance <= max(2, wanted.count / 3) ? nearest.name : nil
    }

    /// `unknown key 'wieght'; did you mean 'weight'? Known: …`
    public static func message(_ kind: String, _ name: String, known: [String]) -> String {
        let hint = suggestion(for: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
        return "unknown \(kind) '\(name)'\(hint) Known: \(known.joined(separator: ", "))"
    }

    /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for i in 1...a.count {
            var current = [i]
            for j in 1...b.count {
                var cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    cost = min(cost, beforePrevious[j - 2] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[b.count]
    }
}
