//! n-step bootstrapping: n-step SARSA, its off-policy form, and tree backup (Sutton and Barto 2018, chapter
//! 7).
//!
//! A step is learned from `n` steps later, with the n-step return of the rewards in between and a
//! bootstrapped value:
//!
//! - SARSA (box of section 7.2): `G = R_{t+1} + ... + gamma^{n-1} R_{t+n} + gamma^n Q(S_{t+n}, A_{t+n})`. On-policy.
//! - Off-policy SARSA (box of section 7.3): the same `G`, weighted by `rho = prod pi(A_i|S_i) / b(A_i|S_i)` over the actions after the first; the target
//!   policy is greedy, the behaviour epsilon-greedy.
//! - Tree backup (box of section 7.5): from the end backwards `G = R + gamma sum_{a != A} pi(a|S) Q(S, a) +
//!   gamma pi(A|S) G`, without importance sampling; the target policy is greedy. Off-policy.
//!
//! All are online and model-free. Differences from the book: the remaining steps of a truncated episode
//! bootstrap from the value of its last observation, although it is fewer than `n` steps away; and where more than 512 steps are
//! learned from at the end of an episode, their returns are those of the values at that end, computed in one pass.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{NStep, NStepConfig, NStepKind, TabularConfig};
//!
//! let agent = NStep::new(NStepKind::TreeBackup, (TabularConfig::default(), NStepConfig { n: 3 }), 48, 4, Streams::new(1));
//! assert_eq!(agent.q().states(), 48);
//! ```

use super::records::records;
use super::{TabularConfig, TargetConfig};
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy, StepSizes};
use potstill_core::snapshot::below;
use potstill_core::{Streams, snapshot};
use std::collections::VecDeque;

settings! {
    /// The length of the return.
    pub struct NStepConfig {
        /// Rewards in a return before it bootstraps. Source: 4, about where Sutton and Barto 2018, figure 7.2
        /// is best
        n: u64 = 4, in AtLeastOne;
    }
}

/// The descriptor of n-step-sarsa.
pub const SARSA: Algorithm = Algorithm {
    name: "n-step-sarsa",
    family: "tabular",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "SARSA with n-step returns",
    source: "Sutton and Barto 2018, section 7.2",
    file: file!(),
    builder: Builder::States(|| recipe(build_sarsa)),
    presets: &[],
    smoke: &["env=WindyGridworld steps=1500 n=7 alpha=1/n^0.6"],
};

/// The descriptor of off-policy-n-step-sarsa.
pub const OFF_POLICY_SARSA: Algorithm = Algorithm {
    name: "off-policy-n-step-sarsa",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "n-step SARSA of the greedy policy, by importance sampling",
    source: "Sutton and Barto 2018, section 7.3",
    file: file!(),
    builder: Builder::States(|| recipe(build_off_policy_sarsa)),
    presets: &[],
    smoke: &["env=FrozenLake-v1 steps=1500 n=3 epsilon=0.5 log_interval=40"],
};

/// The descriptor of tree-backup.
pub const TREE_BACKUP: Algorithm = Algorithm {
    name: "tree-backup",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "n-step returns of the greedy policy, without importance sampling",
    source: "Precup et al. 2000; Sutton and Barto 2018, section 7.5",
    file: file!(),
    builder: Builder::States(|| recipe(build_tree_backup)),
    presets: &[],
    smoke: &["env=Taxi-v4 steps=1500 n=5"],
};

fn build_sarsa(
    (config, n): &(TabularConfig, NStepConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = NStep::new(
        NStepKind::Sarsa,
        (config.clone(), n.clone()),
        task.states(),
        task.actions(),
        task.streams,
    );
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

fn build_off_policy_sarsa(
    settings: &(TabularConfig, (NStepConfig, TargetConfig)),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    build_off_policy(NStepKind::OffPolicySarsa, settings, task)
}

fn build_tree_backup(
    settings: &(TabularConfig, (NStepConfig, TargetConfig)),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    build_off_policy(NStepKind::TreeBackup, settings, task)
}

fn build_off_policy(
    kind: NStepKind,
    (config, (n, target)): &(TabularConfig, (NStepConfig, TargetConfig)),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let agent = NStep::new(kind, (config.clone(), n.clone()), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour).with_target_policy(target.policy())))
}

