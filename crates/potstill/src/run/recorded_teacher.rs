//! A teacher whose answers are in a file: to classes, or values of a regression, row by row or by the names of rows.

use super::checks::usage;
use super::datasets::{DataSources, OpenData};
use crate::data::preprocessing::{DATA_CHECKSUM, ROW_CHECKSUM};
use crate::data::{DataFrame, Values};
use crate::distill::Answers;
use crate::error::Error;
use crate::jobs::Parts;
use crate::words::counted;
use std::collections::{HashMap, HashSet};

/// The column of values.
const VALUES: &str = "prediction";
/// The column of the standard deviation of each.
const DEVIATIONS: &str = "deviation";

/// The recorded answers of a teacher to the rows of some data.
pub(crate) struct RecordedTeacher {
    answers: Recorded,
    rows: usize,
    /// The name of each row, if the source has a column of them.
    names: Option<Vec<String>>,
    /// The CRC-32C of the data that it has answered, if the file has it.
    of_data: Option<u32>,
    /// The CRC-32C of each row that it has answered; empty if the file has none.
    row_sums: Vec<u32>,
    checksum: u32,
    given: String,
}

enum Recorded {
    Classes(Answers),
    /// Values, and their standard deviations, in the unit of the data; no deviations if it is sure.
    Values(Vec<f64>, Vec<f64>),
}

impl RecordedTeacher {
    /// Reads the answers of a file: columns `p(CLASS)`, `logit(CLASS)` or `votes(CLASS)`, or of a regression `prediction` and perhaps `deviation`.
    ///
    /// # Errors
    /// If it has none, or a row's are wrong.
    pub(crate) fn open(given: &str) -> Result<Self, Error> {
        let data = OpenData::open_as("--teacher", given)?;
        let wrong = |reason: String| usage(format!("--teacher {given}: {reason}"));
        if data.options().fills_missing == Some(true) {
            return Err(wrong(
                "missing=mean: it is of inputs, and these are answers; leave the option out".to_owned(),
            ));
        }
        let frame = data.rows().without(&data.options().drop).map_err(wrong)?;
        let answers = match values(&frame).map_err(wrong)? {
            Some((values, deviations)) => Recorded::Values(values, deviations),
            None => Recorded::Classes(Answers::of_frame(&frame).map_err(wrong)?),
        };
        let checksum = match &answers {
            Recorded::Classes(answers) => answers.checksum(),
            Recorded::Values(values, deviations) => {
                let both = values.iter().chain(deviations);
                both.fold(0, |sum, x| crc32c::crc32c_append(sum, &x.to_le_bytes()))
            }
        };
        let of_data = checksum_in(data.rows()).map_err(wrong)?;
        let row_sums = row_sums_in(data.rows()).map_err(wrong)?;
        let (rows, names) = (data.rows().rows(), data.names()?);
        Ok(Self { answers, rows, names, of_data, row_sums, checksum, given: given.to_owned() })
    }

    /// The CRC-32C of its answers.
    pub(crate) fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The classes of its answers, in their order; none of values.
    pub(crate) fn classes(&self) -> &[String] {
        match &self.answers {
            Recorded::Classes(answers) => answers.classes(),
            Recorded::Values(..) => &[],
        }
    }

