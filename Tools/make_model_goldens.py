#!/usr/bin/env python3
"""Records what the reference library computes with real models, in f32 on the dequantised GGUF weights.

    python Tools/make_model_goldens.py MODELS_DIR Tests/Fixtures/models [DUMP_DIR]

Needs torch, transformers, gguf. Per model NAME.json: 200 tokens of text with, at each position, the most probable token,
its logit, logsumexp and six more logits; 20 chat prompts as token ids with 64 greedily generated tokens. With DUMP_DIR,
all logits as little-endian f32 besides (not kept).
"""
import json
import pathlib
import sys

import numpy
import torch
import transformers

MODELS = ["SmolLM2-135M-Instruct.Q4_1.gguf", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"]
TEXT = """The harbour was quiet when the ferry came in. Two men waited on the quay with a rope, and behind them a
child counted the gulls: eleven, twelve, thirteen. "You always lose count at twenty," her brother said, but she went
on. By noon the fog had lifted, and the market filled with people who had come for bread, oranges, lamp oil and news.
A letter had arrived from the north, where the river had flooded three villages; nobody was hurt, yet the bridge would
need until October to be rebuilt.

def area(width, height):
    \"\"\"Return the area of a rectangle in square metres.\"\"\"
    if width < 0 or height < 0:
        raise ValueError("sides must not be negative")
    return width * height

In 1905, a clerk in Bern published four papers. The third began with a remark on moving magnets and conductors. Is 17 *
23 = 391? Yes. 6 boxes hold 144 eggs, so each box holds 24."""
PROMPTS = [
    "Name three kinds of bread.", "What is the capital of Portugal?", "Write a haiku about rain.",
    "Explain in one sentence why the sky is blue.", "What is 12 * 14?", "List the planets of the solar system.",
    "Give me a recipe for pancakes.", "Translate 'good morning' into French.", "Who wrote Don Quixote?",
    "Write a Python function that reverses a string.", "What does HTTP stand for?", "Suggest a name for a cat.",
    "How many legs does a spider have?", "Summarise the story of Little Red Riding Hood.",
    "What is the difference between a lake and a pond?", "Write an SQL query that counts rows in a table.",
    "Give three tips for sleeping well.", "What is photosynthesis?", "Tell me a short joke.",
    "How do I boil an egg?",
]


def main(models, out, dump):
    out.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        tokenizer = transformers.AutoTokenizer.from_pretrained(models, gguf_file=name)
        model = transformers.AutoModelForCausalLM.from_pretrained(models, gguf_file=name, dtype=torch.float32).eval()
        model.config._attn_implementation = "eager"
        tokens = tokenizer(TEXT, add_special_tokens=False)["input_ids"][:200]
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0].float()
        picks = numpy.random.default_rng(5).integers(0, logits.shape[1], (len(tokens), 6)).tolist()
        rows = []
        for row, ids in zip(logits, picks):
            top = int(row.argmax())
            rows.append([top, round(float(row[top]), 5), round(float(torch.logsumexp(row.double(), 0)), 5),
                         [[i, round(float(row[i]), 5)] for i in ids]])
        if dump:
            logits.numpy().astype("<f4").tofile(dump / (name + ".logits"))
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends] if ends is not None else []
        ends = sorted(set(ends + [tokenizer.convert_tokens_to_ids("<|im_end|>")]))
        chats = []
        for prompt in PROMPTS:
            text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False,
                                                 add_generation_prompt=True)
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                result = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                                        max_new_tokens=64, do_sample=False, eos_token_id=ends, pad_token_id=ends[0],
                                        repetition_penalty=1.0, temperature=None, top_p=None, top_k=None)
            answer = result[0, len(ids):].tolist()
            ended = bool(answer) and answer[-1] in ends
            answer = [t for t in answer if t not in ends]
            chats.append(dict(prompt=prompt, ids=ids, answer=answer, ended=ended,
                              text=tokenizer.decode(answer, skip_special_tokens=True)))
        golden = dict(transformers=transformers.__version__, model=name, ends=ends, text=TEXT, tokens=tokens,
                      logits=rows, chats=chats)
        path = out / (name + ".json")
        path.write_text(json.dumps(golden, separators=(",", ":"), ensure_ascii=False) + "\n")
        print(name, path.stat().st_size // 1024, "KiB")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None)
