// Runs gnuplot on a finished script.
import Foundation

public enum ChartError: Error, CustomStringConvertible, Sendable, Equatable {
    case gnuplotMissing
    case gnuplotFailed(chart: String, message: String)

    public var description: String {
        switch self {
        case .gnuplotMissing:
            "charts were not drawn: gnuplot is not installed; install it with `sudo apt install gnuplot-nox` (or drop "
                + "--charts) and run `abench report` again"
        case .gnuplotFailed(let chart, let message):
            "charts/\(chart).gp: gnuplot failed: \(message); run `gnuplot \(chart).gp` there to see it all"
        }
    }
}

package struct Gnuplot {
    var executable: URL

    /// - Throws: `ChartError.gnuplotMissing`.
    package init(searchPath: String? = ProcessInfo.processInfo.environment["PATH"]) throws {
        for directory in (searchPath ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
            let path = "\(directory)/gnuplot"
            if FileManager.default.isExecutableFile(atPath: path) {
                executable = URL(fileURLWithPath: path)
                return
            }
        }
        throw ChartError.gnuplotMissing
    }

    /// Draws `NAME.FORMAT` from `NAME.gp` and `NAME.csv`, all in `directory`.
    package func draw(_ chart: Chart, format: ChartFormat, in directory: URL) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = ["-e", "format='\(format.rawValue)'", "\(chart.name).gp"]
        process.currentDirectoryURL = directory
        // The user's own start-up file must not change the figures; numbers use a point.
        var environment = ProcessInfo.processInfo.environment
        environment["HOME"] = directory.path
        environment["XDG_CONFIG_HOME"] = directory.path
        environment["LC_ALL"] = "C.UTF-8"
        process.environment = environment
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch { throw ChartError.gnuplotMissing }
        let message = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let output = directory.appendingPathComponent("\(chart.name).\(format.rawValue)")
        guard process.terminationStatus == 0, FileManager.default.fileExists(atPath: output.path) else {
            let text = String(decoding: message, as: UTF8.self).split(separator: "\n").suffix(3).joined(separator: " ")
            throw ChartError.gnuplotFailed(chart: chart.name, message: text.isEmpty ? "no message" : text)
        }
    }
}
