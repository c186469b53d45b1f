import Foundation

extension TemplateInterpreter {
    /// Filters that work on sequences.
    func sequenceFilter(_ name: String, _ value: TemplateValue, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        switch name {
        case "join": return try join(value, arguments)
        case "first":
            return try iterate(value).next() ?? .undefined(TemplateUndefined("no first item, sequence was empty"))
        case "last":
            if case .object = value { throw TemplateFault.runtime("'\(value.typeName)' object is not reversible") }
            return try array(value).last ?? .undefined(TemplateUndefined("no last item, sequence was empty"))
        case "list": return try list(try array(value))
        case "items":
            if value.isUndefined { return try generator(from: value) { try $0.next() } }
            guard case .dict(let d) = value else {
                // A generator in Jinja: the complaint comes when it is drawn on.
                return try generator(from: value) { _ in
                    throw TemplateFault.runtime("can only get item pairs from a mapping")
                }
            }
            return try generator(from: .view(.items, d)) { try $0.next() }
        case "reverse":
            if case .string(let s) = value { return try string(s.reversed()) }
            let items = try array(value)
            return try generator(from: try list(items.reversed())) { try $0.next() }
        case "sort":
            try arguments.check(name, ["reverse", "case_sensitive", "attribute"])
            let keys = try keyed(
                value, arguments.get(2, "attribute"), caseSensitive: try flag(arguments.get(1, "case_sensitive")))
            return try list(try sorted(keys, reverse: try flag(arguments.get(0, "reverse"))).map { $0.item })
        case "dictsort":
            try arguments.check(name, ["case_sensitive", "by", "reverse"])
            let by = try arguments.get(1, "by").map { Self.swiftString(try str($0)) } ?? "key"
            guard by == "key" || by == "value" else {
                throw TemplateFault.runtime("dictsort: by must be 'key' or 'value'")
            }
            guard case .dict(let d) = value else { throw mismatch("dictsort", value) }
            let sensitive = try flag(arguments.get(0, "case_sensitive"))
            var keys: [(key: TemplateValue, item: TemplateValue)] = []
            for i in 0..<d.count {
                let key = by == "key" ? d.keys[i] : d.values[i]
                keys.append((sensitive ? key : folded(key), try d.pair(i)))
            }
            return try list(try sorted(keys, reverse: try flag(arguments.get(2, "reverse"))).map { $0.item })
        case "unique":
            try arguments.check(name, ["case_sensitive", "attribute"])
            let sensitive = try flag(arguments.get(0, "case_sensitive"))
            let attribute = arguments.get(1, "attribute")
            var seen: Set<TemplateKey> = []
            return try generator(from: value) { [unowned self] input in
                while let item = try input.next() {
                    try self.charge(1)
                    var key = try attribute.map { try self.lookup(path: $0, in: item) } ?? item
                    if !sensitive { key = self.folded(key) }
                    guard let hashable = TemplateKey(key) else {
                        throw TemplateFault.runtime("unhashable type: '\(key.typeName)'")
                    }
                    if seen.insert(hashable).inserted { return item }
                }
                return nil
            }
        case "min", "max":
            try arguments.check(name, ["case_sensitive", "attribute"])
            let keys = try keyed(
                value, arguments.get(1, "attribute"), caseSensitive: try flag(arguments.get(0, "case_sensitive")))
            guard var best = keys.first else {
                return .undefined(TemplateUndefined("no aggregated item, sequence was empty"))
            }
            for candidate in keys.dropFirst()
            where name == "min" ? try less(candidate.key, best.key) : try less(best.key, candidate.key) {
                best = candidate
            }
            return best.item
        case "sum":
            try arguments.check(name, ["attribute", "start"])
            var total = arguments.get(1, "start") ?? .int(0)
            if case .string = total { throw TemplateFault.runtime("sum() can't sum strings") }
            let attribute = arguments.get(0, "attribute")
            for item in try array(value) {
                let term: TemplateValue
                if let attribute, !attribute.isNone {
                    term = try lookup(path: attribute, in: item)
                } else {
                    term = item
                }
                total = try binary(.add, total, term)
            }
            return total
        case "batch": return try batch(value, arguments)
        case "slice": return try sliced(value, arguments)
        case "groupby": return try grouped(value, arguments)
        case "map": return try map(value, arguments)
        case "select", "reject", "selectattr", "rejectattr": return try select(name, value, arguments)
        default:
            if TemplateFilters.names.contains(name) {
                throw TemplateFault.runtime("the filter '\(name)' is not supported")
            }
            throw TemplateFault.runtime("no filter named '\(name)'")
        }
    }

