//! FlatBuffers, as far as the metadata of Arrow files needs them: tables with optional fields, vectors, and
//! text. A reader over borrowed bytes that believes no offset, and a writer.
//!
//! A table begins with the distance back to its list of fields (the vtable), which says for each field its
//! distance from the table, or 0 if it has its default. Other tables, vectors and texts are pointed to by
//! their distance from the pointer. All numbers are little-endian and aligned to their size.

/// A table. Every access returns `None` if it leads out of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A vector of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector<'a> {
    bytes: &'a [u8],
    /// The place of its first element.
    at: usize,
    pub(super) length: usize,
}

/// The bytes of a number.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The place that the pointer at a place leads to.
fn target(bytes: &[u8], at: usize) -> Option<usize> {
    at.checked_add(u32::from_le_bytes(number(bytes, at)?) as usize)
}

impl<'a> Table<'a> {
    /// The table that a buffer begins with a pointer to.
    pub(super) fn root(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { bytes, at: target(bytes, 0)? })
    }

    /// The place of a field; `None` if it has its default.
    fn field(&self, field: usize) -> Option<usize> {
        let back = i32::from_le_bytes(number(self.bytes, self.at)?);
        let fields = usize::try_from(i64::try_from(self.at).ok()? - i64::from(back)).ok()?;
        let size = u16::from_le_bytes(number(self.bytes, fields)?) as usize;
        let entry = 4 + 2 * field;
        if entry + 2 > size {
            return None;
        }
        match u16::from_le_bytes(number(self.bytes, fields.checked_add(entry)?)?) {
            0 => None,
            distance => self.at.checked_add(distance as usize),
        }
    }

    /// The bytes of a number, or 0, the default of all numbers here.
    fn scalar<const N: usize>(&self, field: usize) -> [u8; N] {
        self.field(field).and_then(|at| number(self.bytes, at)).unwrap_or([0; N])
    }

    pub(super) fn u8(&self, field: usize) -> u8 {
        u8::from_le_bytes(self.scalar(field))
    }

    pub(super) fn i16(&self, field: usize) -> i16 {
        i16::from_le_bytes(self.scalar(field))
    }

    pub(super) fn i32(&self, field: usize) -> i32 {
        i32::from_le_bytes(self.scalar(field))
    }

    pub(super) fn table(&self, field: usize) -> Option<Table<'a>> {
        Some(Table { bytes: self.bytes, at: target(self.bytes, self.field(field)?)? })
    }

    pub(super) fn vector(&self, field: usize) -> Option<Vector<'a>> {
        let at = target(self.bytes, self.field(field)?)?;
        let length = u32::from_le_bytes(number(self.bytes, at)?) as usize;
        Some(Vector { bytes: self.bytes, at: at + 4, length })
    }

    pub(super) fn text(&self, field: usize) -> Option<&'a str> {
        let Vector { bytes, at, length } = self.vector(field)?;
        std::str::from_utf8(bytes.get(at..at.checked_add(length)?)?).ok()
    }
}

impl<'a> Vector<'a> {
    /// A table of a vector of tables.
    pub(super) fn table(&self, index: usize) -> Option<Table<'a>> {
        let at = self.at.checked_add(index.checked_mul(4)?)?;
        Some(Table { bytes: self.bytes, at: target(self.bytes, at)? })
    }

    /// A 64-bit number of a vector of structures of `size` bytes, by its place in the structure.
    pub(super) fn i64(&self, index: usize, size: usize, place: usize) -> Option<i64> {
        let at = self.at.checked_add(index.checked_mul(size)?)?.checked_add(place)?;
        Some(i64::from_le_bytes(number(self.bytes, at)?))
    }

    /// The same of 32 bits.
    pub(super) fn i32(&self, index: usize, size: usize, place: usize) -> Option<i32> {
        let at = self.at.checked_add(index.checked_mul(size)?)?.checked_add(place)?;
        Some(i32::from_le_bytes(number(self.bytes, at)?))
    }
}

/// A field of a table that is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    /// Its default.
    Default,
    U8(u8),
    I16(i16),
    I32(i32),
    I64(i64),
    /// Something that is written later, and pointed to with [`Writer::point`].
    Pointer,
}

impl Field {
    fn size(self) -> usize {
        match self {
            Self::Default => 0,
            Self::U8(_) => 1,
            Self::I16(_) => 2,
            Self::I32(_) | Self::Pointer => 4,
            Self::I64(_) => 8,
        }
    }
}

