//! Initial parameters of a network.

use crate::plan::Weights;
use potstill_core::Pcg64;

/// The distribution that initial weights and biases are drawn from. Gains of normalisations begin as 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initialisation {
    /// PyTorch's default: weights and biases uniform within `1 / sqrt(inputs)` of 0. Noisy layers always
    /// begin so, with deviations of `0.5 / sqrt(inputs)` (Fortunato et al. 2018, section 3.2).
    #[default]
    Pytorch,
    /// Orthogonal rows or columns times the square root of 2, but for the outputs, times 1; biases 0 (Saxe et
    /// al. 2014).
    Orthogonal,
    /// Uniform within `sqrt(6 / (inputs + outputs))` of 0; biases 0 (Glorot and Bengio 2010).
    Xavier,
    /// Normal with variance `2 / inputs`; biases 0 (He et al. 2015).
    Kaiming,
    /// Normal with variance `1 / inputs`, truncated at two deviations; biases 0. Flax's default (LeCun et al. 1998).
    LecunNormal,
    /// Normal with variance `2 / inputs`, but for the outputs `1 / inputs`, truncated at two deviations; biases 0:
    /// Flax's `he_normal` for hidden layers.
    HeNormal,
}

/// The deviation of a standard normal number that is truncated at two.
const TRUNCATED: f64 = 0.879_625_661_034_239_8;

/// The deviation of a noisy weight, times the square root of the inputs.
const SIGMA: f64 = 0.5;

impl Initialisation {
    /// Fills weights and biases, and deviations of noisy ones, which begin where `parameters` does.
    pub(crate) fn fill(self, weights: &Weights, is_output: bool, parameters: &mut [f32], rng: &mut Pcg64) {
        let (rows, columns) = (weights.layer.patch(), weights.layer.outputs);
        let (means, rest) = parameters.split_at_mut(weights.length());
        let bound = 1.0 / (rows as f64).sqrt();
        if weights.noise.is_some() {
            rest[..weights.length()].fill((SIGMA * bound) as f32);
        }
        let how = if weights.noise.is_some() { Self::Pytorch } else { self };
        let (matrix, biases) = means.split_at_mut(rows * columns);
        match how {
            Self::Pytorch => {
                let all = matrix.iter_mut().chain(biases);
                all.for_each(|parameter| *parameter = rng.uniform(-bound, bound) as f32);
                return;
            }
            Self::Xavier => {
                // The outputs of a convolution are as many as each input is seen by.
                let taps = weights.layer.kernel * weights.layer.kernel;
                let bound = (6.0 / (rows + taps * columns) as f64).sqrt();
                matrix.iter_mut().for_each(|w| *w = rng.uniform(-bound, bound) as f32);
            }
            Self::Kaiming => {
                let deviation = (2.0 / rows as f64).sqrt();
                matrix.iter_mut().for_each(|w| *w = (deviation * rng.normal()) as f32);
            }
            Self::LecunNormal | Self::HeNormal => {
                let gain = if self == Self::HeNormal && !is_output { 2.0 } else { 1.0 };
                let deviation = (gain / rows as f64).sqrt() / TRUNCATED;
                matrix.iter_mut().for_each(|w| *w = (deviation * truncated_normal(rng)) as f32);
            }
            Self::Orthogonal => {
                let gain = if is_output { 1.0 } else { std::f64::consts::SQRT_2 };
                let vectors = orthonormal(rows.min(columns), rows.max(columns), rng);
                for (i, vector) in vectors.iter().enumerate() {
                    for (j, &x) in vector.iter().enumerate() {
                        let (row, column) = if rows <= columns { (i, j) } else { (j, i) };
                        matrix[row * columns + column] = (gain * x) as f32;
                    }
                }
            }
        }
        biases.fill(0.0);
    }
}

/// A standard normal number given that it is within two deviations of 0.
fn truncated_normal(rng: &mut Pcg64) -> f64 {
    loop {
        let x = rng.normal();
        if x.abs() <= 2.0 {
            return x;
        }
    }
}

/// Orthonormal vectors, `count` of this length, uniformly distributed: normal ones, each made orthogonal to
/// those before it (twice, since once leaves rounding behind).
fn orthonormal(count: usize, length: usize, rng: &mut Pcg64) -> Vec<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    for _ in 0..count {
        let mut vector: Vec<f64> = (0..length).map(|_| rng.normal()).collect();
        for other in vectors.iter().chain(&vectors) {
            let along = dot(&vector, other);
            vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
        let norm = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
        vectors.push(vector);
    }
    vectors
}
