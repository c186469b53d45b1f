import Foundation
import Inference
import Methods
import Testing

@Suite struct GeometryTests {
    struct Golden: Decodable {
        struct Row: Decodable {
            var harmful_norm: Double
            var harmless_norm: Double
            var direction_norm: Double
            var cosine: Double
            var cosine_direction_harmful: Double?
            var cosine_direction_harmless: Double?
            var silhouette: Double
            var snr: Double
            var purity: Double
            var quality: Double
            var cosine_with_previous: Double?
        }
        var harmful: [[[Float]]]
        var harmless: [[[Float]]]
        var layers: [Row]
        var x: [Float]
        var quantiles: [Double]
        var abs_quantile: [Double]
    }

    static func golden() throws -> Golden {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/geometry/geometry.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }

    /// Against NumPy and scikit-learn (Tools/make_geometry_goldens.py); activations with a large common mean.
    @Test func equalsReference() throws {
        let golden = try Self.golden()
        let contrast = Contrast(
            harmful: golden.harmful, harmless: golden.harmless, harmfulFinalNormed: [], harmlessFinalNormed: [])
        let layers = try Geometry.layers(contrast, layerCount: 4, hiddenSize: 13)
        #expect(layers.count == golden.layers.count)
        for (got, expected) in zip(layers, golden.layers) {
            func close(_ a: Double?, _ b: Double?, _ name: String) {
                // Index 0: classes that are equal up to rounding have no cosine worth comparing.
                guard let a, let b else {
                    #expect(a == nil && b == nil || got.index <= 1, "\(name) at \(got.index): one is nil")
                    return
                }
                #expect(abs(a - b) < 1e-10 * max(1, abs(b)), "\(name) at \(got.index): \(a), expected \(b)")
            }
            close(got.harmfulNorm, expected.harmful_norm, "harmful norm")
            close(got.harmlessNorm, expected.harmless_norm, "harmless norm")
            close(got.directionNorm, expected.direction_norm, "direction norm")
            close(got.cosineHarmfulHarmless, expected.cosine, "cosine")
            close(got.silhouette, expected.silhouette, "silhouette")
            close(got.snr, expected.snr, "snr")
            guard got.index > 0 else { continue }
            close(got.cosineDirectionHarmful, expected.cosine_direction_harmful, "cosine with harmful")
            close(got.cosineDirectionHarmless, expected.cosine_direction_harmless, "cosine with harmless")
            close(got.purity, expected.purity, "purity")
            close(got.quality, expected.quality, "quality")
            if got.index > 1 { close(got.cosineWithPrevious, expected.cosine_with_previous, "cosine with previous") }
        }
    }

    @Test func quantileEqualsTorch() throws {
        let golden = try Self.golden()
        for (q, expected) in zip(golden.quantiles, golden.abs_quantile) {
            #expect(abs(Directions.absoluteQuantile(golden.x, q) - expected) < 1e-12)
        }
    }

    @Test func silhouetteOfHand() {
        // a: 0 and 1, b: 10. s(0) = (10 − 1)/10, s(1) = (9 − 1)/9, alone = 0.
        let expected = (0.9 + 8.0 / 9) / 3
        #expect(abs(Geometry.silhouette([[0], [1]], [[10]]) - expected) < 1e-12)
        #expect(Geometry.silhouette([[1, 1], [1, 1]], [[1, 1], [1, 1]]) == 0)
    }
}
