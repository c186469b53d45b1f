import Foundation
import Inference
import Testing

struct JSONTests {
    private func parse(_ text: String) throws(JSONError) -> JSONValue { try JSONValue.parse(text, source: "test.json") }

    private func message(_ text: String) -> String {
        do throws(JSONError) {
            return "parsed as \(try parse(text).serialized())"
        } catch {
            return error.description
        }
    }

    @Test func values() throws {
        let value = try parse(#" {"a": [1, -2, 3.5, 1e3, true, false, null], "b": {"c": "x"}, "": ""} "#)
        #expect(value["a"] == .array([.int(1), .int(-2), .double(3.5), .double(1000), .bool(true), .bool(false), .null]))
        #expect(value["b"]?["c"]?.stringValue == "x")
        #expect(value[""]?.stringValue == "")
        #expect(value.serialized() == #"{"a":[1,-2,3.5,1000.0,true,false,null],"b":{"c":"x"},"":""}"#)
    }

    @Test func numbers() throws {
        #expect(try parse("9223372036854775807").intValue == .max)
        #expect(try parse("-9223372036854775808").intValue == .min)
        #expect(try parse("9223372036854775808") == .double(9223372036854775808))
        #expect(try parse("-9223372036854775809") == .double(-9223372036854775809))
        #expect(try parse("123456789012345678901234567890").doubleValue == 123456789012345678901234567890)
        #expect(try parse("1e400").doubleValue == .infinity)
        #expect(try parse("0").intValue == 0)
        #expect(try parse("-0.0").doubleValue?.sign == .minus)
        #expect(try parse("[NaN,Infinity,-Infinity]").serialized() == "[NaN,Infinity,-Infinity]")
    }

    @Test func strings() throws {
        #expect(try parse(#""\u0041\n\t\"\\\/\b\f\r""#).stringValue == "A\n\t\"\\/\u{8}\u{c}\r")
        #expect(try parse(#""\uD83D\uDE00é\u00e9""#).stringValue?.unicodeScalars.map(\.value) == [0x1F600, 0xE9, 0xE9])
        // Composed and decomposed forms stay apart, as values and as keys.
        let value = try parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}")
        #expect(value["\u{e9}"]?.intValue == 1)
        #expect(value["e\u{301}"]?.intValue == 2)
        #expect(try parse("\"\u{e9}\"") != parse("\"e\u{301}\""))
        #expect(try parse("\u{feff}[]") == .array([]))
    }

    @Test(arguments: [
        ("", "1:1"), ("  ", "1:3"), ("[1,]", "1:4"), ("[1 2]", "1:4"), ("{\"a\" 1}", "1:6"), ("{a: 1}", "1:2"),
        ("{\"a\": 1,\n \"b\": tru}", "2:7"), ("01", "1:1"), ("1.", "1:3"), ("-", "1:2"), ("1e+", "1:4"), (".5", "1:1"),
        ("+1", "1:1"), ("\"a\nb\"", "1:3"), ("\"\\x\"", "1:2"), ("\"\\u12g4\"", "1:6"), ("\"abc", "1:1"),
        ("[1]x", "1:4"), ("nul", "1:1"), ("{\"a\":1,}", "1:8"), ("[1", "1:3"), ("'a'", "1:1"), ("[1]//", "1:4"),
    ])
    func errors(_ text: String, _ place: String) {
        #expect(message(text).hasPrefix("test.json:\(place): "), "\(message(text))")
    }

    @Test func invalidUTF8() {
        let cases: [[UInt8]] = [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0x61, 0xE2, 0x82, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x80, 0x22], [0xFF], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
        ]
        for bytes in cases { #expect(throws: JSONError.self) { try JSONValue.parse(bytes, source: "x") } }
    }

    @Test func depth() throws {
        let limit = 512
        _ = try parse(String(repeating: "[", count: limit) + String(repeating: "]", count: limit))
        #expect(message(String(repeating: "[", count: limit + 1)).contains("nested deeper than"))
        #expect(message(String(repeating: "{\"a\":", count: 1_000_000)).contains("nested deeper than"))
    }

    /// Spellings recorded from CPython 3.12's repr.
    @Test(arguments: [
        (1.0, "1.0"), (0.1, "0.1"), (1e-5, "1e-05"), (0.0001, "0.0001"), (1e16, "1e+16"), (1e15, "1000000000000000.0"),
        (9007199254740993, "9007199254740992.0"), (123456789012345680, "1.2345678901234568e+17"), (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (-2.5, "-2.5"), (-0.0, "-0.0"), (500000, "500000.0"),
        (0.00012345, "0.00012345"), (1.5e-7, "1.5e-07"), (9999999999999998, "9999999999999998.0"),
    ])
    func doubleSpelling(_ value: Double, _ expected: String) {
        #expect(JSONValue.double(value).serialized() == expected)
    }

    @Test func serialization() throws {
        let value = try parse(#"{"b":[{},[]],"a":"é\u0001\"","é":1,"B":2}"#)
        #expect(value.serialized(sortedKeys: true) == "{\"B\":2,\"a\":\"é\\u0001\\\"\",\"b\":[{},[]],\"é\":1}")
        #expect(
            value.serialized(sortedKeys: true, pretty: true)
                == "{\n  \"B\": 2,\n  \"a\": \"é\\u0001\\\"\",\n  \"b\": [\n    {},\n    []\n  ],\n  \"é\": 1\n}")
    }

    @Test func codable() throws {
        let value = try parse(#"{"a":[1,2.5,true,null,"x"],"b":{"c":{}}}"#)
        let encoded = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: encoded) == value)
    }

    /// Any text, cut or changed anywhere, is parsed or refused; what is parsed reads back the same.
    @Test func mutations() throws {
        let valid = Array(#"{"model":{"vocab":{"a\u0041\ud83d\ude00":-12.5e-3,"é":0},"x":[true,null,NaN]},"n":[1,[2]]}"#.utf8)
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6364136223846793005 &+ 1442695040888963407
            return Int(state >> 33) % bound
        }
        for end in 0..<valid.count { #expect(throws: JSONError.self) { try JSONValue.parse(Array(valid[..<end]), source: "x") } }
        for _ in 0..<20_000 {
            var bytes = valid
            for _ in 0...next(3) { bytes[next(bytes.count)] = UInt8(next(256)) }
            guard let value = try? JSONValue.parse(bytes, source: "x") else { continue }
            let text = value.serialized()
            #expect(try JSONValue.parse(text, source: "y").serialized() == text)
        }
    }

    @Test func speed() throws {
        var text = "{"
        for i in 0..<600_000 { text += "\"token\(i)\\u0120\": \(i)," }
        text += "\"end\": 0}"
        let bytes = Array(text.utf8)
        let clock = ContinuousClock()
        var count = 0
        let time = try clock.measure { count = try JSONValue.parse(bytes, source: "x").objectValue?.count ?? 0 }
        #expect(count == 600_001)
        // 15 MB. An order of magnitude of slack: the machine may be busy.
        #expect(time < .seconds(4), "parsing \(bytes.count) bytes took \(time)")
        print("JSON: \(bytes.count) bytes in \(time)")
    }
}
