//! The operators that are evaluated: their attributes, read once.

use super::dense::Dense;
use super::proto::{Attribute, NodeProto, is_default_domain};
use super::tensor::Tensor;
use super::trees::{PostTransform, Trees};
use super::window::{Convolution, Pool};

/// A function of each number.
pub(crate) type Unary = fn(f32, [f32; 2]) -> f32;
/// A function of two numbers.
pub(crate) type Binary = fn(f32, f32) -> f32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduce {
    Mean,
    Sum,
    Max,
    Min,
    Product,
    L1,
    L2,
    SumSquare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    L1,
    L2,
    Max,
}

/// An operator with its attributes.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Identity,
    CastFloat,
    CastInteger,
    Unary {
        op: String,
        f: Unary,
        parameters: [f32; 2],
    },
    Binary {
        op: String,
        f: Binary,
    },
    /// `Max`, `Min`, `Sum`, `Mean` of several.
    Variadic {
        f: Binary,
        is_mean: bool,
    },
    Compare(Compare),
    Not,
    Where,
    Clip {
        low: Option<f32>,
        high: Option<f32>,
    },
    Softmax {
        axis: i64,
        flattens: bool,
        is_log: bool,
    },
    /// With weights that are constant.
    Dense(Dense),
    MatMul,
    /// `alpha A B + beta C`, where not all is constant.
    Gemm {
        alpha: f32,
        beta: f32,
        transposed: [bool; 2],
    },
    Conv(Convolution),
    Pool(Pool),
    GlobalPool {
        is_max: bool,
    },
    /// A factor and a summand for each channel.
    BatchNorm {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    LayerNorm {
        axis: i64,
        epsilon: f32,
    },
    Reshape {
        zero_copies: bool,
    },
    Flatten {
        axis: i64,
    },
    Transpose {
        order: Option<Vec<i64>>,
    },
    Squeeze {
        axes: Option<Vec<i64>>,
    },
    Unsqueeze {
        axes: Option<Vec<i64>>,
    },
    Concat {
        axis: i64,
    },
    Slice {
        fixed: Option<[Vec<i64>; 3]>,
    },
    Gather {
        axis: i64,
    },
    Shape,
    Expand,
    ConstantOfShape {
        value: Tensor,
    },
    Pad {
        fixed: Option<(Vec<i64>, f32)>,
    },
    Reduce {
        how: Reduce,
        axes: Option<Vec<i64>>,
        keeps: bool,
        empty_is_none: bool,
    },
    ArgMax {
        axis: i64,
        keeps: bool,
        is_last: bool,
        is_min: bool,
    },
    Trees(Trees),
    /// Scores of `ai.onnx.ml`'s linear models.
    Linear {
        dense: Dense,
        post: PostTransform,
        is_binary: bool,
        is_classifier: bool,
    },
    Scaler {
        offset: Vec<f32>,
        scale: Vec<f32>,
    },
    Normalizer(Norm),
    Imputer {
        values: Vec<f32>,
        replaced: f32,
    },
    OneHot {
        categories: Vec<i64>,
        zeros: bool,
    },
    Binarizer {
        threshold: f32,
    },
    ArrayFeatures,
}

fn binary(op: &str) -> Option<Binary> {
    Some(match op {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => power,
        "PRelu" => |a, b| if a < 0.0 { a * b } else { a },
        _ => return None,
    })
}

/// `a^b`; whole and half exponents are exact to rounding.
fn power(a: f32, b: f32) -> f32 {
    match b {
        2.0 => a * a,
        3.0 => a * a * a,
        1.0 => a,
        0.5 => a.sqrt(),
        -1.0 => 1.0 / a,
        -0.5 => 1.0 / a.sqrt(),
        0.0 => 1.0,
        _ => {
            let magnitude =
                potstill_core::math::exp_f64(f64::from(b) * potstill_core::math::ln_f64(f64::from(a.abs())));
            let is_odd = b.fract() == 0.0 && (b % 2.0).abs() == 1.0;
            let value = match a < 0.0 {
                true if b.fract() != 0.0 => f64::NAN,
                true if is_odd => -magnitude,
                _ => magnitude,
            };
            value as f32
        }
    }
}

