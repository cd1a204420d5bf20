"""Training on environments of Python: exactness, resumption, exceptions, refusals."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import potstill as ps
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

ROOT = Path(__file__).parents[2]


class Sides(gym.Env):
    """Reward 1 for the action on the side of the number that is seen; episodes of 20 steps."""

    observation_space = Box(-1, 1, (3,), np.float64)
    action_space = Discrete(2, start=5)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.x = 0, self.np_random.uniform(-1, 1)
        return np.array([self.x, 0, 1]), {}

    def step(self, action):
        self.t += 1
        reward = float((action == 6) == (self.x > 0))
        self.x = self.np_random.uniform(-1, 1)
        return np.array([self.x, self.t / 20, 1]), reward, False, self.t >= 20, {}


SHORT = dict(steps=3_000, learning_starts=100, net_arch="mlp:16", eval_freq=1_000, threads=1)


def bytes_of(run, name="model.safetensors"):
    return (Path(run.out) / name).read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return ps.train("dqn", env=Sides, out=tmp_path_factory.mktemp("runs") / "whole", **SHORT)


@pytest.mark.parametrize(
    ("algorithm", "env", "keys"),
    [
        ("q-learning", "FrozenLake-v1", dict(steps=2_000)),
        ("sarsa", "Blackjack-v1", dict(steps=2_000)),
        ("dqn", "FrozenLake-v1:one_hot=true", dict(steps=2_000, learning_starts=200)),
        ("ppo", "Taxi-v4:one_hot=true,max_episode_steps=50", dict(steps=2_048, num_envs=4, n_steps=128, batch_size=64)),
    ],
)
def test_gymnasiums_environment_gives_the_bits_of_the_native_one(tmp_path, algorithm, env, keys):
    # Environments whose numbers are whole: those of the others are equal but for roundings of sines and cosines.
    native = ps.train(algorithm, env=env, out=tmp_path / "native", threads=1, **keys)
    foreign = ps.train(algorithm, env=f"gym:{env}", out=tmp_path / "foreign", threads=2, **keys)
    ours, theirs = ps.export(native, tmp_path / "a.safetensors"), ps.export(foreign, tmp_path / "b.safetensors")

    # Behind the header, which names the environment.
    def numbers(path):
        data = path.read_bytes()
        return data[8 + int.from_bytes(data[:8], "little") :]

    assert numbers(ours) == numbers(theirs)
    assert native.summary.get("mean_return") == foreign.summary.get("mean_return")
    logs = [(Path(run.out) / "metrics.jsonl").read_bytes() for run in (native, foreign)]
    assert logs[0] == logs[1]


def test_presets_of_an_environment_are_for_gymnasiums_too_and_actions_may_be_boxes(tmp_path):
    run = ps.train("td3", env="gym:Pendulum-v1", steps=200, learning_starts=100, net_arch="mlp:16", out=tmp_path / "run")
    assert "# preset zoo" in (tmp_path / "run" / "config.toml").read_text()
    assert run.predict(np.zeros(3))[0].shape == (1,)


def test_a_policy_is_learned_on_an_environment_of_python(tmp_path):
    # The best return is 20, that of random actions 10; of 20 seeds all were above 19.
    run = ps.train("dqn", env=Sides, out=tmp_path / "run", learning_rate=1e-3, gamma=0.5, **SHORT)
    assert run.summary["mean_return"] > 17
    actions, _ = run.predict(np.array([[0.5, 0, 1], [-0.5, 0, 1]]))
    assert actions.tolist() == [6, 5]


def test_a_stopped_run_goes_on_exactly_in_mid_episode(tmp_path, whole):
    stopped = ps.train("dqn", env=Sides, out=tmp_path / "run", callback=lambda record: record["step"] < 1_010, **SHORT)
    assert stopped.summary["ended_early"] and 1_000 < stopped.summary["steps"] < 1_100
    resumed = ps.resume(stopped)
    assert bytes_of(resumed) == bytes_of(whole) and bytes_of(resumed, "metrics.jsonl") == bytes_of(whole, "metrics.jsonl")


def test_a_run_goes_on_in_another_process(tmp_path, whole):
    ps.train("dqn", env=Sides, out=tmp_path / "run", callback=lambda record: record["step"] < 1_010, **SHORT)
    program = "import sys, potstill as ps; from test_foreign import Sides; ps.resume(sys.argv[1], env=Sides)"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "run")], check=True, env=env)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == bytes_of(whole)
    forgotten = subprocess.run(
        [sys.executable, "-m", "potstill", "resume", str(tmp_path / "run"), "--steps", "4000"], capture_output=True, text=True
    )
    assert forgotten.returncode == 2 and "environment of another Python program" in forgotten.stderr


class Screen(Sides):
    """The side as the bright half of an image."""

    observation_space = Box(0, 255, (10, 8, 3), np.uint8)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return np.full((10, 8, 3), 200, dtype=np.uint8), {}

    def step(self, action):
        _, *others = super().step(action)
        return np.full((10, 8, 3), 128 + 100 * self.x, dtype=np.uint8), *others


FORGOTTEN = """
import json, sys
import numpy as np, potstill as ps
run = ps.load(sys.argv[1])
observations = np.load(sys.argv[2])
print(json.dumps([np.asarray(run.predict(one)[0]).tolist() for one in observations]))
try:
    ps.evaluate(sys.argv[1], episodes=2)
