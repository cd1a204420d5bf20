"""Steps per second of actors of Ray that feed one learner, and of one process that does the same.

    python ray_actors.py [--copies 256] [--ahead 80] [--millions 20]

A network of 16 units learns CartPole by DQN from one gradient step for each 64 of every copy, so that steps and messages
are what takes time: a message has `copies / 2 x ahead` steps, and the state of the copies beside them, which is most of
it where each copy plays few steps. The time of the start of actors is in both of two lengths, whose difference is
measured. PPO's rounds are timed in an environment that takes a millisecond a step, beside one process. On a machine
with other work, RAY_worker_niceness=0 gives Ray's workers, whose niceness is 15, the priority of the rest. Versions:
Ray 2.60.0, Gymnasium 1.4.0.
"""

import argparse
import tempfile
import time
from pathlib import Path

import gymnasium as gym
import potstill as ps
import potstill.ray
import ray


class Slow(gym.Wrapper):
    """An environment that takes a millisecond longer."""

    def step(self, action):
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass
        return self.env.step(action)


def slow():
    return Slow(gym.make("CartPole-v1"))


def seconds(train, folder):
    began = time.perf_counter()
    train(folder)
    return time.perf_counter() - began


def rate(train, lengths):
    """Steps per second between two lengths."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = (
            seconds(lambda out, steps=steps: train(steps=steps, out=out), Path(folder) / str(steps)) for steps in lengths
        )
    return (lengths[1] - lengths[0]) / (long - short)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=256)
    parser.add_argument("--ahead", type=int, default=80)
    parser.add_argument("--millions", type=int, default=20)
    arguments = parser.parse_args()
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=10**9)
    dqn = dict(
        env="CartPole-v1",
        preset="none",
        num_envs=arguments.copies,
        net_arch="mlp:16",
        buffer_size=200_000,
        learning_starts=10_000,
        train_freq=64,
        eval_freq=0,
        log_interval=10**9,
        checkpoint_freq=0,
        threads=1,
    )
    lengths = [arguments.millions * 250_000, arguments.millions * 10**6]
    found = rate(lambda **keys: potstill.ray.train("dqn", actors=2, ahead=arguments.ahead, **dqn, **keys), lengths)
    print(f"two actors, one learner: {found / 1e6:.2f} M steps/s")
    print(f"one process: {rate(lambda **keys: ps.train('dqn', **dqn, **keys), lengths) / 1e6:.2f} M steps/s")
    ppo = dict(env=slow, preset="none", num_envs=8, n_steps=128, batch_size=256, eval_freq=0, checkpoint_freq=0, threads=1)
    lengths = [4_096, 12_288]
    found = rate(lambda **keys: potstill.ray.train("ppo", actors=2, **ppo, **keys), lengths)
    print(f"rounds, a millisecond a step, two actors: {found:.0f} steps/s")
    print(f"rounds, a millisecond a step, one process: {rate(lambda **keys: ps.train('ppo', **ppo, **keys), lengths):.0f} steps/s")


if __name__ == "__main__":
    main()
