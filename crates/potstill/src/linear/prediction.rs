//! Prediction with state aggregation or tile coding: the state values of a given policy where states share
//! weights (Sutton and Barto 2018, sections 9.3 to 9.5).
//!
//! The value of a state is the weight of its group, or with several tilings, each displaced against the others,
//! the sum of the weights of its tiles; the gradient is 1 for those.
//!
//! - Semi-gradient TD(lambda) (box of section 12.2): `delta = R + gamma v(S', w) - v(S, w)`, `z <- gamma lambda z + grad v(S, w)`,
//!   `w <- w + alpha delta z`. With lambda 0 it is semi-gradient TD(0) (box of section 9.3).
//! - Gradient Monte Carlo (box of section 9.3): `w <- w + alpha [G - v(S, w)] grad v(S, w)` for each step of a finished
//!   episode, in order.
//!
//! On-policy, model-free; TD learns online, Monte Carlo at the end of an episode. Differences from the book:
//! `alpha` is divided by the number of tilings; the return after a truncated episode is the value of its last
//! observation.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::env::registry::find;
//! use potstill::linear::{AggregationConfig, LinearPrediction, LinearPredictionKind};
//! use potstill::policy::{Behaviour, ExplorationRule};
//! use potstill::tabular::PredictionConfig;
//! use potstill::train::Trainer;
//!
//! let streams = Streams::new(1);
//! let walk = find("RandomWalk:states=1000,reach=100,left_reward=-1").unwrap();
//! let uniform = Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 1002, 2, streams);
//! let agent = LinearPrediction::new(LinearPredictionKind::Td { lambda: 0.0 }, &PredictionConfig::default(), &AggregationConfig::default(), uniform)?;
//! let mut trainer = Trainer::new(agent, walk.make_states().unwrap(), streams);
//! trainer.run_episodes(200).unwrap();
//! // States of a group have one value.
//! let v = trainer.agent();
//! assert!(v.value(0) == v.value(99) && v.value(99) < v.value(900));
//! # Ok::<(), potstill::config::ConfigError>(())
//! ```

use super::{move_along, without_counts};
use crate::agent::{Agent, LearnError, checked_length, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, PolicyKind, TabularAgent, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::model::{Model, QTable};
use crate::policy::{Behaviour, Schedule};
use crate::tabular::PredictionConfig;
use crate::tabular::records::{state_rewards, to_returns};
use crate::targets::td_target;
use crate::tile_coding::TileCoder;
use potstill_core::snapshot;

settings! {
    /// The features of states.
    pub struct AggregationConfig {
        /// States that share a weight, in the order of their numbers. Source: 100, Sutton and Barto 2018, Example 9.1
        group_size: u64 = 100, in Batch;
        /// Groupings, each displaced against the others by an equal part of a group. Source: 1, state aggregation; figure 9.10 has 50
        tilings: u64 = 1, in StepCount;
    }
}

settings! {
    /// The trace decay.
    pub struct TraceDecayConfig {
        /// Trace decay lambda, on top of the discount. Source: 0, TD(0), as Sutton and Barto 2018, Example 9.2
        lambda: f64 = 0.0, in Unit;
    }
}

/// The descriptor of semi-gradient-td.
pub const TD: Algorithm = Algorithm {
    name: "semi-gradient-td",
    family: "prediction",
    policy: Some(PolicyKind::On),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "state values of a given policy by TD(lambda), states in groups",
    source: "Sutton and Barto 2018, sections 9.3 and 12.2",
    file: file!(),
    builder: Builder::States(|| recipe(build_td)),
    presets: &[],
    smoke: &[
        "env=RandomWalk:states=100,reach=10,left_reward=-1 steps=1500 group_size=10 tilings=5 lambda=0.8 log_interval=9",
        "env=CliffWalking-v1 steps=1500 group_size=4",
    ],
};

/// The descriptor of gradient-monte-carlo.
pub const MONTE_CARLO: Algorithm = Algorithm {
    name: "gradient-monte-carlo",
    family: "prediction",
    policy: Some(PolicyKind::On),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "state values of a given policy from returns, states in groups",
    source: "Sutton and Barto 2018, section 9.3",
    file: file!(),
    builder: Builder::States(|| recipe(build_monte_carlo)),
    presets: &[],
    smoke: &[
        "env=RandomWalk:states=100,reach=10,left_reward=-1 steps=1500 group_size=10 alpha=0.01 log_interval=9",
    ],
};

fn build_td(
    (config, (own, trace)): &(PredictionConfig, (AggregationConfig, TraceDecayConfig)),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let kind = LinearPredictionKind::Td { lambda: trace.lambda };
    Ok(Box::new(LinearPrediction::new(kind, config, own, config.evaluated_in(task)?)?))
}

fn build_monte_carlo(
    (config, own): &(PredictionConfig, AggregationConfig),
    task: &Task<'_>,
) -> Result<TabularAgent, ConfigError> {
    let kind = LinearPredictionKind::MonteCarlo;
    Ok(Box::new(LinearPrediction::new(kind, config, own, config.evaluated_in(task)?)?))
}

/// Algorithm: the source of the targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LinearPredictionKind {
    /// Semi-gradient TD(lambda).
    Td {
        /// The trace decay.
        lambda: f64,
    },
    /// Gradient Monte Carlo.
    MonteCarlo,
}

