//! `model.safetensors`: tensors with PyTorch's names and layouts, and metadata.
//!
//! `nn.Sequential(...).load_state_dict(safetensors.torch.load_file(path))` loads a network's file as it is,
//! except for dueling, noisy and implicit quantile networks, whose tensors have names of their own
//! (`value.0.weight`, `0.weight_mu`, `quantile.0.weight`); a table is one tensor `q` of `states x actions`. Residual
//! blocks have the names of torchvision's `BasicBlock`, batch normalisations `running_mean` and `running_var`.
//! The metadata says `format: pt`, as readers for PyTorch ask for, and holds the model's description under `potstill`.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::export::safetensors::{self, ModelError};
//! use potstill::model::Model;
//! use potstill::nn::NetworkSpec;
//!
//! let spec: NetworkSpec = "mlp:8".parse().unwrap();
//! let model = Model::Network(spec.build(4, 2, &mut Streams::new(1).stream("initialisation")));
//! let bytes = safetensors::write(&model);
//! assert_eq!(safetensors::read(&bytes), Ok(model));
//! assert!(matches!(safetensors::read(&bytes[..100]), Err(ModelError::Damaged { .. })));
//! ```

use super::exporter::{About, Exporter};
use super::tree_file;
use crate::data::Preprocessing;
use crate::model::{Bound, ControlPolicy, LinearModel, Model, Predictor, QTable, TextBag};
use crate::tile_coding::TileCoder;
use potstill_env::Space;
use potstill_nn::{Ends, Head, Inputs, Interface, Network, NetworkSpec, Tensor, TensorError};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use thiserror::Error;

/// The version of the metadata that is written.
pub const FORMAT: u64 = 1;
const METADATA_KEY: &str = "potstill";

/// A model file that cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file is damaged, or not in safetensors format.
    #[error("not a whole safetensors file ({reason}); it may be cut off: copy it again, or train again")]
    Damaged {
        /// The parser's reason.
        reason: String,
    },
    /// A safetensors file that another program wrote.
    #[error("no model of potstill's: {reason}")]
    Foreign {
        /// The missing or wrong part.
        reason: String,
    },
    /// A model for another environment.
    #[error("does not fit: {reason}")]
    Misfit {
        /// Expected and found spaces.
        reason: String,
    },
    /// A file of a later version.
    #[error("format {found} is newer than this program's {FORMAT}; update potstill")]
    Newer {
        /// The file's version.
        found: u64,
    },
    /// The tensors differ from those that the metadata announces.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A parameter is not finite.
    #[error("tensor `{name}` holds a value that is not finite")]
    NotFinite {
        /// The tensor.
        name: String,
    },
}

/// The format as one of the [list](super::EXPORTERS).
#[derive(Clone, Copy, Debug)]
pub struct Safetensors;

impl Exporter for Safetensors {
    fn name(&self) -> &'static str {
        "safetensors"
    }

    fn extension(&self) -> &'static str {
        "safetensors"
    }

    fn summary(&self) -> &'static str {
        "a trained model, tensors under PyTorch's names"
    }

    fn takes(&self, model: &Model) -> Result<(), String> {
        let network = match model {
            Model::Table(_) | Model::Linear(_) => return Ok(()),
            Model::Network(network) => network,
            Model::Control(policy) => policy.network(),
            Model::Predictor(predictor) => match predictor.network() {
                Some(network) => network,
                None => return Ok(()),
            },
        };
        let interface = network.interface();
        if interface.heads.is_empty() {
            return Ok(());
        }
        Err("a network with named heads has no place in the file yet".to_owned())
    }

    fn write(&self, model: &Model, _: &About) -> Vec<u8> {
        write(model)
    }
}

/// The table of a bag of n-grams, `buckets x width`: the weight of an `nn.EmbeddingBag` named `embedding`.
const EMBEDDING: &str = "embedding.weight";

/// Name, element type, shape, bytes.
type Entry = (String, Dtype, Vec<usize>, Vec<u8>);

