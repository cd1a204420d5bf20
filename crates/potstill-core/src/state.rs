//! A tree of named values: the one language between whatever has state and whatever stores it.
//!
//! No algorithm derives a serialisation format. It says what it holds with [`Stateful::state`] and takes it back with
//! [`Stateful::restore`]; a restored object continues bit for bit as the original would have.
//!
//! ```
//! use potstill_core::{Pcg64, Stateful};
//!
//! let mut original = Pcg64::new(1);
//! original.unit();
//! let mut copy = Pcg64::new(2);
//! copy.restore(&original.state())?;
//! assert_eq!(copy.unit(), original.unit());
//! # Ok::<(), potstill_core::StateError>(())
//! ```

use std::collections::BTreeMap;
use thiserror::Error;

/// One value in a [`State`] tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A flag.
    Bool(bool),
    /// A counter, index or length.
    U64(u64),
    /// A number.
    F64(f64),
    /// An array of bytes.
    U8s(Vec<u8>),
    /// An array of integers.
    U64s(Vec<u64>),
    /// An array of single-precision numbers.
    F32s(Vec<f32>),
    /// An array of double-precision numbers.
    F64s(Vec<f64>),
    /// A branch.
    Tree(State),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a flag",
            Value::U64(_) => "an integer",
            Value::F64(_) => "a number",
            Value::U8s(_) => "an array of u8",
            Value::U64s(_) => "an array of u64",
            Value::F32s(_) => "an array of f32",
            Value::F64s(_) => "an array of f64",
            Value::Tree(_) => "a branch",
        }
    }
}

/// What is wrong with a state that was to be restored. `path` is the name, with its branches, of the culprit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The value is not there.
    #[error("`{path}` is missing")]
    Missing {
        /// Where.
        path: String,
    },
    /// The value is of another kind.
    #[error("`{path}` is {got}, expected {expected}")]
    Kind {
        /// Where.
        path: String,
        /// The kind needed.
        expected: &'static str,
        /// The kind found.
        got: &'static str,
    },
    /// The array has another length.
    #[error("`{path}` has {got} elements, expected {expected}")]
    Length {
        /// Where.
        path: String,
        /// The length needed.
        expected: usize,
        /// The length found.
        got: usize,
    },
    /// The value cannot be one that [`Stateful::state`] wrote.
    #[error("`{path}`: {reason}")]
    Invalid {
        /// Where.
        path: String,
        /// Why not.
        reason: String,
    },
}

impl StateError {
    /// A value that its owner never writes.
    pub fn invalid(path: &str, reason: impl Into<String>) -> Self {
        StateError::Invalid { path: path.to_owned(), reason: reason.into() }
    }

    fn within(mut self, branch: &str) -> Self {
        let (StateError::Missing { path }
        | StateError::Kind { path, .. }
        | StateError::Length { path, .. }
        | StateError::Invalid { path, .. }) = &mut self;
        *path = format!("{branch}.{path}");
        self
    }
}

/// Something whose whole state goes out and in. After `b.restore(&a.state())` both continue bit for bit alike.
pub trait Stateful {
    /// Everything that the future of `self` depends on and its constructor does not give.
    fn state(&self) -> State;

    /// Takes back what [`state`](Stateful::state) wrote, for an object built with the same settings.
    ///
    /// # Errors
    /// If a value is missing, of another kind or length, or impossible. `self` may then be partly restored; discard it.
    fn restore(&mut self, state: &State) -> Result<(), StateError>;
}

impl<T: Stateful + ?Sized> Stateful for Box<T> {
    fn state(&self) -> State {
        (**self).state()
    }

    fn restore(&mut self, state: &State) -> Result<(), StateError> {
        (**self).restore(state)
    }
}

/// A branch: values by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    values: BTreeMap<String, Value>,
}

macro_rules! array_getter {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $element:ty, $kind:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// If there is none of that name, kind and length.
        pub fn $name(&self, name: &str, length: usize) -> Result<&[$element], StateError> {
            match self.get(name)? {
                Value::$variant(values) if values.len() == length => Ok(values),
                Value::$variant(values) => {
                    Err(StateError::Length { path: name.to_owned(), expected: length, got: values.len() })
                }
                other => Err(wrong_kind(name, $kind, other)),
            }
        }
    };
}

macro_rules! scalar_getter {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $scalar:ty, $kind:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// If there is none of that name and kind.
        pub fn $name(&self, name: &str) -> Result<$scalar, StateError> {
            match self.get(name)? {
                Value::$variant(value) => Ok(*value),
                other => Err(wrong_kind(name, $kind, other)),
            }
        }
    };
}

