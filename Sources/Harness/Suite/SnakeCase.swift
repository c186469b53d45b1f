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
