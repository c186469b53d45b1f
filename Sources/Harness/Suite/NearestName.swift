/// The candidate nearest to a misspelt name (Levenshtein distance at most a third of its length, at least 2), or nil.
func nearestName(to name: String, among candidates: [String]) -> String? {
    let wanted = Array(name.lowercased().unicodeScalars)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(wanted, Array(candidate.lowercased().unicodeScalars))
        if distance <= max(2, wanted.count / 3), distance < best?.distance ?? Int.max {
            best = (candidate, distance)
        }
    }
    return best?.name
}

private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var previous = Array(0...b.count)
    for i in 1...a.count {
        var current = [i] + [Int](repeating: 0, count: b.count)
        for j in 1...b.count {
            let substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
            current[j] = min(substitution, previous[j] + 1, current[j - 1] + 1)
        }
        previous = current
    }
    return previous[b.count]
}

/// `unknown key 'wieght'; did you mean 'weight'? Known: …`.
func unknownNameMessage(_ what: String, _ name: String, known: [String]) -> String {
    let suggestion = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
    return "unknown \(what) '\(name)'\(suggestion) Known: \(known.joined(separator: ", "))"
}

/// `maxTokens` → `max_tokens`; digits stay with their letters.
public func snakeCase(_ name: String) -> String {
    var out = ""
    var previousIsLower = false
    let scalars = Array(name.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
        if scalar.properties.isUppercase {
            let nextIsLower = index + 1 < scalars.count && scalars[index + 1].properties.isLowercase
            if previousIsLower || (index > 0 && nextIsLower && scalars[index - 1].properties.isUppercase) { out += "_" }
            out.unicodeScalars.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            previousIsLower = false
        } else {
            out.unicodeScalars.append(scalar)
            previousIsLower = true
        }
    }
    return out
}
