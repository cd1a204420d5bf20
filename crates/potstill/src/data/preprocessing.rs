//! The way from the rows of a data frame to the inputs and targets of a network, fitted on training rows alone.
//!
//! A number `x` becomes `(x - mean) / deviation`, with the population's standard deviation, or 1 in place of 0; a word
//! becomes one-hot over the known words, and none of them if it is unknown; a byte of an image becomes its share of white;
//! vectors are scaled number by number, arrays of more dimensions are left as they are; texts become no numbers here, but where
//! the network has its [bag of n-grams](crate::model::TextBag). Columns named `p(CLASS)`,
//! `logit(CLASS)` and `votes(CLASS)` are a teacher's answers and no inputs.
//!
//! ```
//! use potstill::data::{Column, DataFrame, DataOptions, Preprocessing, Values};
//!
//! let mut words = Values::words();
//! ["yes", "no", "yes"].into_iter().for_each(|word| words.push_word(Some(word)));
//! let columns = vec![Column::new("x", Values::Numbers(vec![1.0, 3.0, 7.0].into())), Column::new("label", words)];
//! let frame = DataFrame::new(columns)?;
//! let preprocessing = Preprocessing::fit(&frame, &[0, 1], &DataOptions::default())?;
//! let data = preprocessing.labelled(&frame, &[0, 1, 2])?;
//! // Mean 2 and standard deviation 1, of the first two rows.
//! assert_eq!((data.inputs.as_slice(), data.labels.as_slice()), ([-1.0, 1.0, 5.0].as_slice(), [1, 0, 1].as_slice()));
//! assert_eq!(preprocessing.classes(), ["no", "yes"]);
//! # Ok::<(), String>(())
//! ```

use super::encoding::{CLASSES_MAX, INPUTS_MAX, Known, Place, finite, levels, scaling, texts};
pub use super::encoding::{Encoding, Scaling};
use super::frame::{Column, DataFrame, Values};
use super::labelled::Dataset;
use super::source::DataOptions;
use potstill_core::Stored;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names of a column of classes that is found without being named.
const LABELS: [&str; 2] = ["label", "labels"];

/// The quantity that is learned.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One of some classes.
    Classes {
        /// The column.
        column: String,
        /// The names: words sorted as text, numbers by value.
        classes: Vec<String>,
    },
    /// A number, scaled as inputs are.
    Value {
        /// The column.
        column: String,
        /// Its scaling.
        scaling: Scaling,
    },
}

impl Target {
    /// The column's name.
    pub fn column(&self) -> &str {
        match self {
            Self::Classes { column, .. } | Self::Value { column, .. } => column,
        }
    }

    fn classes(column: &Column, rows: &[usize]) -> Result<Self, String> {
        Self::of_classes(&column.name, Self::different(column, rows)?)
    }

    /// Classes with these names, in their order.
    ///
    /// # Errors
    /// If they are fewer than two, or too many.
    pub(crate) fn of_classes(name: &str, classes: Vec<String>) -> Result<Self, String> {
        match classes.len() {
            0 => Err(format!("column `{name}`: no training row has a class")),
            1 => Err(format!(
                "column `{name}`: all training rows are of the class `{}`; two are needed",
                classes[0]
            )),
            count if count > CLASSES_MAX => {
                Err(format!("column `{name}` has {count} different values; at most {CLASSES_MAX} classes"))
            }
            _ => Ok(Self::Classes { column: name.to_owned(), classes }),
        }
    }

    /// The different classes in a column: words sorted as text, numbers by value.
    fn different(column: &Column, rows: &[usize]) -> Result<Vec<String>, String> {
        let name = &column.name;
        Ok(match &column.values {
            Values::Words(words) => levels(words, rows),
            Values::Numbers(numbers) => {
                let present = rows.iter().map(|&row| numbers[row]).filter(|x| !x.is_nan());
                // Bits of numbers from 0 on are ordered as they are; those below come before.
                let order =
                    |x: f64| if x < 0.0 { -((-x).to_bits() as i64) } else { (x + 0.0).to_bits() as i64 };
                let different: BTreeMap<i64, String> =
                    present.map(|x| (order(x), (x + 0.0).to_string())).collect();
                let is_whole = rows.iter().all(|&row| numbers[row].is_nan() || numbers[row].fract() == 0.0);
                if !is_whole && different.len() > 20 {
                    return Err(format!(
                        "column `{name}` has {} different numbers, which are no classes; for a regression write target={name}",
                        different.len()
                    ));
                }
                different.into_values().collect()
            }
            other => return Err(format!("column `{name}` has {}, no classes", other.kind())),
        })
    }

    /// The classes of all rows with one; none if there is no column of them.
    #[cfg(feature = "disk")]
    pub(crate) fn classes_in(frame: &DataFrame, options: &DataOptions) -> Option<Vec<String>> {
        let column = &frame.columns()[label_column(frame, options).ok()??];
        Self::different(column, &(0..frame.rows()).collect::<Vec<_>>()).ok()
    }

