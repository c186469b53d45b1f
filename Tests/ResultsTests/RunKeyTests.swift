import Foundation
import Results
import Testing

@Suite struct RunKeyTests {
    static let spec = RunSpec(
        checkpointSHA256: "c0ffee", method: "heretic", methodVersion: 1,
        methodOptions: #"{"trials": 50, "kl_budget": 0.1}"#, eval: "gsm8k", evalVersion: 3,
        evalOptions: #"{"shots":0}"#, dataSHA256: ["gsm8k.test": "aa", "harmful.contrast": "bb"], seed: .max,
        limit: 200, precision: "bf16")

    @Test func runKeyIsStableAcrossProcesses() {
        #expect(
            Self.spec.canonicalJSON
                == #"{"checkpoint_sha256":"c0ffee","data_sha256":{"gsm8k.test":"aa","harmful.contrast":"bb"},"#
                + #""eval":"gsm8k","eval_options":{"shots":0},"eval_version":3,"limit":200,"method":"heretic","#
                + #""method_options":{"kl_budget":0.1,"trials":50},"method_version":1,"precision":"bf16","#
                + #""seed":"18446744073709551615"}"#)
        #expect(Self.spec.key == "ab3cd088fdd350fa39b8dc6ccb77edba0a108fd7b7cdb5c632d028f956501bdd")
        let search = SearchSpec(
            checkpointSHA256: "c0ffee", method: "heretic", methodVersion: 1, methodOptions: #"{"kl_budget":0.1}"#,
            dataSHA256: ["harmful.search": "dd"], promptOptions: #"{"system_prompt":"a\/b"}"#, seed: 0,
            precision: "f32", quantization: "nf4")
        #expect(search.key == "b41ebaf4ee8a42da62daf40a75494ee379c0199921fb0c8ddabdec123e805a9d")
    }

    @Test func spellingDoesNotChangeTheKey() {
        var other = Self.spec
        other.methodOptions = "{ \"kl_budget\":1e-1,\n\"trials\":50.0, \"new_option\": null }"
        #expect(other.key == Self.spec.key)
    }

    @Test func everyFieldChangesTheKey() {
        var keys: Set<String> = [Self.spec.key]
        var specs: [RunSpec] = []
        func variant(_ change: (inout RunSpec) -> Void) {
            var spec = Self.spec
            change(&spec)
            specs.append(spec)
        }
        variant { $0.checkpointSHA256 = "c0ffef" }
        variant { $0.method = "arditi" }
        variant { $0.methodVersion = 2 }
        variant { $0.methodOptions = "{}" }
        variant { $0.eval = "kl" }
        variant { $0.evalVersion = 4 }
        variant { $0.evalOptions = #"{"shots":5}"# }
        variant { $0.dataSHA256["gsm8k.test"] = "ab" }
        variant { $0.promptOptions = #"{"system_prompt":"x"}"# }
        variant { $0.seed = 1 }
        variant { $0.limit = nil }
        variant { $0.precision = "f32" }
        variant { $0.quantization = "nf4" }
        for spec in specs { keys.insert(spec.key) }
        #expect(keys.count == 14)
    }

    @Test(arguments: [
        (#"{"b":1,"a":[1.0,2.50,1e-7,-0,true,null]}"#, #"{"a":[1,2.5,1e-07,0,true,null],"b":1}"#),
        (#"{"z":null,"é":"é\u00e9\ud83d\ude00\n\u0001\/"}"#, "{\"é\":\"éé😀\\n\\u0001/\"}"),
        ("[]", "[]"), ("{}", "{}"), ("9007199254740993", "9007199254740993"), ("0.1", "0.1"),
        ("123456789012345678901234567890", "1.2345678901234568e+29"),
    ])
    func canonicalText(input: String, expected: String) throws {
        #expect(try JSON(parsing: input).canonical == expected)
        #expect(try JSON(parsing: JSON(parsing: input).pretty).canonical == expected)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "nul", "01x", "\"abc", "\"\\u12", "[1] 2", "{\"a\":1,}", "+1", ".5", "\"\\x\"",
        "\u{1}",
    ])
    func malformedTextIsRefused(input: String) {
        #expect(throws: JSONError.self) { try JSON(parsing: input) }
    }

    @Test func deepNestingIsRefused() {
        for open in ["[", "{\"a\":"] {
            #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: open, count: 100_000)) }
        }
    }

    @Test func hashesAreThoseOfTheStandard() {
        #expect(sha256Hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
