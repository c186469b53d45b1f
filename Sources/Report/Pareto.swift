/// Points that no other point beats: both coordinates minimised.
package enum Pareto {
    /// Indices of the front in order of x; of equal points only the first. Points with a NaN are never on it.
    package static func front(_ points: [(x: Double, y: Double)]) -> [Int] {
        let order = points.indices.filter { !points[$0].x.isNaN && !points[$0].y.isNaN }.sorted {
            (points[$0].x, points[$0].y, $0) < (points[$1].x, points[$1].y, $1)
        }
        var front: [Int] = []
        var lowest = Double.infinity
        for index in order where points[index].y < lowest || (front.isEmpty && points[index].y == lowest) {
            front.append(index)
            lowest = points[index].y
        }
        return front
    }
}
