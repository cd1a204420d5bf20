//! The form of a student, as it is written: a network, or a decision tree.
//!
//! ```
//! use potstill::config::{StudentSpec, TreeSpec};
//!
//! let spec: StudentSpec = "tree:6:leaves=32:entropy".parse()?;
//! let StudentSpec::Tree(tree) = &spec else { panic!("a tree") };
//! assert_eq!((tree.depth, tree.leaves, tree.rows), (6, Some(32), 1));
//! assert_eq!(spec.to_string(), "tree:6:leaves=32:entropy");
//! assert!(matches!("mlp:16".parse::<StudentSpec>()?, StudentSpec::Network(_)));
//! # Ok::<(), String>(())
//! ```

use super::setting::{Setting, not_a};
use potstill_nn::NetworkSpec;
use std::fmt;
use std::str::FromStr;
use toml::Value;

/// The most levels, leaves and rows of a leaf of a tree that is asked for.
const DEPTH_MAX: usize = 32;
const LEAVES_MAX: usize = 1 << 16;
const ROWS_MAX: usize = 1 << 24;

/// The impurity that a split of a tree lowers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impurity {
    /// The weighted squared distance of the targets from their mean; of labels Gini's impurity (Breiman et al. 1984).
    #[default]
    Squares,
    /// The weighted cross-entropy of the mean with the targets; of labels the entropy.
    Entropy,
}

/// The form of a decision tree: `tree:DEPTH`, then perhaps `leaves=N`, `rows=N` and `entropy`, each after a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeSpec {
    /// Comparisons on the way to a leaf, at most.
    pub depth: usize,
    /// Leaves, at most; the splits that lower the impurity most come first.
    pub leaves: Option<usize>,
    /// Training rows of a leaf, at least.
    pub rows: usize,
    /// The measure of a split.
    pub impurity: Impurity,
}

impl TreeSpec {
    /// A tree of at most this depth.
    pub const fn of_depth(depth: usize) -> Self {
        Self { depth, leaves: None, rows: 1, impurity: Impurity::Squares }
    }

    /// Reads what follows `tree:`.
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let number = |what: &str, text: &str, low: usize, high: usize| {
            let number = text.parse().ok().filter(|number| (low..=high).contains(number));
            number.ok_or_else(|| format!("{what} `{text}` is no whole number from {low} to {high}"))
        };
        let depth = parts.next().unwrap_or_default();
        let depth = depth.strip_prefix("depth=").unwrap_or(depth);
        let mut spec = Self::of_depth(number("the depth", depth, 1, DEPTH_MAX)?);
        let mut given = Vec::new();
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match (name, value) {
                ("leaves", value) => spec.leaves = Some(number(name, value, 2, LEAVES_MAX)?),
                ("rows", value) => spec.rows = number(name, value, 1, ROWS_MAX)?,
                ("entropy", "") => spec.impurity = Impurity::Entropy,
                _ => return Err(format!("unknown option `{part}` (leaves=N, rows=N, entropy)")),
            }
            if given.contains(&name) {
                return Err(format!("a second {name}, `{part}`,"));
            }
            given.push(name);
        }
        Ok(spec)
    }
}

impl fmt::Display for TreeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tree:{}", self.depth)?;
        if let Some(leaves) = self.leaves {
            write!(f, ":leaves={leaves}")?;
        }
        if self.rows > 1 {
            write!(f, ":rows={}", self.rows)?;
        }
        match self.impurity {
            Impurity::Squares => Ok(()),
            Impurity::Entropy => f.write_str(":entropy"),
        }
    }
}

/// The form of a student.
#[derive(Clone, Debug, PartialEq)]
pub enum StudentSpec {
    /// A network, perhaps behind a bag of n-grams.
    Network(NetworkSpec),
    /// A decision tree.
    Tree(TreeSpec),
}

impl fmt::Display for StudentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(spec) => spec.fmt(f),
            Self::Tree(spec) => spec.fmt(f),
        }
    }
}

impl FromStr for StudentSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("tree:") {
            Some(rest) => TreeSpec::parse(rest)
                .map(Self::Tree)
                .map_err(|reason| format!("{reason} in `{text}`; write `tree:6` or `tree:6:leaves=32`")),
            None => text
                .parse()
                .map(Self::Network)
                .map_err(|error: potstill_nn::spec::SpecError| error.to_string()),
        }
    }
}

impl Setting for StudentSpec {
    type Literal = &'static str;
    const KIND: &'static str = "network";
    fn literal(literal: &'static str) -> Self {
        literal.parse().expect("a default form parses")
    }
    fn from_toml(value: &Value) -> Result<Self, String> {
        value.as_str().ok_or_else(|| not_a("a network such as mlp:64,64", value))?.parse()
    }
    fn to_toml(&self) -> Option<Value> {
        Some(Value::String(self.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_read_back_and_typing_errors_are_told() {
        let check = |text: &str, expected: &str| {
            let found = text.parse::<StudentSpec>().map_or_else(|reason| reason, |spec| spec.to_string());
            assert_eq!(found, expected, "{text}");
        };
        check("tree:6", "tree:6");
        check("tree:depth=6:rows=5:leaves=9", "tree:6:leaves=9:rows=5");
        check("tree:3:entropy:rows=1", "tree:3:entropy");
        check("mlp:16:tanh", "mlp:16:tanh");
        let end = "; write `tree:6` or `tree:6:leaves=32`";
        check("tree:", &format!("the depth `` is no whole number from 1 to 32 in `tree:`{end}"));
        check("tree:33", &format!("the depth `33` is no whole number from 1 to 32 in `tree:33`{end}"));
        check(
            "tree:6:leaves=1",
            &format!("leaves `1` is no whole number from 2 to 65536 in `tree:6:leaves=1`{end}"),
        );
        check(
            "tree:6,leaves=9",
            &format!("the depth `6,leaves=9` is no whole number from 1 to 32 in `tree:6,leaves=9`{end}"),
        );
        check(
            "tree:6:gini",
            &format!("unknown option `gini` (leaves=N, rows=N, entropy) in `tree:6:gini`{end}"),
        );
        check("tree:6:rows=2:rows=3", &format!("a second rows, `rows=3`, in `tree:6:rows=2:rows=3`{end}"));
        check(
            "tree",
            "unknown family `tree` in network `tree`; write `mlp:64,64`, `mlp:64,64:tanh` or `cnn:16x3,128`",
        );
    }
}
