//! Decision trees in `model.safetensors`: arrays of the nodes, and the outputs of the leaves in the order of their nodes.
//!
//! `feature` (I32) is the input that a node compares, -1 for a leaf; `threshold` (F32) the highest value that goes below; `children` (I32)
//! the nodes below and above; `outputs` (F32) the logits or the value of each leaf.

use crate::data::Preprocessing;
use crate::model::tree::TreeArrays;
use crate::model::{DecisionTree, Predictor};
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::{Value, json};
use std::sync::Arc;

/// Name, element type, shape, bytes.
type Entry = (String, Dtype, Vec<usize>, Vec<u8>);

/// The metadata of a tree, and its tensors.
pub(super) fn entries(tree: &DecisionTree) -> (Value, Vec<Entry>) {
    let TreeArrays { features, thresholds, next, outputs } = tree.to_arrays();
    let (nodes, leaves) = (features.len(), tree.leaves());
    let feature = |&feature: &u64| if feature == tree.features() as u64 { -1 } else { feature as i32 };
    let integers = |numbers: Vec<i32>| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let floats = |numbers: Vec<f32>| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let about = json!({ "kind": "tree", "inputs": tree.features(), "outputs": tree.outputs() });
    let tensors = vec![
        ("feature".to_owned(), Dtype::I32, vec![nodes], integers(features.iter().map(feature).collect())),
        ("threshold".to_owned(), Dtype::F32, vec![nodes], floats(thresholds)),
        (
            "children".to_owned(),
            Dtype::I32,
            vec![nodes, 2],
            integers(next.into_iter().map(|n| n as i32).collect()),
        ),
        ("outputs".to_owned(), Dtype::F32, vec![leaves, tree.outputs()], floats(outputs)),
    ];
    (about, tensors)
}

/// Reads a tree behind its preprocessing.
///
/// # Errors
/// If the file is no whole tree: the reason.
pub(super) fn read(file: &SafeTensors<'_>, about: &Value) -> Result<Predictor, String> {
    let damaged = |what: &str| format!("its {what} is damaged");
    let words = |name: &str, kind: Dtype| -> Result<Vec<[u8; 4]>, String> {
        let view = file.tensor(name).map_err(|_| format!("tensor `{name}` is missing"))?;
        if view.dtype() != kind {
            return Err(format!("tensor `{name}` is {:?}, not {kind:?}", view.dtype()));
        }
        Ok(view.data().as_chunks::<4>().0.to_vec())
    };
    let size = |key: &str| {
        let size = about[key].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
        size.ok_or_else(|| damaged(key))
    };
    let (inputs, outputs) = (size("inputs")?, size("outputs")?);
    let integers = |name: &str| -> Result<Vec<i32>, String> {
        Ok(words(name, Dtype::I32)?.into_iter().map(i32::from_le_bytes).collect())
    };
    let floats = |name: &str| -> Result<Vec<f32>, String> {
        Ok(words(name, Dtype::F32)?.into_iter().map(f32::from_le_bytes).collect())
    };
    // A negative number is beyond all others, and so is none.
    let place = |n: i32| u64::from(n as u32);
    let feature = |n: i32| if n == -1 { inputs as u64 } else { place(n) };
    let arrays = TreeArrays {
        features: integers("feature")?.into_iter().map(feature).collect(),
        thresholds: floats("threshold")?,
        next: integers("children")?.into_iter().map(place).collect(),
        outputs: floats("outputs")?,
    };
    let tree = DecisionTree::from_arrays(inputs, outputs, &arrays)?;
    if !tree.is_finite() {
        return Err("a threshold or an output is not finite".to_owned());
    }
    let preprocessing =
        Preprocessing::from_json(&about["preprocessing"]).ok_or_else(|| damaged("preprocessing"))?;
    Predictor::of_tree(tree, Arc::new(preprocessing))
}
