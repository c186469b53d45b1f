import Inference

/// How well a layer separates the classes, after grimjim's analysis:
///
///     snr     = ‖μH − μA‖ / max(‖μH‖, ‖μA‖)
///     purity  = ‖r − (r·â)â‖ / ‖r‖,  r = μH − μA,  â = μA / ‖μA‖
///     quality = snr (1 − cos(μH, μA)) purity
///
/// The published formula of the blog leaves purity out; jim-plus/llm-abliteration has it.
public struct LayerQuality: Hashable, Sendable, Codable {
    /// i of h_i.
    public var index: Int
    public var directionNorm: Double
    public var snr: Double
    /// cos(μH, μA); 0 when one of them is zero.
    public var cosine: Double
    /// 0 when the classes have the same mean.
    public var purity: Double
    public var quality: Double

    public init(_ statistics: ContrastStatistics, index: Int) throws {
        self.init(
            harmfulMean: try statistics.harmfulMean(index), harmlessMean: try statistics.harmlessMean(index),
            index: index)
    }

    public init(harmfulMean: [Double], harmlessMean: [Double], index: Int) {
        self.index = index
        let difference = Directions.subtract(harmfulMean, harmlessMean)
        directionNorm = Directions.norm(difference)
        let harmlessNorm = Directions.norm(harmlessMean)
        let largest = max(Directions.norm(harmfulMean), harmlessNorm)
        snr = largest > 0 ? directionNorm / largest : 0
        cosine = Directions.cosine(harmfulMean, harmlessMean) ?? 0
        if directionNorm > 0, harmlessNorm > 0 {
            let rest = Directions.projectedOut(difference, of: harmlessMean.map { $0 / harmlessNorm })
            purity = Directions.norm(rest) / directionNorm
        } else {
            purity = directionNorm > 0 ? 1 : 0
        }
        quality = snr * (1 - cosine) * purity
    }

    var json: JSONValue {
        .object([
            ("index", .int(index)), ("direction_norm", .double(directionNorm)), ("snr", .double(snr)),
            ("cosine", .double(cosine)), ("purity", .double(purity)), ("quality", .double(quality)),
        ])
    }
}
