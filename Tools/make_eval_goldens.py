#!/usr/bin/env python3
"""Writes Tests/Fixtures/evals/*.json.

* gsm8k_filters.json: what lm-evaluation-harness 0.4.11 extracts and scores, by its own RegexFilter, TakeFirst and
  exact_match, over hand-made and random responses;
* gsm8k_prompts.json: prompts by its own ConfigurableTask.fewshot_context over a small made-up dataset;
* random.json: CPython's random.Random;
* text.json: CPython's str.lower, strip, split; judges.json: marker judges transcribed to Python.

Run: python Tools/make_eval_goldens.py   (needs lm_eval==0.4.11 and pyyaml)
"""
import glob
import json
import pathlib
import random
import re
import types

import yaml
import lm_eval
from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters.extraction import RegexFilter

HERE = pathlib.Path(__file__).parent.parent
OUT = HERE / "Tests/Fixtures/evals"
TASKS = pathlib.Path(lm_eval.__file__).parent / "tasks/gsm8k"
config = {name: yaml.safe_load((TASKS / file).read_text()) for name, file in
          [("gsm8k", "gsm8k.yaml"), ("gsm8k_cot", "gsm8k-cot.yaml")]}


def write(name, value):
    path = OUT / name
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=True) + "\n")
    print(path, path.stat().st_size)


# --- filters ---------------------------------------------------------------------------------------------------------
def extract(task, filter_name, response):
    spec = next(f for f in config[task]["filter_list"] if f["name"] == filter_name)["filter"]
    assert [s["function"] for s in spec] == ["regex", "take_first"]
    arguments = {k: v for k, v in spec[0].items() if k != "function"}
    return list(RegexFilter(**arguments).apply([[response]], [{}]))[0][0]


def score(task, prediction, target):
    metric = config[task]["metric_list"][0]
    return float(exact_match_hf_evaluate([prediction], [target], regexes_to_ignore=metric["regexes_to_ignore"],
                                         ignore_case=metric["ignore_case"],
                                         ignore_punctuation=metric["ignore_punctuation"])["exact_match"])


rnd = random.Random(99)
answers = ["She has 3 + 4 = <<3+4=7>>7.\n#### 7", "It is 1,000.\n#### 1,000", "#### -5", "cost $2.50\n#### 2.50",
           "#### 18", "#### 18.", "a #### 3\nb\n#### 1,234,567", "no marker 42", "#### 0", "#### 70000"]
hand = ["", " ", "#### 7", "####7", "#### 7.", "#### $7", "#### -7", "#### - 7", "#### --7", "##### 7", "#### \n7", "#### 7\n#### 8",
        "The answer is 7", "The answer is 7.", "The answer is 7\n", "The answer is 18", "The answer is 18\n", "The answer is 18 dollars.",
        "The answer is -5", "The answer is -5.", "The answer is -", "The answer is $5.", "The answer is 1,234.50.", "The answer is .",
        "The answer is ..", "the answer is 7.", "The answer is 7. The answer is 8.", "The answer is $7. The answer is 8.",
        "$7", "$", "$$", "...", ".", ",", "-", "--", "-$5", "-$", "$-5", "5-3", "1.", "1", "12", "-1", "- 1", "3/4", "1e5", "0x10",
        "\u0667", "#### \u0667", "\uff17", "#### \uff17\uff18", "x\u00b2", "12\u00a0345", "#### 12\u202f345", "#### 1\u2009000",
        "It costs $1,000.00 in total...", "So 5 apples, 6 pears.", "7 #### 8 9", "#### 1,000,", "#### ,", "#### .", "#### .5",
        "#### 7\u0301", "caf\u00e9 7", "\U0001F600 9", "#### 5\r\n", "The answer is 5\r\n", "The answer is 55\r", "#### 7%", "50%",
        "The answer is 7\u2028", "The answer is \u0667.", "####  7", "#### 18#### 19", "The answer is The answer is 5.", "#### 007", "7.0", "#### 7.00"]
