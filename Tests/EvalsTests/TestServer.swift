import Foundation
import Glibc
import Synchronization

/// A small HTTP/1.1 server on the loopback interface, one connection after the other.
///
/// `/file` serves ranges; `/noranges` ignores them; `/truncated` breaks off half way unless a range is asked for;
/// `/stuck` breaks off after 1,000 bytes always; `/redirect` leads to `/file`, `/loop` to itself; `/busy` answers 503;
/// anything else 404.
final class TestServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let content: [UInt8]
    private let log = Mutex<[String]>([])
    private let isStopped = Mutex(false)

    struct Failure: Error {}

    init(content: [UInt8]) throws {
        self.content = content
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard listener >= 0, isBound else { throw Failure() }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in serve() }
    }

    /// The heads of all requests so far.
    var requests: [String] { log.withLock { $0 } }

    func stop() {
        isStopped.withLock { stopped in
            if stopped { return }
            stopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { return }
            respond(on: connection)
            close(connection)
        }
    }

    private func respond(on connection: Int32) {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
            guard recv(connection, &byte, 1, 0) == 1 else { return }
            head.append(byte)
        }
        let text = String(decoding: head, as: UTF8.self)
        log.withLock { $0.append(text) }
        let path = text.split(separator: " ").dropFirst().first.map(String.init) ?? "/"
        let offset = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("Range: bytes=") }
            .flatMap { Int($0.dropFirst("Range: bytes=".count).prefix { $0.isNumber }) }
        switch path {
        case "/redirect": send(connection, "302 Found", ["Location: /file"], [])
        case "/loop": send(connection, "302 Found", ["Location: /loop"], [])
        case "/busy": send(connection, "503 Service Unavailable", [], [])
        case "/file", "/truncated", "/stuck", "/noranges":
            guard let offset, path != "/noranges" else {
                let sent = path == "/truncated" ? content.count / 2 : path == "/stuck" ? 1000 : content.count
                send(connection, "200 OK", [], content[..<sent], length: content.count)
                return
            }
            guard offset < content.count else {
                send(connection, "416 Range Not Satisfiable", ["Content-Range: bytes */\(content.count)"], [])
                return
            }
            let rest = content[offset...]
            let range = "Content-Range: bytes \(offset)-\(content.count - 1)/\(content.count)"
            let sent = path == "/stuck" ? rest.prefix(1000) : rest
            send(connection, "206 Partial Content", [range], sent, length: rest.count)
        default: send(connection, "404 Not Found", [], Array("nothing here".utf8)[...])
        }
    }

    private func send(
        _ connection: Int32, _ status: String, _ headers: [String], _ body: ArraySlice<UInt8>, length: Int? = nil
    ) {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(length ?? body.count)", "Connection: close"] + headers
        var rest = (Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}
