//! Prediction: the state values of a given policy.
//!
//! - TD(lambda) with accumulating traces (Sutton 1988; Sutton and Barto 2018, section 12.2, tabular): `delta = R + gamma V(S') - V(S)`,
//!   `z <- gamma lambda z`, `z(S) <- z(S) + 1`, `V <- V + alpha delta z`. With lambda 0 it is TD(0) (box of section 6.1).
//! - First-visit Monte Carlo prediction (box of section 5.1): `V(S)` is the mean of the returns that followed first visits.
//!
//! On-policy, model-free; TD learns online, Monte Carlo at the end of an episode. Differences from the book:
//! traces below 1e-12 are dropped; the return after a truncated episode is the value of its last observation.
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::policy::{Behaviour, ExplorationRule};
//! use potstill::tabular::{PredictionConfig, TdPrediction};
//! use potstill::train::{Trainer, Training};
//!
//! let streams = Streams::new(1);
//! let uniform = Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 48, 4, streams);
//! let agent = TdPrediction::new(&PredictionConfig::default(), 0.0, uniform);
//! let env = find("CliffWalking-v1").unwrap().make_states().unwrap();
//! let mut trainer = Trainer::new(agent, env, streams);
//! trainer.run(20_000, None, &mut ())?;
//! // A random walk has a lower return from the edge than from far away.
//! let v = trainer.agent().v();
//! assert!(v[30] < v[6]);
//! # Ok::<(), potstill::train::TrainError>(())
//! ```

use super::lambda::LambdaConfig;
use super::monte_carlo::MEANS;
use super::records::{records, state_rewards};
use super::traces::Traces;
use crate::agent::{Agent, LearnError, checked_length, checked_target};
use crate::algorithm::{
    Algorithm, BehaviourSource, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe, recipe_without,
};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, ExplorationRule, Schedule, StepSizes};
use crate::targets::td_target;
use potstill_core::snapshot;

settings! {
    /// The hyperparameters of prediction.
    pub struct PredictionConfig {
        /// Step size alpha, a number or a schedule; 1/n counts the visits of the state. Source: 0.1, as in Sutton and Barto 2018, Example 6.2
        alpha: Schedule = 0.1, in PositiveUnit;
        /// Discount. Source: Sutton and Barto 2018, Example 6.2 (undiscounted)
        gamma: f64 = 1.0, in Unit;
        /// Exploration of the policy that is evaluated, if that is another run's; otherwise the policy is
        /// uniform. Source: 0, the run's own policy
        epsilon: Schedule = 0.0, in Unit, needs Set("behaviour");
        /// Initial value of every state. Source: 0, as commonly
        initial_value: f64 = 0.0, in Finite, needs Unset("from");
    }
}

/// The descriptor of td-prediction.
pub const TD: Algorithm = Algorithm {
    name: "td-prediction",
    family: "prediction",
    policy: Some(PolicyKind::On),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "state values of a given policy, by TD(0)",
    source: "Sutton 1988; Sutton and Barto 2018, section 6.1",
    file: file!(),
    builder: Builder::States(|| recipe(build_td)),
    presets: &[],
    smoke: &["env=CliffWalking-v1 steps=1500 alpha=1/n^0.7"],
};

/// The descriptor of td-lambda-prediction.
pub const TD_LAMBDA: Algorithm = Algorithm {
    name: "td-lambda-prediction",
    family: "prediction",
    policy: Some(PolicyKind::On),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "state values of a given policy, by TD(lambda) with eligibility traces",
    source: "Sutton 1988; Sutton and Barto 2018, section 12.2",
    file: file!(),
    builder: Builder::States(|| recipe(build_td_lambda)),
    presets: &[],
    smoke: &["env=FrozenLake-v1 steps=1500 lambda=0.7 log_interval=40"],
};