/// Functions of each number, with the names of up to two attributes and their defaults.
fn unary(op: &str) -> Option<(Unary, [(&'static str, f32); 2])> {
    use super::trees::sigmoid;
    use potstill_core::math::{erf, exp, ln, tanh};
    const NONE: (&str, f32) = ("", 0.0);
    Some(match op {
        "Relu" => (|x, _| if x < 0.0 { 0.0 } else { x }, [NONE; 2]),
        "Tanh" => (|x, _| tanh(x), [NONE; 2]),
        "Sigmoid" => (|x, _| sigmoid(x), [NONE; 2]),
        "Exp" => (|x, _| exp(x), [NONE; 2]),
        "Log" => (|x, _| ln(x), [NONE; 2]),
        "Sqrt" => (|x, _| x.sqrt(), [NONE; 2]),
        "Neg" => (|x, _| -x, [NONE; 2]),
        "Abs" => (|x, _| x.abs(), [NONE; 2]),
        "Erf" => (|x, _| erf(x), [NONE; 2]),
        "Reciprocal" => (|x, _| 1.0 / x, [NONE; 2]),
        "Floor" => (|x, _| x.floor(), [NONE; 2]),
        "Ceil" => (|x, _| x.ceil(), [NONE; 2]),
        "Round" => (|x, _| x.round_ties_even(), [NONE; 2]),
        "Sign" => (|x, _| if x == 0.0 { 0.0 } else { x.signum() }, [NONE; 2]),
        "Softplus" => (|x, _| x.max(0.0) + ln(1.0 + exp(-x.abs())), [NONE; 2]),
        "Softsign" => (|x, _| x / (1.0 + x.abs()), [NONE; 2]),
        "HardSwish" => (|x, _| x * (x / 6.0 + 0.5).clamp(0.0, 1.0), [NONE; 2]),
        "Mish" => (|x, _| x * tanh(x.max(0.0) + ln(1.0 + exp(-x.abs()))), [NONE; 2]),
        "LeakyRelu" => (|x, [a, _]| if x < 0.0 { a * x } else { x }, [("alpha", 0.01), NONE]),
        "Elu" => (|x, [a, _]| if x < 0.0 { a * (exp(x) - 1.0) } else { x }, [("alpha", 1.0), NONE]),
        "Selu" => (
            |x, [a, g]| g * if x > 0.0 { x } else { a * (exp(x) - 1.0) },
            [("alpha", 1.673_263_2), ("gamma", 1.050_701)],
        ),
        "HardSigmoid" => (|x, [a, b]| (a * x + b).clamp(0.0, 1.0), [("alpha", 0.2), ("beta", 0.5)]),
        _ => return None,
    })
}

/// The names of operators of ONNX and of `ai.onnx.ml` whose first output is a label, and the second the
/// scores.
pub(crate) fn is_classifier(op: &str) -> bool {
    matches!(op, "TreeEnsembleClassifier" | "LinearClassifier")
}

impl Op {
    /// Reads a node; `constants` are those of its inputs that are known.
    ///
    /// # Errors
    /// If it cannot be evaluated.
    pub(crate) fn read(
        node: &NodeProto<'_>,
        opset: i64,
        constants: &[Option<&Tensor>],
    ) -> Result<Self, String> {
        match node.domain.as_str() {
            domain if is_default_domain(domain) => Self::read_default(node, opset, constants),
            "ai.onnx.ml" => Self::read_ml(node),
            "com.microsoft" if node.op == "Gelu" => Ok(gelu(false)),
            _ => Err("is no operator that can be evaluated".to_owned()),
        }
    }

    fn read_default(node: &NodeProto<'_>, opset: i64, constants: &[Option<&Tensor>]) -> Result<Self, String> {
        let axes = || node.integers("axes").map(<[i64]>::to_vec);
        let constant = |i: usize| constants.get(i).copied().flatten();
        if let Some((f, named)) = unary(&node.op) {
            let parameters = named.map(|(name, default)| node.float(name, default));
            return Ok(Op::Unary { op: node.op.clone(), f, parameters });
        }
        if let Some(f) = binary(&node.op) {
            return Ok(Op::Binary { op: node.op.clone(), f });
        }
        Ok(match node.op.as_str() {
            "Identity" | "Dropout" => Op::Identity,
            "Cast" | "CastLike" => match node.integer("to", 1) {
                1 | 10 | 11 | 16 => Op::CastFloat,
                2..=7 | 12 | 13 => Op::CastInteger,
                to => return Err(format!("casts to type {to}, which is not evaluated")),
            },
            "Max" => Op::Variadic { f: f32::max, is_mean: false },
            "Min" => Op::Variadic { f: f32::min, is_mean: false },
            "Sum" => Op::Variadic { f: |a, b| a + b, is_mean: false },
            "Mean" => Op::Variadic { f: |a, b| a + b, is_mean: true },
            "Equal" => Op::Compare(Compare::Equal),
            "Less" => Op::Compare(Compare::Less),
            "LessOrEqual" => Op::Compare(Compare::LessOrEqual),
            "Greater" => Op::Compare(Compare::Greater),
            "GreaterOrEqual" => Op::Compare(Compare::GreaterOrEqual),
            "And" => Op::Compare(Compare::And),
            "Or" => Op::Compare(Compare::Or),
            "Not" => Op::Not,
            "Where" => Op::Where,
            "Gelu" => gelu(node.text("approximate") == "tanh"),
            "Clip" => {
                let number = |name: &str| match node.attribute(name) {
                    Some(Attribute::Float(value)) => Some(*value),
                    _ => None,
                };
                Op::Clip { low: number("min"), high: number("max") }
            }
            "Softmax" | "LogSoftmax" => Op::Softmax {
                axis: node.integer("axis", if opset < 13 { 1 } else { -1 }),
                flattens: opset < 13,
                is_log: node.op == "LogSoftmax",
            },
            "MatMul" => match constant(1) {
                Some(Tensor { shape, data: _ }) if shape.len() == 2 && shape[0] * shape[1] > 0 => {
                    let (k, n) = (shape[0], shape[1]);
                    let b = constant(1).expect("it is there").to_floats();
                    let weights = (0..n).flat_map(|o| (0..k).map(move |i| (i, o))).map(|(i, o)| b[i * n + o]);
                    Op::Dense(Dense::new(k, n, weights.collect(), vec![0.0; n])?)
                }
                _ => Op::MatMul,
            },
            "Gemm" => {
                let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
                let transposed = [node.integer("transA", 0) != 0, node.integer("transB", 0) != 0];
                let no_summand = node.inputs.get(2).is_none_or(String::is_empty);
                match (constant(1), constant(2)) {
                    (Some(b), c)
                        if !transposed[0]
                            && b.shape.len() == 2
                            && b.len() > 0
                            && (c.is_some() || no_summand) =>
                    {
                        let (weights, bias, k, n) = affine(b, c, transposed[1], alpha, beta)?;
                        Op::Dense(Dense::new(k, n, weights, bias)?)
                    }
                    _ => Op::Gemm { alpha, beta, transposed },
                }
            }
            "Conv" => {
                let weights = constant(1).ok_or("has weights that are computed, which is not evaluated")?;
                let has_bias = node.inputs.get(2).is_some_and(|name| !name.is_empty());
                if has_bias && constant(2).is_none() {
                    return Err("has biases that are computed, which is not evaluated".to_owned());
                }
                Op::Conv(Convolution::read(node, weights, constant(2))?)
            }
            "MaxPool" | "AveragePool" => Op::Pool(Pool::read(node)?),
            "GlobalAveragePool" | "GlobalMaxPool" => Op::GlobalPool { is_max: node.op == "GlobalMaxPool" },
            "BatchNormalization" => {
                if node.integer("training_mode", 0) != 0 {
                    return Err("is in training mode, which is not evaluated".to_owned());
                }
                let all: Option<Vec<Vec<f32>>> = (1..5).map(|i| constant(i).map(Tensor::to_floats)).collect();
                let all = all.ok_or("has statistics that are computed, which is not evaluated")?;
                let epsilon = node.float("epsilon", 1e-5);
                let [gain, bias, mean, variance] = &all[..] else { unreachable!("four of them") };
                let n = gain.len();
                if [bias, mean, variance].iter().any(|list| list.len() != n) {
                    return Err("has statistics of different lengths".to_owned());
                }
                let scale: Vec<f32> =
                    gain.iter().zip(variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
                let shift = bias.iter().zip(mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
                Op::BatchNorm { scale, shift }
            }
            "LayerNormalization" => {
                Op::LayerNorm { axis: node.integer("axis", -1), epsilon: node.float("epsilon", 1e-5) }
            }
            "Reshape" => Op::Reshape { zero_copies: node.integer("allowzero", 0) == 0 },
            "Flatten" => Op::Flatten { axis: node.integer("axis", 1) },
            "Transpose" => Op::Transpose { order: node.integers("perm").map(<[i64]>::to_vec) },
            "Squeeze" => Op::Squeeze { axes: axes() },
            "Unsqueeze" => Op::Unsqueeze { axes: axes() },
            "Concat" => Op::Concat { axis: node.integer("axis", 1) },
            "Slice" => {
                let list = |name: &str| node.integers(name).map(<[i64]>::to_vec);
                let fixed = list("starts").zip(list("ends")).map(|(starts, ends)| {
                    let axes = axes().unwrap_or_else(|| (0..starts.len() as i64).collect());
                    [starts, ends, axes]
                });
                Op::Slice { fixed }
            }
            "Gather" => Op::Gather { axis: node.integer("axis", 0) },
            "Shape" if node.attributes.is_empty() => Op::Shape,
            "Expand" => Op::Expand,
            "ConstantOfShape" => {
                let value = match node.attribute("value") {
                    Some(Attribute::Tensor(tensor)) => {
                        Tensor::read(tensor, &mut |_, _, _| Err("lies in another file".to_owned()))?
                    }
                    _ => Tensor::floats(vec![1], vec![0.0]),
                };
                if value.len() != 1 {
                    return Err(format!("has {} values", value.len()));
                }
                Op::ConstantOfShape { value }
            }
            "Pad" => {
                if !matches!(node.text("mode"), "" | "constant") {
                    return Err(format!("has mode {}, which is not evaluated", node.text("mode")));
                }
                Op::Pad { fixed: node.integers("pads").map(|pads| (pads.to_vec(), node.float("value", 0.0))) }
            }
            "ArgMax" | "ArgMin" => Op::ArgMax {
                axis: node.integer("axis", 0),
                keeps: node.integer("keepdims", 1) != 0,
                is_last: node.integer("select_last_index", 0) != 0,
                is_min: node.op == "ArgMin",
            },
            op => {
                let how = match op {
                    "ReduceMean" => Reduce::Mean,
                    "ReduceSum" => Reduce::Sum,
                    "ReduceMax" => Reduce::Max,
                    "ReduceMin" => Reduce::Min,
                    "ReduceProd" => Reduce::Product,
                    "ReduceL1" => Reduce::L1,
                    "ReduceL2" => Reduce::L2,
                    "ReduceSumSquare" => Reduce::SumSquare,
                    _ => return Err("is no operator that can be evaluated".to_owned()),
                };
                Op::Reduce {
                    how,
                    axes: axes(),
                    keeps: node.integer("keepdims", 1) != 0,
                    empty_is_none: node.integer("noop_with_empty_axes", 0) != 0,
                }
            }
        })
    }

    fn read_ml(node: &NodeProto<'_>) -> Result<Self, String> {
        let floats = |name: &str| node.floats(name).map(<[f32]>::to_vec).unwrap_or_default();
        Ok(match node.op.as_str() {
            "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => Op::Trees(Trees::read(node)?),
            "LinearClassifier" | "LinearRegressor" => {
                let is_classifier = node.op == "LinearClassifier";
                let (coefficients, mut bias) = (floats("coefficients"), floats("intercepts"));
                let labels = node.texts("classlabels_strings").map_or(0, <[String]>::len);
                let labels = labels.max(node.integers("classlabels_ints").map_or(0, <[i64]>::len));
                let targets = usize::try_from(node.integer("targets", 1)).unwrap_or(0);
                let outputs = match (is_classifier, bias.len()) {
                    (true, 0) => labels,
                    (false, 0) => targets,
                    (_, given) => given,
                };
                if outputs == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(outputs) {
                    return Err(format!("has {} coefficients for {outputs} outputs", coefficients.len()));
                }
                bias.resize(outputs, 0.0);
                let dense = Dense::new(coefficients.len() / outputs, outputs, coefficients, bias)?;
                let is_binary = is_classifier && outputs == 1 && labels == 2;
                Op::Linear { dense, post: PostTransform::read(node)?, is_binary, is_classifier }
            }
            "Scaler" => Op::Scaler { offset: floats("offset"), scale: floats("scale") },
            "Normalizer" => Op::Normalizer(match node.text("norm") {
                "" | "MAX" => Norm::Max,
                "L1" => Norm::L1,
                "L2" => Norm::L2,
                other => return Err(format!("has norm {other}, which is not known")),
            }),
            "Imputer" => {
                let values = floats("imputed_value_floats");
                if values.is_empty() {
                    return Err("replaces integers, which is not evaluated".to_owned());
                }
                Op::Imputer { values, replaced: node.float("replaced_value_float", 0.0) }
            }
            "OneHotEncoder" => {
                let categories = node.integers("cats_int64s").ok_or("encodes texts, which are not read")?;
                Op::OneHot { categories: categories.to_vec(), zeros: node.integer("zeros", 1) != 0 }
            }
            "Binarizer" => Op::Binarizer { threshold: node.float("threshold", 0.0) },
            "ArrayFeatureExtractor" => Op::ArrayFeatures,
            "FeatureVectorizer" => Op::Concat { axis: 1 },
            _ => return Err("is no operator that can be evaluated".to_owned()),
        })
    }
}

/// `x Phi(x)`, or its approximation by the hyperbolic tangent.
fn gelu(approximate: bool) -> Op {
    use potstill_core::math::{erf, tanh};
    let f: Unary = match approximate {
        false => |x, _| 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
        // sqrt(2 / pi)
        true => |x, _| 0.5 * x * (1.0 + tanh(0.797_884_6 * (x + 0.044_715 * x * x * x))),
    };
    let op = if approximate { "GeluTanh" } else { "Gelu" };
    Op::Unary { op: op.to_owned(), f, parameters: [0.0; 2] }
}

/// Weights `outputs x inputs` and biases of a constant `Gemm`.
pub(crate) fn affine(
    b: &Tensor,
    c: Option<&Tensor>,
    transposed: bool,
    alpha: f32,
    beta: f32,
) -> Result<(Vec<f32>, Vec<f32>, usize, usize), String> {
    let &[rows, columns] = &b.shape[..] else { return Err(format!("has weights of shape {:?}", b.shape)) };
    let (k, n) = if transposed { (columns, rows) } else { (rows, columns) };
    let given = b.to_floats();
    let at = |i: usize, o: usize| if transposed { given[o * k + i] } else { given[i * n + o] };
    let weights = (0..n).flat_map(|o| (0..k).map(move |i| (i, o))).map(|(i, o)| alpha * at(i, o)).collect();
    let bias = match c {
        None => vec![0.0; n],
        Some(c) if c.len() == n && c.shape.last().is_none_or(|&last| last == n) => c.to_floats(),
        Some(c) if c.len() == 1 => vec![c.to_floats()[0]; n],
        Some(c) => return Err(format!("has biases of shape {:?} for {n} outputs", c.shape)),
    };
    Ok((weights, bias.into_iter().map(|value| beta * value).collect(), k, n))
}
