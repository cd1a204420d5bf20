"""The environments for Stable-Baselines3: many copies as its `VecEnv`.

    from stable_baselines3 import PPO
    from potstill.sb3 import VecEnv

    PPO("MlpPolicy", VecEnv("CartPole-v1", n_envs=8)).learn(100_000)
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any, TypeAlias

import numpy as np
from stable_baselines3.common.vec_env import VecEnv as _Base  # type: ignore[import-not-found, unused-ignore]

from potstill import _native
from potstill.environments import _space, _with_options
from potstill.errors import InputError

__all__ = ["VecEnv"]

_Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


class VecEnv(_Base):  # type: ignore[misc, unused-ignore]
    """Copies of an environment that are stepped together, in the process that learns.

    It stands for Stable-Baselines3's `make_vec_env(ID, n_envs)`: infos have `terminal_observation`, `TimeLimit.truncated`
    and the `episode` of its `Monitor`. Copy `i` has the random numbers of the seed `seed + i`.

    Args:
        name: The id, `CartPole-v1`, perhaps with options.
        n_envs: The number of copies, from 1.
        seed: The seed of the first copy, from 0.
        options: As of `potstill.Environment`.

    Raises:
        InputError: If there is no such environment, option or value, or its observations are tuples.
    """

    def __init__(self, name: str, n_envs: int = 1, *, seed: int | None = None, **options: object) -> None:
        self._id = _with_options(name, options)
        self._native = _native.Environments(self._id, n_envs, "SameStep")
        observations = _space(self._native.single_observation_space)
        if type(observations).__name__ == "Tuple":
            raise InputError(f"{name}: Stable-Baselines3 has no observations that are tuples: add one_hot=True")
        self.render_mode = None
        super().__init__(n_envs, observations, _space(self._native.single_action_space))
        self._seed = seed
        self._began = monotonic()
        self._returns = np.zeros(n_envs)
        self._lengths = np.zeros(n_envs, dtype=np.int64)
        self._actions: Any = None

    def reset(self) -> Any:
        """Starts an episode in every copy, and returns the observations."""
        seed, self._seed = self._seed, None
        self._returns[:] = 0
        self._lengths[:] = 0
        self.reset_infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        return self._native.reset(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Sets the seed of the next reset."""
        self._seed = seed
        return [None if seed is None else seed + i for i in range(self.num_envs)]

    def step_async(self, actions: _Array) -> None:
        """Takes the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, _Array, _Array, list[dict[str, Any]]]:
        """Takes a step in every copy. Returns observations, rewards (float32), ends and infos."""
        observations, rewards, terminated, truncated = self._native.step(self._actions)
        self._returns += rewards
        self._lengths += 1
        dones = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if dones.any():
            seconds = round(monotonic() - self._began, 6)
            for i, last in self._native.final_observations():
                episode = {"r": round(float(self._returns[i]), 6), "l": int(self._lengths[i]), "t": seconds}
                ends = {"TimeLimit.truncated": bool(truncated[i] and not terminated[i])}
                infos[i] = {"terminal_observation": last, "episode": episode, **ends}
            self._returns[dones] = 0
            self._lengths[dones] = 0
        return observations, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """Does nothing: there is nothing to close."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute of each copy: those of this object, and `spec` and `render_mode`."""
        if attr_name == "spec":
            import gymnasium

            from potstill._registration import gymnasium_id

            value: Any = gymnasium.spec(gymnasium_id(self._id.partition(":")[0]))
        else:
            value = getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuses: the copies have no attributes of their own."""
        raise InputError(f"{attr_name}: the copies are stepped together, and have no attributes of their own")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Refuses: the copies have no methods of their own."""
        raise InputError(f"{method_name}: the copies are stepped together, and have no methods of their own")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """If the copies have a wrapper: that of `Monitor`, which this class stands for, and no other."""
        is_monitor = wrapper_class.__name__ == "Monitor"
        return [is_monitor for _ in self._get_indices(indices)]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_began": monotonic() - self._began}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _began=monotonic() - state["_began"])
