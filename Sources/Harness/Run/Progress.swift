import Foundation
import Synchronization

/// How a run shows where it is: on standard error, never on standard output.
public enum Display: String, Sendable, CaseIterable {
    /// A live line per active cell, on a terminal.
    case rich
    /// One line per finished step.
    case plain
    case none

    /// `rich` on a terminal, otherwise `plain`.
    public static var automatic: Display {
        isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" ? .rich : .plain
    }
}

/// Prints progress. A class because a live line is one shared thing; all state is behind a lock.
public final class Progress: Sendable {
    private struct State {
        var liveWidth = 0
        var lastDraw: Double = 0
        var stepStart: Double = 0
    }

    public let display: Display
    private let useColor: Bool
    private let state = Mutex(State())

    public init(display: Display) {
        self.display = display
        useColor = display == .rich && ProcessInfo.processInfo.environment["NO_COLOR"].map { $0.isEmpty } ?? true
    }

    private static func now() -> Double { ProcessInfo.processInfo.systemUptime }

    /// A lasting line.
    public func line(_ text: String) {
        guard display != .none else { return }
        state.withLock { state in
            clear(&state)
            emit(text + "\n")
        }
    }

    /// A lasting line about something that went wrong.
    public func warning(_ text: String) {
        guard display != .none else { return }
        line(useColor ? "\u{1B}[33mwarning:\u{1B}[0m \(text)" : "warning: \(text)")
    }

    public func beginStep() { state.withLock { $0.stepStart = Self.now() } }

    /// Seconds since `beginStep`.
    public func stepSeconds() -> Double { Self.now() - state.withLock { $0.stepStart } }

    /// Redraws the live line, at most ten times a second: `label  37/100  running metric  412 tok/s  ETA 12 s`.
    public func update(_ label: String, done: Int, total: Int, metric: String = "", tokensPerSecond: Double? = nil) {
        guard display == .rich else { return }
        state.withLock { state in
            let now = Self.now()
            guard now - state.lastDraw > 0.1 || done == total else { return }
            state.lastDraw = now
            var text = "\(label)  \(done)/\(total)"
            if !metric.isEmpty { text += "  \(metric)" }
            if let tokensPerSecond, tokensPerSecond > 0 { text += "  \(Int(tokensPerSecond)) tok/s" }
            if done > 0, done < total {
                let remaining = (now - state.stepStart) / Double(done) * Double(total - done)
                text += "  ETA \(Self.duration(remaining))"
            }
            var width = winsize()
            let columns = ioctl(2, UInt(TIOCGWINSZ), &width) == 0 && width.ws_col > 0 ? Int(width.ws_col) : 100
            text = String(text.prefix(columns - 1))
            clear(&state)
            emit(text)
            state.liveWidth = text.count
        }
    }

    public func finishLive() {
        guard display == .rich else { return }
        state.withLock { clear(&$0) }
    }

    private func clear(_ state: inout State) {
        guard state.liveWidth > 0 else { return }
        emit("\r\u{1B}[2K")
        state.liveWidth = 0
    }

    private func emit(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// `8.2 s`, `3 min 20 s`, `2 h 5 min`.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "?" }
        if seconds < 10 { return "\((seconds * 10).rounded() / 10) s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
