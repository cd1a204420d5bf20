//! Double Q-learning (van Hasselt 2010): two tables, each of which evaluates the actions that the other
//! selects, which removes the maximisation bias.
//!
//! With a fair coin, `Q1(S, A) <- Q1(S, A) + alpha [R + gamma Q2(S', argmax_a Q1(S', a)) - Q1(S, A)]`, or the
//! same with the tables exchanged (Sutton and Barto 2018, the box of section 6.7). The behaviour policy is
//! epsilon-greedy on `Q1 + Q2`. Off-policy, online, model-free.
//!
//! Differences from the book: none. The resulting model is the mean of both tables.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{DoubleQLearning, TabularConfig};
//!
//! let agent = DoubleQLearning::new(TabularConfig::default(), 2, 3, Streams::new(1));
//! assert_eq!(agent.q().values(), [0.0; 6]);
//! ```

use super::TabularConfig;
use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::ConfigError;
use crate::experience::Steps;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, Policy, StepSizes};
use crate::targets::td_target;
use potstill_core::snapshot::Field;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Streams, snapshot};

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "double-q-learning",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "Q-learning with two tables, against maximisation bias",
    source: "van Hasselt 2010; Sutton and Barto 2018, section 6.7",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &["env=CliffWalking-v1 steps=1500 alpha=1/n^0.8"],
};

fn build(config: &TabularConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = DoubleQLearning::new(config.clone(), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// The double Q-learning agent.
#[derive(Clone, Debug)]
pub struct DoubleQLearning {
    config: TabularConfig,
    behaviour: Behaviour,
    step_sizes: StepSizes,
    tables: [QTable; 2],
    /// Decides which table is updated.
    coin: Pcg64,
}

impl DoubleQLearning {
    /// An epsilon-greedy agent.
    pub fn new(config: TabularConfig, states: usize, actions: usize, streams: Streams) -> Self {
        let table = QTable::new(states, actions, config.initial_value);
        Self {
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, 2 * states * actions),
            tables: [table.clone(), table],
            coin: streams.stream("coin"),
            config,
        }
    }

    /// Replaces the behaviour policy.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Initialises both tables with these values.
    ///
    /// # Panics
    /// If the table has another number of states.
    #[must_use]
    pub fn with_initial_values(self, q: QTable) -> Self {
        assert_eq!(q.states(), self.tables[0].states());
        Self { tables: [q.clone(), q], ..self }
    }

    /// The mean of both tables.
    pub fn q(&self) -> QTable {
        let [one, two] = &self.tables;
        let mean = one.values().iter().zip(two.values()).map(|(a, b)| 0.5 * (a + b)).collect();
        QTable::from_values(one.actions(), mean)
    }
}

impl Agent for DoubleQLearning {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        let [one, two] = &self.tables;
        let sum: Vec<f64> = one.row(state).iter().zip(two.row(state)).map(|(a, b)| a + b).collect();
        actions[0] = self.behaviour.act(state, &sum);
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let gamma = self.config.gamma;
        let learner = self.coin.below(2);
        let (state, next) = (*step.observation, *step.next_observation);
        self.behaviour.record_visit(state, *step.action);
        let chosen = Policy::Greedy.sample(self.tables[learner].row(next), &mut self.coin);
        let target =
            td_target(step.reward, gamma, step.terminated, self.tables[1 - learner].row(next)[chosen]);
        let pair = self.tables[learner].pair(2 * state + learner, *step.action);
        let alpha = self.step_sizes.next(pair, self.behaviour.steps());
        self.tables[learner].update(state, *step.action, checked_target(target)?, alpha);
        Ok(0)
    }

    fn model(&self) -> Model {
        Model::Table(self.q())
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        self.tables.iter_mut().try_for_each(|table| model.copy_to_table(table))
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(self.behaviour.visits())
    }
}

snapshot! {
    impl Restorable for DoubleQLearning {
        saved: tables as "q" via (save_tables, load_tables), behaviour, step_sizes, coin;
        built: config;
    }
}

/// Saves the tables as `q1` and `q2`.
fn save_tables(tables: &[QTable; 2], name: &str, snapshot: &mut Snapshot) {
    (1..).zip(tables).for_each(|(i, table)| table.save(&format!("{name}{i}"), snapshot));
}

fn load_tables(tables: &mut [QTable; 2], name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
    (1..).zip(tables).try_for_each(|(i, table)| table.load(&format!("{name}{i}"), snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn each_table_judges_what_the_other_chooses() {
        let config = TabularConfig { gamma: 0.9, ..TabularConfig::default() };
        let mut learned = [0_u32; 2];
        for seed in 0..50 {
            let mut agent = DoubleQLearning::new(config.clone(), 2, 2, Streams::new(seed));
            agent.tables =
                [vec![0.0, 0.0, 5.0, 1.0], vec![0.0, 0.0, 2.0, 3.0]].map(|v| QTable::from_values(2, v));
            let step = Transition {
                observation: &0,
                action: &1,
                reward: 1.0,
                next_observation: &1,
                terminated: false,
                truncated: false,
            };
            agent.observe(&Steps::of(&step)).unwrap();
            // Q1 selects action 0, which Q2 values at 2; Q2 selects action 1, which Q1 values at 1.
            let values = agent.tables.each_ref().map(|table| table.row(0)[1]);
            match values {
                [one, 0.0] => assert!((one - 0.5 * (1.0 + 0.9 * 2.0)).abs() < 1e-12),
                [0.0, two] => assert!((two - 0.5 * (1.0 + 0.9 * 1.0)).abs() < 1e-12),
                both => panic!("{both:?}"),
            }
            learned[usize::from(values[0] == 0.0)] += 1;
        }
        // A fair coin: 25 either way, by five standard deviations.
        assert!(learned[0].abs_diff(25) <= 18, "{learned:?}");
    }
}
