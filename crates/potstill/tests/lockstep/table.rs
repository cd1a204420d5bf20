//! Parts that the tabular modules share: a small random world, tables in double precision, and the policies of the book.

use potstill::agent::Agent;
use potstill::core::Pcg64;
use potstill::experience::{Steps, Transition};

pub(crate) const STATES: usize = 6;
pub(crate) const ACTIONS: usize = 3;
pub(crate) type Table = [[f64; ACTIONS]; STATES];
type Tabular<'a> = &'a mut dyn Agent<Observation = usize, Action = usize>;

/// An outcome of a pair: the next state, the reward, and the end of the episode.
pub(crate) type Outcome = (usize, f64, bool);

/// A world with some outcomes for each pair, equally probable.
pub(crate) struct World {
    pub(crate) rng: Pcg64,
    outcomes: Vec<Vec<Outcome>>,
}

impl World {
    pub(crate) fn new(outcomes: usize, seed: u64) -> Self {
        let mut rng = Pcg64::new(seed);
        let mut draw = || (rng.below(STATES), rng.uniform(-1.0, 1.0), rng.below(6) == 0);
        let outcomes = (0..STATES * ACTIONS).map(|_| (0..outcomes).map(|_| draw()).collect()).collect();
        Self { rng, outcomes }
    }

    pub(crate) fn start(&mut self) -> usize {
        self.rng.below(STATES)
    }

    pub(crate) fn step(&mut self, state: usize, action: usize) -> Outcome {
        let outcomes = &self.outcomes[state * ACTIONS + action];
        outcomes[self.rng.below(outcomes.len())]
    }
}

pub(crate) fn act(agent: Tabular<'_>, state: usize) -> usize {
    let mut action = [0];
    agent.act(&[state], &mut action);
    action[0]
}

pub(crate) fn observe(agent: Tabular<'_>, state: usize, action: usize, (next, reward, terminated): Outcome) {
    let step = Transition {
        observation: &state,
        action: &action,
        reward,
        next_observation: &next,
        terminated,
        truncated: false,
    };
    agent.observe(&Steps::of(&step)).unwrap();
}

pub(crate) fn largest(row: &[f64; ACTIONS]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The epsilon-greedy policy, ties shared.
pub(crate) fn epsilon_greedy(row: &[f64; ACTIONS], epsilon: f64) -> [f64; ACTIONS] {
    let best = largest(row);
    let ties = row.iter().filter(|&&q| q == best).count() as f64;
    row.map(|q| (1.0 - epsilon) * if q == best { 1.0 / ties } else { 0.0 } + epsilon / ACTIONS as f64)
}

pub(crate) fn assert_same(values: &[f64], table: &Table, what: &str) {
    for (i, (theirs, ours)) in values.iter().zip(table.iter().flatten()).enumerate() {
        assert!((theirs - ours).abs() < 1e-9, "{what}: pair {i} is {theirs}, not {ours}");
    }
}
