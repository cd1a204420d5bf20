//! Policies that learn recorded actions: behaviour cloning, weighted or not.

use super::agent::{OfflineActions, OfflineConfig};
use super::learned::Learned;
use crate::agent::LearnError;
use crate::deep::TaskSpec;
use crate::experience::ElementOf;
use crate::optimizer::OptimizerConfig;
use potstill_core::math::exp;
use potstill_core::{Pcg64, Restorable, snapshot};
use potstill_nn::loss::soft_cross_entropy;
use potstill_nn::{Ends, Interface, Network, Upstream, kernels};

/// The density of a policy in a box of actions around its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Density {
    /// None: the squared error of the mean.
    Deterministic,
    /// Normal, with a deviation of each component that does not depend on the state.
    Normal,
}

/// A policy that is moved towards recorded actions.
pub trait Imitator: Restorable + Clone + std::fmt::Debug + Send + 'static {
    /// Its actions.
    type Actions: OfflineActions + ?Sized;

    /// A gradient step along the weighted loss of the recorded actions, one weight per sample; the loss
    /// before it.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The policy is unchanged.
    fn imitate(
        &mut self,
        learning_rate: f64,
        observations: &[f32],
        actions: &[ElementOf<Self::Actions>],
        weights: &[f32],
    ) -> Result<f64, LearnError>;

    /// The outputs of the policy.
    fn outputs(&mut self, observations: &[f32]) -> &[f32];

    /// A copy of the network, without the parameters of a density.
    fn network(&self) -> Network;

    /// Takes over the parameters of a network of this form.
    fn copy_from(&mut self, network: &Network);

    /// Gradient steps so far.
    fn updates(&self) -> u64;

    /// The norm of the last gradient.
    fn gradient_norm(&self) -> f64;
}

/// The imitator of a kind of actions.
pub trait Imitated: OfflineActions {
    /// Its type.
    type Imitator: Imitator<Actions = Self>;
}

impl Imitated for usize {
    type Imitator = Choices;
}

impl Imitated for [f32] {
    type Imitator = Control;
}

/// A softmax over discrete actions. The loss is the cross-entropy with a recorded action, the same as that of a student that
/// learns recorded probabilities: a hard label is all of the probability on one action, which label smoothing takes a
/// share of.
#[derive(Clone, Debug)]
pub struct Choices {
    policy: Learned,
    smoothing: f32,
    probabilities: Vec<f32>,
    d_logits: Vec<f32>,
}

snapshot! {
    impl Restorable for Choices {
        saved: policy;
        built: smoothing, probabilities, d_logits;
    }
}

impl Choices {
    pub(super) fn new(
        (config, optimizer): (&OfflineConfig, &OptimizerConfig),
        smoothing: f64,
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let ends = Ends::new(task.inputs.count(), task.actions);
        let policy = Learned::new(&config.net_arch, &ends, optimizer, task, rng);
        Self { policy, smoothing: smoothing as f32, probabilities: Vec::new(), d_logits: Vec::new() }
    }
}

impl Imitator for Choices {
    type Actions = usize;

    fn imitate(
        &mut self,
        learning_rate: f64,
        observations: &[f32],
        actions: &[usize],
        weights: &[f32],
    ) -> Result<f64, LearnError> {
        let Self { policy, smoothing, probabilities, d_logits } = self;
        let logits = policy.forward(observations);
        let count = logits.len() / actions.len();
        probabilities.clear();
        for (&action, weight) in actions.iter().zip(weights) {
            probabilities.extend((0..count).map(|other| {
                let own = if other == action { 1.0 - *smoothing } else { 0.0 };
                weight * (own + *smoothing / count as f32)
            }));
        }
        d_logits.resize(logits.len(), 0.0);
        let loss = f64::from(soft_cross_entropy(probabilities, logits, actions.len(), d_logits));
        let seen = [("observation", observations), ("weight", weights)];
        policy.step(learning_rate, &**d_logits, loss, &seen)?;
        Ok(loss)
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.policy.predict(observations)
    }

    fn network(&self) -> Network {
        self.policy.network().clone()
    }

    fn copy_from(&mut self, network: &Network) {
        self.policy.network_mut().copy_from(network);
    }

    fn updates(&self) -> u64 {
        self.policy.updates()
    }

    fn gradient_norm(&self) -> f64 {
        self.policy.gradient_norm()
    }
}

/// The head of a policy for a box of actions, and the free parameters of its normal density.
const MEAN: &str = "mean";
const LOG_STD: &str = "log_std";
/// The range of the logarithms of deviations (Kostrikov, Nair and Levine 2022, their code).
const LOG_STD_RANGE: (f32, f32) = (-5.0, 2.0);

