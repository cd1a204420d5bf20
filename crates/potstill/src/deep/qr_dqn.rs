//! QR-DQN (Dabney et al. 2018): DQN that learns the distribution of the return as quantiles at the midpoints
//! of equal intervals of the probability.
//!
//! Algorithm 1: `a* = argmax_a sum_j theta_j(s', a) / N`; `T theta_j = r + gamma theta_j(s', a*)`; the loss is `sum_i E_j [rho^kappa_tau_i (T theta_j -
//! theta_i(s, a))]`, quantile regression with the Huber loss, `tau_i = (2 i - 1) / 2 N`.
//!
//! Differences from the paper: those of [DQN](super::dqn).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig, QrDqnConfig, TaskSpec};
//! use potstill::optimizer::OptimizerConfig;
//!
//! let objective = QrDqnConfig { n_quantiles: 25, ..QrDqnConfig::default() }.objective();
//! let task = TaskSpec::new(4, 2, 50_000, Streams::new(1));
//! let configs = (DqnConfig::default(), OptimizerConfig::default());
//! let agent = Dqn::with(objective, configs, &task)?;
//! assert_eq!(agent.online().outputs(), 50);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::dqn::{Dqn, DqnConfig};
use super::objective::{Distribution, OF_MEANS, Objective};
use super::update::{Update, UpdateBuffers};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Preset, Task, recipe_without};
use crate::config::{ConfigError, settings};
use crate::experience::Batch;
use crate::optimizer::OptimizerConfig;
use crate::targets::quantile_targets;
use potstill_nn::Head;
use potstill_nn::loss::{self, Chosen, Layout, QuantileOutputs};

settings! {
    /// The quantiles and their loss.
    pub struct QrDqnConfig {
        /// Number of quantiles. Source: Dabney et al. 2018, section 5
        n_quantiles: u64 = 200, in Atoms;
        /// Threshold of the Huber loss between quadratic and linear. Source: Dabney et al. 2018, section 5
        kappa: f64 = 1.0, in Positive;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "qr-dqn",
    family: "deep",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "DQN that learns the return's distribution, as quantiles",
    source: "Dabney et al. 2018, Algorithm 1",
    file: file!(),
    builder: Builder::Features(|| recipe_without(OF_MEANS, build)),
    presets: &[Preset { name: "zoo", text: include_str!("../../presets/qr-dqn-zoo.toml") }],
    smoke: &["env=CartPole-v1 steps=900 net_arch=mlp:16 learning_starts=100 train_freq=8 \
         gradient_steps=2 buffer_size=400 target_update_interval=10 eval_freq=300 eval_episodes=2 n_quantiles=8 \
         num_envs=2 double=true"],
};

fn build(
    (dqn, (own, optimizer)): &(DqnConfig, (QrDqnConfig, OptimizerConfig)),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    Dqn::learning(own.objective(), (dqn.clone(), optimizer.clone()), task)
}

/// Quantiles at the midpoints of equal intervals of the probability.
#[derive(Clone, Copy, Debug)]
struct Quantiles {
    /// Their number.
    count: usize,
    /// Threshold of the Huber loss between quadratic and linear.
    kappa: f32,
}

impl QrDqnConfig {
    /// The objective.
    pub fn objective(&self) -> Objective {
        Objective::of(Quantiles { count: self.n_quantiles as usize, kappa: self.kappa as f32 })
    }
}

impl Distribution for Quantiles {
    fn head(&self) -> Head {
        Head::Quantile { quantiles: self.count }
    }

    fn loss(&self, update: Update<'_>) -> f32 {
        let Self { count, kappa } = *self;
        let layout = Layout { parts: count, choice: count, part: 1 };
        let Update { online, target, buffers, double, .. } = update;
        buffers.select_next(online, double);
        let outputs = target.outputs(&buffers.batch.next_observations);
        buffers.gather_next(online, outputs, layout);
        let UpdateBuffers { workspace, batch, next_distribution, taus, y, td_errors, d_outputs, .. } =
            buffers;
        let Batch { observations, actions, returns, discounts, weights, .. } = &*batch;
        quantile_targets(returns, discounts, next_distribution, y);
        if taus.len() != count {
            *taus = (0..count).map(|i| (i as f32 + 0.5) / count as f32).collect();
        }
        let outputs = online.forward(observations, workspace);
        d_outputs.resize(outputs.len(), 0.0);
        let chosen = Chosen { indices: actions, weights };
        let quantiles = QuantileOutputs { outputs, taus, layout };
        loss::quantile_at(kappa, quantiles, chosen, y, td_errors, d_outputs)
    }
}
