import CKernels
import Synchronization

extension Precision {
    var kernel: ab_precision { self == .f32 ? AB_PRECISION_F32 : AB_PRECISION_BF16 }
    var kvType: ab_type { self == .f32 ? AB_F32 : AB_BF16 }
}

extension MLPSpec.Activation {
    var kernel: ab_activation {
        switch self {
        case .silu: AB_SILU
        case .geluTanh: AB_GELU_TANH
        case .gelu: AB_GELU_ERF
        case .relu: AB_RELU
        }
    }
}

/// Calls `body` with the values' address, or nil.
func withPointer<R>(_ values: [Float]?, _ body: (UnsafePointer<Float>?) -> R) -> R {
    guard let values else { return body(nil) }
    return values.withUnsafeBufferPointer { body($0.baseAddress) }
}

/// The backend over CKernels.
package struct CPUBackend: Backend {
    package init() {}

    package func makeWorkspace() -> CPUWorkspace { CPUWorkspace() }

    package func tensor(_ name: ScratchName, rows: Int, columns: Int, in workspace: CPUWorkspace) -> CPUTensor {
        CPUTensor(
            base: workspace.memory(name, count: rows * columns), rows: rows, columns: columns, stride: columns)
    }

    package func columns(_ range: Range<Int>, of tensor: CPUTensor) -> CPUTensor {
        CPUTensor(base: tensor.base + range.lowerBound, rows: tensor.rows, columns: range.count, stride: tensor.stride)
    }

    package func rows(_ range: Range<Int>, of tensor: CPUTensor) -> CPUTensor {
        CPUTensor(
            base: tensor.row(range.lowerBound), rows: range.count, columns: tensor.columns, stride: tensor.stride)
    }

    // MARK: Weights

    package func makeMatrix(
        outputs: Int, inputs: Int, precision: Precision,
        fill: @Sendable (_ rows: Range<Int>, _ destination: UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws -> PackedMatrix {
        let matrix = PackedMatrix(outputs: outputs, inputs: inputs, precision: precision)
        // About a megabyte of f32 at a time and thread.
        let chunk = max(1, min(outputs, (1 << 18) / max(inputs, 1)))
        let chunks = (outputs + chunk - 1) / chunk
        let failure = Mutex<(any Error)?>(nil)
        parallelFor(chunks, grain: 1) { range in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk * inputs)
            defer { buffer.deallocate() }
            for index in range {
                if failure.withLock({ $0 != nil }) { return }
                let rows = index * chunk..<min(outputs, (index + 1) * chunk)
                let part = UnsafeMutableBufferPointer(rebasing: buffer[0..<rows.count * inputs])
                do {
                    try fill(rows, part)
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                    return
                }
                ab_pack_rows(
                    precision.kernel, outputs, inputs, matrix.memory, part.baseAddress, rows.lowerBound, rows.count)
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return matrix
    }

    package func unpack(row: Int, of matrix: PackedMatrix, into destination: UnsafeMutableBufferPointer<Float>) {
        ab_unpack_row(
            matrix.precision.kernel, matrix.outputs, matrix.inputs, matrix.memory, row, destination.baseAddress)
    }

    // MARK: Moving data

    package func rowCount(_ tensor: CPUTensor) -> Int { tensor.rows }

    package func copy(_ x: CPUTensor, to out: CPUTensor) {
        for row in 0..<x.rows { out.row(row).update(from: x.row(row), count: x.columns) }
    }

    package func write(_ values: UnsafeBufferPointer<Float>, to tensor: CPUTensor) {
        guard let source = values.baseAddress else { return }
        for row in 0..<tensor.rows {
            tensor.row(row).update(from: source + row * tensor.columns, count: tensor.columns)
        }
    }

    package func read(row: Int, of tensor: CPUTensor) -> [Float] {
        Array(UnsafeBufferPointer(start: tensor.row(row), count: tensor.columns))
    }

    package func gather(_ x: CPUTensor, rows: [Int], out: CPUTensor) {
        for (i, row) in rows.enumerated() { out.row(i).update(from: x.row(row), count: x.columns) }
    }

    // MARK: Layers

    package func linear(
        _ x: CPUTensor, _ matrix: PackedMatrix, bias: [Float]?, overlay: LinearOverlay<PackedMatrix>?, out: CPUTensor,
        workspace: CPUWorkspace
    ) {
        guard let overlay else {
            product(x, matrix, bias: bias, out: out)
            return
        }
        var input = x
        if let scale = overlay.columnScale {
            input = tensor(.scaledInput, rows: x.rows, columns: x.columns, in: workspace)
            ab_scale_columns(x.base, x.rows, x.columns, scale, input.base)
        }
        let weights = overlay.matrix ?? matrix
        if let rowScale = overlay.rowScale {
            product(input, weights, bias: nil, out: out)
            ab_scale_columns(out.base, out.rows, out.columns, rowScale, out.base)
            if let bias = overlay.bias { addBias(bias, to: out) }
        } else {
            product(input, weights, bias: overlay.bias, out: out)
        }
        apply(overlay.steps, input: x, output: out, workspace: workspace)
    }

    private func product(_ x: CPUTensor, _ matrix: PackedMatrix, bias: [Float]?, out: CPUTensor) {
        withPointer(bias) { bias in
            ab_linear(
                matrix.precision.kernel, x.base, x.rows, matrix.memory, matrix.outputs, matrix.inputs, bias, out.base)
        }
    }

    private func addBias(_ bias: [Float], to out: CPUTensor) {
        for row in 0..<out.rows {
            let values = out.row(row)
            for j in 0..<out.columns { values[j] += bias[j] }
        }
    }

    /// The steps of an overlay on y = `output`; `input` is the map's own input, before any column scale.
    func apply(
        _ steps: [OverlayStep], input: CPUTensor, output: CPUTensor, workspace: CPUWorkspace
    ) {
        for step in steps {
            if workspace.coefficients.count < output.rows {
                workspace.coefficients = [Float](repeating: 0, count: output.rows)
            }
            switch step {
            case .lowRank(let a, let b):
                for rank in a.indices {
                    ab_dot_rows(input.base, input.rows, input.columns, a[rank], &workspace.coefficients)
                    ab_axpy_rows(output.base, output.rows, output.columns, workspace.coefficients, b[rank])
                }
            case .project(let alpha, let direction, let reference):
                ab_dot_rows(output.base, output.rows, output.columns, direction, &workspace.coefficients)
                for row in 0..<output.rows {
                    workspace.coefficients[row] = -alpha * (workspace.coefficients[row] - reference)
                }
                ab_axpy_rows(output.base, output.rows, output.columns, workspace.coefficients, direction)
            }
        }
    }

    package func norm(_ x: CPUTensor, _ norm: NormParameters, out: CPUTensor) {
        withPointer(norm.weight) { weight in
            withPointer(norm.bias) { bias in
                switch norm.kind {
                case .rms(let offset):
                    ab_rmsnorm(x.base, x.rows, x.columns, weight, norm.epsilon, offset, out.base)
                case .layer:
                    ab_layernorm(x.base, x.rows, x.columns, weight, bias, norm.epsilon, out.base)
                }
            }
        }
    }

    package func headNorm(_ x: CPUTensor, heads: Int, _ norm: NormParameters) {
        let width = x.columns / heads
        for row in 0..<x.rows {
            let heads = CPUTensor(base: x.row(row), rows: heads, columns: width, stride: width)
            self.norm(heads, norm, out: heads)
        }
    }

    package func rope(
        _ x: CPUTensor, heads: Int, headDim: Int, positions: [Int32], table: RopeTable, spec: RopeSpec
    ) {
        ab_rope(
            x.base, x.rows, x.stride, heads, headDim, spec.rotaryDim, positions, table.cosines, table.sines,
            spec.interleaved)
    }

    package func gated(_ activation: MLPSpec.Activation, gate: CPUTensor, up: CPUTensor, out: CPUTensor) {
        ab_gated(activation.kernel, gate.base, gate.stride, up.base, up.stride, out.rows, out.columns, out.base)
    }

    package func add(_ x: CPUTensor, _ y: CPUTensor, scale: Float) {
        ab_add(x.base, y.base, scale, x.rows * x.columns)
    }

    package func scale(_ x: CPUTensor, by factor: Float) {
        for i in 0..<x.rows * x.columns { x.base[i] *= factor }
    }

    // MARK: Attention

    package func makeSegment(layout: KVLayout, capacity: Int) -> CPUSegment {
        CPUSegment(layout: layout, capacity: capacity)
    }

    package func store(
        keys: CPUTensor, values: CPUTensor, segment: CPUSegment, layout: KVLayout, layer: Int, offset: Int
    ) {
        let width = layout.widths[layer]
        let start = offset * width * layout.bytesPerElement
        let (keyOffset, valueOffset) = segment.offsets[layer]
        ab_store_kv(
            layout.precision.kvType, keys.base, keys.stride, keys.rows, width, segment.memory + keyOffset + start, width
        )
        ab_store_kv(
            layout.precision.kvType, values.base, values.stride, values.rows, width,
            segment.memory + valueOffset + start, width)
    }

    package func attention(
        query: CPUTensor, jobs: [AttentionJob<CPUSegment>], shape: AttentionParameters, layout: KVLayout, layer: Int,
        out: CPUTensor, workspace: CPUWorkspace
    ) {
        let width = layout.widths[layer]
        workspace.kernelSegments.removeAll(keepingCapacity: true)
        workspace.kernelJobs.removeAll(keepingCapacity: true)
        for job in jobs {
            for (segment, length) in job.segments {
                let (keys, values) = segment.offsets[layer]
                workspace.kernelSegments.append(
                    ab_kv_segment(
                        keys: segment.memory + keys, values: segment.memory + values, length: length, stride: width))
            }
        }
        workspace.kernelSegments.withUnsafeBufferPointer { segments in
            var next = 0
            for job in jobs {
                workspace.kernelJobs.append(
                    ab_attention_job(
                        q: query.row(job.rows.lowerBound), q_stride: query.stride, queries: job.rows.count,
                        first_position: job.firstPosition, segments: segments.baseAddress.map { $0 + next },
                        segment_count: job.segments.count, out: out.row(job.rows.lowerBound), out_stride: out.stride))
                next += job.segments.count
            }
            withPointer(shape.sinks) { sinks in
                var kernelShape = ab_attention_shape(
                    heads: shape.heads, kv_heads: shape.kvHeads, head_dim: shape.headDim, scale: shape.scale,
                    softcap: shape.softcap, window: shape.window, sinks: sinks, kv_type: layout.precision.kvType)
                ab_attention(workspace.kernelJobs, workspace.kernelJobs.count, &kernelShape)
            }
        }
    }
}