/// A buffer that is written from its beginning: whatever points somewhere is written before it.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A buffer that begins with the pointer to its root, at 0.
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 4] }
    }

    /// The buffer, to a multiple of eight bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align(8, 0);
        self.bytes
    }

    /// Appends zeros until the end leaves this remainder.
    fn align(&mut self, size: usize, remainder: usize) {
        while self.bytes.len() % size != remainder {
            self.bytes.push(0);
        }
    }

    /// Makes a pointer lead to the end, where the next object is written.
    fn point(&mut self, pointer: usize) {
        let distance = (self.bytes.len() - pointer) as u32;
        self.bytes[pointer..pointer + 4].copy_from_slice(&distance.to_le_bytes());
    }

    /// Writes the table that a pointer leads to. Returns the places of its own pointers, in the order of the
    /// fields.
    pub(super) fn table(&mut self, pointer: usize, fields: &[Field]) -> Vec<usize> {
        // Behind the distance to the list of fields, wide ones first, so that all are aligned.
        let mut order: Vec<usize> = (0..fields.len()).filter(|&i| fields[i].size() > 0).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(fields[i].size()));
        let mut distances = vec![0_u16; fields.len()];
        let mut size = 4;
        for &i in &order {
            distances[i] = size as u16;
            size += fields[i].size();
        }
        self.align(2, 0);
        let list = self.bytes.len();
        let length = 4 + 2 * fields.len() as u16;
        for entry in [length, size as u16].iter().chain(&distances) {
            self.bytes.extend_from_slice(&entry.to_le_bytes());
        }
        self.align(8, 4);
        self.point(pointer);
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&((at - list) as i32).to_le_bytes());
        for &i in &order {
            match fields[i] {
                Field::Default => {}
                Field::U8(x) => self.bytes.push(x),
                Field::I16(x) => self.bytes.extend_from_slice(&x.to_le_bytes()),
                Field::I32(x) => self.bytes.extend_from_slice(&x.to_le_bytes()),
                Field::I64(x) => self.bytes.extend_from_slice(&x.to_le_bytes()),
                Field::Pointer => self.bytes.extend_from_slice(&[0; 4]),
            }
        }
        let pointers = (0..fields.len()).filter(|&i| matches!(fields[i], Field::Pointer));
        pointers.map(|i| at + distances[i] as usize).collect()
    }

    /// Writes the vector of pointers that a pointer leads to. Returns their places.
    pub(super) fn pointers(&mut self, pointer: usize, count: usize) -> Vec<usize> {
        self.align(4, 0);
        self.point(pointer);
        self.bytes.extend_from_slice(&(count as u32).to_le_bytes());
        let at = self.bytes.len();
        self.bytes.resize(at + 4 * count, 0);
        (0..count).map(|i| at + 4 * i).collect()
    }

    /// Writes the vector of structures of 64-bit numbers that a pointer leads to.
    pub(super) fn structures(&mut self, pointer: usize, numbers: &[i64], each: usize) {
        self.align(8, 4);
        self.point(pointer);
        self.bytes.extend_from_slice(&((numbers.len() / each) as u32).to_le_bytes());
        numbers.iter().for_each(|number| self.bytes.extend_from_slice(&number.to_le_bytes()));
    }

    /// Writes the text that a pointer leads to.
    pub(super) fn text(&mut self, pointer: usize, text: &str) {
        self.align(4, 0);
        self.point(pointer);
        self.bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
        // A zero behind it, which is not counted.
        self.bytes.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::new();
        let fields =
            [Field::U8(7), Field::Default, Field::I64(-5), Field::Pointer, Field::I16(300), Field::Pointer];
        let places = writer.table(0, &fields);
        writer.text(places[0], "word");
        let inner = writer.pointers(places[1], 1);
        let places = writer.table(inner[0], &[Field::Pointer, Field::I32(9)]);
        writer.structures(places[0], &[1, 2, 3, 4], 2);
        let bytes = writer.finish();
        let root = Table::root(&bytes).unwrap();
        assert_eq!(
            (root.u8(0), root.u8(1), root.scalar(2), root.i16(4)),
            (7, 0, (-5_i64).to_le_bytes(), 300)
        );
        assert_eq!((root.text(3), root.text(9)), (Some("word"), None));
        let vector = root.vector(5).unwrap();
        let inner = vector.table(0).unwrap();
        let structures = inner.vector(0).unwrap();
        assert_eq!((vector.length, inner.i32(1), structures.length), (1, 9, 2));
        assert_eq!((structures.i64(1, 16, 0), structures.i64(1, 16, 8)), (Some(3), Some(4)));
        assert!(vector.table(usize::MAX).is_none());
    }
}
