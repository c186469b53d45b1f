import Foundation

/// Files that a user names on the command line.
enum InputFile {
    /// The whole file.
    ///
    /// - Throws: `HarnessError` saying which file and why, in words a user can act on.
    static func read(_ path: String) throws -> [UInt8] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw HarnessError.unreadable(path, reason: "no such file; check the path (working directory: "
                + FileManager.default.currentDirectoryPath + ")")
        }
        if isDirectory.boolValue { throw HarnessError.unreadable(path, reason: "is a directory; name a file in it") }
        do { return try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) } catch {
            throw HarnessError.unreadable(path, reason: "cannot be read; check its permissions")
        }
    }
}
