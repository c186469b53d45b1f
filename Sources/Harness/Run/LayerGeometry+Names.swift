import Methods

extension LayerGeometry {
    /// The statistics by the names that the database, the report and `abench geometry` use; nil = not defined here.
    var named: [(name: String, value: Double?)] {
        [
            ("harmful_norm", harmfulNorm), ("harmless_norm", harmlessNorm), ("direction_norm", directionNorm),
            ("cosine_means", cosineHarmfulHarmless), ("cosine_direction_harmful", cosineDirectionHarmful),
            ("cosine_direction_harmless", cosineDirectionHarmless), ("silhouette", silhouette), ("snr", snr),
            ("purity", purity), ("quality", quality), ("cosine_previous", cosineWithPrevious),
        ]
    }
}