    /// Numbers, of which these are to be learned.
    #[cfg(feature = "disk")]
    pub(crate) fn of_values(name: &str, values: &[f64]) -> Self {
        Self::Value { column: name.to_owned(), scaling: Scaling::of(values.iter().copied()) }
    }

    fn value(column: &Column, rows: &[usize]) -> Result<Self, String> {
        let (name, values) = (column.name.clone(), &column.values);
        match values {
            Values::Numbers(numbers) => {
                let scaling = Scaling::of(rows.iter().map(|&row| numbers[row]));
                Ok(Self::Value { column: name, scaling })
            }
            _ => Err(format!("column `{name}` has {}; a regression learns numbers", values.kind())),
        }
    }
}

/// The way from rows to inputs and targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    pub(super) inputs: Vec<Encoding>,
    pub(super) target: Target,
    pub(super) fills_missing: bool,
}

/// Rows that are encoded at a time.
const ROWS: usize = 1 << 14;

/// The column of the checksum of the data that a teacher has answered.
pub(crate) const DATA_CHECKSUM: &str = "data_crc32c";
/// The column of the checksum of a teacher.
pub(crate) const TEACHER_CHECKSUM: &str = "teacher_crc32c";

/// The column of the checksum of each row that a teacher has answered.
pub(crate) const ROW_CHECKSUM: &str = "row_crc32c";

/// Returns true if a column holds a teacher's answers, `p(CLASS)`, `logit(CLASS)` or `votes(CLASS)`, or the checksums beside them.
pub fn is_answer(name: &str) -> bool {
    [DATA_CHECKSUM, TEACHER_CHECKSUM, ROW_CHECKSUM].contains(&name)
        || ["p(", "logit(", "votes("].iter().any(|prefix| name.starts_with(prefix)) && name.ends_with(')')
}

/// Returns true if classes are called 0, 1, 2 and so on.
pub(crate) fn is_numbered(classes: &[String]) -> bool {
    classes.iter().enumerate().all(|(i, class)| *class == i.to_string())
}

/// The column of the classes, if one is named or has a usual name.
fn label_column(frame: &DataFrame, options: &DataOptions) -> Result<Option<usize>, String> {
    match &options.label {
        Some(name) => frame.find(name).map(Some),
        None => Ok(frame.columns().iter().position(|column| LABELS.contains(&column.name.as_str()))),
    }
}

/// The columns of a frame that are inputs unless a model names others, in their order.
///
/// # Errors
/// If a column that the options name is missing.
#[cfg(feature = "disk")]
pub(crate) fn possible_inputs(frame: &DataFrame, options: &DataOptions) -> Result<Vec<usize>, String> {
    let target = match &options.target {
        Some(name) => Some(frame.find(name)?),
        None => label_column(frame, options)?,
    };
    input_columns(frame, target, options)
}

/// The column that is learned, of classes or of numbers, if one is named or has a usual name.
#[cfg(feature = "disk")]
pub(crate) fn target_column<'a>(frame: &'a DataFrame, options: &'a DataOptions) -> Option<&'a str> {
    let label = || label_column(frame, options).ok().flatten().map(|i| frame.columns()[i].name.as_str());
    options.target.as_deref().or_else(label)
}

/// The columns of the inputs, in their order.
fn input_columns(
    frame: &DataFrame,
    target: Option<usize>,
    options: &DataOptions,
) -> Result<Vec<usize>, String> {
    let id = options.id.as_deref().map(|name| frame.find(name)).transpose()?;
    let dropped = options.drop.iter().map(|name| frame.find(name)).collect::<Result<Vec<_>, _>>()?;
    let is_input = |&i: &usize| {
        let others = [target, id].contains(&Some(i)) || dropped.contains(&i);
        !others && !is_answer(&frame.columns()[i].name)
    };
    match &options.inputs {
        Some(inputs) => Ok(vec![frame.find(inputs)?]),
        None => Ok((0..frame.columns().len()).filter(is_input).collect()),
    }
}

