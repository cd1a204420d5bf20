//! The evaluation of one operator.

use super::op::{Compare, Norm, Op, Reduce};
use super::shape::{around, axis, common, gathered, strides, strides_of, transposed, zip};
use super::tensor::{Data, Tensor, count};

/// Bounds on what a file may ask for.
///
/// A hostile file of a few bytes can describe work without end; these keep it to what teachers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements of a tensor that is computed for one row, at most.
    pub elements: usize,
    /// Multiplications and elements of all nodes for one row, at most.
    pub work: u64,
}

impl Default for Limits {
    /// 16 million elements (a hundred times those of an image of 224 x 224 points), and 10^11
    /// multiplications.
    fn default() -> Self {
        Self { elements: 1 << 24, work: 100_000_000_000 }
    }
}

/// Tensors of the largest size, all together, at most.
const TENSORS: usize = 16;

/// The rest of the bounds.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    /// Of one tensor.
    elements: usize,
    /// Of all tensors.
    total: usize,
    work: u64,
}

impl Budget {
    /// The limits for some rows.
    pub(crate) fn new(limits: Limits, rows: usize) -> Self {
        let elements = limits.elements.saturating_mul(rows);
        Self {
            elements,
            total: elements.saturating_mul(TENSORS),
            work: limits.work.saturating_mul(rows as u64),
        }
    }

    /// Counts elements that are kept.
    pub(crate) fn keep(&mut self, length: usize) -> Result<(), String> {
        self.total = self.total.checked_sub(length).ok_or("makes the file's tensors too large")?;
        Ok(())
    }

    /// Counts a tensor and the multiplications of each of its elements.
    fn spend(&mut self, shape: &[usize], each: usize) -> Result<usize, String> {
        let length = count(shape).filter(|&length| length <= self.elements);
        let length =
            length.ok_or_else(|| format!("makes a tensor of shape {shape:?}, which is too large"))?;
        self.keep(length)?;
        let work = (length as u64).saturating_mul(each.max(1) as u64);
        self.work = self.work.checked_sub(work).ok_or("makes the file too much work for one row")?;
        Ok(length)
    }
}

fn input<'a>(inputs: &[Option<&'a Tensor>], i: usize) -> Result<&'a Tensor, String> {
    inputs.get(i).copied().flatten().ok_or_else(|| format!("has no input {i}"))
}

fn optional<'a>(inputs: &[Option<&'a Tensor>], i: usize) -> Option<&'a Tensor> {
    inputs.get(i).copied().flatten()
}

/// A length from a file.
fn length(value: i64) -> Result<usize, String> {
    usize::try_from(value).map_err(|_| format!("was given the length {value}"))
}

