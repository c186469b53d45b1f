#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An advisory lock that says "this process writes the database". The kernel drops it when the process dies, however
/// it dies, so nothing stale is ever left.
final class WriterLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `ResultsError.locked`, `.readOnly` or `.cannotOpen`.
    init(path: String, database: String) throws {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            let code = errno
            switch code {
            case EACCES, EROFS, EPERM: throw ResultsError.readOnly(path: database)
            case ENOSPC, EDQUOT: throw ResultsError.diskFull(path: database)
            default: throw ResultsError.cannotOpen(path: database, reason: String(cString: strerror(code)))
            }
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(file)
            if code == EWOULDBLOCK { throw ResultsError.locked(path: database) }
            // A file system without such locks (some network mounts): SQLite's own locking remains.
            if code == ENOLCK || code == EOPNOTSUPP || code == ENOSYS {
                descriptor = -1
                return
            }
            throw ResultsError.cannotOpen(path: database, reason: String(cString: strerror(code)))
        }
        descriptor = file
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
