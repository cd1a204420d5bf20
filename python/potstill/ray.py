"""Training with actors of Ray, which step the copies of an environment on as many machines as Ray has.

    import potstill.ray

    run = potstill.ray.train("ppo", env="gym:LunarLander-v3", actors=4, num_envs=32, n_steps=512, steps=1_000_000)

It pays for environments that are slow, in milliseconds a step: a message to an actor and back takes about one. On one
machine `potstill.train` steps fast environments faster than messages go.

**Rounds.** PPO and A2C collect a rollout with one policy, `n_steps` steps of each copy. So an actor plays its copies'
whole part of a rollout for one message: the learner sends its state and that of the copies; a learner of the same
settings acts in the actor, draws from the one stream of exploration what is drawn for all copies, and uses its own
draws; steps, and the new state of the copies, come back. The learner then acts in every step itself, a small part of
the work of an update, and compares: what it would have done was done, or the run ends with an error. So a run with
actors is the run of one process to the bit, whatever their number, and `potstill resume` goes on without Ray.
Copy `i` has the random numbers of copy `i`, wherever it is. An actor keeps nothing that the next order does not say, so
that one that is lost is started again by Ray and gets the same order. A learner whose policy changes from step to step
has no rounds: one with `normalize_observations`, or one that explores by a falling rate.

**Ahead.** DQN and its relatives learn from whatever was played. Their actors play `ahead` steps of each copy by the
action values and the exploration rate of the moment when they are asked, while the learner learns from the steps
before: it waits only if they are slower. The same number of actors gives the same bits, but another number does not, nor does a
run that was stopped and goes on; its settings alone do not reproduce it, and `manifest.json` says so, under
`not_reproducible`. There is no mode in which steps are learned from as they happen to arrive.
"""

from __future__ import annotations

import importlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from potstill import _native, runs
from potstill._given import given
from potstill.errors import InputError
from potstill.runs import Run

__all__ = ["resume", "train"]

_Path: TypeAlias = "str | os.PathLike[str]"
_Callback: TypeAlias = Callable[[dict[str, float]], object]


class _Actor:
    """The copies of an actor, in its process."""

    def __init__(self, config: str, first: int, count: int, env: Any, id: str | None) -> None:
        if id is not None:
            given(env, id)
        self._player = _native.Player(config, first, count)

    def play(self, order: bytes) -> bytes:
        return self._player.play(order)


