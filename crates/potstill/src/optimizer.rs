//! Optimisers: their keys, and the guarded gradient step of every learner with a network.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::nn::{NetworkSpec, Workspace};
//! use potstill::optimizer::{GuardedStep, OptimizerConfig};
//!
//! let spec: NetworkSpec = "mlp:4".parse().unwrap();
//! let mut network = spec.build(2, 1, &mut Streams::new(1).stream("initialisation"));
//! let mut optimizer = GuardedStep::new(&OptimizerConfig::default(), network.parameters().len());
//! let (mut workspace, before) = (Workspace::default(), network.clone());
//! network.forward(&[1.0, -1.0], &mut workspace);
//! // A loss that is not finite is refused, and the network is unchanged.
//! let error = optimizer.step(1e-3, &mut network, &[1.0], &mut workspace, f32::NAN, &[]).unwrap_err();
//! assert!(error.to_string().starts_with("loss is NaN") && network == before);
//! optimizer.step(1e-3, &mut network, &[1.0], &mut workspace, 0.5, &[])?;
//! assert!(network != before);
//! # Ok::<(), potstill::agent::LearnError>(())
//! ```

use crate::agent::{GRADIENT_NORM_MAX, LearnError, bad_step};
use crate::config::{ConfigError, check_network, other_defaults, settings, words};
use crate::metrics::catalogue;
use crate::policy::Schedule;
use potstill_core::snapshot;
use potstill_core::snapshot::{Flat, IfPresent};
use potstill_nn::optim::{add_l2, clip_value, norm, shrinking};
use potstill_nn::{
    Aligned, Ends, Initialisation, Network, NetworkSpec, Optimiser, Rule, Upstream, Workers, Workspace,
};

words! {
    /// The optimisation rule.
    pub enum OptimizerKind: "adam, adamw, radam, rmsprop or sgd" {
        /// Adam.
        Adam = "adam",
        /// Adam with decoupled weight decay.
        AdamW = "adamw",
        /// Rectified Adam: no adaptive steps until its second moment is reliable.
        RAdam = "radam",
        /// RMSprop.
        Rmsprop = "rmsprop",
        /// Stochastic gradient descent.
        Sgd = "sgd",
    }
}

words! {
    /// The distribution of initial weights.
    pub enum InitKind: "pytorch, orthogonal, xavier, kaiming, lecun_normal or he_normal" {
        /// PyTorch's default: uniform within one over the root of the number of inputs.
        Pytorch = "pytorch",
        /// Orthogonal with a gain of the root of 2.
        Orthogonal = "orthogonal",
        /// Glorot and Bengio's uniform distribution.
        Xavier = "xavier",
        /// He's normal distribution.
        Kaiming = "kaiming",
        /// Flax's default, a truncated normal distribution of variance one over the number of inputs.
        LecunNormal = "lecun_normal",
        /// Flax's `he_normal` for hidden layers, twice that variance, and its default for the outputs.
        HeNormal = "he_normal",
    }
}

settings! {
    /// The optimiser and the initial weights.
    pub struct OptimizerConfig {
        /// Optimisation rule. Source: Stable-Baselines3
        optimizer: OptimizerKind = OptimizerKind::Adam, in Any;
        /// Decay of Adam's first moment. Source: Kingma and Ba 2015, Algorithm 1
        beta1: f64 = 0.9, in BelowOne, needs Is("optimizer", &["adam", "adamw", "radam"]);
        /// Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam
        optimizer_eps: f64 = 1e-8, in Epsilon, needs Is("optimizer", &["adam", "adamw", "radam", "rmsprop"]);
        /// Weight decay of AdamW, times the step size. Source: PyTorch's AdamW
        weight_decay: f64 = 0.01, in NotNegative, needs Is("optimizer", &["adamw"]);
        /// L2 penalty: this times each parameter is added to its gradient, after clipping. Source: the weight_decay of PyTorch's SGD, RMSprop,
        /// Adam and RAdam
        l2_penalty: f64 = 0.0, in NotNegative, needs Is("optimizer", &["adam", "radam", "rmsprop", "sgd"]);
        /// Decay of RMSprop's averages, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table 1
        momentum: f64 = 0.95, in Unit, needs Is("optimizer", &["rmsprop", "sgd"]);
        /// Subtracts the mean gradient in RMSprop (its centred form). Source: Graves 2013, as Mnih et al. 2015
        centered: bool = true, in Any, needs Is("optimizer", &["rmsprop"]);
        /// Uses Nesterov's momentum in SGD. Source: PyTorch's SGD
        nesterov: bool = false, in Any, needs Is("optimizer", &["sgd"]), needs Above("momentum", 0);
        /// Largest norm of a gradient, if limited; longer ones are scaled down. Source: Stable-Baselines3 for agents;
        /// the papers of distillation have none
        max_grad_norm: f64 = 10.0, in Limit;
        /// Largest magnitude of a gradient's components, if limited; they are clipped before the norm is
        clip_grad_value: Option<f64> = None, in Positive;
        /// Distribution of initial weights. Source: PyTorch's Linear and Conv2d
        initialization: InitKind = InitKind::Pytorch, in Any, needs Unset("from");
    }
}

