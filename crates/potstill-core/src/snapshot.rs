//! Snapshots: a tree of named values, the interface between objects with state and their storage.
//!
//! A type declares its fields once, with [`snapshot!`](crate::snapshot!), and gets both directions of
//! [`Restorable`] from that. Every field is either saved or listed as one that the constructor gives, so that
//! none can be forgotten: a new field does not compile until it is in one of the two lists.
//!
//! ```
//! use potstill_core::snapshot::{Restorable, below};
//! use potstill_core::{Pcg64, snapshot};
//!
//! struct Walk {
//!     sides: usize,
//!     place: usize,
//!     rng: Pcg64,
//! }
//!
//! snapshot! {
//!     impl Restorable for Walk {
//!         saved: place via below(*sides), rng;
//!         built: sides;
//!     }
//! }
//!
//! let mut original = Walk { sides: 10, place: 3, rng: Pcg64::new(1) };
//! let mut copy = Walk { sides: 10, place: 0, rng: Pcg64::new(2) };
//! copy.restore(&original.snapshot())?;
//! assert_eq!((copy.place, copy.rng.unit()), (3, original.rng.unit()));
//!
//! let mut smaller = Walk { sides: 2, ..original };
//! assert_eq!(smaller.restore(&copy.snapshot()).unwrap_err().to_string(), "`place`: 3 is not below 2");
//! # Ok::<(), potstill_core::SnapshotError>(())
//! ```

mod fields;

use std::collections::BTreeMap;
use thiserror::Error;

/// One value in a [`Snapshot`] tree.
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
    Tree(Snapshot),
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

/// An error of restoring. `path` is the name of the value at fault, with its branches.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The value is missing.
    #[error("`{path}` is missing")]
    Missing {
        /// The path.
        path: String,
    },
    /// The value is of another kind.
    #[error("`{path}` is {got}, expected {expected}")]
    Kind {
        /// The path.
        path: String,
        /// The expected kind.
        expected: &'static str,
        /// The found kind.
        got: &'static str,
    },
    /// The array has another length.
    #[error("`{path}` has {got} elements, expected {expected}")]
    Length {
        /// The path.
        path: String,
        /// The expected length.
        expected: usize,
        /// The found length.
        got: usize,
    },
    /// The value is impossible: [`Restorable::snapshot`] cannot have written it.
    #[error("`{path}`: {reason}")]
    Invalid {
        /// The path.
        path: String,
        /// The reason.
        reason: String,
    },
}

impl SnapshotError {
    /// A value that its owner never writes.
    pub fn invalid(path: &str, reason: impl Into<String>) -> Self {
        SnapshotError::Invalid { path: path.to_owned(), reason: reason.into() }
    }

    fn within(mut self, branch: &str) -> Self {
        let (SnapshotError::Missing { path }
        | SnapshotError::Kind { path, .. }
        | SnapshotError::Length { path, .. }
        | SnapshotError::Invalid { path, .. }) = &mut self;
        *path = format!("{branch}.{path}");
        self
    }
}

/// An object whose whole state can be saved and restored. After `b.restore(&a.snapshot())` both continue bit
/// for bit alike.
pub trait Restorable {
    /// The state: everything that the future of `self` depends on and its constructor does not give.
    fn snapshot(&self) -> Snapshot;

    /// Restores what [`snapshot`](Restorable::snapshot) saved, into an object built with the same settings.
    ///
    /// # Errors
    /// If a value is missing, of another kind or length, or impossible. `self` may then be partly restored; discard it.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError>;

    /// Restores this part if the branch `parent` has no branch `name` for it, as in snapshots of an older
    /// version.
    ///
    /// # Errors
    /// Unless overridden, that `name` is missing.
    fn restore_absent(&mut self, name: &str, parent: &Snapshot) -> Result<(), SnapshotError> {
        parent.tree(name).map(|_| ())
    }
}

impl<T: Restorable + ?Sized> Restorable for Box<T> {
    fn snapshot(&self) -> Snapshot {
        (**self).snapshot()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        (**self).restore(snapshot)
    }

