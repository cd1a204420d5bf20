"""Speed of deep reinforcement learning here and with the peers: the same settings for all, in one run.

    python3.11 -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
    cargo build --release && target/peers/bin/python benches/peers/deep_speed.py --workload matched

A workload is what its entry in WORKLOADS says and nothing else. Everyone, potstill included, reports the settings it ran with, and
whoever's differ from the entry is not compared: the run ends. Every measurement is a process of its own, on as many cores as the
workload has threads; every figure is the median of the rounds, one after the other for all, so that a busy machine is busy for
all. The peer with JAX asks its network also in the steps before learning starts, in which all others act at random (2 % of purejaxrl's
steps). Two threads of PyTorch wait for each other at every layer and can be twenty times as slow beside other work: where "cores of
others" is much above 0, measure again. Who is not installed is named and left out. The peers are in deep_peers.py.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", "..", "target", "release", "potstill")

# The names are Stable-Baselines3's. All that counts steps (steps, warmup_steps, learning_starts, train_freq,
# target_update_interval) counts transitions, whatever the number of environments: with ten of them a train_freq of 10 is an update
# every time all have made a step. The warm-up comes before the steps, acts at random and is not timed. adam_eps is PyTorch's and
# Optax's default unless the source says otherwise; max_grad_norm is null where nothing is clipped.
# fmt: off
WORKLOADS = {
    # ModuRL's public benchmark of DQN: 1,024 updates.
    "matched": {
        "env": "CartPole-v1", "num_envs": 1, "steps": 4096, "warmup_steps": 1024, "net_arch": "mlp:64,64:tanh",
        "batch_size": 64, "buffer_size": 10_000, "learning_starts": 1024, "learning_rate": 2.5e-4, "adam_eps": 1e-5,
        "gamma": 0.99, "train_freq": 4, "gradient_steps": 1, "target_update_interval": 1000, "loss": "mse",
        "max_grad_norm": None, "exploration_initial_eps": 0.1, "exploration_final_eps": 0.1, "exploration_fraction": 1.0,
        "threads": 1,
    },
    # purejaxrl/dqn.py of luchris429/purejaxrl: 49,000 updates.
    "purejaxrl": {
        "env": "CartPole-v1", "num_envs": 10, "steps": 500_000, "warmup_steps": 0, "net_arch": "mlp:120,84",
        "batch_size": 128, "buffer_size": 10_000, "learning_starts": 10_000, "learning_rate": 2.5e-4, "adam_eps": 1e-8,
        "gamma": 0.99, "train_freq": 10, "gradient_steps": 1, "target_update_interval": 500, "loss": "mse",
        "max_grad_norm": None, "exploration_initial_eps": 1.0, "exploration_final_eps": 0.05, "exploration_fraction": 0.5,
        "threads": 2,
    },
    # The RL Zoo's DQN on CartPole-v1: Stable-Baselines3's own tuned settings.
    "zoo": {
        "env": "CartPole-v1", "num_envs": 1, "steps": 50_000, "warmup_steps": 0, "net_arch": "mlp:256,256",
        "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000, "learning_rate": 2.3e-3, "adam_eps": 1e-8,
        "gamma": 0.99, "train_freq": 256, "gradient_steps": 128, "target_update_interval": 10, "loss": "huber",
        "max_grad_norm": 10.0, "exploration_initial_eps": 1.0, "exploration_final_eps": 0.04, "exploration_fraction": 0.16,
        "threads": 2,
    },
    # purejaxql/config/alg/pqn_cartpole.yaml of mttga/purejaxql at 970ecce: 244 rollouts, 15,616 updates. Not as there, because it
    # makes no difference to the speed: RAdam with a falling rate (here Adam with a constant one), rewards times 0.1, half the
    # squared error. Its evaluations during training are left out.
    "pqn": {
        "env": "CartPole-v1", "num_envs": 32, "steps": 500_000, "warmup_steps": 0, "net_arch": "mlp:256,256:layernorm",
        "num_steps": 64, "num_minibatches": 16, "update_epochs": 4, "learning_rate": 1e-4, "adam_eps": 1e-8, "gamma": 0.99,
        "lambda": 0.95, "loss": "mse", "max_grad_norm": 10.0, "exploration_initial_eps": 1.0, "exploration_final_eps": 0.2,
        "exploration_fraction": 0.2, "threads": 2,
    },
    # One update each: target network forward, network forward, loss of the chosen actions, backward, Adam. The batch lies ready, as
    # single-precision numbers. Shapes are channels, height, width.
    "update": {
        "inputs": "8", "outputs": 4, "net_arch": "mlp:256,256", "batch_size": 128, "loss": "mse", "learning_rate": 2.5e-4,
        "threads": 1,
    },
    "minatar": {
        "inputs": "4x10x10", "outputs": 6, "net_arch": "cnn:16x3,128", "batch_size": 32, "loss": "mse", "learning_rate": 2.5e-4,
        "threads": 1,
    },
    "nature": {
        "inputs": "4x84x84", "outputs": 6, "net_arch": "cnn:32x8s4,64x4s2,64x3,512", "batch_size": 32, "loss": "mse",
        "learning_rate": 2.5e-4, "threads": 2,
    },
}
# fmt: on

ONE_UPDATE = ["PyTorch", "PyTorch, fused Adam"]
PEERS = {
    "matched": ["Stable-Baselines3", "PyTorch and Gymnasium"],
    "purejaxrl": ["JAX and gymnax"],
    "zoo": ["Stable-Baselines3"],
    "pqn": ["JAX and gymnax, PQN"],
    "update": ONE_UPDATE,
    "minatar": ONE_UPDATE,
    "nature": [*ONE_UPDATE, "PyTorch, fused, NHWC"],
}


def measure(command, threads):
    """What `command` prints as JSON, run on as many cores as it may have threads."""
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    if len(cores) < threads:
        sys.exit(f"{threads} threads asked for, {len(cores)} cores there")
    xla = "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false"
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "XLA_FLAGS": xla, "JAX_PLATFORMS": "cpu"}
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    before, start = busy_seconds_of_others(), time.perf_counter()
    done = subprocess.run(pinned, env={**os.environ, **limits}, capture_output=True, text=True)
    others = (busy_seconds_of_others() - before) / (time.perf_counter() - start)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} failed:\n{done.stderr[-2000:]}")
    return {**json.loads(done.stdout), "cores_of_others": max(0.0, others)}


def busy_seconds_of_others():
    """Processor time of the whole machine without that of the processes started here."""
    user, nice, system, _, _, *rest = open("/proc/stat").readline().split()[1:9]
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(map(int, [user, nice, system, *rest])) / os.sysconf("SC_CLK_TCK") - own.ru_utime - own.ru_stime


def potstill(name):
    if not os.path.exists(BINARY):
        sys.exit("target/release/potstill is not there: cargo build --release, or --peers-only")
    return measure([BINARY, "bench", "dqn", "--workload", name, "--json"], WORKLOADS[name]["threads"])


def peer(who, name, fraction):
    command = [sys.executable, os.path.join(HERE, "deep_peers.py"), who, json.dumps(WORKLOADS[name]), str(fraction)]
    return measure(command, WORKLOADS[name]["threads"])


def refuse_other_settings(who, name, theirs):
    ours = WORKLOADS[name]
    other = [
        f"  {key}: {theirs.get(key, 'not told')} instead of {ours.get(key, 'nothing')}"
        for key in sorted(ours.keys() | theirs.keys())
        if key not in ours or key not in theirs or ours[key] != theirs[key]
    ]
    if other:
        sys.exit("\n".join([f"NOT COMPARED: {who} ran {name} with other settings:", *other]))


def run(name, arguments):
    """The medians of everyone, by name."""
    contenders = {} if arguments.peers_only else {"potstill": lambda: potstill(name)}
    for who in PEERS[name]:
        contenders[who] = lambda who=who: peer(who, name, arguments.fraction)
    rounds = {who: [] for who in contenders}
    for _ in range(arguments.rounds):
        for who in list(rounds):
            result = contenders[who]()
            if "not_run" in result:
                print(f"NOT RUN: {who}, because {result['not_run']}", file=sys.stderr)
                del rounds[who]
                continue
            refuse_other_settings(who, name, result["settings"])
            rounds[who].append(result)
    return {who: medians(results) for who, results in rounds.items()}


def medians(results):
    def one(key, first):
        number = isinstance(first, (int, float))
        return statistics.median(result[key] for result in results) if number else first

    return {key: one(key, first) for key, first in results[0].items()}


def table(name, results, fraction):
    training = "steps" in WORKLOADS[name]
    # A run of fewer steps has a larger part without updates: by its transitions it looks faster, never slower, than it is.
    pace = "transitions_per_second" if training else "updates_per_second"
    shortened = f", the peers only the first {fraction:g} of the steps" if training and fraction != 1 else ""
    print(f"\n{name}, threads: {WORKLOADS[name]['threads']}{shortened}")
    columns = ["seconds", "compile_seconds", "transitions_per_second", "updates_per_second", "gflops", "cores_of_others"]
    heads = "".join(f"{column.replace('_per_second', '/s').replace('_', ' '):>17}" for column in columns)
    print(f"  {'':24}{heads}   potstill is")
    for who, result in results.items():
        cells = "".join(cell(result.get(column)) for column in columns)
        times = f"{results['potstill'][pace] / result[pace]:.2f} times as fast" if "potstill" in results else ""
        print(f"  {who:24}{cells}   {times if who != 'potstill' else ''}".rstrip())


def cell(number):
    if number is None:
        return " " * 17
    return f"{number:17,.0f}" if number >= 1000 else f"{number:17.4g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="repeatable; all unless given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--fraction", type=float, default=1.0, help="the peers train only for this part of the steps")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    everything = {}
    for name in arguments.workload or WORKLOADS:
        everything[name] = run(name, arguments)
        if not arguments.json:
            table(name, everything[name], arguments.fraction)
    if arguments.json:
        print(json.dumps({"rounds": arguments.rounds, "fraction": arguments.fraction, "workloads": everything}, indent=1))


if __name__ == "__main__":
    main()
