//! Running normalisation of what an on-policy learner sees: observations by their mean and deviation, rewards by the deviation
//! of the discounted returns (Stable-Baselines3's `VecNormalize`).

use crate::config::ConfigError;
use crate::deep::Normalizer;
use crate::experience::Steps;
use potstill_core::snapshot;
use potstill_env::Row;
use potstill_env::wrappers::ReturnScale;
use potstill_nn::{Network, NetworkSpec};

/// The largest magnitude of a normalised reward.
const REWARD_MAX: f64 = 10.0;

/// The quantities that are normalised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normalized {
    pub(super) observations: bool,
    pub(super) rewards: bool,
    /// The discount of the returns whose deviation scales rewards.
    pub(super) gamma: f64,
}

/// Refuses the normalisation of images.
pub(super) fn check_normalization(observations: bool, spec: &NetworkSpec) -> Result<(), ConfigError> {
    if observations && !spec.stages.is_empty() {
        let reason = "is for features; images are on one scale already".to_owned();
        return Err(ConfigError::value("normalize_observations", reason));
    }
    Ok(())
}

/// The statistics of observations and returns so far.
#[derive(Clone, Debug)]
pub(super) struct Normalization {
    observation_moments: Option<Normalizer>,
    reward_scale: Option<ReturnScale>,
    /// Buffers: a batch of observations, of those that follow, and their rewards.
    seen: Vec<f32>,
    next: Vec<f32>,
    scaled: Vec<f64>,
}

impl Normalization {
    pub(super) fn new(normalized: Normalized, features: usize, copies: usize) -> Self {
        let Normalized { observations, rewards, gamma } = normalized;
        Self {
            observation_moments: observations.then(|| Normalizer::new(features)),
            reward_scale: rewards.then(|| ReturnScale::new(gamma, copies)),
            seen: Vec::new(),
            next: Vec::new(),
            scaled: Vec::new(),
        }
    }

    /// Returns true if observations are normalised.
    pub(super) fn is_of_observations(&self) -> bool {
        self.observation_moments.is_some()
    }

    /// Observations as the networks see them.
    pub(super) fn seen<'a>(&'a mut self, observations: &'a [f32]) -> &'a [f32] {
        let Self { observation_moments, seen, .. } = self;
        match observation_moments {
            Some(moments) => normalized(moments, observations, seen),
            None => observations,
        }
    }

    /// Steps as they are learned from. Their observations are normalised as they were seen, and only then counted: the
    /// statistics include them from the next step on.
    pub(super) fn steps<'a, A: Row + ?Sized>(
        &'a mut self,
        steps: &Steps<'a, [f32], A>,
    ) -> Steps<'a, [f32], A> {
        let Self { observation_moments, reward_scale, seen, next, scaled } = self;
        let mut all = Steps { ..*steps };
        if let Some(moments) = observation_moments {
            all.observations = normalized(moments, steps.observations, seen);
            moments.observe(steps.observations);
            all.next_observations = normalized(moments, steps.next_observations, next);
        }
        if let Some(scale) = reward_scale {
            scale.observe(steps.rewards, false, |i| steps.terminated[i] || steps.truncated[i]);
            let deviation = scale.deviation();
            scaled.clear();
            scaled.extend(steps.rewards.iter().map(|r| (r / deviation).clamp(-REWARD_MAX, REWARD_MAX)));
            all.rewards = scaled;
        }
        all
    }

    /// Folds the normalisation of observations into the first layer of a network, which then takes raw ones.
    pub(super) fn fold_into(&self, network: &mut Network) {
        if let Some(moments) = &self.observation_moments {
            network.fold_input_scaling(moments.mean(), &moments.deviations().collect::<Vec<_>>());
        }
    }
}

fn normalized<'a>(moments: &Normalizer, observations: &[f32], into: &'a mut Vec<f32>) -> &'a [f32] {
    into.clear();
    into.extend_from_slice(observations);
    moments.normalize(into);
    into
}

snapshot! {
    impl Restorable for Normalization {
        saved: observation_moments, reward_scale;
        built: seen, next, scaled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experience::Transition;

    #[test]
    fn rewards_are_divided_by_the_deviation_of_the_returns() {
        let normalized = Normalized { observations: false, rewards: true, gamma: 0.5 };
        let mut of_rewards = Normalization::new(normalized, 1, 1);
        let mut scaled = |reward: f64, terminated: bool| {
            let step = Transition {
                observation: &[0.0_f32][..],
                action: &0_usize,
                reward,
                next_observation: &[0.0_f32][..],
                terminated,
                truncated: false,
            };
            of_rewards.steps(&Steps::of(&step)).rewards[0]
        };
        // Returns of 2, 2 + 0.5 x 2 and, after an end, 1; a variance of 1 has the weight of 0.0001 samples.
        let check = |found: f64, reward: f64, returns: &[f64]| {
            let n = returns.len() as f64 + 1e-4;
            let mean = returns.iter().sum::<f64>() / n;
            let squares =
                returns.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() + 1e-4 * (1.0 + mean * mean);
            let expected = (reward / (squares / n + 1e-8).sqrt()).min(10.0);
            assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
        };
        check(scaled(2.0, false), 2.0, &[2.0]);
        check(scaled(2.0, true), 2.0, &[2.0, 3.0]);
        check(scaled(1.0, false), 1.0, &[2.0, 3.0, 1.0]);
    }
}
