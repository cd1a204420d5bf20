"""Images of environments of Python: their spaces, stacks, networks, and Atari's games where they are installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import potstill as ps
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from potstill import _foreign, _native

ROOT = Path(__file__).parents[2]


def images(*shape, high=255, dtype=np.uint8):
    return Box(0, high, shape, dtype)


class Lamp(gym.Env):
    """A lamp on the left or on the right half of an image; the action on its side is rewarded. Episodes of 20 steps."""

    action_space = Discrete(2)

    def __init__(self, shape=(12, 10), change=None):
        self.observation_space, self.change = images(*shape), change
        self.closed = False

    def see(self):
        self.side = int(self.np_random.integers(2))
        shape = self.observation_space.shape
        rows = 0 if len(shape) == 2 or shape[2] <= 4 else 1
        image = np.zeros(shape, dtype=np.uint8)
        half = shape[rows + 1] // 2
        place = [slice(None)] * len(shape)
        place[rows + 1] = slice(half * self.side, half * (self.side + 1))
        image[tuple(place)] = 200
        return image if self.change is None else self.change(image)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.see(), {}

    def step(self, action):
        self.t += 1
        reward = float(action == self.side)
        return self.see(), reward, False, self.t >= 20, {}

    def close(self):
        self.closed = True


def score(run):
    """The mean return of a run's policy."""
    return ps.evaluate(run, episodes=20)["mean_return"]


SHORT = dict(steps=600, learning_starts=100, net_arch="cnn:4x3,8", eval_freq=0, preset="none", threads=1)
LEARNS = dict(learning_rate=1e-3, gamma=0.0, train_freq=1, target_update_interval=100)


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (images(84, 80), ("Image", [1, 84, 80, 1])),
        (images(84, 80, 3), ("Image", [1, 84, 80, 3])),
        # Channels first are frames of one channel: alike in memory.
        (images(3, 84, 80), ("Image", [3, 84, 80, 1])),
        (images(4, 84, 80, 1), ("Image", [4, 84, 80, 1])),
        (images(4, 3, 84, 80), ("Image", [12, 84, 80, 1])),
        (images(128), "Box"),
        (images(84, 80, 3, high=7), "Box"),
        (images(84, 80, 3, dtype=np.float32), "Box"),
    ],
)
def test_images_are_bytes_in_two_to_four_axes(space, expected):
    env = Lamp()
    env.observation_space = space
    found = _foreign.spaces(env)[0]
    assert (found[0] if expected == "Box" else found) == expected


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3), (3, 12, 10)])
@pytest.mark.parametrize("algorithm", ["dqn", "ppo"])
def test_a_policy_is_learned_of_images(tmp_path, algorithm, shape):
    keys = dict(SHORT, **LEARNS) if algorithm == "dqn" else dict(
        steps=2_048, net_arch="cnn:4x3,8:tanh", eval_freq=0, preset="none", threads=1, gamma=0.0, n_steps=128,
        batch_size=64, learning_rate=1e-3,
    )
    run = ps.train(algorithm, env=lambda: Lamp(shape), out=tmp_path / "run", **keys)
    # A perfect policy has 20, random actions 10; three seeds had 20.
    assert score(run) > 18
    env = Lamp(shape)
    image, _ = env.reset(seed=3)
    assert run.predict(image)[0] == env.side
    actions, _ = run.predict(np.stack([image, image]))
    assert actions.tolist() == [env.side] * 2