/// The algorithm, by its box in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NStepKind {
    /// n-step SARSA, section 7.2.
    Sarsa,
    /// Off-policy n-step SARSA with importance sampling, section 7.3.
    OffPolicySarsa,
    /// n-step tree backup, section 7.5.
    TreeBackup,
}

/// State, action and reward of a step, and the behaviour policy's probability `b(A|S)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    state: usize,
    action: usize,
    reward: f64,
    probability: f64,
}

/// The longest window whose steps are learned from one by one at the end of an episode, each with the values that the one before
/// it has left. It would take a time in proportion to the square of a longer one.
const WINDOW_MAX: usize = 512;

/// The n-step agent.
#[derive(Clone, Debug)]
pub struct NStep {
    kind: NStepKind,
    config: TabularConfig,
    n: usize,
    behaviour: Behaviour,
    step_sizes: StepSizes,
    /// Target policy of the off-policy kinds.
    target: Policy,
    q: QTable,
    /// The last steps, at most `n`, that were not yet learned from.
    window: VecDeque<Step>,
    /// A buffer for the returns of a long window and their weights, from its end to its beginning.
    returns: Vec<(f64, f64)>,
    /// `A'`, selected in advance; `None` at the start of an episode.
    next_action: Option<usize>,
    /// `b(A|S)` of the last selected action, at the time of its selection.
    probability: f64,
}

