//! Ensembles of trees: `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of `ai.onnx.ml`.

use super::proto::{Attribute, NodeProto};
use super::tensor;
use super::tensor::Tensor;
use std::collections::HashMap;

/// The comparison that decides between the branches of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    LessEqual,
    Less,
    GreaterEqual,
    Greater,
    Equal,
    NotEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Branch {
        feature: usize,
        mode: Mode,
        value: f64,
        missing_is_true: bool,
        next: [usize; 2],
    },
    /// Weights from here to there.
    Leaf {
        from: usize,
        to: usize,
    },
}

/// The last transformation of the sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PostTransform {
    None,
    Softmax,
    Logistic,
}

impl PostTransform {
    pub(crate) fn read(node: &NodeProto<'_>) -> Result<Self, String> {
        match node.text("post_transform") {
            "" | "NONE" => Ok(Self::None),
            "SOFTMAX" => Ok(Self::Softmax),
            "LOGISTIC" => Ok(Self::Logistic),
            other => Err(format!("has post_transform {other}, which is not evaluated")),
        }
    }

    pub(crate) fn apply(self, row: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Softmax => potstill_nn::loss::softmax(1.0, row),
            Self::Logistic => row.iter_mut().for_each(|x| *x = sigmoid(*x)),
        }
    }
}

pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + potstill_core::math::exp(-x))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// An ensemble, as flat as in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trees {
    nodes: Vec<Node>,
    roots: Vec<usize>,
    /// Output and weight of each leaf, leaf by leaf.
    weights: Vec<(usize, f64)>,
    base: Vec<f64>,
    aggregate: Aggregate,
    post: PostTransform,
    /// Applies the last transformation.
    pub(crate) transforms: bool,
    pub(crate) is_classifier: bool,
    outputs: usize,
    /// The features that it looks at, at least.
    pub(crate) features: usize,
    /// Two classes with one score.
    binary: bool,
    /// No weight is negative: the one score of two classes is then a probability.
    is_positive: bool,
}

/// Numbers of an attribute, or of its twin in double precision.
fn numbers(node: &NodeProto<'_>, name: &str) -> Option<Vec<f64>> {
    if let Some(Attribute::Tensor(tensor)) = node.attribute(&format!("{name}_as_tensor")) {
        return tensor::doubles(tensor);
    }
    node.floats(name).map(|values| values.iter().copied().map(f64::from).collect())
}

