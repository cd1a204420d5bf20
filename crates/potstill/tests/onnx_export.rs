//! Exported ONNX files: onnxruntime and this crate's own reader answer as the model does.

use potstill::config::StudentSpec;
use potstill::core::Pcg64;
use potstill::data::{Column, DataFrame, DataOptions, Preprocessing, Values};
use potstill::distill::{TreeGrower, TreeTargets};
use potstill::env::Space;
use potstill::export::{About, Purpose, onnx};
use potstill::model::{ControlPolicy, LinearModel, Model, Predictor, QTable};
use potstill::nn::{Dropout, Ends, Head, Initialisation, Inputs, NetworkSpec, Workspace};
use potstill::onnx::{Kind, Model as Read};
use potstill::tile_coding::TileCoder;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A model, its file, and the answers that it must give to some rows.
struct Case {
    name: String,
    purpose: Purpose,
    bytes: Vec<u8>,
    input: &'static str,
    /// The shape of a row.
    shape: Vec<usize>,
    integers: bool,
    rows: usize,
    inputs: Vec<f32>,
    /// Action values, logits or actions.
    answers: Vec<f32>,
}

/// Form, frames, rows, columns and channels of the input, choices, the meaning of the outputs.
const NETWORKS: [(&str, [usize; 4], usize, Head, Purpose); 30] = {
    use Head::{Categorical, Implicit, Quantile, Values};
    use Purpose::{Classes, Policy, Values as Actions};
    [
        ("mlp", [1, 1, 1, 3], 2, Values, Actions),
        ("mlp:16", [1, 1, 1, 4], 3, Values, Classes),
        ("mlp:16,8:tanh", [1, 1, 1, 4], 2, Values, Actions),
        ("mlp:8,8:gelu", [1, 1, 1, 4], 5, Values, Classes),
        ("mlp:8:silu:layernorm", [1, 1, 1, 4], 5, Values, Classes),
        ("mlp:8:layernorm=1e-3:divide=4", [1, 1, 1, 4], 2, Values, Actions),
        ("mlp:8", [1, 3, 4, 2], 3, Values, Classes),
        ("mlp:8", [2, 3, 4, 2], 3, Values, Actions),
        ("cnn:4x3,6", [1, 5, 6, 2], 3, Values, Classes),
        ("cnn:4x3s2,max2,avg2,6:tanh", [1, 12, 10, 1], 3, Values, Actions),
        ("cnn:4x2,3x2,6:layernorm:gelu:divide=255", [3, 5, 4, 2], 3, Values, Actions),
        ("cnn:4x3p1,max2,5x3s2p2,6", [1, 5, 6, 2], 3, Values, Classes),
        ("cnn:3x3same,6:layernorm", [2, 4, 4, 3], 3, Values, Actions),
        ("cnn:3x1,5", [1, 1, 1, 4], 2, Values, Actions),
        ("mlp:8,6:dueling", [1, 1, 1, 4], 3, Values, Actions),
        ("cnn:4x2,6:dueling:noisy", [2, 4, 4, 1], 3, Values, Actions),
        ("mlp:8:noisy", [1, 1, 1, 4], 3, Values, Actions),
        ("mlp:8", [1, 1, 1, 4], 3, Categorical { atoms: 11, low: -5.0, high: 5.0 }, Actions),
        ("mlp:8,6:dueling:noisy", [1, 1, 1, 4], 3, Categorical { atoms: 11, low: 0.0, high: 4.0 }, Actions),
        ("mlp:8", [1, 1, 1, 4], 3, Quantile { quantiles: 7 }, Actions),
        ("mlp:8", [1, 1, 1, 4], 3, Implicit { cosines: 6 }, Actions),
        ("mlp:8,5:layernorm:tanh", [1, 1, 1, 4], 3, Implicit { cosines: 6 }, Actions),
        ("cnn:4x2,6", [1, 4, 4, 2], 3, Implicit { cosines: 6 }, Actions),
        ("mlp:8,6:dueling", [1, 1, 1, 4], 3, Implicit { cosines: 6 }, Actions),
        ("mlp:8,5:batchnorm:tanh", [1, 1, 1, 4], 3, Values, Classes),
        ("cnn:4x3p1,max2,5x2,6:batchnorm", [1, 5, 6, 2], 3, Values, Classes),
        ("resnet8", [1, 8, 8, 1], 4, Values, Classes),
        ("cnn:res4,res4,res6s2,gap,5:batchnorm:silu", [1, 6, 5, 4], 3, Values, Classes),
        ("cnn:res3,res5s2,gap,4:layernorm:gelu", [1, 4, 5, 3], 3, Values, Actions),
        ("mlp:6,5:tanh", [1, 1, 1, 4], 3, Values, Policy),
    ]
};

