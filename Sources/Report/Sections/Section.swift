// A report is a list of sections: a new one is a new file and a line in `all`.

struct Section: Sendable {
    var title: String
    /// The blocks below the title; none = the section does not appear.
    var blocks: @Sendable (ReportContext) throws -> [Block]

    static let all: [Section] = [
        .whatWasRun,
        .headline,
        .tradeoff,
        .changes,
        .metrics,
        .references,
        .geometry,
        .search,
        .cost,
        .samples,
        .limitations,
        .provenance,
    ]
}
