//! Optimisers over flat parameters.
//!
//! ```
//! use potstill_nn::{Adam, AdamConfig};
//!
//! let mut adam = Adam::new(AdamConfig { learning_rate: 0.1, ..AdamConfig::default() }, 1);
//! let mut parameters = [1.0];
//! // The first step is the learning rate against the gradient's sign.
//! adam.step(&mut parameters, &[3.0]);
//! assert!((parameters[0] - 0.9_f32).abs() < 1e-6);
//! ```

use crate::kernels::{self, AdamStep};
use potstill_core::{State, StateError, Stateful, Value};

/// The settings of [`Adam`]; the defaults are PyTorch's and the paper's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// The step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// Adam (Kingma and Ba 2015, Algorithm 1), in one fused pass.
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
    first: Vec<f32>,
    second: Vec<f32>,
    /// `beta^t` as running products: `powi` has no specified precision.
    beta1_power: f64,
    beta2_power: f64,
}

impl Adam {
    /// An optimiser for `length` parameters that has made no step.
    pub fn new(config: AdamConfig, length: usize) -> Self {
        Self {
            config,
            first: vec![0.0; length],
            second: vec![0.0; length],
            beta1_power: 1.0,
            beta2_power: 1.0,
        }
    }

    /// Moves the parameters one step against the gradient.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32]) {
        assert_eq!(
            (parameters.len(), gradient.len()),
            (self.first.len(), self.first.len()),
            "one network per optimiser"
        );
        let AdamConfig { learning_rate, beta1, beta2, epsilon } = self.config;
        self.beta1_power *= beta1;
        self.beta2_power *= beta2;
        let step = AdamStep {
            rate: (learning_rate / (1.0 - self.beta1_power)) as f32,
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            scale: (1.0 / (1.0 - self.beta2_power).sqrt()) as f32,
            epsilon: epsilon as f32,
        };
        kernels::adam(step, parameters, gradient, &mut self.first, &mut self.second);
    }
}

impl Stateful for Adam {
    fn state(&self) -> State {
        State::new()
            .with("first", Value::F32s(self.first.clone()))
            .with("second", Value::F32s(self.second.clone()))
            .with("beta1_power", Value::F64(self.beta1_power))
            .with("beta2_power", Value::F64(self.beta2_power))
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        let length = self.first.len();
        self.first.copy_from_slice(state.f32s("first", length)?);
        self.second.copy_from_slice(state.f32s("second", length)?);
        self.beta1_power = state.f64("beta1_power")?;
        self.beta2_power = state.f64("beta2_power")?;
        Ok(())
    }
}

/// Scales the gradient down to a Euclidean norm of `norm_max` if it is longer, as PyTorch's `clip_grad_norm_`; returns the
/// norm before.
pub fn clip_norm(gradient: &mut [f32], norm_max: f64) -> f64 {
    let norm = norm(gradient);
    // 1e-6 is PyTorch's guard against division by zero.
    let scale = norm_max / (norm + 1e-6);
    if scale < 1.0 {
        let scale = scale as f32;
        for g in gradient {
            *g *= scale;
        }
    }
    norm
}

/// The Euclidean norm, summed over sixteen lanes in double precision: a fixed order that still vectorises.
pub fn norm(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    let chunks = values.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(x) * f64::from(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(x) * f64::from(x);
    }
    lanes.iter().sum::<f64>().sqrt()
}
