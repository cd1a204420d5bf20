"""Ray: its examples, and actors that step the environments of one learner."""

import importlib.util
import os
import signal
from pathlib import Path

import gymnasium as gym
import potstill as ps
import potstill.ray
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
    # Classes of this file are pickled by name. Paths of sockets have at most 107 characters.
    found = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}
    keys = dict(include_dashboard=False, object_store_memory=10**8, _temp_dir="/tmp/potstill-ray")
    ray.init(num_cpus=2, runtime_env=found, **keys)
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


ROUNDS = {
    "ppo": dict(num_envs=5, n_steps=40, batch_size=50, n_epochs=2, net_arch="mlp:8:tanh", steps=1_100),
    "a2c": dict(num_envs=4, n_steps=25, net_arch="mlp:8:tanh", steps=1_000),
}


def files(run):
    """The files that do not tell the time."""
    return [(run / name).read_bytes() for name in ("config.toml", "metrics.jsonl", "model.safetensors")]


@pytest.mark.parametrize(("algorithm", "env"), [("ppo", "CartPole-v1"), ("a2c", "Pendulum-v1")])
def test_rounds_of_actors_are_the_run_of_one_process_to_the_bit(tmp_path, algorithm, env):
    keys = dict(env=env, seed=3, preset="none", eval_freq=500, eval_episodes=2, threads=1, **ROUNDS[algorithm])
    alone = ps.train(algorithm, out=tmp_path / "alone", **keys)
    spread = potstill.ray.train(algorithm, actors=2, out=tmp_path / "spread", **keys)
    assert files(spread.out) == files(alone.out)
    assert spread.summary["steps"] == alone.summary["steps"]


class Corridor(gym.Env):
    """An environment of Python: six places, to the right for a reward."""

    observation_space = gym.spaces.Box(0, 5, (1,))
    action_space = gym.spaces.Discrete(2)
    fails_at = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(3))
        return self.seen(), {}

    def seen(self):
        import numpy as np

        return np.array([self.place], dtype=np.float32)

    def step(self, action):
        if self.fails_at is not None and self.place == self.fails_at:
            raise ValueError("the floor gave way")
        self.place = max(self.place + (1 if action == 1 else -1), 0)
        return self.seen(), float(self.place == 5), self.place == 5, False, {}


def limited_corridor():
    return gym.wrappers.TimeLimit(Corridor(), 30)


def test_environments_of_python_are_stepped_by_actors(tmp_path):
    keys = dict(seed=1, preset="none", eval_freq=0, threads=1, **ROUNDS["a2c"])
    alone = ps.train("a2c", env=limited_corridor, out=tmp_path / "alone", **keys)
    spread = potstill.ray.train("a2c", env=limited_corridor, actors=2, out=tmp_path / "spread", **keys)
    assert files(spread.out)[1:] == files(alone.out)[1:]


def test_a_killed_actor_is_replaced_and_the_bits_stay(tmp_path):
    keys = dict(env="CartPole-v1", seed=3, preset="none", eval_freq=0, threads=1, **ROUNDS["ppo"])
    killed = []

    def on_record(record):
        # The workers of this run: those that have the actors' class.
        if not killed and record["step"] > 300:
            import psutil

            for process in psutil.process_iter(["pid", "cmdline"]):
                if (process.info["cmdline"] or [""])[0].startswith("ray::_Actor"):
                    process.kill()
                    killed.append(process.info["pid"])
                    break

    spread = potstill.ray.train("ppo", actors=2, callback=on_record, out=tmp_path / "spread", **keys)
    assert killed
    assert files(spread.out) == files(ps.train("ppo", out=tmp_path / "alone", **keys).out)


def test_a_stopped_run_goes_on_with_other_actors_or_without(tmp_path):
    keys = dict(env="CartPole-v1", seed=3, preset="none", eval_freq=0, threads=1, **ROUNDS["ppo"])
    alone = files(ps.train("ppo", out=tmp_path / "alone", **keys).out)
    # Three actors for the two CPUs of the cluster.
    shared = dict(actors=3, actor_options={"num_cpus": 0.5})
    for go_on in (lambda run: potstill.ray.resume(run, **shared), ps.resume):
        seen = []
        out = tmp_path / f"stopped-{go_on is ps.resume}"
        potstill.ray.train("ppo", out=out, callback=lambda record: seen.append(record) or len(seen) < 5, **keys)
        assert ps.load(out).summary["ended_early"]
        assert files(go_on(out).out) == alone


def test_actors_play_ahead_and_the_manifest_says_that_this_is_not_reproducible(tmp_path):
    keys = dict(env="CartPole-v1", seed=1, preset="none", net_arch="mlp:8", learning_starts=100, eval_freq=0, steps=2_000)
    run = potstill.ray.train("dqn", actors=2, ahead=50, num_envs=8, out=tmp_path / "ahead", **keys)
    assert run.summary["steps"] == 2_000
    assert "not_reproducible" in (run.out / "manifest.json").read_text()
    assert ps.evaluate(run, episodes=2)["episodes"] == 2


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (dict(algorithm="ppo", env="CartPole-v1", num_envs=1), "2 actors for 1 copies: give num_envs=2 or more"),
        (dict(algorithm="dqn", env="CartPole-v1", num_envs=2), "let actors play ahead"),
        (dict(algorithm="q-learning", env="CliffWalking-v1"), "learns in one environment"),
        (dict(algorithm="ppo", env="CartPole-v1", num_envs=2, actors=0), "actors=0: write a whole number"),
        (dict(algorithm="dqn", env="CartPole-v1", num_envs=2, ahead=0), "ahead=0: write a whole number"),
        (dict(algorithm="ppo", env="CartPole-v1", num_envs=2, gama=1), "did you mean `gamma`?"),
    ],
)
def test_what_actors_cannot_do_is_refused_before_anything_is_written(tmp_path, monkeypatch, keys, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ps.InputError) as caught:
        potstill.ray.train(keys.pop("algorithm"), steps=100, **keys)
    assert text in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_more_actors_than_cpus_are_told(tmp_path):
    group = potstill.ray._actors(3, "CartPole-v1", None)
    try:
        with pytest.warns(RuntimeWarning, match=r"3 actors ask for 3 CPUs and Ray has 2: .*num_cpus"):
            group.start("", 3)
    finally:
        group.end()


def test_an_environment_that_fails_in_an_actor_is_told(tmp_path):
    def make():
        env = Corridor()
        env.fails_at = 4
        return env

    keys = dict(seed=1, preset="none", eval_freq=0, **ROUNDS["a2c"])
    with pytest.raises(ps.RunError, match="the floor gave way") as caught:
        potstill.ray.train("a2c", env=make, out=tmp_path / "fails", **keys)
    assert "\n" not in str(caught.value)


def test_the_example_of_actors_learns(tmp_path):
    run = example("ray_actors").train(actors=2, steps=8_000, out=tmp_path / "actors")
    # Random actions balance for 22 steps.
    assert run.summary["mean_return"] > 40
