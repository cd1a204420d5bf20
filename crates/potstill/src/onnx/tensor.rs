//! Tensors of the evaluator, and the constants of a file.

use super::proto::{TensorProto, dtype};

/// Reads data in another file: its name, offset and number of bytes.
pub type External<'a> = dyn FnMut(&str, u64, usize) -> Result<Vec<u8>, String> + 'a;

/// The elements of a tensor. Other types are converted: half and double precision to single, all integers and
/// truth values to 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

/// A tensor, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
}

/// The number of elements of a shape, if it can be counted.
pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |all, &length| all.checked_mul(length))
}

impl Tensor {
    pub(crate) fn floats(shape: Vec<usize>, data: Vec<f32>) -> Self {
        debug_assert_eq!(count(&shape), Some(data.len()));
        Self { shape, data: Data::Floats(data) }
    }

    pub(crate) fn integers(shape: Vec<usize>, data: Vec<i64>) -> Self {
        debug_assert_eq!(count(&shape), Some(data.len()));
        Self { shape, data: Data::Integers(data) }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.data {
            Data::Floats(data) => data.len(),
            Data::Integers(data) => data.len(),
        }
    }

    pub(crate) fn as_floats(&self) -> Result<&[f32], String> {
        match &self.data {
            Data::Floats(data) => Ok(data),
            Data::Integers(_) => Err("takes numbers, and was given integers".to_owned()),
        }
    }

    pub(crate) fn as_integers(&self) -> Result<&[i64], String> {
        match &self.data {
            Data::Integers(data) => Ok(data),
            Data::Floats(_) => Err("takes integers, and was given numbers".to_owned()),
        }
    }

    /// The elements as numbers in single precision.
    pub(crate) fn to_floats(&self) -> Vec<f32> {
        match &self.data {
            Data::Floats(data) => data.clone(),
            Data::Integers(data) => data.iter().map(|&value| value as f32).collect(),
        }
    }

    /// Reads a constant; `external` reads from another file: its name, offset and number of bytes.
    pub(crate) fn read(proto: &TensorProto<'_>, external: &mut External<'_>) -> Result<Self, String> {
        let name = &proto.name;
        let wrong = |what: &str| format!("tensor `{name}` {what}");
        let shape = proto.dims.iter().map(|&length| usize::try_from(length).ok()).collect::<Option<Vec<_>>>();
        let shape = shape.ok_or_else(|| wrong("has a negative length"))?;
        let length = count(&shape).ok_or_else(|| wrong("is too large"))?;
        let size = match proto.dtype {
            dtype::FLOAT | dtype::INT32 | dtype::UINT32 => 4,
            dtype::DOUBLE | dtype::INT64 | dtype::UINT64 => 8,
            dtype::FLOAT16 | dtype::BFLOAT16 | dtype::INT16 | dtype::UINT16 => 2,
            dtype::INT8 | dtype::UINT8 | dtype::BOOL => 1,
            dtype::STRING => return Err(wrong("holds texts, which are not read")),
            other => return Err(wrong(&format!("has elements of type {other}, which are not read"))),
        };
        let bytes = length.checked_mul(size).ok_or_else(|| wrong("is too large"))?;
        let read;
        let raw = match &proto.raw {
            _ if proto.is_external => {
                read = read_external(proto, bytes, external).map_err(|reason| wrong(&reason))?;
                Some(&read[..])
            }
            raw => raw.as_deref(),
        };
        let misfit = |got: usize| wrong(&format!("of shape {shape:?} has {got} elements"));
        let data = match raw {
            Some(raw) if raw.len() != bytes => return Err(misfit(raw.len() / size)),
            Some(raw) => from_raw(raw, proto.dtype),
            None => from_fields(proto),
        };
        let tensor = Self { shape: shape.clone(), data };
        if tensor.len() != length {
            return Err(misfit(tensor.len()));
        }
        Ok(tensor)
    }
}

