//! Optimisers over flat parameters, gradient clipping, and schedules of the step size.
//!
//! ```
//! use potstill_nn::{Optimiser, Rule, Workers};
//!
//! let mut adam = Optimiser::new(Rule::adam(0.1), 1);
//! let mut parameters = [1.0];
//! // The first step is the learning rate against the gradient's sign.
//! adam.step(1.0, &mut parameters, &[3.0], &Workers::default());
//! assert!((parameters[0] - 0.9_f32).abs() < 1e-6);
//! ```

use crate::kernels::{self, AdamStep, RmspropStep, SgdStep};
use crate::workers::Workers;
use potstill_core::{State, StateError, Stateful, Value};

/// How a gradient becomes a step. The rules, and their parameters' names, are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent: `v = momentum v + g`, and a step along `v`.
    Sgd {
        /// The step size.
        learning_rate: f64,
        /// How much of the velocity stays, 0 for none.
        momentum: f64,
        /// Whether the step looks ahead: along `g + momentum v` (Nesterov 1983, as Sutskever et al. 2013 have it).
        nesterov: bool,
    },
    /// RMSprop (Tieleman and Hinton 2012): a step along the gradient over the root of its mean square.
    Rmsprop {
        /// The step size.
        learning_rate: f64,
        /// Decay of the mean square.
        alpha: f64,
        /// Added to the denominator.
        epsilon: f64,
        /// Whether the mean gradient is taken off, so that the denominator is a deviation (Graves 2013).
        centred: bool,
    },
    /// Adam (Kingma and Ba 2015, Algorithm 1), or with weight decay AdamW (Loshchilov and Hutter 2019, Algorithm 2).
    Adam {
        /// The step size.
        learning_rate: f64,
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the denominator.
        epsilon: f64,
        /// How much of each parameter a step of size 1 takes off.
        weight_decay: f64,
    },
}

impl Rule {
    /// Adam with PyTorch's defaults, which are the paper's.
    pub fn adam(learning_rate: f64) -> Self {
        Rule::Adam { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// The step size.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Rule::Sgd { learning_rate, .. }
            | Rule::Rmsprop { learning_rate, .. }
            | Rule::Adam { learning_rate, .. } => learning_rate,
        }
    }
}

/// Parameters that one part of a step is made over.
const PIECE: usize = 16_384;

/// A rule and what it remembers of a network's gradients.
#[derive(Clone, Debug)]
pub struct Optimiser {
    rule: Rule,
    /// The first moment, the velocity, or the mean gradient.
    first: Vec<f32>,
    /// The second moment, or the mean square.
    second: Vec<f32>,
    /// `beta^t` as running products: `powi` has no specified precision.
    beta1_power: f64,
    beta2_power: f64,
}

impl Optimiser {
    /// An optimiser for `length` parameters that has made no step.
    pub fn new(rule: Rule, length: usize) -> Self {
        Self { rule, first: vec![0.0; length], second: vec![0.0; length], beta1_power: 1.0, beta2_power: 1.0 }
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Moves the parameters one step against the gradient, `share` times as far as the learning rate says: 1, or what a schedule gives.
    pub fn step(&mut self, share: f64, parameters: &mut [f32], gradient: &[f32], workers: &Workers) {
        let length = self.first.len();
        assert_eq!((parameters.len(), gradient.len()), (length, length), "one network per optimiser");
        let rate = self.rule.learning_rate() * share;
        let state = [parameters, &mut self.first, &mut self.second];
        match self.rule {
            Rule::Sgd { momentum, nesterov, .. } => {
                let step = SgdStep { rate: rate as f32, momentum: momentum as f32, nesterov };
                workers.for_each_piece(PIECE, state, |range, [p, v, _]| {
                    kernels::sgd(step, p, &gradient[range], v);
                });
            }
            Rule::Rmsprop { alpha, epsilon, centred, .. } => {
                let step =
                    RmspropStep { rate: rate as f32, alpha: alpha as f32, epsilon: epsilon as f32, centred };
                workers.for_each_piece(PIECE, state, |range, [p, m, s]| {
                    kernels::rmsprop(step, p, &gradient[range], m, s);
                });
            }
            Rule::Adam { beta1, beta2, epsilon, weight_decay, .. } => {
                self.beta1_power *= beta1;
                self.beta2_power *= beta2;
                let step = AdamStep {
                    rate: (rate / (1.0 - self.beta1_power)) as f32,
                    beta1: beta1 as f32,
                    beta2: beta2 as f32,
                    scale: (1.0 / (1.0 - self.beta2_power).sqrt()) as f32,
                    epsilon: epsilon as f32,
                    keep: (1.0 - rate * weight_decay) as f32,
                };
                workers.for_each_piece(PIECE, state, |range, [p, m, v]| {
                    kernels::adam(step, p, &gradient[range], m, v);
                });
            }
        }
    }
}

impl Stateful for Optimiser {
    fn state(&self) -> State {
        State::new()
            .with("first", Value::F32s(self.first.clone()))
            .with("second", Value::F32s(self.second.clone()))
            .with("beta1_power", Value::F64(self.beta1_power))
            .with("beta2_power", Value::F64(self.beta2_power))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        let length = self.first.len();
        self.first.copy_from_slice(state.f32s("first", length)?);
        self.second.copy_from_slice(state.f32s("second", length)?);
        self.beta1_power = state.f64("beta1_power")?;
        self.beta2_power = state.f64("beta2_power")?;
        Ok(())
    }
}

/// Scales the gradient down to a Euclidean norm of `norm_max` if it is longer, as PyTorch's `clip_grad_norm_`; returns the
/// norm before.
pub fn clip_norm(gradient: &mut [f32], norm_max: f64) -> f64 {
    let norm = norm(gradient);
    // 1e-6 is PyTorch's guard against division by zero.
    let scale = norm_max / (norm + 1e-6);
    if scale < 1.0 {
        kernels::scale(scale as f32, gradient);
    }
    norm
}

/// Cuts every number of the gradient off at `bound` on either side, as PyTorch's `clip_grad_value_`. NaN stays.
pub fn clip_value(gradient: &mut [f32], bound: f32) {
    for g in gradient {
        *g = g.clamp(-bound, bound);
    }
}

/// The Euclidean norm.
pub fn norm(values: &[f32]) -> f64 {
    let mut sum = 0.0;
    kernels::square_sum(values, &mut sum);
    sum.sqrt()
}
