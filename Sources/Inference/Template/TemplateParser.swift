/// Turns tokens into statements, following Jinja2's grammar. Statements are in `TemplateParser+Statements.swift`.
struct TemplateParser {
    let tokens: [(token: TemplateToken, line: Int)]
    var position = 0
    var names: [String] = []
    var nameIndex: [String: Int] = [:]
    var expressionDepth = 0
    var statementDepth = 0
    var loopDepth = 0
    /// Inside an `if`, where Jinja reports unknown filters and tests only when they are reached.
    var isSoft = false
    var unknown: [TemplateFault] = []
    /// Names read since the start of the macro being parsed, to know whether it takes varargs, kwargs, caller.
    var namesRead: Set<String> = []

    init(_ source: String) throws {
        tokens = try TemplateLexer.tokenize(source)
    }

    // MARK: Tokens

    var current: TemplateToken { tokens[position].token }
    var line: Int { tokens[position].line }
    var next: TemplateToken { position + 1 < tokens.count ? tokens[position + 1].token : .end }

    mutating func advance() { if position + 1 < tokens.count { position += 1 } }

    func isName(_ name: String) -> Bool { current == .name(name) }
    func isOp(_ op: String) -> Bool { current == .op(op) }

    mutating func skip(_ token: TemplateToken) -> Bool {
        guard current == token else { return false }
        advance()
        return true
    }

    mutating func expect(_ token: TemplateToken) throws {
        guard skip(token) else { throw fail("expected \(Self.describe(token)), got \(Self.describe(current))") }
    }

    mutating func expectName() throws -> String {
        guard case .name(let name) = current else { throw fail("expected a name, got \(Self.describe(current))") }
        advance()
        return name
    }

    func fail(_ message: String) -> TemplateFault { .syntax(message, line: line) }

    static func describe(_ token: TemplateToken) -> String {
        switch token {
        case .data: "text"
        case .variableBegin: "'{{'"
        case .variableEnd: "'}}'"
        case .blockBegin: "'{%'"
        case .blockEnd: "'%}'"
        case .name(let name): "'\(name)'"
        case .string: "a string"
        case .integer(let i): "'\(i)'"
        case .float(let d): "'\(d)'"
        case .op(let op): "'\(op)'"
        case .end: "the end of the template"
        }
    }

    mutating func intern(_ name: String) -> Int {
        if let index = nameIndex[name] { return index }
        names.append(name)
        nameIndex[name] = names.count - 1
        return names.count - 1
    }

    // MARK: Nesting

    mutating func enter() throws {
        expressionDepth += 1
        if expressionDepth > TemplateLimits.expressionDepth {
            throw TemplateFault(kind: .limit, message: "the expression is nested too deeply", line: line)
        }
    }

    mutating func leave() { expressionDepth -= 1 }

    /// Left-associative chains nest without recursion in the parser; their length is bounded for the evaluator's sake.
    func checkChain(_ length: inout Int) throws {
        length += 1
        if length > TemplateLimits.treeDepth {
            throw TemplateFault(kind: .limit, message: "the expression is a chain of too many operations", line: line)
        }
    }

    // MARK: Expressions

    mutating func expression(withConditional: Bool = true) throws -> TemplateExpression {
        try enter()
        defer { leave() }
        return withConditional ? try conditional() : try or()
    }

    private mutating func conditional() throws -> TemplateExpression {
        try enter()
        defer { leave() }
        let firstUnknown = unknown.count
        var start = line
        var result = try or()
        var chain = 0
        while skip(.name("if")) {
            try checkChain(&chain)
            let test = try or()
            let otherwise = skip(.name("else")) ? try conditional() : nil
            result = TemplateExpression(.conditional(test: test, then: result, otherwise: otherwise), line: start)
            start = line
            // Jinja looks these up when the expression is evaluated.
            unknown.removeSubrange(min(firstUnknown, unknown.count)...)
        }
        return result
    }

    private mutating func or() throws -> TemplateExpression {
        let start = line
        var left = try and()
        var chain = 0
        while skip(.name("or")) {
            try checkChain(&chain)
            left = TemplateExpression(.or(left, try and()), line: start)
        }
        return left
    }

    private mutating func and() throws -> TemplateExpression {
        let start = line
        var left = try not()
        var chain = 0
        while skip(.name("and")) {
            try checkChain(&chain)
            left = TemplateExpression(.and(left, try not()), line: start)
        }
        return left
    }

    private mutating func not() throws -> TemplateExpression {
        let start = line
        guard skip(.name("not")) else { return try comparison() }
        try enter()
        defer { leave() }
        return TemplateExpression(.not(try not()), line: start)
    }

