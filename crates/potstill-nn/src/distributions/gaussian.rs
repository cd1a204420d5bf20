//! Independent normal numbers.

use crate::log_softmax::exp_less_tangent;
use potstill_core::{Pcg64, math};

/// `ln(2 pi) / 2`.
const HALF_LOG_TWO_PI: f32 = 0.918_938_5;

/// Normal distributions of several numbers that are independent of each other.
#[derive(Clone, Copy, Debug)]
pub struct DiagonalGaussian<'a> {
    mean: &'a [f32],
    log_std: &'a [f32],
    dimensions: usize,
}

/// Gradients with respect to the parameters of normal distributions, each of the length of its parameters.
/// That of deviations which all samples share is a sum over the samples.
#[derive(Debug)]
pub struct GaussianGradients<'a> {
    /// With respect to the means.
    pub mean: &'a mut [f32],
    /// With respect to the logarithms of the standard deviations.
    pub log_std: &'a mut [f32],
}

/// Two distributions of one number.
struct Comparison {
    /// `ln(s1 / s2)`.
    log_ratio: f64,
    /// `(m1 - m2) / s2`.
    distance: f64,
    /// `1 / s2`.
    inverse: f64,
}

impl<'a> DiagonalGaussian<'a> {
    /// Distributions with these means, `samples x dimensions`, and logarithms of standard deviations, as many
    /// or, where they are the same for all samples, `dimensions`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn new(mean: &'a [f32], log_std: &'a [f32], dimensions: usize) -> Self {
        assert!(dimensions > 0 && mean.len().is_multiple_of(dimensions), "means of whole samples");
        assert!(
            log_std.len() == mean.len() || log_std.len() == dimensions,
            "a deviation per mean, or per dimension"
        );
        Self { mean, log_std, dimensions }
    }

    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn samples(&self) -> usize {
        self.mean.len() / self.dimensions
    }

    /// Mean and logarithm of the standard deviation of number `i`, counted through all samples.
    #[inline(always)]
    fn at(&self, i: usize) -> (f32, f32) {
        (self.mean[i], self.log_std[self.place(i)])
    }

    /// The place of the deviation of number `i`.
    #[inline(always)]
    pub(super) fn place(&self, i: usize) -> usize {
        if self.log_std.len() == self.mean.len() { i } else { i % self.dimensions }
    }

    /// Standard deviation of number `i`.
    #[inline(always)]
    pub(super) fn std(&self, i: usize) -> f32 {
        math::exp(self.log_std[self.place(i)])
    }

    /// The sum of `of` over the numbers of each sample.
    fn sum(&self, sums: &mut [f32], of: impl Fn(usize) -> f32) {
        assert_eq!(sums.len(), self.samples(), "one result per sample");
        for (sample, sum) in sums.iter_mut().enumerate() {
            *sum = (sample * self.dimensions..(sample + 1) * self.dimensions).map(&of).sum();
        }
    }

    pub(super) fn assert_numbers(&self, numbers: &[f32]) {
        assert_eq!(numbers.len(), self.mean.len(), "as many numbers as means");
    }

    pub(super) fn assert_weights(&self, weights: &[f32]) {
        assert_eq!(weights.len(), self.samples(), "one weight per sample");
    }

    pub(super) fn assert_gradients(&self, gradients: &GaussianGradients<'_>) {
        let lengths = (gradients.mean.len(), gradients.log_std.len());
        assert_eq!(lengths, (self.mean.len(), self.log_std.len()), "one gradient per parameter");
    }

    /// Draws standard normal `noise` from the stream, and `actions = mean + std noise`, both `samples x
    /// dimensions`.
    ///
    /// # Panics
    /// If the lengths are not that of the means.
    pub fn sample(&self, rng: &mut Pcg64, noise: &mut [f32], actions: &mut [f32]) {
        self.assert_numbers(noise);
        self.assert_numbers(actions);
        for (i, (noise, action)) in noise.iter_mut().zip(actions).enumerate() {
            *noise = rng.normal() as f32;
            *action = self.mean[i] + self.std(i) * *noise;
        }
    }

    /// Adds the gradient through a [sample](Self::sample): `d_action` with respect to a mean, and
    /// `d_action std noise` with respect to the logarithm of a deviation.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_sample_gradients(
        &self,
        noise: &[f32],
        d_actions: &[f32],
        gradients: &mut GaussianGradients<'_>,
    ) {
        self.assert_numbers(noise);
        self.assert_numbers(d_actions);
        self.assert_gradients(gradients);
        for (i, (noise, d_action)) in noise.iter().zip(d_actions).enumerate() {
            gradients.mean[i] += d_action;
            gradients.log_std[self.place(i)] += d_action * self.std(i) * noise;
        }
    }

    /// The logarithm of the density at each sample's actions.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn log_prob(&self, actions: &[f32], log_probs: &mut [f32]) {
        self.assert_numbers(actions);
        self.sum(log_probs, |i| {
            let (_, log_std) = self.at(i);
            let z = self.standardised(i, actions[i]);
            -0.5 * z * z - log_std - HALF_LOG_TWO_PI
        });
    }

    /// The distance of a number from its mean, in standard deviations.
    #[inline(always)]
    fn standardised(&self, i: usize, x: f32) -> f32 {
        let (mean, log_std) = self.at(i);
        (x - mean) * math::exp(-log_std)
    }

    /// Adds the gradient of the weighted log-probabilities of given actions. With `z = (action - mean) / std`
    /// it is `w z / std` with respect to a mean, and `w (z^2 - 1)` with respect to the logarithm of a
    /// deviation.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_log_prob_gradients(
        &self,
        actions: &[f32],
        weights: &[f32],
        gradients: &mut GaussianGradients<'_>,
    ) {
        self.assert_numbers(actions);
        self.assert_weights(weights);
        self.assert_gradients(gradients);
        for (i, &action) in actions.iter().enumerate() {
            let (w, z) = (weights[i / self.dimensions], self.standardised(i, action));
            gradients.mean[i] += w * z * math::exp(-self.at(i).1);
            gradients.log_std[self.place(i)] += w * (z * z - 1.0);
        }
    }

    /// Adds the gradient of the weighted log-probabilities with respect to the actions: `-w z / std`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_log_prob_action_gradient(&self, actions: &[f32], weights: &[f32], d_actions: &mut [f32]) {
        self.assert_numbers(actions);
        self.assert_numbers(d_actions);
        self.assert_weights(weights);
        for (i, (&action, d_action)) in actions.iter().zip(d_actions).enumerate() {
            *d_action -=
                weights[i / self.dimensions] * self.standardised(i, action) * math::exp(-self.at(i).1);
        }
    }

    /// The differential entropy of each distribution, in nats.
    ///
    /// # Panics
    /// If there is not one place per sample.
    pub fn entropy(&self, entropies: &mut [f32]) {
        self.sum(entropies, |i| self.at(i).1 + HALF_LOG_TWO_PI + 0.5);
    }

    /// Adds the gradient of the weighted entropies, which is `w` with respect to the logarithm of every
    /// deviation.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_entropy_gradient(&self, weights: &[f32], d_log_std: &mut [f32]) {
        self.assert_weights(weights);
        assert_eq!(d_log_std.len(), self.log_std.len(), "one gradient per deviation");
        for i in 0..self.mean.len() {
            d_log_std[self.place(i)] += weights[i / self.dimensions];
        }
    }

    /// The divergence `KL(self || other)` of each pair of distributions, in nats:
    /// `ln(s2 / s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1 / 2`, summed over the dimensions.
    ///
    /// # Panics
    /// If the distributions have not the same shape, or there is not one place per sample.
    pub fn kl(&self, other: &DiagonalGaussian<'_>, divergences: &mut [f32]) {
        self.assert_like(other);
        self.sum(divergences, |i| {
            let Comparison { log_ratio, distance, .. } = self.compared(other, i);
            // Of variances that are nearly equal without cancellation.
            (0.5 * (exp_less_tangent(2.0 * log_ratio) + distance * distance)) as f32
        });
    }

    fn compared(&self, other: &DiagonalGaussian<'_>, i: usize) -> Comparison {
        let wide = |(mean, log_std): (f32, f32)| (f64::from(mean), f64::from(log_std));
        let ((mean, log_std), (other_mean, other_log_std)) = (wide(self.at(i)), wide(other.at(i)));
        let inverse = math::exp_f64(-other_log_std);
        Comparison { log_ratio: log_std - other_log_std, distance: (mean - other_mean) * inverse, inverse }
    }

    fn assert_like(&self, other: &DiagonalGaussian<'_>) {
        let shapes = [self, other].map(|d| (d.mean.len(), d.dimensions));
        assert_eq!(shapes[0], shapes[1], "distributions of one shape");
    }

    /// Adds the gradients of the weighted divergences `KL(self || other)` with respect to the parameters of
    /// `self` and of `other`, each if it is asked for.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_kl_gradients(
        &self,
        other: &DiagonalGaussian<'_>,
        weights: &[f32],
        gradients: Option<&mut GaussianGradients<'_>>,
        of_other: Option<&mut GaussianGradients<'_>>,
    ) {
        self.assert_like(other);
        self.assert_weights(weights);
        if let Some(gradients) = gradients {
            self.assert_gradients(gradients);
            for i in 0..self.mean.len() {
                let w = f64::from(weights[i / self.dimensions]);
                let Comparison { log_ratio, distance, inverse } = self.compared(other, i);
                gradients.mean[i] += (w * distance * inverse) as f32;
                gradients.log_std[self.place(i)] += (w * math::expm1_f64(2.0 * log_ratio)) as f32;
            }
        }
        if let Some(gradients) = of_other {
            other.assert_gradients(gradients);
            for i in 0..self.mean.len() {
                let w = f64::from(weights[i / self.dimensions]);
                let Comparison { log_ratio, distance, inverse } = self.compared(other, i);
                gradients.mean[i] -= (w * distance * inverse) as f32;
                let of_log_std = math::expm1_f64(2.0 * log_ratio) + distance * distance;
                gradients.log_std[other.place(i)] -= (w * of_log_std) as f32;
            }
        }
    }
}
