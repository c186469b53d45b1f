import Foundation
import Inference
import Testing

private func fixture(_ name: String) throws -> JSONValue {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/template/\(name)")
    return try JSONValue.parse(contentsOf: url)
}

private let tokenizers = ProcessInfo.processInfo.environment["ABENCH_TOKENIZERS"]

/// The goldens' dates are in UTC.
private func useUTC() {
    setenv("TZ", "UTC", 1)
    tzset()
}

private func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

/// nil when the template does what the reference did, else what it did instead.
private func difference(_ source: String, name: String, context: JSONValue, now: Date, expected: JSONValue) -> String? {
    do throws(TemplateError) {
        let text = try ChatTemplate(source: source, name: name).render(context: context, now: now)
        guard let wanted = expected["out"]?.stringValue else { return "rendered \(text), the reference refused" }
        return isSame(text, wanted) ? nil : "rendered \(text), the reference \(wanted)"
    } catch {
        return expected["error"] == nil ? "failed: \(error)" : nil
    }
}

@Suite struct TemplateTests {
    /// Snippets for every construct, rendered by Jinja2 as transformers configures it.
    @Test func snippetsRenderAsInJinja() throws {
        useUTC()
        let goldens = try fixture("goldens.json")
        let context = try #require(goldens["context"])
        let now = Date(timeIntervalSince1970: Double(try #require(goldens["now"]?.intValue)))
        let snippets = try #require(goldens["snippets"]?.arrayValue)
        #expect(snippets.count >= 400)
        for snippet in snippets {
            let source = try #require(snippet["template"]?.stringValue)
            let difference = difference(source, name: "snippet", context: context, now: now, expected: snippet)
            #expect(difference == nil, "\(source)")
        }
    }

    /// Real models' templates on a set of conversations; goldens from `Tools/make_template_goldens.py real`.
    @Test(.enabled(if: tokenizers != nil, "set ABENCH_TOKENIZERS to run")) func realTemplatesRenderAsInTransformers()
        throws
    {
        useUTC()
        let folder = URL(fileURLWithPath: try #require(tokenizers)).appendingPathComponent("template-goldens")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
        try #require(!files.isEmpty, "run Tools/make_template_goldens.py real")
        for file in files {
            let golden = try JSONValue.parse(contentsOf: file)
            let source = try #require(golden["template"]?.stringValue)
            let now = Date(timeIntervalSince1970: Double(try #require(golden["now"]?.intValue)))
            for one in try #require(golden["cases"]?.arrayValue) {
                let context = try #require(one["context"])
                let difference = difference(
                    source, name: file.lastPathComponent, context: context, now: now, expected: one)
                #expect(difference == nil, "\(file.lastPathComponent): \(one["name"]?.stringValue ?? "")")
            }
            #expect(try ChatTemplate(source: source, name: "t").sha256 == golden["sha256"]?.stringValue)
        }
    }

    @Test func messagesAndVariables() throws {
        let template = try ChatTemplate(
            source: "{{ bos }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
                + "{% if tools %}T{% endif %}{% if add_generation_prompt %}<assistant>{% endif %}",
            name: "t")
        let messages: [ChatMessage] = [.system("s"), .user("e\u{301}")]
        #expect(
            isSame(
                try template.render(messages: messages, addGenerationPrompt: true, variables: ["bos": .string("[B]")]),
                "[B]<system>s<user>e\u{301}<assistant>"))
        #expect(
            try template.render(messages: messages, addGenerationPrompt: false, variables: ["tools": .array([.int(1)])])
                .hasSuffix("T"))
        // SHA-256 of the empty string.
        #expect(
            try ChatTemplate(source: "", name: "t").sha256
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    private func failure(_ source: String) -> TemplateError? {
        do throws(TemplateError) {
            _ = try ChatTemplate(source: source, name: "chat.jinja").render(context: .object([]))
            return nil
        } catch { return error }
    }

    @Test func errorsNameTheirPlace() throws {
        let raised = try #require(failure("a\n{% if true %}\n{{ raise_exception('No ' ~ 1) }}{% endif %}"))
        #expect(raised.kind == .raised)
        #expect(raised.description == "chat.jinja:3: No 1")
        let filter = try #require(failure("\n{{ 1 | frobnicate }}"))
        #expect(filter.kind == .syntax)
        #expect(filter.line == 2)
        #expect(filter.message.contains("frobnicate"))
        let tag = try #require(failure("\n\n{% include 'x' %}"))
        #expect(tag.line == 3)
        #expect(tag.message.contains("include"))
        let runtime = try #require(failure("x\n{{ a.b }}"))
        #expect(runtime.kind == .runtime)
        #expect(runtime.line == 2)
    }

    /// Hostile templates end with an error: no crash, no hang.
    @Test(arguments: [
        "{{ range(10**12) | list }}",
        "{{ 'a' * 10**12 }}",
        "{{ 'a' * 4611686018427387904 }}",
        "{{ [1] * 10**9 }}",
        "{{ 10 ** 100000 }}",
        "{{ 9223372036854775807 + 1 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('ab') }}",
        "{% for a in [[1]] recursive %}{{ loop([a]) }}{% endfor %}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='aaaaaaaa') %}{% for a in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='aaa') %}{% for a in range(99) %}{% set ns.s = ns.s.replace('a', ns.s) %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}",
        "{% set ns = namespace(l='a') %}{% for a in range(100000) %}{% set ns.l = ns.l | map('upper') %}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'x'.center(10**10) }}",
        "{{ 'a\\nb' | indent(10**10) }}",
        "{{ [[1]] | tojson(indent=10**10) }}",
        "{{ [1] | batch(10**10, 0) | list }}",
        "{{ [1] | slice(10**10) | list }}",
        "{{ range(-9223372036854775807, 9223372036854775807) }}",
        "{{ (-9223372036854775807 - 1) // -1 }}",
        "{{ (-9223372036854775807 - 1) | abs }}",
        "{{ 1e300 | int }}",
        "{{ loop.x }}{{ self.y }}",
        "{{ (1.5).__class__.__mro__ }}",
        "{{ ''.__class__.__base__ }}",
    ])
    func hostileTemplatesFail(source: String) {
        #expect(failure(source) != nil)
    }

    @Test func deepNestingFails() {
        let n = 100_000
        for (open, close) in [
            ("(", ")"), ("[", "]"), ("{1:", "}"), ("not ", ""), ("-", ""), ("f(", ")"), ("a[", "]"),
            ("1 if ", " else 1"),
        ] {
            let source = "{{ " + String(repeating: open, count: n) + "1" + String(repeating: close, count: n) + " }}"
            #expect(failure(source) != nil, "\(open)")
        }
        for link in [" + 1", " | e", ".a", "[0]", " and 1", "()", " is odd", " ** 1", " * 1"] {
            #expect(failure("{{ a" + String(repeating: link, count: n) + " }}") != nil, "\(link)")
        }
        for tag in ["{% if 1 %}", "{% for a in [1] %}", "{% set a %}", "{% filter upper %}", "{% macro m() %}"] {
            #expect(failure(String(repeating: tag, count: n)) != nil, "\(tag)")
        }
        var value = JSONValue.int(1)
        for _ in 0..<1000 { value = .array([value]) }
        #expect(throws: TemplateError.self) {
            try ChatTemplate(source: "{{ x }}", name: "t").render(context: .object([("x", value)]))
        }
    }

    /// Long but ordinary input stays well inside the limits.
    @Test func longConversationsRender() throws {
        let template = try ChatTemplate(
            source: "{% for m in messages %}{{ '<|' ~ m.role ~ '|>' ~ (m.content | trim) ~ '\\n' }}{% endfor %}",
            name: "t")
        let turn = String(repeating: "words and words ", count: 2000)
        let messages = [ChatMessage](repeating: .user(turn), count: 200)
        let text = try template.render(messages: messages, addGenerationPrompt: true, variables: [:])
        #expect(text.utf8.count == 200 * (turn.utf8.count - 1 + "<|user|>\n".utf8.count))
    }

    /// Rendering needs little stack of the caller: it works from a thread with the smallest one.
    @Test func rendersOnManyThreads() async throws {
        let template = try ChatTemplate(
            source: "{% macro f(n) %}{% if n %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(150) }}", name: "t")
        let expected = stride(from: 150, to: 0, by: -1).map(String.init).joined()
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<16 { group.addTask { try? template.render(context: .object([])) } }
            for await text in group { #expect(text == expected) }
        }
    }
}
