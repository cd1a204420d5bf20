//! Spaces of observations and actions, and their values as rows of numbers.
//!
//! ```
//! use potstill_env::Space;
//!
//! assert_eq!(Space::Discrete { n: 4 }.to_string(), "Discrete(4)");
//! let box_of_two = Space::Box { low: vec![-1.0, 0.0], high: vec![1.0, f32::INFINITY] };
//! assert_eq!((box_of_two.features(), box_of_two.discrete()), (2, None));
//! assert_eq!(Space::uniform(3, -1.0, 1.0).features(), 3);
//! let image = Space::Image { frames: 1, height: 84, width: 84, channels: 3 };
//! assert_eq!((image.features(), image.to_string().as_str()), (21_168, "Image(84, 84, 3)"));
//! // A tuple of small sets is numbered, the last part running fastest.
//! let cards = Space::Tuple { sizes: vec![32, 11, 2] };
//! assert_eq!((cards.discrete(), cards.parts(45)), (Some(704), vec![2, 0, 1]));
//! ```

use potstill_core::pages::Plain;
use potstill_core::snapshot::Codec;
use potstill_core::{Pcg64, Snapshot, SnapshotError, Value};
use std::borrow::{Borrow, BorrowMut};
use std::fmt;
use std::str::FromStr;

/// A set of observations or actions, as in Gymnasium.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// The integers `0..n`.
    Discrete {
        /// The number of elements.
        n: usize,
    },
    /// Tuples of integers, each from `0` to below its size. Gymnasium's `Tuple` of `Discrete`; here one
    /// integer stands for all, so that a table can hold them.
    Tuple {
        /// The size of each part.
        sizes: Vec<usize>,
    },
    /// Vectors of single-precision numbers between two corners, whose length is that of the vectors; an
    /// unbounded side is infinite. [`Space::uniform`] makes one with the same bounds on every side.
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
    /// Images whose numbers are bytes, the channels running fastest: Gymnasium's `Box(0, 255, ..., uint8)`. With
    /// their channels first, images are so many frames of one channel.
    Image {
        /// Images in a stack, one after the other; 1 without one.
        frames: usize,
        /// Rows of points.
        height: usize,
        /// Points of a row.
        width: usize,
        /// Numbers at each point.
        channels: usize,
    },
}

impl Space {
    /// A box of `n` numbers, each from `low` to `high`.
    pub fn uniform(n: usize, low: f32, high: f32) -> Self {
        Space::Box { low: vec![low; n], high: vec![high; n] }
    }

    /// The number of elements, if they are numbered.
    #[inline]
    pub fn discrete(&self) -> Option<usize> {
        match self {
            Space::Discrete { n } => Some(*n),
            Space::Tuple { sizes } => Some(sizes.iter().product()),
            Space::Box { .. } | Space::MultiBinary { .. } | Space::Image { .. } => None,
        }
    }

    /// The number of features of an observation: 1 if the elements are numbered, else the number of
    /// components.
    #[inline]
    pub fn features(&self) -> usize {
        match self {
            Space::Discrete { .. } | Space::Tuple { .. } => 1,
            Space::Box { low, .. } => low.len(),
            Space::MultiBinary { shape } => shape.iter().product(),
            Space::Image { frames, height, width, channels } => frames * height * width * channels,
        }
    }