/// Refuses a schedule that counts the updates of one number: a gradient step is of all.
pub(crate) fn refuse_counts(key: &str, schedule: Schedule) -> Result<(), ConfigError> {
    if schedule.counts() {
        let reason =
            format!("{schedule} counts updates of one number; give a number or linear:FROM:TO:STEPS");
        return Err(ConfigError::value(key, reason));
    }
    Ok(())
}

/// The widest layer whose orthogonal weights are computed within seconds.
const ORTHOGONAL_MAX: usize = 2048;

impl OptimizerConfig {
    /// Refuses a network that cannot be built, is too large or takes too long to initialise, where `key` is the setting that asks
    /// for it, and a step size that counts the updates of one number.
    pub(crate) fn check(
        &self,
        (key, spec, ends): (&str, &NetworkSpec, &Ends),
        learning_rate: Schedule,
    ) -> Result<(), ConfigError> {
        check_network(key, spec, ends)?;
        let widest = spec.hidden.iter().copied().max().unwrap_or(0);
        if self.initialization == InitKind::Orthogonal && widest > ORTHOGONAL_MAX {
            let reason = format!(
                "orthogonal takes too long for more than {ORTHOGONAL_MAX} units of a layer, got {widest}"
            );
            return Err(ConfigError::value("initialization", reason));
        }
        refuse_counts("learning_rate", learning_rate)
    }

    /// The defaults of a student: those of an agent, without clipping of gradients.
    pub fn student() -> Self {
        Self { max_grad_norm: f64::INFINITY, ..Self::default() }
    }

    /// The optimisation rule of `potstill-nn`.
    pub fn rule(&self) -> Rule {
        let (beta1, epsilon) = (self.beta1, self.optimizer_eps);
        let adam = |weight_decay| Rule::Adam { beta1, beta2: 0.999, epsilon, weight_decay };
        match self.optimizer {
            OptimizerKind::Adam => adam(0.0),
            OptimizerKind::AdamW => adam(self.weight_decay),
            OptimizerKind::RAdam => Rule::RAdam { beta1, beta2: 0.999, epsilon },
            OptimizerKind::Rmsprop => Rule::Rmsprop { alpha: self.momentum, epsilon, centred: self.centered },
            OptimizerKind::Sgd => Rule::Sgd { momentum: self.momentum, nesterov: self.nesterov },
        }
    }

    /// The distribution of initial weights.
    pub fn initialisation(&self) -> Initialisation {
        match self.initialization {
            InitKind::Pytorch => Initialisation::Pytorch,
            InitKind::Orthogonal => Initialisation::Orthogonal,
            InitKind::Xavier => Initialisation::Xavier,
            InitKind::Kaiming => Initialisation::Kaiming,
            InitKind::LecunNormal => Initialisation::LecunNormal,
            InitKind::HeNormal => Initialisation::HeNormal,
        }
    }
}

other_defaults! {
    /// The same keys with the defaults of a [student](OptimizerConfig::student).
    StudentOptimizer: OptimizerConfig = OptimizerConfig::student()
}

/// A part in front of a network, which learns from the gradient with respect to the network's inputs.
pub(crate) trait Front {
    /// The place of the gradient with respect to the network's inputs.
    fn d_inputs(&mut self) -> &mut [f32];
    /// Computes the gradient with respect to the parameters from that with respect to the network's inputs.
    fn backward(&mut self);
    /// The parameters.
    fn parameters(&self) -> &[f32];
    /// The gradient with respect to the parameters, of those that have one.
    fn gradient(&self) -> &[f32];
    /// The same, to be clipped.
    fn gradient_mut(&mut self) -> &mut [f32];
    /// Moves the parameters one step against the gradient times `shrink`.
    fn step(&mut self, learning_rate: f64, shrink: f32);
}

/// An optimiser that clips gradients, and makes no step if a loss or a gradient is not finite.
#[derive(Clone, Debug)]
pub struct GuardedStep {
    optimiser: Optimiser,
    norm_max: f64,
    value_max: Option<f32>,
    /// The L2 penalty, 0 for none.
    l2: f32,
    gradient: Aligned,
    /// The norm of the last gradient, before it was clipped to the largest norm.
    gradient_norm: f64,
    /// Steps so far.
    updates: u64,
}

