//! Normalisation of observations and rewards by running moments.

use crate::{Autoreset, Batch, Env, EnvError, Outcome, Row, Scene, Space, VecEnv};
use potstill_core::snapshot::{Flat, OfLength};
use potstill_core::{Restorable, snapshot};

/// Running mean and variance (Chan, Golub and LeVeque 1979), as in Gymnasium and Stable-Baselines3: the
/// initial mean of 0 and variance of 1 have the weight of 0.0001 samples.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningMoments {
    mean: Vec<f64>,
    variance: Vec<f64>,
    count: f64,
}

impl RunningMoments {
    /// The moments of vectors of this length, before any sample.
    pub fn new(features: usize) -> Self {
        Self { mean: vec![0.0; features], variance: vec![1.0; features], count: 1e-4 }
    }

    /// The means.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The variances.
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// Updates the moments with whole vectors, one after the other.
    pub fn observe(&mut self, vectors: &[f32]) {
        let features = self.mean.len();
        self.update(vectors.len() / features, |i, k| f64::from(vectors[i * features + k]));
    }

    /// The standard deviations by which [`normalize`](RunningMoments::normalize) divides.
    pub fn deviations(&self) -> Vec<f64> {
        self.variance.iter().map(|variance| (variance + EPSILON).sqrt()).collect()
    }

    /// Subtracts the mean from whole vectors, one after the other, and divides by the standard deviation.
    pub fn normalize(&self, vectors: &mut [f32]) {
        vectors.chunks_exact_mut(self.mean.len()).for_each(|vector| self.normalize_one(vector, EPSILON));
    }

    /// Updates the moments with `count` vectors; `sample(i, k)` is component `k` of the `i`-th.
    fn update(&mut self, count: usize, sample: impl Fn(usize, usize) -> f64) {
        let n = count as f64;
        let total = self.count + n;
        for k in 0..self.mean.len() {
            let batch_mean = (0..count).map(|i| sample(i, k)).sum::<f64>() / n;
            let spread: f64 =
                (0..count).map(|i| (sample(i, k) - batch_mean) * (sample(i, k) - batch_mean)).sum();
            let delta = batch_mean - self.mean[k];
            self.mean[k] += delta * n / total;
            let squares = self.variance[k] * self.count + spread + delta * delta * self.count * n / total;
            self.variance[k] = squares / total;
        }
        self.count = total;
    }

    fn normalize_one(&self, values: &mut [f32], epsilon: f64) {
        for ((value, mean), variance) in values.iter_mut().zip(&self.mean).zip(&self.variance) {
            *value = ((f64::from(*value) - mean) / (variance + epsilon).sqrt()) as f32;
        }
    }
}

snapshot! {
    impl Restorable for RunningMoments {
        saved: mean, variance, count;
    }
}

/// The deviation of the discounted returns of many copies, by which rewards are divided.
#[derive(Clone, Debug)]
pub struct ReturnScale {
    gamma: f64,
    moments: RunningMoments,
    /// The discounted sum of each copy's rewards since its episode began.
    discounted: Vec<f64>,
}

impl ReturnScale {
    /// The scale of so many copies, with returns discounted by `gamma`.
    pub fn new(gamma: f64, copies: usize) -> Self {
        Self { gamma, moments: RunningMoments::new(1), discounted: vec![0.0; copies] }
    }

    /// Takes in the reward of each copy, and whether its episode ended; frozen moments stay as they are.
    pub fn observe(&mut self, rewards: &[f64], is_frozen: bool, is_done: impl Fn(usize) -> bool) {
        let Self { gamma, moments, discounted } = self;
        for (sum, reward) in discounted.iter_mut().zip(rewards) {
            *sum = *sum * *gamma + reward;
        }
        if !is_frozen {
            moments.update(discounted.len(), |i, _| discounted[i]);
        }
        discounted.iter_mut().enumerate().filter(|(i, _)| is_done(*i)).for_each(|(_, sum)| *sum = 0.0);
    }

