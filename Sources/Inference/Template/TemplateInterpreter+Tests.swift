enum TemplateTests {
    static let names: Set<String> = [
        "odd", "even", "divisibleby", "defined", "undefined", "filter", "test", "none", "boolean", "false", "true",
        "integer", "float", "lower", "upper", "string", "mapping", "number", "sequence", "iterable", "callable",
        "sameas", "escaped", "in", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", "ge", ">=", "<", "lt",
        "lessthan", "<=", "le",
    ]
}

extension TemplateInterpreter {
    func test(_ name: String, _ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> Bool {
        func argument(_ keyword: String) throws -> TemplateValue {
            try arguments.check(name, [keyword], required: 1)
            return arguments.get(0, keyword) ?? .none
        }
        switch name {
        case "in": return try contains(try argument("seq"), value)
        case "==", "eq", "equalto": return try equal(value, try argument("b"))
        case "!=", "ne": return !(try equal(value, try argument("b")))
        case ">", "gt", "greaterthan": return try compare(.greater, value, try argument("b"))
        case ">=", "ge": return try compare(.greaterOrEqual, value, try argument("b"))
        case "<", "lt", "lessthan": return try compare(.less, value, try argument("b"))
        case "<=", "le": return try compare(.lessOrEqual, value, try argument("b"))
        case "divisibleby":
            return try equal(try binary(.modulo, value, try argument("num")), .int(0))
        case "sameas": return try isSame(value, try argument("other"))
        default: try arguments.check(name, [])
        }
        switch name {
        case "defined": return !value.isUndefined
        case "undefined": return value.isUndefined
        case "none": return value.isNone
        case "odd": return try equal(try binary(.modulo, value, .int(2)), .int(1))
        case "even": return try equal(try binary(.modulo, value, .int(2)), .int(0))
        case "boolean": if case .bool = value { return true } else { return false }
        case "true": if case .bool(true) = value { return true } else { return false }
        case "false": if case .bool(false) = value { return true } else { return false }
        case "integer": if case .int = value { return true } else { return false }
        case "float": if case .float = value { return true } else { return false }
        case "number": return number(value) != nil
        case "string": if case .string = value.plain { return true } else { return false }
        case "mapping": if case .dict = value { return true } else { return false }
        case "iterable": return isIterable(value)
        case "sequence":
            switch value {
            case .string, .markup, .list, .tuple, .dict, .range, .undefined: return true
            default: return false
            }
        case "callable":
            switch value {
            case .function, .method, .undefined: return true
            case .object(let id):
                switch objects[id] {
                case .macro, .loop, .joiner: return true
                default: return false
                }
            default: return false
            }
        case "lower": return try truth(try callMethod(.string(try str(value)), "islower", TemplateCallArguments()))
        case "upper": return try truth(try callMethod(.string(try str(value)), "isupper", TemplateCallArguments()))
        case "escaped": if case .markup = value { return true } else { return false }
        case "filter":
            if case .string(let s) = value {
                return TemplateFilters.names.contains(Self.swiftString(s))
            } else {
                return false
            }
        case "test":
            if case .string(let s) = value {
                return TemplateTests.names.contains(Self.swiftString(s))
            } else {
                return false
            }
        default: throw TemplateFault.runtime("no test named '\(name)'")
        }
    }

    /// Python's `is`, as far as it does not depend on how CPython shares objects.
    private func isSame(_ a: TemplateValue, _ b: TemplateValue) throws -> Bool {
        switch (a.plain, b.plain) {
        case (.none, .none): return true
        case (.bool(let x), .bool(let y)): return x == y
        case (.int(let x), .int(let y)): return x == y
        case (.string(let x), .string(let y)): return x == y
        case (.list(let x), .list(let y)), (.tuple(let x), .tuple(let y)): return x === y
        case (.dict(let x), .dict(let y)): return x === y
        case (.object(let x), .object(let y)): return x == y
        case (.undefined(let x), .undefined(let y)): return x === y
        default: return false
        }
    }
}
