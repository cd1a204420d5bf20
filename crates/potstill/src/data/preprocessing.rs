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
//! let columns = vec![Column::new("x", Values::Numbers(vec![1.0, 3.0, 7.0])), Column::new("label", words)];
//! let frame = DataFrame::new(columns)?;
//! let preprocessing = Preprocessing::fit(&frame, &[0, 1], &DataOptions::default())?;
//! let data = preprocessing.labelled(&frame, &[0, 1, 2])?;
//! // Mean 2 and standard deviation 1, of the first two rows.
//! assert_eq!((data.inputs.as_slice(), data.labels.as_slice()), ([-1.0, 1.0, 5.0].as_slice(), [1, 0, 1].as_slice()));
//! assert_eq!(preprocessing.classes(), ["no", "yes"]);
//! # Ok::<(), String>(())
//! ```

use super::frame::{Column, DataFrame, Values, Words};
use super::labelled::Dataset;
use super::source::DataOptions;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The most classes, and the most words of a column that becomes one-hot.
const CLASSES_MAX: usize = 4096;
/// The names of a column of classes that is found without being named.
const LABELS: [&str; 2] = ["label", "labels"];

/// Mean and standard deviation of a column of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// The mean.
    pub mean: f64,
    /// The population's standard deviation; 1 of a constant column.
    pub deviation: f64,
}

impl Scaling {
    /// Mean and deviation of the numbers that are there; of none 0 and 1.
    fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let numbers = numbers.filter(|x| !x.is_nan());
        // Relative to the largest, squares do not overflow.
        let largest = numbers.clone().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        if largest == 0.0 {
            return Self { mean: 0.0, deviation: 1.0 };
        }
        let (count, sum) = numbers.clone().fold((0.0, 0.0), |(n, sum), x| (n + 1.0, sum + x / largest));
        let mean: f64 = sum / count;
        let squares: f64 = numbers.map(|x| (x / largest - mean) * (x / largest - mean)).sum();
        let deviation = (squares / count).sqrt() * largest;
        // Rounding of the mean gives a constant column a deviation of some last digits.
        let is_constant = deviation <= largest * f64::EPSILON * 4.0;
        Self { mean: mean * largest, deviation: if is_constant { 1.0 } else { deviation } }
    }

    /// The scaled number; a missing one becomes 0, the mean.
    fn scaled(self, x: f64) -> f32 {
        if x.is_nan() { 0.0 } else { ((x - self.mean) / self.deviation) as f32 }
    }

    /// The number as it is; a missing one becomes the mean.
    fn unscaled(self, x: f64) -> f32 {
        if x.is_nan() { self.mean as f32 } else { x as f32 }
    }
}

/// The way of a column into the inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    /// A number, scaled.
    Number {
        /// The column.
        column: String,
        /// Its scaling.
        scaling: Scaling,
    },
    /// A word, one-hot.
    Category {
        /// The column.
        column: String,
        /// The known words, sorted.
        levels: Vec<String>,
    },
    /// An image of bytes, as shares of white.
    Image {
        /// The column.
        column: String,
        /// Height, width and channels.
        shape: [usize; 3],
        /// The byte that becomes 1.
        white: u8,
    },
    /// An array of numbers.
    Array {
        /// The column.
        column: String,
        /// Height, width and channels.
        shape: [usize; 3],
        /// The scaling of each number of a vector; empty if the numbers are left as they are.
        scaling: Vec<Scaling>,
    },
    /// A text, of which the network's bag of n-grams makes numbers.
    Text {
        /// The column.
        column: String,
    },
}

