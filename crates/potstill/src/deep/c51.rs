//! C51 (Bellemare, Dabney and Munos 2017): DQN that learns the distribution of the return as probabilities of
//! evenly spaced atoms.
//!
//! Algorithm 1: `a* = argmax_a sum_i z_i p_i(s', a)`; each atom `z_j` moves to `r + gamma z_j`, clipped to
//! the support, and its probability is split between its two new neighbours; the loss is the cross-entropy of
//! the result `m` with `p(s, a; theta)`.
//!
//! Differences from the paper: those of [DQN](super::dqn).
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::deep::{C51Config, Dqn, DqnConfig, TaskSpec};
//! use potstill::optimizer::OptimizerConfig;
//!
//! let objective = C51Config { n_atoms: 11, v_min: 0.0, v_max: 100.0 }.objective();
//! let task = TaskSpec::new(4, 2, 50_000, Streams::new(1));
//! let configs = (DqnConfig::default(), OptimizerConfig::default());
//! let agent = Dqn::with(objective, configs, &task)?;
//! // Eleven logits for each of two actions.
//! assert_eq!(agent.online().outputs(), 22);
//! # Ok::<(), potstill::experience::ReplayError>(())
//! ```

use super::dqn::{Dqn, DqnConfig};
use super::objective::{Distribution, OF_MEANS, Objective};
use super::update::{Update, UpdateBuffers};
use crate::algorithm::{Algorithm, Builder, DataKind, Learning, PolicyKind, Preset, Task, recipe_without};
use crate::config::{ConfigError, settings};
use crate::experience::Batch;
use crate::optimizer::OptimizerConfig;
use crate::targets::{Support, categorical_projection};
use potstill_nn::Head;
use potstill_nn::loss::{self, Chosen, Layout};

settings! {
    /// The support of the distribution.
    pub struct C51Config {
        /// Number of atoms. Source: Bellemare, Dabney and Munos 2017, section 5
        n_atoms: u64 = 51, in Atoms;
        /// Lowest atom; the support must hold the discounted returns. Source: Bellemare, Dabney and Munos 2017,
        /// section 5: -10, for clipped rewards
        v_min: f64 = -10.0, in Finite;
        /// Highest atom; the support must hold the discounted returns. Source: Bellemare, Dabney and Munos 2017,
        /// section 5: 10, for clipped rewards
        v_max: f64 = 10.0, in Finite;
    }
}

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "c51",
    family: "deep",
    policy: Some(PolicyKind::Off),
    data: DataKind::Both,
    is_model_based: Some(false),
    summary: "DQN that learns the return's distribution, as probabilities of fixed atoms",
    source: "Bellemare, Dabney and Munos 2017, Algorithm 1",
    file: file!(),
    builder: Builder::Features(|| recipe_without(OF_MEANS, build)),
    presets: &[Preset { name: "cleanrl", text: include_str!("../../presets/c51-cleanrl.toml") }],
    smoke: &["env=CartPole-v1 steps=900 net_arch=mlp:16 learning_starts=100 train_freq=8 \
         gradient_steps=2 buffer_size=400 target_update_interval=10 eval_freq=300 eval_episodes=2 n_atoms=11 v_min=0 \
         v_max=50"],
};

fn build(
    (dqn, (own, optimizer)): &(DqnConfig, (C51Config, OptimizerConfig)),
    task: &Task<'_>,
) -> Result<Learning<usize>, ConfigError> {
    Dqn::learning(own.checked()?, (dqn.clone(), optimizer.clone()), task)
}

impl C51Config {
    /// The support of these settings.
    pub fn support(&self) -> Support {
        Support { atoms: self.n_atoms as usize, low: self.v_min as f32, high: self.v_max as f32 }
    }

    /// The objective.
    pub fn objective(&self) -> Objective {
        Objective::of(self.support())
    }

    /// The objective, if its atoms are distinct.
    ///
    /// # Errors
    /// If `v_max` is not above `v_min` in single precision.
    pub(super) fn checked(&self) -> Result<Objective, ConfigError> {
        let gap = self.support().gap();
        if !(gap > 0.0 && gap.is_finite()) {
            let (low, high) = (self.v_min, self.v_max);
            let reason = format!("must be above v_min, {low}, in single precision, got {high}");
            return Err(ConfigError::value("v_max", reason));
        }
        Ok(self.objective())
    }
}

impl Distribution for Support {
    fn head(&self) -> Head {
        Head::Categorical { atoms: self.atoms, low: f64::from(self.low), high: f64::from(self.high) }
    }

    fn loss(&self, update: Update<'_>) -> f32 {
        let atoms = self.atoms;
        let Update { online, target, buffers, double, .. } = update;
        buffers.select_next(online, double);
        let outputs = target.outputs(&buffers.batch.next_observations);
        buffers.gather_next(online, outputs, Layout { parts: atoms, choice: atoms, part: 1 });
        let UpdateBuffers { workspace, batch, next_distribution, y, td_errors, d_outputs, .. } = buffers;
        let Batch { observations, actions, returns, discounts, weights, .. } = &*batch;
        next_distribution.chunks_exact_mut(atoms).for_each(|row| loss::softmax(1.0, row));
        buffers.clipped_mass = Some(categorical_projection(*self, returns, discounts, next_distribution, y));
        let logits = online.forward(observations, workspace);
        d_outputs.resize(logits.len(), 0.0);
        loss::categorical_at(atoms, logits, Chosen { indices: actions, weights }, y, td_errors, d_outputs)
    }
}
