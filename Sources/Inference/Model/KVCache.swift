/// Keys and values of one sequence: shared segments of a common prefix, then its own. Owned by one sequence; the
/// segments themselves may be shared once they are full.
package struct KVCache<B: Backend>: Sendable {
    package private(set) var segments: [(segment: B.Segment, capacity: Int, length: Int)] = []
    /// Positions filled.
    package private(set) var length = 0

    package init() {}

    /// A cache that continues after another one, whose positions it shares. New positions go to segments of its own.
    package init(continuing prefix: KVCache) {
        segments = prefix.segments.map { ($0.segment, $0.length, $0.length) }
        length = prefix.length
    }

    /// Room for `count` more positions; new segments hold at least `growth`.
    package mutating func reserve(_ count: Int, growth: Int, layout: KVLayout, backend: B) {
        var room = 0
        if let last = segments.last { room = last.capacity - last.length }
        if room >= count { return }
        let capacity = max(count - room, growth)
        segments.append((backend.makeSegment(layout: layout, capacity: capacity), capacity, 0))
    }

    /// Where the next `count` positions go: rows of the new keys, the segment and the offset in it. They must have been
    /// reserved.
    package func places(_ count: Int) -> [(rows: Range<Int>, segment: B.Segment, offset: Int)] {
        var places: [(rows: Range<Int>, segment: B.Segment, offset: Int)] = []
        var next = 0
        for (segment, capacity, length) in segments where length < capacity && next < count {
            let taken = min(capacity - length, count - next)
            places.append((next..<next + taken, segment, length))
            next += taken
        }
        return places
    }

    /// Marks `count` reserved positions as filled.
    package mutating func advance(_ count: Int) {
        var left = count
        for i in segments.indices where left > 0 {
            let taken = min(segments[i].capacity - segments[i].length, left)
            segments[i].length += taken
            left -= taken
        }
        length += count
    }
}
