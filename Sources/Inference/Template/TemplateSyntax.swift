/// An expression of a template.
final class TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case none
        case bool(Bool)
        case int(Int)
        case float(Double)
        case string(PyText)
        /// Index into the template's table of names.
        case name(Int)
        case tuple([TemplateExpression])
        case list([TemplateExpression])
        case dict([(TemplateExpression, TemplateExpression)])
        case attribute(TemplateExpression, String)
        case item(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, TemplateExpression?, TemplateExpression?, TemplateExpression?)
        case call(TemplateExpression, TemplateArguments)
        /// A nil operand stands for the body of a filter block.
        case filter(TemplateExpression?, String, TemplateArguments)
        case test(TemplateExpression, String, TemplateArguments)
        case not(TemplateExpression)
        case negate(TemplateExpression)
        case plus(TemplateExpression)
        case and(TemplateExpression, TemplateExpression)
        case or(TemplateExpression, TemplateExpression)
        case binary(TemplateOperator, TemplateExpression, TemplateExpression)
        case concat([TemplateExpression])
        case compare(TemplateExpression, [(TemplateComparison, TemplateExpression)])
        case conditional(test: TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
    }

    let kind: Kind
    let line: Int

    init(_ kind: Kind, line: Int) {
        self.kind = kind
        self.line = line
    }
}

struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var keywords: [(name: String, value: TemplateExpression)] = []
    var spread: TemplateExpression?
    var keywordSpread: TemplateExpression?
}

enum TemplateOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

enum TemplateComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case notIn = "not in"
}

indirect enum TemplateTarget: Sendable {
    case name(Int)
    case namespace(Int, attribute: String)
    case tuple([TemplateTarget])
}

struct TemplateParameter: Sendable {
    let name: Int
    let text: String
    let defaultValue: TemplateExpression?
}

/// A macro, or the body of a call block.
final class TemplateMacro: Sendable {
    let name: String?
    let parameters: [TemplateParameter]
    let body: [TemplateStatement]
    let usesVarargs: Bool
    let usesKwargs: Bool
    let usesCaller: Bool

    init(
        name: String?, parameters: [TemplateParameter], body: [TemplateStatement], usesVarargs: Bool, usesKwargs: Bool,
        usesCaller: Bool
    ) {
        self.name = name
        self.parameters = parameters
        self.body = body
        self.usesVarargs = usesVarargs
        self.usesKwargs = usesKwargs
        self.usesCaller = usesCaller
    }
}

final class TemplateLoop: Sendable {
    let target: TemplateTarget
    let iterable: TemplateExpression
    let test: TemplateExpression?
    let isRecursive: Bool
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]

    init(
        target: TemplateTarget, iterable: TemplateExpression, test: TemplateExpression?, isRecursive: Bool,
        body: [TemplateStatement], otherwise: [TemplateStatement]
    ) {
        self.target = target
        self.iterable = iterable
        self.test = test
        self.isRecursive = isRecursive
        self.body = body
        self.otherwise = otherwise
    }
}

struct TemplateStatement: Sendable {
    indirect enum Kind: Sendable {
        case data(PyText)
        case output(TemplateExpression)
        case branches([(test: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
        case loop(TemplateLoop)
        case set(TemplateTarget, TemplateExpression)
        case setBlock(TemplateTarget, filter: TemplateExpression?, body: [TemplateStatement])
        case macro(Int, TemplateMacro)
        case callBlock(TemplateExpression, TemplateMacro)
        case filterBlock(TemplateExpression, body: [TemplateStatement])
        case with([(TemplateTarget, TemplateExpression)], body: [TemplateStatement])
        /// `{% generation %}`: rendered like a caller, in its own scope.
        case scoped([TemplateStatement])
        case breakLoop
        case continueLoop
    }

    let kind: Kind
    let line: Int
}
