import Foundation

/// Writes a safetensors file tensor after tensor, so that nothing larger than a piece of one is in memory.
///
/// ```
/// let writer = try SafetensorsWriter(path: path, entries: [.init(name: "w", type: .bf16, shape: [8, 4])])
/// try values.withUnsafeBufferPointer { try writer.append($0) }   // all elements of all entries, in order
/// try writer.finish()
/// ```
public final class SafetensorsWriter {
    public struct Entry: Sendable {
        public var name: String
        /// `f32`, `f16` or `bf16`.
        public var type: TensorType
        public var shape: [Int]

        public init(name: String, type: TensorType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    private let path: String
    private let handle: FileHandle
    private let entries: [Entry]
    /// The entry being written and how many of its elements are.
    private var entry = 0
    private var written = 0

    /// Creates (or replaces) the file and writes its header.
    public init(path: String, entries: [Entry], metadata: [String: String] = ["format": "pt"]) throws(CheckpointError) {
        var pairs: [(key: String, value: JSONValue)] = []
        if !metadata.isEmpty {
            let sorted = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSONValue.string($0.value)) }
            pairs.append(("__metadata__", .object(sorted)))
        }
        var offset = 0
        var names = Set<String>()
        for entry in entries {
            guard entry.type.blockLength == 1, entry.shape.allSatisfy({ $0 > 0 }), names.insert(entry.name).inserted else {
                throw CheckpointError(
                    .unsupported, path: path, subject: "tensor '\(entry.name)'",
                    "cannot be written as \(entry.type.rawValue) with shape \(entry.shape), or has a name used before")
            }
            let end = offset + entry.shape.reduce(1, *) * entry.type.blockBytes
            pairs.append(
                (
                    entry.name,
                    .object([
                        ("dtype", .string(entry.type.rawValue)), ("shape", .array(entry.shape.map { .int($0) })),
                        ("data_offsets", .array([.int(offset), .int(end)])),
                    ])
                ))
            offset = end
        }
        var header = Array(JSONValue.object(pairs).serialized().utf8)
        // The data starts at a multiple of 8, as the reference library writes it.
        header += repeatElement(0x20, count: (8 - header.count % 8) % 8)
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path)
        else { throw CheckpointError(.io, path: path, "cannot be created") }
        self.path = path
        self.handle = handle
        self.entries = entries
        var length = UInt64(header.count).littleEndian
        try write(withUnsafeBytes(of: &length) { Data($0) } + Data(header))
    }

    private func write(_ data: Data) throws(CheckpointError) {
        do { try handle.write(contentsOf: data) } catch {
            throw CheckpointError(.io, path: path, "cannot be written: \(error.localizedDescription)")
        }
    }

    /// Appends elements, row-major; a call may end anywhere and may span several tensors.
    public func append(_ values: UnsafeBufferPointer<Float>) throws(CheckpointError) {
        var at = 0
        while at < values.count {
            guard entry < entries.count else {
                throw CheckpointError(.malformed, path: path, "more elements were written than the entries have")
            }
            let size = entries[entry].shape.reduce(1, *)
            let count = min(values.count - at, size - written, 1 << 20)
            try write(Self.encode(UnsafeBufferPointer(rebasing: values[at..<at + count]), as: entries[entry].type))
            at += count
            written += count
            if written == size {
                entry += 1
                written = 0
            }
        }
    }

    /// Closes the file; an error when elements are missing.
    public func finish() throws(CheckpointError) {
        guard entry == entries.count else {
            throw CheckpointError(
                .malformed, path: path, subject: "tensor '\(entries[entry].name)'", "was not written completely")
        }
        do { try handle.close() } catch {
            throw CheckpointError(.io, path: path, "cannot be closed: \(error.localizedDescription)")
        }
    }

    /// Little-endian bytes of `values` as `type`, rounded to nearest even.
    private static func encode(_ values: UnsafeBufferPointer<Float>, as type: TensorType) -> Data {
        var data = Data(count: values.count * type.blockBytes)
        data.withUnsafeMutableBytes { bytes in
            switch type {
            case .f32:
                for (i, value) in values.enumerated() {
                    bytes.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 * i, as: UInt32.self)
                }
            case .bf16:
                for (i, value) in values.enumerated() {
                    bytes.storeBytes(of: bf16(value).littleEndian, toByteOffset: 2 * i, as: UInt16.self)
                }
            default:
                for (i, value) in values.enumerated() {
                    bytes.storeBytes(of: f16(value).littleEndian, toByteOffset: 2 * i, as: UInt16.self)
                }
            }
        }
        return data
    }

    /// Bits of the bfloat16 nearest to `value`, ties to even; a NaN stays one.
    static func bf16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// Bits of the half-precision number nearest to `value`, ties to even.
    static func f16(_ value: Float) -> UInt16 { Float16(value).bitPattern }
}
