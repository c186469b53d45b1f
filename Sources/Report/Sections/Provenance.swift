import Foundation
import Results

extension Section {
    static let provenance = Section(title: "Provenance") { context in
        var blocks: [Block] = []
        if let session = context.snapshot.session { blocks.append(.table(facts(session, context))) }
        blocks.append(.table(checkpoints(context)))
        if let prompts = context.snapshot.session?.prompts, !prompts.isEmpty {
            blocks.append(.table(pairs("prompts", "Prompt sets", "Role", "Data", prompts)))
        }
        var data: [String: String] = [:]
        for run in context.snapshot.cells.compactMap(\.run) {
            for (role, hash) in run.dataSHA256 ?? [:] { data[role] = hash }
        }
        if !data.isEmpty { blocks.append(.table(pairs("data", "Data by SHA-256", "Role", "SHA-256", data))) }
        if let table = edits(context) { blocks.append(.table(table)) }
        if let table = tasks(context) { blocks.append(.table(table)) }
        return blocks
    }

    private static func pairs(
        _ name: String, _ caption: String, _ key: String, _ value: String, _ values: [String: String]
    ) -> DocumentTable {
        DocumentTable(
            name: name, caption: caption, columns: [TableColumn(key), TableColumn(value)],
            rows: values.sorted { $0.key < $1.key }.map { [TableCell($0.key), .code($0.value)] })
    }

    private static func facts(_ session: SessionRecord, _ context: ReportContext) -> DocumentTable {
        var commit = session.gitCommit
        if session.gitDirty == true { commit = commit.map { $0 + " (with uncommitted changes)" } }
        let libraries = (session.libraries ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        func because(_ value: String?, _ reason: String?) -> String? {
            value.map { $0 + (reason.map { " (\($0))" } ?? "") }
        }
        let facts: [(String, String?)] = [
            ("Command", session.command), ("Suite", session.suite), ("Suite SHA-256", session.suiteSHA256),
            ("abench", session.harnessVersion), ("Commit", commit), ("Swift", session.swiftVersion),
            ("Libraries", libraries.isEmpty ? nil : libraries.joined(separator: ", ")), ("System", session.os),
            ("CPU", session.cpu), ("Kernels", because(session.isa, session.isaReason)), ("BLAS", session.blas),
            ("Threads", session.threads.map(String.init)),
            ("Precision", because(session.precision, session.precisionReason)), ("Seed", session.seed),
            ("Sample limit", session.sampleLimit.map(String.init)),
            ("Started", session.startedAt.formatted(.iso8601)),
            ("Ended", session.completedAt?.formatted(.iso8601)), ("Status", session.status.rawValue),
            ("Sessions in this database", String(context.snapshot.sessions.count)),
        ]
        return DocumentTable(
            name: "provenance", caption: "How it was made", columns: [TableColumn("What"), TableColumn("Value")],
            rows: facts.compactMap { name, value in value.map { [TableCell(name), TableCell($0)] } })
    }

    private static func checkpoints(_ context: ReportContext) -> DocumentTable {
        DocumentTable(
            name: "checkpoints", caption: "Checkpoints by SHA-256",
            columns: ["Model", "Source", "Revision", "Checkpoint", "Tokenizer", "Chat template"].map {
                TableColumn($0)
            },
            rows: context.snapshot.models.map { label in
                let model = context.snapshot.modelRecords[label]
                return [TableCell(label), TableCell(model?.repo ?? "–")]
                    + [model?.revision, model?.checkpointSHA256, model?.tokenizerSHA256, model?.chatTemplateSHA256]
                    .map { $0.map(TableCell.code) ?? TableCell("–") }
            })
    }

    private static func edits(_ context: ReportContext) -> DocumentTable? {
        var rows: [[TableCell]] = []
        for model in context.snapshot.models {
            for method in context.methods(of: model) {
                let hash = context.cells(model: model).lazy.filter { $0.method == method }
                    .compactMap { $0.run?.editsSHA256 }.first
                if let hash { rows.append([TableCell(model), TableCell(method), .code(hash)]) }
            }
        }
        guard !rows.isEmpty else { return nil }
        return DocumentTable(
            name: "edits", caption: "Edits by SHA-256", columns: ["Model", "Method", "Edits"].map { TableColumn($0) },
            rows: rows)
    }

    /// Who ran the same prompts has the same hash.
    private static func tasks(_ context: ReportContext) -> DocumentTable? {
        var rows: [[TableCell]] = []
        for model in context.snapshot.models {
            for eval in context.snapshot.evals {
                let hashes = Set(
                    context.cells(model: model).filter { $0.eval == eval && $0.isComplete }
                        .compactMap { $0.run?.samplesSHA256 })
                for hash in hashes.sorted() { rows.append([TableCell(model), TableCell(eval), .code(hash)]) }
            }
        }
        guard !rows.isEmpty else { return nil }
        return DocumentTable(
            name: "tasks", caption: "Samples (document, prompt and target) by SHA-256",
            columns: ["Model", "Evaluation", "Samples"].map { TableColumn($0) }, rows: rows)
    }
}
