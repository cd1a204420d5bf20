"""Environments that users give to the engine: ids, environments, vector environments and factories."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from potstill import _native
from potstill._registration import native_id
from potstill.errors import InputError

_NAMESPACE = "python:"
_numbers = itertools.count(1)
# The makers of registered environments, which may be replaced.
_makers: dict[str, Callable[[], Any]] = {}


class Given(NamedTuple):
    """An environment as the engine finds it."""

    id: str
    """The id."""
    num_envs: int | None
    """The number of copies of a vector environment."""


def given(env: Any, id: str | None = None) -> Given:
    """Makes an environment known to the engine.

    Args:
        env: An id, an environment or a vector environment with Gymnasium's interface, a function that makes one, or an
            exact model, `P[state][action] = [(probability, next state, reward, terminated), ...]`.
        id: The id that a run knows it by, if there is a run already.

    Raises:
        InputError: If it is no environment, or the engine has no such spaces.
    """
    if isinstance(env, str):
        return Given(native_id(env), None)
    if isinstance(env, Mapping):
        return Given(_of_model(env), None)
    copies: int | None = None
    if hasattr(env, "num_envs") and hasattr(env, "single_observation_space"):
        make, name, copies = _of_vector(env), _name(env), int(env.num_envs)
    elif callable(getattr(env, "step", None)) and not isinstance(env, type):
        make, name = _of_instance(env), _name(env)
    elif callable(env):
        make, name = env, getattr(env, "__name__", "environment").replace("<lambda>", "environment")
    else:
        raise InputError(
            f"env: {type(env).__name__} is neither an id nor an environment with reset and step nor a function that "
            "makes one"
        )
    if id is None or not id.startswith(_NAMESPACE):
        id = f"{_NAMESPACE}{re.sub('[^A-Za-z0-9-_./]', '-', name).lstrip('-_./') or 'environment'}.{next(_numbers)}"
    known = id in _makers
    _makers[id] = make
    if not known:
        _register(id)
    return Given(id, copies)


def is_known(id: str) -> bool:
    """Returns True if the id is none of Python, or that of an environment of this process."""
    return not id.startswith(_NAMESPACE) or id in _makers


def _of_model(outcomes: Mapping[int, Mapping[int, Any]]) -> str:
    """Registers an exact model, Gymnasium's `P`; episodes begin in any state."""
    states = len(outcomes)
    try:
        table = [
            [
                [(float(p), int(next_state), float(reward), bool(ends)) for p, next_state, reward, ends in outcomes[s][a]]
                for a in range(len(outcomes[s]))
            ]
            for s in range(states)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "P: write P[state][action] as a list of (probability, next state, reward, terminated), states and actions "
            f"from 0 on ({type(error).__name__}: {error})"
        ) from error
    id = f"{_NAMESPACE}P.{next(_numbers)}"
    _native.register_model(id, table, [1 / states] * states if states else [])
    return id


def _register(id: str) -> None:
    try:
        _native.register_environment(id, lambda: _makers[id]())
    except BaseException:
        del _makers[id]
        raise


def _name(env: Any) -> str:
    spec = getattr(env, "spec", None)
    return str(getattr(spec, "id", None) or type(getattr(env, "unwrapped", env)).__name__)


def _of_instance(env: Any) -> Callable[[], Any]:
    """Gives the environment itself, and then others like it: runs evaluate in one of their own."""
    rest = iter([env])

    def make() -> Any:
        for first in rest:
            return first
        spec = getattr(env, "spec", None)
        if spec is None:
            from copy import deepcopy

            try:
                return deepcopy(env)
            except Exception as error:
                raise InputError(
                    f"env: a run needs more than one environment, and {type(env).__name__} cannot be copied "
                    f"({error}): give a function that makes one, env=lambda: ..."
                ) from error
        import gymnasium

        return gymnasium.make(spec)

    return make


def _of_vector(env: Any) -> Callable[[], Any]:
    makers = getattr(getattr(env, "unwrapped", env), "env_fns", None)
    if makers:
        copies = itertools.cycle(makers)
        return lambda: next(copies)()
    spec = getattr(env, "spec", None)
    if spec is None:
        raise InputError(
            f"env: {type(env).__name__} does not say how its copies are made: give a function that makes one, and num_envs="
        )
    import gymnasium

    of_the_vector = {"num_envs", "vectorization_mode", "vector_kwargs", "wrappers"}
    arguments = {key: value for key, value in spec.kwargs.items() if key not in of_the_vector}
    return lambda: gymnasium.make(spec.id, **arguments)
