"""Speed of the Python package beside Gymnasium and Stable-Baselines3, in one run and one process at a time.

    python3.11 -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt '.[gym]'
    target/peers/bin/python benches/peers/python_package.py [--rounds 3] [--only NAME]

| measurement | here | beside |
|---|---|---|
| `call` | DQN's loop over an environment of Python that does nothing, in microseconds a step more than over a native one of the same form | Python's own loop over it |
| `one` | `gym.make("potstill/CartPole-v1")` | `gym.make("CartPole-v1")` |
| `many` | `gym.make_vec` of 1,024 copies | Gymnasium's own `CartPoleVectorEnv` |
| `sb3` | `potstill.sb3.VecEnv`, 8 copies, stepped | `DummyVecEnv` over Gymnasium's |
| `dqn` | the zoo's DQN on Gymnasium's CartPole, 50,000 steps, without evaluations | Stable-Baselines3, the same settings |
| `import` | `import potstill`, in milliseconds beyond an empty interpreter | |

Each figure is the median of the rounds, in which the two sides alternate. One thread each.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# The zoo's values for CartPole-v1, those that are not Stable-Baselines3's defaults.
ZOO = dict(
    learning_rate=2.3e-3,
    batch_size=64,
    buffer_size=100_000,
    learning_starts=1_000,
    gamma=0.99,
    target_update_interval=10,
    train_freq=256,
    gradient_steps=128,
    exploration_fraction=0.16,
    exploration_final_eps=0.04,
)


def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def loop(env, steps):
    """Microseconds a step of Gymnasium's loop with random actions."""
    import numpy as np

    actions = np.random.default_rng(0).integers(2, size=steps)
    env.reset(seed=0)

    def work():
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return seconds(work) / steps * 1e6


def idle():
    import gymnasium as gym
    import numpy as np

    class Idle(gym.Env):
        """Does nothing; episodes of 1,000 steps."""

        observation_space = gym.spaces.Box(-1, 1, (4,), np.float32)
        action_space = gym.spaces.Discrete(2)
        row, nothing = np.zeros(4, dtype=np.float32), {}

        def reset(self, seed=None, options=None):
            self.left = 1_000
            return self.row, self.nothing

        def step(self, action):
            self.left -= 1
            return self.row, 0.0, False, self.left == 0, self.nothing

    return Idle


def acting(env, steps):
    """Microseconds a step of a run that only acts."""
    import potstill as ps

    with tempfile.TemporaryDirectory() as folder:
        keys = dict(learning_starts=10**9, eval_freq=0, checkpoint_freq=0, buffer_size=1_000, log_interval=10**6)
        run = lambda: ps.train("dqn", env=env, steps=steps, threads=1, net_arch="mlp:4", preset="none", out=folder + "/run", **keys)
        return seconds(run) / steps * 1e6


def ours_call():
    return acting(idle(), 1_000_000) - acting("CartPole-v1", 1_000_000)


def theirs_call():
    env, steps = idle()(), 1_000_000
    env.reset()

    def work():
        step = env.step
        for _ in range(steps):
            _, _, terminated, truncated, _ = step(0)
            if terminated or truncated:
                env.reset()

    return seconds(work) / steps * 1e6


def ours_one():
    import gymnasium as gym
    import potstill  # noqa: F401

    return loop(gym.make("potstill/CartPole-v1"), 400_000)


def theirs_one():
    import gymnasium as gym

    return loop(gym.make("CartPole-v1"), 100_000)


def walk(env, actions, steps):
    """Steps all copies. Nothing is kept: the pages of kept arrays would be most of the time."""
    for t in range(steps):
        env.step(actions[t % len(actions)])


def vector(env, steps):
    """Nanoseconds a step of one copy."""
    import numpy as np

    actions = np.random.default_rng(0).integers(2, size=(64, env.num_envs))
    env.reset(seed=0)
    return seconds(lambda: walk(env, actions, steps)) / steps / env.num_envs * 1e9


def ours_many():
    import gymnasium as gym
    import potstill  # noqa: F401

    return vector(gym.make_vec("potstill/CartPole-v1", num_envs=1_024), 10_000)


def theirs_many():
    import gymnasium as gym

    return vector(gym.make_vec("CartPole-v1", num_envs=1_024, vectorization_mode="vector_entry_point"), 2_000)


def vec_env(env, steps):
    """Microseconds a step of one copy."""
    import numpy as np

    actions = np.random.default_rng(0).integers(2, size=(64, env.num_envs))
    env.reset()
    return seconds(lambda: walk(env, actions, steps)) / steps / env.num_envs * 1e6


def ours_sb3():
    from potstill.sb3 import VecEnv

    return vec_env(VecEnv("CartPole-v1", 8), 100_000)


def theirs_sb3():
    from stable_baselines3.common.env_util import make_vec_env

    return vec_env(make_vec_env("CartPole-v1", 8), 10_000)


def ours_dqn():
    import gymnasium as gym
    import potstill as ps

    with tempfile.TemporaryDirectory() as folder:
        keys = dict(policy_kwargs={"net_arch": [256, 256]}, preset="none", eval_freq=0, checkpoint_freq=0, threads=1)
        model = ps.DQN("MlpPolicy", gym.make("CartPole-v1"), seed=0, out=folder + "/run", **ZOO, **keys)
        return seconds(lambda: model.learn(50_000))


def theirs_dqn():
    import gymnasium as gym
    import torch
    from stable_baselines3 import DQN

    torch.set_num_threads(1)
    keys = dict(policy_kwargs={"net_arch": [256, 256]}, device="cpu")
    model = DQN("MlpPolicy", gym.make("CartPole-v1"), seed=0, **ZOO, **keys)
    return seconds(lambda: model.learn(50_000))


def ours_import():
    def process(code):
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True)) * 1e3

    return statistics.median(process("import potstill") for _ in range(9)) - statistics.median(process("") for _ in range(9))


UNITS = {"call": "us", "one": "us", "many": "ns", "sb3": "us", "dqn": "s", "import": "ms"}


def measured(side, name):
    words = [sys.executable, __file__, "--side", side, "--only", name]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **ONE_THREAD})
    if done.returncode:
        sys.exit(done.stderr)
    return float(json.loads(done.stdout.splitlines()[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=list(UNITS), help="one of the measurements")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(globals()[f"{arguments.side}_{arguments.only}"]()))
        return
    print(f"{'':<8} {'potstill':>12} {'beside':>12} {'ratio':>8}")
    for name, unit in UNITS.items():
        if arguments.only not in (None, name):
            continue
        sides = ["ours", "theirs"] if f"theirs_{name}" in globals() else ["ours"]
        rounds = {side: [] for side in sides}
        for _ in range(arguments.rounds):
            for side in sides:
                rounds[side].append(measured(side, name))
        ours, *theirs = (statistics.median(rounds[side]) for side in sides)
        beside = "".join(f"{other:>9.3g} {unit:<2} {other / ours:>8.1f}" for other in theirs)
        print(f"{name:<8} {ours:>9.3g} {unit:<2} {beside}", flush=True)


if __name__ == "__main__":
    main()
