//! Noise that is added to the actions of a deterministic policy while it learns.

use crate::config::{settings, words};
use potstill_core::snapshot::OnlyIf;
use potstill_core::{Pcg64, snapshot};

words! {
    /// The kind of noise that is added to actions.
    pub enum NoiseKind: "normal, ou or none" {
        /// Independent normal numbers.
        Normal = "normal",
        /// A process of Ornstein and Uhlenbeck, whose numbers follow each other closely.
        Ou = "ou",
        /// None.
        None = "none",
    }
}

settings! {
    /// The noise on actions, in units of half the width of their box.
    pub struct NoiseConfig {
        /// Kind of the noise on actions while learning. Source: RL Baselines3 Zoo; Lillicrap et al. 2016 have
        /// ou
        noise_type: NoiseKind = NoiseKind::Normal, in Any;
        /// Its standard deviation; half the width of the box of actions is 1. Source: Fujimoto et al. 2018,
        /// section 6.1
        noise_std: f64 = 0.1, in NotNegative, needs Is("noise_type", &["normal", "ou"]);
        /// Rate at which ou returns to 0. Source: Lillicrap et al. 2016, section 7
        ou_theta: f64 = 0.15, in NotNegative, needs Is("noise_type", &["ou"]);
        /// Length of a step of ou, in units of its time. Source: Stable-Baselines3
        ou_dt: f64 = 0.01, in Positive, needs Is("noise_type", &["ou"]);
    }
}

/// The noise of some copies of an environment.
#[derive(Clone, Debug)]
pub(super) struct ActionNoise {
    config: NoiseConfig,
    /// Components of an action.
    width: usize,
    /// The process of each copy and component, `copies x width`.
    process: Vec<f32>,
}

impl ActionNoise {
    pub(super) fn new(config: NoiseConfig, copies: usize, width: usize) -> Self {
        Self { config, width, process: vec![0.0; copies * width] }
    }

    /// Adds noise to an action of each copy, whose components are from -1 to 1 before and after.
    pub(super) fn add(&mut self, rng: &mut Pcg64, units: &mut [f32]) {
        let NoiseConfig { noise_type, noise_std, ou_theta, ou_dt } = self.config;
        for (unit, x) in units.iter_mut().zip(&mut self.process) {
            let noise = match noise_type {
                NoiseKind::None => return,
                NoiseKind::Normal => (noise_std * rng.normal()) as f32,
                NoiseKind::Ou => {
                    let now = f64::from(*x);
                    *x = (now - ou_theta * now * ou_dt + noise_std * ou_dt.sqrt() * rng.normal()) as f32;
                    *x
                }
            };
            *unit = (*unit + noise).clamp(-1.0, 1.0);
        }
    }

    /// Begins the process of a copy anew, after the end of an episode.
    pub(super) fn reset(&mut self, copy: usize) {
        self.process[copy * self.width..][..self.width].fill(0.0);
    }
}

snapshot! {
    impl Restorable for ActionNoise {
        saved: process as "noise" via OnlyIf(config.noise_type == NoiseKind::Ou);
        built: config, width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_by_hand() {
        let config = NoiseConfig { noise_type: NoiseKind::Ou, noise_std: 0.5, ou_theta: 2.0, ou_dt: 0.25 };
        let mut noise = ActionNoise::new(config, 2, 1);
        let mut numbers = Pcg64::new(1);
        let z: Vec<f64> = (0..6).map(|_| numbers.normal()).collect();
        let mut rng = Pcg64::new(1);
        let mut check = |noise: &mut ActionNoise, expected: [f64; 2]| {
            let mut units = [0.0, 0.9];
            noise.add(&mut rng, &mut units);
            for ((unit, before), x) in units.iter().zip([0.0, 0.9]).zip(expected) {
                assert!((f64::from(*unit) - (before + x).clamp(-1.0, 1.0)).abs() < 1e-6, "{units:?}");
            }
        };
        // x' = x - 2 x 0.25 + 0.5 sqrt(0.25) z = x / 2 + z / 4.
        let x = [z[0] / 4.0, z[1] / 4.0];
        check(&mut noise, x);
        let x = [x[0] / 2.0 + z[2] / 4.0, x[1] / 2.0 + z[3] / 4.0];
        check(&mut noise, x);
        noise.reset(0);
        check(&mut noise, [z[4] / 4.0, x[1] / 2.0 + z[5] / 4.0]);
    }

    #[test]
    fn normal_noise_has_its_deviation_and_none_draws_nothing() {
        let mut rng = Pcg64::new(2);
        let mut units = vec![0.0; 20_000];
        let mut noise = ActionNoise::new(NoiseConfig::default(), 20_000, 1);
        noise.add(&mut rng, &mut units);
        let square = units.iter().map(|&u| f64::from(u * u)).sum::<f64>() / 20_000.0;
        // The standard error of the variance is 0.01 sqrt(2 / 20,000) = 1e-4.
        assert!((square - 0.01).abs() < 5e-4, "{square}");
        let config = NoiseConfig { noise_type: NoiseKind::None, ..NoiseConfig::default() };
        let (before, mut quiet) = (rng.clone(), ActionNoise::new(config, 20_000, 1));
        let same = units.clone();
        quiet.add(&mut rng, &mut units);
        assert!(units == same && rng.clone().unit() == before.clone().unit());
    }
}
