//! The rows of a data file, column by column, before anything is scaled or encoded.
//!
//! ```
//! use potstill::data::{Column, DataFrame, Values};
//!
//! let mut words = Values::words();
//! ["red", "blue", "red"].into_iter().for_each(|word| words.push_word(Some(word)));
//! let frame = DataFrame::new(vec![
//!     Column::new("size", Values::Numbers(vec![1.0, 2.5, f64::NAN].into())),
//!     Column::new("colour", words),
//! ])?;
//! assert_eq!((frame.rows(), frame.find("colour")?), (3, 1));
//! assert_eq!(frame.columns()[1].values.text(2).as_deref(), Some("red"));
//! assert_eq!(frame.columns()[0].values.missing(), 1);
//! # Ok::<(), String>(())
//! ```

use crate::config::nearest;
use crate::words::counted;
use potstill_core::Stored;
use std::collections::HashMap;
use std::sync::Arc;

/// The index of a word that is missing.
const MISSING: u32 = u32::MAX;

/// A named column of a data frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name, as the file has it.
    pub name: String,
    /// One value per row.
    pub values: Values,
}

impl Column {
    /// A column.
    pub fn new(name: &str, values: Values) -> Self {
        Self { name: name.to_owned(), values }
    }

    /// The numbers or words of some rows; none of images and arrays.
    #[cfg(feature = "disk")]
    pub(crate) fn select(&self, rows: &[usize]) -> Option<Self> {
        let values = match &self.values {
            Values::Numbers(numbers) => Values::Numbers(rows.iter().map(|&row| numbers[row]).collect()),
            Values::Words(words) => {
                let mut selected = Words::default();
                rows.iter().for_each(|&row| selected.push(words.word(row)));
                Values::Words(selected)
            }
            Values::Images { .. } | Values::Arrays { .. } => return None,
        };
        Some(Self { name: self.name.clone(), values })
    }
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; a missing one is NaN.
    Numbers(Stored<f64>),
    /// Words, or whole texts.
    Words(Words),
    /// An image of bytes in each row, `rows x height x width x channels`.
    Images {
        /// Height, width and channels.
        shape: [usize; 3],
        /// The byte that stands for 1: 255 of a picture.
        white: u8,
        /// The bytes of all rows.
        bytes: Stored<u8>,
    },
    /// An array of numbers in each row, `rows x height x width x channels`; a missing number is NaN.
    Arrays {
        /// Height, width and channels; `[1, 1, n]` for a vector.
        shape: [usize; 3],
        /// The numbers of all rows.
        numbers: Stored<f32>,
    },
}

/// A column of words: each different one is kept once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    levels: Vec<Arc<str>>,
    indices: Stored<u32>,
    known: HashMap<Arc<str>, u32>,
}

impl Words {
    /// The different words, in the order of their first rows.
    pub fn levels(&self) -> &[Arc<str>] {
        &self.levels
    }

    /// The index in [`levels`](Self::levels) of a row's word; none if it is missing.
    pub fn index(&self, row: usize) -> Option<usize> {
        Some(self.indices[row]).filter(|&index| index != MISSING).map(|index| index as usize)
    }

    /// A row's word; none if it is missing.
    pub fn word(&self, row: usize) -> Option<&str> {
        self.index(row).map(|index| &*self.levels[index])
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Appends a row.
    pub fn push(&mut self, word: Option<&str>) {
        let Some(word) = word else { return self.indices.push(MISSING) };
        let index = self.known.get(word).copied().unwrap_or_else(|| {
            let (index, word) = (self.levels.len() as u32, Arc::from(word));
            self.levels.push(Arc::clone(&word));
            self.known.insert(word, index);
            index
        });
        self.indices.push(index);
    }
}

impl Values {
    /// No numbers yet, of which at most so many bytes are held in memory.
    pub fn numbers_below(limit_bytes: usize) -> Self {
        Self::Numbers(Stored::below(limit_bytes))
    }

