//! QR-DQN (Dabney et al. 2018): DQN that learns the distribution of the return as quantiles in the middles of equal parts of the probability.
//!
//! Algorithm 1: `a* = argmax_a sum_j theta_j(s', a) / N`; `T theta_j = r + gamma theta_j(s', a*)`; the loss is `sum_i E_j [rho^kappa_tau_i (T theta_j -
//! theta_i(s, a))]`, quantile regression with the Huber loss, `tau_i = (2 i - 1) / 2 N`.
//!
//! Differences from the paper: those of [DQN](super::dqn).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig, Objective, OptimizerConfig, QrDqnConfig, World};
//!
//! let quantiles = QrDqnConfig { n_quantiles: 25, ..QrDqnConfig::default() }.quantiles();
//! let world = World::new(4, 2, 50_000, Streams::new(1));
//! let configs = (DqnConfig::default(), OptimizerConfig::default());
//! let agent = Dqn::with(Objective::Quantiles(quantiles), configs, &world)?;
//! assert_eq!(agent.student().outputs(), 50);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::dqn::{Learning, Step};
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

/// The loss of one step, and its gradient in the student's quantiles.
pub(super) fn loss(quantiles: Quantiles, step: Step<'_>) -> f32 {
    let Quantiles { count, kappa } = quantiles;
    let layout = Layout { parts: count, choice: count, part: 1 };
    let Step { student, teacher, learning, .. } = step;
    learning.look_ahead(student, teacher.is_double());
    let answers = teacher.answers(&learning.batch.next_observations);
    learning.choose(student, answers, layout);
    let Learning { workspace, batch, chosen, taus, targets, errors, d_outputs, .. } = learning;
    let Batch { observations, actions, returns, discounts, weights, .. } = &*batch;
    quantile_targets(returns, discounts, chosen, targets);
    if taus.len() != count {
        *taus = (0..count).map(|i| (i as f32 + 0.5) / count as f32).collect();
    }
    let outputs = student.forward(observations, workspace);
    d_outputs.resize(outputs.len(), 0.0);
    let chosen = Chosen { indices: actions, weights };
    loss::quantile_at(kappa, layout, (outputs, taus), chosen, targets, errors, d_outputs)
}