class _Actors:
    """The actors of a run, as the native part calls them: `start`, then `order` and `answers` by turns."""

    def __init__(self, count: int, env: Any, options: Mapping[str, Any]) -> None:
        self._ray: Any = importlib.import_module("ray")
        self._count = count
        self._options = options
        place = given(env)
        self.id = place.id
        self.num_envs = place.num_envs
        self._env: Any = None
        if not isinstance(env, str):
            try:
                self._env = self._ray.put(env)
            except Exception as error:
                raise InputError(
                    f"env: it cannot be sent to actors ({type(error).__name__}: {error}): give an id, or a function "
                    "that makes one"
                ) from error
        self._handles: list[Any] = []
        self._pending: dict[Any, int] = {}
        self._answers: list[bytes] = []

    def start(self, config: str, copies: int) -> list[int]:
        if self._count > copies:
            raise InputError(f"{self._count} actors for {copies} copies: give num_envs={self._count} or more")
        counts = [copies // self._count + (i < copies % self._count) for i in range(self._count)]
        # Ray starts an actor that is lost again, and sends it what it has not answered.
        options = {"max_restarts": 3, "max_task_retries": 3, "num_cpus": 1, **self._options}
        asked, there = self._count * options["num_cpus"], self._ray.cluster_resources().get("CPU", 0)
        if asked > there:
            warnings.warn(
                f"{self._count} actors ask for {asked:g} CPUs and Ray has {there:g}: the run waits until it has them; "
                'fewer actors, or actor_options={"num_cpus": 0.5}, begin at once',
                RuntimeWarning,
                stacklevel=2,
            )
        actor = self._ray.remote(**options)(_Actor)
        id = None if self._env is None else self.id
        self._handles = [
            actor.remote(config, sum(counts[:i]), count, self._env, id) for i, count in enumerate(counts)
        ]
        return counts

    def order(self, orders: list[bytes]) -> None:
        self._answers = [b""] * len(orders)
        self._pending = {
            actor.play.remote(order): i for i, (actor, order) in enumerate(zip(self._handles, orders, strict=True))
        }

    def answers(self) -> list[bytes] | None:
        pending = list(self._pending)
        done, _ = self._ray.wait(pending, num_returns=len(pending), timeout=0.1)
        for answer in done:
            try:
                self._answers[self._pending.pop(answer)] = self._ray.get(answer)
            except self._ray.exceptions.RayTaskError as error:
                # As the actor raised it, without Ray's report of where.
                raise error.cause from None
        return None if self._pending else self._answers

    def end(self) -> None:
        for actor in self._handles:
            self._ray.kill(actor)


def _actors(count: int, env: Any, options: Mapping[str, Any] | None) -> _Actors:
    if count < 1:
        raise InputError(f"actors={count}: write a whole number from 1 on")
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise InputError("actors need Ray: pip install 'potstill[ray]'") from error
    if not ray.is_initialized():
        ray.init()
    return _Actors(count, env, options or {})


def _checked(ahead: int | None) -> int | None:
    if ahead is not None and ahead < 1:
        raise InputError(f"ahead={ahead}: write a whole number of steps from 1 on, or None for rounds")
    return ahead


def train(
    algorithm: str,
    *,
    env: Any,
    actors: int = 2,
    ahead: int | None = None,
    actor_options: Mapping[str, Any] | None = None,
    out: _Path | None = None,
    preset: str | None = None,
    config: _Path | None = None,
    threads: int | None = None,
    callback: _Callback | None = None,
    **keys: Any,
) -> Run:
    """Trains as `potstill.train` does, in copies of an environment that actors step: `num_envs` in all.

    Evaluations are played by the learner.

    Args:
        algorithm: The algorithm.
        env: The environment, as of `potstill.train`; what is no id is sent to the actors.
        actors: The number of actors, from 1; each has as many copies as the others, or one more.
        ahead: None for rounds, for PPO and A2C. Else the steps of each copy that are played ahead of the learner, for
            DQN and its relatives. A message pays from some thousands of steps of all copies of an actor on; many steps
            of few copies are cheaper than few of many, whose states are in the message.
        actor_options: Options of Ray for each actor, such as `num_cpus` (1) and `max_restarts` (3).
        out: The folder to create.
        preset: Published settings by name, as of `potstill.train`.
        config: A TOML file of settings.
        threads: The number of threads of the learner.
        callback: A function that is called with each record of metrics, as of `potstill.train`.
        keys: All other settings, among them `num_envs` and `steps`.

    Returns:
        The run.

    Raises:
        InputError: If an argument is wrong, or the algorithm does not go with actors; nothing is then left behind.
        RunError: If the training fails, or an actor is lost more often than Ray starts it again. The run is saved.
        KeyboardInterrupt: After Ctrl-C, with the run saved.
    """
    _checked(ahead)
    group = _actors(actors, env, actor_options)
    copies = {} if group.num_envs is None else {"num_envs": group.num_envs}
    settings = runs._settings({**copies, "env": group.id, **keys}, algorithm)
    try:
        return runs._finished(
            lambda: _native.train_elsewhere(
                algorithm, settings, (group, ahead), preset, config, out, threads, callback
            )
        )
    finally:
        group.end()


def resume(
    run: Run | _Path,
    *,
    actors: int = 2,
    ahead: int | None = None,
    actor_options: Mapping[str, Any] | None = None,
    env: Any = None,
    steps: int | None = None,
    threads: int | None = None,
    callback: _Callback | None = None,
) -> Run:
    """Continues a run, one of `train` or another, with actors.

    Args:
        run: The run or its folder.
        actors: The number of actors.
        ahead: As of `train`.
        actor_options: As of `train`.
        env: The environment of a run that was begun with one of Python; an id need not be given.
        steps: A new number of steps, beyond the former.
        threads: The number of threads of the learner.
        callback: A function that is called with each record of metrics.

    Raises:
        InputError: If the folder is no run whose copies actors could step.
        RunError: If the training fails. The run is saved.
        KeyboardInterrupt: After Ctrl-C, with the run saved.
    """
    _checked(ahead)
    folder: Path = runs._playable(run, env)
    id = runs._environment_of(folder)
    if id is None:
        raise InputError(f"{folder} is no run in an environment")
    group = _actors(actors, id if env is None else env, actor_options)
    if env is not None:
        group.id = id

    def work() -> str:
        _native.resume_elsewhere(folder, (group, ahead), steps, threads, callback)
        return json.dumps({"out": str(folder), **Run(folder).summary})

    try:
        return runs._finished(work)
    finally:
        group.end()
