//! Divergences of a student's outputs from its teacher's. The direction is part of the name.
//!
//! ```
//! use potstill::distill::Divergence;
//!
//! // KL([2/3, 1/3] || [1/2, 1/2]) = ln 2 - H(1/3) = 0.056633; its gradient is [1/2 - 2/3, 1/2 - 1/3].
//! let kl = Divergence::KlForward { temperature: 1.0 };
//! let mut gradient = [0.0; 2];
//! let value = kl.value_and_gradient(&[2_f32.ln(), 0.0], &[0.0, 0.0], 1, &mut gradient);
//! assert!((value - 0.056_633).abs() < 1e-6);
//! assert!((gradient[0] + 1.0 / 6.0).abs() < 1e-6 && (gradient[1] - 1.0 / 6.0).abs() < 1e-6);
//! ```

use potstill_nn::loss::{Blend, distillation, temperature_kl};

/// A divergence between the logits of teacher and student.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// `T^2 KL(softmax(teacher / T) || softmax(student / T))`: the forward direction (Hinton et al. 2015; Rusu et al. 2015).
    KlForward {
        /// `T`, above 0.
        temperature: f32,
    },
}

impl Divergence {
    /// The mean over the samples, and in `d_student` its gradient with respect to the student's logits; all are `samples x classes`.
    ///
    /// # Panics
    /// If the lengths do not agree, or there is no sample.
    pub fn value_and_gradient(
        self,
        teacher: &[f32],
        student: &[f32],
        samples: usize,
        d_student: &mut [f32],
    ) -> f32 {
        let Divergence::KlForward { temperature } = self;
        temperature_kl(temperature, teacher, student, samples, d_student)
    }

    /// `alpha` times the divergence plus `1 - alpha` times the cross-entropy of the labels (Hinton, Vinyals and Dean 2015, section 2), and in
    /// `d_student` its gradient with respect to the student's logits.
    ///
    /// # Panics
    /// If the lengths do not agree, there is no sample, or a label is not a class.
    pub fn blended(
        self,
        alpha: f32,
        teacher: &[f32],
        student: &[f32],
        labels: &[usize],
        d_student: &mut [f32],
    ) -> f32 {
        let Divergence::KlForward { temperature } = self;
        distillation(Blend { alpha, temperature }, teacher, student, labels, d_student)
    }
}
