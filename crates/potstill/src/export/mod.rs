//! Export of trained models: a file per format, and the list by which `potstill export` finds them.
//!
//! ```
//! use potstill::export::{self, About, safetensors};
//! use potstill::model::{Model, QTable};
//!
//! let model = Model::Table(QTable::from_values(2, vec![0.0, 1.0, 2.0, 3.0]));
//! let exporter = export::find("safetensors").unwrap();
//! exporter.takes(&model)?;
//! assert_eq!(exporter.extension(), "safetensors");
//! assert_eq!(safetensors::read(&exporter.write(&model, &About::default())), Ok(model));
//! # Ok::<(), String>(())
//! ```

mod exporter;
pub mod onnx;
mod onnx_layers;
pub mod safetensors;
mod tree_file;

pub use exporter::{About, Exporter, Purpose};

/// All formats; the first is the default.
pub const EXPORTERS: [&dyn Exporter; 2] = [&safetensors::Safetensors, &onnx::Onnx];

/// Finds a format by its name.
pub fn find(name: &str) -> Option<&'static dyn Exporter> {
    EXPORTERS.into_iter().find(|exporter| exporter.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ControlPolicy, LinearModel, Model, QTable};
    use crate::tile_coding::TileCoder;
    use potstill_core::Pcg64;
    use potstill_env::Space;
    use potstill_nn::NetworkSpec;
    use std::collections::BTreeSet;

    /// A model of each kind.
    fn models() -> [Model; 4] {
        let spec: NetworkSpec = "mlp:4".parse().unwrap();
        let network = |outputs| spec.build(3, outputs, &mut Pcg64::new(1));
        let bounds = Space::Box { low: vec![-1.0; 2], high: vec![1.0; 2] };
        [
            Model::Table(QTable::from_values(2, vec![0.0, 1.0, 2.0, 3.0])),
            Model::Linear(LinearModel::new(TileCoder::new(vec![(0.0, 1.0)], 2, 2).unwrap(), 2, 0.5)),
            Model::Network(network(2)),
            Model::Control(ControlPolicy::new(network(2), &bounds)),
        ]
    }

    #[test]
    fn every_format_is_found_by_its_name_and_takes_or_refuses_every_model() {
        let names: BTreeSet<_> = EXPORTERS.iter().map(|exporter| exporter.name()).collect();
        assert_eq!(names.len(), EXPORTERS.len(), "a name is one format's");
        for exporter in EXPORTERS {
            let (name, extension, summary) = (exporter.name(), exporter.extension(), exporter.summary());
            assert_eq!(find(name).map(Exporter::name), Some(name));
            assert!(!extension.is_empty() && !extension.starts_with('.'), "{name}");
            assert!(summary.lines().count() == 1 && !summary.ends_with('.'), "{name}");
            let models = models();
            let taken = models.iter().filter(|model| match exporter.takes(model) {
                Ok(()) => {
                    let about = About::default();
                    let bytes = exporter.write(model, &about);
                    assert!(
                        !bytes.is_empty() && bytes == exporter.write(model, &about),
                        "{name}: the same file"
                    );
                    true
                }
                Err(reason) => {
                    assert!(!reason.is_empty(), "{name}");
                    false
                }
            });
            assert!(taken.count() > 0, "{name} is for something");
        }
        assert!(find("nothing").is_none());
    }
}
