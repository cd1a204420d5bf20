//! Environments outside of this program, which have no state that could be saved: a checkpoint keeps the actions of the
//! running episode and the state of the random numbers that it began with, and restoring plays them again.
//!
//! An environment that draws only from its generator then goes on exactly where it was, which is held against the
//! last observation. One whose generator is not accessible is given a seed for every episode, not for the first alone,
//! and is repeated by that. One that does not repeat its episode begins another: the next step closes the episode with
//! a truncation at the last observation, reward 0, in place of a step in the environment.
//!
//! ```
//! use potstill_core::Restorable;
//! use potstill_env::registry::{Entry, find, register};
//! use potstill_env::replayed::{Constructed, Foreign};
//! use potstill_env::space::{Numbers, NumbersMut};
//! use potstill_env::{Env, Outcome, Space};
//!
//! /// Counts steps, and cannot be asked for its count.
//! struct Counter(usize);
//!
//! impl Counter {
//!     fn write(&self, observation: NumbersMut<'_>) -> Result<(), String> {
//!         let NumbersMut::Index(state) = observation else { return Err("a number is needed".to_owned()) };
//!         *state = self.0;
//!         Ok(())
//!     }
//! }
//!
//! impl Foreign for Counter {
//!     fn reset(&mut self, _: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String> {
//!         self.0 = 0;
//!         self.write(observation)
//!     }
//!
//!     fn step(&mut self, _: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String> {
//!         self.0 += 1;
//!         self.write(observation)?;
//!         Ok(Outcome { reward: 1.0, terminated: self.0 == 9, truncated: false })
//!     }
//!
//!     fn random_state(&mut self) -> Result<Vec<u8>, String> {
//!         Ok(Vec::new())
//!     }
//!
//!     fn set_random_state(&mut self, _: &[u8]) -> Result<(), String> {
//!         Ok(())
//!     }
//!
//!     fn reseed(&mut self, _: u64) -> Result<(), String> {
//!         Ok(())
//!     }
//!
//!     fn warn(&self, warning: &str) {
//!         eprintln!("{warning}");
//!     }
//! }
//!
//! register(Entry::of_foreign("python:Counter", |_| {
//!     let (observations, actions) = (Space::Discrete { n: 10 }, Space::Discrete { n: 1 });
//!     Ok(Constructed { env: Box::new(Counter(0)), observations, actions })
//! }))?;
//! let (mut env, mut state) = (find("python:Counter")?.make_states().unwrap(), 0);
//! env.reset(None, &mut state);
//! env.step(&0, &mut state)?;
//! // Restored by a reset and a step.
//! let mut restored = find("python:Counter")?.make_states().unwrap();
//! restored.restore(&env.snapshot())?;
//! restored.step(&0, &mut state)?;
//! assert_eq!(state, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::registry::{Factory, Kind};
use crate::space::{Element, Numbers, NumbersMut, row_text};
use crate::wrappers::Features;
use crate::{Env, EnvError, Outcome, Row, Space};
use potstill_core::{Restorable, Snapshot, SnapshotError, Streams, Value};
use std::borrow::{Borrow, BorrowMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Steps of an episode beyond which its actions are not kept.
const REPLAYED_STEPS_MAX: usize = 1_000_000;

/// An environment in another language or another process, which is closed when it is dropped. Errors are reasons, for
/// the user.
pub trait Foreign: Send {
    /// Starts an episode, as [`Env::reset`].
    ///
    /// # Errors
    /// If the environment fails.
    fn reset(&mut self, seed: Option<u64>, observation: NumbersMut<'_>) -> Result<(), String>;

    /// Takes one step, as [`Env::step`].
    ///
    /// # Errors
    /// If the environment fails.
    fn step(&mut self, action: Numbers<'_>, observation: NumbersMut<'_>) -> Result<Outcome, String>;

    /// The state of its random numbers; empty if they are not accessible.
    ///
    /// # Errors
    /// If the environment fails.
    fn random_state(&mut self) -> Result<Vec<u8>, String>;

    /// Restores what [`random_state`](Foreign::random_state) gave.
    ///
    /// # Errors
    /// If the environment fails, or has no such state.
    fn set_random_state(&mut self, state: &[u8]) -> Result<(), String>;

    /// Restarts its random numbers from a seed, without a reset.
    ///
    /// # Errors
    /// If the environment fails, or its random numbers are not accessible.
    fn reseed(&mut self, seed: u64) -> Result<(), String>;

    /// Shows a warning to the user.
    fn warn(&self, warning: &str);
}

/// A foreign environment, with its spaces.
pub struct Constructed {
    /// The environment.
    pub env: Box<dyn Foreign>,
    /// The observation space.
    pub observations: Space,
    /// The action space.
    pub actions: Space,
}

/// The kind of the environments that a function constructs. It is called at once, and again for each further environment
/// that is played.
///
/// # Errors
/// If the first cannot be constructed, or there are no environments with its spaces.
pub fn kind(
    construct: impl Fn() -> Result<Constructed, String> + Send + Sync + 'static,
) -> Result<Kind, String> {
    let Constructed { env, observations, actions } = construct()?;
    let first = Mutex::new(Some(env));
    let spaces = (observations.clone(), actions.clone());
    let make: Arc<Make> = Arc::new(move || {
        if let Some(first) = first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(first);
        }
        let Constructed { env, observations, actions } = construct()?;
        if (&observations, &actions) == (&spaces.0, &spaces.1) {
            return Ok(env);
        }
        let (first, second) = spaces.clone();
        Err(format!(
            "another environment has the spaces {observations} and {actions}, the first had {first} and {second}"
        ))
    });
    fn factory<O, A>(spaces: (Space, Space), make: Arc<Make>) -> Kind
    where
        O: Row + ?Sized + 'static,
        A: Row + ?Sized + 'static,
        Factory<O, A>: Into<Kind>,
    {
        let make = move || Replayed::<O, A>::new(spaces.clone(), make.clone());
        Factory::new(make).into()
    }
    let spaces = (observations, actions);
    match &spaces {
        (Space::Box { .. }, Space::Box { .. }) => Ok(factory::<[f32], [f32]>(spaces, make)),
        (Space::Image { .. }, Space::Box { .. }) => {
            let make = move || Features::new(Replayed::<[u8], [f32]>::new(spaces.clone(), make.clone()));
            Ok(Factory::new(make).into())
        }
        (Space::Box { .. }, Space::Discrete { .. }) => Ok(factory::<[f32], usize>(spaces, make)),
        (Space::MultiBinary { .. } | Space::Image { .. }, Space::Discrete { .. }) => {
            Ok(factory::<[u8], usize>(spaces, make))
        }
        (Space::Discrete { .. } | Space::Tuple { .. }, Space::Discrete { .. }) => {
            Ok(factory::<usize, usize>(spaces, make))
        }
        (observations, actions) => Err(format!(
            "its spaces are {observations} and {actions}; there are actions that are Discrete, and a Box of them where \
             observations are one"
        )),
    }
}

/// Constructs a foreign environment; an error is the reason.
type Make = dyn Fn() -> Result<Box<dyn Foreign>, String> + Send + Sync;

/// The beginning of an episode.
#[derive(Clone, Debug, PartialEq)]
enum Start {
    /// A reset with a seed.
    Seed(u64),
    /// A reset that went on with random numbers in this state.
    RandomState(Vec<u8>),
}

/// The seed of the episode after one with this seed, of an environment whose random numbers are not accessible.
fn next_seed(seed: u64) -> u64 {
    Streams::new(seed).seed_for("episodes", 0)
}

/// A foreign environment, constructed when it is first used, and restored by replaying its episode.
struct Replayed<O: Row + ?Sized, A: Row + ?Sized> {
    make: Arc<Make>,
    observations: Space,
    actions: Space,
    foreign: Option<Box<dyn Foreign>>,
    /// None before the first reset.
    start: Option<Start>,
    /// The actions since then, row after row.
    taken: Vec<A::Element>,
    last: O::Owned,
    /// False if more was done than repeating the actions does.
    is_repeatable: bool,
    /// True if the next step closes an episode that was not repeated.
    is_lost: bool,
    /// The failure of a reset, until the next step reports it.
    failure: Option<String>,
}

impl<O: Row + ?Sized, A: Row + ?Sized> Replayed<O, A> {
    fn new((observations, actions): (Space, Space), make: Arc<Make>) -> Self {
        Self {
            make,
            last: O::buffer(&observations),
            observations,
            actions,
            foreign: None,
            start: None,
            taken: Vec::new(),
            is_repeatable: true,
            is_lost: false,
            failure: None,
        }
    }

    fn foreign(&mut self) -> Result<&mut dyn Foreign, String> {
        if self.foreign.is_none() {
            self.foreign = Some((self.make)()?);
        }
        Ok(&mut **self.foreign.as_mut().expect("it was constructed"))
    }

    fn begin(&mut self, seed: Option<u64>, observation: &mut O) -> Result<(), String> {
        // A stream that was never seeded is that of seed 0.
        let mut seed = seed.or(self.start.is_none().then_some(0));
        let state = if seed.is_none() { self.foreign()?.random_state()? } else { Vec::new() };
        if let (None, true, Some(Start::Seed(last))) = (seed, state.is_empty(), &self.start) {
            seed = Some(next_seed(*last));
        }
        self.start = Some(seed.map_or(Start::RandomState(state), Start::Seed));
        self.taken.clear();
        (self.is_repeatable, self.is_lost) = (true, false);
        self.foreign()?.reset(seed, observation.as_numbers_mut())
    }

    /// Begins the episode as it was begun, and takes its actions. Returns the reason if it was not repeated.
    ///
    /// # Errors
    /// If the environment fails.
    fn replay(&mut self) -> Result<Option<String>, String> {
        fn numbers<'a, O: Row + ?Sized + 'a>(observation: &'a mut O::Owned) -> NumbersMut<'a> {
            BorrowMut::<O>::borrow_mut(observation).as_numbers_mut()
        }
        let mut observation = O::buffer(&self.observations);
        let start = self.start.clone().expect("an episode was begun");
        let taken = std::mem::take(&mut self.taken);
        let width = self.actions.features();
        let foreign = self.foreign()?;
        let replayed: Result<_, String> = (|| {
            match &start {
                Start::Seed(seed) => foreign.reset(Some(*seed), numbers::<O>(&mut observation))?,
                Start::RandomState(state) => {
                    // Before its first reset, an environment has no random numbers.
                    foreign.reset(Some(0), numbers::<O>(&mut observation))?;
                    foreign.set_random_state(state)?;
                    foreign.reset(None, numbers::<O>(&mut observation))?;
                }
            }
            let steps = taken.len() / width;
            for (t, action) in taken.chunks_exact(width).enumerate() {
                let outcome =
                    foreign.step(A::from_slice(action).as_numbers(), numbers::<O>(&mut observation))?;
                if outcome.done() && t + 1 < steps {
                    return Ok(Some(format!("it ended after {} of its {steps} steps", t + 1)));
                }
            }
            Ok(None)
        })();
        self.taken = taken;
        let ended = replayed?;
        if ended.is_some() || observation == self.last {
            return Ok(ended);
        }
        let text = |row: &O::Owned| row_text(Borrow::<O>::borrow(row).as_slice());
        let (now, before) = (text(&observation), text(&self.last));
        let cut = |text: String| text.chars().take(60).collect::<String>();
        Ok(Some(format!("it led to {} instead of {}", cut(now), cut(before))))
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Env for Replayed<O, A> {
    type Observation = O;
    type Action = A;

    fn observation_space(&self) -> Space {
        self.observations.clone()
    }

    fn action_space(&self) -> Space {
        self.actions.clone()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut O) {
        self.failure = self.begin(seed, observation).err();
        if self.failure.is_some() {
            observation.as_mut_slice().fill(Default::default());
        }
        self.last.borrow_mut().as_mut_slice().copy_from_slice(observation.as_slice());
    }

    fn step(&mut self, action: &A, observation: &mut O) -> Result<Outcome, EnvError> {
        let failed = |reason| EnvError::Failed { reason };
        if let Some(reason) = &self.failure {
            return Err(failed(reason.clone()));
        }
        if std::mem::take(&mut self.is_lost) {
            observation.as_mut_slice().copy_from_slice(self.last.borrow().as_slice());
            return Ok(Outcome { reward: 0.0, terminated: false, truncated: true });
        }
        let outcome = self
            .foreign()
            .and_then(|foreign| foreign.step(action.as_numbers(), observation.as_numbers_mut()))
            .map_err(failed)?;
        if self.taken.len() / self.actions.features() < REPLAYED_STEPS_MAX {
            self.taken.extend_from_slice(action.as_slice());
        } else {
            self.is_repeatable = false;
        }
        self.last.borrow_mut().as_mut_slice().copy_from_slice(observation.as_slice());
        Ok(outcome)
    }

    /// Only the actions of steps that did not fail are kept.
    fn is_retriable(&self) -> bool {
        self.failure.is_none()
    }

    fn reseed(&mut self, seed: u64) {
        self.is_repeatable = false;
        if let Err(reason) = self.foreign().and_then(|foreign| foreign.reseed(seed)) {
            self.failure = Some(reason);
        }
    }
}

impl<O: Row + ?Sized, A: Row + ?Sized> Restorable for Replayed<O, A> {
    fn snapshot(&self) -> Snapshot {
        let state = Snapshot::new().with("is_begun", Value::Bool(self.start.is_some()));
        let state = match &self.start {
            None => return state,
            Some(Start::Seed(seed)) => state.with("seed", Value::U64(*seed)),
            Some(Start::RandomState(random)) => state.with("random_state", Value::U8s(random.clone())),
        };
        state
            .with("actions", A::Element::to_value(&self.taken))
            .with("steps", Value::U64((self.taken.len() / self.actions.features()) as u64))
            .with("observation", Borrow::<O>::borrow(&self.last).to_value())
            .with("is_repeatable", Value::Bool(self.is_repeatable && !self.is_lost))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.failure = None;
        (self.is_lost, self.start) = (false, None);
        if !snapshot.bool("is_begun")? {
            return Ok(());
        }
        self.start = Some(match snapshot.contains("seed") {
            true => Start::Seed(snapshot.u64("seed")?),
            false => Start::RandomState(snapshot.bytes("random_state")?.to_vec()),
        });
        let steps = usize::try_from(snapshot.counter("steps")?).unwrap_or(usize::MAX).min(REPLAYED_STEPS_MAX);
        self.taken = vec![A::Element::default(); steps * self.actions.features()];
        A::Element::read(&mut self.taken, snapshot, "actions")?;
        self.last.borrow_mut().read(snapshot, "observation")?;
        self.is_repeatable = snapshot.bool("is_repeatable")?;
        let failed = |reason: String| SnapshotError::invalid("actions", reason);
        if !self.is_repeatable {
            // From the same start in any case, so that two restored copies go on alike.
            self.taken.clear();
            self.replay().map_err(failed)?;
        }
        let lost = match self.is_repeatable {
            true => self.replay().map_err(failed)?,
            false => Some("its actions were not kept".to_owned()),
        };
        if let Some(reason) = lost {
            self.is_lost = true;
            let warning = format!(
                "the environment did not repeat its episode ({reason}): the run goes on with another one, and not with \
                 the bits that it would have had"
            );
            self.foreign().map_err(failed)?.warn(&warning);
        }
        Ok(())
    }
}