fn about(purpose: Purpose) -> About {
    About { purpose, metadata: vec![("env".to_owned(), "CartPole-v1".to_owned())] }
}

fn normals(rng: &mut Pcg64, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.normal() as f32).collect()
}

/// Predictors, whose files take raw rows: numbers, one of them missing, and images.
fn predictors(rows: usize, rng: &mut Pcg64, cases: &mut Vec<Case>) {
    let numbers = |rng: &mut Pcg64, mean: f64| (0..8).map(|_| mean + rng.normal()).collect::<Vec<f64>>();
    let label = || Column::new("label", Values::Numbers((0..8).map(|i| f64::from(i % 3)).collect()));
    let mut gap = numbers(rng, -5.0);
    gap[0] = f64::NAN;
    let columns = [("a", numbers(rng, 10.0)), ("b", gap.clone())];
    let raw: Vec<f32> = (0..rows).flat_map(|i| [columns[0].1[i] as f32, gap[i] as f32]).collect();
    let columns = columns.into_iter().map(|(name, x)| Column::new(name, Values::Numbers(x.into())));
    let table = DataFrame::new(columns.chain([label()]).collect()).unwrap();
    let bytes: Vec<u8> = (0..8 * 12).map(|_| rng.below(256) as u8).collect();
    let pixels: Vec<f32> = bytes[..rows * 12].iter().map(|&byte| f32::from(byte)).collect();
    let image = Values::Images { shape: [2, 3, 2], white: 255, bytes: bytes.into() };
    let images = DataFrame::new(vec![Column::new("image", image), label()]).unwrap();
    for (name, frame, spec, shape, inputs) in [
        ("numbers", table.clone(), "mlp:8", vec![2], raw.clone()),
        ("numbers", table, "tree:4", vec![2], raw),
        ("images", images.clone(), "mlp:8", vec![2, 3, 2], pixels.clone()),
        ("images", images, "tree:4", vec![2, 3, 2], pixels),
    ] {
        let options = DataOptions { fills_missing: Some(true), ..DataOptions::default() };
        let all: Vec<usize> = (0..8).collect();
        let preprocessing = Arc::new(Preprocessing::fit(&frame, &all, &options).unwrap());
        let features: usize = preprocessing.shape().iter().product();
        let encoded = preprocessing.encode(&frame, &all[..rows]).unwrap();
        let predictor = match spec.parse().unwrap() {
            StudentSpec::Network(spec) => Predictor::new(spec.build(features, 3, rng), preprocessing),
            StudentSpec::Tree(spec) => {
                let data = Arc::new(preprocessing.labelled(&frame, &all).unwrap());
                let mut grower = TreeGrower::new(spec, data.clone(), TreeTargets::of_labels(&data));
                while grower.grow(&|| false) == Some(true) {}
                assert!(grower.tree().leaves() > 2);
                Predictor::of_tree(grower.tree().clone(), preprocessing)
            }
        };
        let predictor = predictor.unwrap();
        let answers = predictor.answers(&encoded, &mut Workspace::default());
        let model = Model::Predictor(predictor);
        cases.push(Case {
            name: format!("a predictor of {name}, {spec}"),
            purpose: Purpose::Classes,
            bytes: onnx::write(&model, &about(Purpose::Classes)),
            input: "input",
            shape,
            integers: false,
            rows,
            inputs,
            answers,
        });
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut rng = Pcg64::new(7);
    for rows in [1, 7] {
        for (spec, [frames, height, width, channels], choices, head, purpose) in NETWORKS {
            let spec: NetworkSpec = spec.parse().unwrap();
            let image = Inputs { frames, height, width, channels };
            let ends = Ends { inputs: image, choices, head };
            let mut network = spec.initialised(&ends, Initialisation::Pytorch, &mut rng);
            // Gains and biases that are not those of the beginning.
            network.update_parameters(|all| all.iter_mut().for_each(|w| *w += 0.1 * rng.normal() as f32));
            network.zero_noise();
            if spec.batch_norm {
                // Running statistics that are not those of the beginning.
                let mut workspace = Workspace::default();
                for _ in 0..5 {
                    let batch = normals(&mut rng, 9 * network.inputs());
                    network.forward_training(&batch, Dropout::default(), &mut rng, &mut workspace);
                    network.update_statistics(&workspace);
                }
            }
            let inputs = normals(&mut rng, rows * network.inputs());
            let mut answers = Vec::new();
            network.means(rows, network.predict(&inputs, &mut Workspace::default()), &mut answers);
            let shape = match (frames, height * width) {
                (1, 1) => vec![channels],
                (1, _) => vec![height, width, channels],
                _ => vec![frames, height, width, channels],
            };
            cases.push(Case {
                name: format!("{spec} {head:?} of {shape:?}"),
                purpose,
                bytes: onnx::write(&Model::Network(network), &about(purpose)),
                input: if purpose == Purpose::Classes { "input" } else { "observation" },
                shape,
                integers: false,
                rows,
                inputs,
                answers,
            });
        }
        let bounds = Space::Box { low: vec![-2.0, 0.5], high: vec![2.0, 0.75] };
        let network = "mlp:8:tanh".parse::<NetworkSpec>().unwrap().build(3, 2, &mut rng);
        let policy = ControlPolicy::new(network, &bounds);
        let inputs: Vec<f32> = normals(&mut rng, rows * 3).iter().map(|x| 4.0 * x).collect();
        let mut answers = vec![0.0; rows * 2];
        policy.act(&inputs, &mut answers, &mut Workspace::default());
        let coder = TileCoder::new(vec![(-1.2, 0.5), (-0.07, 0.07)], 8, 5).unwrap();
        let weights = normals(&mut rng, 3 * coder.features()).into_iter().map(f64::from).collect();
        let linear = LinearModel::from_weights(coder, 3, weights);
        // Beyond the bounds too.
        let observations: Vec<f32> =
            normals(&mut rng, rows * 2).chunks(2).flat_map(|x| [0.6 * x[0] - 0.3, 0.05 * x[1]]).collect();
        let values = observations.chunks(2).flat_map(|row| {
            let mut values = [0.0; 3];
            linear.values(row, &mut [0; 5], &mut values);
            values.map(|value| value as f32)
        });
        let values = values.collect();
        let table = QTable::from_values(2, vec![0.25, -1.5, 3.0, 3.0, -2.0, 8.0]);
        let states: Vec<f32> = (0..rows).map(|i| (i % 3) as f32).collect();
        let of_states =
            states.iter().flat_map(|&s| table.row(s as usize).iter().map(|&v| v as f32)).collect();
        let mut add =
            |name: &str, model: &Model, (input, shape): (&'static str, &[usize]), inputs, answers| {
                cases.push(Case {
                    name: name.to_owned(),
                    purpose: Purpose::Values,
                    bytes: onnx::write(model, &about(Purpose::Values)),
                    input,
                    shape: shape.to_vec(),
                    integers: input == "state",
                    rows,
                    inputs,
                    answers,
                });
            };
        add("control", &Model::Control(policy), ("observation", &[3]), inputs, answers);
        add("linear", &Model::Linear(linear), ("observation", &[2]), observations, values);
        add("table", &Model::Table(table), ("state", &[]), states, of_states);
        predictors(rows, &mut rng, &mut cases);
    }
    cases
}

fn near(ours: &[f32], theirs: &[f32], about: &str) {
    assert_eq!(ours.len(), theirs.len(), "{about}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{about}: number {i} is {a} and {b}");
    }
}

