//! Models of other programs as teachers: ONNX files, with the inputs that they take.
//!
//! `FILE.onnx:key=value,...`:
//!
//! | option | meaning |
//! |---|---|
//! | `inputs=raw`, `inputs=scaled`, `inputs=bytes` | numbers as they are in the data (the default) or standardised as the student's; images from 0 to 1 (the default) or from 0 to 255 |
//! | `mean=M`, `deviation=S` | each input becomes `(x - M) / S`; a list, `mean=["M1","M2"]`, is for the channels of an image or for the columns |
//! | `classes=["A","B"]` | the classes of the outputs, in their order |
//! | `answers=logits`, `answers=probabilities` | the meaning of the outputs |
//! | `output=NAME` | the output, if it is not the one that is found |

use super::checks::usage;
use super::datasets::OpenData;
use super::recorded_teacher::in_order;
use crate::config::nearest;
use crate::data::preprocessing::{Encoding, is_numbered};
use crate::data::source::{list, place_and_options};
use crate::data::{Content, DataFrame, DataOptions, Preprocessing, Values};
use crate::distill::{AnswerKind, Answers};
use crate::error::Error;
use crate::onnx::{self, Kind, Model};
use crate::store::{self, DataFile};
use crate::words::counted;
use potstill_env::registry::id::{Given, options};
use potstill_nn::Network;
use std::path::Path;

/// The names of all options.
const OPTIONS: [&str; 6] = ["inputs", "mean", "deviation", "classes", "answers", "output"];
/// Rows that are computed at a time.
const ROWS: usize = 1024;

/// The inputs that a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Raw,
    Scaled,
    Bytes,
}

/// The reason for which rows are not answered.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A fault of the rows.
    Rows(String),
    /// A model that does not fit them.
    Model(String),
}

impl Fault {
    /// The refusal in one line, of the rows or of the model, which `model` names.
    pub(crate) fn told(self, rows: &OpenData, model: &str) -> Error {
        match self {
            Self::Rows(reason) => rows.refused(reason),
            Self::Model(reason) => usage(format!("{model}: {reason}")),
        }
    }
}

/// The options behind the name of a model's file.
#[derive(Clone, Debug, Default, PartialEq)]
struct Options {
    form: Option<Form>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    classes: Option<Vec<String>>,
    answers: Option<AnswerKind>,
    output: Option<String>,
}

impl Options {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for option in options(text)? {
            let Given::Text(value) = option.value else {
                return Err(format!("{}: expected a value, not a file", option.key));
            };
            let unknown = |known: &str| format!("{}={value}: expected {known}", option.key);
            let numbers = || {
                let numbers = list(value).into_iter().map(|x| x.parse().ok().filter(|x: &f32| x.is_finite()));
                numbers.collect::<Option<Vec<f32>>>().ok_or_else(|| unknown("a number, or [\"a\",\"b\"]"))
            };
            match option.key {
                "inputs" => {
                    parsed.form = Some(match value {
                        "raw" => Form::Raw,
                        "scaled" => Form::Scaled,
                        "bytes" => Form::Bytes,
                        _ => return Err(unknown("raw, scaled or bytes")),
                    });
                }
                "mean" => parsed.mean = numbers()?,
                "deviation" => {
                    parsed.deviation = numbers()?;
                    if parsed.deviation.iter().any(|&x| x <= 0.0) {
                        return Err(unknown("numbers above 0"));
                    }
                }
                "classes" => parsed.classes = Some(list(value)),
                "answers" => {
                    parsed.answers = Some(match value {
                        "logits" => AnswerKind::Logits,
                        "probabilities" => AnswerKind::Probabilities,
                        _ => return Err(unknown("logits or probabilities")),
                    });
                }
                "output" => parsed.output = Some(value.to_owned()),
                key => {
                    return Err(match nearest(key, OPTIONS.into_iter()) {
                        Some(near) => format!("no option `{key}`; did you mean `{near}`?"),
                        None => format!("no option `{key}`; the options are {}", OPTIONS.join(", ")),
                    });
                }
            }
        }
        Ok(parsed)
    }
}

/// A model of an ONNX file that classifies rows of data, or predicts their values.
#[derive(Clone, Debug)]
pub(crate) struct ForeignModel {
    model: Model,
    options: Options,
    given: String,
    checksum: u32,
    /// The bytes of its file, with those of the data beside it.
    bytes: usize,
}

