//! The wire format of Protocol Buffers: varints, fixed words and length-prefixed bytes.
//!
//! The reader borrows from the file, allocates nothing and has no recursion: a message in a message is a
//! reader over a part of the bytes, and the messages of [`proto`](super::proto) are nested five deep.

/// The content of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
}

/// A reader of the fields of a message.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

/// The error of a message that ends too soon, or in something else.
pub(crate) const CUT: &str = "not a whole ONNX file; it may be cut off or of another format";

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next varint, of at most ten bytes.
    pub(crate) fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for i in 0..10 {
            let (&byte, rest) = self.bytes.split_first().ok_or(CUT)?;
            self.bytes = rest;
            let bits = u64::from(byte & 0x7f);
            if i == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * i);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CUT.to_owned())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (&word, rest) = self.bytes.split_first_chunk::<N>().ok_or(CUT)?;
        self.bytes = rest;
        Ok(word)
    }

    /// The next field with its number; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, String> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(self.fixed()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| CUT)?;
                let (bytes, rest) = self.bytes.split_at_checked(length).ok_or(CUT)?;
                self.bytes = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(self.fixed()?),
            _ => return Err(CUT.to_owned()),
        };
        Ok(Some((key >> 3, field)))
    }
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Field::Bytes(bytes) => Ok(bytes),
            _ => Err(CUT.to_owned()),
        }
    }

    pub(crate) fn text(self) -> Result<String, String> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    pub(crate) fn integer(self) -> Result<i64, String> {
        match self {
            Field::Varint(value) => Ok(value as i64),
            _ => Err(CUT.to_owned()),
        }
    }

    /// Adds integers: one, or packed ones.
    pub(crate) fn integers(self, all: &mut Vec<i64>) -> Result<(), String> {
        let Field::Bytes(bytes) = self else {
            all.push(self.integer()?);
            return Ok(());
        };
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            all.push(reader.varint()? as i64);
        }
        Ok(())
    }

    /// Adds numbers in single precision: one, or packed ones.
    pub(crate) fn floats(self, all: &mut Vec<f32>) -> Result<(), String> {
        match self {
            Field::Fixed32(word) => all.push(f32::from_le_bytes(word)),
            Field::Bytes(bytes) if bytes.len().is_multiple_of(4) => {
                all.extend(bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)));
            }
            _ => return Err(CUT.to_owned()),
        }
        Ok(())
    }

    /// Adds numbers in double precision: one, or packed ones.
    pub(crate) fn doubles(self, all: &mut Vec<f64>) -> Result<(), String> {
        match self {
            Field::Fixed64(word) => all.push(f64::from_le_bytes(word)),
            Field::Bytes(bytes) if bytes.len().is_multiple_of(8) => {
                all.extend(bytes.as_chunks::<8>().0.iter().map(|&word| f64::from_le_bytes(word)));
            }
            _ => return Err(CUT.to_owned()),
        }
        Ok(())
    }
}

/// A writer of the fields of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    fn put(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn key(&mut self, number: u64, kind: u64) {
        self.put(number << 3 | kind);
    }

    pub(crate) fn integer(&mut self, number: u64, value: i64) {
        self.key(number, 0);
        self.put(value as u64);
    }

    pub(crate) fn float(&mut self, number: u64, value: f32) {
        self.key(number, 5);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn raw(&mut self, number: u64, bytes: &[u8]) {
        self.key(number, 2);
        self.put(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn integers(&mut self, number: u64, values: &[i64]) {
        let mut packed = Self::default();
        values.iter().for_each(|&value| packed.put(value as u64));
        self.raw(number, &packed.bytes);
    }

    pub(crate) fn floats(&mut self, number: u64, values: &[f32]) {
        let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.raw(number, &packed);
    }

    pub(crate) fn message(&mut self, number: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.raw(number, &inner.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the encoding's documentation: 150 as field 1, "testing" as field 2, 3, 270 and 86942
    /// packed as field 6.
    #[test]
    fn the_documented_examples_are_written_and_read() {
        let mut writer = Writer::default();
        writer.integer(1, 150);
        writer.raw(2, b"testing");
        writer.integers(6, &[3, 270, 86942]);
        let expected = [
            &[0x08, 0x96, 0x01, 0x12, 0x07][..],
            b"testing",
            &[0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05],
        ]
        .concat();
        assert_eq!(writer.bytes, expected);
        let mut reader = Reader::new(&expected);
        assert_eq!(reader.next(), Ok(Some((1, Field::Varint(150)))));
        assert_eq!(reader.next(), Ok(Some((2, Field::Bytes(b"testing")))));
        let (number, packed) = reader.next().unwrap().unwrap();
        let mut values = Vec::new();
        packed.integers(&mut values).unwrap();
        assert_eq!((number, values), (6, vec![3, 270, 86942]));
        assert_eq!(reader.next(), Ok(None));
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_refused() {
        for bytes in [&[0x80][..], &[0x08], &[0x12, 0x07, b't'], &[0x0d, 0, 0], &[0x0b], &[0xff; 11]] {
            assert_eq!(Reader::new(bytes).next(), Err(CUT.to_owned()), "{bytes:?}");
        }
        let mut writer = Writer::default();
        writer.integer(1, -1);
        assert_eq!(writer.bytes.len(), 11);
        assert_eq!(Reader::new(&writer.bytes).next(), Ok(Some((1, Field::Varint(u64::MAX)))));
    }
}
