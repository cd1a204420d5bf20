//! Numbers as files have them: little-endian bytes of one type.

use super::Rows;
use std::borrow::Cow;
use std::ops::Range;

/// The type of a number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// A whole number of so many bytes.
    Int { bytes: usize, is_signed: bool },
    /// A floating-point number of so many bytes.
    Float { bytes: usize },
    /// A truth value in a byte.
    Bool,
}

/// NumPy's names of the types.
const NAMES: [(&str, NumberKind); 12] = [
    ("float32", NumberKind::Float { bytes: 4 }),
    ("float64", NumberKind::Float { bytes: 8 }),
    ("float16", NumberKind::Float { bytes: 2 }),
    ("int64", NumberKind::Int { bytes: 8, is_signed: true }),
    ("int32", NumberKind::Int { bytes: 4, is_signed: true }),
    ("int16", NumberKind::Int { bytes: 2, is_signed: true }),
    ("int8", NumberKind::Int { bytes: 1, is_signed: true }),
    ("uint64", NumberKind::Int { bytes: 8, is_signed: false }),
    ("uint32", NumberKind::Int { bytes: 4, is_signed: false }),
    ("uint16", NumberKind::Int { bytes: 2, is_signed: false }),
    ("uint8", NumberKind::Int { bytes: 1, is_signed: false }),
    ("bool", NumberKind::Bool),
];

impl NumberKind {
    /// The type of this name of NumPy's.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// NumPy's name.
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, kind)| *kind == self).map_or("unknown", |(name, _)| name)
    }

    /// The bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Int { bytes, .. } | Self::Float { bytes } => bytes,
            Self::Bool => 1,
        }
    }

    /// Returns true if a number is one of this type, but for its precision.
    pub(super) fn holds(self, number: f64) -> bool {
        let (low, high) = match self {
            Self::Float { .. } => return true,
            Self::Bool => (0.0, 1.0),
            Self::Int { bytes, is_signed } => {
                let greatest = u64::MAX >> (64 - 8 * bytes + usize::from(is_signed));
                (if is_signed { -(greatest as f64) - 1.0 } else { 0.0 }, greatest as f64)
            }
        };
        number.fract() == 0.0 && (low..=high).contains(&number)
    }

    /// Appends the bytes of a number that is one of this type, but no half-precision one.
    pub(super) fn write(self, number: f64, bytes: &mut Vec<u8>) {
        match self {
            Self::Float { bytes: 8 } => bytes.extend_from_slice(&number.to_le_bytes()),
            Self::Float { bytes: size } => {
                assert_eq!(size, 4, "half precision is not written");
                bytes.extend_from_slice(&(number as f32).to_le_bytes());
            }
            Self::Int { bytes: size, is_signed: true } => {
                bytes.extend_from_slice(&(number as i64).to_le_bytes()[..size]);
            }
            Self::Int { bytes: size, is_signed: false } => {
                bytes.extend_from_slice(&(number as u64).to_le_bytes()[..size]);
            }
            Self::Bool => bytes.push(u8::from(number != 0.0)),
        }
    }
}

/// Numbers of one type.
#[derive(Clone, Debug)]
pub(super) struct Raw<'a> {
    pub(super) kind: NumberKind,
    pub(super) bytes: Cow<'a, [u8]>,
}

impl<'a> Raw<'a> {
    pub(super) fn new(kind: NumberKind, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { kind, bytes: bytes.into() }
    }

    /// Their count.
    pub(super) fn count(&self) -> usize {
        self.bytes.len() / self.kind.size()
    }

    /// Calls `take` with the numbers of a range in double precision.
    ///
    /// If there are fewer.
    pub(super) fn for_each(&self, range: Range<usize>, mut take: impl FnMut(f64)) {
        let size = self.kind.size();
        let bytes = &self.bytes[range.start * size..range.end * size];
        macro_rules! each {
            ($type:ty, $wide:expr) => {{
                const SIZE: usize = size_of::<$type>();
                bytes.as_chunks::<SIZE>().0.iter().for_each(|&x| take($wide(<$type>::from_le_bytes(x))))
            }};
        }
        match self.kind {
            NumberKind::Float { bytes: 8 } => each!(f64, f64::from),
            NumberKind::Float { bytes: 4 } => each!(f32, f64::from),
            NumberKind::Float { .. } => {
                bytes.as_chunks::<2>().0.iter().for_each(|&x| take(half(u16::from_le_bytes(x))));
            }
            NumberKind::Int { bytes: 8, is_signed: true } => each!(i64, |x| x as f64),
            NumberKind::Int { bytes: 4, is_signed: true } => each!(i32, f64::from),
            NumberKind::Int { bytes: 2, is_signed: true } => each!(i16, f64::from),
            NumberKind::Int { is_signed: true, .. } => each!(i8, f64::from),
            NumberKind::Int { bytes: 8, .. } => each!(u64, |x| x as f64),
            NumberKind::Int { bytes: 4, .. } => each!(u32, f64::from),
            NumberKind::Int { bytes: 2, .. } => each!(u16, f64::from),
            NumberKind::Int { .. } | NumberKind::Bool => each!(u8, f64::from),
        }
    }

    /// Appends the numbers of a range to rows, less `start`.
    ///
    /// If one is none of the rows' type: which.
    ///
    /// If there are fewer.
    pub(super) fn append_to(&self, rows: &mut Rows, range: Range<usize>, start: i64) -> Result<(), String> {
        if let (Rows::Floats(floats), NumberKind::Float { bytes: 4 }) = (&mut *rows, self.kind) {
            let numbers = self.bytes[range.start * 4..range.end * 4].as_chunks::<4>().0;
            let numbers: Vec<f32> = numbers.iter().map(|&x| f32::from_le_bytes(x)).collect();
            floats.extend_from_slice(&numbers);
            return Ok(());
        }
        let mut wrong = None;
        self.for_each(range, |x| {
            if rows.push(x - start as f64).is_none() && wrong.is_none() {
                wrong = Some(x);
            }
        });
        wrong.map_or(Ok(()), |x| Err(format!("it holds {x}, which is not of its space")))
    }
}

/// The number of a half precision's bits: a sign, 5 bits of exponent and 10 of mantissa.
pub(crate) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    // Powers of two are exact: the mantissa counts 2^-24 of a subnormal number.
    let power = |exponent: i32| f64::from_bits(((1023 + exponent) as u64) << 52);
    match exponent {
        0 => sign * mantissa * power(-24),
        31 if mantissa == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1024.0 + mantissa) * power(exponent - 25),
    }
}
