import CKernels
import Foundation
import Testing

/// All kernel tests are one serial suite: the instruction set and the thread count are settings of the process.
@Suite(.serialized) struct KernelTests {}

/// SplitMix64: small, seeded, the same everywhere.
struct Random {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
    mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(bits() % UInt64(range.count))
    }
    /// Uniform in [-scale, scale).
    mutating func float(_ scale: Float = 1) -> Float { (Float(bits() >> 40) / Float(1 << 23) - 1) * scale }
    mutating func floats(_ count: Int, scale: Float = 1) -> [Float] { (0..<count).map { _ in float(scale) } }
}

let availableISAs: [ab_isa] = [AB_ISA_SCALAR, AB_ISA_AVX2, AB_ISA_AVX512, AB_ISA_AVX512_BF16, AB_ISA_NEON].filter {
    let best = ab_isa_active()
    defer { _ = ab_isa_force(best) }
    return ab_isa_force($0)
}

/// Runs `body` with every available instruction set, the plain one first, then restores what was active.
func onEachISA(_ body: (ab_isa, String) throws -> Void) rethrows {
    let before = ab_isa_active()
    defer { _ = ab_isa_force(before) }
    for isa in availableISAs {
        _ = ab_isa_force(isa)
        try body(isa, String(cString: ab_isa_name(isa)))
    }
}

func withThreads<T>(_ count: Int32, _ body: () throws -> T) rethrows -> T {
    let before = ab_threads()
    ab_set_threads(count)
    defer { ab_set_threads(before) }
    return try body()
}

/// Equality of bits, so that -0 differs from 0 and NaN equals itself.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
}

func bf16Rounded(_ value: Float) -> Float {
    let u = value.bitPattern
    return Float(bitPattern: (u &+ 0x7fff &+ (u >> 16 & 1)) & 0xffff_0000)
}

/// Packed weights with the alignment the kernels ask for.
final class Packed {
    let memory: UnsafeMutableRawPointer
    let bytes: Int
    let precision: ab_precision
    let n: Int, k: Int

    init(_ precision: ab_precision, n: Int, k: Int, rows: [Float], pieces: [Int]? = nil) {
        self.precision = precision
        self.n = n
        self.k = k
        bytes = ab_packed_bytes(precision, n, k)
        memory = .allocate(byteCount: max(bytes, 64), alignment: 64)
        memset(memory, 0, bytes)
        var row = 0
        for piece in pieces ?? [n] {
            rows.withUnsafeBufferPointer {
                ab_pack_rows(precision, n, k, memory, $0.baseAddress! + row * k, row, piece)
            }
            row += piece
        }
    }
    deinit { memory.deallocate() }

    func times(_ x: [Float], rows m: Int, bias: [Float]? = nil) -> [Float] {
        var y = [Float](repeating: .nan, count: m * n)
        ab_linear(precision, x, m, memory, n, k, bias, &y)
        return y
    }
}
