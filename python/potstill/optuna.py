"""Searches of settings with Optuna, on runs of potstill, with pruning.

    import optuna
    from potstill.optuna import objective

    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.HyperbandPruner())
    search = {"learning_rate": "log:1e-4:1e-2", "net_arch": "mlp:64|mlp:256,256"}
    study.optimize(objective("dqn", env="CartPole-v1", steps=50_000, search=search), n_trials=50)
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from potstill import _native, runs
from potstill.errors import InputError

__all__ = ["objective", "suggest"]


def suggest(trial: Any, name: str, distribution: str | Sequence[Any]) -> Any:
    """A value of a trial, from a distribution as `potstill tune` writes it.

    Args:
        trial: Optuna's trial.
        name: The name of the setting.
        distribution: `log:LOW:HIGH`, `uniform:LOW:HIGH`, `int:LOW:HIGH`, `int-log:LOW:HIGH`, or `A|B|C`, also as a
            list of values.

    Raises:
        InputError: If it is none of these.
    """
    kind, *parts = _domain(name, distribution)
    if kind == "choice":
        return trial.suggest_categorical(name, parts[0])
    low, high, log = parts
    return (trial.suggest_int if kind == "int" else trial.suggest_float)(name, low, high, log=log)


def _domain(name: str, distribution: str | Sequence[Any]) -> tuple[Any, ...]:
    try:
        return _native.search_domain(runs._range(distribution))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def objective(
    algorithm: str,
    *,
    steps: int | str,
    search: Mapping[str, str | Sequence[Any]],
    env: Any = None,
    metric: str = "eval/mean_reward",
    out: str | os.PathLike[str] | None = None,
    **keys: Any,
) -> Callable[[Any], float]:
    """An objective for `optuna.Study.optimize`, to be maximised: the best value of a metric in a run.

    Each record with the metric is reported, and a trial that the study's pruner gives up is stopped there, with its run
    saved. Trials have the same seed unless `search` or `keys` has another; choose the winner by runs with new seeds.

    Args:
        algorithm: The algorithm.
        steps: The number of steps of a run.
        search: The settings that are searched, each with its distribution, as of `suggest`.
        env: The environment, as of `potstill.train`.
        metric: The name of the metric.
        out: The folder of the runs, `trial-N` each; by default they are not kept.
        keys: All other settings, as of `potstill.train`.

    Raises:
        InputError: If a distribution is none; settings are checked by the first trial.
    """
    for name, distribution in search.items():
        _domain(name, distribution)

    def run(trial: Any) -> float:
        pruned = importlib.import_module("optuna").TrialPruned
        chosen = {name: suggest(trial, name, distribution) for name, distribution in search.items()}
        best = float("-inf")

        def on_record(record: dict[str, float]) -> None:
            nonlocal best
            if metric in record:
                best = max(best, record[metric])
                trial.report(record[metric], int(record["step"]))
                if trial.should_prune():
                    raise pruned

        with tempfile.TemporaryDirectory(prefix="potstill-") as scratch:
            folder = Path(scratch if out is None else out) / f"trial-{trial.number}"
            runs.train(algorithm, env=env, steps=steps, out=folder, callback=on_record, **{**keys, **chosen})
        if best == float("-inf"):
            raise InputError(f"metric: the runs record no {metric}")
        return best

    return run
