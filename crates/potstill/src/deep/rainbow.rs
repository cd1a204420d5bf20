//! Rainbow (Hessel et al. 2018): C51 with double and dueling networks, prioritized replay, n-step returns and
//! noisy layers.
//!
//! It is [DQN](super::dqn) with all switches but Munchausen's on, and the [categorical](super::c51) objective; priorities are the divergence
//! of the student's distribution from its target (section "The Integrated Agent").
//!
//! Differences from the paper: those of [DQN](super::dqn); sizes and the step size are those of small tasks.
//!
//! ```
//! use potstill::deep::RainbowConfig;
//!
//! let config = RainbowConfig::default().0;
//! assert!(config.double && config.dueling && config.prioritized && config.noisy);
//! assert_eq!((config.n_step, config.prioritized_alpha), (3, 0.5));
//! ```

use super::c51::C51Config;
use super::dqn::{Dqn, DqnConfig};
use super::objective::OF_MEANS;
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Task, recipe_without};
use crate::config::{ConfigError, Key, Settings};
use crate::optimizer::OptimizerConfig;
use toml::Value;

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "rainbow",
    family: "deep",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "C51, double, dueling, prioritised, n-step and noisy, all at once",
    source: "Hessel et al. 2018",
    file: file!(),
    builder: Builder::Features(|| recipe_without(OF_MEANS, build)),
    presets: &[],
    smoke: &["env=CartPole-v1 steps=700 net_arch=mlp:12,16 learning_starts=100 train_freq=8 \
         gradient_steps=2 buffer_size=400 eval_freq=350 eval_episodes=2 n_atoms=11 v_min=0 \
         v_max=50"],
};

fn build(
    (RainbowConfig(dqn), (c51, optimizer)): &(RainbowConfig, (C51Config, OptimizerConfig)),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    Dqn::learning(c51.checked()?, (dqn.clone(), optimizer.clone()), task)
}

/// The keys of DQN with Rainbow's switches and their values (Hessel et al. 2018, table 1); sizes and step size are those of small tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct RainbowConfig(pub DqnConfig);

impl Default for RainbowConfig {
    fn default() -> Self {
        Self(DqnConfig {
            learning_rate: 5e-4.into(),
            buffer_size: 100_000,
            learning_starts: 1000,
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
    fn keys(&self) -> Vec<Key> {
        let help = |key: &Key| match key.name {
            "learning_rate" => {
                " Step size of the optimiser, a number or a schedule over steps of the environment. Source: this project, for small tasks"
            }
            "buffer_size" => {
                " Capacity of the replay buffer, in transitions. Source: this project, for small tasks"
            }
            "learning_starts" => {
                " Steps of uniformly random behaviour before learning, of all copies together. Source: this project, for small tasks"
            }
            "batch_size" => " Transitions per gradient step. Source: Hessel et al. 2018, table 1",
            "train_freq" => {
                " Steps of each copy of the environment between updates. Source: Mnih et al. 2015, Extended Data Table 1"
            }
            "gradient_steps" => {
                " Gradient steps of an update; 0 for as many as there were steps of all copies since the last. Source: Mnih et al. 2015, Algorithm 1"
            }
            "target_update_interval" => {
                " Steps of all copies between refreshes of the target network, rounded down to whole steps of each, of which there is at least one. Source: this project, for small tasks"
            }
            "net_arch" => {
                " Network architecture, such as mlp:128,128 or cnn:16x3,128; each stream has its own last hidden layer. Source: this project, for small tasks"
            }
            "double" => {
                " Selects the next action with the online network (double DQN). Source: Hessel et al. 2018"
            }
            "dueling" => {
                " Splits the network into state value and advantages (dueling). Source: Hessel et al. 2018"
            }
            "prioritized" => {
                " Samples the replay buffer by TD error (prioritized replay). Source: Hessel et al. 2018"
            }
            "prioritized_alpha" => {
                " Exponent of TD errors as priorities. Source: Hessel et al. 2018, table 1"
            }
            "n_step" => " Rewards in a return before it bootstraps. Source: Hessel et al. 2018, table 1",
            "noisy" => {
                " Explores by noise on the weights instead of epsilon (noisy networks). Source: Hessel et al. 2018"
            }
            _ => key.help,
        };
        let keys = self.0.keys().into_iter();
        let keys = keys.filter(|key| key.name != "munchausen" && !key.name.starts_with("munchausen_"));
        keys.map(|key| Key { help: help(&key), ..key }).collect()
    }

    fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
        if self.keys().iter().all(|known| known.name != key) {
            return None;
        }
        self.0.set(key, value)
    }

    fn get(&self, key: &str) -> Option<Value> {
        self.0.get(key)
    }
}
