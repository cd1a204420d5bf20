"""The base of all algorithms as classes, with the names of Stable-Baselines3, and the callbacks of their learning."""

from __future__ import annotations

import difflib
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

from potstill import _native, runs
from potstill._given import again, given, is_known
from potstill.errors import InputError, RunError
from potstill.runs import Curve, Run

__all__ = ["Algorithm", "Callback", "StopAt", "evaluate_policy"]

_Path: TypeAlias = "str | os.PathLike[str]"
_Record: TypeAlias = "dict[str, float]"
_Self = TypeVar("_Self", bound="Algorithm")

# The policies of Stable-Baselines3; the form of the model follows from the algorithm and its net_arch.
_POLICIES = ("MlpPolicy", "CnnPolicy", "TablePolicy", "LinearPolicy")
# The convolutions of Mnih et al. 2015 and the layer behind them, as Stable-Baselines3's.
_NATURE = "cnn:32x8s4,64x4s2,64x3,512"


class Callback:
    """A callback of `Algorithm.learn`. Its methods do nothing; override those that are of use."""

    model: Algorithm
    """The learner, from the start of the training on."""

    def on_training_start(self) -> None:
        """Is called before the first step."""

    def on_record(self, record: _Record) -> bool | None:
        """Is called with each record of metrics: `step`, and values by name. Learning ends if it returns False."""
        return None

    def on_training_end(self) -> None:
        """Is called after the last step, also if learning was ended."""


class StopAt(Callback):
    """Ends learning when a metric reaches a value.

    Args:
        value: The value.
        metric: The name of the metric, by default the mean return of an evaluation.
    """

    def __init__(self, value: float, metric: str = "eval/mean_reward") -> None:
        self.value = value
        self.metric = metric

    def on_record(self, record: _Record) -> bool:
        return not record.get(self.metric, float("-inf")) >= self.value


class _Function(Callback):
    def __init__(self, function: Callable[[_Record], object]) -> None:
        self._function = function

    def on_record(self, record: _Record) -> bool:
        return self._function(record) is not False


class _Progress(Callback):
    """A bar of tqdm, if that is installed, as wide as the steps of the training."""

    def __init__(self, total: int, done: int) -> None:
        self._total, self._done = total, done
        self._bar: Any = None

    def on_training_start(self) -> None:
        try:
            tqdm = importlib.import_module("tqdm.auto").tqdm
        except ImportError as error:
            raise InputError("progress_bar: pip install tqdm") from error
        self._bar = tqdm(total=self._total)

    def on_record(self, record: _Record) -> None:
        self._bar.update(int(record["step"]) - self._done - self._bar.n)

    def on_training_end(self) -> None:
        self._bar.close()