impl Op {
    /// The output for these inputs.
    ///
    /// # Errors
    /// If they do not fit, or a bound is reached.
    pub(crate) fn run(&mut self, inputs: &[Option<&Tensor>], budget: &mut Budget) -> Result<Tensor, String> {
        let x = if let Op::ConstantOfShape { .. } = self { None } else { Some(input(inputs, 0)?) };
        let x = x.unwrap_or(const { &Tensor { shape: Vec::new(), data: Data::Integers(Vec::new()) } });
        budget.keep(x.len())?;
        match self {
            Op::Identity => Ok(x.clone()),
            Op::CastFloat => Ok(Tensor::floats(x.shape.clone(), x.to_floats())),
            Op::CastInteger => Ok(Tensor::integers(x.shape.clone(), to_integers(x))),
            Op::Unary { f, parameters, .. } => {
                budget.spend(&x.shape, 1)?;
                each(x, |value| f(value, *parameters))
            }
            Op::Binary { op, f } => binary(op, *f, x, input(inputs, 1)?, budget),
            Op::Variadic { f, is_mean } => {
                let mut y = x.clone();
                for other in inputs[1..].iter().flatten() {
                    y = floats_of_two(*f, &y, other, budget)?;
                }
                let n = inputs.len() as f32;
                if *is_mean { each(&y, |value| value / n) } else { Ok(y) }
            }
            Op::Compare(how) => compare(*how, x, input(inputs, 1)?, budget),
            Op::Not => Ok(Tensor::integers(
                x.shape.clone(),
                x.as_integers()?.iter().map(|&value| i64::from(value == 0)).collect(),
            )),
            Op::Where => choose(x, input(inputs, 1)?, input(inputs, 2)?, budget),
            Op::Clip { low, high } => {
                let bound = |i: usize, fixed: Option<f32>| -> Result<Option<f32>, String> {
                    let Some(bound) = optional(inputs, i) else { return Ok(fixed) };
                    bound
                        .to_floats()
                        .first()
                        .copied()
                        .map(Some)
                        .ok_or_else(|| "has an empty bound".to_owned())
                };
                let low = bound(1, *low)?.unwrap_or(f32::NEG_INFINITY);
                let high = bound(2, *high)?.unwrap_or(f32::INFINITY);
                each(x, |value| if value < low { low } else { value }.min(high))
            }
            Op::Softmax { axis: along, flattens, is_log } => softmax(x, *along, *flattens, *is_log, budget),
            Op::Dense(dense) => {
                let mut shape = x.shape.clone();
                let last = shape.last_mut().ok_or("takes rows, and was given a number")?;
                if *last != dense.inputs() {
                    return Err(format!("takes {} features, and was given {last}", dense.inputs()));
                }
                *last = dense.outputs();
                if budget.spend(&shape, dense.inputs())? == 0 {
                    return Ok(Tensor::floats(shape, Vec::new()));
                }
                Ok(Tensor::floats(shape, dense.run(x.as_floats()?).to_vec()))
            }
            Op::MatMul => product(x, input(inputs, 1)?, budget),
            Op::Gemm { alpha, beta, transposed: turned } => {
                let turn = |x: &Tensor, is: bool| match x.shape.len() {
                    2 if is => Ok(transposed(x, &[1, 0])),
                    2 => Ok(x.clone()),
                    rank => Err(format!("takes matrices, and was given {rank} dimensions")),
                };
                let y = product(&turn(x, turned[0])?, &turn(input(inputs, 1)?, turned[1])?, budget)?;
                let (alpha, beta) = (*alpha, *beta);
                let y = each(&y, |value| alpha * value)?;
                match optional(inputs, 2) {
                    None => Ok(y),
                    Some(c) => floats_of_two(|a, b| a + b, &y, &each(c, |value| beta * value)?, budget),
                }
            }
            Op::Conv(convolution) => {
                budget.spend(&convolution.shape(x)?, convolution.patch())?;
                convolution.run(x)
            }
            Op::Pool(pool) => {
                budget.spend(&pool.shape(x)?, pool.window.kernel[0] * pool.window.kernel[1])?;
                pool.run(x)
            }
            Op::GlobalPool { is_max } => {
                let axes: Vec<usize> = (2..x.shape.len()).collect();
                reduce(x, if *is_max { Reduce::Max } else { Reduce::Mean }, &axes, true, budget)
            }
            Op::BatchNorm { scale, shift } => {
                if x.shape.get(1) != Some(&scale.len()) {
                    return Err(format!("takes {} channels, and was given {:?}", scale.len(), x.shape));
                }
                budget.spend(&x.shape, 1)?;
                let (_, channels, points) = around(&x.shape, 1);
                let mut y = x.as_floats()?.to_vec();
                for (plane, values) in y.chunks_exact_mut(points.max(1)).enumerate() {
                    let c = plane % channels;
                    values.iter_mut().for_each(|value| *value = *value * scale[c] + shift[c]);
                }
                Ok(Tensor::floats(x.shape.clone(), y))
            }
            Op::LayerNorm { axis: from, epsilon } => {
                let from = axis(*from, x.shape.len())?;
                let inner: usize = x.shape[from..].iter().product();
                let (gain, bias) =
                    (input(inputs, 1)?.to_floats(), optional(inputs, 2).map(Tensor::to_floats));
                let bias = bias.unwrap_or_else(|| vec![0.0; inner]);
                if gain.len() != inner || bias.len() != inner || inner == 0 {
                    return Err(format!("has {} gains for {inner} numbers", gain.len()));
                }
                budget.spend(&x.shape, 2)?;
                let mut y = x.as_floats()?.to_vec();
                for row in y.chunks_exact_mut(inner) {
                    let mean = row.iter().sum::<f32>() / inner as f32;
                    let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / inner as f32;
                    let scale = 1.0 / (variance + *epsilon).sqrt();
                    for ((value, gain), bias) in row.iter_mut().zip(&gain).zip(&bias) {
                        *value = (*value - mean) * scale * gain + bias;
                    }
                }
                Ok(Tensor::floats(x.shape.clone(), y))
            }
            Op::Reshape { zero_copies } => {
                let to = input(inputs, 1)?.as_integers()?;
                reshaped(x, to, *zero_copies)
            }
            Op::Flatten { axis: at } => {
                let at = if *at == x.shape.len() as i64 { x.shape.len() } else { axis(*at, x.shape.len())? };
                let (rows, columns) = x.shape.split_at(at);
                let shape = vec![rows.iter().product(), columns.iter().product()];
                Ok(Tensor { shape, data: x.data.clone() })
            }
            Op::Transpose { order } => {
                let rank = x.shape.len();
                let order: Vec<usize> = match order {
                    None => (0..rank).rev().collect(),
                    Some(order) => order.iter().map(|&at| axis(at, rank)).collect::<Result<_, _>>()?,
                };
                let mut sorted = order.clone();
                sorted.sort_unstable();
                if sorted != (0..rank).collect::<Vec<_>>() {
                    return Err(format!("has perm {order:?} for {rank} dimensions"));
                }
                budget.spend(&x.shape, 1)?;
                Ok(transposed(x, &order))
            }
            Op::Squeeze { axes } => {
                let axes = match optional(inputs, 1) {
                    Some(given) => Some(given.as_integers()?.to_vec()),
                    None => axes.clone(),
                };
                let rank = x.shape.len();
                let gone: Vec<usize> = match axes {
                    None => (0..rank).filter(|&i| x.shape[i] == 1).collect(),
                    Some(axes) => axes.iter().map(|&at| axis(at, rank)).collect::<Result<_, _>>()?,
                };
                if gone.iter().any(|&i| x.shape[i] != 1) {
                    return Err(format!("removes axes {gone:?} of {:?}", x.shape));
                }
                let shape = (0..rank).filter(|i| !gone.contains(i)).map(|i| x.shape[i]).collect();
                Ok(Tensor { shape, data: x.data.clone() })
            }
            Op::Unsqueeze { axes } => {
                let axes = match (optional(inputs, 1), axes) {
                    (Some(given), _) => given.as_integers()?.to_vec(),
                    (None, Some(axes)) => axes.clone(),
                    (None, None) => return Err("has no axes".to_owned()),
                };
                if axes.len() > 8 {
                    return Err(format!("adds {} axes", axes.len()));
                }
                let rank = x.shape.len() + axes.len();
                let new = axes.iter().map(|&at| axis(at, rank)).collect::<Result<Vec<_>, _>>()?;
                let mut own = x.shape.iter().copied();
                let shape: Vec<usize> =
                    (0..rank).map(|i| if new.contains(&i) { 1 } else { own.next().unwrap_or(1) }).collect();
                if count(&shape) != Some(x.len()) {
                    return Err(format!("adds axes {axes:?} twice"));
                }
                Ok(Tensor { shape, data: x.data.clone() })
            }
            Op::Concat { axis: along } => concat(inputs, *along, budget),
            Op::Slice { fixed } => slice(x, fixed.as_ref(), inputs, budget),
            Op::Gather { axis: along } => gather(x, input(inputs, 1)?, *along, budget),
            Op::ArrayFeatures => gather(x, input(inputs, 1)?, -1, budget),
            Op::Shape => Ok(Tensor::integers(
                vec![x.shape.len()],
                x.shape.iter().map(|&length| length as i64).collect(),
            )),
            Op::Expand => {
                let to = input(inputs, 1)?.as_integers()?;
                let to = to.iter().map(|&n| length(n)).collect::<Result<Vec<_>, _>>()?;
                let shape = common(&x.shape, &to)?;
                budget.spend(&shape, 1)?;
                Ok(Tensor { data: gathered(&x.data, &shape, &strides(&x.shape, &shape), 0), shape })
            }
            Op::ConstantOfShape { value } => {
                let shape = input(inputs, 0)?.as_integers()?;
                let shape = shape.iter().map(|&n| length(n)).collect::<Result<Vec<_>, _>>()?;
                let length = budget.spend(&shape, 1)?;
                let data = match &value.data {
                    Data::Floats(data) => Data::Floats(vec![data[0]; length]),
                    Data::Integers(data) => Data::Integers(vec![data[0]; length]),
                };
                Ok(Tensor { shape, data })
            }
            Op::Pad { fixed } => pad(x, fixed.as_ref(), inputs, budget),
            Op::Reduce { how, axes, keeps, empty_is_none } => {
                let given = match optional(inputs, 1) {
                    Some(axes) => axes.as_integers()?.to_vec(),
                    None => axes.clone().unwrap_or_default(),
                };
                if given.is_empty() && *empty_is_none {
                    return Ok(x.clone());
                }
                let rank = x.shape.len();
                let axes = match given.is_empty() {
                    true => (0..rank).collect(),
                    false => given.iter().map(|&at| axis(at, rank)).collect::<Result<Vec<_>, _>>()?,
                };
                reduce(x, *how, &axes, *keeps, budget)
            }
            Op::ArgMax { axis: along, keeps, is_last, is_min } => {
                let at = axis(*along, x.shape.len())?;
                let (before, middle, after) = around(&x.shape, at);
                if middle == 0 {
                    return Err("looks for the greatest of nothing".to_owned());
                }
                let data = x.to_floats();
                let mut best = Vec::with_capacity(before * after);
                for b in 0..before {
                    for a in 0..after {
                        let value =
                            |m: usize| data[(b * middle + m) * after + a] * if *is_min { -1.0 } else { 1.0 };
                        let better = |m: usize, than: usize| {
                            value(m) > value(than) || (*is_last && value(m) == value(than))
                        };
                        best.push(
                            (1..middle).fold(0, |best, m| if better(m, best) { m } else { best }) as i64
                        );
                    }
                }
                let mut shape = x.shape.clone();
                if *keeps {
                    shape[at] = 1;
                } else {
                    shape.remove(at);
                }
                Ok(Tensor::integers(shape, best))
            }
            Op::Trees(trees) => {
                budget.spend(&[x.len()], 16)?;
                let mut scores = Vec::new();
                let shape = trees.run(x, &mut scores)?;
                Ok(Tensor::floats(shape, scores))
            }
            Op::Linear { dense, post, is_binary, .. } => {
                let (x, width) = (x.to_floats(), x.shape.last().copied().unwrap_or(0));
                if width != dense.inputs() || x.is_empty() {
                    return Err(format!("takes {} features, and was given {width}", dense.inputs()));
                }
                let rows = x.len() / width;
                budget.spend(&[rows, dense.outputs()], width)?;
                let mut y = dense.run(&x).to_vec();
                if *is_binary {
                    y = y.iter().flat_map(|&z| [-z, z]).collect();
                }
                let outputs = y.len() / rows;
                y.chunks_exact_mut(outputs).for_each(|row| post.apply(row));
                Ok(Tensor::floats(vec![rows, outputs], y))
            }
            Op::Scaler { offset, scale } => {
                let width = x.shape.last().copied().unwrap_or(0);
                let of = |list: &[f32], i: usize, none: f32| match list.len() {
                    0 => none,
                    1 => list[0],
                    _ => list[i],
                };
                if [offset.len(), scale.len()].iter().any(|&n| n > 1 && n != width) || width == 0 {
                    return Err(format!("has {} scales for {width} features", scale.len()));
                }
                let mut y = x.to_floats();
                for row in y.chunks_exact_mut(width) {
                    for (i, value) in row.iter_mut().enumerate() {
                        *value = (*value - of(offset, i, 0.0)) * of(scale, i, 1.0);
                    }
                }
                Ok(Tensor::floats(x.shape.clone(), y))
            }
            Op::Normalizer(norm) => {
                let width = x.shape.last().copied().unwrap_or(0).max(1);
                let mut y = x.to_floats();
                for row in y.chunks_exact_mut(width) {
                    let size = match norm {
                        Norm::L1 => row.iter().map(|x| x.abs()).sum::<f32>(),
                        Norm::L2 => row.iter().map(|x| x * x).sum::<f32>().sqrt(),
                        Norm::Max => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                    };
                    if size != 0.0 {
                        row.iter_mut().for_each(|x| *x /= size);
                    }
                }
                Ok(Tensor::floats(x.shape.clone(), y))
            }
            Op::Imputer { values, replaced } => {
                let width = x.shape.last().copied().unwrap_or(0).max(1);
                if values.len() != 1 && values.len() != width {
                    return Err(format!("has {} values for {width} features", values.len()));
                }
                let mut y = x.to_floats();
                for (i, value) in y.iter_mut().enumerate() {
                    if *value == *replaced || (replaced.is_nan() && value.is_nan()) {
                        *value = values[if values.len() == 1 { 0 } else { i % width }];
                    }
                }
                Ok(Tensor::floats(x.shape.clone(), y))
            }
            Op::OneHot { categories, zeros } => {
                let values = to_integers(x);
                let shape = [&x.shape[..], &[categories.len()]].concat();
                budget.spend(&shape, 1)?;
                let mut y = Vec::new();
                for value in values {
                    if !*zeros && !categories.contains(&value) {
                        return Err(format!("was given the category {value}, which it does not know"));
                    }
                    y.extend(categories.iter().map(|&category| f32::from(u8::from(category == value))));
                }
                Ok(Tensor::floats(shape, y))
            }
            Op::Binarizer { threshold } => each(x, |value| f32::from(u8::from(value > *threshold))),
        }
    }
}