impl Encoding {
    /// Fits the encoding of a column on these rows.
    fn fit(column: &Column, rows: &[usize]) -> Result<Self, String> {
        let name = column.name.clone();
        Ok(match &column.values {
            Values::Numbers(numbers) => {
                let scaling = Scaling::of(rows.iter().map(|&row| numbers[row]));
                Self::Number { column: name, scaling }
            }
            Values::Words(words) => {
                let levels = levels(words, rows);
                if levels.len() > CLASSES_MAX {
                    return Err(format!(
                        "column `{name}` has {} different words; leave it out with drop={name}",
                        levels.len()
                    ));
                }
                Self::Category { column: name, levels }
            }
            &Values::Images { shape, white, .. } => Self::Image { column: name, shape, white },
            Values::Arrays { shape, numbers } => {
                let width: usize = shape.iter().product();
                let number = |row: usize, i: usize| f64::from(numbers[row * width + i]);
                let scaling = |i| Scaling::of(rows.iter().map(move |&row| number(row, i)));
                let is_vector = shape[..2] == [1, 1];
                let scaling = (0..if is_vector { width } else { 0 }).map(scaling).collect();
                Self::Array { column: name, shape: *shape, scaling }
            }
        })
    }

    /// The column's name.
    pub fn column(&self) -> &str {
        match self {
            Self::Number { column, .. }
            | Self::Category { column, .. }
            | Self::Image { column, .. }
            | Self::Array { column, .. }
            | Self::Text { column } => column,
        }
    }

    /// The shape of its inputs: height, width and channels.
    pub fn shape(&self) -> [usize; 3] {
        match self {
            Self::Number { .. } => [1, 1, 1],
            Self::Category { levels, .. } => [1, 1, levels.len()],
            Self::Image { shape, .. } | Self::Array { shape, .. } => *shape,
            Self::Text { .. } => [1, 1, 0],
        }
    }

    /// The number of its inputs.
    pub fn width(&self) -> usize {
        self.shape().iter().product()
    }

    /// Writes the inputs of these rows, `width` numbers from `offset` on in every `stride`.
    fn encode(
        &self,
        frame: &DataFrame,
        rows: &[usize],
        filling: bool,
        place: &mut Place<'_>,
    ) -> Result<(), String> {
        let name = self.column();
        let values = &frame.columns()[frame.find(name)?].values;
        let missing = |row: usize| missing(name, row);
        match (self, values) {
            (Self::Number { scaling, .. }, Values::Numbers(numbers)) => {
                for (i, &row) in rows.iter().enumerate() {
                    let x = numbers[row];
                    if x.is_nan() && !filling {
                        return Err(missing(row));
                    }
                    place.row(i)[0] = finite(place.number(*scaling, x), name, row, x)?;
                }
            }
            (Self::Category { levels, .. }, Values::Words(_) | Values::Numbers(_)) => {
                let known = Known::new(levels, values);
                for (i, &row) in rows.iter().enumerate() {
                    match known.find(row) {
                        None if !filling => return Err(missing(row)),
                        Some(Some(level)) => place.row(i)[level] = 1.0,
                        Some(None) | None => {}
                    }
                }
            }
            (Self::Image { shape, .. }, Values::Images { shape: theirs, white, bytes })
                if shape == theirs =>
            {
                let (width, white) = (self.width(), f32::from(*white));
                for (i, &row) in rows.iter().enumerate() {
                    let bytes = &bytes[row * width..][..width];
                    place.row(i).iter_mut().zip(bytes).for_each(|(x, &byte)| *x = f32::from(byte) / white);
                }
            }
            (Self::Array { shape, scaling, .. }, Values::Arrays { shape: theirs, numbers })
                if shape == theirs =>
            {
                let (width, is_scaled) = (self.width(), place.is_scaled);
                for (i, &row) in rows.iter().enumerate() {
                    let numbers = &numbers[row * width..][..width];
                    if !filling && numbers.iter().any(|x| x.is_nan()) {
                        return Err(missing(row));
                    }
                    for (j, (to, &x)) in place.row(i).iter_mut().zip(numbers).enumerate() {
                        let scaled = match scaling.get(j) {
                            Some(scaling) if is_scaled => scaling.scaled(f64::from(x)),
                            Some(scaling) => scaling.unscaled(f64::from(x)),
                            None => x,
                        };
                        let scaled = if scaled.is_nan() { 0.0 } else { scaled };
                        *to = finite(scaled, name, row, f64::from(x))?;
                    }
                }
            }
            (Self::Text { .. }, Values::Words(words)) => {
                let is_missing = |row: &&usize| !filling && words.index(**row).is_none();
                if let Some(row) = rows.iter().find(is_missing) {
                    return Err(format!(
                        "row {}, column `{name}`: the text is missing; leave the row out, or take it for an empty text with \
                         missing=mean",
                        row + 1
                    ));
                }
            }
            _ => return Err(self.misfit(values)),
        }
        Ok(())
    }