/// Serialises a model to the bytes of a file.
pub fn write(model: &Model) -> Vec<u8> {
    let (about, tensors): (Value, Vec<Entry>) = match model {
        Model::Table(table) => {
            let bytes = table.values().iter().flat_map(|v| v.to_le_bytes()).collect();
            let shape = vec![table.states(), table.actions()];
            (json!({ "kind": "table" }), vec![("q".to_owned(), Dtype::F64, shape, bytes)])
        }
        Model::Linear(linear) => {
            let bytes = linear.weights().iter().flat_map(|w| w.to_le_bytes()).collect();
            let coder = linear.coder();
            let (low, high): (Vec<f64>, Vec<f64>) = coder.bounds().iter().copied().unzip();
            let (tiles, tilings) = (coder.tiles(), coder.tilings());
            let about =
                json!({ "kind": "linear", "tilings": tilings, "tiles": tiles, "low": low, "high": high });
            (about, vec![("w".to_owned(), Dtype::F64, vec![linear.actions(), coder.features()], bytes)])
        }
        Model::Network(network) => (about_network(network), tensors_of(network)),
        Model::Control(policy) => {
            let mut about = about_network(policy.network());
            about["kind"] = json!("control");
            if policy.bound() == Bound::Clipped {
                about["bound"] = json!("clipped");
            }
            about["low"] = json!(policy.low());
            about["high"] = json!(policy.high());
            (about, tensors_of(policy.network()))
        }
        Model::Predictor(predictor) => {
            let (mut about, mut tensors) = match (predictor.network(), predictor.tree()) {
                (Some(network), _) => (about_network(network), tensors_of(network)),
                (None, tree) => tree.map_or_else(|| (json!({}), Vec::new()), tree_file::entries),
            };
            about["preprocessing"] = predictor.preprocessing().to_json();
            if let Some(spec) = predictor.spec() {
                about["spec"] = json!(spec.to_string());
            }
            if let Some(bag) = predictor.bag() {
                let shape = vec![bag.table().rows(), bag.table().width()];
                let bytes = predictor.of_bag().iter().flat_map(|p| p.to_le_bytes()).collect();
                tensors.push((EMBEDDING.to_owned(), Dtype::F32, shape, bytes));
            }
            (about, tensors)
        }
    };
    let mut metadata = Map::new();
    metadata.insert("format".to_owned(), json!(FORMAT));
    metadata.extend(about.as_object().cloned().unwrap_or_default());
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), Value::Object(metadata).to_string())]);
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).expect("the bytes fill the shape");
        (name.as_str(), view)
    });
    with_format(&safetensors::serialize(views, Some(metadata)).expect("names are distinct and sizes fit"))
}

fn tensors_of(network: &Network) -> Vec<Entry> {
    let entry = |Tensor { name, shape, data }: Tensor| {
        (name, Dtype::F32, shape, data.iter().flat_map(|v| v.to_le_bytes()).collect())
    };
    network.tensors().into_iter().map(entry).collect()
}

/// The beginning of a header with metadata.
const HEADER: &[u8] = b"{\"__metadata__\":{";
/// The entry that other programs ask for.
const PYTORCH: &[u8] = b"\"format\":\"pt\",";

/// The file with a second entry in its metadata: the library writes several in any order, and the same model must give the same bytes.
fn with_format(file: &[u8]) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a file begins with the length of its header");
    let (header, tensors) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let entries = header.strip_prefix(HEADER).expect("metadata come first");
    let mut header = [HEADER, PYTORCH, entries].concat();
    // Tensors begin on a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes()[..], &header, tensors].concat()
}

/// The metadata of a network. An image, and outputs that are not plain values, are described by objects
/// instead of a number.
fn about_network(network: &Network) -> Value {
    let Ends { inputs, choices, head } = *network.ends();
    let spec = network.spec().to_string();
    let mut about =
        json!({ "kind": "network", "spec": spec, "inputs": inputs.count(), "outputs": network.outputs() });
    if inputs != Inputs::from(inputs.count()) {
        about["picture"] = json!([inputs.frames, inputs.height, inputs.width, inputs.channels]);
    }
    let free = &network.interface().free;
    if !free.is_empty() {
        about["free"] = free.iter().map(|free| json!({ "name": free.name, "length": free.length })).collect();
    }
    about["head"] = match head {
        Head::Values => return about,
        Head::Categorical { atoms, low, high } => {
            json!({ "kind": "categorical", "atoms": atoms, "low": low, "high": high })
        }
        Head::Quantile { quantiles } => json!({ "kind": "quantile", "quantiles": quantiles }),
        Head::Implicit { cosines } => json!({ "kind": "implicit", "cosines": cosines }),
        // JSON has no infinity: any share is above 0 then.
        Head::Constrained { ln_share } => {
            json!({ "kind": "constrained", "ln_share": Some(ln_share).filter(|ln| ln.is_finite()) })
        }
    };
    about["choices"] = json!(choices);
    about
}

