"""Whole runs from Python."""

import json

import numpy as np
import potstill as ps
import pytest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def pole(runs):
    return ps.train("dqn", env="CartPole-v1", steps=3_000, seed=1, learning_rate=1e-3, out=runs / "pole")


def test_a_run_has_its_results(pole):
    assert pole.summary["algorithm"] == "dqn" and pole.summary["steps"] == 3_000
    assert ps.load(pole.out).summary.items() <= pole.summary.items() and pole.summary["out"] == str(pole.out)
    config = (pole.out / "config.toml").read_text()
    assert "learning_rate = 0.001" in config
    assert repr(pole) == f"Run({str(pole.out)!r})"
    assert pole.runs == []


def test_metrics_are_those_of_the_log(pole):
    records = [json.loads(line) for line in (pole.out / "metrics.jsonl").read_text().splitlines()]
    names = {name for record in records for name in record if name != "step"}
    assert set(pole.metrics) == names
    for name, curve in pole.metrics.items():
        pairs = [(record["step"], record[name]) for record in records if record.get(name) is not None]
        assert curve.steps.dtype == curve.values.dtype == np.float64
        assert list(zip(*curve, strict=True)) == pairs


def test_numbers_may_be_numpys_and_texts_those_of_the_command(runs):
    plain = ps.train("q-learning", env="CliffWalking-v1", episodes=30, alpha=0.25, out=runs / "plain")
    others = [
        {"episodes": np.int64(30), "alpha": np.float32(0.25)},
        {"episodes": "30", "alpha": "0.25"},
        {"episodes": np.array(30), "alpha": 0.25, "gamma": None},
    ]
    for i, keys in enumerate(others):
        run = ps.train("q-learning", env="potstill/CliffWalking-v1", out=runs / f"other{i}", **keys)
        assert (run.out / "model.safetensors").read_bytes() == (plain.out / "model.safetensors").read_bytes()


def test_seeds_are_runs_of_their_own(runs):
    run = ps.train("q-learning", env="CliffWalking-v1", episodes=20, seeds=11, out=runs / "seeds")
    assert run.summary["seeds"] == 11
    assert [part.out.name for part in run.runs] == [f"seed-{i}" for i in range(11)]
    assert run.runs[3].summary["seed"] == 3
    with pytest.raises(ps.InputError, match="folder of 11 seeds"):
        run.predict(0)


def test_a_list_is_a_sweep(runs):
    run = ps.train("q-learning", env="CliffWalking-v1", episodes=20, alpha=[0.1, 0.5], out=runs / "sweep")
    assert [part.out.name for part in run.runs] == ["alpha=0.1", "alpha=0.5"] and len(ps.load(run.out).runs) == 2


def test_a_run_goes_on(runs, pole):
    short = ps.train("dqn", env="CartPole-v1", steps=2_000, seed=1, out=runs / "short")
    longer = ps.resume(short, steps=2_500)
    assert longer.summary["steps"] == 2_500 and longer.out == short.out


def test_policies_act_for_one_observation_and_for_many(pole):
    one, state = pole.predict(np.zeros(4, dtype=np.float32))
    assert one.dtype == np.int64 and one.shape == () and state is None
    many, _ = pole.predict(np.zeros((7, 4)), deterministic=False)
    assert many.dtype == np.int64 and many.shape == (7,)
    assert (many == one).all() and pole.predict([0.0, 0.0, 0.0, 0.0], "mine")[1] == "mine"


@pytest.mark.parametrize(
    "observation", [np.zeros(3), np.zeros((2, 3)), np.zeros((2, 2, 4)), [0, 0, 0, np.nan], "words", None, [[0], [0, 1]]]
)
def test_what_is_no_observation_is_refused(pole, observation):
    with pytest.raises(ps.InputError, match="observations"):
        pole.predict(observation)


def test_the_policy_of_python_is_the_one_that_eval_plays(pole):
    measured = ps.evaluate(pole, episodes=5, seed=3)
    assert measured["episodes"] == 5
    returns = []
    env = ps.Environment("CartPole-v1")
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            action, _ = pole.predict(observation)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, over = total + reward, terminated or truncated
        returns.append(total)
    assert min(returns) > 0 and measured["mean_return"] > 0


