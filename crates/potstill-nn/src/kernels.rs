//! The loops over elements, written once and compiled three times: for AVX-512, for AVX2, and for any
//! processor.
//!
//! Letters: `x` inputs, `y` outputs, `d_` the gradient of the loss with respect to what follows; `p`
//! parameters, `g` their gradient, `m` and `v` (or `s`) its first and second moment; all of one length.
//!
//! All compilations give the same bits: the compiler never fuses or reorders operations by itself. The
//! products are in `linear`.
//!
//! ```
//! let mut target = [0.0, 8.0];
//! potstill_nn::kernels::blend(0.25, &[4.0, 0.0], &mut target);
//! assert_eq!(target, [1.0, 6.0]);
//! ```

use crate::lanes::{Level, lanes};
use potstill_core::math;

/// A function compiled for every level, and called for the best; beside it, in a module of its name, `at` for
/// a given one. The slices after `over` have one length.
macro_rules! kernel {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $type:ty),* $(,)?) over [$($slice:ident)*] $body:block) => {
        $(#[$doc])*
        ///
        /// # Panics
        /// If the lengths differ.
        pub fn $name($($arg: $type),*) {
            let lengths = [$($slice.len()),*];
            assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?} numbers");
            $name::at(Level::best(), $($arg),*);
        }

        mod $name {
            #[allow(unused_imports, reason = "a kernel may need none of its module's names")]
            use super::*;

            // The compiler finds the vectors by itself.
            lanes! {
                pub(super) fn at<S>($($arg: $type),*) $body
            }
        }
    };
}

kernel! {
    /// `y = max(x, 0)`; NaN stays NaN, so that it is seen.
    pub fn relu(x: &[f32], y: &mut [f32]) over [x y] {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = if x < 0.0 { 0.0 } else { x };
        }
    }
}

kernel! {
    /// The gradient with respect to the input from that with respect to the output, which is `y`: 0 where the
    /// output is 0.
    pub fn relu_backward(y: &[f32], d_y: &[f32], d_x: &mut [f32]) over [y d_y d_x] {
        for ((d_x, &d_y), &y) in d_x.iter_mut().zip(d_y).zip(y) {
            *d_x = if y > 0.0 { d_y } else { 0.0 };
        }
    }
}

kernel! {
    /// `y = tanh x`.
    pub fn tanh(x: &[f32], y: &mut [f32]) over [x y] {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = math::tanh(x);
        }
    }
}

kernel! {
    /// The gradient with respect to the input: `d_y (1 - y^2)`.
    pub fn tanh_backward(y: &[f32], d_y: &[f32], d_x: &mut [f32]) over [y d_y d_x] {
        for ((d_x, &d_y), &y) in d_x.iter_mut().zip(d_y).zip(y) {
            *d_x = d_y * (1.0 - y * y);
        }
    }
}

/// The probability that a standard normal number is below `x`.
#[inline(always)]
fn normal_cdf(x: f32) -> f32 {
    0.5 * (1.0 + math::erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

kernel! {
    /// `y = x Phi(x)`, `Phi` the normal distribution's.
    pub fn gelu(x: &[f32], y: &mut [f32]) over [x y] {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x * normal_cdf(x);
        }
    }
}

kernel! {
    /// The gradient with respect to the input, `x`: `d_y (Phi(x) + x phi(x))`.
    pub fn gelu_backward(x: &[f32], d_y: &[f32], d_x: &mut [f32]) over [x d_y d_x] {
        for ((d_x, &d_y), &x) in d_x.iter_mut().zip(d_y).zip(x) {
            // One over the square root of two pi.
            let density = 0.398_942_3 * math::exp(-0.5 * x * x);
            *d_x = d_y * (normal_cdf(x) + x * density);
        }
    }
}

#[inline(always)]
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + math::exp(-x))
}

kernel! {
    /// `y = x / (1 + e^-x)`.
    pub fn silu(x: &[f32], y: &mut [f32]) over [x y] {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x * logistic(x);
        }
    }
}

kernel! {
    /// The gradient with respect to the input, `x`: `d_y s (1 + x (1 - s))`, `s = 1 / (1 + e^-x)`.
    pub fn silu_backward(x: &[f32], d_y: &[f32], d_x: &mut [f32]) over [x d_y d_x] {
        for ((d_x, &d_y), &x) in d_x.iter_mut().zip(d_y).zip(x) {
            let s = logistic(x);
            *d_x = d_y * (s * (1.0 + x * (1.0 - s)));
        }
    }
}

/// A moment below this has faded: steps with an `epsilon` of 1e-15 or more, which is all that is accepted, do
/// not feel it. What fades without end, as where a unit is dead, would become subnormal, and processors take
/// many times as long over such numbers.
const FADED: f32 = 1e-30;
/// The same of a moment of squares.
const FADED_SQUARE: f32 = 1e-36;
/// The same of a mean that is squared.
const FADED_MEAN: f32 = 1e-18;

