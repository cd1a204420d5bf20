"""Environments with Gymnasium's interface, as the engine plays them: their spaces and their random numbers.

Imported by the package, and run as it is by the worker process of the command in an interpreter that has no potstill:
nothing but Gymnasium's own packages is imported here, and those only when they are used.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import signal
import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

_SEED_MAX = 2**31 - 1
_NO_MASKS = "no algorithm here has masks: leave them out if every action may be taken in every state"


class Refusal(ValueError):
    """An environment that the engine cannot play; the message is the reason."""


def spaces(env: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The observation space and the action space, each as the name of its kind and what that is built of.

    Raises:
        Refusal: If the engine has no such space; the message is the reason.
    """
    for method in ("reset", "step"):
        if not callable(getattr(env, method, None)):
            raise Refusal(f"{type(env).__name__} has no method `{method}`: it is no environment of Gymnasium")
    if any(callable(getattr(part, "action_masks", None)) for part in (env, getattr(env, "unwrapped", env))):
        raise Refusal(f"it masks actions, by its method `action_masks`; {_NO_MASKS}")
    return _space(env, "observation"), _action_space(env)


def _space(env: Any, role: str) -> tuple[Any, ...]:
    import numpy as np

    space: Any = getattr(env, f"{role}_space", None)
    kind = type(space).__name__
    if kind == "Discrete":
        return "Discrete", int(space.n), int(space.start)
    if kind == "Tuple" and all(type(part).__name__ == "Discrete" and part.start == 0 for part in space.spaces):
        return "Tuple", [int(part.n) for part in space.spaces]
    if kind == "MultiBinary" and role == "observation":
        return "MultiBinary", [int(n) for n in np.atleast_1d(space.n)]
    if kind == "MultiDiscrete" and role == "observation":
        high = np.asarray(space.nvec, dtype=np.float32).ravel() - 1
        return "Box", np.zeros_like(high), high
    if kind == "Box" and role == "observation" and (sizes := _image(space)) is not None:
        return "Image", sizes
    if kind == "Box":
        if not np.issubdtype(space.dtype, np.number) or int(np.prod(space.shape)) == 0:
            raise Refusal(f"its {role} space is {space}; numbers are needed")
        low, high = (np.asarray(bound, dtype=np.float32).ravel() for bound in (space.low, space.high))
        return "Box", low, high
    if kind == "Dict" and "action_mask" in space.spaces:
        raise Refusal(f"its {role} space is {_shown(space)}, with a mask of actions; {_NO_MASKS}")
    raise Refusal(f"its {role} space is {_shown(space)}; {_remedy(kind, role)}")


def _image(space: Any) -> list[int] | None:
    """Frames, height, width and channels of a space of images, bytes from 0 to 255; None of another.

    The axis of channels is the shortest, as in Stable-Baselines3, before or behind the others. One before them and a stack
    of images are alike in memory: both are so many frames.
    """
    import numpy as np

    is_of_bytes = space.dtype == np.uint8 and np.all(space.low == 0) and np.all(space.high == 255)
    if not is_of_bytes or len(space.shape) not in (2, 3, 4):
        return None
    sizes = [int(size) for size in space.shape]
    if len(sizes) == 2:
        return [1, *sizes, 1]
    *frames, first, middle, last = sizes
    channels_first = first == min(first, middle, last)
    count = frames[0] if frames else 1
    return [count * first, middle, last, 1] if channels_first else [count, first, middle, last]


def image(observation: Any, shape: list[int]) -> Any:
    """An observation of a space of images as a contiguous array of bytes.

    Raises:
        Refusal: If it is not in the space.
    """
    import numpy as np

    array = np.asarray(observation)
    if list(array.shape) != shape:
        raise Refusal(f"an observation has the shape {list(array.shape)}; the observation space has {shape}")
    is_whole = array.dtype.kind in "iub"
    if not is_whole or (array.dtype != np.uint8 and (array.min() < 0 or array.max() > 255)):
        what = f"numbers from {array.min()} to {array.max()}" if is_whole else str(array.dtype)
        raise Refusal(f"an observation has {what}; the observation space has uint8")
    return np.ascontiguousarray(array, dtype=np.uint8)


def _action_space(env: Any) -> tuple[Any, ...]:
    space = _space(env, "action")
    if space[0] == "Tuple":
        raise Refusal(f"its action space is {_shown(env.action_space)}; {_remedy('Tuple', 'action')}")
    if space[0] == "Box":
        import numpy as np

        shape, kind = env.action_space.shape, env.action_space.dtype
        if not np.issubdtype(kind, np.floating):
            raise Refusal(f"its action space is {_shown(env.action_space)}; a box of actions has floats")
        return (*space, list(shape), str(kind))
    return space


def _shown(space: Any) -> str:
    text = str(space)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _remedy(kind: str, role: str) -> str:
    if kind == "NoneType":
        return f"give the environment an attribute `{role}_space`"
    if role == "action":
        return "there is Discrete and Box: wrap it in gymnasium.wrappers.TransformAction"
    if kind in ("Dict", "Tuple"):
        return "wrap it in gymnasium.wrappers.FlattenObservation"
    return "there is Discrete, Box, MultiBinary, MultiDiscrete and Tuple of Discrete"


