"""Two-objective test functions on Heretic's search space for a model of 32 blocks.

The same functions are written in Tests/MethodsTests/TPEFunctions.swift; both take parameters by name.
"""
import math

LAYERS = 32
LAST = LAYERS - 1
COMPONENTS = ["attn.o_proj", "mlp.down_proj"]
FLOATS = {"direction_index": (0.4 * LAST, 0.9 * LAST)}
for _c in COMPONENTS:
    FLOATS[f"{_c}.max_weight"] = (0.8, 1.5)
    FLOATS[f"{_c}.max_weight_position"] = (0.6 * LAST, 1.0 * LAST)
    FLOATS[f"{_c}.min_weight"] = (0.0, 1.0)
    FLOATS[f"{_c}.min_weight_distance"] = (1.0, 0.6 * LAST)
NAMES = sorted(FLOATS)  # nine floats


def _unit(x):
    return [(x[n] - FLOATS[n][0]) / (FLOATS[n][1] - FLOATS[n][0]) for n in NAMES]


def zdt1(x):
    """ZDT1 on nine dimensions; the second scope costs a constant."""
    u = _unit(x)
    g = 1 + 9 * sum(u[1:]) / 8 + 0.5 * x["direction_scope"]
    return u[0], g * (1 - math.sqrt(u[0] / g))


def tradeoff(x):
    """Integer refusals against a KL that grows with the ablation weights; Heretic 1.4.0's scores."""
    strength = {}
    for c in COMPONENTS:
        top, position = x[f"{c}.max_weight"], x[f"{c}.max_weight_position"]
        bottom, reach = top * x[f"{c}.min_weight"], x[f"{c}.min_weight_distance"]
        total = 0.0
        for layer in range(LAYERS):
            distance = abs(layer - position)
            if distance <= reach:
                total += top + distance / reach * (bottom - top)
        strength[c] = total / LAYERS
    quality = 0.8 if x["direction_scope"] == 1 else math.exp(-(((x["direction_index"] - 18) / 4) ** 2))
    attn, mlp = strength["attn.o_proj"], strength["mlp.down_proj"]
    effect = quality * (0.6 * attn + 0.4 * mlp)
    refusals = math.floor(97 / (1 + math.exp(12 * (effect - 0.35))) + 0.5)
    kl = 0.3 * (0.5 * attn**2 + mlp**2) * (2 - quality)
    score = refusals / 97
    return (kl if kl >= 0.01 else score * 0.01), score


def interaction(x):
    """Two quadratic bowls whose places depend on the categorical parameter."""
    u = _unit(x)
    scope = int(x["direction_scope"])
    first, second = 0.1 * scope, 0.1 * (1 - scope)
    for k, value in enumerate(u):
        here = 0.2 + 0.05 * k if scope == 0 else 0.9 - 0.06 * k
        there = here + 0.3 if (k + scope) % 2 == 0 else here - 0.15
        first += (value - here) ** 2
        second += (value - there) ** 2
    return first, second


FUNCTIONS = {"zdt1": (zdt1, (1.0, 10.0)), "tradeoff": (tradeoff, (1.0, 1.0)), "interaction": (interaction, (3.0, 3.0))}


def hypervolume(points, reference):
    area, ceiling = 0.0, reference[1]
    for a, b in sorted(points):
        if a < reference[0] and b < ceiling:
            area += (reference[0] - a) * (ceiling - b)
            ceiling = b
    return area
