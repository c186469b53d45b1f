"""Goldens for checkpoint loading: Tests/Fixtures/checkpoint/.

types.gguf / types.safetensors   one tensor of every type, and its values as f32 by gguf-py
llama/, llama-sharded/           a tiny random llama saved by transformers (F32; two shards in BF16)
llama.gguf                       the same weights in llama.cpp's layout (Q and K permuted), F32
real.json                        sums of some tensors of two real GGUF files, by gguf-py (needs ABENCH_MODELS)

Run: python Tools/make_checkpoint_goldens.py    (torch, transformers, safetensors, gguf)
"""
import json, os, pathlib, shutil
import numpy as np, torch, gguf
from safetensors.numpy import save_file
from transformers import LlamaConfig, LlamaForCausalLM

out = pathlib.Path(__file__).parent.parent / "Tests/Fixtures/checkpoint"
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
rng = np.random.default_rng(11)
T = gguf.GGMLQuantizationType

# Every type. gguf-py quantises the simple ones; K-quant blocks are random bytes with moderate scales.
w = gguf.GGUFWriter(out / "types.gguf", "llama")
expected = {}
for t in [T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K]:
    x = (rng.standard_normal((3, 512)) * 0.3).astype(np.float32)
    if t in (T.Q4_K, T.Q5_K, T.Q6_K):
        size = gguf.GGML_QUANT_SIZES[t][1]
        blocks = rng.integers(0, 256, (3, 2, size), dtype=np.uint8)
        for s in ([208] if t == T.Q6_K else [0, 2]):
            blocks[:, :, s:s + 2] = (rng.standard_normal((3, 2, 1)) * 0.01).astype(np.float16).view(np.uint8)
        data = blocks.reshape(3, -1)
    else:
        data = gguf.quants.quantize(x, t)
    w.add_tensor(t.name, data, raw_dtype=t)
    expected[t.name] = gguf.quants.dequantize(data, t).astype(np.float32).reshape(3, 512)
w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
save_file(expected, out / "types.safetensors")

# A llama, in both layouts.
torch.manual_seed(3)
c = LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                vocab_size=96, max_position_embeddings=128, rms_norm_eps=1e-5, rope_theta=50000.0, attention_bias=True,
                tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
m = LlamaForCausalLM(c)
with torch.no_grad():
    for p in m.parameters():
        p.copy_(torch.randn_like(p) * 0.5)
m.save_pretrained(out / "llama")
m.to(torch.bfloat16).save_pretrained(out / "llama-sharded", max_shard_size="20KB")
m = LlamaForCausalLM.from_pretrained(out / "llama")
state = {k: v.numpy() for k, v in m.state_dict().items()}

def permute(x, heads):  # llama.cpp, convert_hf_to_gguf.py
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)

names = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
w = gguf.GGUFWriter(out / "llama.gguf", "llama")
w.add_block_count(2); w.add_context_length(128); w.add_embedding_length(32); w.add_feed_forward_length(48)
w.add_head_count(4); w.add_head_count_kv(2); w.add_layer_norm_rms_eps(1e-5); w.add_rope_freq_base(50000.0)
w.add_rope_dimension_count(8); w.add_vocab_size(96)
w.add_tokenizer_model("gpt2"); w.add_tokenizer_pre("smollm")
w.add_token_list([f"t{i}" for i in range(96)]); w.add_token_types([1] * 96); w.add_token_merges(["t 0", "t 1"])
w.add_bos_token_id(1); w.add_eos_token_id(2); w.add_eot_token_id(3)
w.add_chat_template("{{ messages[0]['content'] }}")
for name, x in state.items():
    if name == "model.embed_tokens.weight": w.add_tensor("token_embd.weight", x); continue
    if name == "model.norm.weight": w.add_tensor("output_norm.weight", x); continue
    if name == "lm_head.weight": w.add_tensor("output.weight", x); continue
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    if part.endswith("q_proj"): x = permute(x, 4)
    if part.endswith("k_proj"): x = permute(x, 2)
    w.add_tensor(f"blk.{layer}.{names[part]}.{kind}", np.ascontiguousarray(x))
w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()

# Real files.
models = pathlib.Path(os.environ.get("ABENCH_MODELS", "~/.cache/abench/models")).expanduser()
real = {}
for file, heads, wanted in [
    ("SmolLM2-135M-Instruct.Q4_1.gguf", {"attn_q": 9, "attn_k": 3},
     ["token_embd.weight", "blk.0.attn_q.weight", "blk.29.attn_k.weight", "blk.7.ffn_down.weight", "output_norm.weight"]),
    ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", {},
     ["blk.0.attn_q.weight", "blk.0.attn_q.bias", "blk.3.ffn_down.weight", "blk.23.attn_v.weight", "blk.11.ffn_down.weight"]),
]:
    if not (models / file).exists(): continue
    r = gguf.GGUFReader(models / file)
    for t in r.tensors:
        if t.name not in wanted: continue
        x = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        x = x.reshape([int(d) for d in reversed(t.shape)])
        part = t.name.split(".")[2] if t.name.startswith("blk") else ""
        if part in heads:  # undo
            h = heads[part]
            x = x.reshape(h, x.shape[0] // h // 2, 2, x.shape[1]).swapaxes(1, 2).reshape(x.shape)
        flat = x.astype(np.float64).reshape(-1)
        weight = 1 + np.arange(flat.size) % 97
        real.setdefault(file, {})[t.name] = {
            "type": t.tensor_type.name, "shape": list(x.shape), "sum": float(flat.sum()),
            "squares": float((flat ** 2).sum()), "weighted": float((flat * weight).sum())}
(out / "real.json").write_text(json.dumps(real, indent=1) + "\n")
