#!/usr/bin/env python3
"""Goldens for chat templates, from transformers' own Jinja environment.

    make_template_goldens.py snippets   Tests/Fixtures/template/snippets.json -> .../goldens.json
    make_template_goldens.py real       templates below $ABENCH_TOKENIZERS -> $ABENCH_TOKENIZERS/template-goldens/

The real templates and what they render to are third-party material and are not committed.
Dates are rendered at a fixed time, in UTC.
"""

import datetime
import hashlib
import json
import os
import pathlib
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()
import transformers.utils.chat_template_utils as utils  # noqa: E402

NOW = 1753186800  # 2025-07-22 12:20:00 UTC


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


utils.datetime = FixedDatetime


def render(template, context):
    """{"out": text} or {"error": message}."""
    try:
        text = utils._compile_jinja_template(template).render(**context)
        text.encode("utf-8")
        return {"out": text}
    except RecursionError:
        return {"error": "RecursionError"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather \u2013 \u201cnow\u201d, at a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "A city"},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "days": {"type": ["integer", "null"], "default": 1},
                "spots": {"type": "array", "items": {"type": "object", "properties": {"lat": {"type": "number"}}}},
            },
            "required": ["city"],
        },
        "return": {"type": "string", "description": "text"},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "Time", "parameters": {"type": "object", "properties": {}}}}


def call(arguments, identifier="abcdef123"):
    return {"id": identifier, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def conversations():
    u = lambda text: {"role": "user", "content": text}
    a = lambda text, **more: {"role": "assistant", "content": text, **more}
    s = lambda text: {"role": "system", "content": text}
    args = {"city": "Z\u00fcrich", "days": 2, "x": 1.5, "ok": True, "none": None, "spots": [{"lat": 47.0}]}
    tool = {"role": "tool", "tool_call_id": "abcdef123", "name": "get_weather", "content": "{\"t\": 21}"}
    yield "user", dict(messages=[u("Hello, world!")])
    yield "user-no-prompt", dict(messages=[u("Hello, world!")], add_generation_prompt=False)
    yield "system-user", dict(messages=[s("You are terse."), u("Hi")])
    yield "multi-turn", dict(messages=[u("One"), a("Two"), u("Three"), a("Four"), u("Five")])
    yield "multi-turn-system", dict(messages=[s("Be kind.\n"), u("One"), a("<think>\nhm\n</think>\n\nTwo"), u("Three")])
    yield "ends-with-assistant", dict(messages=[u("One"), a("Two")], add_generation_prompt=False)
    yield "spaces", dict(messages=[s("  padded\n\n"), u("\n lead and trail \t\n"), a(" \n x \n "), u("\u3000\u00a0wide\u00a0")])
    yield "unicode", dict(messages=[u("Gr\u00fc\u00dfe \U0001f469\u200d\U0001f680 e\u0301 \u00e9 \u4f60\u597d <|x|> {{ y }} 'q' \"d\" \\n\r\n.")])
    yield "empty", dict(messages=[u(""), a(""), u("")])
    yield "no-messages", dict(messages=[])
    yield "thinking-off", dict(messages=[u("2+2?")], enable_thinking=False, thinking=False)
    yield "thinking-on", dict(messages=[s("S"), u("2+2?"), a("4", reasoning_content="easy\n"), u("3+3?")], enable_thinking=True, thinking=True, reasoning_effort="high")
    yield "tools", dict(messages=[u("Weather?")], tools=[WEATHER, CLOCK])
    yield "tools-system", dict(messages=[s("Use tools."), u("Weather?")], tools=[WEATHER])
    yield "tool-call", dict(messages=[u("Weather?"), a("", tool_calls=[call(args)]), tool, a("21 degrees."), u("Thanks")], tools=[WEATHER])
    yield "tool-call-none", dict(messages=[u("Weather?"), {"role": "assistant", "content": None, "tool_calls": [call(args)]}, tool], tools=[WEATHER, CLOCK])
    yield "tool-call-text", dict(messages=[u("Weather?"), a("Let me see.", tool_calls=[call(json.dumps(args)), call("{}", "abcdef124")]), tool, dict(tool, tool_call_id="abcdef124")], tools=[WEATHER])
    yield "parts", dict(messages=[{"role": "user", "content": [{"type": "text", "text": "Part 1"}, {"type": "text", "text": "Part 2"}]}])
    yield "image", dict(messages=[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}])
    yield "wrong-order", dict(messages=[a("First"), u("Second"), u("Third")])
    yield "late-system", dict(messages=[u("Hi"), s("Late"), u("Go")])
    yield "unknown-role", dict(messages=[u("Hi"), {"role": "critic", "content": "No"}])
    yield "developer", dict(messages=[{"role": "developer", "content": "Dev"}, u("Hi")])
    yield "date", dict(messages=[s("S"), u("Today?")], date_string="26 Jul 2024", strftime_now=None)
    yield "documents", dict(messages=[u("Cite")], documents=[{"title": "T", "text": "Body", "content": "Body", "doc_id": 0}])


def contexts(extra):
    for name, given in conversations():
        context = {"tools": None, "documents": None, "add_generation_prompt": True, **extra, **given}
        if context.get("strftime_now", 0) is None:
            del context["strftime_now"]
        yield name, context


def real():
    root = pathlib.Path(os.environ["ABENCH_TOKENIZERS"])
    target = root / "template-goldens"
    target.mkdir(exist_ok=True)
    sources = {p.name: (p.read_bytes().decode("utf-8"), {}) for p in sorted((root / "templates").glob("*.jinja"))}
    for path in sorted((root / "hf").glob("*/tokenizer_config.json")):
        config = json.loads(path.read_text())
        tokens = {}
        for key in ("bos_token", "eos_token", "unk_token", "pad_token"):
            value = config.get(key)
            if isinstance(value, dict):
                value = value.get("content")
            if isinstance(value, str):
                tokens[key] = value
        template = config.get("chat_template")
        entries = template if isinstance(template, list) else [{"name": "default", "template": template}]
        for entry in entries:
            if entry["template"]:
                sources[f"hf-{path.parent.name}-{entry['name']}"] = (entry["template"], tokens)
    fine = failed = 0
    for name, (source, tokens) in sources.items():
        extra = tokens or {"bos_token": "<s>", "eos_token": "</s>"}
        cases = []
        for label, context in contexts(extra):
            result = render(source, context)
            fine += "out" in result
            failed += "error" in result
            cases.append({"name": label, "context": context, **result})
        record = {"name": name, "sha256": hashlib.sha256(source.encode()).hexdigest(), "template": source, "now": NOW, "cases": cases}
        (target / f"{name}.json").write_text(json.dumps(record, ensure_ascii=False))
    print(f"{len(sources)} templates: {fine} rendered, {failed} refused")


def snippets():
    folder = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "template"
    record = json.loads((folder / "snippets.json").read_text())
    goldens = []
    for snippet in record["snippets"]:
        context = {**record["context"], **snippet.get("context", {})}
        goldens.append({**snippet, **render(snippet["template"], context)})
    lines = ",\n".join(json.dumps(g, ensure_ascii=False) for g in goldens)
    context = json.dumps(record["context"], ensure_ascii=False)
    (folder / "goldens.json").write_text(f'{{"now": {NOW}, "context": {context}, "snippets": [\n{lines}\n]}}\n')
    errors = sum("error" in g for g in goldens)
    print(f"{len(goldens)} snippets, {errors} of them errors")


if __name__ == "__main__":
    {"snippets": snippets, "real": real}[sys.argv[1]]()
