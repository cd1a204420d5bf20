"""Updates per second of Q-learning on the cliff walk here and as tutorials write it, with NumPy and Gymnasium, in one run.

    python -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
    cargo build --release && target/peers/bin/python benches/peers/tabular_speed.py

Every figure is the median of five measurements, one after the other for all, so that a busy machine is busy for all. All have one thread.
"""

import json
import os
import statistics
import subprocess
import time

import gymnasium
import numpy as np

ROUNDS = 5
SECONDS = 1.0
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ALPHA, GAMMA, EPSILON = 0.5, 1.0, 0.1


def numpy_gymnasium():
    """The loop of the tutorial: a table in NumPy, epsilon-greedy, one environment."""
    env = gymnasium.make("CliffWalking-v1")
    rng = np.random.default_rng(0)
    q = np.zeros((48, 4))
    state, _ = env.reset(seed=0)
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS:
        for _ in range(100):
            if rng.random() < EPSILON:
                action = int(rng.integers(4))
            else:
                action = int(rng.choice(np.flatnonzero(q[state] == q[state].max())))
            following, reward, terminated, truncated, _ = env.step(action)
            target = reward + GAMMA * (0.0 if terminated else np.max(q[following]))
            q[state, action] += ALPHA * (target - q[state, action])
            state = following
            if terminated or truncated:
                state, _ = env.reset()
        count += 100
    return count / elapsed


def potstill():
    binary = os.path.join(ROOT, "target", "release", "potstill")
    command = [binary, "bench", "tabular", "q-learning", "--seconds", str(SECONDS), "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["updates_per_second"]


def main():
    who = {"potstill": potstill, "NumPy and Gymnasium": numpy_gymnasium}
    paces = {name: [] for name in who}
    for _ in range(ROUNDS):
        for name, pace in who.items():
            paces[name].append(pace())
    ours = statistics.median(paces["potstill"])
    for name, measured in paces.items():
        pace = statistics.median(measured)
        print(f"{name:20} {pace / 1e6:8.3f} M updates/s   1/{ours / pace:.0f}")


main()
