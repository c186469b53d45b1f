"""Writes Tests/Fixtures/tokenizers/regex.json: what Oniguruma, by way of the `tokenizers` library, matches with patterns of
every kind that tokenizer files use. {"texts": […], "patterns": [[pattern, [[[start, end] in bytes …] per text]] …]}.

    python Tools/make_regex_goldens.py
"""
import json
import pathlib
import random

from tokenizers import Regex, pre_tokenizers

PATTERNS = [
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"a*", r"a*?", r"a+?b", r"(?:ab)*", r"(?:ab)+?", r"(?:ab|a|b){2,3}", r"(?:ab){,2}c", r"a{2}", r"a{2,}", r"x{,3}y", r"a{,}",
    r"(a|ab)(c|bcd)(d*)", r"(?>a+)b", r"(?>a|ab)c", r"a++b", r"a?+a", r"\p{L}*+\p{Ll}", r"(?:a|b)*+b", r"(?=a)\w+", r"\w+(?=\s)",
    r"(?!\s)\W", r"\S+(?!\S)", r"(?=\d{3}(?!\d))", r"\d{1,3}(?=(?:\d{3})*\b)", r"\bword\b", r"\B.", r"^\w+", r"\w+$", r"\A\S+",
    r"\S+\z", r"\S+\Z", r".", r".+", r"(?m:.+)", r"[\s\S]+?\n", r"[^a-c\p{N}]+", r"[\p{Lu}\p{Lt}]",
    r"\P{L}+", r"\p{^L}+", r"[^\P{L}]", r"[^\W\d]+", r"[\P{L}a-cé[^é]]+", r"[^[^a-cé]é]+", r"[\W\d]+", r"[a[bc]\d]+", r"[-a]+", r"[a-]+", r"[\]\[\\]+", r"[\x41-\x{5a}]+", r"\u00e9",
    r"\x{1F600}|\t", r"(?i)raSe", r"(?i:[sk]+)", r"(?i:K)x?", r"(?-i:K)|(?i:q)", r"a(?i)b|c", r"(?:a(?i)b)c", r"(?:a(?i)b|k)b|c(?-i)K", r"\.|\+|\$",
    r"[\p{P}\$\+<=>\^~\|`]+", r" ?[^(\s|.,!?…。，、।۔،)]+", r"\p{Nd}|\p{No}|\p{Nl}", r"\p{Sm}|\p{Sc}|\p{Sk}|\p{So}", r"\p{M}+",
    r"\p{Zs}|\p{Zl}|\p{Zp}|\p{Cc}|\p{Cf}|\p{Cn}|\p{Co}", r"\p{Pc}|\p{Pd}|\p{Ps}|\p{Pe}|\p{Pi}|\p{Pf}|\p{Po}", r"\p{Letter}+",
    r"x|", r"(?:)", r"|a", r"a{x", r"{", r"(?:a{1,2}){2}", r"[^\r\n]*\r?\n", r"\w+|[^\w\s]+", r"\d+\.?\d*(?:[eE][+-]?\d+)?",
]
rng = random.Random(5)
ALPHABET = "aaabbbccdxyABK12 \t\n\r'.,$é\u0301世ſ\u212a😀²½_-]\\+{"
TEXTS = ["", "a", "aaa", "ab", "abab", "abcd", "aab", "xxxxy", "word words sword word", "line one\nline two\r\n\nlast\n",
         "12 1234567 3.14e-10 0x1F ١٢٣", "don't I'LL 'ſ STRASE straſe \u212axK", "Ǆǅǆ ÀÉ \u00aa\u00b2\u00bd\u2160", "\u2028\u2029\u0085\u00a0\u3000x",
         "a\u200db\u200c _ c", "{1} a{x [](-) \\ $5+5=10~|`^<>"]
TEXTS += ["".join(rng.choice(ALPHABET) for _ in range(rng.randrange(1, 24))) for _ in range(60)]

rows = []
for pattern in PATTERNS:
    results = []
    for text in TEXTS:
        cut = lambda behavior: [o for _, o in pre_tokenizers.Split(Regex(pattern), behavior).pre_tokenize_str(text)]
        kept = set(cut("removed"))
        places = [len(text[:i].encode()) for i in range(len(text) + 1)]
        results.append([[places[a], places[b]] for a, b in cut("isolated") if (a, b) not in kept])
    rows.append([pattern, results])
out = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/tokenizers/regex.json"
out.write_text('{"texts":' + json.dumps(TEXTS) + ',"patterns":[\n'
               + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]}\n")
print(len(rows), out.stat().st_size)
