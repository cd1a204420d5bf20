"""The algorithms as classes: the parts of Stable-Baselines3's tests that speak of behaviour, against `potstill`.

| of Stable-Baselines3's tests | here |
|---|---|
| `test_run`, `test_identity` | every class learns; identity environments are solved |
| `test_save_load` | `save` and `load`, predictions before and after, wrong classes and files refused |
| `test_callbacks` | functions, lists and classes of callbacks; one that stops |
| `test_predict` | shapes and types of one observation and of many, of vector environments too |
| `test_deterministic` | two learners with one seed are equal |
| `test_spaces`, `test_vec_envs`, `test_env_checker` | `test_foreign.py`, `test_environments.py` |
| `test_logger`, `test_tensorboard` | `metrics`, and the folder of `tensorboard_log` |
| `test_cnn` | `test_images.py` |
| `test_custom_policy`, `test_dict_env`, `test_sde`, `test_distributions`, `test_buffers`, `test_gae`, `test_preprocessing` | of PyTorch's modules, or of parts that have no interface here; their mathematics is tested in Rust |
| `test_her`, `test_monitor`, `test_vec_normalize` | there is no such part: returns are recorded by every run, and normalisation is a setting |
"""

import copy
import inspect
import pickle

import gymnasium as gym
import numpy as np
import potstill as ps
import pytest
from gymnasium.spaces import Box, Discrete
from potstill import algorithms


