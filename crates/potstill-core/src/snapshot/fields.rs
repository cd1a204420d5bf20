//! The types of fields: parts with state, numbers, flags, lists, and arrays.

use super::{Field, Restorable, Snapshot, SnapshotError, Value};

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
