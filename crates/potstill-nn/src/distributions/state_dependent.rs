//! Noise on actions that depends on the state.

use potstill_core::{Pcg64, math};

/// Generalised state-dependent exploration (Raffin et al. 2022, section 3): the noise on component `c` of an action
/// is `sum_j phi_j theta_jc`, with the features `phi` of the state and `theta_jc ~ N(0, exp(log_std_jc)^2)`. While
/// `theta` stays, the same state has the same noise; over all `theta` the noise is normal with the variance
/// `sum_j phi_j^2 exp(2 log_std_jc)`.
///
/// ```
/// use potstill_nn::distributions::StateDependentNoise;
///
/// // Two features of one state, one component.
/// let of = StateDependentNoise::new(&[3.0, 4.0], &[0.0, 0.0], 1);
/// let (mut noise, mut variances, mut log_std) = ([0.0], Vec::new(), [0.0]);
/// of.noise(&[0.5, -1.0], &mut noise);
/// of.log_std(&mut variances, &mut log_std);
/// assert_eq!(noise, [-2.5]);
/// assert!((log_std[0] - 5.0_f32.ln()).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StateDependentNoise<'a> {
    features: &'a [f32],
    log_std: &'a [f32],
    components: usize,
}

/// Added to a variance, so that a state without features has one: Stable-Baselines3.
const VARIANCE_MIN: f32 = 1e-6;

