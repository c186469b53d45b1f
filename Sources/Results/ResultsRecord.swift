// How records meet the database: camelCase properties, snake_case columns, ISO 8601 times, JSON text for collections.
import Foundation
import GRDB

/// A row as a plain value. Conforming types list their columns as stored properties and nothing more.
public protocol ResultsRecord: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {}

extension ResultsRecord {
    public static var databaseColumnEncodingStrategy: DatabaseColumnEncodingStrategy {
        .custom { ColumnName.column(forProperty: $0.stringValue) }
    }
    public static var databaseColumnDecodingStrategy: DatabaseColumnDecodingStrategy {
        .custom { ColumnName.Key(stringValue: ColumnName.property(forColumn: $0)) }
    }
    public static func databaseDateEncodingStrategy(for column: String) -> DatabaseDateEncodingStrategy { .iso8601 }
    public static func databaseDateDecodingStrategy(for column: String) -> DatabaseDateDecodingStrategy { .iso8601 }

    /// Infinite values survive (a broken edit has an infinite KL), keys are sorted.
    public static func databaseJSONEncoder(for column: String) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }
    public static func databaseJSONDecoder(for column: String) -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }
}

/// `checkpointSHA256` ↔ `checkpoint_sha256`.
package enum ColumnName {
    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Words that stay upper-case in a Swift name when they do not come first.
    private static let initialisms: Set<String> = ["id", "ci", "rss", "sha256"]

    package static func property(forColumn column: String) -> String {
        var name = ""
        for word in column.split(separator: "_") {
            if name.isEmpty {
                name += word
            } else if initialisms.contains(String(word)) {
                name += word.uppercased()
            } else {
                name += word.prefix(1).uppercased() + word.dropFirst()
            }
        }
        return name
    }

    package static func column(forProperty property: String) -> String {
        let letters = Array(property)
        var name = ""
        for (i, letter) in letters.enumerated() {
            if letter.isUppercase, i > 0 {
                let afterWord = !letters[i - 1].isUppercase
                let endsInitialism = i + 1 < letters.count && letters[i + 1].isLowercase
                if afterWord || endsInitialism { name += "_" }
            }
            name += letter.lowercased()
        }
        return name
    }
}
