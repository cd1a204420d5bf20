//! Speedy Q-learning (Azar et al. 2011): Q-learning that takes two successive values, so that its step size may stay large.
//!
//! With `T_k Q(S, A) = R + gamma max_a Q(S', a)` for one sample and `alpha_k = 1 / (k + 1)`,
//! `Q_{k+1}(S, A) = Q_k + alpha_k [T_k Q_{k-1} - Q_k] + (1 - alpha_k) [T_k Q_k - T_k Q_{k-1}]` (their equation 2). Off-policy, online, model-free.
//!
//! Their algorithm updates all pairs at once from a generative model. Here pairs are updated as they are met, each with its own `k`, and `Q_{k-1}` of a
//! pair is its value before its own last update. `alpha` is not used.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{SpeedyQLearning, TabularConfig};
//!
//! let agent = SpeedyQLearning::new(&TabularConfig::default(), 48, 4, Streams::new(1));
//! assert_eq!(agent.q().states(), 48);
//! ```

use super::TabularConfig;
use crate::agent::{Agent, LearnError, Update, checked_target};
use crate::experience::Transition;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, Policy, Schedule};
use crate::targets::td_target;
use potstill_core::{State, StateError, Stateful, Streams};

/// A learner with two successive tables.
#[derive(Clone, Debug)]
pub struct SpeedyQLearning {
    gamma: f64,
    behaviour: Behaviour,
    q: QTable,
    /// Each value before its last update.
    previous: QTable,
}

impl SpeedyQLearning {
    /// A learner with the behaviour of the settings and a greedy target.
    pub fn new(config: &TabularConfig, states: usize, actions: usize, streams: Streams) -> Self {
        let q = QTable::new(states, actions, config.initial_value);
        let behaviour = config.behaviour(states, actions, streams);
        Self { gamma: config.gamma, behaviour, previous: q.clone(), q }
    }

    /// Acts by another behaviour policy.
    #[must_use]
    pub fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The values learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }
}

impl Agent for SpeedyQLearning {
    type Observation = usize;

    fn act(&mut self, &state: &usize) -> usize {
        self.behaviour.act(state, self.q.row(state))
    }

    fn learn(&mut self, step: &Transition<'_, usize>) -> Result<Option<Update>, LearnError> {
        let (state, action, next) = (*step.observation, step.action, *step.next_observation);
        self.behaviour.met(state, action);
        let backup = |q: &QTable| {
            let best = Policy::Greedy.state_value(q.row(next));
            checked_target(td_target(step.reward, self.gamma, step.terminated, best))
        };
        let (before, now) = (backup(&self.previous)?, backup(&self.q)?);
        let alpha = self.behaviour.step_size(Schedule::Harmonic { power: 1.0 }, state, action);
        let old = self.q.row(state)[action];
        let change = alpha * (before - old) + (1.0 - alpha) * (now - before);
        self.previous.set(state, action, old);
        self.q.set(state, action, checked_target(old + change)?);
        Ok(None)
    }

    fn model(&self) -> Model {
        Model::Table(self.q.clone())
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(self.behaviour.visits())
    }
}

impl Stateful for SpeedyQLearning {
    fn state(&self) -> State {
        State::new()
            .with_part("q", &self.q)
            .with_part("previous", &self.previous)
            .with_part("behaviour", &self.behaviour)
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        state.restore_part("q", &mut self.q)?;
        state.restore_part("previous", &mut self.previous)?;
        self.behaviour.restore_within(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let config = TabularConfig { gamma: 0.5, ..TabularConfig::default() };
        let mut agent = SpeedyQLearning::new(&config, 2, 2, Streams::new(0));
        let mut learn = |state: usize, reward| {
            let step = Transition {
                observation: &state,
                action: 0,
                reward,
                next_observation: &(1 - state),
                terminated: false,
                truncated: false,
            };
            agent.learn(&step).unwrap();
            agent.q.row(state)[0]
        };
        // The first update of a pair takes its target whole.
        assert_eq!(learn(1, 4.0), 4.0);
        // Q_{k-1}(1, 0) is 0, Q_k(1, 0) is 4; with alpha 1 the older counts: 2 + 0.5 * 0.
        assert_eq!(learn(0, 2.0), 2.0);
        // The second: alpha 1/2; now 2 + 0.5 * 4 = 4, before 2: 2 + 0.5 (2 - 2) + 0.5 (4 - 2).
        assert_eq!(learn(0, 2.0), 3.0);
    }
}
