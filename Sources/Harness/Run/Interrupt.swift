import Foundation
import Synchronization

/// Ctrl-C: the first finishes the batch in flight and stops with everything stored; the second stops at once (the
/// database is consistent even then, since every batch is one transaction).
public enum Interrupt {
    private static let requests = Atomic<Int>(0)

    public static var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }

    /// Installs the handlers for SIGINT and SIGTERM. Only the program does this, never a library user or a test.
    public static func install() {
        for signal in [SIGINT, SIGTERM] {
            #if canImport(Glibc)
                Glibc.signal(signal) { _ in Interrupt.receive() }
            #else
                Foundation.signal(signal) { _ in Interrupt.receive() }
            #endif
        }
    }

    /// Async-signal-safe: an atomic, write(2) and _exit(2) only.
    private static func receive() {
        let count = requests.wrappingAdd(1, ordering: .relaxed).newValue
        if count >= 2 { _exit(130) }
        let message: StaticString = "\nstopping after the batch in flight; interrupt again to stop at once\n"
        _ = write(2, message.utf8Start, message.utf8CodeUnitCount)
    }

    /// For tests: behaves as if a signal had come.
    package static func request() { requests.wrappingAdd(1, ordering: .relaxed) }
    package static func reset() { requests.store(0, ordering: .relaxed) }
}

/// The user asked to stop: everything finished is stored, and the same command goes on from there.
public struct InterruptedError: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "interrupted; run the same command again to go on" }
}
