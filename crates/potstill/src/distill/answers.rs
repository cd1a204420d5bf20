//! Recorded answers of a teacher: the probabilities, logits or votes that it gave to each row of some data.
//!
//! | columns | meaning | logit |
//! |---|---|---|
//! | `p(CLASS)` | probabilities, which sum to 1, but for the rounding of their digits | `ln max(p / sum, 1e-7)` |
//! | `logit(CLASS)` | logits, or logarithms of probabilities | as it is |
//! | `votes(CLASS)` | votes of people, or of samples | `ln max(votes / all, 1e-7)` |
//!
//! ```
//! use potstill::data::{Column, DataFrame, Values};
//! use potstill::distill::Answers;
//!
//! let columns = [("p(yes)", [0.75, 0.5]), ("p(no)", [0.25, 0.5])];
//! let columns = columns.map(|(name, p)| Column::new(name, Values::Numbers(p.to_vec().into())));
//! let answers = Answers::of_frame(&DataFrame::new(columns.to_vec())?)?;
//! let logits = answers.logits(&["no".to_owned(), "yes".to_owned()])?;
//! assert!((logits[1] - logits[0] - 3.0_f32.ln()).abs() < 1e-6);
//! # Ok::<(), String>(())
//! ```

use crate::data::preprocessing::{is_answer, is_numbered};
use crate::data::{DataFrame, Values};
use potstill_core::math::ln_f64;

/// The smallest probability: below it a recorded one is taken for it.
pub const PROBABILITY_MIN: f64 = 1e-7;
/// The most by which the sum of a row's probabilities of many digits may differ from 1.
const SUM_TOLERANCE: f64 = 1e-3;
/// The most by which the sum of rounded probabilities may differ from 1.
const ROUNDING_MAX: f64 = 0.1;
/// The last places of numbers that are taken for rounded.
const UNITS: [f64; 3] = [1e-2, 1e-3, 1e-4];

/// The answers of a teacher to rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    kind: AnswerKind,
    classes: Vec<String>,
    rows: usize,
    /// `rows x classes`.
    logits: Vec<f32>,
    /// Rows of rounded probabilities, with the lowest and the highest sum.
    rounded: Option<(usize, [f64; 2])>,
}

/// The meaning of recorded numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// Probabilities.
    Probabilities,
    /// Logits.
    Logits,
    /// Votes.
    Votes,
}

impl AnswerKind {
    fn of_column(name: &str) -> Option<(Self, &str)> {
        let (kind, rest) = name.split_once('(').filter(|_| is_answer(name))?;
        let kind = match kind {
            "p" => Self::Probabilities,
            "logit" => Self::Logits,
            _ => Self::Votes,
        };
        Some((kind, rest.strip_suffix(')')?))
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Probabilities => "p",
            Self::Logits => "logit",
            Self::Votes => "votes",
        }
    }

    /// Makes logits of a row's numbers, and returns the sum of probabilities and votes.
    fn row(self, row: &mut [f64], tolerance: f64) -> Result<f64, String> {
        if row.iter().all(|x| x.is_nan()) {
            return Err("it has no answer; complete it, or leave such rows out with missing=drop".to_owned());
        }
        if self == Self::Probabilities {
            share_the_rest(row)?;
        }
        if let Some(bad) = row.iter().find(|x| !x.is_finite()) {
            return Err(if bad.is_nan() {
                "an answer is missing".to_owned()
            } else {
                format!("an answer is {bad}")
            });
        }
        if self == Self::Logits {
            return Ok(1.0);
        }
        if let Some(bad) = row.iter().find(|&&x| x < 0.0) {
            return Err(format!("{} is {bad}, below 0", self.prefix()));
        }
        let sum: f64 = row.iter().sum();
        match self {
            Self::Probabilities if (sum - 1.0).abs() > tolerance => {
                return Err(format!("the probabilities sum to {}, not to 1", in_short(sum)));
            }
            Self::Votes if sum == 0.0 => return Err("there are no votes".to_owned()),
            _ => {}
        }
        row.iter_mut().for_each(|x| *x = ln_f64((*x / sum).max(PROBABILITY_MIN)));
        Ok(sum)
    }
}