def reset(env: Any, seed: int | None) -> Any:
    """Starts an episode, with a seed of 64 bits or less where the environment takes no such one."""
    if seed is None or seed <= _SEED_MAX:
        return _unmasked(env, env.reset(seed=seed))
    try:
        result = env.reset(seed=seed)
    except (ValueError, OverflowError, TypeError):
        # Generators of the kind of numpy.random.RandomState take 32 bits.
        result = env.reset(seed=(seed ^ seed >> 31 ^ seed >> 62) & _SEED_MAX)
    return _unmasked(env, result)


def _unmasked(env: Any, result: Any) -> Any:
    """The result of a reset, if it has no mask of actions."""
    info = result[1] if isinstance(result, tuple) and len(result) == 2 else None
    if isinstance(info, Mapping) and "action_mask" in info:
        # Taxi's tells which actions change the state; all may be taken.
        if not type(getattr(env, "unwrapped", env)).__module__.startswith("gymnasium.envs.toy_text."):
            raise Refusal(f'it masks actions, by info["action_mask"]; {_NO_MASKS}')
    return result


def _generator(env: Any) -> Any:
    inner = getattr(env, "unwrapped", env)
    if hasattr(inner, "ale"):
        # The Arcade Learning Environment draws from a generator of its own.
        return None
    generator = getattr(inner, "np_random", None)
    return generator if hasattr(generator, "bit_generator") else None


def random_state(env: Any) -> bytes:
    """The state of the environment's generator; empty if it has none."""
    generator = _generator(env)
    if generator is None:
        return b""
    state = json.dumps(generator.bit_generator.state, default=lambda array: array.tolist())
    return state.encode()


def set_random_state(env: Any, state: bytes) -> None:
    """Restores what `random_state` gave."""
    generator = _generator(env)
    if state:
        if generator is None:
            raise Refusal("it has no generator `np_random`")
        generator.bit_generator.state = json.loads(state)


def reseed(env: Any, seed: int) -> None:
    """Restarts the environment's generator, and keeps its state."""
    import numpy as np

    inner = getattr(env, "unwrapped", env)
    if _generator(env) is None:
        raise Refusal("it has no generator `np_random`, which planners restart")
    inner.np_random = np.random.Generator(np.random.PCG64(seed))


def limits(name: str) -> tuple[int | None, float | None]:
    """The limit of steps of a Gymnasium id, and the mean return that counts as solved.

    Raises:
        Refusal: If Gymnasium is not installed, or has no such environment.
    """
    spec = _specification(name)
    return spec.max_episode_steps, spec.reward_threshold


def _specification(name: str) -> Any:
    try:
        import gymnasium
    except ImportError as error:
        raise Refusal(f"Gymnasium is not installed for this Python ({error}): pip install gymnasium") from error
    # Packages register their environments when they are imported; Gymnasium names them as `package:ID`.
    package, colon, id = name.rpartition(":")
    try:
        if colon:
            importlib.import_module(package)
        elif id.startswith("ALE/"):
            importlib.import_module("ale_py")
        return gymnasium.spec(id)
    except (gymnasium.error.Error, ImportError) as error:
        raise Refusal(f"Gymnasium: {error}") from error


def factory(name: str, options: Mapping[str, str]) -> Callable[[], Any]:
    """A function that makes the environment of a Gymnasium id, without its limit of steps, which the engine applies.

    Options are keyword arguments, literals of Python or texts, and `wrappers`, what is put around it. Its limit then stays,
    for wrappers may take several steps in one.
    """
    spec = _specification(name)
    wrappers = _wrappers(options["wrappers"]) if "wrappers" in options else []
    arguments = {key: _literal(text) for key, text in options.items() if key != "wrappers"}

    def make() -> Any:
        import gymnasium

        limit = {} if spec.max_episode_steps is None or wrappers else {"max_episode_steps": -1}
        env: Any = gymnasium.make(spec, disable_env_checker=True, **limit, **arguments)
        for wrap in wrappers:
            env = wrap(env)
        return env

    return make


def _wrappers(text: str) -> list[Callable[[Any], Any]]:
    """Functions that wrap an environment, by their names: `module.Name`, or `module.Name(argument=1)`, and others behind
    a comma, each around those before it.
    """
    how = "write module.Name or module.Name(argument=1), several with commas between them"
    try:
        written = ast.parse(text.strip(), mode="eval").body
        parts = written.elts if isinstance(written, (ast.Tuple, ast.List)) else [written]
        return [_wrapper(part) for part in parts]
    except (SyntaxError, ValueError) as error:
        reason = f"{error}; " if isinstance(error, Refusal) else ""
        raise Refusal(f"wrappers={text}: {reason}{how}") from error


def _wrapper(written: ast.expr) -> Callable[[Any], Any]:
    call = written if isinstance(written, ast.Call) else ast.Call(written, [], [])
    module, _, name = ast.unparse(call.func).rpartition(".")
    if not all(part.isidentifier() for part in [*module.split("."), name]):
        raise Refusal(f"{ast.unparse(written)} has no module")
    try:
        wrapper = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise Refusal(str(error)) from error
    positional = [ast.literal_eval(argument) for argument in call.args]
    named = {str(argument.arg): ast.literal_eval(argument.value) for argument in call.keywords}
    return lambda env: wrapper(env, *positional, **named)


