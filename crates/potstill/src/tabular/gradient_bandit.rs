//! The gradient bandit (Williams 1992; Sutton and Barto 2018, section 2.8): learns preferences instead of
//! values, by stochastic gradient ascent on the expected reward.
//!
//! Actions are drawn from the softmax of the preferences, `pi(a) = exp H(a) / sum_b exp H(b)`. After a reward
//! `R` for `A` (equation 2.12):
//!
//! - `H(A) <- H(A) + alpha (R - Rbar) (1 - pi(A))`
//! - `H(a) <- H(a) - alpha (R - Rbar) pi(a)` for all other `a`
//!
//! with `Rbar` the mean of the rewards before, and of the first reward itself at the first step. On-policy, online,
//! model-free.
//!
//! Differences from the book: none. It is for one state; elsewhere an action also has consequences that the
//! reward does not tell.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::tabular::{GradientBandit, GradientBanditConfig};
//! use potstill::train::Trainer;
//!
//! let streams = Streams::new(1);
//! let env = find("Bandit:arms=2,problem=4").unwrap().make_states().unwrap();
//! let agent = GradientBandit::new(&GradientBanditConfig::default(), 2, streams);
//! let mut trainer = Trainer::new(agent, env, streams);
//! trainer.run_episodes(100)?;
//! let preferences = trainer.agent().preferences();
//! assert!((preferences[0] + preferences[1]).abs() < 1e-12);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{
    Algorithm, BehaviourSource, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe,
};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, ExplorationRule, Policy, Schedule};
use potstill_core::{Streams, snapshot};

settings! {
    /// The hyperparameters of the gradient bandit.
    pub struct GradientBanditConfig {
        /// Step size alpha, a number or a schedule; 1/n counts the steps. Source: 0.1, the better of Sutton and Barto 2018, figure 2.5
        alpha: Schedule = 0.1, in Positive;
        /// Comparison of each reward with the mean of those before. Source: true, Sutton and Barto 2018, figure 2.5
        baseline: bool = true, in Any;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "gradient-bandit",
    family: "tabular",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "preferences among the arms of a bandit, by gradient ascent on the reward",
    source: "Williams 1992; Sutton and Barto 2018, section 2.8",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &[
        "env=Bandit:mean=4 steps=1500 log_interval=50",
        "env=Bandit:walk=0.01 steps=600 alpha=1/n^0.5 baseline=false",
    ],
};

fn build(config: &GradientBanditConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let id = &task.spec.id;
    if task.states() != 1 {
        return Err(ConfigError::Usage(format!(
            "`{}` is for bandits, environments of one state such as Bandit; {id} has {}",
            task.algorithm,
            task.states()
        )));
    }
    if !matches!(task.source, BehaviourSource::Own) {
        let reason = "has no use here: the gradient is that of the policy which acts";
        return Err(ConfigError::value("behaviour", reason));
    }
    Ok(Box::new(GradientBandit::new(config, task.actions(), task.streams)))
}

/// The gradient bandit agent.
#[derive(Clone, Debug)]
pub struct GradientBandit {
    config: GradientBanditConfig,
    behaviour: Behaviour,
    /// The preferences, `1 x arms`.
    h: QTable,
    /// The mean of the rewards so far.
    mean_reward: f64,
}

impl GradientBandit {
    /// An agent without preferences.
    pub fn new(config: &GradientBanditConfig, arms: usize, streams: Streams) -> Self {
        Self {
            config: config.clone(),
            behaviour: Behaviour::new(Self::rule(), 1, arms, streams),
            h: QTable::new(1, arms, 0.0),
            mean_reward: 0.0,
        }
    }

    /// The softmax of the preferences.
    fn rule() -> ExplorationRule {
        ExplorationRule::Boltzmann { temperature: 1.0.into() }
    }

    /// The preferences of all arms.
    pub fn preferences(&self) -> &[f64] {
        self.h.values()
    }
}

impl Agent for GradientBandit {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, _: &[usize], actions: &mut [usize]) {
        actions[0] = self.behaviour.act(0, self.h.row(0));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        self.behaviour.record_visit(0, *step.action);
        let n = self.behaviour.steps();
        let baseline = match (self.config.baseline, n) {
            (false, _) => 0.0,
            (true, 1) => step.reward,
            (true, _) => self.mean_reward,
        };
        let advantage = checked_target(step.reward - baseline)?;
        let alpha = self.config.alpha.at(n, n);
        let pi = Policy::Softmax { temperature: 1.0 }.probabilities(self.h.row(0));
        for (arm, p) in pi.into_iter().enumerate() {
            let chosen = if arm == *step.action { 1.0 } else { 0.0 };
            self.h.add(0, arm, alpha * advantage * (chosen - p));
        }
        self.mean_reward += (step.reward - self.mean_reward) / n as f64;
        Ok(0)
    }

    /// The preferences, of which the greedy policy takes the highest.
    fn model(&self) -> Model {
        Model::Table(self.h.clone())
    }

    fn learns_values(&self) -> bool {
        false
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(self.behaviour.visits())
    }
}

snapshot! {
    impl Restorable for GradientBandit {
        saved: h, behaviour, mean_reward;
        built: config;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn steps_by_hand() {
        let check = |baseline: bool, expected: [f64; 3]| {
            let config = GradientBanditConfig { alpha: 0.6.into(), baseline };
            let mut agent = GradientBandit::new(&config, 3, Streams::new(0));
            for (action, reward) in [(0, 5.0), (2, 8.0)] {
                let (observation, action) = (&0, &action);
                let next_observation = &0;
                let step = Transition {
                    observation,
                    action,
                    reward,
                    next_observation,
                    terminated: true,
                    truncated: false,
                };
                agent.observe(&Steps::of(&step)).unwrap();
            }
            let found = agent.preferences();
            assert!(found.iter().zip(expected).all(|(h, e)| (h - e).abs() < 1e-9), "{found:?}");
            assert!((found.iter().sum::<f64>()).abs() < 1e-12);
        };
        // With a baseline the first reward is compared with itself; the second with 5: 0.6 * 3 (1 - 1/3), and -0.6.
        check(true, [-0.6, -0.6, 1.2]);
        // Without: 0.6 * 5 * 2/3 = 2 and -1 twice. Then exp(2, -1, -1) / sum = 0.909443, 0.045279, 0.045279; times 0.6 * 8.
        check(false, [-2.365_326_392_9, -1.217_336_803_6, 3.582_663_196_4]);
    }
}