    private func flag(_ value: TemplateValue?) throws -> Bool { try value.map { try truth($0) } ?? false }

    private func folded(_ value: TemplateValue) -> TemplateValue {
        guard case .string(let s) = value else { return value }
        return .string(PyString.lower(s))
    }

    /// `attribute='a.b.0'`: items along a path; numbers index.
    func lookup(path: TemplateValue, in item: TemplateValue) throws -> TemplateValue {
        guard case .string(let text) = path else { return try self.item(item, path) }
        var value = item
        for part in PyString.split(text, separator: ["."], limit: -1) {
            try charge(1)
            let isIndex = !part.isEmpty && part.allSatisfy(PyString.isDigit)
            value = try self.item(value, isIndex ? .int(Int(Self.swiftString(part)) ?? .max) : .string(part))
        }
        return value
    }

    private func keyed(
        _ value: TemplateValue, _ attribute: TemplateValue?, caseSensitive: Bool
    ) throws -> [(key: TemplateValue, item: TemplateValue)] {
        var result: [(key: TemplateValue, item: TemplateValue)] = []
        for item in try array(value) {
            try charge(2)
            var key = item
            if let attribute, !attribute.isNone {
                if case .string(let text) = attribute, text.contains(",") {
                    var parts: [TemplateValue] = []
                    for path in PyString.split(text, separator: [","], limit: -1) {
                        let part = try lookup(path: .string(path), in: item)
                        parts.append(caseSensitive ? part : folded(part))
                    }
                    key = .list(try TemplateSequence(parts))
                } else {
                    key = try lookup(path: attribute, in: item)
                }
            }
            result.append((caseSensitive ? key : folded(key), item))
        }
        return result
    }

    /// A stable merge sort, since comparing may fail.
    private func sorted(
        _ items: [(key: TemplateValue, item: TemplateValue)], reverse: Bool
    ) throws -> [(key: TemplateValue, item: TemplateValue)] {
        guard items.count > 1 else { return items }
        let middle = items.count / 2
        let left = try sorted(Array(items[..<middle]), reverse: reverse)
        let right = try sorted(Array(items[middle...]), reverse: reverse)
        try charge(items.count)
        var result: [(key: TemplateValue, item: TemplateValue)] = []
        result.reserveCapacity(items.count)
        var (i, j) = (0, 0)
        while i < left.count, j < right.count {
            let takeRight = reverse ? try less(left[i].key, right[j].key) : try less(right[j].key, left[i].key)
            if takeRight {
                result.append(right[j])
                j += 1
            } else {
                result.append(left[i])
                i += 1
            }
        }
        result += left[i...]
        result += right[j...]
        return result
    }

    private func join(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("join", ["d", "attribute"])
        let separator = try arguments.get(0, "d").map { try str($0) } ?? []
        let attribute = arguments.get(1, "attribute")
        let iterator = try iterate(value)
        var result = PyText()
        var isFirst = true
        while let item = try iterator.next() {
            var part = item
            if let attribute, !attribute.isNone { part = try lookup(path: attribute, in: item) }
            let text = try str(part)
            try allocate(text.count + separator.count)
            if !isFirst { result += separator }
            isFirst = false
            result += text
        }
        return .string(result)
    }

    private func batch(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("batch", ["linecount", "fill_with"], required: 1)
        let count = try integer(arguments.get(0, "linecount"), 1)
        let fill = arguments.get(1, "fill_with") ?? .none
        return try generator(from: value) { [unowned self] input in
            var row: [TemplateValue] = []
            // Jinja starts a new row when the length equals the count, so a count below 1 never does after the first.
            while count < 1 || row.count < count, let item = try input.next() {
                try self.allocate(4)
                row.append(item)
            }
            if row.isEmpty { return nil }
            if !fill.isNone, row.count < count {
                try self.allocate((count - row.count) * 4)
                row += Array(repeating: fill, count: count - row.count)
            }
            return try self.list(row)
        }
    }

