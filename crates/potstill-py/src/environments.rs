//! Many copies of one environment.
#![allow(clippy::needless_pass_by_value, reason = "a value of Python is extracted as an owned one")]

use crate::environment::{locked, specification_to_step, state_of};
use crate::errors::{Class, caught, of_environment};
use crate::rows::{Number, fill, numbers_of, rows_to_python, space_to_python, value_to_python};
use numpy::PyArray1;
use potstill::core::{Snapshot, Value};
use potstill::env::registry::{BoxVecEnv, Spec};
use potstill::env::space::Element;
use potstill::env::{Autoreset, Batch, BoxEnv, EnvError, Row, Space};
use potstill::store::snapshot_file;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Mutex;

/// The most copies.
const COPIES_MAX: usize = 1 << 24;

/// Copies of an environment of any kind, by values of Python.
trait PlayAll: Send {
    /// Starts episodes: in all copies, or in those of a mask.
    fn reset(&mut self, py: Python<'_>, seed: Option<u64>, mask: Option<&[bool]>) -> PyResult<()>;

    fn step(&mut self, actions: &Bound<'_, PyAny>) -> PyResult<()>;

    fn observations(&self, py: Python<'_>, out: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>>;

    /// The last observation of an episode that ended with the last step in copy `i`.
    fn final_observation(&self, py: Python<'_>, i: usize) -> PyResult<Option<Py<PyAny>>>;

    fn rewards(&self) -> &[f64];

    fn terminated(&self) -> &[bool];

    fn truncated(&self) -> &[bool];

    fn snapshot(&self) -> Snapshot;

    fn restore(&mut self, state: &Snapshot) -> Result<(), String>;
}

/// Copies that start their next episodes by themselves.
struct Automatic<T: Number, A: Row + ?Sized> {
    envs: BoxVecEnv<T, A>,
    space: Space,
}

impl<T, A> Automatic<T, A>
where
    T: Number,
    A: Row<Element: Number> + ?Sized + 'static,
{
    fn play(envs: BoxVecEnv<T, A>) -> Box<dyn PlayAll> {
        Box::new(Self { space: envs.single_observation_space(), envs })
    }

    fn batch(&self) -> &Batch<T> {
        self.envs.batch()
    }
}

/// The refusal of a mask.
fn no_mask() -> PyErr {
    Class::Input.with(
        "reset_mask is for the autoreset mode Disabled; in the others the next episode begins by itself",
    )
}

impl<T, A> PlayAll for Automatic<T, A>
where
    T: Number,
    A: Row<Element: Number> + ?Sized + 'static,
{
    fn reset(&mut self, py: Python<'_>, seed: Option<u64>, mask: Option<&[bool]>) -> PyResult<()> {
        if mask.is_some() {
            return Err(no_mask());
        }
        let envs = &mut self.envs;
        py.detach(|| _ = envs.reset(seed));
        Ok(())
    }

    fn step(&mut self, actions: &Bound<'_, PyAny>) -> PyResult<()> {
        let (numbers, _) = numbers_of::<A::Element>(actions, "actions")?;
        let envs = &mut self.envs;
        let stepped = actions.py().detach(|| envs.step(&numbers).map(|_| ()));
        stepped.map_err(|error| of_environment(&error))
    }

    fn observations(&self, py: Python<'_>, out: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        rows_to_python(py, &self.batch().observations, &self.space, out)
    }

    fn final_observation(&self, py: Python<'_>, i: usize) -> PyResult<Option<Py<PyAny>>> {
        let row = self.batch().final_observation(i);
        row.map(|row| value_to_python(py, row, &self.space)).transpose()
    }

    fn rewards(&self) -> &[f64] {
        &self.batch().rewards
    }

    fn terminated(&self) -> &[bool] {
        &self.batch().terminated
    }

    fn truncated(&self) -> &[bool] {
        &self.batch().truncated
    }

    fn snapshot(&self) -> Snapshot {
        self.envs.snapshot()
    }

    fn restore(&mut self, state: &Snapshot) -> Result<(), String> {
        self.envs.restore(state).map_err(|error| error.to_string())
    }
}

/// Copies whose next episodes the caller starts: Gymnasium's autoreset mode `Disabled`.
struct Manual<O: Row + ?Sized, A: Row + ?Sized> {
    envs: Vec<BoxEnv<O, A>>,
    observation_space: Space,
    action_space: Space,
    observations: Vec<O::Element>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    /// Copies that were never reset.
    is_new: Vec<bool>,
}

impl<O, A> Manual<O, A>
where
    O: Row<Element: Number> + ?Sized + 'static,
    A: Row<Element: Number> + ?Sized + 'static,
{
    fn play(copies: usize, make: impl Fn() -> BoxEnv<O, A>) -> Box<dyn PlayAll> {
        let envs: Vec<BoxEnv<O, A>> = (0..copies).map(|_| make()).collect();
        let (observation_space, action_space) = (envs[0].observation_space(), envs[0].action_space());
        let numbers = copies * observation_space.features();
        Box::new(Self {
            envs,
            observation_space,
            action_space,
            observations: vec![O::Element::default(); numbers],
            rewards: vec![0.0; copies],
            terminated: vec![false; copies],
            truncated: vec![false; copies],
            is_new: vec![true; copies],
        })
    }

    fn reset_some(&mut self, seed: Option<u64>, mask: Option<&[bool]>) {
        let features = self.observation_space.features();
        for (i, env) in self.envs.iter_mut().enumerate() {
            if mask.is_some_and(|mask| !mask[i]) {
                continue;
            }
            // As in the other modes: copies that were never seeded have the streams of their indices.
            let seed = seed.or(self.is_new[i].then_some(0)).map(|seed| seed.wrapping_add(i as u64));
            let row = &mut self.observations[i * features..(i + 1) * features];
            env.reset(seed, O::from_mut_slice(row));
            self.is_new[i] = false;
            self.rewards[i] = 0.0;
            (self.terminated[i], self.truncated[i]) = (false, false);
        }
    }

    fn step_all(&mut self, actions: &[A::Element]) -> Result<(), EnvError> {
        let (copies, width) = (self.envs.len(), self.action_space.features());
        if actions.len() != copies * width {
            return Err(match actions.len() % width {
                0 => EnvError::Actions { got: actions.len() / width, expected: copies },
                _ => EnvError::ActionNumbers { got: actions.len(), copies, width },
            });
        }
        // A step that is refused changes nothing in any copy.
        if let Some(action) =
            actions.chunks_exact(width).find(|row| !A::from_slice(row).is_in(&self.action_space))
        {
            let action = A::from_slice(action).text();
            return Err(EnvError::Action { action, space: self.action_space.clone() });
        }
        if self.is_new.contains(&true) {
            return Err(EnvError::NotReset);
        }
        if (0..copies).any(|i| self.terminated[i] || self.truncated[i]) {
            return Err(EnvError::EpisodeOver);
        }
        let features = self.observation_space.features();
        for (i, (env, action)) in self.envs.iter_mut().zip(actions.chunks_exact(width)).enumerate() {
            let row = &mut self.observations[i * features..(i + 1) * features];
            let outcome = env.step(A::from_slice(action), O::from_mut_slice(row))?;
            self.rewards[i] = outcome.reward;
            (self.terminated[i], self.truncated[i]) = (outcome.terminated, outcome.truncated);
        }
        Ok(())
    }

    fn row(&self, i: usize) -> &[O::Element] {
        let features = self.observation_space.features();
        &self.observations[i * features..(i + 1) * features]
    }
}

/// The names of a [`Manual`]'s values in its state.
const FLAGS: [&str; 3] = ["terminated", "truncated", "is_new"];

impl<O, A> PlayAll for Manual<O, A>
where
    O: Row<Element: Number> + ?Sized + 'static,
    A: Row<Element: Number> + ?Sized + 'static,
{
    fn reset(&mut self, py: Python<'_>, seed: Option<u64>, mask: Option<&[bool]>) -> PyResult<()> {
        let copies = self.envs.len();
        if let Some(mask) = mask.filter(|mask| mask.len() != copies) {
            return Err(
                Class::Input.with(format!("reset_mask has {} flags for {copies} environments", mask.len()))
            );
        }
        py.detach(|| self.reset_some(seed, mask));
        Ok(())
    }

    fn step(&mut self, actions: &Bound<'_, PyAny>) -> PyResult<()> {
        let (numbers, _) = numbers_of::<A::Element>(actions, "actions")?;
        actions.py().detach(|| self.step_all(&numbers)).map_err(|error| of_environment(&error))
    }

    fn observations(&self, py: Python<'_>, out: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        rows_to_python(py, &self.observations, &self.observation_space, out)
    }

    fn final_observation(&self, py: Python<'_>, i: usize) -> PyResult<Option<Py<PyAny>>> {
        let is_over = self.terminated[i] || self.truncated[i];
        let row = is_over.then(|| self.row(i));
        row.map(|row| value_to_python(py, row, &self.observation_space)).transpose()
    }

    fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    fn terminated(&self) -> &[bool] {
        &self.terminated
    }

    fn truncated(&self) -> &[bool] {
        &self.truncated
    }

    fn snapshot(&self) -> Snapshot {
        let flags = [&self.terminated, &self.truncated, &self.is_new];
        let flags = FLAGS
            .iter()
            .zip(flags)
            .map(|(name, flags)| (*name, Value::U8s(flags.iter().map(|flag| u8::from(*flag)).collect())));
        let state = Snapshot::new()
            .with("observations", <O::Element as Element>::to_value(&self.observations))
            .with("rewards", Value::F64s(self.rewards.clone()));
        let state = flags.fold(state, |state, (name, value)| state.with(name, value));
        let envs = self.envs.iter().enumerate();
        envs.fold(state, |state, (i, env)| state.with_part(&format!("env{i}"), env))
    }

    fn restore(&mut self, state: &Snapshot) -> Result<(), String> {
        let copies = self.envs.len();
        let read = |state: &Snapshot, this: &mut Self| -> Result<(), potstill::core::SnapshotError> {
            O::Element::read(&mut this.observations, state, "observations")?;
            this.rewards.copy_from_slice(state.f64s("rewards", copies)?);
            for (name, flags) in
                FLAGS.iter().zip([&mut this.terminated, &mut this.truncated, &mut this.is_new])
            {
                let saved = state.u8s(name, copies)?;
                flags.iter_mut().zip(saved).for_each(|(flag, saved)| *flag = *saved != 0);
            }
            for (i, env) in this.envs.iter_mut().enumerate() {
                state.restore_part(&format!("env{i}"), env)?;
            }
            Ok(())
        };
        read(state, self).map_err(|error| error.to_string())
    }
}

/// Copies of an environment, which start their next episodes themselves or not.
fn play_all(spec: &Spec, copies: usize, autoreset: Option<Autoreset>) -> Box<dyn PlayAll> {
    let expected = "an environment is of one of these kinds";
    match autoreset {
        Some(autoreset) => {
            let states = || spec.make_vec_states(copies, autoreset).map(Automatic::play);
            let planes = || spec.make_vec_planes(copies, autoreset).map(Automatic::play);
            let control = || spec.make_vec_control(copies, autoreset).map(Automatic::play);
            let features = || spec.make_vec_features(copies, autoreset).map(Automatic::play);
            states().or_else(planes).or_else(control).or_else(features).expect(expected)
        }
        None => {
            let made = "made before";
            if spec.make_states().is_some() {
                Manual::play(copies, || spec.make_states().expect(made))
            } else if spec.make_planes().is_some() {
                Manual::play(copies, || spec.make_planes().expect(made))
            } else if spec.make_control().is_some() {
                Manual::play(copies, || spec.make_control().expect(made))
            } else {
                Manual::play(copies, || spec.make_features().expect(expected))
            }
        }
    }
}

/// Copies of an environment, stepped together without the lock of the interpreter.
#[pyclass(frozen, module = "potstill._native")]
pub(crate) struct Environments {
    id: String,
    spec: Spec,
    copies: usize,
    mode: String,
    play: Mutex<Box<dyn PlayAll>>,
}

/// The autoreset mode of Gymnasium's name; none for `Disabled`.
fn autoreset_of(mode: &str) -> PyResult<Option<Autoreset>> {
    match mode {
        "NextStep" => Ok(Some(Autoreset::NextStep)),
        "SameStep" => Ok(Some(Autoreset::SameStep)),
        "Disabled" => Ok(None),
        _ => Err(Class::Input.with(format!("autoreset_mode {mode}: write NextStep, SameStep or Disabled"))),
    }
}

/// The arrays of a caller that a step fills.
type Out<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Observations, rewards, terminated and truncated of all copies.
type Stepped = (Py<PyAny>, Py<PyAny>, Py<PyAny>, Py<PyAny>);

#[pymethods]
impl Environments {
    #[new]
    fn new(id: &str, num_envs: usize, autoreset_mode: &str) -> PyResult<Self> {
        caught(|| {
            if !(1..=COPIES_MAX).contains(&num_envs) {
                return Err(Class::Input
                    .with(format!("num_envs={num_envs}: write a whole number from 1 to {COPIES_MAX}")));
            }
            let (spec, autoreset) = (specification_to_step(id)?, autoreset_of(autoreset_mode)?);
            let play = Mutex::new(play_all(&spec, num_envs, autoreset));
            Ok(Self { id: id.to_owned(), spec, copies: num_envs, mode: autoreset_mode.to_owned(), play })
        })
    }

    /// The observation space of one copy, as the name of its class and what that is built of.
    #[getter]
    fn single_observation_space(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        space_to_python(py, &self.spec.observation_space())
    }

    /// The action space of one copy, as the name of its class and what that is built of.
    #[getter]
    fn single_action_space(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        space_to_python(py, &self.spec.action_space())
    }

    /// Starts episodes in all copies, or with Disabled in those of a mask. Copy i has the stream of seed + i. Returns the
    /// observations, in `out` if it is given.
    #[pyo3(signature = (seed=None, mask=None, out=None))]
    fn reset(
        &self,
        py: Python<'_>,
        seed: Option<u64>,
        mask: Option<Vec<bool>>,
        out: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        caught(|| {
            let mut play = locked(&self.play, py);
            play.reset(py, seed, mask.as_deref())?;
            play.observations(py, out)
        })
    }

    /// Takes a step in every copy. Returns observations, rewards, terminated and truncated, in the four arrays of `out` if
    /// they are given.
    #[pyo3(signature = (actions, out=None))]
    fn step(&self, actions: &Bound<'_, PyAny>, out: Option<Out<'_>>) -> PyResult<Stepped> {
        let py = actions.py();
        caught(|| {
            let mut play = locked(&self.play, py);
            play.step(actions)?;
            let Some((observations, rewards, terminated, truncated)) = out else {
                return Ok((
                    play.observations(py, None)?,
                    PyArray1::from_slice(py, play.rewards()).into_py_any(py)?,
                    PyArray1::from_slice(py, play.terminated()).into_py_any(py)?,
                    PyArray1::from_slice(py, play.truncated()).into_py_any(py)?,
                ));
            };
            play.observations(py, Some(&observations))?;
            let shape = [self.copies];
            fill(&rewards, "rewards", "float64", &shape, play.rewards().iter().copied())?;
            fill(&terminated, "terminations", "bool", &shape, play.terminated().iter().copied())?;
            fill(&truncated, "truncations", "bool", &shape, play.truncated().iter().copied())?;
            Ok((observations.unbind(), rewards.unbind(), terminated.unbind(), truncated.unbind()))
        })
    }

    /// The copies whose episodes ended with the last step, and the last observation of each.
    fn final_observations(&self, py: Python<'_>) -> PyResult<Vec<(usize, Py<PyAny>)>> {
        caught(|| {
            let play = locked(&self.play, py);
            let ended = (0..self.copies).filter(|&i| play.terminated()[i] || play.truncated()[i]);
            let of = |i| -> PyResult<Option<(usize, Py<PyAny>)>> {
                Ok(play.final_observation(py, i)?.map(|observation| (i, observation)))
            };
            ended.filter_map(|i| of(i).transpose()).collect()
        })
    }

    /// The arguments of a copy, and its state.
    #[expect(clippy::type_complexity, reason = "Python's triple of class, arguments and state")]
    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String, usize, String), Py<PyAny>)> {
        let this = slf.get();
        let arguments = (this.id.clone(), this.copies, this.mode.clone());
        Ok((slf.get_type().into_py_any(slf.py())?, arguments, this.__getstate__(slf.py())?))
    }

    /// The whole state, in mid-episode too, as the bytes of a safetensors file.
    fn __getstate__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        caught(|| PyBytes::new(py, &snapshot_file::write(&locked(&self.play, py).snapshot())).into_py_any(py))
    }

    /// Restores a state of as many copies of the same environment.
    fn __setstate__(&self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        caught(|| {
            let state = state_of(state)?;
            let mut restored = play_all(&self.spec, self.copies, autoreset_of(&self.mode)?);
            let refused = |reason| {
                Class::Input
                    .with(format!("this is no state of {} copies of {}: {reason}", self.copies, self.id))
            };
            restored.restore(&state).map_err(refused)?;
            *locked(&self.play, py) = restored;
            Ok(())
        })
    }
}
