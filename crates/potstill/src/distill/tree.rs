//! Decision trees as students: CART (Breiman, Friedman, Olshen and Stone 1984) on labels, on a teacher's probabilities, or on both.
//!
//! A row's target is `t = alpha p_teacher + (1 - alpha) y`; a row without a label has the teacher's probabilities
//! alone, with weight `alpha`, as in the loss of the [classifier](super::classifier) at temperature 1. A split lowers
//! the impurity of a node, `sum w |t - mean|^2` or the cross-entropy of the mean, by as much as any; of equal ones it is
//! that of the first feature, and the lowest threshold. Thresholds lie in the middle between two values that occur. The
//! leaf whose split lowers the impurity most is split next, so that a limit on the number of leaves leaves the best.
//!
//! Differences from the book: no pruning; the probabilities of a leaf are those of its rows and of one more row with the
//! shares of all (an m-estimate, Cestnik 1990), so that none is 0.
//!
//! ```
//! use potstill::config::TreeSpec;
//! use potstill::data::Dataset;
//! use potstill::distill::{TreeGrower, TreeTargets};
//! use std::sync::Arc;
//!
//! let digits = Arc::new(Dataset::digits());
//! let targets = TreeTargets::of_labels(&digits);
//! let mut grower = TreeGrower::new(TreeSpec::of_depth(4), digits.clone(), targets);
//! while grower.grow(&|| false) == Some(true) {}
//! assert_eq!((grower.tree().depth(), grower.tree().leaves()), (4, 16));
//! let right = grower.tree().predict(&digits.inputs).chunks(10).zip(&digits.labels).filter(|(row, label)| {
//!     row.iter().all(|&logit| logit <= row[**label])
//! }).count();
//! assert!(right * 2 > digits.len());
//! ```

use crate::config::{Impurity, TreeSpec};
use crate::data::Dataset;
use crate::model::{DecisionTree, TreeNode};
use crate::targets::soft_targets;
use potstill_core::math::ln_f64;
use potstill_core::{Restorable, Snapshot, SnapshotError};
use std::sync::Arc;

/// The share of the squares of a node's targets below which they are taken for equal.
const PURE: f64 = 1e-12;

/// The targets of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeTargets {
    /// Numbers of a target: classes, or 1 of a regression.
    width: usize,
    /// `rows x width`.
    targets: Vec<f32>,
    /// The weight of each row.
    weights: Vec<f32>,
    /// True if targets are probabilities.
    is_of_classes: bool,
}

impl TreeTargets {
    /// Labels alone: rows without one have no weight.
    pub fn of_labels(data: &Dataset) -> Self {
        let weights = (0..data.len()).map(|row| if row < data.labelled() { 1.0 } else { 0.0 }).collect();
        if data.classes == 0 {
            let mut targets = data.values.clone();
            targets.resize(data.len(), 0.0);
            return Self { width: 1, targets, weights, is_of_classes: false };
        }
        let mut targets = vec![0.0; data.len() * data.classes];
        data.labels.iter().enumerate().for_each(|(row, &label)| targets[row * data.classes + label] = 1.0);
        Self { width: data.classes, targets, weights, is_of_classes: true }
    }

    /// The teacher's probabilities, by its logits of all rows, with weight `alpha` beside the labels.
    ///
    /// # Panics
    /// If the samples are of no classes, or there are not as many logits as rows and classes.
    pub fn of_teacher(data: &Dataset, logits: &[f32], alpha: f64) -> Self {
        assert_eq!(logits.len(), data.len() * data.classes, "logits of all rows");
        let mut own = Self::of_labels(data);
        let alpha = alpha as f32;
        own.weights.iter_mut().skip(data.labelled()).for_each(|weight| *weight = alpha);
        let all = soft_targets(1.0, logits, data.classes);
        let rows = own.targets.chunks_exact_mut(data.classes).zip(all.chunks_exact(data.classes));
        for (row, (target, probabilities)) in rows.enumerate() {
            let alpha = if row < data.labelled() { alpha } else { 1.0 };
            target.iter_mut().zip(probabilities).for_each(|(t, p)| *t = alpha * p + (1.0 - alpha) * *t);
        }
        own
    }

