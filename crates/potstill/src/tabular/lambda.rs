//! Eligibility traces: SARSA(lambda) with three kinds of traces, and Watkins's Q(lambda) (Sutton and Barto 2018, chapter 12).
//!
//! Each step updates all values in proportion to their eligibility traces, which grow with each visit and
//! decay afterwards: `delta = R + gamma Q(S', A') - Q(S, A)`, `Q <- Q + alpha delta z`, and before that `z <-
//! gamma lambda z` and for the visited pair
//!
//! - accumulating (section 12.7): `z <- z + 1`
//! - replacing (Singh and Sutton 1996; section 12.5): `z <- 1`
//! - dutch: true online SARSA(lambda) (van Seijen et al. 2016; the box of section 12.7), `z <- z + 1 - alpha
//!   gamma lambda z`, with its correction for the change of the values in the last step.
//!
//! SARSA(lambda) is on-policy. Q(lambda) (Watkins 1989; section 12.10) has replacing traces and the maximum
//! in its target, and clears all traces after an action that is not greedy: off-policy. All are online and
//! model-free.
//!
//! Differences from the book: traces below 1e-12 are dropped. With a step size of 1/n each pair has its own,
//! by its number of visits; the book has one for all, and the derivation of dutch traces needs one.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::tabular::{Lambda, LambdaConfig, LambdaKind, TabularConfig};
//!
//! let config = (TabularConfig::default(), LambdaConfig { lambda: 0.8 });
//! let agent = Lambda::new(LambdaKind::Replacing, config, 48, 4, Streams::new(1));
//! assert_eq!(agent.q().states(), 48);
//! ```