    fn restore_absent(&mut self, name: &str, parent: &Snapshot) -> Result<(), SnapshotError> {
        (**self).restore_absent(name, parent)
    }
}

/// A branch: values by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    values: BTreeMap<String, Value>,
}

macro_rules! array_getter {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $element:ty, $kind:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// If there is no value of that name, kind and length.
        pub fn $name(&self, name: &str, length: usize) -> Result<&[$element], SnapshotError> {
            match self.get(name)? {
                Value::$variant(values) if values.len() == length => Ok(values),
                Value::$variant(values) => {
                    Err(SnapshotError::Length { path: name.to_owned(), expected: length, got: values.len() })
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
        /// If there is no value of that name and kind.
        pub fn $name(&self, name: &str) -> Result<$scalar, SnapshotError> {
            match self.get(name)? {
                Value::$variant(value) => Ok(*value),
                other => Err(wrong_kind(name, $kind, other)),
            }
        }
    };
}

fn wrong_kind(name: &str, expected: &'static str, got: &Value) -> SnapshotError {
    SnapshotError::Kind { path: name.to_owned(), expected, got: got.kind() }
}

impl Snapshot {
    /// An empty branch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same branch with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds a value to the branch.
    ///
    /// # Panics
    /// If the name exists.
    pub fn insert(&mut self, name: &str, value: Value) {
        let previous = self.values.insert(name.to_owned(), value);
        assert!(previous.is_none(), "two values named `{name}` in one branch of a snapshot");
    }

    /// The same branch with the state of a part.
    #[must_use]
    pub fn with_part(self, name: &str, part: &impl Restorable) -> Self {
        self.with(name, Value::Tree(part.snapshot()))
    }

    /// Restores a part from the branch that [`with_part`](Snapshot::with_part) made.
    ///
    /// # Errors
    /// If the branch is missing or the part refuses it.
    pub fn restore_part(&self, name: &str, part: &mut impl Restorable) -> Result<(), SnapshotError> {
        part.restore(self.tree(name)?).map_err(|error| error.within(name))
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns true if there is a value of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    fn get(&self, name: &str) -> Result<&Value, SnapshotError> {
        self.values.get(name).ok_or_else(|| SnapshotError::Missing { path: name.to_owned() })
    }

    /// A branch.
    ///
    /// # Errors
    /// If there is no branch of that name.
    pub fn tree(&self, name: &str) -> Result<&Snapshot, SnapshotError> {
        match self.get(name)? {
            Value::Tree(tree) => Ok(tree),
            other => Err(wrong_kind(name, "a branch", other)),
        }
    }

    /// An index or length below `bound`.
    ///
    /// # Errors
    /// If there is no integer of that name, or it is not below `bound`.
    pub fn index(&self, name: &str, bound: usize) -> Result<usize, SnapshotError> {
        let value = self.u64(name)?;
        usize::try_from(value)
            .ok()
            .filter(|&value| value < bound)
            .ok_or_else(|| SnapshotError::invalid(name, format!("{value} is not below {bound}")))
    }

    /// A count of steps, updates or draws: an integer below 2^62, so that adding to it cannot overflow. It is as long on 32-bit
    /// targets, where an index is not.
    ///
    /// # Errors
    /// If there is no integer of that name, or it is not below 2^62.
    pub fn counter(&self, name: &str) -> Result<u64, SnapshotError> {
        Below(1_u64 << 62).read(name, self)
    }

    /// An array of integers below `bound`.
    ///
    /// # Errors
    /// If there is no array of that name and length, or an element is not below `bound`.
    pub fn indices(&self, name: &str, length: usize, bound: usize) -> Result<Vec<usize>, SnapshotError> {
        let values = self.u64s(name, length)?;
        if let Some(value) = values.iter().find(|&&value| value >= bound as u64) {
            return Err(SnapshotError::invalid(name, format!("{value} is not below {bound}")));
        }
        Ok(values.iter().map(|&value| value as usize).collect())
    }

    /// An array of double-precision numbers of any length.
    ///
    /// # Errors
    /// If there is no value of that name and kind.
    pub fn array(&self, name: &str) -> Result<&[f64], SnapshotError> {
        match self.get(name)? {
            Value::F64s(values) => Ok(values),
            other => Err(wrong_kind(name, "an array of f64", other)),
        }
    }

    /// An array of bytes of any length.
    ///
    /// # Errors
    /// If there is no value of that name and kind.
    pub fn bytes(&self, name: &str) -> Result<&[u8], SnapshotError> {
        match self.get(name)? {
            Value::U8s(values) => Ok(values),
            other => Err(wrong_kind(name, "an array of u8", other)),
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

/// A field of a declaration with [`snapshot!`](crate::snapshot!): a number, a flag, a list with a length
/// given by the settings, or another [`Restorable`].
///
/// A list of restorable parts is saved as `name-0`, `name-1` and so on. An `Option` is saved if it is `Some`;
/// the settings decide if it is, so that it is restored into a `Some`.
pub trait Field {
    /// Adds the field to a branch.
    fn save(&self, name: &str, snapshot: &mut Snapshot);

    /// Restores the field from a branch.
    ///
    /// # Errors
    /// If it is missing, or of another kind or length.
    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}

impl<T: Restorable> Field for T {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::Tree(self.snapshot()));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.contains(name) {
            snapshot.restore_part(name, self)
        } else {
            self.restore_absent(name, snapshot)
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        if let Some(part) = self {
            part.save(name, snapshot);
        }
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.as_mut().map_or(Ok(()), |part| part.load(name, snapshot))
    }
}

impl<T: Restorable> Field for Vec<T> {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        self.iter().enumerate().for_each(|(i, part)| part.save(&format!("{name}-{i}"), snapshot));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.iter_mut().enumerate().try_for_each(|(i, part)| part.load(&format!("{name}-{i}"), snapshot))
    }
}

macro_rules! scalar_field {
    ($scalar:ty, $variant:ident, $getter:ident) => {
        impl Field for $scalar {
            fn save(&self, name: &str, snapshot: &mut Snapshot) {
                snapshot.insert(name, Value::$variant((*self).into()));
            }

            fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
                *self = snapshot.$getter(name)? as $scalar;
                Ok(())
            }
        }
    };
}

scalar_field!(u64, U64, u64);
scalar_field!(f64, F64, f64);
scalar_field!(f32, F64, f64);

impl Field for bool {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::Bool(*self));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *self = snapshot.bool(name)?;
        Ok(())
    }
}

impl Field for usize {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64(*self as u64));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *self = snapshot.index(name, usize::MAX)?;
        Ok(())
    }
}

