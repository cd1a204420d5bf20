//! MUNGE (Bucila, Caruana and Niculescu-Mizil 2006, Algorithm 1): rows for a transfer set, from a table that has too few.
//!
//! `k` passes over the rows; in each, every example exchanges attributes with its nearest neighbour, each attribute with probability `p`:
//! nominal ones are swapped, continuous ones drawn from normal distributions around each other's value, with a standard
//! deviation of the distance of both, divided by `s`. Distances are Euclidean over attributes scaled to `[0, 1]`; different nominal values have
//! a distance of 1. A teacher then answers the new rows.
//!
//! Differences from the paper: neighbours are those of the given rows, found once, and not of a pass in progress; a row that is equal in all
//! attributes is no neighbour, since exchanges with it change nothing; drawn values stay within the range of their column, and are whole in a
//! column of whole numbers unless [`MungeConfig::is_continuous`]; of the last pass only as many rows are taken, at random, as are asked for.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::data::{Column, DataFrame, Values};
//! use potstill::distill::munge::{Munge, MungeConfig};
//!
//! let mut words = Values::words();
//! ["red", "blue", "red"].into_iter().for_each(|word| words.push_word(Some(word)));
//! let frame = DataFrame::new(vec![Column::new("size", Values::Numbers(vec![1.0, 2.5, 9.0].into())), Column::new("colour", words)])?;
//! let munge = Munge::new(&frame, &[0, 1, 2], &[0, 1], false)?;
//! let neighbours = munge.nearest(0);
//! // The others are 0.1875 and 1, or 1 and 0 apart.
//! assert_eq!(neighbours, [2, 0, 0]);
//! let more = munge.rows(&neighbours, 5, &MungeConfig::default(), &Streams::new(1))?;
//! assert_eq!((more.rows(), more.columns()[0].name.as_str()), (5, "size"));
//! # Ok::<(), String>(())
//! ```

use crate::data::{Column, DataFrame, Values};
use crate::words::counted;
use potstill_core::{Pcg64, Streams, wide};
use std::ops::Range;
use std::sync::Arc;

/// Rows whose neighbours are searched at a time.
const BLOCK: usize = 64;
/// Rows that are compared with one at a time: their distances stay in the cache.
const PIECE: usize = 2048;

/// The parameters of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MungeConfig {
    /// The swap probability `p`.
    pub swap_probability: f64,
    /// The local variance parameter `s`: the larger, the nearer is a drawn value to the neighbour's.
    pub local_variance: f64,
    /// Leaves the drawn values of whole numbers as they are drawn, as the paper does.
    pub is_continuous: bool,
}

impl Default for MungeConfig {
    fn default() -> Self {
        Self { swap_probability: 0.5, local_variance: 1.0, is_continuous: false }
    }
}

/// An attribute of all rows.
#[derive(Clone, Debug)]
enum Attribute {
    Continuous {
        values: Vec<f64>,
        range: [f64; 2],
        is_whole: bool,
    },
    /// Indices of words, one beyond them for a missing one.
    Nominal {
        values: Vec<usize>,
        levels: Arc<[Arc<str>]>,
    },
}

impl Attribute {
    fn new(column: &Column, rows: &[usize], fills_missing: bool) -> Result<Self, String> {
        let name = &column.name;
        let missing = |row: usize, advice: &str| {
            format!("row {}, column `{name}`: {advice} with missing=mean", row + 1)
        };
        match &column.values {
            Values::Numbers(numbers) => {
                let there: Vec<f64> = rows.iter().map(|&row| numbers[row]).filter(|x| !x.is_nan()).collect();
                let mean = there.iter().map(|x| x / there.len().max(1) as f64).sum::<f64>();
                let value = |&row: &usize| match numbers[row] {
                    x if !x.is_nan() => Ok(x),
                    _ if fills_missing => Ok(mean),
                    _ => Err(missing(row, "the value is missing; fill in the mean")),
                };
                let values = rows.iter().map(value).collect::<Result<Vec<_>, _>>()?;
                let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
                let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let is_whole = there.iter().all(|x| x.fract() == 0.0);
                Ok(Self::Continuous { values, range: [lowest, highest], is_whole })
            }
            Values::Words(words) => {
                let value = |&row: &usize| match words.index(row) {
                    None if !fills_missing => {
                        Err(missing(row, "the word is missing; exchange missing ones, too,"))
                    }
                    index => Ok(index.unwrap_or(words.levels().len())),
                };
                let values = rows.iter().map(value).collect::<Result<_, _>>()?;
                Ok(Self::Nominal { values, levels: words.levels().into() })
            }
            values => Err(format!(
                "column `{name}` has {}; numbers and words can be exchanged between rows",
                values.kind()
            )),
        }
    }

