//! Decision trees (Breiman, Friedman, Olshen and Stone 1984): each inner node compares one input with a threshold, each leaf has outputs.
//!
//! ```
//! use potstill::model::{DecisionTree, TreeNode};
//!
//! let leaf = |outputs: [f32; 2]| TreeNode::Leaf { outputs: outputs.to_vec() };
//! let root = TreeNode::Split { feature: 1, threshold: 0.5, next: [1, 2] };
//! let tree = DecisionTree::new(3, 2, vec![root, leaf([1.0, 0.0]), leaf([0.0, 2.0])])?;
//! // At the threshold a row goes below.
//! assert_eq!(tree.predict(&[9.0, 0.5, 9.0, 9.0, 0.6, 9.0]), [1.0, 0.0, 0.0, 2.0]);
//! // A feature and a threshold, and two numbers for each leaf.
//! assert_eq!((tree.depth(), tree.leaves(), tree.parameters()), (1, 2, 6));
//! # Ok::<(), String>(())
//! ```

use potstill_core::{Restorable, Snapshot, SnapshotError, Value};

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// A comparison.
    Split {
        /// The input that is compared.
        feature: usize,
        /// The highest value that goes below.
        threshold: f32,
        /// The nodes below and above, both behind this one.
        next: [usize; 2],
    },
    /// An end.
    Leaf {
        /// Logits of classes, or the value of a regression.
        outputs: Vec<f32>,
    },
}

/// A tree; its first node is the root.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionTree {
    features: usize,
    outputs: usize,
    nodes: Vec<TreeNode>,
}

/// A tree as arrays, for files: a node in each line of all but the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TreeArrays {
    /// The feature of a split, the number of features for a leaf.
    pub(crate) features: Vec<u64>,
    /// The threshold of a split, 0 of a leaf.
    pub(crate) thresholds: Vec<f32>,
    /// The nodes below and above, 0 of a leaf.
    pub(crate) next: Vec<u64>,
    /// The outputs of the leaves, in the order of the nodes.
    pub(crate) outputs: Vec<f32>,
}

impl DecisionTree {
    /// A tree of these nodes.
    ///
    /// # Errors
    /// If they are no tree, or one of other features or outputs: the reason.
    pub fn new(features: usize, outputs: usize, nodes: Vec<TreeNode>) -> Result<Self, String> {
        let mut reached = vec![0_usize; nodes.len()];
        for (place, node) in nodes.iter().enumerate() {
            match node {
                TreeNode::Leaf { outputs: own } if own.len() != outputs => {
                    return Err(format!("leaf {place} has {} outputs; {outputs} are needed", own.len()));
                }
                TreeNode::Leaf { .. } => {}
                TreeNode::Split { feature, .. } if *feature >= features => {
                    return Err(format!("node {place} compares feature {feature} of {features}"));
                }
                TreeNode::Split { next, .. } => {
                    for &next in next {
                        match reached.get_mut(next) {
                            Some(count) if next > place => *count += 1,
                            _ => return Err(format!("node {place} leads to {next}, which is not behind it")),
                        }
                    }
                }
            }
        }
        let is_tree = !nodes.is_empty() && reached[1..].iter().all(|&count| count == 1);
        is_tree.then_some(Self { features, outputs, nodes }).ok_or_else(|| "its nodes are no tree".to_owned())
    }

    /// A tree of one leaf.
    pub fn leaf(features: usize, outputs: Vec<f32>) -> Self {
        Self { features, outputs: outputs.len(), nodes: vec![TreeNode::Leaf { outputs }] }
    }

    /// Makes a split of a leaf, with these outputs below and above. Returns the two new leaves.
    ///
    /// # Panics
    /// If the node is no leaf, or feature or outputs are others than the tree has.
    pub fn split(
        &mut self,
        leaf: usize,
        feature: usize,
        threshold: f32,
        outputs: [Vec<f32>; 2],
    ) -> [usize; 2] {
        assert!(matches!(self.nodes[leaf], TreeNode::Leaf { .. }), "node {leaf} is a leaf");
        assert!(feature < self.features && outputs.iter().all(|own| own.len() == self.outputs));
        let next = [self.nodes.len(), self.nodes.len() + 1];
        self.nodes[leaf] = TreeNode::Split { feature, threshold, next };
        self.nodes.extend(outputs.map(|outputs| TreeNode::Leaf { outputs }));
        next
    }

    /// Numbers of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Numbers of an answer.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The nodes, the root first.
    pub fn nodes(&self) -> &[TreeNode] {
        &self.nodes
    }

