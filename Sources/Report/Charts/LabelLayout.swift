// Places names beside points without overlap: the nearest free spot among rings of candidates, a thin line to the point
// when that is not right beside it. Deterministic; measures text by the character, since the fonts are the reader's.
import Foundation

struct LabelLayout {
    struct Item {
        var text: String
        /// Of the point, in pixels from the lower left corner of the panel.
        var x: Double
        var y: Double
    }

    struct Placement: Equatable {
        /// Left end and middle height of the text, pixels.
        var x: Double
        var y: Double
        var needsLine: Bool
    }

    struct Box {
        var left, bottom, right, top: Double

        func overlap(_ other: Box) -> Double {
            let width = min(right, other.right) - max(left, other.left)
            let height = min(top, other.top) - max(bottom, other.bottom)
            return width > 0 && height > 0 ? width * height : 0
        }
    }

    static let characterWidth = 7.0
    static let lineHeight = 15.0

    var width: Double
    var height: Double

    /// - Parameter obstacles: points without a label, which should stay visible.
    func place(_ items: [Item], obstacles: [(x: Double, y: Double)] = []) -> [Placement] {
        var points = items.map { Box(left: $0.x - 6, bottom: $0.y - 6, right: $0.x + 6, top: $0.y + 6) }
        points += obstacles.map { Box(left: $0.x - 4, bottom: $0.y - 4, right: $0.x + 4, top: $0.y + 4) }
        var taken: [Box] = []
        var placements: [Placement] = []
        for item in items {
            let textWidth = Double(item.text.unicodeScalars.count) * Self.characterWidth
            var best: (cost: Double, box: Box, radius: Double)?
            for radius in [10.0, 20, 34, 50, 70, 95, 125, 160, 200] {
                for angle in [0.0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240] {
                    let dx = cos(angle * .pi / 180) * radius
                    let dy = sin(angle * .pi / 180) * radius
                    // The text hangs on the point by its nearest edge; above and below it is centred.
                    let left = abs(dx) < 1e-6 ? item.x - textWidth / 2 : dx > 0 ? item.x + dx : item.x + dx - textWidth
                    let middle = item.y + dy
                    let box = Box(
                        left: left, bottom: middle - Self.lineHeight / 2, right: left + textWidth,
                        top: middle + Self.lineHeight / 2)
                    let outside =
                        max(0, -box.left) + max(0, box.right - width) + max(0, -box.bottom) + max(0, box.top - height)
                    var cost = outside * 40 + radius
                    for other in taken { cost += other.overlap(box) * 10 }
                    for point in points { cost += point.overlap(box) * 2 }
                    if best.map({ cost < $0.cost }) ?? true { best = (cost, box, radius) }
                }
            }
            guard let best else { continue }
            taken.append(best.box)
            placements.append(
                Placement(x: best.box.left, y: (best.box.bottom + best.box.top) / 2, needsLine: best.radius > 20))
        }
        return placements
    }

    /// Heights for a column of texts that want to be at `wanted`: in the same order, at least a line apart.
    static func spread(_ wanted: [Double], height: Double) -> [Double] {
        let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
        var result = wanted
        var floor = 0.0
        for index in order {
            result[index] = max(wanted[index], floor)
            floor = result[index] + lineHeight
        }
        // What ran over the top is pushed back down.
        var ceiling = height
        for index in order.reversed() {
            if result[index] > ceiling { result[index] = ceiling }
            ceiling = min(ceiling, result[index]) - lineHeight
        }
        return result
    }
}
