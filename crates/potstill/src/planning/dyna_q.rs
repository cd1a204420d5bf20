//! Dyna-Q (Sutton 1990; Sutton and Barto 2018, box of section 8.2): Q-learning that also learns a model, and
//! updates its values from simulated experience of the model between steps. Off-policy, online, model-based.
//!
//! After each step: (d) a Q-learning update, (e) `Model(S, A) <- R, S'`, (f) `n` Q-learning updates with the
//! model's reward and next state for a visited state and an action that was taken in it, both drawn
//! uniformly.
//!
//! Dyna-Q+ (section 8.3) adds the exploration bonus `kappa sqrt(tau)` to the model's reward of a pair that
//! was not tried for `tau` steps. It also plans with untried actions of visited states, as if they led back
//! to the same state with a reward of 0.
//!
//! Differences from the book: none. The model holds the last outcome of each pair, which is exact if the
//! environment is deterministic.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::planning::{DynaQ, PlanningStepsConfig};
//! use potstill::tabular::TabularConfig;
//! use potstill::train::Trainer;
//!
//! let streams = Streams::new(1);
//! let config = TabularConfig { alpha: 0.1.into(), gamma: 0.95, ..TabularConfig::default() };
//! let agent = DynaQ::new((config, PlanningStepsConfig { planning_steps: 50 }), 54, 4, streams);
//! let mut trainer = Trainer::new(agent, find("DynaMaze").unwrap().make_states().unwrap(), streams);
//! let mut lengths = Vec::new();
//! while lengths.len() < 10 {
//!     lengths.extend(trainer.step()?.episode.map(|episode| episode.steps));
//! }
//! // The shortest path has 14 steps; the agent explores on it.
//! assert!(lengths[9] < 30, "{lengths:?}");
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

use super::MazeConfig;
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, Measurements, PLANNING_PIECE as PIECE, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy, StepSizes};
use crate::tabular::TabularConfig;
use crate::targets::td_target;
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Streams, Value, snapshot};

settings! {
    /// Planning of Dyna-Q.
    pub struct PlanningStepsConfig {
        /// Updates from the model after each step. Source: 5, in the middle of Sutton and Barto 2018, figure 8.2
        planning_steps: u64 = 5, in Any;
    }
}

settings! {
    /// Exploration bonus of Dyna-Q+.
    pub struct DynaPlusConfig {
        /// Weight kappa of the exploration bonus for pairs that were not tried for long. Source: 0.001, small
        /// against the reward of the book's mazes
        kappa: f64 = 0.001, in NotNegative, needs Above("planning_steps", 0);
    }
}

/// Reward and next state of a pair, as last observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LastOutcome {
    pub(super) reward: f64,
    pub(super) next: usize,
    pub(super) terminated: bool,
}

/// A deterministic model learned from experience: the last outcome of each visited pair.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LearnedModel {
    pub(super) actions: usize,
    pub(super) outcomes: Vec<Option<LastOutcome>>,
}

impl LearnedModel {
    pub(super) fn new(states: usize, actions: usize) -> Self {
        Self { actions, outcomes: vec![None; states * actions] }
    }
}

snapshot! {
    impl Restorable for LearnedModel {
        saved: outcomes as "flags" via Outcomes { states: outcomes.len() / *actions };
        built: actions;
    }
}

/// The codec of the outcomes of all pairs: flags (0 unknown, 1 known, 2 known and terminal), `next` states and `rewards`.
struct Outcomes {
    states: usize,
}

impl Codec<Vec<Option<LastOutcome>>> for Outcomes {
    fn save(&self, outcomes: &Vec<Option<LastOutcome>>, name: &str, snapshot: &mut Snapshot) {
        let flag = |known: &Option<LastOutcome>| known.map_or(0, |known| 1 + u64::from(known.terminated));
        let next = |known: &Option<LastOutcome>| known.map_or(0, |known| known.next as u64);
        let reward = |known: &Option<LastOutcome>| known.map_or(0.0, |known| known.reward);
        snapshot.insert(name, Value::U64s(outcomes.iter().map(flag).collect()));
        snapshot.insert("next", Value::U64s(outcomes.iter().map(next).collect()));
        snapshot.insert("rewards", Value::F64s(outcomes.iter().map(reward).collect()));
    }

    fn load(
        &self,
        outcomes: &mut Vec<Option<LastOutcome>>,
        name: &str,
        snapshot: &Snapshot,
    ) -> Result<(), SnapshotError> {
        let pairs = outcomes.len();
        let (flags, next) = (snapshot.u64s(name, pairs)?, snapshot.u64s("next", pairs)?);
        if next.iter().any(|&next| next >= self.states as u64) || flags.iter().any(|&flag| flag > 2) {
            return Err(SnapshotError::invalid("next", "no state of the table"));
        }
        let rewards = snapshot.f64s("rewards", pairs)?;
        for (i, known) in outcomes.iter_mut().enumerate() {
            let (reward, next, terminated) = (rewards[i], next[i] as usize, flags[i] == 2);
            *known = (flags[i] > 0).then_some(LastOutcome { reward, next, terminated });
        }
        Ok(())
    }
}

