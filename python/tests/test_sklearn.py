"""The estimators of scikit-learn: its own checks, and what distillation adds."""

import inspect
import os
import pickle
import signal
import subprocess
import sys
import time
import tomllib
import warnings

import numpy as np
import potstill as ps
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

X, Y = load_digits(return_X_y=True)
# Three classes, so that a fit takes a tenth of a second.
ROWS = np.flatnonzero(Y < 3)
X, Y = (X[ROWS] / 16).astype(np.float32), Y[ROWS]
TRAIN, TEST = slice(0, 300), slice(300, None)
SHORT = {"student": "mlp:8", "epochs": 5, "random_state": 1}


def classifier(teacher=None, **parameters):
    return ps.DistilledClassifier(teacher, **{**SHORT, **parameters})


def regressor(teacher=None, **parameters):
    return ps.DistilledRegressor(teacher, **{**SHORT, **parameters})


def same(a, b):
    """True if two fitted estimators have the same student, to the bit."""
    return a._learned.to_bytes() == b._learned.to_bytes()


# Minibatches are of rows: one of weight 2 is not shuffled as two of weight 1 are, and inputs are scaled over rows.
NOT_REPEATED = "a weight is not the same as repeated rows for shuffled minibatches, as in SGDClassifier"


@parametrize_with_checks(
    [
        ps.DistilledClassifier(),
        ps.DistilledClassifier(LogisticRegression()),
        ps.DistilledClassifier(GaussianNB(), student="tree:4"),
        ps.DistilledRegressor(),
        ps.DistilledRegressor(LinearRegression()),
    ],
    expected_failed_checks=lambda _: {"check_sample_weight_equivalence_on_dense_data": NOT_REPEATED},
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "kind"), [(classifier(), "classifier"), (regressor(), "regression")])
def test_parameters_are_the_keys_of_the_command_with_its_defaults(estimator, kind):
    call = [sys.executable, "-m", "potstill", "config", f"distill-{kind}"]
    text = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    keys = tomllib.loads(text)
    defaults = {name: p.default for name, p in inspect.signature(type(estimator).__init__).parameters.items()}
    own = {"self", "teacher", "student", "teacher_cv", "image_shape", "threads", "random_state", "clip_grad_value"}
    for name in defaults.keys() - own:
        assert keys[name] == defaults[name], name
    # Of runs, files, splits and other networks; and what needs the teacher's deviations.
    others = {
        *["command", "test_samples", "validation_samples", "split_seed", "seed", "control", "checkpoints_kept"],
        *["teacher_tau", "teacher_mean", "hint_weight", "attention_weight", "teacher_noise"],
        # Mixtures of numbers are refused by the command, too.
        *(["mixup"] if kind == "regression" else []),
    }
    assert keys.keys() - defaults.keys() <= others, keys.keys() - defaults.keys() - others


def test_a_pipeline_is_searched_over_temperature_and_alpha():
    teacher = FrozenEstimator(LogisticRegression(max_iter=500).fit(X[TRAIN], Y[TRAIN]))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), classifier(teacher)),
        {"distilledclassifier__temperature": [1.0, 4.0], "distilledclassifier__alpha": [0.5, 1.0]},
        cv=2,
        error_score="raise",
    )
    search.fit(X[TRAIN], Y[TRAIN])
    assert len(search.cv_results_["mean_test_score"]) == 4
    assert search.score(X[TEST], Y[TEST]) > 0.6
    assert search.best_estimator_[-1].teacher is teacher, "a frozen teacher is not cloned"