def _literal(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class _Worker:
    """One environment behind a pipe: requests of an operation and its argument, answered by bytes or the text of an error.

    Integers are 64 bits wide and little-endian, numbers float32, bytes of zeros and ones one byte each.
    """

    def __init__(self) -> None:
        self._env: Any = None
        self._observation_start = 0
        self._sizes: list[int] = []
        self._shape: list[int] = []
        self._observations = self._actions = ""
        self._action_start = 0
        self._action_shape: list[int] = []
        self._action_type = ""

    def answer(self, operation: bytes, argument: bytes) -> bytes:
        """The answer to a request."""
        match operation:
            case b"M":
                return self._make(argument)
            case b"R":
                given, seed = struct.unpack("<BQ", argument)
                return self._row(_pair(reset(self._env, seed if given else None)))
            case b"S":
                observation, reward, terminated, truncated = _step(self._env.step(self._action(argument)))
                return struct.pack("<dBB", reward, terminated, truncated) + self._row(observation)
            case b"G":
                return random_state(self._env)
            case b"T":
                set_random_state(self._env, argument)
            case b"D":
                reseed(self._env, *struct.unpack("<Q", argument))
        return b""

    def close(self) -> None:
        """Closes the environment."""
        if self._env is not None:
            self._env.close()

    def _make(self, argument: bytes) -> bytes:
        about = json.loads(argument)
        limit, threshold = limits(about["name"])
        self._env = factory(about["name"], about["options"])()
        observations, actions = spaces(self._env)
        self._observations, self._actions = observations[0], actions[0]
        if observations[0] == "Discrete":
            self._observation_start = observations[2]
        if observations[0] == "Tuple":
            self._sizes = observations[1]
        if observations[0] == "Image":
            self._shape = list(self._env.observation_space.shape)
        if actions[0] == "Discrete":
            self._action_start = actions[2]
        else:
            self._action_shape, self._action_type = actions[3:]
        about = {"spaces": [_plain(observations), _plain(actions)]}
        return json.dumps({**about, "max_episode_steps": limit, "reward_threshold": threshold}).encode()

    def _action(self, argument: bytes) -> Any:
        import numpy as np

        if self._actions == "Discrete":
            return int.from_bytes(argument, "little") + self._action_start
        return np.frombuffer(argument, "<f4").reshape(self._action_shape).astype(self._action_type)

    def _row(self, observation: Any) -> bytes:
        import numpy as np

        match self._observations:
            case "Discrete":
                return struct.pack("<q", int(observation) - self._observation_start)
            case "Tuple":
                return struct.pack("<q", int(np.ravel_multi_index([int(x) for x in observation], self._sizes)))
            case "MultiBinary":
                return np.asarray(observation, dtype=np.uint8).tobytes()
            case "Image":
                return bytes(image(observation, self._shape).data)
        return np.asarray(observation, dtype="<f4").tobytes()


def _plain(space: tuple[Any, ...]) -> list[Any]:
    """A space as JSON, which has no infinity: bounds are texts."""
    if space[0] != "Box":
        return list(space)
    return ["Box", *([repr(float(number)) for number in bound] for bound in space[1:3])]


def _pair(result: Any) -> Any:
    if not isinstance(result, tuple) or len(result) != 2:
        raise Refusal(f"reset returned {_listed(result)}; it returns the observation and a dictionary")
    return result[0]


def _step(result: Any) -> tuple[Any, float, bool, bool]:
    if not isinstance(result, tuple) or len(result) != 5:
        raise Refusal(
            f"step returned {_listed(result)}; it returns the observation, the reward, terminated, truncated and a dictionary"
        )
    observation, reward, terminated, truncated, _info = result
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if type(flag).__name__ not in ("bool", "bool_"):
            raise Refusal(f"step returned {name} as {type(flag).__name__}; it is a bool")
    return observation, float(reward), bool(terminated), bool(truncated)


def _listed(result: Any) -> str:
    return f"{len(result)} values" if isinstance(result, tuple) else type(result).__name__


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers requests until there are no more: 4 bytes of length, a byte of the operation, and its argument."""
    worker = _Worker()
    while head := requests.read(5):
        length = int.from_bytes(head[:4], "little")
        argument = requests.read(length)
        try:
            status, answer = 0, worker.answer(head[4:], argument)
        except Refusal as refusal:
            status, answer = 1, str(refusal).encode()
        except Exception as error:
            import traceback

            traceback.print_exc()
            status, answer = 1, f"{type(error).__name__}: {error}".encode()
        answers.write(struct.pack("<IB", len(answer), status) + answer)
        answers.flush()
    worker.close()


def main() -> None:
    """Serves on the standard streams; what the environment prints goes to the error stream."""
    # Ctrl-C is for the command, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Neither the environment nor its processes read or write the pipe.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    serve(requests, answers)


if __name__ == "__main__":
    main()
