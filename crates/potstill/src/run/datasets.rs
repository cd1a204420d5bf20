//! Data sources as a run reads them: opened, split, and encoded.

use super::checks::{bad, usage};
use super::data_file::{absolute_place, is_there, name_of, other_kind, read_data, refused};
use super::sources::peek;
use crate::config::{ConfigError, Layer, Origin, Settings};
use crate::data::digits::DATASETS;
use crate::data::doubts::doubts;
use crate::data::preprocessing::{Encoding, Target, is_answer, is_numbered, target_column};
use crate::data::{
    self, Column, Data, DataFrame, DataOptions, DataSource, Dataset, OfflineDataset, Preprocessing, Samples,
};
use crate::distill::FitConfig;
use crate::error::Error;
use crate::jobs::Parts;
use crate::model::Predictor;
use crate::shell;
use crate::words::{counted, in_short};
use potstill_core::Streams;
use std::collections::HashSet;
use std::sync::Arc;
use toml::{Table, Value};

/// The share of the samples that are held out, if they are few and no number is given.
const TEST_SHARE: usize = 3;
/// The share of the training samples that a search holds out to choose by, and the most of them.
const VALIDATION_SHARE: u64 = 5;
const VALIDATION_MAX: u64 = 10_000;
/// Unlabelled rows that are encoded at a time.
const ROWS: usize = 1 << 14;
/// Columns whose values are shown of rows that are listed.
const SHOWN_COLUMNS: usize = 4;

/// A data source that was read.
pub(crate) struct OpenData {
    /// The source as it is kept in `config.toml`: with an absolute path.
    pub(crate) source: String,
    /// The source as it was given, and the option that it was given with, for messages.
    given: String,
    option: &'static str,
    options: DataOptions,
    samples: Samples,
}

/// A data source of either kind that was read.
pub(crate) enum Opened {
    Samples(Box<OpenData>),
    Episodes(Box<OfflineDataset>),
}

impl Opened {
    /// Reads the data source of an option.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn open(option: &'static str, given: &str) -> Result<Self, Error> {
        Self::read(option, given, false)
    }

    fn read(option: &'static str, given: &str, is_of_answers: bool) -> Result<Self, Error> {
        let wrong = |reason: String| refused(option, given, reason);
        let mut parsed = DataSource::parse(given, &data::formats()).map_err(wrong)?;
        if parsed.options.drops_missing && !is_of_answers {
            return Err(wrong(
                "missing=drop: it is of a file of answers; expected mean or refuse".to_owned(),
            ));
        }
        parsed.options.is_of_answers = is_of_answers;
        let place = parsed.place;
        let samples = |source: String, samples: Samples| {
            let options = parsed.options.clone();
            let data = OpenData { source, given: given.to_owned(), option, options, samples };
            Self::Samples(Box::new(data))
        };
        if let Some(rows) = DataFrame::by_name(place) {
            return Ok(samples(given.to_owned(), Samples { rows, test: None }));
        }
        if is_there(&parsed) {
            return Ok(match read_data((option, given), &parsed)? {
                Data::Samples(found) => samples(absolute_place(given), found),
                Data::Episodes(data) => Self::Episodes(data),
            });
        }
        match place.contains(['/', '.']) {
            true => Err(wrong("there is no such file".to_owned())),
            false => Err(ConfigError::unknown("dataset", place, None, DATASETS).into()),
        }
    }
}

