"""The environments as Gymnasium's: one copy, or many that are stepped together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from potstill import _native
from potstill._registration import native_id
from potstill.errors import InputError, RunError

__all__ = ["Environment", "VectorEnvironment"]

_Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
_RENDER_MODES = ["ansi", "rgb_array"]


def _space(description: tuple[Any, ...]) -> spaces.Space[Any]:
    """Gymnasium's space."""
    kind, *parts = description
    if kind == "Discrete":
        return spaces.Discrete(parts[0])
    if kind == "Tuple":
        return spaces.Tuple([spaces.Discrete(n) for n in parts[0]])
    if kind == "MultiBinary":
        return spaces.MultiBinary(parts[0])
    if kind == "Image":
        return spaces.Box(0, 255, parts[0], dtype=np.uint8)
    return spaces.Box(parts[0], parts[1], dtype=np.float32)


def _text(key: str, value: object) -> str:
    """The value of an option as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        if all(isinstance(part, str) for part in value):
            return json.dumps(list(value), separators=(",", ":"), ensure_ascii=False)
        return ":".join(_text(key, part) for part in value)
    text = str(value)
    if '"' in text:
        raise InputError(f"{key}: a value has no quotation marks")
    return f'"{text}"' if "," in text else text


def _with_options(name: str, options: Mapping[str, object]) -> str:
    """The id of an environment with its options."""
    name = native_id(name)
    given = ",".join(f"{key}={_text(key, value)}" for key, value in options.items())
    return name if not given else f"{name}{',' if ':' in name else ':'}{given}"


class Environment(gymnasium.Env[Any, Any]):
    """One environment, as `gymnasium.make("potstill/CartPole-v1", ...)` makes it.

    Observations are integers where states are numbered, tuples of integers where those have parts, float32 arrays of
    the shape `(features,)`, and int8 arrays of zeros and ones. Copies, by `copy.deepcopy` and `pickle`, are exact, in
    mid-episode too.

    Args:
        name: The id, `CartPole-v1`, perhaps with options, `FrozenLake-v1:map_name=8x8`.
        render_mode: `rgb_array` (bytes, `height x width x 3`), `ansi` (lines of text), or None.
        time_limit: If the environment truncates episodes at its limit of steps itself; `gymnasium.make` has a wrapper
            for that.
        options: Options of the environment and of every environment, as `potstill env show ID` lists them:
            `is_slippery=False`, `map_name="8x8"`, `desc=["SF", "FG"]`, `frame_stack=4`.

    Raises:
        InputError: If there is no such environment, option or value; in `step`, if the action is not in its space.
        RunError: In `step`, if there was no `reset`, or the episode is over.
    """

    metadata: dict[str, Any] = {"render_modes": _RENDER_MODES, "render_fps": 30}

    def __init__(
        self, name: str, *, render_mode: str | None = None, time_limit: bool = True, **options: object
    ) -> None:
        if render_mode not in (None, *_RENDER_MODES):
            raise InputError(f"render_mode={render_mode!r}: write {' or '.join(map(repr, _RENDER_MODES))}")
        if not time_limit:
            options["max_episode_steps"] = None
        self._native = _native.Environment(_with_options(name, options))
        if not self._native.is_drawn:
            self.metadata = {**type(self).metadata, "render_modes": []}
            if render_mode is not None:
                raise InputError(f"render_mode={render_mode!r}: {name} has no renderings")
        self.render_mode = render_mode
        self._is_reset = False
        self.observation_space = _space(self._native.observation_space)
        self.action_space = _space(self._native.action_space)
        self._reset = self._native.reset
        self._step = self._native.step

    @property
    def action_meanings(self) -> list[str]:
        """The actions in words, in their order; empty if they are numbers."""
        return self._native.action_meanings

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts an episode. A seed from 0 restarts the stream of random numbers, which else goes on."""
        super().reset(seed=seed)
        observation = self._reset(seed)
        self._is_reset = True
        return observation, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Takes one step. Returns observation, reward, terminated, truncated, and an empty dictionary."""
        observation, reward, terminated, truncated = self._step(action)
        return observation, reward, terminated, truncated, {}

    def render(self) -> Any:
        """The state as its render mode says; None without one. Raises RunError if there was no `reset`."""
        if self.render_mode is not None and not self._is_reset:
            raise RunError("render before reset: call reset first")
        if self.render_mode == "rgb_array":
            return self._native.render_rgb()
        return self._native.render_ansi() if self.render_mode == "ansi" else None

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_reset"], state["_step"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset = self._native.reset
        self._step = self._native.step


class VectorEnvironment(VectorEnv[Any, Any, Any]):
    """Many copies of an environment, as `gymnasium.make_vec("potstill/CartPole-v1", ...)` makes them.

    They are stepped together. Copy `i` has the random numbers of one environment with the seed `seed + i`, whatever the
    number of copies. Arrays are those of Gymnasium's batched spaces, rewards float64. Copies, by `copy.deepcopy` and
    `pickle`, are exact.

    Args:
        name: The id, `CartPole-v1`, perhaps with options.
        num_envs: The number of copies, from 1.
        autoreset_mode: The beginning of the next episode of a copy, `gymnasium.vector.AutoresetMode`: in the step after
            its last one (`NEXT_STEP`), in the last one itself (`SAME_STEP`, with the last observations in
            `infos["final_obs"]`), or at `reset(options={"reset_mask": ...})` (`DISABLED`).
        options: As in `Environment`, `max_episode_steps` among them.

    Raises:
        InputError: As in `Environment`, and if `out` arrays do not fit.
        RunError: In `step`, if there was no `reset`, or with `DISABLED` an episode is over.
    """

    metadata: dict[str, Any] = {"render_modes": []}
    _MODES: ClassVar[dict[AutoresetMode, str]] = {
        AutoresetMode.NEXT_STEP: "NextStep",
        AutoresetMode.SAME_STEP: "SameStep",
        AutoresetMode.DISABLED: "Disabled",
    }

    def __init__(
        self,
        name: str,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        time_limit: bool = True,
        **options: object,
    ) -> None:
        if render_mode is not None:
            raise InputError("render_mode: many copies are not drawn; make one environment to watch it")
        try:
            mode = AutoresetMode(autoreset_mode)
        except ValueError:
            modes = ", ".join(mode.value for mode in AutoresetMode)
            raise InputError(f"autoreset_mode={autoreset_mode!r}: write one of {modes}") from None
        if not time_limit:
            options.setdefault("max_episode_steps", None)
        self._native = _native.Environments(_with_options(name, options), num_envs, self._MODES[mode])
        self.num_envs = num_envs
        self.render_mode = None
        self.metadata = {**type(self).metadata, "autoreset_mode": mode}
        self.single_observation_space = _space(self._native.single_observation_space)
        self.single_action_space = _space(self._native.single_action_space)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ends_in_step = mode is AutoresetMode.SAME_STEP

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
        out: Any = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode in every copy, or with `DISABLED` in those of `options["reset_mask"]`, a bool array.

        Args:
            seed: A seed `s` from 0, which stands for `s, s + 1, ...`, or these numbers; None continues the streams.
            options: `reset_mask`, or nothing.
            out: An array (or a tuple of them) like the observations, to be filled and returned.
        """
        first = _first_seed(seed, self.num_envs)
        super().reset(seed=first)
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            mask = np.asarray(mask)
            if mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
                raise InputError(f"reset_mask must be an array of bool with the shape ({self.num_envs},)")
            mask = mask.tolist()
        return self._native.reset(first, mask, out), {}

    def step(
        self, actions: Any, *, out: tuple[Any, _Array, _Array, _Array] | None = None
    ) -> tuple[Any, _Array, _Array, _Array, dict[str, Any]]:
        """Takes a step in every copy.

        Args:
            actions: int64 of the shape `(num_envs,)`, or float32 of `(num_envs, numbers)`; others are converted.
            out: Four arrays to be filled and returned instead of new ones: observations, rewards (float64),
                terminations and truncations (bool).
        """
        observations, rewards, terminated, truncated = self._native.step(actions, out)
        infos: dict[str, Any] = {}
        if self._ends_in_step and (terminated.any() or truncated.any()):
            infos = self._endings()
        return observations, rewards, terminated, truncated, infos

    def _endings(self) -> dict[str, Any]:
        """The last observations of episodes that have just ended, as Gymnasium's vector environments tell them."""
        ended = np.zeros(self.num_envs, dtype=np.bool_)
        final = np.full(self.num_envs, None, dtype=object)
        for i, observation in self._native.final_observations():
            ended[i] = True
            final[i] = observation
        return {"final_obs": final, "_final_obs": ended, "final_info": {}, "_final_info": ended.copy()}


def _first_seed(seed: int | Sequence[int | None] | None, copies: int) -> int | None:
    """The seed of the first copy."""
    if seed is None or isinstance(seed, (int, np.integer)):
        return None if seed is None else int(seed)
    seeds = list(seed)
    if len(seeds) != copies:
        raise InputError(f"{len(seeds)} seeds for {copies} environments")
    if all(given is None for given in seeds):
        return None
    first = seeds[0]
    if first is None or seeds != list(range(first, first + copies)):
        raise InputError("seeds of copies are s, s + 1, s + 2, ...: give the first of them")
    return first
