//! Many copies of one environment, stepped together.
//!
//! Each copy has its own random stream, and is independent of the number of copies. The next episode of a
//! copy starts automatically; [`Autoreset`] is the step in which it does.
//!
//! ```
//! use potstill_env::{Autoreset, VecEnv, registry::find};
//!
//! let mut envs = find("CartPole-v1")?.make_vec_features(3, Autoreset::SameStep).unwrap();
//! envs.reset(Some(7));
//! // Two to the right, one to the left, until the first falls.
//! while !envs.step(&[1, 1, 0])?.done(0) {}
//! let batch = envs.batch();
//! // The new episode has begun ...
//! assert!(batch.observation(0).iter().all(|x| x.abs() <= 0.05));
//! // ... and the last observation of the old one is available, to bootstrap from if it was truncated.
//! assert!(batch.final_observation(0).unwrap()[2].abs() > 0.2);
//! assert!(batch.final_observation(2).is_none());
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

mod lanes;
mod steps;
mod sync;
mod worlds;

pub use lanes::Lanes;
pub use steps::{VecSteps, join_states, split_state};
pub use sync::SyncVec;
pub use worlds::Worlds;

use crate::space::{Element, Elements};
use crate::{EnvError, Row, Space};
use potstill_core::{Restorable, snapshot};

/// The step in which the next episode of a copy starts. The modes are Gymnasium's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autoreset {
    /// In the step after the last one: its action is ignored, its reward 0, and its observation the first of
    /// the new episode.
    #[default]
    NextStep,
    /// In the last step itself: its observation is already the first of the new episode, and the last of the
    /// old one is kept as the final observation.
    SameStep,
}

/// Many copies of one environment.
pub trait VecEnv: Restorable + Send {
    /// One number of an observation: `usize`, `f32` or `u8`.
    type Element: Element;
    /// `usize` for a discrete action space, `[f32]` for a box.
    type Action: Row + ?Sized;

    /// The observation space of one copy.
    fn single_observation_space(&self) -> Space;

    /// The action space of one copy.
    fn single_action_space(&self) -> Space;

    /// The autoreset mode.
    fn autoreset(&self) -> Autoreset;

    /// Starts an episode in every copy. With a seed `s`, copy `i` starts the stream of seed `s + i`, as in
    /// Gymnasium; with `None` each continues its own (one never seeded is that of its index).
    fn reset(&mut self, seed: Option<u64>) -> &Batch<Self::Element>;

    /// One step of every copy; `actions` are `copies x width`, row after row.
    ///
    /// # Errors
    /// If there is not one whole action per copy, an action is outside its space, or there was no `reset`.
    /// Nothing has then changed.
    fn step(&mut self, actions: &[<Self::Action as Row>::Element])
    -> Result<&Batch<Self::Element>, EnvError>;

    /// The result of the last `reset` or `step`.
    fn batch(&self) -> &Batch<Self::Element>;

    /// The number of copies.
    fn num_envs(&self) -> usize {
        self.batch().len()
    }
}

impl<V: VecEnv + ?Sized> VecEnv for Box<V> {
    type Element = V::Element;
    type Action = V::Action;

    fn single_observation_space(&self) -> Space {
        (**self).single_observation_space()
    }

    fn single_action_space(&self) -> Space {
        (**self).single_action_space()
    }

    fn autoreset(&self) -> Autoreset {
        (**self).autoreset()
    }

    fn reset(&mut self, seed: Option<u64>) -> &Batch<Self::Element> {
        (**self).reset(seed)
    }

    fn step(
        &mut self,
        actions: &[<Self::Action as Row>::Element],
    ) -> Result<&Batch<Self::Element>, EnvError> {
        (**self).step(actions)
    }

    fn batch(&self) -> &Batch<Self::Element> {
        (**self).batch()
    }
}

/// The result of one step of many copies: arrays with one entry, or one row, per copy.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<T> {
    features: usize,
    autoreset: Autoreset,
    /// Rows of observations, one after the other.
    pub observations: Vec<T>,
    /// Rewards.
    pub rewards: Vec<f64>,
    /// The rewards before they were changed for learning; empty if they are not.
    raw_rewards: Vec<f64>,
    /// `true` if the step reached a terminal state.
    pub terminated: Vec<bool>,
    /// `true` if a time limit ended the episode.
    pub truncated: Vec<bool>,
    /// With [`Autoreset::SameStep`], the last observations of the episodes that have just ended; other rows
    /// have no meaning.
    finals: Vec<T>,
}