impl OpenData {
    /// Reads the data source of `--data`.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn open(given: &str) -> Result<Self, Error> {
        Self::open_as("--data", given)
    }

    /// Reads the data source of another option, which errors then name.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn open_as(option: &'static str, given: &str) -> Result<Self, Error> {
        Self::read(option, given, false)
    }

    /// Reads a file of a teacher's answers, which another option names.
    ///
    /// # Errors
    /// As [`open_as`](Self::open_as).
    pub(crate) fn answers(option: &'static str, given: &str) -> Result<Self, Error> {
        Self::read(option, given, true)
    }

    fn read(option: &'static str, given: &str, is_of_answers: bool) -> Result<Self, Error> {
        match Opened::read(option, given, is_of_answers)? {
            Opened::Samples(data) => Ok(*data),
            Opened::Episodes(_) => Err(other_kind(
                option,
                given,
                "recorded episodes",
                "a classifier learns from labelled samples",
            )),
        }
    }

    /// Takes the column that names the rows of other data for that of its own, if it has one of this name and none was named.
    fn named_as(mut self, other: &Self) -> Self {
        let id = other.options.id.clone().filter(|id| self.rows().find(id).is_ok());
        self.options.id = self.options.id.or(id);
        self
    }

    /// The number of samples to test on, if none is given: none if the source has a test part of its own.
    pub(crate) fn test_samples(&self, usual: u64) -> Option<u64> {
        let few = (self.samples.rows.rows() / TEST_SHARE).max(1) as u64;
        self.samples.test.is_none().then_some(few.min(usual))
    }

    /// The rows, without those of a test part.
    pub(crate) fn rows(&self) -> &DataFrame {
        &self.samples.rows
    }

    /// The rows of its test part.
    pub(crate) fn test_rows(&self) -> Option<&DataFrame> {
        self.samples.test.as_ref()
    }

    /// The source as it was given.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// A refusal of it, in one line.
    pub(crate) fn refused(&self, reason: impl std::fmt::Display) -> Error {
        refused(self.option, &self.given, reason)
    }

    /// A sentence on each column that is to be an input and looks like something else.
    pub(crate) fn doubts(&self) -> Vec<String> {
        doubts(self.rows(), &self.options)
    }

    /// The options.
    pub(crate) fn options(&self) -> &DataOptions {
        &self.options
    }

    /// The name of each row, if a column of them was named.
    ///
    /// # Errors
    /// If there is no such column, a name is missing, or stands twice.
    pub(crate) fn names(&self) -> Result<Option<Vec<String>>, Error> {
        let Some(id) = &self.options.id else { return Ok(None) };
        let wrong = |reason: String| self.refused(reason);
        let column = &self.rows().columns()[self.rows().find(id).map_err(wrong)?];
        let (mut names, mut known) = (Vec::new(), HashSet::new());
        for row in 0..self.rows().rows() {
            let name =
                column.values.text(row).ok_or_else(|| wrong(format!("row {} has no {id}", row + 1)))?;
            if !known.insert(name.clone()) {
                return Err(wrong(format!("row {}: the {id} `{name}` stood before", row + 1)));
            }
            names.push(name);
        }
        Ok(Some(names))
    }

    /// The names of a model's classes. Numbers from 0 on that are the labels of the data are these; else they stand for the
    /// classes of the data, in their order.
    ///
    /// # Errors
    /// If the data has labels of which none is known to the model, and not as many classes.
    pub(crate) fn names_of(&self, classes: Vec<String>) -> Result<Vec<String>, String> {
        let labels = Target::classes_in(self.rows(), &self.options).unwrap_or_default();
        let is_known = |label: &String| classes.contains(label);
        let is_enough =
            if is_numbered(&classes) { labels.iter().all(is_known) } else { labels.iter().any(is_known) };
        if classes.is_empty() || labels.is_empty() || is_enough {
            return Ok(classes);
        }
        if is_numbered(&classes) && labels.len() == classes.len() {
            return Ok(labels);
        }
        Err(format!(
            "the model's classes are {}, and the labels of the data {}; name the classes in the order of the model's outputs, \
             FILE.onnx:classes=[\"A\",\"B\"]",
            in_short(&classes, 8),
            in_short(&labels, 8)
        ))
    }

    /// The CRC-32C of all names and values.
    pub(crate) fn checksum(&self) -> u32 {
        self.samples.rows.checksum()
    }

    /// The rows to train on and to test on: so many to test on, at random.
    fn at_random(&self, test: u64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), Error> {
        let count = self.samples.rows.rows();
        if test >= count as u64 {
            let count = counted(count, "sample");
            let reason = format!("must leave something to train on, but the dataset has {count}");
            return Err(bad("test_samples", reason));
        }
        let mut order: Vec<usize> = (0..count).collect();
        Streams::new(seed).stream("split").shuffle(&mut order);
        let train = order.split_off(test as usize);
        Ok((train, order))
    }

    /// The rows that a run with this split trains on, in the order of the file. Without a number to test on it is the usual one.
    ///
    /// # Errors
    /// If none is left.
    pub(crate) fn training_rows(&self, test: Option<u64>, seed: u64) -> Result<Vec<usize>, Error> {
        let usual = self.test_samples(FitConfig::default().test_samples);
        let Some(test) = usual.map(|usual| test.unwrap_or(usual)) else {
            return Ok((0..self.samples.rows.rows()).collect());
        };
        let (mut train, _) = self.at_random(test, seed)?;
        train.sort_unstable();
        Ok(train)
    }

    /// The column that is learned, if one is named or has a usual name.
    pub(crate) fn target(&self) -> Option<&str> {
        target_column(self.rows(), &self.options)
    }

    /// The CRC-32C of the values of each row, without the names of rows, answers of teachers and what is learned: the column that
    /// the source names, and `target`.
    pub(crate) fn row_checksums(&self, target: Option<&str>) -> Vec<u32> {
        let left_out = [self.target(), target, self.options.id.as_deref()];
        self.rows().row_checksums(&|name| is_answer(name) || left_out.contains(&Some(name)))
    }

    /// Splits and encodes the samples: the test part of its own, that of another source, or some at random.
    ///
    /// # Errors
    /// If nothing is left to train on, or a row cannot be encoded: which, and why.
    fn parts(&self, split: &Split<'_>) -> Result<Parts, Error> {
        let wrong = |reason: String| self.refused(reason);
        let rows = &self.samples.rows;
        let apart = split.test.map(|test| (&test.samples.rows, test));
        let apart = apart.or(self.samples.test.as_ref().map(|test| (test, self)));
        let (train, test) = match apart {
            Some(_) => ((0..rows.rows()).collect(), Vec::new()),
            None => self.at_random(split.samples, split.seed)?,
        };
        let (train, test) = match split.validation {
            0 => (train, test),
            held_out => validation(train, held_out, split.seed)?,
        };
        let apart = apart.filter(|_| split.validation == 0);
        let named = self.options.label.as_ref().or(self.options.target.as_ref());
        let preprocessing = match &split.fitted {
            Some(fitted) if named.is_some_and(|name| name != fitted.target().column()) => {
                let (column, name) = (fitted.target().column(), named.map_or("", String::as_str));
                return Err(wrong(format!("the teacher has learned the column `{column}`, not `{name}`")));
            }
            Some(fitted) => match fitted.for_student(rows, &train, &self.options).map_err(wrong)? {
                same if same == **fitted => Arc::clone(fitted),
                own => Arc::new(own),
            },
            None => {
                let fitted = Preprocessing::fit(rows, &train, &self.options).map_err(wrong)?;
                Arc::new(fitted)
            }
        };
        let encoded = |rows_of: &[usize]| preprocessing.labelled(rows, rows_of).map_err(wrong).map(Arc::new);
        let tested = match apart {
            Some((frame, source)) => {
                let all: Vec<usize> = (0..frame.rows()).collect();
                let of_these = match split.test {
                    Some(_) => preprocessing.for_rows(frame, &source.options),
                    None => Ok((*preprocessing).clone()),
                };
                let of_these = of_these.and_then(|of_these| of_these.labelled(frame, &all));
                Arc::new(of_these.map_err(|reason| source.refused(reason))?)
            }
            None => encoded(&test)?,
        };
        let learned = encoded(&train)?;
        let shown = match apart {
            Some((frame, source)) => {
                let all: Vec<usize> = (0..frame.rows()).collect();
                shown_columns(&preprocessing, (frame, source.options.id.as_deref()), &all)
            }
            None => shown_columns(&preprocessing, (rows, self.options.id.as_deref()), &test),
        };
        let (rows, unlabelled) = ((train, test), Vec::new());
        Ok(Parts { train: learned, test: tested, rows, unlabelled, preprocessing, shown })
    }
}