alphabet = list("0123456789") * 2 + list("-$.,# \n") * 3 + ["#### ", "The answer is ", "####", "a", "\u0663", "\u00e9", "\r", "A", "[invalid]", "\u2028", "\x85"]
rand = ["".join(rnd.choice(alphabet) for _ in range(rnd.randrange(0, 30))) for _ in range(900)]
rows = []
for i, response in enumerate(hand + rand):
    target = answers[i % len(answers)]
    short = target.split("####")[-1].strip()
    entry = [response, target, short]
    for task, reference in (("gsm8k", target), ("gsm8k_cot", short)):
        for name in ("strict-match", "flexible-extract"):
            value = extract(task, name, response)
            entry += [value, score(task, value, reference)]
    rows.append(entry)
pairs = []
for _ in range(600):
    a, b = ("".join(rnd.choice(["1", "2", ",", "$", ".", "#### ", "####", "\n", "A", "a", " ", "-", "\u0130"])
                    for _ in range(rnd.randrange(0, 7))) for _ in range(2))
    pairs.append([a, b, score("gsm8k", a, b)])
    pairs.append([a, a.replace(",", ""), score("gsm8k", a, a.replace(",", ""))])
write("gsm8k_filters.json", {"responses": rows, "pairs": pairs})

# --- random ----------------------------------------------------------------------------------------------------------
cases = []
for seed in (0, 1, 1234, -1234, 42, 2**32 - 1, 2**32, 2**40 + 12345, 2**62, -(2**63) + 1):
    r = random.Random(seed)
    steps = []
    for _ in range(25):
        kind = rnd.choice(["bits", "below", "random", "sample", "sample", "sample"])
        if kind == "bits":
            k = rnd.randrange(1, 65)
            steps.append(["bits", k, 0, [str(r.getrandbits(k))]])
        elif kind == "below":
            n = rnd.choice([1, 2, 3, 7, 100, 7473, 2**31, 2**32, 2**33 + 5])
            steps.append(["below", n, 0, [str(r._randbelow(n))]])
        elif kind == "random":
            steps.append(["random", 0, 0, [r.random().hex(), repr(r.random())]])
        else:
            n = rnd.choice([1, 5, 8, 20, 21, 22, 30, 85, 86, 100, 1000, 7473])
            k = rnd.randrange(0, min(n, 40) + 1)
            steps.append(["sample", n, k, [str(x) for x in r.sample(range(n), k)]])
    cases.append([str(seed), steps])
r = random.Random(1234)
gsm8k = [r.sample(range(7473), 5) for _ in range(1319)]
write("random.json", {"cases": cases, "gsm8k": {"0": gsm8k[0], "1": gsm8k[1], "2": gsm8k[2], "1318": gsm8k[1318]}})

# --- text ------------------------------------------------------------------------------------------------------------
spaces = [chr(c) for c in list(range(0, 33)) + [0x85, 0xA0, 0x1680, 0x180E, 0x2000, 0x2005, 0x200A, 0x200B, 0x2028, 0x2029,
                                               0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]]
letters = list("aIıİſKkΣσςÅß*'\u2019ǅŉΐﬁ\u0301.") + ["ΑΣ", "ΣΑ", "Α.Σ", "\u1E9E", "\U00010400"]
texts = ["".join(rnd.choice(spaces + letters * 2) for _ in range(rnd.randrange(0, 14))) for _ in range(400)]
write("text.json", [[t, t.lower(), t.strip(), t.split()] for t in texts])

# --- judges ----------------------------------------------------------------------------------------------------------
def markers(name):
    lines = (HERE / f"Sources/Evals/Resources/judges/{name}.txt").read_text().split("\n")
    return [x for x in lines if x and not x.startswith("#")]


def heretic14(s):
    if not s.strip():
        return True
    s = s.lower().replace("*", "").replace("\u2019", "'")
    s = " ".join(s.split())
    return any(m.lower() in s for m in markers("heretic-1.4"))


def heretic10(s):
    s = s.lower().replace("*", "").replace("\u2019", "'")
    return any(m.lower() in s for m in markers("heretic-1.0"))


def arditi(s):
    return any(m.lower() in s.lower() for m in markers("arditi-2024"))


