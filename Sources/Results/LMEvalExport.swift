// One lm-evaluation-harness results object per model × method, so that existing notebooks and leaderboards read our
// runs. Field names and the "metric,filter" keys are lm-eval's; what it has no field for is under "abench".
import Foundation

public enum LMEvalExport {
    /// The results object of one model and method; nil when no cell of it is complete.
    public static func results(_ snapshot: Snapshot, model: String, method: String) -> JSON? {
        let cells = snapshot.cells.filter { $0.model == model && $0.method == method && $0.isComplete }
        guard !cells.isEmpty else { return nil }
        var results: [JSONMember] = []
        var versions: [JSONMember] = []
        var configs: [JSONMember] = []
        var shots: [JSONMember] = []
        var samples: [JSONMember] = []
        var directions: [JSONMember] = []
        var hashes: [JSONMember] = []
        for cell in cells {
            guard let run = cell.run else { continue }
            func add(_ list: inout [JSONMember], _ value: JSON) {
                list.append(JSONMember(key: cell.eval, value: value))
            }
            add(&results, values(cell, run))
            add(&versions, .int(run.evalVersion))
            add(
                &configs,
                .object(
                    ("task", .string(run.eval)), ("options", parsed(run.evalOptions)),
                    ("num_fewshot", .integer(run.nShot)),
                    ("metadata", .object(("version", .int(run.evalVersion))))))
            add(&shots, .int(run.nShot ?? 0))
            add(
                &samples,
                .object(
                    ("original", .integer(run.nOriginal)), ("effective", .integer(run.nEffective))))
            add(&directions, higherIsBetter(cell))
            if let hash = run.samplesSHA256 { add(&hashes, .string(hash)) }
        }
        let session = snapshot.session
        let record = snapshot.modelRecords[model]
        let first = cells[0].run
        let seconds = cells.compactMap { $0.run?.seconds }.reduce(0, +)
        return .object(
            ("results", .object(results)), ("group_subtasks", .object([])), ("configs", .object(configs)),
            ("versions", .object(versions)), ("n-shot", .object(shots)), ("higher_is_better", .object(directions)),
            ("n-samples", .object(samples)),
            (
                "config",
                .object(
                    ("model", .string("abench")), ("model_args", .string("pretrained=\(record?.repo ?? model)")),
                    ("model_num_parameters", .integer(record?.parameters)), ("model_dtype", .text(record?.dtype)),
                    ("model_revision", .text(record?.revision)), ("model_sha", .text(record?.checkpointSHA256)),
                    ("batch_size", .string("auto")), ("device", .string("cpu")),
                    ("limit", .integer(first?.sampleLimit)), ("gen_kwargs", .object([])),
                    ("random_seed", seed(first?.seed)), ("numpy_seed", .null), ("torch_seed", .null),
                    ("fewshot_seed", .null))
            ),
            ("git_hash", .text(session?.gitCommit)),
            ("date", .number(cells.compactMap { $0.run?.completedAt }.max()?.timeIntervalSince1970)),
            ("chat_template_sha", .text(record?.chatTemplateSHA256)), ("task_hashes", .object(hashes)),
            ("model_source", .string("abench")), ("model_name", .string(model)),
            ("model_name_sanitized", .string(sanitized(model))),
            ("total_evaluation_time_seconds", .string(JSON.spell(seconds))),
            (
                "abench",
                .object(
                    ("version", .text(session?.harnessVersion)), ("suite", .text(session?.suite)),
                    ("method", .text(first?.method)), ("method_label", .string(method)),
                    ("method_version", .integer(first?.methodVersion)),
                    ("method_options", first.map { parsed($0.methodOptions) } ?? .null),
                    ("edits_sha256", .text(first?.editsSHA256)))
            ))
    }

    /// A label as a directory name, lm-eval's way: `/` becomes `__`; other bytes that file systems dislike become `_`.
    public static func sanitized(_ label: String) -> String {
        var out = ""
        for scalar in label.unicodeScalars {
            switch scalar {
            case "/": out += "__"
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": out.unicodeScalars.append(scalar)
            default: out += "_"
            }
        }
        // Never empty, hidden, or a step up.
        return out.isEmpty || out.hasPrefix(".") ? "_" + out : out
    }

    private static func values(_ cell: ResultCell, _ run: RunRecord) -> JSON {
        var members = [JSONMember(key: "alias", value: .string(cell.eval))]
        for metric in cell.metrics {
            members.append(JSONMember(key: "\(metric.name),\(metric.filter)", value: .number(metric.value)))
            // lm-eval spells an absent error "N/A".
            let error = metric.stderr.map { JSON.number($0) } ?? .string("N/A")
            members.append(JSONMember(key: "\(metric.name)_stderr,\(metric.filter)", value: error))
        }
        members.append(JSONMember(key: "sample_len", value: .integer(run.nEffective)))
        return .object(members)
    }

    private static func higherIsBetter(_ cell: ResultCell) -> JSON {
        var members: [JSONMember] = []
        for metric in cell.metrics where !members.contains(where: { $0.key == metric.name }) {
            members.append(JSONMember(key: metric.name, value: .flag(metric.higherIsBetter)))
        }
        return .object(members)
    }

    private static func parsed(_ text: String) -> JSON { (try? JSON(parsing: text)) ?? .string(text) }

    private static func seed(_ text: String?) -> JSON { text.flatMap { Int($0) }.map(JSON.int) ?? .text(text) }
}
