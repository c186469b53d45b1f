"""Writes Tests/Fixtures/tokenizers/*.json: tiny tokenizers trained here, each with what the `tokenizers` library makes of
hard texts with it. A file is {"name", "tokenizer": <tokenizer.json>, "texts": […], "ids": […], "special": […],
"decoded": […], "decodings": [[ids, skip, text], …]}; texts.json has the texts all share.

    python Tools/make_tokenizer_goldens.py
"""
import json
import pathlib
import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

out = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/tokenizers"
out.mkdir(parents=True, exist_ok=True)

CORPUS = [
    "The harvest festival begins when the last cart comes in from the valley, and nobody counts the barrels twice.",
    "She said: \"don't, can't, won't, I'll, we've, they're, it's, I'd, I'm\" and then she SAID IT'LL DO.",
    "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result\n",
    "if (x >= 10 && y != 20) { printf(\"%d\\n\", x + y); } // 1234567890 3.14159 0xFF 1e-5\n\n\n",
    "Die Straße führt über die Brücke; naïve Gäste trinken Café au lait für 2,50 €.",
    "Привет, мир! Сколько лет прошло с тех пор, как мы уехали из деревни?",
    "こんにちは世界。東京は今日も晴れです。漢字とひらがなとカタカナ。",
    "안녕하세요 세계, 오늘은 날씨가 참 좋습니다. 你好世界,今天天气很好。",
    "مرحبا بالعالم، كيف حالك اليوم؟ שלום עולם, מה שלומך היום?",
    "नमस्ते दुनिया, आज मौसम अच्छा है। สวัสดีชาวโลก วันนี้อากาศดี",
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 😀😃😄 ❤️ ☕ → ∑ ∞ ≠ ½ ¾ ² ³",
    "http://example.org/path?query=value&other=1#part user@example.org __init__ camelCase snake_case",
    "   leading spaces\tand\ttabs\r\nwindows lines\r\n\r\n  trailing  \n",
    "aaaa bbbb aaab abab baba aaaaaaaa bbbbbbbb abcabcabc ababababab",
] * 3

rng = random.Random(20261121)
ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
MARKS = [c for c in ALL if unicodedata.combining(chr(c))]
DIGITS = [c for c in ALL if unicodedata.category(chr(c))[0] == "N"]
PUNCTUATION = [c for c in ALL if unicodedata.category(chr(c))[0] in "PS"]
SPACES = [9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF]
PIECES = ("the harvest don't I'LL 'ſ 'S naïve café Größe Привет 世界 こんにちは 안녕 שלום हिन्दी 12345 3.14 __init__ {} <|end|> "
          "<|start|> <s> </s> <unk> <0x0A> <0xFF> ▁ ▁▁ Ġ Ċ 👩‍👩‍👧‍👦 🇩🇪 e\u0301 A\u030a \u1112\u1161\u11ab \u212b Word "
          "mask strip").split()


def scalar():
    kind = rng.randrange(6)
    if kind == 0:
        return chr(rng.choice(ALL))
    if kind == 1:
        return chr(rng.choice(MARKS))
    if kind == 2:
        return chr(rng.choice(DIGITS))
    if kind == 3:
        return chr(rng.choice(PUNCTUATION))
    if kind == 4:
        return chr(rng.choice(SPACES)) * rng.choice([1, 1, 2, 5])
    return chr(rng.choice([rng.randrange(0x4E00, 0xA000), rng.randrange(0xAC00, 0xD7A4), rng.randrange(0x1100, 0x1200),
                           rng.randrange(0x250), rng.randrange(0x1F300, 0x1FB00)]))


def text():
    parts = []
    for _ in range(rng.choice([1, 2, 4, 8, 16])):
        kind = rng.randrange(6)
        if kind == 0:
            parts.append(rng.choice(PIECES))
        elif kind == 1:
            parts.append(" " * rng.choice([1, 1, 2, 3, 8]))
        elif kind == 2:
            parts.append(rng.choice(["\n", "\r\n", "\n\n", "\r", "\t", " \n", "\n "]) * rng.choice([1, 1, 2, 3]))
        elif kind == 3:
            piece = rng.choice(PIECES)
            parts.append(piece[:rng.randrange(len(piece) + 1)])
        elif kind == 4:
            parts.append(scalar() + "".join(chr(rng.choice(MARKS)) for _ in range(rng.choice([0, 0, 1, 2, 3]))))
        else:
            parts.append("".join(chr(rng.randrange(32, 127)) for _ in range(rng.choice([1, 2, 6]))))
    return "".join(parts)


