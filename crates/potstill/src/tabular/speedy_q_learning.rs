//! Speedy Q-learning (Azar et al. 2011): Q-learning with two successive tables, which allows a step size near
//! 1 for the difference of their targets.
//!
//! With `T Q(s, a)` the mean of `R + gamma max_a' Q(S', a')` over the samples of a round and `alpha_k = 1 / (k + 1)`,
//! `Q_{k+1} = Q_k + alpha_k [T Q_{k-1} - Q_k] + (1 - alpha_k) [T Q_k - T Q_{k-1}]` (their equation 2). Off-policy, online, model-free.
//!
//! Differences from the paper: its synchronous algorithm has one sample of every pair in each round, from a
//! generative model; here samples come from the steps of the agent, as in the asynchronous variant (Azar et al. 2013): a round ends
//! when every pair that was ever visited has been visited in it, so that rare exploration makes it slow. `k`
//! of a pair counts the rounds since its first visit. `alpha` is not used.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{SpeedyQLearning, TabularConfig};
//!
//! let agent = SpeedyQLearning::new(&TabularConfig::default(), 48, 4, Streams::new(1));
//! assert_eq!(agent.q().states(), 48);
//! ```

use super::TabularConfig;
use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{
    Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, Unused, recipe_without,
};
use crate::config::{ConfigError, Need};
use crate::experience::Steps;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, Policy};
use crate::targets::td_target;
use potstill_core::{SnapshotError, Streams, snapshot};

/// The key without use.
const ROUNDS: Unused = &[("alpha", &[Need::Never("step sizes are one over the number of rounds")])];

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "speedy-q-learning",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "Q-learning with two successive tables, which allows large steps",
    source: "Azar et al. 2011",
    file: file!(),
    builder: Builder::States(|| recipe_without(ROUNDS, build)),
    presets: &[],
    smoke: &["env=FrozenLake-v1 steps=1500 gamma=0.9 exploration=ucb log_interval=40"],
};

fn build(config: &TabularConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = SpeedyQLearning::new(config, task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// The speedy Q-learning agent.
#[derive(Clone, Debug)]
pub struct SpeedyQLearning {
    gamma: f64,
    behaviour: Behaviour,
    /// `Q_k`.
    q: QTable,
    /// `Q_{k-1}`.
    previous: QTable,
    /// Per pair: the sums of this round's targets by `Q_k` and by `Q_{k-1}`, and their number.
    current_targets: Vec<f64>,
    previous_targets: Vec<f64>,
    samples: Vec<u64>,
    /// Rounds in which each pair was visited.
    rounds: Vec<u64>,
    /// Pairs that were ever visited, and those of them that were not yet visited in this round.
    visited_pairs: u64,
    unvisited_pairs: u64,
}

impl SpeedyQLearning {
    /// An agent with the behaviour policy of the settings and a greedy target policy.
    pub fn new(config: &TabularConfig, states: usize, actions: usize, streams: Streams) -> Self {
        let (q, pairs) = (QTable::new(states, actions, config.initial_value), states * actions);
        Self {
            gamma: config.gamma,
            behaviour: config.behaviour(states, actions, streams),
            previous: q.clone(),
            q,
            current_targets: vec![0.0; pairs],
            previous_targets: vec![0.0; pairs],
            samples: vec![0; pairs],
            rounds: vec![0; pairs],
            visited_pairs: 0,
            unvisited_pairs: 0,
        }
    }

    /// Replaces the behaviour policy.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Action values as learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }

    fn end_round(&mut self) -> Result<(), LearnError> {
        let mut next = self.q.clone();
        for pair in 0..self.samples.len() {
            let n = std::mem::take(&mut self.samples[pair]) as f64;
            let (now, before) = (
                std::mem::take(&mut self.current_targets[pair]),
                std::mem::take(&mut self.previous_targets[pair]),
            );
            if n > 0.0 {
                self.rounds[pair] += 1;
                let alpha = 1.0 / self.rounds[pair] as f64;
                let (old, now, before) = (self.q.values()[pair], now / n, before / n);
                let value = old + alpha * (before - old) + (1.0 - alpha) * (now - before);
                next.set(pair / self.q.actions(), pair % self.q.actions(), checked_target(value)?);
            }
        }
        self.previous = std::mem::replace(&mut self.q, next);
        self.unvisited_pairs = self.visited_pairs;
        Ok(())
    }
}

impl Agent for SpeedyQLearning {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, self.q.row(state));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let (state, action, next) = (*step.observation, *step.action, *step.next_observation);
        self.behaviour.record_visit(state, action);
        let backup = |q: &QTable| {
            let best = Policy::Greedy.state_value(q.row(next));
            checked_target(td_target(step.reward, self.gamma, step.terminated, best))
        };
        let pair = self.q.pair(state, action);
        self.current_targets[pair] += backup(&self.q)?;
        self.previous_targets[pair] += backup(&self.previous)?;
        if self.samples[pair] == 0 {
            if self.rounds[pair] == 0 {
                self.visited_pairs += 1;
            } else {
                self.unvisited_pairs -= 1;
            }
        }
        self.samples[pair] += 1;
        if self.unvisited_pairs == 0 {
            self.end_round()?;
        }
        Ok(0)
    }

    fn model(&self) -> Model {
        Model::Table(self.q.clone())
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        model.copy_to_table(&mut self.q)?;
        self.previous = self.q.clone();
        Ok(())
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(self.behaviour.visits())
    }
}

