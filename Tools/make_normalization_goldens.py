"""Writes Tests/Fixtures/tokenizers/normalization.json: NFC, NFD, NFKC, NFKD of random sequences, by Python's unicodedata,
with scalars of Unicode 9 only (which the `tokenizers` library knows too). Rows are [text, nfc, nfd, nfkc, nfkd].

    python Tools/make_normalization_goldens.py
"""
import json
import pathlib
import random
import unicodedata

from tokenizers import normalizers

library = {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD()}
# What the library decomposes or reorders is known to it; everything else stays apart from the pool.
known = [c for c in range(0x30000) if not 0xD800 <= c < 0xE000
         and (unicodedata.decomposition(chr(c)) and library["NFKD"].normalize_str(chr(c)) != chr(c))]
marks = [c for c in range(0x300, 0x1E000) if unicodedata.combining(chr(c))
         and library["NFD"].normalize_str(chr(c) + "\u0334" + "\u0345") != library["NFD"].normalize_str(chr(c)) + "\u0334\u0345"]
jamo = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3), 0xAC00, 0xAC01, 0xD7A3, 0xAC1C]
letters = [ord(c) for c in "aeiouAEIOUsScCnNдЕ가"]
rng = random.Random(3)
rows = []
while len(rows) < 900:
    text = "".join(chr(rng.choice(rng.choice([known, marks, marks, jamo, letters]))) for _ in range(rng.randrange(1, 7)))
    forms = [unicodedata.normalize(f, text) for f in library]
    assert forms == [n.normalize_str(text) for n in library.values()], ascii(text)
    rows.append([text, *forms])
path = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/tokenizers/normalization.json"
path.write_text("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")
print(len(rows), path.stat().st_size)