def gcg(s):
    return any(m in s for m in markers("gcg-2023"))


every = sorted({m for n in ("heretic-1.4", "heretic-1.0", "arditi-2024", "gcg-2023") for m in markers(n)})
fill = ["Sure", "here", "is", "the", "plan:", "I", "can", "will", "not", "unable", "am", "an", "AI", "OK.", "\u00e9t\u00e9", "\u4f60\u597d"]


def mangle(text):
    result = ""
    for c in text:
        x = rnd.random()
        if c == " " and x < 0.5:
            result += rnd.choice(["  ", "\n", "\t", "\u00a0", "\u2009", " *", "\x1f", "\u200b", "\u3000"])
        elif c == "'" and x < 0.5:
            result += rnd.choice(["\u2019", "\u2018", "`", "'"])
        elif x < 0.03:
            result += c + "*"
        elif x < 0.1:
            result += c.upper()
        elif x < 0.12:
            result += {"k": "\u212a", "s": "\u017f", "i": "\u0130"}.get(c, c)
        else:
            result += c
    return result


cases = ["", " ", "\n\t", "*", "**", "\u200b", "I\u2019m sorry", "I can\u2019t", "I can*'*t", "I  cannot", "I\ncannot", "i CANNOT", "Hello!", "hello!"]
while len(cases) < 700:
    words = [rnd.choice(fill) for _ in range(rnd.randrange(0, 6))]
    if rnd.random() < 0.75:
        words.insert(rnd.randrange(0, len(words) + 1), rnd.choice(every))
    cases.append(mangle(" ".join(words)))
write("judges.json", [[s, heretic14(s), heretic10(s), arditi(s), gcg(s)] for s in cases])

# --- prompts ---------------------------------------------------------------------------------------------------------
train = [{"question": f"Train question {i}? It has {i * 7 % 13} parts.", "answer": f"Step {i}: 2 * {i} = <<2*{i}={2*i}>>{2*i}.\n#### {2*i}"}
         for i in range(40)]
test = [{"question": q, "answer": a} for q, a in
        [("How many?", "Two and two.\n#### 4"), ("What\u2019s 1,000 + 1?", "Add.\n#### 1,001"), ("A \"quoted\" one,\nwith a line end", "#### -3"),
         ("Last?", "x #### y\n#### 9.5")]]
import datasets
from lm_eval.api.task import ConfigurableTask

prompts = {}
for task in ("gsm8k", "gsm8k_cot"):
    for shots in (0, 1, 5, 8) if task == "gsm8k" else (0, 3, 8):
        cfg = {k: v for k, v in config[task].items() if k not in ("dataset_path", "dataset_name", "tag")}
        def custom(**kwargs):
            return {"train": datasets.Dataset.from_list(train), "test": datasets.Dataset.from_list(test)}
        cfg["custom_dataset"] = custom
        t = ConfigurableTask(config=cfg)
        t.set_fewshot_seed(1234)
        rows = [t.fewshot_context(doc, shots) for doc in t.test_docs()]
        t.set_fewshot_seed(1234)
        turns = []
        for doc in t.test_docs():
            captured = []
            t.fewshot_context(doc, shots, apply_chat_template=True, fewshot_as_multiturn=True,
                              chat_template=lambda m, **k: captured.append(m) or "")
            turns.append([[x["role"], x["content"]] for x in captured[0]])
        t.set_fewshot_seed(1234)
        single = []
        for doc in t.test_docs():
            captured = []
            t.fewshot_context(doc, shots, apply_chat_template=True, fewshot_as_multiturn=False,
                              chat_template=lambda m, **k: captured.append(m) or "")
            single.append([[x["role"], x["content"]] for x in captured[0]])
        prompts[f"{task}/{shots}"] = {"text": rows, "turns": turns, "single": single,
                                      "targets": [t.doc_to_target(doc) for doc in t.test_docs()],
                                      "stop": cfg["generation_kwargs"]["until"]}
write("gsm8k_prompts.json", {"train": train, "test": test, "prompts": prompts})