    /// No words yet; of the places of theirs in the rows at most so many bytes are held in memory.
    pub fn words_below(limit_bytes: usize) -> Self {
        Self::Words(Words { indices: Stored::below(limit_bytes), ..Words::default() })
    }

    /// The most bytes in memory.
    fn limit(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.limit(),
            Self::Words(words) => words.indices.limit(),
            Self::Images { bytes, .. } => bytes.limit(),
            Self::Arrays { numbers, .. } => numbers.limit(),
        }
    }

    /// Returns true if the values are in a file.
    pub fn is_in_file(&self) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.is_file(),
            Self::Words(words) => words.indices.is_file(),
            Self::Images { bytes, .. } => bytes.is_file(),
            Self::Arrays { numbers, .. } => numbers.is_file(),
        }
    }

    /// No words yet.
    pub fn words() -> Self {
        Self::Words(Words::default())
    }

    /// Appends a word to a column of words.
    ///
    /// # Panics
    /// If it is a column of something else.
    pub fn push_word(&mut self, word: Option<&str>) {
        match self {
            Self::Words(words) => words.push(word),
            _ => panic!("a column of words"),
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.indices.len(),
            Self::Images { shape, bytes, .. } => bytes.len() / shape.iter().product::<usize>(),
            Self::Arrays { shape, numbers } => numbers.len() / shape.iter().product::<usize>(),
        }
    }

    /// The kind in words, for lists and messages.
    pub fn kind(&self) -> String {
        let form = |[height, width, channels]: [usize; 3]| match (height, width, channels) {
            (1, 1, length) => length.to_string(),
            (height, width, 1) => format!("{height} x {width}"),
            _ => format!("{height} x {width} x {channels}"),
        };
        match self {
            Self::Numbers(_) => "numbers".to_owned(),
            Self::Words(words) => format!("{} different words", words.levels.len()),
            Self::Images { shape, .. } => format!("images of {}", form(*shape)),
            Self::Arrays { shape, .. } => format!("arrays of {}", form(*shape)),
        }
    }

    /// Rows without a value, or with a number of an array missing.
    pub fn missing(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.iter().filter(|x| x.is_nan()).count(),
            Self::Words(words) => words.indices.iter().filter(|&&index| index == MISSING).count(),
            Self::Images { .. } => 0,
            Self::Arrays { shape, numbers } => {
                let rows = numbers.chunks_exact(shape.iter().product());
                rows.filter(|row| row.iter().any(|x| x.is_nan())).count()
            }
        }
    }

    /// Returns true if some of these rows, or no row at all, has a number, a word or an image.
    pub(super) fn is_known(&self, rows: &[usize]) -> bool {
        rows.is_empty()
            || match self {
                Self::Numbers(numbers) => rows.iter().any(|&row| !numbers[row].is_nan()),
                Self::Words(words) => rows.iter().any(|&row| words.index(row).is_some()),
                Self::Images { .. } | Self::Arrays { .. } => true,
            }
    }

    /// A row's number or word as text; none if it is missing, or an image or array.
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Numbers(numbers) => Some(numbers[row]).filter(|x| !x.is_nan()).map(|x| x.to_string()),
            Self::Words(words) => words.word(row).map(str::to_owned),
            Self::Images { .. } | Self::Arrays { .. } => None,
        }
    }

    /// Calls `take` with the bytes of all values, for a checksum.
    #[cfg(feature = "disk")]
    fn for_each_part(&self, take: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Numbers(numbers) => numbers.iter().for_each(|x| take(&x.to_le_bytes())),
            Self::Words(words) => {
                words.levels.iter().for_each(|word| {
                    take(&(word.len() as u64).to_le_bytes());
                    take(word.as_bytes());
                });
                words.indices.iter().for_each(|index| take(&index.to_le_bytes()));
            }
            Self::Images { bytes, .. } => take(bytes),
            Self::Arrays { numbers, .. } => numbers.iter().for_each(|x| take(&x.to_le_bytes())),
        }
    }
}

/// The rows of a data file, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataFrame {
    rows: usize,
    columns: Vec<Column>,
}

