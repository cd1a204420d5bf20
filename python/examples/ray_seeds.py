"""Seeds as tasks of Ray, on as many machines as it has: each ends with the bits that it has alone.

    pip install 'potstill[gym,ray]'
    python python/examples/ray_seeds.py [--seeds 4] [--steps 20000] [--out runs/seeds]
"""

import argparse
from pathlib import Path

import potstill as ps
import ray


@ray.remote(num_cpus=1, max_retries=3)
def one_seed(seed, steps, out):
    """A run of one seed in a folder that all machines share. A task that is tried again continues it."""
    out = Path(out)
    if (out / "config.toml").is_file():
        run = ps.resume(out, threads=1)
    else:
        run = ps.train("dqn", env="CartPole-v1", seed=seed, steps=steps, preset="none", threads=1, out=out)
    return run.summary["mean_return"]


def train(seeds=4, steps=20_000, out="runs/seeds"):
    """The mean returns of the seeds. `potstill compare OUT/*` has their statistics."""
    out = Path(out).absolute()
    return ray.get([one_seed.remote(seed, steps, str(out / f"seed-{seed}")) for seed in range(seeds)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--out", default="runs/seeds")
    arguments = parser.parse_args()
    print(train(arguments.seeds, arguments.steps, arguments.out))
