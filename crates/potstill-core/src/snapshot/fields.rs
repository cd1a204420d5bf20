//! Fields of further types: integers of any width, lists of indices, and arrays.

use super::{Field, Snapshot, SnapshotError, Value};

macro_rules! integer_field {
    ($($integer:ty)+) => {
        $(impl Field for $integer {
            // A negative number is saved in two's complement.
            #[allow(clippy::cast_lossless, reason = "some of these casts are, and some are not")]
            fn save(&self, name: &str, snapshot: &mut Snapshot) {
                snapshot.insert(name, Value::U64(*self as u64));
            }

            #[allow(clippy::cast_lossless, reason = "some of these casts are, and some are not")]
            fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
                let saved = snapshot.u64(name)?;
                *self = saved as $integer;
                if *self as u64 == saved {
                    return Ok(());
                }
                Err(SnapshotError::invalid(name, format!("{saved} is no {}", stringify!($integer))))
            }
        })+
    };
}

integer_field!(u8 u16 u32 i8 i16 i32 i64 isize);

impl Field for Vec<usize> {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        snapshot.insert(name, Value::U64s(self.iter().map(|&index| index as u64).collect()));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let (length, most) = (self.len(), usize::MAX);
        *self = snapshot.indices(name, length, most)?;
        Ok(())
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    fn save(&self, name: &str, snapshot: &mut Snapshot) {
        self.iter().enumerate().for_each(|(i, part)| part.save(&format!("{name}-{i}"), snapshot));
    }

    fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.iter_mut().enumerate().try_for_each(|(i, part)| part.load(&format!("{name}-{i}"), snapshot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_arrays_are_restored() {
        fn check<T: Field + PartialEq + std::fmt::Debug>(
            field: &T,
            mut other: T,
            expected: &[(&str, Value)],
        ) {
            let mut snapshot = Snapshot::new();
            field.save("x", &mut snapshot);
            let saved: Vec<(&str, Value)> = snapshot.iter().map(|(n, value)| (n, value.clone())).collect();
            assert_eq!(saved, expected);
            other.load("x", &snapshot).unwrap();
            assert_eq!(other, *field);
        }
        check(&-3_i32, 0, &[("x", Value::U64(u64::MAX - 2))]);
        check(&i64::MIN, 0, &[("x", Value::U64(1 << 63))]);
        check(&200_u8, 0, &[("x", Value::U64(200))]);
        check(&vec![4_usize, 0], vec![0; 2], &[("x", Value::U64s(vec![4, 0]))]);
        check(&[1_i8, -1], [0; 2], &[("x-0", Value::U64(1)), ("x-1", Value::U64(u64::MAX))]);
        check(&[[0.5_f32]], [[0.0]], &[("x-0-0", Value::F64(0.5))]);
        let large = Snapshot::new().with("x", Value::U64(300));
        assert_eq!(0_u8.load("x", &large).unwrap_err().to_string(), "`x`: 300 is no u8");
        assert_eq!(0_i8.load("x", &large).unwrap_err().to_string(), "`x`: 300 is no i8");
    }
}