impl ForeignModel {
    /// Returns true if a source is an ONNX file, by its content.
    pub(crate) fn recognizes(given: &str) -> bool {
        let (place, _) = place_and_options(given);
        DataFile::new(Path::new(place)).head().is_ok_and(|head| onnx::is_model(&head))
    }

    /// Reads a model; `given` is its file, perhaps with options.
    pub(crate) fn open(given: &str) -> Result<Self, Error> {
        let (place, text) = place_and_options(given);
        let options = Options::parse(text).map_err(|reason| usage(format!("{given}: {reason}")))?;
        let path = Path::new(place);
        let bytes = store::read_file(path).map_err(|error| usage(error.to_string()))?;
        let model = Model::of_file(path, &bytes, options.output.as_deref());
        let (model, beside) = model.map_err(|error| usage(error.to_string()))?;
        let (checksum, bytes) = (crc32c::crc32c(&bytes), bytes.len() + beside);
        let read = Self { model, options, given: given.to_owned(), checksum, bytes };
        match &read.options.classes {
            Some(named) if named.len() != read.class_count() || has_twice(named) => Err(usage(format!(
                "{given}: classes= has {}; it has {}, each with a name of its own",
                counted(named.len(), "name"),
                counted(read.class_count(), "class")
            ))),
            _ => Ok(read),
        }
    }

    /// The CRC-32C of its file.
    pub(crate) fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The model.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// The bytes of its file, with those of the data beside it.
    pub(super) fn bytes(&self) -> Option<usize> {
        Some(self.bytes)
    }

    /// The source as it was given.
    pub(crate) fn given(&self) -> &str {
        &self.given
    }

    /// The names of its classes, if it has any.
    pub(crate) fn labels(&self) -> Option<&[String]> {
        self.options.classes.as_deref().or_else(|| self.model.labels())
    }

    /// The classes of its outputs: their names, or 0, 1 and so on; none of a regression.
    pub(crate) fn classes(&self) -> Vec<String> {
        if self.options.answers.is_none() && self.model.kind() == Kind::Values {
            return Vec::new();
        }
        let count = self.class_count();
        match self.labels().filter(|labels| labels.len() == count) {
            Some(labels) => labels.to_vec(),
            None => (0..count).map(|class| class.to_string()).collect(),
        }
    }

    /// The names of the columns that it takes, if the file has them: as this program writes them, or those of
    /// its inputs, if each is for a column, and they are several or one of words.
    fn columns(&self) -> Option<Vec<String>> {
        if let Some((_, columns)) = self.model.metadata().iter().find(|(key, _)| key == "columns") {
            return serde_json::from_str(columns).ok();
        }
        let (names, levels, shapes) = (self.model.input_names(), self.model.levels(), self.model.shapes());
        let is_column = |i: usize| !levels[i].is_empty() || shapes[i].iter().product::<usize>() == 1;
        let are_named = names.len() > 1 || !levels[0].is_empty();
        let is_of_columns = are_named && (0..names.len()).all(is_column);
        is_of_columns.then(|| names.into_iter().map(str::to_owned).collect())
    }

    /// The same, as the columns are called in these rows: programs write `home_city` for `home city`.
    fn columns_in(&self, frame: &DataFrame) -> Option<Vec<String>> {
        let plain =
            |name: &str| name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>();
        let own = |name: String| {
            let has = |of: &dyn Fn(&str) -> bool| frame.columns().iter().find(|column| of(&column.name));
            let found = has(&|known| known == name).or_else(|| has(&|known| plain(known) == name));
            found.map_or(name.clone(), |column| column.name.clone())
        };
        Some(self.columns()?.into_iter().map(own).collect())
    }

    /// The number of its classes.
    fn class_count(&self) -> usize {
        // One output is of the second of two classes.
        if self.outputs() == 1 { 2 } else { self.outputs() }
    }