    /// The source as it was given.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    fn wrong(&self, reason: &str) -> Error {
        usage(format!("--teacher {}: {reason}", self.given))
    }

    /// The place of the answer to each row of some data, and of further rows behind them; none to a row that has no answer. Rows are joined by
    /// their names where all have some, else one by one.
    ///
    /// # Errors
    /// If no row has an answer, the numbers of rows differ, or the answers were recorded for other rows.
    pub(crate) fn places(
        &self,
        data: &OpenData,
        more: Option<&OpenData>,
    ) -> Result<Vec<Option<usize>>, Error> {
        let (mut ours, mut rows) = (data.names()?, data.rows().rows());
        if let Some(more) = more {
            ours = ours.zip(more.names()?).map(|(names, more)| [names, more].concat());
            rows += more.rows().rows();
            if let Some(name) = ours.as_deref().and_then(twice) {
                return Err(self.wrong(&format!(
                    "`{name}` names a row of the data and another of the unlabelled ones; give each row a name of its own"
                )));
            }
        }
        let is_of_others = self.of_data.is_some_and(|sum| more.is_some() || sum != data.checksum());
        let target = data.target();
        let sums =
            || [Some(data), more].into_iter().flatten().flat_map(|source| source.row_checksums(target));
        let is_one_sided = ours.is_some() != self.names.is_some();
        let Some((ours, theirs)) = ours.zip(self.names.as_ref()) else {
            let found = self.rows;
            let is_checked = || more.is_some() && found == rows && self.row_sums.iter().copied().eq(sums());
            if is_of_others && !is_checked() {
                let advice = "record it again, or name the rows of both with id=NAME";
                return Err(self.wrong(&format!("it was recorded for other data; {advice}")));
            }
            if found != rows {
                return Err(self.wrong(&format!(
                    "it has {}, the data {rows}; name the rows of both with id=NAME to join them",
                    counted(found, "row")
                )));
            }
            // Rows that are named on one side are not known to be in the same order, unless they are checked.
            if is_one_sided && self.of_data.is_none() {
                let (named, other) = match self.names {
                    None => ("the data", "the answers"),
                    Some(_) => ("the answers", "the data"),
                };
                return Err(self.wrong(&format!(
                    "rows of {named} have names (id=NAME), those of {other} have not; name both to join them, or neither if they \
                     are in the same order"
                )));
            }
            return Ok((0..rows).map(Some).collect());
        };
        let places = joined(&ours, theirs);
        if places.iter().all(Option::is_none) {
            return Err(self.wrong(&format!("it has no answer to any row; it has none to `{}`", ours[0])));
        }
        if is_of_others {
            self.check_rows(&ours, &places, sums())?;
        }
        Ok(places)
    }

    /// Checks that the rows with answers are those for which these were recorded.
    fn check_rows(
        &self,
        names: &[String],
        places: &[Option<usize>],
        sums: impl Iterator<Item = u32>,
    ) -> Result<(), Error> {
        if self.row_sums.is_empty() {
            return Err(self.wrong("it was recorded for other data; record it again"));
        }
        for ((name, place), sum) in names.iter().zip(places).zip(sums) {
            if place.is_some_and(|place| self.row_sums[place] != sum) {
                return Err(self.wrong(&format!(
                    "it was recorded for other data, in which the row `{name}` has other values; record it again"
                )));
            }
        }
        Ok(())
    }

    /// The places of the answers to the samples of these parts.
    ///
    /// # Errors
    /// As [`places`](Self::places).
    ///
    /// # Panics
    /// If a sample to train on has no answer.
    pub(crate) fn found(&self, data: &DataSources, parts: &Parts) -> Result<Found, Error> {
        let places = self.places(data.data(), data.unlabelled())?;
        let train = learned_rows(data, parts).into_iter().map(|row| places[row]);
        let train = train.collect::<Option<_>>().expect("rows without an answer are left out");
        let test = match data.test_apart(parts) {
            None => parts.rows.1.iter().map(|&row| places[row]).collect(),
            Some(apart) => self.apart(data, apart.rows())?,
        };
        Ok(Found { train, test })
    }

    /// The places of the answers to test rows of another source: by their names alone, which none of the data has. None if one has no
    /// answer, or it cannot be told that it is to this row.
    fn apart(&self, data: &DataSources, rows: usize) -> Result<Option<Vec<usize>>, Error> {
        let test = data.test_source().filter(|test| test.rows().rows() == rows);
        let names = test.and_then(|test| test.names().ok().flatten());
        let Some(((test, names), theirs)) = test.zip(names).zip(self.names.as_ref()) else { return Ok(None) };
        let ours = data.data().names().ok().flatten().unwrap_or_default();
        if twice(&[&ours[..], &names].concat()).is_some()
            || (self.of_data.is_some() && self.row_sums.is_empty())
        {
            return Ok(None);
        }
        let places = joined(&names, theirs);
        if self.of_data.is_some() {
            self.check_rows(&names, &places, test.row_checksums(data.data().target()).into_iter())?;
        }
        Ok(places.into_iter().collect())
    }

    /// The logits of these classes for all of its rows, `rows x classes`.
    ///
    /// # Errors
    /// If it has answered to other classes, or has values.
    pub(crate) fn logits(&self, classes: &[String]) -> Result<Vec<f32>, Error> {
        match &self.answers {
            Recorded::Classes(answers) => answers.logits(classes).map_err(|reason| self.wrong(&reason)),
            Recorded::Values(..) => {
                Err(self.wrong(&format!("it has values ({VALUES}), and the data has classes")))
            }
        }
    }

    /// The values of all of its rows and their standard deviations, if it has any.
    ///
    /// # Errors
    /// If it has answers of classes.
    pub(crate) fn values(&self) -> Result<(&[f64], &[f64]), Error> {
        match &self.answers {
            Recorded::Values(values, deviations) => Ok((values, deviations)),
            Recorded::Classes(_) => Err(self.wrong(&format!(
                "it has answers of classes; a regression learns from columns {VALUES} and {DEVIATIONS}"
            ))),
        }
    }
}

