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
        throw MethodError.unknownMethod(name: name, nearest: NearestName.suggestion(for: name, among: names), known: names)
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