/// Reads inputs and outputs of a network from its [metadata](about_network).
fn read_ends(about: &Value) -> Option<Ends> {
    let size = |value: &Value| value.as_u64().filter(|&n| n > 0).and_then(|n| usize::try_from(n).ok());
    let count = size(&about["inputs"])?;
    let inputs = match about["picture"].as_array() {
        None => Inputs::from(count),
        Some(sizes) => {
            let sizes: Vec<usize> = sizes.iter().map(size).collect::<Option<_>>()?;
            let &[frames, height, width, channels] = sizes.as_slice() else { return None };
            let product = sizes.iter().try_fold(1_usize, |all, &n| all.checked_mul(n))?;
            (product == count).then_some(Inputs { frames, height, width, channels })?
        }
    };
    let outputs = size(&about["outputs"])?;
    let head = &about["head"];
    let head = match head["kind"].as_str() {
        None => return Some(Ends::new(inputs, outputs)),
        Some("categorical") => {
            let (atoms, low, high) =
                (size(&head["atoms"]).filter(|&n| n > 1)?, head["low"].as_f64()?, head["high"].as_f64()?);
            (low < high).then_some(Head::Categorical { atoms, low, high })?
        }
        Some("quantile") => Head::Quantile { quantiles: size(&head["quantiles"])? },
        Some("implicit") => Head::Implicit { cosines: size(&head["cosines"])? },
        Some("constrained") => {
            let ln_share = head["ln_share"].as_f64().map_or(f32::NEG_INFINITY, |ln| ln as f32);
            (ln_share <= 0.0).then_some(Head::Constrained { ln_share })?
        }
        Some(_) => return None,
    };
    let ends = Ends { inputs, choices: size(&about["choices"])?, head };
    (ends.choices.checked_mul(head.atoms())? == outputs).then_some(ends)
}

/// Reads inputs, outputs and free parameters of a network from its [metadata](about_network).
fn read_interface(about: &Value) -> Option<Interface> {
    let ends = read_ends(about)?;
    let free = about["free"].as_array().map(Vec::as_slice).unwrap_or_default();
    free.iter().try_fold(Interface::from(&ends), |interface, free| {
        let length = free["length"].as_u64().and_then(|n| usize::try_from(n).ok())?;
        Some(interface.with_free(free["name"].as_str()?, length, 0.0))
    })
}

/// Reads the bytes of a file, as written by [`write()`].
///
/// # Errors
/// If the bytes are damaged, from another program, of a newer format, or inconsistent. Never panics, whatever
/// the bytes.
pub fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    let damaged = |error: safetensors::SafeTensorError| ModelError::Damaged { reason: error.to_string() };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let foreign = |reason: &str| ModelError::Foreign { reason: reason.to_owned() };
    let about: Value = header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(METADATA_KEY))
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| foreign("it has no `potstill` metadata"))?;
    match about["format"].as_u64() {
        Some(FORMAT) => {}
        Some(found) if found > FORMAT => return Err(ModelError::Newer { found }),
        _ => return Err(foreign("it has no format version")),
    }
    match about["kind"].as_str() {
        Some("table") => read_table(&file),
        Some("linear") => read_linear(&file, &about),
        Some("network") => {
            let (network, bag) = read_parts(&file, &about)?;
            match about.get("preprocessing") {
                None if bag.is_none() => Ok(Model::Network(network)),
                None => Err(foreign("it has n-grams, but no column of texts")),
                Some(preprocessing) => read_predictor(network, preprocessing, bag),
            }
        }
        Some("tree") => {
            let predictor = tree_file::read(&file, &about);
            predictor.map(Model::Predictor).map_err(|reason| ModelError::Foreign { reason })
        }
        Some("control") => read_control(&file, &about),
        _ => Err(foreign("it is neither a table nor a network nor a tree")),
    }
}

/// Reads a tensor in double precision with two sizes, neither of which is 0.
fn read_matrix(
    file: &SafeTensors<'_>,
    name: &str,
    sizes: &str,
) -> Result<([usize; 2], Vec<f64>), ModelError> {
    let view = file.tensor(name).map_err(|_| TensorError::Missing { name: name.to_owned() })?;
    let &[rows, columns] = view.shape() else {
        return Err(ModelError::Foreign { reason: format!("tensor `{name}` is not {sizes}") });
    };
    if view.dtype() != Dtype::F64 || rows == 0 || columns == 0 {
        return Err(ModelError::Foreign {
            reason: format!("tensor `{name}` is {rows} x {columns} {:?}", view.dtype()),
        });
    }
    let values: Vec<f64> = view.data().as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b)).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return Err(ModelError::NotFinite { name: name.to_owned() });
    }
    Ok(([rows, columns], values))
}

