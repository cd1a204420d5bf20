//! Fields of this crate's types in a snapshot.

use crate::aligned::Aligned;
use potstill_core::snapshot::Field;
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
