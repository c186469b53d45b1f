import CCurl
import Crypto
import Foundation

/// Downloads one file of known content: into `target.part`, resumed where an earlier attempt stopped, checked against
/// its SHA-256, then renamed. Whatever happens, `target` exists only whole and right.
public struct Download: Sendable {
    public struct Progress: Sendable, Hashable {
        public var url: String
        public var received: Int64
        /// nil when the server doesn't say.
        public var total: Int64?
    }

    public var url: String
    /// Hexadecimal.
    public var sha256: String
    public var target: URL
    /// Attempts after a broken connection; each goes on where the last one stopped.
    public var retries = 3
    /// Seconds before the second attempt; doubled for each further one.
    public var retryDelay = 1.0

    public init(url: String, sha256: String, target: URL) {
        self.url = url
        self.sha256 = sha256
        self.target = target
    }

    private static let isInitialized: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    public func run(onProgress: (@Sendable (Progress) -> Void)? = nil) throws {
        guard Self.isInitialized else { throw failure("libcurl can't be initialised") }
        let part = target.appendingPathExtension("part")
        do {
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        } catch {
            throw failure("can't make \(target.deletingLastPathComponent().path): \(error.localizedDescription)")
        }
        let descriptor = open(part.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("can't write \(part.path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        // Another process may be downloading the same file: wait for it, and take what it made.
        guard flock(descriptor, LOCK_EX) == 0 else {
            throw failure("can't lock \(part.path): \(String(cString: strerror(errno)))")
        }
        if FileManager.default.fileExists(atPath: target.path) { return }

        let resumedFrom = try size(of: descriptor)
        try fetch(into: descriptor, onProgress)
        var actual = try digest(of: descriptor)
        if actual != sha256, resumedFrom > 0 {
            // What an earlier attempt left may have been of another version: once more from the start.
            try truncate(descriptor)
            try fetch(into: descriptor, onProgress)
            actual = try digest(of: descriptor)
        }
        guard actual == sha256 else {
            unlink(part.path)
            throw failure(
                "the content's sha256 is \(actual), expected \(sha256); upstream has changed or the transfer "
                    + "was tampered with, nothing was kept")
        }
        fsync(descriptor)
        guard rename(part.path, target.path) == 0 else {
            throw failure("can't rename \(part.path) to \(target.path): \(String(cString: strerror(errno)))")
        }
    }

    /// Appends to the file until the transfer is complete.
    private func fetch(into descriptor: Int32, _ onProgress: (@Sendable (Progress) -> Void)?) throws {
        var attempt = 0
        while true {
            let offset = try size(of: descriptor)
            let outcome = transfer(into: descriptor, from: offset, onProgress)
            if let error = outcome.writeError { throw failure(error) }
            switch outcome.code {
            case CURLE_OK:
                return
            case CURLE_RANGE_ERROR where offset > 0,
                CURLE_HTTP_RETURNED_ERROR where offset > 0 && outcome.status == 416:
                // The server can't continue a file, or ours is longer than its own.
                try truncate(descriptor)
            case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
                CURLE_HTTP_RETURNED_ERROR where outcome.status >= 500 || outcome.status == 429:
                guard attempt < retries else {
                    throw failure(
                        "\(outcome.message) (\(attempt + 1) attempts; the part received is kept, the next run goes on from there)"
                    )
                }
                Thread.sleep(forTimeInterval: retryDelay * Double(1 << attempt))
                attempt += 1
            default:
                throw failure(outcome.message)
            }
        }
    }

    private struct Outcome {
        var code: CURLcode
        var status: Int
        var message: String
        var writeError: String?
    }

    /// One request, from `offset` on.
    private func transfer(
        into descriptor: Int32, from offset: Int64, _ onProgress: (@Sendable (Progress) -> Void)?
    ) -> Outcome {
        guard let handle = curl_easy_init() else {
            return Outcome(code: CURLE_FAILED_INIT, status: 0, message: "libcurl gave no handle", writeError: nil)
        }
        defer { curl_easy_cleanup(handle) }
        lseek(descriptor, 0, SEEK_END)
        let sink = Sink(descriptor: descriptor, url: url, offset: offset, handle: handle, onProgress: onProgress)
        _ = ccurl_setopt_string(handle, CURLOPT_URL, url)
        _ = ccurl_setopt_string(handle, CURLOPT_USERAGENT, "abench")
        _ = ccurl_setopt_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = ccurl_setopt_string(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        _ = ccurl_setopt_long(handle, CURLOPT_FOLLOWLOCATION, 1)
        _ = ccurl_setopt_long(handle, CURLOPT_MAXREDIRS, 10)
        _ = ccurl_setopt_long(handle, CURLOPT_FAILONERROR, 1)
        _ = ccurl_setopt_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_setopt_long(handle, CURLOPT_CONNECTTIMEOUT, 30)
        // Under one byte a second for a minute is a dead connection.
        _ = ccurl_setopt_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
        _ = ccurl_setopt_long(handle, CURLOPT_LOW_SPEED_TIME, 60)
        if offset > 0 { _ = ccurl_setopt_offset(handle, CURLOPT_RESUME_FROM_LARGE, curl_off_t(offset)) }
        let code = withExtendedLifetime(sink) {
            _ = ccurl_setopt_write(
                handle,
                { data, size, count, context in
                    guard let data, let context else { return 0 }
                    return Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().write(data, size * count)
                }, Unmanaged.passUnretained(sink).toOpaque())
            return curl_easy_perform(handle)
        }
        var status = 0
        _ = ccurl_getinfo_long(handle, CURLINFO_RESPONSE_CODE, &status)
        var message = String(cString: curl_easy_strerror(code))
        if code == CURLE_HTTP_RETURNED_ERROR { message = "the server answered \(status)" }
        return Outcome(code: code, status: status, message: message, writeError: sink.error)
    }

    /// Where a transfer's bytes go.
    private final class Sink {
        let descriptor: Int32
        let url: String
        let offset: Int64
        let handle: UnsafeMutableRawPointer
        let onProgress: (@Sendable (Progress) -> Void)?
        var received: Int64 = 0
        var error: String?

        init(
            descriptor: Int32, url: String, offset: Int64, handle: UnsafeMutableRawPointer,
            onProgress: (@Sendable (Progress) -> Void)?
        ) {
            self.descriptor = descriptor
            self.url = url
            self.offset = offset
            self.handle = handle
            self.onProgress = onProgress
        }

        func write(_ data: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
            var done = 0
            while done < count {
                let written = Foundation.write(descriptor, data + done, count - done)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else {
                    error = "can't write: \(String(cString: strerror(errno)))"
                    return 0
                }
                done += written
            }
            received += Int64(count)
            if let onProgress {
                var length: curl_off_t = -1
                _ = ccurl_getinfo_offset(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length)
                onProgress(
                    Progress(
                        url: url, received: offset + received,
                        total: length >= 0 ? offset + Int64(length) : nil))
            }
            return count
        }
    }

    private func failure(_ message: String) -> DatasetError { .download(url: url, message: message) }

    private func size(of descriptor: Int32) throws -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(String(cString: strerror(errno))) }
        return Int64(status.st_size)
    }

    private func truncate(_ descriptor: Int32) throws {
        guard ftruncate(descriptor, 0) == 0 else { throw failure(String(cString: strerror(errno))) }
    }

    private func digest(of descriptor: Int32) throws -> String {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var position: off_t = 0
        while true {
            let count = pread(descriptor, &buffer, buffer.count, position)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("can't read back: \(String(cString: strerror(errno)))") }
            if count == 0 { return DatasetStore.hexadecimal(hash.finalize()) }
            hash.update(data: buffer[..<count])
            position += off_t(count)
        }
    }
}