    /// A teacher's values of all rows, with weight `alpha` beside the labels of a regression.
    ///
    /// # Panics
    /// If the samples are of classes, or there is not one value for each row.
    pub fn of_values(data: &Dataset, values: &[f32], alpha: f64) -> Self {
        assert!(data.classes == 0 && values.len() == data.len(), "a value of each row");
        let mut own = Self::of_labels(data);
        let alpha = alpha as f32;
        own.weights.iter_mut().skip(data.labelled()).for_each(|weight| *weight = alpha);
        for (row, (target, value)) in own.targets.iter_mut().zip(values).enumerate() {
            let alpha = if row < data.labelled() { alpha } else { 1.0 };
            *target = alpha * value + (1.0 - alpha) * *target;
        }
        own
    }

    /// The same with the weights of labelled rows multiplied by these.
    ///
    /// # Panics
    /// If there are more of them than rows.
    #[must_use]
    pub fn weighed(mut self, weights: &[f32]) -> Self {
        assert!(weights.len() <= self.weights.len(), "a weight of each labelled row");
        self.weights.iter_mut().zip(weights).for_each(|(own, weight)| *own *= weight);
        self
    }

    fn target(&self, row: u32) -> (&[f32], f64) {
        (&self.targets[row as usize * self.width..][..self.width], f64::from(self.weights[row as usize]))
    }
}

/// Weighted sums over rows.
#[derive(Clone, Debug, PartialEq)]
struct Sums {
    weight: f64,
    targets: Vec<f64>,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self { weight: 0.0, targets: vec![0.0; width] }
    }

    fn add(&mut self, (target, weight): (&[f32], f64)) {
        self.weight += weight;
        self.targets.iter_mut().zip(target).for_each(|(sum, &t)| *sum += weight * f64::from(t));
    }

    /// The part of the impurity, without its sign, that depends on the split.
    fn purity(&self, impurity: Impurity) -> f64 {
        match impurity {
            Impurity::Squares => self.targets.iter().map(|sum| sum * sum).sum::<f64>() / self.weight,
            Impurity::Entropy => {
                let of = |&sum: &f64| if sum > 0.0 { sum * ln_f64(sum / self.weight) } else { 0.0 };
                self.targets.iter().map(of).sum()
            }
        }
    }
}

/// A split of a leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    /// The impurity that it takes away.
    gain: f64,
    feature: usize,
    threshold: f32,
}

/// A leaf that may be split.
#[derive(Clone, Debug)]
struct Open {
    node: usize,
    depth: usize,
    rows: Vec<u32>,
    /// The best split, once it was searched; none inside if there is no split.
    best: Option<Option<Candidate>>,
}

/// A tree that grows split by split.
#[derive(Clone, Debug)]
pub struct TreeGrower {
    spec: TreeSpec,
    data: Arc<Dataset>,
    targets: TreeTargets,
    /// The mean target of all rows.
    mean: Vec<f64>,
    tree: DecisionTree,
    open: Vec<Open>,
    splits: u64,
}

impl TreeGrower {
    /// A tree of one leaf on these rows; those without weight are left out.
    ///
    /// # Panics
    /// If the samples are texts, no row has a weight, or there are not as many targets as rows.
    pub fn new(spec: TreeSpec, data: Arc<Dataset>, targets: TreeTargets) -> Self {
        assert!(!data.is_texts(), "numbers");
        assert_eq!(data.len(), targets.weights.len(), "a target for each row");
        let rows: Vec<u32> = (0..data.len() as u32).filter(|&row| targets.target(row).1 > 0.0).collect();
        assert!(!rows.is_empty(), "rows to learn");
        let mut sums = Sums::new(targets.width);
        rows.iter().for_each(|&row| sums.add(targets.target(row)));
        let mean = sums.targets.iter().map(|sum| sum / sums.weight).collect();
        let mut grower = Self {
            tree: DecisionTree::leaf(data.features, vec![0.0; targets.width]),
            open: Vec::new(),
            splits: 0,
            spec,
            data,
            targets,
            mean,
        };
        let outputs = grower.outputs(&rows);
        grower.tree = DecisionTree::leaf(grower.data.features, outputs);
        grower.open.push(Open { node: 0, depth: 0, rows, best: None });
        grower
    }

