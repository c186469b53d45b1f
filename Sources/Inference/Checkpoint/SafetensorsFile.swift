import Foundation

/// The header of a safetensors file (8-byte length, JSON, data), checked against the file's size before use.
/// Format: github.com/huggingface/safetensors, README "Format".
struct SafetensorsFile {
    let file: MappedFile
    /// In the order of their data.
    private(set) var tensors: [TensorInfo] = []
    /// Tensors of types this program does not read, with the type's name.
    private(set) var unsupported: [(name: String, type: String)] = []
    private(set) var metadata: [(key: String, value: JSONValue)] = []

    /// Largest header the reference library accepts.
    static let maximumHeader = 100_000_000

    init(path: String, fileIndex: Int = 0) throws(CheckpointError) {
        file = try MappedFile(path: path)
        let size = file.bytes.count
        func malformed(_ subject: String, _ offset: Int, _ message: String) -> CheckpointError {
            CheckpointError(.malformed, path: path, subject: subject, offset: offset, message)
        }
        guard size >= 10 else { throw malformed("header", 0, "the file is too short for safetensors") }
        let length = UInt64(littleEndian: file.bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        guard length >= 2, length <= UInt64(Self.maximumHeader), length <= UInt64(size - 8) else {
            throw malformed("header", 0, "its length \(length) does not fit a file of \(size) bytes")
        }
        let dataStart = 8 + Int(length)
        let header: JSONValue
        do throws(JSONError) {
            header = try JSONValue.parse(UnsafeRawBufferPointer(rebasing: file.bytes[8..<dataStart]), source: path)
        } catch {
            throw malformed("header", 8, "line \(error.line), column \(error.column): \(error.message)")
        }
        guard let pairs = header.objectValue else { throw malformed("header", 8, "is not a JSON object") }

        var names = Set<String>()
        var spans: [(begin: Int, end: Int, name: String)] = []
        for (name, value) in pairs {
            if name == "__metadata__" {
                metadata = value.objectValue ?? []
                continue
            }
            let subject = "tensor '\(name)'"
            guard names.insert(name).inserted else { throw malformed(subject, 8, "appears twice") }
            guard let dtype = value["dtype"]?.stringValue else { throw malformed(subject, 8, "dtype is missing") }
            guard let dimensions = value["shape"]?.arrayValue else { throw malformed(subject, 8, "shape is missing") }
            guard let offsets = value["data_offsets"]?.arrayValue, offsets.count == 2, case .int(let begin) = offsets[0],
                case .int(let end) = offsets[1]
            else { throw malformed(subject, 8, "data_offsets is not a pair of integers") }
            guard begin >= 0, begin <= end, end <= size - dataStart else {
                throw malformed(
                    subject, dataStart,
                    "data_offsets \(begin)…\(end) lie outside the data (\(size - dataStart) bytes): "
                        + "the file is damaged or cut short")
            }
            spans.append((begin, end, name))
            guard dimensions.count <= 8 else { throw malformed(subject, 8, "has \(dimensions.count) dimensions") }
            var shape: [Int] = []
            var elements = 1
            for dimension in dimensions {
                guard case .int(let count) = dimension, count >= 0, count <= Int(Int32.max) else {
                    throw malformed(subject, 8, "has an impossible dimension \(dimension.serialized())")
                }
                let (product, overflow) = elements.multipliedReportingOverflow(by: count)
                guard !overflow else { throw malformed(subject, 8, "has an impossible shape") }
                elements = product
                shape.append(count)
            }
            guard let bits = Self.bits[dtype] else {
                throw CheckpointError(
                    .unsupported, path: path, subject: subject, "dtype \(dtype) is not supported; supported: F32, F16, BF16")
            }
            let (total, overflow) = elements.multipliedReportingOverflow(by: bits)
            guard !overflow, total % 8 == 0, total / 8 == end - begin else {
                throw malformed(
                    subject, dataStart + begin, "shape \(shape) of \(dtype) does not take the \(end - begin) bytes it has")
            }
            guard let type = TensorType(rawValue: dtype), type.blockLength == 1 else {
                unsupported.append((name, dtype))
                continue
            }
            guard elements > 0 else { throw malformed(subject, 8, "is empty: shape \(shape)") }
            tensors.append(
                TensorInfo(
                    name: name, type: type, shape: shape.isEmpty ? [1] : shape, byteCount: end - begin, file: path,
                    offset: dataStart + begin, fileIndex: fileIndex))
        }
        spans.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        var covered = 0
        for span in spans {
            guard span.begin == covered else {
                throw malformed(
                    "tensor '\(span.name)'", dataStart + span.begin,
                    span.begin < covered ? "its data overlaps another tensor's" : "there is a hole before its data")
            }
            covered = span.end
        }
        guard covered == size - dataStart else {
            throw malformed("data", dataStart + covered, "\(size - dataStart - covered) bytes belong to no tensor")
        }
        tensors.sort { $0.offset < $1.offset }
    }

    /// Bits per element of every dtype of the format.
    private static let bits: [String: Int] = [
        "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
        "C64": 64, "F64": 64, "I64": 64, "U64": 64,
    ]
}