/// The element type of a list in a [`Snapshot`].
pub trait ListElement: Copy {
    /// A list as a value.
    fn to_value(numbers: Vec<Self>) -> Value;

    /// The list of this name.
    ///
    /// # Errors
    /// If there is none of that name, kind and length.
    fn list<'a>(snapshot: &'a Snapshot, name: &str, length: usize) -> Result<&'a [Self], SnapshotError>;
}

macro_rules! list_field {
    ($element:ty, $variant:ident, $getter:ident) => {
        impl ListElement for $element {
            fn to_value(numbers: Vec<Self>) -> Value {
                Value::$variant(numbers)
            }

            fn list<'a>(
                snapshot: &'a Snapshot,
                name: &str,
                length: usize,
            ) -> Result<&'a [Self], SnapshotError> {
                snapshot.$getter(name, length)
            }
        }

        impl Field for Vec<$element> {
            fn save(&self, name: &str, snapshot: &mut Snapshot) {
                snapshot.insert(name, Value::$variant(self.clone()));
            }

            fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
                let length = self.len();
                self.copy_from_slice(snapshot.$getter(name, length)?);
                Ok(())
            }
        }
    };
}

list_field!(u8, U8s, u8s);
list_field!(u64, U64s, u64s);
list_field!(f32, F32s, f32s);
list_field!(f64, F64s, f64s);