class _Table(Callback):
    """Prints records, as Stable-Baselines3 does with `verbose=1`."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._records = 0

    def on_record(self, record: _Record) -> None:
        self._records += 1
        if self._records % self._interval and "eval/mean_reward" not in record:
            return
        width = max(map(len, record))
        lines = [f"| {name:<{width}} | {value:>12.6g} |" for name, value in record.items()]
        rule = "-" * len(lines[0])
        print("\n".join([rule, *lines, rule]))


class Algorithm:
    """A learner with the interface of Stable-Baselines3: `learn`, `predict`, `save` and `load`.

    It keeps a run directory, as `potstill.train` makes one: in a temporary folder, unless `out` says where.
    Differences from Stable-Baselines3: a seed is always used (0 if none is given), every setting of
    `potstill train ALGORITHM --help` is a keyword, the result is the model with the best evaluation (`eval_freq=0`
    keeps the last), and `learn` goes on exactly where an earlier one ended.

    Args:
        policy: As in Stable-Baselines3, `MlpPolicy`, or `CnnPolicy` for images (the convolutions of Mnih et al. 2015,
            32 of 8x8/4, 64 of 4x4/2 and 64 of 3x3, and 512 units, for images of 36 x 36 points or more; other ones are
            written as `net_arch="cnn:16x3,128"`); or the environment.
        env: The environment, as `potstill.train` takes it: an id, an environment, a vector environment, or a function
            that makes one.
        policy_kwargs: `net_arch` (a list of units, or `mlp:64,64`), `activation_fn` (a class of PyTorch by its name,
            `Tanh` or `ReLU`) and `log_std_init`.
        tensorboard_log: The folder to make the run directory in, which has TensorBoard's file.
        verbose: 0 for no output, 1 for tables of the records.
        seed: The seed of all random numbers, from 0.
        device: `auto` or `cpu`, as in Stable-Baselines3.
        preset: Published settings by name; by default the first with values for the environment, `none` for none.
        out: The run directory.
        threads: The number of threads, by default that of the cores; no result depends on it.
        keys: The settings, and the options of every environment, which change what is learned from: `frame_stack=4` (the
            observations of a stack, each kept once in replay), `clip_reward=(-1, 1)`, `action_repeat`, `sticky_actions`,
            `one_hot`, `bins` and `max_episode_steps`. Evaluations play with the same ones; returns are of raw rewards.

    Raises:
        InputError: If an argument is wrong; what depends on the environment is checked when learning begins.
    """

    name: ClassVar[str] = ""
    """The name of the algorithm in `potstill algos`."""

    def __init__(
        self,
        policy: Any = "MlpPolicy",
        env: Any = None,
        *,
        policy_kwargs: Mapping[str, Any] | None = None,
        tensorboard_log: _Path | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: str = "auto",
        preset: str | None = None,
        out: _Path | None = None,
        threads: int | None = None,
        **keys: Any,
    ) -> None:
        if not self.name:
            raise TypeError("Algorithm is the base of the algorithms, such as potstill.DQN")
        if env is None and policy not in _POLICIES:
            policy, env = "MlpPolicy", policy
        if policy not in _POLICIES:
            raise InputError(f"policy: write one of {', '.join(_POLICIES)}, not {policy!r}")
        if device not in ("auto", "cpu"):
            raise InputError(f"device={device!r}: write auto or cpu")
        self.env = env
        """The environment as it was given."""
        self.verbose = verbose
        self.seed = 0 if seed is None else seed
        """The seed."""
        self._preset, self._threads = preset, threads
        self._keys = _settings({**_of_images(policy, keys), **_of_policy(policy_kwargs or {}, policy)}, self.name)
        general = _native.general_options()
        own = {name: value for name, value in self._keys.items() if name not in general}
        _native.check_train(self.name, runs._settings({"seed": self.seed, **own}))
        self._given = None if env is None else given(env)
        if self._given is not None:
            runs._check_copies(self.name, self._given)
            asked = self._keys.get("num_envs", self._given.num_envs)
            if self._given.num_envs not in (None, asked):
                raise InputError(f"num_envs={asked}: the vector environment has {self._given.num_envs} copies")
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._out, self._logs = out, tensorboard_log
        self._run: Run | None = None

    def _folder(self) -> Path:
        """The folder of the run, when it begins."""
        if self._out is not None:
            return Path(self._out)
        if self._logs is not None:
            logs, name = Path(self._logs), type(self).__name__
            numbers = [path.name.removeprefix(f"{name}_") for path in logs.glob(f"{name}_*")]
            return logs / f"{name}_{1 + max((int(number) for number in numbers if number.isdigit()), default=0)}"
        self._scratch = tempfile.TemporaryDirectory(prefix="potstill-")
        return Path(self._scratch.name) / "run"

    def _keep(self, run: Run) -> Run:
        # A run that is kept longer than its learner keeps the temporary folder.
        run._scratch = self._scratch
        return run

    @property
    def run(self) -> Run:
        """The run directory.

        Raises:
            RunError: Before `learn`.
        """
        if self._run is None:
            raise RunError(f"this {type(self).__name__} has not learned yet: call learn")
        return self._run

    @property
    def num_timesteps(self) -> int:
        """The steps of the environment so far."""
        if self._run is None:
            return 0
        # A run that was stopped after it had gone on from its results is ahead of them.
        saved = (path.name.removeprefix("step-") for path in (self._run.out / "checkpoints").glob("step-*"))
        steps = [int(step) for step in saved if step.isdigit()]
        return max([*steps, int(self._run.summary.get("steps", 0))])

    @property
    def metrics(self) -> Mapping[str, Curve]:
        """The recorded metrics by name."""
        return self.run.metrics

    def learn(
        self: _Self,
        total_timesteps: int,
        callback: Callback | Callable[[_Record], object] | Sequence[Any] | None = None,
        log_interval: int = 1,
        tb_log_name: str | None = None,
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> _Self:
        """Learns for a number of steps of the environment, after those of earlier calls.

        Args:
            total_timesteps: The steps.
            callback: A `Callback`, a function of a record that returns False to end learning, with the results so far, or
                a list of them.
            log_interval: With `verbose=1`, the number of records between tables.
            tb_log_name: As in Stable-Baselines3; the folder's name is that of the class.
            reset_num_timesteps: As in Stable-Baselines3. Steps are counted from the first call on in both cases;
                schedules are relative to all steps so far, the new ones included.
            progress_bar: Shows a bar of tqdm.

        Returns:
            The learner itself.

        Raises:
            InputError: If a setting is wrong, or there is no environment.
            RunError: If learning fails.
            KeyboardInterrupt: After Ctrl-C, with the run saved; another `learn` goes on.
        """
        if self._given is None:
            raise InputError(f"{type(self).__name__} has no environment: give env=")
        done = self.num_timesteps
        callbacks = _callbacks(callback)
        if self.verbose > 0:
            callbacks.append(_Table(log_interval))
        if progress_bar:
            callbacks.append(_Progress(total_timesteps, done))

        def on_record(record: _Record) -> bool:
            # All are called, even if an earlier one ends learning.
            return all([one.on_record(record) is not False for one in callbacks])

        called = on_record if callbacks else None
        folder = self._folder() if self._run is None else self._run.out
        started: list[Callback] = []
        try:
            for one in callbacks:
                one.model = self
                one.on_training_start()
                started.append(one)
            if self._run is None:
                run = self._train(total_timesteps, folder, called)
            else:
                steps = done + total_timesteps
                run = runs.resume(self._run, steps=steps, threads=self._threads, callback=called)
            self._run = self._keep(run)
        except BaseException:
            # What an interrupted call has done.
            if (folder / "config.toml").is_file():
                self._run = self._keep(Run(folder))
            raise
        finally:
            for one in started:
                one.on_training_end()
        return self

    def _train(self, steps: int, folder: Path, called: Callable[[_Record], object] | None) -> Run:
        assert self._given is not None
        copies = {} if self._given.num_envs is None else {"num_envs": self._given.num_envs}
        return runs.train(
            self.name,
            env=self._given.id,
            steps=steps,
            seed=self.seed,
            preset=self._preset,
            out=folder,
            threads=self._threads,
            callback=called,
            **{**copies, **self._keys},
        )

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """The actions for an observation, or for many along a first axis, and `state`, as `Run.predict`."""
        return self.run.predict(observation, state, episode_start, deterministic)

    def evaluate(self, episodes: int = 100, seed: int = 0) -> dict[str, Any]:
        """Plays episodes with the greedy policy, and returns the measures by name, as `potstill.evaluate`."""
        return runs.evaluate(self.run, episodes=episodes, seed=seed, threads=self._threads)

    def export(self, out: _Path) -> Path:
        """Writes the model to a file, `.onnx` or `.safetensors`, as `potstill.export`."""
        return runs.export(self.run, out)

    def save(self, path: _Path) -> None:
        """Copies the run directory to a folder, from which `load`, `potstill.load` and the command go on.

        Raises:
            InputError: If the folder exists.
        """
        target = Path(path)
        if target.exists():
            raise InputError(f"{target} exists; give another folder")
        # A name beside it, so that no half of a copy has the name.
        part = target.with_name(f".{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(self.run.out, part)
        part.rename(target)

    @classmethod
    def load(cls: type[_Self], path: _Path, env: Any = None, **arguments: Any) -> _Self:
        """Reads what `save` wrote, or any run of this algorithm.

        Args:
            path: The folder. `learn` continues the run in it.
            env: The environment that the run was begun in, if it is one of Python; needed by `learn`, not by `predict`.
                To learn in another one begin a run from the weights: `potstill.train(..., env=env, from_=path)`.
            arguments: `verbose` and `threads`, as of the class; settings are those of the run.

        Raises:
            InputError: If it is no run of this algorithm, or the spaces of the environment are others.
        """
        import tomllib

        folder = Path(path)
        if folder.is_file():
            hint = "; it has the form of Stable-Baselines3's files" if folder.suffix == ".zip" else ""
            raise InputError(f"{folder} is a file; a saved learner is a folder{hint}")
        run = Run(folder)
        config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
        algorithm = config.get("algorithm")
        if algorithm != cls.name:
            raise InputError(f"{folder} is a run of {algorithm}, not of {cls.name}")
        for argument in arguments:
            if argument not in ("verbose", "threads"):
                raise InputError(f"{argument}: the settings of {folder} are kept; there is verbose and threads")
        loaded = cls("MlpPolicy", seed=int(config.get("seed", 0)), out=folder, **arguments)
        loaded.env = env if env is not None else config.get("env")
        id = config.get("env")
        if env is not None:
            loaded._given = again(env, None if id is None else str(id))
            _native.check_environment(folder, loaded._given.id)
        elif id is not None and is_known(str(id)):
            loaded._given = given(id)
        loaded._run = run
        return loaded

    def __repr__(self) -> str:
        return f"{type(self).__name__}(env={self.env!r}, seed={self.seed})"


def _callbacks(given: Any) -> list[Callback]:
    if given is None:
        return []
    if isinstance(given, Callback):
        return [given]
    if isinstance(given, (list, tuple)):
        return [one for part in given for one in _callbacks(part)]
    if callable(given):
        return [_Function(given)]
    raise InputError(
        f"callback: {type(given).__name__} is neither a potstill.Callback nor a function of a record"
    )


def _of_images(policy: Any, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings with those of `CnnPolicy`: its network, and one trunk of policy and critic as in Stable-Baselines3."""
    if policy != "CnnPolicy":
        return keys
    own: dict[str, Any] = {"net_arch": _NATURE, "shared_trunk": True if "shared_trunk" in keys else None}
    return {**keys, **{name: value for name, value in own.items() if keys.get(name) is None}}


