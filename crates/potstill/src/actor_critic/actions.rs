//! Stochastic policies over the two kinds of actions: a softmax over choices, a normal distribution in a box.

use super::state_noise::{LOG_STD, LOG_STD_MAX};
use crate::agent::LearnError;
use crate::model::{Bound, ControlPolicy, Model};
use potstill_core::Pcg64;
use potstill_env::{Row, Space};
use potstill_nn::distributions::{Categorical, DiagonalGaussian, GaussianGradients};
use potstill_nn::{Ends, Inputs, Interface, Network};

/// The head of the policy in a network with several.
pub(super) const POLICY: &str = "policy";

/// The outputs of a named head, or all of a network without such.
pub(super) fn outputs_of<'a>(name: &str, network: &Network, outputs: &'a [f32]) -> &'a [f32] {
    if network.interface().heads.is_empty() {
        return outputs;
    }
    &outputs[network.head_range(name, outputs.len() / network.outputs())]
}

/// The distributions of the actions in a batch of states.
#[derive(Clone, Copy, Debug)]
pub struct Distributions<'a> {
    /// Outputs of the policy's network: logits, `samples x choices`, or means, `samples x components`.
    outputs: &'a [f32],
    /// Logarithms of standard deviations, of components or of `samples x components`; empty for choices.
    log_std: &'a [f32],
    /// Choices or components.
    width: usize,
}

impl<'a> Distributions<'a> {
    /// The distributions of a policy's network, or of its head `policy` if it has heads, with these outputs.
    pub fn new(network: &'a Network, outputs: &'a [f32]) -> Self {
        Self::of_states(network, outputs, network.free_parameters(LOG_STD).unwrap_or_default())
    }

    /// Normal distributions whose deviations depend on the state.
    pub(super) fn of_states(network: &Network, outputs: &'a [f32], log_std: &'a [f32]) -> Self {
        let samples = outputs.len() / network.outputs();
        let outputs = outputs_of(POLICY, network, outputs);
        Self { outputs, log_std, width: outputs.len() / samples }
    }

    /// Refuses deviations that have vanished or exploded.
    ///
    /// # Errors
    /// With the first of these.
    pub(super) fn check_deviations(&self) -> Result<(), LearnError> {
        match self.log_std.iter().position(|log_std| log_std.is_nan() || log_std.abs() > LOG_STD_MAX) {
            Some(i) => Err(LearnError::Deviation { component: i % self.width, log_std: self.log_std[i] }),
            None => Ok(()),
        }
    }

    /// The number of deviations, 0 for choices.
    pub(super) fn deviations(&self) -> usize {
        self.log_std.len()
    }

    /// The number of the outputs that the distributions depend on.
    pub(super) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    fn categorical(self) -> Categorical<'a> {
        Categorical::new(self.outputs, self.width)
    }

    fn gaussian(self) -> DiagonalGaussian<'a> {
        DiagonalGaussian::new(self.outputs, self.log_std, self.width)
    }
}

/// Gradients with respect to the parameters of [`Distributions`].
#[derive(Debug)]
pub struct DistributionGradients<'a> {
    /// With respect to the outputs of the network.
    pub outputs: &'a mut [f32],
    /// With respect to the logarithms of the standard deviations, summed over the samples.
    pub log_std: &'a mut [f32],
}

