import Inference

extension DatasetFile {
    /// Parses one JSON text that begins on line `firstLine` of the file.
    static func parse(_ bytes: ArraySlice<UInt8>, file: String, firstLine: Int) throws -> JSONValue {
        do {
            return try JSONValue.parse(Array(bytes), source: file)
        } catch {
            throw DatasetError.malformed(
                file: file, line: firstLine + error.line - 1, column: error.column, message: error.message)
        }
    }
}
