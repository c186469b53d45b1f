import Crypto
import Evals
import Foundation
import Testing

/// Downloads from a server of our own on the loopback interface, which misbehaves on request.
@Suite struct DownloadTests {
    private static let content: [UInt8] = (0..<300_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) }
    private static let sha256 = SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined()

    private func download(_ server: TestServer, _ path: String, to target: URL, sha256: String = sha256) throws {
        var download = Download(url: "http://127.0.0.1:\(server.port)\(path)", sha256: sha256, target: target)
        download.retries = 2
        download.retryDelay = 0.01
        try download.run()
    }

    private func withServer(_ body: (TestServer, URL) throws -> Void) throws {
        let server = try TestServer(content: Self.content)
        defer { server.stop() }
        let directory = try EvalFixtures.scratch()
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(server, directory.appendingPathComponent("sub/file.bin"))
    }

    private func expectWhole(_ target: URL) throws {
        #expect(try [UInt8](Data(contentsOf: target)) == Self.content)
        #expect(!FileManager.default.fileExists(atPath: target.path + ".part"))
    }

    @Test func aFileArrivesWhole() throws {
        try withServer { server, target in
            try download(server, "/file", to: target)
            try expectWhole(target)
            #expect(server.requests.count == 1)
        }
    }

    @Test func redirectsAreFollowed() throws {
        try withServer { server, target in
            try download(server, "/redirect", to: target)
            try expectWhole(target)
        }
    }

    @Test func aBrokenTransferIsResumedWhereItStopped() throws {
        try withServer { server, target in
            try download(server, "/truncated", to: target)
            try expectWhole(target)
            #expect(server.requests.count == 2 && server.requests[1].contains("Range: bytes=150000-"))
        }
    }

    @Test func aLaterRunGoesOnFromThePartThatWasKept() throws {
        try withServer { server, target in
            let error = #expect(throws: DatasetError.self) { try download(server, "/stuck", to: target) }
            #expect("\(error!)".contains("3 attempts"))
            #expect(!FileManager.default.fileExists(atPath: target.path))
            let kept = try Data(contentsOf: URL(fileURLWithPath: target.path + ".part")).count
            #expect(kept > 0 && kept < Self.content.count)
            try download(server, "/file", to: target)
            try expectWhole(target)
            #expect(server.requests.last!.contains("Range: bytes=\(kept)-"))
        }
    }

    @Test func aServerWithoutRangesStartsOver() throws {
        try withServer { server, target in
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(Self.content.prefix(1000)).write(to: URL(fileURLWithPath: target.path + ".part"))
            try download(server, "/noranges", to: target)
            try expectWhole(target)
        }
    }

    @Test func aStalePartIsThrownAwayOnce() throws {
        for stale in [[UInt8](repeating: 7, count: 1000), Self.content + [1, 2, 3]] {
            try withServer { server, target in
                try FileManager.default.createDirectory(
                    at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(stale).write(to: URL(fileURLWithPath: target.path + ".part"))
                try download(server, "/file", to: target)
                try expectWhole(target)
            }
        }
    }

    @Test func aWrongChecksumKeepsNothing() throws {
        try withServer { server, target in
            let wrong = String(repeating: "0", count: 64)
            let error = #expect(throws: DatasetError.self) { try download(server, "/file", to: target, sha256: wrong) }
            #expect("\(error!)".contains(Self.sha256) && "\(error!)".contains(wrong))
            #expect(!FileManager.default.fileExists(atPath: target.path))
            #expect(!FileManager.default.fileExists(atPath: target.path + ".part"))
        }
    }

    @Test func refusalsOfTheServerAreErrors() throws {
        try withServer { server, target in
            let missing = #expect(throws: DatasetError.self) { try download(server, "/missing", to: target) }
            #expect("\(missing!)".contains("the server answered 404") && server.requests.count == 1)
            let busy = #expect(throws: DatasetError.self) { try download(server, "/busy", to: target) }
            #expect("\(busy!)".contains("503") && server.requests.count == 4)
            let loop = #expect(throws: DatasetError.self) { try download(server, "/loop", to: target) }
            #expect("\(loop!)".lowercased().contains("redirect"))
            server.stop()
            #expect(throws: DatasetError.self) { try download(server, "/file", to: target) }
            #expect(!FileManager.default.fileExists(atPath: target.path))
        }
    }

    @Test func otherProtocolsAreRefused() throws {
        let directory = try EvalFixtures.scratch()
        defer { try? FileManager.default.removeItem(at: directory) }
        let source = try EvalFixtures.write("secret", "secret.txt", in: directory)
        let download = Download(
            url: "file://\(source.path)", sha256: Self.sha256, target: directory.appendingPathComponent("x"))
        #expect(throws: DatasetError.self) { try download.run() }
    }
}