impl DataFrame {
    /// A data frame of these columns.
    ///
    /// # Errors
    /// If there is no row, a name stands twice, or the columns have different lengths: the reason.
    pub fn new(columns: Vec<Column>) -> Result<Self, String> {
        let rows = columns.first().map_or(0, |column| column.values.rows());
        if rows == 0 {
            return Err("it has no rows".to_owned());
        }
        let mut names = HashMap::new();
        for (i, column) in columns.iter().enumerate() {
            let (name, length) = (&column.name, column.values.rows());
            if length != rows {
                let first = &columns[0].name;
                let rows = counted(rows, "row");
                return Err(format!("`{first}` has {rows}, `{name}` {length}; one of each is needed"));
            }
            if let Some(before) = names.insert(name, i) {
                let (before, here) = (before + 1, i + 1);
                return Err(format!("columns {before} and {here} are both named `{name}`; rename one"));
            }
        }
        Ok(Self { rows, columns })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The most bytes in memory of all columns that have a limit; `usize::MAX` if none has.
    pub fn limit(&self) -> usize {
        let limits =
            self.columns.iter().map(|column| column.values.limit()).filter(|&limit| limit < usize::MAX);
        limits.reduce(usize::saturating_add).unwrap_or(usize::MAX)
    }

    /// The index of the column with this name.
    ///
    /// # Errors
    /// If there is none: the nearest name, or all.
    pub fn find(&self, name: &str) -> Result<usize, String> {
        if let Some(found) = self.columns.iter().position(|column| column.name == name) {
            return Ok(found);
        }
        let names = || self.columns.iter().map(|column| column.name.as_str());
        Err(match nearest(name, names()) {
            Some(near) => format!("it has no column `{name}`; did you mean `{near}`?"),
            None => format!("it has no column `{name}`; it has {}", listed(names(), self.columns.len())),
        })
    }

    /// The CRC-32C of all names and values.
    #[cfg(feature = "disk")]
    pub fn checksum(&self) -> u32 {
        let mut sum = 0;
        for column in &self.columns {
            sum = crc32c::crc32c_append(sum, column.name.as_bytes());
            column.values.for_each_part(&mut |part| sum = crc32c::crc32c_append(sum, part));
        }
        sum
    }
}

#[cfg(feature = "disk")]
impl DataFrame {
    /// The same without some columns.
    pub(crate) fn without(&self, names: &[String]) -> Result<Self, String> {
        names.iter().try_for_each(|name| self.find(name).map(drop))?;
        let columns = self.columns.iter().filter(|column| !names.contains(&column.name));
        Self::new(columns.cloned().collect())
    }

    /// The CRC-32C of the values of each row, column by column in the order of their names, without those that are left out. A number is the
    /// same whether its column holds numbers or words.
    pub(crate) fn row_checksums(&self, left_out: &dyn Fn(&str) -> bool) -> Vec<u32> {
        let mut columns: Vec<&Column> =
            self.columns.iter().filter(|column| !left_out(&column.name)).collect();
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        let mut sums = vec![0; self.rows];
        for column in columns {
            let parts = column.values.parts();
            for (row, sum) in sums.iter_mut().enumerate() {
                *sum = crc32c::crc32c_append(*sum, column.name.as_bytes());
                parts(row, &mut |part| *sum = crc32c::crc32c_append(*sum, part));
            }
        }
        sums
    }
}

/// Calls a function with the bytes of a row's value.
#[cfg(feature = "disk")]
type PartsOf<'a> = dyn Fn(usize, &mut dyn FnMut(&[u8])) + 'a;

#[cfg(feature = "disk")]
impl Values {
    /// The bytes of a row's value, in one form for numbers and for words that are some.
    fn parts(&self) -> Box<PartsOf<'_>> {
        let of_number = |x: f64| [b"n".as_slice(), &(x + 0.0).to_le_bytes()].concat();
        match self {
            Self::Numbers(numbers) => Box::new(move |row, take| match numbers[row] {
                x if x.is_nan() => take(b"-"),
                x => take(&of_number(x)),
            }),
            Self::Words(words) => {
                let of_word = |word: &Arc<str>| match word.parse::<f64>().ok().filter(|x| x.is_finite()) {
                    Some(x) => of_number(x),
                    None => [b"w".as_slice(), word.as_bytes()].concat(),
                };
                let levels: Vec<Vec<u8>> = words.levels.iter().map(of_word).collect();
                Box::new(move |row, take| take(words.index(row).map_or(b"-", |index| &levels[index])))
            }
            Self::Images { shape, bytes, .. } => {
                let width: usize = shape.iter().product();
                Box::new(move |row, take| take(&bytes[row * width..][..width]))
            }
            Self::Arrays { shape, numbers } => {
                let width: usize = shape.iter().product();
                Box::new(move |row, take| {
                    numbers[row * width..][..width].iter().for_each(|x| take(&x.to_le_bytes()));
                })
            }
        }
    }
}