    /// The number of leaves.
    pub fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, TreeNode::Leaf { .. })).count()
    }

    /// The depth of each node; that of the root is 0.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.nodes.len()];
        for (place, node) in self.nodes.iter().enumerate() {
            if let TreeNode::Split { next, .. } = node {
                next.iter().for_each(|&next| depths[next] = depths[place] + 1);
            }
        }
        depths
    }

    /// Comparisons on the longest way to a leaf.
    pub fn depth(&self) -> usize {
        self.depths().into_iter().max().unwrap_or(0)
    }

    /// Numbers that were learned: feature and threshold of each split, outputs of each leaf.
    pub fn parameters(&self) -> usize {
        let leaves = self.leaves();
        2 * (self.nodes.len() - leaves) + self.outputs * leaves
    }

    /// Returns true if all numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            TreeNode::Split { threshold, .. } => threshold.is_finite(),
            TreeNode::Leaf { outputs } => outputs.iter().all(|x| x.is_finite()),
        })
    }

    /// The leaf of a row.
    pub fn leaf_of(&self, row: &[f32]) -> usize {
        let mut place = 0;
        while let TreeNode::Split { feature, threshold, next } = &self.nodes[place] {
            place = next[usize::from(row[*feature] > *threshold)];
        }
        place
    }

    /// The outputs of rows, `rows x outputs`.
    ///
    /// # Panics
    /// If the inputs are not those of whole rows.
    pub fn predict(&self, inputs: &[f32]) -> Vec<f32> {
        assert!(inputs.len().is_multiple_of(self.features), "inputs of whole rows");
        let mut answers = Vec::with_capacity(inputs.len() / self.features * self.outputs);
        for row in inputs.chunks_exact(self.features) {
            if let TreeNode::Leaf { outputs } = &self.nodes[self.leaf_of(row)] {
                answers.extend_from_slice(outputs);
            }
        }
        answers
    }

    /// The tree as text: a line for each condition that leads to an inner node or a leaf, down to so many levels. `condition` says which rows go
    /// below (`false`) or above (`true`) a threshold of a feature, `leaf` what outputs mean.
    pub fn rules(
        &self,
        levels: usize,
        condition: &dyn Fn(usize, f32, bool) -> String,
        leaf: &dyn Fn(&[f32]) -> String,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        // Nodes, with their level and the condition that leads there.
        let mut open = vec![(0_usize, 0_usize, String::new())];
        while let Some((place, level, condition_here)) = open.pop() {
            let indent = "|   ".repeat(level.saturating_sub(1));
            match &self.nodes[place] {
                TreeNode::Leaf { outputs } if level == 0 => lines.push(leaf(outputs)),
                TreeNode::Leaf { outputs } => {
                    lines.push(format!("{indent}{condition_here}: {}", leaf(outputs)));
                }
                TreeNode::Split { .. } if level == levels => {
                    lines.push(format!("{indent}{condition_here}: ... {} leaves", self.leaves_below(place)));
                }
                TreeNode::Split { feature, threshold, next } => {
                    if level > 0 {
                        lines.push(format!("{indent}{condition_here}"));
                    }
                    for above in [true, false] {
                        let words = condition(*feature, *threshold, above);
                        open.push((next[usize::from(above)], level + 1, words));
                    }
                }
            }
        }
        lines
    }

    fn leaves_below(&self, place: usize) -> usize {
        let (mut open, mut leaves) = (vec![place], 0);
        while let Some(place) = open.pop() {
            match &self.nodes[place] {
                TreeNode::Leaf { .. } => leaves += 1,
                TreeNode::Split { next, .. } => open.extend(next),
            }
        }
        leaves
    }

    /// The nodes as arrays.
    pub(crate) fn to_arrays(&self) -> TreeArrays {
        let mut arrays = TreeArrays::default();
        for node in &self.nodes {
            let (feature, threshold, next) = match node {
                TreeNode::Split { feature, threshold, next } => {
                    (*feature, *threshold, next.map(|n| n as u64))
                }
                TreeNode::Leaf { outputs } => {
                    arrays.outputs.extend_from_slice(outputs);
                    (self.features, 0.0, [0, 0])
                }
            };
            arrays.features.push(feature as u64);
            arrays.thresholds.push(threshold);
            arrays.next.extend(next);
        }
        arrays
    }

    /// A tree of arrays.
    ///
    /// # Errors
    /// If they are none of a tree with these features and outputs: the reason.
    pub(crate) fn from_arrays(features: usize, outputs: usize, arrays: &TreeArrays) -> Result<Self, String> {
        let count = arrays.features.len();
        if arrays.thresholds.len() != count || arrays.next.len() != 2 * count || outputs == 0 {
            return Err("its arrays have different lengths".to_owned());
        }
        let mut leaves = arrays.outputs.chunks_exact(outputs);
        let index = |x: u64| usize::try_from(x).unwrap_or(usize::MAX);
        let mut nodes = Vec::with_capacity(count);
        for (i, &feature) in arrays.features.iter().enumerate() {
            nodes.push(if feature == features as u64 {
                let outputs = leaves.next().ok_or("it has fewer outputs than leaves")?.to_vec();
                TreeNode::Leaf { outputs }
            } else {
                let next = [arrays.next[2 * i], arrays.next[2 * i + 1]].map(index);
                TreeNode::Split { feature: index(feature), threshold: arrays.thresholds[i], next }
            });
        }
        if leaves.next().is_some() || !leaves.remainder().is_empty() {
            return Err("it has more outputs than leaves".to_owned());
        }
        Self::new(features, outputs, nodes)
    }
}