    /// The encoding of a column of texts.
    fn text(column: &Column) -> Result<Self, String> {
        match &column.values {
            Values::Words(_) => Ok(Self::Text { column: column.name.clone() }),
            values => Err(format!("column `{}` has {}, no texts", column.name, values.kind())),
        }
    }

    /// The reason for which these values cannot be encoded.
    fn misfit(&self, values: &Values) -> String {
        let name = self.column();
        match (self, values) {
            (Self::Number { .. }, Values::Words(words)) => {
                let word = (0..values.rows()).find_map(|row| Some((row, words.word(row)?.to_owned())));
                let (row, word) = word.unwrap_or_default();
                format!("column `{name}` was learned as numbers; row {} has `{word}`", row + 1)
            }
            (Self::Text { .. }, _) => {
                let found = values.kind();
                format!(
                    "column `{name}` was learned as texts; here it has {found}; if they are texts, add :text={name}"
                )
            }
            _ => {
                let [height, width, channels] = self.shape();
                let found = values.kind();
                format!(
                    "column `{name}` was learned as {height} x {width} x {channels} numbers; here it has {found}"
                )
            }
        }
    }

    fn to_json(&self) -> Value {
        let pair = |s: &Scaling| json!([s.mean, s.deviation]);
        match self {
            Self::Number { column, scaling } => json!({ "column": column, "number": pair(scaling) }),
            Self::Category { column, levels } => json!({ "column": column, "category": levels }),
            Self::Image { column, shape, white } => {
                json!({ "column": column, "image": shape, "white": white })
            }
            Self::Array { column, shape, scaling } => {
                let scaling: Value = scaling.iter().map(pair).collect();
                json!({ "column": column, "array": shape, "scaling": scaling })
            }
            Self::Text { column } => json!({ "column": column, "text": true }),
        }
    }

    fn from_json(value: &Value) -> Option<Self> {
        let column = value["column"].as_str()?.to_owned();
        let shape = |value: &Value| {
            let sides = value.as_array()?.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok()));
            let shape: [usize; 3] = sides.collect::<Option<Vec<_>>>()?.try_into().ok()?;
            let count = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side))?;
            (1..=INPUTS_MAX).contains(&count).then_some(shape)
        };
        Some(if let Some(number) = value.get("number") {
            Self::Number { column, scaling: scaling(number)? }
        } else if let Some(levels) = value.get("category") {
            Self::Category { column, levels: texts(levels)? }
        } else if let Some(image) = value.get("image") {
            let white = u8::try_from(value["white"].as_u64()?).ok().filter(|&white| white > 0)?;
            Self::Image { column, shape: shape(image)?, white }
        } else if value["text"] == true {
            Self::Text { column }
        } else {
            let shape = shape(value.get("array")?)?;
            let scaling: Vec<Scaling> =
                value["scaling"].as_array()?.iter().map(scaling).collect::<Option<_>>()?;
            let is_whole = scaling.is_empty() || scaling.len() == shape.iter().product::<usize>();
            is_whole.then_some(Self::Array { column, shape, scaling })?
        })
    }
}

/// The most inputs of a network that a model file may announce.
const INPUTS_MAX: usize = 1 << 24;

/// The place of a column's inputs among those of all.
struct Place<'a> {
    inputs: &'a mut [f32],
    stride: usize,
    offset: usize,
    width: usize,
    is_scaled: bool,
}

impl Place<'_> {
    fn number(&self, scaling: Scaling, x: f64) -> f32 {
        if self.is_scaled { scaling.scaled(x) } else { scaling.unscaled(x) }
    }

    fn row(&mut self, i: usize) -> &mut [f32] {
        &mut self.inputs[i * self.stride + self.offset..][..self.width]
    }
}

/// The known words of a column of any values.
struct Known<'a> {
    values: &'a Values,
    levels: HashMap<&'a str, usize>,
    /// The level of each word of a column of words.
    of_words: Vec<Option<usize>>,
}