def test_a_policy_is_judged_by_recorded_episodes(runs):
    small = {"net_arch": "mlp:8", "batch_size": 16, "eval_freq": 0, "steps": 50}
    run = ps.train("bc", env="CartPole-v1", data="random:600", out=runs / "bc", **small)
    result = ps.evaluate_offline(run, "random:601", epsilon=0.5, updates=100, accept_if="lower_bound > behaviour")
    names = [one["estimator"] for one in result["estimators"]]
    assert names[0] == "importance_sampling" and names[-1] == "fitted_q_evaluation" and len(names) == 7
    assert result["accepted"] is False and all("effective_sample_size" in one for one in result["estimators"])
    known = ps.evaluate_offline(
        run, "random:601", epsilon=0.5, updates=100, behaviour=run, behaviour_temperature=1.0, threads=1
    )
    assert known["behaviour_probabilities"] == "the policy that was named"
    for wrong, words in [
        ({"epsilon": 0.1, "temperature": 1.0}, "epsilon and temperature: give one of them"),
        ({"epsilon": 1.5}, "a probability is from 0 to 1, got 1.5"),
        ({"behaviour": "random", "behaviour_temperature": 0.0}, "a temperature is above 0, got 0"),
        ({"behaviour": "random", "behaviour_epsilon": 0.1}, "are of the run that"),
        ({"behaviour_epsilon": 0.1}, "are of the run that"),
        ({"gamma": 2.0}, "write a number from 0 to 1"),
        ({"updates": 0}, "write a number of 1 or above"),
        ({"accept_if": "estimate"}, "accept_if: write NAME > NAME"),
    ]:
        with pytest.raises(ps.InputError, match=words):
            ps.evaluate_offline(run, "random:600", **wrong)
    with pytest.raises(ps.InputError, match="nowhere.jsonl"):
        ps.evaluate_offline(run, "nowhere.jsonl")


def test_episodes_of_an_unknown_environment_are_enough(runs):
    rng, rows = np.random.default_rng(1), 400
    arrays = {
        "observations": rng.normal(size=(rows, 4)).astype(np.float32),
        "actions": rng.integers(0, 2, (rows, 1)),
        "rewards": rng.normal(size=rows),
        "terminals": np.arange(rows) % 20 == 19,
    }
    np.savez(runs / "robot.npz", **arrays)
    small = {"net_arch": "mlp:8", "batch_size": 16, "steps": 50}
    run = ps.train("cql", data=str(runs / "robot.npz"), out=runs / "robot", **small)
    assert "mean_return" not in run.summary
    assert ps.evaluate_offline(run, str(runs / "robot.npz"), updates=50)["episodes"] == 20
    with pytest.raises(ps.InputError, match="only recorded transitions are at hand"):
        ps.evaluate(run)
    assert ps.evaluate(run, env="CartPole-v1", episodes=2)["episodes"] == 2


def test_tables_and_tuples_and_games_and_forces(runs):
    walk = ps.train("q-learning", env="CliffWalking-v1", episodes=300, seed=1, out=runs / "walk")
    action, _ = walk.predict(36)
    assert action == 0, "up, from the start"
    assert walk.predict(np.arange(48))[0].shape == (48,)
    for wrong in (48, -1, 0.5):
        with pytest.raises(ps.InputError, match="observations"):
            walk.predict(wrong)
    cards = ps.train("q-learning", env="Blackjack-v1", episodes=500, seed=1, out=runs / "cards")
    one, _ = cards.predict((21, 10, 1))
    many, _ = cards.predict((np.array([21, 4]), np.array([10, 10]), np.array([1, 0])))
    assert one == many[0] and many.shape == (2,)
    with pytest.raises(ps.InputError, match="observations"):
        cards.predict((40, 10, 1))
    game = ps.train("dqn", env="MinAtar/Breakout-v1", steps=300, net_arch="mlp:8", out=runs / "game")
    board = ps.Environment("MinAtar/Breakout-v1").reset(seed=1)[0]
    assert game.predict(board)[0].shape == () and game.predict(np.stack([board] * 3))[0].shape == (3,)
    swing = ps.train("random-linear", env="Pendulum-v1", steps=2_000, out=runs / "swing")
    force, _ = swing.predict(np.zeros(3))
    assert force.dtype == np.float32 and force.shape == (1,) and swing.predict(np.zeros((2, 3)))[0].shape == (2, 1)


