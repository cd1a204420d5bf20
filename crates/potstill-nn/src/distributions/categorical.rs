//! One of several choices.

use crate::log_softmax::{Divergence, LogSoftmax};
use potstill_core::{Pcg64, math};

/// A distribution over choices, a softmax over `samples x choices` logits. A logit of minus infinity excludes
/// its choice.
#[derive(Clone, Copy, Debug)]
pub struct Categorical<'a> {
    logits: &'a [f32],
    choices: usize,
}

/// `x` times a probability; 0 where that is 0, whatever `x`.
fn weighed(p: f64, x: f64) -> f64 {
    if p == 0.0 { 0.0 } else { p * x }
}

impl<'a> Categorical<'a> {
    /// The distributions of these logits, `samples x choices`.
    ///
    /// # Panics
    /// If the logits are not those of whole samples.
    pub fn new(logits: &'a [f32], choices: usize) -> Self {
        assert!(choices > 0 && logits.len().is_multiple_of(choices), "logits of whole samples");
        Self { logits, choices }
    }

    fn samples(&self) -> usize {
        self.logits.len() / self.choices
    }

    fn rows(&self) -> std::slice::ChunksExact<'a, f32> {
        self.logits.chunks_exact(self.choices)
    }

    /// The logarithms of a row's probabilities.
    fn logs(row: &[f32]) -> impl Iterator<Item = f64> + Clone {
        LogSoftmax::new(1.0, row).logs()
    }

    fn row_entropy(row: &[f32]) -> f64 {
        -Self::logs(row).map(|l| weighed(math::exp_f64(l), l)).sum::<f64>()
    }

    /// Draws a choice for each sample, from one number of the stream each. Of logits that are not numbers it
    /// is the last one.
    pub fn sample(&self, rng: &mut Pcg64, actions: &mut [usize]) {
        assert_eq!(actions.len(), self.samples(), "one action per sample");
        for (row, action) in self.rows().zip(actions) {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shares = row.iter().map(|z| f64::from(math::exp(z - highest)));
            let bound = rng.unit() * shares.clone().sum::<f64>();
            let mut sum = 0.0;
            let mut shares = shares;
            let drawn = shares.position(|share| {
                sum += share;
                bound < sum
            });
            // Rounding may leave the bound at the very end: that is the last choice that is possible.
            let last = || row.iter().rposition(|z| math::exp(z - highest) > 0.0);
            *action = drawn.or_else(last).unwrap_or(self.choices - 1);
        }
    }

    /// The log-probability of each sample's action.
    ///
    /// # Panics
    /// If there is not one action and one place per sample, or an action is no choice.
    pub fn log_prob(&self, actions: &[usize], log_probs: &mut [f32]) {
        let lengths = (actions.len(), log_probs.len());
        assert_eq!(lengths, (self.samples(), self.samples()), "one action and log-probability per sample");
        for ((row, &action), log_prob) in self.rows().zip(actions).zip(log_probs) {
            *log_prob = LogSoftmax::new(1.0, row).log(action) as f32;
        }
    }

    /// The entropy of each distribution, in nats.
    ///
    /// # Panics
    /// If there is not one place per sample.
    pub fn entropy(&self, entropies: &mut [f32]) {
        assert_eq!(entropies.len(), self.samples(), "one entropy per sample");
        self.rows().zip(entropies).for_each(|(row, entropy)| *entropy = Self::row_entropy(row) as f32);
    }

    /// The divergence `KL(self || other)` of each pair of distributions, in nats.
    ///
    /// # Panics
    /// If the distributions have not the same shape, or there is not one place per sample.
    pub fn kl(&self, other: &Categorical<'_>, divergences: &mut [f32]) {
        self.assert_like(other);
        assert_eq!(divergences.len(), self.samples(), "one divergence per sample");
        for ((row, other), kl) in self.rows().zip(other.rows()).zip(divergences) {
            *kl = Divergence::new(1.0, row, other).value() as f32;
        }
    }

    fn assert_like(&self, other: &Categorical<'_>) {
        let shapes = [self, other].map(|d| (d.logits.len(), d.choices));
        assert_eq!(shapes[0], shapes[1], "distributions of one shape");
    }

    fn assert_gradient(&self, weights: &[f32], d_logits: &[f32]) {
        let lengths = (weights.len(), d_logits.len());
        assert_eq!(lengths, (self.samples(), self.logits.len()), "a weight per sample, a gradient per logit");
    }

    /// Adds the gradient of the weighted log-probabilities: `w (1[action] - p)`.
    ///
    /// # Panics
    /// If the lengths do not agree, or an action is no choice.
    pub fn add_log_prob_gradient(&self, actions: &[usize], weights: &[f32], d_logits: &mut [f32]) {
        self.assert_gradient(weights, d_logits);
        assert_eq!(actions.len(), weights.len(), "one action per sample");
        let rows = self.rows().zip(d_logits.chunks_exact_mut(self.choices));
        for ((row, d_row), (&action, w)) in rows.zip(actions.iter().zip(weights)) {
            let p = LogSoftmax::new(1.0, row);
            let less = |i: usize| (f64::from(*w) * p.less_label(i, action)) as f32;
            d_row.iter_mut().enumerate().for_each(|(i, d)| *d -= less(i));
        }
    }

    /// Adds the gradient of the weighted entropies: `-w p (ln p + entropy)`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_entropy_gradient(&self, weights: &[f32], d_logits: &mut [f32]) {
        self.assert_gradient(weights, d_logits);
        let rows = self.rows().zip(d_logits.chunks_exact_mut(self.choices));
        for ((row, d_row), w) in rows.zip(weights) {
            let entropy = Self::row_entropy(row);
            let logs = Self::logs(row);
            let w = f64::from(*w);
            d_row
                .iter_mut()
                .zip(logs)
                .for_each(|(d, l)| *d -= (w * weighed(math::exp_f64(l), l + entropy)) as f32);
        }
    }

    /// Adds the gradients of the weighted divergences `KL(self || other)`: `w p (ln p - ln q - KL)` with
    /// respect to the logits of `self`, `w (q - p)` with respect to those of `other`. A gradient that is not
    /// needed is empty.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_kl_gradients(
        &self,
        other: &Categorical<'_>,
        weights: &[f32],
        d_logits: &mut [f32],
        d_other: &mut [f32],
    ) {
        self.assert_like(other);
        if !d_logits.is_empty() {
            self.assert_gradient(weights, d_logits);
            let rows = self.rows().zip(other.rows()).zip(d_logits.chunks_exact_mut(self.choices));
            for (((row, other), d_row), w) in rows.zip(weights) {
                let divergence = Divergence::new(1.0, row, other);
                let kl = divergence.value();
                for (i, d) in d_row.iter_mut().enumerate() {
                    let (p, log_ratio) = divergence.log_ratio(i);
                    *d += (f64::from(*w) * weighed(p, log_ratio - kl)) as f32;
                }
            }
        }
        if !d_other.is_empty() {
            self.assert_gradient(weights, d_other);
            let rows = self.rows().zip(other.rows()).zip(d_other.chunks_exact_mut(self.choices));
            for (((row, other), d_row), w) in rows.zip(weights) {
                let divergence = Divergence::new(1.0, row, other);
                for (i, d) in d_row.iter_mut().enumerate() {
                    *d += (f64::from(*w) * divergence.element(i).1) as f32;
                }
            }
        }
    }
}
