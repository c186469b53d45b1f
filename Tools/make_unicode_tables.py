"""Writes Sources/Inference/Tokenizer/Unicode{Classes,CanonicalDecompositions,CompatibilityDecompositions}.swift.

The tables are what the `tokenizers` library does, found by asking it about every scalar: its regular expressions know
Unicode 16, its normalisation crate Unicode 9. Takes a minute.

    python Tools/make_unicode_tables.py
"""
import pathlib
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

root = pathlib.Path(__file__).resolve().parent.parent / "Sources/Inference/Tokenizer"
nfc, nfd, nfkd = normalizers.NFC(), normalizers.NFD(), normalizers.NFKD()
scalars = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
canonical, compatibility = [], []
for c in scalars:
    if 0xAC00 <= c < 0xD7A4:
        continue
    text = chr(c)
    full = nfd.normalize_str(text)
    if full != text:
        parts = unicodedata.decomposition(text).split()
        level = [int(p, 16) for p in parts] if parts and not parts[0].startswith("<") else [ord(x) for x in full]
        # A decomposition of one level must lead to the full one.
        assert nfd.normalize_str("".join(map(chr, level))) == full, hex(c)
        composes = len(level) == 2 and nfc.normalize_str(text) == text
        canonical.append((c, level, composes))
    if nfkd.normalize_str(text) != full:
        compatibility.append((c, [ord(x) for x in nfkd.normalize_str(text)]))

# Combining classes: those of marks that the library reorders (against a mark of class 1 or 240).
classes = []
for c in (c for c in scalars if unicodedata.combining(chr(c))):
    x = chr(c)
    swaps = nfd.normalize_str(x + "\u0334") != x + "\u0334" or nfd.normalize_str("\u0345" + x) != "\u0345" + x
    if swaps or c == 0x345:
        classes.append((c, unicodedata.combining(x)))


def spell(entries):
    """`C:A.B` per entry in hexadecimal; `C-D:A` where a run of scalars maps to a run, one to one."""
    out, i = [], 0
    while i < len(entries):
        c, parts, mark = entries[i]
        j = i
        if len(parts) == 1:
            while (j + 1 < len(entries) and entries[j + 1][0] == entries[j][0] + 1 and len(entries[j + 1][1]) == 1
                   and entries[j + 1][1][0] == entries[j][1][0] + 1 and entries[j + 1][2] == mark):
                j += 1
        span = f"{c:X}" if j == i else f"{c:X}-{entries[j][0]:X}"
        out.append(f"{span}{mark}" + ".".join(f"{p:X}" for p in parts))
        i = j + 1
    return out


def write(name, doc, items):
    lines, line = [], "    "
    for item in items:
        if len(line) + len(item) + 1 > 112:
            lines.append(line.rstrip() + " \\")
            line = "    "
        line += item + " "
    lines.append(line.rstrip())
    body = "\n".join(lines)
    return (f'{doc}    static let {name}: StaticString = """\n' + "\n".join("    " + l for l in lines)
            + '\n        """\n')


def save(file, owner, *members):
    path = root / file
    path.write_text("// Written by Tools/make_unicode_tables.py.\n\n" + f"extension {owner} {{\n" + "\n".join(members)
                    + "}\n")
    print(path.name, path.stat().st_size, len(path.read_text().splitlines()))


runs, i = [], 0
while i < len(classes):
    j = i
    while j + 1 < len(classes) and classes[j + 1] == (classes[j][0] + 1, classes[i][1]):
        j += 1
    runs.append(f"{classes[i][0]:X}" + (f"-{classes[j][0]:X}" if j > i else "") + f":{classes[i][1]:X}")
    i = j + 1
save("UnicodeCanonicalDecompositions.swift", "UnicodeNormalization",
     write("canonicalText",
           "    /// `C=A.B`: C decomposes canonically to A B, and A B compose to C; `C:A.B` or `C:A`: it only decomposes.\n"
           "    /// One level. Scalars are hexadecimal; Hangul syllables are computed and not listed.\n",
           spell([(c, p, "=" if comp else ":") for c, p, comp in canonical])),
     write("combiningClassText", "    /// `C-D:K`: C…D have the canonical combining class K, in hexadecimal; others have 0.\n",
           runs))
save("UnicodeCompatibilityDecompositions.swift", "UnicodeNormalization",
     write("compatibilityText",
           "    /// `C:A.B`: the full compatibility decomposition of C where it differs from the canonical one;\n"
           "    /// `C-D:A`: C…D map to A and its followers one to one.\n",
           spell([(c, p, ":") for c, p in compatibility])))


def matching(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    found = set(scalars)
    for start in range(0, len(scalars), 4096):
        for piece, _ in split.pre_tokenize_str("".join(map(chr, scalars[start:start + 4096]))):
            found.difference_update(map(ord, piece))
    return found


# The order is that of UnicodeTable.Class; a letter per class, A…Z a…f.
names = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn").split()
letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
kind = ["b"] * 0x110000
for index, name in enumerate(names):
    if name != "Cs":
        for c in matching(rf"\p{{{name}}}"):
            kind[c] = letters[index]
word, space = matching(r"\w"), matching(r"\s")
for c in scalars:
    if c in space and kind[c] == letters[names.index("Cc")]:
        kind[c] = "e"
    if c in word and kind[c] == letters[names.index("So")]:
        kind[c] = "f"
items, i = [], 0
while i < len(kind):
    j = i
    while j < len(kind) and kind[j] == kind[i]:
        j += 1
    items.append(kind[i] + (str(j - i) if j - i > 1 else ""))
    i = j
lines, line = [], "    "
for item in items:
    if len(line) + len(item) > 114:
        lines.append(line + "\\")
        line = "    "
    line += item
lines.append(line)
save("UnicodeClasses.swift", "UnicodeTable",
     "    /// The classes of all scalars in order: a letter (A… = the cases of `Class` in order) and how many scalars in a\n"
     "    /// row have it, when more than one.\n"
     '    static let runs: StaticString = """\n' + "\n".join("    " + l for l in lines) + '\n        """\n')
