//! One environment.

use crate::errors::{Class, caught, of_environment, of_run};
use crate::foreign::exception_in;
use crate::rows::{Number, action_from_python, space_to_python, value_to_python};
use numpy::{PyArray1, PyArrayMethods};
use potstill::config::ConfigError;
use potstill::core::Snapshot;
use potstill::env::registry::{self, Spec};
use potstill::env::{BoxEnv, Env, Row, Scene, Space};
use potstill::report::scene_rgb;
use potstill::run::find_environment;
use potstill::store::snapshot_file;
use potstill_cli::scene_text;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use std::borrow::{Borrow, BorrowMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The result of a step: observation, reward, terminated, truncated.
type Stepped = (Py<PyAny>, f64, bool, bool);

/// An environment of any kind, by values of Python.
trait Play: Send {
    fn reset(&mut self, py: Python<'_>, seed: Option<u64>) -> PyResult<Py<PyAny>>;

    fn step(&mut self, action: &Bound<'_, PyAny>) -> PyResult<Stepped>;

    fn scene(&self) -> Option<Scene>;

    fn snapshot(&self) -> Snapshot;

    fn restore(&mut self, state: &Snapshot) -> Result<(), String>;
}

struct One<O: Row + ?Sized, A: Row + ?Sized> {
    env: BoxEnv<O, A>,
    observations: Space,
    actions: Space,
    observation: O::Owned,
    action: A::Owned,
}

impl<O, A> One<O, A>
where
    O: Row<Element: Number> + ?Sized + 'static,
    A: Row<Element: Number> + ?Sized + 'static,
{
    fn play(env: BoxEnv<O, A>) -> Box<dyn Play> {
        let (observations, actions) = (env.observation_space(), env.action_space());
        let (observation, action) = (O::buffer(&observations), A::buffer(&actions));
        Box::new(Self { env, observations, actions, observation, action })
    }

    fn observation(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        value_to_python(py, Borrow::<O>::borrow(&self.observation).as_slice(), &self.observations)
    }
}

impl<O, A> Play for One<O, A>
where
    O: Row<Element: Number> + ?Sized + 'static,
    A: Row<Element: Number> + ?Sized + 'static,
{
    fn reset(&mut self, py: Python<'_>, seed: Option<u64>) -> PyResult<Py<PyAny>> {
        self.env.reset(seed, self.observation.borrow_mut());
        self.observation(py)
    }

    fn step(&mut self, action: &Bound<'_, PyAny>) -> PyResult<Stepped> {
        action_from_python::<A>(action, &self.actions, self.action.borrow_mut())?;
        let outcome = self.env.step(self.action.borrow(), self.observation.borrow_mut());
        let outcome = outcome.map_err(|error| of_environment(&error))?;
        Ok((self.observation(action.py())?, outcome.reward, outcome.terminated, outcome.truncated))
    }

    fn scene(&self) -> Option<Scene> {
        self.env.scene()
    }

    fn snapshot(&self) -> Snapshot {
        self.env.snapshot()
    }

    fn restore(&mut self, state: &Snapshot) -> Result<(), String> {
        self.env.restore(state).map_err(|error| error.to_string())
    }
}

/// The environment of a specification.
fn play(spec: &Spec) -> Box<dyn Play> {
    let states = || spec.make_states().map(One::play);
    let planes = || spec.make_planes().map(One::play);
    let control = || spec.make_control().map(One::play);
    let features = || spec.make_features().map(One::play);
    states()
        .or_else(planes)
        .or_else(control)
        .or_else(features)
        .expect("an environment is of one of these kinds")
}

/// The specification of an environment that is stepped here.
///
/// # Errors
/// If there is none, or its images are those of an environment of Python, which is stepped there.
pub(crate) fn specification_to_step(id: &str) -> PyResult<Spec> {
    let spec = specification(id)?;
    match spec.observation_space() {
        Space::Image { .. } => Err(Class::Input
            .with(format!("{id}: it is an environment of Python, which is stepped by its own step"))),
        _ => Ok(spec),
    }
}

/// The specification of an id with options.
pub(crate) fn specification(id: &str) -> PyResult<Spec> {
    // Without the lock of the interpreter, which an environment of Python takes when it is constructed.
    // A policy is known by the spaces of an environment that is not at hand.
    let find = || match id.starts_with("recorded:") {
        true => registry::find(id).map_err(|error| ConfigError::Usage(error.to_string()).into()),
        false => find_environment(id, &[]),
    };
    let found = Python::attach(|py| py.detach(find));
    found.map_err(|error| exception_in(&error.to_string()).unwrap_or_else(|| of_run(&error)))
}

/// The lock of an object that a thread may have left in a panic, which was told.
pub(crate) fn locked<'a, T>(mutex: &'a Mutex<T>, py: Python<'_>) -> MutexGuard<'a, T> {
    mutex.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}

/// A state from the bytes that `__getstate__` gave.
///
/// # Errors
/// If they are none.
pub(crate) fn state_of(bytes: &[u8]) -> PyResult<Snapshot> {
    snapshot_file::read(bytes)
        .map_err(|reason| Class::Input.with(format!("these bytes are no state: {reason}")))
}

/// One environment, stepped in the calling thread.
#[pyclass(frozen, module = "potstill._native")]
pub(crate) struct Environment {
    id: String,
    spec: Spec,
    play: Mutex<Box<dyn Play>>,
}

#[pymethods]
impl Environment {
    #[new]
    fn new(id: &str) -> PyResult<Self> {
        caught(|| {
            let spec = specification_to_step(id)?;
            Ok(Self { id: id.to_owned(), play: Mutex::new(play(&spec)), spec })
        })
    }

    /// The id, with its options as given.
    #[getter]
    fn id(&self) -> &str {
        &self.id
    }

    /// The steps after which an episode is truncated; None without a limit.
    #[getter]
    fn max_episode_steps(&self) -> Option<u64> {
        self.spec.time_limit_steps
    }

    /// The mean return that counts as solved; None if there is none.
    #[getter]
    fn reward_threshold(&self) -> Option<f64> {
        self.spec.reward_threshold
    }

    /// The actions in words, in their order; empty if they are numbers.
    #[getter]
    fn action_meanings(&self) -> Vec<&'static str> {
        self.spec.actions.to_vec()
    }

    /// The observation space, as the name of its class and what that is built of.
    #[getter]
    fn observation_space(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        space_to_python(py, &self.spec.observation_space())
    }

    /// The action space, as the name of its class and what that is built of.
    #[getter]
    fn action_space(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        space_to_python(py, &self.spec.action_space())
    }

    /// Starts an episode; a seed restarts the stream of random numbers. Returns the observation.
    #[pyo3(signature = (seed=None))]
    fn reset(&self, py: Python<'_>, seed: Option<u64>) -> PyResult<Py<PyAny>> {
        caught(|| locked(&self.play, py).reset(py, seed))
    }

    /// Takes one step. Returns observation, reward, terminated and truncated.
    fn step(&self, action: &Bound<'_, PyAny>) -> PyResult<Stepped> {
        caught(|| locked(&self.play, action.py()).step(action))
    }

    /// True if the environment has renderings.
    #[getter]
    fn is_drawn(&self, py: Python<'_>) -> PyResult<bool> {
        caught(|| {
            let mut first = play(&self.spec);
            first.reset(py, Some(0))?;
            Ok(first.scene().is_some())
        })
    }

    /// The rendering of the state as an array of bytes, height x width x 3; None if the environment has none.
    fn render_rgb(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        caught(|| {
            let Some(scene) = locked(&self.play, py).scene() else { return Ok(None) };
            let (width, height, bytes) = py.detach(|| scene_rgb(&scene));
            Ok(Some(PyArray1::from_vec(py, bytes).reshape([height, width, 3])?.into_py_any(py)?))
        })
    }

    /// The rendering of the state as lines of text; None if the environment has none.
    fn render_ansi(&self, py: Python<'_>) -> PyResult<Option<String>> {
        caught(|| Ok(locked(&self.play, py).scene().map(|scene| scene_text(&scene))))
    }

    /// The arguments of a copy, and its state.
    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,), Py<PyAny>)> {
        let this = slf.get();
        Ok((slf.get_type().into_py_any(slf.py())?, (this.id.clone(),), this.__getstate__(slf.py())?))
    }

    /// The whole state, in mid-episode too, as the bytes of a safetensors file.
    fn __getstate__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        caught(|| PyBytes::new(py, &snapshot_file::write(&locked(&self.play, py).snapshot())).into_py_any(py))
    }

    /// Restores a state of an environment with the same id and options.
    fn __setstate__(&self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        caught(|| {
            let state = state_of(state)?;
            // What is refused may be restored in part.
            let mut restored = play(&self.spec);
            let refused = |reason| Class::Input.with(format!("this is no state of {}: {reason}", self.id));
            restored.restore(&state).map_err(refused)?;
            *locked(&self.play, py) = restored;
            Ok(())
        })
    }
}

/// An id, the limit of steps, and the mean return that counts as solved.
type Registered = (String, Option<u64>, Option<f64>);

/// The environments, sorted by their ids: id, limit of steps, and the mean return that counts as solved.
#[pyfunction]
pub(crate) fn environment_specs() -> PyResult<Vec<Registered>> {
    caught(|| {
        Ok(registry::all().map(|spec| (spec.id, spec.time_limit_steps, spec.reward_threshold)).collect())
    })
}