fn each(x: &Tensor, f: impl Fn(f32) -> f32) -> Result<Tensor, String> {
    let data = match &x.data {
        Data::Floats(data) => Data::Floats(data.iter().map(|&value| f(value)).collect()),
        // Integers stay integers, as when lengths are computed.
        Data::Integers(data) => Data::Integers(data.iter().map(|&value| f(value as f32) as i64).collect()),
    };
    Ok(Tensor { shape: x.shape.clone(), data })
}

fn to_integers(x: &Tensor) -> Vec<i64> {
    match &x.data {
        Data::Integers(data) => data.clone(),
        // Casts saturate, and truncate as in ONNX.
        Data::Floats(data) => data.iter().map(|&value| value as i64).collect(),
    }
}

fn floats_of_two(
    f: impl Fn(f32, f32) -> f32,
    a: &Tensor,
    b: &Tensor,
    budget: &mut Budget,
) -> Result<Tensor, String> {
    let shape = common(&a.shape, &b.shape)?;
    budget.spend(&shape, 1)?;
    Ok(Tensor::floats(shape.clone(), zip((a.as_floats()?, &a.shape), (b.as_floats()?, &b.shape), &shape, f)))
}

fn binary(
    op: &str,
    f: fn(f32, f32) -> f32,
    a: &Tensor,
    b: &Tensor,
    budget: &mut Budget,
) -> Result<Tensor, String> {
    let (Data::Integers(x), Data::Integers(y)) = (&a.data, &b.data) else {
        return floats_of_two(f, a, b, budget);
    };
    let g = |x: i64, y: i64| match op {
        "Add" => Ok(x.wrapping_add(y)),
        "Sub" => Ok(x.wrapping_sub(y)),
        "Mul" => Ok(x.wrapping_mul(y)),
        "Div" => x.checked_div(y).ok_or_else(|| "divides by zero".to_owned()),
        _ => Err("takes numbers, and was given integers".to_owned()),
    };
    let shape = common(&a.shape, &b.shape)?;
    budget.spend(&shape, 1)?;
    let data = zip((x, &a.shape), (y, &b.shape), &shape, g).into_iter().collect::<Result<_, _>>()?;
    Ok(Tensor::integers(shape, data))
}