impl<'a> StateDependentNoise<'a> {
    /// The noise of states with these features, `samples x features`, for logarithms of deviations,
    /// `features x components`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn new(features: &'a [f32], log_std: &'a [f32], components: usize) -> Self {
        assert!(components > 0 && log_std.len().is_multiple_of(components), "deviations of whole features");
        assert!(features.len().is_multiple_of(log_std.len() / components), "features of whole samples");
        Self { features, log_std, components }
    }

    /// Draws `theta`, `features x components`, or several such matrices.
    ///
    /// # Panics
    /// If `theta` is not of whole matrices.
    pub fn draw(log_std: &[f32], rng: &mut Pcg64, theta: &mut [f32]) {
        assert!(theta.len().is_multiple_of(log_std.len()), "whole matrices");
        for matrix in theta.chunks_exact_mut(log_std.len()) {
            for (theta, log_std) in matrix.iter_mut().zip(log_std) {
                *theta = math::exp(*log_std) * rng.normal() as f32;
            }
        }
    }

    fn rows(&self) -> std::slice::ChunksExact<'a, f32> {
        self.features.chunks_exact(self.log_std.len() / self.components)
    }

    /// The noise of each sample, `samples x components`, by one matrix `theta` for all, or by one for each.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn noise(&self, theta: &[f32], noise: &mut [f32]) {
        assert_eq!(noise.len(), self.rows().len() * self.components, "one number per component");
        let matrices = theta.chunks_exact(self.log_std.len()).cycle();
        let samples = self.rows().zip(noise.chunks_exact_mut(self.components)).zip(matrices);
        for ((phi, noise), theta) in samples {
            noise.fill(0.0);
            for (phi, theta) in phi.iter().zip(theta.chunks_exact(self.components)) {
                noise.iter_mut().zip(theta).for_each(|(sum, theta)| *sum += phi * theta);
            }
        }
    }

    /// The logarithm of the noise's standard deviation, `samples x components`. `variances` gets those of `theta`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn log_std(&self, variances: &mut Vec<f32>, log_std: &mut [f32]) {
        assert_eq!(log_std.len(), self.rows().len() * self.components, "one number per component");
        variances.clear();
        variances.extend(self.log_std.iter().map(|x| math::exp(2.0 * x)));
        for (phi, sums) in self.rows().zip(log_std.chunks_exact_mut(self.components)) {
            sums.fill(VARIANCE_MIN);
            for (phi, variances) in phi.iter().zip(variances.chunks_exact(self.components)) {
                sums.iter_mut().zip(variances).for_each(|(sum, variance)| *sum += phi * phi * variance);
            }
            sums.iter_mut().for_each(|sum| *sum = 0.5 * math::ln(*sum));
        }
    }

    /// Adds the gradient through [`log_std`](Self::log_std), from its results and the gradient `d` with respect to
    /// them: `d phi_j^2 s_jc^2 / s^2` with respect to `log_std_jc`, and `d phi_j s_jc^2 / s^2` with respect to a
    /// feature, if those are asked for.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_log_std_gradients(
        &self,
        (variances, log_std): (&[f32], &[f32]),
        d: &[f32],
        d_log_std: &mut [f32],
        mut d_features: Option<&mut [f32]>,
    ) {
        assert_eq!(
            (variances.len(), d_log_std.len()),
            (self.log_std.len(), self.log_std.len()),
            "deviations"
        );
        assert_eq!((log_std.len(), d.len()), (self.rows().len() * self.components, log_std.len()), "samples");
        let width = self.components;
        for (sample, phi) in self.rows().enumerate() {
            for c in 0..width {
                let i = sample * width + c;
                // The weight of the variance, 1 / s^2.
                let weight = d[i] * math::exp(-2.0 * log_std[i]);
                if weight == 0.0 {
                    continue;
                }
                for (j, phi) in phi.iter().enumerate() {
                    let share = weight * phi * variances[j * width + c];
                    d_log_std[j * width + c] += share * phi;
                    if let Some(d_features) = &mut d_features {
                        d_features[sample * self.log_std.len() / width + j] += share;
                    }
                }
            }
        }
    }

    /// Adds the gradient through [`noise`](Self::noise) by one matrix, from that with respect to the noise: `d phi_j
    /// theta_jc` with respect to `log_std_jc`, which `theta_jc` is drawn with, and `d theta_jc` with respect to a
    /// feature.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn add_noise_gradients(
        &self,
        theta: &[f32],
        d_noise: &[f32],
        d_log_std: &mut [f32],
        d_features: &mut [f32],
    ) {
        assert_eq!((theta.len(), d_log_std.len()), (self.log_std.len(), self.log_std.len()), "deviations");
        assert_eq!(d_features.len(), self.features.len(), "one gradient per feature");
        assert_eq!(d_noise.len(), self.rows().len() * self.components, "one gradient per component");
        let d_rows = d_features.chunks_exact_mut(self.log_std.len() / self.components);
        for ((phi, d_phi), d) in self.rows().zip(d_rows).zip(d_noise.chunks_exact(self.components)) {
            let matrices =
                theta.chunks_exact(self.components).zip(d_log_std.chunks_exact_mut(self.components));
            for ((phi, d_phi), (theta, d_log_std)) in phi.iter().zip(d_phi).zip(matrices) {
                for ((theta, d_log_std), d) in theta.iter().zip(d_log_std).zip(d) {
                    *d_phi += d * theta;
                    *d_log_std += d * phi * theta;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEATURES: [f32; 6] = [0.3, -0.8, 1.1, 0.5, 0.2, -0.4];
    const LOG_STD: [f32; 6] = [-0.5, 0.2, -1.0, 0.1, 0.4, -0.3];

    /// `sum_i w_i x_i` for the noise by `theta = exp(log_std) z`, or for the logarithms of the deviations.
    fn weighted(features: &[f32], log_std: &[f32], z: Option<&[f32]>, weights: &[f32]) -> f64 {
        let of = StateDependentNoise::new(features, log_std, 2);
        let mut found = [0.0; 4];
        match z {
            Some(z) => {
                let theta: Vec<f32> = z.iter().zip(log_std).map(|(z, s)| z * math::exp(*s)).collect();
                of.noise(&theta, &mut found);
            }
            None => of.log_std(&mut Vec::new(), &mut found),
        }
        found.iter().zip(weights).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum()
    }

    #[test]
    fn gradients_are_differences() {
        let weights = [0.7, -1.1, 0.4, 0.9];
        let z = [0.3, -1.2, 0.8, 0.5, -0.7, 1.4];
        let of = StateDependentNoise::new(&FEATURES, &LOG_STD, 2);
        for z in [Some(&z[..]), None] {
            let (mut d_log_std, mut d_features) = ([0.0; 6], [0.0; 6]);
            match z {
                Some(z) => {
                    let theta: Vec<f32> = z.iter().zip(&LOG_STD).map(|(z, s)| z * math::exp(*s)).collect();
                    of.add_noise_gradients(&theta, &weights, &mut d_log_std, &mut d_features);
                }
                None => {
                    let (mut variances, mut log_std) = (Vec::new(), [0.0; 4]);
                    of.log_std(&mut variances, &mut log_std);
                    let d_features = Some(&mut d_features[..]);
                    of.add_log_std_gradients((&variances, &log_std), &weights, &mut d_log_std, d_features);
                }
            }
            let moved = |numbers: &[f32; 6], i: usize, by: f32| {
                let mut moved = *numbers;
                moved[i] += by;
                moved
            };
            const STEP: f32 = 1.0 / 256.0;
            for i in 0..6 {
                let by_log_std = |by| weighted(&FEATURES, &moved(&LOG_STD, i, by), z, &weights);
                let by_feature = |by| weighted(&moved(&FEATURES, i, by), &LOG_STD, z, &weights);
                let checks: [(&dyn Fn(f32) -> f64, f32); 2] =
                    [(&by_log_std, d_log_std[i]), (&by_feature, d_features[i])];
                for (of, found) in checks {
                    let expected = (of(STEP) - of(-STEP)) / f64::from(2.0 * STEP);
                    assert!((f64::from(found) - expected).abs() < 2e-4, "{i}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn the_noise_of_a_state_has_the_variance_that_is_said() {
        let of = StateDependentNoise::new(&FEATURES, &LOG_STD, 2);
        let (mut theta, mut noise, mut log_std) = ([0.0; 6], [0.0; 4], [0.0; 4]);
        of.log_std(&mut Vec::new(), &mut log_std);
        let (mut rng, mut squares) = (Pcg64::new(3), [0.0_f64; 4]);
        const DRAWS: usize = 40_000;
        for _ in 0..DRAWS {
            StateDependentNoise::draw(&LOG_STD, &mut rng, &mut theta);
            of.noise(&theta, &mut noise);
            squares.iter_mut().zip(&noise).for_each(|(sum, x)| *sum += f64::from(x * x));
        }
        for (square, log_std) in squares.iter().zip(log_std) {
            let ratio = square / DRAWS as f64 / f64::from(math::exp(2.0 * log_std));
            // The standard error of a variance is sqrt(2 / 40,000) = 0.0071 of it; four numbers are drawn once.
            assert!((ratio - 1.0).abs() < 0.028, "{ratio}");
        }
    }
}