def _of_policy(given: Mapping[str, Any], policy: Any) -> dict[str, Any]:
    """The settings that Stable-Baselines3 has in `policy_kwargs`."""
    known = ("net_arch", "activation_fn", "log_std_init")
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(known)}"
            raise InputError(f"policy_kwargs: unknown {name!r}{hint}")
    keys: dict[str, Any] = {}
    if "log_std_init" in given:
        keys["log_std_init"] = given["log_std_init"]
    arch = given.get("net_arch")
    activation = given.get("activation_fn")
    if arch is None and activation is not None:
        raise InputError("policy_kwargs: activation_fn needs net_arch, such as net_arch=[64, 64]")
    if isinstance(arch, Mapping):
        forms = list(arch.values())
        if any(list(form) != list(forms[0]) for form in forms):
            raise InputError(f"policy_kwargs: net_arch={arch}: the networks have one form here")
        arch = forms[0] if forms else None
    if arch is not None:
        # Units are behind the convolutions of a network that has some.
        units = "" if isinstance(arch, str) else ",".join(str(units) for units in arch)
        behind = f"{_NATURE},{units}".rstrip(",") if policy == "CnnPolicy" else f"mlp:{units}"
        form = arch if isinstance(arch, str) else behind
        word: Any = getattr(activation, "__name__", activation)
        keys["net_arch"] = form if word is None else f"{form}:{str(word).lower()}"
    return keys


