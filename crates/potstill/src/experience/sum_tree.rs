//! A sum tree: sampling of an index in proportion to its weight in logarithmic time (Schaul et al. 2016,
//! appendix B.2.1).
//!
//! ```
//! use potstill::experience::SumTree;
//!
//! let mut tree = SumTree::new(4);
//! [3.0, 0.0, 1.0, 4.0].into_iter().enumerate().for_each(|(i, p)| tree.set(i, p));
//! assert_eq!(tree.total(), 8.0);
//! // The first three eighths belong to index 0, the next to index 2, the rest to index 3.
//! assert_eq!([0.0, 2.9, 3.5, 4.0, 7.9].map(|x| tree.find(x)), [0, 0, 2, 3, 3]);
//! ```

/// Non-negative numbers, at first 0, and their sums.
#[derive(Clone, Debug, PartialEq)]
pub struct SumTree {
    count: usize,
    /// Node `i` is the sum of nodes `2i` and `2i + 1`; the numbers are the leaves. Node 0 is unused.
    nodes: Vec<f64>,
}

impl SumTree {
    /// A tree of `count` zeros.
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn new(count: usize) -> Self {
        assert!(count > 0, "a tree of something");
        Self { count, nodes: vec![0.0; 2 * count.next_power_of_two()] }
    }

    fn leaf(&self, index: usize) -> usize {
        self.nodes.len() / 2 + index
    }

    /// The number at `index`.
    pub fn get(&self, index: usize) -> f64 {
        self.nodes[self.leaf(index)]
    }

    /// Sets a number. Sums are recomputed and not adjusted, so that rounding errors do not accumulate.
    ///
    /// # Panics
    /// If there is no such index.
    pub fn set(&mut self, index: usize, value: f64) {
        assert!(index < self.count, "number {index} of {}", self.count);
        let mut node = self.leaf(index);
        self.nodes[node] = value;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The sum of all.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// The index of the number that contains `x` when all are laid end to end from 0 to the total; never one
    /// that is 0, unless all are.
    pub fn find(&self, mut x: f64) -> usize {
        let mut node = 1;
        while node < self.nodes.len() / 2 {
            let left = self.nodes[2 * node];
            // Rounding must not lead into an empty branch.
            if x < left || self.nodes[2 * node + 1] == 0.0 {
                node *= 2;
            } else {
                x -= left;
                node = 2 * node + 1;
            }
        }
        (node - self.nodes.len() / 2).min(self.count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::Pcg64;

    #[test]
    fn sums_and_draws_are_those_of_a_plain_list() {
        let mut rng = Pcg64::new(1);
        for count in [1, 2, 3, 7, 64, 100] {
            let (mut tree, mut list) = (SumTree::new(count), vec![0.0; count]);
            for _ in 0..500 {
                let (index, value) = (rng.below(count), rng.below(4) as f64 * 0.25);
                tree.set(index, value);
                list[index] = value;
                assert_eq!(tree.total(), list.iter().sum::<f64>());
                if tree.total() == 0.0 {
                    continue;
                }
                let x = rng.unit() * tree.total();
                let mut rest = x;
                let expected = list.iter().position(|&value| {
                    rest -= value;
                    rest < 0.0
                });
                assert_eq!(Some(tree.find(x)), expected);
            }
        }
    }

    #[test]
    fn the_very_end_belongs_to_the_last_that_is_not_0() {
        let mut tree = SumTree::new(6);
        tree.set(2, 1.0);
        tree.set(3, 2.0);
        assert_eq!((tree.find(3.0), tree.find(1e9)), (3, 3));
    }
}
