import Foundation
import Methods

/// The two-objective test functions of Tools/tpe_functions.py, on Heretic's space for 32 blocks.
enum TPEFunctions {
    static let layers = 32
    static let components = ["attn.o_proj", "mlp.down_proj"]
    static let space = HereticParameters.space(layerCount: layers, components: components)
        .sorted { $0.name < $1.name }

    static func unit(_ x: [String: Double]) -> [Double] {
        space.compactMap { dimension in
            guard case .float(let low, let high) = dimension.range else { return nil }
            return ((x[dimension.name] ?? 0) - low) / (high - low)
        }
    }

    static func zdt1(_ x: [String: Double]) -> [Double] {
        let u = unit(x)
        let g = 1 + 9 * u.dropFirst().reduce(0, +) / 8 + 0.5 * (x["direction_scope"] ?? 0)
        return [u[0], g * (1 - (u[0] / g).squareRoot())]
    }

    static func tradeoff(_ x: [String: Double]) -> [Double] {
        let parameters = HereticParameters(trial: x, components: components)
        let strength = components.map { component in
            (0..<layers).reduce(0.0) { $0 + (parameters.kernels[component]?.weight(layer: $1) ?? 0) } / Double(layers)
        }
        let quality = parameters.directionIndex.map { exp(-pow(($0 - 18) / 4, 2)) } ?? 0.8
        let effect = quality * (0.6 * strength[0] + 0.4 * strength[1])
        let refusals = (97 / (1 + exp(12 * (effect - 0.35))) + 0.5).rounded(.down)
        let kl = 0.3 * (0.5 * strength[0] * strength[0] + strength[1] * strength[1]) * (2 - quality)
        let score = refusals / 97
        return [kl >= 0.01 ? kl : score * 0.01, score]
    }

    static func interaction(_ x: [String: Double]) -> [Double] {
        let scope = Int(x["direction_scope"] ?? 0)
        var first = 0.1 * Double(scope)
        var second = 0.1 * Double(1 - scope)
        for (k, value) in unit(x).enumerated() {
            let here = scope == 0 ? 0.2 + 0.05 * Double(k) : 0.9 - 0.06 * Double(k)
            let there = (k + scope) % 2 == 0 ? here + 0.3 : here - 0.15
            first += (value - here) * (value - here)
            second += (value - there) * (value - there)
        }
        return [first, second]
    }

    static let all: [(name: String, function: @Sendable ([String: Double]) -> [Double])] = [
        ("zdt1", zdt1), ("tradeoff", tradeoff), ("interaction", interaction),
    ]

    /// Hypervolume after `trials` trials.
    static func hypervolume(
        _ function: ([String: Double]) -> [Double], reference: ParetoRanking.Losses, trials: Int, startup: Int,
        seed: UInt64
    ) throws -> Double {
        let sampler = TPESampler(space: space, startupTrials: startup, candidates: 128, seed: seed)
        var finished: [Trial] = []
        for number in 0..<trials {
            let parameters = try sampler.suggest(number: number, finished: finished)
            finished.append(
                Trial(
                    number: number, parameters: parameters, objectives: function(parameters),
                    measurement: SearchMeasurement(refusals: 0, prompts: 1, kl: 0)))
        }
        return ParetoRanking.hypervolume(
            finished.map { ParetoRanking.Losses($0.objectives[0], $0.objectives[1]) }, reference: reference)
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
