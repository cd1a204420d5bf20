//! Optimisers over flat parameters, and gradient clipping.
//!
//! ```
//! use potstill_nn::{Optimiser, Rule, Workers};
//!
//! let mut adam = Optimiser::new(Rule::ADAM, 1);
//! let mut parameters = [1.0];
//! // The first step is the learning rate against the gradient's sign.
//! adam.step(0.1, &mut parameters, &[3.0], &Workers::default());
//! assert!((parameters[0] - 0.9_f32).abs() < 1e-6);
//! ```

use crate::aligned::Aligned;
use crate::kernels::{self, AdamStep, RmspropStep, SgdStep};
use crate::workers::Workers;
use potstill_core::snapshot::OnlyIf;
use potstill_core::{snapshot, wide};

/// The rule that makes a step of a gradient. The rules, and their parameters' names, are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent: `v = momentum v + g`, and a step along `v`.
    Sgd {
        /// The share of the velocity that stays, 0 for none.
        momentum: f64,
        /// Steps along `g + momentum v` instead of `v` (Nesterov 1983, as Sutskever et al. 2013 have
        /// it).
        nesterov: bool,
    },
    /// RMSprop (Tieleman and Hinton 2012): a step along the gradient over the root of its mean square.
    Rmsprop {
        /// Decay of the mean square, 0 up to 1.
        alpha: f64,
        /// Added to the denominator.
        epsilon: f64,
        /// Subtracts the mean gradient, so that the denominator is a deviation (Graves 2013).
        centred: bool,
    },
    /// Adam (Kingma and Ba 2015, Algorithm 1), or with weight decay AdamW (Loshchilov and Hutter 2019,
    /// Algorithm 2).
    Adam {
        /// Decay of the first moment, 0 or above and below 1.
        beta1: f64,
        /// Decay of the second moment, 0 or above and below 1.
        beta2: f64,
        /// Added to the denominator.
        epsilon: f64,
        /// The share of each parameter that a step of size 1 takes off.
        weight_decay: f64,
    },
    /// RAdam (Liu et al. 2020, Algorithm 2): Adam that does not divide by a second moment before it is known
    /// well enough.
    RAdam {
        /// Decay of the first moment, 0 or above and below 1.
        beta1: f64,
        /// Decay of the second moment, 0 or above and below 1.
        beta2: f64,
        /// Added to the denominator.
        epsilon: f64,
    },
}

impl Rule {
    /// Adam with PyTorch's defaults, which are the paper's.
    pub const ADAM: Self = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
}

/// Parameters that another thread is called for.
const PIECE: usize = 4096;

/// A rule and its moments of a network's gradients.
#[derive(Clone, Debug)]
pub struct Optimiser {
    rule: Rule,
    /// The first moment, the velocity, or the mean gradient.
    first: Aligned,
    /// The second moment, or the mean square.
    second: Aligned,
    /// `beta^t` as running products: `powi` has no specified precision.
    beta1_power: f64,
    beta2_power: f64,
    /// Counted for RAdam alone.
    steps: u64,
}

impl Optimiser {
    /// An optimiser for `length` parameters that has made no step.
    pub fn new(rule: Rule, length: usize) -> Self {
        Self {
            rule,
            first: Aligned::zeros(length),
            second: Aligned::zeros(length),
            beta1_power: 1.0,
            beta2_power: 1.0,
            steps: 0,
        }
    }

    /// Moves the parameters one step against the gradient.
    ///
    /// # Panics
    /// If parameters and gradient have not the optimiser's length.
    pub fn step(&mut self, learning_rate: f64, parameters: &mut [f32], gradient: &[f32], workers: &Workers) {
        self.step_shrunk(learning_rate, 1.0, parameters, gradient, workers);
    }