/// The most by which sums of these probabilities differ from 1, by the rounding of all of them to some last
/// place.
fn sum_tolerance(numbers: &[f64], classes: usize) -> f64 {
    // Single precision has some 1e-7.
    let is_whole = |x: f64| (x - x.round()).abs() < 1e-2;
    let is_rounded = |unit: &f64| numbers.iter().filter(|x| x.is_finite()).all(|x| is_whole(x / unit));
    let unit = UNITS.into_iter().find(is_rounded);
    unit.map_or(SUM_TOLERANCE, |unit| {
        let places = (classes as f64 / 2.0).max(2.0);
        (places * unit * (1.0 + 1e-9)).clamp(SUM_TOLERANCE, ROUNDING_MAX)
    })
}

/// A sum without the last digits that addition has rounded.
fn in_short(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}

/// Gives missing probabilities, those beyond the most probable classes that are known, equal shares of what the others leave.
fn share_the_rest(row: &mut [f64]) -> Result<(), String> {
    let missing = row.iter().filter(|x| x.is_nan()).count();
    if missing == 0 {
        return Ok(());
    }
    let (mut sum, mut smallest) = (0.0, 1.0_f64);
    for &x in row.iter().filter(|x| !x.is_nan()) {
        (sum, smallest) = (sum + x, smallest.min(x));
    }
    let share = (1.0 - sum).max(0.0) / missing as f64;
    if share > smallest + SUM_TOLERANCE {
        return Err(format!(
            "{missing} of its probabilities are missing or no numbers; with the rest of 1 they would be {share} each, more than \
             {smallest}, the smallest that is given"
        ));
    }
    row.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = share);
    Ok(())
}

impl Answers {
    /// The answers in the columns of a data frame.
    ///
    /// # Errors
    /// If there are none, they are of several kinds, or a row has no probabilities: where.
    pub fn of_frame(frame: &DataFrame) -> Result<Self, String> {
        let mut columns = Vec::new();
        for column in frame.columns() {
            let Some((kind, class)) = AnswerKind::of_column(&column.name) else { continue };
            let Values::Numbers(numbers) = &column.values else {
                return Err(no_number(&column.name, &column.values));
            };
            columns.push((kind, class.to_owned(), numbers));
        }
        let Some(&(kind, ..)) = columns.first() else {
            let names: Vec<&str> = frame.columns().iter().map(|column| column.name.as_str()).collect();
            return Err(format!(
                "it has no answers of a teacher: columns p(CLASS), logit(CLASS) or votes(CLASS); it has {}",
                names[..names.len().min(8)].join(", ")
            ));
        };
        if let Some((other, class, _)) = columns.iter().find(|(other, ..)| *other != kind) {
            let (other, kind) = (other.prefix(), kind.prefix());
            return Err(format!(
                "it has {other}({class}) beside columns of {kind}; one kind of answers is needed"
            ));
        }
        let numbers =
            (0..frame.rows()).flat_map(|row| columns.iter().map(move |(.., numbers)| numbers[row])).collect();
        Self::new(kind, columns.iter().map(|(_, class, _)| class.clone()).collect(), numbers)
    }

    /// The answers to rows, `rows x classes`.
    ///
    /// # Errors
    /// If a row has none: which, and why.
    ///
    /// # Panics
    /// If the numbers are not of whole rows, or there are fewer than two classes.
    pub fn new(kind: AnswerKind, classes: Vec<String>, mut numbers: Vec<f64>) -> Result<Self, String> {
        if classes.len() < 2 {
            return Err(format!("it has answers of {} class; two are needed", classes.len()));
        }
        assert!(numbers.len().is_multiple_of(classes.len()), "whole rows");
        let tolerance = sum_tolerance(&numbers, classes.len());
        let mut rounded: Option<(usize, [f64; 2])> = None;
        for (i, row) in numbers.chunks_exact_mut(classes.len()).enumerate() {
            let sum = kind.row(row, tolerance).map_err(|reason| format!("row {}: {reason}", i + 1))?;
            if kind == AnswerKind::Probabilities && (sum - 1.0).abs() > SUM_TOLERANCE {
                let (rows, [low, high]) = rounded.unwrap_or((0, [sum, sum]));
                rounded = Some((rows + 1, [low.min(sum), high.max(sum)]));
            }
        }
        let rows = numbers.len() / classes.len();
        Ok(Self { kind, classes, rows, logits: numbers.into_iter().map(|x| x as f32).collect(), rounded })
    }

    /// A sentence on probabilities that sum to 1 only within the rounding of their digits.
    pub fn rounding(&self) -> Option<String> {
        let (rows, [low, high]) = self.rounded?;
        let sums = match [low, high].map(in_short) {
            [low, high] if low == high => low.to_string(),
            [low, high] => format!("{low} to {high}"),
        };
        Some(format!(
            "the probabilities of {rows} of {} rows sum to {sums}, as rounded ones do, and are scaled to 1",
            self.rows
        ))
    }

