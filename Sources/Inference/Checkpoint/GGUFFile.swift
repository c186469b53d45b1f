import Foundation

/// A value of GGUF metadata. Arrays stay in the file until they are asked for.
enum GGUFValue {
    case integer(Int)
    case float(Double)
    case bool(Bool)
    case string([UInt8])
    case array(type: UInt32, count: Int, offset: Int)
}

/// A tensor as the file describes it; its place has been checked.
struct GGUFTensor {
    var name: String
    var type: TensorType
    /// Row-major: the file's dimensions reversed.
    var shape: [Int]
    var byteCount: Int
    var offset: Int
}

/// The header of a GGUF file, version 2 or 3 (ggml's docs/gguf.md), every length checked against the file's size before
/// it is used.
struct GGUFFile {
    let file: MappedFile
    private(set) var metadata: [String: GGUFValue] = [:]
    private(set) var tensors: [GGUFTensor] = []
    private var cursor = 0

    init(path: String) throws(CheckpointError) {
        file = try MappedFile(path: path)
        let magic = try read(UInt32.self, "header")
        guard magic == 0x4655_4747 else { throw malformed("header", 0, "does not start with 'GGUF': not a GGUF file") }
        let version = try read(UInt32.self, "header")
        if version != 0, version & 0xFFFF == 0 {
            throw CheckpointError(
                .unsupported, path: path, subject: "header", offset: 4,
                "is big-endian GGUF; convert the model again on a little-endian machine")
        }
        guard version == 2 || version == 3 else {
            throw CheckpointError(
                .unsupported, path: path, subject: "header", offset: 4,
                "GGUF version \(version) is not supported; supported: 2, 3")
        }
        let tensorCount = try read(UInt64.self, "header")
        let keyCount = try read(UInt64.self, "header")
        // A tensor's description takes at least 8 + 1 + 4 + 8 + 4 + 8 bytes, a key with its value at least 8 + 1 + 4 + 1.
        guard tensorCount <= UInt64(remaining / 33) else {
            throw malformed("header", 8, "announces \(tensorCount) tensors, more than the file can describe")
        }
        guard keyCount <= UInt64(remaining / 14) else {
            throw malformed("header", 16, "announces \(keyCount) metadata keys, more than the file can hold")
        }
        for _ in 0..<Int(keyCount) { try readPair() }
        try readTensors(Int(tensorCount))
    }

    var path: String { file.path }
    private var remaining: Int { file.bytes.count - cursor }

    func malformed(_ subject: String, _ offset: Int, _ message: String) -> CheckpointError {
        CheckpointError(.malformed, path: file.path, subject: subject, offset: offset, message)
    }

    private mutating func read<T: FixedWidthInteger>(_ type: T.Type, _ subject: String) throws(CheckpointError) -> T {
        guard remaining >= MemoryLayout<T>.size else { throw malformed(subject, cursor, "the file ends inside it") }
        let value = file.bytes.loadUnaligned(fromByteOffset: cursor, as: T.self)
        cursor += MemoryLayout<T>.size
        return T(littleEndian: value)
    }

    /// Range of the bytes of a string (a 64-bit length, then bytes).
    private mutating func readString(_ subject: String) throws(CheckpointError) -> Range<Int> {
        let at = cursor
        let length = try read(UInt64.self, subject)
        guard length <= UInt64(remaining) else {
            throw malformed(subject, at, "a string of \(length) bytes runs past the end of the file")
        }
        let start = cursor
        cursor += Int(length)
        return start..<cursor
    }

    private mutating func readPair() throws(CheckpointError) {
        let at = cursor
        let range = try readString("metadata")
        guard !range.isEmpty, range.count <= 65_535,
            let key = String(validating: file.bytes[range], as: UTF8.self)
        else { throw malformed("metadata", at, "a key is empty, too long or not UTF-8") }
        let subject = "key '\(key)'"
        let type = try read(UInt32.self, subject)
        let value = try readValue(type, subject)
        guard metadata.updateValue(value, forKey: key) == nil else { throw malformed(subject, at, "appears twice") }
    }

    /// Bytes of a fixed-size metadata type, or nil for a string, an array or an unknown number.
    private static func size(ofType type: UInt32) -> Int? {
        switch type {
        case 0, 1, 7: 1
        case 2, 3: 2
        case 4, 5, 6: 4
        case 10, 11, 12: 8
        default: nil
        }
    }