fn compare(how: Compare, a: &Tensor, b: &Tensor, budget: &mut Budget) -> Result<Tensor, String> {
    let shape = common(&a.shape, &b.shape)?;
    budget.spend(&shape, 1)?;
    let data = match (&a.data, &b.data) {
        (Data::Integers(x), Data::Integers(y)) => {
            zip((x, &a.shape), (y, &b.shape), &shape, |x, y| i64::from(holds(how, x, y)))
        }
        _ => zip((a.as_floats()?, &a.shape), (b.as_floats()?, &b.shape), &shape, |x, y| {
            i64::from(holds(how, x, y))
        }),
    };
    Ok(Tensor::integers(shape, data))
}

/// The result of a comparison of two numbers; 0 is false.
fn holds<T: PartialOrd + Default + Copy>(how: Compare, x: T, y: T) -> bool {
    let zero = T::default();
    match how {
        Compare::Equal => x == y,
        Compare::Less => x < y,
        Compare::LessOrEqual => x <= y,
        Compare::Greater => x > y,
        Compare::GreaterOrEqual => x >= y,
        Compare::And => x != zero && y != zero,
        Compare::Or => x != zero || y != zero,
    }
}

/// `Where`.
fn choose(condition: &Tensor, yes: &Tensor, no: &Tensor, budget: &mut Budget) -> Result<Tensor, String> {
    let shape = common(&common(&condition.shape, &yes.shape)?, &no.shape)?;
    budget.spend(&shape, 3)?;
    let spread = |x: &Tensor| gathered(&x.data, &shape, &strides(&x.shape, &shape), 0);
    let Data::Integers(is) = spread(condition) else { return Err("takes truth values".to_owned()) };
    let data = match (spread(yes), spread(no)) {
        (Data::Floats(yes), Data::Floats(no)) => Data::Floats(
            is.iter().zip(yes.iter().zip(no)).map(|(&is, (&y, n))| if is != 0 { y } else { n }).collect(),
        ),
        (Data::Integers(yes), Data::Integers(no)) => Data::Integers(
            is.iter().zip(yes.iter().zip(no)).map(|(&is, (&y, n))| if is != 0 { y } else { n }).collect(),
        ),
        _ => return Err("was given numbers and integers".to_owned()),
    };
    Ok(Tensor { shape, data })
}

