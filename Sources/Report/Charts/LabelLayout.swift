// Places names beside points without overlap: the nearest free spot among rings of candidates, a thin line to the point
// when that is not right beside it. Deterministic; measures text by the character, since the fonts are the reader's.
import Foundation

package struct LabelLayout {
    package struct Item {
        package var text: String
        /// Of the point, in pixels from the lower left corner of the panel.
        package var x: Double
        package var y: Double

        package init(text: String, x: Double, y: Double) {
            self.text = text
            self.x = x
            self.y = y
        }
    }

    package struct Placement: Equatable {
        /// Left end and middle height of the text, pixels.
        package var x: Double
        package var y: Double
        package var needsLine: Bool
    }

    package struct Box {
        package var left, bottom, right, top: Double

        func contains(_ point: (x: Double, y: Double)) -> Bool {
            point.x > left && point.x < right && point.y > bottom && point.y < top
        }

        func overlap(_ other: Box) -> Double {
            let width = min(right, other.right) - max(left, other.left)
            let height = min(top, other.top) - max(bottom, other.bottom)
            return width > 0 && height > 0 ? width * height : 0
        }
    }

    package static let characterWidth = 7.0
    package static let lineHeight = 15.0

    package var width: Double
    package var height: Double

    package init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// - Parameter obstacles: other marks that should stay visible: points without a label, error bars, lines.
    package func place(_ items: [Item], obstacles: [Box] = []) -> [Placement] {
        var points = items.map { Box(left: $0.x - 6, bottom: $0.y - 6, right: $0.x + 6, top: $0.y + 6) }
        points += obstacles
        var taken: [Box] = []
        var lines: [(x: Double, y: Double)] = []
        var placements: [Placement] = []
        for item in items {
            let textWidth = Double(item.text.unicodeScalars.count) * Self.characterWidth
            var best: (cost: Double, box: Box, radius: Double)?
            for radius in [10.0, 20, 34, 50, 70, 95, 125, 160, 200, 250, 310] {
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
                    // Leaving the panel or covering another label is far worse than being far away.
                    var cost = radius + (outside > 0 ? 10_000 + outside * 40 : 0)
                    for other in taken {
                        let overlap = other.overlap(box)
                        if overlap > 0 { cost += 1_000 + overlap * 10 }
                    }
                    for line in lines where box.contains(line) { cost += 40 }
                    if radius > 20 {
                        for step in Self.line(from: item, to: box) where taken.contains(where: { $0.contains(step) }) {
                            cost += 40
                        }
                    }
                    for point in points { cost += point.overlap(box) * 1.5 }
                    if best.map({ cost < $0.cost }) ?? true { best = (cost, box, radius) }
                }
            }
            guard let best else { continue }
            taken.append(best.box)
            if best.radius > 20 { lines += Self.line(from: item, to: best.box) }
            placements.append(
                Placement(x: best.box.left, y: (best.box.bottom + best.box.top) / 2, needsLine: best.radius > 20))
        }
        return placements
    }

    /// Points along the line that joins a point with its label.
    private static func line(from item: Item, to box: Box) -> [(x: Double, y: Double)] {
        let x = min(max(item.x, box.left), box.right)
        let y = min(max(item.y, box.bottom), box.top)
        return (1...12).map { step in
            let t = Double(step) / 13
            return (item.x + t * (x - item.x), item.y + t * (y - item.y))
        }
    }

    /// Heights for a column of texts that want to be at `wanted`: in the same order, at least a line apart.
    package static func spread(_ wanted: [Double], height: Double) -> [Double] {
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
