//! Export of trained models.
//!
//! ```
//! use potstill::export::safetensors;
//! use potstill::model::{Model, QTable};
//!
//! let model = Model::Table(QTable::from_values(2, vec![0.0, 1.0, 2.0, 3.0]));
//! assert_eq!(safetensors::read(&safetensors::write(&model))?, model);
//! # Ok::<(), safetensors::ModelError>(())
//! ```

pub mod safetensors;
