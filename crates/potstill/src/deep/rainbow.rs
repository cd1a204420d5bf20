//! Rainbow (Hessel et al. 2018): C51 with double and dueling networks, prioritised replay, returns of several steps and noisy layers, all at once.
//!
//! It is [DQN](super::dqn) with all switches but Munchausen's on, and the [categorical](super::c51) objective; priorities are the divergence
//! of the student's distribution from its target (section "The Integrated Agent").
//!
//! ```
//! use potstill::deep::RainbowConfig;
//!
//! let config = RainbowConfig::default().0;
//! assert!(config.double && config.dueling && config.prioritized && config.noisy);
//! assert_eq!((config.n_step, config.prioritized_alpha), (3, 0.5));
//! ```

use super::dqn::DqnConfig;
use crate::config::{Key, Settings};
use toml::Value;

/// The keys of DQN with Rainbow's defaults (Hessel et al. 2018, table 1), but for the sizes, which are those of small tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct RainbowConfig(pub DqnConfig);

impl Default for RainbowConfig {
    fn default() -> Self {
        Self(DqnConfig {
            learning_rate: 5e-4.into(),
            batch_size: 32,
            train_freq: 4,
            gradient_steps: 1,
            target_update_interval: 500,
            net_arch: "mlp:128,128".parse().expect("a default network parses"),
            double: true,
            dueling: true,
            prioritized: true,
            prioritized_alpha: 0.5,
            n_step: 3,
            noisy: true,
            ..DqnConfig::default()
        })
    }
}

impl Settings for RainbowConfig {
    fn keys() -> Vec<Key> {
        let of_dqn = |key: &Key| key.name != "munchausen" && !key.name.starts_with("munchausen_");
        let mut keys = DqnConfig::keys();
        keys.retain(of_dqn);
        keys
    }

    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
        if Self::keys().iter().all(|known| known.name != key) {
            return None;
        }
        self.0.set(key, value)
    }

    fn get(&self, key: &str) -> Option<Value> {
        self.0.get(key)
    }
}