def _settings(keys: Mapping[str, Any], algorithm: str) -> dict[str, Any]:
    """Settings with the values that Stable-Baselines3 takes: functions for schedules, pairs for frequencies."""
    plain: dict[str, Any] = {}
    for name, value in keys.items():
        if value is None:
            continue
        if callable(value):
            value = _schedule(name, value)
        if name == "train_freq" and isinstance(value, (tuple, list)) and len(value) == 2:
            plain["train_freq"], unit = value
            if unit != "step":
                if "train_freq_unit" not in _native.keys_of(algorithm):
                    raise InputError(
                        f"train_freq={value!r}: {algorithm} learns after so many steps; write their number"
                    )
                plain["train_freq_unit"] = unit
            continue
        if name == "gradient_steps" and value == -1:
            value = 0
        plain[name] = value
    return plain


def _schedule(name: str, schedule: Callable[[float], float]) -> str:
    """A linear function of the remaining progress, from 1 to 0, as a schedule of potstill."""
    begin, end = float(schedule(1.0)), float(schedule(0.0))
    for left in (0.9, 0.7, 0.5, 0.3, 0.1):
        if not abs(float(schedule(left)) - (end + left * (begin - end))) <= 1e-9 * max(abs(begin), abs(end)):
            raise InputError(f"{name}: a function of the remaining progress must be linear; write a schedule as text")
    return f"{begin!r}" if begin == end else f"linear:{begin!r}:{end!r}:run"