impl Restorable for DecisionTree {
    fn snapshot(&self) -> Snapshot {
        let TreeArrays { features, thresholds, next, outputs } = self.to_arrays();
        Snapshot::new()
            .with("nodes", Value::U64(features.len() as u64))
            .with("leaves", Value::U64(self.leaves() as u64))
            .with("features", Value::U64s(features))
            .with("thresholds", Value::F32s(thresholds))
            .with("next", Value::U64s(next))
            .with("outputs", Value::F32s(outputs))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        const NODES_MAX: usize = 1 << 26;
        let (nodes, leaves) = (snapshot.index("nodes", NODES_MAX)?, snapshot.index("leaves", NODES_MAX)?);
        let arrays = TreeArrays {
            features: snapshot.u64s("features", nodes)?.to_vec(),
            thresholds: snapshot.f32s("thresholds", nodes)?.to_vec(),
            next: snapshot.u64s("next", 2 * nodes)?.to_vec(),
            outputs: snapshot.f32s("outputs", leaves * self.outputs)?.to_vec(),
        };
        *self = Self::from_arrays(self.features, self.outputs, &arrays)
            .map_err(|reason| SnapshotError::invalid("nodes", reason))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> DecisionTree {
        let mut tree = DecisionTree::leaf(2, vec![0.0, 0.0]);
        let [below, _] = tree.split(0, 0, 1.5, [vec![1.0, 0.0], vec![0.0, 1.0]]);
        tree.split(below, 1, -2.0, [vec![2.0, 0.0], vec![0.0, 2.0]]);
        tree
    }

    #[test]
    fn a_tree_is_walked_written_and_restored() {
        let tree = tree();
        assert_eq!((tree.depth(), tree.leaves(), tree.parameters()), (2, 3, 10));
        assert_eq!(tree.predict(&[1.5, -2.0, 1.5, -1.9, 1.6, 0.0]), [2.0, 0.0, 0.0, 2.0, 0.0, 1.0]);
        let mut again = DecisionTree::leaf(2, vec![9.0, 9.0]);
        again.restore(&tree.snapshot()).unwrap();
        assert_eq!(again, tree);
        let condition = |feature: usize, threshold: f32, above: bool| {
            format!("x{feature} {} {threshold}", if above { ">" } else { "<=" })
        };
        let leaf = |outputs: &[f32]| if outputs[0] > outputs[1] { "a" } else { "b" }.to_owned();
        assert_eq!(
            tree.rules(9, &condition, &leaf),
            ["x0 <= 1.5", "|   x1 <= -2: a", "|   x1 > -2: b", "x0 > 1.5: b"]
        );
        assert_eq!(tree.rules(1, &condition, &leaf), ["x0 <= 1.5: ... 2 leaves", "x0 > 1.5: b"]);
        assert_eq!(DecisionTree::leaf(2, vec![1.0, 0.0]).rules(3, &condition, &leaf), ["a"]);
    }

    #[test]
    fn nodes_that_are_no_tree_are_refused() {
        let leaf = || TreeNode::Leaf { outputs: vec![0.0] };
        let split = |feature, next| TreeNode::Split { feature, threshold: 0.0, next };
        let check = |nodes: Vec<TreeNode>, expected: &str| {
            assert_eq!(DecisionTree::new(2, 1, nodes).unwrap_err(), expected);
        };
        check(Vec::new(), "its nodes are no tree");
        check(vec![leaf(), leaf()], "its nodes are no tree");
        check(vec![split(0, [1, 1]), leaf()], "its nodes are no tree");
        check(vec![split(0, [0, 1]), leaf()], "node 0 leads to 0, which is not behind it");
        check(vec![split(0, [1, 2]), leaf()], "node 0 leads to 2, which is not behind it");
        check(vec![split(2, [1, 2]), leaf(), leaf()], "node 0 compares feature 2 of 2");
        check(vec![TreeNode::Leaf { outputs: vec![0.0; 2] }], "leaf 0 has 2 outputs; 1 are needed");
        let arrays = tree().to_arrays();
        assert!(DecisionTree::from_arrays(2, 2, &arrays).is_ok());
        let few = TreeArrays { outputs: arrays.outputs[..4].to_vec(), ..arrays.clone() };
        assert_eq!(DecisionTree::from_arrays(2, 2, &few).unwrap_err(), "it has fewer outputs than leaves");
        let many = TreeArrays { outputs: [&arrays.outputs[..], &[0.0]].concat(), ..arrays };
        assert_eq!(DecisionTree::from_arrays(2, 2, &many).unwrap_err(), "it has more outputs than leaves");
    }
}
