"""Whole runs: the commands as functions, and what a run leaves."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from potstill import _native
from potstill._given import Given, again, environment_of, forgotten, given, is_known, recall, remember
from potstill.errors import InputError, Stopped

if TYPE_CHECKING:
    import numpy as np

    _Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

__all__ = ["Curve", "Run", "distill", "evaluate", "evaluate_offline", "export", "load", "resume", "train", "tune"]

_Path: TypeAlias = "str | os.PathLike[str]"
_Callback: TypeAlias = "Callable[[dict[str, float]], object]"


class Curve(NamedTuple):
    """The recorded values of one metric."""

    steps: _Array
    """The steps of the run, float64 of the shape `(records,)`."""
    values: _Array
    """The values, float64 of the shape `(records,)`."""


class Run:
    """A run directory, or a folder of seeds or of a sweep: what was trained, and what it has recorded.

    Args:
        out: The folder.

    Raises:
        InputError: If it is no run.
        RunError: If a file in it is damaged.
    """

    def __init__(self, out: _Path) -> None:
        self.out = Path(out)
        """The folder."""
        self._scratch: Any = None
        self.summary: dict[str, Any] = json.loads(_native.read_summary(self.out))
        """The results, as in `summary.json`; empty of a run that has not ended, and of a sweep that is loaded."""

    def __repr__(self) -> str:
        return f"Run({str(self.out)!r})"

    def __getstate__(self) -> dict[str, Any]:
        # The model is read again.
        return {name: value for name, value in self.__dict__.items() if name not in ("_learned", "_scratch")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _scratch=None)

    @cached_property
    def metrics(self) -> Mapping[str, Curve]:
        """The recorded metrics by name, such as `rollout/ep_rew_mean`; of a folder of seeds those are in `runs`."""
        return {name: Curve(*curve) for name, curve in _native.read_metrics(self.out).items()}

    @property
    def runs(self) -> list[Run]:
        """The runs in a folder of seeds, by seed, or of a sweep; empty of a single run."""
        parts = [path for path in self.out.iterdir() if (path / "config.toml").is_file()]

        def numbers_by_value(path: Path) -> list[tuple[bool, float, str]]:
            words = re.split(r"(\d+)", path.name)
            return [(False, float(word), "") if word.isdigit() else (True, 0.0, word) for word in words]

        return [Run(path) for path in sorted(parts, key=numbers_by_value)]

    @cached_property
    def _learned(self) -> _native.Learned:
        recall(self.out)
        return _native.Learned(self.out)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[Any, Any]:
        """The actions of the learned policy, or the answers of a classifier or a regression.

        Args:
            observation: An observation of the environment, or many along a first axis. For a model that learned from
                data, rows of its inputs as they are in the file, `rows x numbers`.
            state: The frames before, as the last call returned them, of a policy with `frame_stack` for an environment of
                Python: `observation` is then what the environment returns, and None begins with a stack of it. Of another
                policy it is returned as it is.
            episode_start: As in Stable-Baselines3: the flags of observations with which an episode begins.
            deterministic: If False, a policy that learned probabilities draws from them. One of action values and one
                for a box of actions act in the same way in both cases.

        Returns:
            The action and the next `state`: an int64 or a float32 array, with a first axis as the observations have it.
            For data the names of classes, or float64 values.

        Raises:
            InputError: If the shape, the type or a value does not fit, or the folder has several runs.
        """
        import numpy as np

        spaces = self._learned.spaces
        if spaces is None:
            rows = np.asarray(observation)
            classes = self._learned.classes
            if not classes:
                return self._learned.predict_values(rows), state
            best: _Array = np.argmax(self._learned.predict_proba(rows), axis=1)
            return np.asarray(classes)[best], state
        form, frames = self._learned.form, self._learned.frames
        frame = tuple(form[0]) if form is not None and frames > 1 else ()
        if frame and np.shape(observation)[-len(frame) :] == frame and np.ndim(observation) <= len(frame) + 1:
            is_one = np.ndim(observation) == len(frame)
            state = rows = _stack(np.reshape(observation, (-1, *frame)), state, episode_start, frames)
        else:
            rows, is_one = _rows(observation, spaces[0], form)
        actions = self._learned.act(rows, deterministic)
        if form is not None:
            _, _, shape, start, kind = form
            actions = (actions + start).astype(kind).reshape(len(actions), *shape)
        return (actions[0] if is_one else actions), state

    def predict_proba(self, X: Any) -> _Array:
        """The probabilities of the classes, float32 of the shape `rows x classes`, for rows as `predict` takes them.

        Raises:
            InputError: If the run is no classifier, or the rows do not fit.
        """
        import numpy as np

        return self._learned.predict_proba(np.asarray(X))

    @property
    def action_values(self) -> _Array | None:
        """The values of a tabular method, float64 of the shape `states x actions`; None of another model."""
        return self._learned.table

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of `predict_proba`; empty of a policy or a regression."""
        return self._learned.classes

    def seed(self, seed: int) -> None:
        """Restarts the random numbers with which `predict` draws actions and breaks ties, from a seed from 0."""
        self._learned.seed(seed)


