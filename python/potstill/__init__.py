"""Train a teacher, distil a student, ship it: environments, reinforcement learning and distillation in Rust.

- `train`, `distill`, `resume`, `evaluate` and `export` are the commands of the same names as functions; `load` reads a
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
    from potstill.environments import Environment, VectorEnvironment
    from potstill.runs import Curve, Run, distill, evaluate, export, load, resume, train
    from potstill.sklearn import DistilledClassifier, DistilledRegressor

__all__ = [
    "Curve",
    "DistilledClassifier",
    "DistilledRegressor",
    "Environment",
    "Error",
    "InputError",
    "InternalError",
    "Run",
    "RunError",
    "Stopped",
    "VectorEnvironment",
    "__version__",
    "distill",
    "evaluate",
    "export",
    "load",
    "resume",
    "train",
]

# Imported when used: the command must not wait for NumPy, Gymnasium and scikit-learn.
_LAZY = {
    **dict.fromkeys(["Environment", "VectorEnvironment"], "potstill.environments"),
    **dict.fromkeys(
        ["Curve", "Run", "distill", "evaluate", "export", "load", "resume", "train"], "potstill.runs"
    ),
    **dict.fromkeys(["DistilledClassifier", "DistilledRegressor"], "potstill.sklearn"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'potstill' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_registration.install()
