//! The cliff walk (Sutton and Barto 2018, Example 6.6), and Expected SARSA.

use super::result::{Reproduction, Runs, mean_curve, nowhere, series};
use crate::agent::Agent;
use crate::error::Error;
use crate::experience::{Ending, Episode};
use crate::model::{ModelActor, play};
use crate::report::LineChart;
use crate::tabular::{QLearning, Sarsa, TabularConfig, expected_sarsa};
use crate::train::statistics::mean;
use crate::train::{TrainError, Trainer};
use potstill_core::Streams;
use potstill_env::registry;

const EPISODES: usize = 500;

/// The results of one seed of one algorithm.
pub(crate) struct CliffWalk {
    /// The return of each episode during training.
    pub(crate) returns: Vec<f64>,
    /// The greedy policy's episode afterwards, truncated if it loops.
    pub(crate) walk: Episode<usize>,
}

impl CliffWalk {
    /// The length of the greedy path, if it reaches the goal.
    fn arrived(&self) -> Option<usize> {
        (self.walk.ending == Ending::Terminated).then(|| self.walk.trajectory.steps())
    }
}

fn environment() -> registry::StateEnv {
    let spec = registry::find("CliffWalking-v1").expect("it is registered");
    spec.make_states().expect("its states are discrete")
}

/// Runs 500 episodes of an algorithm with its default settings, and a greedy episode after them.
pub(crate) fn walk_the_cliff<A: Agent<Observation = usize, Action = usize>>(
    agent: fn(TabularConfig, usize, usize, Streams) -> A,
    streams: Streams,
) -> Result<CliffWalk, TrainError> {
    let mut trainer = Trainer::new(agent(TabularConfig::default(), 48, 4, streams), environment(), streams);
    let returns = trainer.run_episodes(EPISODES)?.iter().map(|episode| episode.episode_return).collect();
    let model = trainer.agent().model();
    let mut actor = ModelActor::greedy(&model);
    let walk = play::<usize, usize>(&mut environment(), &mut actor, 0, &mut streams.stream("evaluation"))
        .map_err(TrainError::Play)?;
    Ok(CliffWalk { returns, walk })
}

/// Means over ten episodes, the least smoothing of the book's figure.
fn smooth(curve: &[f64]) -> Vec<(f64, f64)> {
    let tens = curve.chunks(10).enumerate();
    tens.map(|(i, ten)| (10.0 * i as f64 + 5.5, mean(ten))).collect()
}

pub(super) fn reproduce(runs: &Runs<'_>) -> Result<Reproduction, Error> {
    let sarsa = runs.of("the cliff: sarsa", |streams| walk_the_cliff(Sarsa::new, streams))?;
    let q = runs.of("the cliff: q-learning", |streams| walk_the_cliff(QLearning::new, streams))?;
    let expected =
        runs.of("the cliff: expected-sarsa", |streams| walk_the_cliff(expected_sarsa::new, streams))?;
    let last = |of: &[CliffWalk]| of.iter().map(|run| mean(&run.returns[400..])).collect::<Vec<_>>();
    let share = |of: &[CliffWalk], length: Option<usize>| {
        of.iter().map(|run| f64::from(u8::from(run.arrived() == length))).collect::<Vec<_>>()
    };
    let claim = |what: &str, expected, values| runs.claim(what, expected, "two other programs", values);
    let claims = vec![
        claim("SARSA, mean return of episodes 401 to 500", (-27.1, -26.6), last(&sarsa)),
        claim("Q-learning, the same", (-50.4, -50.2), last(&q)),
        claim("Expected SARSA, the same", (-20.9, -20.7), last(&expected)),
        claim("Q-learning, share of greedy walks of 13 steps", (1.0, 1.0), share(&q, Some(13))),
        claim("Expected SARSA, share of 15 steps", (1.0, 1.0), share(&expected, Some(15))),
        claim("SARSA, share of 17 steps", (0.73, 0.77), share(&sarsa, Some(17))),
        claim("SARSA, share that walk in a loop", (0.15, 0.19), share(&sarsa, None)),
    ];
    let curve =
        |of: &[CliffWalk]| smooth(&mean_curve(&of.iter().map(|run| run.returns.clone()).collect::<Vec<_>>()));
    let level = |value: f64| vec![(400.0, value), (500.0, value)];
    let chart = LineChart {
        title: "Sum of rewards of an episode while learning".to_owned(),
        x_label: "episode".to_owned(),
        y_label: "return".to_owned(),
        series: vec![
            series("SARSA", curve(&sarsa)),
            series("Q-learning", curve(&q)),
            series("Expected SARSA", curve(&expected)),
            series("expected of SARSA", level(-26.9)),
            series("expected of Q-learning", level(-50.3)),
            series("expected of Expected SARSA", level(-20.8)),
        ],
        y_range: Some((-100.0, 0.0)),
    };
    Ok(Reproduction {
        name: "cliff",
        source: "Sutton and Barto 2018, Example 6.6",
        setting: "alpha 0.5, epsilon 0.1, gamma 1, 500 episodes".to_owned(),
        runs: runs.count,
        seed: runs.request.seed,
        claims,
        beside: Vec::new(),
        charts: vec![chart],
        maps: Vec::new(),
        note: "Q-learning learns the values of the short way along the edge and falls off it now and then while it explores; SARSA \
               learns the way that is best while exploring. With a fixed step size SARSA's greedy policy loops in about one run of \
               six: its values still move.",
        data: None,
        out: nowhere(),
    })
}