TEXTS = ["", " ", "  ", "\n", "\u0000", "\u0000\u0001\u007f", "a", "é", "e\u0301", "\u0301", "\u0301a",
         "\u1100\u1161\u11a8", "가\u11a8", "\u1100\u1161\u1161", "ﬁﬀ①Å\u212bΩ\u2126", "\u0344\u0958\u2adc\ufb1d",
         "a\u0315\u0300\u05ae\u0300\u0062", "\U0010ffff\U000e0001\ufffe", "\u0378\u0e5c", "don'T 'LL 'Re", "x'ſt",
         "<|start|><|end|>", "a<|start|>b <|end|> c", "<|start", "|end|>", "<<|start|>>", " <mask> ", "x  <mask>  y", "<mask>",
         "Word", "Words", "aWord", "a Word b", "éWord\u0301", "_Word", "-Word-", "ﬁ WORD word", "strip  strip", "1Word",
         "Tschüß   \t \n <mask>\n\n<mask> <mask>", "٣٤٥ ১২৩ ⅷ ½ ²³ 𝟘𝟙𝟚 1234567", "ǅ ǆ Ǆ İ ẞ ΑΣ Σ",
         "\u0d4d\u200d\u200c\u200b\ufeff", "a" * 3000, "ab" * 1500, " " * 700 + "x", "漢字" * 400, "\n" * 100, "▁▁▁a▁ b▁"]
TEXTS += [text() for _ in range(450)]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+?| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"
              r"|\s+(?!\S)|\s").replace("{1,3}+?", "{1,2}")

SPECIALS = [AddedToken("<|start|>", special=True, normalized=False), AddedToken("<|end|>", special=True, normalized=False),
            AddedToken("<mask>", special=True, normalized=False, lstrip=True, rstrip=True),
            AddedToken("Word", single_word=True, normalized=True), AddedToken("strip", rstrip=True, normalized=False)]


def byte_level(name, pattern, *, normalizer=None, behavior="isolated", invert=False, size=700, ignore=False, post=None,
               prefix=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pattern is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=True)
    else:
        steps = [pre_tokenizers.Split(Regex(p), behavior, invert) for p in ([pattern] if isinstance(pattern, str) else pattern)]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens(SPECIALS)
    if post:
        tokenizer.post_processor = post(tokenizer)
    return name, tokenizer


def sentencepiece(name, *, prepend, normalizer=None, pre=None, fallback=True, fuse=True):
    unknown = "<unk>"
    tokenizer = Tokenizer(models.BPE(unk_token=unknown, byte_fallback=fallback, fuse_unk=fuse))
    steps = ([normalizers.Prepend("▁")] if prepend else []) + [normalizers.Replace(" ", "▁")]
    tokenizer.normalizer = normalizer or normalizers.Sequence(steps)
    if pre:
        tokenizer.pre_tokenizer = pre
    special = [unknown, "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if fallback else [])
    trainer = trainers.BpeTrainer(vocab_size=1100, special_tokens=special, limit_alphabet=120, show_progress=False)
    tokenizer.train_from_iterator([line for text in CORPUS for line in text.replace(" ", " ▁").split(" ")], trainer)
    # Only the first three are added tokens in such files; the bytes are vocabulary.
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    data["post_processor"] = json.loads(processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]).__getstate__())
    chain = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if prepend or pre:
        chain.append(decoders.Strip(" ", 1, 0))
    data["decoder"] = json.loads(decoders.Sequence(chain).__getstate__())
    return name, Tokenizer.from_str(json.dumps(data))


