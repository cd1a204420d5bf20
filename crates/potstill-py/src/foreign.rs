//! Environments of Python for the engine: anything with Gymnasium's `reset` and `step`.

use crate::errors::{Class, caught};
use crate::rows::{Number, numbers_of};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArrayDyn};
use potstill::env::registry::id::{Given, options, split};
use potstill::env::registry::{self, Entry, GENERAL_OPTIONS, register, resolve_namespace};
use potstill::env::replayed::{Constructed, Foreign};
use potstill::env::space::{Numbers, NumbersMut};
use potstill::env::{Outcome, Space};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyAttributeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyTuple};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Gymnasium's namespace, of which every id is found.
const GYMNASIUM: &str = "gym:";
/// Most exceptions that are kept until they are raised.
const EXCEPTIONS_MAX: usize = 64;

/// Exceptions of environments, by their text, until the run that they have ended raises them.
static EXCEPTIONS: Mutex<Vec<(String, PyErr)>> = Mutex::new(Vec::new());

fn exceptions() -> MutexGuard<'static, Vec<(String, PyErr)>> {
    EXCEPTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns true if an exception is a refusal of the package, which the error of the run tells in its own words.
fn is_own(py: Python<'_>, error: &PyErr) -> bool {
    let class = |module: &str, name: &str| py.import(module).and_then(|module| module.getattr(name));
    [("potstill.errors", "Error"), ("potstill._foreign", "Refusal")]
        .into_iter()
        .any(|(module, name)| class(module, name).is_ok_and(|class| error.is_instance(py, &class)))
}

/// Keeps an exception of the environment, and returns its text.
fn kept(py: Python<'_>, error: PyErr) -> String {
    let text = error.value(py).str().map_or_else(|_| String::new(), |text| text.to_string());
    if is_own(py, &error) {
        return text;
    }
    let name = error.get_type(py).name().map_or_else(|_| "an exception".to_owned(), |name| name.to_string());
    let reason = if text.is_empty() { name } else { format!("{name}: {text}") };
    let oldest = {
        let mut kept = exceptions();
        kept.push((reason.clone(), error));
        (kept.len() > EXCEPTIONS_MAX).then(|| kept.remove(0))
    };
    // Dropped when the list is not locked: what it refers to may call Python.
    drop(oldest);
    reason
}

/// The exception of an environment that the text of an error tells of.
pub(crate) fn exception_in(text: &str) -> Option<PyErr> {
    let mut kept = exceptions();
    let place = kept.iter().rposition(|(reason, _)| text.contains(&format!(": {reason}")))?;
    Some(kept.remove(place).1)
}

/// Forgets the exceptions that nothing has raised.
pub(crate) fn forget_exceptions() {
    let forgotten = std::mem::take(&mut *exceptions());
    drop(forgotten);
}

/// The helper of the package.
fn helper(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("potstill._foreign")
}

/// The form of what an environment sees and does in Python: the shape of observations and their least integer, the shape of
/// actions, their least integer and their type. The engine has flat rows, and integers from 0 on.
pub(crate) type Form = (Vec<usize>, i64, Vec<usize>, i64, String);

/// A name and the options of an environment itself, on which its form may depend.
type Constructor = (String, Vec<(String, String)>);

/// The forms of the environments that were constructed.
static FORMS: Mutex<BTreeMap<Constructor, Form>> = Mutex::new(BTreeMap::new());

/// The form of an environment of Python.
pub(crate) fn form(id: &str) -> Option<Form> {
    let (name, given) = split(id);
    let own = options(given).ok()?.into_iter().filter(|option| !is_general(option.key));
    let own = own.map(|option| match option.value {
        Given::Text(value) | Given::File(value) => (option.key.to_owned(), value.to_owned()),
    });
    let constructor = (name.to_owned(), own.collect());
    FORMS.lock().unwrap_or_else(PoisonError::into_inner).get(&constructor).cloned()
}

fn is_general(key: &str) -> bool {
    GENERAL_OPTIONS.iter().any(|option| option.name == key)
}

/// The names of the options of every environment.
#[pyfunction]
pub(crate) fn general_options() -> Vec<&'static str> {
    GENERAL_OPTIONS.iter().map(|option| &*option.name).collect()
}

/// The id with more options, each a key and its text.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]
pub(crate) fn with_options(id: &str, more: Vec<(String, String)>) -> String {
    let (name, given) = split(id);
    let given = (!given.is_empty()).then(|| given.to_owned());
    let all: Vec<String> =
        given.into_iter().chain(more.iter().map(|(key, text)| format!("{key}={text}"))).collect();
    if all.is_empty() { id.to_owned() } else { format!("{name}:{}", all.join(",")) }
}

