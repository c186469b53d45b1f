/// Which prompts share a beginning, so that it is computed once: a radix tree over token sequences, kept where it pays.
struct PrefixPlan {
    /// Tokens [parent's end, end) of `job`, computed once for everything below.
    struct Node {
        /// Any job below; its tokens are the node's.
        var job: Int
        var start: Int
        var end: Int
        var children: [Item] = []
        /// Order of the first job below, for scheduling.
        var order: Int
    }
    enum Item {
        case job(Int)
        case node(Int)
    }

    private(set) var nodes: [Node] = []
    private(set) var roots: [Item] = []

    /// A node is worth its own turn only when it saves this many token computations and is this long.
    private static let smallestLength = 16

    /// - Parameter shareable: per job, the tokens before the first one whose output is wanted.
    init(shareable: [ArraySlice<Int32>], enabled: Bool) {
        if !enabled {
            roots = shareable.indices.map { .job($0) }
            return
        }
        let sorted = shareable.indices.sorted { a, b in
            shareable[a].lexicographicallyPrecedes(shareable[b])
                || (shareable[a].elementsEqual(shareable[b]) && a < b)
        }
        roots = build(sorted[...], depth: 0, shareable)
    }

    private mutating func build(_ jobs: ArraySlice<Int>, depth: Int, _ shareable: [ArraySlice<Int32>]) -> [Item] {
        guard let first = jobs.first, let last = jobs.last else { return [] }
        if jobs.count == 1 { return [.job(first)] }
        // Sorted, so what the first and the last share, all share.
        var common = 0
        let (a, b) = (shareable[first], shareable[last])
        while common < a.count && common < b.count && a[a.startIndex + common] == b[b.startIndex + common] {
            common += 1
        }
        let isNode = common - depth >= Self.smallestLength
        let below = isNode ? common : depth

        var items: [Item] = []
        var start = jobs.startIndex
        while start < jobs.endIndex {
            let tokens = shareable[jobs[start]]
            if tokens.count <= common {
                items.append(.job(jobs[start]))
                start += 1
                continue
            }
            let branch = tokens[tokens.startIndex + common]
            var end = start + 1
            while end < jobs.endIndex {
                let other = shareable[jobs[end]]
                if other.count <= common || other[other.startIndex + common] != branch { break }
                end += 1
            }
            items += build(jobs[start..<end], depth: below, shareable)
            start = end
        }
        items.sort { order($0) < order($1) }
        if !isNode { return items }
        nodes.append(
            Node(job: first, start: depth, end: common, children: items, order: items.first.map(order) ?? first))
        return [.node(nodes.count - 1)]
    }

    private func order(_ item: Item) -> Int {
        switch item {
        case .job(let job): job
        case .node(let node): nodes[node].order
        }
    }
}
