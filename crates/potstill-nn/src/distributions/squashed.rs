//! Normal numbers, squashed into an interval.

use super::gaussian::{DiagonalGaussian, GaussianGradients};
use crate::kernels;
use potstill_core::{Pcg64, math};

/// `action = tanh(u)` with normal `u`: the policy of SAC (Haarnoja et al. 2018, appendix C).
///
/// Log-densities are computed from `u`, so that they stay right where `tanh(u)` rounds to 1: that of `u`, less
/// `ln (1 - tanh(u)^2) = 2 (ln 2 - u - softplus(-2 u))` for each component. The entropy has no closed form, in
/// PyTorch neither; minus the log-probability of a sample is an unbiased estimate of it, and
/// [`add_sample_gradients`] adds the gradient of that estimate.
///
/// [`add_sample_gradients`]: Self::add_sample_gradients
#[derive(Clone, Copy, Debug)]
pub struct SquashedGaussian<'a> {
    /// The distribution of `u`.
    gaussian: DiagonalGaussian<'a>,
}

/// `ln |d tanh(u) / du|`: `2 (ln 2 - u - softplus(-2 u))`, which is an even function of `u`, written for
/// `|u|`.
#[inline(always)]
fn log_derivative(u: f32) -> f32 {
    let softplus = math::ln(1.0 + math::exp(-2.0 * u.abs()));
    2.0 * (std::f32::consts::LN_2 - u.abs() - softplus)
}

/// `d tanh(u) / du`, which `1 - tanh(u)^2` loses to rounding for large `u`.
#[inline(always)]
fn derivative(u: f32) -> f32 {
    let e = math::exp(-2.0 * u.abs());
    4.0 * e / ((1.0 + e) * (1.0 + e))
}

impl<'a> SquashedGaussian<'a> {
    /// Distributions whose `u` have these means, `samples x dimensions`, and logarithms of standard
    /// deviations, as many or, where they are the same for all samples, `dimensions`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn new(mean: &'a [f32], log_std: &'a [f32], dimensions: usize) -> Self {
        Self { gaussian: DiagonalGaussian::new(mean, log_std, dimensions) }
    }

    /// Draws standard normal `noise` from the stream, `u = mean + std noise`, and `actions = tanh(u)`, all
    /// `samples x dimensions`.
    ///
    /// # Panics
    /// If the lengths are not that of the means.
    pub fn sample(&self, rng: &mut Pcg64, noise: &mut [f32], u: &mut [f32], actions: &mut [f32]) {
        self.gaussian.sample(rng, noise, u);
        self.gaussian.assert_numbers(actions);
        kernels::tanh(u, actions);
    }

    /// The numbers that `actions` within -1 and 1 are the hyperbolic tangents of. Beyond the last number
    /// before 1, where there are none, they are those of that number.
    ///
    /// # Panics
    /// If the lengths are not equal.
    pub fn unsquash(actions: &[f32], u: &mut [f32]) {
        assert_eq!(actions.len(), u.len(), "one number per action");
        const LAST: f32 = 1.0 - f32::EPSILON / 2.0;
        for (&action, u) in actions.iter().zip(u) {
            let a = action.clamp(-LAST, LAST);
            // For small ones the logarithm's argument would round.
            *u = match a.abs() < 0.03 {
                true => a + a * a * a * (1.0 / 3.0 + a * a / 5.0),
                false => 0.5 * math::ln((1.0 + a) / (1.0 - a)),
            };
        }
    }

    /// The logarithm of the density at `tanh(u)` of each sample.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn log_prob(&self, u: &[f32], log_probs: &mut [f32]) {
        self.gaussian.log_prob(u, log_probs);
        for (u, log_prob) in u.chunks_exact(self.gaussian.dimensions()).zip(log_probs) {
            *log_prob -= u.iter().map(|&u| log_derivative(u)).sum::<f32>();
        }
    }

    /// Adds the gradient of the weighted log-probabilities at given `tanh(u)`, which is that of the normal
    /// distribution at `u`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_log_prob_gradients(&self, u: &[f32], weights: &[f32], gradients: &mut GaussianGradients<'_>) {
        self.gaussian.add_log_prob_gradients(u, weights, gradients);
    }

    /// The gradient with respect to a normal number `u`, of a loss with these gradients with respect to its action
    /// `tanh(u)` and to the logarithm of the action's density; that of the density of `u` itself is not in it.
    #[inline(always)]
    pub fn squashing_gradient(u: f32, d_action: f32, d_log_prob: f32) -> f32 {
        d_action * derivative(u) + 2.0 * d_log_prob * math::tanh(u)
    }

    /// Adds the gradient through a [sample](Self::sample), of a loss that depends on the actions, with
    /// gradients `d_actions`, and on their own log-probabilities, with a gradient for each sample in
    /// `d_log_probs`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_sample_gradients(
        &self,
        (noise, u): (&[f32], &[f32]),
        d_actions: &[f32],
        d_log_probs: &[f32],
        gradients: &mut GaussianGradients<'_>,
    ) {
        [noise, u, d_actions].into_iter().for_each(|numbers| self.gaussian.assert_numbers(numbers));
        self.gaussian.assert_weights(d_log_probs);
        self.gaussian.assert_gradients(gradients);
        for (i, (&noise, &u)) in noise.iter().zip(u).enumerate() {
            let w = d_log_probs[i / self.gaussian.dimensions()];
            // The normal density of `mean + std noise` is `-ln std` and what does not depend on the
            // parameters.
            let d_u = Self::squashing_gradient(u, d_actions[i], w);
            gradients.mean[i] += d_u;
            gradients.log_std[self.gaussian.place(i)] += d_u * self.gaussian.std(i) * noise - w;
        }
    }

    /// The divergence `KL(self || other)` of each pair of distributions, in nats: a change of variables does
    /// not change it, so that it is that of the normal distributions.
    ///
    /// # Panics
    /// If the distributions have not the same shape, or there is not one place per sample.
    pub fn kl(&self, other: &SquashedGaussian<'_>, divergences: &mut [f32]) {
        self.gaussian.kl(&other.gaussian, divergences);
    }

    /// Adds the gradients of the weighted divergences `KL(self || other)` with respect to the parameters of
    /// `self` and of `other`, each if it is asked for.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_kl_gradients(
        &self,
        other: &SquashedGaussian<'_>,
        weights: &[f32],
        gradients: Option<&mut GaussianGradients<'_>>,
        of_other: Option<&mut GaussianGradients<'_>>,
    ) {
        self.gaussian.add_kl_gradients(&other.gaussian, weights, gradients, of_other);
    }
}
