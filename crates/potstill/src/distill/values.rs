//! A teacher's values beside the labels of a regression.
//!
//! `L = alpha (1/n) sum_i w_i (f(x_i) - v_i)^2 + (1 - alpha) (1/n) sum_i (f(x_i) - y_i)^2` over minibatches of scaled values, with the labels `y` and
//! the teacher's values `v`. A teacher that knows its uncertainty weighs its values with `w_i = s^2 / (s^2 + sigma_i^2)`: `sigma_i` is its standard
//! deviation and `s` that of what a student would miss of a sure teacher (weighted least squares, Aitken 1936; see
//! [`teacher_values`]).
//!
//! ```
//! use potstill::distill::ValueTargets;
//!
//! let teacher = ValueTargets::new(vec![1.0, 3.0], Vec::new(), 0.5, 0.1);
//! let mut gradient = [0.0];
//! // Sample 1: half of (0 - 3)^2, and half of (0 - 1)^2.
//! let terms = teacher.loss(0, &[1], &[0.0], &[1.0], &mut gradient);
//! assert_eq!((terms.total, gradient), (5.0, [-4.0]));
//! ```

use crate::config::settings;
use crate::policy::Schedule;
use potstill_nn::loss::{Regression, Terms, Uncertainty, teacher_values};

settings! {
    /// The hyperparameters of a teacher's values.
    pub struct ValueTargetsConfig {
        /// Weight alpha of the teacher's values, a number or a schedule over gradient steps; the labels have 1 - alpha. Source: 0.9, as for
        /// classes
        alpha: Schedule = 0.9, in Unit;
        /// Standard deviation of what a student would miss of a sure teacher, in standard deviations of the labels: a value whose own deviation
        /// is as large counts half
        teacher_noise: f64 = 0.1, in Positive;
    }
}

/// A teacher's values, in addition to the labels.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTargets {
    /// The scaled value of each sample.
    values: Vec<f32>,
    /// Its variance; empty if the teacher is sure.
    variances: Vec<f32>,
    alpha: Schedule,
    noise: f32,
}

impl ValueTargets {
    /// A teacher's scaled values of all samples, with their variances or none, the weight `alpha` and the noise `s`, as a standard deviation.
    ///
    /// # Panics
    /// If there are variances, but not one for each value, or the noise is not above 0.
    pub fn new(values: Vec<f32>, variances: Vec<f32>, alpha: impl Into<Schedule>, noise: f32) -> Self {
        assert!(variances.is_empty() || variances.len() == values.len(), "one variance for each value");
        assert!(noise > 0.0, "the noise is {noise}");
        Self { values, variances, alpha: alpha.into(), noise: noise * noise }
    }

    /// Gives schedules that are relative to the run its length in steps.
    pub(super) fn begin(&mut self, steps: u64) {
        self.alpha = self.alpha.of_run(steps);
    }

    /// The blended loss of samples in gradient step `step`, counted from 0, and in `d_outputs` its gradient with respect to the student's outputs.
    /// Samples beyond the labels, which have none, have the teacher's value alone; each term is a mean over all samples.
    ///
    /// # Panics
    /// If there is no sample, an index is beyond the values, or the lengths do not agree.
    pub fn loss(
        &self,
        step: u64,
        indices: &[usize],
        outputs: &[f32],
        labels: &[f32],
        d_outputs: &mut [f32],
    ) -> Terms {
        let alpha = self.alpha.at(step, 1);
        let of = |all: &[f32]| -> Vec<f32> { indices.iter().filter_map(|&i| all.get(i)).copied().collect() };
        let (values, variances) = (of(&self.values), of(&self.variances));
        let uncertainty = Uncertainty { variances: &variances, noise: self.noise };
        let samples = indices.len();
        let squares = Regression::SquaredError;
        let soft = f64::from(teacher_values(squares, &values, uncertainty, outputs, samples, d_outputs));
        let mut hard = 0.0;
        let share = (1.0 - alpha) * labels.len() as f64 / samples as f64;
        d_outputs.iter_mut().for_each(|d| *d *= alpha as f32);
        if !labels.is_empty() {
            let mut d_labels = vec![0.0; labels.len()];
            hard = squared_error(labels, &outputs[..labels.len()], &mut d_labels);
            d_outputs.iter_mut().zip(&d_labels).for_each(|(d, label)| *d += share as f32 * label);
        }
        Terms { total: (alpha * soft + share * hard) as f32, soft, hard }
    }
}

/// The mean squared error of labels, and its gradient with respect to the outputs.
fn squared_error(labels: &[f32], outputs: &[f32], d_outputs: &mut [f32]) -> f64 {
    let sure = Uncertainty { variances: &[], noise: 1.0 };
    f64::from(teacher_values(Regression::SquaredError, labels, sure, outputs, labels.len(), d_outputs))
}

/// The loss of labels alone.
pub(super) fn label_terms(labels: &[f32], outputs: &[f32], d_outputs: &mut [f32]) -> Terms {
    let hard = squared_error(labels, outputs, d_outputs);
    Terms { total: hard as f32, soft: 0.0, hard }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_weighed_by_alpha_and_by_the_teachers_certainty() {
        let check = |targets: &ValueTargets, labels: &[f32], expected: (f32, [f32; 2])| {
            let mut gradient = [0.0; 2];
            let terms = targets.loss(0, &[0, 1], &[0.0, 0.0], labels, &mut gradient);
            let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
            let is_near = gradient.iter().zip(expected.1).all(|(&a, b)| near(a, b));
            assert!(near(terms.total, expected.0) && is_near, "{terms:?} {gradient:?}");
        };
        let sure = ValueTargets::new(vec![1.0, 2.0], Vec::new(), 0.75, 0.5);
        // 0.75 (1 + 4) / 2 + 0.25 (4 + 0) / 2.
        check(&sure, &[-2.0, 0.0], (2.375, [-0.75 + 0.5, -1.5]));
        // The second has no label.
        check(&sure, &[-2.0], (2.375, [-0.75 + 0.5, -1.5]));
        check(&sure, &[], (1.875, [-0.75, -1.5]));
        // 0.25 / (0.25 + 0.25) = 1/2 of the second.
        let unsure = ValueTargets::new(vec![1.0, 2.0], vec![0.0, 0.25], 1.0, 0.5);
        check(&unsure, &[9.0, 9.0], (1.5, [-1.0, -1.0]));
    }
}
