import CKernels
import Crypto
import Foundation

/// A checkpoint over memory-mapped files; the readers of both formats produce it.
final class MappedCheckpoint: Checkpoint {
    let path: String
    let format: CheckpointFormat
    let configuration: JSONValue
    let configurationSource: String
    let tensors: [String: TensorInfo]
    let tokenizerSource: TokenizerSource
    let chatTemplate: String?
    let specialTokens: SpecialTokens
    let generationEOS: [Int]
    private let files: [MappedFile]

    init(
        path: String, format: CheckpointFormat, configuration: JSONValue, configurationSource: String,
        tensors: [String: TensorInfo], files: [MappedFile], tokenizerSource: TokenizerSource, chatTemplate: String?,
        specialTokens: SpecialTokens, generationEOS: [Int]
    ) {
        self.path = path
        self.format = format
        self.configuration = configuration
        self.configurationSource = configurationSource
        self.tensors = tensors
        self.files = files
        self.tokenizerSource = tokenizerSource
        self.chatTemplate = chatTemplate
        self.specialTokens = specialTokens
        self.generationEOS = generationEOS
    }

    func readRows(
        _ name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>
    ) throws(CheckpointError) {
        let info = try tensor(name)
        guard rows.lowerBound >= 0, rows.upperBound <= info.rowCount else {
            throw CheckpointError(
                .missingTensor, path: info.file, subject: "tensor '\(name)'",
                "has \(info.rowCount) rows; rows \(rows.lowerBound)..<\(rows.upperBound) were asked for")
        }
        let length = info.rowLength
        let source = UnsafeRawBufferPointer(rebasing: files[info.fileIndex].bytes[info.offset..<info.offset + info.byteCount])
        guard let base = source.baseAddress, !rows.isEmpty else { return }
        switch info.rowOrder {
        case .asStored:
            let bytes = info.rowBytes
            try dequantize(info, base + rows.lowerBound * bytes, destination, rows.count * length)
        case .interleaved(let heads) where info.shape.count == 1:
            // A bias is permuted as the rows of its matrix are. It is stored as F32, F16 or BF16.
            var stored = [Float](repeating: 0, count: length)
            try dequantize(info, base, &stored, length)
            for i in 0..<length { destination[i] = stored[Self.storedRow(i, of: length, heads: heads)] }
        case .interleaved(let heads):
            let bytes = info.rowBytes
            for (index, row) in rows.enumerated() {
                let stored = Self.storedRow(row, of: info.rowCount, heads: heads)
                try dequantize(info, base + stored * bytes, destination + index * length, length)
            }
        }
        if info.valueOffset != 0 {
            for i in 0..<rows.count * length { destination[i] += info.valueOffset }
        }
    }

    /// Where llama.cpp put row `row` of a Q or K matrix: it stores each head's rows as (half, 2), Hugging Face as
    /// (2, half) (`permute` in its converter).
    private static func storedRow(_ row: Int, of count: Int, heads: Int) -> Int {
        let headRows = count / heads
        let half = headRows / 2
        let (head, inHead) = row.quotientAndRemainder(dividingBy: headRows)
        let (part, j) = inHead.quotientAndRemainder(dividingBy: half)
        return head * headRows + 2 * j + part
    }

    /// The kernel reads bytes, so no alignment is asked of the file.
    private func dequantize(
        _ info: TensorInfo, _ source: UnsafeRawPointer, _ destination: UnsafeMutablePointer<Float>,
        _ count: Int
    ) throws(CheckpointError) {
        let done = ab_dequantize(info.type.kernelType, source, destination, count)
        if !done {
            throw CheckpointError(
                .unsupported, path: info.file, subject: "tensor '\(info.name)'", offset: info.offset,
                "\(info.type.rawValue) cannot be read in pieces of \(count) elements")
        }
    }

    var sha256: String {
        let hashes = files.map { (name: ($0.path as NSString).lastPathComponent, hash: FileHashes.shared.hash(of: $0)) }
        if hashes.count == 1 { return hashes[0].hash }
        let list = hashes.sorted { $0.name < $1.name }.map { "\($0.hash)  \($0.name)\n" }.joined()
        return SHA256.hash(data: Data(list.utf8)).map { String(format: "%02x", $0) }.joined()
    }
}

/// SHA-256 of files, computed once per process for each state (size, modification time) of a file.
private final class FileHashes: @unchecked Sendable {
    // Unchecked: `hashes` is touched only under `lock`.
    static let shared = FileHashes()
    private let lock = NSLock()
    private var hashes: [String: String] = [:]

    func hash(of file: MappedFile) -> String {
        var status = stat()
        stat(file.path, &status)
        let key = "\(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec)"
        lock.lock()
        defer { lock.unlock() }
        if let known = hashes[key] { return known }
        file.advise(.sequential, offset: 0, count: file.bytes.count)
        var hasher = SHA256()
        hasher.update(bufferPointer: file.bytes)
        let hash = hasher.finalize().map { String(format: "%02x", $0) }.joined()
        hashes[key] = hash
        return hash
    }
}
