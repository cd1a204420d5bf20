"""Estimators of scikit-learn whose `fit` distils: a small student learns from labels and from a teacher's answers.

They fit in memory, without a run directory, and learn what `potstill.distill` on the same rows and answers does.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone  # type: ignore[import-untyped]
from sklearn.frozen import FrozenEstimator  # type: ignore[import-untyped]
from sklearn.model_selection import cross_val_predict  # type: ignore[import-untyped]
from sklearn.utils import _safe_indexing, check_random_state  # type: ignore[import-untyped]
from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped]
from sklearn.utils.validation import (  # type: ignore[import-untyped]
    _check_sample_weight,
    _is_fitted,
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from potstill import _native
from potstill.errors import InputError
from potstill.runs import Run, _settings

__all__ = ["DistilledClassifier", "DistilledRegressor", "Report"]

_Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

# Parameters that are no settings of the engine.
_OWN = {"teacher", "teacher_cv", "image_shape", "threads", "random_state"}

_PARAMETERS = """
        teacher: An estimator of scikit-learn, a `potstill.Run`, or None. One that is not fitted is cloned and fitted
            inside `fit`, on the rows and weights of that; `sklearn.frozen.FrozenEstimator(fitted)` is taken as it is.
            A fitted one without that wrapper is used with a warning: `clone`, and with it `GridSearchCV`, would
            forget its fit.
        student: The form of the student: `mlp:64`, `mlp:64,64:tanh`, `tree:6` for a decision tree, or, with
            `image_shape`, `cnn:16x3,128`.
        teacher_cv: The number of folds, or a splitter, for answers out of fold: each row is answered by a clone of
            the teacher that has not learned it, as by `sklearn.model_selection.cross_val_predict`. A teacher that
            knows its rows by heart, as forests do, says nothing about them that the labels do not.
        image_shape: `(height, width)` or `(height, width, channels)` of a row that is an image, channels last. Its
            numbers are taken as they are; without it, each is scaled to a mean of 0 and a deviation of 1 over the
            rows of `fit`.
        threads: The number of threads of `fit`; None for all cores. No result depends on it.
        random_state: A seed from 0 that makes every fit the same bits, a `RandomState` or None. An unfitted teacher
            has a `random_state` of its own."""


class _Given(NamedTuple):
    """The arrays of a `fit`, without rows of weight 0."""

    rows: _Array
    """Rows in single precision."""
    labels: _Array
    weights: _Array | None
    """None if they are equal."""
    own: Any
    """The rows as a teacher takes them."""
    more: _Array | None
    """Rows without a label."""
    own_more: Any
    recorded: list[_Array]
    """Recorded answers to both."""

    @property
    def parts(self) -> list[_Array]:
        """All rows, those with a label first."""
        return [self.rows] if self.more is None else [self.rows, self.more]

    @property
    def own_parts(self) -> list[Any]:
        """The same as a teacher takes them."""
        return [self.own] if self.more is None else [self.own, self.own_more]


class Report:
    """Measures of a student, beside those of its teacher: text by `str`, a table in a notebook.

    Attributes:
        about: The student in words.
        measures: For `student`, and `teacher` if it answers, measures by name.
    """

    def __init__(self, about: str, measures: dict[str, dict[str, float]]) -> None:
        self.about, self.measures = about, measures

    def _table(self) -> list[list[str]]:
        titles = list(self.measures)
        names = list(self.measures["student"])
        return [
            ["", *titles],
            *([name, *(f"{self.measures[title][name]:.4g}" for title in titles)] for name in names),
        ]

    def __repr__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                [
                    row[0].ljust(widths[0]),
                    *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
                ]
            )
            for row in table
        ]
        return "\n".join([self.about, *(line.rstrip() for line in lines)])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._table())
        return f"<p>{escape(self.about)}</p><table>{rows}</table>"


class _Distilled(BaseEstimator):  # type: ignore[misc]
    """The common part of both estimators."""

    teacher: Any
    teacher_cv: Any
    student: Any
    image_shape: Any
    threads: Any
    random_state: Any

    def __new__(cls, *arguments: Any, **parameters: Any) -> Any:
        _native.check_parameters(list(parameters), cls._get_param_names())
        return super().__new__(cls)

    def set_params(self, **params: Any) -> Any:
        """Sets parameters, those of the teacher as `teacher__NAME`; returns itself.

        Raises:
            InputError: If there is no such parameter; the nearest is named.
        """
        _native.check_parameters([name.partition("__")[0] for name in params], self._get_param_names())
        return super().set_params(**params)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_learned" in state:
            state["_learned"] = (self._learned.to_bytes(), self._learned.origin)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_learned" in state:
            learned = state["_learned"]
            # Pickles of potstill 0.1 have the bytes alone.
            self._learned = _native.Learned.from_bytes(*(learned if isinstance(learned, tuple) else (learned, [])))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_learned")

    def export(self, out: str | PathLike[str]) -> Path:
        """Writes the student to a new file, with the scaling of its inputs: `.onnx` or `.safetensors`, by its ending.

        Raises:
            InputError: If the ending is no format's, the format cannot hold the student, or the file exists.
            sklearn.exceptions.NotFittedError: Before `fit`.
        """
        check_is_fitted(self)
        target = Path(out)
        self._learned.export(target)
        return target

    def _rows(self, X: Any, *, is_first: bool = False, **labels: Any) -> Any:
        """Rows in single precision, and with labels both."""
        try:
            return validate_data(self, X, reset=is_first, dtype=np.float32, order="C", **labels)
        except ValueError as error:
            # In one line.
            raise InputError(_one_line(error)) from None

    def _begin(
        self, X: Any, y: Any, sample_weight: Any, X_unlabelled: Any, recorded: dict[str, Any], **labels: Any
    ) -> _Given:
        """The arrays of a `fit`; recorded answers are those to `X` and to `X_unlabelled`, by their names."""
        if self.teacher is None and self.teacher_cv is not None:
            raise InputError("teacher_cv: there is no teacher whose answers could be out of fold; give teacher=")
        _check_recorded(self.teacher, X_unlabelled, recorded)
        rows, y = self._rows(X, is_first=True, y=y, **labels)
        more = None if X_unlabelled is None else self._rows(X_unlabelled)
        sizes = [len(rows)] if more is None else [len(rows), len(more)]
        answers = [
            _numbers(name, one, size)
            for (name, one), size in zip(recorded.items(), sizes, strict=False)
            if one is not None
        ]
        own = X if hasattr(X, "iloc") else np.asarray(X)
        given = _Given(rows, y, None, own, more, X_unlabelled, answers)
        if sample_weight is None:
            return given
        try:
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
        except ValueError as error:
            raise InputError(f"sample_weight: {_one_line(error)}") from None
        if not weights.all():
            kept = np.flatnonzero(weights)
            answers = [one[kept] if i == 0 else one for i, one in enumerate(answers)]
            own, weights = _safe_indexing(own, kept), weights[kept]
            given = given._replace(rows=rows[kept], labels=y[kept], own=own, recorded=answers)
        return given if (weights == weights[0]).all() else given._replace(weights=weights)

    def _shape(self, numbers: int) -> tuple[int, int, int]:
        """Height, width and channels of a row."""
        if self.image_shape is None:
            return 1, 1, numbers
        try:
            sides = [int(side) for side in self.image_shape]
        except (TypeError, ValueError):
            sides = []
        if len(sides) not in (2, 3) or np.prod(sides) != numbers or min(sides) < 1:
            raise InputError(
                f"image_shape={self.image_shape!r}: a row of X has {numbers} numbers; write (height, width) or "
                "(height, width, channels) with that product"
            )
        height, width, channels = (*sides, 1)[:3]
        return height, width, channels

    def _engine_settings(self) -> str:
        """The settings that are not the defaults, as JSON."""
        defaults = inspect.signature(type(self).__init__).parameters
        given = {name: getattr(self, name) for name in self._get_param_names() if name not in _OWN}

        def is_default(name: str, value: Any) -> bool:
            return isinstance(value, (bool, int, float, str)) and bool(value == defaults[name].default)

        changed = {name: value for name, value in given.items() if not is_default(name, value)}
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(2**31 - 1)
        return _settings({**changed, "seed": seed})

    def _fitted_teacher(self, given: _Given) -> Any:
        """The teacher, after its own fit if it needs one."""
        teacher = self.teacher
        if isinstance(teacher, Run):
            if self.teacher_cv is not None:
                raise InputError("teacher_cv: a run is trained already; give an estimator that is not fitted")
            return teacher
        if isinstance(teacher, type) or not (hasattr(teacher, "fit") and hasattr(teacher, "get_params")):
            raise InputError(f"teacher={teacher!r}: give an estimator of scikit-learn, a potstill.Run, or None")
        is_frozen = isinstance(teacher, FrozenEstimator)
        # Not `check_is_fitted`, which a Gaussian process passes that has learned nothing.
        if not _is_fitted(teacher):
            if is_frozen:
                raise InputError(f"teacher={teacher!r}: it was frozen before it was fitted; fit it first")
            teacher = clone(teacher).fit(given.own, given.labels, **_weighed(teacher, given.weights))
        elif self.teacher_cv is not None:
            raise InputError(
                "teacher_cv: the teacher is fitted already; give sklearn.base.clone(teacher), which is not"
            )
        elif not is_frozen:
            warnings.warn(
                f"the teacher {type(teacher).__name__} is fitted and not frozen: clone, GridSearchCV and cross_val_score "
                "forget its fit; wrap it in sklearn.frozen.FrozenEstimator to keep it, or give one that is not fitted",
                UserWarning,
                stacklevel=3,
            )
        if not hasattr(teacher, self._answer_method):
            name = type(teacher).__name__
            raise InputError(f"the teacher {name} has no {self._answer_method}, whose answers could be learned")
        return teacher

    def _out_of_fold(self, given: _Given) -> _Array:
        """The answers to each row of a clone of the teacher that has not learned it."""
        params = _weighed(self.teacher, given.weights)
        folds = {"cv": self.teacher_cv, "method": self._answer_method, "params": params}
        try:
            return np.asarray(cross_val_predict(clone(self.teacher), given.own, given.labels, **folds))
        except ValueError as error:
            raise InputError(f"teacher_cv={self.teacher_cv!r}: {_one_line(error)}") from None

    def _learn(self, fit: Any, given: _Given, lesson: tuple[Any, ...]) -> None:
        """Fits the student."""
        rows = (given.parts, self._shape(given.rows.shape[1]), given.weights)
        self._learned, self.loss_curve_ = fit(rows, lesson, self._engine_settings(), self.threads)

    def _report(self, measures: dict[str, dict[str, float]]) -> Report:
        name = f"{self.student}: {self._learned.parameters:,} parameters, {len(self._learned.to_bytes()):,} bytes"
        taught = "without a teacher" if self.teacher_ is None else f"taught by {type(self.teacher_).__name__}"
        return Report(f"{name}, {taught}", measures)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _weighed(estimator: Any, weights: Any) -> dict[str, Any]:
    """The weights of rows as a keyword of `fit`, if that has one."""
    return (
        {} if weights is None or not has_fit_parameter(estimator, "sample_weight") else {"sample_weight": weights}
    )


def _numbers(name: str, answers: Any, rows: int) -> _Array:
    """Recorded answers in double precision, one for each of so many rows."""
    try:
        numbers: _Array = np.asarray(answers, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: it is no array of numbers") from None
    if numbers.ndim == 0 or len(numbers) != rows:
        raise InputError(f"{name}: the shape is {numbers.shape}, and there are {rows} rows to answer")
    return numbers


def _check_recorded(teacher: Any, unlabelled: Any, recorded: dict[str, Any]) -> None:
    """Refuses answers that are missing, and those that are given twice."""
    (name, answers), (name_unlabelled, answers_unlabelled) = recorded.items()
    if answers is not None and teacher is not None:
        raise InputError(f"{name}: there is a teacher beside it; give one of both")
    if answers_unlabelled is not None and (answers is None or unlabelled is None):
        raise InputError(f"{name_unlabelled}: it goes with {name} and X_unlabelled; give all three")
    if unlabelled is not None and teacher is None and answers is None:
        raise InputError("X_unlabelled: rows without a label need the answers of a teacher, and there is none")
    if unlabelled is not None and answers is not None and answers_unlabelled is None:
        raise InputError(f"X_unlabelled: the recorded answers to its rows are missing; give {name_unlabelled}")


def _kind(label: Any) -> str:
    """The kind of a label."""
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    if isinstance(label, (int, float, np.number)):
        return "number"
    return "text" if isinstance(label, str) else type(label).__name__


def _refuse_mixed(y: Any) -> None:
    """Refuses labels of mixed types, of which NumPy would make texts or numbers."""
    if isinstance(y, np.ndarray) or hasattr(y, "iloc"):
        if isinstance(y.dtype if hasattr(y, "dtype") else None, np.dtype) and y.dtype != np.dtype(object):
            return
        y = np.asarray(y, dtype=object).ravel().tolist()
    if not isinstance(y, (list, tuple)):
        return
    kinds: dict[str, Any] = {}
    for label in y:
        kinds.setdefault(_kind(label), label)
    if len(kinds) > 1:
        shown = ", ".join(f"{label!r} ({kind})" for kind, label in kinds.items())
        raise InputError(f"y: labels of mixed types, {shown}; write all as one type")


def _texts(classes: Iterable[Any]) -> list[str]:
    """Classes as texts."""
    return [str(one) for one in classes]


def _united(theirs: list[Any], classes: _Array) -> _Array:
    """The classes of the labels, and those that a teacher knows beside them."""
    ours = classes.tolist()
    if missing := [one for one in ours if one not in theirs]:
        known = ", ".join(map(repr, theirs))
        raise InputError(f"the teacher does not know the class {missing[0]!r} of y; its classes are {known}")
    more = [one for one in theirs if one not in ours]
    if not more:
        return classes
    if {_kind(one) for one in more} != {_kind(one) for one in ours}:
        raise InputError(
            f"the teacher's class {more[0]!r} is of another type than the labels, {', '.join(map(repr, ours))}"
        )
    return np.asarray(sorted([*ours, *more]))


def _aligned(parts: list[tuple[Any, list[Any]]], classes: _Array) -> tuple[_Array, _Array]:
    """Answers to all rows, in the order of the student's classes, and those; each part comes with its columns' classes."""
    for answers, theirs in parts:
        if np.ndim(answers) != 2 or np.shape(answers)[1] != len(theirs):
            shape, count = np.shape(answers), len(theirs)
            raise InputError(
                f"the teacher's answers have the shape {shape}; there is a column for each of {count} classes"
            )
        classes = _united(theirs, classes)
    for _, theirs in parts:
        classes = _united(theirs, classes)
    columns = [[theirs.index(one) for one in classes.tolist()] for _, theirs in parts]
    aligned = [
        np.asarray(answers, dtype=np.float64)[:, order] for (answers, _), order in zip(parts, columns, strict=True)
    ]
    return np.ascontiguousarray(np.concatenate(aligned)), classes


class DistilledClassifier(ClassifierMixin, _Distilled):  # type: ignore[misc]
    """A small classifier that learns from labels and from a teacher's probabilities (Hinton, Vinyals and Dean 2015).

    Its loss is `alpha` times the divergence from the teacher's softened probabilities, and `1 - alpha` times the
    cross-entropy of the labels; without a teacher the cross-entropy alone. `potstill distill --help` has the source
    of each default.

    Parameters:%(common)s
        temperature: Temperature of both softmaxes, above 0, or a schedule, `linear:8:2:run`.
        alpha: Weight of the teacher, 0 to 1, or a schedule; the labels have `1 - alpha`.
        divergence: `kl`, `reverse-kl`, `symmetric-kl`, `logit-mse`, `logit-mse-centred`, `decoupled`, `dist` or
            `label-smoothing`.
        standardise_logits: If logits become z-scores before the divergence.
        decoupled_target, decoupled_others, dist_inter, dist_intra: Weights in the divergences of these names.
        epochs: Passes over the rows.
        batch_size: Rows of a gradient step.
        learning_rate: Step size, or a schedule over gradient steps.
        jitter_pixels, horizontal_flip, mixup: Random changes of images and rows, for students without a teacher.
        dropout, input_dropout: Probability of leaving out a hidden unit, or an input.
        max_norm: Largest norm of the incoming weights of a unit.
        optimizer: `adam`, `adamw`, `radam`, `rmsprop` or `sgd`; it has `beta1`, `optimizer_eps`, `weight_decay`,
            `l2_penalty`, `momentum`, `centered`, `nesterov`, `max_grad_norm` and `clip_grad_value`.
        initialization: `pytorch`, `orthogonal`, `xavier`, `kaiming`, `lecun_normal` or `he_normal`.

    Attributes:
        classes_: The classes, sorted, of the shape `(classes,)`: those of `y`, and others that the teacher knows.
        teacher_: The teacher as it answered; None without one.
        loss_curve_: The mean loss of each epoch, without weights of rows; empty of a tree.
        n_features_in_: The numbers of a row.
        feature_names_in_: Their names, if `X` had some.
    """

    _answer_method = "predict_proba"

    def __init__(
        self,
        teacher: Any = None,
        *,
        student: str = "mlp:64",
        temperature: float | str = 4.0,
        alpha: float | str = 0.9,
        teacher_cv: Any = None,
        divergence: str = "kl",
        standardise_logits: bool = False,
        decoupled_target: float = 1.0,
        decoupled_others: float = 8.0,
        dist_inter: float = 1.0,
        dist_intra: float = 1.0,
        epochs: int = 60,
        batch_size: int = 32,
        learning_rate: float | str = 1e-3,
        jitter_pixels: int = 0,
        horizontal_flip: bool = False,
        mixup: float = 0.0,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        max_norm: float = float("inf"),
        optimizer: str = "adam",
        beta1: float = 0.9,
        optimizer_eps: float = 1e-8,
        weight_decay: float = 0.01,
        l2_penalty: float = 0.0,
        momentum: float = 0.95,
        centered: bool = True,
        nesterov: bool = False,
        max_grad_norm: float = float("inf"),
        clip_grad_value: float | None = None,
        initialization: str = "pytorch",
        image_shape: tuple[int, ...] | None = None,
        threads: int | None = 1,
        random_state: Any = None,
    ) -> None:
        given = locals()
        self.__dict__.update({name: given[name] for name in self._get_param_names()})

    def fit(
        self,
        X: Any,
        y: Any,
        teacher_proba: Any = None,
        X_unlabelled: Any = None,
        sample_weight: Any = None,
        *,
        teacher_proba_unlabelled: Any = None,
    ) -> DistilledClassifier:
        """Fits the student, after the teacher if that is not fitted.

        Args:
            X: Rows, `rows x numbers`, finite; float32 in C order is not copied before it reaches the engine.
            y: The class of each row: texts, integers or bools, of one kind and of at least two classes.
            teacher_proba: Recorded probabilities in place of a teacher, `rows x classes`, in the order of the sorted
                classes, or a data frame whose columns are named by the classes.
            X_unlabelled: Further rows, to which the teacher's answers count alone.
            sample_weight: Weights of rows, from 0; only their ratios count. A row of weight 0 counts as absent.
            teacher_proba_unlabelled: Recorded probabilities of `X_unlabelled`.

        Raises:
            InputError: If a parameter or an array is wrong; which, and why.
            RunError: If a loss or a gradient is not finite.
            KeyboardInterrupt: After Ctrl-C, within a second; nothing is kept.
        """
        _refuse_mixed(y)
        recorded = {"teacher_proba": teacher_proba, "teacher_proba_unlabelled": teacher_proba_unlabelled}
        given = self._begin(X, y, sample_weight, X_unlabelled, recorded)
        try:
            check_classification_targets(given.labels)
        except ValueError as error:
            raise InputError(f"y: {_one_line(error)}") from None
        classes = np.unique(given.labels)
        answers, teacher, are_logits = None, None, False
        if given.recorded:
            theirs = list(getattr(teacher_proba, "columns", classes.tolist()))
            answers, classes = _aligned([(part, theirs) for part in given.recorded], classes)
        elif isinstance(self.teacher, Run):
            teacher, are_logits = self._fitted_teacher(given), True
            ours = dict(zip(_texts(classes.tolist()), classes.tolist(), strict=True))
            theirs = [ours.get(one, one) for one in teacher.classes]
            parts = [(teacher._learned.predict_logits(part), theirs) for part in given.parts]
            answers, classes = _aligned(parts, classes)
        elif self.teacher is not None:
            if len(classes) < 2 and not isinstance(self.teacher, FrozenEstimator):
                raise _one_class(classes)
            if isinstance(self.teacher_cv, int):
                _check_folds(given.labels, self.teacher_cv)
            teacher = self._fitted_teacher(given)
            theirs = _classes_of(teacher)
            parts = [(self._out_of_fold(given), classes.tolist())] if self.teacher_cv is not None else []
            parts += [(teacher.predict_proba(part), theirs) for part in given.own_parts[len(parts) :]]
            answers, classes = _aligned(parts, classes)
        if len(classes) < 2:
            raise _one_class(classes)
        labels = np.searchsorted(classes, given.labels).astype(np.int64)
        self._learn(_native.fit_classes, given, (_texts(classes.tolist()), labels, answers, are_logits))
        self.classes_, self.teacher_ = classes, teacher
        return self

    def predict_proba(self, X: Any) -> _Array:
        """The probabilities of the classes, float64 of the shape `rows x classes`, in the order of `classes_`."""
        check_is_fitted(self)
        shares = self._learned.predict_proba(self._rows(X)).astype(np.float64)
        # In double precision they sum to 1.
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> _Array:
        """The most probable class of each row."""
        best = np.argmax(self.predict_proba(X), axis=1)
        return np.asarray(self.classes_[best])

    def report(self, X: Any, y: Any) -> Report:
        """Error rate, negative log-likelihood, Brier score and calibration error (ECE) on labelled rows, of the
        student and of its teacher, and the share of rows on which both name the same class (`agreement`).

        Raises:
            InputError: If a row or a label does not fit.
        """
        check_is_fitted(self)
        classes = self.classes_.tolist()
        rows, y = self._rows(X), np.asarray(y)
        if unknown := [one for one in y.tolist() if one not in classes]:
            raise InputError(f"y: the class {unknown[0]!r} was not learned")
        labels = np.searchsorted(self.classes_, y).astype(np.int64)
        answers = {"student": (np.asarray(self._learned.predict_logits(rows), dtype=np.float64), True)}
        teacher = self.teacher_
        if isinstance(teacher, Run):
            ours = dict(zip(_texts(classes), classes, strict=True))
            theirs = [ours.get(one, one) for one in teacher.classes]
            answers["teacher"] = (
                _aligned([(teacher._learned.predict_logits(rows), theirs)], self.classes_)[0],
                True,
            )
        elif teacher is not None:
            answers["teacher"] = (
                _aligned([(teacher.predict_proba(X), _classes_of(teacher))], self.classes_)[0],
                False,
            )
        measures = {
            name: _native.measure_classes(given, are_logits, labels)
            for name, (given, are_logits) in answers.items()
        }
        if "teacher" in answers:
            chosen = [given.argmax(axis=1) for given, _ in answers.values()]
            for one in measures.values():
                one["agreement"] = float((chosen[0] == chosen[1]).mean())
        return self._report(measures)


def _one_class(classes: _Array) -> InputError:
    return InputError(f"y: there is one class, {classes.tolist()[0]!r}; two are needed")


def _classes_of(teacher: Any) -> list[Any]:
    """The classes of a teacher's columns."""
    classes = getattr(teacher, "classes_", None)
    if classes is None or isinstance(classes, list):
        raise InputError(
            f"the teacher {type(teacher).__name__} has no array classes_, which names the columns of its answers"
        )
    return list(np.asarray(classes).tolist())