fn wrong_kind(name: &str, expected: &'static str, got: &Value) -> StateError {
    StateError::Kind { path: name.to_owned(), expected, got: got.kind() }
}

impl State {
    /// An empty branch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same branch with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        let previous = self.values.insert(name.to_owned(), value);
        assert!(previous.is_none(), "two values named `{name}` in one branch of a state");
        self
    }

    /// The same branch with the state of a part.
    #[must_use]
    pub fn with_part(self, name: &str, part: &impl Stateful) -> Self {
        self.with(name, Value::Tree(part.state()))
    }

    /// Restores a part from the branch that [`with_part`](State::with_part) made.
    ///
    /// # Errors
    /// If the branch is missing or the part refuses it.
    pub fn restore_part(&self, name: &str, part: &mut impl Stateful) -> Result<(), StateError> {
        part.restore(self.tree(name)?).map_err(|error| error.within(name))
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether a value of this name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    fn get(&self, name: &str) -> Result<&Value, StateError> {
        self.values.get(name).ok_or_else(|| StateError::Missing { path: name.to_owned() })
    }

    /// A branch.
    ///
    /// # Errors
    /// If there is no branch of that name.
    pub fn tree(&self, name: &str) -> Result<&State, StateError> {
        match self.get(name)? {
            Value::Tree(tree) => Ok(tree),
            other => Err(wrong_kind(name, "a branch", other)),
        }
    }

    /// An index or length below `bound`.
    ///
    /// # Errors
    /// If there is no integer of that name, or it is not below `bound`.
    pub fn index(&self, name: &str, bound: usize) -> Result<usize, StateError> {
        let value = self.u64(name)?;
        usize::try_from(value)
            .ok()
            .filter(|&value| value < bound)
            .ok_or_else(|| StateError::invalid(name, format!("{value} is not below {bound}")))
    }

    /// So many integers that are indices below `bound`.
    ///
    /// # Errors
    /// If there are none of that name and length, or one is not below `bound`.
    pub fn indices(&self, name: &str, length: usize, bound: usize) -> Result<Vec<usize>, StateError> {
        let values = self.u64s(name, length)?;
        if let Some(value) = values.iter().find(|&&value| value >= bound as u64) {
            return Err(StateError::invalid(name, format!("{value} is not below {bound}")));
        }
        Ok(values.iter().map(|&value| value as usize).collect())
    }

    /// An array of double-precision numbers, however long.
    ///
    /// # Errors
    /// If there is none of that name and kind.
    pub fn array(&self, name: &str) -> Result<&[f64], StateError> {
        match self.get(name)? {
            Value::F64s(values) => Ok(values),
            other => Err(wrong_kind(name, "an array of f64", other)),
        }
    }

    scalar_getter!(
        /// A flag.
        bool, Bool, bool, "a flag");
    scalar_getter!(
        /// An integer.
        u64, U64, u64, "an integer");
    scalar_getter!(
        /// A number.
        f64, F64, f64, "a number");
    array_getter!(
        /// An array of bytes.
        u8s, U8s, u8, "an array of u8");
    array_getter!(
        /// An array of integers.
        u64s, U64s, u64, "an array of u64");
    array_getter!(
        /// An array of single-precision numbers.
        f32s, F32s, f32, "an array of f32");
    array_getter!(
        /// An array of double-precision numbers.
        f64s, F64s, f64, "an array of f64");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_whole_path() {
        struct Leaf;
        impl Stateful for Leaf {
            fn state(&self) -> State {
                State::new().with("values", Value::F32s(vec![1.0, 2.0]))
            }
            fn restore(&mut self, state: &State) -> Result<(), StateError> {
                state.f32s("values", 3).map(|_| ())
            }
        }
        let tree = State::new().with("outer", Value::Tree(State::new().with_part("leaf", &Leaf)));
        let check = |result: Result<(), StateError>, expected: &str| {
            assert_eq!(result.unwrap_err().to_string(), expected);
        };
        let outer = tree.tree("outer").unwrap();
        check(outer.restore_part("leaf", &mut Leaf), "`leaf.values` has 2 elements, expected 3");
        check(outer.restore_part("twig", &mut Leaf), "`twig` is missing");
        check(tree.u64("outer").map(|_| ()), "`outer` is a branch, expected an integer");
        check(State::new().with("n", Value::U64(9)).index("n", 9).map(|_| ()), "`n`: 9 is not below 9");
    }
}