/// Sweeps over all states after which values are given up, and the error of a value, in units of the largest, that
/// ends them.
const FIT_SWEEPS_MAX: usize = 10_000;
const FIT_ERROR_MAX: f64 = 1e-9;

/// The linear prediction agent.
#[derive(Clone, Debug)]
pub struct LinearPrediction {
    kind: LinearPredictionKind,
    alpha: Schedule,
    gamma: f64,
    coder: TileCoder,
    behaviour: Behaviour,
    weights: Vec<f64>,
    /// The trace of each weight; empty without TD(lambda) for a lambda above 0.
    traces: Vec<f64>,
    /// State and reward of each step of the episode, for Monte Carlo.
    episode: Vec<(usize, f64)>,
}

impl LinearPrediction {
    /// Evaluates `behaviour`.
    ///
    /// # Errors
    /// If the step size counts visits, or there would be too many groups.
    pub fn new(
        kind: LinearPredictionKind,
        config: &PredictionConfig,
        own: &AggregationConfig,
        behaviour: Behaviour,
    ) -> Result<Self, ConfigError> {
        without_counts("alpha", config.alpha)?;
        let size = own.group_size as usize;
        let groups = behaviour.states().div_ceil(size);
        let coder = TileCoder::new(vec![(0.0, (groups * size) as f64)], groups, own.tilings as usize)
            .map_err(|reason| ConfigError::value("group_size", reason))?;
        let has_traces = matches!(kind, LinearPredictionKind::Td { lambda } if lambda > 0.0);
        Ok(Self {
            kind,
            alpha: config.alpha,
            gamma: config.gamma,
            behaviour,
            weights: vec![config.initial_value / coder.tilings() as f64; coder.features()],
            traces: vec![0.0; if has_traces { coder.features() } else { 0 }],
            coder,
            episode: Vec::new(),
        })
    }

    /// The value of a state.
    pub fn value(&self, state: usize) -> f64 {
        self.coder.active(&[state as f64]).map(|feature| self.weights[feature]).sum()
    }

    /// The values of all states.
    pub fn values(&self) -> Vec<f64> {
        (0..self.behaviour.states()).map(|state| self.value(state)).collect()
    }

    /// Sets the weights so that the states have these values, by the method of Kaczmarz (1937).
    ///
    /// # Errors
    /// If no weights of these groups give them.
    fn fit(&mut self, values: &[f64]) -> Result<(), String> {
        let scale = values.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
        let share = 1.0 / self.coder.tilings() as f64;
        for _ in 0..FIT_SWEEPS_MAX {
            let mut worst: f64 = 0.0;
            for (state, value) in values.iter().enumerate() {
                let error = value - self.value(state);
                worst = worst.max(error.abs());
                let Self { coder, weights, .. } = self;
                coder.active(&[state as f64]).for_each(|feature| weights[feature] += share * error);
            }
            if worst <= FIT_ERROR_MAX * scale {
                return Ok(());
            }
        }
        Err("its values differ within the groups of this run, which has one weight for each group".to_owned())
    }