    private func sliced(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("slice", ["slices", "fill_with"], required: 1)
        let slices = try integer(arguments.get(0, "slices"), 1)
        let fill = arguments.get(1, "fill_with") ?? .none
        guard slices != 0 else { throw TemplateFault.runtime("integer division by zero") }
        let items = try array(value)
        guard slices > 0 else { return try generator(from: try list([])) { try $0.next() } }
        try allocate(slices * 4)
        let (each, extra) = (items.count / slices, items.count % slices)
        var rows: [TemplateValue] = []
        var start = 0
        for i in 0..<slices {
            let end = start + each + (i < extra ? 1 : 0)
            var row = Array(items[start..<end])
            if !fill.isNone, i >= extra { row.append(fill) }
            rows.append(try list(row))
            start = end
        }
        return try generator(from: try list(rows)) { try $0.next() }
    }

    private func grouped(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        try arguments.check("groupby", ["attribute", "default", "case_sensitive"], required: 1)
        let attribute = arguments.get(0, "attribute") ?? .none
        let fallback = arguments.get(1, "default") ?? .none
        let sensitive = try flag(arguments.get(2, "case_sensitive"))
        var keys: [(key: TemplateValue, item: TemplateValue)] = []
        func key(_ item: TemplateValue) throws -> TemplateValue {
            let key = try lookup(path: attribute, in: item)
            return key.isUndefined && !fallback.isNone ? fallback : key
        }
        for item in try array(value) {
            let key = try key(item)
            keys.append((sensitive ? key : folded(key), item))
        }
        var groups: [TemplateValue] = []
        var current: (key: TemplateValue, items: [TemplateValue])?
        func close() throws {
            guard let group = current else { return }
            let name = sensitive ? group.key : try key(group.items[0])
            groups.append(try tuple([name, try list(group.items)]))
        }
        for (key, item) in try sorted(keys, reverse: false) {
            if let group = current, try equal(group.key, key) {
                current = (group.key, group.items + [item])
                try charge(group.items.count / 16)
            } else {
                try close()
                current = (key, [item])
            }
        }
        try close()
        return try list(groups)
    }

    private func map(_ value: TemplateValue, _ arguments: TemplateCallArguments) throws -> TemplateValue {
        // As in Jinja, whatever is false (none too) counts as empty.
        guard try truth(value) else { return try generator(from: try list([])) { try $0.next() } }
        if arguments.positional.isEmpty, let path = arguments.keywords.first(where: { $0.name == "attribute" })?.value {
            if let extra = arguments.keywords.first(where: { $0.name != "attribute" && $0.name != "default" }) {
                throw TemplateFault.runtime("map got an unexpected keyword argument '\(extra.name)'")
            }
            let fallback = arguments.keywords.first { $0.name == "default" }?.value ?? .none
            return try generator(from: value) { [unowned self] input in
                guard let item = try input.next() else { return nil }
                let found = try self.lookup(path: path, in: item)
                return found.isUndefined && !fallback.isNone ? fallback : found
            }
        }
        let rest = TemplateCallArguments(
            positional: Array(arguments.positional.dropFirst()), keywords: arguments.keywords)
        let name = arguments.positional.first
        return try generator(from: value) { [unowned self] input in
            guard case .string(let filter)? = name else {
                throw TemplateFault.runtime("map requires a filter argument")
            }
            let filterName = Self.swiftString(filter)
            guard TemplateFilters.names.contains(filterName) else {
                throw TemplateFault.runtime("no filter named '\(filterName)'")
            }
            return try input.next().map { try self.filter(filterName, $0, rest) }
        }
    }

    private func select(_ name: String, _ value: TemplateValue, _ arguments: TemplateCallArguments) throws
        -> TemplateValue
    {
        guard try truth(value) else { return try generator(from: try list([])) { try $0.next() } }
        let byAttribute = name.hasSuffix("attr")
        let keeps = name.hasPrefix("select")
        return try generator(from: value) { [unowned self] input in
            var positional = arguments.positional[...]
            var path: TemplateValue?
            if byAttribute {
                guard let first = positional.popFirst() else {
                    throw TemplateFault.runtime("missing parameter for attribute name")
                }
                path = first
            }
            var test: String?
            if let given = positional.popFirst() {
                let name = Self.swiftString(try self.text(given, "a test's name"))
                guard TemplateTests.names.contains(name) else { throw TemplateFault.runtime("no test named '\(name)'") }
                test = name
            }
            let rest = TemplateCallArguments(positional: Array(positional), keywords: arguments.keywords)
            while let item = try input.next() {
                try self.charge(1)
                let subject = try path.map { try self.lookup(path: $0, in: item) } ?? item
                let passes = try test.map { try self.test($0, subject, rest) } ?? self.truth(subject)
                if passes == keeps { return item }
            }
            return nil
        }
    }
}