fn read_table(file: &SafeTensors<'_>) -> Result<Model, ModelError> {
    let ([_, actions], values) = read_matrix(file, "q", "states x actions")?;
    Ok(Model::Table(QTable::from_values(actions, values)))
}

fn read_linear(file: &SafeTensors<'_>, about: &Value) -> Result<Model, ModelError> {
    let ([actions, features], weights) = read_matrix(file, "w", "actions x features")?;
    let size = |key: &str| about[key].as_u64().and_then(|n| usize::try_from(n).ok());
    let numbers =
        |key: &str| -> Option<Vec<f64>> { about[key].as_array()?.iter().map(Value::as_f64).collect() };
    let coder = || {
        let (low, high) = (numbers("low")?, numbers("high")?);
        let bounds = (low.len() == high.len()).then(|| low.into_iter().zip(high).collect())?;
        TileCoder::new(bounds, size("tiles")?, size("tilings")?).ok()
    };
    match coder().filter(|coder| coder.features() == features) {
        Some(coder) => Ok(Model::Linear(LinearModel::from_weights(coder, actions, weights))),
        None => {
            Err(ModelError::Foreign { reason: "its tiles are not those that its weights are for".to_owned() })
        }
    }
}

fn read_predictor(
    network: Network,
    preprocessing: &Value,
    bag: Option<TextBag>,
) -> Result<Model, ModelError> {
    let preprocessing = Preprocessing::from_json(preprocessing)
        .ok_or_else(|| ModelError::Foreign { reason: "its preprocessing is damaged".to_owned() })?;
    let predictor = Predictor::with_bag(network, Arc::new(preprocessing), bag);
    predictor.map(Model::Predictor).map_err(|reason| ModelError::Foreign { reason })
}

fn read_control(file: &SafeTensors<'_>, about: &Value) -> Result<Model, ModelError> {
    let network = read_network(file, about)?;
    let bounds = |key: &str| -> Option<Vec<f32>> {
        let list = about[key].as_array()?;
        let bound = |number: &Value| number.as_f64().map(|x| x as f32).filter(|x| x.is_finite());
        list.iter().map(bound).collect()
    };
    match (bounds("low"), bounds("high")) {
        (Some(low), Some(high))
            if low.len() == network.outputs()
                && high.len() == low.len()
                && low.iter().zip(&high).all(|(low, high)| low <= high) =>
        {
            let bound = match about["bound"].as_str() {
                None => Bound::Squashed,
                Some("clipped") => Bound::Clipped,
                Some(other) => {
                    let reason =
                        format!("its actions are bounded by `{other}`, which this version does not know");
                    return Err(ModelError::Foreign { reason });
                }
            };
            Ok(Model::Control(ControlPolicy::with(bound, network, &Space::Box { low, high })))
        }
        _ => Err(ModelError::Foreign { reason: "the bounds of its actions are missing".to_owned() }),
    }
}

/// Reads a network without a bag before it.
fn read_network(file: &SafeTensors<'_>, about: &Value) -> Result<Network, ModelError> {
    match read_parts(file, about)? {
        (network, None) => Ok(network),
        (_, Some(_)) => {
            Err(ModelError::Foreign { reason: "it has n-grams, but no column of texts".to_owned() })
        }
    }
}