def parameters(run):
    """The tensors of a model by name."""
    import json

    data = (Path(run.out) / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return header.pop("__metadata__"), {
        name: np.frombuffer(data[start + about["data_offsets"][0] : start + about["data_offsets"][1]], "<f4").reshape(
            about["shape"]
        )
        for name, about in header.items()
    }


def test_the_network_divides_bytes_by_255_and_has_pytorchs_layout(tmp_path):
    """The outputs of the model by hand: a convolution of the image / 255 in PyTorch's layout."""
    run = ps.train("dqn", env=lambda: Lamp((5, 6, 3)), out=tmp_path / "run", **dict(SHORT, steps=200))
    metadata, tensors = parameters(run)
    assert "divide=255" in str(metadata)
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    x = image.transpose(2, 0, 1).astype(np.float64) / 255
    names = sorted(name.split(".")[0] for name in tensors if name.endswith("weight"))
    kernel, bias = tensors[f"{names[0]}.weight"], tensors[f"{names[0]}.bias"]
    assert kernel.shape == (4, 3, 3, 3)
    hidden = np.array(
        [
            [[(x[:, i : i + 3, j : j + 3] * kernel[c]).sum() + bias[c] for j in range(4)] for i in range(3)]
            for c in range(4)
        ]
    )
    features = np.maximum(hidden, 0).ravel()
    features = np.maximum(tensors[f"{names[1]}.weight"] @ features + tensors[f"{names[1]}.bias"], 0)
    values = tensors[f"{names[2]}.weight"] @ features + tensors[f"{names[2]}.bias"]
    assert abs(values[0] - values[1]) > 1e-4 and run.predict(image)[0] == values.argmax()


class Motion(Lamp):
    """The action is rewarded that tells if the lamp has changed its side."""

    def see(self):
        before = getattr(self, "side", 0)
        image = super().see()
        self.side, self.true_side = int(self.side != before), self.side
        return image

    def step(self, action):
        rewarded = self.side
        self.side = self.true_side
        observation, _, terminated, truncated, info = super().step(action)
        return observation, float(action == rewarded), terminated, truncated, info


def test_stacked_frames_are_kept_once_and_predicted_with_a_state(tmp_path):
    keys = {name: value for name, value in SHORT.items() if name != "steps"}
    model = ps.DQN("CnnPolicy", Motion, frame_stack=2, **keys, **LEARNS).learn(2_000)
    assert ":frame_stack=2" in (model.run.out / "config.toml").read_text()
    # A single image does not tell; of frames with their state a perfect policy has 20, but for the first step.
    mean, _ = ps.evaluate_policy(model, Motion(), n_eval_episodes=20)
    assert mean > 17
    env = Motion()
    frames = np.stack([env.reset(seed=1)[0], env.step(0)[0]])
    _, state = model.predict(frames[0])
    action, state = model.predict(frames[1], state=state)
    assert state.shape == (1, 2, 12, 10) and (state[0] == frames).all()
    assert action == model.predict(frames[None])[0][0]
    # An episode that begins forgets the frames before.
    _, state = model.predict(frames[:1], state=state, episode_start=np.array([True]))
    assert (state[0] == frames[0]).all()
    with pytest.raises(ps.InputError, match="state: the shape"):
        model.predict(frames[1], state=state[:, :1])


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path):
    keys = dict(SHORT, frame_stack=3)
    whole = ps.train("dqn", env=Lamp, out=tmp_path / "whole", **keys)
    stopped = ps.train("dqn", env=Lamp, out=tmp_path / "run", callback=lambda record: record["step"] < 310, **keys)
    assert stopped.summary["ended_early"] and stopped.summary["steps"] < 600
    resumed = ps.resume(stopped, env=Lamp)
    models = [(run.out / "model.safetensors").read_bytes() for run in (whole, resumed)]
    assert models[0] == models[1]


def test_actions_may_be_a_box(tmp_path):
    class Slide(Lamp):
        action_space = Box(-1, 1, (1,), np.float32)

        def step(self, action):
            return super().step(int(action[0] > 0))

    keys = dict(steps=256, n_steps=64, batch_size=32, net_arch="cnn:4x3,8", eval_freq=0, preset="none")
    run = ps.train("ppo", env=Slide, out=tmp_path / "run", **keys)
    assert run.predict(Slide().reset(seed=0)[0])[0].shape == (1,)
    with pytest.raises(ps.InputError, match="ppo and a2c learn from those"):
        ps.train("sac", env=Slide, steps=100, out=tmp_path / "sac")


def test_a_student_has_its_teachers_scale(tmp_path):
    teacher = ps.train("dqn", env=Lamp, out=tmp_path / "teacher", **dict(SHORT, steps=1_000), **LEARNS)
    student = ps.distill(teacher, student="cnn:2x3,4", out=tmp_path / "student", transfer_states=400, gradient_steps=300)
    assert "divide=255" in str(parameters(student)[0]) and score(student) > 17


