//! Codecs of fields: integers below a bound, lists with a length of their own, fields that may be absent.

use super::{Codec, Field, ListElement, Restorable, Snapshot, SnapshotError, Value};

/// The codec of an integer, an optional integer, or a list of integers, that must be below a bound.
///
/// `None` is saved as the bound itself. A list keeps the length that it has when it is restored.
#[derive(Clone, Copy, Debug)]
pub struct Below(pub(super) u64);

/// The codec [`Below`] with this bound.
pub fn below(bound: usize) -> Below {
    Below(bound as u64)
}

impl Below {
    pub(super) fn read(self, name: &str, snapshot: &Snapshot) -> Result<u64, SnapshotError> {
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
