import CKernels
import Foundation
import Inference

/// Where a session's numbers come from: program, machine, kernels. Stored once per session.
public struct Provenance: Sendable, Codable {
    public var command: String
    public var version: String
    public var gitCommit: String?
    public var gitDirty: Bool?
    public var swiftVersion: String
    public var operatingSystem: String
    public var cpu: String
    public var cores: Int
    public var kernels: String
    public var kernelsReason: String
    public var threads: Int

    /// Facts about this process. `directory` is where the suite lies: its repository's commit is recorded.
    public static func current(command: [String], directory: URL) -> Provenance {
        let git = Git(directory: directory)
        return Provenance(
            command: command.map(quoted).joined(separator: " "), version: AbenchVersion.current,
            gitCommit: git.commit, gitDirty: git.isDirty, swiftVersion: compiler,
            operatingSystem: operatingSystemName(), cpu: cpuName(),
            cores: ProcessInfo.processInfo.activeProcessorCount,
            kernels: String(cString: ab_isa_name(ab_isa_active())), kernelsReason: String(cString: ab_isa_reason()),
            threads: Int(ab_threads()))
    }

    private static func quoted(_ argument: String) -> String {
        let plain = argument.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_./=:,@%+".utf8.contains(byte)
        }
        return plain && !argument.isEmpty ? argument : "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    private static var compiler: String {
        #if swift(>=6.3)
            "Swift 6.3 or later"
        #elseif swift(>=6.2)
            "Swift 6.2"
        #elseif swift(>=6.1)
            "Swift 6.1"
        #else
            "Swift 6.0"
        #endif
    }

    private static func operatingSystemName() -> String {
        let text = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            return line.dropFirst(12).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        }
        return ProcessInfo.processInfo.operatingSystemVersionString
    }

    private static func cpuName() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("model name") {
            if let colon = line.firstIndex(of: ":") {
                return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        }
        return "unknown"
    }
}

public enum AbenchVersion {
    public static let current = "0.1.0"
}

/// The commit of a working tree, read with git when there is one.
struct Git {
    var commit: String?
    var isDirty: Bool?

    init(directory: URL) {
        commit = Self.run(["rev-parse", "HEAD"], in: directory)
        isDirty = Self.run(["status", "--porcelain", "--untracked-files=no"], in: directory).map { !$0.isEmpty }
        if commit == nil { isDirty = nil }
    }

    private static func run(_ arguments: [String], in directory: URL) -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-C", directory.path] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Peak resident set size of this process so far, bytes.
func peakResidentBytes() -> Int {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return usage.ru_maxrss * 1024
}
