"""Writes Tests/Fixtures/tokenizers/real/NAME.json: the ids that the `tokenizers` library gives for the texts of
texts.json with real tokenizers, which are not part of the repository. Special tokens of the real ones are put between.

    python Tools/make_real_tokenizer_goldens.py DIRECTORY      # with hf/NAME/tokenizer.json
"""
import hashlib
import json
import pathlib
import sys

from tokenizers import Tokenizer

out = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/tokenizers"
(out / "real").mkdir(exist_ok=True)
shared = [t for t in json.loads((out / "texts.json").read_text()) if len(t) < 200]
for path in sorted(pathlib.Path(sys.argv[1]).glob("hf/*/tokenizer.json")):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    added = [t.content for _, t in sorted(tokenizer.get_added_tokens_decoder().items())]
    texts = [added[i % len(added)].join([t[:len(t) // 2], t[len(t) // 2:]]) if i % 3 == 0 else t for i, t in enumerate(shared)]
    encoded = [tokenizer.encode(t, add_special_tokens=i % 2 == 0).ids for i, t in enumerate(texts)]
    decoded = [tokenizer.decode(ids, skip_special_tokens=i % 2 == 1) for i, ids in enumerate(encoded)]
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in zip(texts, encoded, decoded))
    name = path.parent.name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    file = out / "real" / f"{name}.json"
    file.write_text(f'{{"tokenizer":"{name}","sha256":"{digest}","rows":[\n{rows}\n]}}\n')
    print(file.name, file.stat().st_size)