@pytest.mark.parametrize("student", ["mlp:8", "tree:3"])
def test_copies_by_pickle_and_joblib_answer_the_same_bits(student, tmp_path):
    fitted = classifier(LogisticRegression(max_iter=500), student=student).fit(X[TRAIN], Y[TRAIN])
    joblib.dump(fitted, tmp_path / "student.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "student.joblib")):
        assert same(copy, fitted) and copy.get_params()["student"] == student
        assert (copy.predict_proba(X) == fitted.predict_proba(X)).all()
    fresh = clone(fitted)
    assert fresh.get_params()["epochs"] == 5
    with pytest.raises(NotFittedError):
        fresh.predict(X)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_seed_gives_the_same_bits_on_any_number_of_threads(make):
    first = make(student="mlp:32").fit(X[TRAIN], Y[TRAIN])
    for threads in (1, 2, None):
        assert same(make(student="mlp:32", threads=threads).fit(X[TRAIN], Y[TRAIN]), first)
    assert not same(make(student="mlp:32", random_state=2).fit(X[TRAIN], Y[TRAIN]), first)
    # A generator draws a new seed for each fit.
    drawn = make(random_state=np.random.RandomState(1))
    assert not same(clone(drawn).fit(X[TRAIN], Y[TRAIN]), drawn.fit(X[TRAIN], Y[TRAIN]).fit(X[TRAIN], Y[TRAIN]))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_taken_in_any_memory(order, dtype):
    rows = np.asarray(X[TRAIN], dtype=dtype, order=order)
    wide = np.repeat(rows, 2, axis=1)[:, ::2]
    first = classifier().fit(X[TRAIN], Y[TRAIN])
    assert same(classifier().fit(rows, Y[TRAIN]), first) and same(classifier().fit(wide, Y[TRAIN]), first)


@pytest.mark.parametrize(
    "labels",
    [Y, Y.astype(str), np.array(["zero", "one", "two"])[Y], Y == 1, Y.astype(np.int8), Y.astype(float), list(Y)],
)
def test_labels_of_one_type_come_back_as_they_were(labels):
    fitted = classifier(epochs=20).fit(X, labels)
    assert fitted.classes_.tolist() == sorted(set(np.asarray(labels).tolist()))
    assert fitted.score(X, labels) > 0.95
    assert fitted.predict(X).dtype == np.asarray(labels).dtype


@pytest.mark.parametrize("student", ["mlp:8", "tree:3"])
def test_a_classifier_is_that_of_the_command(student, tmp_path):
    shares = np.ascontiguousarray(GaussianNB().fit(X[TRAIN], Y[TRAIN]).predict_proba(X[TRAIN]))
    np.savez(tmp_path / "data.npz", X=X[TRAIN], y=Y[TRAIN])
    np.savez(tmp_path / "test.npz", X=X[TEST], y=Y[TEST])
    np.savez(tmp_path / "answers.npz", probabilities=shares, classes=["0", "1", "2"])
    keys = {"student": student, "alpha": 0.5, "temperature": 2.0, "batch_size": 16}
    files = {"data": tmp_path / "data.npz", "test": tmp_path / "test.npz", "out": tmp_path / "run"}
    run = ps.distill(tmp_path / "answers.npz", seed=1, **keys, **files)
    fitted = ps.DistilledClassifier(random_state=1, **keys).fit(X[TRAIN], Y[TRAIN], shares)
    assert (run.out / "model.safetensors").read_bytes() == fitted._learned.to_bytes()


@pytest.mark.parametrize("student", ["mlp:8", "tree:3"])
def test_a_regression_is_that_of_the_command(student, tmp_path):
    labels = np.sqrt(Y + 0.5)
    values = LinearRegression().fit(X[TRAIN], labels[TRAIN]).predict(X[TRAIN]).astype(float)
    np.savez(tmp_path / "data.npz", X=X[TRAIN], y=labels[TRAIN])
    np.savez(tmp_path / "test.npz", X=X[TEST], y=labels[TEST])
    (tmp_path / "answers.csv").write_text("\n".join(["prediction", *map(repr, values.tolist())]))
    keys = {"student": student, "alpha": 0.5, "batch_size": 16}
    files = {name: f"{tmp_path / name}.npz:target=y" for name in ("data", "test")}
    run = ps.distill(tmp_path / "answers.csv", seed=1, out=tmp_path / "run", **keys, **files)
    fitted = ps.DistilledRegressor(random_state=1, **keys).fit(X[TRAIN], labels[TRAIN], values)
    assert (fitted.predict(X) == run.predict(X)[0]).all()


def test_a_teacher_is_fitted_inside_frozen_or_kept_with_a_warning():
    inside = classifier(LogisticRegression(max_iter=500)).fit(X[TRAIN], Y[TRAIN])
    assert not hasattr(inside.teacher, "coef_") and inside.teacher_.score(X[TEST], Y[TEST]) > 0.9
    trained = LogisticRegression(max_iter=500).fit(X[TRAIN], Y[TRAIN])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frozen = classifier(FrozenEstimator(trained)).fit(X[TRAIN], Y[TRAIN])
    with pytest.warns(UserWarning, match="GridSearchCV and cross_val_score forget its fit"):
        bare = classifier(trained).fit(X[TRAIN], Y[TRAIN])
    recorded = classifier().fit(X[TRAIN], Y[TRAIN], trained.predict_proba(X[TRAIN]))
    assert same(inside, frozen) and same(bare, frozen) and same(recorded, frozen)
    assert bare.teacher_ is trained and recorded.teacher_ is None
    assert not same(classifier().fit(X[TRAIN], Y[TRAIN]), frozen)


def test_a_run_teaches_as_its_probabilities_do(tmp_path):
    np.savez(tmp_path / "data.npz", X=X[TRAIN], y=Y[TRAIN])
    run = ps.train("classifier", data=tmp_path / "data.npz", net_arch="mlp:32", epochs=20, out=tmp_path / "run")
    taught = classifier(run, alpha=1.0, epochs=30).fit(X[TRAIN], Y[TRAIN])
    recorded = classifier(alpha=1.0, epochs=30).fit(X[TRAIN], Y[TRAIN], run.predict_proba(X[TRAIN]))
    assert taught.classes_.tolist() == [0, 1, 2] and taught.teacher_ is run
    np.testing.assert_allclose(taught.predict_proba(X), recorded.predict_proba(X), atol=1e-3)
    with pytest.raises(ps.InputError, match="teacher_cv"):
        classifier(run, teacher_cv=3).fit(X, Y)


def test_a_teacher_answers_out_of_fold():
    rng = np.random.default_rng(1)
    noisy = np.where(rng.random(300) < 0.3, rng.integers(0, 3, 300), Y[TRAIN])
    teacher = DecisionTreeClassifier(random_state=1)
    knows_by_heart = classifier(teacher, alpha=1.0, epochs=60, student="mlp:64").fit(X[TRAIN], noisy)
    out_of_fold = classifier(teacher, alpha=1.0, epochs=60, student="mlp:64", teacher_cv=5).fit(X[TRAIN], noisy)
    by_hand = np.zeros((300, 3))
    from sklearn.model_selection import StratifiedKFold

    for learned, asked in StratifiedKFold(5).split(X[TRAIN], noisy):
        by_hand[asked] = clone(teacher).fit(X[TRAIN][learned], noisy[learned]).predict_proba(X[TRAIN][asked])
    recorded = classifier(alpha=1.0, epochs=60, student="mlp:64").fit(X[TRAIN], noisy, by_hand)
    assert same(out_of_fold, recorded) and not same(out_of_fold, knows_by_heart)
    # The tree has learned the wrong labels; out of fold it does not know them.
    own = [(one.predict(X[TRAIN]) == noisy).mean() for one in (knows_by_heart, out_of_fold)]
    assert own[0] > own[1] + 0.05, own
    values = regressor(LinearRegression(), teacher_cv=3).fit(X[TRAIN], Y[TRAIN])
    assert not same(values, regressor(LinearRegression()).fit(X[TRAIN], Y[TRAIN]))


def test_rows_without_labels_help():
    # A teacher that knows the two moons, and eight labels: the student learns the rest from its answers to 500 rows.
    rows, labels = make_moons(3000, noise=0.15, random_state=0)
    teacher = FrozenEstimator(SVC(C=10, probability=True, random_state=0).fit(rows[1000:], labels[1000:]))
    few = np.concatenate([np.flatnonzero(labels[:100] == one)[:4] for one in (0, 1)])
    gains = []
    for seed in range(5):
        student = ps.DistilledClassifier(
            teacher, student="mlp:32", epochs=200, learning_rate=0.01, random_state=seed
        )
        alone = student.fit(rows[few], labels[few]).score(rows[500:1000], labels[500:1000])
        more = student.fit(rows[few], labels[few], X_unlabelled=rows[100:500])
        gains.append(more.score(rows[500:1000], labels[500:1000]) - alone)
    # Measured: 0.05 to 0.2 each.
    assert min(gains) > 0, gains


class Table:
    """The part of a data frame that names columns."""

    columns = (2, 0, 1)

    def __init__(self, numbers):
        self.numbers = numbers

    def __len__(self):
        return len(self.numbers)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numbers, dtype=dtype)