impl Preprocessing {
    /// Fits the preprocessing on these rows.
    ///
    /// # Errors
    /// If a column is missing or cannot be learned: which, and why.
    pub fn fit(frame: &DataFrame, rows: &[usize], options: &DataOptions) -> Result<Self, String> {
        let columns = frame.columns();
        let named = |name: &Option<String>| name.as_deref().map(|name| frame.find(name)).transpose();
        let (target, fitted) = match named(&options.target)? {
            Some(value) => (value, Target::value(&columns[value], rows)?),
            None => {
                let label = label_column(frame, options)?.ok_or_else(|| {
                    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                    let names = names.join(", ");
                    format!("which column has the classes? add :label=NAME (or :target=NAME for a regression); it has {names}")
                })?;
                (label, Target::classes(&columns[label], rows)?)
            }
        };
        if let Some(text) = &options.text {
            let inputs = vec![Encoding::text(&frame.columns()[frame.find(text)?])?];
            return Ok(Self { inputs, target: fitted, fills_missing: options.fills_missing == Some(true) });
        }
        let inputs = input_columns(frame, Some(target), options)?;
        if let Some(name) = inputs.iter().map(|&i| &columns[i]).find(|column| !column.values.is_known(rows)) {
            let name = &name.name;
            return Err(format!(
                "column `{name}` has no value in the training rows; leave it out with drop={name}"
            ));
        }
        Self::of_columns(frame, rows, &inputs, fitted, options)
    }

    /// The preprocessing of rows for a model that has scaling and classes of its own: the columns with these names, or all that can be inputs.
    /// No row needs a label.
    ///
    /// # Errors
    /// If a column is missing or cannot be an input: which, and why.
    pub fn of_inputs(
        frame: &DataFrame,
        names: Option<&[String]>,
        classes: Vec<String>,
        options: &DataOptions,
    ) -> Result<Self, String> {
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let target = match &options.target {
            Some(name) => Some(frame.find(name)?),
            None => label_column(frame, options)?,
        };
        let columns = match names {
            Some(names) => names.iter().map(|name| frame.find(name)).collect::<Result<_, _>>()?,
            None => input_columns(frame, target, options)?,
        };
        let column = target.map_or_else(String::new, |target| frame.columns()[target].name.clone());
        let target = match classes.is_empty() {
            true => Target::Value { column, scaling: Scaling { mean: 0.0, deviation: 1.0 } },
            false => Target::Classes { column, classes },
        };
        Self::of_columns(frame, &rows, &columns, target, options)
    }

    /// The preprocessing of all columns of a frame, fitted on these rows, for a target that is no column of it.
    ///
    /// # Errors
    /// If a column cannot be an input: which, and why.
    #[cfg(feature = "disk")]
    pub(crate) fn of_target(frame: &DataFrame, rows: &[usize], target: Target) -> Result<Self, String> {
        let columns: Vec<usize> = (0..frame.columns().len()).collect();
        Self::of_columns(frame, rows, &columns, target, &DataOptions::default())
    }

    fn of_columns(
        frame: &DataFrame,
        rows: &[usize],
        inputs: &[usize],
        target: Target,
        options: &DataOptions,
    ) -> Result<Self, String> {
        let encoding = |&i: &usize| Encoding::fit(&frame.columns()[i], rows);
        let inputs = inputs.iter().map(encoding).collect::<Result<Vec<_>, _>>()?;
        match inputs.iter().map(Encoding::width).sum::<usize>() {
            0 => Err("no column is left for the inputs".to_owned()),
            count if count > INPUTS_MAX => Err(format!("{count} inputs are more than {INPUTS_MAX}")),
            _ => Ok(Self { inputs, target, fills_missing: options.fills_missing == Some(true) }),
        }
    }

    /// The encodings of the input columns, in their order.
    pub fn inputs(&self) -> &[Encoding] {
        &self.inputs
    }

    /// The column of texts, if they are the inputs.
    pub fn text(&self) -> Option<&str> {
        match self.inputs.as_slice() {
            [Encoding::Text { column }] => Some(column),
            _ => None,
        }
    }

    /// The quantity that is learned.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The names of the classes; none of a regression.
    pub fn classes(&self) -> &[String] {
        match &self.target {
            Target::Classes { classes, .. } => classes,
            Target::Value { .. } => &[],
        }
    }

    /// The value that an output of a regression stands for.
    pub fn value(&self, output: f32) -> f64 {
        match &self.target {
            Target::Value { scaling, .. } => f64::from(output) * scaling.deviation + scaling.mean,
            Target::Classes { .. } => f64::from(output),
        }
    }

    /// The scaled value that a regression learns of a number.
    pub fn scaled_value(&self, x: f64) -> f32 {
        match &self.target {
            Target::Value { scaling, .. } => scaling.scaled(x),
            Target::Classes { .. } => x as f32,
        }
    }

    /// The shape of an input: height, width and channels; `[1, 1, n]` of several columns.
    pub fn shape(&self) -> [usize; 3] {
        match self.inputs.as_slice() {
            [one] => one.shape(),
            several => [1, 1, several.iter().map(Encoding::width).sum()],
        }
    }

    /// The inputs of these rows, `rows x inputs`.
    ///
    /// # Errors
    /// If a column is missing or of another kind, or a value is missing: where.
    pub fn encode(&self, frame: &DataFrame, rows: &[usize]) -> Result<Vec<f32>, String> {
        self.encoded(frame, rows, true)
    }

