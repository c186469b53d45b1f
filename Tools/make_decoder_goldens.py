#!/usr/bin/env python3
"""Makes tiny random checkpoints and records the reference library's f32 logits for random tokens.

    python Tools/make_decoder_goldens.py Tests/Fixtures/decoder

Needs torch, transformers, safetensors. One folder per case: config.json, model.safetensors, golden.json
({"transformers": version, "sequences": [[ids]], "logits": [[[per position]]], "hidden": last position's residual stream
per layer for the first sequence}).
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers

SHARED = dict(vocab_size=131, max_position_embeddings=512, initializer_range=0.2, torch_dtype="float32",
              bos_token_id=None, eos_token_id=None)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
CASES = {
    "llama-gqa": transformers.LlamaConfig(
        hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
        tie_word_embeddings=False, rms_norm_eps=1e-5, **SHARED),
    "llama3-tied": transformers.LlamaConfig(
        hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1,
        head_dim=16, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, rope_theta=500000.0,
        rope_scaling=LLAMA3, **SHARED),
    "llama-linear": transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        tie_word_embeddings=True, rope_scaling=dict(rope_type="linear", factor=2.5), **SHARED),
    "llama-yarn": transformers.LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        tie_word_embeddings=True,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64), **SHARED),
    "qwen2": transformers.Qwen2Config(
        hidden_size=48, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        tie_word_embeddings=True, rope_theta=1000000.0, **SHARED),
    "qwen2-window": transformers.Qwen2Config(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        tie_word_embeddings=False, use_sliding_window=True, sliding_window=7, max_window_layers=1, **SHARED),
    "qwen3": transformers.Qwen3Config(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        head_dim=16, tie_word_embeddings=True, **SHARED),
    "mistral": transformers.MistralConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        sliding_window=9, tie_word_embeddings=False, **SHARED),
}


def randomize(model):
    """Every parameter random, norms and biases too: a constant would hide a mistake."""
    generator = torch.Generator().manual_seed(1234)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name and parameter.dim() == 1:
                parameter.copy_(1 + 0.3 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.3 * noise)
            else:
                parameter.copy_(noise * (1.0 if "embed" in name else 1.2 / parameter.shape[1] ** 0.5))


def main(out):
    for name, config in CASES.items():
        config._attn_implementation = "eager"
        model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
        randomize(model)
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        generator = torch.Generator().manual_seed(99)
        sequences = [torch.randint(0, config.vocab_size, (n,), generator=generator).tolist() for n in (1, 7, 23)]
        logits, hidden = [], []
        with torch.no_grad():
            for tokens in sequences:
                result = model(torch.tensor([tokens]), output_hidden_states=True)
                logits.append([[float(f"{x:.7g}") for x in row] for row in result.logits[0].tolist()])
                if len(tokens) == 7:
                    # The last entry is after the final norm; the others are h_0 ... h_(L-1).
                    hidden = [[float(f"{x:.7g}") for x in h[0, -1].tolist()] for h in result.hidden_states]
            long = sequences[2] * 6
            last = model(torch.tensor([long])).logits[0, -1].tolist()
            prompt = torch.tensor([sequences[1]])
            greedy = model.generate(prompt, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)
        golden = dict(transformers=transformers.__version__, sequences=sequences, logits=logits, hidden=hidden,
                      long=long, longLogits=[float(f"{x:.7g}") for x in last],
                      greedy=greedy[0, len(sequences[1]):].tolist())
        (folder / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        for file in folder.iterdir():
            file.chmod(0o644)
        print(name, sum(f.stat().st_size for f in folder.iterdir()) // 1024, "KiB")


main(pathlib.Path(sys.argv[1]))
