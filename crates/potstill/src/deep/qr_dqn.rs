//! QR-DQN (Dabney et al. 2018): DQN that learns the distribution of the return as quantiles in the middles of equal parts of the probability.
//!
//! Algorithm 1: `a* = argmax_a sum_j theta_j(s', a) / N`; `T theta_j = r + gamma theta_j(s', a*)`; the loss is `sum_i E_j [rho^kappa_tau_i (T theta_j -
//! theta_i(s, a))]`, quantile regression with the Huber loss, `tau_i = (2 i - 1) / 2 N`.
//!
//! Differences from the paper: those of [DQN](super::dqn).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig, Objective, QrDqnConfig, TaskSpec};
//! use potstill::optimizer::OptimizerConfig;
//!
//! let quantiles = QrDqnConfig { n_quantiles: 25, ..QrDqnConfig::default() }.quantiles();
//! let world = TaskSpec::new(4, 2, 50_000, Streams::new(1));
//! let configs = (DqnConfig::default(), OptimizerConfig::default());
//! let agent = Dqn::with(Objective::Quantiles(quantiles), configs, &world)?;
//! assert_eq!(agent.online().outputs(), 50);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::update::{Update, UpdateBuffers};
use crate::config::settings;
use crate::experience::Batch;
use crate::targets::quantile_targets;
use potstill_nn::loss::{self, Chosen, Layout};

settings! {
    /// The quantiles.
    pub struct QrDqnConfig {
        /// How many. Source: Dabney et al. 2018, section 5
        n_quantiles: u64 = 200, in Atoms;
        /// Where the Huber loss turns from a parabola into a line. Source: Dabney et al. 2018, section 5
        kappa: f64 = 1.0, in Positive;
    }
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiles {
    /// How many quantiles.
    pub count: usize,
    /// Where the Huber loss turns from a parabola into a line.
    pub kappa: f32,
}

impl QrDqnConfig {
    /// The quantiles.
    pub fn quantiles(&self) -> Quantiles {
        Quantiles { count: self.n_quantiles as usize, kappa: self.kappa as f32 }
    }
}

/// The loss of one step, and its gradient with respect to the online network's quantiles.
pub(super) fn loss(quantiles: Quantiles, update: Update<'_>) -> f32 {
    let Quantiles { count, kappa } = quantiles;
    let layout = Layout { parts: count, choice: count, part: 1 };
    let Update { online, target, buffers, double, .. } = update;
    buffers.select_next(online, double);
    let outputs = target.outputs(&buffers.batch.next_observations);
    buffers.gather_next(online, outputs, layout);
    let UpdateBuffers { workspace, batch, next_distribution, taus, y, td_errors, d_outputs, .. } = buffers;
    let Batch { observations, actions, returns, discounts, weights, .. } = &*batch;
    quantile_targets(returns, discounts, next_distribution, y);
    if taus.len() != count {
        *taus = (0..count).map(|i| (i as f32 + 0.5) / count as f32).collect();
    }
    let outputs = online.forward(observations, workspace);
    d_outputs.resize(outputs.len(), 0.0);
    let chosen = Chosen { indices: actions, weights };
    loss::quantile_at(kappa, layout, (outputs, taus), chosen, y, td_errors, d_outputs)
}
