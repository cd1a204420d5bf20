//! Prioritized sweeping (Moore and Atkeson 1993; Sutton and Barto 2018, box of section 8.4): plans first with
//! the pair whose value would change most, and then with its predecessors. Off-policy, online, model-based.
//!
//! After each step: `Model(S, A) <- R, S'`, `P <- |R + gamma max_a Q(S', a) - Q(S, A)|`, and if `P > theta`
//! the pair is queued with this priority. Then `n` times the first pair of the queue is updated, and its
//! predecessors are queued if their own change would exceed theta.
//!
//! Differences from the book: none. The model holds the last outcome of each pair; of equal priorities the
//! pair with the lower index goes first.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::planning::{PrioritizedSweeping, PrioritizedSweepingConfig};
//! use potstill::tabular::TabularConfig;
//!
//! let config = (TabularConfig::default(), PrioritizedSweepingConfig::default());
//! let agent = PrioritizedSweeping::new(config, 54, 4, Streams::new(1));
//! assert_eq!(agent.q().states(), 54);
//! ```

use super::MazeConfig;
use super::dyna_q::{LastOutcome, LearnedModel};
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, Measurements, PLANNING_PIECE as PIECE, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy, StepSizes};
use crate::tabular::TabularConfig;
use crate::targets::td_target;
use potstill_core::{SnapshotError, Streams, snapshot};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

settings! {
    /// The hyperparameters of planning.
    pub struct PrioritizedSweepingConfig {
        /// Updates from the model after each step. Source: 5, as in Sutton and Barto 2018, Example 8.4
        planning_steps: u64 = 5, in Batch;
        /// Smallest change theta of a value with which a pair is queued. Source: 0.0001, small against the
        /// reward of the book's mazes
        theta: f64 = 0.0001, in NotNegative;
    }
}

/// A pair in the queue; the highest priority comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct QueueEntry {
    priority: f64,
    pair: Reverse<usize>,
}

impl Eq for QueueEntry {}

impl PartialOrd for QueueEntry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QueueEntry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then(self.pair.cmp(&other.pair))
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "prioritized-sweeping",
    family: "planning",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(true),
    summary: "plan first with the pairs whose values would change most",
    source: "Moore and Atkeson 1993; Sutton and Barto 2018, section 8.4",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &["env=DynaMaze steps=1500 epsilon=1/n"],
};

