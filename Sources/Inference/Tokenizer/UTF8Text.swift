/// Reading and writing of UTF-8 in byte arrays. Tokenizers work on bytes and scalars only: Swift compares strings by
/// canonical equivalence, under which different token texts collide.
package enum UTF8Text {
    /// The scalar that starts at `position` of valid UTF-8, and its length in bytes.
    @inline(__always)
    static func scalar(_ bytes: UnsafePointer<UInt8>, _ position: Int) -> (value: UInt32, length: Int) {
        let b0 = UInt32(bytes[position])
        if b0 < 0x80 { return (b0, 1) }
        let b1 = UInt32(bytes[position + 1]) & 0x3F
        if b0 < 0xE0 { return ((b0 & 0x1F) << 6 | b1, 2) }
        let b2 = UInt32(bytes[position + 2]) & 0x3F
        if b0 < 0xF0 { return ((b0 & 0x0F) << 12 | b1 << 6 | b2, 3) }
        return ((b0 & 0x07) << 18 | b1 << 12 | b2 << 6 | UInt32(bytes[position + 3]) & 0x3F, 4)
    }

    /// The length of the scalar whose first byte is `lead`, in valid UTF-8.
    @inline(__always)
    static func length(lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }

    /// The start of the scalar that ends before `position` > 0, in valid UTF-8.
    @inline(__always)
    static func start(before position: Int, in bytes: UnsafePointer<UInt8>) -> Int {
        var p = position - 1
        while bytes[p] & 0xC0 == 0x80 { p -= 1 }
        return p
    }

    @inline(__always)
    static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        if value < 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value))
        } else if value < 0x800 {
            bytes.append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        } else if value < 0x10000 {
            bytes.append(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        } else {
            bytes.append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 12 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        }
    }

    static func scalars(_ bytes: [UInt8]) -> [UInt32] {
        var out: [UInt32] = []
        out.reserveCapacity(bytes.count)
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var p = 0
            while p < buffer.count {
                let (value, length) = scalar(base, p)
                out.append(value)
                p += length
            }
        }
        return out
    }

    /// How the bytes from `position` begin: a valid scalar, an ill-formed part (the longest prefix of a valid scalar,
    /// at least one byte: the unit that one U+FFFD stands for), or a part that more bytes could complete.
    enum Sequence: Equatable { case valid(Int), invalid(Int), incomplete(Int) }

    /// Well-formed sequences as in table 3-7 of the Unicode Standard.
    static func sequence(_ bytes: some RandomAccessCollection<UInt8>, at position: Int) -> Sequence {
        var index = bytes.index(bytes.startIndex, offsetBy: position)
        let lead = bytes[index]
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        let needed: Int
        switch lead {
        case 0..<0x80: return .valid(1)
        case 0xC2...0xDF: needed = 1
        case 0xE0: (needed, low) = (2, 0xA0)
        case 0xED: (needed, high) = (2, 0x9F)
        case 0xE1...0xEF: needed = 2
        case 0xF0: (needed, low) = (3, 0x90)
        case 0xF4: (needed, high) = (3, 0x8F)
        case 0xF1...0xF3: needed = 3
        default: return .invalid(1)
        }
        for i in 0..<needed {
            index = bytes.index(after: index)
            if index == bytes.endIndex { return .incomplete(i + 1) }
            let byte = bytes[index]
            if byte < low || byte > high { return .invalid(i + 1) }
            (low, high) = (0x80, 0xBF)
        }
        return .valid(needed + 1)
    }

    static func isValid(_ bytes: some RandomAccessCollection<UInt8>) -> Bool {
        var p = 0
        while p < bytes.count {
            guard case .valid(let n) = sequence(bytes, at: p) else { return false }
            p += n
        }
        return true
    }

    static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// Valid UTF-8 with U+FFFD for every ill-formed part, as Python's `errors="replace"` and Rust's `from_utf8_lossy`.
    package static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        if isValid(bytes) { return bytes }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 16)
        var p = 0
        while p < bytes.count {
            switch sequence(bytes, at: p) {
            case .valid(let n):
                out.append(contentsOf: bytes[p..<p + n])
                p += n
            case .invalid(let n), .incomplete(let n):
                out.append(contentsOf: replacement)
                p += n
            }
        }
        return out
    }
}