    /// Begins all episodes anew.
    pub fn reset(&mut self) {
        self.discounted.fill(0.0);
    }

    /// The standard deviation by which rewards are divided.
    pub fn deviation(&self) -> f64 {
        (self.moments.variance[0] + EPSILON).sqrt()
    }
}

snapshot! {
    impl Restorable for ReturnScale {
        saved: moments as "returns", discounted via OfLength(discounted.len());
        built: gamma;
    }
}

/// Added to a variance, against division by 0.
const EPSILON: f64 = 1e-8;

fn unbounded(features: usize) -> Space {
    Space::Box { low: vec![f32::NEG_INFINITY; features], high: vec![f32::INFINITY; features] }
}

/// Observations minus their running mean, divided by their running standard deviation. The moments are kept
/// in double precision; Gymnasium's are in single.
#[derive(Clone, Debug)]
pub struct NormalizeObservation<E> {
    env: E,
    moments: RunningMoments,
    is_frozen: bool,
}

impl<E: Env<Observation = [f32]>> NormalizeObservation<E> {
    /// Wraps an environment; the moments have no sample yet.
    pub fn new(env: E) -> Self {
        let moments = RunningMoments::new(env.observation_space().features());
        Self { env, moments, is_frozen: false }
    }

    /// The moments.
    pub fn moments(&self) -> &RunningMoments {
        &self.moments
    }

    /// Freezes the moments, or lets them change again. For an evaluation, restore those of training and
    /// freeze them.
    pub fn freeze(&mut self, is_frozen: bool) {
        self.is_frozen = is_frozen;
    }

    fn normalize(&mut self, observation: &mut [f32]) {
        if !self.is_frozen {
            self.moments.update(1, |_, k| f64::from(observation[k]));
        }
        self.moments.normalize(observation);
    }
}

impl<E: Env<Observation = [f32]>> Env for NormalizeObservation<E> {
    type Observation = [f32];
    type Action = E::Action;

    forward!(action_space);
    forward!(scene);
    forward!(is_retriable);
    forward!(reseed);
    forward!(raw_reward);

    fn observation_space(&self) -> Space {
        unbounded(self.moments.mean.len())
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f32]) {
        self.env.reset(seed, observation);
        self.normalize(observation);
    }

    fn step(&mut self, action: &E::Action, observation: &mut [f32]) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, observation)?;
        self.normalize(observation);
        Ok(outcome)
    }
}

snapshot! {
    impl[E: Restorable] Restorable for NormalizeObservation<E> {
        saved: env, moments, is_frozen;
    }
}

/// Rewards divided by the running standard deviation of the discounted return. Returns are reported of those that were
/// not divided ([`Env::raw_reward`]).
#[derive(Clone, Debug)]
pub struct NormalizeReward<E> {
    env: E,
    raw: f64,
    gamma: f64,
    discounted: f64,
    moments: RunningMoments,
    is_frozen: bool,
}

impl<E> NormalizeReward<E> {
    /// Wraps with returns discounted by `gamma`.
    ///
    /// # Panics
    /// If `gamma` is not from 0 to 1.
    pub fn new(env: E, gamma: f64) -> Self {
        assert!((0.0..=1.0).contains(&gamma), "{gamma}");
        Self { env, raw: 0.0, gamma, discounted: 0.0, moments: RunningMoments::new(1), is_frozen: false }
    }

    /// Freezes the moments, or lets them change again.
    pub fn freeze(&mut self, is_frozen: bool) {
        self.is_frozen = is_frozen;
    }
}

impl<E: Env> Env for NormalizeReward<E> {
    type Observation = E::Observation;
    type Action = E::Action;

    forward!(observation_space);
    forward!(action_space);
    forward!(reset);
    forward!(scene);
    forward!(is_retriable);
    forward!(reseed);
    forward!(scene_of);

