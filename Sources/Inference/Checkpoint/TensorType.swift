import CKernels

/// How a tensor's elements are stored. Raw values are the names GGUF and safetensors use.
public enum TensorType: String, Hashable, Sendable, CaseIterable, Codable {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q5_0 = "Q5_0"
    case q5_1 = "Q5_1"
    case q8_0 = "Q8_0"
    case q4_K = "Q4_K"
    case q5_K = "Q5_K"
    case q6_K = "Q6_K"

    /// Elements per block.
    public var blockLength: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q4_K, .q5_K, .q6_K: 256
        }
    }

    /// Bytes per block.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        }
    }

    /// The kernels' number for it, which is GGUF's.
    package var kernelType: ab_type {
        switch self {
        case .f32: AB_F32
        case .f16: AB_F16
        case .bf16: AB_BF16
        case .q4_0: AB_Q4_0
        case .q4_1: AB_Q4_1
        case .q5_0: AB_Q5_0
        case .q5_1: AB_Q5_1
        case .q8_0: AB_Q8_0
        case .q4_K: AB_Q4_K
        case .q5_K: AB_Q5_K
        case .q6_K: AB_Q6_K
        }
    }

    public init?(ggmlType: UInt32) {
        guard let type = Self.allCases.first(where: { UInt32($0.kernelType.rawValue) == ggmlType }) else { return nil }
        self = type
    }

    /// The name of a ggml type, also of those that are not read; from ggml.h.
    static func ggmlName(_ type: UInt32) -> String {
        let names: [UInt32: String] = [
            9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
            20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
            29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ]
        return TensorType(ggmlType: type)?.rawValue ?? names[type] ?? "tensor type \(type)"
    }

    static var supported: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
