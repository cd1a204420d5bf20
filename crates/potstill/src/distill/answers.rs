//! Recorded answers of a teacher: the probabilities, logits or votes that it gave to each row of some data.
//!
//! | columns | meaning | logit |
//! |---|---|---|
//! | `p(CLASS)` | probabilities, which sum to 1 | `ln max(p, 1e-7)` |
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

use crate::data::preprocessing::is_answer;
use crate::data::{DataFrame, Values};
use potstill_core::math::ln_f64;

/// The smallest probability: below it a recorded one is taken for it.
pub const PROBABILITY_MIN: f64 = 1e-7;
/// The most by which the sum of a row's probabilities may differ from 1.
const SUM_TOLERANCE: f64 = 1e-3;

/// The answers of a teacher to rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    classes: Vec<String>,
    rows: usize,
    /// `rows x classes`.
    logits: Vec<f32>,
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

    /// Makes logits of a row's numbers.
    fn row(self, row: &mut [f64]) -> Result<(), String> {
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
            return Ok(());
        }
        if let Some(bad) = row.iter().find(|&&x| x < 0.0) {
            return Err(format!("{} is {bad}, below 0", self.prefix()));
        }
        let sum: f64 = row.iter().sum();
        match self {
            Self::Probabilities if (sum - 1.0).abs() > SUM_TOLERANCE => {
                return Err(format!("the probabilities sum to {sum}, not to 1"));
            }
            Self::Votes if sum == 0.0 => return Err("there are no votes".to_owned()),
            _ => {}
        }
        row.iter_mut().for_each(|x| *x = ln_f64((*x / sum).max(PROBABILITY_MIN)));
        Ok(())
    }
}

/// Gives missing probabilities, those beyond the most probable classes that are known, equal shares of what the others leave.
fn share_the_rest(row: &mut [f64]) -> Result<(), String> {
    let missing = row.iter().filter(|x| x.is_nan()).count();
    if missing == 0 || missing == row.len() {
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
                return Err(format!("column `{}` has {}, no numbers", column.name, column.values.kind()));
            };
            columns.push((kind, class.to_owned(), numbers));
        }
        let Some(&(kind, ..)) = columns.first() else {
            return Err(
                "it has no answers of a teacher: columns p(CLASS), logit(CLASS) or votes(CLASS)".to_owned()
            );
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
        for (i, row) in numbers.chunks_exact_mut(classes.len()).enumerate() {
            kind.row(row).map_err(|reason| format!("row {}: {reason}", i + 1))?;
        }
        let rows = numbers.len() / classes.len();
        Ok(Self { classes, rows, logits: numbers.into_iter().map(|x| x as f32).collect() })
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
        let is_named = classes.iter().all(|class| self.classes.contains(class));
        if !is_named && self.classes.len() == classes.len() && is_numbered(&self.classes) {
            return Ok(self.logits.clone());
        }
        let place = |class: &String| {
            let place = self.classes.iter().position(|own| own == class);
            place.ok_or_else(|| {
                format!("it has no answers of the class `{class}`; it has {}", self.classes.join(", "))
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

/// Returns true if classes are called 0, 1, 2 and so on.
pub(crate) fn is_numbered(classes: &[String]) -> bool {
    classes.iter().enumerate().all(|(i, class)| *class == i.to_string())
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
        check(&[("p(a)", &[f64::NAN]), ("p(b)", &[f64::NAN])], "row 1: an answer is missing");
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
            "it has no answers of a teacher: columns p(CLASS), logit(CLASS) or votes(CLASS)",
        );
        check(&[("p(a)", &[1.0])], "it has answers of 1 class; two are needed");
        check(&[("p(a)", &[0.5]), ("p(c)", &[0.5])], "it has no answers of the class `b`; it has a, c");
        check(
            &[("p(a)", &[0.5]), ("p(b)", &[0.25]), ("p(c)", &[0.25])],
            "it has answers of the class `c`, which no training row is of",
        );
    }
}