/// Splits training rows into those that are left, and a validation part.
fn validation(mut train: Vec<usize>, held_out: u64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), Error> {
    if held_out >= train.len() as u64 {
        let count = train.len();
        let reason = format!("must leave something to train on, but there are {count} training samples");
        return Err(bad("validation_samples", reason));
    }
    Streams::new(seed).stream("validation").shuffle(&mut train);
    let left = train.split_off(held_out as usize);
    Ok((left, train))
}

/// The names of rows, if they have some, and the first columns of numbers and words among the inputs, at these rows.
fn shown_columns(
    preprocessing: &Preprocessing,
    (frame, id): (&DataFrame, Option<&str>),
    rows: &[usize],
) -> Vec<Column> {
    let is_shown =
        |encoding: &&Encoding| matches!(encoding, Encoding::Number { .. } | Encoding::Category { .. });
    let names = preprocessing.inputs().iter().filter(is_shown).map(Encoding::column).take(SHOWN_COLUMNS);
    let column = |name: &str| frame.columns()[frame.find(name).ok()?].select(rows);
    id.into_iter().chain(names).filter_map(column).collect()
}

/// The way to split a data source into parts to train and to test on.
struct Split<'a> {
    /// The source to test on, if it is another.
    test: Option<&'a OpenData>,
    /// Samples to test on, if they are not apart.
    samples: u64,
    /// Samples of the training part to test on in place of the others, 0 for none.
    validation: u64,
    /// The seed of the order of the samples.
    seed: u64,
    /// The preprocessing, if it is fitted already.
    fitted: Option<Arc<Preprocessing>>,
}