def _stack(rows: _Array, state: Any, episode_start: Any, frames: int) -> _Array:
    """The stacks that end with these frames, `rows x frames x frame`; the first of an episode is repeated."""
    import numpy as np

    first: _Array = np.repeat(rows[:, None], frames, axis=1)
    if state is None:
        return first
    if np.shape(state) != first.shape:
        raise InputError(f"state: the shape is {np.shape(state)}, but {first.shape} goes with these observations")
    stack = np.concatenate([state[:, 1:], rows[:, None]], axis=1)
    if episode_start is not None:
        begins = np.broadcast_to(np.asarray(episode_start, dtype=bool), len(rows))
        stack[begins] = first[begins]
    return stack


def _rows(
    observation: Any, space: tuple[Any, ...], form: tuple[list[int], int, list[int], int, str] | None
) -> tuple[_Array, bool]:
    """Observations with a first axis of rows, and if it was added; of an environment of Python in its form."""
    import numpy as np

    kind, *parts = space
    try:
        if kind == "Tuple":
            columns = [np.asarray(part, dtype=np.int64) for part in observation]
            states = np.ravel_multi_index(tuple(columns), tuple(parts[0]))
            return np.atleast_1d(np.asarray(states)), np.ndim(states) == 0
        rows = np.asarray(observation)
    except (TypeError, ValueError) as error:
        raise InputError(f"observations: {error}") from error
    shape: tuple[int, ...] = ()
    if kind != "Discrete":
        shape = parts[0].shape if kind == "Box" else tuple(parts[0])
    if form is not None and kind == "Box" and not form[0] and rows.dtype.kind in "iu" and rows.ndim <= 1:
        # Numbered states, with one_hot=True.
        states = rows - form[1]
        if not ((states >= 0) & (states < math.prod(shape))).all():
            raise InputError(f"observations: a state of {rows} is not one of the {math.prod(shape)} states")
        return np.eye(math.prod(shape), dtype=np.float32)[np.atleast_1d(states)], rows.ndim == 0
    if form is not None:
        # One observation or a stack of them; options may have made another one.
        frames, rest = divmod(math.prod(shape), math.prod(form[0]))
        if form[0] and rest == 0:
            shape = tuple(form[0]) if frames == 1 else (frames, *form[0])
        rows = rows - form[1] if kind == "Discrete" else rows
    if rows.shape == shape:
        return rows[None], True
    if rows.shape[1:] == shape and rows.ndim > 0:
        return rows, False
    raise InputError(f"observations: the shape is {rows.shape}; write {shape}, or that behind an axis of rows")


def _out(run: Any) -> Path:
    """The folder of a run, or of the run of a learner."""
    run = getattr(run, "run", run)
    try:
        return run.out if isinstance(run, Run) else Path(run)
    except TypeError:
        raise InputError(f"run: {type(run).__name__} is neither a run nor its folder nor a learner") from None


