//! Softmaxes in single precision.

use potstill_core::math;

/// `softmax(logits / temperature)` of one row of logits, in its place; the temperature is above 0.
pub fn softmax(temperature: f32, row: &mut [f32]) {
    let highest = highest(row);
    let mut sum = 0.0_f64;
    for z in &mut *row {
        *z = math::exp((*z - highest) / temperature);
        sum += f64::from(*z);
    }
    row.iter_mut().for_each(|p| *p = (f64::from(*p) / sum) as f32);
}

/// The mean of the values `low, low + gap, ...`, one for each logit, under the softmax of one row of logits.
pub fn softmax_mean(logits: &[f32], low: f32, gap: f32) -> f32 {
    let highest = highest(logits);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (i, &z) in logits.iter().enumerate() {
        let weight = f64::from(math::exp(z - highest));
        sum += weight;
        weighted += weight * i as f64;
    }
    (f64::from(low) + f64::from(gap) * (weighted / sum)) as f32
}

fn highest(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}