    /// The tree so far.
    pub fn tree(&self) -> &DecisionTree {
        &self.tree
    }

    /// Splits so far.
    pub fn splits(&self) -> u64 {
        self.splits
    }

    /// The most splits that there can be.
    pub fn splits_max(&self) -> u64 {
        let of_depth = (1_u64 << self.spec.depth.min(40)) - 1;
        let of_leaves = self.spec.leaves.map_or(u64::MAX, |leaves| leaves as u64 - 1);
        of_depth.min(of_leaves).min(self.data.len() as u64)
    }

    /// Makes the best split of all leaves. Returns false if there is none, or no further leaf is allowed; none if it was stopped, which
    /// changes nothing.
    pub fn grow(&mut self, stop: &dyn Fn() -> bool) -> Option<bool> {
        if self.spec.leaves.is_some_and(|leaves| self.splits + 1 >= leaves as u64) {
            self.open.clear();
        }
        for i in 0..self.open.len() {
            if self.open[i].best.is_none() {
                self.open[i].best = Some(self.search(&self.open[i], stop)?);
            }
        }
        self.open.retain(|open| open.best.flatten().is_some());
        let gain = |open: &Open| open.best.flatten().map_or(f64::NEG_INFINITY, |best| best.gain);
        // The first of equals: they stand in the order of their making.
        let best = (0..self.open.len())
            .reduce(|best, i| if gain(&self.open[i]) > gain(&self.open[best]) { i } else { best });
        let Some(best) = best else { return Some(false) };
        let open = self.open.remove(best);
        let split = open.best.flatten().expect("it has one");
        self.split(&open, split.feature, split.threshold);
        self.splits += 1;
        Some(true)
    }