snapshot! {
    impl Restorable for SpeedyQLearning {
        saved: q, previous, behaviour, current_targets as "now", previous_targets as "before", samples, rounds;
        built: gamma, visited_pairs, unvisited_pairs;
        then: Self::count_pairs;
    }
}

impl SpeedyQLearning {
    /// Counts `visited_pairs` and `unvisited_pairs`, which follow from the samples and rounds.
    fn count_pairs(&mut self) -> Result<(), SnapshotError> {
        let all = || self.samples.iter().zip(&self.rounds);
        self.visited_pairs = all().filter(|(samples, rounds)| **samples > 0 || **rounds > 0).count() as u64;
        self.unvisited_pairs =
            all().filter(|(samples, rounds)| **samples == 0 && **rounds > 0).count() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn rounds_by_hand() {
        let config = TabularConfig { gamma: 0.5, ..TabularConfig::default() };
        let mut agent = SpeedyQLearning::new(&config, 2, 1, Streams::new(0));
        let mut learn = |state: usize, reward, next: usize| {
            let (observation, next_observation) = (&state, &next);
            let (terminated, truncated) = (false, false);
            let step =
                Transition { observation, action: &0, reward, next_observation, terminated, truncated };
            agent.observe(&Steps::of(&step)).unwrap();
            [agent.q.values()[0], agent.q.values()[1]]
        };
        // The first pair is the only one so far: its round ends at once, and the value becomes its target.
        assert_eq!(learn(1, 4.0, 1), [0.0, 4.0]);
        // A second pair: its round waits for the first.
        assert_eq!(learn(0, 2.0, 1), [0.0, 4.0]);
        // By Q_k 2 + 0.5 * 4 = 4 and 4 again, by Q_{k-1} 2: state 0 takes 2 whole. State 1 has, in its second round, 4 + 0.5 * 4 = 6 by Q_k, 4 by Q_{k-1}:
        // 4 + 0.5 (4 - 4) + 0.5 (6 - 4) = 5.
        assert_eq!(learn(0, 2.0, 1), [0.0, 4.0]);
        assert_eq!(learn(1, 4.0, 1), [2.0, 5.0]);
        // Now state 0 with alpha 1/2: before 2 + 0.5 * 4 = 4, now 4.5: 2 + 0.5 (4 - 2) + 0.5 (4.5 - 4); state 1 with 1/3: before 6, now 6.5.
        assert_eq!(learn(0, 2.0, 1), [2.0, 5.0]);
        let last = learn(1, 4.0, 1);
        assert!(
            (last[0] - 3.25).abs() < 1e-12 && (last[1] - (5.0 + 1.0 / 3.0 + 1.0 / 3.0)).abs() < 1e-12,
            "{last:?}"
        );
    }
}