    /// The lengths of the axes of one value, the last running fastest; none of a number.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Space::Discrete { .. } | Space::Tuple { .. } => Vec::new(),
            Space::Box { low, .. } => vec![low.len()],
            Space::MultiBinary { shape } => shape.clone(),
            Space::Image { frames: 1, height, width, channels } => vec![*height, *width, *channels],
            Space::Image { frames, height, width, channels } => vec![*frames, *height, *width, *channels],
        }
    }

    /// The most numbers of an observation or action that a text or a file may ask for.
    pub const FEATURES_MAX: usize = 1 << 20;

    /// The whole space as a text, which is parsed as the same:
    ///
    /// | space | text |
    /// |---|---|
    /// | `Discrete`, `Tuple`, `MultiBinary` | as they are displayed: `Discrete(4)`, `Tuple(32, 11, 2)` |
    /// | `Image` | its frames if there are several, rows, points and channels: `Image(84, 84, 3)` |
    /// | `Box` | the bounds of its components, and how many follow each other with the same: `Box(-1:1*2, -8:8)` |
    pub fn text(&self) -> String {
        let Space::Box { low, high } = self else { return self.to_string() };
        let bounds: Vec<(f32, f32)> = low.iter().copied().zip(high.iter().copied()).collect();
        let part = |part: &[(f32, f32)]| {
            let ((low, high), times) = (part[0], part.len());
            if times == 1 { format!("{low}:{high}") } else { format!("{low}:{high}*{times}") }
        };
        let parts: Vec<String> = bounds.chunk_by(|a, b| a == b).map(part).collect();
        format!("Box({})", parts.join(", "))
    }

    /// Returns true if all numbers are whole, from 0 to 255.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Space::MultiBinary { .. } | Space::Image { .. })
    }

    /// Checks that the space has elements; the error is the reason why not.
    pub(crate) fn well_formed(&self) -> Result<(), String> {
        match self {
            Space::Discrete { n: 0 } => Err(format!("{self} has no element")),
            Space::Tuple { sizes } if sizes.is_empty() || sizes.contains(&0) => {
                Err(format!("{self} has no element"))
            }
            Space::MultiBinary { shape } if shape.is_empty() || shape.contains(&0) => {
                Err(format!("{self} has no element"))
            }
            Space::Image { .. } if self.features() == 0 => Err(format!("{self} has no element")),
            Space::Box { low, high } if low.is_empty() || low.len() != high.len() => {
                Err(format!("{} lowest and {} highest values", low.len(), high.len()))
            }
            Space::Box { low, high } => match low
                .iter()
                .zip(high)
                .position(|(low, high)| low.partial_cmp(high).is_none_or(std::cmp::Ordering::is_gt))
            {
                Some(i) => Err(format!("component {i} is from {} to {}", low[i], high[i])),
                None => Ok(()),
            },
            _ => Ok(()),
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

/// The lengths of a space's parts, if their product is not too large.
fn sizes(parts: &[&str], most: usize) -> Option<Vec<usize>> {
    let sizes = parts.iter().map(|part| part.parse().ok()).collect::<Option<Vec<usize>>>()?;
    let product = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
    (product <= most).then_some(sizes)
}

impl FromStr for Space {
    type Err = String;

    /// Parses a [text](Space::text); the error is the reason.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected a space, such as Discrete(4), Box(-1:1*2, -inf:inf) or Image(84, 84, 3)".to_owned();
        let (name, rest) = text.trim().split_once('(').ok_or_else(expected)?;
        let parts: Vec<&str> =
            rest.strip_suffix(')').ok_or_else(expected)?.split(',').map(str::trim).collect();
        // Of states there may be more than numbers of an observation.
        let counted = |most: usize| sizes(&parts, most).ok_or_else(expected);
        let space = match name {
            "Discrete" if parts.len() == 1 => Space::Discrete { n: counted(usize::MAX / 2)?[0] },
            "Tuple" => Space::Tuple { sizes: counted(usize::MAX / 2)? },
            "MultiBinary" => Space::MultiBinary { shape: counted(Self::FEATURES_MAX)? },
            "Image" => match counted(Self::FEATURES_MAX)?[..] {
                [height, width, channels] => Space::Image { frames: 1, height, width, channels },
                [frames, height, width, channels] => Space::Image { frames, height, width, channels },
                _ => return Err(expected()),
            },
            "Box" => {
                let (mut low, mut high) = (Vec::new(), Vec::new());
                for part in parts {
                    let (bounds, times) = part.split_once('*').unwrap_or((part, "1"));
                    let (from, to) = bounds.split_once(':').ok_or_else(expected)?;
                    let bound = |text: &str| text.trim().parse::<f32>().map_err(|_| expected());
                    let times: usize = times.trim().parse().map_err(|_| expected())?;
                    if times > Self::FEATURES_MAX - low.len() {
                        return Err(format!("it has more than {} numbers", Self::FEATURES_MAX));
                    }
                    low.resize(low.len() + times, bound(from)?);
                    high.resize(high.len() + times, bound(to)?);
                }
                Space::Box { low, high }
            }
            _ => return Err(expected()),
        };
        space.well_formed()?;
        Ok(space)
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
            Space::Image { .. } => write!(f, "Image({})", list(&self.shape())),
        }
    }
}

