"""The examples with Ray."""

import importlib.util
import os
import signal
from pathlib import Path

import potstill as ps
import pytest

ray = pytest.importorskip("ray", reason="Ray's wheels are large; install it to run these")
EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Paths of sockets have at most 107 characters.
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=10**8, _temp_dir="/tmp/potstill-ray")
    yield
    ray.shutdown()


def test_seeds_have_the_bits_that_they_have_alone(tmp_path):
    example("ray_seeds").train(seeds=2, steps=2_000, out=tmp_path)
    for seed in range(2):
        keys = dict(env="CartPole-v1", seed=seed, steps=2_000, preset="none", threads=2)
        alone = ps.train("dqn", out=tmp_path / f"alone-{seed}", **keys)
        weights = [(path / "model.safetensors").read_bytes() for path in (tmp_path / f"seed-{seed}", alone.out)]
        assert weights[0] == weights[1]


def test_a_killed_task_is_continued_to_the_same_bits(tmp_path):
    seeds = example("ray_seeds")

    @ray.remote(num_cpus=1, max_retries=1)
    def dies(out):
        marker = Path(out).with_suffix(".died")
        keys = dict(env="CartPole-v1", seed=0, steps=2_000, preset="none", threads=1, checkpoint_freq=200)
        if marker.exists():
            return ps.resume(out, threads=1).summary["steps"]
        marker.touch()

        def on_record(record):
            if record["step"] > 1_000:
                os.kill(os.getpid(), signal.SIGKILL)

        ps.train("dqn", out=out, callback=on_record, **keys)

    assert ray.get(dies.remote(str(tmp_path / "killed"))) == 2_000
    seeds.train(seeds=1, steps=2_000, out=tmp_path)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("killed", "seed-0")]
    assert weights[0] == weights[1]


def test_asha_stops_trials_early(tmp_path):
    results = example("ray_tune").search(trials=4, steps=2_000, folder=str(tmp_path))
    assert len(results) == 4 and not results.errors
    steps = sorted(result.metrics["step"] for result in results)
    assert steps[-1] == 2_000 and steps[0] < 2_000
    best = results.get_best_result()
    assert best.metrics["score"] >= 8 and (Path(best.metrics["run"]) / "config.toml").is_file()
