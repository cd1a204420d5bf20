//! `Taxi-v4`: fetch a passenger and bring them to their destination (Dietterich 2000).
//!
//! ```
//! use potstill_env::{Env, toy_text::taxi::Taxi};
//!
//! let (mut env, mut state) = (Taxi::new(None, None), 0);
//! env.reset(Some(1), &mut state);
//! // No passenger to drop off yet.
//! assert_eq!(env.step(&5, &mut state)?.reward, -10.0);
//! # Ok::<(), potstill_env::EnvError>(())
//! ```
//!
//! # Action space
//!
//! `Discrete(6)`: 0 south, 1 north, 2 east, 3 west, 4 pick up, 5 drop off.
//!
//! # Observation space
//!
//! `Discrete(500)`: `((row * 5 + column) * 5 + passenger) * 4 + destination`.
//!
//! | part | meaning | values |
//! |---|---|---|
//! | row, column | the taxi's square | 0 to 4 each |
//! | passenger | place of the passenger | 0 red, 1 green, 2 yellow, 3 blue, 4 in the taxi |
//! | destination | place to go to | 0 red, 1 green, 2 yellow, 3 blue |
//!
//! # Rewards
//!
//! 20 for the right drop-off, -10 for a pick-up or drop-off that is not possible, -1 for every other step.
//!
//! # Starting state
//!
//! A taxi on any square, a passenger at a place and another place as destination, all with the same
//! probability.
//!
//! # Episode end
//!
//! Terminates with the right drop-off. Truncates after 200 steps.
//!
//! # Options
//!
//! | option | meaning | default | example |
//! |---|---|---|---|
//! | `is_rainy` | a move that the walls allow may go astray to either side: `true` or `false` | `false` | `true` |
//! | `rainy_probability` | the probability that it does not, in the rain: 0 to 1 | `0.8` | `0.5` |
//! | `fickle_passenger` | the destination may change once, on the first move after the pick-up: `true` or `false` | `false` | `true` |
//! | `fickle_probability` | the probability that it does, if fickle: 0 to 1 | `0.3` | `0.5` |
//!
//! Whether a passenger will change the destination is hidden: the observations are then not Markov and there
//! is no exact model.
//!
//! # Source
//!
//! Gymnasium 1.4, `Taxi-v4`: trajectories of equal seeds and the models are equal.

use crate::registry::{Entry, Kind};
use crate::{Env, EnvError, ModelEnv, ModelOutcome, Outcome, Paint, Scene, Space, TransitionModel};
use potstill_core::snapshot;
use potstill_core::snapshot::Flat;
use std::sync::Arc;

const SIDE: usize = 5;
/// Row and column of red, green, yellow and blue.
const PLACES: [(usize, usize); 4] = [(0, 0), (0, 4), (4, 0), (4, 3)];
const IN_TAXI: usize = 4;
/// Squares with a wall to the east.
const WALLS: [(usize, usize); 6] = [(0, 1), (1, 1), (3, 0), (3, 2), (4, 0), (4, 2)];

/// The taxi; without a time limit of its own (`Taxi-v4` adds 200 steps).
#[derive(Clone, Debug)]
pub struct Taxi {
    env: ModelEnv,
    /// The probability that a passenger is fickle, and changes the destination.
    fickle_probability: Option<f64>,
    /// True if this passenger is fickle.
    is_fickle: bool,
}

/// Row, column, passenger, destination.
fn decode(state: usize) -> [usize; 4] {
    [state / 100, state / 20 % 5, state / 4 % 5, state % 4]
}

fn encode([row, column, passenger, destination]: [usize; 4]) -> usize {
    ((row * SIDE + column) * 5 + passenger) * 4 + destination
}

/// One square to the south, north, east or west; the same square if there is a wall.
fn moved((row, column): (usize, usize), direction: usize) -> (usize, usize) {
    match direction {
        0 => ((row + 1).min(SIDE - 1), column),
        1 => (row.saturating_sub(1), column),
        2 if !WALLS.contains(&(row, column)) => (row, (column + 1).min(SIDE - 1)),
        3 if column > 0 && !WALLS.contains(&(row, column - 1)) => (row, column - 1),
        _ => (row, column),
    }
}