/// Actions that a stochastic policy draws: `usize` for choices, `[f32]` for those of a box.
pub trait PolicyActions: Row + 'static {
    /// The inputs and outputs of a policy's network, with its free parameters: so many logarithms of deviations for each
    /// component of an action, which begin as this.
    fn interface(inputs: Inputs, actions: &Space, log_std: (usize, f32)) -> Interface;

    /// Draws an action for each sample. `noise` is scratch.
    fn draw(of: Distributions<'_>, rng: &mut Pcg64, noise: &mut Vec<f32>, actions: &mut [Self::Element]);

    /// The actions at these distances from the means.
    ///
    /// # Panics
    /// For choices.
    fn displace(of: Distributions<'_>, noise: &[f32], actions: &mut [Self::Element]);

    /// The logarithm of the probability, or of the density, of each sample's action.
    fn log_prob(of: Distributions<'_>, actions: &[Self::Element], log_probs: &mut [f32]);

    /// Adds the gradient of the weighted log-probabilities.
    fn add_log_prob_gradients(
        of: Distributions<'_>,
        actions: &[Self::Element],
        weights: &[f32],
        gradients: &mut DistributionGradients<'_>,
    );

    /// The entropy of each sample's distribution, in nats.
    fn entropy(of: Distributions<'_>, entropies: &mut [f32]);

    /// Adds the gradient of the weighted entropies.
    fn add_entropy_gradients(
        of: Distributions<'_>,
        weights: &[f32],
        gradients: &mut DistributionGradients<'_>,
    );

    /// Makes actions of the environment of drawn ones: a box clips them.
    fn clip(space: &Space, actions: &mut [Self::Element]);

    /// The deterministic policy: the most probable choice, or the mean, clipped.
    fn model(policy: &Network, actions: &Space) -> Model;

    /// The policy's network in a model of this kind.
    fn network(model: &Model) -> Option<&Network>;
}

impl PolicyActions for usize {
    fn interface(inputs: Inputs, actions: &Space, _: (usize, f32)) -> Interface {
        let choices = actions.discrete().expect("discrete actions");
        (&Ends::new(inputs, choices)).into()
    }

    fn draw(of: Distributions<'_>, rng: &mut Pcg64, _: &mut Vec<f32>, actions: &mut [usize]) {
        of.categorical().sample(rng, actions);
    }

    fn displace(_: Distributions<'_>, _: &[f32], _: &mut [usize]) {
        panic!("choices have no distance");
    }

    fn log_prob(of: Distributions<'_>, actions: &[usize], log_probs: &mut [f32]) {
        of.categorical().log_prob(actions, log_probs);
    }

    fn add_log_prob_gradients(
        of: Distributions<'_>,
        actions: &[usize],
        weights: &[f32],
        gradients: &mut DistributionGradients<'_>,
    ) {
        of.categorical().add_log_prob_gradient(actions, weights, gradients.outputs);
    }

    fn entropy(of: Distributions<'_>, entropies: &mut [f32]) {
        of.categorical().entropy(entropies);
    }

    fn add_entropy_gradients(
        of: Distributions<'_>,
        weights: &[f32],
        gradients: &mut DistributionGradients<'_>,
    ) {
        of.categorical().add_entropy_gradient(weights, gradients.outputs);
    }

    fn clip(_: &Space, _: &mut [usize]) {}

    fn model(policy: &Network, _: &Space) -> Model {
        Model::Network(policy.clone())
    }

    fn network(model: &Model) -> Option<&Network> {
        match model {
            Model::Network(network) => Some(network),
            _ => None,
        }
    }
}

impl PolicyActions for [f32] {
    fn interface(inputs: Inputs, actions: &Space, (each, log_std): (usize, f32)) -> Interface {
        let components = actions.features();
        Interface::from(&Ends::new(inputs, components)).with_free(LOG_STD, each * components, log_std)
    }

    fn draw(of: Distributions<'_>, rng: &mut Pcg64, noise: &mut Vec<f32>, actions: &mut [f32]) {
        noise.resize(actions.len(), 0.0);
        of.gaussian().sample(rng, noise, actions);
    }

    fn displace(of: Distributions<'_>, noise: &[f32], actions: &mut [f32]) {
        actions.iter_mut().zip(of.outputs).zip(noise).for_each(|((a, mean), noise)| *a = mean + noise);
    }

    fn log_prob(of: Distributions<'_>, actions: &[f32], log_probs: &mut [f32]) {
        of.gaussian().log_prob(actions, log_probs);
    }

    fn add_log_prob_gradients(
        of: Distributions<'_>,
        actions: &[f32],
        weights: &[f32],
        gradients: &mut DistributionGradients<'_>,
    ) {
        let DistributionGradients { outputs, log_std } = gradients;
        let mut gradients = GaussianGradients { mean: outputs, log_std };
        of.gaussian().add_log_prob_gradients(actions, weights, &mut gradients);
    }

    fn entropy(of: Distributions<'_>, entropies: &mut [f32]) {
        of.gaussian().entropy(entropies);
    }

    fn add_entropy_gradients(
        of: Distributions<'_>,
        weights: &[f32],
        gradients: &mut DistributionGradients<'_>,
    ) {
        of.gaussian().add_entropy_gradient(weights, gradients.log_std);
    }

    fn clip(space: &Space, actions: &mut [f32]) {
        let Space::Box { low, high } = space else { panic!("a box of actions, not {space}") };
        for action in actions.chunks_exact_mut(low.len()) {
            for ((a, &low), &high) in action.iter_mut().zip(low).zip(high) {
                *a = a.clamp(low, high);
            }
        }
    }

    fn model(policy: &Network, actions: &Space) -> Model {
        Model::Control(ControlPolicy::with(Bound::Clipped, policy.clone(), actions))
    }

    fn network(model: &Model) -> Option<&Network> {
        match model {
            Model::Control(policy) if policy.bound() == Bound::Clipped => Some(policy.network()),
            _ => None,
        }
    }
}
