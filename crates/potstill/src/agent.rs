//! The trait of all algorithms. The training loop runs them through it and depends on none.
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::core::Streams;
//! use potstill::experience::{Steps, Transition};
//! use potstill::tabular::{QLearning, TabularConfig};
//!
//! let mut agent = QLearning::new(TabularConfig::default(), 2, 2, Streams::new(1));
//! let mut action = [0];
//! agent.act(&[0], &mut action);
//! agent.observe(&Steps::of(&Transition {
//!     observation: &0,
//!     action: &action[0],
//!     reward: 1.0,
//!     next_observation: &1,
//!     terminated: true,
//!     truncated: false,
//! }))?;
//! // Half way from 0 to the reward.
//! assert_eq!(agent.q().row(0)[action[0]], 0.5);
//! # Ok::<(), potstill::agent::LearnError>(())
//! ```

use crate::experience::{ElementOf, Steps};
use crate::model::Model;
use potstill_core::{Restorable, Snapshot, Value};
use potstill_env::{BoxEnv, EnvError, Row};
use potstill_nn::NetworkSpec;
use thiserror::Error;

/// The methods of an agent whose model is the table `q`, and whose visits its `behaviour` counts.
macro_rules! table_of_actions {
    () => {
        fn model(&self) -> $crate::model::Model {
            $crate::model::Model::Table(self.q.clone())
        }

        fn start_from(&mut self, model: &$crate::model::Model) -> Result<(), String> {
            model.copy_to_table(&mut self.q)
        }

        fn visits(&self) -> Option<&[u64]> {
            Some(self.behaviour.visits())
        }
    };
}
pub(crate) use table_of_actions;

/// Lets an agent observe an episode of states, rewards and next states, terminated or truncated at its end.
#[cfg(test)]
pub(crate) fn observe_episode(
    agent: &mut impl Agent<Observation = usize, Action = usize>,
    steps: &[(usize, f64, usize)],
    terminated: bool,
) {
    for (t, &(state, reward, next)) in steps.iter().enumerate() {
        let is_last = t + 1 == steps.len();
        let step = crate::experience::Transition {
            observation: &state,
            action: &0,
            reward,
            next_observation: &next,
            terminated: is_last && terminated,
            truncated: is_last && !terminated,
        };
        agent.observe(&Steps::of(&step)).unwrap();
    }
}

/// A learner that acts: the contract between an algorithm and the training loop.
///
/// Observations and actions come as rows: a batch of `copies` observations is a slice of `copies x width`
/// numbers, and one environment is a batch of one. Online training repeats [`act`](Agent::act),
/// [`observe`](Agent::observe) and as many [`update`](Agent::update)s as `observe` returns. Offline training
/// [stores](Agent::store) recorded transitions, and then repeats [`tick`](Agent::tick) and as many updates as
/// it returns.
pub trait Agent: Restorable + Send {
    /// `usize` for discrete states, `[f32]` for features.
    type Observation: Row + ?Sized;
    /// `usize` for discrete actions, `[f32]` for a box.
    type Action: Row + ?Sized;

    /// Draws an action of the behaviour policy for each observation of a batch.
    fn act(&mut self, observations: &[ElementOf<Self::Observation>], actions: &mut [ElementOf<Self::Action>]);

