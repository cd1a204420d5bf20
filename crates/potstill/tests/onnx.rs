//! ONNX files of other programs: their answers are onnxruntime's, and chains of layers become networks. The files are in
//! `testdata/onnx`, with the script that made them.

use potstill::core::Pcg64;
use potstill::nn::Workspace;
use potstill::onnx::{ElementType, GraphBuilder, Kind, Limits, Model, Setting};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx")
}

/// Reads a file with its data beside it.
fn read(name: &str) -> Model {
    let bytes = fs::read(folder().join(name)).unwrap();
    let mut external = |data: &str, offset: u64, length: usize| {
        let bytes = fs::read(folder().join(data)).map_err(|error| error.to_string())?;
        bytes
            .get(offset as usize..offset as usize + length)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| "too short".to_owned())
    };
    Model::read_with(&bytes, None, Limits::default(), &mut external)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().map_or(f32::NAN, |x| x as f32)).collect()
}

fn near(ours: &[f32], theirs: &[f32], about: &str) {
    assert_eq!(ours.len(), theirs.len(), "{about}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{about}: number {i} is {a}, onnxruntime's {b}");
    }
}

#[test]
fn answers_are_those_of_onnxruntime() {
    let cases: Vec<Value> =
        serde_json::from_slice(&fs::read(folder().join("teachers.json")).unwrap()).unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let name = case["file"].as_str().unwrap();
        let mut model = read(name);
        let (inputs, answers) = (numbers(&case["inputs"]), numbers(&case["answers"]));
        let rows = case["rows"].as_u64().unwrap() as usize;
        let kind = match case["kind"].as_str().unwrap() {
            "logits" => Kind::Logits,
            "probabilities" => Kind::Probabilities,
            _ => Kind::Values,
        };
        assert_eq!((model.kind(), model.classes() * rows), (kind, answers.len()), "{name}");
        let labels: Option<Vec<&str>> = case["labels"]
            .as_array()
            .map(|labels| labels.iter().map(|label| label.as_str().unwrap()).collect());
        let own = model.labels().map(|labels| labels.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(own, labels, "{name}");
        let classes = model.classes();
        let compared = |mut ours: Vec<f32>| {
            if case["compare"] == "softmax" {
                ours.chunks_exact_mut(classes).for_each(|row| potstill::nn::loss::softmax(1.0, row));
            }
            ours
        };
        near(&compared(model.answers(&inputs, rows).unwrap().to_vec()), &answers, name);
        // One by one, and many times as many.
        let mut single = Vec::new();
        for row in inputs.chunks_exact(model.inputs()) {
            single.extend(model.answers(row, 1).unwrap().to_vec());
        }
        near(&compared(single), &answers, name);
        let many = model.answers(&inputs.repeat(150), 150 * rows).unwrap().to_vec();
        near(&compared(many), &answers.repeat(150), name);
        match case["network"].as_str() {
            None => {
                let error = model.to_network().unwrap_err();
                assert!(error.contains("network") || error.contains("node"), "{name}: {error}");
            }
            Some(spec) => {
                let network = model.to_network().unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(network.spec().to_string(), spec, "{name}");
                let outputs = network.predict(&inputs, &mut Workspace::default()).to_vec();
                near(&compared(outputs), &answers, name);
            }
        }
    }
}

/// Layers with random parameters in a graph.
struct Layers {
    graph: GraphBuilder,
    rng: Pcg64,
    count: usize,
}

impl Layers {
    fn parameter(&mut self, shape: &[usize], middle: f32) -> String {
        let numbers: Vec<f32> =
            (0..shape.iter().product()).map(|_| middle + 0.4 * self.rng.uniform(-1.0, 1.0) as f32).collect();
        self.count += 1;
        self.graph.floats(&format!("p{}", self.count), shape, &numbers)
    }

    /// A convolution of `[from, to, kernel, stride]` with zeros that keep the size, and batch normalisation if asked for.
    fn conv(&mut self, x: &str, [from, to, kernel, stride]: [usize; 4], has_norm: bool) -> String {
        let square = |side: usize, times: usize| Setting::Integers(vec![side as i64; times]);
        let (w, b) = (self.parameter(&[to, from, kernel, kernel], 0.0), self.parameter(&[to], 0.0));
        let settings = [
            ("kernel_shape", square(kernel, 2)),
            ("strides", square(stride, 2)),
            ("pads", square(kernel / 2, 4)),
        ];
        let y = self.graph.node("Conv", &[x, &w, &b], &settings);
        if !has_norm {
            return y;
        }
        let [gain, bias, mean, variance] = [1.0, 0.0, 0.2, 0.8].map(|middle| self.parameter(&[to], middle));
        self.graph.node("BatchNormalization", &[&y, &gain, &bias, &mean, &variance], &[])
    }

