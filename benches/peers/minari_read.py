"""A Minari data set of a million steps read into memory, by Minari's own reader and by potstill, in one run.

    python -m venv target/peers && target/peers/bin/pip install -r benches/peers/requirements.txt
    cargo build --release --features hdf5 && target/peers/bin/python benches/peers/minari_read.py [--json]

The data set is Pendulum's, 5,000 episodes of 200 steps, recorded by potstill with random actions, in both of Minari's
layouts. Minari reads every episode into arrays; potstill reads the whole set into its columns, checks each number, and
prints the description (`data show`), which is counted. Each reads once to fill the system's cache, and then three
times, one after the other; the figures are medians. All have one thread.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
EPISODES = 5_000
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BINARY = os.environ.get("POTSTILL_COMMAND", os.path.join(ROOT, "target", "release", "potstill"))
READ = """
import minari, sys, time
import warnings; warnings.simplefilter("ignore")
start = time.perf_counter()
data = minari.load_dataset(sys.argv[1])
episodes = list(data.iterate_episodes())
assert sum(len(episode) for episode in episodes) == data.total_steps
print(time.perf_counter() - start)
"""


def minari(id):
    """Seconds of the reading alone, without Python's start."""
    output = subprocess.run([sys.executable, "-c", READ, id], check=True, capture_output=True)
    return float(output.stdout)


def potstill(id):
    """Seconds of the whole command."""
    start = time.perf_counter()
    subprocess.run([BINARY, "data", "show", f"minari:{id}", "--json"], check=True, capture_output=True)
    return time.perf_counter() - start


def main():
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MINARI_DATASETS_PATH"] = folder
        for layout in ["arrow", "hdf5"]:
            id = f"pendulum/{layout}-v0"
            record = f"minari:{id}:layout={layout}"
            play = [BINARY, "play", "--env", "Pendulum-v1", "--episodes", str(EPISODES), "--record", record, "--json"]
            steps = json.loads(subprocess.run(play, check=True, capture_output=True).stdout)["steps"]
            seconds = {"Minari": [], "potstill": []}
            for round in range(ROUNDS + 1):
                for name, reader in [("Minari", minari), ("potstill", potstill)]:
                    taken = reader(id)
                    if round > 0:
                        seconds[name].append(taken)
            medians = {name: statistics.median(taken) for name, taken in seconds.items()}
            ratio = medians["Minari"] / medians["potstill"]
            results[layout] = {"steps": steps, "seconds": medians, "all": seconds, "ratio": ratio}
            if "--json" not in sys.argv:
                print(f"{layout}: {steps} steps, " + ", ".join(f"{k} {v:.2f} s" for k, v in medians.items())
                      + f": {ratio:.1f} times as fast")
    if "--json" in sys.argv:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
