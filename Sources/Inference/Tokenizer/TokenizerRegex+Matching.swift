extension TokenizerRegex {
    /// A choice to return to. `at` ≥ `least` scalars remain to give back for a loop; both equal for a plain branch.
    struct Frame {
        var pc: Int32
        var isLoop: Bool
        var at: Int
        var least: Int
    }

    /// Calls `body` with every match of `start..<end` in order, as Oniguruma's scan finds them: matches do not
    /// overlap, and an empty one right after another match is passed over. The text is `text[start..<end]` alone.
    @inline(__always)
    func forEachMatch(
        in text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ body: (_ start: Int, _ end: Int) -> Void
    ) {
        code.withUnsafeBufferPointer { code in
            sets.withUnsafeBufferPointer { sets in
                var matcher = RegexMatcher(text: text, start: start, end: end, code: code, sets: sets)
                var position = start
                var lastEnd = -1
                while position <= end {
                    guard let (from, to) = matcher.find(from: position, first: first) else { return }
                    if to == from, lastEnd == to {
                        if position >= end { return }
                        position += UTF8Text.length(lead: text[position])
                        continue
                    }
                    body(from, to)
                    position = to
                    lastEnd = to
                }
            }
        }
    }

    /// The matches as byte ranges; for rare uses and tests.
    package func matches(in bytes: [UInt8]) -> [Range<Int>] {
        var out: [Range<Int>] = []
        // A non-empty buffer, so that its base address exists.
        (bytes + [0]).withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            forEachMatch(in: base, 0, bytes.count) { out.append($0..<$1) }
        }
        return out
    }
}

struct RegexMatcher {
    typealias Frame = TokenizerRegex.Frame
    let text: UnsafePointer<UInt8>
    let start: Int
    let end: Int
    let code: UnsafeBufferPointer<TokenizerRegex.Instruction>
    let sets: UnsafeBufferPointer<ScalarSet>
    let table = UnicodeTable.shared
    var stack: [Frame] = []

    init(
        text: UnsafePointer<UInt8>, start: Int, end: Int, code: UnsafeBufferPointer<TokenizerRegex.Instruction>,
        sets: UnsafeBufferPointer<ScalarSet>
    ) {
        self.text = text
        self.start = start
        self.end = end
        self.code = code
        self.sets = sets
    }

    mutating func find(from position: Int, first: ScalarSet?) -> (Int, Int)? {
        var p = position
        while true {
            if let first {
                while p < end {
                    let (value, length) = UTF8Text.scalar(text, p)
                    if first.contains(value, table) { break }
                    p += length
                }
                if p >= end { return nil }
            }
            if let to = match(pc: 0, at: p) { return (p, to) }
            if p >= end { return nil }
            p += UTF8Text.length(lead: text[p])
        }
    }

    /// The end of one scalar of the set at `p`, or −1.
    @inline(__always)
    private func step(_ set: borrowing ScalarSet, _ p: Int) -> Int {
        guard p < end else { return -1 }
        let byte = text[p]
        if byte < 0x80 { return set.containsASCII(byte) ? p + 1 : -1 }
        let (value, length) = UTF8Text.scalar(text, p)
        return set.contains(value, table) ? p + length : -1
    }

    /// Runs the code from `pc` to its `accept`; where the match ends, or nil.
    mutating func match(pc startPC: Int, at position: Int) -> Int? {
        let base = stack.count
        defer { if stack.count > base { stack.removeLast(stack.count - base) } }
        var pc = startPC
        var p = position
        while true {
            var failed = false
            switch code[pc] {
            case .set(let s):
                let next = step(sets[s], p)
                if next < 0 { failed = true } else { p = next; pc += 1 }
            case .greedy(let s, let low, let high):
                var count = 0
                var least = p
                while count < high {
                    let next = step(sets[s], p)
                    if next < 0 { break }
                    p = next
                    count += 1
                    if count == low { least = p }
                }
                if count < low {
                    failed = true
                } else {
                    pc += 1
                    if p > least { stack.append(Frame(pc: Int32(pc), isLoop: true, at: p, least: least)) }
                }
            case .possessive(let s, let low, let high):
                var count = 0
                while count < high {
                    let next = step(sets[s], p)
                    if next < 0 { break }
                    p = next
                    count += 1
                }
                if count < low { failed = true } else { pc += 1 }
            case .split(let first, let second):
                stack.append(Frame(pc: Int32(second), isLoop: false, at: p, least: p))
                pc = first
            case .jump(let target): pc = target
            case .look(let isNegated, let next):
                if (match(pc: pc + 1, at: p) != nil) == isNegated { failed = true } else { pc = next }
            case .atomic(let next):
                if let to = match(pc: pc + 1, at: p) {
                    p = to
                    pc = next
                } else {
                    failed = true
                }
            case .accept: return p
            case let assertion:
                if holds(assertion, p) { pc += 1 } else { failed = true }
            }
            if failed {
                guard stack.count > base else { return nil }
                let top = stack.count - 1
                pc = Int(stack[top].pc)
                if stack[top].isLoop {
                    p = UTF8Text.start(before: stack[top].at, in: text)
                    if p > stack[top].least { stack[top].at = p } else { stack.removeLast() }
                } else {
                    p = stack[top].at
                    stack.removeLast()
                }
            }
        }
    }

    private func holds(_ assertion: TokenizerRegex.Instruction, _ p: Int) -> Bool {
        switch assertion {
        case .lineStart: return p == start || (text[p - 1] == 0x0A && p < end)
        case .lineEnd: return p == end || text[p] == 0x0A
        case .textStart: return p == start
        case .textEnd: return p == end
        case .textEndOrNewline: return p == end || (p == end - 1 && text[p] == 0x0A)
        case .wordBoundary(let isNegated):
            let before = p > start && isWord(UTF8Text.start(before: p, in: text))
            return (before != (p < end && isWord(p))) != isNegated
        default: return false
        }
    }

    private func isWord(_ p: Int) -> Bool {
        RegexParser.word.contains(UTF8Text.scalar(text, p).value, table)
    }
}
