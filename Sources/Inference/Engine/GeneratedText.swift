/// The text of a response while it is generated, with its stop strings.
struct GeneratedText {
    private var decoder: StreamingDecoder
    private var text: [UInt8] = []
    /// As UTF-8 bytes: text identity is byte identity.
    private let stops: [[UInt8]]
    /// Where the first stop string begins.
    private var end: Int?

    init(tokenizer: Tokenizer, stop: [String]) {
        decoder = StreamingDecoder(tokenizer, skipSpecialTokens: true)
        stops = stop.map { Array($0.utf8) }
    }

    /// Adds a token's text; true when a stop string is complete.
    mutating func append(_ token: Int32) -> Bool {
        let searched = text.count
        text += Array(decoder.append(token).utf8)
        end = firstStop(from: searched)
        return end != nil
    }

    /// Text so far, without a character that is still incomplete.
    var current: String { String(decoding: text, as: UTF8.self) }

    /// The whole text, cut at the stop string that ended it.
    mutating func final(stopped: Bool) -> String {
        if stopped, let end { return String(decoding: text[..<end], as: UTF8.self) }
        let searched = text.count
        text += Array(decoder.finish().utf8)
        // What was held back may complete a stop string too.
        if let end = firstStop(from: searched) { return String(decoding: text[..<end], as: UTF8.self) }
        return current
    }

    /// The earliest begin of a stop string that ends after `searched` bytes.
    private func firstStop(from searched: Int) -> Int? {
        var found: Int?
        for stop in stops {
            var start = max(0, searched - stop.count + 1)
            while start + stop.count <= text.count {
                if text[start..<start + stop.count].elementsEqual(stop) {
                    found = min(found ?? start, start)
                    break
                }
                start += 1
            }
        }
        return found
    }
}