/// Reads a network, and the bag of n-grams before it.
fn read_parts(file: &SafeTensors<'_>, about: &Value) -> Result<(Network, Option<TextBag>), ModelError> {
    let foreign = |reason: &str| ModelError::Foreign { reason: reason.to_owned() };
    let spec: NetworkSpec = about["spec"]
        .as_str()
        .and_then(|spec| spec.parse().ok())
        .ok_or_else(|| foreign("its network specification does not parse"))?;
    let interface =
        read_interface(about).ok_or_else(|| foreign("it does not say what goes in and comes out"))?;
    let ends = interface.ends;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(foreign(&format!("tensor `{name}` is {:?}, not F32", view.dtype())));
        }
        let data: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        if data.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { name });
        }
        tensors.push(Tensor { name, shape: view.shape().to_vec(), data });
    }
    // The metadata must not make the program allocate more than the size of the file.
    let behind = NetworkSpec { bag: None, ..spec.clone() };
    let parameters = behind.check(&interface).map_err(|reason| foreign(&reason))?;
    let announced = parameters + behind.statistics(&ends).map_err(|reason| foreign(&reason))?;
    let table = spec.bag.map(|bag| (bag, tensors.iter().position(|tensor| tensor.name == EMBEDDING)));
    let bag = match table {
        None => None,
        Some((bag, place)) => {
            let missing = || TensorError::Missing { name: EMBEDDING.to_owned() };
            let Tensor { shape, data, .. } = tensors.remove(place.ok_or_else(missing)?);
            let expected = vec![bag.buckets, bag.width_for(ends.outputs())];
            if shape != expected || ends.inputs != Inputs::from(expected[1]) {
                return Err(TensorError::Shape { name: EMBEDDING.to_owned(), expected, got: shape }.into());
            }
            TextBag::from_parameters(bag, shape[1], &data)
        }
    };
    if announced != tensors.iter().map(|t| t.data.len()).sum::<usize>() {
        return Err(foreign("its tensors do not hold the network that it announces"));
    }
    let mut network = behind.zeroed(&interface);
    network.load_tensors(&tensors)?;
    Ok((network, bag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DecisionTree;
    use potstill_core::Pcg64;
    use proptest::prelude::*;

    fn models() -> [Model; 13] {
        let network = |spec: &str, inputs: [usize; 3], head: Head| {
            let spec: NetworkSpec = spec.parse().unwrap();
            let ends = Ends { head, ..Ends::new(inputs, 2) };
            let mut rng = Pcg64::new(1);
            Model::Network(spec.initialised(&ends, potstill_nn::Initialisation::Pytorch, &mut rng))
        };
        let categorical = Head::Categorical { atoms: 3, low: -1.0, high: 2.5 };
        [
            Model::Table(QTable::from_values(2, vec![1.0, -0.1, 3e-300, 4.0])),
            network("mlp:5,3:tanh", [1, 1, 4], Head::Values),
            network("cnn:2x2,3:dueling:noisy", [3, 4, 1], categorical),
            network("mlp:3:layernorm", [1, 1, 4], Head::Quantile { quantiles: 3 }),
            network("mlp:3,2", [1, 1, 2], Head::Implicit { cosines: 2 }),
            network("mlp:3", [1, 1, 2], Head::Constrained { ln_share: -1.203_972_8 }),
            network("mlp:3", [1, 1, 2], Head::Constrained { ln_share: f32::NEG_INFINITY }),
            network("cnn:2x2,3", [2, 2, 3], Head::Values),
            {
                let Model::Network(network) = network("mlp", [1, 1, 3], Head::Values) else { unreachable!() };
                let bounds = Space::Box { low: vec![-1.0, 0.1], high: vec![1.0, 0.5] };
                Model::Control(ControlPolicy::new(network, &bounds))
            },
            {
                let coder = TileCoder::new(vec![(-1.2, 0.5), (-0.07, 0.07)], 2, 3).unwrap();
                let weights = (0..2 * coder.features()).map(|i| 0.1 * i as f64).collect();
                Model::Linear(LinearModel::from_weights(coder, 2, weights))
            },
            {
                let preprocessing = json!({
                    "inputs": [{ "column": "review", "text": true }],
                    "target": { "column": "stars", "classes": ["1", "5"] },
                    "fills_missing": false,
                });
                let preprocessing = Arc::new(Preprocessing::from_json(&preprocessing).unwrap());
                let Model::Network(network) = network("mlp:2", [1, 1, 3], Head::Values) else {
                    unreachable!()
                };
                let parameters: Vec<f32> = (0..15).map(|i| 0.5 * i as f32).collect();
                let spec = potstill_nn::ngrams::BagSpec::new(5, Some(3));
                let bag = TextBag::from_parameters(spec, 3, &parameters).unwrap();
                Model::Predictor(Predictor::with_bag(network, preprocessing, Some(bag)).unwrap())
            },
            network("cnn:2x2p1,res3s2,gap:batchnorm", [3, 2, 1], Head::Values),
            {
                let preprocessing = json!({
                    "inputs": [{ "column": "size", "number": [1.0, 2.0] }, { "column": "age", "number": [0.0, 1.0] }],
                    "target": { "column": "kind", "classes": ["a", "b"] },
                    "fills_missing": false,
                });
                let preprocessing = Arc::new(Preprocessing::from_json(&preprocessing).unwrap());
                let mut tree = DecisionTree::leaf(2, vec![0.0, -1.5]);
                let [below, _] = tree.split(0, 1, 0.25, [vec![0.5, -2.0], vec![-0.125, 1e-9]]);
                tree.split(below, 0, -3.5, [vec![2.5, 2.0], vec![0.0, 7.0]]);
                Model::Predictor(Predictor::of_tree(tree, preprocessing).unwrap())
            },
        ]
    }

    #[test]
    fn models_read_back_and_write_the_same_bytes() {
        for model in models() {
            let bytes = write(&model);
            assert_eq!(read(&bytes).unwrap(), model);
            let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
            assert!(header.is_multiple_of(8));
            assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
            for _ in 0..20 {
                assert_eq!(write(&model), bytes);
            }
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        for model in models() {
            let bytes = write(&model);
            for length in 0..bytes.len() {
                assert!(matches!(read(&bytes[..length]), Err(ModelError::Damaged { .. })), "{length} bytes");
            }
        }
    }

    #[test]
    fn a_lying_header_is_refused() {
        let check_of = |model: &Model, from: &str, to: &str, expected: &str| {
            let bytes = write(model);
            assert_eq!(from.len(), to.len());
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
            let mut changed = bytes.clone();
            changed[at..at + to.len()].copy_from_slice(to.as_bytes());
            let error = read(&changed).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let check = |from, to, expected| check_of(&models()[1], from, to, expected);
        check("mlp:5,3", "mlp:5,4", "do not hold the network that it announces");
        check("mlp:5,3", "mlp:9e9", "does not parse");
        check("0.weight", "7.weight", "`7.weight` does not belong to the network mlp:5,3:tanh");
        check("\\\"format\\\":1", "\\\"format\\\":7", "format 7 is newer");
        check("potstill", "anything", "no `potstill` metadata");
        check("F32", "I32", "is I32, not F32");
        let check = |from, to, expected| check_of(&models()[9], from, to, expected);
        check("tiles\\\":2", "tiles\\\":3", "its tiles are not those that its weights are for");
        check("tilings\\\":3", "tilings\\\":0", "its tiles are not those");
        check("high\\\":[0.5", "high\\\":[-95", "its tiles are not those");
        check("\"F64", "\"I64", "tensor `w` is 2 x 27 I64");
        let check = |from, to, expected| check_of(&models()[10], from, to, expected);
        check("text:5x3", "text:6x3", "tensor `embedding.weight` has shape [5, 3], expected [6, 3]");
        check("text:5x3", "text:5x2", "tensor `embedding.weight` has shape [5, 3], expected [5, 2]");
        check("text:5x3", "text:1x3", "does not parse");
        check("text:5x3,2", "mlp:2     ", "do not hold the network that it announces");
        check("embedding.w", "imbedding.w", "tensor `embedding.weight` is missing");
        check("text\\\":true", "text\\\":null", "its preprocessing is damaged");
        let check = |from, to, expected| check_of(&models()[11], from, to, expected);
        check("1.running_mean", "1.running_meat", "`1.running_meat` does not belong to the network");
        check("batchnorm", "layernorm", "do not hold the network that it announces");
        let check = |from, to, expected| check_of(&models()[12], from, to, expected);
        check("inputs\\\":2", "inputs\\\":0", "its inputs is damaged");
        check("inputs\\\":2", "inputs\\\":9", "the tree maps 9 to 2, but its preprocessing gives 2 inputs");
        check("outputs\\\":2", "outputs\\\":3", "it has fewer outputs than leaves");
        check("\"threshold", "\"treshhold", "tensor `threshold` is missing");
        check("fills_missing", "fills_passing", "its preprocessing is damaged");
    }

    #[test]
    fn a_value_that_is_no_number_is_refused() {
        let Model::Network(mut network) = models()[1].clone() else { unreachable!() };
        network.update_parameters(|parameters| parameters[0] = f32::NAN);
        let error = read(&write(&Model::Network(network))).unwrap_err();
        assert_eq!(error, ModelError::NotFinite { name: "0.weight".to_owned() });
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(which in 0_usize..13, at: proptest::sample::Index, byte: u8) {
            let mut bytes = write(&models()[which]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
