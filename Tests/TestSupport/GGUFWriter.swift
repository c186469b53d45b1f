import Foundation

/// Puts a GGUF file together in memory, for tests; it can also write nonsense.
public struct GGUFWriter {
    public enum Value {
        case uint32(UInt32)
        case uint64(UInt64)
        case int32(Int32)
        case float(Float)
        case bool(Bool)
        case string(String)
        case strings([String])
        case int32s([Int32])
        case floats([Float])
        /// A type number and its bytes as they are.
        case raw(UInt32, [UInt8])
    }

    public struct Tensor {
        public var name: String
        public var type: UInt32
        /// Row-major.
        public var shape: [Int]
        public var data: [UInt8]
        /// Written instead of the true offset.
        public var offset: UInt64?
    }

    public var magic: [UInt8] = Array("GGUF".utf8)
    public var version: UInt32 = 3
    public var alignment = 32
    public var tensorCount: UInt64?
    public var keyCount: UInt64?
    public var metadata: [(key: String, value: Value)] = []
    public var tensors: [Tensor] = []

    public init(version: UInt32 = 3, architecture: String = "llama") {
        self.version = version
        metadata.append(("general.architecture", .string(architecture)))
    }

    public mutating func set(_ key: String, _ value: Value) { metadata.append((key, value)) }

    public mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) {
        var data: [UInt8] = []
        for value in values { Self.append(value.bitPattern, to: &data) }
        tensors.append(Tensor(name: name, type: 0, shape: shape, data: data))
    }

    public mutating func add(_ name: String, type: UInt32, _ shape: [Int], data: [UInt8], offset: UInt64? = nil) {
        tensors.append(Tensor(name: name, type: type, shape: shape, data: data, offset: offset))
    }

    static func append<T: FixedWidthInteger>(_ value: T, to out: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) }
    }

    static func append(_ text: String, to out: inout [UInt8]) {
        append(UInt64(text.utf8.count), to: &out)
        out.append(contentsOf: text.utf8)
    }

    public func bytes() -> [UInt8] {
        var out = magic
        Self.append(version, to: &out)
        Self.append(tensorCount ?? UInt64(tensors.count), to: &out)
        Self.append(keyCount ?? UInt64(metadata.count), to: &out)
        for (key, value) in metadata {
            Self.append(key, to: &out)
            Self.append(value, to: &out)
        }
        var offset = 0
        var data: [UInt8] = []
        for tensor in tensors {
            Self.append(tensor.name, to: &out)
            Self.append(UInt32(tensor.shape.count), to: &out)
            for size in tensor.shape.reversed() { Self.append(UInt64(size), to: &out) }
            Self.append(tensor.type, to: &out)
            Self.append(tensor.offset ?? UInt64(offset), to: &out)
            data += tensor.data
            let padding = (alignment - data.count % alignment) % alignment
            data += [UInt8](repeating: 0, count: padding)
            offset = data.count
        }
        out += [UInt8](repeating: 0, count: (alignment - out.count % alignment) % alignment)
        return out + data
    }

    private static func append(_ value: Value, to out: inout [UInt8]) {
        switch value {
        case .uint32(let x):
            append(UInt32(4), to: &out)
            append(x, to: &out)
        case .int32(let x):
            append(UInt32(5), to: &out)
            append(x, to: &out)
        case .float(let x):
            append(UInt32(6), to: &out)
            append(x.bitPattern, to: &out)
        case .bool(let x):
            append(UInt32(7), to: &out)
            out.append(x ? 1 : 0)
        case .string(let x):
            append(UInt32(8), to: &out)
            append(x, to: &out)
        case .uint64(let x):
            append(UInt32(10), to: &out)
            append(x, to: &out)
        case .strings(let x):
            append(UInt32(9), to: &out)
            append(UInt32(8), to: &out)
            append(UInt64(x.count), to: &out)
            for text in x { append(text, to: &out) }
        case .int32s(let x):
            append(UInt32(9), to: &out)
            append(UInt32(5), to: &out)
            append(UInt64(x.count), to: &out)
            for number in x { append(number, to: &out) }
        case .floats(let x):
            append(UInt32(9), to: &out)
            append(UInt32(6), to: &out)
            append(UInt64(x.count), to: &out)
            for number in x { append(number.bitPattern, to: &out) }
        case .raw(let type, let bytes):
            append(type, to: &out)
            out += bytes
        }
    }
}
