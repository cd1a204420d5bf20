"""The environments for Stable-Baselines3, many copies as its `VecEnv`, and its policies as teachers.

    import potstill as ps
    from stable_baselines3 import PPO
    from potstill.sb3 import VecEnv

    model = PPO("MlpPolicy", VecEnv("CartPole-v1", n_envs=8)).learn(100_000)
    student = ps.distill(model, student="mlp:16")
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from stable_baselines3.common.vec_env import VecEnv as _Base  # type: ignore[import-not-found, unused-ignore]

from potstill import _native
from potstill._given import given
from potstill.environments import _space, _with_options
from potstill.errors import InputError
from potstill.runs import Run

__all__ = ["VecEnv", "teacher"]

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


# The algorithms whose policies are networks of the engine.
_TAUGHT_BY = {"DQN": "dqn", "PPO": "ppo", "A2C": "a2c", "SAC": "sac", "TD3": "td3", "DDPG": "ddpg"}
# Layers of PyTorch that are activations of the engine.
_ACTIVATIONS = {"ReLU": "relu", "Tanh": "tanh", "GELU": "gelu", "SiLU": "silu"}


class _Layers(NamedTuple):
    """The dense layers of a policy."""

    weights: list[_Array]
    """Of each layer, `outputs x inputs`."""
    biases: list[_Array]
    activation: str
    """Between them."""


def teacher(
    model: Any, env: Any = None, *, vec_normalize: Any = None, out: str | os.PathLike[str] | None = None
) -> Run:
    """The policy of a model of Stable-Baselines3 as a run, for `potstill.distill`, `evaluate`, `export` and `predict`.

    It has the deterministic actions of the model, to the rounding of single precision. It is a finished run that cannot
    be resumed.

    Args:
        model: A DQN, PPO, A2C, SAC, TD3 or DDPG with an `MlpPolicy`. A file is read by Stable-Baselines3 itself,
            `PPO.load(path)`: it holds pickles.
        env: The environment, as of `potstill.train`; by default that of the model, by its id.
        vec_normalize: The `VecNormalize` that the model was trained behind; its statistics become part of the first
            layer, without the clipping at `clip_obs` deviations.
        out: The folder to create; by default a temporary one, which is there as long as the run.

    Raises:
        InputError: If the policy is none of the engine's: another algorithm, images, a features extractor of its own,
            layers of another kind, or other spaces than those of the environment.
    """
    name = next((cls.__name__ for cls in type(model).__mro__ if cls.__name__ in _TAUGHT_BY), None)
    if name is None or not hasattr(model, "policy"):
        raise InputError(f"teacher: {type(model).__name__} is none of {', '.join(_TAUGHT_BY)} of Stable-Baselines3")
    layers = _normalized(_layers(name, model), _normalization(model, vec_normalize))
    about, tensors = _described(name, model, layers)
    scratch = tempfile.TemporaryDirectory(prefix="potstill-") if out is None else None
    folder = Path(scratch.name) / "run" if scratch is not None else Path(os.fspath(out or ""))
    import stable_baselines3  # type: ignore[import-not-found, unused-ignore]

    origin = {"source": f"Stable-Baselines3 {stable_baselines3.__version__}, {name}", "steps": model.num_timesteps}
    seed, id = int(getattr(model, "seed", None) or 0), _environment(model, env)
    file = _safetensors(about, tensors)
    summary = json.loads(_native.import_policy(folder, _TAUGHT_BY[name], id, seed, file, json.dumps(origin)))
    run = Run(summary["out"])
    run.summary, run._scratch = summary, scratch
    return run


def _layers(name: str, model: Any) -> _Layers:
    """The dense layers from observations to the outputs of a policy."""
    from stable_baselines3.common.preprocessing import (  # type: ignore[import-not-found, unused-ignore]
        is_image_space,
    )

    policy, space = model.policy, model.observation_space
    if type(space).__name__ not in ("Box", "MultiBinary"):
        raise InputError(f"teacher: its observations are {space}; write them as a Box, such as those of one_hot=true")
    if is_image_space(space) and policy.normalize_images:
        raise InputError("teacher: its observations are images; a policy of numbers is taken over")
    if name == "DQN":
        extractor, parts, has_tanh = policy.q_net.features_extractor, [policy.q_net.q_net], False
    elif name in ("PPO", "A2C"):
        if policy.squash_output:
            raise InputError("teacher: its actions are squashed (squash_output), which has no place in a model")
        extractor, parts, has_tanh = policy.pi_features_extractor, [policy.mlp_extractor.policy_net], False
        parts.append(policy.action_net)
    else:
        extractor, has_tanh = policy.actor.features_extractor, name != "SAC"
        parts = [policy.actor.latent_pi, policy.actor.mu] if name == "SAC" else [policy.actor.mu]
    if type(extractor).__name__ != "FlattenExtractor":
        name = type(extractor).__name__
        raise InputError(f"teacher: its features extractor is {name}; MlpPolicy has none of its own")
    modules = [module for part in parts for module in part.modules() if type(module).__name__ != "Sequential"]
    # The squashing of its actions, which the model does.
    if has_tanh and modules and type(modules[-1]).__name__ == "Tanh":
        modules.pop()
    kinds = [type(module).__name__ for module in modules]
    activations = set(kinds[1::2])
    if set(kinds[::2]) != {"Linear"} or len(kinds) % 2 == 0 or not activations <= set(_ACTIVATIONS):
        raise InputError(
            f"teacher: its layers are {', '.join(kinds)}; dense layers with activations between are taken over"
        )
    if len(activations) > 1 or any(getattr(module, "approximate", "none") != "none" for module in modules):
        raise InputError(
            f"teacher: its activations are {', '.join(sorted(activations))}; one for all is taken over, exact"
        )
    dense = modules[::2]
    if any(module.bias is None for module in dense):
        raise InputError("teacher: a layer has no biases")

    def numbers(tensor: Any) -> _Array:
        return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)

    weights, biases = [numbers(layer.weight) for layer in dense], [numbers(layer.bias) for layer in dense]
    return _Layers(weights, biases, _ACTIVATIONS[activations.pop()] if activations else "relu")


def _normalization(model: Any, given: Any) -> Any:
    """The statistics by which observations are normalised; None if they are not."""
    own = model.get_vec_normalize_env()
    if given is None and own is not None and own.norm_obs:
        raise InputError(
            "teacher: it was trained behind VecNormalize: give that, vec_normalize=model.get_vec_normalize_env()"
        )
    if given is None or not given.norm_obs:
        return None
    if not hasattr(given.obs_rms, "mean"):
        raise InputError("vec_normalize: it normalises a dictionary of observations")
    return given


def _normalized(layers: _Layers, statistics: Any) -> _Layers:
    """The layers for raw observations."""
    if statistics is None:
        return layers
    mean = np.asarray(statistics.obs_rms.mean, dtype=np.float64).ravel()
    deviation = np.sqrt(np.asarray(statistics.obs_rms.var, dtype=np.float64).ravel() + statistics.epsilon)
    first = layers.weights[0] / deviation
    return layers._replace(
        weights=[first, *layers.weights[1:]], biases=[layers.biases[0] - first @ mean, *layers.biases[1:]]
    )


def _described(name: str, model: Any, layers: _Layers) -> tuple[dict[str, Any], dict[str, _Array]]:
    """The description of a model file, and its tensors by name."""
    units = ",".join(str(len(bias)) for bias in layers.biases[:-1])
    spec = f"mlp:{units}:{layers.activation}" if units else "mlp"
    tensors: dict[str, _Array] = {}
    for i, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        tensors |= {f"{2 * i}.weight": weight, f"{2 * i}.bias": bias}
    inputs, outputs = layers.weights[0].shape[1], len(layers.biases[-1])
    about = {"format": 1, "kind": "network", "spec": spec, "inputs": inputs, "outputs": outputs}
    space = model.action_space
    if type(space).__name__ == "Discrete":
        return about, tensors
    if type(space).__name__ != "Box":
        raise InputError(f"teacher: its actions are {space}; there is Discrete and Box")
    low, high = (np.asarray(bound, dtype=np.float32).ravel() for bound in (space.low, space.high))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise InputError(f"teacher: its actions are {space}; both ends must be finite")
    about |= {"kind": "control", "low": low.tolist(), "high": high.tolist()}
    if name in ("PPO", "A2C"):
        about["bound"] = "clipped"
        if not model.use_sde:
            about["free"] = [{"name": "log_std", "length": outputs}]
            tensors["log_std"] = np.asarray(model.policy.log_std.detach().cpu().numpy())
    return about, tensors


def _environment(model: Any, env: Any) -> str:
    """The id of the environment of a policy."""
    if env is not None:
        return given(env).id
    own = model.get_env()
    spec = None if own is None else own.get_attr("spec", 0)[0]
    if spec is None:
        raise InputError("teacher: its environment has no id; give env=")
    native = {name for name, *_ in _native.environment_specs()}
    return given(spec.id if spec.id in native or spec.id.startswith("potstill/") else f"gym:{spec.id}").id


def _safetensors(about: dict[str, Any], tensors: dict[str, _Array]) -> bytes:
    """The bytes of a model file."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "potstill": json.dumps(about)}}
    parts: list[bytes] = []
    offset = 0
    for name, tensor in tensors.items():
        part = np.ascontiguousarray(tensor, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(part)]}
        parts.append(part)
        offset += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(parts)
