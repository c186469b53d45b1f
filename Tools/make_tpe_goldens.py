"""Records what Optuna 4.8.0 and SciPy compute, for Tests/MethodsTests: Tests/Fixtures/tpe/{components,normal,optuna}.json.

    pip download optuna==4.8.0 --no-deps && unzip -d OPTUNA optuna-4.8.0*.whl
    PYTHONPATH=OPTUNA python Tools/make_tpe_goldens.py [--hypervolumes]

Optuna 5 builds its estimators otherwise (no hypervolume weights, other sigmas): the version matters. With
--hypervolumes the (slow) studies of 200 trials are run as well.
"""
import json
import pathlib
import sys
import warnings

import numpy as np
import optuna
import scipy.special
import scipy.stats
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe import sampler as tpe

import tpe_functions as functions

assert optuna.__version__ == "4.8.0", optuna.__version__
warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.WARNING)
OUT = pathlib.Path(__file__).parent.parent / "Tests/Fixtures/tpe"

SPACE = {n: FloatDistribution(*functions.FLOATS[n]) for n in functions.NAMES}
SPACE["direction_scope"] = CategoricalDistribution([0, 1])
SPACE = dict(sorted(SPACE.items()))


def make_sampler(seed):
    return TPESampler(n_startup_trials=60, n_ei_candidates=128, multivariate=True, seed=seed)


def study_of(parameters, losses):
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=make_sampler(0))
    study.add_trials(
        [optuna.trial.create_trial(params=p, distributions=SPACE, values=v) for p, v in zip(parameters, losses)]
    )
    return study


def components():
    cases = []
    rng = np.random.default_rng(11)
    kinds = ["continuous", "integer", "duplicates", "front", "negative", "zeros", "function"]
    for kind in kinds:
        for n in ([7, 60, 97] if kind == "continuous" else [9, 64, 143, 260] if kind == "integer" else [75]):
            parameters = [
                {
                    k: (int(rng.integers(2)) if isinstance(d, CategoricalDistribution) else float(rng.uniform(d.low, d.high)))
                    for k, d in SPACE.items()
                }
                for _ in range(n)
            ]
            if kind == "continuous":
                losses = rng.random((n, 2))
            elif kind == "integer":
                losses = np.stack([rng.random(n).round(2), rng.integers(0, 12, n) / 11], axis=1)
            elif kind == "duplicates":
                losses = rng.integers(0, 3, (n, 2)).astype(float)
            elif kind == "front":
                t = rng.random(n)
                losses = np.stack([t, 1 - t], axis=1)
            elif kind == "negative":
                losses = rng.normal(size=(n, 2)) - 1
            elif kind == "zeros":
                losses = np.stack([np.zeros(n), rng.random(n) * (rng.random(n) < 0.5)], axis=1)
            else:
                losses = np.array([functions.tradeoff(p) for p in parameters])
            losses = [[float(a), float(b)] for a, b in losses]
            study = study_of(parameters, losses)
            trials = study.get_trials(deepcopy=False)
            below, above = tpe._split_trials(study, trials, tpe.default_gamma(n), False)
            s = study.sampler
            good = s._build_parzen_estimator(study, SPACE, below, handle_below=True)
            bad = s._build_parzen_estimator(study, SPACE, above, handle_below=False)
            points = good.sample(np.random.RandomState(5), 4)
            case = {
                "kind": kind,
                "losses": losses,
                "below": [t.number for t in below],
                "weights_below": good._mixture_distribution.weights.tolist(),
                "weights_above": bad._mixture_distribution.weights.tolist(),
                "sigmas_below": good._mixture_distribution.distributions[0].sigma.tolist()[-2:],
                "sigmas_above": bad._mixture_distribution.distributions[0].sigma.tolist()[-2:],
            }
            if n <= 75:  # densities need the parameters: keep the file small
                case["parameters"] = [[round(float(p[k]), 12) for k in SPACE] for p in parameters]
                case["points"] = [[float(points[k][i]) for k in SPACE] for i in range(4)]
                case["log_below"] = good.log_pdf(points).tolist()
                case["log_above"] = bad.log_pdf(points).tolist()
            cases.append(case)
    return {"names": list(SPACE), "cases": cases}


def normal():
    x = [-1e8, -300, -50, -37.5, -20.01, -19.99, -8.3, -6.01, -3, -1, -0.3, -1e-9, 0, 1e-9, 0.2, 1, 2.7, 5.99, 6.5, 8, 12]
    y = [-1e6, -5000, -800.5, -120, -40, -9, -5.01, -4.99, -2, -0.75, -0.6931, -0.4, -0.01, -1e-3, -1e-8, -1e-20]
    cut = []
    for a, b in [(-1, 1), (-0.01, 0.02), (-5, -2), (2, 5), (-40, -38), (30, 33), (-3, 40), (0, 0.5), (-0.5, 0), (-12, 9), (6, 6.5)]:
        d = scipy.stats.truncnorm(a, b)
        q = [1e-10, 0.001, 0.2, 0.5, 0.9, 0.999999]
        points = [a + t * (b - a) for t in (0.0, 0.25, 0.9)]
        cut.append({"a": a, "b": b, "q": q, "ppf": [float(d.ppf(v)) for v in q],
                    "x": points, "logpdf": [float(d.logpdf(v)) for v in points]})
    return {"x": x, "log_ndtr": [float(scipy.special.log_ndtr(v)) for v in x],
            "y": y, "ndtri_exp": [float(scipy.special.ndtri_exp(v)) for v in y], "cut": cut}


def hypervolumes(trials=200, seeds=10):
    result = {}
    for name, (function, reference) in functions.FUNCTIONS.items():
        values = []
        for seed in range(seeds):
            study = optuna.create_study(directions=["minimize", "minimize"], sampler=make_sampler(seed))

            def objective(trial):
                x = {"direction_scope": trial.suggest_categorical("direction_scope", [0, 1])}
                for n in functions.NAMES:
                    x[n] = trial.suggest_float(n, *functions.FLOATS[n])
                return function(x)

            study.optimize(objective, n_trials=trials)
            values.append(functions.hypervolume([t.values for t in study.trials], reference))
        result[name] = {"reference": reference, "hypervolumes": values}
        print(name, "median", np.median(values), "range", min(values), max(values), file=sys.stderr)
    return result


OUT.mkdir(parents=True, exist_ok=True)
(OUT / "components.json").write_text(json.dumps(components()))
(OUT / "normal.json").write_text(json.dumps(normal()))
if "--hypervolumes" in sys.argv:
    (OUT / "optuna.json").write_text(json.dumps(hypervolumes(), indent=1))
