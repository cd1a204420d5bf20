//! Semi-gradient SARSA with tile coding (Sutton 1996): learns the action values of the behaviour policy where
//! observations are numbers.
//!
//! `w <- w + alpha [R + gamma q(S', A', w) - q(S, A, w)] grad q(S, A, w)` (Sutton and Barto 2018, box of section
//! 10.1). `q` is a sum of weights of tiles, so the gradient is 1 for the active tiles of the action and 0
//! for all others. With `lambda` above 0 it is SARSA(lambda) with binary features and replacing traces (box of section
//! 12.7): every weight moves in proportion to its trace, `z <- gamma lambda z`, and 1 for the active tiles.
//! On-policy, online, model-free.
//!
//! Differences from the book: `alpha` is divided by the number of tilings here, as the book's figures write it
//! (0.5/8). Ties are broken at random.
//!
//! ```
//! use potstill::agent::Agent;
//! use potstill::core::Streams;
//! use potstill::linear::{LinearConfig, SemiGradientSarsa};
//! use potstill::tile_coding::TileCoder;
//!
//! let coder = TileCoder::new(vec![(0.0, 1.0)], 4, 2)?;
//! let mut agent = SemiGradientSarsa::new(&LinearConfig::default(), coder, 3, Streams::new(1));
//! let mut action = [0];
//! agent.act(&[0.3], &mut action);
//! assert!(action[0] < 3);
//! # Ok::<(), String>(())
//! ```

use super::{move_along, without_counts};
use crate::agent::{Agent, LearnError, Measurements, checked_target};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Task, recipe};
use crate::config::{ConfigError, settings};
use crate::experience::Steps;
use crate::metrics::catalogue;
use crate::model::{LinearModel, Model};
use crate::policy::{Policy, Schedule};
use crate::targets::td_target;
use crate::tile_coding::TileCoder;
use potstill_core::snapshot::below;
use potstill_core::{Pcg64, Streams, snapshot};
use potstill_env::Space;

settings! {
    /// The keys of tile coding.
    pub struct TilesConfig {
        /// Tilings, each displaced against the others. Source: 8, Sutton and Barto 2018, section 10.1
        tilings: u64 = 8, in StepCount;
        /// Tiles along the range of each number of an observation. Source: 8, Sutton and Barto 2018, section 10.1
        tiles: u64 = 8, in StepCount;
        /// Range of each number of an observation, LOW:HIGH/LOW:HIGH and so on; a number beyond it counts as at its bound. Without it the
        /// environment's own. Source: Sutton and Barto 2018 divide the ranges of the environment
        bounds: Option<String> = None, in Any;
    }
}