    fn relu(&mut self, x: &str) -> String {
        self.graph.node("Relu", &[x], &[])
    }
}

#[test]
fn residual_blocks_become_a_network() {
    let check = |[to, stride]: [usize; 2], has_norm: bool, is_projected: bool, expected: Option<&str>| {
        let mut layers = Layers { graph: GraphBuilder::new("blocks"), rng: Pcg64::new(3), count: 0 };
        let x = layers.graph.input("x", ElementType::Float, &[2, 6, 5]);
        let x = layers.conv(&x, [2, 3, 3, 1], has_norm);
        let x = layers.relu(&x);
        let inner = layers.conv(&x, [3, to, 3, stride], has_norm);
        let inner = layers.relu(&inner);
        let inner = layers.conv(&inner, [to, to, 3, 1], has_norm);
        let other = if is_projected { layers.conv(&x, [3, to, 1, stride], has_norm) } else { x };
        let sum = layers.graph.node("Add", &[&other, &inner], &[]);
        let y = layers.relu(&sum);
        let y = layers.graph.node("GlobalAveragePool", &[&y], &[]);
        let y = layers.graph.node("Flatten", &[&y], &[("axis", Setting::Integer(1))]);
        let (w, b) = (layers.parameter(&[2, to], 0.0), layers.parameter(&[2], 0.0));
        let y = layers.graph.node("Gemm", &[&y, &w, &b], &[("transB", Setting::Integer(1))]);
        layers.graph.output(&y, "logits", ElementType::Float, &[2]);
        let mut model = Model::read(&layers.graph.finish(&[])).unwrap();
        let inputs: Vec<f32> = (0..3 * 60).map(|_| layers.rng.normal() as f32).collect();
        let answers = model.answers(&inputs, 3).unwrap().to_vec();
        let network = model.to_network().ok();
        assert_eq!(network.as_ref().map(|network| network.spec().to_string()).as_deref(), expected);
        if let Some(network) = network {
            let outputs = network.predict(&inputs, &mut Workspace::default()).to_vec();
            near(&outputs, &answers, &network.spec().to_string());
        }
    };
    for has_norm in [false, true] {
        check([3, 1], has_norm, false, Some("cnn:3x3p1,res3,gap"));
        check([3, 2], has_norm, true, Some("cnn:3x3p1,res3s2,avg3"));
        check([5, 2], has_norm, true, Some("cnn:3x3p1,res5s2,avg3"));
        check([5, 1], has_norm, true, Some("cnn:3x3p1,res5,gap"));
        // A block here has no convolution of an input that has its shape; it runs as it is.
        check([3, 1], has_norm, true, None);
    }
}

/// A graph of one operator over rows of two numbers.
fn one(op: &str, settings: &[(&str, Setting)]) -> Vec<u8> {
    let mut graph = GraphBuilder::new("one");
    let x = graph.input("x", ElementType::Float, &[2]);
    let y = graph.node(op, &[&x], settings);
    graph.output(&y, "y", ElementType::Float, &[2]);
    graph.finish(&[])
}

