//! The transitions that are collected between two updates, and the advantages of their actions.

use super::actions::PolicyActions;
use crate::agent::{LearnError, not_finite};
use crate::experience::{ElementOf, Steps};
use crate::targets::{self, LambdaDecay, Segment};
use potstill_core::snapshot::{Codec, OfLength, below};
use potstill_core::{Snapshot, SnapshotError, snapshot};
use potstill_env::Space;
use potstill_env::space::Element;

/// Transitions since the last update, `steps x copies`.
#[derive(Clone, Debug)]
pub(super) struct Rollout<A: PolicyActions + ?Sized> {
    /// Steps of each copy between updates.
    steps: usize,
    copies: usize,
    features: usize,
    /// The space of the actions, and the numbers of one.
    space: Space,
    width: usize,
    /// Steps so far.
    pub(super) length: usize,
    pub(super) observations: Vec<f32>,
    /// Actions as they were drawn, before a box clips them.
    pub(super) actions: Vec<ElementOf<A>>,
    /// The logarithm of each action's probability when it was drawn.
    pub(super) log_probs: Vec<f32>,
    rewards: Vec<f32>,
    /// The value of the final observation of a truncated episode.
    cut_values: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

/// The values, advantages and returns of a complete rollout, `steps x copies`.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimates {
    /// The critic's value of each observation, before the update.
    pub(super) values: Vec<f32>,
    /// Generalised advantage estimates.
    pub(super) advantages: Vec<f32>,
    /// Advantages and values: the critic's targets.
    pub(super) returns: Vec<f32>,
}

/// One copy's part of a rollout.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    rewards: Vec<f32>,
    values: Vec<f32>,
    next_values: Vec<f32>,
    advantages: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

impl<A: PolicyActions + ?Sized> Rollout<A> {
    pub(super) fn new(steps: usize, copies: usize, features: usize, space: &Space) -> Self {
        Self {
            steps,
            copies,
            features,
            space: space.clone(),
            width: space.features(),
            length: 0,
            observations: Vec::new(),
            actions: Vec::new(),
            log_probs: Vec::new(),
            rewards: Vec::new(),
            cut_values: Vec::new(),
            terminated: Vec::new(),
            truncated: Vec::new(),
        }
    }

    /// The number of its transitions.
    pub(super) fn size(&self) -> usize {
        self.length * self.copies
    }

    /// The numbers of an observation.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    pub(super) fn space(&self) -> &Space {
        &self.space
    }

    /// The numbers of an action.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Steps of each copy until it is complete.
    pub(super) fn left(&self) -> u64 {
        (self.steps - self.length) as u64
    }

    pub(super) fn is_complete(&self) -> bool {
        self.length == self.steps
    }

    /// Returns true if the last step of the only copy ended an episode.
    pub(super) fn is_over(&self) -> bool {
        [&self.terminated, &self.truncated].iter().any(|ends| ends.last() == Some(&true))
    }

    /// Removes all transitions.
    pub(super) fn clear(&mut self) {
        self.length = 0;
        [&mut self.observations, &mut self.log_probs, &mut self.rewards, &mut self.cut_values]
            .into_iter()
            .for_each(Vec::clear);
        self.actions.clear();
        self.terminated.clear();
        self.truncated.clear();
    }

    /// The places of drawn actions and their log-probabilities for the next step. A second call before
    /// [`observe`](Self::observe) replaces those of the first.
    pub(super) fn drawn(&mut self) -> (&mut [ElementOf<A>], &mut [f32]) {
        let (actions, log_probs) = (self.length * self.copies * self.width, self.length * self.copies);
        self.actions.resize(actions + self.copies * self.width, Default::default());
        self.log_probs.resize(log_probs + self.copies, 0.0);
        (&mut self.actions[actions..], &mut self.log_probs[log_probs..])
    }

    /// Takes in the step of the drawn actions; `value` gives that of the final observation of a truncated episode.
    ///
    /// # Errors
    /// If a reward is not finite in single precision.
    pub(super) fn observe(
        &mut self,
        steps: &Steps<'_, [f32], A>,
        mut value: impl FnMut(&[f32]) -> f32,
    ) -> Result<(), LearnError> {
        let start = self.rewards.len();
        self.observations.extend_from_slice(steps.observations);
        self.rewards.extend(steps.rewards.iter().map(|&reward| reward as f32));
        if let Some(error) = not_finite(&[("reward", &self.rewards[start..])]) {
            return Err(error);
        }
        self.terminated.extend_from_slice(steps.terminated);
        self.truncated.extend_from_slice(steps.truncated);
        for (copy, next) in steps.next_observations.chunks_exact(self.features).enumerate() {
            let is_cut = steps.truncated[copy] && !steps.terminated[copy];
            self.cut_values.push(if is_cut { value(next) } else { 0.0 });
        }
        self.length += 1;
        Ok(())
    }

    /// The discounted returns of the steps of one copy, to the end of their episodes, or beyond a truncation to the value of the
    /// final observation.
    pub(super) fn returns(&self, gamma: f32, returns: &mut Vec<f32>) {
        returns.clear();
        returns.resize(self.length, 0.0);
        let mut after = 0.0;
        for t in (0..self.length).rev() {
            if self.terminated[t] || self.truncated[t] {
                after = self.cut_values[t];
            }
            after = self.rewards[t] + gamma * after;
            returns[t] = after;
        }
    }

    /// Estimates the advantages of its actions from `estimates.values`; `last` are the values of the
    /// observations after it, one per copy.
    pub(super) fn estimate(
        &self,
        last: &[f32],
        decay: LambdaDecay,
        column: &mut Column,
        estimates: &mut Estimates,
    ) {
        let Estimates { values, advantages, returns } = estimates;
        advantages.resize(self.size(), 0.0);
        returns.resize(self.size(), 0.0);
        for (copy, &last) in last.iter().enumerate() {
            column.clear();
            for i in (0..self.length).map(|t| t * self.copies + copy) {
                column.rewards.push(self.rewards[i]);
                column.values.push(values[i]);
                let following = values.get(i + self.copies).copied().unwrap_or(last);
                column.next_values.push(if self.truncated[i] { self.cut_values[i] } else { following });
                column.terminated.push(self.terminated[i]);
                column.truncated.push(self.truncated[i]);
            }
            column.advantages.resize(self.length, 0.0);
            let Column { rewards, values, next_values, advantages: found, terminated, truncated } = column;
            let segment = Segment { rewards, next_values, terminated, truncated };
            targets::advantages(segment, values, decay, found);
            for (t, (advantage, value)) in found.iter().zip(values).enumerate() {
                advantages[t * self.copies + copy] = *advantage;
                returns[t * self.copies + copy] = *advantage + *value;
            }
        }
    }
}

