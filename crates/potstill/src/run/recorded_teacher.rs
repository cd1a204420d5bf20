//! A teacher whose answers are in a file: to classes, or values of a regression, row by row or by the names of rows.

use super::data_file::refused;
use super::datasets::{DataSources, OpenData};
use crate::data::preprocessing::{DATA_CHECKSUM, ROW_CHECKSUM, is_answer};
use crate::data::{Column, DataFrame, Values};
use crate::distill::Answers;
use crate::error::Error;
use crate::jobs::Parts;
use crate::words::{counted, in_short};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The column of values.
const VALUES: &str = "prediction";
/// The column of the standard deviation of each.
const DEVIATIONS: &str = "deviation";

/// The recorded answers of a teacher to the rows of some data.
pub(crate) struct RecordedTeacher {
    file: AnswerFile,
    /// Those to the rows without labels, where they are in a file of their own.
    unlabelled: Option<AnswerFile>,
}

/// A file of answers.
struct AnswerFile {
    answers: Recorded,
    /// The place of each row's answer among these; none of a row without one.
    of_rows: Vec<Option<usize>>,
    /// The name of each row, if the source has a column of them.
    names: Option<Vec<String>>,
    /// The columns that are no answers: of all rows, in the order of the file.
    beside: Vec<Column>,
    /// The CRC-32C of the data that it has answered, if the file has it.
    of_data: Option<u32>,
    /// The CRC-32C of each row that it has answered; empty if the file has none.
    row_sums: Vec<u32>,
    checksum: u32,
    /// True if training rows without an answer are left out.
    drops_missing: bool,
    option: &'static str,
    given: String,
}

enum Recorded {
    Classes(Answers),
    /// Values, and their standard deviations, in the unit of the data; no deviations if it is sure.
    Values(Vec<f64>, Vec<f64>),
}

/// The option of a file of answers to the rows without labels.
pub(super) const TO_UNLABELLED: &str = "--teacher-unlabelled";

impl AnswerFile {
    /// Reads the answers of a file: columns `p(CLASS)`, `logit(CLASS)` or `votes(CLASS)`, or of a regression `prediction` and perhaps `deviation`.
    ///
    /// # Errors
    /// If it has none, or a row's are wrong.
    fn open(option: &'static str, given: &str) -> Result<Self, Error> {
        let data = OpenData::answers(option, given)?;
        let wrong = |reason: String| data.refused(reason);
        let options = data.options();
        if options.fills_missing == Some(true) {
            let advice = "missing=mean: it is of inputs, and these are answers; leave the option out";
            return Err(wrong(advice.to_owned()));
        }
        let mut frame = data.rows().without(&options.drop).map_err(wrong)?;
        let beside = beside(&frame);
        let mut of_rows: Vec<Option<usize>> = (0..frame.rows()).map(Some).collect();
        let mut counted_from = "";
        if options.drops_missing {
            let answered = answered_rows(&frame);
            if answered.is_empty() {
                return Err(wrong("no row has an answer".to_owned()));
            }
            of_rows = vec![None; frame.rows()];
            answered.iter().enumerate().for_each(|(place, &row)| of_rows[row] = Some(place));
            let columns = frame.columns().iter().filter_map(|column| column.select(&answered)).collect();
            if answered.len() < frame.rows() {
                counted_from = " (counted without the rows that have no answer)";
            }
            frame = DataFrame::new(columns).map_err(wrong)?;
        }
        let wrong_row = |reason: String| wrong(format!("{reason}{counted_from}"));
        let answers = match values(&frame).map_err(wrong_row)? {
            Some((values, deviations)) => Recorded::Values(values, deviations),
            None => Recorded::Classes(Answers::of_frame(&frame).map_err(wrong_row)?),
        };
        let checksum = match &answers {
            Recorded::Classes(answers) => answers.checksum(),
            Recorded::Values(values, deviations) => {
                let both = values.iter().chain(deviations);
                both.fold(0, |sum, x| crc32c::crc32c_append(sum, &x.to_le_bytes()))
            }
        };
        Ok(Self {
            answers,
            of_rows,
            names: data.names()?,
            beside,
            of_data: checksum_in(data.rows()).map_err(wrong)?,
            row_sums: row_sums_in(data.rows()).map_err(wrong)?,
            checksum,
            drops_missing: options.drops_missing,
            option,
            given: given.to_owned(),
        })
    }

