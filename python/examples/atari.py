"""A game of Atari from its screen: DQN with the network and the preprocessing of Mnih et al. 2015.

`pip install ale-py opencv-python-headless` (ale-py is GPL-2, and no part of potstill), then `python atari.py`. It says
how many bytes a stored frame takes, how fast it learns, and if a run that was stopped in the middle ends in the same
bits.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import potstill as ps

try:
    import ale_py
except ImportError as error:
    raise SystemExit("this example needs ale-py: pip install ale-py opencv-python-headless") from error

gym.register_envs(ale_py)

SKIPPED = 4
"""Frames of the game in a step of the agent."""


def make(game: str, sticky: float) -> Any:
    """The game as the agent sees it: 84 x 84 grey points, the maximum of two frames, each action taken for four."""
    env = gym.make(game, frameskip=1, repeat_action_probability=sticky)
    return gym.wrappers.AtariPreprocessing(env, frame_skip=SKIPPED, noop_max=30)


class Stops(gym.Wrapper[Any, Any, Any, Any]):
    """An environment in which Ctrl-C is pressed after some steps."""

    def __init__(self, env: Any, steps: int) -> None:
        super().__init__(env)
        self._left = steps

    def step(self, action: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
        return super().step(action)


def most_bytes() -> int:
    """The most memory that this process has had, on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Learns, and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="ALE/Pong-v5")
    parser.add_argument("--frames", type=int, default=50_000, help="frames of the game, four to a step")
    parser.add_argument("--buffer-size", type=int, default=100_000)
    parser.add_argument("--sticky", type=float, default=0.25, help="the probability that an action is repeated")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", type=Path, default=None, help="the folder of both runs, by default a temporary one")
    given = parser.parse_args()
    folder = given.out or Path(tempfile.mkdtemp(prefix="atari-"))
    steps = given.frames // SKIPPED
    keys: dict[str, Any] = dict(
        frame_stack=4,
        clip_reward=(-1, 1),
        buffer_size=given.buffer_size,
        learning_starts=min(1_000, steps // 4),
        eval_freq=0,
        threads=given.threads,
        preset="none",
    )

    def env() -> Any:
        return make(given.game, given.sticky)

    before, begun = most_bytes(), time.monotonic()
    model = ps.DQN("CnnPolicy", env, out=folder / "whole", **keys)
    model.learn(steps)
    seconds = time.monotonic() - begun
    speed = f"{steps / seconds:.0f} steps, {steps * SKIPPED / seconds:.0f} frames a second"
    print(f"{steps} steps, {steps * SKIPPED} frames of {given.game}, in {seconds:.0f} s: {speed}")
    if (returns := model.metrics.get("rollout/ep_rew")) is not None:
        print(f"returns of {len(returns.values)} episodes, of raw rewards: {returns.values.min():.0f} to {returns.values.max():.0f}")

    # A frame of the screen for each step; the process has grown by the networks and a checkpoint, too.
    frame = int(np.prod(env().observation_space.shape))
    stored = min(steps, given.buffer_size)
    grown = (most_bytes() - before) / 1e6
    print(f"{frame} bytes a stored frame: {frame * stored / 1e6:.0f} MB for {stored}, the process grew by {grown:.0f} MB")

    # The same run, stopped in mid-episode, and continued.
    half = steps // 2
    try:
        ps.DQN("CnnPolicy", lambda: Stops(env(), half), out=folder / "stopped", **keys).learn(steps)
    except KeyboardInterrupt:
        ps.resume(folder / "stopped", env=env)
    models = [(folder / name / "model.safetensors").read_bytes() for name in ("whole", "stopped")]
    print(f"stopped at step {half} and resumed: {'the same bits' if models[0] == models[1] else 'other bits'}")


if __name__ == "__main__":
    main()
