//! IQN (Dabney, Ostrovski, Silver and Munos 2018): DQN that learns the quantile function of the return, with
//! the probability `tau` as an input.
//!
//! Section 3: with `tau_i`, `tau'_j` drawn uniformly, `delta_ij = r + gamma Z_tau'_j(s', a*) - Z_tau_i(s,
//! a)`, and the loss is `sum_i 1/N' sum_j rho^kappa_tau_i (delta_ij)`. The features of a state are multiplied
//! by the embedding `ReLU(W cos(pi i tau) + b)`, `i = 0 .. n - 1`, of the probability.
//!
//! Differences from the paper, beside those of [DQN](super::dqn):
//! - The next action is greedy with respect to the mean over the same `tau'_j` that make the targets, instead
//!   of `K` others.
//! - It acts on the mean over the midpoints of 32 equal intervals of the probability, instead of 32 random
//!   ones.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{Dqn, DqnConfig, IqnConfig, TaskSpec};
//! use potstill::optimizer::OptimizerConfig;
//! use potstill::nn::Workspace;
//!
//! let task = TaskSpec::new(4, 2, 50_000, Streams::new(1));
//! let configs = (DqnConfig::default(), OptimizerConfig::default());
//! let agent = Dqn::with(IqnConfig::default().objective(), configs, &task)?;
//! // The median and the ninth decile of the return of both actions.
//! let mut workspace = Workspace::default();
//! assert_eq!(agent.online().forward_at(&[0.0; 4], &[0.5, 0.9], &mut workspace).len(), 4);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::dqn::{Dqn, DqnConfig};
use super::objective::{Distribution, OF_MEANS, Objective};
use super::update::{Update, UpdateBuffers};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Task, recipe_without};
use crate::config::{ConfigError, settings};
use crate::experience::Batch;
use crate::optimizer::OptimizerConfig;
use crate::targets::quantile_targets;
use potstill_nn::loss::{self, Chosen, Layout, QuantileOutputs};
use potstill_nn::{Head, TAUS};

settings! {
    /// The sampled probabilities and their embedding.
    pub struct IqnConfig {
        /// Probabilities sampled for the online network, per transition. Source: Dabney et al. 2018b, figure
        /// 2: eight are nearly as good as 64, which cost eight times as much
        n_taus: u64 = 8, in Atoms;
        /// Probabilities sampled for the target network, per transition. Source: the same
        n_target_taus: u64 = 8, in Atoms;
        /// Cosines in the embedding of a probability. Source: Dabney et al. 2018b, section 4.1 (n)
        n_cosines: u64 = 64, in Atoms;
        /// Threshold of the Huber loss between quadratic and linear. Source: Dabney et al. 2018b, section 4.1
        kappa: f64 = 1.0, in Positive;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "iqn",
    family: "deep",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "DQN that learns the return's distribution, as a function of the probability",
    source: "Dabney, Ostrovski, Silver and Munos 2018",
    file: file!(),
    builder: Builder::Features(|| recipe_without(OF_MEANS, build)),
    presets: &[],
    smoke: &["env=CartPole-v1 steps=700 net_arch=mlp:12,16 learning_starts=100 train_freq=8 \
         gradient_steps=2 buffer_size=400 target_update_interval=10 eval_freq=350 eval_episodes=2 n_taus=4 \
         n_target_taus=3 n_cosines=8"],
};

fn build(
    (dqn, (own, optimizer)): &(DqnConfig, (IqnConfig, OptimizerConfig)),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    Dqn::learning(own.objective(), (dqn.clone(), optimizer.clone()), task)
}

/// The quantile function of the return.
#[derive(Clone, Copy, Debug)]
struct Implicit {
    /// Probabilities of the online network for each sample, `N`.
    taus: usize,
    /// Probabilities of the target network for each sample, `N'`.
    target_taus: usize,
    /// Cosines in the embedding of a probability, `n`.
    cosines: usize,
    /// Threshold of the Huber loss between quadratic and linear.
    kappa: f32,
}

impl IqnConfig {
    /// The objective.
    pub fn objective(&self) -> Objective {
        let size = |n: u64| n as usize;
        Objective::of(Implicit {
            taus: size(self.n_taus),
            target_taus: size(self.n_target_taus),
            cosines: size(self.n_cosines),
            kappa: self.kappa as f32,
        })
    }
}

impl Distribution for Implicit {
    fn head(&self) -> Head {
        Head::Implicit { cosines: self.cosines }
    }

    fn taus(&self) -> usize {
        // Acting takes some, too.
        self.taus.max(self.target_taus).max(TAUS)
    }

    fn loss(&self, update: Update<'_>) -> f32 {
        let Self { taus: count, target_taus, kappa, .. } = *self;
        let Update { online, target, buffers, double, taus: rng } = update;
        let samples = buffers.batch.actions.len();
        let mut draw = |n: usize, taus: &mut Vec<f32>| {
            taus.clear();
            taus.extend((0..samples * n).map(|_| rng.unit() as f32));
        };
        let layout = |parts: usize| Layout { parts, choice: 1, part: online.outputs() };
        buffers.select_next(online, double);
        draw(target_taus, &mut buffers.taus);
        let outputs = target.outputs_at(&buffers.batch.next_observations, &buffers.taus);
        buffers.gather_next(online, outputs, layout(target_taus));
        let UpdateBuffers { workspace, batch, next_distribution, taus, y, td_errors, d_outputs, .. } =
            buffers;
        let Batch { observations, actions, returns, discounts, weights, .. } = &*batch;
        quantile_targets(returns, discounts, next_distribution, y);
        draw(count, taus);
        let outputs = online.forward_at(observations, taus, workspace);
        d_outputs.resize(outputs.len(), 0.0);
        let chosen = Chosen { indices: actions, weights };
        let quantiles = QuantileOutputs { outputs, taus, layout: layout(count) };
        loss::quantile_at(kappa, quantiles, chosen, y, td_errors, d_outputs)
    }
}
