"""Train a teacher, distil a student, ship it: environments, reinforcement learning and distillation in Rust.

- `DQN`, `PPO` and all other algorithms are classes with the interface of Stable-Baselines3: `learn`, `predict`, `save`.
- `train`, `tune`, `distill`, `resume`, `evaluate` and `export` are the commands of the same names as functions; `load` reads a
  run that they, or the command, have left.
- `DistilledClassifier` and `DistilledRegressor` are estimators of scikit-learn.
- Gymnasium finds the environments under `potstill/`: `gymnasium.make("potstill/CartPole-v1")`.
- `python -m potstill` is the command.

Errors are those of `potstill.errors`, with the texts that the command prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from potstill import _registration
from potstill._native import __version__
from potstill.errors import Error, InputError, InternalError, RunError, Stopped

if TYPE_CHECKING:
    from potstill.algorithm import Algorithm, Callback, StopAt, evaluate_policy
    from potstill.algorithms import *  # noqa: F403
    from potstill.environments import Environment, VectorEnvironment
    from potstill.planning import Plan, modified_policy_iteration, policy_iteration, value_iteration
    from potstill.runs import Curve, Run, distill, evaluate, evaluate_offline, export, load, resume, train, tune
    from potstill.sklearn import DistilledClassifier, DistilledRegressor

__all__ = [
    "Algorithm",
    "Callback",
    "Curve",
    "DistilledClassifier",
    "DistilledRegressor",
    "Environment",
    "Error",
    "InputError",
    "InternalError",
    "Plan",
    "Run",
    "RunError",
    "StopAt",
    "Stopped",
    "VectorEnvironment",
    "__version__",
    "distill",
    "evaluate",
    "evaluate_offline",
    "evaluate_policy",
    "export",
    "load",
    "modified_policy_iteration",
    "policy_iteration",
    "resume",
    "train",
    "tune",
    "value_iteration",
]

# Imported when used: the command must not wait for NumPy, Gymnasium and scikit-learn.
_LAZY = {
    **dict.fromkeys(["Algorithm", "Callback", "StopAt", "evaluate_policy"], "potstill.algorithm"),
    **dict.fromkeys(["Environment", "VectorEnvironment"], "potstill.environments"),
    **dict.fromkeys(
        ["Plan", "modified_policy_iteration", "policy_iteration", "value_iteration"], "potstill.planning"
    ),
    **dict.fromkeys(
        ["Curve", "Run", "distill", "evaluate", "evaluate_offline", "export", "load", "resume", "train", "tune"],
        "potstill.runs",
    ),
    **dict.fromkeys(["DistilledClassifier", "DistilledRegressor"], "potstill.sklearn"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    # A name that begins so may be that of an algorithm's class.
    module = _LAZY.get(name) or ("potstill.algorithms" if name[:1].isupper() else None)
    value = getattr(import_module(module), name, None) if module is not None else None
    if value is None:
        raise AttributeError(f"module 'potstill' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from potstill import algorithms

    return sorted({*globals(), *__all__, *algorithms.__all__})


_registration.install()