/// Flags are bytes: 0 or 1.
impl Field for Vec<bool> {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U8s(self.iter().map(|&flag| u8::from(flag)).collect()));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let bytes = snapshot.u8s(name, self.len())?;
        self.iter_mut().zip(bytes).for_each(|(flag, &byte)| *flag = byte != 0);
        Ok(())
    }
}

/// A way to save a field that differs from its type's, for `field via ...` in
/// [`snapshot!`](crate::snapshot!).
pub trait Codec<T: ?Sized> {
    /// Adds the field to a branch.
    fn save(&self, field: &T, name: &str, snapshot: &mut Snapshot);

    /// Restores the field from a branch.
    ///
    /// # Errors
    /// If a value is missing, of another kind or length, or impossible.
    fn load(&self, field: &mut T, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}

/// The codec of an integer, an optional integer, or a list of integers, that must be below a bound.
///
/// `None` is saved as the bound itself. A list keeps the length that it has when it is restored.
#[derive(Clone, Copy, Debug)]
pub struct Below(u64);

/// The codec [`Below`] with this bound.
pub fn below(bound: usize) -> Below {
    Below(bound as u64)
}

impl Below {
    fn read(self, name: &str, snapshot: &Snapshot) -> Result<u64, SnapshotError> {
        let value = snapshot.u64(name)?;
        self.checked(name, value)
    }

    fn checked(self, name: &str, value: u64) -> Result<u64, SnapshotError> {
        if value < self.0 {
            return Ok(value);
        }
        Err(SnapshotError::invalid(name, format!("{value} is not below {}", self.0)))
    }
}

impl Below {
    /// The codec of a list of such integers that is restored with this length, as [`OfLength`].
    pub fn of_length(self, length: usize) -> BelowOfLength {
        BelowOfLength { bound: self, length }
    }
}

/// The codec of a list of integers below a bound, of a length of its own. See [`Below::of_length`].
#[derive(Clone, Copy, Debug)]
pub struct BelowOfLength {
    bound: Below,
    length: usize,
}

impl Codec<Vec<usize>> for BelowOfLength {
    fn save(&self, list: &Vec<usize>, name: &str, snapshot: &mut Snapshot) {
        self.bound.save(&list[..self.length].to_vec(), name, snapshot);
    }

    fn load(&self, list: &mut Vec<usize>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.u64s(name, self.length)?;
        list.resize(self.length, 0);
        self.bound.load(list, name, snapshot)
    }
}

impl Codec<usize> for Below {
    fn save(&self, field: &usize, name: &str, snapshot: &mut Snapshot) {
        field.save(name, snapshot);
    }

    fn load(&self, field: &mut usize, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *field = self.read(name, snapshot)? as usize;
        Ok(())
    }
}

impl Codec<u64> for Below {
    fn save(&self, field: &u64, name: &str, snapshot: &mut Snapshot) {
        field.save(name, snapshot);
    }

    fn load(&self, field: &mut u64, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *field = self.read(name, snapshot)?;
        Ok(())
    }
}

impl Codec<Option<usize>> for Below {
    fn save(&self, field: &Option<usize>, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64(field.map_or(self.0, |value| value as u64)));
    }

    fn load(&self, field: &mut Option<usize>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let value = Below(self.0 + 1).read(name, snapshot)?;
        *field = (value < self.0).then_some(value as usize);
        Ok(())
    }
}

impl Codec<Vec<usize>> for Below {
    fn save(&self, field: &Vec<usize>, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64s(field.iter().map(|&value| value as u64).collect()));
    }

    fn load(&self, field: &mut Vec<usize>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let values = snapshot.u64s(name, field.len())?;
        for (to, &value) in field.iter_mut().zip(values) {
            *to = self.checked(name, value)? as usize;
        }
        Ok(())
    }
}

/// The codec of a counter, such as the steps of a run, which must be below 2^62, so that it can be added to
/// without overflow.
#[derive(Clone, Copy, Debug)]
pub struct Counter;