/// The places of answers.
pub(crate) struct Found {
    /// To the samples to train on.
    pub(crate) train: Vec<usize>,
    /// To those to test on; none if one has no answer, or they are not known.
    pub(crate) test: Option<Vec<usize>>,
}

/// The rows that are learned, counted through the data and the further rows behind them.
pub(crate) fn learned_rows(data: &DataSources, parts: &Parts) -> Vec<usize> {
    let count = data.data().rows().rows();
    let more = parts.unlabelled.iter().map(|&row| count + row);
    parts.rows.0.iter().copied().chain(more).collect()
}

/// The rows of answers at these places, `width` numbers each.
pub(crate) fn rows_at<T: Copy>(answers: &[T], width: usize, places: &[usize]) -> Vec<T> {
    places.iter().flat_map(|place| &answers[place * width..][..width]).copied().collect()
}

/// Values, and their standard deviations if there are any.
type Valued = (Vec<f64>, Vec<f64>);

/// The place of each of our names among theirs.
fn joined(ours: &[String], theirs: &[String]) -> Vec<Option<usize>> {
    let known: HashMap<&str, usize> = theirs.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    ours.iter().map(|name| known.get(name.as_str()).copied()).collect()
}

/// The first name that stands twice.
fn twice(names: &[String]) -> Option<&str> {
    let mut known = HashSet::new();
    names.iter().find(|name| !known.insert(name.as_str())).map(String::as_str)
}

/// The values of a frame and their deviations, if it has a column of values.
fn values(frame: &DataFrame) -> Result<Option<Valued>, String> {
    let numbers = |name: &str| -> Result<Option<Vec<f64>>, String> {
        let Some(column) = frame.columns().iter().find(|column| column.name == name) else { return Ok(None) };
        let Values::Numbers(numbers) = &column.values else { return Ok(None) };
        match numbers.iter().position(|x| !x.is_finite()) {
            Some(row) => Err(format!("row {}, column `{name}`: an answer is missing", row + 1)),
            None => Ok(Some(numbers.to_vec())),
        }
    };
    let Some(values) = numbers(VALUES)? else { return Ok(None) };
    // Predictions of classes have their probabilities beside them.
    if Answers::of_frame(frame).is_ok() {
        return Ok(None);
    }
    let deviations = numbers(DEVIATIONS)?.unwrap_or_default();
    match deviations.iter().position(|&x| x < 0.0) {
        Some(row) => Err(format!("row {}, column `{DEVIATIONS}`: {} is below 0", row + 1, deviations[row])),
        None => Ok(Some((values, deviations))),
    }
}

/// The checksum of the data that rows of answers belong to, if they have it.
fn checksum_in(frame: &DataFrame) -> Result<Option<u32>, String> {
    let Ok(place) = frame.find(DATA_CHECKSUM) else { return Ok(None) };
    let Values::Numbers(numbers) = &frame.columns()[place].values else {
        return Err(format!("its column {DATA_CHECKSUM} has no numbers"));
    };
    match numbers.iter().all(|x| *x == numbers[0]) {
        true => Ok(Some(numbers[0] as u32)),
        false => {
            Err(format!("its column {DATA_CHECKSUM} has different numbers; its rows are of several data"))
        }
    }
}

/// The checksums of the rows that answers belong to; empty if they have none.
fn row_sums_in(frame: &DataFrame) -> Result<Vec<u32>, String> {
    let Ok(place) = frame.find(ROW_CHECKSUM) else { return Ok(Vec::new()) };
    match &frame.columns()[place].values {
        Values::Numbers(numbers) => Ok(numbers.iter().map(|&x| x as u32).collect()),
        _ => Err(format!("its column {ROW_CHECKSUM} has no numbers")),
    }
}
