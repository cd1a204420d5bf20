//! Fields of this crate's types in a snapshot.

use crate::aligned::Aligned;
use potstill_core::snapshot::{Codec, Field};
use potstill_core::{Snapshot, SnapshotError, Value};

impl Field for Aligned {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::F32s(self.to_vec()));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let length = self.len();
        self.copy_from_slice(snapshot.f32s(name, length)?);
        Ok(())
    }
}

/// A field that is saved only if this is true, which the settings say when it is restored.
pub(crate) struct OnlyIf(pub(crate) bool);

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
