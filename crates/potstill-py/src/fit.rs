//! Fits in memory, of arrays, without a run directory.
#![allow(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]

use crate::errors::{Class, caught};
use crate::learned::Learned;
use crate::rows::numbers_of;
use crate::runs::{settings_of, threads_of};
use crate::watched::watched;
use numpy::{PyArray1, PyReadonlyArrayDyn};
use potstill::commands::RunKind;
use potstill::config::ConfigError;
use potstill::distill::quality::{Judged, calibration_error};
use potstill::distill::{AnswerKind, Answers};
use potstill::run::{FitRequest, Fitted, Lesson};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Numbers in double precision.
type Numbers<'py> = PyReadonlyArrayDyn<'py, f64>;
/// Arrays of rows, `rows x numbers`, those with a label first; the shape of a row; the weights of those with a label.
type Rows<'py> = (Vec<Bound<'py, PyAny>>, [usize; 3], Option<Numbers<'py>>);
/// The names of classes, the labels, a teacher's answers, and if these are logits.
type Classes<'py> = (Vec<String>, Bound<'py, PyAny>, Option<Numbers<'py>>, bool);

fn listed(numbers: Numbers<'_>) -> Vec<f64> {
    numbers.as_array().iter().copied().collect()
}

/// Fits a student; returns it with the mean loss of each epoch.
fn fit(
    py: Python<'_>,
    (parts, shape, weights): Rows<'_>,
    lesson: Lesson,
    settings: &str,
    threads: Option<usize>,
) -> PyResult<(Learned, Py<PyAny>)> {
    let mut rows = Vec::new();
    for part in &parts {
        let (numbers, _) = numbers_of::<f32>(part, "X")?;
        if rows.is_empty() {
            rows = numbers;
        } else {
            rows.extend(numbers);
        }
    }
    let weights = weights.map_or(Vec::new(), listed);
    let (settings, threads) = (settings_of(settings, RunKind::distils)?, threads_of(threads)?);
    let request = FitRequest { shape, rows, lesson, weights, settings, threads };
    let Fitted { model, about, losses } = watched(py, None, |watcher| potstill::run::fit(request, watcher))?;
    Ok((Learned::of_rows(model, about), PyArray1::from_vec(py, losses).into_py_any(py)?))
}

/// Fits a student of classes to labels, and to a teacher's probabilities or logits, `rows x classes`. Returns it with the mean
/// loss of each epoch.
#[pyfunction]
pub(crate) fn fit_classes(
    py: Python<'_>,
    rows: Rows<'_>,
    lesson: Classes<'_>,
    settings: &str,
    threads: Option<usize>,
) -> PyResult<(Learned, Py<PyAny>)> {
    caught(|| {
        let (classes, labels, answers, are_logits) = lesson;
        let kind = if are_logits { AnswerKind::Logits } else { AnswerKind::Probabilities };
        let (labels, _) = numbers_of::<usize>(&labels, "y")?;
        let answers = answers.map(|answers| (kind, listed(answers)));
        fit(py, rows, Lesson::Classes { classes, labels, answers }, settings, threads)
    })
}

/// Fits a student of numbers to labels, and to a teacher's values. Returns it with the mean loss of each epoch.
#[pyfunction]
pub(crate) fn fit_values(
    py: Python<'_>,
    rows: Rows<'_>,
    lesson: (Numbers<'_>, Option<Numbers<'_>>),
    settings: &str,
    threads: Option<usize>,
) -> PyResult<(Learned, Py<PyAny>)> {
    caught(|| {
        let lesson = Lesson::Values { labels: listed(lesson.0), answers: lesson.1.map(listed) };
        fit(py, rows, lesson, settings, threads)
    })
}

/// Refuses names of parameters that are not known, with the nearest one.
#[pyfunction]
pub(crate) fn check_parameters(given: Vec<String>, known: Vec<String>) -> PyResult<()> {
    match given.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let known = known.iter().map(String::as_str);
            Err(Class::Input.with(ConfigError::unknown("parameter", name, None, known).to_string()))
        }
    }
}

/// Error rate, negative log-likelihood, Brier score and calibration error of probabilities or logits, `rows x classes`.
#[pyfunction]
pub(crate) fn measure_classes(
    py: Python<'_>,
    answers: Numbers<'_>,
    are_logits: bool,
    labels: &Bound<'_, PyAny>,
) -> PyResult<Py<PyDict>> {
    caught(|| {
        let (labels, _) = numbers_of::<usize>(labels, "y")?;
        let &[rows, count] = answers.as_array().shape() else {
            return Err(Class::Input.with("answers: write rows x classes"));
        };
        if rows == 0 || rows != labels.len() || labels.iter().any(|label| *label >= count) {
            return Err(
                Class::Input.with(format!("y: {} labels for {rows} rows of {count} classes", labels.len()))
            );
        }
        let classes: Vec<String> = (0..count).map(|class| class.to_string()).collect();
        let kind = if are_logits { AnswerKind::Logits } else { AnswerKind::Probabilities };
        let answers = Answers::new(kind, classes.clone(), listed(answers));
        let logits = answers.and_then(|answers| answers.logits(&classes));
        let logits = logits.map_err(|reason| Class::Input.with(format!("answers: {reason}")))?;
        let judged = Judged::new(count, &logits, &labels);
        let measures = PyDict::new(py);
        measures.set_item("error", judged.error())?;
        measures.set_item("nll", judged.nll(1.0))?;
        measures.set_item("brier", judged.brier(1.0))?;
        measures.set_item("ece", calibration_error(&judged.reliability(1.0)))?;
        Ok(measures.unbind())
    })
}
