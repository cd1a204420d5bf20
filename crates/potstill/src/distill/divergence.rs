//! Divergences of a student's outputs from its teacher's. The direction is part of the name.
//!
//! With `v` the teacher's logits, `z` the student's, `p = softmax(v / T)` and `q = softmax(z / T)`; means over the samples, sums over
//! the classes:
//!
//! | value of `divergence` | equation | source |
//! |---|---|---|
//! | `kl` | `T^2 KL(p \|\| q)` | Hinton, Vinyals and Dean 2015, section 2 |
//! | `reverse-kl` | `T^2 KL(q \|\| p)` | Gu et al. 2024, section 2.2 |
//! | `symmetric-kl` | `T^2 (KL(p \|\| q) + KL(q \|\| p)) / 2` | Jeffreys 1946 |
//! | `logit-mse` | `sum (z - v)^2 / 2` | Ba and Caruana 2014, equation 1 |
//! | `logit-mse-centred` | the same of the differences less their mean | Hinton, Vinyals and Dean 2015, section 2.1 |
//! | `decoupled` | `T^2 (alpha TCKD + beta NCKD)` | Zhao et al. 2022, equation 7 |
//! | `dist` | `beta (1 - r)` over rows, `gamma (1 - r)` over columns of `p` and `q` | Huang et al. 2022, equations 6 to 10 |
//! | `label-smoothing` | `T^2 KL(1 / C \|\| q)`: no teacher, the control | Szegedy et al. 2016, section 7 |
//! | `nll` | `-ln softmax(z)` of the teacher's best action, for policies | Rusu et al. 2015, equation 1 |
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

use crate::targets::argmax;
use potstill_nn::loss::{
    Blend, Centring, Decoupled, Relations, Scratch, Terms, blend_labels, cross_entropy, decoupled_kl,
    distillation_terms, logit_mse, relation_loss, reverse_kl, symmetric_kl, temperature_kl, uniform_kl,
};

/// A divergence between the logits of teacher and student. `T` is above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// `T^2 KL(softmax(teacher / T) || softmax(student / T))`: the forward direction (Hinton et al. 2015; Rusu et al. 2015).
    KlForward {
        /// `T`.
        temperature: f32,
    },
    /// `T^2 KL(softmax(student / T) || softmax(teacher / T))`: the reverse direction.
    KlReverse {
        /// `T`.
        temperature: f32,
    },
    /// The mean of both directions.
    KlSymmetric {
        /// `T`.
        temperature: f32,
    },
    /// Half the squared distance of the logits.
    LogitMse(Centring),
    /// The target class and the other classes apart. Without labels the target is the teacher's most probable class.
    Decoupled(Decoupled),
    /// Correlations of classes and of samples.
    Relations(Relations),
    /// The divergence from the uniform distribution; the teacher has no influence.
    Uniform {
        /// `T`.
        temperature: f32,
    },
    /// The cross-entropy of the teacher's most probable class.
    BestClass,
}

/// The outputs of a batch, `samples x classes`.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The teacher's logits.
    pub teacher: &'a [f32],
    /// The student's logits.
    pub student: &'a [f32],
    /// The number of samples.
    pub samples: usize,
    /// The label of each sample; may be empty.
    pub labels: &'a [usize],
}

