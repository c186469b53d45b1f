import Foundation
import Inference

/// Reads one mapping of a suite strictly: every key must be asked for, and the first one that was not is an error with
/// the nearest right name.
struct NodeReader {
    let source: String
    let what: String
    let place: LocatedValue.Place
    private let pairs: [(key: String, keyPlace: LocatedValue.Place, value: LocatedValue)]

    init(_ value: LocatedValue, what: String, source: String, known: [String]) throws {
        guard case .map(let pairs) = value.content else {
            throw SuiteError(
                source: source, place: value.place, message: "\(what) must be a mapping, found \(value.kind)")
        }
        var seen: Set<[UInt8]> = []
        for pair in pairs {
            if !known.contains(pair.key) {
                throw SuiteError(
                    source: source, place: pair.keyPlace,
                    message: NearestName.message("key", pair.key, known: known) + " (in \(what))")
            }
            if !seen.insert(Array(pair.key.utf8)).inserted {
                throw SuiteError(source: source, place: pair.keyPlace, message: "'\(pair.key)' stands twice in \(what)")
            }
        }
        self.pairs = pairs
        self.source = source
        self.what = what
        self.place = value.place
    }

    func value(_ key: String) -> LocatedValue? {
        guard let value = pairs.first(where: { $0.key == key })?.value else { return nil }
        if case .null = value.content { return nil }
        return value
    }

    func fail(_ value: LocatedValue, _ key: String, _ expected: String) -> SuiteError {
        SuiteError(source: source, place: value.place, message: "\(key) must be \(expected), found \(value.kind)")
    }

    func missing(_ key: String) -> SuiteError {
        SuiteError(source: source, place: place, message: "\(what) needs '\(key)'")
    }

    func string(_ key: String) throws -> String? {
        guard let value = value(key) else { return nil }
        switch value.content {
        case .string(let s): return s
        case .int(let i): return String(i)
        default: throw fail(value, key, "text")
        }
    }

    func int(_ key: String, atLeast minimum: Int = Int.min) throws -> Int? {
        guard let value = value(key) else { return nil }
        guard case .int(let i) = value.content, i >= minimum else {
            throw fail(value, key, minimum == Int.min ? "an integer" : "an integer of at least \(minimum)")
        }
        return i
    }

    func bool(_ key: String) throws -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .bool(let b) = value.content else { throw fail(value, key, "true or false") }
        return b
    }

    func list(_ key: String) throws -> [LocatedValue]? {
        guard let value = value(key) else { return nil }
        guard case .list(let items) = value.content else { throw fail(value, key, "a list") }
        return items
    }

    func choice<T: RawRepresentable & CaseIterable>(_ key: String, _ type: T.Type) throws -> T?
    where T.RawValue == String {
        guard let value = value(key) else { return nil }
        if case .string(let s) = value.content, let found = T(rawValue: s) { return found }
        throw fail(value, key, "one of " + T.allCases.map(\.rawValue).joined(separator: ", "))
    }
}