def _check_folds(labels: _Array, folds: int) -> None:
    """Refuses folds that cannot all have each class."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < folds:
        rare, count = classes[counts.argmin()].item(), counts.min()
        raise InputError(f"teacher_cv={folds}: the class {rare!r} has {count} rows; each fold needs one")


class DistilledRegressor(RegressorMixin, _Distilled):  # type: ignore[misc]
    """A small regression that learns from labels and from a teacher's predictions.

    Its loss is `alpha` times the squared distance from the teacher's value, and `1 - alpha` times that from the
    label, of values that are scaled to a deviation of 1; without a teacher the latter alone. One number is learned of
    each row.

    Parameters:%(common)s
        alpha: Weight of the teacher, 0 to 1, or a schedule; the labels have `1 - alpha`.
        epochs, batch_size, learning_rate, jitter_pixels, horizontal_flip, dropout, input_dropout, max_norm,
            optimizer, beta1, optimizer_eps, weight_decay, l2_penalty, momentum, centered, nesterov, max_grad_norm,
            clip_grad_value,
            initialization: As in `DistilledClassifier`.

    Attributes:
        teacher_: The teacher as it answered; None without one.
        loss_curve_: The mean loss of each epoch, without weights of rows; empty of a tree.
        n_features_in_: The numbers of a row.
        feature_names_in_: Their names, if `X` had some.
    """

    _answer_method = "predict"

    def __init__(
        self,
        teacher: Any = None,
        *,
        student: str = "mlp:64",
        alpha: float | str = 0.9,
        teacher_cv: Any = None,
        epochs: int = 60,
        batch_size: int = 32,
        learning_rate: float | str = 1e-3,
        jitter_pixels: int = 0,
        horizontal_flip: bool = False,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        max_norm: float = float("inf"),
        optimizer: str = "adam",
        beta1: float = 0.9,
        optimizer_eps: float = 1e-8,
        weight_decay: float = 0.01,
        l2_penalty: float = 0.0,
        momentum: float = 0.95,
        centered: bool = True,
        nesterov: bool = False,
        max_grad_norm: float = float("inf"),
        clip_grad_value: float | None = None,
        initialization: str = "pytorch",
        image_shape: tuple[int, ...] | None = None,
        threads: int | None = 1,
        random_state: Any = None,
    ) -> None:
        given = locals()
        self.__dict__.update({name: given[name] for name in self._get_param_names()})

    def fit(
        self,
        X: Any,
        y: Any,
        teacher_values: Any = None,
        X_unlabelled: Any = None,
        sample_weight: Any = None,
        *,
        teacher_values_unlabelled: Any = None,
    ) -> DistilledRegressor:
        """Fits the student, after the teacher if that is not fitted.

        Args:
            X: Rows, `rows x numbers`, finite; float32 in C order is not copied before it reaches the engine.
            y: The number of each row, finite.
            teacher_values: Recorded predictions in place of a teacher, one for each row, in the unit of `y`.
            X_unlabelled: Further rows, to which the teacher's answers count alone.
            sample_weight: Weights of rows, from 0; only their ratios count. A row of weight 0 counts as absent.
            teacher_values_unlabelled: Recorded predictions for `X_unlabelled`.

        Raises:
            InputError: If a parameter or an array is wrong; which, and why.
            RunError: If a loss or a gradient is not finite.
            KeyboardInterrupt: After Ctrl-C, within a second; nothing is kept.
        """
        shape: tuple[int, ...] = getattr(y, "shape", ())
        if len(shape) == 2 and shape[1] > 1:
            raise InputError(
                f"y: {shape[1]} numbers in a row, and one is learned; fit one estimator for each with "
                "sklearn.multioutput.MultiOutputRegressor"
            )
        recorded = {"teacher_values": teacher_values, "teacher_values_unlabelled": teacher_values_unlabelled}
        given = self._begin(X, y, sample_weight, X_unlabelled, recorded, y_numeric=True)
        teacher, parts = None, given.recorded
        if self.teacher is not None:
            teacher = self._fitted_teacher(given)
            if isinstance(teacher, Run):
                parts = [teacher._learned.predict_values(part) for part in given.parts]
            else:
                parts = [self._out_of_fold(given)] if self.teacher_cv is not None else []
                parts += [teacher.predict(part) for part in given.own_parts[len(parts) :]]
        answers = np.concatenate([_column(part) for part in parts]) if parts else None
        self._learn(_native.fit_values, given, (given.labels.astype(np.float64), answers))
        self.teacher_ = teacher
        return self

    def predict(self, X: Any) -> _Array:
        """The value of each row, float64 of the shape `(rows,)`."""
        check_is_fitted(self)
        return self._learned.predict_values(self._rows(X))

    def report(self, X: Any, y: Any) -> Report:
        """Root of the mean squared error and the share of the variance that is explained (`r2`), on labelled rows, of
        the student and of its teacher.

        Raises:
            InputError: If a row does not fit.
        """
        values, truth, teacher = {"student": self.predict(X)}, _column(y), self.teacher_
        if isinstance(teacher, Run):
            values["teacher"] = teacher._learned.predict_values(self._rows(X))
        elif teacher is not None:
            values["teacher"] = _column(teacher.predict(X))
        squares = {name: float(np.mean((one - truth) ** 2)) for name, one in values.items()}
        variance = float(np.var(truth)) or float("nan")
        return self._report({name: {"rmse": one**0.5, "r2": 1 - one / variance} for name, one in squares.items()})


def _column(values: Any) -> _Array:
    """Predictions, or labels, as one number for each row."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise InputError(f"the teacher's answers have the shape {column.shape}; one number for each row is learned")
    return np.ascontiguousarray(column)


for _estimator in (DistilledClassifier, DistilledRegressor):
    _estimator.__doc__ = (_estimator.__doc__ or "") % {"common": _PARAMETERS}