    fn step(&mut self, action: &E::Action, observation: &mut E::Observation) -> Result<Outcome, EnvError> {
        let outcome = self.env.step(action, observation)?;
        self.raw = self.env.raw_reward().unwrap_or(outcome.reward);
        // As in Gymnasium: a truncated episode's return continues in the next.
        let kept = if outcome.terminated { 0.0 } else { self.discounted * self.gamma };
        self.discounted = kept + outcome.reward;
        if !self.is_frozen {
            let discounted = self.discounted;
            self.moments.update(1, |_, _| discounted);
        }
        Ok(Outcome { reward: outcome.reward / (self.moments.variance[0] + EPSILON).sqrt(), ..outcome })
    }

    fn raw_reward(&self) -> Option<f64> {
        Some(self.raw)
    }
}

snapshot! {
    impl[E: Restorable] Restorable for NormalizeReward<E> {
        saved: env, discounted, moments, is_frozen;
        built: raw, gamma;
    }
}

/// Many copies with observations and rewards normalised by moments over all of them (Stable-Baselines3's
/// `VecNormalize`, without clipping). Final observations are normalised too, but do not update the moments.
#[derive(Clone, Debug)]
pub struct VecNormalize<V> {
    envs: V,
    observations: RunningMoments,
    returns: ReturnScale,
    is_frozen: bool,
    batch: Batch<f32>,
}

impl<V: VecEnv<Element = f32>> VecNormalize<V> {
    /// Wraps with returns discounted by `gamma`.
    ///
    /// # Panics
    /// If `gamma` is not from 0 to 1.
    pub fn new(envs: V, gamma: f64) -> Self {
        assert!((0.0..=1.0).contains(&gamma), "{gamma}");
        Self {
            observations: RunningMoments::new(envs.single_observation_space().features()),
            returns: ReturnScale::new(gamma, envs.num_envs()),
            is_frozen: false,
            batch: envs.batch().clone(),
            envs,
        }
    }

    /// Freezes the moments, for evaluation, or lets them change again.
    pub fn freeze(&mut self, is_frozen: bool) {
        self.is_frozen = is_frozen;
    }

    /// The moments of the observations.
    pub fn moments(&self) -> &RunningMoments {
        &self.observations
    }

    fn normalize(&mut self) {
        let seen = self.envs.batch();
        let features = seen.features();
        if !self.is_frozen {
            self.observations.update(seen.len(), |i, k| f64::from(seen.observations[i * features + k]));
        }
        self.batch.clone_from(seen);
        let moments = &self.observations;
        self.batch.each_observation(|observation| moments.normalize(observation));
    }
}

impl<V: VecEnv<Element = f32>> VecEnv for VecNormalize<V> {
    type Element = f32;
    type Action = V::Action;

    fn single_observation_space(&self) -> Space {
        unbounded(self.observations.mean.len())
    }

    fn single_action_space(&self) -> Space {
        self.envs.single_action_space()
    }

    fn autoreset(&self) -> Autoreset {
        self.envs.autoreset()
    }

    fn reset(&mut self, seed: Option<u64>) -> &Batch<f32> {
        self.returns.reset();
        self.envs.reset(seed);
        self.normalize();
        &self.batch
    }

    fn step(&mut self, actions: &[<V::Action as Row>::Element]) -> Result<&Batch<f32>, EnvError> {
        let given = self.envs.step(actions)?;
        self.returns.observe(&given.rewards, self.is_frozen, |i| given.done(i));
        self.normalize();
        self.batch.keep_raw_rewards();
        let scale = self.returns.deviation();
        self.batch.rewards.iter_mut().for_each(|reward| *reward /= scale);
        Ok(&self.batch)
    }

    fn batch(&self) -> &Batch<f32> {
        &self.batch
    }
}

snapshot! {
    impl[V: Restorable] Restorable for VecNormalize<V> {
        saved: envs, observations, returns via Flat, is_frozen, batch;
    }
}