    /// Splits a leaf, and opens both new ones.
    fn split(&mut self, Open { node, depth, rows, .. }: &Open, feature: usize, threshold: f32) {
        let is_above = |row: &u32| self.data.input(*row as usize)[feature] > threshold;
        let (above, below): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| is_above(row));
        let outputs = [self.outputs(&below), self.outputs(&above)];
        let next = self.tree.split(*node, feature, threshold, outputs);
        for (node, rows) in next.into_iter().zip([below, above]) {
            self.open.push(Open { node, depth: depth + 1, rows, best: None });
        }
    }

    /// The outputs of a leaf with these rows: logarithms of probabilities, or the mean value.
    fn outputs(&self, rows: &[u32]) -> Vec<f32> {
        let mut sums = Sums::new(self.targets.width);
        rows.iter().for_each(|&row| sums.add(self.targets.target(row)));
        if !self.targets.is_of_classes {
            return vec![(sums.targets[0] / sums.weight) as f32];
        }
        let shares =
            sums.targets.iter().zip(&self.mean).map(|(sum, mean)| (sum + mean) / (sums.weight + 1.0));
        // A class that no row has, not even a little, has no mean either.
        shares.map(|share| ln_f64(share.max(1e-12)) as f32).collect()
    }

    /// The best split of a leaf; none inside if there is none, none at all if it was stopped.
    fn search(&self, open: &Open, stop: &dyn Fn() -> bool) -> Option<Option<Candidate>> {
        if open.depth >= self.spec.depth || open.rows.len() < 2 * self.spec.rows || self.is_pure(&open.rows) {
            return Some(None);
        }
        let mut all = Sums::new(self.targets.width);
        open.rows.iter().for_each(|&row| all.add(self.targets.target(row)));
        let whole = all.purity(self.spec.impurity);
        let mut best: Option<Candidate> = None;
        let mut sorted: Vec<(f32, u32)> = Vec::with_capacity(open.rows.len());
        for feature in 0..self.data.features {
            if stop() {
                return None;
            }
            sorted.clear();
            sorted.extend(open.rows.iter().map(|&row| (self.data.input(row as usize)[feature], row)));
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if sorted[0].0 == sorted[sorted.len() - 1].0 {
                continue;
            }
            let found = self.best_threshold(&sorted, &all);
            if let Some((purity, threshold)) = found
                && best.is_none_or(|best| purity - whole > best.gain)
            {
                best = Some(Candidate { gain: purity - whole, feature, threshold });
            }
        }
        Some(best)
    }

    /// The purity of the best split of rows that are sorted by a feature, and its threshold.
    fn best_threshold(&self, sorted: &[(f32, u32)], all: &Sums) -> Option<(f64, f32)> {
        let (mut below, mut above) = (Sums::new(self.targets.width), all.clone());
        let mut best: Option<(f64, f32)> = None;
        for (i, pair) in sorted.windows(2).enumerate() {
            below.add(self.targets.target(pair[0].1));
            let (count, low, high) = (i + 1, pair[0].0, pair[1].0);
            let is_allowed = low < high && count >= self.spec.rows && sorted.len() - count >= self.spec.rows;
            if !is_allowed {
                continue;
            }
            above.weight = all.weight - below.weight;
            let rest = above.targets.iter_mut().zip(all.targets.iter().zip(&below.targets));
            rest.for_each(|(above, (all, below))| *above = all - below);
            let purity = below.purity(self.spec.impurity) + above.purity(self.spec.impurity);
            if best.is_none_or(|(highest, _)| purity > highest) {
                best = Some((purity, middle(low, high)));
            }
        }
        best
    }

    /// Returns true if the targets of rows are all the same.
    fn is_pure(&self, rows: &[u32]) -> bool {
        let (mut sums, mut squares) = (Sums::new(self.targets.width), 0.0);
        for &row in rows {
            let (target, weight) = self.targets.target(row);
            sums.add((target, weight));
            squares += weight * target.iter().map(|&t| f64::from(t) * f64::from(t)).sum::<f64>();
        }
        squares - sums.purity(Impurity::Squares) <= PURE * squares
    }
}

/// The middle of two numbers, or the lower one if single precision has none between.
fn middle(low: f32, high: f32) -> f32 {
    let middle = (f64::from(low) / 2.0 + f64::from(high) / 2.0) as f32;
    if middle >= high { low } else { middle }
}

