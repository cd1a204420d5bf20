"""Optuna reads the journal of a search."""

from pathlib import Path

import pytest

JOURNAL = Path(__file__).parents[2] / "testdata/optuna/journal.log"


def load(path):
    optuna = pytest.importorskip("optuna")
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    (name,) = optuna.get_all_study_names(optuna.storages.JournalStorage(backend))
    return optuna.load_study(study_name=name, storage=optuna.storages.JournalStorage(backend))


def test_optuna_reads_the_journal_of_a_search():
    # The file that the test of `tuning/journal.rs` holds.
    study = load(JOURNAL)
    assert study.direction.name == "MAXIMIZE"
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "PRUNED"]
    best = study.best_trial
    assert (best.number, best.value) == (0, 31.5)
    assert best.intermediate_values == {500: 10.25, 1000: 20.25, 1500: 30.25}
    assert study.trials[2].intermediate_values == {500: 8.25}
    assert study.trials[2].value == 8.25
    for number, trial in enumerate(study.trials):
        assert 1e-4 <= trial.params["learning_rate"] <= 1e-2
        assert trial.params["batch_size"] in range(8, 65)
        assert trial.params["net_arch"] in ("mlp:64", "mlp:256,256")
        assert trial.user_attrs == {"run": f"trial-{number}"}
        assert trial.duration is not None


def test_a_journal_that_was_cut_in_the_middle_of_a_line_is_read(tmp_path):
    text = JOURNAL.read_bytes()
    last = text.rstrip(b"\n").rindex(b"\n") + 1
    for length in (last, last + 1, len(text) - 1):
        cut = tmp_path / f"{length}.log"
        cut.write_bytes(text[:length])
        assert len(load(cut).trials) == 3
