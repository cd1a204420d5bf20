//! Spaces: what an observation or an action can be.
//!
//! ```
//! use potstill_env::Space;
//!
//! assert_eq!(Space::Discrete { n: 4 }.to_string(), "Discrete(4)");
//! let box_of_two = Space::Box { low: vec![-1.0, 0.0], high: vec![1.0, f32::INFINITY] };
//! assert_eq!((box_of_two.features(), box_of_two.discrete()), (2, None));
//! // A tuple of small sets is numbered, the last part running fastest.
//! let cards = Space::Tuple { sizes: vec![32, 11, 2] };
//! assert_eq!((cards.discrete(), cards.parts(45)), (Some(704), vec![2, 0, 1]));
//! ```

use potstill_core::{Pcg64, Snapshot, SnapshotError, Value};
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
    /// Tuples of integers, each from `0` to below its size. Gymnasium's `Tuple` of `Discrete`; here one integer stands for all,
    /// so that a table can hold them.
    Tuple {
        /// The size of each part.
        sizes: Vec<usize>,
    },
    /// Vectors of single-precision numbers between two corners; an unbounded side is infinite.
    Box {
        /// The lowest value of each component.
        low: Vec<f32>,
        /// The highest value of each component.
        high: Vec<f32>,
    },
    /// Arrays of zeros and ones.
    MultiBinary {
        /// Their shape, the last axis running fastest.
        shape: Vec<usize>,
    },
}

impl Space {
    /// The number of elements, if they are numbered.
    pub fn discrete(&self) -> Option<usize> {
        match self {
            Space::Discrete { n } => Some(*n),
            Space::Tuple { sizes } => Some(sizes.iter().product()),
            Space::Box { .. } | Space::MultiBinary { .. } => None,
        }
    }

    /// The number of features of an observation: 1 if the elements are numbered, else the number of components.
    pub fn features(&self) -> usize {
        match self {
            Space::Discrete { .. } | Space::Tuple { .. } => 1,
            Space::Box { low, .. } => low.len(),
            Space::MultiBinary { shape } => shape.iter().product(),
        }
    }

    /// The parts of the element with this number: those of a tuple, else the number itself.
    pub fn parts(&self, number: usize) -> Vec<usize> {
        let Space::Tuple { sizes } = self else { return vec![number] };
        let mut rest = number;
        let mut parts: Vec<usize> = sizes
            .iter()
            .rev()
            .map(|size| {
                let part = rest % size;
                rest /= size;
                part
            })
            .collect();
        parts.reverse();
        parts
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        match self {
            Space::Discrete { n } => write!(f, "Discrete({n})"),
            Space::Tuple { sizes } => write!(f, "Tuple({})", list(sizes)),
            Space::Box { low, .. } => write!(f, "Box({})", low.len()),
            Space::MultiBinary { shape } => write!(f, "MultiBinary({})", list(shape)),
        }
    }
}

/// What an environment writes its observations into.
pub trait Observation: ToOwned<Owned: BorrowMut<Self> + Clone + Send + fmt::Debug + PartialEq> {
    /// One number of it. A vector environment keeps the observations of its environments as rows of these.
    type Element: Element;

    /// A buffer for one observation of this space.
    fn buffer(space: &Space) -> Self::Owned;

    /// A row of numbers as an observation.
    fn of_row(row: &mut [Self::Element]) -> &mut Self;

    /// The observation as a row of numbers.
    fn row(&self) -> &[Self::Element];

    /// Whether it holds neither an infinity nor NaN.
    fn is_finite(&self) -> bool;

    /// Why it is not in the space; `None` if it is.
    fn outside(&self, space: &Space) -> Option<String>;

    /// The observation as a value of a state tree.
    fn to_value(&self) -> Value {
        Self::Element::to_value(self.row())
    }

    /// Takes back what [`to_value`](Observation::to_value) made, from under `name`.
    ///
    /// # Errors
    /// If it is missing, or of another kind or length.
    fn read(&mut self, state: &Snapshot, name: &str) -> Result<(), SnapshotError>;
}

/// One number of an observation.
pub trait Element: Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Numbers as a value of a state tree.
    fn to_value(numbers: &[Self]) -> Value;

    /// Takes back what [`to_value`](Element::to_value) made, from under `name`.
    ///
    /// # Errors
    /// If it is missing, or of another kind or length.
    fn read(numbers: &mut [Self], state: &Snapshot, name: &str) -> Result<(), SnapshotError>;

    /// The number in double precision, without loss.
    fn wide(self) -> f64;
}

impl Element for usize {
    fn to_value(numbers: &[usize]) -> Value {
        Value::U64s(numbers.iter().map(|&n| n as u64).collect())
    }

    fn read(numbers: &mut [usize], state: &Snapshot, name: &str) -> Result<(), SnapshotError> {
        let values = state.u64s(name, numbers.len())?;
        for (number, &value) in numbers.iter_mut().zip(values) {
            *number =
                usize::try_from(value).map_err(|_| SnapshotError::invalid(name, "a number is too large"))?;
        }
        Ok(())
    }

    fn wide(self) -> f64 {
        self as f64
    }
}

impl Element for f32 {
    fn to_value(numbers: &[f32]) -> Value {
        Value::F32s(numbers.to_vec())
    }

