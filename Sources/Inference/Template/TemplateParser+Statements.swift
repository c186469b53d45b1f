extension TemplateParser {
    /// The whole template.
    mutating func parse() throws -> [TemplateStatement] {
        let body = try statements(until: [])
        if let fault = unknown.first { throw fault }
        return body
    }

    /// Statements up to a tag named in `ends` (left as the current token) or, with none, up to the end.
    private mutating func statements(until ends: [String]) throws -> [TemplateStatement] {
        statementDepth += 1
        defer { statementDepth -= 1 }
        if statementDepth > TemplateLimits.statementDepth {
            throw TemplateFault(kind: .limit, message: "tags are nested too deeply", line: line)
        }
        var body: [TemplateStatement] = []
        while true {
            let start = line
            switch current {
            case .data(let text):
                advance()
                body.append(TemplateStatement(kind: .data(text), line: start))
            case .variableBegin:
                advance()
                let node = try tuple()
                try expect(.variableEnd)
                body.append(TemplateStatement(kind: .output(node), line: start))
            case .blockBegin:
                advance()
                if case .name(let word) = current, ends.contains(word) { return body }
                body += try statement()
                try expect(.blockEnd)
            case .end:
                guard ends.isEmpty else {
                    let wanted = ends.map { "'\($0)'" }.joined(separator: " or ")
                    throw fail("unexpected end of the template: looking for \(wanted)")
                }
                return body
            default:
                throw fail("unexpected \(Self.describe(current))")
            }
        }
    }

    /// The body of a block tag: `%} … {% end`, with the end word consumed when there is only one.
    private mutating func block(until ends: [String], soft: Bool? = nil) throws -> [TemplateStatement] {
        _ = skip(.op(":"))
        try expect(.blockEnd)
        let before = isSoft
        if let soft { isSoft = soft }
        defer { isSoft = before }
        let body = try statements(until: ends)
        if ends.count == 1 { advance() }
        return body
    }

    private mutating func statement() throws -> [TemplateStatement] {
        let start = line
        guard case .name(let tag) = current else {
            throw fail("a tag name was expected, got \(Self.describe(current))")
        }
        advance()
        func make(_ kind: TemplateStatement.Kind) -> [TemplateStatement] {
            [TemplateStatement(kind: kind, line: start)]
        }
        switch tag {
        case "if": return make(try ifStatement())
        case "for": return make(try forStatement())
        case "set": return make(try setStatement())
        case "macro":
            let name = try expectName()
            let macro = try macro(name: name, end: "endmacro")
            return make(.macro(intern(name), macro))
        case "call":
            var parameters: [TemplateParameter]?
            if isOp("(") { parameters = try signature() }
            let callLine = line
            let call = try expression()
            guard case .call = call.kind else { throw TemplateFault.syntax("expected a call", line: callLine) }
            let body = try macro(name: nil, end: "endcall", parameters: parameters ?? [])
            return make(.callBlock(call, body))
        case "filter":
            let before = isSoft
            isSoft = false
            defer { isSoft = before }
            let filter = try filterChain()
            return make(.filterBlock(filter, body: try block(until: ["endfilter"])))
        case "generation":
            return make(
                .scoped(try detached { parser throws in try parser.block(until: ["endgeneration"], soft: false) }))
        case "with": return make(try withStatement())
        case "print":
            var result: [TemplateStatement] = []
            while current != .blockEnd {
                if !result.isEmpty { try expect(.op(",")) }
                result += make(.output(try expression()))
            }
            return result
        case "break", "continue":
            guard loopDepth > 0 else { throw TemplateFault.syntax("'\(tag)' outside a loop", line: start) }
            return make(tag == "break" ? .breakLoop : .continueLoop)
        case "extends", "block", "include", "import", "from", "autoescape":
            throw TemplateFault.syntax("the tag '\(tag)' is not supported in chat templates", line: start)
        default:
            throw TemplateFault.syntax("unknown tag '\(tag)'", line: start)
        }
    }

    /// Parses a body that becomes a function of its own: loops outside cannot be left from it.
    private mutating func detached<T>(_ parse: (inout TemplateParser) throws -> T) rethrows -> T {
        let depth = loopDepth
        loopDepth = 0
        defer { loopDepth = depth }
        return try parse(&self)
    }

    private mutating func ifStatement() throws -> TemplateStatement.Kind {
        var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
        let before = isSoft
        isSoft = true
        defer { isSoft = before }
        while true {
            let test = try tuple(withConditional: false)
            branches.append((test, try block(until: ["elif", "else", "endif"])))
            if skip(.name("elif")) { continue }
            if skip(.name("else")) { return .branches(branches, otherwise: try block(until: ["endif"])) }
            advance()
            return .branches(branches, otherwise: [])
        }
    }

    private mutating func forStatement() throws -> TemplateStatement.Kind {
        let target = try target(extraEnd: "in", allowsNamespace: false)
        try expect(.name("in"))
        let iterable = try tuple(withConditional: false, extraEnd: "recursive")
        var test: TemplateExpression?
        if skip(.name("if")) {
            let before = isSoft
            isSoft = false
            test = try expression()
            isSoft = before
        }
        let isRecursive = skip(.name("recursive"))
        let depth = loopDepth
        loopDepth += 1
        let body = try block(until: ["endfor", "else"], soft: false)
        loopDepth = isRecursive ? 0 : depth
        defer { loopDepth = depth }
        var otherwise: [TemplateStatement] = []
        if skip(.name("else")) {
            otherwise = try block(until: ["endfor"], soft: false)
        } else {
            advance()
        }
        return .loop(
            TemplateLoop(
                target: target, iterable: iterable, test: test, isRecursive: isRecursive, body: body,
                otherwise: otherwise))
    }

    private mutating func setStatement() throws -> TemplateStatement.Kind {
        let target = try target(extraEnd: nil, allowsNamespace: true)
        if skip(.op("=")) { return .set(target, try tuple()) }
        let before = isSoft
        isSoft = false
        defer { isSoft = before }
        let filter = isOp("|") ? try filterChain() : nil
        return .setBlock(target, filter: filter, body: try block(until: ["endset"]))
    }

    /// `name(args)|name…` for filter blocks, or `|name…` after a block assignment's target.
    private mutating func filterChain() throws -> TemplateExpression {
        _ = skip(.op("|"))
        var node = try filter(of: nil)
        while skip(.op("|")) { node = try filter(of: node) }
        return node
    }

    private mutating func withStatement() throws -> TemplateStatement.Kind {
        var bindings: [(TemplateTarget, TemplateExpression)] = []
        while current != .blockEnd {
            if !bindings.isEmpty { try expect(.op(",")) }
            let target = try target(extraEnd: nil, allowsNamespace: false)
            try expect(.op("="))
            bindings.append((target, try expression()))
        }
        return .with(bindings, body: try block(until: ["endwith"], soft: false))
    }

    private mutating func target(extraEnd: String?, allowsNamespace: Bool) throws -> TemplateTarget {
        var items: [TemplateTarget] = []
        var isTuple = false
        while true {
            if !items.isEmpty { try expect(.op(",")) }
            if case .name(let name) = current, name == extraEnd { break }
            if current == .blockEnd { break }
            items.append(try singleTarget(allowsNamespace: allowsNamespace))
            guard isOp(",") else { break }
            isTuple = true
        }
        if !isTuple {
            guard let only = items.first else {
                throw fail("expected a name to assign to, got \(Self.describe(current))")
            }
            return only
        }
        return .tuple(items)
    }

    private mutating func singleTarget(allowsNamespace: Bool) throws -> TemplateTarget {
        try enter()
        defer { leave() }
        if skip(.op("(")) {
            var items: [TemplateTarget] = []
            var isTuple = false
            while !isOp(")") {
                if !items.isEmpty { try expect(.op(",")) }
                if isOp(")") { break }
                items.append(try singleTarget(allowsNamespace: false))
                if isOp(",") { isTuple = true } else { break }
            }
            try expect(.op(")"))
            if items.count == 1, !isTuple { return items[0] }
            return .tuple(items)
        }
        guard case .name(let name) = current else { throw fail("cannot assign to \(Self.describe(current))") }
        if ["true", "false", "none", "True", "False", "None"].contains(name) {
            throw fail("cannot assign to '\(name)'")
        }
        advance()
        guard allowsNamespace, skip(.op(".")) else { return .name(intern(name)) }
        return .namespace(intern(name), attribute: try expectName())
    }

    private mutating func signature() throws -> [TemplateParameter] {
        try expect(.op("("))
        var parameters: [TemplateParameter] = []
        while !isOp(")") {
            if !parameters.isEmpty { try expect(.op(",")) }
            let start = line
            let name = try expectName()
            if parameters.contains(where: { $0.text.utf8.elementsEqual(name.utf8) }) {
                throw TemplateFault.syntax("parameter '\(name)' is repeated", line: start)
            }
            var value: TemplateExpression?
            if skip(.op("=")) {
                value = try expression()
            } else if parameters.last?.defaultValue != nil {
                throw TemplateFault.syntax("non-default argument follows default argument", line: start)
            }
            parameters.append(TemplateParameter(name: intern(name), text: name, defaultValue: value))
        }
        try expect(.op(")"))
        return parameters
    }

    private mutating func macro(name: String?, end: String, parameters known: [TemplateParameter]? = nil) throws
        -> TemplateMacro
    {
        let readBefore = namesRead
        let softBefore = isSoft
        isSoft = false
        namesRead = []
        let parameters = try known ?? signature()
        let body = try detached { parser throws in try parser.block(until: [end]) }
        isSoft = softBefore
        func uses(_ special: String) -> Bool {
            namesRead.contains(special) && !parameters.contains { $0.text == special }
        }
        let macro = TemplateMacro(
            name: name, parameters: parameters, body: body, usesVarargs: uses("varargs"), usesKwargs: uses("kwargs"),
            usesCaller: uses("caller"))
        namesRead.formUnion(readBefore)
        return macro
    }
}
