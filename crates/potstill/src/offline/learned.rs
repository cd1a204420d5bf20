//! A network that learns: its optimiser, and the buffers of its passes.

use crate::agent::LearnError;
use crate::deep::TaskSpec;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Interface, Network, NetworkSpec, Upstream, Workspace};

/// A network with its optimiser.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    network: Network,
    optimizer: GuardedStep,
    workspace: Workspace,
}

snapshot! {
    impl Restorable for Learned {
        saved: network, optimizer;
        built: workspace;
    }
}

impl Learned {
    pub(crate) fn new(
        spec: &NetworkSpec,
        interface: impl Into<Interface>,
        optimizer: &OptimizerConfig,
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let network = spec.initialised(interface, optimizer.initialisation(), rng);
        let optimizer = GuardedStep::new(optimizer, network.parameters().len());
        Self { network, optimizer, workspace: Workspace::new(task.workers.clone()) }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// The network, to take over parameters.
    pub(crate) fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The outputs of a batch, without a step after it.
    pub(crate) fn predict(&mut self, batch: &[f32]) -> &[f32] {
        self.network.predict(batch, &mut self.workspace)
    }

    /// The outputs of a batch, to be followed by a [step](Self::step).
    pub(crate) fn forward(&mut self, batch: &[f32]) -> &[f32] {
        self.network.forward(batch, &mut self.workspace)
    }

    /// The mean of each choice of a batch, without a step after it.
    pub(crate) fn means(&mut self, batch: &[f32], means: &mut Vec<f32>) {
        let samples = batch.len() / self.network.inputs();
        let outputs = self.network.predict(batch, &mut self.workspace);
        self.network.means(samples, outputs, means);
    }

    /// A gradient step, from the gradient with respect to the outputs of the last pass and to free parameters.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The network is unchanged.
    pub(crate) fn step<'a>(
        &mut self,
        learning_rate: f64,
        upstream: impl Into<Upstream<'a>>,
        loss: f64,
        seen: &[(&str, &[f32])],
    ) -> Result<(), LearnError> {
        let Self { network, optimizer, workspace } = self;
        optimizer.step_with(learning_rate, (network, None), upstream.into(), workspace, loss as f32, seen)
    }

    /// Gradient steps so far.
    pub(crate) fn updates(&self) -> u64 {
        self.optimizer.updates()
    }

    /// The norm of the last gradient.
    pub(crate) fn gradient_norm(&self) -> f64 {
        self.optimizer.gradient_norm()
    }
}
