//! Actors in other processes: one of them, as its process has it, and the way to all of them, as the learner has it.
#![allow(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]

use crate::environment::locked;
use crate::errors::{Class, caught, of_run};
use crate::runs::{settings_of, text_of, threads_of};
use crate::watched::watched;
use potstill::commands::{ResumeRequest, TrainRequest, resume_with_actors, train_with_actors};
use potstill::core::Snapshot;
use potstill::run::{Sources, player};
use potstill::store::snapshot_file;
use potstill::train::{Actors, Play};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use std::sync::Mutex;

/// Some copies of the environment of a run, and a learner of its settings that acts in them.
#[pyclass(frozen, module = "potstill._native")]
pub(crate) struct Player(Mutex<Box<dyn Play>>);

#[pymethods]
impl Player {
    /// The copies from `first` on of a run with this `config.toml`.
    #[new]
    fn new(py: Python<'_>, config: String, first: usize, count: usize) -> PyResult<Self> {
        caught(|| {
            let made = py.detach(|| player(&config, first, count));
            Ok(Self(Mutex::new(made.map_err(|error| of_run(&error))?)))
        })
    }

    /// Carries out an order of the learner, and returns the answer.
    fn play<'py>(&self, py: Python<'py>, order: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        caught(|| {
            let mut play = locked(&self.0, py);
            let play = &mut *play;
            let answer = py.detach(|| {
                let order = snapshot_file::read(order).map_err(|reason| format!("the order: {reason}"))?;
                play.play(&order).map(|answer| snapshot_file::write(&answer))
            });
            answer.map(|answer| PyBytes::new(py, &answer)).map_err(|reason| Class::Run.with(reason))
        })
    }
}

/// The actors of a run behind an object of Python, with `start`, `order` and `answers`.
struct Reached {
    object: Py<PyAny>,
    ahead: Option<u64>,
}

impl Reached {
    /// Calls a method; the text of an exception is the reason.
    fn called<T>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, String> {
        Python::attach(|py| {
            call(self.object.bind(py)).map_err(|error| {
                let name = error.get_type(py).name().map_or_else(|_| String::new(), |name| name.to_string());
                let text = error.value(py).to_string();
                let is_own = matches!(&*name, "InputError" | "RunError");
                if is_own { text } else { format!("{name}: {text}") }
            })
        })
    }
}

impl Actors for Reached {
    fn start(&mut self, config: &str, copies: usize) -> Result<Vec<usize>, String> {
        self.called(|object| object.call_method1("start", (config, copies))?.extract())
    }

    fn order(&mut self, orders: Vec<Snapshot>) -> Result<(), String> {
        let orders: Vec<Vec<u8>> = orders.iter().map(snapshot_file::write).collect();
        self.called(|object| {
            let orders: Vec<_> = orders.iter().map(|order| PyBytes::new(object.py(), order)).collect();
            object.call_method1("order", (orders,)).map(|_| ())
        })
    }

    fn answers(&mut self) -> Result<Option<Vec<Snapshot>>, String> {
        let found: Option<Vec<Vec<u8>>> = self.called(|object| {
            let found: Option<Vec<Bound<'_, PyBytes>>> = object.call_method0("answers")?.extract()?;
            Ok(found.map(|found| found.iter().map(|answer| answer.as_bytes().to_vec()).collect()))
        })?;
        let read =
            |answer: &Vec<u8>| snapshot_file::read(answer).map_err(|reason| format!("an answer: {reason}"));
        found.map(|found| found.iter().map(read).collect()).transpose()
    }

    fn ahead(&self) -> Option<u64> {
        self.ahead
    }
}

/// Trains with actors, those of `object`, which play so many steps of each copy ahead, or in rounds; the other arguments are those of
/// `train`. Returns the summary as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the arguments are those of the command")]
pub(crate) fn train_elsewhere(
    py: Python<'_>,
    algorithm: String,
    settings: &str,
    actors: (Py<PyAny>, Option<u64>),
    preset: Option<String>,
    config: Option<PathBuf>,
    out: Option<PathBuf>,
    threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<String> {
    let flags = settings_of(settings, |kind| kind.name == algorithm)?;
    let sources = Sources { config, flags, set: Vec::new() };
    let threads = threads_of(threads)?;
    let request = TrainRequest { algorithm, preset, sources, seeds: None, out, threads };
    let actors = Box::new(Reached { object: actors.0, ahead: actors.1 });
    watched(py, callback, |watcher| train_with_actors(&request, actors, watcher))
        .map(|result| text_of(&result))
}

/// Continues a run with actors. Returns the summary as JSON.
#[pyfunction]
pub(crate) fn resume_elsewhere(
    py: Python<'_>,
    run: PathBuf,
    actors: (Py<PyAny>, Option<u64>),
    steps: Option<u64>,
    threads: Option<usize>,
    callback: Option<Py<PyAny>>,
) -> PyResult<String> {
    let request = ResumeRequest { run, steps, threads: threads_of(threads)?, ..ResumeRequest::default() };
    let actors = Box::new(Reached { object: actors.0, ahead: actors.1 });
    watched(py, callback, |watcher| resume_with_actors(&request, actors, watcher))
        .map(|result| text_of(&result))
}
