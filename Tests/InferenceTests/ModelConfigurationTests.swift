import Inference
import Testing

struct ModelConfigurationTests {
    private func make(_ text: String) throws -> ModelConfiguration {
        ModelConfiguration(json: try JSONValue.parse(text, source: "config.json"), source: "config.json")
    }


    @Test func typedGetters() throws {
        let c = try make(#"{"a": 4096.0, "b": "x", "c": true, "d": [1, 2], "e": null, "f": 0.5, "g": 7, "h": 0}"#)
        #expect(try c.int("a") == 4096)
        #expect(try c.optionalInt("e") == nil)
        #expect(try c.ids("d") == [1, 2])
        #expect(try c.ids("g") == [7])
        #expect(try c.ids("z") == [])
        #expect(try c.double("g") == 7)
        #expect(try c.bool("c", default: false))
        #expect(try c.bool("z", default: true))
        #expect(failure { _ = try c.int("hidden_size") } == "config.json: hidden_size is missing")
        #expect(failure { _ = try c.int("e") } == "config.json: e is missing")
        #expect(failure { _ = try c.int("f") } == "config.json: f should be an integer, but is 0.5")
        #expect(failure { _ = try c.optionalInt("b") } == "config.json: b should be an integer, but is \"x\"")
        #expect(failure { _ = try c.bool("g", default: true) } == "config.json: g should be true or false, but is 7")
        #expect(failure { _ = try c.size("h") } == "config.json: h is 0, which is not a usable size")
        #expect(failure { _ = try c.optionalStrings("d") } == "config.json: d should be a list of strings, but is [1,2]")
    }

    @Test func nestedErrorsNameThePath() throws {
        let c = try make(#"{"text_config": {"rope_scaling": {"factor": "x"}}}"#)
        let scaling = try #require(try c.textConfiguration().object("rope_scaling"))
        #expect(
            failure { _ = try scaling.double("factor") }
                == "config.json: text_config.rope_scaling.factor should be a number, but is \"x\"")
    }

    @Test func bothRopeSpellings() throws {
        let old = try make(
            #"{"rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}}"#)
        let new = try make(
            #"{"rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0}}"#)
        for c in [old, new] {
            let rope = try #require(try c.ropeParameters())
            #expect(rope.theta == 500000)
            #expect(rope.type == "llama3")
            #expect(try rope.values.double("factor") == 8)
        }
        #expect(try make("{}").ropeParameters()?.theta == 10000)
        #expect(try make("{}").ropeParameters(defaultTheta: nil) == nil)
        #expect(try make(#"{"rope_scaling": {"type": "su"}}"#).ropeParameters()?.type == "longrope")
        #expect(failure { _ = try make(#"{"rope_theta": -1}"#).ropeParameters() }.contains("must be positive"))
    }

    @Test func ropeByLayerType() throws {
        let old = try make(
            #"{"rope_theta": 1000000, "rope_local_base_freq": 10000, "rope_scaling": {"rope_type": "linear", "factor": 8}}"#)
        let new = try make(
            """
            {"rope_parameters": {"full_attention": {"rope_theta": 1000000, "rope_type": "linear", "factor": 8},
             "sliding_attention": {"rope_theta": 10000, "rope_type": "default"}}}
            """)
        for c in [old, new] {
            let full = try #require(try c.ropeParameters(layerType: "full_attention"))
            let sliding = try #require(try c.ropeParameters(layerType: "sliding_attention"))
            #expect(full.theta == 1_000_000 && full.type == "linear")
            #expect(sliding.theta == 10_000 && sliding.type == "default")
        }
    }
}
