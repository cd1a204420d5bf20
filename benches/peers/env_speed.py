"""Steps per second of CartPole-v1 here and with the peers, all in one run: random actions drawn beforehand, new episodes included.

    python -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
    cargo build --release && target/peers/bin/python benches/peers/env_speed.py

Every figure is the median of five measurements, one after the other for all, so that a busy machine is busy for all. Who is not
installed is named and left out. JAX takes as many threads as it likes; the others have one.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import time
import warnings

os.environ.setdefault("JAX_PLATFORMS", "cpu")
warnings.simplefilter("ignore")

ROUNDS = 5
SECONDS = 1.0
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def pace(step, copies, seconds=SECONDS):
    """Steps of all copies per second; `step` does one of each."""
    for _ in range(3):
        step()
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(10):
            step()
        count += 10
    return count * copies / elapsed


def potstill(env, copies):
    binary = os.path.join(ROOT, "target", "release", "potstill")
    command = [binary, "bench", "env", "--env", env, "--num-envs", str(copies), "--seconds", str(SECONDS), "--json"]
    return lambda: json.loads(subprocess.check_output(command))["steps_per_second"]


def gymnasium_one(copies):
    import gymnasium

    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    actions = [int(a) for a in __import__("numpy").random.default_rng(0).integers(0, 2, 64)]
    place = 0

    def step():
        nonlocal place
        place = (place + 1) % 64
        _, _, terminated, truncated, _ = env.step(actions[place])
        if terminated or truncated:
            env.reset()

    return lambda: pace(step, 1)


def gymnasium_vector(copies):
    import gymnasium
    import numpy

    envs = gymnasium.make_vec("CartPole-v1", num_envs=copies, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    rows = numpy.random.default_rng(0).integers(0, 2, (64, copies))
    place = 0

    def step():
        nonlocal place
        place = (place + 1) % 64
        envs.step(rows[place])

    return lambda: pace(step, copies)


def envpool(copies):
    import envpool
    import numpy

    envs = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=copies, num_threads=1)
    envs.reset()
    rows = numpy.random.default_rng(0).integers(0, 2, (64, copies)).astype(numpy.int32)
    place = 0

    def step():
        nonlocal place
        place = (place + 1) % 64
        envs.step(rows[place])

    return lambda: pace(step, copies)


def gymnax(copies, game="CartPole-v1"):
    import gymnax
    import jax

    env, params = gymnax.make(game)
    actions = env.action_space(params).n
    reset = jax.vmap(env.reset, in_axes=(0, None))
    advance = jax.vmap(env.step, in_axes=(0, 0, 0, None))
    inner = 100

    @jax.jit
    def many(state, key):
        def one(carry, key):
            drawn = jax.random.randint(key, (copies,), 0, actions)
            result = advance(jax.random.split(key, copies), carry, drawn, params)
            return result[1], result[2].sum()

        state, sums = jax.lax.scan(one, state, jax.random.split(key, inner))
        return state, sums.sum()

    _, state = reset(jax.random.split(jax.random.key(0), copies), params)
    key = jax.random.key(1)

    def step():
        nonlocal state
        state, total = many(state, key)
        total.block_until_ready()

    step()
    return lambda: inner * pace(step, copies)


def measure(cases):
    runs = {}
    for name, make, copies in cases:
        try:
            runs[name] = (make(copies), copies, [])
        except Exception as error:
            print(f"NOT RUN: {name}, because {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    for _ in range(ROUNDS):
        for run, _, paces in runs.values():
            paces.append(run())
    return {name: (copies, statistics.median(paces)) for name, (_, copies, paces) in runs.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", action="store_true", help="the arcade games as well")
    arguments = parser.parse_args()
    ours = functools.partial(potstill, "CartPole-v1")
    cases = [("potstill, 1 copy", ours, 1), ("Gymnasium, one environment", gymnasium_one, 1)]
    for copies in (8, 1024):
        cases += [
            (f"potstill, {copies} copies", ours, copies),
            (f"Gymnasium's vector CartPole, {copies} copies", gymnasium_vector, copies),
            (f"EnvPool, {copies} copies, 1 thread", envpool, copies),
            (f"gymnax, {copies} copies, compiled, all cores", gymnax, copies),
        ]
    if arguments.games:
        for game in ("Asterix", "Breakout", "Freeway", "SpaceInvaders"):
            cases += [
                (f"potstill, {game}, 1024 copies", functools.partial(potstill, game), 1024),
                (f"gymnax, {game}, 1024 copies", functools.partial(gymnax, game=f"{game}-MinAtar"), 1024),
            ]
        cases += [("potstill, Seaquest, 1024 copies", functools.partial(potstill, "Seaquest"), 1024)]
    print(f"  {'':48}  {'M steps/s':>9}")
    for name, (_, median) in measure(cases).items():
        print(f"  {name:48}  {median / 1e6:9.3f}")


if __name__ == "__main__":
    main()