/// The descriptor of monte-carlo-prediction.
pub const MONTE_CARLO: Algorithm = Algorithm {
    name: "monte-carlo-prediction",
    family: "prediction",
    policy: Some(PolicyKind::On),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "state values of a given policy, as means of the returns after first visits",
    source: "Sutton and Barto 2018, section 5.1",
    file: file!(),
    builder: Builder::States(|| recipe_without(MEANS, build_monte_carlo)),
    presets: &[],
    smoke: &["env=FrozenLake-v1 steps=1500 log_interval=40"],
};

fn build_td(config: &PredictionConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    Ok(Box::new(TdPrediction::new(config, 0.0, config.evaluated_in(task)?)))
}

fn build_td_lambda(
    (config, own): &(PredictionConfig, LambdaConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    Ok(Box::new(TdPrediction::new(config, own.lambda, config.evaluated_in(task)?)))
}

fn build_monte_carlo(config: &PredictionConfig, task: &Task<'_>) -> Result<TabularAgent, ConfigError> {
    Ok(Box::new(MonteCarloPrediction::new(config, config.evaluated_in(task)?)))
}

impl PredictionConfig {
    /// The policy that is evaluated in a task: that of another run, that of a recording, or the uniformly random one.
    ///
    /// # Errors
    /// If its values are infinite: `gamma` is 1 and no episode ends.
    pub(crate) fn evaluated_in(&self, task: &Task<'_>) -> Result<Behaviour, ConfigError> {
        task.check_discount(self.gamma)?;
        let is_given = matches!(task.source, BehaviourSource::Values(_));
        let epsilon = if is_given { self.epsilon } else { 1.0.into() };
        let rule = ExplorationRule::EpsilonGreedy { epsilon };
        Ok(task.behaviour(Behaviour::new(rule, task.states(), task.actions(), task.streams)))
    }
}

/// The TD(lambda) prediction agent.
#[derive(Clone, Debug)]
pub struct TdPrediction {
    /// Step sizes per state, not per pair: only state values are learned.
    step_sizes: StepSizes,
    gamma: f64,
    lambda: f64,
    behaviour: Behaviour,
    /// `states x 1`.
    v: QTable,
    /// Traces of states.
    traces: Traces,
}

impl TdPrediction {
    /// Evaluates `behaviour`.
    pub fn new(config: &PredictionConfig, lambda: f64, behaviour: Behaviour) -> Self {
        Self {
            step_sizes: StepSizes::new(config.alpha, behaviour.states()),
            gamma: config.gamma,
            lambda,
            v: QTable::new(behaviour.states(), 1, config.initial_value),
            behaviour,
            traces: Traces::default(),
        }
    }

    /// The values of all states.
    pub fn v(&self) -> &[f64] {
        self.v.values()
    }
}

impl Agent for TdPrediction {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, &[]);
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let (state, next) = (*step.observation, *step.next_observation);
        self.behaviour.record_visit(state, *step.action);
        let target = td_target(step.reward, self.gamma, step.terminated, self.v()[next]);
        let delta = checked_target(target)? - self.v()[state];
        self.traces.fade(self.gamma * self.lambda);
        *self.traces.of(state) += 1.0;
        self.step_sizes.count(state);
        for (visited, trace) in self.traces.iter() {
            let alpha = self.step_sizes.of(visited, self.behaviour.steps());
            self.v.add(visited, 0, alpha * delta * trace);
        }
        if step.terminated || step.truncated {
            self.traces.clear();
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
    impl Restorable for TdPrediction {
        saved: v, behaviour, step_sizes, traces as "traced" via records(
            v.states() + 1,
            [v.states()],
            "traces",
            |(state, trace)| ([state], [trace]),
            |[state], [trace]| (state, trace),
        );
        built: gamma, lambda;
    }
}

/// The first-visit Monte Carlo prediction agent.
#[derive(Clone, Debug)]
pub struct MonteCarloPrediction {
    gamma: f64,
    behaviour: Behaviour,
    /// `states x 1`.
    v: QTable,
    /// The number of returns in the mean of each state.
    returns: Vec<u64>,
    /// State and reward of each step of the episode.
    episode: Vec<(usize, f64)>,
}

impl MonteCarloPrediction {
    /// Evaluates `behaviour`.
    pub fn new(config: &PredictionConfig, behaviour: Behaviour) -> Self {
        let states = behaviour.states();
        Self {
            gamma: config.gamma,
            v: QTable::new(states, 1, config.initial_value),
            returns: vec![0; states],
            behaviour,
            episode: Vec::new(),
        }
    }

    /// The values of all states.
    pub fn v(&self) -> &[f64] {
        self.v.values()
    }
}

impl Agent for MonteCarloPrediction {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        let state = states[0];
        actions[0] = self.behaviour.act(state, &[]);
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let state = *step.observation;
        self.behaviour.record_visit(state, *step.action);
        self.episode.push((state, step.reward));
        checked_length(self.episode.len())?;
        if !step.terminated && !step.truncated {
            return Ok(0);
        }
        let mut g = if step.terminated { 0.0 } else { self.v()[*step.next_observation] };
        let mut first = vec![usize::MAX; self.returns.len()];
        for (t, &(state, _)) in self.episode.iter().enumerate().rev() {
            first[state] = t;
        }
        for (t, &(state, reward)) in self.episode.iter().enumerate().rev() {
            g = checked_target(reward + self.gamma * g)?;
            if first[state] == t {
                self.returns[state] += 1;
                self.v.update(state, 0, g, 1.0 / self.returns[state] as f64);
            }
        }
        self.episode.clear();
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
    impl Restorable for MonteCarloPrediction {
        saved: v, behaviour, returns, episode as "steps" via state_rewards(v.states());
        built: gamma;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::observe_episode;
    use crate::policy::ExplorationRule;
    use potstill_core::Streams;

    fn behaviour() -> Behaviour {
        Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 3, 2, Streams::new(0))
    }

    #[test]
    fn td_by_hand() {
        let check = |lambda: f64, terminated: bool, expected: [f64; 3]| {
            let config = PredictionConfig { alpha: 0.5.into(), gamma: 0.5, ..PredictionConfig::default() };
            let mut agent = TdPrediction::new(&config, lambda, behaviour());
            agent.v = QTable::from_values(1, vec![0.0, 2.0, 8.0]);
            observe_episode(&mut agent, &[(0, 1.0, 1), (1, 2.0, 2)], terminated);
            assert!(agent.v().iter().zip(expected).all(|(v, e)| (v - e).abs() < 1e-12), "{:?}", agent.v());
            assert_eq!(agent.traces.len(), 0);
        };
        // 0.5 (1 + 0.5 * 2) = 1; 2 + 0.5 (2 + 0.5 * 8 - 2) = 4, or 2 + 0.5 (2 - 2) = 2.
        check(0.0, false, [1.0, 4.0, 8.0]);
        check(0.0, true, [1.0, 2.0, 8.0]);
        // The second error of 4 also moves the first state, by its trace of 0.4 * 0.5.
        check(0.4, false, [1.0 + 0.5 * 4.0 * 0.2, 4.0, 8.0]);
    }

    #[test]
    fn monte_carlo_by_hand() {
        let config = PredictionConfig { gamma: 0.5, ..PredictionConfig::default() };
        let mut agent = MonteCarloPrediction::new(&config, behaviour());
        // From the first visit of 0: 1 + 0.5 (2 + 0.5 * 4) = 3.
        observe_episode(&mut agent, &[(0, 1.0, 1), (1, 2.0, 0), (0, 4.0, 2)], true);
        assert_eq!(agent.v(), [3.0, 4.0, 0.0]);
        // Truncated in state 1, whose value is 4: the mean of 3 and 1 + 0.5 * 4.
        observe_episode(&mut agent, &[(0, 1.0, 1)], false);
        assert_eq!(agent.v(), [3.0, 4.0, 0.0]);
        observe_episode(&mut agent, &[(1, -2.0, 0)], true);
        assert_eq!(agent.v(), [3.0, 1.0, 0.0]);
    }
}
