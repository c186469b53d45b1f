import Synchronization

/// A matrix W (outputs, inputs) as the edit operators see it: a list of vectors that can be read one by one, which are
/// W's rows, or W's columns where it is stored transposed (the embedding). All sums are in f64 over fixed blocks of
/// vectors, so that results do not depend on the number of threads.
package struct EditableMatrix: Sendable {
    package let outputs: Int
    package let inputs: Int
    /// True where the stored vectors are W's columns.
    package let isTransposed: Bool
    private let read: @Sendable (Int, UnsafeMutableBufferPointer<Float>) throws -> Void

    private var vectorCount: Int { isTransposed ? inputs : outputs }
    private var vectorLength: Int { isTransposed ? outputs : inputs }

    package init(
        outputs: Int, inputs: Int, isTransposed: Bool = false,
        read: @escaping @Sendable (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
    ) {
        self.outputs = outputs
        self.inputs = inputs
        self.isTransposed = isTransposed
        self.read = read
    }

    /// A dense row-major matrix (outputs, inputs).
    package init(dense values: [Float], outputs: Int, inputs: Int) {
        self.init(outputs: outputs, inputs: inputs) { row, destination in
            for j in 0..<inputs { destination[j] = values[row * inputs + j] }
        }
    }

    /// (outputs) norms of the rows.
    package func rowNorms() throws -> [Double] { try isTransposed ? crossNorms() : vectorNorms() }
    /// (inputs) norms of the columns.
    package func columnNorms() throws -> [Double] { try isTransposed ? vectorNorms() : crossNorms() }
    /// (inputs) rᵀ W.
    package func leftProduct(_ r: [Double]) throws -> [Double] {
        try isTransposed ? dots(with: r) : combination(of: r)
    }
    /// (outputs) W a.
    package func rightProduct(_ a: [Double]) throws -> [Double] {
        try isTransposed ? combination(of: a) : dots(with: a)
    }

    /// All values, row-major (outputs, inputs).
    package func dense() throws -> [Float] {
        var values = [Float](repeating: 0, count: outputs * inputs)
        let isTransposed = isTransposed
        let (outputs, inputs) = (outputs, inputs)
        try values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values
            try forEachVector { index, vector in
                if isTransposed {
                    for i in 0..<outputs { values[i * inputs + index] = vector[i] }
                } else {
                    for j in 0..<inputs { values[index * inputs + j] = vector[j] }
                }
            }
        }
        return values
    }

    private func vectorNorms() throws -> [Double] {
        try perVector { vector in dot(vector, vector).squareRoot() }
    }

    private func dots(with other: [Double]) throws -> [Double] {
        try other.withUnsafeBufferPointer { other in
            nonisolated(unsafe) let other = other
            return try perVector { dot($0, other) }
        }
    }

    private func crossNorms() throws -> [Double] {
        try accumulate { _, vector, sums in
            for j in 0..<vector.count {
                let value = Double(vector[j])
                sums[j] += value * value
            }
        }.map { $0.squareRoot() }
    }

    private func combination(of weights: [Double]) throws -> [Double] {
        try accumulate { index, vector, sums in
            let weight = weights[index]
            for j in 0..<vector.count { sums[j] += weight * Double(vector[j]) }
        }
    }

    private func perVector(_ value: @Sendable (UnsafeBufferPointer<Float>) -> Double) throws -> [Double] {
        var results = [Double](repeating: 0, count: vectorCount)
        try results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            try forEachVector { results[$0] = value($1) }
        }
        return results
    }

    /// Sums over vectors: each block of 64 vectors into its own partial sum, the partial sums in order.
    private func accumulate(
        _ add: @Sendable (Int, UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Double>) -> Void
    ) throws -> [Double] {
        let length = vectorLength
        let block = max(64, (vectorCount + 255) / 256)
        let blocks = (vectorCount + block - 1) / block
        var partial = [Double](repeating: 0, count: blocks * length)
        try partial.withUnsafeMutableBufferPointer { partial in
            nonisolated(unsafe) let partial = partial
            try forEachVector(block: block) { index, vector in
                let start = index / block * length
                add(index, vector, UnsafeMutableBufferPointer(rebasing: partial[start..<start + length]))
            }
        }
        var sums = [Double](repeating: 0, count: length)
        for i in 0..<blocks {
            for j in 0..<length { sums[j] += partial[i * length + j] }
        }
        return sums
    }

    /// Every vector once; vectors of one block on one thread, in order.
    private func forEachVector(
        block: Int = 64, _ body: @Sendable (Int, UnsafeBufferPointer<Float>) -> Void
    ) throws {
        let (count, length) = (vectorCount, vectorLength)
        let failure = Mutex<(any Error)?>(nil)
        parallelFor((count + block - 1) / block, grain: 1) { blocks in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: length)
            defer { buffer.deallocate() }
            for index in blocks.lowerBound * block..<min(count, blocks.upperBound * block) {
                do {
                    try read(index, buffer)
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                    return
                }
                body(index, UnsafeBufferPointer(buffer))
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

/// Σ x y in f64 over eight interleaved sums, in one fixed order.
private func dot(_ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Double>) -> Double {
    var sums = SIMD8<Double>.zero
    var i = 0
    while i + 8 <= x.count {
        var a = SIMD8<Double>.zero
        var b = SIMD8<Double>.zero
        for lane in 0..<8 {
            a[lane] = Double(x[i + lane])
            b[lane] = y[i + lane]
        }
        sums += a * b
        i += 8
    }
    var sum = sums.sum()
    while i < x.count {
        sum += Double(x[i]) * y[i]
        i += 1
    }
    return sum
}

private func dot(_ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>) -> Double {
    var sums = SIMD8<Double>.zero
    var i = 0
    while i + 8 <= x.count {
        var a = SIMD8<Double>.zero
        var b = SIMD8<Double>.zero
        for lane in 0..<8 {
            a[lane] = Double(x[i + lane])
            b[lane] = Double(y[i + lane])
        }
        sums += a * b
        i += 8
    }
    var sum = sums.sum()
    while i < x.count {
        sum += Double(x[i]) * Double(y[i])
        i += 1
    }
    return sum
}
