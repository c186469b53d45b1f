import CKernels

public enum CheckpointFormat: String, Hashable, Sendable, Codable { case gguf, safetensors }

/// Where a tensor's bytes lie and how they become the tensor that Hugging Face's implementation has.
public struct TensorInfo: Hashable, Sendable {
    /// Order of the rows in the file.
    public enum RowOrder: Hashable, Sendable {
        case asStored
        /// Rows of each head lie as (half, 2) instead of (2, half): llama.cpp's layout of Q and K for interleaved rotation.
        case interleaved(heads: Int)
    }

    /// Hugging Face's name, `model.layers.0.self_attn.q_proj.weight`.
    public var name: String
    /// The file's own name for it.
    public var storedName: String
    public var type: TensorType
    /// Row-major, [out, in] for a matrix, [n] for a vector.
    public var shape: [Int]
    public var byteCount: Int
    /// Path of the file.
    public var file: String
    /// Of the first byte, in the file.
    public var offset: Int
    public var rowOrder: RowOrder
    /// Added to every element as stored (llama.cpp stores Gemma's norm weights plus one).
    public var valueOffset: Float
    /// Index of the file in the checkpoint's list.
    package var fileIndex: Int

    public init(
        name: String, storedName: String? = nil, type: TensorType, shape: [Int], byteCount: Int, file: String, offset: Int,
        rowOrder: RowOrder = .asStored, valueOffset: Float = 0, fileIndex: Int = 0
    ) {
        self.name = name
        self.storedName = storedName ?? name
        self.type = type
        self.shape = shape
        self.byteCount = byteCount
        self.file = file
        self.offset = offset
        self.rowOrder = rowOrder
        self.valueOffset = valueOffset
        self.fileIndex = fileIndex
    }

    /// Length of a row: the last dimension.
    public var rowLength: Int { shape.last ?? 1 }
    /// Product of all dimensions but the last: 1 for a vector.
    public var rowCount: Int { shape.dropLast().reduce(1, *) }
    public var elementCount: Int { shape.reduce(1, *) }
    public var rowBytes: Int { rowCount > 0 ? byteCount / rowCount : 0 }
}

/// Texts of the special tokens that chat templates use.
public struct SpecialTokens: Hashable, Sendable {
    public var bos: String?
    public var eos: String?
    public var unknown: String?
    public var padding: String?

    public init(bos: String? = nil, eos: String? = nil, unknown: String? = nil, padding: String? = nil) {
        self.bos = bos
        self.eos = eos
        self.unknown = unknown
        self.padding = padding
    }
}

/// What a tokenizer is built from.
public enum TokenizerSource: Sendable {
    /// `tokenizer.json`, and `tokenizer_config.json` where there is one.
    case files(tokenizerJSON: String, config: JSONValue?)
    case gguf(GGUFVocabulary)
    case none
}

/// A model's files: weights by Hugging Face names, configuration in Hugging Face's spelling, whatever the format.
public protocol Checkpoint: AnyObject, Sendable {
    /// The file or directory.
    var path: String { get }
    var format: CheckpointFormat { get }
    /// As `config.json` has it; for GGUF put together from the metadata.
    var configuration: JSONValue { get }
    /// What errors about the configuration name: the path of `config.json`, or the GGUF file.
    var configurationSource: String { get }
    var tensors: [String: TensorInfo] { get }
    /// SHA-256 of the weight file in hexadecimal; of the list of `hash  name` lines when there are several. Read once
    /// per process.
    var sha256: String { get }
    var tokenizerSource: TokenizerSource { get }
    var chatTemplate: String? { get }
    var specialTokens: SpecialTokens { get }
    /// Ids that end a generation.
    var generationEOS: [Int] { get }
    /// Rows of a tensor as f32: (rows.count, rowLength), written to `destination`, which must have room for them.
    func readRows(
        _ name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) throws(CheckpointError)
}

extension Checkpoint {
    public var modelConfiguration: ModelConfiguration {
        ModelConfiguration(json: configuration, source: configurationSource)
    }

    /// Elements of all tensors.
    public var parameterCount: Int { tensors.values.reduce(0) { $0 + $1.elementCount } }

    public func tensor(_ name: String) throws(CheckpointError) -> TensorInfo {
        guard let info = tensors[name] else {
            throw CheckpointError(.missingTensor, path: path, subject: "tensor '\(name)'", "is missing")
        }
        return info
    }

    /// The tensor, if its shape is the one the model needs.
    public func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> TensorInfo {
        let info = try tensor(name)
        guard info.shape == shape else {
            throw CheckpointError(
                .missingTensor, path: info.file, subject: "tensor '\(name)'", offset: info.offset,
                "has the shape \(info.shape), but the configuration asks for \(shape)")
        }
        return info
    }

    /// A whole tensor as f32, row-major.
    public func floats(_ name: String) throws(CheckpointError) -> [Float] {
        let info = try tensor(name)
        var values = [Float](repeating: 0, count: info.elementCount)
        var failure: CheckpointError?
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            do throws(CheckpointError) { try readRows(name, 0..<info.rowCount, into: base) } catch { failure = error }
        }
        if let failure { throw failure }
        return values
    }

    /// `readRows`, and with `checkFinite` an error that names the first NaN or infinity.
    public func readRows(
        _ name: String, _ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>, checkFinite: Bool
    ) throws(CheckpointError) {
        try readRows(name, rows, into: destination)
        guard checkFinite else { return }
        let info = try tensor(name)
        let count = rows.count * info.rowLength
        let index = ab_first_nonfinite(destination, count)
        guard index < count else { return }
        let place =
            info.shape.count == 1
            ? "element \(index)"
            : "element at row \(rows.lowerBound + index / info.rowLength), column \(index % info.rowLength)"
        throw CheckpointError(
            .nonFinite, path: info.file, subject: "tensor '\(name)'",
            "\(place) is \(destination[index].isNaN ? "NaN" : "infinite"). The file is damaged, or the model was saved after diverging")
    }

    /// Reads every weight once and throws at the first that is NaN or infinite.
    public func scanNonFinite() throws(CheckpointError) {
        var buffer: [Float] = []
        for info in tensors.values.sorted(by: { ($0.fileIndex, $0.offset) < ($1.fileIndex, $1.offset) }) {
            let step = max(1, (1 << 20) / max(info.rowLength, 1))
            var row = 0
            while row < info.rowCount {
                let rows = row..<min(row + step, info.rowCount)
                let needed = rows.count * info.rowLength
                if buffer.count < needed { buffer = [Float](repeating: 0, count: needed) }
                var failure: CheckpointError?
                buffer.withUnsafeMutableBufferPointer { memory in
                    guard let base = memory.baseAddress else { return }
                    do throws(CheckpointError) {
                        try readRows(info.name, rows, into: base, checkFinite: true)
                    } catch { failure = error }
                }
                if let failure { throw failure }
                row = rows.upperBound
            }
        }
    }
}