/// The form of actions in Python.
#[derive(Clone, Debug)]
enum ActionForm {
    /// Integers from this one on.
    Discrete(i64),
    /// Arrays of this shape and type.
    Box(Vec<usize>, String),
}

type Description<'py> = (Bound<'py, PyTuple>, Bound<'py, PyTuple>);

/// The spaces of an environment, as the helper tells them.
fn described<'py>(env: &Bound<'py, PyAny>) -> PyResult<Description<'py>> {
    helper(env.py())?.call_method1("spaces", (env,))?.extract()
}

fn box_of(space: &Bound<'_, PyTuple>) -> PyResult<Space> {
    let bound = |i| numbers_of::<f32>(&space.get_item(i)?, "space").map(|(numbers, _)| numbers);
    Ok(Space::Box { low: bound(1)?, high: bound(2)? })
}

fn observation_space(space: &Bound<'_, PyTuple>) -> PyResult<(Space, i64)> {
    let kind: String = space.get_item(0)?.extract()?;
    Ok(match &*kind {
        "Discrete" => (Space::Discrete { n: space.get_item(1)?.extract()? }, space.get_item(2)?.extract()?),
        "Tuple" => (Space::Tuple { sizes: space.get_item(1)?.extract()? }, 0),
        "MultiBinary" => (Space::MultiBinary { shape: space.get_item(1)?.extract()? }, 0),
        "Image" => {
            let [frames, height, width, channels] = space.get_item(1)?.extract()?;
            (Space::Image { frames, height, width, channels }, 0)
        }
        _ => (box_of(space)?, 0),
    })
}

fn action_space(space: &Bound<'_, PyTuple>) -> PyResult<(Space, ActionForm)> {
    let kind: String = space.get_item(0)?.extract()?;
    Ok(match &*kind {
        "Discrete" => {
            let form = ActionForm::Discrete(space.get_item(2)?.extract()?);
            (Space::Discrete { n: space.get_item(1)?.extract()? }, form)
        }
        _ => {
            let form = ActionForm::Box(space.get_item(3)?.extract()?, space.get_item(4)?.extract()?);
            (box_of(space)?, form)
        }
    })
}

/// One environment of Python, which is closed at last unless it is the user's.
struct Played {
    env: Py<PyAny>,
    is_users: bool,
    step: Py<PyAny>,
    observations: Space,
    /// The lengths of the axes of an observation.
    shape: Vec<usize>,
    /// The least integer of discrete observations.
    observation_start: i64,
    action_form: ActionForm,
}

/// Constructs an environment by a function of Python, and reads its spaces. The one that is the `users` is not closed.
fn constructed(
    constructor: Constructor,
    make: &Bound<'_, PyAny>,
    users: Option<&Py<PyAny>>,
) -> PyResult<Constructed> {
    let env = make.call0()?;
    let is_users = users.is_some_and(|users| env.is(users));
    let (observations, actions) = described(&env)?;
    let (observations, observation_start) = observation_space(&observations)?;
    let (actions, action_form) = action_space(&actions)?;
    let shape: Vec<usize> = env.getattr("observation_space")?.getattr("shape")?.extract().unwrap_or_default();
    let (action_shape, action_start, kind) = match &action_form {
        ActionForm::Discrete(start) => (Vec::new(), *start, "int64".to_owned()),
        ActionForm::Box(shape, kind) => (shape.clone(), 0, kind.clone()),
    };
    let form = (shape.clone(), observation_start, action_shape, action_start, kind);
    FORMS.lock().unwrap_or_else(PoisonError::into_inner).insert(constructor, form);
    let step = env.getattr("step")?.unbind();
    let played = Played {
        env: env.unbind(),
        is_users,
        step,
        observations: observations.clone(),
        shape,
        observation_start,
        action_form,
    };
    Ok(Constructed { env: Box::new(played), observations, actions })
}

impl Played {
    fn outside(&self, given: &Bound<'_, PyAny>) -> PyErr {
        let text = given.str().map_or_else(|_| String::new(), |text| text.to_string());
        let text: String = text.chars().take(60).collect();
        Class::Run
            .with(format!("the observation {text} is not in the observation space {}", self.observations))
    }

    fn read(&self, given: &Bound<'_, PyAny>, observation: NumbersMut<'_>) -> PyResult<()> {
        match observation {
            NumbersMut::Index(number) => *number = self.index(given)?,
            NumbersMut::Floats(row) => self.copy(given, row)?,
            NumbersMut::Bytes(row) if matches!(self.observations, Space::Image { .. }) => {
                self.copy_image(given, row)?;
            }
            NumbersMut::Bytes(row) => self.copy(given, row)?,
        }
        Ok(())
    }

