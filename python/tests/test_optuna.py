"""Searches with Optuna."""

import potstill as ps
import pytest

optuna = pytest.importorskip("optuna", reason="install Optuna to run these")
from potstill.optuna import objective  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.WARNING)
POLE = dict(env="CartPole-v1", preset="none", steps=600, eval_freq=200, learning_starts=100, net_arch="mlp:8")


def study(**keys):
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1), **keys)


def test_a_study_has_the_values_of_the_runs(tmp_path):
    search = {"learning_rate": "log:1e-4:1e-2", "batch_size": "int:16:64", "optimizer": "adam|rmsprop"}
    found = study()
    found.optimize(objective("dqn", search=search, out=tmp_path, **POLE), n_trials=3)
    for trial in found.trials:
        run = ps.load(tmp_path / f"trial-{trial.number}")
        assert trial.value == run.metrics["eval/mean_reward"].values.max()
        assert list(trial.intermediate_values) == [200, 400, 600]
        assert f"learning_rate = {trial.params['learning_rate']}" in (run.out / "config.toml").read_text()


def test_a_list_is_a_choice(tmp_path):
    search = {"batch_size": [16, 32], "double": [True, False]}
    found = study()
    found.optimize(objective("dqn", search=search, out=tmp_path, **POLE), n_trials=1)
    (trial,) = found.trials
    assert trial.params["batch_size"] in ("16", "32") and trial.params["double"] in ("true", "false")
    config = (tmp_path / "trial-0/config.toml").read_text()
    assert f"batch_size = {trial.params['batch_size']}" in config and f"double = {trial.params['double']}" in config


def test_a_trial_that_is_given_up_stops_there(tmp_path):
    class Never(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return trial.last_step >= 400

    found = study(pruner=Never())
    found.optimize(objective("dqn", search={"gamma": "uniform:0.9:0.99"}, out=tmp_path, **POLE), n_trials=1)
    assert found.trials[0].state == optuna.trial.TrialState.PRUNED
    assert ps.resume(tmp_path / "trial-0").summary["steps"] == 600


@pytest.mark.parametrize("wrong", ["log:0:1", "log:1", "uniform:2:1", "int:a:b", "normal:0:1"])
def test_a_wrong_distribution_is_refused(wrong):
    with pytest.raises(ps.InputError, match="gamma"):
        objective("dqn", search={"gamma": wrong}, **POLE)