#[test]
fn what_cannot_be_read_is_told() {
    let check = |bytes: &[u8], expected: &str| {
        let error = Model::read(bytes).unwrap_err();
        assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
    };
    let cut = "not a whole ONNX file; it may be cut off or of another format";
    check(b"", cut);
    check(b"x,y\n1,2\n", cut);
    let whole = one("Relu", &[]);
    for length in 1..whole.len() {
        assert!(Model::read(&whole[..length]).is_err(), "{length} bytes");
    }
    check(
        &one("NonMaxSuppression", &[]),
        "NonMaxSuppression (node `nonmaxsuppression_0`) is no operator that can be evaluated",
    );
    check(
        &one("ai.onnx.ml.SVMClassifier", &[]),
        "ai.onnx.ml.SVMClassifier (node `svmclassifier_0`) is no operator",
    );
    check(&one("ai.onnx.ml.TreeEnsembleClassifier", &[]), "has no output");
    check(&one("ai.onnx.ml.TreeEnsembleRegressor", &[]), "has no nodes_treeids");
    check(
        &one("Pad", &[("mode", Setting::Text("reflect".to_owned()))]),
        "has mode reflect, which is not evaluated",
    );
    check(&one("Flatten", &[("axis", Setting::Integer(5))]), "has axis 5 for 2 dimensions");
    let huge = Setting::Integers(vec![60_000, 60_000, 0, 0]);
    check(&one("Pad", &[("pads", huge)]), "which is too large");
    // A tree whose node leads back to itself would never end.
    let integers = |list: &[i64]| Setting::Integers(list.to_vec());
    let texts = |list: &[&str]| Setting::Texts(list.iter().map(|&text| text.to_owned()).collect());
    let tree = |next: [i64; 2]| {
        one(
            "ai.onnx.ml.TreeEnsembleRegressor",
            &[
                ("nodes_treeids", integers(&[0, 0, 0])),
                ("nodes_nodeids", integers(&[0, 1, 2])),
                ("nodes_featureids", integers(&[1, 0, 0])),
                ("nodes_modes", texts(&["BRANCH_LEQ", "LEAF", "LEAF"])),
                ("nodes_values", Setting::Floats(vec![0.5, 0.0, 0.0])),
                ("nodes_truenodeids", integers(&[next[0], 0, 0])),
                ("nodes_falsenodeids", integers(&[next[1], 0, 0])),
                ("target_treeids", integers(&[0, 0])),
                ("target_nodeids", integers(&[1, 2])),
                ("target_ids", integers(&[0, 0])),
                ("target_weights", Setting::Floats(vec![-1.0, 7.0])),
                ("n_targets", Setting::Integer(1)),
            ],
        )
    };
    let mut model = Model::read(&tree([1, 2])).unwrap();
    // The second number decides: at most 0.5, or more.
    assert_eq!(model.answers(&[9.0, 0.5, 9.0, 0.75], 2), Ok(&[-1.0, 7.0][..]));
    assert_eq!(model.answers(&[1.0], 1), Err("rows x inputs is 1 x 2, not 1".to_owned()));
    check(&tree([1, 9]), "has node 0 in tree 0, which leads nowhere");
    check(&tree([0, 1]), "one leads back, or two lead to one");
}

/// Values by hand for operators that the committed files do not have.
#[test]
fn operators_by_hand() {
    let check = |op: &str, settings: &[(&str, Setting)], inputs: &[f32], expected: &[f32]| {
        let mut model = Model::read(&one(op, settings)).unwrap_or_else(|error| panic!("{error}"));
        near(model.answers(inputs, inputs.len() / 2).unwrap(), expected, op);
    };
    let axis = |n| Setting::Integer(n);
    check("LeakyRelu", &[("alpha", Setting::Float(0.1))], &[-2.0, 3.0], &[-0.2, 3.0]);
    // e^-1 - 1 = -0.63212056
    check("Elu", &[], &[-1.0, 2.0], &[-0.632_120_56, 2.0]);
    check("HardSigmoid", &[], &[1.0, -9.0], &[0.7, 0.0]);
    // ln(1 + e^0) = ln 2
    check("Softplus", &[], &[0.0, 100.0], &[std::f32::consts::LN_2, 100.0]);
    check("ReduceMean", &[("axes", Setting::Integers(vec![1]))], &[1.0, 3.0, -1.0, 1.0], &[2.0, 0.0]);
    check("ReduceL2", &[("axes", Setting::Integers(vec![-1]))], &[3.0, 4.0], &[5.0]);
    check("Unsqueeze", &[("axes", Setting::Integers(vec![1]))], &[3.0, 4.0], &[3.0, 4.0]);
    check(
        "Pad",
        &[("pads", Setting::Integers(vec![0, 1, 0, 0])), ("value", Setting::Float(7.0))],
        &[3.0, 4.0],
        &[7.0, 3.0, 4.0],
    );
    check("ai.onnx.ml.Normalizer", &[("norm", Setting::Text("L1".to_owned()))], &[-1.0, 3.0], &[-0.25, 0.75]);
    let scale = [("offset", Setting::Floats(vec![1.0, 2.0])), ("scale", Setting::Floats(vec![2.0, 3.0]))];
    check("ai.onnx.ml.Scaler", &scale, &[2.0, 4.0], &[2.0, 6.0]);
    let imputed = [
        ("imputed_value_floats", Setting::Floats(vec![5.0, 6.0])),
        ("replaced_value_float", Setting::Float(f32::NAN)),
    ];
    check("ai.onnx.ml.Imputer", &imputed, &[f32::NAN, 4.0, 1.0, f32::NAN], &[5.0, 4.0, 1.0, 6.0]);
    check("ai.onnx.ml.Binarizer", &[("threshold", Setting::Float(0.5))], &[0.5, 0.6], &[0.0, 1.0]);
    check("LogSoftmax", &[("axis", axis(1))], &[0.0, 0.0], &[0.0, 0.0]);
}