    /// Returns true if its classes are numbers, which are taken for these classes by their order alone.
    pub(crate) fn is_in_order_of(&self, classes: &[String]) -> bool {
        let is_named = classes.iter().all(|class| self.classes.contains(class));
        !is_named && self.classes.len() == classes.len() && is_numbered(&self.classes)
    }

    /// The classes, in their order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The CRC-32C of classes and logits.
    #[cfg(feature = "disk")]
    pub(crate) fn checksum(&self) -> u32 {
        let names = crc32c::crc32c(self.classes.join("\n").as_bytes());
        self.logits.iter().fold(names, |sum, logit| crc32c::crc32c_append(sum, &logit.to_le_bytes()))
    }

    /// The logits of these classes, in their order: `rows x classes`.
    ///
    /// # Errors
    /// If the teacher has not answered one, or others.
    pub fn logits(&self, classes: &[String]) -> Result<Vec<f32>, String> {
        // Programs number the classes in their order, where these are not the names themselves.
        if self.is_in_order_of(classes) {
            return Ok(self.logits.clone());
        }
        let place = |class: &String| {
            let place = self.classes.iter().position(|own| own == class);
            place.ok_or_else(|| {
                let prefix = self.kind.prefix();
                let own: Vec<String> = self.classes.iter().map(|own| format!("{prefix}({own})")).collect();
                format!("it has no {prefix}({class}) for that class of the data; it has {}", own.join(", "))
            })
        };
        let places = classes.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        if let Some(other) = self.classes.iter().find(|own| !classes.contains(own)) {
            return Err(format!("it has answers of the class `{other}`, which no training row is of"));
        }
        let rows = self.logits.chunks_exact(self.classes.len());
        Ok(rows.flat_map(|row| places.iter().map(|&place| row[place])).collect())
    }
}