    /// The coordinates that distances are computed of: numbers scaled to `[0, 1]`, or indices.
    fn coordinates(&self) -> Coordinates {
        match self {
            Self::Continuous { values, range: [low, high], .. } => {
                // Halves, so that no difference of two numbers overflows.
                let width = high / 2.0 - low / 2.0;
                let scaled = |x: &f64| if width > 0.0 { ((x / 2.0 - low / 2.0) / width) as f32 } else { 0.0 };
                Coordinates::Continuous(values.iter().map(scaled).collect())
            }
            Self::Nominal { values, .. } => Coordinates::Nominal(values.iter().map(|&x| x as u32).collect()),
        }
    }

    /// Exchanges the values of two rows.
    fn exchange(&mut self, e: usize, near: usize, config: &MungeConfig, rng: &mut Pcg64) {
        match self {
            Self::Nominal { values, .. } => values.swap(e, near),
            Self::Continuous { values, range: [low, high], is_whole } => {
                let (of_e, of_near) = (values[e], values[near]);
                let sd = (of_e - of_near).abs() / config.local_variance;
                let mut norm = |mean: f64| {
                    let x = (mean + sd * rng.normal()).clamp(*low, *high);
                    if *is_whole && !config.is_continuous { x.round() } else { x }
                };
                values[e] = norm(of_near);
                values[near] = norm(of_e);
            }
        }
    }

    /// The values of some rows, as those of a column; they are appended.
    fn append(&self, rows: &[usize], column: &mut Values) {
        match (self, column) {
            (Self::Continuous { values, .. }, Values::Numbers(numbers)) => {
                numbers.extend(rows.iter().map(|&row| values[row]));
            }
            (Self::Nominal { values, levels }, column) => {
                rows.iter().for_each(|&row| column.push_word(levels.get(values[row]).map(|word| &**word)));
            }
            (Self::Continuous { .. }, _) => unreachable!("a column of the attribute's kind"),
        }
    }
}

/// Coordinates of all rows along one attribute.
#[derive(Clone, Debug)]
enum Coordinates {
    Continuous(Vec<f32>),
    Nominal(Vec<u32>),
}

impl Coordinates {
    /// Adds the squared distances of a row to others along this attribute.
    #[inline(always)]
    fn add_squares(&self, row: usize, others: Range<usize>, sums: &mut [f32]) {
        match self {
            Self::Continuous(x) => {
                let own = x[row];
                sums.iter_mut()
                    .zip(&x[others])
                    .for_each(|(sum, other)| *sum += (own - other) * (own - other));
            }
            Self::Nominal(x) => {
                let own = x[row];
                let differs = |other: u32| if own == other { 0.0 } else { 1.0 };
                sums.iter_mut().zip(&x[others]).for_each(|(sum, &other)| *sum += differs(other));
            }
        }
    }
}

/// A table whose rows are to be multiplied.
#[derive(Clone, Debug)]
pub struct Munge {
    names: Vec<String>,
    attributes: Vec<Attribute>,
    coordinates: Vec<Coordinates>,
    rows: usize,
}