/// The descriptor of dyna-q.
pub const DYNA_Q: Algorithm = Algorithm {
    name: "dyna-q",
    family: "planning",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(true),
    summary: "Q-learning that also learns from simulated experience of a learned model",
    source: "Sutton 1990; Sutton and Barto 2018, section 8.2",
    file: file!(),
    builder: Builder::States(|| recipe(build)),
    presets: &[],
    smoke: &["env=DynaMaze steps=1500 alpha=1/n^0.6"],
};

/// The descriptor of dyna-q-plus.
pub const DYNA_Q_PLUS: Algorithm = Algorithm {
    name: "dyna-q-plus",
    family: "planning",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(true),
    summary: "Dyna-Q with an exploration bonus for pairs not tried for long",
    source: "Sutton 1990; Sutton and Barto 2018, section 8.3",
    file: file!(),
    builder: Builder::States(|| recipe(build_plus)),
    presets: &[],
    smoke: &["env=DynaMaze steps=1500 epsilon=linear:1:0.1:900"],
};

fn build(
    (MazeConfig(config), own): &(MazeConfig, PlanningStepsConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = DynaQ::new((config.clone(), own.clone()), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

fn build_plus(
    (MazeConfig(config), (own, plus)): &(MazeConfig, (PlanningStepsConfig, DynaPlusConfig)),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = DynaQ::new((config.clone(), own.clone()), task.states(), task.actions(), task.streams)
        .with_exploration_bonus(plus);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// Pairs of the learned model, in the order in which they were first tried.
#[derive(Clone, Debug)]
struct TriedPairs {
    /// Visited states, in the order of their first visits.
    visited: Vec<usize>,
    /// Actions taken in each state, in the order in which they were first taken.
    taken: Vec<Vec<usize>>,
}

impl TriedPairs {
    /// Adds a pair that was not tried before.
    fn add(&mut self, state: usize, action: usize) {
        if self.taken[state].is_empty() {
            self.visited.push(state);
        }
        self.taken[state].push(action);
    }
}

/// The Dyna-Q agent, or Dyna-Q+ with an exploration bonus.
#[derive(Clone, Debug)]
pub struct DynaQ {
    config: TabularConfig,
    planning_steps: u64,
    /// Weight of the exploration bonus; `None` for plain Dyna-Q.
    kappa: Option<f64>,
    behaviour: Behaviour,
    step_sizes: StepSizes,
    q: QTable,
    model: LearnedModel,
    tried: TriedPairs,
    /// Steps so far, and the step at which each pair was last tried.
    time: u64,
    last_tried: Vec<u64>,
    planning: Pcg64,
}

impl DynaQ {
    /// Dyna-Q with the behaviour policy of the settings.
    pub fn new(
        (config, own): (TabularConfig, PlanningStepsConfig),
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        Self {
            planning_steps: own.planning_steps,
            kappa: None,
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, states * actions),
            q: QTable::new(states, actions, config.initial_value),
            model: LearnedModel::new(states, actions),
            tried: TriedPairs { visited: Vec::new(), taken: vec![Vec::new(); states] },
            time: 0,
            last_tried: vec![0; states * actions],
            planning: streams.stream("planning"),
            config,
        }
    }

    /// Adds the exploration bonus of Dyna-Q+.
    #[must_use]
    pub fn with_exploration_bonus(self, own: &DynaPlusConfig) -> Self {
        Self { kappa: Some(own.kappa), ..self }
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

    fn learn(&mut self, state: usize, action: usize, known: LastOutcome) -> Result<(), LearnError> {
        let LastOutcome { reward, next, terminated } = known;
        let next_value = Policy::Greedy.state_value(self.q.row(next));
        let target = td_target(reward, self.config.gamma, terminated, next_value);
        let alpha = self.step_sizes.next(self.q.pair(state, action), self.behaviour.steps());
        self.q.update(state, action, checked_target(target)?, alpha);
        Ok(())
    }

    /// Plans with this number of pairs.
    fn plan(&mut self, steps: u64) -> Result<(), LearnError> {
        for _ in 0..steps {
            let (state, action, known) = self.sample_model();
            self.learn(state, action, known)?;
        }
        Ok(())
    }

    /// Draws a pair to plan with, and its outcome in the model.
    fn sample_model(&mut self) -> (usize, usize, LastOutcome) {
        let state = self.tried.visited[self.planning.below(self.tried.visited.len())];
        let actions = self.model.actions;
        let Some(kappa) = self.kappa else {
            let taken = &self.tried.taken[state];
            let action = taken[self.planning.below(taken.len())];
            return (state, action, self.model.outcomes[state * actions + action].expect("it was taken"));
        };
        let action = self.planning.below(actions);
        let pair = state * actions + action;
        let unknown = LastOutcome { reward: 0.0, next: state, terminated: false };
        let mut known = self.model.outcomes[pair].unwrap_or(unknown);
        known.reward += kappa * ((self.time - self.last_tried[pair]) as f64).sqrt();
        (state, action, known)
    }
}

impl Agent for DynaQ {
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
        let known =
            LastOutcome { reward: step.reward, next: *step.next_observation, terminated: step.terminated };
        self.learn(state, action, known)?;
        let pair = state * self.model.actions + action;
        if self.model.outcomes[pair].replace(known).is_none() {
            self.tried.add(state, action);
        }
        self.time += 1;
        self.last_tried[pair] = self.time;
        // Many steps are planned in pieces, between which a run can stop.
        let pieces = self.planning_steps.saturating_sub(1) / PIECE;
        self.plan(self.planning_steps - pieces * PIECE)?;
        Ok(pieces)
    }

    /// Plans further steps of those that the last step asked for.
    fn update(&mut self) -> Result<Measurements, LearnError> {
        if self.tried.visited.is_empty() {
            return Err(LearnError::NothingObserved);
        }
        self.plan(PIECE)?;
        Ok(Measurements::default())
    }

    table_of_actions!();
}

snapshot! {
    impl Restorable for DynaQ {
        saved: q, behaviour, step_sizes, model, tried as "taken" via PairsOf(model), time, last_tried as "tried", planning;
        built: config, planning_steps, kappa;
        then: Self::check_tried;
    }
}

/// The codec of pairs that this model knows: their number, and a state and an action of each.
struct PairsOf<'a>(&'a LearnedModel);

impl Codec<TriedPairs> for PairsOf<'_> {
    fn save(&self, tried: &TriedPairs, name: &str, snapshot: &mut Snapshot) {
        let actions = |&s: &usize| tried.taken[s].iter().map(move |&a| [s as u64, a as u64]);
        let pairs: Vec<u64> = tried.visited.iter().flat_map(actions).flatten().collect();
        snapshot.insert("pairs", Value::U64(pairs.len() as u64 / 2));
        snapshot.insert(name, Value::U64s(pairs));
    }

    fn load(&self, tried: &mut TriedPairs, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let LearnedModel { actions, outcomes } = self.0;
        tried.visited.clear();
        tried.taken.iter_mut().for_each(Vec::clear);
        let length = snapshot.index("pairs", outcomes.len() + 1)?;
        for pair in snapshot.u64s(name, 2 * length)?.chunks_exact(2) {
            let (s, a) = (pair[0] as usize, pair[1] as usize);
            let known = s < tried.taken.len() && a < *actions;
            if !known || outcomes[s * actions + a].is_none() {
                return Err(SnapshotError::invalid(name, "no pair of the model"));
            }
            tried.add(s, a);
        }
        Ok(())
    }
}

impl DynaQ {
    /// Checks that no pair was tried later than now.
    fn check_tried(&mut self) -> Result<(), SnapshotError> {
        if self.last_tried.iter().any(|&tried| tried > self.time) {
            return Err(SnapshotError::invalid("tried", "later than now"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    fn learn(agent: &mut DynaQ, (state, action, reward, next): (usize, usize, f64, usize), terminated: bool) {
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
    }

    fn agent(planning_steps: u64) -> DynaQ {
        let config = TabularConfig { gamma: 0.5, ..TabularConfig::default() };
        DynaQ::new((config, PlanningStepsConfig { planning_steps }), 3, 2, Streams::new(0))
    }

    #[test]
    fn planning_by_hand() {
        // The only known pair is planned with: 4 -> 2, 3, 3.5 for one real and two simulated steps.
        let mut one = agent(2);
        learn(&mut one, (0, 1, 4.0, 2), true);
        assert_eq!(one.q().values(), [0.0, 3.5, 0.0, 0.0, 0.0, 0.0]);
        // With many steps the values are those of the model: Q(0, 1) = 4, Q(1, 0) = 1 + 0.5 * 4.
        let mut many = agent(400);
        learn(&mut many, (0, 1, 4.0, 2), true);
        learn(&mut many, (1, 0, 1.0, 0), false);
        assert!((many.q().row(0)[1] - 4.0).abs() < 1e-9 && (many.q().row(1)[0] - 3.0).abs() < 1e-9);
        assert_eq!((&many.tried.visited[..], &many.tried.taken[1][..]), (&[0, 1][..], &[0][..]));
    }

    #[test]
    fn what_was_not_tried_for_long_has_a_bonus() {
        let mut plus = agent(300).with_exploration_bonus(&DynaPlusConfig { kappa: 0.1 });
        plus.time = 99;
        learn(&mut plus, (0, 1, 0.0, 0), false);
        // Action 0, not tried for 100 steps, leads back: v = 0.1 * 10 + 0.5 v = 2; action 1, tried just now: 0 + 0.5 * 2.
        assert!((plus.q().row(0)[0] - 2.0).abs() < 1e-6 && (plus.q().row(0)[1] - 1.0).abs() < 1e-6);
    }
}
