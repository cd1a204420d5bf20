"""The adapter for Stable-Baselines3, against its own checks and its own vector environments."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import potstill as ps
import pytest

pytest.importorskip("stable_baselines3", reason="Stable-Baselines3 brings PyTorch; install it to run these")
from potstill.sb3 import VecEnv  # noqa: E402
from stable_baselines3 import DQN, PPO  # noqa: E402
from stable_baselines3.common.env_checker import check_env  # noqa: E402
from stable_baselines3.common.env_util import make_vec_env  # noqa: E402
from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402

IDS = sorted(id for id in gym.registry if id.startswith("potstill/"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", IDS)
def test_its_checker_passes(id):
    check_env(gym.make(id).unwrapped, warn=False)


@pytest.mark.parametrize("name", ["CartPole-v1", "Acrobot-v1", "MountainCar-v0"])
def test_it_steps_as_its_own_vector_environment(name):
    ours = VecEnv(name, 3, seed=7, max_episode_steps=30)
    theirs = make_vec_env(f"potstill/{name}", 3, seed=7, env_kwargs={"max_episode_steps": 30})
    assert (ours.reset() == theirs.reset()).all()
    rng = np.random.default_rng(0)
    for _ in range(100):
        actions = rng.integers(ours.action_space.n, size=3)
        one, other = ours.step(actions), theirs.step(actions)
        for part, expected in zip(one[:3], other[:3], strict=True):
            assert part.dtype == expected.dtype and (part == expected).all()
        for info, expected in zip(one[3], other[3], strict=True):
            assert ("terminal_observation" in info) == ("terminal_observation" in expected)
            if "terminal_observation" in info:
                assert (info["terminal_observation"] == expected["terminal_observation"]).all()
                assert info["TimeLimit.truncated"] == expected["TimeLimit.truncated"]
                assert (info["episode"]["r"], info["episode"]["l"]) == (expected["episode"]["r"], expected["episode"]["l"])


def test_its_algorithms_learn_on_it():
    PPO("MlpPolicy", VecEnv("CartPole-v1", 4), n_steps=32, batch_size=32, device="cpu").learn(256)
    DQN("MlpPolicy", VecEnv("FrozenLake-v1", 2), learning_starts=50, device="cpu").learn(200)
    PPO("MlpPolicy", VecEnv("Pendulum-v1", 2), n_steps=32, batch_size=32, device="cpu").learn(128)


def test_its_evaluation_plays_our_policies():
    model = ps.DQN("MlpPolicy", "CartPole-v1", preset="none", seed=1).learn(500)
    mean, _ = evaluate_policy(model, make_vec_env("CartPole-v1", 2), n_eval_episodes=4)
    alone, _ = evaluate_policy(model, gym.make("CartPole-v1"), n_eval_episodes=4, warn=False)
    assert mean >= 8 and alone >= 8


def test_copies_are_exact():
    env = VecEnv("CartPole-v1", 2, seed=3)
    env.reset()
    env.step(np.array([0, 1]))
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    for _ in range(30):
        expected = env.step(np.array([1, 0]))[0]
        assert all((each.step(np.array([1, 0]))[0] == expected).all() for each in copies)


def test_what_it_has_not_is_refused():
    with pytest.raises(ps.InputError, match="one_hot"):
        VecEnv("Blackjack-v1", 2)
    env = VecEnv("CartPole-v1", 2)
    with pytest.raises(ps.InputError, match="no attributes"):
        env.set_attr("gravity", 3)
    with pytest.raises(ps.InputError, match="no methods"):
        env.env_method("close")
