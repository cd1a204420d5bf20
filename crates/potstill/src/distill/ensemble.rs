//! The mean of the softened outputs of several teachers (Hinton et al. 2015, section 1; Bucila et al. 2006).
//!
//! With weights `w_i` that sum to 1 and logits `z_i`, at temperature `T`:
//!
//! | mean | softened outputs |
//! |---|---|
//! | [`Geometric`](EnsembleMean::Geometric) | proportional to `prod_i softmax(z_i / T)^w_i`, the softmax of the mean logits |
//! | [`Arithmetic`](EnsembleMean::Arithmetic) | `sum_i w_i softmax(z_i / T)` |
//!
//! ```
//! use potstill::distill::ensemble::{EnsembleMean, mean_logits};
//!
//! let (sure, unsure) = ([4.0, 0.0], [0.0, 0.0]);
//! let mut logits = Vec::new();
//! mean_logits(EnsembleMean::Geometric, 1.0, &[(0.5, &sure), (0.5, &unsure)], 2, &mut logits);
//! assert_eq!(logits, [2.0, 0.0]);
//! ```

use crate::config::words;
use potstill_core::math::{exp_f64, ln_f64};

words! {
    /// The mean of several teachers' softened outputs.
    pub enum EnsembleMean: "geometric or arithmetic" {
        /// The geometric mean: that of the logits.
        Geometric = "geometric",
        /// The arithmetic mean: that of the probabilities.
        Arithmetic = "arithmetic",
    }
}

/// The logits whose softmax at this temperature is the mean of the members' softened outputs, `samples x classes`, into `logits`. Members are a
/// weight, of a sum of 1, and logits of the same shape. Those of an arithmetic mean are relative to each row's largest.
///
/// # Panics
/// If the members' logits have different lengths, or are not of whole samples.
pub fn mean_logits(
    mean: EnsembleMean,
    temperature: f32,
    members: &[(f64, &[f32])],
    classes: usize,
    logits: &mut Vec<f32>,
) {
    let length = members.first().map_or(0, |(_, logits)| logits.len());
    assert!(members.iter().all(|(_, logits)| logits.len() == length), "logits of the same samples");
    assert!(length.is_multiple_of(classes), "logits of whole samples");
    logits.clear();
    match mean {
        EnsembleMean::Geometric => logits.extend((0..length).map(|i| {
            members.iter().map(|(weight, logits)| weight * f64::from(logits[i])).sum::<f64>() as f32
        })),
        EnsembleMean::Arithmetic => {
            let mut row = vec![0.0; classes];
            for begin in (0..length).step_by(classes) {
                let members = members.iter().map(|(weight, logits)| (*weight, &logits[begin..][..classes]));
                arithmetic(f64::from(temperature), members, &mut row);
                logits.extend(row.iter().map(|&z| z as f32));
            }
        }
    }
}

/// `T ln sum_i w_i softmax(z_i / T)` of a sample, less the largest.
fn arithmetic<'a>(
    temperature: f64,
    members: impl Iterator<Item = (f64, &'a [f32])> + Clone,
    row: &mut [f64],
) {
    let shares = |logits: &'a [f32]| {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let above = move |class: usize| (f64::from(logits[class]) - f64::from(highest)) / temperature;
        let sum: f64 = (0..logits.len()).map(|class| exp_f64(above(class))).sum();
        let rest = ln_f64(sum);
        move |class: usize| above(class) - rest
    };
    let members: Vec<_> = members.map(|(weight, logits)| (ln_f64(weight), shares(logits))).collect();
    for (class, z) in row.iter_mut().enumerate() {
        let terms = || members.iter().map(|(weight, share)| weight + share(class));
        let largest = terms().fold(f64::NEG_INFINITY, f64::max);
        *z = temperature * (largest + ln_f64(terms().map(|term| exp_f64(term - largest)).sum()));
    }
    let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|z| *z -= highest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::soft_targets;

    #[test]
    fn softened_outputs_are_the_mean_of_the_members() {
        // softmax([2, 0] / T) and softmax([0, 1, ...]) with NumPy 2.3, weights 0.75 and 0.25.
        let check = |mean, temperature: f32, expected: [f32; 2]| {
            let mut logits = Vec::new();
            mean_logits(mean, temperature, &[(0.75, &[2.0, 0.0]), (0.25, &[0.0, 1.0])], 2, &mut logits);
            let found = soft_targets(temperature, &logits, 2);
            let near = found.iter().zip(expected).all(|(p, q)| (p - q).abs() < 1e-6);
            assert!(near, "{found:?} at {temperature}");
        };
        check(EnsembleMean::Geometric, 1.0, [0.777_299_9, 0.222_700_1]);
        check(EnsembleMean::Geometric, 4.0, [0.577_495_4, 0.422_504_6]);
        check(EnsembleMean::Arithmetic, 1.0, [0.727_833_4, 0.272_166_6]);
        check(EnsembleMean::Arithmetic, 4.0, [0.576_300_6, 0.423_699_4]);
    }

    #[test]
    fn no_temperature_gives_infinite_logits() {
        for temperature in [1e-6, 1.0, 1e6] {
            let mut logits = Vec::new();
            let members: [(f64, &[f32]); 2] = [(0.5, &[80.0, 0.0, -80.0]), (0.5, &[-80.0, 0.0, 80.0])];
            mean_logits(EnsembleMean::Arithmetic, temperature, &members, 3, &mut logits);
            assert!(logits.iter().all(|z| z.is_finite()), "{logits:?} at {temperature}");
            assert!((logits[0] - logits[2]).abs() < 1e-4, "{logits:?} at {temperature}");
        }
    }
}
