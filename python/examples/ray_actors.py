"""Actors of Ray that step the environments of one learner, on as many machines as Ray has.

    pip install 'potstill[gym,ray]'
    python python/examples/ray_actors.py [--actors 2] [--steps 100000] [--out runs/actors]
"""

import argparse

import potstill.ray


def train(actors=2, steps=100_000, out="runs/actors"):
    """The run, which is the same to the bit with any number of actors, and without them."""
    return potstill.ray.train(
        "ppo",
        env="CartPole-v1",
        actors=actors,
        num_envs=8,
        n_steps=128,
        batch_size=256,
        learning_rate=1e-3,
        steps=steps,
        seed=1,
        preset="none",
        out=out,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--out", default="runs/actors")
    arguments = parser.parse_args()
    print(train(arguments.actors, arguments.steps, arguments.out).summary["mean_return"])
