//! Decoupled knowledge distillation (Zhao et al. 2022).
//!
//! ```
//! use potstill_nn::loss::{Decoupled, decoupled_kl};
//!
//! // Teacher [1/2, 1/4, 1/4], student [1/3, 1/3, 1/3]. Target class 0: KL([1/2, 1/2] || [1/3, 2/3]) = ln(9/8) / 2.
//! // Among the others both are [1/2, 1/2].
//! let weights = Decoupled { temperature: 1.0, target: 1.0, non_target: 8.0 };
//! let mut gradient = [0.0; 3];
//! let value = decoupled_kl(weights, &[2_f32.ln(), 0.0, 0.0], &[0.0; 3], &[0], &mut gradient);
//! assert!((value - 0.058_892).abs() < 1e-6);
//! // 1/3 - 1/2, and the same in the other direction, shared by the two others.
//! assert!((gradient[0] + 1.0 / 6.0).abs() < 1e-6 && (gradient[1] - 1.0 / 12.0).abs() < 1e-6);
//! ```

use super::shape::same_shape;
use crate::log_softmax::{Divergence, LogSoftmax, exp_less_tangent};
use potstill_core::math::{exp_f64, expm1_f64, ln_1p_f64};

/// The weights of the parts of [`decoupled_kl`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoupled {
    /// `T`, above 0.
    pub temperature: f32,
    /// The paper's alpha: the weight of the target class against all others. 1 in the paper.
    pub target: f32,
    /// The paper's beta: the weight of the distribution among the other classes. 1 to 8 in the paper.
    pub non_target: f32,
}

/// `T^2 (alpha KL(b_teacher || b_student) + beta KL(n_teacher || n_student))` (Zhao et al. 2022, equation 7): `b` is the probability of the
/// target class and that of all others, `n` the distribution among the others, all at temperature `T`. The mean over the samples, and
/// its gradient with respect to the student's logits; logits are `samples x classes`, `targets` has the target class of
/// each sample. With `alpha = 1` and `beta = 1 - b_teacher` it is the divergence of whole distributions.
///
/// In logarithms, so that it is finite at every temperature; the authors' program takes the logarithm of a softmax with a mask of -1000.
/// Two classes have one other class, whose distribution has nothing to learn from: the second term is 0. It is 0 too where the teacher gives
/// no other class any probability.
///
/// # Panics
/// If the lengths do not agree, there is no sample, or a target is not a class.
pub fn decoupled_kl(
    weights: Decoupled,
    teacher: &[f32],
    student: &[f32],
    targets: &[usize],
    d_student: &mut [f32],
) -> f32 {
    let (samples, classes) = same_shape(teacher, student, targets.len(), d_student);
    let temperature = f64::from(weights.temperature);
    let (alpha, beta) = (f64::from(weights.target), f64::from(weights.non_target));
    let scale = temperature / samples as f64;
    let rows = teacher.chunks_exact(classes).zip(student.chunks_exact(classes)).zip(targets);
    let mut total = 0.0;
    for (((teacher, student), &target), d_row) in rows.zip(d_student.chunks_exact_mut(classes)) {
        assert!(target < classes, "target {target} of {classes} classes");
        let others = |row| LogSoftmax::without(Some(target), temperature, row);
        let (p, q) = (others(teacher), others(student));
        if q.is_empty() {
            // A single class.
            d_row.fill(0.0);
            continue;
        }
        let among_others = (!p.is_empty()).then(|| Divergence::of(p, q));
        let odds =
            |row: &[f32], others: &LogSoftmax<'_>| f64::from(row[target]) / temperature - others.log_total();
        let (a, b) = (odds(teacher, &p), odds(student, &q));
        let difference = among_others.map_or(f64::INFINITY, |divergence| {
            let of_target = (f64::from(student[target]) - f64::from(teacher[target])) / temperature;
            of_target - divergence.log_total_ratio()
        });
        let binary = Binary::new(a, b, difference);
        total += alpha * binary.value;
        for (i, d) in d_row.iter_mut().enumerate() {
            let gradient = if i == target {
                alpha * binary.gradient
            } else {
                let (value, gradient) = among_others.map_or((0.0, 0.0), |divergence| divergence.element(i));
                total += beta * value;
                beta * gradient - alpha * binary.gradient * exp_f64(q.log(i))
            };
            *d = (scale * gradient) as f32;
        }
    }
    (temperature * temperature * total / samples as f64) as f32
}

/// The divergence of two distributions over two outcomes, and its gradient with respect to the second's log-odds.
struct Binary {
    value: f64,
    gradient: f64,
}

impl Binary {
    /// `a` and `b` are log-odds, which may be infinite, `difference` is `b - a` with all its digits.
    fn new(a: f64, b: f64, difference: f64) -> Self {
        let (p, rest) = (sigmoid(a), sigmoid(-a));
        if difference.abs() <= 1.0 {
            let mean = p * difference;
            let excess = ln_1p_f64(p * exp_less_tangent(difference - mean) + rest * exp_less_tangent(-mean));
            let growth = expm1_f64(difference);
            return Self { value: excess, gradient: p * rest * growth / (1.0 + p * growth) };
        }
        // An outcome without probability costs nothing, however improbable it is to the other.
        let cost = |p: f64, a: f64, b: f64| if p == 0.0 { 0.0 } else { p * (softplus(-b) - softplus(-a)) };
        Self { value: (cost(p, a, b) + cost(rest, -a, -b)).max(0.0), gradient: sigmoid(b) - p }
    }
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + exp_f64(-x))
    } else {
        let odds = exp_f64(x);
        odds / (1.0 + odds)
    }
}

/// `ln(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + ln_1p_f64(exp_f64(-x)) } else { ln_1p_f64(exp_f64(x)) }
}
