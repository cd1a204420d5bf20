"""The command without Python in it, on Gymnasium's environments: `potstill train ALGO --env gym:ID`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = os.environ.get("POTSTILL_COMMAND")
pytestmark = pytest.mark.skipif(not COMMAND, reason="POTSTILL_COMMAND does not name the command")

# An environment of a package that is not installed: rewards the action on the side of what is seen.
PACKAGE = '''
import os, pathlib, sys
import gymnasium, numpy
from gymnasium.spaces import Box, Discrete

class Sides(gymnasium.Env):
    observation_space, action_space = Box(-1, 1, (1,), numpy.float32), Discrete(2)
    steps = 0

    def __init__(self, dies_at=0, marker=""):
        self.dies_at, self.marker = dies_at, marker

    def see(self):
        self.x = self.np_random.uniform(-1, 1)
        return numpy.array([self.x], dtype=numpy.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        print("this goes to the error stream")
        return self.see(), {}

    def step(self, action):
        Sides.steps += 1
        if Sides.steps == self.dies_at and not os.path.exists(self.marker):
            pathlib.Path(self.marker).write_text("")
            os._exit(3) if self.marker.endswith("dead") else 1 / 0
        return self.see(), float(action == (self.x > 0)), False, False, {}

gymnasium.register("Sides-v0", entry_point=Sides, max_episode_steps=20)
'''


@pytest.fixture
def run(tmp_path):
    (tmp_path / "sides.py").write_text(PACKAGE)
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "POTSTILL_PYTHON": sys.executable}

    def run(*arguments, **others):
        words = [str(argument) for argument in arguments]
        return subprocess.run([COMMAND, *words], capture_output=True, text=True, cwd=tmp_path, env={**env, **others})

    return run


def test_it_has_the_bits_of_the_native_environment(run, tmp_path):
    for name, env in [("native", "FrozenLake-v1"), ("foreign", "gym:FrozenLake-v1")]:
        done = run("train", "q-learning", "--env", env, "--steps", 2_000, "--out", name, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["env"] == env
    logs = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("native", "foreign")]
    assert logs[0] == logs[1]
    done = run("eval", "foreign", "--episodes", 20, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["episodes"] == 20


SHORT = ["train", "dqn", "--steps", 1_000, "--learning-starts", 100, "--net-arch", "mlp:8", "--eval-freq", 0]


@pytest.mark.parametrize(
    ("marker", "text"),
    [("dead", "the Python process of the environment has ended (exit status: 3)"), ("error", "ZeroDivisionError")],
)
def test_a_process_that_dies_is_reported_and_the_run_goes_on_exactly(run, tmp_path, marker, text):
    whole = run(*SHORT, "--env", "gym:sides:Sides-v0", "--out", "whole")
    assert whole.returncode == 0 and "this goes to the error stream" in whole.stderr
    env = f"gym:sides:Sides-v0:dies_at=500,marker={tmp_path / marker}"
    failed = run(*SHORT, "--env", env, "--out", "failed")
    assert failed.returncode == 1 and text in failed.stderr.splitlines()[-1] + failed.stderr
    resumed = run("resume", "failed")
    assert resumed.returncode == 0, resumed.stderr
    logs = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("whole", "failed")]
    assert logs[0] == logs[1]


@pytest.mark.parametrize(
    ("env", "others", "text"),
    [
        ("gym:CartPole-v9", {}, "gym:CartPole-v9: Gymnasium: Environment version `v9`"),
        ("gym:nothing:Nothing-v0", {}, "No module named 'nothing'"),
        ("gym:CartPole-v1:gravity=3", {}, "unexpected keyword argument 'gravity'"),
        ("gym:CartPole-v1", {"POTSTILL_PYTHON": "no-such-python"}, "no-such-python cannot be started"),
        ("python:Own.1", {}, "an environment of a Python program"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_line(run, tmp_path, env, others, text):
    done = run("train", "dqn", "--env", env, "--steps", 100, "--out", "run", **others)
    assert done.returncode == 2 and text in done.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


# A lamp on the left or the right half of a picture of two channels, and a wrapper that turns it.
LAMP = '''
import pathlib
import gymnasium, numpy
from gymnasium.spaces import Box, Discrete

class Lamp(gymnasium.Env):
    observation_space, action_space = Box(0, 255, (12, 10, 2), numpy.uint8), Discrete(2)

    def __init__(self, dies_at=0):
        self.steps, self.dies_at = 0, dies_at

    def see(self):
        self.side = int(self.np_random.integers(2))
        image = numpy.zeros((12, 10, 2), dtype=numpy.uint8)
        image[:, 5 * self.side : 5 * self.side + 5, 1] = 200
        return image

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return self.see(), {}

    def step(self, action):
        self.steps += 1
        if self.steps == self.dies_at and not pathlib.Path("dead").exists():
            pathlib.Path("dead").touch()
            raise ValueError("the bulb is out")
        reward = float(action == self.side)
        return self.see(), reward, False, False, {}

class Turned(gymnasium.ObservationWrapper):
    def observation(self, observation):
        return observation[:, ::-1]

gymnasium.register("Lamp-v0", entry_point=Lamp, max_episode_steps=20)
'''
PICTURES = ["train", "dqn", "--steps", 600, "--learning-starts", 100, "--net-arch", "cnn:4x3,8", "--eval-freq", 0]


def test_images_reach_the_command_as_bytes_in_stacks_through_wrappers(run, tmp_path):
    (tmp_path / "lamp.py").write_text(LAMP)
    env = "gym:lamp:Lamp-v0:wrappers=lamp.Turned,frame_stack=2"
    keys = ["--set", "gamma=0", "--set", "train_freq=1", "--set", "learning_rate=0.001"]
    done = run(*PICTURES, *keys, "--env", env, "--out", "turned", "--json")
    assert done.returncode == 0, done.stderr
    done = run("eval", "turned", "--episodes", 10, "--json")
    # Of 20; a policy that sees nothing has 10.
    assert json.loads(done.stdout)["mean_return"] > 19, done.stderr


def test_a_run_on_images_is_saved_before_an_exception_and_goes_on_exactly(run, tmp_path):
    (tmp_path / "lamp.py").write_text(LAMP)
    assert run(*PICTURES, "--env", "gym:lamp:Lamp-v0:frame_stack=2", "--out", "whole").returncode == 0
    failed = run(*PICTURES, "--env", "gym:lamp:Lamp-v0:dies_at=313,frame_stack=2", "--out", "failed")
    assert failed.returncode == 1 and "the bulb is out" in failed.stderr
    assert (tmp_path / "failed" / "checkpoints" / "step-312").is_dir()
    shown = " ".join(run("show", "failed").stdout.split())
    assert "This run has failed: step 313: the environment failed: ValueError: the bulb is out" in shown
    resumed = run("resume", "failed")
    assert resumed.returncode == 0 and "begins again" not in resumed.stderr, resumed.stderr
    for name in ("metrics.jsonl", "model.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "failed" / name).read_bytes()


@pytest.mark.parametrize(
    ("env", "arch", "text"),
    [
        ("gym:lamp:Lamp-v0:wrappers=lamp.Bright", "cnn:4x3,8", "module 'lamp' has no attribute 'Bright'"),
        ("gym:lamp:Lamp-v0", "cnn:32x8s4,64x4s2,64x3,512", "12 x 10"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_a_line(run, tmp_path, env, arch, text):
    (tmp_path / "lamp.py").write_text(LAMP)
    done = run("train", "dqn", "--env", env, "--steps", 100, "--net-arch", arch, "--out", "run")
    assert done.returncode == 2 and text in done.stderr.splitlines()[-1], done.stderr
    assert not (tmp_path / "run").exists()
