"""Optuna's densities, splits and weights of the tree-structured Parzen estimator: `python make_tpe.py > tpe.json`."""

import json

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_gamma, default_weights

assert optuna.__version__ == "5.0.0"
rng = np.random.RandomState(3)


def distribution(text):
    kind, _, ends = text.partition(":")
    if kind not in ("log", "uniform", "int", "int-log"):
        return CategoricalDistribution(text.split("|"))
    low, high = ends.split(":")
    if kind.startswith("int"):
        return IntDistribution(int(low), int(high), log=kind.endswith("log"))
    return FloatDistribution(float(low), float(high), log=kind == "log")


def case(text, observed, at):
    parameters = _ParzenEstimatorParameters(
        prior_weight=1.0,
        consider_magic_clip=True,
        consider_endpoints=False,
        weights=default_weights,
        multivariate=False,
    )
    space = {"x": distribution(text)}
    estimator = _ParzenEstimator({"x": np.array(observed, dtype=float)}, space, parameters)
    density = estimator.log_pdf({"x": np.array(at, dtype=float)})
    return {"domain": text, "observed": list(observed), "at": list(at), "log_density": density.tolist()}


def spread(low, high, n):
    return [float(x) for x in rng.uniform(low, high, n)]


uniform, log = [0.0, 0.7, 2.5, 5.0, 9.99, 10.0], [1e-5, 3e-4, 1e-3, 0.02, 0.1]
whole, choices = [1, 2, 7, 31, 64], [0, 1, 2, 3]
densities = [
    case("uniform:0:10", [], uniform),
    case("uniform:0:10", [2.0], uniform),
    case("uniform:0:10", [2.0, 9.5], uniform),
    case("uniform:0:10", [3.0, 2.0, 9.5, 9.4], uniform),
    case("uniform:0:10", spread(0, 10, 40), uniform),
    case("uniform:-3:-1", [-2.9, -1.1, -1.5], [-3.0, -2.0, -1.0]),
    case("log:1e-5:1e-1", [], log),
    case("log:1e-5:1e-1", [1e-4, 2e-3, 0.09], log),
    case("log:1e-5:1e-1", [float(10**x) for x in spread(-5, -1, 30)], log),
    case("int:1:64", [1, 1, 60, 33], whole),
    case("int:1:64", [int(x) for x in spread(1, 64, 27)], whole),
    case("int-log:1:64", [1, 2, 60, 33], whole),
    case("a|b|c|d", [], choices),
    case("a|b|c|d", [0, 0, 2] + [3] * 26, choices),
]
weights = [
    {"trials": n, "below": default_gamma(n), "weights": default_weights(n).tolist()}
    for n in (0, 1, 10, 11, 24, 25, 26, 27, 60, 249, 251, 400)
]
lists = {"densities": densities, "weights": weights}
parts = [f'"optuna": "{optuna.__version__}"']
for name, cases in lists.items():
    parts.append(f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]")
print("{" + ",\n".join(parts) + "}")
