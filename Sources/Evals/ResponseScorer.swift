import Foundation
import Inference

/// Scores responses made elsewhere (vLLM, a server) with an evaluation's own scorer: `abench score`.
public struct ResponseScorer: Sendable {
    /// One filter's verdict on one response, a line of `abench score --json`.
    public struct Line: Hashable, Sendable, Codable {
        /// Row number in the dataset.
        public var id: String
        public var filter: String
        public var answer: String?
        /// nil = unscored.
        public var score: Double?

        public init(id: String, filter: String, answer: String?, score: Double?) {
            self.id = id
            self.filter = filter
            self.answer = answer
            self.score = score
        }
    }

    /// A response with the row it answers.
    public struct Response: Hashable, Sendable {
        public var id: String
        public var text: String

        public init(id: String, text: String) {
            self.id = id
            self.text = text
        }
    }

    public let eval: any Eval
    private let samples: [Sample]
    private let indices: [String: Int]

    /// - Parameter environment: where the evaluation finds its samples; without a limit, so that any row can be scored.
    public init(eval: any Eval, environment: EvalEnvironment) throws {
        self.eval = eval
        samples = try eval.samples(in: environment)
        indices = Dictionary(samples.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        let accepts = samples.first.map { sample in
            if case .generate = eval.request(for: sample) { true } else { false }
        }
        guard accepts == true else {
            throw DatasetError.badReference(
                "\(type(of: eval).name) scores no texts; score takes evaluations that generate")
        }
    }

    /// Reads lines `{"id": row, "response": "…"}`; the id may be a number or a text.
    public static func responses(from bytes: [UInt8], file: String) throws -> [Response] {
        let records = try DatasetFile.read(bytes, format: .jsonl, file: file)
        return try records.map { record in
            guard let id = record.text("id"), case .string(let text)? = record.fields["response"] else {
                throw DatasetError.malformed(
                    file: file, line: record.line, column: 0,
                    message: "a line is {\"id\": row number, \"response\": text}")
            }
            return Response(id: id, text: text)
        }
    }

    /// The scored samples, in the order of the responses. An id without a row, or given twice, is an error.
    public func scored(_ responses: [Response]) throws -> [ScoredSample] {
        var seen = Set<String>()
        return try responses.map { response in
            guard let index = indices[response.id] else {
                throw DatasetError.badReference(
                    "id '\(response.id)' is no row of \(type(of: eval).name)'s data (\(samples.count) rows, from "
                        + "\(samples.first?.id ?? "?") to \(samples.last?.id ?? "?"))")
            }
            guard seen.insert(response.id).inserted else {
                throw DatasetError.badReference("id '\(response.id)' is answered twice")
            }
            let answer = ModelResponse.generation(
                Generation(text: response.text, tokens: [], promptTokens: 0, finishReason: .endOfTurn))
            return ScoredSample(
                sampleID: response.id, response: answer, scores: eval.score(samples[index], answer))
        }
    }

    /// One line per response and filter.
    public func lines(_ responses: [Response]) throws -> [Line] {
        try scored(responses).flatMap { sample in
            sample.scores.map {
                Line(id: sample.sampleID, filter: $0.filter, answer: $0.answer, score: $0.value)
            }
        }
    }
}