def test_a_policy_of_probabilities_draws(runs):
    run = ps.train("ppo", env="CartPole-v1", steps=600, seed=1, preset="none", n_steps=128, out=runs / "ppo")
    states = np.zeros((200, 4), dtype=np.float32)
    run.seed(1)
    drawn = run.predict(states, deterministic=False)[0]
    assert set(drawn) == {0, 1} and len(set(run.predict(states)[0])) == 1
    run.seed(1)
    assert (run.predict(states, deterministic=False)[0] == drawn).all()


def test_a_policy_is_distilled(runs, pole):
    student = ps.distill(
        pole, student="mlp:4", transfer_states=400, gradient_steps=100, seed=1, out=runs / "student"
    )
    assert student.summary["teacher"] == str(pole.out)
    assert student.predict(np.zeros((2, 4)))[0].shape == (2,)
    with pytest.raises(ps.InputError, match="student"):
        ps.distill(pole, student="mlp:4", out=runs / "student")
    with pytest.raises(ps.InputError, match="vec_normalize: it belongs to a teacher"):
        ps.distill(pole, student="mlp:4", vec_normalize=3)


def test_a_classifier_is_distilled_from_a_table(runs):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(300, 3))
    labels = np.where(rows[:, 0] + rows[:, 1] > 0, "high", "low")
    table = runs / "table.csv"
    lines = [",".join([*map(repr, map(float, row)), label]) for row, label in zip(rows, labels, strict=True)]
    table.write_text("\n".join(["a,b,c,level", *lines]))
    teacher = ps.train("classifier", data=f"{table}:label=level", net_arch="mlp:16", epochs=100, out=runs / "wide")
    student = ps.distill(teacher, student="mlp:4", data=f"{table}:label=level", epochs=100, out=runs / "few")
    assert student.classes == ["high", "low"]
    found, _ = student.predict(rows)
    assert (found == labels).mean() > 0.9
    shares = student.predict_proba(rows)
    assert shares.shape == (300, 2) and np.allclose(shares.sum(axis=1), 1)
    for wrong in (rows[:, :2], rows[0], "rows", np.full((2, 3), np.nan)):
        with pytest.raises(ps.InputError):
            student.predict(wrong)


def test_a_model_is_exported(runs, pole):
    written = ps.export(pole, runs / "pole.onnx")
    assert written.stat().st_size > 1000
    with pytest.raises(ps.InputError, match="exist"):
        ps.export(pole, written)
    with pytest.raises(ps.InputError, match="ends in .safetensors or .onnx"):
        ps.export(pole, runs / "pole.h5")


def test_a_search_chooses_and_is_read_by_optuna(runs):
    keys = dict(env="CartPole-v1", preset="none", steps=400, eval_freq=200, learning_starts=100)
    search = {"learning_rate": "log:1e-4:1e-2", "net_arch": ["mlp:8", "mlp:16,16"]}
    found = ps.tune("dqn", search=search, trials=4, round=2, winner_seeds=2, out=runs / "tune", **keys)
    again = ps.tune("dqn", search=search, trials=4, round=2, winner_seeds=2, out=runs / "again", threads=1, **keys)
    trials = [run.summary["tune"]["trials"] for run in (found, again)]
    assert len(trials[0]) == 4 and trials[0] == trials[1]
    with pytest.raises(ps.InputError, match="sampler"):
        ps.tune("dqn", search=search, sampler="grid", **keys)
    optuna = pytest.importorskip("optuna")
    backend = optuna.storages.journal.JournalFileBackend(str(runs / "tune" / "journal.log"))
    study = optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))
    assert len(study.trials) == 4 and set(study.best_params) == {"learning_rate", "net_arch"}


def test_a_callback_is_told_the_seed_and_the_part(tmp_path):
    def records(**keys):
        told = []
        ps.train("q-learning", env="CliffWalking-v1", episodes=3, callback=lambda record: told.append(record), **keys)
        return {(record.get("part"), record.get("seed")) for record in told}

    assert records(seed=5, seeds=2, out=tmp_path / "seeds") == {(None, 5), (None, 6)}
    assert records(out=tmp_path / "one") == {(None, None)}
    assert records(alpha=[0.1, 0.2], out=tmp_path / "sweep") == {(0, None), (1, None)}
    sweep = records(alpha=[0.1, 0.2], seeds=2, out=tmp_path / "both")
    assert sweep == {(part, seed) for part in (0, 1) for seed in (0, 1)}
