//! A deterministic policy with its target network, which ascends the value that a critic gives its actions.

use super::critics::Critics;
use crate::agent::LearnError;
use crate::deep::TaskSpec;
use crate::optimizer::{GuardedStep, OptimizerConfig};
use crate::teacher::Teacher;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::{Ends, Network, NetworkSpec, Workspace, kernels};

/// A policy `mu(s) = tanh(y(s))`, and the target network `mu'`.
#[derive(Clone, Debug)]
pub(crate) struct DeterministicPolicy {
    network: Network,
    target: Teacher,
    optimizer: GuardedStep,
    acting: Workspace,
    learning: Workspace,
    units: Vec<f32>,
    next_units: Vec<f32>,
    d_units: Vec<f32>,
    d_outputs: Vec<f32>,
    /// The loss of the last gradient step, which is measured until the next.
    loss: f64,
}

/// Recorded actions that a policy stays near to, and the weights of their distance.
#[derive(Clone, Copy, Debug)]
pub struct Anchor<'a> {
    /// From -1 to 1, `samples x components`.
    pub actions: &'a [f32],
    /// Critics whose least value is ascended.
    pub count: usize,
    /// The weight of the value, which is divided by its mean magnitude.
    pub alpha: f64,
    /// The weight of the squared distance, summed over components.
    pub beta: f64,
}

snapshot! {
    impl Restorable for DeterministicPolicy {
        saved: network as "policy", target as "policy_target", optimizer as "policy_optimizer",
            loss as "policy_loss";
        built: acting, learning, units, next_units, d_units, d_outputs;
    }
}

impl DeterministicPolicy {
    /// A policy whose target network moves by `tau` on every `n`-th tick.
    pub(crate) fn new(
        spec: &NetworkSpec,
        optimizer: &OptimizerConfig,
        (n, tau): (u64, f64),
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let ends = Ends::new(task.inputs.count(), task.action_space.features());
        let network = spec.initialised(&ends, optimizer.initialisation(), rng);
        let workspace = || Workspace::new(task.workers.clone());
        let target = Teacher::target_network(&network, n, tau as f32);
        Self {
            target: target.with_workers(task.workers.clone()),
            optimizer: GuardedStep::new(optimizer, network.parameters().len()),
            network,
            acting: workspace(),
            learning: workspace(),
            units: Vec::new(),
            next_units: Vec::new(),
            d_units: Vec::new(),
            d_outputs: Vec::new(),
            loss: 0.0,
        }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn target(&self) -> &Teacher {
        &self.target
    }

    /// The loss of the last gradient step, if there was one.
    pub(crate) fn loss(&self) -> Option<f64> {
        (self.optimizer.updates() > 0).then_some(self.loss)
    }

    /// Takes over the parameters of a network of this form.
    pub(crate) fn copy_from(&mut self, network: &Network) {
        self.network.copy_from(network);
        self.target.copy_from(network);
    }

    /// The outputs of the network, whose hyperbolic tangents are `mu(s)`.
    pub(crate) fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.network.predict(observations, &mut self.acting)
    }

    /// Writes `mu(s)`.
    pub(crate) fn act(&mut self, observations: &[f32], units: &mut [f32]) {
        kernels::tanh(self.outputs(observations), units);
    }

    /// `mu'(s')`.
    pub(crate) fn next_actions(&mut self, next_observations: &[f32]) -> &mut [f32] {
        let outputs = self.target.outputs(next_observations);
        self.next_units.resize(outputs.len(), 0.0);
        kernels::tanh(outputs, &mut self.next_units);
        &mut self.next_units
    }

    /// A gradient step along the mean of `grad_a Q_1(s, a) grad mu(s)` at `a = mu(s)` (Silver et al. 2014,
    /// theorem 1).
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The policy is unchanged.
    pub(crate) fn ascend<const N: usize>(
        &mut self,
        learning_rate: f64,
        observations: &[f32],
        critics: &mut Critics<N>,
    ) -> Result<(), LearnError> {
        let Self { network, optimizer, learning, units, d_units, d_outputs, .. } = self;
        let outputs = network.forward(observations, learning);
        units.resize(outputs.len(), 0.0);
        kernels::tanh(outputs, units);
        let loss = -critics.ascent(1, observations, units, d_units);
        d_outputs.resize(units.len(), 0.0);
        kernels::tanh_backward(units, d_units, d_outputs);
        let seen: [(&str, &[f32]); 4] = [
            ("observation", observations),
            ("action", units),
            ("critic's parameter", critics.network(0).parameters()),
            ("action's gradient", d_units),
        ];
        optimizer.step(learning_rate, network, d_outputs, learning, loss as f32, &seen)?;
        self.loss = loss;
        Ok(())
    }

    /// A gradient step along the mean of `lambda Q(s, mu(s)) - beta |mu(s) - a|^2` over the samples, where `Q` is the
    /// least of the first `count` critics, and `lambda = alpha / mean |Q(s, mu(s))|` a constant (Fujimoto and Gu
    /// 2021, equations 4 and 5).
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The policy is unchanged.
    pub(crate) fn ascend_near<const N: usize>(
        &mut self,
        learning_rate: f64,
        observations: &[f32],
        critics: &mut Critics<N>,
        near: Anchor<'_>,
    ) -> Result<(), LearnError> {
        let Anchor { actions, count, alpha, beta } = near;
        let Self { network, optimizer, learning, units, d_units, d_outputs, .. } = self;
        let outputs = network.forward(observations, learning);
        units.resize(outputs.len(), 0.0);
        kernels::tanh(outputs, units);
        let mean = critics.ascent(count, observations, units, d_units);
        let values = critics.least();
        let samples = values.len() as f64;
        let size = values.iter().map(|v| f64::from(v.abs())).sum::<f64>() / samples;
        // Values of 0 have no gradient to scale.
        let lambda = if size > 0.0 { alpha / size } else { 0.0 };
        let mut distance = 0.0;
        for ((d, unit), action) in d_units.iter_mut().zip(&*units).zip(actions) {
            let error = unit - action;
            distance += f64::from(error) * f64::from(error);
            *d = lambda as f32 * *d + (2.0 * beta / samples) as f32 * error;
        }
        let loss = beta * distance / samples - lambda * mean;
        d_outputs.resize(units.len(), 0.0);
        kernels::tanh_backward(units, d_units, d_outputs);
        let seen: [(&str, &[f32]); 5] = [
            ("observation", observations),
            ("recorded action", actions),
            ("action", units),
            ("critic's parameter", critics.network(0).parameters()),
            ("action's gradient", d_units),
        ];
        optimizer.step(learning_rate, network, d_outputs, learning, loss as f32, &seen)?;
        self.loss = loss;
        Ok(())
    }

    /// Advances the target network's clock.
    pub(crate) fn tick(&mut self) {
        self.target.tick(1, &self.network);
    }
}