def test_named_columns_of_answers_have_any_order():
    shares = np.eye(3)[Y[TRAIN]] * 0.94 + 0.02
    named = classifier().fit(X[TRAIN], Y[TRAIN], Table(shares[:, list(Table.columns)]))
    assert same(named, classifier().fit(X[TRAIN], Y[TRAIN], shares))


def test_a_class_that_only_the_teacher_knows_is_learned_from_it():
    teacher = FrozenEstimator(LogisticRegression(max_iter=500).fit(X[TRAIN], Y[TRAIN]))
    known = Y[TRAIN] < 2
    student = classifier(teacher, alpha=1.0, epochs=60)
    student.fit(X[TRAIN][known], Y[TRAIN][known], X_unlabelled=X[TRAIN][~known])
    assert student.classes_.tolist() == [0, 1, 2]
    assert (student.predict(X[TEST]) == Y[TEST])[Y[TEST] == 2].mean() > 0.9


@pytest.mark.parametrize("student", ["mlp:8", "tree:3"])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_weights_weigh(make, student):
    labels = Y[TRAIN].copy()
    plain = make(student=student).fit(X[TRAIN], labels)
    for equal in (np.ones(300), np.full(300, 0.1), 7):
        assert same(make(student=student).fit(X[TRAIN], labels, sample_weight=equal), plain)
    # Rows of weight 0 count as absent, whatever they hold.
    junk = np.concatenate([X[TRAIN], 1000 * np.ones((5, 64), dtype=np.float32)])
    weights = np.concatenate([np.ones(300), np.zeros(5)])
    junk_labels = np.concatenate([labels, np.full(5, 2)])
    assert same(make(student=student).fit(junk, junk_labels, sample_weight=weights), plain)
    # A half with wrong labels and little weight does less harm.
    wrong = np.where(np.arange(300) % 2 == 0, labels, (labels + 1) % 3)
    few = np.where(np.arange(300) % 2 == 0, 1.0, 1e-3)
    far = [
        make(student=student, epochs=40).fit(X[TRAIN], wrong, sample_weight=given).score(X[TRAIN], labels)
        for given in (None, few)
    ]
    assert far[1] > far[0] + 0.1, far