fn softmax(
    x: &Tensor,
    along: i64,
    flattens: bool,
    is_log: bool,
    budget: &mut Budget,
) -> Result<Tensor, String> {
    let at = axis(along, x.shape.len())?;
    let (before, middle, after) = match flattens {
        true => (x.shape[..at].iter().product(), x.shape[at..].iter().product(), 1),
        false => around(&x.shape, at),
    };
    budget.spend(&x.shape, 4)?;
    let mut y = x.as_floats()?.to_vec();
    let mut row = vec![0.0; middle];
    for b in 0..before {
        for a in 0..after {
            let place = |m: usize| (b * middle + m) * after + a;
            row.iter_mut().enumerate().for_each(|(m, value)| *value = y[place(m)]);
            if is_log {
                let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f64 = row.iter().map(|&z| f64::from(potstill_core::math::exp(z - highest))).sum();
                let log = potstill_core::math::ln_f64(sum) as f32;
                row.iter_mut().for_each(|z| *z = *z - highest - log);
            } else {
                potstill_nn::loss::softmax(1.0, &mut row);
            }
            row.iter().enumerate().for_each(|(m, &value)| y[place(m)] = value);
        }
    }
    Ok(Tensor::floats(x.shape.clone(), y))
}

/// `MatMul` of two computed matrices, or of stacks of them.
fn product(a: &Tensor, b: &Tensor, budget: &mut Budget) -> Result<Tensor, String> {
    let (is_row, is_column) = (a.shape.len() == 1, b.shape.len() == 1);
    let left = if is_row { vec![1, a.shape[0]] } else { a.shape.clone() };
    let right = if is_column { vec![b.shape[0], 1] } else { b.shape.clone() };
    if left.len() < 2 || right.len() < 2 {
        return Err("takes matrices, and was given a number".to_owned());
    }
    let (&[m, k], &[k2, n]) = (&left[left.len() - 2..], &right[right.len() - 2..]) else {
        unreachable!("two of them")
    };
    if k != k2 {
        return Err(format!("was given shapes {:?} and {:?}, which do not fit", a.shape, b.shape));
    }
    let (a_stack, b_stack) = (&left[..left.len() - 2], &right[..right.len() - 2]);
    let stack = common(a_stack, b_stack)?;
    let mut shape = [&stack[..], &[m, n]].concat();
    let length = budget.spend(&shape, k)?;
    let (x, y) = (a.as_floats()?, b.as_floats()?);
    let mut places = [Vec::new(), Vec::new()];
    super::shape::walk(&stack, &strides(a_stack, &stack), |place| places[0].push(place));
    super::shape::walk(&stack, &strides(b_stack, &stack), |place| places[1].push(place));
    let mut z = vec![0.0; length];
    for (i, out) in z.chunks_exact_mut((m * n).max(1)).enumerate() {
        let (x, y) = (&x[places[0][i] * m * k..][..m * k], &y[places[1][i] * k * n..][..k * n]);
        for (row, out) in x.chunks_exact(k.max(1)).zip(out.chunks_exact_mut(n.max(1))) {
            for (&factor, weights) in row.iter().zip(y.chunks_exact(n.max(1))) {
                out.iter_mut().zip(weights).for_each(|(sum, &w)| *sum += factor * w);
            }
        }
    }
    if is_column {
        shape.pop();
    }
    if is_row {
        shape.remove(stack.len());
    }
    Ok(Tensor::floats(shape, z))
}