settings! {
    /// The hyperparameters of semi-gradient SARSA.
    pub struct LinearConfig {
        /// Step size alpha, divided by the number of tilings; a number or a schedule. Source: 0.5, the best of Sutton and Barto 2018, figure 10.2
        alpha: Schedule = 0.5, in PositiveUnit;
        /// Discount. Source: Sutton and Barto 2018, Example 10.1 (undiscounted)
        gamma: f64 = 1.0, in Unit;
        /// Probability of exploring; a number or a schedule. Source: 0, with which Sutton and Barto 2018, figure 10.1, explore by optimistic values
        epsilon: Schedule = 0.0, in Unit;
        /// Trace decay lambda, on top of the discount. Source: 0, the one-step method of Sutton and Barto 2018, section 10.1
        lambda: f64 = 0.0, in Unit;
        /// Initial value of every observation and action. Source: 0, optimistic where steps cost (Sutton and Barto 2018, Example 10.1)
        initial_value: f64 = 0.0, in Finite, needs Unset("from");
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "semi-gradient-sarsa",
    family: "linear",
    policy: Some(PolicyKind::On),
    data: DataKind::Online,
    is_model_based: Some(false),
    summary: "SARSA with linear values of tile-coded observations",
    source: "Sutton 1996; Sutton and Barto 2018, sections 10.1 and 12.7",
    file: file!(),
    builder: Builder::Features(|| recipe(build)),
    presets: &[],
    smoke: &[
        "env=MountainCar-v0 steps=1500 eval_freq=600 eval_episodes=2 log_interval=1",
        "env=CartPole-v1 steps=1500 eval_freq=600 eval_episodes=2 tilings=4 tiles=3 lambda=0.9 epsilon=linear:0.5:0:900 \
         alpha=0.1 bounds=-2.4:2.4/-3:3/-0.2:0.2/-3:3",
    ],
};

fn build(
    (config, tiles): &(LinearConfig, TilesConfig),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    without_counts("alpha", config.alpha)?;
    without_counts("epsilon", config.epsilon)?;
    let coder = tiles.coder(task)?;
    let about = format!(
        "{} tiles, {} of them active, for each of {} actions",
        coder.features(),
        coder.tilings(),
        task.actions()
    );
    let agent = SemiGradientSarsa::new(config, coder, task.actions(), task.streams);
    Ok(Learning { agent: Box::new(agent), copies: None, about: Some(about), warning: None })
}

/// A number beyond which a range has no bound.
const FAR: f32 = 1e6;

impl TilesConfig {
    /// The tile coder of a task.
    ///
    /// # Errors
    /// If a range is missing or wrong, or there would be too many tiles.
    fn coder(&self, task: &Task<'_>) -> Result<TileCoder, ConfigError> {
        let Space::Box { low, high } = task.spec.observation_space() else {
            let reason = format!("{} has planes of zeros and ones, which are features already", task.spec.id);
            return Err(ConfigError::value("tiles", reason));
        };
        let bounds = match &self.bounds {
            Some(text) => given_bounds(text, low.len())?,
            None => own_bounds(&low, &high, &task.spec.id)?,
        };
        TileCoder::new(bounds, self.tiles as usize, self.tilings as usize).map_err(|reason| {
            ConfigError::value(if self.bounds.is_some() { "bounds" } else { "tiles" }, reason)
        })
    }
}

/// The ranges of an environment.
fn own_bounds(low: &[f32], high: &[f32], id: &str) -> Result<Vec<(f64, f64)>, ConfigError> {
    let ranges = low.iter().zip(high);
    match ranges.clone().position(|(low, high)| low.abs() > FAR || high.abs() > FAR) {
        None => Ok(ranges.map(|(&low, &high)| (f64::from(low), f64::from(high))).collect()),
        Some(i) => {
            let reason = format!(
                "is needed in {id}, whose number {i} has no bounds: write LOW:HIGH for each of its {} numbers, with / between",
                low.len()
            );
            Err(ConfigError::value("bounds", reason))
        }
    }
}

/// The ranges of the key `bounds`.
fn given_bounds(text: &str, count: usize) -> Result<Vec<(f64, f64)>, ConfigError> {
    let range = |word: &str| -> Option<(f64, f64)> {
        let (low, high) = word.split_once(':')?;
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (low < high).then_some((low, high))
    };
    let ranges: Option<Vec<(f64, f64)>> = text.split('/').map(range).collect();
    ranges.filter(|ranges| ranges.len() == count).ok_or_else(|| {
        let reason = format!(
            "write LOW:HIGH for each of the {count} numbers of an observation, with / between, got `{text}`"
        );
        ConfigError::value("bounds", reason)
    })
}

/// The semi-gradient SARSA agent.
#[derive(Clone, Debug)]
pub struct SemiGradientSarsa {
    config: LinearConfig,
    model: LinearModel,
    steps: u64,
    rng: Pcg64,
    /// `A'`, selected for the update and then taken; `None` at the start of an episode.
    next_action: Option<usize>,
    /// The trace of each weight; empty if lambda is 0.
    traces: Vec<f64>,
    /// Buffers: active features, and the value of each action.
    active: Vec<usize>,
    values: Vec<f64>,
}

impl SemiGradientSarsa {
    /// An epsilon-greedy agent; ties and exploration draw from the stream `exploration`.
    pub fn new(config: &LinearConfig, coder: TileCoder, actions: usize, streams: Streams) -> Self {
        let (active, values) = (vec![0; coder.tilings()], vec![0.0; actions]);
        let model = LinearModel::new(coder, actions, config.initial_value);
        let traces = vec![0.0; if config.lambda > 0.0 { model.weights().len() } else { 0 }];
        let rng = streams.stream("exploration");
        Self { config: config.clone(), model, steps: 0, rng, next_action: None, traces, active, values }
    }

    /// Action values as learned so far.
    pub fn q(&self) -> &LinearModel {
        &self.model
    }

    fn epsilon(&self) -> f64 {
        self.config.epsilon.at(self.steps, 1)
    }

    /// Draws an action for an observation; its features and values are then in the buffers.
    fn select(&mut self, observation: &[f32]) -> usize {
        self.model.values(observation, &mut self.active, &mut self.values);
        Policy::EpsilonGreedy { epsilon: self.epsilon() }.sample(&self.values, &mut self.rng)
    }

    /// Moves the weights by `step` in the direction of the gradient, the active features of `action`, or of its
    /// trace.
    fn move_weights(&mut self, action: usize, step: f64) {
        if self.traces.is_empty() {
            for &feature in &self.active {
                let index = self.model.index(action, feature);
                self.model.weights_mut()[index] += step;
            }
            return;
        }
        let decay = self.config.gamma * self.config.lambda;
        let (first, active) = (self.model.index(action, 0), &self.active);
        move_along(self.model.weights_mut(), &mut self.traces, (decay, step), |traces| {
            active.iter().for_each(|&feature| traces[first + feature] = 1.0);
        });
    }
}

impl Agent for SemiGradientSarsa {
    type Observation = [f32];
    type Action = usize;

    fn act(&mut self, observations: &[f32], actions: &mut [usize]) {
        actions[0] = match self.next_action.take() {
            Some(action) => action,
            None => self.select(observations),
        };
    }

    fn observe(&mut self, steps: &Steps<'_, [f32]>) -> Result<u64, LearnError> {
        let step = steps.single();
        self.steps += 1;
        let next_action = self.select(step.next_observation);
        let target = td_target(step.reward, self.config.gamma, step.terminated, self.values[next_action]);
        self.model.coder().encode(step.observation, &mut self.active);
        let delta = checked_target(target - self.model.value(*step.action, &self.active))?;
        let alpha = self.config.alpha.at(self.steps, 1) / self.model.coder().tilings() as f64;
        self.move_weights(*step.action, alpha * delta);
        let is_over = step.terminated || step.truncated;
        if is_over {
            self.traces.fill(0.0);
        }
        // The next step begins another episode: A' served the update only.
        self.next_action = (!is_over).then_some(next_action);
        Ok(0)
    }

    fn model(&self) -> Model {
        Model::Linear(self.model.clone())
    }

    fn start_from(&mut self, model: &Model) -> Result<(), String> {
        model.copy_to_linear(&mut self.model)
    }

    fn diagnostics(&self) -> Measurements {
        Measurements::of(catalogue::EXPLORATION_RATE, self.epsilon())
    }
}

snapshot! {
    impl Restorable for SemiGradientSarsa {
        saved: model, steps, rng, next_action via below(model.actions()), traces;
        built: config, active, values;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;
    use potstill_env::registry::find;

    /// Two tilings of four tiles over 0 to 4, one action.
    fn agent(lambda: f64) -> SemiGradientSarsa {
        let config = LinearConfig { gamma: 0.5, lambda, ..LinearConfig::default() };
        let coder = TileCoder::new(vec![(0.0, 4.0)], 4, 2).unwrap();
        SemiGradientSarsa::new(&config, coder, 1, Streams::new(0))
    }

    fn learn(
        agent: &mut SemiGradientSarsa,
        [x, next]: [f32; 2],
        reward: f64,
        terminated: bool,
        truncated: bool,
    ) {
        let (observation, next_observation, action) = (&[x][..], &[next][..], &0);
        let step = Transition { observation, action, reward, next_observation, terminated, truncated };
        agent.observe(&Steps::of(&step)).unwrap();
    }

    fn value(agent: &SemiGradientSarsa, x: f32) -> f64 {
        let (mut active, mut values) = ([0; 2], [0.0]);
        agent.q().values(&[x], &mut active, &mut values);
        values[0]
    }

    #[test]
    fn steps_by_hand() {
        let mut agent = agent(0.0);
        // alpha 0.5 over two tilings: each of the two tiles moves by 0.25 * 8 = 2.
        learn(&mut agent, [0.2, 3.2], 8.0, false, false);
        assert_eq!(value(&agent, 0.2), 4.0);
        // 0.8 shares the first tiling's tile, 1.2 neither; 0.8's second tile is the one of 1.2.
        assert_eq!([value(&agent, 0.8), value(&agent, 1.2)], [2.0, 0.0]);
        // 2 + 0.5 * 4 - 0 = 4, a quarter of it on each tile; a truncated step bootstraps, a terminal one does not.
        learn(&mut agent, [3.2, 0.2], 2.0, false, true);
        assert_eq!((value(&agent, 3.2), agent.next_action), (2.0, None));
        learn(&mut agent, [3.2, 0.2], 4.0, true, false);
        assert_eq!(value(&agent, 3.2), 3.0);
    }

    #[test]
    fn replacing_traces_by_hand() {
        let mut agent = agent(0.8);
        learn(&mut agent, [0.2, 0.8], 0.0, false, false);
        // The first tiling's tile is 0.2's and 0.8's: replaced by 1; the second tiling's of 0.2 decays to 0.4.
        learn(&mut agent, [0.8, 3.2], 8.0, true, false);
        assert_eq!([value(&agent, 0.2), value(&agent, 0.8)], [2.0 + 0.8, 4.0]);
        assert!(agent.traces.iter().all(|&trace| trace == 0.0));
    }

    #[test]
    fn ranges_are_given_or_the_environment_s_own() {
        let bounds = |id: &str, bounds: Option<&str>| {
            let (spec, streams) = (find(id).unwrap(), Streams::new(0));
            let config = TilesConfig { bounds: bounds.map(str::to_owned), ..TilesConfig::default() };
            let coder = config.coder(&Task::new("semi-gradient-sarsa", &spec, streams));
            coder.map(|coder| coder.bounds().to_vec()).map_err(|error| error.to_string())
        };
        let check = |id: &str, given: Option<&str>, expected: &str| {
            let error = bounds(id, given).unwrap_err();
            assert!(error.contains(expected), "{id} {given:?}: {error}");
        };
        let own = bounds("MountainCar-v0", None).unwrap();
        assert!((own[0].0 - -1.2).abs() < 1e-6 && (own[1].1 - 0.07).abs() < 1e-6, "{own:?}");
        let given = Some("-1.2:0.5/-0.07:0.07");
        assert_eq!(bounds("MountainCar-v0", given), Ok(vec![(-1.2, 0.5), (-0.07, 0.07)]));
        check("CartPole-v1", None, "whose number 1 has no bounds: write LOW:HIGH for each of its 4 numbers");
        check("MountainCar-v0", Some("-1.2:0.5"), "for each of the 2 numbers of an observation");
        check("MountainCar-v0", Some("1:0/0:1"), "got `1:0/0:1`");
        check("MountainCar-v0", Some("0:inf/0:1"), "the range of number 0 is 0 to inf");
        check("MinAtar/Breakout-v1", None, "planes of zeros and ones");
    }
}
