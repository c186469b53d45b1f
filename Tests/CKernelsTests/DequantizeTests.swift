import CKernels
import Foundation
import Testing

extension KernelTests {
    @Suite(.serialized) struct Dequantize {
        static let types: [(name: String, type: ab_type, length: Int, bytes: Int)] = [
            ("F16", AB_F16, 1, 2), ("BF16", AB_BF16, 1, 2), ("Q4_0", AB_Q4_0, 32, 18), ("Q4_1", AB_Q4_1, 32, 20),
            ("Q5_0", AB_Q5_0, 32, 22), ("Q5_1", AB_Q5_1, 32, 24), ("Q8_0", AB_Q8_0, 32, 34), ("Q4_K", AB_Q4_K, 256, 144),
            ("Q5_K", AB_Q5_K, 256, 176), ("Q6_K", AB_Q6_K, 256, 210),
        ]
        static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/quants")

        /// Written by Tools/make_quant_goldens.py with the gguf package.
        @Test(arguments: types.map(\.name))
        func equalsTheReferencePackage(name: String) throws {
            let type = try #require(Self.types.first { $0.name == name })
            #expect(ab_block_length(type.type) == type.length && ab_block_bytes(type.type) == type.bytes)
            let blocks = try Data(contentsOf: Self.fixtures.appendingPathComponent("\(name).blocks"))
            let want = try Data(contentsOf: Self.fixtures.appendingPathComponent("\(name).f32"))
            let count = blocks.count / type.bytes * type.length
            try #require(want.count == count * 4 && count > 0)
            // From an odd address too: tensors in a file are aligned, views of them need not be.
            for shift in 0..<2 {
                let source = [UInt8](repeating: 0, count: shift) + [UInt8](blocks)
                var out = [Float](repeating: .nan, count: count)
                let done = source.withUnsafeBytes { ab_dequantize(type.type, $0.baseAddress! + shift, &out, count) }
                #expect(done)
                #expect(out.withUnsafeBytes { Data($0) } == want, "\(name) shift \(shift)")
            }
        }

        @Test func sameOnTwoThreads() {
            var random = Random(1)
            for type in Self.types {
                let count = 400 * 256
                let blocks = (0..<count / type.length * type.bytes).map { _ in UInt8(truncatingIfNeeded: random.bits()) }
                let outs = [Int32(1), 2].map { threads in
                    withThreads(threads) {
                        var out = [Float](repeating: 0, count: count)
                        #expect(ab_dequantize(type.type, blocks, &out, count))
                        return out
                    }
                }
                #expect(sameBits(outs[0], outs[1]), "\(type.name)")
            }
        }

        @Test func copiesF32AndRefusesWhatItCannotRead() {
            let x: [Float] = [1, -0.0, .infinity]
            var out = [Float](repeating: 0, count: 3)
            #expect(ab_dequantize(AB_F32, x, &out, 3) && sameBits(x, out))
            #expect(!ab_dequantize(AB_Q8_0, x, &out, 3), "not a whole block")
            let unknown = ab_type(rawValue: 9)
            #expect(ab_block_length(unknown) == 0 && ab_block_bytes(unknown) == 0)
            #expect(!ab_dequantize(unknown, x, &out, 0))
        }
    }
}