/// The first of the greatest.
fn best(row: &[f32]) -> i64 {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as i64
}

#[test]
fn exports_are_read_back() {
    for Case { name, purpose, bytes, rows, inputs, answers, .. } in cases() {
        let mut read = Read::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let kind = if purpose == Purpose::Values { Kind::Values } else { Kind::Logits };
        assert_eq!((read.kind(), read.classes() * rows), (kind, answers.len()), "{name}");
        near(read.answers(&inputs, rows).unwrap(), &answers, &name);
        assert_eq!(read.metadata()[0], ("env".to_owned(), "CartPole-v1".to_owned()));
        // A network of plain layers is one again.
        if let Ok(network) = read.to_network() {
            let again = network.predict(&inputs, &mut Workspace::default()).to_vec();
            near(&again, &answers, &name);
        } else {
            let plain = [
                "noisy",
                "cnn:3x1",
                "dueling",
                "Categorical",
                "Quantile",
                "Implicit",
                "of [2, ",
                "of [3, 5",
                "control",
                "linear",
                "table",
                "predictor",
                "cnn:res4",
                "cnn:res3",
            ];
            assert!(
                plain.iter().any(|part| name.contains(part)),
                "{name}: {}",
                read.to_network().unwrap_err()
            );
        }
    }
}