/// Buffers that are reused from batch to batch.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    scratch: Scratch,
    classes: Vec<usize>,
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
        let batch = Batch { teacher, student, samples, labels: &[] };
        self.of_batch(batch, &mut Buffers::default(), d_student)
    }

    /// The same with reused buffers, and with labels for the divergences that have a use for them.
    ///
    /// # Panics
    /// If the lengths do not agree, there is no sample, or a label is not a class.
    pub fn of_batch(self, batch: Batch<'_>, buffers: &mut Buffers, d_student: &mut [f32]) -> f32 {
        let Batch { teacher, student, samples, labels } = batch;
        let Buffers { scratch, classes } = buffers;
        let mut targets = |labels: &[usize]| {
            classes.clear();
            match labels {
                [] => classes.extend(teacher.chunks_exact(teacher.len() / samples.max(1)).map(argmax)),
                labels => classes.extend(labels),
            }
        };
        match self {
            Divergence::KlForward { temperature } => {
                temperature_kl(temperature, teacher, student, samples, d_student)
            }
            Divergence::KlReverse { temperature } => {
                reverse_kl(temperature, teacher, student, samples, d_student)
            }
            Divergence::KlSymmetric { temperature } => {
                symmetric_kl(temperature, teacher, student, samples, d_student)
            }
            Divergence::LogitMse(centring) => logit_mse(centring, teacher, student, samples, d_student),
            Divergence::Decoupled(weights) => {
                targets(labels);
                decoupled_kl(weights, teacher, student, classes, d_student)
            }
            Divergence::Relations(weights) => {
                relation_loss(weights, teacher, student, samples, scratch, d_student)
            }
            Divergence::Uniform { temperature } => {
                uniform_kl(temperature, student, samples, scratch, d_student)
            }
            Divergence::BestClass => {
                targets(&[]);
                cross_entropy(student, classes, d_student)
            }
        }
    }

    /// `alpha` times the divergence plus `1 - alpha` times the cross-entropy of the labels (Hinton, Vinyals and Dean 2015, section 2), and in
    /// `d_student` its gradient with respect to the student's logits.
    ///
    /// # Panics
    /// If the lengths do not agree, there is no sample, or a label is not a class.
    pub fn blended(
        self,
        alpha: f32,
        batch: Batch<'_>,
        buffers: &mut Buffers,
        d_student: &mut [f32],
    ) -> Terms {
        let Batch { teacher, student, labels, .. } = batch;
        if let Divergence::KlForward { temperature } = self {
            return distillation_terms(Blend { alpha, temperature }, teacher, student, labels, d_student);
        }
        let soft = self.of_batch(batch, buffers, d_student);
        blend_labels(alpha, soft, student, labels, d_student)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_is_the_weighed_sum_of_its_terms() {
        let temperature = 2.0;
        let (teacher, student, labels) = ([1.0, -1.0, 0.5, 2.0, 0.0, -2.0], [0.25; 6], [2, 0]);
        for divergence in [
            Divergence::KlForward { temperature },
            Divergence::KlReverse { temperature },
            Divergence::KlSymmetric { temperature },
            Divergence::LogitMse(Centring::None),
            Divergence::LogitMse(Centring::Mean),
            Divergence::Decoupled(Decoupled { temperature, target: 1.0, non_target: 2.0 }),
            Divergence::Relations(Relations { temperature, inter: 1.0, intra: 1.0 }),
            Divergence::Uniform { temperature },
            Divergence::BestClass,
        ] {
            let batch = Batch { teacher: &teacher, student: &student, samples: 2, labels: &labels };
            let (buffers, [mut soft, mut hard, mut both]) = (&mut Buffers::default(), [[f32::NAN; 6]; 3]);
            let of_teacher = divergence.of_batch(batch, buffers, &mut soft);
            let of_labels = cross_entropy(&student, &labels, &mut hard);
            let terms = divergence.blended(0.75, batch, buffers, &mut both);
            let expected = 0.75 * of_teacher + 0.25 * of_labels;
            assert!((terms.total - expected).abs() < 1e-6, "{divergence:?}: {terms:?}, not {expected}");
            assert!((terms.soft - f64::from(of_teacher)).abs() < 1e-6, "{divergence:?}");
            assert!((terms.hard - f64::from(of_labels)).abs() < 1e-6, "{divergence:?}");
            for ((both, soft), hard) in both.iter().zip(soft).zip(hard) {
                assert!((both - (0.75 * soft + 0.25 * hard)).abs() < 1e-6, "{divergence:?}");
            }
        }
    }

    #[test]
    fn without_labels_the_target_is_the_teachers_most_probable_class() {
        let weights = Decoupled { temperature: 1.0, target: 1.0, non_target: 0.0 };
        let (teacher, student) = ([0.0, 2.0, 1.0], [1.0, 0.0, 0.0]);
        let value = |labels: &[usize]| {
            let batch = Batch { teacher: &teacher, student: &student, samples: 1, labels };
            Divergence::Decoupled(weights).of_batch(batch, &mut Buffers::default(), &mut [0.0; 3])
        };
        assert!(value(&[]) == value(&[1]) && value(&[]) != value(&[0]));
        // The teacher's best is class 1: -ln softmax = ln(e + 2).
        let mut gradient = [0.0; 3];
        let nll = Divergence::BestClass.value_and_gradient(&teacher, &student, 1, &mut gradient);
        assert!((nll - 1.551_445).abs() < 1e-6, "{nll}");
    }
}