def unigram(name, *, normalizer, pre, decoder, fallback=False):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    special = ["<pad>", "</s>", "<unk>"] + ([f"<0x{b:02X}>" for b in range(256)] if fallback else [])
    trainer = trainers.UnigramTrainer(vocab_size=700 if fallback else 450, special_tokens=special, unk_token="<unk>",
                                      show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = data["added_tokens"][:3]
    data["model"]["byte_fallback"] = fallback
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.decoder = decoder
    tokenizer.add_tokens([AddedToken("Word", single_word=True, normalized=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                             special_tokens=[("</s>", 1)])
    return name, tokenizer


def start_template(t):
    return processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(
        single="<|start|> $A", pair="<|start|> $A $B", special_tokens=[("<|start|>", t.token_to_id("<|start|>"))])])


def roberta(t):
    return processors.RobertaProcessing(("<|end|>", t.token_to_id("<|end|>")), ("<|start|>", t.token_to_id("<|start|>")))


meta = pre_tokenizers.Metaspace
tokenizers = [
    byte_level("qwen-like", QWEN, normalizer=normalizers.NFC()),
    byte_level("llama3-like", LLAMA3, ignore=True, post=start_template),
    byte_level("gpt2-like", None, post=roberta, prefix=True),
    byte_level("olmo-like", LLAMA3, behavior="removed", invert=True),
    byte_level("o200k-like", O200K),
    byte_level("possessive", POSSESSIVE),
    byte_level("digits-split", [r"\p{N}", r"'s|'t| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
               normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])),
    byte_level("merged-previous", r"\s+|[.,]", behavior="merged_with_previous", normalizer=normalizers.NFD()),
    byte_level("merged-next", r"\s|\p{P}", behavior="merged_with_next", normalizer=normalizers.NFKD()),
    byte_level("contiguous", r"\w|\d+", behavior="contiguous", normalizer=normalizers.Strip()),
    sentencepiece("llama2-like", prepend=True),
    sentencepiece("gemma-like", prepend=False),
    sentencepiece("mistral-like", prepend=False, normalizer=normalizers.Sequence([]),
                  pre=meta(replacement="▁", prepend_scheme="first", split=False)),
    sentencepiece("no-fallback", prepend=True, fallback=False),
    sentencepiece("no-fusing", prepend=True, fallback=False, fuse=False),
    unigram("t5-like", normalizer=normalizers.Sequence([normalizers.Replace(Regex(" {2,}"), " "), normalizers.NFKC()]),
            pre=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), meta(replacement="▁", prepend_scheme="always")]),
            decoder=decoders.Metaspace(replacement="▁", prepend_scheme="always")),
    unigram("unigram-bytes", normalizer=normalizers.Strip(left=True, right=False),
            pre=pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation(),
                                         meta(replacement="▁", prepend_scheme="first")]),
            decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(replacement="▁", prepend_scheme="first")]),
            fallback=True),
    unigram("whitespace", normalizer=normalizers.NFC(),
            pre=pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False)]),
            decoder=decoders.Fuse()),
]

(out / "texts.json").write_text(json.dumps(TEXTS))
for name, tokenizer in tokenizers:
    encode = lambda special: [tokenizer.encode(t, add_special_tokens=special).ids for t in TEXTS]
    ids, special = encode(False), encode(True)
    size = tokenizer.get_vocab_size()
    lists = [[rng.randrange(size + 2) for _ in range(rng.choice([1, 3, 9, 20]))] for _ in range(100)]
    lists += [rng.choice(ids)[:40] for _ in range(40)]
    decodings = [[l, skip, tokenizer.decode(l, skip_special_tokens=skip)] for i, l in enumerate(lists) for skip in [i % 2 == 0]]
    # With special tokens the ids are those without them between the same ends.
    sample = special[TEXTS.index("a")]
    front = sample.index(ids[TEXTS.index("a")][0]) if ids[TEXTS.index("a")] else 0
    for plain, full in zip(ids, special):
        extra = len(full) - len(plain)
        assert full[front:len(full) - (extra - front)] == plain
    back = sample[front + len(ids[TEXTS.index("a")]):]
    # Ids as deltas would be smaller but unreadable; one line per text is diffable.
    path = out / f"{name}.json"
    body = {"name": name, "front": sample[:front], "back": back, "tokenizer": json.loads(tokenizer.to_str())}
    rows = ",\n".join(json.dumps(x, separators=(",", ":")) for x in ids)
    dec = ",\n".join(json.dumps(x, separators=(",", ":")) for x in decodings)
    path.write_text(json.dumps(body, separators=(",", ":"))[:-1] + ',"ids":[\n' + rows + '\n],"decodings":[\n' + dec + "\n]}\n")
    print(name, size, path.stat().st_size)