    private mutating func comparison() throws -> TemplateExpression {
        let start = line
        let left = try sum()
        var operands: [(TemplateComparison, TemplateExpression)] = []
        while true {
            if case .op(let text) = current, let op = TemplateComparison(rawValue: text) {
                advance()
                operands.append((op, try sum()))
            } else if skip(.name("in")) {
                operands.append((.isIn, try sum()))
            } else if isName("not"), next == .name("in") {
                advance()
                advance()
                operands.append((.notIn, try sum()))
            } else {
                break
            }
        }
        return operands.isEmpty ? left : TemplateExpression(.compare(left, operands), line: start)
    }

    private mutating func sum() throws -> TemplateExpression {
        var start = line
        var left = try concatenation()
        var chain = 0
        while isOp("+") || isOp("-") {
            try checkChain(&chain)
            let op: TemplateOperator = isOp("+") ? .add : .subtract
            advance()
            left = TemplateExpression(.binary(op, left, try concatenation()), line: start)
            start = line
        }
        return left
    }

    private mutating func concatenation() throws -> TemplateExpression {
        let start = line
        var parts = [try product()]
        while skip(.op("~")) { parts.append(try product()) }
        return parts.count == 1 ? parts[0] : TemplateExpression(.concat(parts), line: start)
    }

    private mutating func product() throws -> TemplateExpression {
        var start = line
        var left = try power()
        var chain = 0
        while case .op(let text) = current, ["*", "/", "//", "%"].contains(text),
            let op = TemplateOperator(rawValue: text)
        {
            try checkChain(&chain)
            advance()
            left = TemplateExpression(.binary(op, left, try power()), line: start)
            start = line
        }
        return left
    }

    private mutating func power() throws -> TemplateExpression {
        let start = line
        var left = try unary()
        var chain = 0
        while skip(.op("**")) {
            try checkChain(&chain)
            left = TemplateExpression(.binary(.power, left, try unary()), line: start)
        }
        return left
    }

    private mutating func unary(withFilter: Bool = true) throws -> TemplateExpression {
        try enter()
        defer { leave() }
        let start = line
        var node: TemplateExpression
        if skip(.op("-")) {
            node = TemplateExpression(.negate(try unary(withFilter: false)), line: start)
        } else if skip(.op("+")) {
            node = TemplateExpression(.plus(try unary(withFilter: false)), line: start)
        } else {
            node = try primary()
        }
        node = try postfix(node)
        return withFilter ? try filters(node) : node
    }

