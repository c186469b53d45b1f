import Inference

/// Every method, by what a suite calls it. A new method is one file and one line here.
public enum MethodRegistry {
    public static let all: [any Method.Type] = [
        Baseline.self,
        RandomDirection.self,
        DifferenceOfMeans.self,
        Projected.self,
        Biprojected.self,
        Heretic.self,
    ]

    public static var names: [String] { all.map { $0.name } }

    /// The method of that name; throws `MethodError.unknownMethod` with the nearest right one.
    public static func method(named name: String) throws -> any Method.Type {
        if let found = all.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return found }
        throw MethodError.unknownMethod(name: name, nearest: nearest(to: name), known: names)
    }

    /// The name at the smallest edit distance, when that is at most a third of its length.
    static func nearest(to name: String) -> String? {
        let ranked = names.map { ($0, distance(Array($0.utf8), Array(name.utf8))) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(2, best.0.utf8.count / 3) ? best.0 : nil
    }

    /// Levenshtein distance.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, diagonal + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }
}

extension Method {
    /// Built from options known only by their protocol: what the harness has after decoding a suite.
    public static func make(_ options: any OptionsProtocol) throws -> any Method {
        guard let options = options as? Options else {
            throw OptionsError(key: name, message: "options of another method")
        }
        return try Self(options: options)
    }
}