fn outcomes(state: usize, action: usize, rainy_probability: Option<f64>) -> Vec<ModelOutcome> {
    let [row, column, passenger, destination] = decode(state);
    let at = (row, column);
    let place = PLACES.iter().position(|place| *place == at);
    let certain = |passenger, reward, terminated| {
        vec![ModelOutcome::certain(encode([row, column, passenger, destination]), reward, terminated)]
    };
    match action {
        4 if passenger < 4 && place == Some(passenger) => certain(IN_TAXI, -1.0, false),
        5 if passenger == IN_TAXI && place == Some(destination) => certain(destination, 20.0, true),
        5 if passenger == IN_TAXI && place.is_some() => certain(place.unwrap_or_default(), -1.0, false),
        4 | 5 => certain(passenger, -10.0, false),
        direction => {
            let driven = |direction: usize, probability: f64| {
                let (row, column) = moved(at, direction);
                let next = encode([row, column, passenger, destination]);
                ModelOutcome { probability, next, reward: -1.0, terminated: false }
            };
            let Some(dry) = rainy_probability else { return vec![driven(direction, 1.0)] };
            // To the left and to the right of the taxi's heading; against a wall it does not go astray.
            let [left, right] = match moved(at, direction) == at {
                true => [direction; 2],
                false => [[2, 3], [3, 2], [1, 0], [0, 1]][direction],
            };
            let astray = (1.0 - dry) / 2.0;
            vec![driven(direction, dry), driven(left, astray), driven(right, astray)]
        }
    }
}

impl Taxi {
    /// In the rain a move goes in its direction with `rainy_probability`; a passenger is fickle with
    /// `fickle_probability`.
    pub fn new(rainy_probability: Option<f64>, fickle_probability: Option<f64>) -> Self {
        let starts: Vec<usize> = (0..500)
            .filter(|&state| {
                let [_, _, passenger, destination] = decode(state);
                passenger != IN_TAXI && passenger != destination
            })
            .collect();
        let start = starts.iter().map(|&state| (1.0 / starts.len() as f64, state)).collect();
        let model =
            TransitionModel::new(500, 6, start, |state, action| outcomes(state, action, rainy_probability));
        Self { env: ModelEnv::new(model, Arc::new(scene)), fickle_probability, is_fickle: false }
    }
}

impl Env for Taxi {
    type Observation = usize;
    type Action = usize;

    fn observation_space(&self) -> Space {
        self.env.observation_space()
    }

    fn action_space(&self) -> Space {
        self.env.action_space()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut usize) {
        self.env.reset(seed, observation);
        self.is_fickle = self.fickle_probability.is_some_and(|p| self.env.rng.unit() < p);
    }

    fn reseed(&mut self, seed: u64) {
        self.env.reseed(seed);
    }

    fn scene_of(&self, state: &usize) -> Option<Scene> {
        self.env.scene_of(state)
    }

    fn step(&mut self, &action: &usize, observation: &mut usize) -> Result<Outcome, EnvError> {
        let [row, column, passenger, destination] = decode(self.env.state);
        let outcome = self.env.step(&action, observation)?;
        let [next_row, next_column, next_passenger, _] = decode(self.env.state);
        if self.is_fickle && passenger == IN_TAXI && (next_row, next_column) != (row, column) {
            self.is_fickle = false;
            let other = self.env.rng.integer(3) as usize;
            let other = other + usize::from(other >= destination);
            self.env.state = encode([next_row, next_column, next_passenger, other]);
            *observation = self.env.state;
        }
        Ok(outcome)
    }

    fn model(&self) -> Option<Arc<TransitionModel>> {
        if self.fickle_probability.is_some() { None } else { self.env.model() }
    }

    fn scene(&self) -> Option<Scene> {
        self.env.scene()
    }
}

snapshot! {
    impl Restorable for Taxi {
        saved: env via Flat, is_fickle;
        built: fickle_probability;
    }
}

fn scene(state: usize) -> Scene {
    let [row, column, passenger, destination] = decode(state);
    let mut scene = Scene::grid(SIDE, SIDE, |row, column| {
        let place = PLACES.iter().position(|place| *place == (row, column));
        let paint = if place == Some(destination) { Paint::Goal } else { Paint::Ground };
        (paint, place.map_or(' ', |place| ['R', 'G', 'Y', 'B'][place]))
    });
    for (row, column) in WALLS {
        let (x, y) = (column as f64 + 1.0, row as f64);
        scene.line(Paint::Ink, &[(x, y), (x, y + 1.0)], 0.08);
    }
    let mut scene = scene.with_agent(row, column);
    let (row, column) = if passenger == IN_TAXI { (row, column) } else { PLACES[passenger] };
    scene.circle(Paint::Aid, (column as f64 + 0.5, row as f64 + 0.5), 0.16);
    scene
}

pub(crate) fn entry() -> Entry {
    Entry::new("Taxi-v4", "fetch a passenger and bring them to their place", |options| {
        let mut chance = |flag, key, default| {
            let (given, p) = (options.flag(flag, false)?, options.number(key, default, 0.0..=1.0)?);
            Ok::<_, String>(given.then_some(p))
        };
        let rain = chance("is_rainy", "rainy_probability", 0.8)?;
        let taxi = Taxi::new(rain, chance("fickle_passenger", "fickle_probability", 0.3)?);
        Ok(Kind::states(taxi))
    })
    .documented(include_str!("taxi.rs"))
    .actions(&["down", "up", "right", "left", "pick up", "drop off"])
    .time_limit(200)
    .reward_threshold(8.0)
}