use super::records::records;
use super::{TabularConfig, traces};
use crate::agent::table_of_actions;
use crate::agent::{Agent, LearnError, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::{ConfigError, settings, words};
use crate::experience::Steps;
use crate::model::QTable;
use crate::policy::{Behaviour, Policy, StepSizes};
use crate::targets::td_target;
use potstill_core::snapshot::below;
use potstill_core::{Streams, snapshot};

settings! {
    /// The trace decay.
    pub struct LambdaConfig {
        /// Trace decay lambda, on top of the discount. Source: 0.9, within the best of Sutton and Barto 2018,
        /// figure 12.14
        lambda: f64 = 0.9, in Unit;
    }
}

settings! {
    /// The kind of traces of SARSA(lambda).
    pub struct TracesConfig {
        /// Kind of eligibility traces: accumulating, replacing, or dutch (true online). Source: dutch is the
        /// exact form of the forward view (van Seijen et al. 2016)
        traces: Traces = Traces::Dutch, in Any, needs Above("lambda", 0);
    }
}

words! {
    /// Kinds of eligibility traces of SARSA(lambda).
    pub enum Traces: "accumulating, replacing or dutch" {
        /// Grows by 1 with each visit.
        Accumulating = "accumulating",
        /// Is set to 1 with each visit.
        Replacing = "replacing",
        /// Dutch traces of true online SARSA(lambda).
        Dutch = "dutch",
    }
}

/// The descriptor of sarsa-lambda.
pub const SARSA_LAMBDA: Algorithm = Algorithm {
    name: "sarsa-lambda",
    family: "tabular",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "SARSA with eligibility traces: accumulating, replacing or dutch",
    source: "Rummery 1995; van Seijen et al. 2016; Sutton and Barto 2018, section 12.7",
    file: file!(),
    builder: Builder::States(|| recipe(build_sarsa)),
    presets: &[],
    smoke: &[
        "env=CliffWalkingSlippery-v1:max_episode_steps=200 steps=1500 alpha=1/n^0.9 \
         traces=replacing",
        "env=CliffWalking-v1 steps=1500 alpha=0.1 traces=dutch",
        "env=FrozenLake-v1 steps=1500 alpha=0.1 log_interval=40",
    ],
};

/// The descriptor of q-lambda.
pub const Q_LAMBDA: Algorithm = Algorithm {
    name: "q-lambda",
    family: "tabular",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "Q-learning with traces that are cut by exploratory actions",
    source: "Watkins 1989; Sutton and Barto 2018, section 12.10",
    file: file!(),
    builder: Builder::States(|| recipe(build_q)),
    presets: &[],
    smoke: &["env=DynaMaze steps=1500 gamma=0.95"],
};

fn build_sarsa(
    (config, (lambda, traces)): &(TabularConfig, (LambdaConfig, TracesConfig)),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let kind = match traces.traces {
        Traces::Accumulating => LambdaKind::Accumulating,
        Traces::Replacing => LambdaKind::Replacing,
        Traces::Dutch => LambdaKind::Dutch,
    };
    if kind == LambdaKind::Dutch && config.alpha.counts() {
        let reason = "dutch traces need one step size for all pairs; give another schedule, or traces=accumulating or replacing";
        return Err(ConfigError::value("alpha", reason));
    }
    let agent =
        Lambda::new(kind, (config.clone(), lambda.clone()), task.states(), task.actions(), task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

fn build_q(
    (config, lambda): &(TabularConfig, LambdaConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let behaviour = config.behaviour_in(task)?;
    let (states, actions) = (task.states(), task.actions());
    let agent =
        Lambda::new(LambdaKind::Watkins, (config.clone(), lambda.clone()), states, actions, task.streams);
    Ok(Box::new(agent.with_behaviour(behaviour)))
}

/// Algorithm: kind of traces and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LambdaKind {
    /// SARSA(lambda) with accumulating traces.
    Accumulating,
    /// SARSA(lambda) with replacing traces.
    Replacing,
    /// True online SARSA(lambda).
    Dutch,
    /// Watkins's Q(lambda).
    Watkins,
}

/// The SARSA(lambda) or Q(lambda) agent.
#[derive(Clone, Debug)]
pub struct Lambda {
    kind: LambdaKind,
    config: TabularConfig,
    lambda: f64,
    behaviour: Behaviour,
    step_sizes: StepSizes,
    q: QTable,
    /// Traces of pairs of state and action.
    traces: traces::Traces,
    /// `Q(S', A')` before the last update, for true online SARSA(lambda).
    q_old: f64,
    next_action: Option<usize>,
}

impl Lambda {
    /// An epsilon-greedy agent.
    pub fn new(
        kind: LambdaKind,
        (config, traces): (TabularConfig, LambdaConfig),
        states: usize,
        actions: usize,
        streams: Streams,
    ) -> Self {
        Self {
            kind,
            lambda: traces.lambda,
            behaviour: config.behaviour(states, actions, streams),
            step_sizes: StepSizes::new(config.alpha, states * actions),
            q: QTable::new(states, actions, config.initial_value),
            traces: traces::Traces::default(),
            q_old: 0.0,
            next_action: None,
            config,
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

    /// Decays all traces, and raises that of the visited pair.
    fn raise_trace(&mut self, pair: usize, alpha: f64) {
        self.traces.fade(self.config.gamma * self.lambda);
        let trace = self.traces.of(pair);
        *trace = match self.kind {
            LambdaKind::Accumulating => *trace + 1.0,
            LambdaKind::Replacing | LambdaKind::Watkins => 1.0,
            LambdaKind::Dutch => *trace + 1.0 - alpha * *trace,
        };
    }
}

impl Agent for Lambda {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.next_action.take().unwrap_or_else(|| self.behaviour.act(state, self.q.row(state)));
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let gamma = self.config.gamma;
        let (state, action, next) = (*step.observation, *step.action, *step.next_observation);
        self.behaviour.record_visit(state, action);
        let pair = self.q.pair(state, action);
        let alpha = self.step_sizes.next(pair, self.behaviour.steps());
        let next_action = self.behaviour.act(next, self.q.row(next));
        let greedy = Policy::Greedy.state_value(self.q.row(next));
        let explores = self.kind == LambdaKind::Watkins && self.q.row(next)[next_action] < greedy;
        let next_value = match self.kind {
            LambdaKind::Watkins => greedy,
            _ => self.q.row(next)[next_action],
        };
        let value = self.q.row(state)[action];
        let delta = checked_target(td_target(step.reward, gamma, step.terminated, next_value) - value)?;
        self.raise_trace(pair, alpha);
        // True online: the pair's own change since it was the target must not be counted again.
        let moved = if self.kind == LambdaKind::Dutch { value - self.q_old } else { 0.0 };
        let actions = self.q.actions();
        for (pair, trace) in self.traces.iter() {
            let alpha = self.step_sizes.of(pair, self.behaviour.steps());
            self.q.add(pair / actions, pair % actions, alpha * (delta + moved) * trace);
        }
        self.q.add(state, action, -alpha * moved);
        self.q_old = if step.terminated { 0.0 } else { next_value };
        let is_over = step.terminated || step.truncated;
        if is_over || explores {
            self.traces.clear();
        }
        if is_over {
            self.q_old = 0.0;
        }
        self.next_action = (!is_over).then_some(next_action);
        Ok(0)
    }

    table_of_actions!();
}

snapshot! {
    impl Restorable for Lambda {
        saved: q, behaviour, step_sizes, next_action via below(q.actions()), q_old, traces as "traced" via records(
            q.values().len() + 1,
            [q.states(), q.actions()],
            "traces",
            |(pair, trace)| ([pair / q.actions(), pair % q.actions()], [trace]),
            |[state, action], [trace]| (q.pair(state, action), trace),
        );
        built: kind, config, lambda;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;
    use potstill_core::Pcg64;

    fn agent(kind: LambdaKind, lambda: f64) -> Lambda {
        let config =
            TabularConfig { gamma: 0.5, epsilon: 0.0.into(), alpha: 0.5.into(), ..TabularConfig::default() };
        Lambda::new(kind, (config, LambdaConfig { lambda }), 4, 1, Streams::new(0))
    }

    fn learn(agent: &mut Lambda, state: usize, reward: f64, next: usize, terminated: bool) {
        let (observation, next_observation) = (&state, &next);
        let step =
            Transition { observation, action: &0, reward, next_observation, terminated, truncated: false };
        agent.observe(&Steps::of(&step)).unwrap();
    }

    #[test]
    fn traces_by_hand() {
        let check = |kind, expected: [f64; 2]| {
            let mut agent = agent(kind, 0.8);
            // State 0 twice, then 1, then the end with a reward of 10; all values are 0 until then.
            learn(&mut agent, 0, 0.0, 0, false);
            learn(&mut agent, 0, 0.0, 1, false);
            learn(&mut agent, 1, 10.0, 2, true);
            for (state, expected) in expected.into_iter().enumerate() {
                let value = agent.q.row(state)[0];
                assert!((value - expected).abs() < 1e-12, "{kind:?} {state}: {value}");
            }
            assert_eq!(agent.traces.len(), 0);
        };
        // Decay by 0.4: accumulating (0.4 + 1) 0.4 = 0.56, replacing 0.4, dutch (0.4 + 1 - 0.5 * 0.4) 0.4 =
        // 0.48; times 0.5 * 10.
        check(LambdaKind::Accumulating, [2.8, 5.0]);
        check(LambdaKind::Replacing, [2.0, 5.0]);
        check(LambdaKind::Dutch, [2.4, 5.0]);
        check(LambdaKind::Watkins, [2.0, 5.0]);
    }

    /// A first visit has a step size of 1; earlier visited pairs keep their own.
    #[test]
    fn each_pair_has_its_own_step_size() {
        let config = TabularConfig { alpha: "1/n".parse().unwrap(), ..TabularConfig::default() };
        let own = LambdaConfig { lambda: 1.0 };
        let mut agent = Lambda::new(LambdaKind::Replacing, (config, own), 4, 1, Streams::new(0));
        for _ in 0..3 {
            learn(&mut agent, 0, 0.0, 0, true);
        }
        learn(&mut agent, 0, 0.0, 1, false);
        learn(&mut agent, 1, 8.0, 2, true);
        // State 0 was visited four times: 8 / 4.
        assert_eq!(agent.q.values()[..2], [2.0, 8.0]);
    }

    /// With lambda 0 every kind is its one-step method.
    #[test]
    fn without_traces_only_the_last_pair_moves() {
        for kind in [LambdaKind::Accumulating, LambdaKind::Replacing, LambdaKind::Dutch, LambdaKind::Watkins]
        {
            let mut agent = agent(kind, 0.0);
            let (mut by_hand, mut rng) = ([0.0; 4], Pcg64::new(2));
            for _ in 0..200 {
                let (state, next, reward) = (rng.below(4), rng.below(4), rng.uniform(-1.0, 1.0));
                learn(&mut agent, state, reward, next, false);
                by_hand[state] += 0.5 * (reward + 0.5 * by_hand[next] - by_hand[state]);
                for (value, expected) in agent.q.values().iter().zip(by_hand) {
                    assert!((value - expected).abs() < 1e-9, "{kind:?}");
                }
            }
        }
    }
}
