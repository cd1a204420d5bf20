//! Relations between classes and between samples (Huang et al. 2022).
//!
//! ```
//! use potstill_nn::loss::{Relations, Scratch, relation_loss};
//!
//! let weights = Relations { temperature: 1.0, inter: 1.0, intra: 0.0 };
//! let (mut scratch, mut gradient) = (Scratch::default(), [0.0; 3]);
//! // Probabilities [1/2, 1/4, 1/4] and [1/4, 1/4, 1/2], less their mean [2, -1, -1] / 12 and [-1, -1, 2] / 12: a
//! // correlation of -3 / 6.
//! let ln2 = 2_f32.ln();
//! let value =
//!     relation_loss(weights, &[ln2, 0.0, 0.0], &[0.0, 0.0, ln2], 1, &mut scratch, &mut gradient);
//! assert!((value - 1.5).abs() < 1e-6);
//! ```

use super::scratch::Scratch;
use super::shape::same_shape;
use crate::log_softmax::LogSoftmax;
use potstill_core::math::{exp_f64, sqrt_f64};

/// The weights of the parts of [`relation_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relations {
    /// `T`, above 0. 1 in the paper.
    pub temperature: f32,
    /// The paper's beta: the weight of the relations between classes. 1 in the paper.
    pub inter: f32,
    /// The paper's gamma: the weight of the relations between samples. 1 in the paper.
    pub intra: f32,
}

/// DIST: `beta / B sum_i (1 - r(Y_i, Z_i)) + gamma / C sum_j (1 - r(Y_.j, Z_.j))` (Huang et al. 2022, equations 6 to 10), with the
/// probabilities `Y` of the student and `Z` of the teacher at temperature `T`, Pearson's correlation `r`, a row `i` of classes for
/// each of `B` samples (inter-class relations) and a column `j` of samples for each of `C` classes (intra-class relations). Logits are
/// `samples x classes`; the gradient is with respect to the student's.
///
/// Without the factor `T^2`: a correlation does not know the scale of what it relates, so the gradient keeps its size as
/// it is (the authors' program multiplies by `T^2`; the paper's equations and its `T = 1` do not). The mean over classes is in
/// the definition.
///
/// A row or a column that is constant has no correlation. The teacher's has nothing to be learned: it counts as 0, as
/// all columns of a batch of one sample do. The student's, where the teacher's is not constant, counts as 1, with
/// gradient 0. A spread of less than `1e-10` of the mean is constant.
///
/// # Panics
/// If the lengths do not agree, or there is no sample.
pub fn relation_loss(
    weights: Relations,
    teacher: &[f32],
    student: &[f32],
    samples: usize,
    scratch: &mut Scratch,
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(teacher, student, samples, d_student);
    let temperature = f64::from(weights.temperature);
    let buffer = &mut scratch.wide;
    buffer.clear();
    buffer.resize(3 * student.len(), 0.0);
    let (z, rest) = buffer.split_at_mut(student.len());
    let (y, gradient) = rest.split_at_mut(student.len());
    for (logits, probabilities) in [(teacher, &mut *z), (student, &mut *y)] {
        for (row, p) in logits.chunks_exact(classes).zip(probabilities.chunks_exact_mut(classes)) {
            let softmax = LogSoftmax::new(temperature, row);
            p.iter_mut().zip(softmax.logs()).for_each(|(p, log)| *p = exp_f64(log));
        }
    }
    let mut total = 0.0;
    let mut relate = |weight: f32, lines: Lines| {
        let share = f64::from(weight) / lines.count as f64;
        for line in 0..lines.count {
            total += share * lines.relation(line, share, z, y, gradient);
        }
    };
    relate(weights.inter, Lines { count: samples, length: classes, start: classes, step: 1 });
    relate(weights.intra, Lines { count: classes, length: samples, start: 1, step: classes });
    let rows = y.chunks_exact(classes).zip(gradient.chunks_exact(classes));
    for ((p, g), d_row) in rows.zip(d_student.chunks_exact_mut(classes)) {
        let mean: f64 = p.iter().zip(g).map(|(p, g)| p * g).sum();
        for ((d, p), g) in d_row.iter_mut().zip(p).zip(g) {
            *d = (p * (g - mean) / temperature) as f32;
        }
    }
    total as f32
}

/// Rows or columns of a matrix.
#[derive(Clone, Copy)]
struct Lines {
    count: usize,
    length: usize,
    /// From the start of a line to that of the next, and from an element to the next.
    start: usize,
    step: usize,
}

impl Lines {
    fn places(self, line: usize) -> impl Iterator<Item = usize> + Clone {
        (0..self.length).map(move |i| line * self.start + i * self.step)
    }

    /// The mean of a line and the length of its difference from it; `None` if it is constant.
    fn spread(self, line: usize, matrix: &[f64]) -> Option<(f64, f64)> {
        const CONSTANT: f64 = 1e-10;
        // Its square is still a normal number.
        const LEAST: f64 = 1e-100;
        let mean = self.places(line).map(|i| matrix[i]).sum::<f64>() / self.length as f64;
        let squares: f64 = self.places(line).map(|i| (matrix[i] - mean) * (matrix[i] - mean)).sum();
        let length = sqrt_f64(squares);
        (length > LEAST.max(CONSTANT * mean)).then_some((mean, length))
    }

    /// One less the correlation of a line of teacher and student, and in `gradient` its gradient with respect
    /// to the student's, times `share`, in addition to what is there.
    fn relation(self, line: usize, share: f64, z: &[f64], y: &[f64], gradient: &mut [f64]) -> f64 {
        let Some((z_mean, z_length)) = self.spread(line, z) else { return 0.0 };
        let Some((y_mean, y_length)) = self.spread(line, y) else { return 1.0 };
        let units = |i: usize| ((z[i] - z_mean) / z_length, (y[i] - y_mean) / y_length);
        // Half the square of the distance of two unit vectors is one less their product.
        let distance = 0.5
            * self
                .places(line)
                .map(|i| {
                    let (z, y) = units(i);
                    (z - y) * (z - y)
                })
                .sum::<f64>();
        for i in self.places(line) {
            let (z, y) = units(i);
            // -(z - r y) with r = 1 - distance.
            gradient[i] += share * ((y - z) - distance * y) / y_length;
        }
        distance
    }
}