fn reshaped(x: &Tensor, to: &[i64], zero_copies: bool) -> Result<Tensor, String> {
    let mut shape = Vec::with_capacity(to.len());
    let mut open = None;
    for (i, &n) in to.iter().enumerate() {
        shape.push(match n {
            -1 if open.is_none() => {
                open = Some(i);
                1
            }
            0 if zero_copies => {
                *x.shape.get(i).ok_or_else(|| format!("has shape {to:?} for {:?}", x.shape))?
            }
            _ => length(n)?,
        });
    }
    let known = count(&shape);
    if let (Some(i), Some(known)) = (open, known)
        && known > 0
    {
        shape[i] = x.len() / known;
    }
    match count(&shape) == Some(x.len()) {
        true => Ok(Tensor { shape, data: x.data.clone() }),
        false => Err(format!("has shape {to:?} for {:?}", x.shape)),
    }
}

fn concat(inputs: &[Option<&Tensor>], along: i64, budget: &mut Budget) -> Result<Tensor, String> {
    let all: Vec<&Tensor> = inputs.iter().copied().flatten().collect();
    let first = input(inputs, 0)?;
    let at = axis(along, first.shape.len())?;
    let mut shape = first.shape.clone();
    shape[at] = 0;
    for x in &all {
        let fits =
            x.shape.len() == shape.len() && (0..shape.len()).all(|i| i == at || x.shape[i] == shape[i]);
        if !fits {
            return Err(format!("was given shapes {:?} and {:?}, which do not fit", first.shape, x.shape));
        }
        shape[at] = shape[at].checked_add(x.shape[at]).ok_or("is too large")?;
    }
    budget.spend(&shape, 1)?;
    let (before, _, after) = around(&shape, at);
    fn joined<T: Copy>(parts: &[(&[T], usize)], before: usize) -> Vec<T> {
        let mut data = Vec::new();
        for b in 0..before {
            for (part, n) in parts {
                data.extend_from_slice(&part[b * n..][..*n]);
            }
        }
        data
    }
    let data = match &first.data {
        Data::Floats(_) => {
            let parts = all
                .iter()
                .map(|x| Ok((x.as_floats()?, x.shape[at] * after)))
                .collect::<Result<Vec<_>, String>>()?;
            Data::Floats(joined(&parts, before))
        }
        Data::Integers(_) => {
            let parts = all
                .iter()
                .map(|x| Ok((x.as_integers()?, x.shape[at] * after)))
                .collect::<Result<Vec<_>, String>>()?;
            Data::Integers(joined(&parts, before))
        }
    };
    Ok(Tensor { shape, data })
}