    /// The inputs of these rows without the scaling of numbers, `rows x inputs`: for a model that has its own.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_unscaled(&self, frame: &DataFrame, rows: &[usize]) -> Result<Vec<f32>, String> {
        self.encoded(frame, rows, false)
    }

    fn encoded(&self, frame: &DataFrame, rows: &[usize], is_scaled: bool) -> Result<Vec<f32>, String> {
        let stride = self.shape().iter().product();
        let mut inputs = vec![0.0; rows.len() * stride];
        let mut offset = 0;
        for encoding in &self.inputs {
            let width = encoding.width();
            let mut place = Place { inputs: &mut inputs, stride, offset, width, is_scaled };
            encoding.encode(frame, rows, self.fills_missing, &mut place)?;
            offset += width;
        }
        Ok(inputs)
    }

    /// The texts of these rows; none if the inputs are numbers.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn texts(&self, frame: &DataFrame, rows: &[usize]) -> Result<Vec<Arc<str>>, String> {
        let Some(column) = self.text() else { return Ok(Vec::new()) };
        self.encode(frame, rows)?;
        let Values::Words(words) = &frame.columns()[frame.find(column)?].values else {
            unreachable!("other values are refused by their encoding")
        };
        let text =
            |&row: &usize| words.index(row).map_or_else(|| Arc::from(""), |i| Arc::clone(&words.levels()[i]));
        Ok(rows.iter().map(text).collect())
    }

    /// Inputs and targets of these rows.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), and if a class or a number to learn is missing, or a class is not known.
    pub fn labelled(&self, frame: &DataFrame, rows: &[usize]) -> Result<Dataset, String> {
        let mut inputs = Stored::below(frame.limit());
        inputs.reserve(rows.len() * self.shape().iter().product::<usize>());
        for rows in rows.chunks(ROWS) {
            inputs.extend_from_slice(&self.encode(frame, rows)?);
        }
        let column = self.target.column();
        let values = &frame.columns()[frame.find(column)?].values;
        let none = |row: usize| format!("row {}, column `{column}`: the label is missing", row + 1);
        let mut data = Dataset {
            shape: self.shape(),
            features: self.shape().iter().product(),
            classes: self.classes().len(),
            inputs,
            texts: self.texts(frame, rows)?,
            labels: Vec::new(),
            values: Vec::new(),
        };
        match &self.target {
            Target::Classes { classes, .. } => {
                let known = Known::new(classes, values);
                for &row in rows {
                    let label = known.find(row).ok_or_else(|| none(row))?;
                    data.labels.push(label.ok_or_else(|| {
                        let class = values.text(row).unwrap_or_default();
                        format!("row {}: no training row is of the class `{class}`", row + 1)
                    })?);
                }
            }
            Target::Value { scaling, .. } => {
                let Values::Numbers(numbers) = values else {
                    return Err(format!(
                        "column `{column}` has {}; a regression learns numbers",
                        values.kind()
                    ));
                };
                for &row in rows {
                    let x = numbers[row];
                    if x.is_nan() {
                        return Err(none(row));
                    }
                    data.values.push(finite(scaling.scaled(x), column, row, x)?);
                }
            }
        }
        Ok(data)
    }

    /// The preprocessing as JSON, for a model file.
    pub fn to_json(&self) -> Value {
        let target = match &self.target {
            Target::Classes { column, classes } => json!({ "column": column, "classes": classes }),
            Target::Value { column, scaling } => {
                json!({ "column": column, "number": [scaling.mean, scaling.deviation] })
            }
        };
        let inputs: Vec<Value> = self.inputs.iter().map(Encoding::to_json).collect();
        let parts =
            [("inputs", json!(inputs)), ("target", target), ("fills_missing", json!(self.fills_missing))];
        Value::Object(parts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
    }

    /// The preprocessing of a model file; none if it is damaged.
    pub fn from_json(value: &Value) -> Option<Self> {
        let inputs: Vec<Encoding> =
            value["inputs"].as_array()?.iter().map(Encoding::from_json).collect::<Option<_>>()?;
        let column = value["target"]["column"].as_str()?.to_owned();
        let target = match value["target"].get("classes") {
            Some(classes) => Target::Classes { column, classes: texts(classes)? },
            None => Target::Value { column, scaling: scaling(&value["target"]["number"])? },
        };
        let width = inputs.iter().try_fold(0_usize, |sum, encoding| sum.checked_add(encoding.width()))?;
        let fills_missing = value["fills_missing"].as_bool()?;
        let read = Self { inputs, target, fills_missing };
        let has_texts = read.inputs.iter().any(|encoding| matches!(encoding, Encoding::Text { .. }));
        let holds = if has_texts { read.text().is_some() } else { (1..=INPUTS_MAX).contains(&width) };
        holds.then_some(read)
    }
}
