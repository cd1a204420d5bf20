//! n-step TD prediction (Watkins 1989; Sutton and Barto 2018, box of section 7.1): the state values of a given
//! policy from n-step returns.
//!
//! `G = R_{t+1} + gamma R_{t+2} + ... + gamma^{n-1} R_{t+n} + gamma^n V(S_{t+n})`, `V(S_t) <- V(S_t) + alpha [G - V(S_t)]`. With
//! `n` as long as the longest episode it is constant-alpha Monte Carlo (equation 6.1). On-policy, online,
//! model-free.
//!
//! Differences from the book: the remaining steps of a truncated episode bootstrap from the value of its last
//! observation before any of them is learned from, although it is fewer than `n` steps away.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::policy::{Behaviour, ExplorationRule};
//! use potstill::tabular::{NStepConfig, NStepPrediction, PredictionConfig};
//! use potstill::train::Trainer;
//!
//! let streams = Streams::new(1);
//! let walk = find("RandomWalk").unwrap().make_states().unwrap();
//! let uniform = Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 7, 2, streams);
//! let agent = NStepPrediction::new(&PredictionConfig::default(), &NStepConfig { n: 2 }, uniform);
//! let mut trainer = Trainer::new(agent, walk, streams);
//! trainer.run_episodes(200)?;
//! let v = trainer.agent().v();
//! assert!(v[0] < v[2] && v[2] < v[4]);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

use super::n_step::NStepConfig;
use super::prediction::PredictionConfig;
use super::records::{state_rewards, to_returns};
use crate::agent::{Agent, LearnError, checked_length, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::ConfigError;
use crate::experience::Steps;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, StepSizes};
use potstill_core::snapshot;
use std::collections::VecDeque;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "n-step-td-prediction",
    family: "prediction",
    policy: Some(PolicyKind::On),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "state values of a given policy, from n-step returns",
    source: "Watkins 1989; Sutton and Barto 2018, section 7.1",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &[
        "env=RandomWalk:states=19,left_reward=-1 steps=1500 log_interval=9",
        "env=FrozenLake-v1 steps=1500 n=1000000 alpha=1/n gamma=0.9 log_interval=40",
    ],
};

fn build(
    (config, own): &(PredictionConfig, NStepConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    Ok(Box::new(NStepPrediction::new(config, own, config.evaluated_in(task)?)))
}

/// The n-step TD prediction agent.
#[derive(Clone, Debug)]
pub struct NStepPrediction {
    step_sizes: StepSizes,
    gamma: f64,
    /// The length of the return.
    n: u64,
    behaviour: Behaviour,
    /// `states x 1`.
    v: QTable,
    /// State and reward of the last steps that were not learned from yet, less than `n`.
    window: VecDeque<(usize, f64)>,
}

impl NStepPrediction {
    /// Evaluates `behaviour`.
    pub fn new(config: &PredictionConfig, own: &NStepConfig, behaviour: Behaviour) -> Self {
        Self {
            step_sizes: StepSizes::new(config.alpha, behaviour.states()),
            gamma: config.gamma,
            n: own.n,
            v: QTable::new(behaviour.states(), 1, config.initial_value),
            behaviour,
            window: VecDeque::new(),
        }
    }

    /// The values of all states.
    pub fn v(&self) -> &[f64] {
        self.v.values()
    }

    fn learn(&mut self, state: usize, g: f64) -> Result<(), LearnError> {
        let alpha = self.step_sizes.next(state, self.behaviour.steps());
        self.v.update(state, 0, checked_target(g)?, alpha);
        Ok(())
    }

    /// Learns from all steps that are left, whose last one has the return `after` behind it.
    fn learn_rest(&mut self, after: f64) -> Result<(), LearnError> {
        to_returns(self.window.iter_mut(), self.gamma, after)?;
        while let Some((state, g)) = self.window.pop_front() {
            self.learn(state, g)?;
        }
        Ok(())
    }
}

impl Agent for NStepPrediction {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        actions[0] = self.behaviour.act(states[0], &[]);
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let next = *step.next_observation;
        self.behaviour.record_visit(*step.observation, *step.action);
        self.window.push_back((*step.observation, step.reward));
        checked_length(self.window.len())?;
        if step.terminated {
            self.learn_rest(0.0)?;
        } else if step.truncated {
            self.learn_rest(self.v()[next])?;
        } else if self.window.len() as u64 >= self.n {
            let g = self.window.iter().rev().fold(self.v()[next], |g, (_, reward)| reward + self.gamma * g);
            let (state, _) = self.window.pop_front().expect("a step was pushed");
            self.learn(state, g)?;
        }
        Ok(0)
    }

    fn model(&self) -> Model {
        Model::Table(self.v.clone())
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        model.copy_to_table(&mut self.v)
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(self.behaviour.visits())
    }
}

snapshot! {
    impl Restorable for NStepPrediction {
        saved: v, behaviour, step_sizes, window as "steps" via state_rewards(v.states());
        built: gamma, n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::observe_episode;
    use crate::policy::ExplorationRule;
    use potstill_core::Streams;

    #[test]
    fn returns_by_hand() {
        let check = |n: u64, terminated: bool, expected: [f64; 4]| {
            let config = PredictionConfig { alpha: 0.5.into(), gamma: 0.5, ..PredictionConfig::default() };
            let rule = ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() };
            let behaviour = Behaviour::new(rule, 4, 2, Streams::new(0));
            let mut agent = NStepPrediction::new(&config, &NStepConfig { n }, behaviour);
            agent.v = QTable::from_values(1, vec![0.0, 0.0, 4.0, 16.0]);
            observe_episode(&mut agent, &[(0, 1.0, 1), (1, 2.0, 2), (2, 4.0, 3)], terminated);
            assert_eq!(agent.v(), expected, "{n} {terminated}");
            assert!(agent.window.is_empty());
        };
        // TD(0): 0.5 * 1; 0.5 (2 + 0.5 * 4); 4 + 0.5 (4 - 4).
        check(1, true, [0.5, 2.0, 4.0, 16.0]);
        // Two steps: 0.5 (1 + 0.5 * 2 + 0.25 * 4); 0.5 (2 + 0.5 * 4); 4.
        check(2, true, [1.5, 2.0, 4.0, 16.0]);
        // The whole return: 0.5 (1 + 1 + 1).
        check(1000, true, [1.5, 2.0, 4.0, 16.0]);
        // Truncated: the last return is 4 + 0.5 * 16 = 12, before it 2 + 6 = 8, and 1 + 4 = 5.
        check(1000, false, [2.5, 4.0, 8.0, 16.0]);
        check(2, false, [1.5, 4.0, 8.0, 16.0]);
    }
}
