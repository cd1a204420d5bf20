"""Environments that users give to the engine: ids, environments, vector environments and factories."""

from __future__ import annotations

import itertools
import json
import math
import re
import secrets
import sys
import weakref
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from potstill import _native
from potstill._registration import native_id
from potstill.errors import InputError

_NAMESPACE = "python:"
_numbers = itertools.count(1)
# A run of another process must not be taken for one with an environment of this process.
_PROCESS = secrets.token_hex(3)
# The ids of this process's environments.
_known: set[str] = set()
# The file of a run with the spaces of its environment.
_SPACES = "python_spaces.json"


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
    id = _without_options(id) if id is not None and id.startswith(_NAMESPACE) else None
    if isinstance(env, Mapping):
        id = id or f"{_NAMESPACE}P.{_PROCESS}-{next(_numbers)}"
        _register_model(id, env)
        return Given(id, None)
    copies: int | None = None
    users: Any = None
    if hasattr(env, "step_async") and not hasattr(env, "single_observation_space"):
        raise InputError(
            f"env: {type(env).__name__} is a vector environment of Stable-Baselines3; give an id, or a function that "
            "makes an environment with Gymnasium's interface, and num_envs="
        )
    if hasattr(env, "num_envs") and hasattr(env, "single_observation_space"):
        make, name, copies = _of_vector(env), _name(env), int(env.num_envs)
    elif callable(getattr(env, "step", None)) and not isinstance(env, type):
        make, name, users = _of_instance(env), _name(env), env
    elif callable(env):
        make, name = _anew(env), getattr(env, "__name__", "environment").replace("<lambda>", "environment")
    else:
        raise InputError(
            f"env: {type(env).__name__} is neither an id nor an environment with reset and step nor a function that "
            "makes one"
        )
    if id is None:
        name = re.sub("[^A-Za-z0-9-_./]", "-", name).lstrip("-_./") or "environment"
        id = f"{_NAMESPACE}{name}.{_PROCESS}-{next(_numbers)}"
    _native.register_environment(id, make, users)
    _known.add(id)
    return Given(id, copies)


def is_known(id: str) -> bool:
    """Returns True if the id is none of Python, or that of an environment of this process."""
    return not id.startswith(_NAMESPACE) or _without_options(id) in _known


def remember(folder: Path) -> None:
    """Writes the spaces of environments of this process beside the models that have learned in them.

    So the policies of these runs answer in other processes, which do not have the environments.
    """
    if not _known:
        return
    for config in folder.rglob("config.toml"):
        id = environment_of(config)
        if id is not None and id.startswith(_NAMESPACE) and is_known(id):
            observations, actions, form = _native.environment_spaces(_without_options(id))
            parts = [_listed(observations), _listed(actions), form]
            config.with_name(_SPACES).write_text(json.dumps(parts), encoding="utf-8")


def recall(folder: Path) -> None:
    """Registers the spaces that `remember` wrote into a run, if this process does not have its environment."""
    id, file = environment_of(folder / "config.toml"), folder / _SPACES
    if id is None or is_known(id) or not file.is_file():
        return
    try:
        observations, actions, form = json.loads(file.read_text(encoding="utf-8"))
        shape, start, action_shape, action_start, kind = form or ([], 0, [], 0, "int64")
        place = _Spaces(
            _without_options(id),
            _standing_for(observations, shape, start, "float32"),
            _standing_for(actions, action_shape, action_start, kind),
        )
        _native.register_environment(place.id, lambda: place, None)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InputError(f"{file} is damaged ({type(error).__name__}: {error}); give env= again") from error


def forgotten(id: str) -> InputError:
    """The error of a run that is to play in an environment of another process."""
    name = id.removeprefix(_NAMESPACE)
    return InputError(f"it was an environment of another Python program; give env= again to go on with {name}")


class _Spaces:
    """The spaces of an environment of another process."""

    def __init__(self, id: str, observation_space: Any, action_space: Any) -> None:
        self.id = id
        self.observation_space = observation_space
        self.action_space = action_space

    def reset(self, **_: Any) -> Any:
        raise forgotten(self.id)

    step = reset


def _listed(space: tuple[Any, ...]) -> list[Any]:
    kind, *parts = space
    return [kind, *(part.tolist() if hasattr(part, "tolist") else part for part in parts)]


def _standing_for(space: list[Any], shape: list[int], start: int, dtype: str) -> Any:
    """A space with the attributes of Gymnasium's, which need not be installed."""
    import numpy as np

    def of(kind: str, **attributes: Any) -> Any:
        return type(kind, (), attributes)()

    kind, *parts = space
    if kind == "Discrete":
        return of(kind, n=parts[0], start=start, shape=())
    if kind == "Tuple":
        return of(kind, spaces=[of("Discrete", n=n, start=0) for n in parts[0]], shape=None)
    if kind == "MultiBinary":
        return of(kind, n=parts[0], shape=tuple(parts[0]))
    bounds, dtype = ([[0], [255]], "uint8") if kind == "Image" else (parts, dtype)
    low, high = (np.broadcast_to(np.array(bound, dtype=np.float32), math.prod(shape)).reshape(shape) for bound in bounds)
    return of("Box", low=low, high=high, shape=tuple(shape), dtype=np.dtype(dtype))