fn slice(
    x: &Tensor,
    fixed: Option<&[Vec<i64>; 3]>,
    inputs: &[Option<&Tensor>],
    budget: &mut Budget,
) -> Result<Tensor, String> {
    let list = |i: usize| optional(inputs, i).map(|x| x.as_integers().map(<[i64]>::to_vec)).transpose();
    let (starts, ends, axes, steps) = match fixed {
        Some([starts, ends, axes]) => (starts.clone(), ends.clone(), axes.clone(), vec![1; starts.len()]),
        None => {
            let (starts, ends) = (list(1)?.ok_or("has no starts")?, list(2)?.ok_or("has no ends")?);
            let n = starts.len();
            let axes = list(3)?.unwrap_or_else(|| (0..n as i64).collect());
            (starts, ends, axes, list(4)?.unwrap_or_else(|| vec![1; n]))
        }
    };
    if [ends.len(), axes.len(), steps.len()].iter().any(|&n| n != starts.len()) {
        return Err("has lists of different lengths".to_owned());
    }
    let (mut shape, mut first) = (x.shape.clone(), 0);
    let mut along = strides_of(&x.shape);
    for (((&start, &end), &at), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let at = axis(at, x.shape.len())?;
        if step < 1 {
            return Err(format!("goes in steps of {step}, which is not evaluated"));
        }
        let n = x.shape[at] as i64;
        let within = |place: i64| if place < 0 { place.saturating_add(n) } else { place }.clamp(0, n);
        let (from, to) = (within(start), within(end).max(within(start)));
        first += from as usize * strides_of(&x.shape)[at];
        shape[at] = ((to - from) as usize).div_ceil(step as usize);
        along[at] = along[at].saturating_mul(step as usize);
    }
    budget.spend(&shape, 1)?;
    Ok(Tensor { data: gathered(&x.data, &shape, &along, first), shape })
}

fn gather(x: &Tensor, indices: &Tensor, along: i64, budget: &mut Budget) -> Result<Tensor, String> {
    let at = axis(along, x.shape.len())?;
    let (before, middle, after) = around(&x.shape, at);
    let places = indices.as_integers()?;
    let places: Vec<usize> = places
        .iter()
        .map(|&i| axis(i, middle).map_err(|_| format!("was given index {i} of {middle}")))
        .collect::<Result<_, _>>()?;
    let shape = [&x.shape[..at], &indices.shape, &x.shape[at + 1..]].concat();
    budget.spend(&shape, 1)?;
    fn taken<T: Copy>(
        data: &[T],
        places: &[usize],
        (before, middle, after): (usize, usize, usize),
    ) -> Vec<T> {
        let mut all = Vec::new();
        for b in 0..before {
            for &place in places {
                all.extend_from_slice(&data[(b * middle + place) * after..][..after]);
            }
        }
        all
    }
    let data = match &x.data {
        Data::Floats(data) => Data::Floats(taken(data, &places, (before, middle, after))),
        Data::Integers(data) => Data::Integers(taken(data, &places, (before, middle, after))),
    };
    Ok(Tensor { shape, data })
}