except ps.InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("algorithm", "env", "observations", "keys"),
    [
        ("q-learning", lambda: gym.make("FrozenLake-v1"), np.arange(16), dict(steps=500)),
        ("sarsa", lambda: gym.make("Blackjack-v1"), np.array([[20, 10, 0], [5, 1, 1]]), dict(steps=500)),
        ("td3", lambda: gym.make("Pendulum-v1"), np.eye(3), dict(steps=300, learning_starts=100, net_arch="mlp:16")),
        ("dqn", Sides, np.eye(3), dict(SHORT, steps=300)),
        ("dqn", Screen, np.eye(80)[:, :, None].repeat(3, 2).reshape(80, 10, 8, 3).astype(np.uint8)[:4] * 255,
         dict(steps=300, learning_starts=100, net_arch="cnn:4x3,8", eval_freq=0, preset="none", frame_stack=2)),
    ],
)  # fmt: skip
def test_a_policy_answers_in_another_process_which_does_not_have_its_environment(tmp_path, algorithm, env, observations, keys):
    run = ps.train(algorithm, env=env, out=tmp_path / "run", **keys)
    expected = [np.asarray(run.predict(one)[0]).tolist() for one in observations]
    np.save(tmp_path / "observations.npy", observations)
    words = [sys.executable, "-c", FORGOTTEN, str(tmp_path / "run"), str(tmp_path / "observations.npy")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers, refusal = done.stdout.splitlines()
    assert json.loads(answers) == expected
    assert "environment of another Python program; give env= again" in refusal


class Turned(gym.vector.SyncVectorEnv):
    """Copies with a method of their own."""

    def step(self, actions):
        return super().step(1 - actions)


class OfStableBaselines:
    """The methods of a vector environment of Stable-Baselines3."""

    num_envs, observation_space, action_space = 2, Box(-1, 1, (3,)), Discrete(2)

    def reset(self):
        return np.zeros((2, 3))

    def step(self, actions):
        return np.zeros((2, 3)), np.zeros(2), np.zeros(2, dtype=bool), [{}, {}]

    step_async = step_wait = step


def test_environments_that_would_be_played_otherwise_than_they_are_are_refused():
    one = Sides()
    vector = gym.vector.SyncVectorEnv([Sides] * 3)
    for env, keys, text in [
        (lambda: one, dict(num_envs=2), "the function returned the same environment twice"),
        (Turned([Sides, Sides]), {}, "without the methods of Turned"),
        (OfStableBaselines(), {}, "a vector environment of Stable-Baselines3"),
        (vector, dict(num_envs=2), "num_envs=2: the vector environment has 3 copies"),
    ]:
        for train in (
            lambda: ps.PPO("MlpPolicy", env, n_steps=16, batch_size=8, net_arch="mlp:4", **keys).learn(64),
            lambda: ps.train("ppo", env=env, n_steps=16, batch_size=8, net_arch="mlp:4", steps=64, **keys),
        ):
            # A function is found out when it is called again.
            with pytest.raises(ps.Error, match=text):
                train()


def test_damaged_spaces_of_a_forgotten_environment_are_told(tmp_path):
    run = ps.train("q-learning", env=lambda: gym.make("FrozenLake-v1"), out=tmp_path / "run", steps=200)
    for text in ("", "[1, 2]", '[["Discrete"], ["Discrete", 4], null]', '{"a": 1}'):
        (run.out / "python_spaces.json").write_text(text)
        words = [sys.executable, "-c", "import sys, potstill as ps; ps.load(sys.argv[1]).predict(0)", str(run.out)]
        done = subprocess.run(words, capture_output=True, text=True)
        last = done.stderr.splitlines()[-1]
        assert last.startswith("potstill.errors.InputError") and "python_spaces.json is damaged" in last


def test_an_environment_that_does_not_repeat_its_episode_begins_another_and_says_so(tmp_path):
    class Careless(Sides):
        def reset(self, seed=None, options=None):
            super().reset(seed=seed)
            self.x = np.random.uniform(-1, 1)
            return np.array([self.x, 0, 1]), {}

    stopped = ps.train("dqn", env=Careless, out=tmp_path / "run", callback=lambda record: record["step"] < 1_010, **SHORT)
    with pytest.warns(UserWarning, match="did not repeat its episode"):
        run = ps.resume(stopped)
    assert run.summary["steps"] == 3_000


def test_an_exception_of_step_comes_out_as_itself_and_the_run_goes_on_exactly(tmp_path, whole):
    class Breaks(Sides):
        steps = 0

        def step(self, action):
            Breaks.steps += 1
            if Breaks.steps == 1_500:
                raise ZeroDivisionError("the plug was pulled")
            return super().step(action)

    with pytest.raises(ZeroDivisionError, match="the plug was pulled") as raised:
        ps.train("dqn", env=Breaks, out=tmp_path / "run", **SHORT)
    frames = [entry.name for entry in raised.traceback]
    assert frames[-1] == "step" and "train" in frames
    assert "training stopped in python:Breaks" in raised.value.__notes__[0]
    assert bytes_of(ps.resume(tmp_path / "run")) == bytes_of(whole)


def test_a_callback_may_raise(tmp_path):
    def callback(record):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        ps.train("dqn", env=Sides, out=tmp_path / "run", callback=callback, **SHORT)
    assert ps.resume(tmp_path / "run").summary["steps"] == 3_000


def test_an_environment_and_a_vector_environment_are_taken_as_they_are(tmp_path):
    env = gym.make("CartPole-v1")
    one = ps.train("dqn", env=env, steps=1_000, preset="none", threads=1, out=tmp_path / "one")
    named = ps.train("dqn", env="CartPole-v1", steps=1_000, preset="none", threads=1, out=tmp_path / "named")
    assert one.summary["mean_return"] == named.summary["mean_return"]
    keys = dict(steps=2_048, n_steps=128, batch_size=64, preset="none", threads=1)
    for name, mode in [("vector", "vector_entry_point"), ("sync", "sync")]:
        envs = gym.make_vec("CartPole-v1", num_envs=4, vectorization_mode=mode)
        many = ps.train("ppo", env=envs, out=tmp_path / name, **keys)
        copies = ps.train("ppo", env="CartPole-v1", num_envs=4, out=tmp_path / f"{name}-copies", **keys)
        assert many.summary["mean_return"] == copies.summary["mean_return"]


class Half(gym.RewardWrapper):
    """A wrapper that does not record its arguments."""

    def reward(self, reward):
        return reward / 2


def test_a_wrapped_environment_is_evaluated_as_it_is(tmp_path):
    env = Half(gym.make("CartPole-v1", max_episode_steps=30))
    run = ps.train("dqn", env=env, steps=600, eval_freq=200, preset="none", out=tmp_path / "run")
    assert 0 < run.summary["mean_return"] <= 15
    vector = gym.wrappers.vector.TransformReward(gym.make_vec("CartPole-v1", num_envs=2), lambda reward: -reward)
    with pytest.raises(ps.InputError, match="wraps a vector environment"):
        ps.train("ppo", env=vector, steps=600)


def test_a_run_goes_on_in_the_environment_that_is_given(tmp_path):
    class Other(Sides):
        def step(self, action):
            return (*super().step(action)[:1], 7.0, *super().step(action)[2:])

    for name, first, second in [("lambda", lambda: Sides(), lambda: Other()), ("class", Sides, Other)]:
        run = ps.train("dqn", env=first, out=tmp_path / name, callback=lambda record: record["step"] < 500, **SHORT)
        ps.load(run.out, env=first)
        resumed = ps.resume(run, env=second)
        assert resumed.metrics["rollout/ep_rew"].values.max() > 20 > run.metrics["rollout/ep_rew"].values[0]


def test_a_failed_reset_is_not_saved(tmp_path, whole):
    class Breaks(Sides):
        resets = 0

        def reset(self, seed=None, options=None):
            Breaks.resets += 1
            if Breaks.resets == 40:
                raise ConnectionError("gone")
            return super().reset(seed=seed)

    with pytest.raises(ConnectionError, match="gone"):
        ps.train("dqn", env=Breaks, out=tmp_path / "run", checkpoint_freq=100, **SHORT)
    resumed = ps.resume(tmp_path / "run")
    assert bytes_of(resumed) == bytes_of(whole) and bytes_of(resumed, "metrics.jsonl") == bytes_of(whole, "metrics.jsonl")


def test_a_failure_while_an_episode_is_repeated_is_raised(tmp_path, whole):
    run = ps.train("dqn", env=Sides, out=tmp_path / "run", callback=lambda record: record["step"] < 1_010, **SHORT)

    class Away(Sides):
        def reset(self, seed=None, options=None):
            raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"):
        ps.resume(run, env=Away)
    assert bytes_of(ps.resume(run, env=Sides)) == bytes_of(whole)


def test_an_environment_may_look_for_others_when_it_is_made(tmp_path):
    class Rival(Sides):
        def __init__(self):
            assert gym.make("CartPole-v1") and ps.value_iteration("FrozenLake-v1").values[0] > 0
            ps.train("q-learning", env="gym:FrozenLake-v1", steps=50)

    assert ps.train("dqn", env=Rival, out=tmp_path / "run", **SHORT).summary["steps"] == 3_000


def variant(**parts):
    return type("Variant", (Sides,), parts)


def of_step(change):
    def step(self, action):
        return change(*Sides.step(self, action))

    return variant(step=step)


class NoReset:
    observation_space = action_space = Discrete(2)

    def step(self, action):
        return 0, 0.0, False, False, {}


class Changes(Sides):
    made = 0

    def __init__(self):
        Changes.made += 1
        self.observation_space = Box(-1, 1, (3 if Changes.made == 1 else 4,))


@pytest.mark.parametrize(
    ("env", "error", "text"),
    [
        (variant(observation_space=Dict({"a": Discrete(2)})), ps.InputError, "gymnasium.wrappers.FlattenObservation"),
        (variant(action_space=MultiBinary(3)), ps.InputError, "its action space is MultiBinary"),
        (variant(action_space=MultiDiscrete([2, 2])), ps.InputError, "there is Discrete and Box"),
        (variant(observation_space=None), ps.InputError, "attribute `observation_space`"),
        (NoReset, ps.InputError, "has no method `reset`"),
        (3, ps.InputError, "int is neither an id nor an environment"),
        (of_step(lambda o, r, a, b, i: (o, r, a, i)), ps.RunError, "step returned 4 values"),
        (of_step(lambda o, r, a, b, i: [o, r, a, b, i]), ps.RunError, "step returned list"),
        (of_step(lambda o, r, a, b, i: (o[:2], r, a, b, i)), ps.RunError, r"the shape \[2\]"),
        (of_step(lambda o, r, a, b, i: (o * np.nan, r, a, b, i)), ps.RunError, "NaN"),
        (of_step(lambda o, r, a, b, i: (o, float("inf"), a, b, i)), ps.RunError, "inf"),
        (of_step(lambda o, r, a, b, i: (o, "much", a, b, i)), ps.RunError, "the reward much"),
        (of_step(lambda o, r, a, b, i: (o, r, 0, b, i)), ps.RunError, "terminated as int; it is a bool"),
        (of_step(lambda o, r, a, b, i: ("sea", r, a, b, i)), ps.RunError, "no array of numbers"),
        (variant(reset=lambda self, seed=None, options=None: np.zeros(3)), ps.RunError, "reset returned ndarray"),
        (Changes, ps.RunError, "another environment has the spaces"),
        ("gym:CartPole-v9", ps.InputError, "v9"),
        ("gym:CartPole-v1:gravity=3", TypeError, "gravity"),
    ],
)
def test_a_wrong_environment_is_refused_with_the_reason(tmp_path, env, error, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(error, match=text):
            ps.train("dqn", env=env, out=tmp_path / "run", **SHORT)
    if error is ps.InputError:
        assert not (tmp_path / "run").exists()


def test_planners_without_a_model_refuse_it(tmp_path):
    with pytest.raises(ps.InputError, match="model"):
        ps.train("value-iteration", env="gym:FrozenLake-v1", out=tmp_path / "run")


def test_the_program_of_the_worker_process_is_the_module():
    worker = ROOT / "crates/potstill-cli/src/gymnasium_worker.py"
    assert worker.read_text() == (ROOT / "python/potstill/_foreign.py").read_text()


def test_gymnasiums_models_are_planned_with():
    lake = gym.make("FrozenLake-v1", is_slippery=True).unwrapped
    plan = ps.value_iteration(lake.P, gamma=0.99)
    # The value of the start at this discount, by solving the linear system of the optimal policy in NumPy.
    assert plan.action_values.shape == (16, 4) and abs(plan.values[0] - 0.5420259303) < 1e-6
    for planner in (ps.policy_iteration, ps.modified_policy_iteration):
        other = planner(lake.P, gamma=0.99)
        assert np.abs(other.values - plan.values).max() < 1e-6
    named = ps.value_iteration("FrozenLake-v1", gamma=0.99)
    assert np.abs(named.values - plan.values).max() < 1e-12
    assert ps.DynaQ(lake.P, planning_steps=5).learn(200).num_timesteps == 200


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ({}, "no state"),
        ({0: {0: [(0.5, 0, 0.0, False)]}}, "the probabilities of state 0, action 0"),
        ({0: {0: [(1.0, 3, 0.0, False)]}}, "leads to state 3; there are 1 states"),
        ({0: {0: [(1.0, 0, float("nan"), False)]}}, "a reward of state 0, action 0 is NaN"),
        ({0: {0: [(1.0, 0, 0.0)]}}, "write P"),
        ({1: {0: [(1.0, 0, 0.0, True)]}}, "write P"),
        ({0: {0: [(1.0, -1, 0.0, True)]}}, "write P"),
    ],
)
def test_a_wrong_model_is_refused(model, text):
    with pytest.raises(ps.InputError, match=text):
        ps.value_iteration(model)