def test_the_teacher_learns_the_weights():
    weights = np.linspace(0.0, 1.0, 300)
    inside = classifier(GaussianNB()).fit(X[TRAIN], Y[TRAIN], sample_weight=weights)
    teacher = GaussianNB().fit(X[TRAIN][1:], Y[TRAIN][1:], sample_weight=weights[1:])
    assert (inside.teacher_.theta_ == teacher.theta_).all()


@pytest.mark.parametrize("student", ["mlp:8", "tree:3", "cnn:4x3,8"])
def test_an_exported_student_answers_the_same_elsewhere(student, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    shape = {"image_shape": (8, 8)} if student.startswith("cnn") else {}
    fitted = classifier(student=student, **shape).fit(X[TRAIN], np.array(["a", "b", "c"])[Y[TRAIN]])
    session = onnxruntime.InferenceSession(fitted.export(tmp_path / "student.onnx"))
    rows = X[TEST].reshape(-1, 8, 8) if shape else X[TEST]
    given = session.get_inputs()[0]
    answers = dict(
        zip(
            [o.name for o in session.get_outputs()],
            session.run(None, {given.name: rows.reshape(-1, *given.shape[1:])}),
            strict=True,
        )
    )
    np.testing.assert_allclose(answers["probabilities"], fitted.predict_proba(X[TEST]), atol=1e-5)
    assert answers["label"].ravel().tolist() == fitted.predict(X[TEST]).tolist()
    values = regressor(student=student, **shape).fit(X[TRAIN], Y[TRAIN])
    session = onnxruntime.InferenceSession(values.export(tmp_path / "values.onnx"))
    answered = session.run(None, {given.name: rows.reshape(-1, *given.shape[1:])})[0]
    np.testing.assert_allclose(np.ravel(answered), values.predict(X[TEST]), atol=1e-4)
    assert fitted.export(tmp_path / "student.safetensors").stat().st_size > 100


def test_a_report_has_the_measures_of_student_and_teacher():
    fitted = classifier(LogisticRegression(max_iter=500), epochs=60).fit(X[TRAIN], Y[TRAIN])
    report = fitted.report(X[TEST], Y[TEST])
    student = report.measures["student"]
    assert student["error"] == pytest.approx(1 - fitted.score(X[TEST], Y[TEST]))
    picked = fitted.predict_proba(X[TEST])[np.arange(len(Y[TEST])), Y[TEST]]
    assert student["nll"] == pytest.approx(-np.log(picked).mean(), rel=1e-5)
    assert report.measures["teacher"]["error"] == pytest.approx(1 - fitted.teacher_.score(X[TEST], Y[TEST]))
    agreed = (fitted.predict(X[TEST]) == fitted.teacher_.predict(X[TEST])).mean()
    assert student["agreement"] == pytest.approx(agreed)
    assert "mlp:8: 547 parameters" in str(report) and "taught by LogisticRegression" in str(report)
    assert report._repr_html_().count("<tr>") == 6
    values = regressor(LinearRegression()).fit(X[TRAIN], Y[TRAIN])
    assert values.report(X[TEST], Y[TEST]).measures["student"]["r2"] == pytest.approx(
        values.score(X[TEST], Y[TEST])
    )


def test_a_gaussian_process_teaches_numbers():
    rows = np.linspace(-2, 2, 80)[:, None]
    labels = np.sin(2 * rows[:, 0])
    student = ps.DistilledRegressor(
        GaussianProcessRegressor(), student="mlp:32,32", epochs=300, learning_rate=3e-3, random_state=0
    )
    assert student.fit(rows[::8], labels[::8], X_unlabelled=rows).score(rows, labels) > 0.95


FROZEN = FrozenEstimator(GaussianNB().fit(X, np.where(Y == 2, 1, Y)))
SHARES = np.full((300, 3), 1 / 3)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ps.DistilledClassifier(temprature=2.0),
            "unknown parameter `temprature`; did you mean `temperature`?",
        ),
        (lambda: ps.DistilledClassifier(lr=0.1), "unknown parameter `lr`; did you mean `learning_rate`?"),
        (lambda: ps.DistilledRegressor(temperature=2.0), "unknown parameter `temperature`"),
        (lambda: classifier().set_params(alfa=1.0), "unknown parameter `alfa`; did you mean `alpha`?"),
        (lambda: classifier(alpha=2.0).fit(X, Y), "`alpha`"),
        (lambda: classifier(student="mpl:8").fit(X, Y), "student"),
        (lambda: classifier(student=8).fit(X, Y), "student"),
        (lambda: classifier(epochs=0).fit(X, Y), "`epochs`"),
        (lambda: classifier(divergence="kll").fit(X, Y), "`divergence`"),
        (lambda: classifier(threads=0).fit(X, Y), "threads=0: write a whole number from 1 to 1024"),
        (lambda: classifier(learning_rate=float("nan")).fit(X, Y), "finite"),
        (lambda: classifier(random_state=-1).fit(X, Y), "seed"),
        (lambda: classifier(image_shape=(8, 9)).fit(X, Y), "image_shape=(8, 9): a row of X has 64 numbers"),
        (lambda: classifier(image_shape="8x8").fit(X, Y), "image_shape='8x8'"),
        (lambda: classifier(student="cnn:4x3,8").fit(X, Y), "student"),
        (lambda: classifier().fit(X[0], Y), "Expected 2D array, got 1D array instead"),
        (lambda: classifier().fit(X.reshape(-1, 8, 8), Y), "dim 3"),
        (lambda: classifier().fit(X[:10], Y), "inconsistent numbers of samples"),
        (lambda: classifier().fit(np.where(X == 0, np.nan, X), Y), "Input X contains NaN"),
        (lambda: classifier().fit(np.full(X.shape, 1e300), Y), "too large for dtype('float32')"),
        (lambda: classifier().fit(np.full(X.shape, "a"), Y), "could not convert string to float"),
        (lambda: classifier().fit(X, np.linspace(0, 1, len(Y))), "Unknown label type: continuous"),
        (lambda: classifier().fit(X[:3], [1, "a", 2]), "y: labels of mixed types, 1 (number), 'a' (text)"),
        (lambda: classifier().fit(X[:3], [True, 2, 3]), "y: labels of mixed types, True (bool), 2 (number)"),
        (lambda: classifier().fit(X[:2], np.array([1, "a"], dtype=object)), "y: labels of mixed types"),
        (lambda: classifier().fit(X[:3], ["a", None, "b"]), "y: labels of mixed types"),
        (lambda: classifier().fit(X, np.zeros(len(Y))), "y: there is one class, 0.0; two are needed"),
        (lambda: classifier(FROZEN).fit(X, Y), "the teacher does not know the class 2 of y; its classes are 0, 1"),
        (lambda: classifier(FROZEN).fit(X, Y.astype(str)), "the teacher does not know the class '0' of y"),
        (lambda: classifier(LinearSVC()).fit(X, Y), "the teacher LinearSVC has no predict_proba"),
        (lambda: classifier("forest").fit(X, Y), "teacher='forest': give an estimator"),
        (lambda: classifier(LogisticRegression).fit(X, Y), "give an estimator"),
        (lambda: classifier(FrozenEstimator(GaussianNB())).fit(X, Y), "it was frozen before it was fitted"),
        (lambda: classifier(FROZEN, teacher_cv=3).fit(X, Y), "teacher_cv: the teacher is fitted already"),
        (lambda: classifier(GaussianNB(), teacher_cv=200).fit(X, Y), "teacher_cv=200: the class"),
        (lambda: classifier(GaussianNB(), teacher_cv="five").fit(X, Y), "teacher_cv='five'"),
        (
            lambda: classifier(GaussianNB()).fit(X[TRAIN], Y[TRAIN], SHARES),
            "teacher_proba: there is a teacher beside it",
        ),
        (lambda: classifier().fit(X, Y, SHARES), "teacher_proba: the shape is (300, 3), and there are 537 rows"),
        (lambda: classifier().fit(X[TRAIN], Y[TRAIN], SHARES[:, :2]), "have the shape (300, 2)"),
        (lambda: classifier().fit(X[TRAIN], Y[TRAIN], SHARES * 2), "the probabilities sum to 2, not to 1"),
        (lambda: classifier().fit(X[TRAIN], Y[TRAIN], np.nan * SHARES), "row 1: it has no answer"),
        (lambda: classifier().fit(X[TRAIN], Y[TRAIN], "shares"), "teacher_proba: it is no array of numbers"),
        (lambda: classifier().fit(X, Y, X_unlabelled=X), "X_unlabelled: rows without a label need the answers"),
        (lambda: classifier().fit(X[TRAIN], Y[TRAIN], SHARES, X_unlabelled=X), "give teacher_proba_unlabelled"),
        (lambda: classifier().fit(X, Y, teacher_proba_unlabelled=SHARES), "give all three"),
        (lambda: classifier(GaussianNB()).fit(X, Y, X_unlabelled=X[:, :3]), "X has 3 features"),
        (lambda: classifier(GaussianNB(), mixup=0.2).fit(X, Y), "its answers are computed once"),
        (lambda: classifier().fit(X, Y, sample_weight=-np.ones(len(Y))), "sample_weight: Negative values"),
        (
            lambda: classifier().fit(X, Y, sample_weight=np.zeros(len(Y))),
            "sample_weight: Sample weights must contain at least one non-zero",
        ),
        (lambda: classifier(mixup=0.2).fit(X, Y, sample_weight=1.0 + Y), "`mixup`"),
        (lambda: classifier(GaussianNB(), divergence="dist").fit(X, Y, sample_weight=1.0 + Y), "`divergence`"),
        (lambda: regressor().fit(X, np.stack([Y, Y], axis=1)), "y: 2 numbers in a row, and one is learned"),
        (lambda: regressor().fit(X, np.where(Y == 0, np.nan, Y)), "Input y contains NaN"),
        (lambda: regressor().fit(X[TRAIN], Y[TRAIN], SHARES), "have the shape (300, 3)"),
        (lambda: regressor().fit(X[TRAIN], Y[TRAIN], SHARES[:9, 0]), "teacher_values: the shape is (9,)"),
        (lambda: regressor().fit(X[TRAIN], Y[TRAIN], np.full(300, np.inf)), "that to row 1 is not finite"),
        (
            lambda: classifier().fit(X, Y).predict(X[:, :3]),
            "X has 3 features, but DistilledClassifier is expecting 64",
        ),
        (lambda: classifier().fit(X, Y).export("student.h5"), "student.h5: the name of the file ends in .safetensors or .onnx"),
        (lambda: classifier().fit(X, Y).report(X, Y + 1), "y: the class 3 was not learned"),
        (lambda: classifier().predict(X), "not fitted yet"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_wrong_input_is_told_in_one_line(call, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ps.InputError, NotFittedError)) as caught:
        call()
    assert text in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_settings_without_effect_are_warned_of():
    with pytest.warns(UserWarning, match="`nesterov` has no effect"):
        classifier(nesterov=True).fit(X[TRAIN], Y[TRAIN])
    with pytest.warns(UserWarning, match="are they answers to these rows"):
        classifier().fit(X[TRAIN], Y[TRAIN], np.roll(np.eye(3)[Y[TRAIN]], 1, axis=1))


