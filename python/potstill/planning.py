"""Planners on exact models, as functions."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from potstill import runs

if TYPE_CHECKING:
    import numpy as np

    _Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

__all__ = ["Plan", "modified_policy_iteration", "policy_iteration", "value_iteration"]


class Plan(NamedTuple):
    """The optimal values and a policy that has them."""

    values: _Array
    """The values of the states, float64 of the shape `(states,)`."""
    action_values: _Array
    """The values of the actions, float64 of the shape `(states, actions)`."""
    policy: _Array
    """The action of each state, int64 of the shape `(states,)`; of equal ones the first."""


def _plan(algorithm: str, model: Any, keys: Mapping[str, Any]) -> Plan:
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="potstill-") as folder:
        run = runs.train(algorithm, env=model, out=Path(folder) / "run", **keys)
        table = run.action_values
    assert table is not None
    return Plan(table.max(axis=1), table, np.argmax(table, axis=1))


def value_iteration(model: Any, **keys: Any) -> Plan:
    """Plans by value iteration (Sutton and Barto 2018, section 4.4).

    Args:
        model: The model: Gymnasium's `env.unwrapped.P`, `P[state][action] = [(probability, next state, reward,
            terminated), ...]`, or the id of an environment with one.
        keys: The settings, as `potstill train value-iteration --help` lists them: `gamma`, `tolerance`, `epsilon`.

    Raises:
        InputError: If it is no model, or a setting is wrong.
    """
    return _plan("value-iteration", model, keys)


def policy_iteration(model: Any, **keys: Any) -> Plan:
    """Plans by policy iteration (Sutton and Barto 2018, section 4.3), as `value_iteration` does."""
    return _plan("policy-iteration", model, keys)


def modified_policy_iteration(model: Any, **keys: Any) -> Plan:
    """Plans by modified policy iteration (Puterman and Shin 1978), as `value_iteration` does."""
    return _plan("modified-policy-iteration", model, keys)
