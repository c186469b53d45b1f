import GRDB

/// Why the results database cannot be used. Every description names the file and the next step.
public enum ResultsError: Error, CustomStringConvertible, Sendable, Equatable {
    case notFound(path: String)
    case cannotOpen(path: String, reason: String)
    /// Another process writes to it.
    case locked(path: String)
    /// SQLite waited for a lock in vain.
    case busy(path: String)
    case readOnly(path: String)
    case diskFull(path: String)
    case corrupt(path: String, reason: String)
    /// A SQLite file that something else made.
    case notResults(path: String)
    /// Written by a newer version of this program.
    case newerSchema(path: String)
    /// A database of an older schema opened read-only.
    case olderSchema(path: String)
    case io(path: String, reason: String)
    /// A row that breaks a rule of the schema: a mistake of the caller.
    case constraint(path: String, reason: String)

    public var description: String {
        switch self {
        case .notFound(let path):
            "\(path): no results database here; run a suite with `abench run SUITE --output DIR` first, or name "
                + "another directory"
        case .cannotOpen(let path, let reason):
            "\(path): cannot be opened (\(reason)); check that the directory exists and may be written, or choose "
                + "another with --output"
        case .locked(let path):
            "\(path): another process is writing to it; wait for it to end, stop it, or write elsewhere with --output"
        case .busy(let path):
            "\(path): locked by another program for too long; close what has it open (a database browser?) and run "
                + "the same command again, it resumes"
        case .readOnly(let path):
            "\(path): cannot be written (read-only file, directory or disk); fix the permissions or choose another "
                + "directory with --output"
        case .diskFull(let path):
            "\(path): the disk is full; free some space and run the same command again, it resumes"
        case .corrupt(let path, let reason):
            "\(path): damaged or not a SQLite database (\(reason)); move it away, or try to save its rows with "
                + "`sqlite3 FILE .recover`"
        case .notResults(let path):
            "\(path): a SQLite database, but not one of abench results; name another file with --output"
        case .newerSchema(let path):
            "\(path): written by a newer version of abench; update abench to read it"
        case .olderSchema(let path):
            "\(path): written by an older version of abench; make its directory writable once, so that it can be "
                + "brought up to date"
        case .io(let path, let reason):
            "\(path): input/output error (\(reason)); check the disk and run the same command again, it resumes"
        case .constraint(let path, let reason):
            "\(path): a row was refused (\(reason)); this is a bug in abench, please report it"
        }
    }

    /// Maps what SQLite reports.
    static func from(_ error: any Error, path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let reason = error.message ?? "SQLite code \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: return ResultsError.busy(path: path)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: return ResultsError.readOnly(path: path)
        case .SQLITE_FULL: return ResultsError.diskFull(path: path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return ResultsError.corrupt(path: path, reason: reason)
        case .SQLITE_CANTOPEN: return ResultsError.cannotOpen(path: path, reason: reason)
        case .SQLITE_IOERR: return ResultsError.io(path: path, reason: reason)
        case .SQLITE_CONSTRAINT: return ResultsError.constraint(path: path, reason: reason)
        default: return ResultsError.io(path: path, reason: reason)
        }
    }
}
