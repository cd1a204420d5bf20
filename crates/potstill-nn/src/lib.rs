//! Small networks on flat parameters. This crate knows no word of reinforcement learning.
//!
//! A loss is a pure function that returns its value and its gradient in the network's outputs, so the engine needs no
//! tape: [`Network::forward`], a loss, [`Network::backward`], [`Adam::step`].
//!
//! | module | what is there |
//! |---|---|
//! | [`network`] | layers, forward and backward passes over a batch, named tensors |
//! | [`loss`] | regression, cross-entropy, temperature KL, the blended distillation loss |
//! | [`optim`] | Adam, gradient clipping |
//! | [`kernels`] | matrix product and elementwise loops, for AVX2 and portable; all `unsafe` of the project |
//!
//! ```
//! use potstill_core::Pcg64;
//! use potstill_nn::{Adam, AdamConfig, NetworkSpec, Workspace, loss};
//!
//! let spec: NetworkSpec = "mlp:8".parse()?;
//! let mut network = spec.build(2, 2, &mut Pcg64::new(1));
//! let mut optimiser = Adam::new(AdamConfig { learning_rate: 0.05, ..AdamConfig::default() }, network.parameters().len());
//! let (mut workspace, mut gradient) = (Workspace::default(), vec![0.0; network.parameters().len()]);
//! let (xor, labels) = ([0., 0., 0., 1., 1., 0., 1., 1.], [0, 1, 1, 0]);
//! let mut d_logits = [0.0; 8];
//! let mut value = f32::INFINITY;
//! for _ in 0..300 {
//!     let logits = network.forward(&xor, &mut workspace);
//!     value = loss::cross_entropy(logits, &labels, &mut d_logits);
//!     network.backward(&xor, &d_logits, &mut workspace, &mut gradient);
//!     optimiser.step(network.parameters_mut(), &gradient);
//! }
//! assert!(value < 0.01);
//! # Ok::<(), potstill_nn::network::SpecError>(())
//! ```

pub mod kernels;
pub mod loss;
pub mod network;
pub mod optim;

pub use network::{Activation, Network, NetworkSpec, Workspace};
pub use optim::{Adam, AdamConfig};