#[test]
#[ignore = "needs onnxruntime, by cargo xtask test"]
fn onnxruntime_answers_as_the_model_does() {
    let python = std::env::var("POTSTILL_PYTHON").expect("set by `cargo xtask test`");
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    let files = cases.iter().enumerate().map(|(i, case)| {
        let file = format!("{i}.onnx");
        fs::write(folder.path().join(&file), &case.bytes).unwrap();
        let shape = [&[case.rows], &case.shape[..]].concat();
        json!({ "file": file, "input": case.input, "shape": shape, "data": case.inputs, "integers": case.integers })
    });
    let list = Value::from(files.collect::<Vec<_>>()).to_string();
    fs::write(folder.path().join("cases.json"), list).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx/run.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results.len(), cases.len());
    for (Case { name, purpose, rows, answers, .. }, result) in cases.iter().zip(results) {
        let numbers = |output: &str| -> Vec<f32> {
            let list =
                result["outputs"][output]["data"].as_array().unwrap_or_else(|| panic!("{name}: no {output}"));
            list.iter().map(|x| x.as_f64().unwrap() as f32).collect()
        };
        assert_eq!((&result["opset"], &result["batch"]), (&json!(17), &json!("batch")), "{name}");
        assert_eq!(result["metadata"]["env"], "CartPole-v1");
        let (values, action) = match (purpose, name.as_str()) {
            (Purpose::Classes, _) => ("logits", "label"),
            (Purpose::Policy, _) => ("logits", "action"),
            (_, "control") => ("action", ""),
            _ => ("q_values", "action"),
        };
        near(&numbers(values), answers, name);
        if name.starts_with("mlp:16 ") {
            let names = ["0.weight", "0.bias", "2.weight", "2.bias"];
            assert_eq!(result["initializers"], json!(names), "PyTorch's names");
        }
        let width = answers.len() / rows;
        if !action.is_empty() {
            assert_eq!(result["outputs"][action]["type"], "int64");
            let actions: Vec<i64> = answers.chunks(width).map(best).collect();
            let theirs: Vec<i64> = numbers(action).iter().map(|&x| x as i64).collect();
            assert_eq!(theirs, actions, "{name}");
        }
        if *purpose != Purpose::Values {
            let mut expected = answers.clone();
            expected.chunks_mut(width).for_each(|row| potstill::nn::loss::softmax(1.0, row));
            near(&numbers("probabilities"), &expected, name);
        }
    }
}

