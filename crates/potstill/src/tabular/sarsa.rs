//! SARSA (Rummery and Niranjan 1994): learns the action values of the behaviour policy, exploration included.
//!
//! `Q(S, A) <- Q(S, A) + alpha [R + gamma Q(S', A') - Q(S, A)]` (Sutton and Barto 2018, equation 6.7 and the box of section 6.4).
//! On-policy, online, model-free.
//!
//! Differences from the book: none. Target and behaviour policy are one and the same, so there is one.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{Sarsa, TabularConfig};
//!
//! let config = TabularConfig { initial_value: 5.0, ..TabularConfig::default() };
//! assert_eq!(Sarsa::new(config, 2, 2, Streams::new(1)).q().values(), [5.0; 4]);
//! ```

use super::TabularConfig;
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::ConfigError;
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, StepSizes};
use crate::targets::td_target;
use potstill_core::snapshot::below;
use potstill_core::{Streams, snapshot};

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "sarsa",
    family: "tabular",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "learn the values of the exploring behaviour policy",
    source: "Rummery and Niranjan 1994; Sutton and Barto 2018, section 6.4",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &["env=CliffWalking-v1 episodes=60 log_interval=3"],
};

fn build(config: &TabularConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = Sarsa::new(config.clone(), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// The SARSA agent.
#[derive(Clone, Debug)]
pub struct Sarsa {
    config: TabularConfig,
    /// The behaviour policy, which is also the target policy.
    behaviour: Behaviour,
    step_sizes: StepSizes,
    q: QTable,
    /// `A'`, selected for the update and then taken; `None` at the start of an episode.
    next_action: Option<usize>,
}

impl Sarsa {
    /// An agent with an epsilon-greedy policy.
    pub fn new(config: TabularConfig, states: usize, actions: usize, streams: Streams) -> Self {
        Self {
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, states * actions),
            q: QTable::new(states, actions, config.initial_value),
            next_action: None,
            config,
        }
    }

    /// Replaces the policy that acts and whose values are learned.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Action values as learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }
}

impl Agent for Sarsa {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.next_action.take().unwrap_or_else(|| self.behaviour.act(state, self.q.row(state)));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let gamma = self.config.gamma;
        let (state, next) = (*step.observation, *step.next_observation);
        self.behaviour.record_visit(state, *step.action);
        let next_action = self.behaviour.act(next, self.q.row(next));
        let target = td_target(step.reward, gamma, step.terminated, self.q.row(next)[next_action]);
        let alpha = self.step_sizes.next(self.q.pair(state, *step.action), self.behaviour.steps());
        self.q.update(state, *step.action, checked_target(target)?, alpha);
        // The next step begins another episode: A' served the update only.
        self.next_action = (!step.terminated && !step.truncated).then_some(next_action);
        Ok(0)
    }

    table_of_actions!();
}

snapshot! {
    impl Restorable for Sarsa {
        saved: q, behaviour, step_sizes, next_action via below(q.actions());
        built: config;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn one_step_by_hand() {
        let check = |terminated: bool, truncated: bool, expected: f64, kept: bool| {
            let config = TabularConfig { gamma: 0.9, epsilon: 0.0.into(), ..TabularConfig::default() };
            let mut agent = Sarsa::new(config, 2, 2, Streams::new(0));
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
            assert_eq!(agent.next_action.is_some(), kept);
        };
        check(false, false, 1.8, true);
        check(false, true, 1.8, false);
        check(true, false, 0.0, false);
    }

    #[test]
    fn the_action_learned_from_is_the_action_taken() {
        let config =
            TabularConfig { epsilon: 1.0.into(), gamma: 1.0, alpha: 1.0.into(), ..TabularConfig::default() };
        let mut agent = Sarsa::new(config, 2, 4, Streams::new(3));
        for _ in 0..100 {
            agent.q = QTable::from_values(4, vec![0.0, 0.0, 0.0, 0.0, 10.0, 20.0, 30.0, 40.0]);
            let step = Transition {
                observation: &0,
                action: &0,
                reward: 0.0,
                next_observation: &1,
                terminated: false,
                truncated: false,
            };
            agent.observe(&Steps::of(&step)).unwrap();
            let learned_from = agent.q.row(0)[0];
            let mut taken = [0];
            agent.act(&[1], &mut taken);
            assert_eq!(learned_from, 10.0 * (taken[0] + 1) as f64);
        }
    }
}
