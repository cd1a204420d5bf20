//! Q-learning (Watkins 1989): learn the value of a target policy while another one behaves.
//!
//! `Q(S, A) <- Q(S, A) + alpha [R + gamma max_a Q(S', a) - Q(S, A)]` (Sutton and Barto 2018, equation 6.8 and the box of
//! section 6.5). Off-policy, online, model-free.
//!
//! Differences from the book: none. The target policy is a value; with anything but [`Policy::Greedy`] the maximum
//! becomes the expectation of equation 6.9.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::policy::Policy;
//! use potstill::tabular::{QLearning, TabularConfig};
//!
//! // Off-policy: it behaves at random and learns the greedy policy's values.
//! let behaviour = Policy::EpsilonGreedy { epsilon: 1.0 };
//! let agent = QLearning::with_policies(TabularConfig::default(), behaviour, Policy::Greedy, 48, 4, Streams::new(1));
//! assert_eq!((agent.q().states(), agent.q().actions()), (48, 4));
//! ```

use super::TabularConfig;
use crate::agent::{Agent, LearnError, Update, checked_target};
use crate::experience::Transition;
use crate::model::{Model, QTable};
use crate::policy::Policy;
use crate::targets::td_target;
use potstill_core::{Pcg64, State, StateError, Stateful, Streams};

/// A Q-learner.
#[derive(Clone, Debug)]
pub struct QLearning {
    config: TabularConfig,
    /// What acts.
    behaviour: Policy,
    /// What is learned.
    target: Policy,
    q: QTable,
    exploration: Pcg64,
}

impl QLearning {
    /// Epsilon-greedy behaviour, greedy target.
    pub fn new(config: TabularConfig, states: usize, actions: usize, streams: Streams) -> Self {
        let behaviour = Policy::EpsilonGreedy { epsilon: config.epsilon };
        Self::with_policies(config, behaviour, Policy::Greedy, states, actions, streams)
    }

    /// Any behaviour, any target.
    pub fn with_policies(
        config: TabularConfig,
        behaviour: Policy,
        target: Policy,
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        let q = QTable::new(states, actions, config.initial_value);
        Self { config, behaviour, target, q, exploration: streams.stream("exploration") }
    }

    /// The values learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }
}

impl Agent for QLearning {
    type Observation = usize;

    fn act(&mut self, &state: &usize) -> usize {
        self.behaviour.sample(self.q.row(state), &mut self.exploration)
    }

    fn learn(&mut self, step: &Transition<'_, usize>) -> Result<Option<Update>, LearnError> {
        let TabularConfig { learning_rate, gamma, .. } = self.config;
        let next_value = self.target.state_value(self.q.row(*step.next_observation));
        let target = td_target(step.reward, gamma, step.terminated, next_value);
        self.q.update(*step.observation, step.action, checked_target(target)?, learning_rate);
        Ok(None)
    }

    fn model(&self) -> Model {
        Model::Table(self.q.clone())
    }
}

impl Stateful for QLearning {
    fn state(&self) -> State {
        State::new().with_part("q", &self.q).with_part("exploration", &self.exploration)
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        state.restore_part("q", &mut self.q)?;
        state.restore_part("exploration", &mut self.exploration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_by_hand() {
        let check = |target: Policy, terminated: bool, truncated: bool, expected: f64| {
            let config = TabularConfig { gamma: 0.9, ..TabularConfig::default() };
            let mut agent = QLearning::with_policies(config, Policy::Greedy, target, 2, 2, Streams::new(0));
            agent.q = QTable::from_values(2, vec![1.0, 0.0, 4.0, 2.0]);
            let step = Transition {
                observation: &0,
                action: 0,
                reward: -1.0,
                next_observation: &1,
                terminated,
                truncated,
            };
            agent.learn(&step).unwrap();
            assert!((agent.q.row(0)[0] - expected).abs() < 1e-12, "{:?}", agent.q);
            assert_eq!(agent.q.values()[1..], [0.0, 4.0, 2.0]);
        };
        // 1 + 0.5 (-1 + 0.9 * 4 - 1)
        check(Policy::Greedy, false, false, 1.8);
        // A truncated step bootstraps, a terminal one does not: 1 + 0.5 (-1 - 1).
        check(Policy::Greedy, false, true, 1.8);
        check(Policy::Greedy, true, false, 0.0);
        // Expected under a uniform target: 1 + 0.5 (-1 + 0.9 * 3 - 1).
        check(Policy::EpsilonGreedy { epsilon: 1.0 }, false, false, 1.35);
    }
}