    fn wrong(&self, reason: &str) -> Error {
        refused(self.option, &self.given, reason)
    }

    /// The number of answers.
    fn len(&self) -> usize {
        match &self.answers {
            Recorded::Classes(answers) => answers.rows(),
            Recorded::Values(values, _) => values.len(),
        }
    }

    /// The place of the answer to each row of some sources, one behind the other; none to a row that has no
    /// answer. Rows are joined by their names where all have some (the answers also in the column that the data
    /// names), else one by one. The first source says what is learned.
    ///
    /// # Errors
    /// If no row has an answer, the numbers of rows differ, or the answers were recorded for other rows, or
    /// for these in another order.
    fn places(&self, sources: &[&OpenData], target: Option<&str>) -> Result<Vec<Option<usize>>, Error> {
        let several = sources.len() > 1;
        let rows: usize = sources.iter().map(|source| source.rows().rows()).sum();
        let names = sources.iter().map(|source| source.names()).collect::<Result<Vec<_>, _>>()?;
        let ours: Option<Vec<String>> =
            names.into_iter().collect::<Option<Vec<_>>>().map(|names| names.concat());
        if let Some(name) = ours.as_deref().and_then(twice) {
            return Err(self.wrong(&format!(
                "`{name}` names a row of the data and another of the unlabelled ones; give each row a name \
                 of its own"
            )));
        }
        let is_of_others = self.of_data.is_some_and(|sum| several || sum != sources[0].checksum());
        let sums = || sources.iter().flat_map(|source| source.row_checksums(target));
        let theirs = self.names_or_in(sources[0].options().id.as_deref().filter(|_| ours.is_some()))?;
        let is_one_sided = ours.is_some() != theirs.is_some();
        let Some((ours, theirs)) = ours.zip(theirs.as_deref()) else {
            let found = self.of_rows.len();
            if several && found == sources[0].rows().rows() {
                return Err(self.wrong(&format!(
                    "it has answers to the {found} rows of --data alone; give those to --unlabelled with \
                     {TO_UNLABELLED} FILE"
                )));
            }
            let is_checked = || several && found == rows && self.row_sums.iter().copied().eq(sums());
            if is_of_others && !is_checked() {
                let advice = "record it again, or name the rows of both with id=NAME";
                return Err(self.wrong(&format!("it was recorded for other data; {advice}")));
            }
            if found != rows {
                return Err(self.wrong(&format!(
                    "it has {}, {} {rows}; name the rows of both with id=NAME to join them",
                    counted(found, "row"),
                    if several { "--data and --unlabelled together" } else { "the data" }
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
            if !several && !self.row_sums.is_empty() {
                self.check_row_sums(sums())?;
            } else if let [data] = sources {
                self.check_order(data, target)?;
            }
            return Ok(self.of_rows.clone());
        };
        let places = joined(&ours, theirs);
        if places.iter().all(Option::is_none) {
            return Err(self.wrong(&format!("it has no answer to any row; it has none to `{}`", ours[0])));
        }
        if is_of_others {
            self.check_rows(&ours, &places, sums())?;
        }
        Ok(self.answers_at(places))
    }

    /// The names of its rows: in the column that it names itself, else in the one that the data names, if it has that.
    ///
    /// # Errors
    /// As [`names_in`](Self::names_in).
    fn names_or_in(&self, id: Option<&str>) -> Result<Option<Cow<'_, [String]>>, Error> {
        match (&self.names, id) {
            (Some(names), _) => Ok(Some(Cow::Borrowed(names))),
            (None, Some(id)) => Ok(self.names_in(id)?.map(Cow::Owned)),
            (None, None) => Ok(None),
        }
    }

    /// The names of its rows in a column of this name, if it has one.
    ///
    /// # Errors
    /// If a name is missing, or stands twice.
    fn names_in(&self, id: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(column) = self.beside.iter().find(|column| column.name == id) else { return Ok(None) };
        let name = |row: usize| {
            let name = column.values.text(row);
            name.ok_or_else(|| {
                self.wrong(&format!("row {} has no {id}, which names the rows of the data", row + 1))
            })
        };
        let names = (0..self.of_rows.len()).map(name).collect::<Result<Vec<_>, _>>()?;
        match twice(&names) {
            Some(name) => {
                Err(self.wrong(&format!("the {id} `{name}` stands twice, and it names the rows of the data")))
            }
            None => Ok(Some(names)),
        }
    }

    /// Checks that the answers stand in the order of the rows for which they were recorded.
    fn check_row_sums(&self, sums: impl Iterator<Item = u32>) -> Result<(), Error> {
        match self.row_sums.iter().zip(sums).position(|(theirs, ours)| *theirs != ours) {
            None => Ok(()),
            Some(row) => Err(self.wrong(&format!(
                "its row {} was recorded for another row of the data; record it again, or name the rows of both with id=NAME",
                row + 1
            ))),
        }
    }

    /// Checks the order of the answers by the columns that stand in both files: one with the same values in another order
    /// shows that rows and answers are not in one order. A column of other values, as of rounded numbers, shows nothing,
    /// nor does one that is learned, which may hold the teacher's own prediction.
    fn check_order(&self, data: &OpenData, target: Option<&str>) -> Result<(), Error> {
        for theirs in self.beside.iter().filter(|theirs| Some(&*theirs.name) != target) {
            let Some(ours) = data.rows().columns().iter().find(|ours| ours.name == theirs.name) else {
                continue;
            };
            let texts = |column: &Column| {
                (0..self.of_rows.len()).map(|row| column.values.text(row)).collect::<Vec<_>>()
            };
            let (mut ours, mut theirs_texts) = (texts(ours), texts(theirs));
            let Some(row) = ours.iter().zip(&theirs_texts).position(|(ours, theirs)| ours != theirs) else {
                continue;
            };
            let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
            let (own, other) = (word(&ours[row]), word(&theirs_texts[row]));
            ours.sort_unstable();
            theirs_texts.sort_unstable();
            if ours == theirs_texts {
                return Err(self.wrong(&format!(
                    "its column `{}` has the values of the data in another order ({other} in row {}, where the data has {own}): \
                     the rows are not in one order; join them with id=NAME of both, or leave the column out (drop=NAME)",
                    theirs.name,
                    row + 1
                )));
            }
        }
        Ok(())
    }

    /// The places of the answers to rows of the file.
    fn answers_at(&self, rows: Vec<Option<usize>>) -> Vec<Option<usize>> {
        rows.into_iter().map(|row| self.of_rows[row?]).collect()
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

    /// The logits of these classes for all of its answers, `answers x classes`.
    fn logits(&self, classes: &[String]) -> Result<Vec<f32>, Error> {
        match &self.answers {
            Recorded::Classes(answers) => answers.logits(classes).map_err(|reason| self.wrong(&reason)),
            Recorded::Values(..) => {
                Err(self.wrong(&format!("it has values ({VALUES}), and the data has classes")))
            }
        }
    }

    /// The values of all of its answers and their standard deviations, if it has any.
    fn values(&self) -> Result<(&[f64], &[f64]), Error> {
        match &self.answers {
            Recorded::Values(values, deviations) => Ok((values, deviations)),
            Recorded::Classes(_) => Err(self.wrong(&format!(
                "it has answers of classes; a regression learns from columns {VALUES} and {DEVIATIONS}"
            ))),
        }
    }

    /// Sentences on answers that are taken for others than they are called, or for more exact ones.
    fn remarks(&self, classes: &[String]) -> Vec<String> {
        let Recorded::Classes(answers) = &self.answers else { return Vec::new() };
        let order = answers
            .is_in_order_of(classes)
            .then(|| in_order(classes, "columns p(NAME), or an array `classes`"));
        let told = |remark: String| format!("{} {}: {remark}", self.option, self.given);
        order.into_iter().chain(answers.rounding()).map(told).collect()
    }
}

/// The sentence on answers of numbered classes.
pub(super) fn in_order(classes: &[String], naming: &str) -> String {
    format!(
        "its classes have no names, and are taken for those of the data in their order: {}; name them if it \
         is another ({naming})",
        in_short(classes, 10)
    )
}

impl RecordedTeacher {
    /// Reads the answers of a file.
    ///
    /// # Errors
    /// If it has none, or a row's are wrong.
    pub(crate) fn open(given: &str) -> Result<Self, Error> {
        Ok(Self { file: AnswerFile::open("--teacher", given)?, unlabelled: None })
    }

    /// The same with a file of answers to the rows without labels.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn with_unlabelled(self, given: &str) -> Result<Self, Error> {
        Ok(Self { unlabelled: Some(AnswerFile::open(TO_UNLABELLED, given)?), ..self })
    }

    fn files(&self) -> impl Iterator<Item = &AnswerFile> {
        std::iter::once(&self.file).chain(&self.unlabelled)
    }

    /// The CRC-32C of its answers.
    pub(crate) fn checksum(&self) -> u32 {
        let append = |sum, more: &AnswerFile| crc32c::crc32c_append(sum, &more.checksum.to_le_bytes());
        self.unlabelled.iter().fold(self.file.checksum, append)
    }

    /// The classes of its answers, in their order; none of values.
    pub(crate) fn classes(&self) -> &[String] {
        match &self.file.answers {
            Recorded::Classes(answers) => answers.classes(),
            Recorded::Values(..) => &[],
        }
    }

    /// The source as it was given.
    pub(crate) fn given(&self) -> &str {
        &self.file.given
    }

    /// A refusal of its answers.
    pub(super) fn wrong(&self, reason: &str) -> Error {
        self.file.wrong(reason)
    }

    /// Returns true if training rows without an answer are left out on purpose.
    pub(super) fn drops_missing(&self) -> bool {
        self.file.drops_missing
    }

    /// Sentences on answers that are taken for others than they are called, or for more exact ones.
    pub(super) fn remarks(&self, classes: &[String]) -> Vec<String> {
        self.files().flat_map(|file| file.remarks(classes)).collect()
    }

    /// The place of the answer to each row of some data, and of further rows behind them; none to a row that
    /// has no answer. Rows are joined by their names where all have some, else one by one.
    ///
    /// # Errors
    /// If no row has an answer, the numbers of rows differ, or the answers were recorded for other rows.
    pub(crate) fn places(
        &self,
        data: &OpenData,
        more: Option<&OpenData>,
    ) -> Result<Vec<Option<usize>>, Error> {
        let target = data.target();
        let (Some(file), Some(more)) = (&self.unlabelled, more) else {
            return self.file.places(&[&[data][..], more.as_slice()].concat(), target);
        };
        let mut places = self.file.places(&[data], target)?;
        let behind = |place: Option<usize>| Some(place? + self.file.len());
        places.extend(file.places(&[more], target)?.into_iter().map(behind));
        Ok(places)
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
        let test = self.tested(data, parts, &places)?.and_then(|places| places.into_iter().collect());
        Ok(Found { train, test })
    }

    /// The places of the answers to the test samples of these parts, where those to the rows of the data are
    /// known; none if it cannot be told which answers are theirs.
    fn tested(
        &self,
        data: &DataSources,
        parts: &Parts,
        places: &[Option<usize>],
    ) -> Result<Option<Vec<Option<usize>>>, Error> {
        match data.test_apart(parts) {
            None => Ok(Some(parts.rows.1.iter().map(|&row| places[row]).collect())),
            Some(apart) => self.apart(data, apart.rows()),
        }
    }

    /// The sentence on test samples that have no answer, though others have one.
    ///
    /// # Errors
    /// As [`found`](Self::found).
    pub(super) fn unanswered_tests(
        &self,
        data: &DataSources,
        parts: &Parts,
        places: &[Option<usize>],
    ) -> Result<Option<String>, Error> {
        let tested = self.tested(data, parts, places)?.unwrap_or_default();
        let without = tested.iter().filter(|place| place.is_none()).count();
        let have = if without == 1 { "has" } else { "have" };
        Ok((0 < without && without < tested.len()).then(|| {
            format!(
                "--teacher {}: {without} of {} {have} no answer; the errors of the teacher and the agreement with it are \
                 therefore not known",
                self.given(),
                counted(tested.len(), "test row")
            )
        }))
    }

    /// The places of the answers to test rows of another source: by their names alone, which none of the data has. None if it
    /// cannot be told which answer is to which row.
    fn apart(&self, data: &DataSources, rows: usize) -> Result<Option<Vec<Option<usize>>>, Error> {
        let file = &self.file;
        let test = data.test_source().filter(|test| test.rows().rows() == rows);
        let names = test.and_then(|test| test.names().ok().flatten());
        let theirs = file.names_or_in(test.and_then(|test| test.options().id.as_deref()))?;
        let Some(((test, names), theirs)) = test.zip(names).zip(theirs.as_deref()) else { return Ok(None) };
        let ours = data.data().names().ok().flatten().unwrap_or_default();
        if twice(&[&ours[..], &names].concat()).is_some()
            || (file.of_data.is_some() && file.row_sums.is_empty())
        {
            return Ok(None);
        }
        let places = joined(&names, theirs);
        if file.of_data.is_some() {
            file.check_rows(&names, &places, test.row_checksums(data.data().target()).into_iter())?;
        }
        Ok(Some(file.answers_at(places)))
    }

    /// The logits of these classes for all of its answers, `answers x classes`.
    ///
    /// # Errors
    /// If it has answered to other classes, or has values.
    pub(crate) fn logits(&self, classes: &[String]) -> Result<Vec<f32>, Error> {
        let parts = self.files().map(|file| file.logits(classes)).collect::<Result<Vec<_>, _>>()?;
        Ok(parts.concat())
    }

    /// The values of all of its answers and their standard deviations, if it has any.
    ///
    /// # Errors
    /// If it has answers of classes.
    pub(crate) fn values(&self) -> Result<Valued, Error> {
        let parts = self.files().map(AnswerFile::values).collect::<Result<Vec<_>, _>>()?;
        let has_deviations = parts.iter().any(|(_, deviations)| !deviations.is_empty());
        let (mut values, mut all) = (Vec::new(), Vec::new());
        for (own, deviations) in parts {
            values.extend_from_slice(own);
            all.extend_from_slice(deviations);
            // Values without deviations are sure.
            all.resize(if has_deviations { values.len() } else { 0 }, 0.0);
        }
        Ok((values, all))
    }
}

/// The columns of numbers and words that are neither answers nor their checksums.
fn beside(frame: &DataFrame) -> Vec<Column> {
    let is_beside = |column: &&Column| {
        let is_answer = is_answer(&column.name) || [VALUES, DEVIATIONS].contains(&&*column.name);
        !is_answer && matches!(column.values, Values::Numbers(_) | Values::Words(_))
    };
    frame.columns().iter().filter(is_beside).cloned().collect()
}

/// The rows with an answer.
fn answered_rows(frame: &DataFrame) -> Vec<usize> {
    let is_of_answers = |name: &str| is_answer(name) && name.ends_with(')') || name == VALUES;
    let answers: Vec<&Values> = frame
        .columns()
        .iter()
        .filter(|column| is_of_answers(&column.name))
        .map(|column| &column.values)
        .collect();
    (0..frame.rows()).filter(|&row| answers.iter().any(|values| values.text(row).is_some())).collect()
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
pub(crate) type Valued = (Vec<f64>, Vec<f64>);

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