fn pad(
    x: &Tensor,
    fixed: Option<&(Vec<i64>, f32)>,
    inputs: &[Option<&Tensor>],
    budget: &mut Budget,
) -> Result<Tensor, String> {
    let (pads, value) = match (fixed, optional(inputs, 1)) {
        (Some((pads, value)), _) => (pads.clone(), *value),
        (None, Some(pads)) => {
            let value = optional(inputs, 2).map(Tensor::to_floats).and_then(|values| values.first().copied());
            (pads.as_integers()?.to_vec(), value.unwrap_or(0.0))
        }
        (None, None) => return Err("has no pads".to_owned()),
    };
    let rank = x.shape.len();
    let all = pads.iter().map(|&n| length(n)).collect::<Result<Vec<_>, _>>()?;
    if all.len() != 2 * rank || optional(inputs, 3).is_some() {
        return Err(format!("has {} pads for {rank} dimensions", all.len()));
    }
    let sizes = (0..rank).map(|i| x.shape[i].checked_add(all[i])?.checked_add(all[i + rank]));
    let shape: Vec<usize> = sizes.collect::<Option<_>>().ok_or("is too large")?;
    let total = budget.spend(&shape, 1)?;
    let own = strides_of(&shape);
    let first: usize = (0..rank).map(|i| all[i] * own[i]).sum();
    let (mut y, mut values) = (vec![value; total], x.as_floats()?.iter());
    super::shape::walk(&x.shape, &own, |place| {
        if let Some(&value) = values.next() {
            y[first + place] = value;
        }
    });
    Ok(Tensor::floats(shape, y))
}

fn reduce(
    x: &Tensor,
    how: Reduce,
    axes: &[usize],
    keeps: bool,
    budget: &mut Budget,
) -> Result<Tensor, String> {
    budget.spend(&x.shape, 1)?;
    let kept: Vec<usize> = (0..x.shape.len()).filter(|i| !axes.contains(i)).collect();
    let order: Vec<usize> =
        kept.iter().copied().chain((0..x.shape.len()).filter(|i| axes.contains(i))).collect();
    let inner: usize = order[kept.len()..].iter().map(|&i| x.shape[i]).product();
    if inner == 0 {
        return Err("reduces nothing".to_owned());
    }
    let turned = transposed(x, &order);
    let row = |row: &[f32]| match how {
        Reduce::Mean => row.iter().sum::<f32>() / inner as f32,
        Reduce::Sum => row.iter().sum(),
        Reduce::Max => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        Reduce::Min => row.iter().copied().fold(f32::INFINITY, f32::min),
        Reduce::Product => row.iter().product(),
        Reduce::L1 => row.iter().map(|x| x.abs()).sum(),
        Reduce::L2 => row.iter().map(|x| x * x).sum::<f32>().sqrt(),
        Reduce::SumSquare => row.iter().map(|x| x * x).sum(),
    };
    let integer = |row: &[i64]| match how {
        Reduce::Sum => Ok(row.iter().fold(0_i64, |sum, &x| sum.wrapping_add(x))),
        Reduce::Product => Ok(row.iter().fold(1_i64, |product, &x| product.wrapping_mul(x))),
        Reduce::Max => Ok(row.iter().copied().max().unwrap_or(0)),
        Reduce::Min => Ok(row.iter().copied().min().unwrap_or(0)),
        _ => Err("takes numbers, and was given integers".to_owned()),
    };
    let shape = match keeps {
        true => (0..x.shape.len()).map(|i| if axes.contains(&i) { 1 } else { x.shape[i] }).collect(),
        false => kept.iter().map(|&i| x.shape[i]).collect(),
    };
    Ok(match &turned.data {
        Data::Floats(data) => Tensor::floats(shape, data.chunks_exact(inner).map(row).collect()),
        Data::Integers(data) => {
            Tensor::integers(shape, data.chunks_exact(inner).map(integer).collect::<Result<_, _>>()?)
        }
    })
}
