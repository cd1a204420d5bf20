//! Random experience of some copies of an environment, with every kind of end: terminated, truncated, and both.

use potstill::core::Pcg64;
use potstill::experience::Steps;

/// Copies of an environment whose observations are noise.
pub(crate) struct Noise {
    rng: Pcg64,
    features: usize,
    /// The present observation of each copy.
    pub(crate) observations: Vec<Vec<f32>>,
}

/// One step of every copy.
pub(crate) struct Step {
    pub(crate) observations: Vec<f32>,
    pub(crate) actions: Vec<usize>,
    pub(crate) rewards: Vec<f64>,
    pub(crate) next_observations: Vec<f32>,
    pub(crate) terminated: Vec<bool>,
    pub(crate) truncated: Vec<bool>,
}

impl Step {
    pub(crate) fn steps(&self) -> Steps<'_, [f32]> {
        Steps {
            observations: &self.observations,
            actions: &self.actions,
            rewards: &self.rewards,
            next_observations: &self.next_observations,
            terminated: &self.terminated,
            truncated: &self.truncated,
        }
    }
}

/// Flags of a step: one in `1 / 3 n` is terminated, one truncated, and one both.
pub(crate) fn ends(n: usize, rng: &mut Pcg64) -> (bool, bool) {
    match rng.below(n) {
        0 => (true, false),
        1 => (false, true),
        2 => (true, true),
        _ => (false, false),
    }
}

impl Noise {
    pub(crate) fn new(features: usize, copies: usize, seed: u64) -> Self {
        let mut noise = Self { rng: Pcg64::new(seed), features, observations: Vec::new() };
        noise.observations = (0..copies).map(|_| noise.fresh()).collect();
        noise
    }

    fn fresh(&mut self) -> Vec<f32> {
        (0..self.features).map(|_| self.rng.uniform(-1.0, 1.0) as f32).collect()
    }

    pub(crate) fn flat(&self) -> Vec<f32> {
        self.observations.concat()
    }

    pub(crate) fn step(&mut self, actions: &[usize]) -> Step {
        let (mut step, mut after) = (
            Step {
                observations: self.flat(),
                actions: actions.to_vec(),
                rewards: Vec::new(),
                next_observations: Vec::new(),
                terminated: Vec::new(),
                truncated: Vec::new(),
            },
            Vec::new(),
        );
        for _ in actions {
            step.rewards.push(f64::from(self.rng.uniform(-1.0, 1.0) as f32));
            let next = self.fresh();
            let (terminated, truncated) = ends(8, &mut self.rng);
            step.terminated.push(terminated);
            step.truncated.push(truncated);
            step.next_observations.extend(&next);
            after.push(if terminated || truncated { self.fresh() } else { next });
        }
        self.observations = after;
        step
    }
}
