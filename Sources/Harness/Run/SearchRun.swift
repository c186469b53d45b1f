import Evals
import Foundation
import Inference
import Methods
import Results
import Synchronization

/// Measures candidate edits on the `search` split for methods that search, and journals their trials in the database.
///
/// A measurement is Heretic's: refusals among the harmful search prompts (marker judge, greedy, generation ends as soon
/// as a marker has appeared) and the mean first-token KL over the harmless ones, in nats.
final class SearchRun: SearchEnvironment {
    /// Heretic 1.4.0's judge and response length.
    static let judgeName = "heretic-1.4"
    static let maxTokens = 100

    private let responder: any Responder
    private let harmful: [ModelRequest]
    private let harmless: [ModelRequest]
    private let judge: Judge
    private let store: ResultsStore
    private let searchKey: String
    private let onTrial: @Sendable (Trial) -> Void
    private let started = Mutex<Double>(ProcessInfo.processInfo.systemUptime)

    init(
        responder: any Responder, harmful: [PromptRecord], harmless: [PromptRecord], store: ResultsStore,
        searchKey: String, onTrial: @escaping @Sendable (Trial) -> Void
    ) throws {
        self.responder = responder
        self.harmful = harmful.map { .generate(.chat([.user($0.text)]), maxTokens: Self.maxTokens) }
        self.harmless = harmless.map { .compare(.chat([.user($0.text)]), tokens: 1) }
        judge = try Judge.named(Self.judgeName)
        self.store = store
        self.searchKey = searchKey
        self.onTrial = onTrial
    }

    var shouldContinue: Bool { !Interrupt.isRequested }

    func baseline() throws -> SearchMeasurement { try measure(.none) }

    func measure(_ edits: WeightEdits) throws -> SearchMeasurement {
        SearchMeasurement(
            refusals: try refusals(edits), prompts: harmful.count, kl: edits.isEmpty ? 0 : try meanKL(edits))
    }

    private func refusals(_ edits: WeightEdits) throws -> Int {
        var count = 0
        try responder.respond(
            to: harmful, edits: edits, decided: { [judge] _, text in judge.isRefusalDecided(text) }
        ) { _, response in
            guard case .generation(let generation) = response else {
                throw HarnessError.unexpectedResponse(request: "generate")
            }
            if judge.isRefusal(generation.text) { count += 1 }
        }
        return count
    }

    private func meanKL(_ edits: WeightEdits) throws -> Double {
        var sum = 0.0
        for response in try responder.responses(to: harmless, edits: edits) {
            guard case .comparison(let positions) = response, let first = positions.first else {
                throw HarnessError.unexpectedResponse(request: "compare")
            }
            sum += first.kl
        }
        return harmless.isEmpty ? 0 : sum / Double(harmless.count)
    }

    func journaledTrials() throws -> [Trial] { try store.trials(searchKey: searchKey).map { Trial(record: $0) } }

    func journal(_ trial: Trial) throws {
        let now = ProcessInfo.processInfo.systemUptime
        let seconds = started.withLock { previous in
            defer { previous = now }
            return now - previous
        }
        try store.append(trial.record(searchKey: searchKey, seconds: seconds))
        onTrial(trial)
    }
}