impl Column {
    fn clear(&mut self) {
        [&mut self.rewards, &mut self.values, &mut self.next_values].into_iter().for_each(Vec::clear);
        self.terminated.clear();
        self.truncated.clear();
    }
}

impl Estimates {
    /// Estimates of so many transitions, to be restored.
    pub(super) fn of_length(length: usize) -> Self {
        let zeros = || vec![0.0; length];
        Self { values: zeros(), advantages: zeros(), returns: zeros() }
    }

    /// The share of the variance of the returns that the values explain.
    pub(super) fn explained_variance(&self) -> f64 {
        explained_variance(&self.returns, &self.values)
    }
}

/// The share of the variance of returns that values explain: 1 for a perfect critic, 0 for one that always predicts the mean. 0
/// for returns without variance.
pub(super) fn explained_variance(returns: &[f32], values: &[f32]) -> f64 {
    let n = returns.len() as f64;
    let variance = |of: &dyn Fn(usize) -> f64| {
        let mean = (0..returns.len()).map(of).sum::<f64>() / n;
        (0..returns.len()).map(|i| (of(i) - mean) * (of(i) - mean)).sum::<f64>() / n
    };
    let of_returns = variance(&|i| f64::from(returns[i]));
    let of_errors = variance(&|i| f64::from(returns[i]) - f64::from(values[i]));
    if of_returns == 0.0 { 0.0 } else { 1.0 - of_errors / of_returns }
}

/// The codec of actions of a space, with so many numbers in all.
pub(super) struct Actions<'a>(pub(super) &'a Space, pub(super) usize);

impl<E: Element> Codec<Vec<E>> for Actions<'_> {
    fn save(&self, actions: &Vec<E>, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, E::to_value(&actions[..self.1]));
    }

    fn load(&self, actions: &mut Vec<E>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        actions.clear();
        actions.resize(self.1, E::default());
        E::read(actions, snapshot, name)?;
        let bound = self.0.discrete().map_or(f64::INFINITY, |n| n as f64);
        match actions.iter().find(|action| !(action.wide() < bound && action.wide().is_finite())) {
            None => Ok(()),
            Some(action) => Err(SnapshotError::invalid(name, format!("{action} is no action of {}", self.0))),
        }
    }
}

snapshot! {
    impl[A: PolicyActions + ?Sized] Restorable for Rollout<A> {
        // Between `act` and `observe` there are actions for one step more than there are steps.
        saved: length via below(*steps + 1), observations via OfLength(*length * *copies * *features),
            actions via Actions(space, *length * *copies * *width), log_probs via OfLength(*length * *copies),
            rewards via OfLength(*length * *copies), cut_values via OfLength(*length * *copies),
            terminated via OfLength(*length * *copies), truncated via OfLength(*length * *copies);
        built: steps, copies, features, space, width;
    }
}

snapshot! {
    impl Restorable for Estimates {
        saved: values, advantages, returns;
    }
}
