"""Registration of the environments with Gymnasium, as soon as that is imported."""

from __future__ import annotations

import sys
from typing import Any

from potstill._native import environment_specs

_NAMESPACE = "potstill"


def gymnasium_id(name: str) -> str:
    """The id with which Gymnasium finds an environment; the namespace of MinAtar's games is left out."""
    return f"{_NAMESPACE}/{name.removeprefix('MinAtar/')}"


def native_id(id: str) -> str:
    """The id, perhaps with options, without Gymnasium's namespace."""
    short = id.removeprefix(f"{_NAMESPACE}/")
    if short == id:
        return id
    name, colon, options = short.partition(":")
    known = {gymnasium_id(spec[0]): spec[0] for spec in environment_specs()}
    return known.get(f"{_NAMESPACE}/{name}", name) + colon + options


def _register() -> None:
    from gymnasium.envs.registration import register, registry

    for name, max_episode_steps, reward_threshold in environment_specs():
        if gymnasium_id(name) not in registry:
            register(
                gymnasium_id(name),
                entry_point="potstill.environments:Environment",
                vector_entry_point="potstill.environments:VectorEnvironment",
                max_episode_steps=max_episode_steps,
                reward_threshold=reward_threshold,
                # The environments check calls and their order themselves.
                order_enforce=False,
                disable_env_checker=True,
                # Gymnasium's own wrapper has the limit, so that `make` can change it.
                kwargs={"name": name, "time_limit": False},
            )


class _AfterGymnasium:
    """A finder that registers the environments when Gymnasium has been imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: Any) -> None:
            execute(module)
            _register()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Registers the environments now, or when Gymnasium is imported: potstill does not wait for it."""
    module = sys.modules.get("gymnasium")
    if module is None:
        sys.meta_path.insert(0, _AfterGymnasium())
    else:
        _register()