    private mutating func readValue(_ type: UInt32, _ subject: String) throws(CheckpointError) -> GGUFValue {
        let at = cursor
        switch type {
        case 8: return .string(Array(file.bytes[try readString(subject)]))
        case 9:
            let elementType = try read(UInt32.self, subject)
            let count = try read(UInt64.self, subject)
            let start = cursor
            if elementType == 9 {
                throw CheckpointError(
                    .unsupported, path: path, subject: subject, offset: at, "nested arrays are not supported")
            }
            guard let size = elementType == 8 ? 8 : Self.size(ofType: elementType) else {
                throw malformed(subject, at, "\(elementType) is not a GGUF value type")
            }
            guard count <= UInt64(remaining / size) else {
                throw malformed(subject, at, "an array of \(count) elements runs past the end of the file")
            }
            if elementType == 8 {
                for _ in 0..<Int(count) { _ = try readString(subject) }
            } else {
                cursor += Int(count) * size
            }
            return .array(type: elementType, count: Int(count), offset: start)
        default:
            guard let size = Self.size(ofType: type) else { throw malformed(subject, at, "\(type) is not a GGUF value type") }
            guard remaining >= size else { throw malformed(subject, at, "the file ends inside it") }
            defer { cursor += size }
            guard let value = scalar(type, at: cursor) else {
                throw malformed(subject, at, "is an integer beyond the 64-bit signed range")
            }
            return value
        }
    }

    /// The fixed-size value at `offset`; nil for an unsigned integer that Int cannot hold. The bytes have been checked.
    private func scalar(_ type: UInt32, at offset: Int) -> GGUFValue? {
        func load<T: FixedWidthInteger>(_: T.Type) -> T {
            T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        switch type {
        case 0: return .integer(Int(load(UInt8.self)))
        case 1: return .integer(Int(load(Int8.self)))
        case 2: return .integer(Int(load(UInt16.self)))
        case 3: return .integer(Int(load(Int16.self)))
        case 4: return .integer(Int(load(UInt32.self)))
        case 5: return .integer(Int(load(Int32.self)))
        case 6:
            // The decimal the converter was given, not the double nearest to the stored f32: 1e-05, not 9.99999974e-06.
            let value = Float(bitPattern: load(UInt32.self))
            return .float(value.isFinite ? Double(value.description) ?? Double(value) : Double(value))
        case 7: return .bool(load(UInt8.self) != 0)
        case 10: return Int(exactly: load(UInt64.self)).map { .integer($0) }
        case 11: return .integer(Int(load(Int64.self)))
        default: return .float(Double(bitPattern: load(UInt64.self)))
        }
    }

    private mutating func readTensors(_ count: Int) throws(CheckpointError) {
        var described: [(tensor: GGUFTensor, at: Int)] = []
        var names = Set<String>()
        for index in 0..<count {
            let at = cursor
            let range = try readString("tensor \(index)")
            guard !range.isEmpty, range.count <= 1024, let name = String(validating: file.bytes[range], as: UTF8.self) else {
                throw malformed("tensor \(index)", at, "its name is empty, too long or not UTF-8")
            }
            let subject = "tensor '\(name)'"
            guard names.insert(name).inserted else { throw malformed(subject, at, "appears twice") }
            let dimensions = try read(UInt32.self, subject)
            guard (1...4).contains(dimensions) else {
                throw malformed(subject, at, "has \(dimensions) dimensions; 1 to 4 are possible")
            }
            var shape: [Int] = []
            var elements = 1
            for _ in 0..<dimensions {
                let place = cursor
                let size = try read(UInt64.self, subject)
                guard size >= 1, size <= UInt64(Int32.max) else {
                    throw malformed(subject, place, "has a dimension of \(size)")
                }
                let (product, overflow) = elements.multipliedReportingOverflow(by: Int(size))
                guard !overflow, product <= 1 << 50 else { throw malformed(subject, place, "has an impossible size") }
                elements = product
                shape.append(Int(size))
            }
            let typePlace = cursor
            let number = try read(UInt32.self, subject)
            guard let type = TensorType(ggmlType: number) else {
                throw CheckpointError(
                    .unsupported, path: path, subject: subject, offset: typePlace,
                    "\(TensorType.ggmlName(number)) is not supported; supported: \(TensorType.supported)")
            }
            guard shape[0] % type.blockLength == 0 else {
                throw malformed(
                    subject, typePlace, "rows of \(shape[0]) elements cannot be \(type.rawValue) (blocks of \(type.blockLength))")
            }
            let place = cursor
            let offset = try read(UInt64.self, subject)
            guard offset < UInt64(file.bytes.count) else {
                throw malformed(subject, place, "its data would start at \(offset), past the end of the file")
            }
            let bytes = elements / type.blockLength * type.blockBytes
            described.append(
                (
                    GGUFTensor(
                        name: name, type: type, shape: Array(shape.reversed()), byteCount: bytes, offset: Int(offset)),
                    place
                ))
        }
        let alignment = try alignment()
        let start = (cursor + alignment - 1) / alignment * alignment
        for index in described.indices {
            let tensor = described[index].tensor
            let subject = "tensor '\(tensor.name)'"
            guard tensor.offset % alignment == 0 else {
                throw malformed(
                    subject, described[index].at, "its data offset \(tensor.offset) is not a multiple of \(alignment)")
            }
            let begin = start + tensor.offset
            guard begin <= file.bytes.count, tensor.byteCount <= file.bytes.count - begin else {
                throw malformed(
                    subject, described[index].at,
                    "its data (\(tensor.byteCount) bytes from \(begin)) runs past the end of the file "
                        + "(\(file.bytes.count) bytes): the file is cut short, download it again")
            }
            described[index].tensor.offset = begin
        }
        let ordered = described.sorted { $0.tensor.offset < $1.tensor.offset }
        for (a, b) in zip(ordered, ordered.dropFirst()) where a.tensor.offset + a.tensor.byteCount > b.tensor.offset {
            throw malformed("tensor '\(b.tensor.name)'", b.at, "its data overlaps that of '\(a.tensor.name)'")
        }
        tensors = described.map(\.tensor)
    }

    private func alignment() throws(CheckpointError) -> Int {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard case .integer(let alignment) = value, alignment >= 8, alignment <= 1 << 20,
            alignment & (alignment - 1) == 0
        else {
            throw CheckpointError(
                .malformed, path: path, subject: "key 'general.alignment'", "must be a power of two from 8 to 1048576")
        }
        return alignment
    }
}

// Typed access; a wrong type is an error that names the key.
extension GGUFFile {
    private func wrongType(_ key: String, _ wanted: String) -> CheckpointError {
        CheckpointError(.malformed, path: path, subject: "key '\(key)'", "is not \(wanted)")
    }