/// The fault of a column that holds no numbers alone: its first value that is none, with the row.
fn no_number(name: &str, values: &Values) -> String {
    let word =
        |row: usize| values.text(row).filter(|text| !text.trim().parse::<f64>().is_ok_and(f64::is_finite));
    match (0..values.rows()).find_map(|row| Some((row, word(row)?))) {
        Some((row, word)) => format!("row {}, column `{name}`: `{word}` is no number", row + 1),
        None => format!("column `{name}` has {}, no numbers", values.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    fn answers(columns: &[(&str, &[f64])]) -> Result<Answers, String> {
        let columns = columns.iter().map(|(name, x)| Column::new(name, Values::Numbers(x.to_vec().into())));
        Answers::of_frame(&DataFrame::new(columns.collect()).unwrap())
    }

    #[test]
    fn numbers_become_logits_in_the_order_of_the_classes() {
        let check = |columns: &[(&str, &[f64])], expected: &[f32]| {
            let classes = ["a", "b"].map(str::to_owned);
            let logits = answers(columns).and_then(|answers| answers.logits(&classes)).unwrap();
            assert!(logits.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-5), "{logits:?}");
        };
        check(&[("x", &[7.0]), ("p(b)", &[0.25]), ("p(a)", &[0.75])], &[-0.287_682, -1.386_294]);
        check(&[("votes(a)", &[3.0]), ("votes(b)", &[1.0])], &[-0.287_682, -1.386_294]);
        check(&[("logit(a)", &[3.0]), ("logit(b)", &[-1.0])], &[3.0, -1.0]);
        check(&[("logit(0)", &[3.0]), ("logit(1)", &[-1.0])], &[3.0, -1.0]);
        // Numbers that are the names of the classes are names, in whatever order: as text 10 stands before 2.
        let numbers = answers(&[("p(0)", &[0.5]), ("p(1)", &[0.375]), ("p(2)", &[0.125])]).unwrap();
        let turned = numbers.logits(&["0", "2", "1"].map(str::to_owned)).unwrap();
        assert!((turned[1] + 2.079_441_5).abs() < 1e-5, "{turned:?}");
        // ln 0.6 and ln 0.4: one of the two is known.
        check(&[("p(a)", &[0.6]), ("p(b)", &[f64::NAN])], &[-0.510_825_6, -0.916_290_7]);
        // ln 1e-7: no answer excludes a class.
        check(&[("p(a)", &[1.0]), ("p(b)", &[0.0])], &[0.0, -16.118_095]);
    }

    #[test]
    fn rounded_probabilities_are_scaled_to_one() {
        let check = |columns: &[(&str, &[f64])], told: Option<&str>| {
            let answers = answers(columns).unwrap();
            assert_eq!(answers.rounding().as_deref(), told, "{columns:?}");
            for row in answers.logits(answers.classes()).unwrap().chunks(columns.len()) {
                let sum: f32 = row.iter().map(|logit| logit.exp()).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            }
        };
        check(
            &[("p(a)", &[0.33, 0.5, 0.01]), ("p(b)", &[0.33, 0.25, 0.5]), ("p(c)", &[0.33, 0.25, 0.5])],
            Some(
                "the probabilities of 2 of 3 rows sum to 0.99 to 1.01, as rounded ones do, and are scaled to \
                 1",
            ),
        );
        // Single precision of 0.33 and 0.66.
        check(
            &[("p(a)", &[0.330_000_013_113_021_85]), ("p(b)", &[0.660_000_026_226_043_7])],
            Some("the probabilities of 1 of 1 rows sum to 0.99, as rounded ones do, and are scaled to 1"),
        );
        check(&[("p(a)", &[0.25]), ("p(b)", &[0.75])], None);
        // Ten of 0.095 are each 0.10 when they are rounded up: half a last place of each class.
        let ten: Vec<(String, [f64; 1])> =
            (0..10).map(|i| (format!("p({i})"), [[0.1, 0.14][i / 9]])).collect();
        let ten: Vec<(&str, &[f64])> = ten.iter().map(|(name, x)| (name.as_str(), &x[..])).collect();
        check(
            &ten,
            Some("the probabilities of 1 of 1 rows sum to 1.04, as rounded ones do, and are scaled to 1"),
        );
    }

    #[test]
    fn faults_are_told_with_their_row() {
        let check = |columns: &[(&str, &[f64])], expected: &str| {
            let classes = ["a", "b"].map(str::to_owned);
            let found = answers(columns).and_then(|answers| answers.logits(&classes));
            assert_eq!(found.err().as_deref(), Some(expected));
        };
        check(
            &[("p(a)", &[0.5, 0.5]), ("p(b)", &[0.5, 0.6])],
            "row 2: the probabilities sum to 1.1, not to 1",
        );
        check(&[("p(a)", &[-0.5]), ("p(b)", &[1.5])], "row 1: p is -0.5, below 0");
        check(
            &[("p(a)", &[f64::NAN]), ("p(b)", &[f64::NAN])],
            "row 1: it has no answer; complete it, or leave such rows out with missing=drop",
        );
        check(&[("logit(a)", &[f64::NAN]), ("logit(b)", &[1.0])], "row 1: an answer is missing");
        check(
            &[("p(a)", &[f64::NAN]), ("p(b)", &[0.25])],
            "row 1: 1 of its probabilities are missing or no numbers; with the rest of 1 they would be 0.75 each, more than \
             0.25, the smallest that is given",
        );
        check(&[("votes(a)", &[0.0]), ("votes(b)", &[0.0])], "row 1: there are no votes");
        check(
            &[("p(a)", &[0.5]), ("logit(b)", &[1.0])],
            "it has logit(b) beside columns of p; one kind of answers is needed",
        );
        check(
            &[("x", &[0.5])],
            "it has no answers of a teacher: columns p(CLASS), logit(CLASS) or votes(CLASS); it has x",
        );
        check(&[("p(a)", &[1.0])], "it has answers of 1 class; two are needed");
        check(
            &[("p(a)", &[0.5]), ("p(c)", &[0.5])],
            "it has no p(b) for that class of the data; it has p(a), p(c)",
        );
        // Beyond two last places of two digits, and of three.
        check(
            &[("p(a)", &[0.5, 0.96]), ("p(b)", &[0.48, 0.01])],
            "row 2: the probabilities sum to 0.97, not to 1",
        );
        check(
            &[("p(a)", &[0.123, 0.996]), ("p(b)", &[0.875, 0.001])],
            "row 2: the probabilities sum to 0.997, not to 1",
        );
        check(
            &[("p(a)", &[0.123_456]), ("p(b)", &[0.875_2])],
            "row 1: the probabilities sum to 0.998656, not to 1",
        );
        check(
            &[("p(a)", &[0.5]), ("p(b)", &[0.25]), ("p(c)", &[0.25])],
            "it has answers of the class `c`, which no training row is of",
        );
    }
}