/// The moment, or 0 if it has faded; NaN stays.
#[inline(always)]
fn unless_faded(moment: f32, faded: f32) -> f32 {
    if moment.abs() < faded { 0.0 } else { moment }
}

/// The constants of one Adam step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate over the first bias correction.
    pub rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// One over the square root of the second bias correction.
    pub scale: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// The factor of the parameters before the step: 1, or less for decoupled weight decay.
    pub keep: f32,
    /// The factor of the gradient: 1, or less if it is too long.
    pub shrink: f32,
}

kernel! {
    /// One fused step of Adam over parameters, gradient and both moments (all of one length). Faded moments
    /// become 0.
    pub fn adam(step: AdamStep, parameters: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) over [parameters gradient first second] {
        let AdamStep { rate, beta1, beta2, scale, epsilon, keep, shrink } = step;
        let moments = first.iter_mut().zip(second);
        for ((p, &g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            let g = g * shrink;
            *m = unless_faded(beta1 * *m + (1.0 - beta1) * g, FADED);
            *v = unless_faded(beta2 * *v + (1.0 - beta2) * (g * g), FADED_SQUARE);
            *p = keep * *p - rate * *m / (v.sqrt() * scale + epsilon);
        }
    }
}

/// The constants of one step of stochastic gradient descent.
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// Learning rate.
    pub rate: f32,
    /// The share of the velocity that stays.
    pub momentum: f32,
    /// Steps along the gradient and the velocity to come (Nesterov).
    pub nesterov: bool,
    /// The factor of the gradient.
    pub shrink: f32,
}

kernel! {
    /// One step of stochastic gradient descent with momentum, as PyTorch's, over parameters, gradient and
    /// velocity. A faded velocity becomes 0.
    pub fn sgd(step: SgdStep, parameters: &mut [f32], gradient: &[f32], velocity: &mut [f32]) over [parameters gradient velocity] {
        let SgdStep { rate, momentum, nesterov, shrink } = step;
        for ((p, &g), v) in parameters.iter_mut().zip(gradient).zip(velocity) {
            let g = g * shrink;
            *v = unless_faded(momentum * *v + g, FADED);
            *p -= rate * if nesterov { g + momentum * *v } else { *v };
        }
    }
}

/// The constants of one RMSprop step.
#[derive(Clone, Copy, Debug)]
pub struct RmspropStep {
    /// Learning rate.
    pub rate: f32,
    /// Decay of the means.
    pub alpha: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Subtracts the mean gradient.
    pub centred: bool,
    /// The factor of the gradient.
    pub shrink: f32,
}

kernel! {
    /// One fused step of RMSprop, as PyTorch's, over parameters, gradient, its mean and the mean of its
    /// square. Faded means become 0.
    pub fn rmsprop(step: RmspropStep, parameters: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) over [parameters gradient mean square] {
        let RmspropStep { rate, alpha, epsilon, centred, shrink } = step;
        let means = mean.iter_mut().zip(square);
        for ((p, &g), (m, s)) in parameters.iter_mut().zip(gradient).zip(means) {
            let g = g * shrink;
            *s = unless_faded(alpha * *s + (1.0 - alpha) * (g * g), FADED_SQUARE);
            let variance = if centred {
                *m = unless_faded(alpha * *m + (1.0 - alpha) * g, FADED_MEAN);
                *s - *m * *m
            } else {
                *s
            };
            // Rounding may take it below 0.
            *p -= rate * g / (variance.max(0.0).sqrt() + epsilon);
        }
    }
}

kernel! {
    /// The sum of squares, over sixteen sums in double precision: a fixed order that still fills vectors.
    pub fn square_sum(values: &[f32], sum: &mut f64) over [values] {
        let mut sums = [0.0_f64; 16];
        let (chunks, rest) = values.as_chunks::<16>();
        for chunk in chunks {
            for i in 0..16 {
                sums[i] += f64::from(chunk[i]) * f64::from(chunk[i]);
            }
        }
        for (sum, &x) in sums.iter_mut().zip(rest) {
            *sum += f64::from(x) * f64::from(x);
        }
        *sum = sums.iter().sum();
    }
}

/// The Euclidean distance.
///
/// # Panics
/// If the lengths differ.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "points of one space");
    let mut sum = 0.0;
    square_distance(a, b, &mut sum);
    sum.sqrt()
}