/// A policy for a box of actions, whose mean is the hyperbolic tangent of its network's outputs. The loss is the squared error,
/// averaged over components, or minus the logarithm of the density, summed over them.
#[derive(Clone, Debug)]
pub struct Control {
    policy: Learned,
    means: Vec<f32>,
    d_means: Vec<f32>,
    d_outputs: Vec<f32>,
    d_log_std: Vec<f32>,
}

snapshot! {
    impl Restorable for Control {
        saved: policy;
        built: means, d_means, d_outputs, d_log_std;
    }
}

impl Control {
    pub(super) fn new(
        (config, optimizer): (&OfflineConfig, &OptimizerConfig),
        density: Density,
        task: &TaskSpec,
        rng: &mut Pcg64,
    ) -> Self {
        let width = task.action_space.features();
        let mut interface = Interface::of_heads(task.inputs, &[(MEAN, width)]);
        if density == Density::Normal {
            interface = interface.with_free(LOG_STD, width, 0.0);
        }
        Self {
            policy: Learned::new(&config.net_arch, interface, optimizer, task, rng),
            means: Vec::new(),
            d_means: Vec::new(),
            d_outputs: Vec::new(),
            d_log_std: Vec::new(),
        }
    }

    /// The loss, with its gradient with respect to the means and to the logarithms of the deviations.
    fn loss(&mut self, actions: &[f32], weights: &[f32]) -> f64 {
        let Self { policy, means, d_means, d_log_std, .. } = self;
        let log_std = policy.network().free_parameters(LOG_STD).unwrap_or_default();
        d_log_std.clear();
        d_log_std.resize(log_std.len(), 0.0);
        let (samples, width) = (weights.len(), actions.len() / weights.len());
        let mut loss = 0.0;
        for (i, &weight) in weights.iter().enumerate() {
            let share = weight / samples as f32;
            let row = i * width..(i + 1) * width;
            let errors = means[row.clone()].iter().zip(&actions[row.clone()]).map(|(mean, a)| mean - a);
            for (j, (error, d_mean)) in errors.zip(&mut d_means[row]).enumerate() {
                match log_std.get(j) {
                    None => {
                        let share = share / width as f32;
                        loss += f64::from(share * error * error);
                        *d_mean = 2.0 * share * error;
                    }
                    // -ln N(a; mean, s) = z^2 / 2 + ln s + ln(2 pi) / 2, with z = (mean - a) / s
                    Some(&raw) => {
                        let log_std = raw.clamp(LOG_STD_RANGE.0, LOG_STD_RANGE.1);
                        let inverse = exp(-log_std);
                        let z = error * inverse;
                        loss += f64::from(share) * (f64::from(0.5 * z * z + log_std) + HALF_LN_2PI);
                        *d_mean = share * z * inverse;
                        // A deviation at its limit stays there.
                        if log_std == raw {
                            d_log_std[j] += share * (1.0 - z * z);
                        }
                    }
                }
            }
        }
        loss
    }
}

/// Half the logarithm of `2 pi`.
const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;

impl Imitator for Control {
    type Actions = [f32];

    fn imitate(
        &mut self,
        learning_rate: f64,
        observations: &[f32],
        actions: &[f32],
        weights: &[f32],
    ) -> Result<f64, LearnError> {
        let outputs = self.policy.forward(observations);
        for list in [&mut self.means, &mut self.d_means, &mut self.d_outputs] {
            list.resize(actions.len(), 0.0);
        }
        kernels::tanh(outputs, &mut self.means);
        let loss = self.loss(actions, weights);
        kernels::tanh_backward(&self.means, &self.d_means, &mut self.d_outputs);
        let seen = [("observation", observations), ("recorded action", actions), ("weight", weights)];
        let upstream = Upstream { outputs: &self.d_outputs, free: &self.d_log_std, taps: &[] };
        self.policy.step(learning_rate, upstream, loss, &seen)?;
        Ok(loss)
    }

    fn outputs(&mut self, observations: &[f32]) -> &[f32] {
        self.policy.predict(observations)
    }

    fn network(&self) -> Network {
        self.policy.network().of_head(MEAN)
    }

    fn copy_from(&mut self, network: &Network) {
        self.policy.network_mut().copy_to_head(MEAN, network);
    }

    fn updates(&self) -> u64 {
        self.policy.updates()
    }

    fn gradient_norm(&self) -> f64 {
        self.policy.gradient_norm()
    }
}
