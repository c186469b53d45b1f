#!/usr/bin/env python3
"""Writes Tests/Fixtures/statistics/statistics.json: values of SciPy, NumPy, scikit-learn-style formulas.

Run: python Tools/make_statistics_goldens.py   (needs numpy and scipy)
"""
import json
import pathlib

import numpy as np
from scipy import stats

rng = np.random.default_rng(20251213)
out = {}

# Wilson intervals, extremes included.
cases = [(0, 1), (1, 1), (0, 100), (3, 100), (60, 100), (100, 100), (1, 2), (660, 1319), (1319, 1319), (0, 1319),
         (7, 1_000_000), (999_999, 1_000_000), (123_456, 1_000_000)]
cases += [(int(k), int(n)) for n in rng.integers(1, 3000, 20) for k in [rng.integers(0, n + 1)]]
out["wilson"] = []
for k, n in cases:
    for confidence in (0.95, 0.99, 0.5):
        ci = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
        out["wilson"].append([k, n, confidence, ci.low, ci.high])

# Exact McNemar = two-sided binomial test of the discordant pairs at one half.
pairs = [(0, 0), (1, 0), (0, 1), (5, 5), (12, 3), (3, 12), (40, 41), (100, 60), (0, 50), (1000, 900), (5000, 5200),
         (50_000, 50_100), (7, 1000), (600, 601)]
pairs += [(int(a), int(b)) for a, b in rng.integers(0, 300, (30, 2))]
out["mcnemar"] = [[a, b, 1.0 if a + b == 0 else stats.binomtest(a, a + b, 0.5).pvalue] for a, b in pairs]

# Normal quantiles.
ps = [1e-300, 1e-12, 1e-5, 0.001, 0.025, 0.3, 0.5, 0.7, 0.975, 0.995, 1 - 1e-9] + list(rng.random(30))
out["normal_quantile"] = [[float(p), float(stats.norm.ppf(p))] for p in ps]

# Quantiles, means, standard errors.
out["quantiles"] = []
samples = [[1.5], [2.0, -1.0], [0, 0, 0, 0], [1, 1, 2, 3, 5, 8, 13]]
samples += [rng.standard_normal(n).tolist() for n in (3, 10, 37, 100)] + [rng.exponential(2, 101).tolist()]
for values in samples:
    a = np.array(values, dtype=float)
    out["quantiles"].append({
        "values": a.tolist(),
        "quantiles": [[q, float(np.quantile(a, q))] for q in (0, 0.01, 0.05, 0.25, 0.5, 0.77, 0.95, 0.99, 0.999, 1)],
        "mean": float(a.mean()),
        "median": float(np.median(a)),
        "stderr": None if len(a) < 2 else float(stats.sem(a)),
        "interval": None if len(a) < 2 else
            [float(x) for x in stats.norm.interval(0.95, loc=a.mean(), scale=stats.sem(a))] if a.std() > 0 else None,
    })

# Holm.
def holm(p):
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order]))
    result = np.empty_like(p)
    result[order] = adjusted
    return result.tolist()

ps = [[0.01, 0.04, 0.03, 0.005], [0.5], [], [0.02, 0.02, 0.02], [1, 1e-9, 0.7, 0.04]] + [rng.random(12).tolist()]
out["holm"] = [[p, holm(p)] for p in ps]

# Cohen's kappa from the definition.
out["kappa"] = []
for n, labels in [(1, 2), (10, 2), (50, 2), (200, 3), (500, 2)]:
    a = rng.integers(0, labels, n)
    b = np.where(rng.random(n) < 0.6, a, rng.integers(0, labels, n))
    po = np.mean(a == b)
    pe = sum(np.mean(a == k) * np.mean(b == k) for k in range(labels))
    out["kappa"].append([a.tolist(), b.tolist(), None if pe == 1 else float((po - pe) / (1 - pe))])
out["kappa"].append([[1, 1, 1], [1, 1, 1], None])
out["kappa"].append([[1, 1, 1, 1], [0, 0, 0, 0], 0.0])

# Percentile bootstrap of a mean: SciPy's own, many resamples, for comparison within Monte Carlo error.
out["bootstrap"] = []
for values in (rng.standard_normal(40), (rng.random(150) < 0.3).astype(float), rng.exponential(1, 60),
               rng.choice([-1.0, 0.0, 1.0], 1319, p=[0.06, 0.9, 0.04])):
    r = stats.bootstrap((values,), np.mean, n_resamples=200_000, method="percentile", batch=2000,
                        rng=np.random.default_rng(1))
    out["bootstrap"].append({"values": values.tolist(), "low": float(r.confidence_interval.low),
                             "high": float(r.confidence_interval.high), "stderr": float(r.standard_error)})

path = pathlib.Path(__file__).parent.parent / "Tests/Fixtures/statistics/statistics.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path, path.stat().st_size)