impl NStep {
    /// An agent with an epsilon-greedy behaviour policy; the target policy is the same for SARSA and greedy
    /// for the others.
    pub fn new(
        kind: NStepKind,
        (config, look): (TabularConfig, NStepConfig),
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        Self {
            kind,
            n: look.n as usize,
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, states * actions),
            target: Policy::Greedy,
            q: QTable::new(states, actions, config.initial_value),
            window: VecDeque::new(),
            returns: Vec::new(),
            next_action: None,
            probability: 1.0,
            config,
        }
    }

    /// Replaces the behaviour policy.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Replaces the target policy of the off-policy kinds.
    #[must_use]
    pub fn with_target_policy(self, target: Policy) -> Self {
        Self { target, ..self }
    }

    /// Action values as learned so far.
    pub fn q(&self) -> &QTable {
        &self.q
    }

    /// Draws an action of the behaviour policy.
    fn choose(&mut self, state: usize) -> usize {
        let values = self.q.row(state);
        let action = self.behaviour.act(state, values);
        if self.kind == NStepKind::OffPolicySarsa {
            self.probability = self.behaviour.probabilities(state, values)[action];
        }
        action
    }

    /// Learns from all steps of the window at the end of an episode.
    fn learn_rest(&mut self, end: Option<(usize, usize)>) -> Result<(), LearnError> {
        if self.window.len() > WINDOW_MAX {
            return self.learn_in_one_pass(end);
        }
        while !self.window.is_empty() {
            self.learn_oldest(end)?;
        }
        Ok(())
    }

    /// Learns from all steps of a long window, with the returns and weights of one pass from its end to its beginning.
    fn learn_in_one_pass(&mut self, end: Option<(usize, usize)>) -> Result<(), LearnError> {
        let (gamma, is_weighted) = (self.config.gamma, self.kind == NStepKind::OffPolicySarsa);
        let target = |state: usize| self.target.probabilities(self.q.row(state));
        let mut rho = match end {
            Some((state, action)) if is_weighted => target(state)[action] / self.probability,
            _ => 1.0,
        };
        let mut g = self.end_value(end);
        let mut returns = std::mem::take(&mut self.returns);
        for step in self.window.iter().rev() {
            g = step.reward + gamma * g;
            returns.push((g, rho));
            match self.kind {
                NStepKind::Sarsa => {}
                NStepKind::OffPolicySarsa => rho *= target(step.state)[step.action] / step.probability,
                NStepKind::TreeBackup => g = self.one_level_up(step, g),
            }
        }
        for &(g, rho) in returns.iter().rev() {
            self.update_oldest(g, rho)?;
        }
        returns.clear();
        self.returns = returns;
        Ok(())
    }

    /// The value that a return bootstraps from; 0 after a terminal state.
    fn end_value(&self, end: Option<(usize, usize)>) -> f64 {
        match (self.kind, end) {
            (_, None) => 0.0,
            (NStepKind::TreeBackup, Some((state, _))) => self.target.state_value(self.q.row(state)),
            (_, Some((state, action))) => self.q.row(state)[action],
        }
    }

    /// One level up the tree: the return of the action taken, and the values of the others.
    fn one_level_up(&self, step: &Step, g: f64) -> f64 {
        let values = self.q.row(step.state);
        let pi = self.target.probabilities(values);
        let others = pi.iter().zip(values).enumerate();
        let others: f64 = others.filter(|(a, _)| *a != step.action).map(|(_, (p, q))| p * q).sum();
        others + pi[step.action] * g
    }

    /// Learns from the oldest step. `end` is the last state and the action in it, to bootstrap from; `None`
    /// after a terminal state.
    fn learn_oldest(&mut self, end: Option<(usize, usize)>) -> Result<(), LearnError> {
        let gamma = self.config.gamma;
        let target = |state: usize| self.target.probabilities(self.q.row(state));
        let mut rho = 1.0;
        let mut g = self.end_value(end);
        if self.kind == NStepKind::OffPolicySarsa {
            let after = self.window.iter().skip(1).map(|step| (step.state, step.action, step.probability));
            for (state, action, probability) in after.chain(end.map(|(s, a)| (s, a, self.probability))) {
                rho *= target(state)[action] / probability;
            }
        }
        for (i, step) in self.window.iter().enumerate().rev() {
            g = step.reward + gamma * g;
            if self.kind == NStepKind::TreeBackup && i > 0 {
                g = self.one_level_up(step, g);
            }
        }
        self.update_oldest(g, rho)
    }

    /// Updates the value of the oldest step towards its return `g`, with the weight `rho`.
    fn update_oldest(&mut self, g: f64, rho: f64) -> Result<(), LearnError> {
        let Some(&Step { state, action, .. }) = self.window.front() else { return Ok(()) };
        // A weight of 0 changes nothing, whatever the target.
        if rho != 0.0 {
            let old = self.q.row(state)[action];
            let alpha = self.step_sizes.next(self.q.pair(state, action), self.behaviour.steps());
            self.q.update(state, action, checked_target(old + rho * (g - old))?, alpha);
        }
        self.window.pop_front();
        Ok(())
    }
}

impl Agent for NStep {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.next_action.take().unwrap_or_else(|| self.choose(state));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        checked_target(step.reward)?;
        let (state, action, next) = (*step.observation, *step.action, *step.next_observation);
        self.behaviour.record_visit(state, action);
        self.window.push_back(Step { state, action, reward: step.reward, probability: self.probability });
        let next_action = self.choose(next);
        let end = (!step.terminated).then_some((next, next_action));
        let is_over = step.terminated || step.truncated;
        if is_over {
            self.learn_rest(end)?;
        } else if self.window.len() == self.n {
            self.learn_oldest(end)?;
        }
        self.next_action = (!is_over).then_some(next_action);
        Ok(0)
    }

    table_of_actions!();
}

snapshot! {
    impl Restorable for NStep {
        saved: q, behaviour, step_sizes, next_action via below(q.actions()), window via records(
            *n,
            [q.states(), q.actions()],
            "numbers",
            |Step { state, action, reward, probability }| ([state, action], [reward, probability]),
            |[state, action], [reward, probability]| Step { state, action, reward, probability },
        ), probability;
        built: kind, config, n, target, returns;
    }
}

#[cfg(test)]
mod tests;
