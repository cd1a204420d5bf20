"""Errors, threads and signals."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import potstill as ps
import pytest

CLIFF = {"env": "CliffWalking-v1", "episodes": 20}


def test_exceptions_are_of_two_families():
    assert issubclass(ps.InputError, (ps.Error, ValueError)) and issubclass(ps.RunError, (ps.Error, RuntimeError))
    assert issubclass(ps.InternalError, ps.RunError) and issubclass(ps.Stopped, ps.Error)
    error = pickle.loads(pickle.dumps(ps.InputError("text")))
    assert isinstance(error, ps.InputError) and str(error) == "text"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ps.train("q-lerning"), "unknown algorithm `q-lerning`; did you mean `q-learning`?"),
        (lambda: ps.train("q-learning", env="CliffWalkin-v1"), "did you mean `CliffWalking-v1`?"),
        (lambda: ps.train("q-learning", env="FrozenLake-v1:is_slipery=false"), "is_slippery"),
        (lambda: ps.train("q-learning", **CLIFF, alfa=0.1), "unknown key `alfa`; did you mean `alpha`?"),
        (lambda: ps.train("q-learning", **CLIFF, alpha=-1.0), "`alpha`: must be"),
        (lambda: ps.train("q-learning", env="CliffWalking-v1"), "give steps=N or episodes=N"),
        (lambda: ps.train("q-learning"), "which environment? give env=ID"),
        (lambda: ps.distill("none"), "teacher=none: there is no such run directory or file"),
        (lambda: ps.train("q-learning", **CLIFF, preset="zoo"), "leave out preset"),
        (lambda: ps.train("q-learning", **CLIFF, alpha=float("nan")), "finite"),
        (lambda: ps.train("q-learning", **CLIFF, alpha=object()), "alpha: write a number"),
        (lambda: ps.train("q-learning", env=object()), "env: object is neither an id nor"),
        (lambda: ps.train("q-learning", **CLIFF, seeds=0), "seeds=0: write a whole number from 1 to 100000"),
        (lambda: ps.train("q-learning", **CLIFF, threads=0), "threads=0: write a whole number from 1 to 1024"),
        (lambda: ps.train("q-learning", **CLIFF, config="none.toml"), "none.toml"),
        (lambda: ps.train(config=os.devnull), "which algorithm?"),
        (lambda: ps.load("none"), "none"),
        (lambda: ps.resume("none"), "none"),
        (lambda: ps.evaluate("none"), "none"),
        (lambda: ps.distill("none", student="mlp:4"), "none"),
        (lambda: ps.distill("none", student="mlp:4", budget="much"), "budget"),
        (lambda: ps.distill("none.zip", student="mlp:4"), "PPO.load(path)"),
        (
            lambda: ps.value_iteration({0: {0: [(1.5, 0, 0.0, False), (-0.5, 0, 0.0, True)]}}),
            "P: a probability of state 0, action 0 is -0.5",
        ),
        (lambda: ps.Environment("CartPole-v7"), "did you mean `CartPole-v1`?"),
        (lambda: ps.Environment("CartPole-v1", gravity=1), "gravity"),
        (lambda: ps.Environment("CartPole-v1", render_mode="human"), "render_mode='human'"),
        (lambda: ps.VectorEnvironment("CartPole-v1", 0), "num_envs=0"),
        (lambda: ps.VectorEnvironment("CartPole-v1", 2, autoreset_mode="never"), "autoreset_mode='never'"),
        (lambda: ps.VectorEnvironment("CartPole-v1", 2, render_mode="ansi"), "render_mode"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(call, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ps.InputError) as caught:
        call()
    assert text in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_an_argument_stands_for_a_flag():
    from potstill.errors import _in_python

    for text, expected in [
        ("/x exists and is not empty; choose another --out or remove it", "/x exists and is not empty; choose another out or remove it"),
        ("give a time limit, such as --env ID:max_episode_steps=1000", "give a time limit, such as env=ID:max_episode_steps=1000"),
        ("give --teacher RUN|FILE, or --student mlp:16", "give teacher=RUN|FILE, or student=mlp:16"),
        ("--env must be Taxi-v3, not --data", "env must be Taxi-v3, not data"),
        ("a larger --set tolerance; with --keep-schedules it stays", "a larger tolerance; with keep_schedules it stays"),
        # Commands to be pasted.
        ("`potstill resume runs/x --fallback` continues", "`potstill resume runs/x --fallback` continues"),
        ("begin another (potstill train ALGO --from RUN); --seeds 5", "begin another (potstill train ALGO --from RUN); seeds=5"),
    ]:
        assert _in_python(text) == expected


def test_a_damaged_run_is_told_with_the_file(tmp_path):
    run = ps.train("q-learning", **CLIFF, out=tmp_path / "run")
    model = run.out / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(ps.Error, match=r"model\.safetensors"):
        ps.load(run.out).predict(0)


def test_warnings_of_the_command_are_warnings_of_python(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ps.train("q-learning", env="CliffWalking-v1", episodes=5, alpha="linear:1:0:10", out=tmp_path / "run")
    for warning in caught:
        assert warning.category is UserWarning


def test_other_threads_go_on_while_a_run_trains(tmp_path):
    count = 0
    done = threading.Event()

    def counting():
        nonlocal count
        while not done.is_set():
            count += 1
            time.sleep(0.001)

    thread = threading.Thread(target=counting)
    thread.start()
    run = ps.train("dqn", env="CartPole-v1", steps=3000, out=tmp_path / "run")
    done.set()
    thread.join()
    assert run.summary["steps"] == 3000
    # At most half the time would be lost to a busy machine.
    assert count > 20, count


def test_one_object_serves_many_threads():
    env = ps.VectorEnvironment("CartPole-v1", 64)
    env.reset(seed=1)
    wrong = []

    def stepping():
        for _ in range(200):
            try:
                env.step(np.zeros(64, dtype=np.int64))
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=stepping) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def wait_for(path, process):
    """Waits for a second after a file is there."""
    while not path.is_file():
        assert process.poll() is None, "the process has ended"
        time.sleep(0.05)
    time.sleep(1)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_saves_the_run_and_raises(tmp_path):
    code = (
        "import signal, sys, potstill as ps\n"
        # A shell that starts the tests in the background has the signal ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "print('begun', flush=True)\n"
        "try:\n"
        "    ps.train('dqn', env='CartPole-v1', steps=5_000_000, seed=1, out=sys.argv[1])\n"
        "except KeyboardInterrupt as error:\n"
        "    print('raised', *error.__notes__, flush=True)\n"
    )
    out = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    wait_for(out / "config.toml", process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert said.startswith("raised stopped at step") and "potstill resume" in said, said
    assert ps.load(out).summary == {} and list((out / "checkpoints").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_an_evaluation_within_a_second(tmp_path):
    run = ps.train("dqn", env="CartPole-v1", steps=200, eval_freq=0, out=tmp_path / "run")
    code = (
        "import signal, sys, potstill as ps\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "print('begun', flush=True)\n"
        "try:\n"
        "    ps.evaluate(sys.argv[1], episodes=2_000_000)\n"
        "except KeyboardInterrupt:\n"
        "    print('raised', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(run.out)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    # A busy machine takes longer than the second.
    said, _ = process.communicate(timeout=30)
    assert said == "raised\n"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_command_saves_at_ctrl_c(tmp_path):
    out = tmp_path / "run"
    words = ["train", "dqn", "--env", "CartPole-v1", "--steps", "5000000", "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "potstill", *words], stderr=subprocess.PIPE, text=True)
    wait_for(out / "config.toml", process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "potstill resume" in said, said