impl Munge {
    /// The training set `T`: these rows and columns of a frame. Missing numbers are the mean, and missing words a word of their own, if they may
    /// be filled.
    ///
    /// # Errors
    /// If there are fewer than two rows, or a column cannot be exchanged: which, and why.
    pub fn new(
        frame: &DataFrame,
        rows: &[usize],
        columns: &[usize],
        fills_missing: bool,
    ) -> Result<Self, String> {
        if rows.len() < 2 {
            return Err(format!("{}; two are needed to exchange anything", counted(rows.len(), "row")));
        }
        let columns: Vec<&Column> = columns.iter().map(|&column| &frame.columns()[column]).collect();
        let attribute = |column: &&Column| Attribute::new(column, rows, fills_missing);
        let attributes = columns.iter().map(attribute).collect::<Result<Vec<_>, _>>()?;
        if attributes.is_empty() {
            return Err("no column is left to exchange".to_owned());
        }
        Ok(Self {
            names: columns.iter().map(|column| column.name.clone()).collect(),
            coordinates: attributes.iter().map(Attribute::coordinates).collect(),
            attributes,
            rows: rows.len(),
        })
    }

    /// The number of blocks in which neighbours are searched.
    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK)
    }

    /// The nearest neighbour of each row of a block, exactly; the first of equals, and the row itself if all are equal to it.
    pub fn nearest(&self, block: usize) -> Vec<usize> {
        let rows = block * BLOCK..self.rows.min((block + 1) * BLOCK);
        let mut nearest: Vec<(f32, usize)> = rows.clone().map(|row| (f32::INFINITY, row)).collect();
        let mut sums = [0.0; PIECE];
        for begin in (0..self.rows).step_by(PIECE) {
            let others = begin..self.rows.min(begin + PIECE);
            let sums = &mut sums[..others.len()];
            for (row, nearest) in rows.clone().zip(&mut nearest) {
                sums.fill(0.0);
                wide::run(
                    #[inline(always)]
                    || self.coordinates.iter().for_each(|x| x.add_squares(row, others.clone(), sums)),
                );
                for (other, &sum) in others.clone().zip(&*sums) {
                    if sum > 0.0 && sum < nearest.0 {
                        *nearest = (sum, other);
                    }
                }
            }
        }
        nearest.into_iter().map(|(_, other)| other).collect()
    }

    /// So many new rows, from the nearest neighbours of all rows. Pass `i` draws from the stream `munge` with index `i`.
    ///
    /// # Errors
    /// If the frame would have none.
    ///
    /// # Panics
    /// If there is not one neighbour for each row.
    pub fn rows(
        &self,
        neighbours: &[usize],
        size: usize,
        config: &MungeConfig,
        streams: &Streams,
    ) -> Result<DataFrame, String> {
        assert_eq!(neighbours.len(), self.rows, "a neighbour for each row");
        let empty = |attribute: &Attribute| match attribute {
            Attribute::Continuous { .. } => Values::Numbers(Vec::new().into()),
            Attribute::Nominal { .. } => Values::words(),
        };
        let mut columns: Vec<Values> = self.attributes.iter().map(empty).collect();
        for pass in 0..size.div_ceil(self.rows) {
            let mut rng = streams.indexed("munge", pass as u64);
            let munged = self.pass(neighbours, config, &mut rng);
            let taken = sample(self.rows, size - pass * self.rows, &mut rng);
            munged.iter().zip(&mut columns).for_each(|(attribute, column)| attribute.append(&taken, column));
        }
        let named = |(name, values): (&String, Values)| Column { name: name.clone(), values };
        DataFrame::new(self.names.iter().zip(columns).map(named).collect())
    }

    /// One pass over the training set, in the letters of the paper.
    fn pass(&self, neighbours: &[usize], config: &MungeConfig, rng: &mut Pcg64) -> Vec<Attribute> {
        let mut t = self.attributes.clone();
        for (e, &near) in neighbours.iter().enumerate() {
            for a in &mut t {
                if rng.unit() < config.swap_probability {
                    a.exchange(e, near, config, rng);
                }
            }
        }
        t
    }
}

