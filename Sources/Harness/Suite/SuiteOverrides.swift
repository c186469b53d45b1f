import Foundation
import Inference

/// What the command line changes in a suite.
public struct SuiteOverrides: Sendable {
    /// `methods.heretic.trials=20`, `seed=3`, `evals.gsm8k.limit=50`, `prompts.harmful.test=test[:20]`.
    public var settings: [String]
    public var limit: Int?
    public var seed: UInt64?
    public var precision: String?
    /// Labels (or names) to keep; nil = all.
    public var models: [String]?
    public var methods: [String]?
    public var evals: [String]?

    public init(
        settings: [String] = [], limit: Int? = nil, seed: UInt64? = nil, precision: String? = nil,
        models: [String]? = nil, methods: [String]? = nil, evals: [String]? = nil
    ) {
        self.settings = settings
        self.limit = limit
        self.seed = seed
        self.precision = precision
        self.models = models
        self.methods = methods
        self.evals = evals
    }

    /// Writes every `--set path=value` into the tree, so that keys and types are checked like the file's own.
    func applySettings(to root: inout LocatedValue) throws {
        for setting in settings {
            let flag = "--set \(setting)"
            guard let equals = setting.firstIndex(of: "="), equals != setting.startIndex else {
                throw SuiteError(source: flag, place: .flag(flag), message: "expected path=value, as in methods.heretic.trials=20")
            }
            let path = setting[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let text = String(setting[setting.index(after: equals)...])
            var value = LocatedValue(.string(text), at: .flag(flag))
            if !text.isEmpty, let parsed = try? LocatedValue.parse(yaml: text, source: flag) {
                value = parsed.moved(to: .flag(flag))
            }
            try Self.set(path[...], to: value, in: &root, flag: flag)
        }
    }

    private static func set(
        _ path: ArraySlice<String>, to value: LocatedValue, in node: inout LocatedValue, flag: String
    ) throws {
        guard let head = path.first, !head.isEmpty else {
            throw SuiteError(source: flag, place: .flag(flag), message: "the path has an empty part")
        }
        switch node.content {
        case .map(var pairs):
            let index = pairs.firstIndex { $0.key == head }
            if path.count == 1 {
                if let index { pairs[index].value = value } else { pairs.append((head, .flag(flag), value)) }
            } else {
                var child = index.map { pairs[$0].value } ?? LocatedValue(.map([]), at: .flag(flag))
                if case .null = child.content { child = LocatedValue(.map([]), at: .flag(flag)) }
                try set(path.dropFirst(), to: value, in: &child, flag: flag)
                if let index { pairs[index].value = child } else { pairs.append((head, .flag(flag), child)) }
            }
            node.content = .map(pairs)
        case .list(var items):
            // Entries of `methods`, `evals` and `models` are found by their label or name.
            guard let index = items.firstIndex(where: { $0.isEntry(named: head) }) else {
                let known = items.compactMap(\.entryName)
                throw SuiteError(
                    source: flag, place: .flag(flag), message: NearestName.message("entry", head, known: known))
            }
            guard path.count > 1 else {
                throw SuiteError(source: flag, place: .flag(flag), message: "name an option of \(head), as in …\(head).option=value")
            }
            switch items[index].content {
            case .string(let name):
                var options = LocatedValue(.map([]), at: .flag(flag))
                try set(path.dropFirst(), to: value, in: &options, flag: flag)
                items[index].content = .map([(name, items[index].place, options)])
            case .map(var pairs) where pairs.count == 1 && pairs[0].key != "path":
                if case .null = pairs[0].value.content { pairs[0].value = LocatedValue(.map([]), at: .flag(flag)) }
                try set(path.dropFirst(), to: value, in: &pairs[0].value, flag: flag)
                items[index].content = .map(pairs)
            default:
                try set(path.dropFirst(), to: value, in: &items[index], flag: flag)
            }
            node.content = .list(items)
        default:
            throw SuiteError(source: flag, place: .flag(flag), message: "'\(head)' lies inside \(node.kind), which has no parts")
        }
    }

    func applyScalars(to suite: inout Suite) throws {
        if let seed { suite.seed = seed }
        if let limit {
            guard limit >= 1 else {
                throw SuiteError(source: "--limit", place: .flag("--limit"), message: "must be at least 1")
            }
            suite.limit = limit
            // The flag is a bound on everything: a suite's own smaller limits stay.
            for index in suite.evals.indices { suite.evals[index].limit = suite.evals[index].limit.map { min($0, limit) } }
        }
        if let precision {
            guard let value = Precision(rawValue: precision) else {
                throw SuiteError(
                    source: "--precision", place: .flag("--precision"),
                    message: "must be one of \(Precision.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            suite.precision = value
        }
    }

    func applySelections(to suite: inout Suite) throws {
        func keep<T>(_ all: [T], _ wanted: [String]?, _ flag: String, _ names: (T) -> [String]) throws -> [T] {
            guard let wanted else { return all }
            for name in wanted where !all.contains(where: { names($0).contains(name) }) {
                throw SuiteError(
                    source: flag, place: .flag(flag),
                    message: NearestName.message("name", name, known: all.compactMap { names($0).first }))
            }
            return all.filter { item in wanted.contains { names(item).contains($0) } }
        }
        suite.models = try keep(suite.models, models, "--models") { [$0.label, $0.reference] }
        suite.methods = try keep(suite.methods, methods, "--methods") { [$0.label, $0.name] }
        suite.evals = try keep(suite.evals, evals, "--evals") { [$0.label, $0.name] }
    }
}

extension LocatedValue {
    fileprivate func moved(to place: Place) -> LocatedValue {
        switch content {
        case .list(let items): LocatedValue(.list(items.map { $0.moved(to: place) }), at: place)
        case .map(let pairs):
            LocatedValue(.map(pairs.map { ($0.key, place, $0.value.moved(to: place)) }), at: place)
        default: LocatedValue(content, at: place)
        }
    }

    fileprivate var entryName: String? {
        switch content {
        case .string(let name): name
        case .map(let pairs):
            if let path = pairs.first(where: { $0.key == "path" }), case .string(let text) = path.value.content {
                text
            } else {
                pairs.first?.key
            }
        default: nil
        }
    }

    fileprivate func isEntry(named name: String) -> Bool {
        if entryName == name { return true }
        guard case .map(let pairs) = content, let options = pairs.first?.value, case .map(let inner) = options.content,
            let label = inner.first(where: { $0.key == "label" }), case .string(let text) = label.value.content
        else { return false }
        return text == name
    }
}
