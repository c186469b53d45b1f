import Inference

extension [ScoredSample] {
    /// The scores of one filter by sample; nil where there is none or it is unscored.
    func values(_ filter: String) -> Aggregate.Values {
        map { sample in (sample.sampleID, sample.scores.first { $0.filter == filter }?.value) }
    }

    /// A number read off every generation; nil where the response is of another kind.
    func generationValues(_ value: (Generation) -> Double) -> Aggregate.Values {
        map { sample in
            guard case .generation(let generation) = sample.response else { return (sample.sampleID, nil) }
            return (sample.sampleID, value(generation))
        }
    }
}