/// All of so many rows, or as many of them as are wanted, at random, in their order.
fn sample(rows: usize, wanted: usize, rng: &mut Pcg64) -> Vec<usize> {
    let mut all: Vec<usize> = (0..rows).collect();
    if wanted < rows {
        rng.shuffle(&mut all);
        all.truncate(wanted);
        all.sort_unstable();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[Option<&str>]) -> Values {
        let mut values = Values::words();
        all.iter().for_each(|word| values.push_word(*word));
        values
    }

    /// A table of 300 rows: a number, a whole number, a word.
    fn table() -> DataFrame {
        let mut rng = Pcg64::new(3);
        let number: Vec<f64> = (0..300).map(|_| rng.normal()).collect();
        let whole: Vec<f64> = (0..300).map(|i| f64::from(i * 7 % 13)).collect();
        let word: Vec<Option<&str>> = (0..300).map(|i| Some(["a", "b", "c"][i * 5 % 3])).collect();
        DataFrame::new(vec![
            Column::new("number", Values::Numbers(number.into())),
            Column::new("whole", Values::Numbers(whole.into())),
            Column::new("word", words(&word)),
        ])
        .unwrap()
    }

    fn munge(frame: &DataFrame) -> (Munge, Vec<usize>) {
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let columns: Vec<usize> = (0..frame.columns().len()).collect();
        let munge = Munge::new(frame, &rows, &columns, false).unwrap();
        let neighbours = (0..munge.blocks()).flat_map(|block| munge.nearest(block)).collect();
        (munge, neighbours)
    }

    #[test]
    fn neighbours_are_the_nearest_of_all() {
        let frame = table();
        let (_, neighbours) = munge(&frame);
        let [Values::Numbers(x), Values::Numbers(y), Values::Words(w)] =
            [0, 1, 2].map(|i| &frame.columns()[i].values)
        else {
            panic!("two numbers and a word")
        };
        let [low, high] = [f64::min, f64::max].map(|of| x.iter().copied().reduce(of).unwrap());
        let distance = |i: usize, j: usize| {
            let dx = (x[i] - x[j]) / (high - low);
            let dy = (y[i] - y[j]) / 12.0;
            dx * dx + dy * dy + f64::from(u8::from(w.index(i) != w.index(j)))
        };
        for (i, &near) in neighbours.iter().enumerate() {
            let least = (0..300).filter(|&j| j != i).map(|j| distance(i, j)).fold(f64::INFINITY, f64::min);
            assert!(near != i && distance(i, near) <= least + 1e-6, "{i}: {near}");
        }
    }

    #[test]
    fn rows_keep_columns_kinds_words_and_ranges() {
        let frame = table();
        let (munge, neighbours) = munge(&frame);
        let more = munge.rows(&neighbours, 1000, &MungeConfig::default(), &Streams::new(5)).unwrap();
        assert_eq!(more.rows(), 1000);
        for (ours, theirs) in more.columns().iter().zip(frame.columns()) {
            assert_eq!(ours.name, theirs.name);
            match (&ours.values, &theirs.values) {
                (Values::Numbers(ours), Values::Numbers(theirs)) => {
                    let [low, high] =
                        [f64::min, f64::max].map(|of| theirs.iter().copied().reduce(of).unwrap());
                    assert!(ours.iter().all(|x| (low..=high).contains(x)));
                    let is_whole = |x: &[f64]| x.iter().all(|x| x.fract() == 0.0);
                    assert_eq!(is_whole(ours), is_whole(theirs));
                }
                (Values::Words(ours), Values::Words(theirs)) => {
                    assert!(ours.levels().iter().all(|word| theirs.levels().contains(word)));
                }
                _ => panic!("{} is of another kind", ours.name),
            }
        }
        // A pass exchanges words between rows: those of the whole table are as many as before.
        let count = |frame: &DataFrame, rows: usize, word: &str| {
            (0..rows).filter(|&row| frame.columns()[2].values.text(row).as_deref() == Some(word)).count()
        };
        assert_eq!(["a", "b", "c"].map(|word| count(&more, 300, word)), [100; 3]);
        let again = munge.rows(&neighbours, 1000, &MungeConfig::default(), &Streams::new(5)).unwrap();
        assert_eq!(more, again);
        let continuous = MungeConfig { is_continuous: true, ..MungeConfig::default() };
        let drawn = munge.rows(&neighbours, 300, &continuous, &Streams::new(5)).unwrap();
        let Values::Numbers(whole) = &drawn.columns()[1].values else { panic!("numbers") };
        assert!(whole.iter().any(|x| x.fract() != 0.0));
    }

    #[test]
    fn exchanges_are_as_likely_and_as_far_as_asked_for() {
        let column = Values::Numbers((0..4000).map(|i| f64::from(i / 2 * 1000 + i % 2)).collect());
        let (munge, neighbours) = munge(&DataFrame::new(vec![Column::new("x", column)]).unwrap());
        assert_eq!(neighbours[..4], [1, 0, 3, 2]);
        let check = |swap_probability: f64, local_variance: f64, changed: Range<f64>, farther: Range<f64>| {
            let config = MungeConfig { swap_probability, local_variance, is_continuous: true };
            let more = munge.rows(&neighbours, 4000, &config, &Streams::new(1)).unwrap();
            let Values::Numbers(x) = &more.columns()[0].values else { panic!("numbers") };
            let old = |i: usize| (i / 2 * 1000 + i % 2) as f64;
            let other = |i: usize| (i / 2 * 1000 + (i + 1) % 2) as f64;
            let share = |of: &dyn Fn(usize) -> bool| (0..4000).filter(|&i| of(i)).count() as f64 / 4000.0;
            let found = share(&|i| x[i] != old(i));
            assert!(changed.contains(&found), "p = {swap_probability}: {found}");
            let found = share(&|i| (x[i] - other(i)).abs() > 1.5);
            assert!(farther.contains(&found), "s = {local_variance}: {found}");
        };
        check(0.0, 1.0, 0.0..1e-9, 0.0..1e-9);
        // A pair is visited twice: it is changed with probability 1 - (1 - 0.5)^2.
        check(0.5, 1e6, 0.7..0.8, 0.0..1e-9);
        // Around the neighbour's value with a standard deviation of 1, 13 % of the first draws are farther than 1.5.
        check(0.5, 1.0, 0.7..0.8, 0.05..0.4);
    }

    #[test]
    fn bad_tables_are_refused_and_equal_rows_have_no_neighbour() {
        let frame = |x: &[f64], w: &[Option<&str>]| {
            DataFrame::new(vec![
                Column::new("x", Values::Numbers(x.to_vec().into())),
                Column::new("w", words(w)),
            ])
            .unwrap()
        };
        let check = |frame: &DataFrame, rows: &[usize], columns: &[usize], expected: &str| {
            assert_eq!(Munge::new(frame, rows, columns, false).unwrap_err(), expected);
        };
        let fine = frame(&[1.0, f64::NAN], &[Some("a"), None]);
        check(&fine, &[0], &[0], "1 row; two are needed to exchange anything");
        check(&fine, &[0, 0], &[], "no column is left to exchange");
        let fill = "the value is missing; fill in the mean with missing=mean";
        check(&fine, &[0, 1], &[0], &format!("row 2, column `x`: {fill}"));
        let exchange = "the word is missing; exchange missing ones, too, with missing=mean";
        check(&fine, &[0, 1], &[1], &format!("row 2, column `w`: {exchange}"));
        // Filled, the numbers are equal, and the words are not.
        let filled = Munge::new(&fine, &[0, 1], &[0, 1], true).unwrap();
        assert_eq!(filled.nearest(0), [1, 0]);
        let more = filled.rows(&[1, 0], 2, &MungeConfig::default(), &Streams::new(0)).unwrap();
        assert_eq!((more.columns()[0].values.missing(), more.columns()[1].values.missing()), (0, 1));
        let (equal, neighbours) = munge(&frame(&[2.0, 2.0], &[Some("a"), Some("a")]));
        assert_eq!(neighbours, [0, 1]);
        assert!(equal.rows(&neighbours, 4, &MungeConfig::default(), &Streams::new(0)).is_ok());
        // Numbers near the largest do not overflow.
        let (huge, neighbours) = munge(&frame(&[f64::MAX, -f64::MAX], &[Some("a"), Some("a")]));
        let more = huge.rows(&neighbours, 4, &MungeConfig::default(), &Streams::new(0)).unwrap();
        assert_eq!(more.columns()[0].values.missing(), 0);
    }
}
