import CKernels
import Foundation

/// A matrix in host memory, row-major with `stride` elements from row to row.
package struct CPUTensor {
    package let base: UnsafeMutablePointer<Float>
    package let rows: Int
    package let columns: Int
    package let stride: Int

    /// Rows follow each other without a gap.
    package var isContiguous: Bool { stride == columns || rows <= 1 }
    package func row(_ i: Int) -> UnsafeMutablePointer<Float> { base + i * stride }
}

/// Weights packed for the kernels, (outputs, inputs). Immutable once made.
package final class PackedMatrix: Sendable {
    package let outputs: Int
    package let inputs: Int
    package let precision: Precision
    package let bytes: Int
    nonisolated(unsafe) let memory: UnsafeMutableRawPointer

    init(outputs: Int, inputs: Int, precision: Precision) {
        self.outputs = outputs
        self.inputs = inputs
        self.precision = precision
        bytes = ab_packed_bytes(precision.kernel, outputs, inputs)
        memory = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 64), alignment: 64)
        memset(memory, 0, bytes)
    }

    deinit { memory.deallocate() }
}

/// Keys and values of up to `capacity` positions in every layer.
package final class CPUSegment: Sendable {
    package let capacity: Int
    nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    /// Byte offset of (layer, keys) and (layer, values).
    let offsets: [(keys: Int, values: Int)]
    package let bytes: Int

    init(layout: KVLayout, capacity: Int) {
        self.capacity = capacity
        var offset = 0
        offsets = layout.widths.map { width in
            let size = (width * capacity * layout.bytesPerElement + 63) / 64 * 64
            defer { offset += 2 * size }
            return (offset, offset + size)
        }
        bytes = offset
        memory = UnsafeMutableRawPointer.allocate(byteCount: max(offset, 64), alignment: 64)
    }

    deinit { memory.deallocate() }
}

/// Scratch memory by name, kept from step to step.
package final class CPUWorkspace {
    var buffers: [(memory: UnsafeMutablePointer<Float>?, capacity: Int)]
    var kernelJobs: [ab_attention_job] = []
    var kernelSegments: [ab_kv_segment] = []
    var coefficients: [Float] = []

    init() {
        buffers = Array(repeating: (nil, 0), count: ScratchName.allCases.count)
    }

    deinit { for buffer in buffers { buffer.memory?.deallocate() } }

    func memory(_ name: ScratchName, count: Int) -> UnsafeMutablePointer<Float> {
        let (memory, capacity) = buffers[name.rawValue]
        if let memory, capacity >= count { return memory }
        memory?.deallocate()
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 16) * 4, alignment: 64)
        let grown = raw.bindMemory(to: Float.self, capacity: max(count, 16))
        buffers[name.rawValue] = (grown, max(count, 16))
        return grown
    }
}
