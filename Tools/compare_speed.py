"""Prompt and generation speed of abench beside transformers in bf16, in turn, in one run. Developer tool.

    python3 Tools/compare_speed.py .build/release/abench MODEL.gguf [--rounds 3]

Prompt work is 16 × 128 tokens with logits of the last position only; generation is 64 greedy tokens at batch 64, the
time of the prompt taken off. Prints medians and the ratio of each round.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time

import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("abench")
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--tokens", type=int, default=64)
options = parser.parse_args()

torch.set_num_threads(2)
model = AutoModelForCausalLM.from_pretrained(
    options.model.parent, gguf_file=options.model.name, dtype=torch.bfloat16).eval()
vocabulary = model.config.vocab_size


@torch.no_grad()
def prompt_speed():
    ids = torch.randint(0, vocabulary, (16, 128))
    start = time.perf_counter()
    model(ids, logits_to_keep=1, use_cache=False)
    return ids.numel() / (time.perf_counter() - start)


@torch.no_grad()
def generation_speed():
    ids = torch.randint(0, vocabulary, (64, 16))

    def seconds(count):
        start = time.perf_counter()
        model.generate(ids, max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)
        return time.perf_counter() - start
    short, long = seconds(1), seconds(options.tokens + 1)
    return 64 * options.tokens / (long - short)


prompt_speed()
rows = []
for round in range(options.rounds):
    theirs = (prompt_speed(), generation_speed())
    out = subprocess.run(
        [options.abench, "bench", str(options.model), "--json", "-r", "1", "-n", str(options.tokens)],
        capture_output=True, text=True, check=True).stdout
    own = json.loads(out)
    ours = (own["prompt_tokens_per_second"], own["generation_tokens_per_second"]["64"])
    rows.append((theirs, ours))
    print(f"round {round}: prompt {ours[0]:.0f} vs {theirs[0]:.0f} ({ours[0] / theirs[0]:.2f}x), "
          f"generation at batch 64 {ours[1]:.0f} vs {theirs[1]:.0f} ({ours[1] / theirs[1]:.2f}x)", flush=True)
for index, name in ((0, "prompt"), (1, "generation")):
    own = statistics.median(r[1][index] for r in rows)
    their = statistics.median(r[0][index] for r in rows)
    ratio = statistics.median(r[1][index] / r[0][index] for r in rows)
    print(f"{name}: abench {own:.0f} tokens/s, transformers bf16 {their:.0f} tokens/s, median ratio {ratio:.2f}")
