//! Spaces: what an observation or an action can be.
//!
//! ```
//! use potstill_env::Space;
//!
//! assert_eq!(Space::Discrete { n: 4 }.to_string(), "Discrete(4)");
//! let box_of_two = Space::Box { low: vec![-1.0, 0.0], high: vec![1.0, f32::INFINITY] };
//! assert_eq!((box_of_two.features(), box_of_two.discrete()), (2, None));
//! ```

use potstill_core::{State, StateError, Value};
use std::borrow::BorrowMut;
use std::fmt;

/// A set of observations or actions, as in Gymnasium.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// The integers `0..n`.
    Discrete {
        /// How many there are.
        n: usize,
    },
    /// Vectors of single-precision numbers between two corners; an unbounded side is infinite.
    Box {
        /// The lowest value of each component.
        low: Vec<f32>,
        /// The highest value of each component.
        high: Vec<f32>,
    },
}

impl Space {
    /// The number of elements of a discrete space.
    pub fn discrete(&self) -> Option<usize> {
        match self {
            Space::Discrete { n } => Some(*n),
            Space::Box { .. } => None,
        }
    }

    /// The number of features of an observation: 1 for a discrete space, the number of components for a box.
    pub fn features(&self) -> usize {
        match self {
            Space::Discrete { .. } => 1,
            Space::Box { low, .. } => low.len(),
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Space::Discrete { n } => write!(f, "Discrete({n})"),
            Space::Box { low, .. } => write!(f, "Box({})", low.len()),
        }
    }
}

/// What an environment writes its observations into.
pub trait Observation: ToOwned<Owned: BorrowMut<Self> + Clone + Send + fmt::Debug + PartialEq> {
    /// A buffer for one observation of this space.
    fn buffer(space: &Space) -> Self::Owned;

    /// Whether it holds neither an infinity nor NaN.
    fn is_finite(&self) -> bool;

    /// The observation as a value of a state tree.
    fn to_value(&self) -> Value;

    /// Takes back what [`to_value`](Observation::to_value) made, from under `name`.
    ///
    /// # Errors
    /// If it is missing, or of another kind or length.
    fn read(&mut self, state: &State, name: &str) -> Result<(), StateError>;
}

impl Observation for usize {
    fn buffer(_: &Space) -> usize {
        0
    }

    fn is_finite(&self) -> bool {
        true
    }

    fn to_value(&self) -> Value {
        Value::U64(*self as u64)
    }

    fn read(&mut self, state: &State, name: &str) -> Result<(), StateError> {
        *self = state.index(name, usize::MAX)?;
        Ok(())
    }
}

impl Observation for [f32] {
    fn buffer(space: &Space) -> Vec<f32> {
        vec![0.0; space.features()]
    }

    fn is_finite(&self) -> bool {
        self.iter().all(|x| x.is_finite())
    }

    fn to_value(&self) -> Value {
        Value::F32s(self.to_vec())
    }

    fn read(&mut self, state: &State, name: &str) -> Result<(), StateError> {
        self.copy_from_slice(state.f32s(name, self.len())?);
        Ok(())
    }
}