impl Restorable for TreeGrower {
    fn snapshot(&self) -> Snapshot {
        self.tree.snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.tree.restore(snapshot)?;
        self.splits = self.tree.leaves() as u64 - 1;
        let mut rows = vec![Vec::new(); self.tree.nodes().len()];
        for row in 0..self.data.len() as u32 {
            if self.targets.target(row).1 > 0.0 {
                rows[self.tree.leaf_of(self.data.input(row as usize))].push(row);
            }
        }
        let leaves = self.tree.nodes().iter().zip(self.tree.depths()).zip(rows).enumerate();
        let leaves = leaves.filter(|(_, ((node, _), _))| matches!(node, TreeNode::Leaf { .. }));
        self.open = leaves.map(|(node, ((_, depth), rows))| Open { node, depth, rows, best: None }).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn dataset(inputs: Vec<f32>, features: usize, labels: Vec<usize>, classes: usize) -> Arc<Dataset> {
        let shape = [1, 1, features];
        Arc::new(Dataset {
            shape,
            features,
            classes,
            inputs: inputs.into(),
            texts: Vec::new(),
            labels,
            values: Vec::new(),
        })
    }

    fn grown(spec: TreeSpec, data: &Arc<Dataset>, targets: TreeTargets) -> DecisionTree {
        let mut grower = TreeGrower::new(spec, data.clone(), targets);
        while grower.grow(&|| false) == Some(true) {}
        grower.tree().clone()
    }

    #[test]
    fn splits_lower_the_impurity_most() {
        // Of 4 and 4: the first feature splits off 3 of one class, the second 2 and 2 of each.
        let inputs = vec![1., 5., 2., 6., 3., 5., 9., 6., 8., 5., 7., 6., 6., 5., 5., 6.];
        let data = dataset(inputs, 2, vec![0, 0, 0, 0, 1, 1, 1, 1], 2);
        let tree = grown(TreeSpec::of_depth(1), &data, TreeTargets::of_labels(&data));
        assert_eq!(tree.nodes()[0], TreeNode::Split { feature: 0, threshold: 4.0, next: [1, 2] });
        // 3 of one class and a row of halves: (3 + 0.5) / 4 and 0.5 / 4; of the others 1.5 / 6 and 4.5 / 6.
        let near = |outputs: &[f32], shares: [f32; 2]| {
            outputs.iter().zip(shares).all(|(logit, share)| (logit.exp() - share).abs() < 1e-6)
        };
        let TreeNode::Leaf { outputs } = &tree.nodes()[1] else { panic!("a leaf") };
        assert!(near(outputs, [3.5 / 4.0, 0.5 / 4.0]), "{outputs:?}");
        let TreeNode::Leaf { outputs } = &tree.nodes()[2] else { panic!("a leaf") };
        assert!(near(outputs, [1.5 / 6.0, 4.5 / 6.0]), "{outputs:?}");
        // The next level takes out the fourth row; then all leaves are of one class.
        let tree = grown(TreeSpec::of_depth(9), &data, TreeTargets::of_labels(&data));
        assert_eq!((tree.depth(), tree.leaves()), (2, 3));
        // Leaves of two rows and more do not take out a single one.
        let spec = TreeSpec { rows: 2, ..TreeSpec::of_depth(9) };
        let tree = grown(spec, &data, TreeTargets::of_labels(&data));
        let counts = |tree: &DecisionTree| {
            let mut counts = vec![0; tree.nodes().len()];
            (0..8).for_each(|row| counts[tree.leaf_of(data.input(row))] += 1);
            counts.into_iter().filter(|&count| count > 0).min()
        };
        assert!(counts(&tree) >= Some(2), "{tree:?}");
        // A limit leaves the best splits.
        let spec = TreeSpec { leaves: Some(2), ..TreeSpec::of_depth(9) };
        assert_eq!(grown(spec, &data, TreeTargets::of_labels(&data)).nodes()[0], tree.nodes()[0]);
    }

    #[test]
    fn soft_targets_are_mixed_with_labels_and_weighed() {
        let data = dataset(vec![0.0, 1.0, 2.0], 1, vec![0, 1], 2);
        // Probabilities of 1/4 and 3/4, of 1/2, of 3/4 and 1/4.
        let three = 3.0_f32.ln();
        let targets = TreeTargets::of_teacher(&data, &[0.0, three, 0.0, 0.0, three, 0.0], 0.5);
        let near = |ours: &[f32], expected: &[f32]| {
            assert!(ours.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{ours:?}");
        };
        near(&targets.targets, &[0.625, 0.375, 0.25, 0.75, 0.75, 0.25]);
        near(&targets.weights, &[1.0, 1.0, 0.5]);
        near(&targets.weighed(&[3.0, 0.25]).weights, &[3.0, 0.25, 0.5]);
        let of_labels = TreeTargets::of_labels(&data);
        near(&of_labels.weights, &[1.0, 1.0, 0.0]);
        let tree = grown(TreeSpec::of_depth(1), &data, of_labels);
        assert_eq!(tree.nodes()[0], TreeNode::Split { feature: 0, threshold: 0.5, next: [1, 2] });
        // One row of four decides where it weighs ten times as much.
        let data = dataset(vec![0.0, 1.0, 2.0, 3.0], 1, vec![0, 1, 0, 0], 2);
        let weighed = TreeTargets::of_labels(&data).weighed(&[10.0, 1.0, 1.0, 1.0]);
        let tree = grown(TreeSpec::of_depth(1), &data, weighed);
        let TreeNode::Leaf { outputs } = &tree.nodes()[1] else { panic!("a leaf") };
        // Ten rows of its class, and one with the shares of all: 12/13 and 1/13.
        near(outputs, &[(10.0 + 12.0 / 13.0) / 11.0, 1.0 / 13.0 / 11.0].map(|share: f32| share.ln()));
    }

    #[test]
    fn a_restored_tree_grows_to_the_same_bits() {
        let digits = Arc::new(Dataset::digits());
        let spec =
            TreeSpec { leaves: Some(20), rows: 5, impurity: Impurity::Entropy, ..TreeSpec::of_depth(8) };
        let whole = grown(spec, &digits, TreeTargets::of_labels(&digits));
        let new = || TreeGrower::new(spec, digits.clone(), TreeTargets::of_labels(&digits));
        for stopped in [0, 1, 7, 19] {
            let mut begun = new();
            (0..stopped).for_each(|_| assert_eq!(begun.grow(&|| false), Some(true)));
            // What is stopped in the middle of a search changes nothing.
            assert!(stopped == 19 || begun.grow(&|| true).is_none());
            let mut restored = new();
            restored.restore(&begun.snapshot()).unwrap();
            while restored.grow(&|| false) == Some(true) {}
            assert_eq!((restored.tree(), restored.splits()), (&whole, 19), "{stopped}");
        }
    }

    /// The trees of scikit-learn, node by node.
    #[test]
    fn trees_are_those_of_scikit_learn() {
        let golden: Value =
            serde_json::from_str(include_str!("../../../../testdata/trees/trees.json")).unwrap();
        let numbers = |value: &Value| -> Vec<f32> {
            value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
        };
        let cases = golden["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 21);
        for case in cases {
            let about = &case["about"];
            let inputs = numbers(&golden["inputs"]);
            let labels: Vec<usize> =
                golden["labels"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect();
            let data = dataset(inputs, 5, labels, 3);
            let mut data = Arc::unwrap_or_clone(data);
            let targets = match case["targets"].as_str().unwrap() {
                "labels" => TreeTargets::of_labels(&data),
                "soft" => {
                    let logits: Vec<f32> = numbers(&golden["soft"]).iter().map(|p| p.ln()).collect();
                    TreeTargets::of_teacher(&data, &logits, 1.0)
                }
                _ => {
                    (data.classes, data.labels) = (0, Vec::new());
                    data.values = numbers(&golden["values"]);
                    TreeTargets::of_labels(&data)
                }
            };
            let form: crate::config::StudentSpec = case["form"].as_str().unwrap().parse().unwrap();
            let crate::config::StudentSpec::Tree(spec) = form else { panic!("a tree") };
            let tree = grown(spec, &Arc::new(data), targets);
            let mut open = vec![(0_usize, &case["tree"])];
            let mut count = 0;
            while let Some((node, theirs)) = open.pop() {
                count += 1;
                match &tree.nodes()[node] {
                    TreeNode::Split { feature, threshold, next } => {
                        assert_eq!(theirs["feature"], *feature, "{about}, node {node}");
                        let other = theirs["threshold"].as_f64().unwrap();
                        assert!(
                            (f64::from(*threshold) - other).abs() < 1e-6,
                            "{about}, node {node}: {other}"
                        );
                        open.extend([(next[0], &theirs["below"]), (next[1], &theirs["above"])]);
                    }
                    TreeNode::Leaf { outputs } if outputs.len() == 1 => {
                        let other = theirs["leaf"][0].as_f64().unwrap() as f32;
                        assert!((outputs[0] - other).abs() < 1e-5, "{about}, node {node}");
                    }
                    TreeNode::Leaf { .. } => assert!(theirs["leaf"].is_array(), "{about}, node {node}"),
                }
            }
            assert_eq!(tree.nodes().len(), count, "{about}");
            assert_eq!(count as u64, case["nodes"].as_u64().unwrap(), "{about}");
        }
    }
}