    /// Moves the parameters one step against the gradient times `shrink`, a factor from 0 to 1 from [`shrinking`].
    ///
    /// # Panics
    /// If parameters and gradient have not the optimiser's length.
    pub fn step_shrunk(
        &mut self,
        learning_rate: f64,
        shrink: f32,
        parameters: &mut [f32],
        gradient: &[f32],
        workers: &Workers,
    ) {
        let length = self.first.len();
        assert_eq!((parameters.len(), gradient.len()), (length, length), "one network per optimiser");
        let state = [parameters, &mut self.first, &mut self.second];
        match self.rule {
            Rule::Sgd { momentum, nesterov } => {
                let step =
                    SgdStep { rate: learning_rate as f32, momentum: momentum as f32, nesterov, shrink };
                workers.for_each_block(PIECE, state, |range, [p, v, _]| {
                    kernels::sgd(step, p, &gradient[range], v);
                });
            }
            Rule::Rmsprop { alpha, epsilon, centred } => {
                let step = RmspropStep {
                    rate: learning_rate as f32,
                    alpha: alpha as f32,
                    epsilon: epsilon as f32,
                    centred,
                    shrink,
                };
                workers.for_each_block(PIECE, state, |range, [p, m, s]| {
                    kernels::rmsprop(step, p, &gradient[range], m, s);
                });
            }
            Rule::Adam { beta1, beta2, epsilon, .. } | Rule::RAdam { beta1, beta2, epsilon } => {
                self.beta1_power *= beta1;
                self.beta2_power *= beta2;
                let rate = learning_rate / (1.0 - self.beta1_power);
                let scale = 1.0 / (1.0 - self.beta2_power).sqrt();
                let (rate, scale, epsilon, keep) = if let Rule::Adam { weight_decay, .. } = self.rule {
                    (rate, scale, epsilon, 1.0 - learning_rate * weight_decay)
                } else {
                    self.steps += 1;
                    match rectification(beta2, self.beta2_power, self.steps) {
                        Some(factor) => (rate * factor, scale, epsilon * scale, 1.0),
                        // Divided by 1.
                        None => (rate, 0.0, 1.0, 1.0),
                    }
                };
                let step = AdamStep {
                    rate: rate as f32,
                    beta1: beta1 as f32,
                    beta2: beta2 as f32,
                    scale: scale as f32,
                    epsilon: epsilon as f32,
                    keep: keep as f32,
                    shrink,
                };
                workers.for_each_block(PIECE, state, |range, [p, m, v]| {
                    kernels::adam(step, p, &gradient[range], m, v);
                });
            }
        }
    }
}

snapshot! {
    impl Restorable for Optimiser {
        saved: first, second, beta1_power, beta2_power, steps via OnlyIf(matches!(rule, Rule::RAdam { .. }));
        built: rule;
    }
}

/// The factor of a step of RAdam (Liu et al. 2020, Algorithm 2); `None` as long as the second moment
/// is worth no more than five gradients, as in PyTorch, instead of the paper's four. `power` is `beta2` to
/// the power of `steps`.
fn rectification(beta2: f64, power: f64, steps: u64) -> Option<f64> {
    let longest = 2.0 / (1.0 - beta2) - 1.0;
    // How many gradients the second moment is worth.
    let length = longest - 2.0 * steps as f64 * power / (1.0 - power);
    let share = (length - 4.0) * (length - 2.0) * longest;
    let share = share / ((longest - 4.0) * (longest - 2.0) * length);
    (length > 5.0).then(|| share.sqrt())
}

/// The factor that makes a gradient of this Euclidean norm no longer than `norm_max`, as
/// PyTorch's `clip_grad_norm_` does it.
pub fn shrinking(norm: f64, norm_max: f64) -> f32 {
    // 1e-6 is PyTorch's guard against division by zero.
    let scale = norm_max / (norm + 1e-6);
    if scale < 1.0 { scale as f32 } else { 1.0 }
}

/// The gradient times `shrink`, plus that of an L2 penalty, `decay` times the parameters: the `weight_decay` of PyTorch's
/// SGD, RMSprop, Adam and RAdam, which is added before moments and velocities are made. (That of its AdamW is
/// [decoupled](Rule::Adam).)
///
/// # Panics
/// If parameters and gradient have other lengths.
pub fn add_l2(gradient: &mut [f32], shrink: f32, decay: f32, parameters: &[f32]) {
    assert_eq!(gradient.len(), parameters.len(), "one gradient per parameter");
    wide::run(
        #[inline(always)]
        || {
            for (g, p) in gradient.iter_mut().zip(parameters) {
                *g = *g * shrink + decay * p;
            }
        },
    );
}

/// Cuts every number of the gradient off at `bound` on either side, as PyTorch's `clip_grad_value_`. NaN
/// stays.
///
/// # Panics
/// If `bound` is negative or NaN.
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