def _without_options(id: str) -> str:
    """The id without the options of every environment, which stay with the run."""
    return ":".join(id.split(":")[:2])


def environment_of(config: Path) -> str | None:
    """The id of the environment in the settings of a run."""
    import tomllib

    try:
        env = tomllib.loads(config.read_text(encoding="utf-8")).get("env")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The native part tells it, with the place.
        return None
    return None if env is None else str(env)


def _register_model(id: str, outcomes: Mapping[int, Mapping[int, Any]]) -> None:
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
        _native.register_model(id, table, [1 / states] * states if states else [])
    except (KeyError, TypeError, OverflowError) as error:
        raise _no_model(error) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise _no_model(error) from error
    _known.add(id)


def _no_model(error: Exception) -> InputError:
    return InputError(
        "P: write P[state][action] as a list of (probability, next state, reward, terminated), states and actions "
        f"from 0 on ({type(error).__name__}: {error})"
    )


def _anew(make: Callable[[], Any]) -> Callable[[], Any]:
    """The function, which has to make another environment each time."""
    made: list[weakref.ref[Any]] = []

    def checked() -> Any:
        env = make()
        if any(other() is env for other in made):
            raise InputError(
                "env: the function returned the same environment twice: a run plays several at a time, and each is to be "
                "made anew"
            )
        made[:] = [other for other in made if other() is not None]
        try:
            made.append(weakref.ref(env))
        except TypeError:
            # Objects with slots have no weak references.
            pass
        return env

    return checked


def again(env: Any, id: str | None) -> Given:
    """Makes the environment of a run known, so that it goes on in it.

    Raises:
        InputError: If the run did not begin in one like it.
    """
    if id is None:
        return given(env)
    is_of_python = id.startswith(_NAMESPACE)
    if isinstance(env, str):
        if native_id(env).split(":") == id.split(":"):
            return Given(id, None)
        if is_of_python:
            raise InputError(f"env={env!r}: the run learned in an environment of a program: give that, or a function")
    elif is_of_python:
        return given(env, id)
    elif _is_made_by(env, id):
        return Given(id, None)
    raise InputError(
        f"env: the run learned in {id}, and goes on there; to learn elsewhere begin a run from its weights, "
        "train(..., env=env, from_=run), and to play elsewhere use evaluate_policy(load(run), env)"
    )


def _is_made_by(env: Any, id: str) -> bool:
    """Returns True of an environment as `gymnasium.make(id)` makes it, without other wrappers and arguments."""
    spec = getattr(env, "spec", None)
    if spec is None or spec.additional_wrappers:
        return False
    name = id.partition(":")[2] if id.startswith("gym:") else id
    registered = getattr(sys.modules.get("gymnasium"), "registry", {}).get(spec.id)
    is_plain = registered is not None and registered.kwargs == spec.kwargs
    return is_plain and native_id(str(spec.id)) == name


def _name(env: Any) -> str:
    spec = getattr(env, "spec", None)
    return str(getattr(spec, "id", None) or type(getattr(env, "unwrapped", env)).__name__)


def _of_instance(env: Any) -> Callable[[], Any]:
    """Gives the environment itself, and then others like it: runs evaluate in one of their own."""
    rest, another = iter([env]), _another(env)

    def make() -> Any:
        for first in rest:
            return first
        return another()

    return make


def _another(env: Any) -> Callable[[], Any]:
    """A function that makes environments like this one: as Gymnasium made it, or copies of it as it is now."""
    spec = getattr(env, "spec", None)
    # Wrappers that did not record their arguments cannot be made again.
    if spec is not None and all(wrapper.kwargs is not None for wrapper in spec.additional_wrappers):
        import gymnasium

        return lambda: gymnasium.make(spec)
    try:
        original = deepcopy(env)
    except Exception as error:
        reason = f"{type(env).__name__} cannot be copied ({type(error).__name__}: {error})"

        def refuse() -> Any:
            raise InputError(
                f"env: a run needs more than one environment, and {reason}: give a function that makes one, "
                "env=lambda: ..."
            )

        return refuse
    return lambda: deepcopy(original)


def _of_vector(env: Any) -> Callable[[], Any]:
    """Makes the copies of a vector environment, all by its first function if they have several."""
    if getattr(env, "unwrapped", env) is not env:
        raise InputError(
            f"env: {type(env).__name__} wraps a vector environment, whose copies would lose it: wrap the copies, and "
            "give a function that makes one"
        )
    import gymnasium

    makers = getattr(env, "env_fns", None)
    if makers and type(env) not in (gymnasium.vector.SyncVectorEnv, gymnasium.vector.AsyncVectorEnv):
        raise InputError(
            f"env: copies are stepped one by one, without the methods of {type(env).__name__}: wrap the copies, and give "
            "a function that makes one, and num_envs="
        )
    if makers:
        first: Callable[[], Any] = makers[0]
        return first
    spec = getattr(env, "spec", None)
    if spec is None:
        raise InputError(
            f"env: {type(env).__name__} does not say how its copies are made: give a function that makes one, and num_envs="
        )
    of_the_vector = {"num_envs", "vectorization_mode", "vector_kwargs", "wrappers"}
    arguments = {key: value for key, value in spec.kwargs.items() if key not in of_the_vector}
    return lambda: gymnasium.make(spec.id, **arguments)
