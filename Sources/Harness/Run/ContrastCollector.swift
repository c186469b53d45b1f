import Evals
import Foundation
import Inference
import Methods

/// Runs the contrast prompts through the original model and keeps the residual stream at the last prompt token.
enum ContrastCollector {
    /// Sites of h_0 … h_L (raw) and of h_L after the final norm.
    static func sites(layerCount: Int) -> [HookPoint] {
        (0..<layerCount).map(HookPoint.residPre) + [.residPost(layerCount - 1), .lnFinal]
    }

    /// - Parameter onProgress: prompts done, prompts in all.
    static func collect(
        harmful: [PromptRecord], harmless: [PromptRecord], layerCount: Int, responder: any Responder,
        onProgress: (Int, Int) -> Void = { _, _ in }
    ) throws -> Contrast {
        let sites = sites(layerCount: layerCount)
        let requests = (harmful + harmless).map {
            ModelRequest.activations(.chat([.user($0.text)]), sites: sites)
        }
        var vectors = [[[Float]]](repeating: [], count: requests.count)
        var done = 0
        try responder.respond(to: requests, edits: .none, decided: nil) { index, response in
            guard case .activations(let rows) = response, rows.count == sites.count else {
                throw HarnessError.unexpectedResponse(request: "activations")
            }
            vectors[index] = rows
            done += 1
            onProgress(done, requests.count)
        }
        // (prompts, L + 2, d) → raw states (prompts, L + 1, d) and the normed last one (prompts, d).
        let raw = vectors.map { Array($0.dropLast()) }
        let normed = vectors.map { $0[layerCount + 1] }
        let split = harmful.count
        return Contrast(
            harmful: Array(raw[..<split]), harmless: Array(raw[split...]),
            harmfulFinalNormed: Array(normed[..<split]), harmlessFinalNormed: Array(normed[split...]))
    }
}
