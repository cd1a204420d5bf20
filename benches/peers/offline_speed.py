"""One update from recorded transitions, by d3rlpy and by potstill, in one run.

    python -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
    cargo build --release && target/peers/bin/python benches/peers/offline_speed.py [--threads 2] [--json]

Both have their own defaults, but batches of 256 and networks of 256 and 256 units: an update draws its minibatch and makes
every gradient step of the algorithm. Continuous actions are of the shape of BipedalWalker (24 features, 4 actions), discrete
ones of LunarLander (8 features, 4 actions); 20,000 transitions. d3rlpy is timed inside of its process, after some updates;
potstill trains twice (`train --data random:20000`), and the difference of the times is divided by that of the updates. Each is a
process of its own, on as many cores as threads; the figures are medians of the rounds, one after the other for all: of the time that
passed, and of that of the processor, which other work on the machine leaves alone.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BINARY = os.environ.get("POTSTILL_COMMAND", os.path.join(ROOT, "target", "release", "potstill"))
BATCH, TRANSITIONS = 256, 20_000
WORLDS = {"continuous": ("BipedalWalker-v3", 24, 4), "discrete": ("LunarLander-v3", 8, 4)}
# Names here and there, and updates that are timed.
ALGORITHMS = [
    ("IQL", "continuous", "iql", "IQLConfig", 1000),
    ("TD3+BC", "continuous", "td3-bc", "TD3PlusBCConfig", 1000),
    ("ReBRAC", "continuous", "rebrac", "ReBRACConfig", 1000),
    ("CQL", "continuous", "cql", "CQLConfig", 100),
    ("BC", "discrete", "bc", "DiscreteBCConfig", 4000),
    ("CQL", "discrete", "cql", "DiscreteCQLConfig", 2000),
    ("BCQ", "discrete", "bcq", "DiscreteBCQConfig", 2000),
]
D3RLPY = """
import sys, time
import numpy as np, torch, d3rlpy
name, kind, features, actions, updates, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])
torch.set_num_threads(threads)
rng = np.random.default_rng(0)
rows = 20_000
act = rng.uniform(-1, 1, (rows, actions)).astype("float32") if kind == "continuous" else rng.integers(0, actions, (rows, 1))
ends = np.arange(1, rows + 1) % 200 == 0
data = d3rlpy.dataset.MDPDataset(
    rng.standard_normal((rows, features)).astype("float32"), act, rng.standard_normal(rows).astype("float32"), ends.astype("float32"),
    action_space=d3rlpy.ActionSpace.CONTINUOUS if kind == "continuous" else d3rlpy.ActionSpace.DISCRETE,
    action_size=actions,
)
algo = getattr(d3rlpy.algos, name)(batch_size=256).create(device="cpu")
algo.build_with_dataset(data)
def update():
    algo.update(data.sample_transition_batch(256))
for _ in range(20):
    update()
start, busy = time.perf_counter(), time.process_time()
for _ in range(updates):
    update()
print("seconds", (time.perf_counter() - start) / updates, (time.process_time() - busy) / updates)
"""


def pinned(command, threads):
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, cores)), *command],
        env={**os.environ, **limits}, check=True, capture_output=True, text=True,
    ).stdout


def d3rlpy(kind, config, updates, threads):
    _, features, actions = WORLDS[kind]
    # It is many times slower: a tenth is enough.
    words = [config, kind, features, actions, max(20, updates // 10), threads]
    printed = pinned([sys.executable, "-c", D3RLPY, *map(str, words)], threads)
    return tuple(map(float, printed.split("seconds")[-1].split()))


def potstill(kind, algorithm, updates, threads, folder=[0]):
    def seconds(steps):
        folder[0] += 1
        out = os.path.join("target", "offline-speed", f"{os.getpid()}-{folder[0]}")
        command = [BINARY, "train", algorithm, "--env", WORLDS[kind][0], "--data", f"random:{TRANSITIONS}", "--steps", str(steps)]
        command += ["--set", "eval_freq=0", "--set", f"batch_size={BATCH}", "--set", "net_arch=mlp:256,256"]
        if algorithm == "rebrac":
            command += ["--set", "critic_net_arch=mlp:256,256"]
        command += ["--set", "checkpoint_freq=0", "--threads", str(threads), "--out", out, "--json"]
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        pinned(command, threads)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    few, many = seconds(updates // 10), seconds(updates + updates // 10)
    return tuple((m - f) / updates for f, m in zip(few, many))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rounds = {(title, kind): {"d3rlpy": [], "potstill": []} for title, kind, *_ in ALGORITHMS}
    for _ in range(arguments.rounds):
        for title, kind, ours, theirs, updates in ALGORITHMS:
            taken = rounds[title, kind]
            taken["d3rlpy"].append(d3rlpy(kind, theirs, updates, arguments.threads))
            taken["potstill"].append(potstill(kind, ours, updates, arguments.threads))
    results = []
    for (title, kind), taken in rounds.items():
        ms = {who: [1000 * statistics.median(of) for of in zip(*seconds)] for who, seconds in taken.items()}
        ratios = [theirs / ours for theirs, ours in zip(ms["d3rlpy"], ms["potstill"])]
        results.append({"algorithm": title, "actions": kind, "ms": ms, "all": taken, "ratios": ratios})
        if not arguments.json:
            for i, of in enumerate(["passed", "processor"]):
                d, p = ms["d3rlpy"][i], ms["potstill"][i]
                print(f"{title:8}{kind:12}{of:11}d3rlpy {d:8.2f} ms   potstill {p:8.3f} ms   {ratios[i]:6.1f} times as fast")
    if arguments.json:
        print(json.dumps({"threads": arguments.threads, "rounds": arguments.rounds, "updates": results}))


if __name__ == "__main__":
    main()
