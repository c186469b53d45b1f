/// The regular expressions of tokenizer files, matched over the scalars of UTF-8 with the semantics of Oniguruma's Ruby
/// syntax, which the reference library uses: leftmost match, first alternative that leads to one, greedy unless marked.
///
/// A backtracking matcher: a loop over one class is a single instruction, so the usual patterns run without a stack.
/// What tokenizer files do not use (back-references, look-behind, named groups …) is an error, not a guess.
package struct TokenizerRegex: Sendable {
    enum Instruction: Sendable, Equatable {
        /// One scalar of the set.
        case set(Int)
        /// As many of the set as possible between the bounds, giving back one by one.
        case greedy(Int, min: Int, max: Int)
        /// As many as possible, giving nothing back.
        case possessive(Int, min: Int, max: Int)
        /// Try the first target, then the second.
        case split(Int, Int)
        case jump(Int)
        /// The code from the next instruction to its `accept` must match here (or not, when negated) without consuming.
        case look(isNegated: Bool, next: Int)
        /// The code from the next instruction to its `accept` matches at most one way.
        case atomic(next: Int)
        case lineStart, lineEnd, textStart, textEnd, textEndOrNewline
        case wordBoundary(isNegated: Bool)
        case accept
    }

    let pattern: String
    let code: [Instruction]
    let sets: [ScalarSet]
    /// Scalars that a match can begin with; nil when it may be empty or begin with an assertion.
    let first: ScalarSet?

    package struct Failure: Error {
        package var message: String
    }

    package init(_ pattern: String) throws(Failure) {
        self.pattern = pattern
        var parser = RegexParser(pattern)
        let node = try parser.parse()
        var compiler = RegexCompiler()
        try compiler.emit(node)
        compiler.code.append(.accept)
        code = compiler.code
        sets = compiler.sets
        first = RegexCompiler.firstSet(node)
    }

    /// A pattern that matches a text literally.
    init(literal text: String) throws(Failure) {
        self.pattern = text
        var compiler = RegexCompiler()
        try compiler.emit(.sequence(text.unicodeScalars.map { .set(ScalarSet($0.value)) }))
        compiler.code.append(.accept)
        code = compiler.code
        sets = compiler.sets
        first = text.unicodeScalars.first.map { ScalarSet($0.value) }
    }
}

/// The syntax tree of a pattern.
indirect enum RegexNode {
    case set(ScalarSet)
    case sequence([RegexNode])
    case alternation([RegexNode])
    case `repeat`(RegexNode, min: Int, max: Int, RegexGreed)
    case look(RegexNode, isNegated: Bool)
    case atomic(RegexNode)
    case assertion(TokenizerRegex.Instruction)

    /// Whether it can match without consuming.
    var canBeEmpty: Bool {
        switch self {
        case .set: false
        case .sequence(let items): items.allSatisfy(\.canBeEmpty)
        case .alternation(let items): items.contains(where: \.canBeEmpty)
        case .repeat(let item, let min, _, _): min == 0 || item.canBeEmpty
        case .look, .assertion: true
        case .atomic(let item): item.canBeEmpty
        }
    }
}

enum RegexGreed { case greedy, lazy, possessive }

/// Turns the tree into instructions.
struct RegexCompiler {
    var code: [TokenizerRegex.Instruction] = []
    var sets: [ScalarSet] = []
    /// Nodes visited, of which those without instructions count too.
    private var steps = 0

    /// Longest program: a bound against patterns whose counted repeats multiply.
    private static let limit = 20_000

    mutating func index(of set: ScalarSet) -> Int {
        if let known = sets.firstIndex(of: set) { return known }
        sets.append(set)
        return sets.count - 1
    }

    mutating func emit(_ node: RegexNode) throws(TokenizerRegex.Failure) {
        steps += 1
        guard code.count < Self.limit, steps < 10 * Self.limit else {
            throw TokenizerRegex.Failure(message: "the pattern is too large")
        }
        switch node {
        case .set(let set):
            code.append(.set(index(of: set)))
        case .sequence(let items):
            for item in items { try emit(item) }
        case .alternation(let items):
            var ends: [Int] = []
            for (i, item) in items.enumerated() {
                guard i < items.count - 1 else {
                    try emit(item)
                    break
                }
                let split = code.count
                code.append(.accept)
                try emit(item)
                ends.append(code.count)
                code.append(.accept)
                code[split] = .split(split + 1, code.count)
            }
            for end in ends { code[end] = .jump(code.count) }
        case .repeat(let item, let min, let max, let greed):
            try emitRepeat(item, min: min, max: max, greed)
        case .look(let item, let isNegated):
            let start = code.count
            code.append(.accept)
            try emit(item)
            code.append(.accept)
            code[start] = .look(isNegated: isNegated, next: code.count)
        case .atomic(let item):
            let start = code.count
            code.append(.accept)
            try emit(item)
            code.append(.accept)
            code[start] = .atomic(next: code.count)
        case .assertion(let instruction):
            code.append(instruction)
        }
    }

    private mutating func emitRepeat(
        _ item: RegexNode, min: Int, max: Int, _ greed: RegexGreed
    ) throws(TokenizerRegex.Failure) {
        if case .set(let set) = item, greed != .lazy {
            let number = index(of: set)
            code.append(
                greed == .greedy ? .greedy(number, min: min, max: max) : .possessive(number, min: min, max: max))
            return
        }
        if greed == .possessive { return try emit(.atomic(.repeat(item, min: min, max: max, .greedy))) }
        if max == .max, item.canBeEmpty {
            throw TokenizerRegex.Failure(message: "an unbounded repeat of something that may be empty")
        }
        for _ in 0..<min { try emit(item) }
        if max == .max {
            let split = code.count
            code.append(.accept)
            try emit(item)
            code.append(.jump(split))
            code[split] = greed == .lazy ? .split(code.count, split + 1) : .split(split + 1, code.count)
            return
        }
        guard max > min else { return }
        var splits: [Int] = []
        for _ in min..<max {
            splits.append(code.count)
            code.append(.accept)
            try emit(item)
        }
        for split in splits {
            code[split] = greed == .lazy ? .split(code.count, split + 1) : .split(split + 1, code.count)
        }
    }

    /// The scalars a match can begin with, or nil when unknown.
    static func firstSet(_ node: RegexNode) -> ScalarSet? {
        switch node {
        case .set(let set): return set
        case .sequence(let items):
            var union = ScalarSet()
            for item in items {
                if case .look = item { return nil }
                if case .assertion = item { return nil }
                guard let set = firstSet(item) else { return nil }
                union.formUnion(set)
                if !item.canBeEmpty { return union }
            }
            return nil
        case .alternation(let items):
            var union = ScalarSet()
            for item in items {
                guard !item.canBeEmpty, let set = firstSet(item) else { return nil }
                union.formUnion(set)
            }
            return union
        case .repeat(let item, _, _, _), .atomic(let item): return firstSet(item)
        case .look, .assertion: return nil
        }
    }
}