fn build(
    (MazeConfig(config), own): &(MazeConfig, PrioritizedSweepingConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent =
        PrioritizedSweeping::new((config.clone(), own.clone()), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// The prioritized sweeping agent.
#[derive(Clone, Debug)]
pub struct PrioritizedSweeping {
    config: TabularConfig,
    own: PrioritizedSweepingConfig,
    behaviour: Behaviour,
    step_sizes: StepSizes,
    q: QTable,
    model: LearnedModel,
    /// The pairs whose last outcome was each state.
    predecessors: Vec<Vec<usize>>,
    /// The priority of each pair; 0 for pairs that are not queued.
    priorities: Vec<f64>,
    /// The queue. Entries with an outdated priority are skipped.
    queue: BinaryHeap<QueueEntry>,
}

impl PrioritizedSweeping {
    /// An agent with the behaviour policy of the settings.
    pub fn new(
        (config, own): (TabularConfig, PrioritizedSweepingConfig),
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        Self {
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, states * actions),
            q: QTable::new(states, actions, config.initial_value),
            model: LearnedModel::new(states, actions),
            predecessors: vec![Vec::new(); states],
            priorities: vec![0.0; states * actions],
            queue: BinaryHeap::new(),
            config,
            own,
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

    fn target(&self, pair: usize) -> Result<f64, LearnError> {
        let LastOutcome { reward, next, terminated } = self.model.outcomes[pair].expect("a visited pair");
        let next_value = Policy::Greedy.state_value(self.q.row(next));
        checked_target(td_target(reward, self.config.gamma, terminated, next_value))
    }

    /// Queues a pair if its value would change by more than theta.
    fn enqueue(&mut self, pair: usize) -> Result<(), LearnError> {
        let priority = (self.target(pair)? - self.q.values()[pair]).abs();
        if priority > self.own.theta && priority > self.priorities[pair] {
            self.priorities[pair] = priority;
            self.queue.push(QueueEntry { priority, pair: Reverse(pair) });
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<usize> {
        while let Some(QueueEntry { priority, pair: Reverse(pair) }) = self.queue.pop() {
            if self.priorities[pair] == priority {
                self.priorities[pair] = 0.0;
                return Some(pair);
            }
        }
        None
    }
}

impl Agent for PrioritizedSweeping {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, self.q.row(state));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        checked_target(step.reward)?;
        let (state, next, actions) = (*step.observation, *step.next_observation, self.model.actions);
        self.behaviour.record_visit(state, *step.action);
        let pair = state * actions + *step.action;
        let known = LastOutcome { reward: step.reward, next, terminated: step.terminated };
        let before = self.model.outcomes[pair].replace(known);
        if before.is_none_or(|before| before.next != next) {
            if let Some(before) = before {
                self.predecessors[before.next].retain(|&other| other != pair);
            }
            self.predecessors[next].push(pair);
        }
        self.enqueue(pair)?;
        // Many steps are planned in pieces, between which a run can stop.
        let pieces = self.own.planning_steps.saturating_sub(1) / PIECE;
        self.plan(self.own.planning_steps - pieces * PIECE)?;
        Ok(if self.queue.is_empty() { 0 } else { pieces })
    }

    /// Plans further steps of those that the last step asked for.
    fn update(&mut self) -> Result<Measurements, LearnError> {
        self.plan(PIECE)?;
        Ok(Measurements::default())
    }

    table_of_actions!();
}

impl PrioritizedSweeping {
    /// Updates this number of pairs, those with the highest priorities first.
    fn plan(&mut self, steps: u64) -> Result<(), LearnError> {
        for _ in 0..steps {
            let Some(pair) = self.pop() else { break };
            let (state, action) = (pair / self.model.actions, pair % self.model.actions);
            let alpha = self.step_sizes.next(pair, self.behaviour.steps());
            let target = self.target(pair)?;
            self.q.update(state, action, target, alpha);
            for i in 0..self.predecessors[state].len() {
                let before = self.predecessors[state][i];
                if self.model.outcomes[before].is_some_and(|known| !known.terminated) {
                    self.enqueue(before)?;
                }
            }
        }
        Ok(())
    }
}

snapshot! {
    impl Restorable for PrioritizedSweeping {
        saved: q, behaviour, step_sizes, model, priorities;
        built: config, own, predecessors, queue;
        then: Self::rebuild;
    }
}

impl PrioritizedSweeping {
    /// Rebuilds the predecessors and the queue from the model and the priorities; the order within them does not matter.
    fn rebuild(&mut self) -> Result<(), SnapshotError> {
        self.queue.clear();
        self.predecessors.iter_mut().for_each(Vec::clear);
        for (pair, &priority) in self.priorities.iter().enumerate() {
            let known = self.model.outcomes[pair];
            if let Some(known) = known {
                self.predecessors[known.next].push(pair);
            }
            if priority > 0.0 {
                if known.is_none() {
                    return Err(SnapshotError::invalid("priorities", "a pair without an outcome is queued"));
                }
                self.queue.push(QueueEntry { priority, pair: Reverse(pair) });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn what_moves_spreads_backwards() {
        let config = TabularConfig { gamma: 0.5, alpha: 1.0.into(), ..TabularConfig::default() };
        let own = PrioritizedSweepingConfig { planning_steps: 3, theta: 0.3 };
        let mut agent = PrioritizedSweeping::new((config, own), 5, 1, Streams::new(0));
        let mut learn = |state: usize, reward, terminated| {
            let (observation, next_observation) = (&state, &(state + 1));
            let step = Transition {
                observation,
                action: &0,
                reward,
                next_observation,
                terminated,
                truncated: false,
            };
            agent.observe(&Steps::of(&step)).unwrap();
            (agent.q.values().to_vec(), agent.queue.len())
        };
        for state in 0..3 {
            // No value changes yet.
            assert_eq!(learn(state, 0.0, false), (vec![0.0; 5], 0));
        }
        // The reward moves the last state and two predecessors; the third would change by 0.25, which is
        // below theta.
        assert_eq!(learn(3, 2.0, true), (vec![0.0, 0.5, 1.0, 2.0, 0.0], 0));
    }
}
