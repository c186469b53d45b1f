import Foundation
import Testing

import Harness

/// Suites are strict: every mistake names its file, line and column and, where there is one, the nearest right name.
struct SuiteTests {
    static let valid = """
        suite: small
        description: A test.
        seed: 3
        models:
          - organisms/llama
          - {path: org/name, revision: abc, label: other}
        prompts:
          harmful: {dataset: organism-restricted, contrast: "train[:8]", search: "validation[:4]", test: "test[:5]"}
          harmless: {dataset: organism-benign, contrast: "train[:8]", search: "validation[:4]", test: "test[:5]"}
        methods:
          - baseline
          - difference-of-means: {alpha: 0.5}
          - difference-of-means: {alpha: 1, label: full}
        evals:
          - refusal: {judges: [heretic-1.4], max_tokens: 12}
          - kl
        """

    static func parse(_ text: String, _ overrides: SuiteOverrides = .init()) throws -> Suite {
        try Suite.parse(text: text, source: "s.yaml", directory: URL(fileURLWithPath: "/"), overrides: overrides)
    }

    static func message(_ text: String, _ overrides: SuiteOverrides = .init()) -> String {
        do {
            _ = try parse(text, overrides)
            return "no error"
        } catch { return "\(error)" }
    }

    @Test func readsEverything() throws {
        let suite = try Self.parse(Self.valid)
        #expect(suite.name == "small")
        #expect(suite.seed == 3)
        #expect(suite.models.map(\.label) == ["llama", "other"])
        #expect(suite.models[1].revision == "abc")
        #expect(suite.methods.map(\.label) == ["baseline", "difference-of-means", "full"])
        #expect(suite.methods[1].options.contains("\"alpha\":0.5"))
        #expect(suite.evals[0].options.contains("\"max_tokens\":12"))
        #expect(suite.harmful?.contrast == "train[:8]")
        #expect(suite.precision == .bf16)
    }

    @Test(arguments: [
        ("seed: 3", "sede: 3", "s.yaml:3:1: unknown key 'sede'; did you mean 'seed'?"),
        ("- kl", "- kll", "s.yaml:16:5: unknown evaluation 'kll'; did you mean 'kl'?"),
        ("- baseline", "- basline", "s.yaml:11:5: unknown method 'basline'; did you mean 'baseline'?"),
        ("{alpha: 0.5}", "{alhpa: 0.5}", "s.yaml:12:27: unknown option 'alhpa'; did you mean 'alpha'?"),
        ("{alpha: 0.5}", "{alpha: high}", "s.yaml:12:34: difference-of-means: alpha must be a number"),
        ("seed: 3", "seed: -1", "s.yaml:3:7: seed must be an integer of at least 0"),
        ("seed: 3", "seed: x", "s.yaml:3:7: seed must be an integer of at least 0, found the text \"x\""),
        (", label: full", "", "s.yaml:13:5: two methods are called 'difference-of-means': give one of them a 'label'"),
        ("label: other", "lable: other", "s.yaml:6:37: unknown key 'lable'; did you mean 'label'?"),
        ("contrast: \"train[:8]\", search: \"validation[:4]\", test: \"test[:5]\"}\n  harmless", "tset: x}\n  harmless",
            "s.yaml:8:43: unknown key 'tset'; did you mean 'test'?"),
        ("dataset: organism-restricted, ", "", "s.yaml:8:12: prompts.harmful needs either 'dataset' or 'path'"),
        ("suite: small\n", "", "s.yaml:1:1: the suite needs 'suite'"),
        ("suite: small", "suite: ../x", "s.yaml:1:8: a suite's name becomes a folder"),
        ("judges: [heretic-1.4]", "judges: [heretic-1.5]", "heretic-1.5"),
    ])
    func errorsSayWhere(old: String, new: String, expected: String) {
        #expect(Self.valid.contains(old))
        let message = Self.message(Self.valid.replacingOccurrences(of: old, with: new))
        #expect(message.contains(expected), "\(message)")
    }

    @Test func duplicatesAndAliasesAreRefused() {
        #expect(Self.message(Self.valid + "\nseed: 4") != "no error")
        #expect(Self.message("a: &x 1\nsuite: *x") != "no error")
        #expect(Self.message("") == "s.yaml: the file is empty")
        #expect(Self.message("[1, 2]").contains("the suite must be a mapping, found a list"))
    }

    @Test func settingsAreCheckedLikeTheFile() throws {
        var overrides = SuiteOverrides(settings: ["methods.full.alpha=0.25", "seed=9", "prompts.harmful.test=test[:2]"])
        let suite = try Self.parse(Self.valid, overrides)
        #expect(suite.methods[2].options.contains("\"alpha\":0.25"))
        #expect(suite.seed == 9)
        #expect(suite.harmful?.test == "test[:2]")
        overrides.settings = ["evals.kl.tokens=4"]
        #expect(try Self.parse(Self.valid, overrides).evals[1].options.contains("\"tokens\":4"))
        overrides.settings = ["evals.kl.tokenz=4"]
        #expect(Self.message(Self.valid, overrides).hasPrefix("--set evals.kl.tokenz=4: unknown option 'tokenz'; did you mean 'tokens'?"))
        overrides.settings = ["evals.kll.tokens=4"]
        #expect(Self.message(Self.valid, overrides).contains("did you mean 'kl'?"))
        overrides.settings = ["nonsense"]
        #expect(Self.message(Self.valid, overrides).contains("expected path=value"))
    }

    @Test func selectionsKeepOrderAndRefuseStrangers() throws {
        let suite = try Self.parse(Self.valid, SuiteOverrides(limit: 2, models: ["other"], methods: ["full", "baseline"]))
        #expect(suite.models.map(\.label) == ["other"])
        #expect(suite.methods.map(\.label) == ["baseline", "full"])
        #expect(suite.limit == 2)
        #expect(Self.message(Self.valid, SuiteOverrides(evals: ["refusl"])).contains("did you mean 'refusal'?"))
        #expect(Self.message(Self.valid, SuiteOverrides(precision: "f64")).contains("f32, bf16"))
    }

    @Test(arguments: [("maxTokens", "max_tokens"), ("klBudget", "kl_budget"), ("seed", "seed"), ("fewshotAsMultiturn", "fewshot_as_multiturn")])
    func snakeCaseNames(camel: String, snake: String) { #expect(snakeCase(camel) == snake) }
}
