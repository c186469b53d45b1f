import Foundation
import Inference

/// Decodes a suite's snake_case mapping into an `OptionsProtocol`, strictly, over its defaults.
enum OptionsDecoding {
    /// - Parameter extraKeys: keys of the surrounding mapping that are not options (`label`, `limit`).
    static func decode<Options: OptionsProtocol>(
        _ type: Options.Type, from value: LocatedValue?, name: String, source: String, extraKeys: [String] = []
    ) throws -> Options {
        var merged: [String: Any] = [:]
        do {
            let defaults = try JSONEncoder().encode(Options())
            merged = try JSONSerialization.jsonObject(with: defaults) as? [String: Any] ?? [:]
        }
        let place = value?.place
        let byKey = Dictionary(Options.keys.map { (snakeCase($0), $0) }, uniquingKeysWith: { a, _ in a })
        var places: [String: LocatedValue.Place] = [:]
        if let value {
            guard case .map(let pairs) = value.content else {
                throw SuiteError(
                    source: source, place: value.place,
                    message: "options of \(name) must be a mapping, found \(value.kind)")
            }
            for pair in pairs where !extraKeys.contains(pair.key) {
                guard let property = byKey[pair.key] else {
                    let known = Options.keys.map(snakeCase) + extraKeys
                    throw SuiteError(
                        source: source, place: pair.keyPlace,
                        message: NearestName.message("option", pair.key, known: known) + " (of \(name))")
                }
                places[property] = pair.value.place
                if case .null = pair.value.content {
                    merged[property] = nil
                } else {
                    merged[property] = plain(pair.value)
                }
            }
        }
        let options: Options
        do {
            let data = try JSONSerialization.data(withJSONObject: merged, options: [.fragmentsAllowed])
            options = try JSONDecoder().decode(Options.self, from: data)
        } catch let error as DecodingError {
            let (path, message) = explain(error)
            let property = path.first ?? ""
            throw SuiteError(
                source: source, place: places[property] ?? place,
                message: "\(name): \(path.map(snakeCase).joined(separator: ".")) \(message)")
        }
        do {
            try options.validate()
        } catch let error as OptionsError {
            throw SuiteError(
                source: source, place: places[error.key] ?? place,
                message: "\(name): \(snakeCase(error.key)) \(error.message)")
        }
        return options
    }

    /// Canonical JSON of all options, keys in snake_case and sorted, nil left out: what run keys are made of.
    static func canonicalJSON<Options: OptionsProtocol>(_ options: Options) throws -> String {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(options))
        let data = try JSONSerialization.data(
            withJSONObject: snakeKeys(object), options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private static func snakeKeys(_ object: Any) -> Any {
        switch object {
        case let map as [String: Any]:
            Dictionary(map.map { (isDataKey($0.key) ? $0.key : snakeCase($0.key), snakeKeys($0.value)) }) { a, _ in a }
        case let list as [Any]: list.map(snakeKeys)
        default: object
        }
    }

    /// Keys that are names of things (`attn.o_proj`), not of options, stay as they are.
    private static func isDataKey(_ key: String) -> Bool { key.contains(".") || key.contains("-") }

    private static func camelCase(_ key: String) -> String {
        if isDataKey(key) { return key }
        var parts = key.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        for index in parts.indices.dropFirst() {
            parts[index] = parts[index].prefix(1).uppercased() + parts[index].dropFirst()
        }
        return parts.joined()
    }

    private static func plain(_ value: LocatedValue) -> Any {
        switch value.content {
        case .null: NSNull()
        case .bool(let b): b
        case .int(let i): i
        case .double(let d): d
        case .string(let s): s
        case .list(let items): items.map(plain)
        case .map(let pairs): Dictionary(pairs.map { (camelCase($0.key), plain($0.value)) }) { _, b in b }
        }
    }

    private static func explain(_ error: DecodingError) -> (path: [String], message: String) {
        func names(_ context: DecodingError.Context) -> [String] { context.codingPath.map(\.stringValue) }
        switch error {
        case .typeMismatch(let type, let context): return (names(context), "must be \(typeName(type))")
        case .valueNotFound(let type, let context): return (names(context), "must be \(typeName(type))")
        case .keyNotFound(let key, let context):
            return (names(context), "needs '\(snakeCase(key.stringValue))'")
        case .dataCorrupted(let context):
            return (names(context), "cannot be read: \(context.debugDescription)")
        @unknown default: return ([], "cannot be read: \(error)")
        }
    }

    private static func typeName(_ type: Any.Type) -> String {
        switch type {
        case is Int.Type, is UInt64.Type: "an integer"
        case is Double.Type, is Float.Type: "a number"
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is [Any].Type: "a list"
        default: "\(type)".hasPrefix("Array") ? "a list" : "a mapping"
        }
    }
}

extension OptionsDecoding {
    /// `key=value` settings from a command line as the mapping that `decode` reads; nil for none.
    static func mapping(_ settings: [String]) throws -> LocatedValue? {
        guard !settings.isEmpty else { return nil }
        var root = LocatedValue(.map([]), at: .flag("--set"))
        try SuiteOverrides(settings: settings).applySettings(to: &root)
        return root
    }
}