impl Trees {
    /// Reads the attributes of a node.
    ///
    /// # Errors
    /// If they do not describe trees.
    pub(crate) fn read(node: &NodeProto<'_>) -> Result<Self, String> {
        let is_classifier = node.op == "TreeEnsembleClassifier";
        let list = |name: &str| node.integers(name).ok_or_else(|| format!("has no {name}"));
        let (trees, ids) = (list("nodes_treeids")?, list("nodes_nodeids")?);
        let (features, yes, no) =
            (list("nodes_featureids")?, list("nodes_truenodeids")?, list("nodes_falsenodeids")?);
        let modes = node.texts("nodes_modes").ok_or("has no nodes_modes")?;
        let values = numbers(node, "nodes_values").ok_or("has no nodes_values")?;
        let missing = node.integers("nodes_missing_value_tracks_true").unwrap_or_default();
        let count = ids.len();
        let lengths = [trees.len(), features.len(), yes.len(), no.len(), modes.len(), values.len()];
        if lengths.iter().any(|&length| length != count) || !(missing.is_empty() || missing.len() == count) {
            return Err(format!("has {count} nodes, and lists of other lengths"));
        }
        let mut places = HashMap::with_capacity(count);
        for (i, key) in trees.iter().zip(ids).enumerate() {
            if places.insert(key, i).is_some() {
                return Err(format!("has two nodes {} in tree {}", key.1, key.0));
            }
        }
        let part = if is_classifier { "class" } else { "target" };
        let mut of_leaves: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        let outputs_given = match is_classifier {
            true => {
                let texts = node.texts("classlabels_strings").map_or(0, <[String]>::len);
                texts.max(node.integers("classlabels_int64s").map_or(0, <[i64]>::len))
            }
            false => usize::try_from(node.integer("n_targets", 1)).unwrap_or(0),
        };
        let (of_trees, of_ids, outputs) = (
            list(&format!("{part}_treeids"))?,
            list(&format!("{part}_nodeids"))?,
            list(&format!("{part}_ids"))?,
        );
        let weights =
            numbers(node, &format!("{part}_weights")).ok_or_else(|| format!("has no {part}_weights"))?;
        if of_trees.len() != weights.len() || of_ids.len() != weights.len() || outputs.len() != weights.len()
        {
            return Err(format!("has {} weights, and lists of other lengths", weights.len()));
        }
        if outputs_given == 0 || outputs_given > count.max(weights.len()).max(2) {
            return Err(format!("has {outputs_given} outputs with {count} nodes"));
        }
        let mut highest = 0;
        for (((tree, id), &output), &weight) in of_trees.iter().zip(of_ids).zip(outputs).zip(&weights) {
            let place = places
                .get(&(tree, id))
                .ok_or_else(|| format!("has a weight for node {id} of tree {tree}, which is not there"))?;
            let output = usize::try_from(output).ok().filter(|&output| output < outputs_given);
            let output = output.ok_or("has a weight for an output that is not there")?;
            highest = highest.max(output);
            of_leaves[*place].push((output, weight));
        }
        let mut flat = Vec::with_capacity(weights.len());
        let mut nodes = Vec::with_capacity(count);
        let mut features_min = 0;
        for i in 0..count {
            let mode = match modes[i].as_str() {
                "LEAF" => {
                    let from = flat.len();
                    flat.append(&mut of_leaves[i]);
                    nodes.push(Node::Leaf { from, to: flat.len() });
                    continue;
                }
                "BRANCH_LEQ" => Mode::LessEqual,
                "BRANCH_LT" => Mode::Less,
                "BRANCH_GTE" => Mode::GreaterEqual,
                "BRANCH_GT" => Mode::Greater,
                "BRANCH_EQ" => Mode::Equal,
                "BRANCH_NEQ" => Mode::NotEqual,
                other => return Err(format!("has a node of mode {other}, which is not known")),
            };
            let feature = usize::try_from(features[i]).map_err(|_| "has a negative feature")?;
            features_min = features_min.max(feature.saturating_add(1));
            let next = [no[i], yes[i]].map(|id| places.get(&(&trees[i], &id)).copied());
            let [Some(no), Some(yes)] = next else {
                return Err(format!("has node {} in tree {}, which leads nowhere", ids[i], trees[i]));
            };
            let missing_is_true = missing.get(i).is_some_and(|&track| track != 0);
            nodes.push(Node::Branch { feature, mode, value: values[i], missing_is_true, next: [no, yes] });
        }
        let roots = roots(&nodes)?;
        let aggregate = match node.text("aggregate_function") {
            "" | "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            other => return Err(format!("has aggregate_function {other}, which is not known")),
        };
        let binary = is_classifier && outputs_given == 2 && highest == 0;
        let base = numbers(node, "base_values").unwrap_or_default();
        let scored = if binary { 1 } else { outputs_given };
        if !(base.is_empty() || base.len() == scored || (binary && base.len() == 2)) {
            return Err(format!("has {} base values for {outputs_given} outputs", base.len()));
        }
        // Where one base value is given for each of two classes with one score, the second is that of the score.
        let base = if binary && base.len() == 2 { vec![base[1]] } else { base };
        Ok(Self {
            nodes,
            roots,
            weights: flat,
            base,
            aggregate,
            post: PostTransform::read(node)?,
            transforms: true,
            is_classifier,
            outputs: outputs_given,
            features: features_min,
            binary,
            is_positive: weights.iter().all(|&weight| weight >= 0.0),
        })
    }

    /// Returns true if the scores without the last transformation are logits.
    pub(crate) fn has_logits(&self) -> bool {
        match self.binary {
            true => !self.is_positive && self.post == PostTransform::Logistic,
            false => self.post == PostTransform::Softmax,
        }
    }

    /// Returns true if the transformed scores of a classifier are probabilities.
    pub(crate) fn has_probabilities(&self) -> bool {
        !self.binary || self.is_positive || self.post == PostTransform::Logistic
    }