/// The data of a run, and its split.
#[derive(Clone, Debug)]
pub(crate) struct TrainedOn {
    /// The source of its samples.
    pub(crate) source: String,
    /// The source of the samples to test on, if they are apart.
    pub(crate) test: Option<String>,
    /// The CRC-32C of the samples, if it was kept.
    pub(crate) checksum: Option<u32>,
    /// The settings of the split.
    pub(crate) fit: FitConfig,
}

impl TrainedOn {
    /// The samples of the run, encoded by this preprocessing, or by the one that is fitted on those to train on.
    pub(crate) fn parts(&self, fitted: Option<&Arc<Preprocessing>>) -> Result<Parts, Error> {
        let data = OpenData::open(&self.source)?;
        let test = self.test.as_deref().map(|test| OpenData::open_as("--test", test)).transpose()?;
        DataSources { data, test, unlabelled: None }.parts(&self.fit, fitted)
    }

    /// The samples that the run was tested on; of texts, before they are embedded.
    pub(crate) fn test_of(&self, predictor: &Predictor) -> Result<Arc<Dataset>, Error> {
        // Also of a run that was measured on a validation part.
        let fit = FitConfig { validation_samples: 0, ..self.fit.clone() };
        let data = Self { fit, ..self.clone() };
        Ok(data.parts(Some(predictor.preprocessing()))?.test)
    }
}

/// The split that layers ask for; values that are wrong are told when a run is prepared.
pub(crate) fn split_of(layers: &[Layer]) -> FitConfig {
    let mut fit = FitConfig::default();
    for key in ["test_samples", "validation_samples", "split_seed"] {
        if let Some(value) = layers.iter().rev().find_map(|layer| layer.values.get(key)) {
            let _ = fit.set(key, value);
        }
    }
    fit
}

