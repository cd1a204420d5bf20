"""The adapter for Stable-Baselines3, against its own checks and its own vector environments."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import potstill as ps
import pytest

pytest.importorskip("stable_baselines3", reason="Stable-Baselines3 brings PyTorch; install it to run these")
from potstill.sb3 import VecEnv, teacher  # noqa: E402
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3  # noqa: E402
from stable_baselines3.common.env_checker import check_env  # noqa: E402
from stable_baselines3.common.env_util import make_vec_env  # noqa: E402
from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402
from stable_baselines3.common.vec_env import VecNormalize  # noqa: E402

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


def scrambled(model):
    """A model whose weights, biases and deviations are all far from where they begin."""
    import torch

    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.copy_(0.4 * torch.randn_like(parameter))
    return model


def agrees(model, run, observations):
    expected, _ = model.predict(observations, deterministic=True)
    found, _ = run.predict(observations)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    if found.dtype == np.int64:
        # A sample may have two values that differ by a rounding.
        assert (found != expected).mean() < 0.01
    else:
        assert np.abs(found - expected).max() <= 1e-5


POLICIES = [
    (DQN, "CartPole-v1", {}),
    (DQN, "CartPole-v1", dict(policy_kwargs=dict(net_arch=[8]))),
    (PPO, "CartPole-v1", {}),
    (PPO, "CartPole-v1", dict(policy_kwargs=dict(net_arch=[]))),
    (A2C, "CartPole-v1", dict(policy_kwargs=dict(net_arch=dict(pi=[24], vf=[8, 8])))),
    (PPO, "Pendulum-v1", {}),
    (A2C, "Pendulum-v1", dict(use_sde=True)),
    (SAC, "Pendulum-v1", dict(policy_kwargs=dict(net_arch=[24, 16]))),
    (TD3, "Pendulum-v1", dict(policy_kwargs=dict(net_arch=[24, 16]))),
    (DDPG, "Pendulum-v1", dict(policy_kwargs=dict(net_arch=[24, 16]))),
]


@pytest.mark.parametrize(("algorithm", "env", "keys"), POLICIES)
def test_its_policies_are_runs_with_the_same_actions(tmp_path, algorithm, env, keys):
    model = scrambled(algorithm("MlpPolicy", gym.make(env), device="cpu", seed=1, **keys))
    run = teacher(model, out=tmp_path / "run")
    assert run.summary["env"] == env and run.summary["source"].startswith("Stable-Baselines3 ")
    rng = np.random.default_rng(0)
    agrees(model, run, rng.normal(0, 1, (1000, *model.observation_space.shape)).astype(np.float32))
    # Everything takes it, also from the folder.
    assert ps.evaluate(ps.load(run.out), episodes=2)["episodes"] == 2
    assert ps.export(run, tmp_path / "policy.onnx").is_file()


@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "GELU", "SiLU"])
def test_its_activations_are_taken_over(activation):
    import torch

    kwargs = dict(net_arch=[16, 8], activation_fn=getattr(torch.nn, activation))
    model = scrambled(PPO("MlpPolicy", gym.make("Pendulum-v1"), device="cpu", policy_kwargs=kwargs))
    agrees(model, teacher(model), np.random.default_rng(0).normal(0, 1, (500, 3)).astype(np.float32))


def test_a_student_learns_from_its_model(tmp_path):
    model = scrambled(PPO("MlpPolicy", gym.make("CartPole-v1"), device="cpu", seed=1))
    student = ps.distill(model, student="mlp:8", rounds=2, transfer_states=500, gradient_steps=200, out=tmp_path / "student")
    assert student.summary["env"] == "CartPole-v1" and 0 <= student.summary["agreement"] <= 1
    with pytest.raises(ps.InputError, match=r"PPO\.load\(path\)"):
        ps.distill("model.zip", student="mlp:8")


def test_the_statistics_of_vec_normalize_are_taken_into_the_weights():
    envs = VecNormalize(make_vec_env("Pendulum-v1", 2, seed=1), clip_obs=1e6)
    model = PPO("MlpPolicy", envs, n_steps=64, batch_size=64, device="cpu", seed=1).learn(512)
    raw = np.random.default_rng(0).normal(0, 1, (500, 3)).astype(np.float32)
    expected, _ = model.predict(envs.normalize_obs(raw), deterministic=True)
    found, _ = teacher(model, "Pendulum-v1", vec_normalize=envs).predict(raw)
    assert np.abs(found - expected).max() <= 1e-5
    with pytest.raises(ps.InputError, match="vec_normalize="):
        teacher(model, "Pendulum-v1")
    small = dict(student="mlp:4", rounds=1, transfer_states=100, gradient_steps=10)
    assert ps.distill(model, env="Pendulum-v1", vec_normalize=envs, **small).summary["env"] == "Pendulum-v1"


def test_policies_of_another_kind_are_refused():
    import torch

    def check(text, model, *arguments):
        with pytest.raises(ps.InputError) as caught:
            teacher(model, *arguments)
        assert text in str(caught.value) and "\n" not in str(caught.value)

    lake = gym.make("FrozenLake-v1")
    check("its observations are Discrete(16)", DQN("MlpPolicy", lake, device="cpu"))
    pole = gym.make("CartPole-v1")
    check("it maps 4 to 2, but Acrobot-v1 has", PPO("MlpPolicy", pole, device="cpu"), "Acrobot-v1")
    leaky = dict(activation_fn=torch.nn.LeakyReLU)
    check("its layers are Linear, LeakyReLU", PPO("MlpPolicy", pole, device="cpu", policy_kwargs=leaky))
    noisy = SAC("MlpPolicy", gym.make("Pendulum-v1"), use_sde=True, device="cpu")
    check("its layers are Linear, ReLU, Linear, ReLU, Linear, Hardtanh", noisy)
    check("float is none of DQN", 1.0)
