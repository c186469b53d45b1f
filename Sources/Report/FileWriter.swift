import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes whole files below a directory: a temporary name beside the target, then rename.
struct FileWriter {
    var directory: URL

    func write(_ text: String, _ name: String) throws -> URL { try write(Data(text.utf8), name) }

    /// - Throws: `ReportError.cannotWrite`.
    func write(_ data: Data, _ name: String) throws -> URL {
        let url = directory.appendingPathComponent(name)
        let temporary = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString.prefix(8)).tmp")
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try data.write(to: temporary)
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            let reason =
                (error as NSError).userInfo[NSUnderlyingErrorKey].map { "\($0)" } ?? "\((error as NSError).code)"
            throw ReportError.cannotWrite(path: url.path, reason: Self.reason(error) ?? reason)
        }
        guard rename(temporary.path, url.path) == 0 else {
            let code = errno
            try? FileManager.default.removeItem(at: temporary)
            throw ReportError.cannotWrite(path: url.path, reason: String(cString: strerror(code)))
        }
        return url
    }

    private static func reason(_ error: any Error) -> String? {
        guard let code = (error as? CocoaError)?.code else { return nil }
        switch code {
        case .fileWriteNoPermission: return "no permission"
        case .fileWriteOutOfSpace: return "the disk is full"
        case .fileWriteVolumeReadOnly: return "read-only disk"
        case .fileWriteFileExists: return "a file is in the way"
        default: return nil
        }
    }
}