/// The split of the teachers that were trained on these data; none if none was. `is_apart` is true if their student is tested
/// on other data, so that none of its test rows is among those that a teacher may have learned.
fn common_split<'a>(
    teachers: &[&'a TrainedOn],
    data: &OpenData,
    is_apart: bool,
) -> Result<Option<&'a TrainedOn>, Error> {
    let checksum = data.checksum();
    let is_same = |theirs: &&&TrainedOn| theirs.checksum == Some(checksum) || theirs.source == data.source;
    let split = |theirs: &TrainedOn| {
        let is_whole = theirs.test.is_some() || data.test_rows().is_some();
        let drawn = (!is_whole).then_some((theirs.fit.test_samples, theirs.fit.split_seed));
        (theirs.test.clone(), drawn)
    };
    let mut same = teachers.iter().filter(is_same);
    let Some(first) = same.next() else { return Ok(None) };
    match is_apart || same.all(|other| split(other) == split(first)) {
        true => Ok(Some(first)),
        false => Err(usage(
            "the teachers hold different samples out for the test (test_samples, split_seed, test); train them with the same \
             split, or one has learned samples that another is tested on",
        )),
    }
}

/// Rows of a frame whose answers are asked for, with their source.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) frame: &'a DataFrame,
    pub(super) rows: &'a [usize],
    pub(super) source: &'a OpenData,
}

/// The data that the settings of a run name.
pub(crate) struct DataSources {
    data: OpenData,
    test: Option<OpenData>,
    unlabelled: Option<OpenData>,
}

impl DataSources {
    /// Opens the data that layers name, and adds the settings that follow from it. A student has the split of those of its
    /// teachers that were trained on the same data, or it would learn about its own test samples.
    ///
    /// # Errors
    /// If there is none, it is damaged, or not the data that the run was begun with, or teachers have different splits of it.
    pub(crate) fn open(layers: &[Layer], teachers: &[&TrainedOn]) -> Result<(Self, Vec<Layer>), Error> {
        let which = || match teachers.first() {
            None => usage(format!("which data? give --data FILE, or --data {}", DATASETS.join("|"))),
            Some(teacher) => usage(format!("on what? give --data {}", shell::word(&teacher.source))),
        };
        let data = OpenData::open(peek(layers, "data").ok_or_else(which)?)?;
        let checksum = i64::from(data.checksum());
        let known = layers.iter().rev().find_map(|layer| layer.values.get("data_crc32c"));
        if known.is_some_and(|known| known.as_integer() != Some(checksum)) {
            return Err(data.refused("it is not the data that the run was begun with"));
        }
        let mut values = Table::from_iter([
            ("data".to_owned(), data.source.clone().into()),
            ("data_crc32c".to_owned(), checksum.into()),
        ]);
        let given = |key: &str| layers.iter().rev().find_map(|layer| layer.values.get(key));
        let mut test = peek(layers, "test").map(str::to_owned);
        if let Some(theirs) = common_split(teachers, &data, test.is_some())? {
            for key in ["split_seed", "test_samples"] {
                let needed = theirs.fit.get(key).expect("a key of the fit");
                if given(key).is_some_and(|ours| *ours != needed) {
                    return Err(bad(key, format!("must be the teacher's, {needed}")));
                }
                values.insert(key.to_owned(), needed);
            }
            test = test.or_else(|| theirs.test.clone());
        } else if given("test_samples").is_none()
            && let Some(samples) = data.test_samples(FitConfig::default().test_samples)
        {
            values.insert("test_samples".to_owned(), Value::Integer(samples as i64));
        }
        let beside =
            |option, given: &str| OpenData::open_as(option, given).map(|other| other.named_as(&data));
        let test = test.as_deref().map(|test| beside("--test", test)).transpose()?;
        if let Some(test) = &test {
            values.insert("test".to_owned(), test.source.clone().into());
        }
        let unlabelled = peek(layers, "unlabelled").map(|more| beside("--unlabelled", more)).transpose()?;
        if let Some(more) = &unlabelled {
            let checksum = i64::from(more.checksum());
            if given("unlabelled_crc32c").is_some_and(|known| known.as_integer() != Some(checksum)) {
                return Err(more.refused("it is not the data that the run was begun with"));
            }
            values.insert("unlabelled".to_owned(), more.source.clone().into());
            values.insert("unlabelled_crc32c".to_owned(), checksum.into());
        }
        let layer = Layer { origin: Origin::Program("of the data"), values };
        Ok((Self { data, test, unlabelled }, [layers, &[layer]].concat()))
    }