    mutating func primary() throws -> TemplateExpression {
        let start = line
        switch current {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return TemplateExpression(.bool(true), line: start)
            case "false", "False": return TemplateExpression(.bool(false), line: start)
            case "none", "None": return TemplateExpression(.none, line: start)
            default:
                namesRead.insert(name)
                return TemplateExpression(.name(intern(name)), line: start)
            }
        case .string(var text):
            advance()
            while case .string(let more) = current {
                text += more
                advance()
            }
            return TemplateExpression(.string(text), line: start)
        case .integer(let value):
            advance()
            return TemplateExpression(.int(value), line: start)
        case .float(let value):
            advance()
            return TemplateExpression(.float(value), line: start)
        case .op("("):
            advance()
            let node = try tuple(explicitParentheses: true)
            try expect(.op(")"))
            return node
        case .op("["):
            advance()
            var items: [TemplateExpression] = []
            while !isOp("]") {
                if !items.isEmpty { try expect(.op(",")) }
                if isOp("]") { break }
                items.append(try expression())
            }
            try expect(.op("]"))
            return TemplateExpression(.list(items), line: start)
        case .op("{"):
            advance()
            var items: [(TemplateExpression, TemplateExpression)] = []
            while !isOp("}") {
                if !items.isEmpty { try expect(.op(",")) }
                if isOp("}") { break }
                let key = try expression()
                try expect(.op(":"))
                items.append((key, try expression()))
            }
            try expect(.op("}"))
            return TemplateExpression(.dict(items), line: start)
        default:
            throw fail("unexpected \(Self.describe(current))")
        }
    }

    private func isTupleEnd(_ extra: String?) -> Bool {
        switch current {
        case .variableEnd, .blockEnd, .op(")"): true
        case .name(let name): name == extra
        default: false
        }
    }

    mutating func tuple(
        withConditional: Bool = true, extraEnd: String? = nil, explicitParentheses: Bool = false
    ) throws -> TemplateExpression {
        let start = line
        var items: [TemplateExpression] = []
        var isTuple = false
        while true {
            if !items.isEmpty { try expect(.op(",")) }
            if isTupleEnd(extraEnd) { break }
            items.append(try expression(withConditional: withConditional))
            guard isOp(",") else { break }
            isTuple = true
        }
        if !isTuple {
            if let only = items.first { return only }
            guard explicitParentheses else { throw fail("expected an expression, got \(Self.describe(current))") }
        }
        return TemplateExpression(.tuple(items), line: start)
    }

    mutating func postfix(_ start: TemplateExpression) throws -> TemplateExpression {
        var node = start
        var chain = 0
        while true {
            if isOp(".") || isOp("[") {
                try checkChain(&chain)
                node = try subscripted(node)
            } else if isOp("(") {
                try checkChain(&chain)
                let line = line
                node = TemplateExpression(.call(node, try arguments()), line: line)
            } else {
                return node
            }
        }
    }

    private mutating func filters(_ start: TemplateExpression) throws -> TemplateExpression {
        var node = start
        var chain = 0
        while true {
            if isOp("|") {
                try checkChain(&chain)
                advance()
                node = try filter(of: node)
            } else if isName("is") {
                try checkChain(&chain)
                node = try test(node)
            } else if isOp("(") {
                // A call after a filter calls the filter's result, as in Jinja.
                try checkChain(&chain)
                let line = line
                node = TemplateExpression(.call(node, try arguments()), line: line)
            } else {
                return node
            }
        }
    }

    /// A filter's name and arguments, after the `|`.
    mutating func filter(of operand: TemplateExpression?) throws -> TemplateExpression {
        let start = line
        var name = try expectName()
        while skip(.op(".")) { name += "." + (try expectName()) }
        let args = isOp("(") ? try arguments() : TemplateArguments()
        if !isSoft, !TemplateFilters.names.contains(name) {
            unknown.append(.syntax("no filter named '\(name)'", line: start))
        }
        return TemplateExpression(.filter(operand, name, args), line: start)
    }

    private mutating func test(_ operand: TemplateExpression) throws -> TemplateExpression {
        let start = line
        advance()
        let negated = skip(.name("not"))
        var name = try expectName()
        while skip(.op(".")) { name += "." + (try expectName()) }
        var args = TemplateArguments()
        var takesArgument = false
        switch current {
        case .op("("): args = try arguments()
        case .name(let word): takesArgument = !["else", "or", "and"].contains(word)
        case .string, .integer, .float, .op("["), .op("{"): takesArgument = true
        default: break
        }
        if takesArgument {
            if isName("is") { throw fail("tests cannot be chained with is") }
            args.positional = [try postfix(try primary())]
        }
        if !isSoft, !TemplateTests.names.contains(name) {
            unknown.append(.syntax("no test named '\(name)'", line: start))
        }
        let node = TemplateExpression(.test(operand, name, args), line: start)
        return negated ? TemplateExpression(.not(node), line: start) : node
    }

    private mutating func subscripted(_ node: TemplateExpression) throws -> TemplateExpression {
        let start = line
        if skip(.op(".")) {
            switch current {
            case .name(let name):
                advance()
                return TemplateExpression(.attribute(node, name), line: start)
            case .integer(let index):
                advance()
                return TemplateExpression(.item(node, TemplateExpression(.int(index), line: start)), line: start)
            default: throw fail("expected a name or a number after '.'")
            }
        }
        try expect(.op("["))
        var parts: [TemplateExpression] = []
        var slice: TemplateExpression?
        while !isOp("]") {
            if !parts.isEmpty || slice != nil { try expect(.op(",")) }
            if slice != nil { throw fail("slices in a tuple subscript are not supported") }
            var lower: TemplateExpression?
            if !isOp(":") {
                let value = try expression()
                guard isOp(":") else {
                    parts.append(value)
                    continue
                }
                lower = value
            }
            guard parts.isEmpty else { throw fail("slices in a tuple subscript are not supported") }
            advance()
            var upper: TemplateExpression?
            var step: TemplateExpression?
            if !isOp(":"), !isOp("]"), !isOp(",") { upper = try expression() }
            if skip(.op(":")), !isOp("]"), !isOp(",") { step = try expression() }
            slice = TemplateExpression(.slice(node, lower, upper, step), line: start)
        }
        try expect(.op("]"))
        if let slice { return slice }
        let key = parts.count == 1 ? parts[0] : TemplateExpression(.tuple(parts), line: start)
        return TemplateExpression(.item(node, key), line: start)
    }

    mutating func arguments() throws -> TemplateArguments {
        let start = line
        try expect(.op("("))
        var result = TemplateArguments()
        func ensure(_ condition: Bool) throws {
            if !condition { throw TemplateFault.syntax("invalid syntax in call arguments", line: start) }
        }
        var needsComma = false
        while !isOp(")") {
            if needsComma {
                try expect(.op(","))
                if isOp(")") { break }
            }
            if skip(.op("*")) {
                try ensure(result.spread == nil && result.keywordSpread == nil)
                result.spread = try expression()
            } else if skip(.op("**")) {
                try ensure(result.keywordSpread == nil)
                result.keywordSpread = try expression()
            } else if case .name(let key) = current, next == .op("=") {
                try ensure(result.keywordSpread == nil)
                advance()
                advance()
                if result.keywords.contains(where: { $0.name.utf8.elementsEqual(key.utf8) }) {
                    throw fail("keyword argument '\(key)' is repeated")
                }
                result.keywords.append((key, try expression()))
            } else {
                try ensure(result.spread == nil && result.keywordSpread == nil && result.keywords.isEmpty)
                result.positional.append(try expression())
            }
            needsComma = true
        }
        try expect(.op(")"))
        return result
    }
}
