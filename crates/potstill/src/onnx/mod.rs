//! ONNX files: their writer ([`GraphBuilder`], used by [`crate::export::onnx`]), and a reader for teachers
//! from other programs.
//!
//! A file whose graph is a chain of layers becomes a [`Network`](potstill_nn::Network) that can be trained
//! further and exported ([`Model::to_network`]). All others are run as they are: [`Model::answers`] evaluates
//! them operator by operator, forests and boosted trees of scikit-learn and XGBoost among them. An operator
//! that is not known is refused by its name.
//!
//! Files are read within [`Limits`]: whatever the bytes, there is no panic, and no more memory and work than
//! these allow. Numbers in double precision are rounded to single, except the thresholds of trees.
//!
//! ```
//! use potstill::onnx::{ElementType, GraphBuilder, Kind, Model, Setting};
//!
//! // A file as scikit-learn's converter writes it: standardised inputs, a product, a softmax.
//! let mut graph = GraphBuilder::new("pipeline");
//! let x = graph.input("X", ElementType::Float, &[2]);
//! let scale = [("offset", Setting::Floats(vec![1.0, 2.0])), ("scale", Setting::Floats(vec![0.5, 0.25]))];
//! let x = graph.node("ai.onnx.ml.Scaler", &[&x], &scale);
//! let w = graph.floats("coefficient", &[2, 2], &[1.0, 0.0, 0.0, 1.0]);
//! let z = graph.node("MatMul", &[&x, &w], &[]);
//! let p = graph.node("Softmax", &[&z], &[("axis", Setting::Integer(1))]);
//! graph.output(&p, "probabilities", ElementType::Float, &[2]);
//! let mut model = Model::read(&graph.finish(&[]))?;
//! assert_eq!((model.inputs(), model.classes(), model.kind()), (2, 2, Kind::Logits));
//! assert_eq!(model.answers(&[3.0, 4.0], 1)?, [1.0, 0.5]);
//! // The scaling is folded into the weights of a network of one layer.
//! assert_eq!(model.to_network()?.parameters(), [0.5, 0.0, 0.0, 0.25, -0.5, -0.5]);
//! # Ok::<(), String>(())
//! ```

mod build;
mod dense;
#[cfg(feature = "disk")]
mod file;
mod graph;
mod import;
mod model;
mod op;
mod proto;
mod residual;
mod run;
mod shape;
mod tensor;
mod trees;
mod window;
mod wire;

pub use build::{ElementType, GraphBuilder, OPSET, Setting};
#[cfg(feature = "disk")]
pub use file::OpenError;
#[cfg(feature = "disk")]
pub(crate) use model::is_model;
pub use model::{Kind, Model};
pub use run::Limits;
pub use tensor::External;