    /// The name of the data, for that of a run.
    pub(crate) fn name(&self) -> String {
        name_of(&self.data.source)
    }

    /// The data, without what it is tested on if that is apart.
    pub(crate) fn data(&self) -> &OpenData {
        &self.data
    }

    /// The data, without the other sources.
    pub(super) fn into_data(self) -> OpenData {
        self.data
    }

    /// The answers to all samples of these parts, to train on and to test on, of a model that answers rows of a frame.
    ///
    /// # Errors
    /// As `answer`.
    pub(super) fn ask(
        &self,
        parts: &Parts,
        mut answer: impl FnMut(Rows<'_>) -> Result<Vec<f32>, Error>,
    ) -> Result<(Vec<f32>, Vec<f32>), Error> {
        let mut of =
            |source: &OpenData, frame: &DataFrame, rows: &[usize]| answer(Rows { frame, rows, source });
        let mut train = of(&self.data, self.data.rows(), &parts.rows.0)?;
        if let Some(more) = &self.unlabelled {
            train.extend(of(more, more.rows(), &parts.unlabelled)?);
        }
        let test = match self.test_apart(parts) {
            Some(frame) => {
                let all: Vec<usize> = (0..frame.rows()).collect();
                of(self.test.as_ref().unwrap_or(&self.data), frame, &all)?
            }
            None => of(&self.data, self.data.rows(), &parts.rows.1)?,
        };
        Ok((train, test))
    }

    /// The rows without labels, if there are any.
    pub(crate) fn unlabelled(&self) -> Option<&OpenData> {
        self.unlabelled.as_ref()
    }

    /// The source of the rows that are tested on, if it is another.
    pub(crate) fn test_source(&self) -> Option<&OpenData> {
        self.test.as_ref()
    }

    /// The rows that these parts are tested on, if they are apart.
    pub(crate) fn test_apart(&self, parts: &Parts) -> Option<&DataFrame> {
        let apart = self.test.as_ref().map(OpenData::rows).or_else(|| self.data.test_rows());
        apart.filter(|_| parts.rows.1.is_empty())
    }

    /// The number of samples to validate on, of a search that is not told: a share of those to train on.
    pub(crate) fn validation_samples(&self, fit: &FitConfig) -> u64 {
        let rows = self.data.rows().rows() as u64;
        let is_apart = self.test.is_some() || self.data.test_rows().is_some();
        let train = if is_apart { rows } else { rows.saturating_sub(fit.test_samples) };
        (train / VALIDATION_SHARE).clamp(1, VALIDATION_MAX)
    }

    /// The samples, split and encoded.
    ///
    /// # Errors
    /// As [`OpenData::parts`].
    pub(crate) fn parts(&self, fit: &FitConfig, fitted: Option<&Arc<Preprocessing>>) -> Result<Parts, Error> {
        let mut parts = self.data.parts(&Split {
            test: self.test.as_ref(),
            samples: fit.test_samples,
            validation: fit.validation_samples,
            seed: fit.split_seed,
            fitted: fitted.cloned(),
        })?;
        if let Some(more) = &self.unlabelled {
            parts.unlabelled = (0..more.rows().rows()).collect();
            let (rows, wanted) = (more.rows(), &parts.unlabelled);
            let wrong = |reason: String| usage(format!("--unlabelled {}: {reason}", more.given));
            let of_these = parts.preprocessing.for_rows(rows, &more.options).map_err(wrong)?;
            let texts = of_these.texts(rows, wanted).map_err(wrong)?;
            let train = Arc::make_mut(&mut parts.train);
            for wanted in wanted.chunks(ROWS) {
                train.append_unlabelled(&of_these.encode(rows, wanted).map_err(wrong)?, Vec::new());
            }
            train.append_unlabelled(&[], texts);
        }
        Ok(parts)
    }
}