@pytest.mark.parametrize("name", ["DQN", "A2C", "PPO"])
def test_cnn_policy_is_the_network_of_nature(name):
    model = getattr(ps, name)("CnnPolicy", lambda: Lamp((36, 40)), preset="none", eval_freq=0)
    assert model._keys["net_arch"] == "cnn:32x8s4,64x4s2,64x3,512"
    assert model._keys.get("shared_trunk") is (None if name == "DQN" else True)
    deeper = getattr(ps, name)("CnnPolicy", policy_kwargs={"net_arch": [64], "activation_fn": "Tanh"})
    assert deeper._keys["net_arch"] == "cnn:32x8s4,64x4s2,64x3,512,64:tanh"
    small = getattr(ps, name)("CnnPolicy", lambda: Lamp((35, 40)), preset="none")
    with pytest.raises(ps.InputError, match=r"need 36 x 36 points at least, the image has 35 x 40.*cnn:16x3,128"):
        small.learn(100)
    with pytest.raises(ps.InputError, match="features have mlp"):
        getattr(ps, name)("CnnPolicy", "CartPole-v1", preset="none").learn(100)


def changed(change):
    return lambda: Lamp(change=change)


@pytest.mark.parametrize(
    ("env", "text"),
    [
        (changed(lambda image: image.T), r"the shape \[10, 12\]; the observation space has \[12, 10\]"),
        (changed(lambda image: image / 255), "an observation has float64; the observation space has uint8"),
        (changed(lambda image: image.astype(int) - 1), "numbers from -1 to 199; the observation space has uint8"),
        (changed(lambda image: "sea"), "the shape"),
    ],
)
def test_a_wrong_image_is_refused(tmp_path, env, text):
    with pytest.raises(ps.RunError, match=text):
        ps.train("dqn", env=env, out=tmp_path / "run", **SHORT)


def test_the_order_in_memory_does_not_matter(tmp_path):
    runs = [
        ps.train("dqn", env=changed(change), out=tmp_path / str(i), **SHORT)
        for i, change in enumerate([None, np.asfortranarray, lambda image: image.astype(np.int16), list])
    ]
    assert len({(run.out / "model.safetensors").read_bytes() for run in runs}) == 1


class Masked(Lamp):
    def reset(self, seed=None, options=None):
        return super().reset(seed=seed)[0], {"action_mask": np.ones(2, dtype=np.int8)}


class Masking(Lamp):
    def action_masks(self):
        return [True, True]


class Mixed(Lamp):
    def __init__(self):
        super().__init__()
        self.observation_space = Dict({"image": images(8, 8), "action_mask": images(2)})


@pytest.mark.parametrize(
    ("env", "error", "text"),
    [
        (Mixed, ps.InputError, "with a mask of actions; no algorithm here has masks"),
        (Masking, ps.InputError, "it masks actions, by its method `action_masks`"),
        (Masked, ps.RunError, r'it masks actions, by info\["action_mask"\]'),
    ],
)
def test_masks_of_actions_are_refused(tmp_path, env, error, text):
    with pytest.raises(error, match=text):
        ps.train("dqn", env=env, out=tmp_path / "run", **SHORT)


def test_environments_that_were_made_are_closed_and_the_users_is_not(tmp_path):
    made = []

    def make():
        made.append(Lamp())
        return made[-1]

    keys = dict(SHORT, eval_freq=300, eval_episodes=2)
    ps.train("dqn", env=make, out=tmp_path / "whole", **keys)
    assert len(made) > 2 and all(env.closed for env in made)
    made.clear()
    ps.train("dqn", env=make, out=tmp_path / "stopped", callback=lambda record: False, **keys)
    assert made and all(env.closed for env in made)
    made.clear()

    def fails():
        env = make()
        env.step = lambda action: 1 / 0
        return env

    with pytest.raises(ZeroDivisionError):
        ps.train("dqn", env=fails, out=tmp_path / "failed", **keys)
    assert made and all(env.closed for env in made)
    env = Lamp()
    ps.train("dqn", env=env, out=tmp_path / "users", **keys)
    assert not env.closed