    fn index(&self, given: &Bound<'_, PyAny>) -> PyResult<usize> {
        let outside = || self.outside(given);
        let Space::Tuple { sizes } = &self.observations else {
            let number: i64 = given.extract().map_err(|_| outside())?;
            return usize::try_from(number - self.observation_start).map_err(|_| outside());
        };
        let parts: Vec<usize> = given.extract().map_err(|_| outside())?;
        if parts.len() != sizes.len() || parts.iter().zip(sizes).any(|(part, size)| part >= size) {
            return Err(outside());
        }
        Ok(parts.iter().zip(sizes).fold(0, |number, (part, size)| number * size + part))
    }

    fn copy<T: Number>(&self, given: &Bound<'_, PyAny>, row: &mut [T]) -> PyResult<()> {
        // The arrays that most environments return are copied as they lie.
        if let Ok(array) = given.extract::<PyReadonlyArrayDyn<'_, T::InArray>>()
            && let Some(numbers) = array.as_array().as_slice()
            && numbers.len() == row.len()
        {
            for (to, from) in row.iter_mut().zip(numbers) {
                *to = T::from_array(*from).ok_or_else(|| self.outside(given))?;
            }
            return Ok(());
        }
        let (numbers, shape) = numbers_of::<T>(given, "the observation")?;
        if numbers.len() != row.len() {
            return Err(Class::Run.with(format!(
                "an observation has the shape {shape:?}; the observation space is {}",
                self.observations
            )));
        }
        row.copy_from_slice(&numbers);
        Ok(())
    }

    fn copy_image(&self, given: &Bound<'_, PyAny>, row: &mut [u8]) -> PyResult<()> {
        // The array that most environments return is copied as it lies; not its own slice, which is there in Fortran's
        // order, too.
        let copied = |given: &Bound<'_, PyAny>, row: &mut [u8]| {
            let array = given.extract::<PyReadonlyArrayDyn<'_, u8>>().ok();
            let array = array.filter(|array| *array.as_array().shape() == *self.shape);
            let Some(array) = array else { return false };
            let array = array.as_array();
            let bytes = array.as_slice();
            bytes.inspect(|bytes| row.copy_from_slice(bytes)).is_some()
        };
        if !copied(given, row) {
            let image = helper(given.py())?.call_method1("image", (given, &self.shape))?;
            assert!(copied(&image, row), "the helper gives an array of bytes of the shape, or an exception");
        }
        Ok(())
    }

    fn action<'py>(&self, py: Python<'py>, action: Numbers<'_>) -> PyResult<Bound<'py, PyAny>> {
        match (&self.action_form, action) {
            (ActionForm::Discrete(start), Numbers::Index(number)) => {
                (number as i64 + start).into_bound_py_any(py)
            }
            (ActionForm::Box(shape, kind), Numbers::Floats(numbers)) => {
                let array = PyArray1::from_slice(py, numbers);
                let array = match shape[..] {
                    [_] => array.into_any(),
                    _ => array.reshape(shape.clone())?.into_any(),
                };
                if kind == "float32" { Ok(array) } else { array.call_method1("astype", (kind,)) }
            }
            _ => unreachable!("actions are of the space that was described"),
        }
    }

    fn begin(&self, py: Python<'_>, seed: Option<u64>, observation: NumbersMut<'_>) -> PyResult<()> {
        let result = helper(py)?.call_method1("reset", (&self.env, seed))?;
        let pair = result.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
        let Some(pair) = pair else {
            return Err(Class::Run.with(format!(
                "reset returned {}; it returns the observation and a dictionary",
                listed(&result)
            )));
        };
        self.read(&pair.get_item(0)?, observation)
    }

    fn take(&self, py: Python<'_>, action: Numbers<'_>, observation: NumbersMut<'_>) -> PyResult<Outcome> {
        let result = self.step.bind(py).call1((self.action(py, action)?,))?;
        let parts = result.cast::<PyTuple>().ok().filter(|parts| parts.len() == 5);
        let Some(parts) = parts else {
            return Err(Class::Run.with(format!(
                "step returned {}; it returns the observation, the reward, terminated, truncated and a dictionary",
                listed(&result)
            )));
        };
        self.read(&parts.get_item(0)?, observation)?;
        let reward = parts.get_item(1)?;
        let wrong = |_| Class::Run.with(format!("step returned the reward {reward}; it is a number"));
        let flag = |i, name: &str| -> PyResult<bool> {
            let value = parts.get_item(i)?;
            if let Ok(flag) = value.cast::<PyBool>() {
                return Ok(flag.is_true());
            }
            let kind = value.get_type().name()?.to_string();
            match &*kind {
                // NumPy's.
                "bool" | "bool_" => value.is_truthy(),
                _ => Err(Class::Run.with(format!("step returned {name} as {kind}; it is a bool"))),
            }
        };
        Ok(Outcome {
            reward: reward.extract().map_err(wrong)?,
            terminated: flag(2, "terminated")?,
            truncated: flag(3, "truncated")?,
        })
    }
}