    /// Moves the value of a state by a share `alpha` of `error`, and others by their traces.
    fn move_weights(&mut self, state: usize, error: f64) {
        let step = self.alpha.at(self.behaviour.steps(), 1) / self.coder.tilings() as f64 * error;
        let Self { kind, gamma, coder, weights, traces, .. } = self;
        let state = [state as f64];
        match *kind {
            LinearPredictionKind::Td { lambda } if lambda > 0.0 => {
                move_along(weights, traces, (*gamma * lambda, step), |traces| {
                    coder.active(&state).for_each(|feature| traces[feature] += 1.0);
                });
            }
            _ => coder.active(&state).for_each(|feature| weights[feature] += step),
        }
    }

    /// Learns from a finished episode, whose return after its last step is `after`.
    fn learn_episode(&mut self, after: f64) -> Result<(), LearnError> {
        to_returns(self.episode.iter_mut(), self.gamma, after)?;
        for i in 0..self.episode.len() {
            let (state, g) = self.episode[i];
            self.move_weights(state, g - self.value(state));
        }
        self.episode.clear();
        Ok(())
    }
}

impl Agent for LinearPrediction {
    type Observation = usize;
    type Action = usize;

    fn act(&mut self, states: &[usize], actions: &mut [usize]) {
        actions[0] = self.behaviour.act(states[0], &[]);
    }

    fn observe(&mut self, steps: &Steps<'_, usize>) -> Result<u64, LearnError> {
        let step = steps.single();
        let (state, next) = (*step.observation, *step.next_observation);
        self.behaviour.record_visit(state, *step.action);
        let is_over = step.terminated || step.truncated;
        match self.kind {
            LinearPredictionKind::Td { .. } => {
                let target = td_target(step.reward, self.gamma, step.terminated, self.value(next));
                let delta = checked_target(target - self.value(state))?;
                self.move_weights(state, delta);
                if is_over {
                    self.traces.fill(0.0);
                }
            }
            LinearPredictionKind::MonteCarlo => {
                self.episode.push((state, step.reward));
                checked_length(self.episode.len())?;
                if is_over {
                    let after = if step.terminated { 0.0 } else { self.value(next) };
                    self.learn_episode(after)?;
                }
            }
        }
        Ok(0)
    }

    /// A value for every state, `states x 1`.
    fn model(&self) -> Model {
        Model::Table(QTable::from_values(1, self.values()))
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        let mut table = QTable::from_values(1, self.values());
        model.copy_to_table(&mut table)?;
        self.fit(table.values())
    }

    fn visits(&self) -> Option<&[u64]> {
        Some(self.behaviour.visits())
    }
}

