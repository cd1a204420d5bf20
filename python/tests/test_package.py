"""The wheel: module, command and types."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import potstill as ps
import pytest


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "potstill", *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_the_command_is_the_module_and_the_entry_point():
    (script,) = entry_points(group="console_scripts", name="potstill")
    assert script.value == "potstill.__main__:main"
    installed = Path(sys.executable).with_name("potstill")
    for call in ([sys.executable, "-m", "potstill"], [str(installed)]):
        done = subprocess.run([*call, "--version"], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, f"potstill {ps.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--help"], 0, "Train a teacher, distil a student"),
        (["algos"], 0, "q-learning"),
        (["env", "show", "CartPole-v1"], 0, "Box(4)"),
        (["train", "q-lerning", "--env", "CliffWalking-v1"], 2, "did you mean `q-learning`?"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_the_command_has_its_words_and_exit_codes(arguments, code, text):
    done = command(*arguments)
    assert done.returncode == code, done.stderr
    assert text in done.stdout + done.stderr


def test_every_script_of_python_compiles():
    # Examples and benchmarks too, which no other test may import.
    root = Path(__file__).parents[2]
    scripts = [path for folder in ("python", "benches", "docs", "crates") for path in (root / folder).rglob("*.py")]
    assert len(scripts) > 30
    for path in scripts:
        compile(path.read_text(), path, "exec")


def test_a_run_of_the_command_is_the_same_as_that_of_the_function(tmp_path):
    words = "train q-learning --env CliffWalking-v1 --episodes 40 --seed 3 --out".split()
    assert command(*words, str(tmp_path / "command")).returncode == 0
    ps.train("q-learning", env="CliffWalking-v1", episodes=40, seed=3, out=tmp_path / "function")
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "command" / name).read_bytes() == (tmp_path / "function" / name).read_bytes()


def test_neither_import_nor_command_waits_for_other_packages():
    code = (
        "import sys, potstill, potstill.__main__\n"
        "print([name for name in ('numpy', 'gymnasium', 'pathlib', 'json') if name in sys.modules])"
    )
    # Without `site`, whose own imports would be taken for the package's.
    environment = {**os.environ, "PYTHONPATH": str(Path(ps.__file__).parents[1])}
    call = [sys.executable, "-S", "-c", code]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("first", ["potstill", "gymnasium"])
def test_gymnasium_knows_the_environments_whichever_is_imported_first(first):
    second = {"potstill": "gymnasium", "gymnasium": "potstill"}[first]
    code = f"import {first}, {second}, gymnasium; print(gymnasium.make('potstill/CartPole-v1').reset(seed=1)[0].shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "(4,)\n", done.stderr


def test_types_are_there_and_hold():
    root = Path(ps.__file__).parent
    assert (root / "py.typed").is_file() and (root / "_native.pyi").is_file()
    api = pytest.importorskip("mypy.api")
    example = Path(__file__).with_name("typed_example.py")
    options = ["--strict", "--no-incremental", "--cache-dir", os.devnull, "--config-file", os.devnull]
    for target in (["-p", "potstill"], [str(example)]):
        said, errors, code = api.run([*options, *target])
        assert code == 0, said + errors


def test_stubs_are_those_of_the_native_module():
    stubtest = pytest.importorskip("mypy.stubtest")
    arguments = stubtest.parse_options(["potstill._native", "--ignore-missing-stub", "--ignore-disjoint-bases"])
    assert stubtest.test_stubs(arguments) == 0