class Own:
    """An environment with a generator that nobody else sees, and no base class."""

    observation_space, action_space = Box(0, 1, (1,), np.float64), Discrete(2)

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self.t = 0
        return self.generator.uniform(size=1), {}

    def step(self, action):
        self.t += 1
        x = self.generator.uniform(size=1)
        return x, float(x[0]), False, self.t >= 30, {}


@pytest.mark.filterwarnings("error")
def test_an_episode_is_repeated_by_its_seed_where_no_generator_is_seen(tmp_path):
    keys = dict(SHORT, net_arch="mlp:8")
    whole = ps.train("dqn", env=Own, out=tmp_path / "whole", **keys)
    # In the middle of the eleventh episode: beginning with that of the first seed would not repeat it.
    stopped = ps.train("dqn", env=Own, out=tmp_path / "run", callback=lambda record: record["step"] < 310, **keys)
    resumed = ps.resume(stopped)
    models = [(run.out / "model.safetensors").read_bytes() for run in (whole, resumed)]
    assert models[0] == models[1]


def test_options_of_an_environment_may_change_its_form(tmp_path):
    gym.register("Lamp-v0", entry_point=Lamp)
    for shape in [(12, 10), (9, 8, 3)]:
        word = f"gym:Lamp-v0:shape=\"{','.join(map(str, shape))}\""
        run = ps.train("dqn", env=word, frame_stack=2, out=tmp_path / f"{len(shape)}", **SHORT)
        _, state = run.predict(np.zeros(shape, dtype=np.uint8))
        assert state.shape == (1, 2, *shape)


def test_wrappers_are_named_in_the_id(tmp_path):
    gym.register("Lamp-v1", entry_point=Lamp, max_episode_steps=8)
    wrapped = _foreign.factory("Lamp-v1", {"wrappers": "gymnasium.wrappers.MaxAndSkipObservation(skip=2)", "shape": "(6, 6)"})()
    assert type(wrapped).__name__ == "MaxAndSkipObservation" and wrapped.observation_space.shape == (6, 6)
    two = _foreign.factory("CartPole-v1", {"wrappers": "gymnasium.wrappers.ClipReward(0, 0.5), gymnasium.wrappers.Autoreset"})()
    assert [type(env).__name__ for env in (two, two.env)] == ["Autoreset", "ClipReward"]
    for text, reason in [
        ("AtariPreprocessing", "has no module"),
        ("gymnasium.wrappers.Nothing", "has no attribute 'Nothing'"),
        ("nothing.Wrapper", "No module named 'nothing'"),
        ("gymnasium.wrappers.Autoreset(", "write module.Name"),
        ("gymnasium.wrappers.Autoreset(print())", "write module.Name"),
        ("3", "has no module"),
    ]:
        with pytest.raises(ps.InputError, match=f"wrappers=.*{reason}"):
            ps.train("dqn", env=f'gym:Lamp-v1:wrappers="{text}"', steps=100, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_general_options_are_those_of_the_signatures():
    import inspect

    names = _native.general_options()
    assert {"frame_stack", "clip_reward"} <= set(names)
    assert set(names) <= set(inspect.signature(ps.DQN).parameters)
    assert _native.with_options("CartPole-v1", [("frame_stack", "2")]) == "CartPole-v1:frame_stack=2"
    assert _native.with_options("gym:a:B-v0:x=1", [("bins", "2"), ("one_hot", "true")]) == "gym:a:B-v0:x=1,bins=2,one_hot=true"
    assert _native.with_options("gym:a:B-v0", []) == "gym:a:B-v0"


ATARI = ROOT / "python/examples/atari.py"


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("ale_py", "cv2")),
    reason="ale-py (GPL-2, an example only) and OpenCV are not installed: pip install ale-py opencv-python-headless",
)
def test_a_game_of_atari_is_learned_resumed_and_kept_in_bytes(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ATARI), "--frames", "4000", "--out", str(tmp_path / "pong")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "the same bits" in done.stdout and "bytes a stored frame" in done.stdout
