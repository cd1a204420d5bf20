//! R-learning (Schwartz 1993): maximises the average reward of a continuing task.
//!
//! `Q(S, A) <- Q(S, A) + alpha [R - rho + max_a Q(S', a) - Q(S, A)]`, and if A is then greedy,
//! `rho <- rho + beta [R - rho + max_a Q(S', a) - max_a Q(S, a)]` (Sutton and Barto 1998, figure 6.16). Off-policy, online, model-free.
//!
//! Values are relative to the average reward. `gamma` is not used. Differences from the book: after a
//! terminal state the value is 0.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{RLearning, RLearningConfig, TabularConfig};
//!
//! let config = (TabularConfig::default(), RLearningConfig::default());
//! let agent = RLearning::new(config, 44, 2, Streams::new(1));
//! assert_eq!(agent.average_reward(), 0.0);
//! ```

use super::TabularConfig;
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, Measurements, checked_target};
use crate::algorithm::{
    Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, Unused, recipe_without,
};
use crate::config::{ConfigError, Need, settings};
use crate::experience::Steps;
use crate::metrics::catalogue;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy, Schedule, StepSizes};
use crate::targets::td_target;
use potstill_core::{Streams, snapshot};

settings! {
    /// The step size of the average reward.
    pub struct RLearningConfig {
        /// Step size beta of the average reward, a number or a schedule; 1/n counts its updates. Source: 0.01, Sutton and Barto 1998, Example 6.7
        beta: Schedule = 0.01, in PositiveUnit;
    }
}

/// The key without use.
const AVERAGE: Unused = &[("gamma", &[Need::Never("values are relative to the average reward")])];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "r-learning",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "maximise the average reward of a continuing task",
    source: "Schwartz 1993; Sutton and Barto 1998, figure 6.16",
    file: file!(),
    builder: Builder::States(|| recipe_without(AVERAGE, build)),
    presets: &[],
    smoke: &["env=AccessControl steps=1500 beta=1/n exploration=boltzmann"],
};

fn build(
    (config, own): &(TabularConfig, RLearningConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let (states, actions) = (task.states(), task.actions());
    // Its values are relative to the average reward, so that `gamma` need not be below 1.
    let behaviour = task.behaviour(config.behaviour(states, actions, task.streams));
    Ok(Box::new(
        RLearning::new((config.clone(), own.clone()), states, actions, task.streams)
            .with_behaviour(behaviour),
    ))
}

/// The R-learning agent.
#[derive(Clone, Debug)]
pub struct RLearning {
    /// Step size of `rho`.
    beta: StepSizes,
    behaviour: Behaviour,
    step_sizes: StepSizes,
    q: QTable,
    /// `rho`, the estimate of the average reward.
    average_reward: f64,
}

impl RLearning {
    /// An agent with the behaviour policy of the settings.
    pub fn new(
        (config, own): (TabularConfig, RLearningConfig),
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        Self {
            beta: StepSizes::new(own.beta, 1),
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, states * actions),
            q: QTable::new(states, actions, config.initial_value),
            average_reward: 0.0,
        }
    }

    /// Replaces the behaviour policy.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The estimate `rho` of the average reward per step of the greedy policy.
    pub fn average_reward(&self) -> f64 {
        self.average_reward
    }
}

impl Agent for RLearning {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, self.q.row(state));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let (state, action) = (*step.observation, *step.action);
        self.behaviour.record_visit(state, action);
        let greedy = |q: &QTable, state: usize| Policy::Greedy.state_value(q.row(state));
        let reward = step.reward - self.average_reward;
        let target =
            checked_target(td_target(reward, 1.0, step.terminated, greedy(&self.q, *step.next_observation)))?;
        let alpha = self.step_sizes.next(self.q.pair(state, action), self.behaviour.steps());
        self.q.update(state, action, target, alpha);
        let best = greedy(&self.q, state);
        if self.q.row(state)[action] == best {
            // The next state may be the state itself, so its value is read before the update.
            let target = td_target(reward, 1.0, step.terminated, greedy(&self.q, *step.next_observation));
            let beta = self.beta.next(0, self.behaviour.steps());
            self.average_reward += beta * checked_target(target - best)?;
        }
        Ok(0)
    }

    table_of_actions!();

    fn results(&self) -> Measurements {
        Measurements::of(catalogue::AVERAGE_REWARD, self.average_reward)
    }
}

snapshot! {
    impl Restorable for RLearning {
        saved: q, behaviour, step_sizes, beta, average_reward;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn the_average_is_one_number_with_one_count() {
        let config = (
            TabularConfig { alpha: 1.0.into(), ..TabularConfig::default() },
            RLearningConfig { beta: "1/n".parse().unwrap() },
        );
        let mut agent = RLearning::new(config, 3, 1, Streams::new(0));
        for (state, reward, expected) in [(0, 6.0, 6.0), (1, 2.0, 4.0), (2, 1.0, 3.0)] {
            let (terminated, truncated) = (true, false);
            let (observation, next_observation) = (&state, &0);
            // After the update the value equals the target: rho stays, until the value is reset.
            let step =
                Transition { observation, action: &0, reward, next_observation, terminated, truncated };
            agent.q = QTable::new(3, 1, 0.0);
            agent.step_sizes = StepSizes::new(0.0.into(), 3);
            agent.observe(&Steps::of(&step)).unwrap();
            // The mean of the rewards, though each pair was visited for the first time.
            assert!((agent.average_reward() - expected).abs() < 1e-12, "{}", agent.average_reward());
        }
    }

    #[test]
    fn steps_by_hand() {
        let config = (TabularConfig::default(), RLearningConfig { beta: 0.25.into() });
        let mut agent = RLearning::new(config, 2, 2, Streams::new(0));
        agent.q = QTable::from_values(2, vec![1.0, 3.0, 4.0, 2.0]);
        let learn = |agent: &mut RLearning, action, reward| {
            let (observation, next_observation) = (&0, &1);
            let (terminated, truncated) = (false, false);
            let step =
                Transition { observation, action: &action, reward, next_observation, terminated, truncated };
            agent.observe(&Steps::of(&step)).unwrap();
        };
        // 1 + 0.5 (1 + 4 - 1) = 3, as good as the other: rho = 0.25 (1 + 4 - 3) = 0.5.
        learn(&mut agent, 0, 1.0);
        assert_eq!((agent.q.row(0), agent.average_reward()), (&[3.0, 3.0][..], 0.5));
        // 3 + 0.5 (-2 - 0.5 + 4 - 3) = 2.25, no longer the best: rho stays.
        learn(&mut agent, 1, -2.0);
        assert_eq!((agent.q.row(0), agent.average_reward()), (&[3.0, 2.25][..], 0.5));
    }
}