def _plain(name: str, value: Any) -> Any:
    """A setting as a value of JSON."""
    value = getattr(value, "run", value)
    if isinstance(value, Run):
        return str(value.out)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        return [_plain(name, part) for part in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return value.item()
    if isinstance(value, (bool, int, float, str)):
        return value
    raise InputError(f"{name}: write a number, a flag, a text, or a list of them, not {type(value).__name__}")


def _word(value: Any) -> str:
    """A value as the command takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _option(value: Any) -> str:
    """The value of an option of environments as text; a pair is a range."""
    return ":".join(_word(part) for part in value) if isinstance(value, (tuple, list)) else _word(value)


def _check_copies(algorithm: str, env: Given) -> None:
    """Refuses a vector environment for an algorithm that learns in one environment."""
    known = _native.keys_of(algorithm)
    if env.num_envs is not None and known and "num_envs" not in known:
        raise InputError(
            f"env: {algorithm} learns in one environment, and this is a vector of {env.num_envs}: give one of them, "
            "or a function that makes one"
        )


def _settings(keys: Mapping[str, Any], algorithm: str | None = None) -> str:
    """Settings as a JSON object. Options of every environment are part of its id; a trailing underscore is for keys that are
    words of Python.
    """
    keys = {name: value for name, value in keys.items() if value is not None}
    if "env" in keys:
        env = given(keys["env"])
        _check_copies(algorithm or "", env)
        general = {name: _option(keys[name]) for name in _native.general_options() if name in keys}
        keys = {name: value for name, value in keys.items() if name not in general}
        copies = {} if env.num_envs is None else {"num_envs": env.num_envs}
        if copies and keys.get("num_envs", env.num_envs) != env.num_envs:
            raise InputError(f"num_envs={keys['num_envs']}: the vector environment has {env.num_envs} copies")
        keys = {**copies, **keys, "env": _native.with_options(env.id, list(general.items()))}
    plain = {name.removesuffix("_"): _plain(name, value) for name, value in keys.items()}
    if not isinstance(plain.get("data", ""), str):
        raise InputError("data: write one, as text")
    try:
        return json.dumps(plain, allow_nan=False)
    except ValueError:
        raise InputError("a setting is not finite") from None


def _ended(result: str) -> Run:
    """The run of a result."""
    summary = json.loads(result)
    run = Run(summary["out"])
    remember(run.out)
    run.summary = summary
    return run


def _finished(work: Callable[[], str]) -> Run:
    """The run of a result; of work that a callback has stopped, as far as it went."""
    try:
        return _ended(work())
    except Stopped as stopped:
        if stopped.run is None:
            raise
        return Run(stopped.run)


def train(
    algorithm: str | None = None,
    *,
    env: Any = None,
    data: _Path | None = None,
    steps: int | str | None = None,
    seeds: int | None = None,
    out: _Path | None = None,
    preset: str | None = None,
    config: _Path | None = None,
    threads: int | None = None,
    callback: _Callback | None = None,
    **keys: Any,
) -> Run:
    """Trains an algorithm in an environment or on data, as `potstill train` does: `train("dqn", env="CartPole-v1")`.

    The interpreter is free meanwhile. Ctrl-C saves the run and raises `KeyboardInterrupt`, with a note that says how to
    continue; warnings of the command are `UserWarning`.

    Args:
        algorithm: The algorithm, one of `potstill algos`; may be left out if `config` names it.
        env: The environment: an id of potstill, perhaps with options; one of Gymnasium, `gym:LunarLander-v3`; an
            environment or a vector environment with Gymnasium's interface; a function that makes one, which is called
            for training, for evaluations and for each copy; or an exact model, as Gymnasium's `env.unwrapped.P`.
        data: What to learn from without an environment: a file, a folder, or `digits`.
        steps: The number of steps, also as text, `"50k"`.
        seeds: The number of seeds, each a run in the folder.
        out: The folder to create; by default a new one under `runs`.
        preset: Published settings by name; by default the first with values for the environment, `none` for none.
        config: A TOML file of settings, such as the `config.toml` of a run.
        threads: The number of threads, by default that of the cores; no result depends on it.
        callback: A function that is called with each record of metrics, a dictionary with `step` and values by name;
            of several seeds it has the `seed`, of a sweep the number of the combination, `part`. If the function
            returns False, the run ends with its results so far, and `resume` goes on with it; several runs are saved
            and returned as they are.
        keys: All other settings, as `potstill train ALGORITHM --help` lists them, with underscores:
            `learning_rate=1e-3`. A list makes a sweep. `lambda_` stands for `lambda`. And the options of every
            environment, as `potstill env show` lists them: `frame_stack=4`, `clip_reward=(-1, 1)`.

    Returns:
        The run.

    Raises:
        InputError: If an argument is wrong; nothing is then left behind.
        RunError: If the training fails; the run directory says why.
        KeyboardInterrupt: After Ctrl-C, with the run saved. What the environment or the callback raises comes out as it
            is, too, with a note on the run.
    """
    settings = _settings({"env": env, "data": data, "steps": steps, **keys}, algorithm)
    return _finished(
        lambda: _native.train(algorithm or "", settings, preset, config, seeds, out, threads, callback)
    )


def tune(
    algorithm: str | None = None,
    *,
    search: Mapping[str, str | Sequence[Any]],
    env: Any = None,
    data: _Path | None = None,
    steps: int | str | None = None,
    trials: int = 32,
    round: int = 8,
    sampler: str = "tpe",
    prune: str = "none",
    winner_seeds: int = 5,
    out: _Path | None = None,
    preset: str | None = None,
    config: _Path | None = None,
    threads: int | None = None,
    **keys: Any,
) -> Run:
    """Searches settings in rounds of trials, and runs the best again with new seeds, as `potstill tune` does:
    `tune("dqn", env="CartPole-v1", steps=20_000, search={"learning_rate": "log:1e-4:1e-2"})`.

    Args:
        algorithm: The algorithm; may be left out if `config` names it.
        search: The settings that are searched, each with its range, `log:A:B`, `uniform:A:B`, `int:A:B` or
            `int-log:A:B`, or a list of values.
        env: The environment, as of `train`.
        data: The data, as of `train`; trials are then compared by a validation part.
        steps: The number of steps of a trial.
        trials: The number of trials, from 1.
        round: Trials that are proposed at once, from 1.
        sampler: `tpe`, `quasi-random` or `random`.
        prune: The rule by which trials are stopped early: `none`, `median`, `halving` or `hyperband`.
        winner_seeds: The number of new seeds with which the best trial is run again, from 1.
        out: The folder to create; it stands for its winner in `load`, `evaluate` and `export`.
        preset: Published settings by name, as of `train`.
        config: A TOML file of settings.
        threads: The number of threads, by default that of the cores; no result depends on it.
        keys: All other settings, as of `train`.

    Returns:
        The folder of the search; its `summary` has the trials (`tune`), the choice (`chosen`) and its runs (`winner`).

    Raises:
        InputError: If an argument is wrong; nothing is then left behind.
        RunError: If all trials fail.
        KeyboardInterrupt: After Ctrl-C, with the search saved; `resume` continues it.
    """
    ranges = [f"{key.removesuffix('_')}={_range(value)}" for key, value in search.items()]
    settings = _settings({"env": env, "data": data, "steps": steps, **keys}, algorithm)
    counts, words = (trials, round, winner_seeds), (sampler, prune)
    return _ended(_native.tune(algorithm or "", settings, ranges, counts, words, preset, config, out, threads))


def _range(values: str | Sequence[Any]) -> str:
    """The range of a searched setting as the command takes it; of a list, its values."""
    if isinstance(values, str):
        return values
    return "|".join(_word(value) for value in values)


def distill(
    teacher: Any,
    student: str | Sequence[str] | None = None,
    *,
    data: _Path | None = None,
    env: Any = None,
    seeds: int | None = None,
    budget: str | None = None,
    out: _Path | None = None,
    config: _Path | None = None,
    threads: int | None = None,
    callback: _Callback | None = None,
    **keys: Any,
) -> Run:
    """Distils a teacher into a student, as `potstill distill` does: `distill(run, student="mlp:16")`.

    Args:
        teacher: A run, its folder, an ONNX file or a file of recorded answers; several are averaged. Or a model of
            Stable-Baselines3, as `potstill.sb3.teacher` takes it, with its `vec_normalize`.
        student: The form of the student, `mlp:16` or `tree:4`; a list makes a sweep.
        data: The data to learn on, if the teacher is a classifier or a regression.
        env: The environment, if it is not the teacher's, as of `train`.
        seeds: The number of seeds, each a run in the folder.
        budget: The most that a student may take, `"16KiB"` or `"20us"`: a search.
        out: The folder to create; by default a new one under `runs`.
        config: A TOML file of settings.
        threads: The number of threads, by default that of the cores; no result depends on it.
        callback: A function that is called with each record of metrics, as of `train`.
        keys: All other settings, as `potstill distill --help` lists them, with underscores: `temperature=4`.

    Returns:
        The run of the student.

    Raises:
        InputError: If an argument is wrong; nothing is then left behind.
        RunError: If the training fails; the run directory says why.
        KeyboardInterrupt: After Ctrl-C, with the run saved.
    """
    several = list(teacher) if isinstance(teacher, (list, tuple)) else [teacher]
    vec_normalize = keys.pop("vec_normalize", None)
    several = [_imported(one, env, vec_normalize) for one in several]
    if env is not None and not isinstance(env, str):
        # The teacher's, or one like it.
        learned_in = next((_environment_of(_out(one)) for one in several if _is_folder(one)), None)
        env = given(env).id if learned_in is None else again(env, learned_in).id
    teachers = ",".join(str(_plain("teacher", one)) for one in several)
    settings = _settings({"teacher": teachers, "student": student, "data": data, "env": env, **keys})
    return _finished(lambda: _native.distill(settings, config, seeds, budget, out, threads, callback))


def _is_folder(teacher: Any) -> bool:
    teacher = getattr(teacher, "run", teacher)
    return isinstance(teacher, Run) or (isinstance(teacher, (str, os.PathLike)) and Path(teacher).is_dir())


def _imported(teacher: Any, env: Any, vec_normalize: Any) -> Any:
    """The run of a model of Stable-Baselines3; anything else as it is."""
    if type(teacher).__module__.startswith(("stable_baselines3.", "sb3_contrib.")):
        from potstill.sb3 import teacher as imported

        return imported(teacher, env=env, vec_normalize=vec_normalize)
    if vec_normalize is not None:
        raise InputError("vec_normalize: it belongs to a teacher that is a model of Stable-Baselines3")
    if isinstance(teacher, (str, os.PathLike)) and Path(teacher).suffix == ".zip":
        raise InputError(
            f"teacher: {os.fspath(teacher)} has the form of Stable-Baselines3's files, whose pickles run when they are "
            "read: load it there, such as PPO.load(path), and give the model"
        )
    return teacher


def load(run: _Path, *, env: Any = None) -> Run:
    """Reads a run, or a folder of seeds or of a sweep.

    Args:
        run: The folder.
        env: The environment of a run that was begun with one of Python in another process, as of `train`.

    Raises:
        InputError: If it is none.
        RunError: If a file in it is damaged.
    """
    return Run(_folder(run, env))


def resume(
    run: Run | _Path,
    *,
    steps: int | None = None,
    seeds: int | None = None,
    keep_schedules: bool = False,
    fallback: bool = False,
    threads: int | None = None,
    env: Any = None,
    callback: _Callback | None = None,
) -> Run:
    """Continues a run that was stopped, to the bytes that it would have ended with, as `potstill resume` does.

    Args:
        run: The run or its folder.
        steps: A new number of steps, beyond the former.
        seeds: A new number of seeds of a folder of seeds.
        keep_schedules: With more steps, schedules stay relative to the former number.
        fallback: Skip damaged checkpoints.
        threads: The number of threads, by default that of the cores; no result depends on it.
        env: The environment of a run that was begun with one of Python in another process, as of `train`.
        callback: A function that is called with each record of metrics, as of `train`.

    Raises:
        InputError: If the folder is no run.
        RunError: If a file in it is damaged, another process works in it, or the training fails.
        KeyboardInterrupt: After Ctrl-C, with the run saved.
    """
    folder = _playable(run, env)

    def work() -> str:
        _native.resume(folder, steps, seeds, keep_schedules, fallback, threads, callback)
        return json.dumps({"out": str(folder), **Run(folder).summary})

    return _finished(work)


def _folder(run: Run | _Path, env: Any) -> Path:
    """The folder of a run, whose environment is from now on the given one, if one is given."""
    folder = _out(run)
    if env is not None:
        again(env, _environment_of(folder))
    return folder


def _playable(run: Run | _Path, env: Any) -> Path:
    """The folder of a run as `_folder`, if this process has its environment."""
    folder = _folder(run, env)
    id = _environment_of(folder)
    if id is not None and not is_known(id):
        raise forgotten(id)
    return folder


def _environment_of(folder: Path) -> str | None:
    """The id of the environment of a run, or of the first in a folder of seeds."""
    found = map(environment_of, [folder / "config.toml", *sorted(folder.glob("*/config.toml"))])
    return next((id for id in found if id is not None), None)


def evaluate(
    run: Run | _Path, *, episodes: int = 100, seed: int = 0, threads: int | None = None, env: Any = None
) -> dict[str, Any]:
    """Plays episodes with a learned policy, or answers the test samples of a classifier, as `potstill eval` does.

    Args:
        run: The run or its folder.
        episodes: The number of episodes, from 1.
        seed: The seed of the episodes, from 0.
        threads: The number of threads, by default that of the cores; no result depends on it.
        env: The environment of a run that was begun with one of Python in another process, as of `train`; of a run that has
            learned from data alone, without an environment, the one to play in.

    Returns:
        The measures by name, such as `mean_return`.

    Raises:
        InputError: If the folder is no run, or it is damaged.
    """
    learned_in = _environment_of(_out(run))
    if env is not None and learned_in is not None and learned_in.startswith("recorded:"):
        folder, other = _out(run), given(env).id
    else:
        folder, other = _playable(run, env), None
    measures: dict[str, Any] = json.loads(_native.evaluate(folder, other, episodes, seed, threads))
    return measures


def evaluate_offline(
    run: Run | _Path,
    data: str,
    *,
    epsilon: float | None = None,
    temperature: float | None = None,
    behaviour: Run | _Path | None = None,
    behaviour_epsilon: float | None = None,
    behaviour_temperature: float | None = None,
    gamma: float | None = None,
    updates: int | None = None,
    accept_if: str | None = None,
    compare_with_truth: int | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Any]:
    """Estimates what a learned policy is worth from recorded episodes, before it acts, as `potstill evaluate-offline` does.

    Args:
        run: The run or its folder; of a folder of seeds every one is evaluated, under `runs`.
        data: The recorded episodes: a file, `minari:NAMESPACE/name-v0`, or `random:STEPS[:SEED]` for random actions.
        epsilon: The probability of a random action, of the policy that is evaluated; it is greedy by default.
        temperature: The temperature of its softmax instead.
        behaviour: The policy that has recorded the episodes, a run or "random"; its probabilities are estimated by default.
        behaviour_epsilon: Its probability of a random action.
        behaviour_temperature: The temperature of its softmax instead.
        gamma: The discount of the returns, from 0 to 1; by default that of the run, or 0.99.
        updates: The number of updates of each fit of a network, by default as many as the discount asks for.
        accept_if: A condition such as "lower_bound > behaviour", whose truth is `accepted` in the result.
        compare_with_truth: The number of episodes to play in the environment too, to compare.
        seed: The seed of all random numbers, from 0.
        threads: The number of threads, by default that of the cores; no result depends on it.

    Returns:
        The result by name: `estimators`, each with its interval and its `effective_sample_size`, and `headline`, the one
        that may be claimed; None where trusted estimates disagree, or none is trusted.

    Raises:
        InputError: If the folder is no run of a policy, or the data cannot be read or have other spaces.
    """
    by = None if behaviour is None else behaviour if behaviour == "random" else str(_out(behaviour))
    result: dict[str, Any] = json.loads(
        _native.evaluate_offline(
            _out(run),
            data,
            (epsilon, temperature),
            by,
            (behaviour_epsilon, behaviour_temperature),
            gamma,
            updates,
            accept_if,
            compare_with_truth,
            seed,
            threads,
        )
    )
    return result


def export(run: Run | _Path, out: _Path) -> Path:
    """Writes the model of a run to a file, as `potstill export` does: `.onnx` or `.safetensors`, by its ending.

    Raises:
        InputError: If the ending is no format's, the format cannot hold the model, or the file exists.
    """
    folder = _out(run)
    target = Path(out)
    _native.export(folder, target)
    return target