/// A table of numbers, one missing, and words, one unknown, and what is learned of it.
fn table(target: Column) -> DataFrame {
    let words = |of: &[&str]| {
        let mut words = Values::words();
        of.iter().for_each(|word| words.push_word(Some(word)));
        words
    };
    let columns = vec![
        Column::new("colour", words(&["red", "blue", "red", "green", "blue", "violet"])),
        Column::new("size", Values::Numbers(vec![1.0, 2.5, f64::NAN, -4.0, 0.25, 9.0].into())),
        Column::new("shape", words(&["round", "flat", "flat", "round", "round", "flat"])),
        target,
    ];
    DataFrame::new(columns).unwrap()
}

#[test]
#[ignore = "needs onnxruntime, by cargo xtask test"]
fn tables_with_words_are_encoded_in_the_file() {
    let python = std::env::var("POTSTILL_PYTHON").expect("set by `cargo xtask test`");
    let folder = tempfile::tempdir().unwrap();
    let numbers = |numbers: &[f64]| Values::Numbers(numbers.to_vec().into());
    let mut expected = Vec::new();
    let mut files = Vec::new();
    let classes = Column::new("label", numbers(&[0.0, 1.0, 2.0, 0.0, 1.0, 2.0]));
    let prices = Column::new("price", numbers(&[100.0, 250.0, 180.0, 90.0, 300.0, 120.0]));
    let others = Column::new("label", numbers(&[7.0, -3.0, 11.0, 7.0, -3.0, 11.0]));
    let mut named = Values::words();
    ["no", "yes, it is", "no", "no", "yes, it is", "no"]
        .into_iter()
        .for_each(|word| named.push_word(Some(word)));
    let named = Column::new("label", named);
    for (file, target) in
        [("classes.onnx", classes), ("price.onnx", prices), ("others.onnx", others), ("named.onnx", named)]
    {
        let is_of_classes = target.name == "label";
        let frame = table(target);
        let (label, value) = if is_of_classes { (Some("label"), None) } else { (None, Some("price")) };
        let options = DataOptions {
            fills_missing: Some(true),
            label: label.map(str::to_owned),
            target: value.map(str::to_owned),
            ..DataOptions::default()
        };
        // The last row is not learned: its word is unknown.
        let preprocessing = Arc::new(Preprocessing::fit(&frame, &[0, 1, 2, 3, 4], &options).unwrap());
        let spec: NetworkSpec = "mlp:8".parse().unwrap();
        let features: usize = preprocessing.shape().iter().product();
        assert_eq!(features, 3 + 1 + 2);
        let network = spec.build(features, preprocessing.classes().len().max(1), &mut Pcg64::new(3));
        let encoded = preprocessing.encode(&frame, &[0, 1, 2, 3, 4, 5]).unwrap();
        let outputs = network.predict(&encoded, &mut Workspace::default()).to_vec();
        // A class is a number where all of them are, else its name.
        let label = |row: &[f32]| {
            let class = &preprocessing.classes()[best(row) as usize];
            class.parse::<i64>().map_or_else(|_| json!(class), |number| json!(number))
        };
        expected.push(match preprocessing.classes().len() {
            0 => ("value", outputs.iter().map(|&x| preprocessing.value(x) as f32).collect(), Value::Null),
            classes => ("logits", outputs.clone(), outputs.chunks(classes).map(label).collect()),
        });
        let model = Model::Predictor(Predictor::new(network, preprocessing).unwrap());
        fs::write(folder.path().join(file), onnx::write(&model, &about(Purpose::Classes))).unwrap();
        let column = |name: &str| {
            let values = &frame.columns()[frame.find(name).unwrap()].values;
            (0..6)
                .map(|row| match values {
                    Values::Numbers(numbers) => json!(numbers[row]),
                    _ => json!(values.text(row)),
                })
                .collect::<Value>()
        };
        let columns = json!({"colour": column("colour"), "size": column("size"), "shape": column("shape")});
        files.push(json!({ "file": file, "columns": columns }));
    }
    fs::write(folder.path().join("cases.json"), Value::from(files).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx/run_tables.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for ((name, expected, labels), result) in expected.iter().zip(results) {
        let found: Vec<f32> =
            result[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        near(&found, expected, name);
        assert_eq!(result["label"], *labels);
    }
}