    func integer(_ key: String) throws(CheckpointError) -> Int? {
        guard let value = metadata[key] else { return nil }
        guard case .integer(let integer) = value else { throw wrongType(key, "an integer") }
        return integer
    }

    func number(_ key: String) throws(CheckpointError) -> Double? {
        switch metadata[key] {
        case nil: return nil
        case .float(let number): return number
        case .integer(let integer): return Double(integer)
        default: throw wrongType(key, "a number")
        }
    }

    func bool(_ key: String) throws(CheckpointError) -> Bool? {
        guard let value = metadata[key] else { return nil }
        guard case .bool(let bool) = value else { throw wrongType(key, "true or false") }
        return bool
    }

    func string(_ key: String) throws(CheckpointError) -> String? {
        guard let value = metadata[key] else { return nil }
        guard case .string(let bytes) = value, let string = String(validating: bytes, as: UTF8.self) else {
            throw wrongType(key, "a UTF-8 string")
        }
        return string
    }

    func byteStrings(_ key: String) throws(CheckpointError) -> [[UInt8]]? {
        guard let value = metadata[key] else { return nil }
        guard case .array(8, let count, var offset) = value else { throw wrongType(key, "an array of strings") }
        var strings: [[UInt8]] = []
        strings.reserveCapacity(count)
        for _ in 0..<count {
            let length = Int(UInt64(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            strings.append(Array(file.bytes[offset + 8..<offset + 8 + length]))
            offset += 8 + length
        }
        return strings
    }

    /// Numbers of an array, or the one number where the file has a scalar.
    func numbers(_ key: String) throws(CheckpointError) -> [Double]? {
        guard let value = metadata[key] else { return nil }
        guard case .array(let type, let count, let offset) = value else { return try number(key).map { [$0] } }
        guard let size = Self.size(ofType: type), type != 7 else { throw wrongType(key, "an array of numbers") }
        var numbers: [Double] = []
        numbers.reserveCapacity(count)
        for index in 0..<count {
            switch scalar(type, at: offset + index * size) {
            case .integer(let integer): numbers.append(Double(integer))
            case .float(let number): numbers.append(number)
            default: throw wrongType(key, "an array of numbers in range")
            }
        }
        return numbers
    }

    /// An array of f32 as stored.
    func floats(_ key: String) throws(CheckpointError) -> [Float]? {
        guard case .array(6, let count, let offset) = metadata[key] else {
            return try numbers(key)?.map { Float($0) }
        }
        var floats = [Float](repeating: 0, count: count)
        for index in 0..<count {
            let bits = file.bytes.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self)
            floats[index] = Float(bitPattern: UInt32(littleEndian: bits))
        }
        return floats
    }
}
