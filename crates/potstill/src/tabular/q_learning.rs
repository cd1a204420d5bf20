//! Q-learning (Watkins 1989): learns the action values of a target policy from the experience of a behaviour
//! policy.
//!
//! `Q(S, A) <- Q(S, A) + alpha [R + gamma max_a Q(S', a) - Q(S, A)]` (Sutton and Barto 2018, equation 6.8 and the box of
//! section 6.5). Off-policy, online, model-free.
//!
//! Differences from the book: none. The target policy is a parameter; with anything but [`Policy::Greedy`]
//! the maximum becomes the expectation of equation 6.9.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::policy::{Behaviour, ExplorationRule};
//! use potstill::tabular::{QLearning, TabularConfig};
//!
//! // Off-policy: it acts at random and learns the greedy policy's values.
//! let uniform = ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() };
//! let behaviour = Behaviour::new(uniform, 48, 4, Streams::new(1));
//! let agent = QLearning::new(TabularConfig::default(), 48, 4, Streams::new(1)).with_behaviour(behaviour);
//! assert_eq!((agent.q().states(), agent.q().actions()), (48, 4));
//! ```

use super::{TabularConfig, TargetConfig};
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::ConfigError;
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy, StepSizes};
use crate::targets::td_target;
use potstill_core::{Streams, snapshot};

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "q-learning",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "learn the greedy policy's values while exploring",
    source: "Watkins 1989; Sutton and Barto 2018, section 6.5",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &[
        "env=CliffWalking-v1 episodes=60",
        "env=CliffWalkingSlippery-v1:max_episode_steps=200 steps=1500 exploration=boltzmann \
         temperature=1/n target_epsilon=0.2",
    ],
};

fn build(
    (config, target): &(TabularConfig, TargetConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = QLearning::new(config.clone(), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour).with_target_policy(Some(target.policy()))))
}

/// The Q-learning agent.
#[derive(Clone, Debug)]
pub struct QLearning {
    config: TabularConfig,
    /// The behaviour policy.
    behaviour: Behaviour,
    step_sizes: StepSizes,
    /// The target policy; `None` for the behaviour policy itself.
    target: Option<Policy>,
    q: QTable,
}

impl QLearning {
    /// An agent with an epsilon-greedy behaviour policy and a greedy target policy.
    pub fn new(config: TabularConfig, states: usize, actions: usize, streams: Streams) -> Self {
        let behaviour = config.behaviour(states, actions, streams);
        let q = QTable::new(states, actions, config.initial_value);
        let step_sizes = StepSizes::new(config.alpha, states * actions);
        Self { config, behaviour, step_sizes, target: Some(Policy::Greedy), q }
    }

    /// Replaces the behaviour policy.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Replaces the target policy; `None` is the behaviour policy, and makes it on-policy.
    #[must_use]
    pub fn with_target_policy(self, target: Option<Policy>) -> Self {
        Self { target, ..self }
    }

    /// Initialises the table with these values.
    ///
    /// # Panics
    /// If the table has another number of states.
    #[must_use]
    pub fn with_initial_values(self, q: QTable) -> Self {
        assert_eq!(q.states(), self.q.states());
        Self { q, ..self }
    }

    /// Action values as learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }
}

impl Agent for QLearning {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, self.q.row(state));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let gamma = self.config.gamma;
        let (state, next) = (*step.observation, *step.next_observation);
        self.behaviour.record_visit(state, *step.action);
        let next_value = match self.target {
            Some(target) => target.state_value(self.q.row(next)),
            None => self.behaviour.state_value(next, self.q.row(next)),
        };
        let target = td_target(step.reward, gamma, step.terminated, next_value);
        let pair = self.q.pair(state, *step.action);
        let alpha = self.step_sizes.next(pair, self.behaviour.steps());
        self.q.update(state, *step.action, checked_target(target)?, alpha);
        Ok(0)
    }

    table_of_actions!();
}

snapshot! {
    impl Restorable for QLearning {
        saved: q, behaviour, step_sizes;
        built: config, target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn one_step_by_hand() {
        let check = |target: Policy, terminated: bool, truncated: bool, expected: f64| {
            let config = TabularConfig { gamma: 0.9, ..TabularConfig::default() };
            let mut agent = QLearning::new(config, 2, 2, Streams::new(0)).with_target_policy(Some(target));
            agent.q = QTable::from_values(2, vec![1.0, 0.0, 4.0, 2.0]);
            let step = Transition {
                observation: &0,
                action: &0,
                reward: -1.0,
                next_observation: &1,
                terminated,
                truncated,
            };
            agent.observe(&Steps::of(&step)).unwrap();
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