def evaluate_policy(
    model: Any,
    env: Any,
    n_eval_episodes: int = 10,
    deterministic: bool = True,
    return_episode_rewards: bool = False,
) -> Any:
    """Plays episodes in an environment with a policy that has `predict`, as Stable-Baselines3's function of this name.

    Args:
        model: The policy: an `Algorithm`, a `Run`, or anything whose `predict` returns an action and a state.
        env: An environment with Gymnasium's interface, or an id of Gymnasium.
        n_eval_episodes: The number of episodes, from 1.
        deterministic: As of `predict`.
        return_episode_rewards: Returns the lists of returns and lengths instead.

    Returns:
        The mean and the standard deviation of the returns.
    """
    import numpy as np

    if isinstance(env, str):
        import gymnasium

        with closing(gymnasium.make(env.removeprefix("gym:"))) as made:
            return evaluate_policy(model, made, n_eval_episodes, deterministic, return_episode_rewards)
    if hasattr(env, "num_envs"):
        raise InputError("env: give one environment, not a vector of them")
    if not callable(getattr(model, "predict", None)):
        raise InputError(f"model: {type(model).__name__} has no method `predict`")
    if n_eval_episodes < 1:
        raise InputError(f"n_eval_episodes={n_eval_episodes}: write a whole number from 1 on")
    returns: list[float] = []
    lengths: list[int] = []
    for _ in range(n_eval_episodes):
        observation, _info = env.reset()
        total, length, done = 0.0, 0, False
        # The frames before, of a policy that stacks them; others are not asked for it.
        state: dict[str, Any] = {}
        while not done:
            action, new = model.predict(observation, deterministic=deterministic, **state)
            state = {} if new is None else {"state": new}
            observation, reward, terminated, truncated, _info = env.step(action)
            total, length, done = total + float(reward), length + 1, bool(terminated or truncated)
        returns.append(total)
        lengths.append(length)
    return (returns, lengths) if return_episode_rewards else (float(np.mean(returns)), float(np.std(returns)))