def test_a_model_of_other_bytes_is_refused():
    from potstill._native import Learned

    for bytes in (b"", b"none", pickle.dumps({})):
        with pytest.raises(ps.InputError, match="no model of rows"):
            Learned.from_bytes(bytes, [])


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_a_fit_within_a_second():
    code = (
        "import signal, sys, time, numpy as np, potstill as ps\n"
        # A shell that starts the tests in the background has the signal ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "X = np.random.default_rng(0).normal(size=(2000, 50)); y = X[:, 0] > 0\n"
        "student = ps.DistilledClassifier(student='mlp:256,256', epochs=100_000)\n"
        "print('begun', flush=True)\n"
        "try:\n"
        "    student.fit(X, y)\n"
        "except KeyboardInterrupt as error:\n"
        "    print('raised', time.time(), *error.__notes__, hasattr(student, 'classes_'), flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    time.sleep(1.5)
    sent = time.time()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    _, raised, *rest = said.split(maxsplit=2)
    assert rest == ["stopped; nothing was kept False\n"], said
    # A busy machine has its own seconds.
    assert float(raised) - sent < 5


def test_a_pickle_keeps_where_the_student_came_from(tmp_path):
    fitted = ps.DistilledClassifier(student="mlp:4", epochs=1, random_state=3).fit(X[TRAIN], Y[TRAIN])
    exports = [one.export(tmp_path / f"{i}.onnx") for i, one in enumerate((fitted, pickle.loads(pickle.dumps(fitted))))]
    first, second = (path.read_bytes() for path in exports)
    assert first == second and b"seed" in first


@pytest.mark.parametrize("estimator", [ps.DistilledClassifier, ps.DistilledRegressor])
def test_answers_out_of_fold_need_a_teacher(estimator):
    with pytest.raises(ps.InputError, match="teacher_cv: there is no teacher"):
        estimator(teacher_cv=3).fit(np.eye(6, dtype=np.float32), [0, 1, 0, 1, 0, 1])
