import Foundation
import Inference

extension DatasetFile {
    /// Parses one JSON text that begins on line `firstLine` of the file.
    static func parse(_ bytes: ArraySlice<UInt8>, file: String, firstLine: Int) throws -> JSONValue {
        func convert(_ any: Any) -> JSONValue {
            switch any {
            case let s as String: .string(s)
            case let a as [Any]: .array(a.map(convert))
            case let d as [String: Any]: .object(d.map { (key: $0.key, value: convert($0.value)) })
            case let n as Double: n.rounded() == n ? .int(Int(n)) : .double(n)
            default: .null
            }
        }
        do { return convert(try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) }
        catch { throw DatasetError.malformed(file: file, line: firstLine, column: 1, message: "not JSON: \(error)") }
    }
}