/// Names in a message, the first of many.
fn listed<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.take(SHOWN).collect();
    match count.saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_one_length_and_names_of_their_own() {
        let check = |columns: &[(&str, &[f64])], expected: Result<usize, &str>| {
            let columns =
                columns.iter().map(|(name, x)| Column::new(name, Values::Numbers(x.to_vec().into())));
            let found = DataFrame::new(columns.collect());
            assert_eq!(found.as_ref().map(DataFrame::rows).map_err(String::as_str), expected);
        };
        check(&[("a", &[1.0, 2.0]), ("b", &[3.0, 4.0])], Ok(2));
        check(&[], Err("it has no rows"));
        check(&[("a", &[])], Err("it has no rows"));
        check(&[("a", &[1.0]), ("b", &[3.0, 4.0])], Err("`a` has 1 row, `b` 2; one of each is needed"));
        check(&[("a", &[1.0]), ("a", &[3.0])], Err("columns 1 and 2 are both named `a`; rename one"));
    }

    #[test]
    fn a_wrong_name_is_told_with_the_nearest() {
        let column = |name: &str| Column::new(name, Values::Numbers(vec![0.0].into()));
        let frame = DataFrame::new(["age", "income", "species"].map(column).to_vec()).unwrap();
        assert_eq!(
            frame.find("specie"),
            Err("it has no column `specie`; did you mean `species`?".to_owned())
        );
        assert_eq!(frame.find("xyz"), Err("it has no column `xyz`; it has age, income, species".to_owned()));
    }

    #[test]
    fn a_changed_value_changes_the_checksum() {
        let frame = |number: f64, word: &str| {
            let mut words = Values::words();
            words.push_word(Some(word));
            let columns =
                vec![Column::new("a", Values::Numbers(vec![number].into())), Column::new("b", words)];
            DataFrame::new(columns).unwrap().checksum()
        };
        let sums = [frame(1.0, "x"), frame(1.0, "y"), frame(2.0, "x")];
        assert_eq!(frame(1.0, "x"), sums[0]);
        assert!(sums[0] != sums[1] && sums[0] != sums[2] && sums[1] != sums[2]);
    }

    #[cfg(feature = "disk")]
    #[test]
    fn a_row_has_its_checksum_wherever_it_stands() {
        let frame = |rows: &[(f64, &str)], is_turned: bool| {
            let mut words = Values::words();
            rows.iter().for_each(|(_, word)| words.push_word(Some(word)));
            let numbers = Values::Numbers(rows.iter().map(|(number, _)| *number).collect());
            let mut columns = vec![Column::new("a", numbers), Column::new("b", words)];
            if is_turned {
                columns.reverse();
            }
            DataFrame::new(columns).unwrap().row_checksums(&|name| name == "c")
        };
        let sums = frame(&[(1.0, "x"), (2.0, "2.50"), (f64::NAN, "x")], false);
        assert_eq!(frame(&[(2.0, "2.5"), (f64::NAN, "x"), (1.0, "x")], true), [sums[1], sums[2], sums[0]]);
        assert!(frame(&[(1.0, "y"), (1.5, "x")], false).iter().all(|sum| !sums.contains(sum)));
    }
}
