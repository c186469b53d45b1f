/// Which special tokens go around a text: the `post_processor` of a tokenizer file. Only single sequences are encoded
/// here, so a template for pairs is not read; byte-level post-processing trims offsets, which are not kept.
struct PostProcessor: Sendable, Equatable {
    enum Piece: Sendable, Equatable { case text, special([Int32]) }

    /// Templates applied one after the other.
    var templates: [[Piece]] = []

    static let none = PostProcessor()
    static let known = "TemplateProcessing, ByteLevel, RobertaProcessing, BertProcessing, Sequence"

    init(templates: [[Piece]] = []) { self.templates = templates }

    init(_ field: TokenizerField) throws(TokenizerError) {
        switch try field.type() {
        case "ByteLevel": break
        case "TemplateProcessing": templates = [try Self.template(field)]
        case "RobertaProcessing", "BertProcessing":
            templates = [
                [
                    .special([try Self.pair(field.required("cls"))]), .text,
                    .special([try Self.pair(field.required("sep"))]),
                ]
            ]
        case "Sequence":
            for item in try field.required("processors").array() { templates += try PostProcessor(item).templates }
        case let name: throw field.error("unknown post-processor '\(name)'; known are \(Self.known)")
        }
    }

    /// `["</s>", 2]`.
    private static func pair(_ field: TokenizerField) throws(TokenizerError) -> Int32 {
        let items = try field.array()
        guard items.count == 2 else { throw field.error("expected a token and its id") }
        return try items[1].tokenID()
    }

    private static func template(_ field: TokenizerField) throws(TokenizerError) -> [Piece] {
        var pieces: [Piece] = []
        for item in try field.required("single").array() {
            if let sequence = item["Sequence"] {
                let name = try sequence.required("id").string()
                guard name == "A" else { throw sequence.error("sequence '\(name)' in the template of one sequence") }
                pieces.append(.text)
            } else if let special = item["SpecialToken"] {
                let name = try special.required("id").string()
                guard let entry = try field.required("special_tokens")[name] else {
                    throw special.error("special token '\(name)' is not among special_tokens")
                }
                var ids: [Int32] = []
                for id in try entry.required("ids").array() { ids.append(try id.tokenID()) }
                pieces.append(.special(ids))
            } else {
                throw item.error("expected a Sequence or a SpecialToken")
            }
        }
        return pieces
    }

    func apply(_ ids: [Int32]) -> [Int32] {
        var ids = ids
        for template in templates {
            var out: [Int32] = []
            out.reserveCapacity(ids.count + 4)
            for piece in template {
                switch piece {
                case .text: out += ids
                case .special(let special): out += special
                }
            }
            ids = out
        }
        return ids
    }

    /// The tokens put in front.
    var leading: [Int32] {
        var out: [Int32] = []
        for template in templates {
            var front: [Int32] = []
            for case .special(let ids) in template.prefix(while: { $0 != .text }) { front += ids }
            out = front + out
        }
        return out
    }
}