class Identity(gym.Env):
    """The action that equals the observation is rewarded; episodes of 25 steps."""

    def __init__(self, space):
        self.observation_space = self.action_space = space

    def draw(self):
        if isinstance(self.action_space, Discrete):
            return int(self.np_random.integers(self.action_space.n))
        return self.np_random.uniform(-1, 1, 1).astype(np.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.state = 0, self.draw()
        return self.state, {}

    def step(self, action):
        if isinstance(self.action_space, Discrete):
            reward = float(action == self.state)
        else:
            reward = 1.0 - float(np.abs(action - self.state).max())
        self.t += 1
        self.state = self.draw()
        return self.state, reward, False, self.t >= 25, {}


NAMES = algorithms.__all__
SMALL = {"net_arch": "mlp:8", "learning_starts": 50, "batch_size": 32, "n_steps": 32, "eval_freq": 0}


def settings(name):
    """Small settings, as far as the algorithm has them."""
    parameters = inspect.signature(getattr(ps, name)).parameters
    return {key: value for key, value in SMALL.items() if key in parameters}


def test_there_is_a_class_for_every_algorithm():
    assert {"DQN", "PPO", "SAC", "QLearning", "SARSALambda", "ValueIteration", "NStepSARSA"} <= set(NAMES)
    assert set(NAMES) <= set(dir(ps))
    assert len({getattr(ps, name).name for name in NAMES}) == len(NAMES)
    for name in NAMES:
        cls = getattr(ps, name)
        assert issubclass(cls, ps.Algorithm) and cls.__doc__ and "Source:" in cls.__doc__


@pytest.mark.parametrize("name", ["DQN", "C51", "QRDQN", "IQN", "Rainbow", "A2C", "PPO", "REINFORCE", "ActorCritic"])
def test_it_learns_and_predicts(name):
    model = getattr(ps, name)("MlpPolicy", "CartPole-v1", preset="none", seed=1, **settings(name)).learn(256)
    observations = np.zeros((3, 4), dtype=np.float32)
    actions, state = model.predict(observations, deterministic=True)
    assert actions.shape == (3,) and actions.dtype == np.int64 and state is None
    action, _ = model.predict(observations[0])
    assert np.shape(action) == () and action in (0, 1)
    with pytest.raises(ps.InputError, match="shape"):
        model.predict(np.zeros(5))


@pytest.mark.parametrize("name", ["SAC", "TD3", "DDPG", "CrossQ", "PPO", "A2C"])
def test_it_learns_actions_in_a_box(name):
    model = getattr(ps, name)("MlpPolicy", "Pendulum-v1", preset="none", seed=1, **settings(name)).learn(128)
    actions, _ = model.predict(np.zeros((5, 3)), deterministic=True)
    assert actions.shape == (5, 1) and actions.dtype == np.float32 and (np.abs(actions) <= 2).all()


@pytest.mark.parametrize("name", ["QLearning", "SARSA", "ExpectedSARSA", "DoubleQLearning", "DynaQ", "MonteCarlo"])
def test_tables_need_no_policy(name):
    model = getattr(ps, name)("FrozenLake-v1", seed=1).learn(500)
    assert model.predict(0)[0] in range(4) and model.num_timesteps == 500


@pytest.mark.parametrize("make", [ps.QLearning, ps.SARSA, ps.ExpectedSARSA])
def test_identity_is_solved(make):
    space = Discrete(4)
    model = make(lambda: Identity(space), seed=3, gamma=0.0).learn(5_000)
    mean, deviation = ps.evaluate_policy(model, Identity(space), n_eval_episodes=10)
    assert mean == 25 and deviation == 0


def test_a_box_is_learned():
    keys = dict(n_steps=256, batch_size=64, learning_rate=3e-3, gamma=0.5, seed=0, net_arch="mlp:16")
    space = Box(-1, 1, (1,), np.float32)
    model = ps.PPO("MlpPolicy", lambda: Identity(space), **keys).learn(15_000)
    # Random actions have 8.3, perfect ones 25; five seeds were between 21 and 24.
    assert ps.evaluate_policy(model, Identity(space), 20)[0] > 18


def pole(**keys):
    return ps.DQN("MlpPolicy", "CartPole-v1", **{**settings("DQN"), "preset": "none", "seed": 4, **keys})


def test_what_is_saved_is_loaded_and_goes_on(tmp_path):
    observations = np.random.default_rng(0).normal(size=(50, 4))
    # Exploration that does not depend on the number of steps.
    keys = dict(learning_rate=1e-3, exploration_initial_eps=0.1, exploration_final_eps=0.1)
    model = pole(**keys).learn(600)
    model.save(tmp_path / "pole")
    loaded = ps.DQN.load(tmp_path / "pole")
    assert (loaded.predict(observations)[0] == model.predict(observations)[0]).all()
    assert loaded.num_timesteps == 600 and loaded.seed == 4
    for each in (model, loaded):
        each.learn(400)
    weights = [(each.run.out / "model.safetensors").read_bytes() for each in (model, loaded)]
    whole = pole(**keys).learn(1_000)
    assert weights[0] == weights[1] == (whole.run.out / "model.safetensors").read_bytes()


def test_a_run_outlives_its_learner():
    run = pole().learn(100).run
    assert run.predict(np.zeros(4))[0] in (0, 1)


def test_runs_are_copied(tmp_path):
    run = pole(out=tmp_path / "run").learn(100).run
    action = run.predict(np.zeros(4))[0]
    for other in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert other.predict(np.zeros(4))[0] == action and other.summary == run.summary


def test_a_vector_or_no_policy_is_not_evaluated():
    with pytest.raises(ps.InputError, match="one environment"):
        ps.evaluate_policy(pole(), gym.make_vec("CartPole-v1", num_envs=2))
    with pytest.raises(ps.InputError, match="no method `predict`"):
        ps.evaluate_policy(3, "gym:CartPole-v1")


def test_steps_are_counted_without_records():
    def stop(record):
        raise KeyboardInterrupt

    model = pole(checkpoint_freq=50)
    with pytest.raises(KeyboardInterrupt):
        model.learn(400, callback=stop)
    done = model.num_timesteps
    # It acts with the weights that it has.
    assert 0 < done < 400 and model.predict(np.zeros((3, 4)))[0].shape == (3,)
    assert model.learn(100).num_timesteps == done + 100
    finished = [model.predict(row)[0] for row in np.eye(4)]

    # And so does one that had finished, went on, and was stopped.
    with pytest.raises(KeyboardInterrupt):
        model.learn(4_000, callback=lambda record: stop(record) if record["step"] > 2_000 else None)
    assert model.num_timesteps > 2_000
    changed = _weights(model.run.out / "policy_so_far.safetensors") != _weights(model.run.out / "model.safetensors")
    assert changed and len(finished) == 4
    now = model.num_timesteps
    assert model.learn(100).num_timesteps == now + 100
    assert not (model.run.out / "policy_so_far.safetensors").exists()


def _weights(file):
    return file.read_bytes()[8:]


class Negated(gym.RewardWrapper):
    """Another environment than the one inside."""

    def reward(self, reward):
        return -reward


def test_a_run_goes_on_in_its_own_environment_and_refuses_another(tmp_path):
    native = ps.DQN("MlpPolicy", "CartPole-v1", net_arch="mlp:8", eval_freq=0, out=tmp_path / "native").learn(300)
    for same in ("CartPole-v1", gym.make("CartPole-v1"), gym.make("potstill/CartPole-v1")):
        loaded = ps.DQN.load(native.run.out, env=same)
        assert loaded.predict(np.zeros(4))[0].shape == ()
        assert ps.evaluate(native.run, episodes=2, env=same)["episodes"] == 2
    assert loaded.learn(100).num_timesteps == 400
    others = (Negated(gym.make("CartPole-v1")), gym.make("CartPole-v1", sutton_barto_reward=True), lambda: None)
    for other in (*others, "gym:CartPole-v1", "MountainCar-v0"):
        for again in (
            lambda: ps.DQN.load(native.run.out, env=other),
            lambda: ps.resume(native.run, steps=500, env=other),
            lambda: ps.evaluate(native.run, env=other),
        ):
            with pytest.raises(ps.InputError, match="the run learned in CartPole-v1, and goes on there"):
                again()
    own = ps.DQN("MlpPolicy", Negated(gym.make("CartPole-v1")), net_arch="mlp:8", out=tmp_path / "own").learn(200)
    with pytest.raises(ps.InputError, match="the run learned in an environment of a program"):
        ps.DQN.load(own.run.out, env="CartPole-v1")


def test_a_student_is_taught_in_the_environment_of_its_teacher(tmp_path):
    small = dict(rounds=1, transfer_states=200, student="mlp:4")
    env = gym.make("CartPole-v1")
    teacher = ps.DQN("MlpPolicy", env, net_arch="mlp:8", eval_freq=0).learn(300)
    for given in (env, lambda: gym.make("CartPole-v1")):
        assert ps.distill(teacher, env=given, out=tmp_path / f"student-{callable(given)}", **small).summary["parameters"]


def test_numbered_states_are_the_observations_of_a_policy_with_one_hot():
    model = ps.DQN("MlpPolicy", gym.make("FrozenLake-v1"), one_hot=True, net_arch="mlp:8").learn(200)
    assert model.predict(3)[0].shape == () and model.predict(np.arange(16))[0].shape == (16,)
    assert (model.predict(np.eye(16))[0] == model.predict(np.arange(16))[0]).all()
    assert 0 <= ps.evaluate_policy(model, gym.make("FrozenLake-v1"), n_eval_episodes=3)[0] <= 1
    with pytest.raises(ps.InputError, match="is not one of the 16 states"):
        model.predict(16)


def test_a_wrong_file_is_refused(tmp_path):
    pole().learn(100).save(tmp_path / "pole")
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04N.")
    for path, text in [("model.zip", "Stable-Baselines3"), ("model.pkl", "is a file"), ("nothing", "nothing")]:
        with pytest.raises(ps.InputError, match=text):
            ps.DQN.load(tmp_path / path)
    with pytest.raises(ps.InputError, match="a run of dqn, not of ppo"):
        ps.PPO.load(tmp_path / "pole")
    with pytest.raises(ps.InputError, match="exists"):
        pole().learn(100).save(tmp_path / "pole")
    with pytest.raises(ps.InputError, match="settings of"):
        ps.DQN.load(tmp_path / "pole", gamma=0.9)


def test_one_seed_gives_one_learner():
    first, second = (pole(learning_rate=1e-3).learn(300) for _ in range(2))
    other = pole(learning_rate=1e-3, seed=5).learn(300)
    weights = [(model.run.out / "model.safetensors").read_bytes() for model in (first, second, other)]
    assert weights[0] == weights[1] != weights[2]


def test_callbacks_see_records_and_may_stop(capsys):
    class Counts(ps.Callback):
        calls = ()

        def on_training_start(self):
            assert isinstance(self.model, ps.DQN)
            self.calls += ("start",)

        def on_record(self, record):
            assert record["step"] > 0
            self.calls += ("record",)

        def on_training_end(self):
            self.calls += ("end",)

    counts, seen = Counts(), []
    model = pole(verbose=1).learn(400, callback=[counts, seen.append])
    assert counts.calls[0] == "start" and counts.calls[-1] == "end" and counts.calls.count("record") == len(seen) > 2
    assert "rollout/ep_rew_mean" in capsys.readouterr().out
    model = pole(eval_freq=100).learn(5_000, callback=ps.StopAt(1.0))
    assert model.num_timesteps < 5_000
    before = model.num_timesteps
    # It has its results, the policy with the evaluation that was enough.
    assert model.run.summary["ended_early"] and model.run.summary["best_return"] >= 1
    assert model.evaluate(5)["mean_return"] >= 1 and ps.distill(model, student="mlp:4", rounds=1, transfer_states=100)
    assert model.learn(200).num_timesteps == before + 200
    assert "ended_early" not in model.run.summary
    with pytest.raises(ps.InputError, match="neither a potstill.Callback nor a function"):
        pole().learn(100, callback=3)


def test_settings_have_stable_baselines_values():
    def config(model):
        model.learn(64)
        import tomllib

        return tomllib.loads((model.run.out / "config.toml").read_text())

    kwargs = dict(net_arch=[16, 8], activation_fn="Tanh")
    found = config(
        ps.DQN("MlpPolicy", "CartPole-v1", policy_kwargs=kwargs, learning_rate=lambda rest: 1e-3 * rest,
               train_freq=(2, "step"), gradient_steps=-1, preset="none", device="cpu")
    )
    assert found["net_arch"] == "mlp:16,8:tanh" and found["learning_rate"] == "linear:0.001:0:run"
    assert (found["train_freq"], found["gradient_steps"]) == (2, 0)
    found = config(ps.TD3("MlpPolicy", "Pendulum-v1", train_freq=(1, "episode"), preset="none"))
    assert (found["train_freq"], found["train_freq_unit"]) == (1, "episode")
    assert config(ps.DQN("MlpPolicy", "CartPole-v1", gamma=0.9))["batch_size"] == 64


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ps.DQN("LstmPolicy", "CartPole-v1"), "policy: write one of"),
        (lambda: ps.DQN("MlpPolicy", "CartPole-v1", device="cuda"), "device='cuda'"),
        (lambda: ps.DQN("MlpPolicy", "CartPole-v1", policy_kwargs={"netarch": [8]}), "did you mean 'net_arch'"),
        (lambda: ps.DQN("MlpPolicy", "CartPole-v1", learning_rate=lambda rest: rest * rest), "must be linear"),
        (lambda: ps.DQN("MlpPolicy", "CartPole-v1", learning_rate=lambda rest: 3 * rest**2 - 2 * rest**3), "must be linear"),
        (lambda: ps.DQN("MlpPolicy", "CartPole-v1", gamma=3).learn(10), "gamma"),
        (lambda: ps.DQN("MlpPolicy").learn(10), "has no environment"),
        (lambda: ps.DQN("MlpPolicy", "CartPole-v7"), "CartPole-v7"),
        (lambda: ps.SAC("MlpPolicy", "CartPole-v1").learn(10), "sac"),
    ],
)
def test_a_wrong_argument_is_refused(make, text):
    with pytest.raises(ps.InputError, match=text):
        make().learn(10)