impl GuardedStep {
    /// The optimiser of these keys for a number of parameters.
    pub fn new(config: &OptimizerConfig, parameters: usize) -> Self {
        Self {
            optimiser: Optimiser::new(config.rule(), parameters),
            norm_max: config.max_grad_norm,
            value_max: config.clip_grad_value.map(|bound| bound as f32),
            l2: if config.optimizer == OptimizerKind::AdamW { 0.0 } else { config.l2_penalty as f32 },
            gradient: Aligned::zeros(parameters),
            gradient_norm: 0.0,
            updates: 0,
        }
    }

    /// The Euclidean norm of the last gradient, before `max_grad_norm`.
    pub fn gradient_norm(&self) -> f64 {
        self.gradient_norm
    }

    /// The number of gradient steps so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The learning rate of the next gradient step by this schedule over steps, the last norm and the number of steps
    /// so far.
    pub fn measured(&self, learning_rate: Schedule) -> [(&'static str, f64); 3] {
        [
            (catalogue::LEARNING_RATE, learning_rate.at(self.updates(), 1)),
            (catalogue::GRADIENT_NORM, self.gradient_norm()),
            (catalogue::N_UPDATES, self.updates() as f64),
        ]
    }

    /// Steps a network along the negative gradient of a loss. `d_outputs` is the gradient with respect to the
    /// outputs of the network's last forward pass, which is in `workspace`. `batch` are the arrays that the
    /// loss depends on, by name and in the order in which they depend on each other, so that the error names
    /// the first that is not finite.
    ///
    /// # Errors
    /// If the loss or the gradient is not finite. The network is unchanged.
    pub fn step(
        &mut self,
        learning_rate: f64,
        network: &mut Network,
        d_outputs: &[f32],
        workspace: &mut Workspace,
        loss: f32,
        batch: &[(&str, &[f32])],
    ) -> Result<(), LearnError> {
        self.step_with(learning_rate, (network, None), d_outputs.into(), workspace, loss, batch)
    }

    /// The same for a network with a part in front of it, if there is one, and for a loss that depends on hidden layers
    /// too. Both gradients have one norm.
    pub(crate) fn step_with(
        &mut self,
        learning_rate: f64,
        (network, mut front): (&mut Network, Option<&mut dyn Front>),
        upstream: Upstream<'_>,
        workspace: &mut Workspace,
        loss: f32,
        batch: &[(&str, &[f32])],
    ) -> Result<(), LearnError> {
        let d_inputs = front.as_mut().map(|front| front.d_inputs());
        let mut length = self.backward(network, upstream, workspace, d_inputs);
        if let Some(front) = &mut front {
            front.backward();
            if let Some(bound) = self.value_max {
                clip_value(front.gradient_mut(), bound);
            }
            let of_front = norm(front.gradient());
            length = (length * length + of_front * of_front).sqrt();
        }
        if !(loss.is_finite() && length < GRADIENT_NORM_MAX) {
            let mut arrays = batch.to_vec();
            // After the observations, before the targets that are computed from them.
            let place = arrays.iter().position(|array| array.0.starts_with("target")).unwrap_or(arrays.len());
            arrays.insert(place, ("parameter", network.parameters()));
            let loss = [loss];
            arrays.push(("loss", &loss));
            arrays.push(("gradient", &self.gradient));
            if let Some(front) = &front {
                arrays
                    .extend([("embedding", front.parameters()), ("embedding's gradient", front.gradient())]);
            }
            return Err(bad_step(length, &arrays));
        }
        self.descend(learning_rate, length, network, workspace.workers());
        if let Some(front) = front {
            front.step(learning_rate, shrinking(length, self.norm_max));
        }
        Ok(())
    }

    /// Computes the gradient, clips its components, and returns its norm.
    fn backward(
        &mut self,
        network: &Network,
        upstream: Upstream<'_>,
        workspace: &mut Workspace,
        d_inputs: Option<&mut [f32]>,
    ) -> f64 {
        let length = network.backward_from(upstream, workspace, Some(&mut self.gradient), d_inputs);
        let Some(bound) = self.value_max else { return length };
        clip_value(&mut self.gradient, bound);
        norm(&self.gradient)
    }

    /// Steps along the negative gradient, which is part of one of this norm.
    fn descend(&mut self, learning_rate: f64, length: f64, network: &mut Network, workers: &Workers) {
        let Self { optimiser, norm_max, l2, gradient, .. } = self;
        let mut shrink = shrinking(length, *norm_max);
        if *l2 > 0.0 {
            add_l2(gradient, shrink, *l2, network.parameters());
            shrink = 1.0;
        }
        network.update_parameters(|p| optimiser.step_shrunk(learning_rate, shrink, p, gradient, workers));
        self.gradient_norm = length;
        self.updates += 1;
    }
}

/// A network with its share of a gradient step, after its forward pass.
pub(crate) struct Share<'a> {
    /// The names of its parameters and of its gradient, which differ from those of the other shares.
    pub(crate) names: [&'static str; 2],
    pub(crate) network: &'a mut Network,
    pub(crate) optimizer: &'a mut GuardedStep,
    pub(crate) upstream: Upstream<'a>,
    /// The workspace of the forward pass.
    pub(crate) workspace: &'a mut Workspace,
}

/// Steps several networks along the negative gradient of one loss, as one optimiser of all their parameters does: the
/// largest norm is that of all gradients together. `batch` is as in [`GuardedStep::step`].
///
/// # Errors
/// If the loss or a gradient is not finite. The networks are unchanged.
pub(crate) fn step_together<const N: usize>(
    learning_rate: f64,
    mut shares: [Share<'_>; N],
    loss: f32,
    batch: &[(&str, &[f32])],
) -> Result<(), LearnError> {
    let squares = shares.each_mut().map(|share| {
        let length = share.optimizer.backward(share.network, share.upstream, share.workspace, None);
        length * length
    });
    let length = squares.iter().sum::<f64>().sqrt();
    if !(loss.is_finite() && length < GRADIENT_NORM_MAX) {
        let mut arrays = batch.to_vec();
        arrays.extend(shares.iter().map(|share| (share.names[0], share.network.parameters())));
        let loss = [loss];
        arrays.push(("loss", &loss));
        arrays.extend(shares.iter().map(|share| (share.names[1], &*share.optimizer.gradient)));
        return Err(bad_step(length, &arrays));
    }
    for Share { network, optimizer, workspace, .. } in shares {
        optimizer.descend(learning_rate, length, network, workspace.workers());
    }
    Ok(())
}

snapshot! {
    impl Restorable for GuardedStep {
        saved: optimiser via Flat, updates via IfPresent;
        built: norm_max, value_max, l2, gradient, gradient_norm;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    #[test]
    fn an_l2_penalty_is_that_of_pytorch() {
        // One weight of 1 (its input is 1, its bias meets the same gradient of 0.5), a rate of 0.1, a penalty of 0.1.
        let check = |config: OptimizerConfig, expected: [f32; 2]| {
            let config = OptimizerConfig { l2_penalty: 0.1, ..config };
            let spec: NetworkSpec = "mlp".parse().unwrap();
            let mut network = spec.zeroed(&Ends::new(1, 1));
            network.update_parameters(|p| p.copy_from_slice(&[1.0, 0.0]));
            let mut step = GuardedStep::new(&config, 2);
            let mut workspace = Workspace::default();
            for expected in expected {
                network.forward(&[1.0], &mut workspace);
                step.step(0.1, &mut network, &[0.5], &mut workspace, 0.5, &[]).unwrap();
                let got = network.parameters()[0];
                assert!((got - expected).abs() < 3e-6, "{config:?}: {got} is not {expected}");
            }
        };
        let sgd =
            OptimizerConfig { optimizer: OptimizerKind::Sgd, momentum: 0.9, ..OptimizerConfig::student() };
        // g = 0.5 + 0.1 = 0.6, v = 0.6, p = 0.94; g = 0.5 + 0.094 = 0.594, v = 0.9 x 0.6 + 0.594 = 1.134, p = 0.8266.
        check(sgd.clone(), [0.94, 0.8266]);
        // The gradient (0.5, 0.5) is shortened to a norm of 0.1 before: g = 0.0707107 + 0.1.
        check(OptimizerConfig { max_grad_norm: 0.1, momentum: 0.0, ..sgd }, [0.982_928_9, 0.966_028_6]);
        // Adam's first step is the rate against the sign; g = 0.6 then 0.59, about equal.
        check(OptimizerConfig::student(), [0.9, 0.800_047_3]);
        // AdamW has its own decay, 0.01: 1 - 0.1 x 0.01 - 0.1, and no penalty.
        check(
            OptimizerConfig { optimizer: OptimizerKind::AdamW, ..OptimizerConfig::student() },
            [0.899, 0.798_101],
        );
    }

    #[test]
    fn the_defaults_are_pytorchs_adam() {
        assert_eq!(OptimizerConfig::default().rule(), Rule::ADAM);
        assert_eq!(OptimizerKind::literal(OptimizerKind::Sgd), OptimizerKind::Sgd);
        let faster = OptimizerConfig { beta1: 0.5, ..OptimizerConfig::default() };
        let expected = Rule::Adam { beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
        assert_eq!(faster.rule(), expected);
        let config = OptimizerConfig { optimizer: OptimizerKind::Rmsprop, ..OptimizerConfig::default() };
        assert_eq!(config.rule(), Rule::Rmsprop { alpha: 0.95, epsilon: 1e-8, centred: true });
    }
}