    fn read(numbers: &mut [f32], state: &Snapshot, name: &str) -> Result<(), SnapshotError> {
        numbers.copy_from_slice(state.f32s(name, numbers.len())?);
        Ok(())
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Element for u8 {
    fn to_value(numbers: &[u8]) -> Value {
        Value::U8s(numbers.to_vec())
    }

    fn read(numbers: &mut [u8], state: &Snapshot, name: &str) -> Result<(), SnapshotError> {
        numbers.copy_from_slice(state.u8s(name, numbers.len())?);
        Ok(())
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

/// Why a row of numbers is not in a space of arrays.
fn row_outside<T: Element>(row: &[T], space: &Space) -> Option<String> {
    if space.discrete().is_some() {
        return Some(format!("it is an array, but {space} is numbered"));
    }
    if row.len() != space.features() {
        return Some(format!("it has {} numbers, {space} has {}", row.len(), space.features()));
    }
    let bounds = |i: usize| match space {
        Space::Box { low, high } => (f64::from(low[i]), f64::from(high[i])),
        _ => (0.0, 1.0),
    };
    let inside = |(i, value): (usize, &T)| {
        let (low, high) = bounds(i);
        let value = value.wide();
        value >= low && value <= high && (value.fract() == 0.0 || matches!(space, Space::Box { .. }))
    };
    let i = row.iter().enumerate().position(|pair| !inside(pair))?;
    Some(format!("number {i} is {:?}, outside {:?}", row[i], bounds(i)))
}

impl Observation for usize {
    type Element = usize;

    fn buffer(_: &Space) -> usize {
        0
    }

    #[inline]
    fn of_row(row: &mut [usize]) -> &mut usize {
        &mut row[0]
    }

    #[inline]
    fn row(&self) -> &[usize] {
        std::slice::from_ref(self)
    }

    #[inline]
    fn is_finite(&self) -> bool {
        true
    }

    fn outside(&self, space: &Space) -> Option<String> {
        match space.discrete() {
            Some(n) if *self < n => None,
            _ => Some(format!("{self} is not in {space}")),
        }
    }

    fn to_value(&self) -> Value {
        Value::U64(*self as u64)
    }

    fn read(&mut self, state: &Snapshot, name: &str) -> Result<(), SnapshotError> {
        *self = state.index(name, usize::MAX)?;
        Ok(())
    }
}

macro_rules! array_observation {
    ($element:ty, $is_finite:expr) => {
        impl Observation for [$element] {
            type Element = $element;

            fn buffer(space: &Space) -> Vec<$element> {
                vec![Default::default(); space.features()]
            }

            #[inline]
            fn of_row(row: &mut [$element]) -> &mut [$element] {
                row
            }

            #[inline]
            fn row(&self) -> &[$element] {
                self
            }

            #[inline]
            fn is_finite(&self) -> bool {
                self.iter().all($is_finite)
            }

            fn outside(&self, space: &Space) -> Option<String> {
                row_outside(self, space)
            }

            fn read(&mut self, state: &Snapshot, name: &str) -> Result<(), SnapshotError> {
                <$element>::read(self, state, name)
            }
        }
    };
}

array_observation!(f32, |x| x.is_finite());
array_observation!(u8, |_| true);

/// What an environment takes.
pub trait Action: Copy + PartialEq + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Whether actions of this type are what the space has.
    fn fits(space: &Space) -> bool;

    /// Whether it is in the space.
    fn is_in(self, space: &Space) -> bool;

    /// An action of the space, uniformly at random.
    fn sample(space: &Space, rng: &mut Pcg64) -> Self;

    /// Actions that are in no such space, to see whether an environment refuses them.
    fn never(space: &Space) -> Vec<Self>;

    /// From a number, if it is one.
    fn from_number(number: f64) -> Option<Self>;

    /// As a number.
    fn number(self) -> f64;
}

impl Action for usize {
    fn fits(space: &Space) -> bool {
        space.discrete().is_some()
    }

    #[inline]
    fn is_in(self, space: &Space) -> bool {
        space.discrete().is_some_and(|n| self < n)
    }

    fn sample(space: &Space, rng: &mut Pcg64) -> usize {
        rng.below(space.discrete().expect("numbered actions"))
    }

    fn never(space: &Space) -> Vec<usize> {
        vec![space.discrete().expect("numbered actions"), usize::MAX]
    }

    fn from_number(number: f64) -> Option<usize> {
        (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number))
            .then_some(number as usize)
    }

    fn number(self) -> f64 {
        self as f64
    }
}

/// A box of one dimension.
impl Action for f32 {
    fn fits(space: &Space) -> bool {
        match space {
            Space::Box { low, high } => low.len() == 1 && low[0].is_finite() && high[0].is_finite(),
            _ => false,
        }
    }

    #[inline]
    fn is_in(self, space: &Space) -> bool {
        match space {
            Space::Box { low, high } => low.len() == 1 && self >= low[0] && self <= high[0],
            _ => false,
        }
    }

    fn sample(space: &Space, rng: &mut Pcg64) -> f32 {
        let Space::Box { low, high } = space else { panic!("actions of one dimension") };
        rng.uniform(f64::from(low[0]), f64::from(high[0])) as f32
    }

    fn never(space: &Space) -> Vec<f32> {
        let Space::Box { high, .. } = space else { panic!("actions of one dimension") };
        vec![f32::NAN, f32::INFINITY, high[0] * 1.01]
    }

    fn from_number(number: f64) -> Option<f32> {
        Some(number as f32)
    }

    fn number(self) -> f64 {
        f64::from(self)
    }
}