    /// Observes one step of each copy, and returns the number of calls of [`update`](Agent::update) that are
    /// now due. A learner that updates its values at each step, as most tables do, has done so when it
    /// returns 0.
    ///
    /// # Errors
    /// If a reward or a target is not finite, or an episode that is learned from as a whole is too long.
    fn observe(&mut self, steps: &Steps<'_, Self::Observation, Self::Action>) -> Result<u64, LearnError>;

    /// Stores recorded transitions, one of each copy, for offline training. They are no part of its
    /// state: who restores an agent has stored the same before.
    ///
    /// # Errors
    /// If the algorithm learns from its own actions alone, or a reward is not finite.
    fn store(&mut self, _: &Steps<'_, Self::Observation, Self::Action>) -> Result<(), LearnError> {
        Err(LearnError::OnlineOnly)
    }

    /// Advances the clocks by a step of offline training, and returns the number of calls of
    /// [`update`](Agent::update) that are now due.
    fn tick(&mut self) -> u64 {
        0
    }

    /// Updates the parameters once from the observed experience, and returns measurements such as losses.
    ///
    /// # Errors
    /// If nothing was observed that can be learned from, or a loss or a gradient is not finite; parameters are then unchanged.
    fn update(&mut self) -> Result<Measurements, LearnError> {
        Err(LearnError::NothingObserved)
    }

    /// A copy of the model as learned so far.
    fn model(&self) -> Model;

    /// Takes over the parameters of a model, before anything was learned.
    ///
    /// # Errors
    /// If its shape is another, or the learner does not go on from parameters alone; the message is the reason.
    fn start_from(&mut self, _: &Model) -> Result<(), String> {
        Err("this algorithm has no parameters to start from".to_owned())
    }

    /// Takes over saved critics of an architecture, as the branch of a state that holds `critic-0` has
    /// them, before anything was learned. Returns false, with nothing changed, if the agent has no such
    /// critics.
    fn take_over_critics(&mut self, _: &Snapshot, _: &NetworkSpec) -> bool {
        false
    }

    /// Steps of each copy, from now on, in which [`act`](Agent::act) depends on no [`observe`](Agent::observe): those left of a
    /// rollout that is collected with one policy. `None` of a learner whose behaviour changes from step to step.
    fn fixed_steps(&self) -> Option<u64> {
        None
    }

    /// Searches from the environment's present state before acting there, for agents that plan by simulating
    /// copies of the environment (MCTS). A long search is made in pieces: it returns true when it is complete, and is called again
    /// until then. In the middle of a search the state that is saved is that before it.
    ///
    /// # Errors
    /// If a copy refuses a step.
    fn search(&mut self, _: &BoxEnv<Self::Observation, Self::Action>) -> Result<bool, LearnError> {
        Ok(true)
    }

    /// Visit counts `N(s, a)`, `states x actions`, of learners that count them.
    fn visits(&self) -> Option<&[u64]> {
        None
    }

    /// Returns true if the numbers of the model are estimated returns, and not preferences among actions.
    fn learns_values(&self) -> bool {
        true
    }

    /// Results beside the model, for the summary of a run, such as an average reward.
    fn results(&self) -> Measurements {
        Measurements::default()
    }

    /// Measurements of the present moment for the log, such as the exploration rate and the age and drift of the target network.
    fn diagnostics(&self) -> Measurements {
        Measurements::default()
    }
}

impl<A: Agent + ?Sized> Agent for Box<A> {
    type Observation = A::Observation;
    type Action = A::Action;

    fn act(&mut self, observations: &[ElementOf<A::Observation>], actions: &mut [ElementOf<A::Action>]) {
        (**self).act(observations, actions);
    }

    fn observe(&mut self, steps: &Steps<'_, A::Observation, A::Action>) -> Result<u64, LearnError> {
        (**self).observe(steps)
    }

    fn store(&mut self, steps: &Steps<'_, A::Observation, A::Action>) -> Result<(), LearnError> {
        (**self).store(steps)
    }

    fn tick(&mut self) -> u64 {
        (**self).tick()
    }

    fn update(&mut self) -> Result<Measurements, LearnError> {
        (**self).update()
    }

    fn model(&self) -> Model {
        (**self).model()
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        (**self).start_from(model)
    }

    fn take_over_critics(&mut self, saved: &Snapshot, spec: &NetworkSpec) -> bool {
        (**self).take_over_critics(saved, spec)
    }

    fn fixed_steps(&self) -> Option<u64> {
        (**self).fixed_steps()
    }

    fn search(&mut self, env: &BoxEnv<A::Observation, A::Action>) -> Result<bool, LearnError> {
        (**self).search(env)
    }

    fn visits(&self) -> Option<&[u64]> {
        (**self).visits()
    }

    fn learns_values(&self) -> bool {
        (**self).learns_values()
    }

    fn results(&self) -> Measurements {
        (**self).results()
    }

    fn diagnostics(&self) -> Measurements {
        (**self).diagnostics()
    }
}

/// Named numbers that an agent measured, at most [`MEASUREMENTS_MAX`] of them, in the order in which they were added.
///
/// ```
/// use potstill::agent::Measurements;
///
/// let losses = Measurements::of("train/policy_loss", 0.5).with("train/value_loss", 2.0);
/// assert_eq!(losses.get("train/value_loss"), Some(2.0));
/// assert_eq!(losses.iter().count(), 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measurements {
    values: [(&'static str, f64); MEASUREMENTS_MAX],
    len: usize,
}

/// The most that [`Measurements`] hold. A fixed number, so that a step allocates nothing.
pub const MEASUREMENTS_MAX: usize = 8;

impl Measurements {
    /// One measurement.
    pub fn of(name: &'static str, value: f64) -> Self {
        Self::default().with(name, value)
    }

    /// The same, and one more.
    ///
    /// # Panics
    /// If there are [`MEASUREMENTS_MAX`] already.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.add(name, value);
        self
    }

    /// Adds `value` to the measurement of this name, which is 0 if there was none.
    ///
    /// # Panics
    /// If there are [`MEASUREMENTS_MAX`] of other names already.
    pub fn add(&mut self, name: &'static str, value: f64) {
        match self.values[..self.len].iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += value,
            None => {
                self.values[self.len] = (name, value);
                self.len += 1;
            }
        }
    }

