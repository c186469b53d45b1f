import Foundation
import Testing

/// The built program, run as a user runs it.
enum CommandLineProgram {
    struct Outcome {
        var status: Int32
        /// True when a signal ended the process.
        var crashed: Bool
        var output: String
        var errors: String
    }

    /// `abench` lies beside the test bundle, in the build directory.
    static let url: URL = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("abench")
    }()

    /// Runs `abench` with standard input empty. Output goes through files, so that no pipe can fill up.
    static func run(_ arguments: [String], environment extra: [String: String] = [:]) throws -> Outcome {
        let files = FileManager.default
        let directory = files.temporaryDirectory.appendingPathComponent("abench-cli-\(UUID().uuidString)")
        try files.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: directory) }
        let (output, errors) = (directory.appendingPathComponent("out"), directory.appendingPathComponent("err"))
        try Data().write(to: output)
        try Data().write(to: errors)

        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["COLUMNS"] = "80"
        environment["NO_COLOR"] = "1"
        // A crash is a crash: no minute spent on a backtrace.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        environment.merge(extra) { _, new in new }
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, crashed: process.terminationReason == .uncaughtSignal,
            output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }

    /// Runs what must fail, and checks what holds for every failure: status, nothing on standard output, no crash, and
    /// every one of `fragments` in the message.
    static func expectFailure(
        _ arguments: [String], _ status: Int32, _ fragments: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try run(arguments)
        #expect(!outcome.crashed, "\(arguments)", sourceLocation: sourceLocation)
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
        #expect(outcome.errors.hasPrefix(status == 64 ? "Error: " : "abench: "), sourceLocation: sourceLocation)
        for fragment in fragments {
            #expect(outcome.errors.contains(fragment), "\(outcome.errors)", sourceLocation: sourceLocation)
        }
    }
}
