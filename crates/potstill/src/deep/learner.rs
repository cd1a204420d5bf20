//! From the gradient in a network's outputs to a step of its parameters, guarded: the part that all deep agents share.

use super::settings::OptimizerConfig;
use crate::agent::{GRADIENT_NORM_MAX, LearnError, bad_step};
use potstill_core::{Restorable, Snapshot, SnapshotError};
use potstill_nn::optim::{clip_value, norm, shrinking};
use potstill_nn::{Aligned, Network, Optimiser, Workspace};

/// An optimiser, and room for a gradient.
#[derive(Clone, Debug)]
pub(super) struct Gradient {
    optimiser: Optimiser,
    norm_max: f64,
    value_max: Option<f32>,
    gradient: Aligned,
}

impl Gradient {
    pub(super) fn new(config: &OptimizerConfig, length: usize) -> Self {
        Self {
            optimiser: Optimiser::new(config.rule(), length),
            norm_max: config.max_grad_norm,
            value_max: config.clip_grad_value.map(|bound| bound as f32),
            gradient: Aligned::zeros(length),
        }
    }

    /// One step of a network against the gradient of a loss, of which only finite numbers are learned. `seen` is told if they are not.
    ///
    /// # Errors
    /// If loss or gradient are not finite. The network is then as it was.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        network: &mut Network,
        d_outputs: &[f32],
        workspace: &mut Workspace,
        loss: f32,
        seen: &[(&str, &[f32])],
    ) -> Result<(), LearnError> {
        let Self { optimiser, norm_max, value_max, gradient } = self;
        let mut length = network.backward(d_outputs, workspace, gradient);
        if let Some(bound) = *value_max {
            clip_value(gradient, bound);
            length = norm(gradient);
        }
        if !(loss.is_finite() && length < GRADIENT_NORM_MAX) {
            let mut arrays = seen.to_vec();
            // After what was observed, before what was made of it.
            let place = arrays.iter().position(|array| array.0.starts_with("target")).unwrap_or(arrays.len());
            arrays.insert(place, ("parameter", network.parameters()));
            let loss = [loss];
            arrays.push(("loss", &loss));
            arrays.push(("gradient", gradient));
            return Err(bad_step(length, &arrays));
        }
        let shrink = shrinking(length, *norm_max);
        let workers = workspace.workers();
        network.change(|p| optimiser.step_shrunk(learning_rate, shrink, p, gradient, workers));
        Ok(())
    }
}

/// Of a step between updates only the optimiser's moments matter.
impl Restorable for Gradient {
    fn snapshot(&self) -> Snapshot {
        self.optimiser.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.optimiser.restore(snapshot)
    }
}