impl<'a> Known<'a> {
    fn new(levels: &'a [String], values: &'a Values) -> Self {
        let levels: HashMap<_, _> = levels.iter().enumerate().map(|(i, level)| (level.as_str(), i)).collect();
        let of_words = match values {
            Values::Words(words) => words.levels().iter().map(|word| levels.get(&**word).copied()).collect(),
            _ => Vec::new(),
        };
        Self { values, levels, of_words }
    }

    /// The level of a row, none if its word is not known; none at all if the row has none.
    fn find(&self, row: usize) -> Option<Option<usize>> {
        match self.values {
            Values::Words(words) => words.index(row).map(|index| self.of_words[index]),
            values => values.text(row).map(|text| self.levels.get(text.as_str()).copied()),
        }
    }
}

fn missing(name: &str, row: usize) -> String {
    format!(
        "row {}, column `{name}`: the value is missing; complete it, leave the row out, or fill in the mean of the \
         training rows with missing=mean",
        row + 1
    )
}

fn finite(scaled: f32, name: &str, row: usize, x: f64) -> Result<f32, String> {
    match scaled.is_finite() {
        true => Ok(scaled),
        false => Err(format!(
            "row {}, column `{name}`: {x} is too far from the others for single precision",
            row + 1
        )),
    }
}

fn scaling(value: &Value) -> Option<Scaling> {
    let [mean, deviation] = value.as_array()?.as_slice() else { return None };
    let (mean, deviation) = (mean.as_f64()?, deviation.as_f64()?);
    (mean.is_finite() && deviation > 0.0 && deviation.is_finite()).then_some(Scaling { mean, deviation })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The different words of these rows, sorted.
fn levels(words: &Words, rows: &[usize]) -> Vec<String> {
    let mut seen = vec![false; words.levels().len()];
    rows.iter().filter_map(|&row| words.index(row)).for_each(|index| seen[index] = true);
    let mut levels: Vec<String> = words
        .levels()
        .iter()
        .zip(seen)
        .filter(|(_, seen)| *seen)
        .map(|(level, _)| level.to_string())
        .collect();
    levels.sort();
    levels
}

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
        let name = &column.name;
        let classes = match &column.values {
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
        };
        match classes.len() {
            0 => Err(format!("column `{name}`: no training row has a class")),
            1 => Err(format!(
                "column `{name}`: all training rows are of the class `{}`; two are needed",
                classes[0]
            )),
            count if count > CLASSES_MAX => {
                Err(format!("column `{name}` has {count} different values; at most {CLASSES_MAX} classes"))
            }
            _ => Ok(Self::Classes { column: name.clone(), classes }),
        }
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
    inputs: Vec<Encoding>,
    target: Target,
    fills_missing: bool,
}

/// The column of the checksum of the data that a teacher has answered.
pub(crate) const DATA_CHECKSUM: &str = "data_crc32c";
/// The column of the checksum of a teacher.
pub(crate) const TEACHER_CHECKSUM: &str = "teacher_crc32c";

/// Returns true if a column holds a teacher's answers, `p(CLASS)`, `logit(CLASS)` or `votes(CLASS)`, or the checksums beside them.
pub fn is_answer(name: &str) -> bool {
    [DATA_CHECKSUM, TEACHER_CHECKSUM].contains(&name)
        || ["p(", "logit(", "votes("].iter().any(|prefix| name.starts_with(prefix)) && name.ends_with(')')
}

/// The column of the classes, if one is named or has a usual name.
fn label_column(frame: &DataFrame, options: &DataOptions) -> Result<Option<usize>, String> {
    match &options.label {
        Some(name) => frame.find(name).map(Some),
        None => Ok(frame.columns().iter().position(|column| LABELS.contains(&column.name.as_str()))),
    }
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
            return Ok(Self { inputs, target: fitted, fills_missing: options.fills_missing });
        }
        Self::of_columns(frame, rows, &input_columns(frame, Some(target), options)?, fitted, options)
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
            _ => Ok(Self { inputs, target, fills_missing: options.fills_missing }),
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
        let inputs = self.encode(frame, rows)?;
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