impl Codec<u64> for Counter {
    fn save(&self, field: &u64, name: &str, snapshot: &mut Snapshot) {
        field.save(name, snapshot);
    }

    fn load(&self, field: &mut u64, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *field = snapshot.counter(name)?;
        Ok(())
    }
}

/// The codec of a field that older snapshots do not have: without it the constructor's value is kept.
#[derive(Clone, Copy, Debug)]
pub struct IfPresent;

impl<T: Field> Codec<T> for IfPresent {
    fn save(&self, field: &T, name: &str, snapshot: &mut Snapshot) {
        field.save(name, snapshot);
    }

    fn load(&self, field: &mut T, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if snapshot.contains(name) { field.load(name, snapshot) } else { Ok(()) }
    }
}

/// The codec of a field that is saved only if this is true; the settings decide it again when the field is restored.
#[derive(Clone, Copy, Debug)]
pub struct OnlyIf(pub bool);

impl<T: Field> Codec<T> for OnlyIf {
    fn save(&self, field: &T, name: &str, snapshot: &mut Snapshot) {
        if self.0 {
            field.save(name, snapshot);
        }
    }

    fn load(&self, field: &mut T, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if self.0 { field.load(name, snapshot) } else { Ok(()) }
    }
}

/// The codec of a part whose values stand beside the others, in no branch of its own.
#[derive(Clone, Copy, Debug)]
pub struct Flat;

impl<T: Restorable> Codec<T> for Flat {
    fn save(&self, part: &T, _: &str, snapshot: &mut Snapshot) {
        part.snapshot().values.into_iter().for_each(|(name, value)| snapshot.insert(&name, value));
    }

    fn load(&self, part: &mut T, _: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        part.restore(snapshot)
    }
}

/// The codec of a list that is restored with this length, however long the list was before. Of a longer list the first `n` elements are
/// saved.
#[derive(Clone, Copy, Debug)]
pub struct OfLength(pub usize);

impl<E: ListElement> Codec<Vec<E>> for OfLength {
    fn save(&self, list: &Vec<E>, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, E::to_value(list[..self.0].to_vec()));
    }

    fn load(&self, list: &mut Vec<E>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *list = E::list(snapshot, name, self.0)?.to_vec();
        Ok(())
    }
}

impl Codec<Vec<bool>> for OfLength {
    fn save(&self, list: &Vec<bool>, name: &str, snapshot: &mut Snapshot) {
        list[..self.0].to_vec().save(name, snapshot);
    }

    fn load(&self, list: &mut Vec<bool>, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *list = snapshot.u8s(name, self.0)?.iter().map(|&byte| byte != 0).collect();
        Ok(())
    }
}

/// The codec of a list of rows whose number is saved beside it, under a name of its own.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The name of the number of rows.
    pub count: &'static str,
    /// The number of rows is below this.
    pub limit: usize,
    /// Numbers of a row.
    pub width: usize,
}

impl<E: ListElement, C: Clone + IntoIterator<Item = E> + FromIterator<E>> Codec<C> for Counted {
    fn save(&self, list: &C, name: &str, snapshot: &mut Snapshot) {
        let numbers: Vec<E> = list.clone().into_iter().collect();
        (numbers.len() / self.width).save(self.count, snapshot);
        snapshot.insert(name, E::to_value(numbers));
    }

    fn load(&self, list: &mut C, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let rows = snapshot.index(self.count, self.limit)?;
        *list = E::list(snapshot, name, rows.saturating_mul(self.width))?.iter().copied().collect();
        Ok(())
    }
}

/// The codec made of two functions.
impl<T: ?Sized, S, L> Codec<T> for (S, L)
where
    S: Fn(&T, &str, &mut Snapshot),
    L: Fn(&mut T, &str, &Snapshot) -> Result<(), SnapshotError>,
{
    fn save(&self, field: &T, name: &str, snapshot: &mut Snapshot) {
        self.0(field, name, snapshot);
    }

    fn load(&self, field: &mut T, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.1(field, name, snapshot)
    }
}

