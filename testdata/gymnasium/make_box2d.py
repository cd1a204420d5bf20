"""Plays Gymnasium's Box2D environments, each episode in a fresh environment, and prints what was seen.

python gymnasium/make_box2d.py > gymnasium/box2d.json

For every case: the bounds of both spaces, step limit and reward threshold, and of 200 episodes the number of steps and a checksum
of all bits: observations in single precision, rewards in double precision, and flags; of one short episode of random actions and of
one landing all numbers, to find a first difference. Actions are random, or those of a controller that reads the observations;
`potstill-env/tests/box2d.rs` makes the same.
"""

import json
import struct
import sys

import gymnasium
import numpy as np

SEEDS = 200
CASES = [
    # Our id with options, Gymnasium's id and options, controller.
    ("LunarLander-v3", "LunarLander-v3", {}, "random"),
    ("LunarLander-v3", "LunarLander-v3", {}, "guided"),
    (
        "LunarLander-v3:gravity=-6.5,enable_wind=true,wind_power=12,turbulence_power=1.7",
        "LunarLander-v3",
        {"gravity": -6.5, "enable_wind": True, "wind_power": 12.0, "turbulence_power": 1.7},
        "guided",
    ),
    ("LunarLanderContinuous-v3", "LunarLanderContinuous-v3", {}, "random"),
    ("LunarLanderContinuous-v3", "LunarLanderContinuous-v3", {}, "guided"),
    (
        "LunarLanderContinuous-v3:enable_wind=true",
        "LunarLanderContinuous-v3",
        {"enable_wind": True},
        "guided",
    ),
    ("BipedalWalker-v3", "BipedalWalker-v3", {}, "random"),
    ("BipedalWalker-v3", "BipedalWalker-v3", {}, "guided"),
    ("BipedalWalkerHardcore-v3", "BipedalWalkerHardcore-v3", {}, "random"),
    ("BipedalWalkerHardcore-v3", "BipedalWalkerHardcore-v3", {}, "guided"),
]


def land(s, discrete):
    """Towards the pad, upright and slowly."""
    target = max(-0.4, min(0.4, s[0] * 0.5 + s[2]))
    turn = (target - s[4]) * 0.5 - s[5]
    hover = (0.55 * abs(s[0]) - s[1]) * 0.5 - s[3] * 0.5
    if s[6] or s[7]:
        turn, hover = 0.0, -s[3] * 0.5
    if not discrete:
        return [max(-1.0, min(1.0, hover * 20.0 - 1.0)), max(-1.0, min(1.0, -turn * 20.0))]
    if hover > abs(turn) and hover > 0.05:
        return 2
    return 3 if turn < -0.05 else 1 if turn > 0.05 else 0


class Walk:
    """A leg swings, is put down, and pushes off."""

    def __init__(self):
        self.phase, self.moving, self.knee = 0, 0, 0.1

    def act(self, s):
        m, t = 4 + 5 * self.moving, 9 - 5 * self.moving
        hips, knees = [0.0, 0.0], [0.0, 0.0]
        hip_goal, knee_goal = [None, None], [None, None]
        moving, other = self.moving, 1 - self.moving
        if self.phase == 0:
            hip_goal[moving], knee_goal[moving] = 1.1, -0.6
            self.knee = min(self.knee + (0.06 if s[2] > 0.29 else 0.03), 0.1)
            knee_goal[other] = self.knee
            if s[t] < 0.1:
                self.phase = 1
        if self.phase == 1:
            hip_goal[moving], knee_goal[moving], knee_goal[other] = 0.1, 0.1, self.knee
            if s[m + 4]:
                self.phase, self.knee = 2, min(s[m + 2], 0.1)
        if self.phase == 2:
            knee_goal[moving], knee_goal[other] = self.knee, 1.0
            if s[t + 2] > 0.88 or s[2] > 0.348:
                self.phase, self.moving = 0, other
        for leg in range(2):
            base = 4 + 5 * leg
            if hip_goal[leg] is not None:
                hips[leg] = 0.9 * (hip_goal[leg] - s[base]) - 0.25 * s[base + 1]
            if knee_goal[leg] is not None:
                knees[leg] = 4.0 * (knee_goal[leg] - s[base + 2]) - 0.25 * s[base + 3]
            hips[leg] -= 0.9 * (0.0 - s[0]) - 1.5 * s[1]
            knees[leg] -= 15.0 * s[3]
        return [max(-1.0, min(1.0, 0.5 * x)) for x in (hips[0], knees[0], hips[1], knees[1])]


def short(observation):
    """Numbers with the digits that single precision needs."""
    digits = [float(str(x)) for x in observation]
    assert np.array_equal(np.array(digits, np.float32), observation)
    return digits


class Checksum:
    """FNV-1a over words of 32 bits."""

    def __init__(self):
        self.state = 0xCBF29CE484222325

    def add(self, *words):
        for word in words:
            self.state = (self.state ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF

    def observe(self, observation):
        self.add(*observation.view(np.uint32).tolist())


def play(env, seed, controller):
    """Observations, rewards and the checksum."""
    rng, walk = np.random.default_rng(10_000 + seed), Walk()
    discrete = isinstance(env.action_space, gymnasium.spaces.Discrete)
    observation, _ = env.reset(seed=seed)
    checksum = Checksum()
    checksum.observe(observation)
    observations, rewards = [short(observation)], []
    while True:
        s = observation.tolist()
        if controller == "random" and discrete:
            action = int(rng.integers(4))
        elif controller == "random":
            action = [rng.uniform(-1.0, 1.0) for _ in range(env.action_space.shape[0])]
        else:
            action = land(s, discrete) if len(s) == 8 else walk.act(s)
        action = action if discrete else np.array(action, np.float32)
        observation, reward, terminated, truncated, _ = env.step(action)
        checksum.add(*struct.unpack("<II", struct.pack("<d", reward)), 2 * terminated + truncated)
        checksum.observe(observation)
        observations.append(short(observation))
        rewards.append(repr(float(reward)))
        if terminated or truncated:
            return observations, rewards, f"{checksum.state:016x}"


def main():
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    cases = []
    for ours, env_id, options, controller in CASES:
        episodes, whole = [], None
        for seed in range(SEEDS):
            # Walkers keep traces of the episode before.
            env = gymnasium.make(env_id, disable_env_checker=True, **options)
            observations, rewards, checksum = play(env, seed, controller)
            episodes.append([len(rewards), checksum])
            is_short = controller == "random" and len(rewards) < 100
            if whole is None and (is_short or (ours, controller) == ("LunarLander-v3", "guided")):
                whole = {"seed": seed, "observations": observations, "rewards": rewards}
            print(ours, controller, seed, len(rewards), rewards[-1], file=sys.stderr)
        spaces = [env.observation_space, env.action_space]
        bounds = [None if hasattr(s, "n") else [s.low.tolist(), s.high.tolist()] for s in spaces]
        spec = [env.spec.max_episode_steps, float(env.spec.reward_threshold)]
        case = {"env": ours, "controller": controller, "bounds": bounds, "spec": spec, "episodes": episodes}
        cases.append(json.dumps({**case, "whole": whole}))
    print("[" + ",\n".join(cases) + "]")


if __name__ == "__main__":
    main()