    /// The measurement of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.values[..self.len].iter().copied()
    }
}

/// An error that ends learning.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A reward, an observation, a target, a loss or a gradient is not finite. The parameters are as they were before it.
    #[error("{culprit} (learning rate too high, or rewards or inputs out of scale?)")]
    NotFinite {
        /// The value, by name and index.
        culprit: String,
        /// The batch, for inspection.
        batch: Snapshot,
    },
    /// An episode that is learned from as a whole does not end.
    #[error(
        "an episode of {steps} steps has not ended, but the algorithm learns only at the end of an episode; give a time limit, such as --env ID:max_episode_steps=1000"
    )]
    Endless {
        /// Its steps so far.
        steps: usize,
    },
    /// The standard deviation of a policy's actions is too small or too large for single precision.
    #[error(
        "the standard deviation of component {component} of the actions has {}: e^{log_std:.1} (learning_rate or ent_coef too high, or rewards out of scale?)",
        if *log_std < 0.0 { "vanished" } else { "exploded" }
    )]
    Deviation {
        /// The component of an action.
        component: usize,
        /// The logarithm of its deviation.
        log_std: f32,
    },
    /// Recorded transitions for an algorithm that learns from its own actions.
    #[error("this algorithm learns from its own actions alone, not from recorded ones")]
    OnlineOnly,
    /// An update without anything to learn from.
    #[error("nothing was observed yet that could be learned from")]
    NothingObserved,
    /// The environment refused a step.
    #[error("the environment refused: {0}")]
    Env(#[from] EnvError),
}

/// Steps of planning after one step of the environment that are made at once; further ones are made in as many updates as it takes.
pub const PLANNING_PIECE: u64 = 10_000;

/// Length of the longest episode, in steps, that is learned from as a whole.
pub const EPISODE_STEPS_MAX: usize = 1_000_000;

/// Largest gradient norm whose square Adam can represent in single precision.
pub const GRADIENT_NORM_MAX: f64 = 1e18;

/// Finds the first value that is not finite. `arrays` are in the order in which they depend on each other,
/// and become part of the error, for inspection.
pub fn not_finite(arrays: &[(&str, &[f32])]) -> Option<LearnError> {
    let (name, values, i) = arrays
        .iter()
        .find_map(|(name, values)| values.iter().position(|v| !v.is_finite()).map(|i| (name, values, i)))?;
    let place = if values.len() == 1 { String::new() } else { format!(" {i} of {}", values.len()) };
    Some(LearnError::NotFinite {
        culprit: format!("{name}{place} is {}", values[i]),
        batch: inspected(arrays),
    })
}

/// The error of a refused gradient step: the first value that is not finite, or else the gradient norm.
pub fn bad_step(gradient_norm: f64, arrays: &[(&str, &[f32])]) -> LearnError {
    not_finite(arrays).unwrap_or_else(|| LearnError::NotFinite {
        culprit: format!("the gradient's norm is {gradient_norm:e}"),
        batch: inspected(arrays),
    })
}

/// Refuses rewards that are not finite in single precision; one that is finite as `f64` may overflow there.
///
/// # Errors
/// If one is not.
pub fn checked_rewards(rewards: &[f64]) -> Result<(), LearnError> {
    if rewards.iter().all(|&reward| (reward as f32).is_finite()) {
        return Ok(());
    }
    let rewards: Vec<f32> = rewards.iter().map(|&reward| reward as f32).collect();
    Err(not_finite(&[("reward", &rewards)]).expect("one is not finite"))
}

/// Refuses a target that is not finite.
///
/// # Errors
/// If it is not finite.
pub fn checked_target(target: f64) -> Result<f64, LearnError> {
    if target.is_finite() {
        return Ok(target);
    }
    let batch = Snapshot::new().with("target", Value::F64(target));
    Err(LearnError::NotFinite { culprit: format!("target is {target}"), batch })
}

/// Refuses an episode longer than [`EPISODE_STEPS_MAX`].
///
/// # Errors
/// If it is longer.
pub fn checked_length(steps: usize) -> Result<(), LearnError> {
    if steps > EPISODE_STEPS_MAX {
        return Err(LearnError::Endless { steps: EPISODE_STEPS_MAX });
    }
    Ok(())
}

fn inspected(arrays: &[(&str, &[f32])]) -> Snapshot {
    let name = |name: &str| name.replace([' ', '\''], "_");
    arrays
        .iter()
        .fold(Snapshot::new(), |state, (n, values)| state.with(&name(n), Value::F32s(values.to_vec())))
}
