//! Storage of actions: an index in four bytes, a vector component by component.

use super::config::ActionShape;
use potstill_core::{Snapshot, SnapshotError, Value};
use potstill_env::Row;

/// An action type of a replay buffer: `usize` or `[f32]`.
pub trait StoredAction: Row {
    /// A component as stored, in four bytes.
    type Stored: Copy + Default + std::fmt::Debug + Send + Sync;

    /// Returns true if actions of this type have this shape.
    fn has_shape(shape: ActionShape) -> bool;

    /// Converts a component for storage.
    fn pack(number: Self::Element) -> Self::Stored;

    /// Converts a stored component back.
    fn unpack(stored: Self::Stored) -> Self::Element;

    /// Stored components as a value of a snapshot.
    fn save(stored: &[Self::Stored]) -> Value;

    /// Restores `length` actions of this shape.
    ///
    /// # Errors
    /// If they are missing, of another kind or length, or not of this shape.
    fn load(
        snapshot: &Snapshot,
        length: usize,
        shape: ActionShape,
    ) -> Result<Vec<Self::Stored>, SnapshotError>;
}

impl StoredAction for usize {
    type Stored = u32;

    fn has_shape(shape: ActionShape) -> bool {
        matches!(shape, ActionShape::Discrete { n } if n > 0)
    }

    fn pack(index: usize) -> u32 {
        index as u32
    }

    fn unpack(stored: u32) -> usize {
        stored as usize
    }

    fn save(stored: &[u32]) -> Value {
        Value::U64s(stored.iter().map(|&index| u64::from(index)).collect())
    }

    fn load(snapshot: &Snapshot, length: usize, shape: ActionShape) -> Result<Vec<u32>, SnapshotError> {
        let ActionShape::Discrete { n } = shape else { unreachable!("checked by the constructor") };
        Ok(snapshot.indices("actions", length, n)?.into_iter().map(|index| index as u32).collect())
    }
}

impl StoredAction for [f32] {
    type Stored = f32;

    fn has_shape(shape: ActionShape) -> bool {
        matches!(shape, ActionShape::Continuous { width } if width > 0)
    }

    fn pack(number: f32) -> f32 {
        number
    }

    fn unpack(stored: f32) -> f32 {
        stored
    }

    fn save(stored: &[f32]) -> Value {
        Value::F32s(stored.to_vec())
    }

    fn load(snapshot: &Snapshot, length: usize, shape: ActionShape) -> Result<Vec<f32>, SnapshotError> {
        let numbers = snapshot.f32s("actions", length * shape.width())?;
        match numbers.iter().find(|number| !number.is_finite()) {
            None => Ok(numbers.to_vec()),
            Some(number) => Err(SnapshotError::invalid("actions", format!("{number} is not finite"))),
        }
    }
}