snapshot! {
    impl Restorable for LinearPrediction {
        saved: weights, behaviour, traces, episode as "steps" via state_rewards(behaviour.states());
        built: kind, alpha, gamma, coder;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::observe_episode;
    use crate::policy::ExplorationRule;
    use potstill_core::Streams;

    /// Six states in groups of two.
    fn agent(kind: LinearPredictionKind, tilings: u64) -> LinearPrediction {
        let behaviour =
            Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 6, 2, Streams::new(0));
        let config = PredictionConfig { alpha: 0.5.into(), gamma: 0.5, ..PredictionConfig::default() };
        let own = AggregationConfig { group_size: 2, tilings };
        LinearPrediction::new(kind, &config, &own, behaviour).unwrap()
    }

    #[test]
    fn groups_by_hand() {
        let check = |kind, terminated, expected: [f64; 3]| {
            let mut agent = agent(kind, 1);
            observe_episode(&mut agent, &[(0, 4.0, 2), (3, 8.0, 5)], terminated);
            observe_episode(&mut agent, &[(1, 0.0, 2), (2, 0.0, 4)], true);
            let values: Vec<f64> = agent.values();
            for (group, expected) in expected.into_iter().enumerate() {
                assert_eq!(
                    (values[2 * group], values[2 * group + 1]),
                    (expected, expected),
                    "{kind:?} {values:?}"
                );
            }
        };
        // 0.5 * 4 = 2 and 0.5 * 8 = 4; then 2 + 0.5 (0.5 * 4 - 2) = 2 and 4 - 0.5 * 4 = 2.
        check(LinearPredictionKind::Td { lambda: 0.0 }, true, [2.0, 2.0, 0.0]);
        // The error of 8 also moves the first group, by its trace of 0.4 * 0.5: 2 + 0.5 * 8 * 0.2 = 2.8. Then
        // 2.8 + 0.5 (0.5 * 4 - 2.8) = 2.4, and the error of -4 takes 0.4 from it.
        check(LinearPredictionKind::Td { lambda: 0.4 }, true, [2.0, 2.0, 0.0]);
        // Returns 4 + 0.5 * 8 = 8 and 8: halves of them, 4 and 4; then of 0: 2 and 2.
        check(LinearPredictionKind::MonteCarlo, true, [2.0, 2.0, 0.0]);
        check(LinearPredictionKind::MonteCarlo, false, [2.0, 2.0, 0.0]);
    }

    #[test]
    fn it_starts_from_the_values_of_another() {
        let check = |tilings: u64, values: [f64; 6], fits: bool| {
            let mut agent = agent(LinearPredictionKind::MonteCarlo, tilings);
            let started = agent.start_from(&Model::Table(QTable::from_values(1, values.to_vec())));
            assert_eq!(started.is_ok(), fits, "{tilings}: {started:?}");
            let close = agent.values().iter().zip(values).all(|(own, value)| (own - value).abs() < 1e-6);
            assert_eq!(close, fits, "{tilings}: {:?}", agent.values());
        };
        check(1, [2.0, 2.0, -1.0, -1.0, 300.0, 300.0], true);
        check(1, [2.0, 1.0, -1.0, -1.0, 0.0, 0.0], false);
        // Tiles {0, 1}, {2, 3}, {4, 5} of 1, 2 and 3, and {0}, {1, 2}, {3, 4}, {5} of 10, 20, 30 and 40.
        check(2, [11.0, 21.0, 22.0, 32.0, 33.0, 43.0], true);
        let mut agent = agent(LinearPredictionKind::MonteCarlo, 1);
        let other = Model::Table(QTable::from_values(1, vec![0.0; 5]));
        let reason = agent.start_from(&other).unwrap_err();
        assert!(reason.starts_with("it has learned"), "{reason}");
    }

    #[test]
    fn displaced_groups_share_by_halves() {
        let mut agent = agent(LinearPredictionKind::Td { lambda: 0.0 }, 2);
        observe_episode(&mut agent, &[(2, 8.0, 5)], true);
        // 0.25 * 8 for each of the tiles {2, 3} and {1, 2}.
        assert_eq!(agent.values(), [0.0, 2.0, 4.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn a_truncated_episode_bootstraps() {
        let mut agent = agent(LinearPredictionKind::MonteCarlo, 1);
        observe_episode(&mut agent, &[(4, 8.0, 0)], true);
        observe_episode(&mut agent, &[(0, 2.0, 5)], false);
        // 0.5 (2 + 0.5 * 4).
        assert_eq!(agent.values(), [2.0, 2.0, 0.0, 0.0, 4.0, 4.0]);
    }

    #[test]
    fn a_step_size_by_visits_is_refused() {
        let behaviour =
            Behaviour::new(ExplorationRule::EpsilonGreedy { epsilon: 1.0.into() }, 6, 2, Streams::new(0));
        let config = PredictionConfig { alpha: "1/n".parse().unwrap(), ..PredictionConfig::default() };
        let kind = LinearPredictionKind::MonteCarlo;
        let error =
            LinearPrediction::new(kind, &config, &AggregationConfig::default(), behaviour).unwrap_err();
        assert!(error.to_string().contains("1/n counts visits of single states"), "{error}");
    }
}
