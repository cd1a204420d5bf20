//! Expected SARSA (van Seijen et al. 2009): SARSA with the expectation over next actions in its target,
//! without the variance of sampling one.
//!
//! `Q(S, A) <- Q(S, A) + alpha [R + gamma sum_a pi(a|S') Q(S', a) - Q(S, A)]` (Sutton and Barto 2018,
//! equation 6.9). On-policy with the behaviour policy as target, off-policy with another one, and Q-learning
//! with the greedy one; so it is implemented as [`QLearning`] with another target policy.
//!
//! Differences from the book: none.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{TabularConfig, expected_sarsa};
//!
//! let agent = expected_sarsa::new(TabularConfig::default(), 48, 4, Streams::new(1));
//! assert_eq!(agent.q().states(), 48);
//! ```

use super::{QLearning, TabularConfig};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::ConfigError;
use potstill_core::Streams;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "expected-sarsa",
    family: "tabular",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "SARSA with the expectation over next actions in its target",
    source: "van Seijen et al. 2009; Sutton and Barto 2018, section 6.6",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &["env=CliffWalking-v1 steps=1500"],
};

fn build(config: &TabularConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = new(config.clone(), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// An on-policy agent: the target policy is the epsilon-greedy behaviour policy.
pub fn new(config: TabularConfig, states: usize, actions: usize, streams: Streams) -> QLearning {
    QLearning::new(config, states, actions, streams).with_target_policy(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Agent;
    use crate::experience::{Steps, Transition};

    #[test]
    fn one_step_by_hand() {
        let config =
            TabularConfig { gamma: 0.9, epsilon: 0.2.into(), initial_value: 1.0, ..TabularConfig::default() };
        let mut agent = new(config, 2, 2, Streams::new(0));
        let mut learn = |state: usize, action, reward, next: usize, terminated| {
            let (observation, next_observation) = (&state, &next);
            let step = Transition {
                observation,
                action: &action,
                reward,
                next_observation,
                terminated,
                truncated: false,
            };
            agent.observe(&Steps::of(&step)).unwrap();
        };
        // Q(1, .) = [4, 1] by a terminal step: 1 + 0.5 (7 - 1).
        learn(1, 0, 7.0, 0, true);
        // 0.9 * 4 + 0.1 * 1 = 3.7; 1 + 0.5 (-1 + 0.9 * 3.7 - 1)
        learn(0, 0, -1.0, 1, false);
        assert!((agent.q().row(0)[0] - 1.665).abs() < 1e-12, "{:?}", agent.q());
    }
}