def test_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="lerning_rate"):
        ps.DQN("MlpPolicy", "CartPole-v1", lerning_rate=1)


def test_before_learning_there_is_nothing_to_predict_with():
    with pytest.raises(ps.RunError, match="call learn"):
        pole().predict(np.zeros(4))


def test_the_folder_of_tensorboard_has_the_runs(tmp_path):
    for i in (1, 2):
        pole(tensorboard_log=tmp_path).learn(100)
        assert list((tmp_path / f"DQN_{i}").glob("events.out.tfevents.*"))


def test_exports_and_evaluations_are_those_of_the_run(tmp_path):
    model = pole().learn(200)
    assert model.export(tmp_path / "pole.onnx").is_file()
    assert model.evaluate(5)["episodes"] == ps.evaluate(model, episodes=5)["episodes"] == 5
    student = ps.distill(model, student="mlp:4", transfer_states=200, gradient_steps=20, out=tmp_path / "student")
    assert student.predict(np.zeros(4))[0] in (0, 1)
    with pytest.raises(ps.InputError, match="neither a run nor"):
        ps.evaluate(3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ps.DQN("MlpPolicy", "CartPole-v1", gamma=1.5), "`gamma`: must be"),
        (lambda: ps.PPO("MlpPolicy", "CartPole-v1", n_epochs=0), "`n_epochs`: must be"),
        (lambda: ps.PPO("MlpPolicy", "CartPole-v1", policy_kwargs={"net_arch": "mlp:x"}), "`net_arch`: "),
        (lambda: ps.QLearning("TablePolicy", "CliffWalking-v1", seed=-1), "`seed`: "),
        (
            lambda: ps.DQN("MlpPolicy", "CartPole-v1", train_freq=(1, "episode")),
            "train_freq=(1, 'episode'): dqn learns after so many steps; write their number",
        ),
        (
            lambda: ps.QLearning("TablePolicy", gym.make_vec("CliffWalking-v1", num_envs=2)),
            "env: q-learning learns in one environment, and this is a vector of 2",
        ),
        (
            lambda: ps.train("sarsa", env=gym.make_vec("CliffWalking-v1", num_envs=3), episodes=1),
            "env: sarsa learns in one environment, and this is a vector of 3",
        ),
    ],
)
def test_settings_are_checked_when_a_learner_is_made(make, text):
    with pytest.raises(ps.InputError) as caught:
        make()
    assert text in str(caught.value)


def test_a_sweep_and_frequencies_of_episodes_are_no_wrong_settings():
    ps.DQN("MlpPolicy", "CartPole-v1", learning_rate=[1e-3, 1e-4])
    ps.TD3("MlpPolicy", "Pendulum-v1", train_freq=(1, "episode"))


def test_an_environment_of_other_spaces_is_refused_by_load(tmp_path):
    ps.QLearning("TablePolicy", "CliffWalking-v1").learn(200).save(tmp_path / "cliff")
    with pytest.raises(ps.InputError, match="the run learned in CliffWalking-v1, and goes on there"):
        ps.QLearning.load(tmp_path / "cliff", env="FrozenLake-v1")
    assert ps.QLearning.load(tmp_path / "cliff", env="CliffWalking-v1").learn(100).num_timesteps == 300