/// The kind of a wrong result in words.
fn listed(result: &Bound<'_, PyAny>) -> String {
    match result.cast::<PyTuple>() {
        Ok(tuple) => format!("{} values", tuple.len()),
        Err(_) => result.get_type().name().map_or_else(|_| "a value".to_owned(), |name| name.to_string()),
    }
}

/// Calls Python; an exception is kept, and its text is the reason.
fn called<T>(call: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, String> {
    Python::attach(|py| call(py).map_err(|error| kept(py, error)))
}

impl Drop for Played {
    fn drop(&mut self) {
        if self.is_users {
            return;
        }
        // Nothing is closed by an interpreter that ends.
        Python::try_attach(|py| {
            let env = self.env.bind(py);
            if let Some(error) = env.getattr("close").and_then(|close| close.call0()).err()
                && !error.is_instance_of::<PyAttributeError>(py)
            {
                error.write_unraisable(py, Some(env));
            }
        });
    }
}

impl Foreign for Played {
    fn reset(&mut self, seed: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String> {
        called(|py| self.begin(py, seed, observation))
    }

    fn step(&mut self, action: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String> {
        called(|py| self.take(py, action, observation))
    }

    fn random_state(&mut self) -> Result<Vec<u8>, String> {
        called(|py| helper(py)?.call_method1("random_state", (&self.env,))?.extract())
    }

    fn set_random_state(&mut self, state: &[u8]) -> Result<(), String> {
        called(|py| {
            helper(py)?.call_method1("set_random_state", (&self.env, PyBytes::new(py, state))).map(|_| ())
        })
    }

    fn reseed(&mut self, seed: u64) -> Result<(), String> {
        called(|py| helper(py)?.call_method1("reseed", (&self.env, seed)).map(|_| ()))
    }

    fn warn(&self, warning: &str) {
        Python::attach(|py| {
            let class = py.get_type::<PyUserWarning>();
            let text = CString::new(warning.replace('\0', " ")).unwrap_or_default();
            if let Err(error) = PyErr::warn(py, &class, &text, 1) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Registers an environment of Python under an id of the namespace `python:`, in the place of an earlier one; `make` is called
/// for every environment that is needed, the first time at once. Environments are closed when the run has ended, but for that
/// of the `users`.
///
/// # Errors
/// If it cannot be constructed, or the engine has no such spaces.
#[pyfunction]
#[pyo3(signature = (id, make, users=None))]
pub(crate) fn register_environment(
    id: &str,
    make: &Bound<'_, PyAny>,
    users: Option<Py<PyAny>>,
) -> PyResult<()> {
    caught(|| {
        let (py, make, named) = (make.py(), make.clone().unbind(), id.to_owned());
        let entry = Entry::of_foreign(id, move |given| {
            called(|py| constructed((named.clone(), given.to_vec()), make.bind(py), users.as_ref()))
        });
        let found = py.detach(|| register(entry).and_then(|()| registry::find(id)));
        found.map(|_| ()).map_err(|error| {
            let text = error.to_string();
            exception_in(&text).unwrap_or_else(|| Class::Input.with(text))
        })
    })
}

/// The entry of an environment of Gymnasium, whose options are keyword arguments.
fn gymnasium_entry(name: &str) -> Result<Entry, String> {
    let (limit, threshold): (Option<u64>, Option<f64>) =
        called(|py| helper(py)?.call_method1("limits", (name,))?.extract())?;
    let (owned, id) = (name.to_owned(), format!("{GYMNASIUM}{name}"));
    let entry = Entry::of_foreign(&id.clone(), move |given| {
        called(|py| {
            let arguments = PyDict::new(py);
            given.iter().try_for_each(|(key, value)| arguments.set_item(key, value))?;
            let make = helper(py)?.call_method1("factory", (&owned, arguments))?;
            constructed((id.clone(), given.to_vec()), &make, None)
        })
    });
    Ok(entry.limits(limit, threshold))
}

/// Lets the engine find the environments of Gymnasium.
pub(crate) fn find_gymnasium() {
    resolve_namespace(GYMNASIUM, gymnasium_entry);
    resolve_namespace("python:", |name| {
        Err(format!("it was an environment of another Python program; give env= again to go on with {name}"))
    });
}