/// Implements [`Restorable`] from one declaration of a type's fields.
///
/// ```text
/// snapshot! {
///     impl[E: Env] Restorable for Wrapper<E> where [E: Clone] {     // generics and bounds in brackets, if there are any
///         saved: env, count as "steps", place via below(*sides), rng;
///         built: sides, scratch;                   // what the constructor gives; may be left out
///         then: Self::check;                       // fn(&mut self) -> Result<(), SnapshotError>, after loading; may be left out
///         absent: Self::legacy;                    // overrides Restorable::restore_absent; may be left out
///     }
/// }
/// ```
///
/// `saved` fields are [`Field`]s, saved under their own name or the one after `as`, or with the [`Codec`]
/// after `via`, an expression that may use the fields by name (as references; those saved before it are
/// already restored). Every field must be in one of the lists.
#[macro_export]
macro_rules! snapshot {
    (
        impl $([$($generics:tt)*])? Restorable for $type:ty $(where [$($bounds:tt)*])? {
            saved: $($field:ident $(as $name:literal)? $(via $codec:expr)?),+ $(,)?;
            $(built: $($built:ident),+ $(,)?;)?
            $(then: $then:expr;)?
            $(absent: $absent:expr;)?
        }
    ) => {
        impl $(<$($generics)*>)? $crate::Restorable for $type $(where $($bounds)*)? {
            #[allow(unused_variables)]
            fn snapshot(&self) -> $crate::Snapshot {
                let Self { $($field,)+ $($($built,)+)? } = self;
                let mut snapshot = $crate::Snapshot::new();
                $($crate::snapshot!(@save snapshot $field [$($name)?] [$($codec)?]);)+
                snapshot
            }

            #[allow(unused_variables)]
            fn restore(&mut self, snapshot: &$crate::Snapshot) -> Result<(), $crate::SnapshotError> {
                let Self { $($field,)+ $($($built,)+)? } = self;
                $($crate::snapshot!(@load snapshot $field [$($name)?] [$($codec)?]);)+
                $($then(self)?;)?
                Ok(())
            }

            $(fn restore_absent(&mut self, name: &str, parent: &$crate::Snapshot) -> Result<(), $crate::SnapshotError> {
                $absent(self, name, parent)
            })?
        }
    };
    (@save $snapshot:ident $field:ident [] [$($codec:expr)?]) => {
        $crate::snapshot!(@write $snapshot $field (stringify!($field)) [$($codec)?])
    };
    (@save $snapshot:ident $field:ident [$name:literal] [$($codec:expr)?]) => {
        $crate::snapshot!(@write $snapshot $field ($name) [$($codec)?])
    };
    (@write $snapshot:ident $field:ident ($name:expr) []) => {
        $crate::snapshot::Field::save($field, $name, &mut $snapshot)
    };
    (@write $snapshot:ident $field:ident ($name:expr) [$codec:expr]) => {
        $crate::snapshot::Codec::save(&$codec, $field, $name, &mut $snapshot)
    };
    (@load $snapshot:ident $field:ident [] [$($codec:expr)?]) => {
        $crate::snapshot!(@read $snapshot $field (stringify!($field)) [$($codec)?])
    };
    (@load $snapshot:ident $field:ident [$name:literal] [$($codec:expr)?]) => {
        $crate::snapshot!(@read $snapshot $field ($name) [$($codec)?])
    };
    (@read $snapshot:ident $field:ident ($name:expr) []) => {
        $crate::snapshot::Field::load($field, $name, $snapshot)?
    };
    (@read $snapshot:ident $field:ident ($name:expr) [$codec:expr]) => {
        $crate::snapshot::Codec::load(&$codec, $field, $name, $snapshot)?
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_whole_path() {
        struct Leaf;
        impl Restorable for Leaf {
            fn snapshot(&self) -> Snapshot {
                Snapshot::new().with("values", Value::F32s(vec![1.0, 2.0]))
            }
            fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
                snapshot.f32s("values", 3).map(|_| ())
            }
        }
        let tree = Snapshot::new().with("outer", Value::Tree(Snapshot::new().with_part("leaf", &Leaf)));
        let check = |result: Result<(), SnapshotError>, expected: &str| {
            assert_eq!(result.unwrap_err().to_string(), expected);
        };
        let outer = tree.tree("outer").unwrap();
        check(outer.restore_part("leaf", &mut Leaf), "`leaf.values` has 2 elements, expected 3");
        check(outer.restore_part("twig", &mut Leaf), "`twig` is missing");
        check(tree.u64("outer").map(|_| ()), "`outer` is a branch, expected an integer");
        check(Snapshot::new().with("n", Value::U64(9)).index("n", 9).map(|_| ()), "`n`: 9 is not below 9");
        let long = Snapshot::new().with("n", Value::U64(1 << 62)).with("m", Value::U64((1 << 62) - 1));
        check(long.counter("n").map(|_| ()), "`n`: 4611686018427387904 is not below 4611686018427387904");
        assert_eq!(long.counter("m"), Ok(4_611_686_018_427_387_903));
    }

    /// Each codec saves the expected form, and restores it over a different value.
    #[test]
    fn codecs_save_what_they_restore() {
        fn check<T: PartialEq + std::fmt::Debug>(
            codec: &impl Codec<T>,
            (field, mut other): (T, T),
            expected: &Snapshot,
        ) {
            let mut snapshot = Snapshot::new();
            codec.save(&field, "x", &mut snapshot);
            assert_eq!(snapshot, *expected);
            codec.load(&mut other, "x", &snapshot).unwrap();
            assert_eq!(other, field);
        }
        let one = |value| Snapshot::new().with("x", value);
        check(&OnlyIf(true), (3_u64, 0), &one(Value::U64(3)));
        check(&OnlyIf(false), (3_u64, 3), &Snapshot::new());
        check(&OfLength(2), (vec![1.0, 2.0], vec![]), &one(Value::F64s(vec![1.0, 2.0])));
        check(&below(3).of_length(2), (vec![2, 0], vec![]), &one(Value::U64s(vec![2, 0])));
        check(&OfLength(2), (vec![true, false], vec![true]), &one(Value::U8s(vec![1, 0])));
        let rows = one(Value::F32s(vec![1.0; 6])).with("rows", Value::U64(3));
        let counted = Counted { count: "rows", limit: 4, width: 2 };
        check(&counted, (vec![1.0_f32; 6], vec![]), &rows);

        let mut snapshot = Snapshot::new();
        OfLength(1).save(&vec![7_u64, 8], "x", &mut snapshot);
        assert_eq!(snapshot, one(Value::U64s(vec![7])), "what is beyond is not saved");
        let error = OfLength(2).load(&mut Vec::<u64>::new(), "x", &snapshot).unwrap_err();
        assert_eq!(error.to_string(), "`x` has 1 elements, expected 2");
        for (rows, expected) in [(4, "`rows`: 4 is not below 4"), (3, "`x` has 2 elements, expected 6")] {
            let snapshot = one(Value::U64s(vec![1; 2])).with("rows", Value::U64(rows));
            let error = counted.load(&mut Vec::<u64>::new(), "x", &snapshot).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_flat_part_has_no_branch() {
        #[derive(Debug, PartialEq)]
        struct Inner {
            count: u64,
        }
        struct Outer {
            inner: Inner,
            more: bool,
        }
        snapshot! {
            impl Restorable for Inner {
                saved: count;
            }
        }
        snapshot! {
            impl Restorable for Outer {
                saved: inner via Flat, more;
            }
        }
        let snapshot = Outer { inner: Inner { count: 3 }, more: true }.snapshot();
        assert_eq!(snapshot, Snapshot::new().with("count", Value::U64(3)).with("more", Value::Bool(true)));
        let mut other = Outer { inner: Inner { count: 0 }, more: false };
        other.restore(&snapshot).unwrap();
        assert!(other.more && other.inner.count == 3);
    }
}