/// A value of a space of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numbers<'a> {
    /// The number of an element.
    Index(usize),
    /// The numbers of a box.
    Floats(&'a [f32]),
    /// Zeros and ones, or the bytes of an image.
    Bytes(&'a [u8]),
}

/// A value of a space of any kind, to write to.
#[derive(Debug, PartialEq)]
pub enum NumbersMut<'a> {
    /// The number of an element.
    Index(&'a mut usize),
    /// The numbers of a box.
    Floats(&'a mut [f32]),
    /// Zeros and ones, or the bytes of an image.
    Bytes(&'a mut [u8]),
}

/// An observation or an action: a value of a space as a row of numbers.
///
/// `usize` stands for the elements of [`Space::Discrete`] and [`Space::Tuple`], `[f32]` for those of
/// [`Space::Box`], and `[u8]` for those of [`Space::MultiBinary`] and [`Space::Image`], which may be `[f32]` too. Many
/// of them lie in one slice, row after row.
pub trait Row: ToOwned<Owned: BorrowMut<Self> + Clone + Send + Sync + fmt::Debug + PartialEq> + Sync {
    /// One number of it.
    type Element: Element;

    /// `true` for the number of an element, `false` for an array.
    const IS_INDEX: bool;

    /// A buffer for one value of this space.
    fn buffer(space: &Space) -> Self::Owned;

    /// The row as a value of this type.
    fn from_slice(row: &[Self::Element]) -> &Self;

    /// The row as a mutable value of this type.
    fn from_mut_slice(row: &mut [Self::Element]) -> &mut Self;

    /// The value as a row of numbers.
    fn as_slice(&self) -> &[Self::Element];

    /// The value as a row of numbers, to write to.
    fn as_mut_slice(&mut self) -> &mut [Self::Element];

    /// The value as numbers of their type.
    fn as_numbers(&self) -> Numbers<'_>;

    /// The value as numbers of their type, to write to.
    fn as_numbers_mut(&mut self) -> NumbersMut<'_>;

    /// Returns true if all numbers are finite.
    fn is_finite(&self) -> bool;

    /// Returns true if it is in the space.
    fn is_in(&self, space: &Space) -> bool;

    /// The reason why it is not in the space; `None` if it is.
    fn outside(&self, space: &Space) -> Option<String>;

    /// Returns true if values of this type can be sampled uniformly from the space: a box must be bounded.
    fn can_sample(space: &Space) -> bool;

    /// A value of the space, uniformly at random.
    ///
    /// # Panics
    /// If values of this type cannot be [drawn](Row::can_sample) from the space.
    fn sample(space: &Space, rng: &mut Pcg64) -> Self::Owned;

    /// The numbers of `rows` values of the space, uniformly at random, row after row: actions for as many
    /// copies of an environment.
    ///
    /// # Panics
    /// If values of this type cannot be [drawn](Row::can_sample) from the space.
    fn sample_rows(rows: usize, space: &Space, rng: &mut Pcg64) -> Vec<Self::Element> {
        (0..rows).flat_map(|_| Self::sample(space, rng).borrow().as_slice().to_vec()).collect()
    }

    /// Values outside of the space, for tests that they are refused.
    fn invalid(space: &Space) -> Vec<Self::Owned>;

    /// The value of the space with these numbers, if there is one.
    fn from_numbers(numbers: &[f64], space: &Space) -> Option<Self::Owned>;

    /// The numbers in double precision, without loss.
    fn numbers(&self) -> Vec<f64> {
        self.as_slice().iter().map(|number| number.wide()).collect()
    }

    /// The number, or the list of numbers, as text.
    fn text(&self) -> String {
        row_text(self.as_slice())
    }

    /// The row as a value of a snapshot.
    fn to_value(&self) -> Value {
        Self::Element::to_value(self.as_slice())
    }

    /// Restores what [`to_value`](Row::to_value) saved, from the value `name`.
    ///
    /// # Errors
    /// If it is missing, or of another kind or length.
    fn read(&mut self, snapshot: &Snapshot, name: &str) -> Result<(), SnapshotError>;
}

/// One number of an observation or an action.
pub trait Element: Plain + fmt::Display {
    /// Numbers as a value of a snapshot.
    fn to_value(numbers: &[Self]) -> Value;

    /// Restores what [`to_value`](Element::to_value) saved, from the value `name`.
    ///
    /// # Errors
    /// If it is missing, or of another kind or length.
    fn read(numbers: &mut [Self], state: &Snapshot, name: &str) -> Result<(), SnapshotError>;

    /// `true` if all numbers of this type are whole.
    const IS_WHOLE: bool;

    /// The number in double precision, without loss.
    fn wide(self) -> f64;

    /// The nearest number of this type; `None` if the number is not finite, too large, or has a fraction that
    /// this type cannot represent.
    fn narrow(number: f64) -> Option<Self>;
}

impl Element for usize {
    const IS_WHOLE: bool = true;

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

    fn narrow(number: f64) -> Option<Self> {
        // The cast saturates, so that a number beyond this machine's indices is not converted back to itself.
        let is_index = number <= 9_007_199_254_740_992.0 && (number as usize) as f64 == number;
        is_index.then_some(number as usize)
    }
}

impl Element for f32 {
    const IS_WHOLE: bool = false;

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

    fn narrow(number: f64) -> Option<Self> {
        Some(number as f32).filter(|x| x.is_finite())
    }
}

impl Element for u8 {
    const IS_WHOLE: bool = true;

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

    fn narrow(number: f64) -> Option<Self> {
        (number.fract() == 0.0 && (0.0..=255.0).contains(&number)).then_some(number as u8)
    }
}

/// The codec of a list of elements, whose length the settings give.
pub(crate) struct Elements;

impl<T: Element> Codec<Vec<T>> for Elements {
    fn save(&self, numbers: &Vec<T>, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, T::to_value(numbers));
    }

    fn load(&self, numbers: &mut Vec<T>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        T::read(numbers, snapshot, name)
    }
}

/// A number, or a list of numbers, as text.
pub(crate) fn row_text<T: fmt::Display>(row: &[T]) -> String {
    match row {
        [number] => number.to_string(),
        row => format!("[{}]", row.iter().map(T::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The reason why a row of numbers is not in a space of arrays.
fn row_outside<T: Element>(row: &[T], space: &Space) -> Option<String> {
    if space.discrete().is_some() {
        return Some(format!("it is an array, but {space} is discrete"));
    }
    if row.len() != space.features() {
        return Some(format!("it has {} numbers, {space} has {}", row.len(), space.features()));
    }
    let bounds = |i: usize| match space {
        Space::Box { low, high } => (f64::from(low[i]), f64::from(high[i])),
        Space::Image { .. } => (0.0, 255.0),
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

impl Row for usize {
    type Element = usize;

    const IS_INDEX: bool = true;

    fn buffer(_: &Space) -> usize {
        0
    }

    #[inline(always)]
    fn from_slice(row: &[usize]) -> &usize {
        &row[0]
    }

    #[inline(always)]
    fn from_mut_slice(row: &mut [usize]) -> &mut usize {
        &mut row[0]
    }

    #[inline(always)]
    fn as_slice(&self) -> &[usize] {
        std::slice::from_ref(self)
    }

    #[inline(always)]
    fn as_mut_slice(&mut self) -> &mut [usize] {
        std::slice::from_mut(self)
    }

    fn as_numbers(&self) -> Numbers<'_> {
        Numbers::Index(*self)
    }

    fn as_numbers_mut(&mut self) -> NumbersMut<'_> {
        NumbersMut::Index(self)
    }

    #[inline]
    fn is_finite(&self) -> bool {
        true
    }

    #[inline]
    fn is_in(&self, space: &Space) -> bool {
        space.discrete().is_some_and(|n| *self < n)
    }

    fn outside(&self, space: &Space) -> Option<String> {
        (!self.is_in(space)).then(|| format!("{self} is not in {space}"))
    }

    fn can_sample(space: &Space) -> bool {
        space.discrete().is_some()
    }

    fn sample(space: &Space, rng: &mut Pcg64) -> usize {
        rng.below(space.discrete().expect("a discrete space"))
    }

    fn invalid(space: &Space) -> Vec<usize> {
        vec![space.discrete().expect("a discrete space"), usize::MAX]
    }

    fn from_numbers(numbers: &[f64], space: &Space) -> Option<usize> {
        let &[number] = numbers else { return None };
        usize::narrow(number).filter(|index| index.is_in(space))
    }

    fn to_value(&self) -> Value {
        Value::U64(*self as u64)
    }

    fn read(&mut self, snapshot: &Snapshot, name: &str) -> Result<(), SnapshotError> {
        *self = snapshot.index(name, usize::MAX)?;
        Ok(())
    }
}

/// The methods of arrays that are the same whatever their numbers.
macro_rules! array_row {
    ($element:ty) => {
        type Element = $element;

        const IS_INDEX: bool = false;

        fn buffer(space: &Space) -> Vec<$element> {
            vec![Default::default(); space.features()]
        }

        #[inline(always)]
        fn from_slice(row: &[$element]) -> &[$element] {
            row
        }

        #[inline(always)]
        fn from_mut_slice(row: &mut [$element]) -> &mut [$element] {
            row
        }

        #[inline(always)]
        fn as_slice(&self) -> &[$element] {
            self
        }

        #[inline(always)]
        fn as_mut_slice(&mut self) -> &mut [$element] {
            self
        }

        fn outside(&self, space: &Space) -> Option<String> {
            row_outside(self, space)
        }

        fn read(&mut self, snapshot: &Snapshot, name: &str) -> Result<(), SnapshotError> {
            <$element>::read(self, snapshot, name)
        }
    };
}

impl Row for [f32] {
    array_row!(f32);

    fn as_numbers(&self) -> Numbers<'_> {
        Numbers::Floats(self)
    }

    fn as_numbers_mut(&mut self) -> NumbersMut<'_> {
        NumbersMut::Floats(self)
    }

    #[inline]
    fn is_finite(&self) -> bool {
        self.iter().all(|x| x.is_finite())
    }

    #[inline]
    fn is_in(&self, space: &Space) -> bool {
        match space {
            Space::Box { low, high } => {
                let bounds = low.iter().zip(high);
                self.len() == low.len()
                    && self.iter().zip(bounds).all(|(x, (low, high))| x >= low && x <= high)
            }
            Space::Image { .. } => {
                self.len() == space.features() && self.iter().all(|x| f32::from(*x as u8) == *x)
            }
            _ => false,
        }
    }

    fn can_sample(space: &Space) -> bool {
        matches!(space, Space::Box { low, high } if low.iter().chain(high).all(|x| x.is_finite()))
    }

    fn sample(space: &Space, rng: &mut Pcg64) -> Vec<f32> {
        let Space::Box { low, high } = space else { panic!("a box, not {space}") };
        let draw = |(&low, &high): (&f32, &f32)| rng.uniform(f64::from(low), f64::from(high)) as f32;
        low.iter().zip(high).map(draw).collect()
    }

    /// Each component in turn is NaN, infinite, or a little too high; and there is a component too few and
    /// one too many.
    fn invalid(space: &Space) -> Vec<Vec<f32>> {
        let Space::Box { low, high } = space else { panic!("a box, not {space}") };
        let replaced = |i: usize, value: f32| {
            let mut row = low.clone();
            row[i] = value;
            row
        };
        let above = |x: f32| x + x.abs().max(1.0) * 0.01;
        let wrong = |i: usize| [f32::NAN, f32::INFINITY, above(high[i])].map(|value| replaced(i, value));
        let lengths = [low[1..].to_vec(), [low.as_slice(), &low[..1]].concat()];
        (0..low.len()).flat_map(wrong).chain(lengths).collect()
    }

    fn from_numbers(numbers: &[f64], space: &Space) -> Option<Vec<f32>> {
        let row: Vec<f32> = numbers.iter().map(|&number| f32::narrow(number)).collect::<Option<_>>()?;
        row.is_in(space).then_some(row)
    }
}

impl Row for [u8] {
    array_row!(u8);

    fn as_numbers(&self) -> Numbers<'_> {
        Numbers::Bytes(self)
    }

    fn as_numbers_mut(&mut self) -> NumbersMut<'_> {
        NumbersMut::Bytes(self)
    }

    #[inline]
    fn is_finite(&self) -> bool {
        true
    }

    #[inline]
    fn is_in(&self, space: &Space) -> bool {
        let fits = match space {
            Space::MultiBinary { .. } => self.iter().all(|&bit| bit <= 1),
            Space::Image { .. } => true,
            _ => false,
        };
        fits && self.len() == space.features()
    }

    fn can_sample(space: &Space) -> bool {
        space.is_bytes()
    }

    fn sample(space: &Space, rng: &mut Pcg64) -> Vec<u8> {
        let values = if matches!(space, Space::Image { .. }) { 256 } else { 2 };
        (0..space.features()).map(|_| rng.below(values) as u8).collect()
    }

    fn invalid(space: &Space) -> Vec<Vec<u8>> {
        let values = matches!(space, Space::MultiBinary { .. }).then(|| vec![2; space.features()]);
        values.into_iter().chain([vec![0; space.features() + 1]]).collect()
    }

    fn from_numbers(numbers: &[f64], space: &Space) -> Option<Vec<u8>> {
        let row: Vec<u8> = numbers.iter().map(|&number| u8::narrow(number)).collect::<Option<_>>()?;
        row.is_in(space).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_read_as_they_are_written() {
        let check = |space: Space, expected: &str| {
            assert_eq!(space.text(), expected);
            assert_eq!(expected.parse(), Ok(space), "{expected}");
        };
        check(Space::Discrete { n: 4 }, "Discrete(4)");
        check(Space::Tuple { sizes: vec![32, 11, 2] }, "Tuple(32, 11, 2)");
        check(Space::MultiBinary { shape: vec![2, 3] }, "MultiBinary(2, 3)");
        check(Space::Image { frames: 4, height: 84, width: 84, channels: 1 }, "Image(4, 84, 84, 1)");
        check(Space::uniform(17, f32::NEG_INFINITY, f32::INFINITY), "Box(-inf:inf*17)");
        check(Space::Box { low: vec![-1.0, -1.0, -8.5], high: vec![1.0, 1.0, 0.1] }, "Box(-1:1*2, -8.5:0.1)");
    }

    #[test]
    fn a_space_that_cannot_be_is_told() {
        let check = |text: &str, expected: &str| {
            let reason = text.parse::<Space>().unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        };
        for text in [
            "",
            "4",
            "Box(4)",
            "Box(a:b)",
            "Discrete(-1)",
            "Discrete(2, 3)",
            "Image(2)",
            "Sphere(2)",
            "Box(0:1",
        ] {
            check(text, "expected a space");
        }
        check("Discrete(0)", "has no element");
        check("Box(1:-1)", "component 0 is from 1 to -1");
        check("Box(0:1*1048577)", "more than 1048576 numbers");
        check("Tuple(99999999999, 99999999999)", "expected a space");
        check("MultiBinary(2000, 2000)", "expected a space");
    }
}
