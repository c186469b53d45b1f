/// Options of a method or an evaluation. They know their own keys, so a suite can refuse a misspelt one.
///
/// Properties are camelCase in Swift and snake_case in suites, on the command line and in the database; the conversion
/// happens in one place, the harness. Synthesized `Codable` leaves out `nil`, so a new optional option that defaults to
/// nil leaves every old run key unchanged.
public protocol OptionsProtocol: Codable, Hashable, Sendable {
    /// The defaults.
    init()
    /// One line of help per property name, for `abench ls … --verbose` and suites/README.md.
    static var help: [String: String] { get }
    /// Throws `OptionsError` when values are out of range or contradict each other.
    func validate() throws
}

extension OptionsProtocol {
    /// Every stored property, `nil` optionals included (re-encoding would lose those).
    public static var keys: [String] { Mirror(reflecting: Self()).children.compactMap(\.label) }
    public static var help: [String: String] { [:] }
    public func validate() throws {}
}

/// An option with a value that cannot be used; `key` is the property's name.
public struct OptionsError: Error, CustomStringConvertible, Sendable {
    public var key: String
    public var message: String

    public init(key: String, message: String) {
        self.key = key
        self.message = message
    }

    public var description: String { "\(key): \(message)" }
}

/// Options of something that has none.
public struct NoOptions: OptionsProtocol { public init() {} }
