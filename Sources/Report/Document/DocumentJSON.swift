// The document tree as JSON: the same blocks, numbers in full precision.
import Results

enum DocumentJSON {
    static func render(_ document: Document) -> JSON {
        .object(
            ("title", .string(document.title)), ("origin", .string(document.origin)),
            ("blocks", .array(document.blocks.map(render))))
    }

    private static func render(_ block: Block) -> JSON {
        switch block {
        case .heading(let level, let text):
            .object(("type", "heading"), ("level", .int(level)), ("text", .string(text)))
        case .paragraph(let spans): .object(("type", "paragraph"), ("text", plain(spans)))
        case .list(let items): .object(("type", "list"), ("items", .array(items.map(plain))))
        case .note(let spans): .object(("type", "note"), ("text", plain(spans)))
        case .code(let text, let language):
            .object(("type", "code"), ("language", .string(language)), ("text", .string(text)))
        case .figure(let chart, let caption):
            .object(("type", "figure"), ("name", .string(chart.name)), ("caption", .string(caption)))
        case .table(let table): render(table)
        }
    }

    private static func render(_ table: DocumentTable) -> JSON {
        .object(
            ("type", "table"), ("name", .string(table.name)), ("caption", .string(table.caption)),
            (
                "columns",
                .array(
                    table.columns.map {
                        .object(("title", .string($0.title)), ("kind", .string($0.kind.rawValue)))
                    })
            ),
            (
                "rows",
                .array(
                    table.rows.map { row in
                        .array(
                            row.map { cell in
                                var members = [JSONMember(key: "text", value: .string(cell.text))]
                                if !cell.detail.isEmpty {
                                    members.append(JSONMember(key: "detail", value: .string(cell.detail)))
                                }
                                if cell.isBest { members.append(JSONMember(key: "best", value: .bool(true))) }
                                if let value = cell.value {
                                    members.append(JSONMember(key: "value", value: .number(value)))
                                }
                                return .object(members)
                            })
                    })
            ))
    }

    private static func plain(_ spans: [Span]) -> JSON { .string(spans.map(\.plain).joined()) }
}
