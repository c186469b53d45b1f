"""Class geometry by NumPy and scikit-learn, and torch's quantile: Tests/Fixtures/geometry/geometry.json."""
import json
import pathlib

import numpy as np
import torch
from sklearn.metrics import silhouette_score

rng = np.random.default_rng(3)
LAYERS, SIZE = 4, 13
harmful = rng.normal(size=(7, LAYERS + 1, SIZE)).astype(np.float32)
harmless = rng.normal(size=(5, LAYERS + 1, SIZE)).astype(np.float32)
common = 40 * rng.normal(size=(LAYERS + 1, SIZE)).astype(np.float32)
shift = rng.normal(size=SIZE).astype(np.float32)
for i in range(LAYERS + 1):
    harmful[:, i] += common[i] + i * shift
    harmless[:, i] += common[i]
# Index 0: the same last token in every prompt, as template tokens give.
harmful[:, 0] = harmless[:1, 0]
harmless[:, 0] = harmless[:1, 0]


def cosine(a, b):
    s = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / s) if s > 0 else None


rows, previous = [], None
for i in range(LAYERS + 1):
    h, a = harmful[:, i].astype(np.float64).mean(0), harmless[:, i].astype(np.float64).mean(0)
    r = h - a
    n = np.linalg.norm
    unit = a / n(a)
    purity = n(r - (r @ unit) * unit) / n(r) if n(r) > 0 else 0.0
    snr = n(r) / max(n(h), n(a))
    points = np.concatenate([harmful[:, i], harmless[:, i]]).astype(np.float64)
    labels = [0] * len(harmful) + [1] * len(harmless)
    rows.append({
        "harmful_norm": n(h), "harmless_norm": n(a), "direction_norm": n(r), "cosine": cosine(h, a),
        "cosine_direction_harmful": cosine(r, h), "cosine_direction_harmless": cosine(r, a),
        "silhouette": float(silhouette_score(points, labels)), "snr": snr, "purity": purity,
        "quality": snr * (1 - cosine(h, a)) * purity,
        "cosine_with_previous": cosine(r, previous) if previous is not None else None,
    })
    previous = r
x = torch.tensor(rng.normal(size=576).astype(np.float32))
quantiles = [0.1, 0.5, 0.95, 0.995, 1.0]
out = pathlib.Path(__file__).parent.parent / "Tests/Fixtures/geometry/geometry.json"
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(json.dumps({
    "harmful": harmful.tolist(), "harmless": harmless.tolist(), "layers": rows, "x": x.tolist(), "quantiles": quantiles,
    "abs_quantile": [float(torch.quantile(x.abs().double(), q)) for q in quantiles],
}))