kernel! {
    /// The sum of squared differences, over sixteen sums in double precision.
    pub fn square_distance(a: &[f32], b: &[f32], sum: &mut f64) over [a b] {
        let mut sums = [0.0_f64; 16];
        let (chunks, rest) = a.as_chunks::<16>();
        let (others, other_rest) = b.as_chunks::<16>();
        for (a, b) in chunks.iter().zip(others) {
            for i in 0..16 {
                sums[i] += f64::from(a[i] - b[i]) * f64::from(a[i] - b[i]);
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(rest).zip(other_rest) {
            *sum += f64::from(a - b) * f64::from(a - b);
        }
        *sum = sums.iter().sum();
    }
}

kernel! {
    /// `target += tau * (source - target)`: an exponential moving average.
    pub fn blend(tau: f32, source: &[f32], target: &mut [f32]) over [source target] {
        for (t, &s) in target.iter_mut().zip(source) {
            *t += tau * (s - *t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;
    use proptest::prelude::*;

    fn noise(length: usize, rng: &mut Pcg64) -> Vec<f32> {
        (0..length).map(|_| rng.uniform(-2.0, 2.0) as f32).collect()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|x| x.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn every_level_gives_the_same_bits(length in 1_usize..70, seed: u64) {
            let mut rng = Pcg64::new(seed);
            let (x, y, z) = (noise(length, &mut rng), noise(length, &mut rng), noise(length, &mut rng));
            let check = |kernel: &dyn Fn(Level, &mut [f32])| {
                let results = Level::all().into_iter().map(|level| {
                    let mut values = x.clone();
                    kernel(level, &mut values);
                    bits(&values)
                });
                let results: Vec<_> = results.collect();
                assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
            };
            check(&|level, v| relu::at(level, &y, v));
            check(&|level, v| tanh::at(level, &y, v));
            check(&|level, v| gelu::at(level, &y, v));
            check(&|level, v| silu::at(level, &y, v));
            check(&|level, v| relu_backward::at(level, &y, &z, v));
            check(&|level, v| tanh_backward::at(level, &y, &z, v));
            check(&|level, v| gelu_backward::at(level, &y, &z, v));
            check(&|level, v| silu_backward::at(level, &y, &z, v));
            check(&|level, v| blend::at(level, 0.3, &y, v));
            check(&|level, v| {
                let mut sum = 0.0;
                square_sum::at(level, &y, &mut sum);
                v[0] = sum as f32;
            });
            let squares = vec![0.2; length];
            let adam = AdamStep { rate: 0.1, beta1: 0.9, beta2: 0.999, scale: 1.3, epsilon: 1e-8, keep: 0.99, shrink: 0.7 };
            check(&|level, v| adam::at(level, adam, v, &y, &mut z.clone(), &mut squares.clone()));
            for flag in [false, true] {
                let sgd = SgdStep { rate: 0.1, momentum: 0.9, nesterov: flag, shrink: 0.7 };
                check(&|level, v| sgd::at(level, sgd, v, &y, &mut z.clone()));
                let rmsprop = RmspropStep { rate: 0.1, alpha: 0.95, epsilon: 0.01, centred: flag, shrink: 0.7 };
                check(&|level, v| rmsprop::at(level, rmsprop, v, &y, &mut z.clone(), &mut squares.clone()));
            }
        }
    }

    #[test]
    fn moments_of_dead_units_fade_to_zero() {
        let step =
            AdamStep { rate: 0.1, beta1: 0.5, beta2: 0.5, scale: 1.0, epsilon: 1e-8, keep: 1.0, shrink: 1.0 };
        let (mut first, mut second) = ([2.2e-30, -1.8e-30, f32::NAN], [2.2e-36, 1.8e-36, f32::NAN]);
        adam(step, &mut [1.0; 3], &[0.0; 3], &mut first, &mut second);
        assert_eq!((&first[..2], &second[..2]), (&[1.1e-30, 0.0][..], &[1.1e-36, 0.0][..]));
        assert!(first[2].is_nan() && second[2].is_nan());
        let mut velocity = [-1.0];
        let step = SgdStep { rate: 0.1, momentum: 0.9, nesterov: false, shrink: 1.0 };
        // 0.9^655 is above 1e-30, 0.9^656 below.
        let faded = (1..).find(|_| {
            sgd(step, &mut [1.0], &[0.0], &mut velocity);
            velocity == [0.0]
        });
        assert_eq!(faded, Some(656));
        let step = RmspropStep { rate: 0.1, alpha: 0.5, epsilon: 1e-8, centred: true, shrink: 1.0 };
        let (mut mean, mut square) = ([-1.8e-18], [1.8e-36]);
        rmsprop(step, &mut [1.0], &[0.0], &mut mean, &mut square);
        assert_eq!((mean, square), ([0.0], [0.0]));
    }

    #[test]
    #[should_panic(expected = "[2, 3] numbers")]
    fn slices_of_other_lengths_are_refused() {
        relu(&[1.0, 2.0], &mut [9.0; 3]);
    }

    #[test]
    fn relu_lets_nan_through() {
        let mut values = [0.0; 4];
        relu(&[-1.0, f32::NAN, 2.0, -0.0], &mut values);
        assert!(values[1].is_nan());
        assert_eq!((values[0], values[2]), (0.0, 2.0));
    }
}