    /// The scores of each row.
    pub(crate) fn run(&self, x: &Tensor, scores: &mut Vec<f32>) -> Result<Vec<usize>, String> {
        let transformed = self.transforms;
        let values = x.to_floats();
        let width = match x.shape[..] {
            [_, width] => width,
            [width] => width,
            _ => return Err(format!("takes rows of features, and was given {:?}", x.shape)),
        };
        if width < self.features || width == 0 {
            return Err(format!("takes {} features, and was given {width}", self.features));
        }
        let rows = values.len() / width;
        let scored = if self.binary { 1 } else { self.outputs };
        let initial = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => 0.0,
            Aggregate::Min => f64::INFINITY,
            Aggregate::Max => f64::NEG_INFINITY,
        };
        let mut sums = vec![initial; rows * scored];
        for &root in &self.roots {
            for (row, sums) in values.chunks_exact(width).zip(sums.chunks_exact_mut(scored)) {
                for &(output, weight) in self.leaf(root, row) {
                    let sum = &mut sums[output];
                    *sum = match self.aggregate {
                        Aggregate::Sum | Aggregate::Average => *sum + weight,
                        Aggregate::Min => sum.min(weight),
                        Aggregate::Max => sum.max(weight),
                    };
                }
            }
        }
        scores.clear();
        for row in sums.chunks_exact(scored) {
            let from = scores.len();
            for (i, &sum) in row.iter().enumerate() {
                let mean =
                    if self.aggregate == Aggregate::Average { sum / self.roots.len() as f64 } else { sum };
                scores.push((mean + self.base.get(i).copied().unwrap_or(0.0)) as f32);
            }
            if !self.binary {
                if transformed {
                    self.post.apply(&mut scores[from..]);
                }
                continue;
            }
            // As onnxruntime does: the probability of the second class, its logit, or its margin.
            let z = scores[from];
            let both = match (self.is_positive, self.post, transformed) {
                (true, _, _) => [1.0 - z, z],
                (false, PostTransform::Logistic, true) => [sigmoid(-z), sigmoid(z)],
                (false, PostTransform::Logistic, false) => [0.0, z],
                (false, _, _) => [-z, z],
            };
            scores.truncate(from);
            scores.extend(both);
        }
        Ok(vec![rows, self.outputs])
    }

    /// The weights of the leaf that a row falls into.
    fn leaf(&self, root: usize, row: &[f32]) -> &[(usize, f64)] {
        let mut place = root;
        loop {
            match &self.nodes[place] {
                Node::Leaf { from, to } => return &self.weights[*from..*to],
                Node::Branch { feature, mode, value, missing_is_true, next } => {
                    let x = f64::from(row[*feature]);
                    let is_true = match mode {
                        Mode::LessEqual => x <= *value,
                        Mode::Less => x < *value,
                        Mode::GreaterEqual => x >= *value,
                        Mode::Greater => x > *value,
                        Mode::Equal => x == *value,
                        Mode::NotEqual => x != *value,
                    };
                    place = next[usize::from(is_true || (*missing_is_true && x.is_nan()))];
                }
            }
        }
    }
}

/// The nodes that no other leads to. Each other one must be reached once, so that every walk ends.
fn roots(nodes: &[Node]) -> Result<Vec<usize>, String> {
    let mut reached = vec![0_u8; nodes.len()];
    for node in nodes {
        if let Node::Branch { next, .. } = node {
            // A node with both branches equal is written by some exporters for a stump.
            let ways = if next[0] == next[1] { &next[..1] } else { &next[..] };
            ways.iter().for_each(|&way| reached[way] = reached[way].saturating_add(1));
        }
    }
    let roots: Vec<usize> = (0..nodes.len()).filter(|&i| reached[i] == 0).collect();
    let mut seen = 0;
    let mut stack = roots.clone();
    while let Some(i) = stack.pop() {
        seen += 1;
        if let Node::Branch { next, .. } = &nodes[i] {
            let ways = if next[0] == next[1] { &next[..1] } else { &next[..] };
            stack.extend(ways);
        }
        if seen > nodes.len() {
            break;
        }
    }
    match seen == nodes.len() && reached.iter().all(|&ways| ways <= 1) {
        true => Ok(roots),
        false => Err("has nodes that are no trees: one leads back, or two lead to one".to_owned()),
    }
}
