#!/usr/bin/env python3
"""Writes Tests/Fixtures/quants/<TYPE>.{blocks,f32}: random blocks of every GGUF type the kernels read, and the values
that the gguf package dequantises them to. Needs numpy and gguf; run from the repository root."""
import pathlib
import warnings

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize

OUT = pathlib.Path("Tests/Fixtures/quants")
# Byte offsets of the f16 fields of a block.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
          "Q6_K": [208]}
EXTREME = np.array([0.0, -0.0, 65504, -65504, 2.0**-24, -(2.0**-24), 2.0**-14, 1023 * 2.0**-24, 1.0, -1.0],
                   dtype=np.float16)


def blocks_of(name, rng):
    size = GGML_QUANT_SIZES[T[name]][1]
    count = 96 if size < 64 else 24
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in HALVES[name]:
        scales = (rng.standard_normal(count) * 10.0 ** rng.uniform(-5, 2, count)).astype(np.float16)
        scales[: len(EXTREME)] = rng.permutation(EXTREME)
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(count, 2)
    blocks[-1, max(HALVES[name]) + 2 if name != "Q6_K" else 0 :][:16] = 255
    if name == "Q6_K":
        blocks[-2, 192:208] = 128  # the most negative scale
    return blocks


def main():
    rng = np.random.default_rng(20240229)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in HALVES:
        blocks = blocks_of(name, rng)
        values = dequantize(blocks, T[name]).astype(np.float32)
        assert np.isfinite(values).all(), name
        (OUT / f"{name}.blocks").write_bytes(blocks.tobytes())
        (OUT / f"{name}.f32").write_bytes(values.tobytes())
    bits = rng.permutation(np.arange(65536, dtype=np.uint16))[:3000]
    edges = np.array([0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00], dtype=np.uint16)
    for name, nan_above in (("F16", 0x7C00), ("BF16", 0x7F80)):
        kept = np.concatenate([edges, bits[(bits & 0x7FFF) <= nan_above]])
        kept = kept[(kept & 0x7FFF) <= nan_above]
        values = dequantize(kept.view(np.uint8), T[name]).astype(np.float32)
        (OUT / f"{name}.blocks").write_bytes(kept.tobytes())
        (OUT / f"{name}.f32").write_bytes(values.tobytes())


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