    /// Numbers of a row of its outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.model.classes()
    }

    /// The network, if the inputs are the student's own and the outputs are logits of its classes in their order: one that can be computed on
    /// shifted images.
    pub(crate) fn network(&self, preprocessing: &Preprocessing) -> Option<Network> {
        let is_same = match self.form(preprocessing) {
            Form::Scaled => true,
            Form::Raw => {
                preprocessing.inputs().iter().all(|encoding| matches!(encoding, Encoding::Image { .. }))
            }
            Form::Bytes => false,
        };
        let plain = self.options.mean.is_empty() && self.options.deviation.is_empty();
        let ordered = self
            .places(preprocessing.classes())
            .is_ok_and(|places| places.iter().copied().eq(0..places.len()));
        let is_logits = self.kind().is_ok_and(|kind| kind == AnswerKind::Logits);
        let arranged = self.columns().is_none_or(|columns| is_order_of(&columns, preprocessing));
        (is_same
            && arranged
            && plain
            && ordered
            && is_logits
            && self.outputs() == preprocessing.classes().len())
        .then(|| self.model.to_network().ok())?
    }

    /// The column of the classes, where neither the source nor the file says which columns are inputs: the
    /// only one of words that are all names of classes.
    pub(super) fn label_in<'a>(&self, data: &'a OpenData) -> Option<&'a str> {
        let (options, classes) = (data.options(), self.labels()?);
        if data.target().is_some() || options.inputs.is_some() || self.columns().is_some() {
            return None;
        }
        let is_of_classes = |values: &Values| match values {
            Values::Words(words) => {
                words.levels().iter().all(|word| classes.iter().any(|class| **class == **word))
            }
            _ => false,
        };
        let has_role = |name: &String| options.id.as_ref() == Some(name) || options.drop.contains(name);
        let columns = data.rows().columns().iter().filter(|column| !has_role(&column.name));
        let mut found = columns.filter(|column| is_of_classes(&column.values));
        found.next().filter(|_| found.next().is_none()).map(|column| column.name.as_str())
    }

    /// The way of rows of some data into it: the columns that the file names, or all that can be inputs, and these classes.
    ///
    /// # Errors
    /// If the data lacks a column.
    pub(crate) fn encoding(&self, data: &OpenData, classes: Vec<String>) -> Result<Preprocessing, String> {
        let columns = self.columns_in(data.rows());
        let options = match self.label_in(data) {
            Some(label) => &DataOptions { label: Some(label.to_owned()), ..data.options().clone() },
            None => data.options(),
        };
        let fitted = Preprocessing::of_inputs(data.rows(), columns.as_deref(), classes, options).map_err(
            |reason| match columns {
                Some(_) => format!("{reason}; {} takes its columns by their names", self.given),
                None => reason,
            },
        )?;
        let encodes = columns.is_some() && self.options.form != Some(Form::Scaled);
        Ok(if encodes { fitted.before_file(&self.model.levels()) } else { fitted })
    }

    /// The same, if the options of the data do not contradict the columns that the file names.
    ///
    /// # Errors
    /// If the data lacks a column, or an option cannot be honoured.
    pub(crate) fn for_rows(&self, data: &OpenData, classes: Vec<String>) -> Result<Preprocessing, String> {
        if self.options.form == Some(Form::Scaled) {
            return Err("inputs=scaled: there are no training rows here to take the scale of; give mean= and deviation=, or a \
                        model that scales its inputs itself"
                .to_owned());
        }
        let encoding = self.encoding(data, classes)?;
        match (self.columns(), &data.options().text) {
            (Some(_), _) => encoding.for_rows(data.rows(), data.options()),
            (None, Some(text)) => {
                Err(format!("text={text}: an ONNX file takes no texts; leave the option out"))
            }
            (None, None) => Ok(encoding),
        }
    }

    /// The way of rows into it: the student's, or with its own columns by their names, if the file has these in another order.
    ///
    /// # Errors
    /// If the data lacks a column.
    pub(crate) fn arranged(&self, data: &OpenData, ours: &Preprocessing) -> Result<Preprocessing, String> {
        let has_words = self.model.levels().iter().any(|levels| !levels.is_empty());
        match self.columns_in(data.rows()).filter(|columns| has_words || !is_order_of(columns, ours)) {
            None => Ok(ours.clone()),
            Some(_) => self.encoding(data, ours.classes().to_vec()),
        }
    }

    /// The number of parameters, if it is a chain of layers.
    pub(crate) fn parameters(&self) -> Option<usize> {
        self.model.to_network().ok().map(|network| network.parameters().len())
    }

    fn form(&self, preprocessing: &Preprocessing) -> Form {
        let is_image = |encoding: &Encoding| matches!(encoding, Encoding::Image { .. });
        // Our own files scale what the data has.
        let own = self.model.is_own() && preprocessing.inputs().iter().any(is_image);
        self.options.form.unwrap_or(if own { Form::Bytes } else { Form::Raw })
    }

    fn kind(&self) -> Result<AnswerKind, String> {
        match (self.options.answers, self.model.kind()) {
            (Some(kind), _) => Ok(kind),
            (None, Kind::Logits) => Ok(AnswerKind::Logits),
            (None, Kind::Probabilities) => Ok(AnswerKind::Probabilities),
            (None, Kind::Values) => {
                Err("its outputs have no meaning that is known; say answers=logits or answers=probabilities"
                    .to_owned())
            }
        }
    }

    /// Returns true if the file has no names of classes but numbers.
    fn is_numbered(&self) -> bool {
        self.options.classes.is_none() && self.model.labels().is_none_or(is_numbered)
    }

    /// A sentence on outputs that are taken for these classes by their order alone.
    pub(super) fn remark(&self, classes: &[String]) -> Option<String> {
        let numbers: Vec<String> = (0..self.class_count()).map(|class| class.to_string()).collect();
        let is_by_order = self.is_numbered() && !classes.iter().all(|class| numbers.contains(class));
        is_by_order.then(|| in_order(classes, "classes=[\"A\",\"B\"]"))
    }

    /// The place of each of these classes among the outputs.
    fn places(&self, classes: &[String]) -> Result<Vec<usize>, String> {
        let outputs = self.outputs();
        if self.class_count() != classes.len() {
            return Err(format!(
                "it has {} for {} ({})",
                counted(outputs, "output"),
                counted(classes.len(), "class"),
                classes.join(", ")
            ));
        }
        let numbers = (0..classes.len()).map(|class| class.to_string()).collect::<Vec<_>>();
        let labels = self.labels().unwrap_or(&numbers);
        let find = |class: &String| labels.iter().position(|label| label == class);
        if let Some(places) = classes.iter().map(find).collect::<Option<Vec<_>>>() {
            return Ok(places);
        }
        // Programs number the classes in their order.
        match self.is_numbered() {
            true => Ok((0..classes.len()).collect()),
            false => Err(format!(
                "its classes are {}, those of the data {}; name them in the order of its outputs, classes=[\"{}\"]",
                labels.join(", "),
                classes.join(", "),
                classes.join("\",\"")
            )),
        }
    }

    /// The inputs of rows, `rows x inputs`, in the order of the data's columns, or of the names that the file has of them.
    pub(super) fn inputs(
        &self,
        preprocessing: &Preprocessing,
        frame: &DataFrame,
        rows: &[usize],
    ) -> Result<Vec<f32>, Fault> {
        let form = self.form(preprocessing);
        let encoded = match form {
            Form::Scaled => preprocessing.encode(frame, rows),
            Form::Raw | Form::Bytes => preprocessing.encode_unscaled(frame, rows),
        };
        let mut inputs = encoded.map_err(Fault::Rows)?;
        let width = preprocessing.shape().iter().product::<usize>();
        if self.model.inputs() != width {
            let columns: Vec<&str> = preprocessing.inputs().iter().map(Encoding::column).collect();
            let label = match preprocessing.target().column() {
                "" => "name the column of the classes with label=NAME, and ",
                _ => "",
            };
            return Err(Fault::Model(format!(
                "it takes {} numbers a row, and the columns give {width} ({}); {label}leave columns out with \
                 drop=NAME",
                self.model.inputs(),
                shortened(&columns)
            )));
        }
        self.check_words(preprocessing, frame, rows, &inputs).map_err(Fault::Rows)?;
        if form == Form::Bytes {
            let [Encoding::Image { white, .. }] = preprocessing.inputs() else {
                return Err(Fault::Model("inputs=bytes is for images".to_owned()));
            };
            // Bytes are whole: what the division has rounded away comes back.
            inputs.iter_mut().for_each(|x| *x = (*x * f32::from(*white)).round());
        }
        let channels = preprocessing.shape()[2];
        for (key, numbers) in [("mean", &self.options.mean), ("deviation", &self.options.deviation)] {
            if !matches!(numbers.len(), 0 | 1) && numbers.len() != channels {
                let count = numbers.len();
                return Err(Fault::Model(format!(
                    "{key} has {count} numbers; {channels} are needed, or one"
                )));
            }
        }
        let of = |numbers: &[f32], i: usize, none: f32| match numbers {
            [] => none,
            [one] => *one,
            several => several[i % channels],
        };
        for (i, x) in inputs.iter_mut().enumerate() {
            *x = (*x - of(&self.options.mean, i, 0.0)) / of(&self.options.deviation, i, 1.0);
        }
        Ok(inputs)
    }

    /// Refuses words that the file does not know and would not take.
    fn check_words(
        &self,
        preprocessing: &Preprocessing,
        frame: &DataFrame,
        rows: &[usize],
        inputs: &[f32],
    ) -> Result<(), String> {
        let (strict, width) = (self.model.takes_no_other_words(), self.model.inputs());
        if strict.len() != preprocessing.inputs().len() {
            return Ok(());
        }
        let mut from = 0;
        for (encoding, is_strict) in preprocessing.inputs().iter().zip(strict) {
            let own = from..from + encoding.width();
            from = own.end;
            let Encoding::Category { column, levels } = encoding else { continue };
            let is_unknown = |row: &[f32]| row[own.clone()].iter().all(|&x| x == 0.0);
            let unknown = inputs.chunks_exact(width).position(is_unknown).filter(|_| is_strict);
            if let Some(row) = unknown.map(|i| rows[i]) {
                let word = frame.columns()[frame.find(column)?].values.text(row).unwrap_or_default();
                let levels: Vec<&str> = levels.iter().map(String::as_str).collect();
                return Err(format!(
                    "row {}, column `{column}`: {} takes no word `{word}`; it takes {}",
                    row + 1,
                    self.given,
                    shortened(&levels)
                ));
            }
        }
        Ok(())
    }

    /// The outputs for rows, `rows x outputs`.
    fn outputs_for(
        &mut self,
        preprocessing: &Preprocessing,
        frame: &DataFrame,
        rows: &[usize],
    ) -> Result<Vec<f32>, Fault> {
        let mut outputs = Vec::with_capacity(rows.len() * self.outputs());
        for rows in rows.chunks(ROWS) {
            let inputs = self.inputs(preprocessing, frame, rows)?;
            outputs.extend_from_slice(self.model.answers(&inputs, rows.len()).map_err(Fault::Model)?);
        }
        Ok(outputs)
    }

    /// The values of a regression for rows.
    ///
    /// # Errors
    /// If the rows are not those that the model takes, or it has several outputs.
    pub(crate) fn values(
        &mut self,
        preprocessing: &Preprocessing,
        frame: &DataFrame,
        rows: &[usize],
    ) -> Result<Vec<f32>, Fault> {
        let wrong = |reason: String| Err(Fault::Model(reason));
        match (self.outputs(), self.model.kind()) {
            (1, Kind::Values) => {}
            (1, _) => return wrong("its output is that of a classifier, no value".to_owned()),
            (count, _) => return wrong(format!("it has {count} outputs; one value is needed")),
        }
        let values = self.outputs_for(preprocessing, frame, rows)?;
        match values.iter().position(|value| !value.is_finite()) {
            Some(row) => wrong(format!("row {}: its value is {}", rows[row] + 1, values[row])),
            None => Ok(values),
        }
    }

    /// The logits of the classes for rows, `rows x classes`.
    ///
    /// # Errors
    /// If the rows are not those that the model takes, or it has other classes.
    pub(crate) fn logits(
        &mut self,
        preprocessing: &Preprocessing,
        frame: &DataFrame,
        rows: &[usize],
    ) -> Result<Vec<f32>, Fault> {
        let (classes, kind) = (preprocessing.classes(), self.kind().map_err(Fault::Model)?);
        let places = self.places(classes).map_err(Fault::Model)?;
        let outputs = self.outputs_for(preprocessing, frame, rows)?;
        let both = |x: f64| if kind == AnswerKind::Logits { [0.0, x] } else { [1.0 - x, x] };
        let numbers: Vec<f64> = match self.outputs() {
            1 => outputs.iter().flat_map(|&x| both(f64::from(x))).collect(),
            _ => outputs.iter().map(|&x| f64::from(x)).collect(),
        };
        let numbers = numbers
            .chunks_exact(classes.len())
            .flat_map(|row| places.iter().map(|&place| row[place]))
            .collect();
        Answers::new(kind, classes.to_vec(), numbers)
            .and_then(|answers| answers.logits(classes))
            .map_err(Fault::Model)
    }
}

fn has_twice(names: &[String]) -> bool {
    names.iter().enumerate().any(|(i, name)| names[..i].contains(name))
}

/// Returns true if these are the columns of the inputs, in their order.
fn is_order_of(columns: &[String], preprocessing: &Preprocessing) -> bool {
    columns.iter().map(String::as_str).eq(preprocessing.inputs().iter().map(Encoding::column))
}

/// The first names of a list.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        count if count > SHOWN => format!("{}, ... of {count}", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}
