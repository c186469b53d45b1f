import Crypto

extension WeightEdits {
    /// Identifies the edits: sha256 over a canonical byte form, the same for equal edits on every machine. Writers
    /// come in the order of the forward pass, writers without edits are left out, numbers are little-endian.
    public var sha256: String {
        var bytes = CanonicalBytes()
        bytes.append("abench.edits.1")
        for writer in writers {
            guard let list = edits[writer], !list.isEmpty else { continue }
            bytes.append(writer.description)
            bytes.append(list.count)
            for edit in list { edit.append(to: &bytes) }
        }
        return bytes.sha256
    }
}

extension LinearEdit {
    fileprivate func append(to bytes: inout CanonicalBytes) {
        switch self {
        case .project(let alpha, let direction):
            bytes.append("project")
            bytes.append([alpha])
            bytes.append(direction)
        case .projectPreservingRowNorms(let alpha, let direction):
            bytes.append("project-row-norms")
            bytes.append([alpha])
            bytes.append(direction)
        case .projectPreservingColumnNorms(let alpha, let direction):
            bytes.append("project-column-norms")
            bytes.append([alpha])
            bytes.append(direction)
        case .projectRowNormalized(let alpha, let direction):
            bytes.append("project-row-normalized")
            bytes.append([alpha])
            bytes.append(direction)
        case .lowRank(let rank, let a, let b):
            bytes.append("low-rank")
            bytes.append(rank)
            bytes.append(a)
            bytes.append(b)
        case .affine(let alpha, let direction, let reference):
            bytes.append("affine")
            bytes.append([alpha, reference])
            bytes.append(direction)
        }
    }
}

/// Values as bytes, each with its length before it, so that different sequences of values never give the same bytes.
struct CanonicalBytes {
    private var hash = SHA256()

    mutating func append(_ text: String) {
        append(text.utf8.count)
        hash.update(data: Array(text.utf8))
    }

    mutating func append(_ number: Int) {
        withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).littleEndian) { hash.update(bufferPointer: $0) }
    }

    mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { hash.update(bufferPointer: $0) }
    }

    mutating func append(_ number: Double) { append(number.bitPattern) }

    /// Little-endian f32.
    mutating func append(_ values: [Float]) {
        append(values.count)
        values.map(\.bitPattern.littleEndian).withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    mutating func append(_ values: [Int32]) {
        append(values.count)
        values.map(\.littleEndian).withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    /// Lower-case hexadecimal.
    var sha256: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in hash.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