/// Data in another file: its name, offset and length.
fn read_external(
    proto: &TensorProto<'_>,
    bytes: usize,
    external: &mut External<'_>,
) -> Result<Vec<u8>, String> {
    let value =
        |key: &str| proto.external.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let number = |key: &str| match value(key) {
        None => Ok(None),
        Some(text) => {
            text.parse::<u64>().map(Some).map_err(|_| format!("has data in another file at {key} `{text}`"))
        }
    };
    let location = value("location").ok_or("has data in another file without a name")?;
    let offset = number("offset")?.unwrap_or(0);
    if let Some(length) = number("length")?
        && length != bytes as u64
    {
        return Err(format!("has {length} bytes in {location}, where its shape takes {bytes}"));
    }
    let read = external(location, offset, bytes)?;
    match read.len() == bytes {
        true => Ok(read),
        false => Err(format!("ends beyond {location}")),
    }
}

fn from_raw(raw: &[u8], kind: i64) -> Data {
    macro_rules! words {
        ($n:literal, $of:expr) => {
            raw.as_chunks::<$n>().0.iter().map(|&word| $of(word)).collect()
        };
    }
    match kind {
        dtype::FLOAT => Data::Floats(words!(4, f32::from_le_bytes)),
        dtype::DOUBLE => Data::Floats(words!(8, |word| f64::from_le_bytes(word) as f32)),
        dtype::FLOAT16 => Data::Floats(words!(2, |word| half(u16::from_le_bytes(word)))),
        dtype::BFLOAT16 => {
            Data::Floats(words!(2, |word| f32::from_bits(u32::from(u16::from_le_bytes(word)) << 16)))
        }
        dtype::INT64 | dtype::UINT64 => Data::Integers(words!(8, i64::from_le_bytes)),
        dtype::INT32 => Data::Integers(words!(4, |word| i64::from(i32::from_le_bytes(word)))),
        dtype::UINT32 => Data::Integers(words!(4, |word| i64::from(u32::from_le_bytes(word)))),
        dtype::INT16 => Data::Integers(words!(2, |word| i64::from(i16::from_le_bytes(word)))),
        dtype::UINT16 => Data::Integers(words!(2, |word| i64::from(u16::from_le_bytes(word)))),
        dtype::INT8 => Data::Integers(raw.iter().map(|&byte| i64::from(byte as i8)).collect()),
        _ => Data::Integers(raw.iter().map(|&byte| i64::from(byte)).collect()),
    }
}

/// Data in the fields of their types.
fn from_fields(proto: &TensorProto<'_>) -> Data {
    match proto.dtype {
        dtype::FLOAT => Data::Floats(proto.floats.clone()),
        dtype::DOUBLE => Data::Floats(proto.doubles.iter().map(|&value| value as f32).collect()),
        dtype::FLOAT16 => Data::Floats(proto.integers.iter().map(|&bits| half(bits as u16)).collect()),
        dtype::BFLOAT16 => {
            Data::Floats(proto.integers.iter().map(|&bits| f32::from_bits((bits as u32) << 16)).collect())
        }
        _ => Data::Integers(proto.integers.clone()),
    }
}

/// A number in half precision.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, bits & 1023);
    let magnitude = match exponent {
        // 2^-24
        0 => f32::from(fraction) * 5.960_464_5e-8,
        31 if fraction == 0 => f32::INFINITY,
        31 => f32::NAN,
        _ => f32::from_bits(u32::from(exponent + 112) << 23 | u32::from(fraction) << 13),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// The elements of a tensor in double precision, where a threshold must not be rounded.
pub(crate) fn doubles(proto: &TensorProto<'_>) -> Option<Vec<f64>> {
    match (proto.dtype, &proto.raw) {
        (dtype::DOUBLE, Some(raw)) => {
            Some(raw.as_chunks::<8>().0.iter().map(|&word| f64::from_le_bytes(word)).collect())
        }
        (dtype::DOUBLE, None) => Some(proto.doubles.clone()),
        (dtype::FLOAT, Some(raw)) => {
            Some(raw.as_chunks::<4>().0.iter().map(|&word| f64::from(f32::from_le_bytes(word))).collect())
        }
        (dtype::FLOAT, None) => Some(proto.floats.iter().copied().map(f64::from).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_by_the_standard() {
        // IEEE 754: 1, -2, the largest, the smallest normal and subnormal number.
        for (bits, expected) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), expected, "{bits:x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