impl<T: Element> Batch<T> {
    pub(crate) fn new(copies: usize, features: usize, autoreset: Autoreset) -> Self {
        let finals = if autoreset == Autoreset::SameStep { copies * features } else { 0 };
        Self {
            features,
            autoreset,
            observations: vec![T::default(); copies * features],
            rewards: vec![0.0; copies],
            raw_rewards: Vec::new(),
            terminated: vec![false; copies],
            truncated: vec![false; copies],
            finals: vec![T::default(); finals],
        }
    }

    /// The number of copies.
    pub fn len(&self) -> usize {
        self.rewards.len()
    }

    /// Returns true if there is no copy.
    pub fn is_empty(&self) -> bool {
        self.rewards.is_empty()
    }

    /// The number of numbers in an observation.
    pub fn features(&self) -> usize {
        self.features
    }

    fn row(&self, i: usize) -> std::ops::Range<usize> {
        i * self.features..(i + 1) * self.features
    }

    /// The observation to act on.
    pub fn observation(&self, i: usize) -> &[T] {
        &self.observations[self.row(i)]
    }

    fn observation_mut(&mut self, i: usize) -> &mut [T] {
        let row = self.row(i);
        &mut self.observations[row]
    }

    /// The reward of copy `i` before it was changed for learning ([`Env::raw_reward`](crate::Env::raw_reward)).
    #[inline]
    pub fn raw_reward(&self, i: usize) -> f64 {
        match self.raw_rewards.get(i) {
            Some(&raw) => raw,
            None => self.rewards[i],
        }
    }

    /// Keeps the rewards as raw ones before they are changed, unless they were before.
    pub(crate) fn keep_raw_rewards(&mut self) {
        if self.raw_rewards.is_empty() {
            self.raw_rewards.extend_from_slice(&self.rewards);
        }
    }

    /// Returns true if the episode of copy `i` ended with this step.
    pub fn done(&self, i: usize) -> bool {
        self.terminated[i] || self.truncated[i]
    }

    /// The last observation of the episode of copy `i` that ended with this step, in either mode; `None` if
    /// none did. A truncated episode bootstraps from it.
    pub fn final_observation(&self, i: usize) -> Option<&[T]> {
        self.done(i).then(|| match self.autoreset {
            Autoreset::NextStep => self.observation(i),
            Autoreset::SameStep => &self.finals[self.row(i)],
        })
    }

    /// Applies a function to every observation, and to the final ones.
    pub(crate) fn each_observation(&mut self, mut change: impl FnMut(&mut [T])) {
        self.observations.chunks_exact_mut(self.features).for_each(&mut change);
        if self.autoreset == Autoreset::SameStep {
            for i in 0..self.len() {
                if !self.done(i) {
                    continue;
                }
                let row = self.row(i);
                change(&mut self.finals[row]);
            }
        }
    }

    /// Makes the observation the final one, and makes room for that of the next episode.
    fn keep_final(&mut self, i: usize) {
        let row = self.row(i);
        self.finals[row.clone()].copy_from_slice(&self.observations[row]);
    }

    /// Clears everything but observations.
    fn clear(&mut self) {
        self.rewards.fill(0.0);
        self.raw_rewards.fill(0.0);
        self.terminated.fill(false);
        self.truncated.fill(false);
    }
}

snapshot! {
    impl[T: Element] Restorable for Batch<T> {
        saved: observations via Elements, rewards, terminated, truncated,
            finals as "final_observations" via Elements;
        built: features, autoreset, raw_rewards;
    }
}

/// Checks that a vector environment can take these actions.
#[inline]
fn check_actions<A: Row + ?Sized>(
    actions: &[A::Element],
    copies: usize,
    space: &Space,
    is_reset: bool,
) -> Result<(), EnvError> {
    if !is_reset {
        return Err(EnvError::NotReset);
    }
    let (width, got) = (space.features(), actions.len());
    if got != copies * width {
        return Err(match got % width {
            0 => EnvError::Actions { got: got / width, expected: copies },
            _ => EnvError::ActionNumbers { got, copies, width },
        });
    }
    match actions.chunks_exact(width).map(A::from_slice).find(|action| !action.is_in(space)) {
        None => Ok(()),
        Some(action) => Err(EnvError::Action { action: action.text(), space: space.clone() }),
    }
}
