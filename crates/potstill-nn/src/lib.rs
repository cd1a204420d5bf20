//! Small networks on flat parameters. Nothing in this crate is about reinforcement learning.
//!
//! A loss is a pure function that returns its value and its gradient with respect to the network's outputs,
//! so the engine needs no tape: [`Network::forward`], a loss, [`Network::backward`], [`Optimiser::step`].
//! [`Network::backward_from`] also takes gradients of hidden layers and free parameters in, and gives those
//! with respect to the inputs. An [`Interface`] names several heads and free parameters.
//!
//! | module | contents |
//! |---|---|
//! | [`spec`] | network specifications such as `mlp:64,64:tanh` |
//! | [`network`] | parameters, heads, forward and backward passes over a batch |
//! | [`loss`] | regression, cross-entropy, quantile regression, and the losses of distillation, on logits, values and hidden layers |
//! | [`distributions`] | categorical, Gaussian and squashed Gaussian: samples, log-probabilities, entropies, divergences |
//! | [`ngrams`], [`embedding`] | bags of hashed n-grams before a network, of texts: their form; tables of rows, sparse gradients and steps |
//! | [`optim`] | SGD, RMSprop, Adam, AdamW, gradient clipping |
//! | [`kernels`] | loops over elements, for AVX-512, AVX2 and portable; the products are in a private module beside it |
//!
//! ```
//! use potstill_core::Pcg64;
//! use potstill_nn::{NetworkSpec, Optimiser, Rule, Workspace, loss};
//!
//! let spec: NetworkSpec = "mlp:8".parse()?;
//! let mut network = spec.build(2, 2, &mut Pcg64::new(1));
//! let mut optimiser = Optimiser::new(Rule::ADAM, network.parameters().len());
//! let (mut workspace, mut gradient) = (Workspace::default(), vec![0.0; network.parameters().len()]);
//! let (xor, labels) = ([0., 0., 0., 1., 1., 0., 1., 1.], [0, 1, 1, 0]);
//! let mut d_logits = [0.0; 8];
//! let mut value = f32::INFINITY;
//! for _ in 0..300 {
//!     let logits = network.forward(&xor, &mut workspace);
//!     value = loss::cross_entropy(logits, &labels, &mut d_logits);
//!     network.backward(&d_logits, &mut workspace, &mut gradient);
//!     network.update_parameters(|p| optimiser.step(0.05, p, &gradient, workspace.workers()));
//! }
//! assert!(value < 0.01);
//! # Ok::<(), potstill_nn::spec::SpecError>(())
//! ```

// Loops over the lanes of rows are written with indices: closures and adaptors may be left out of the
// functions that are compiled for wide vectors.
#![allow(clippy::needless_range_loop)]

mod aligned;
mod apart;
mod backward;
mod batch_norm;
mod builder;
pub mod distributions;
mod dropout;
pub mod embedding;
mod forward;
mod heads;
mod helpers;
mod init;
mod interface;
pub mod kernels;
mod lanes;
mod linear;
mod log_softmax;
pub mod loss;
mod masks;
mod max_norm;
pub mod network;
pub mod ngrams;
mod ops;
pub mod optim;
mod pieces;
mod plan;
pub mod spec;
mod stage;
mod statistics;
mod tap;
mod tensors;
mod workers;
mod workspace;

pub use aligned::Aligned;
pub use backward::Upstream;
pub use dropout::Dropout;
pub use forward::TAUS;
pub use init::Initialisation;
pub use interface::{Ends, FreeParameters, Head, Inputs, Interface, NamedHead};
pub use lanes::Level;
pub use network::Network;
pub use optim::{Optimiser, Rule};
pub use spec::{Activation, NetworkSpec};
pub use tap::Tap;
pub use tensors::{Tensor, TensorError};
pub use workers::Workers;
pub use workspace::Workspace;
