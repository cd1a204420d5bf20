//! The keys that deep agents share, and what they make.

use crate::config::{settings, words};
use potstill_nn::{Initialisation, Rule};

words! {
    /// How a gradient becomes a step.
    pub enum OptimizerKind: "adam, adamw, radam, rmsprop or sgd" {
        /// Adam.
        Adam = "adam",
        /// Adam with decoupled weight decay.
        AdamW = "adamw",
        /// Adam that waits until it knows its second moment.
        RAdam = "radam",
        /// RMSprop.
        Rmsprop = "rmsprop",
        /// Stochastic gradient descent.
        Sgd = "sgd",
    }
}

words! {
    /// How weights begin.
    pub enum InitKind: "pytorch, orthogonal, xavier or kaiming" {
        /// Uniform within one over the root of the inputs.
        Pytorch = "pytorch",
        /// Orthogonal, times the root of 2.
        Orthogonal = "orthogonal",
        /// Glorot and Bengio's uniform.
        Xavier = "xavier",
        /// He's normal.
        Kaiming = "kaiming",
    }
}

settings! {
    /// How gradients are made into steps, and how weights begin.
    pub struct OptimizerConfig {
        /// The optimiser. Source: Stable-Baselines3
        optimizer: OptimizerKind = OptimizerKind::Adam, in Any;
        /// Added to the denominator of Adam and RMSprop. Source: PyTorch's Adam
        optimizer_eps: f64 = 1e-8, in Epsilon;
        /// What AdamW takes off each weight, times the step size. Source: PyTorch's AdamW
        weight_decay: f64 = 0.01, in NotNegative;
        /// Decay of RMSprop's means, and SGD's momentum. Source: Mnih et al. 2015, Extended Data Table 1
        momentum: f64 = 0.95, in Unit;
        /// Whether RMSprop takes the mean gradient off. Source: Graves 2013, as Mnih et al. 2015
        centered: bool = true, in Any;
        /// Whether SGD looks ahead along its velocity. Source: PyTorch's SGD
        nesterov: bool = false, in Any;
        /// Longest gradient. Source: Stable-Baselines3
        max_grad_norm: f64 = 10.0, in Positive;
        /// Largest number of a gradient, if there is to be one; it is cut off there before its length is looked at
        clip_grad_value: Option<f64> = (), in Positive;
        /// How weights begin. Source: PyTorch's Linear and Conv2d
        initialization: InitKind = InitKind::Pytorch, in Any;
    }
}

impl OptimizerConfig {
    /// The optimiser's rule.
    pub fn rule(&self) -> Rule {
        let epsilon = self.optimizer_eps;
        let adam = |weight_decay| Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon, weight_decay };
        match self.optimizer {
            OptimizerKind::Adam => adam(0.0),
            OptimizerKind::AdamW => adam(self.weight_decay),
            OptimizerKind::RAdam => Rule::RAdam { beta1: 0.9, beta2: 0.999, epsilon },
            OptimizerKind::Rmsprop => Rule::Rmsprop { alpha: self.momentum, epsilon, centred: self.centered },
            OptimizerKind::Sgd => Rule::Sgd { momentum: self.momentum, nesterov: self.nesterov },
        }
    }

    /// How weights begin.
    pub fn initialisation(&self) -> Initialisation {
        match self.initialization {
            InitKind::Pytorch => Initialisation::Pytorch,
            InitKind::Orthogonal => Initialisation::Orthogonal,
            InitKind::Xavier => Initialisation::Xavier,
            InitKind::Kaiming => Initialisation::Kaiming,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    #[test]
    fn the_defaults_are_pytorchs_adam() {
        assert_eq!(OptimizerConfig::default().rule(), Rule::ADAM);
        assert_eq!(OptimizerKind::literal(OptimizerKind::Sgd), OptimizerKind::Sgd);
        let config = OptimizerConfig { optimizer: OptimizerKind::Rmsprop, ..OptimizerConfig::default() };
        assert_eq!(config.rule(), Rule::Rmsprop { alpha: 0.95, epsilon: 1e-8, centred: true });
    }
}
