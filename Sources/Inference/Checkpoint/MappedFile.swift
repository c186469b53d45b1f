import Foundation

/// Owner of a read-only memory map of a whole file.
public final class MappedFile: @unchecked Sendable {
    // Unchecked: the mapping is never written and lives exactly as long as this object.
    public let path: String
    public let bytes: UnsafeRawBufferPointer

    public init(path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let kind: CheckpointError.Kind = errno == ENOENT ? .notFound : .io
            throw CheckpointError(kind, path: path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CheckpointError(.io, path: path, "has no readable status: \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CheckpointError(.io, path: path, "is not a regular file") }
        guard status.st_size > 0 else { throw CheckpointError(.malformed, path: path, "is empty") }
        guard let base = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw CheckpointError(.io, path: path, "cannot be mapped: \(String(cString: strerror(errno)))")
        }
        self.path = path
        bytes = UnsafeRawBufferPointer(start: base, count: Int(status.st_size))
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }

    public enum Advice: Sendable { case sequential, willNeed, doneWith }

    /// A hint to the kernel about a part of the file; never changes what is read.
    public func advise(_ advice: Advice, offset: Int, count: Int) {
        guard offset >= 0, count > 0, offset < bytes.count, let base = bytes.baseAddress else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = offset / page * page
        let length = min(count, bytes.count - offset) + offset - start
        let value =
            switch advice {
            case .sequential: MADV_SEQUENTIAL
            case .willNeed: MADV_WILLNEED
            case .doneWith: MADV_DONTNEED
            }
        _ = madvise(UnsafeMutableRawPointer(mutating: base + start), length, Int32(value))
    }
}
