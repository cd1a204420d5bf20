//! The way of a column of a data frame into the inputs of a network.

use super::frame::{Column, DataFrame, Values, Words};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The most classes, and the most words of a column that becomes one-hot.
pub(super) const CLASSES_MAX: usize = 4096;

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
    pub(super) fn of(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        Self::of_columns(1, numbers.map(std::iter::once))[0]
    }

    /// The scaling of each of so many columns. They are summed side by side, since rows lie one behind the other.
    fn of_columns<R: Iterator<Item = f64>>(
        columns: usize,
        rows: impl Iterator<Item = R> + Clone,
    ) -> Vec<Self> {
        // Relative to the largest, squares do not overflow.
        let mut largest = vec![0.0_f64; columns];
        for_each(rows.clone(), |i, x| largest[i] = largest[i].max(x.abs()));
        let unit: Vec<f64> = largest.iter().map(|&x| if x == 0.0 { 1.0 } else { x }).collect();
        let (mut counts, mut means) = (vec![0.0_f64; columns], vec![0.0_f64; columns]);
        for_each(rows.clone(), |i, x| {
            counts[i] += 1.0;
            means[i] += x / unit[i];
        });
        means.iter_mut().zip(&counts).for_each(|(sum, count)| *sum /= count);
        let mut squares = vec![0.0_f64; columns];
        for_each(rows, |i, x| squares[i] += (x / unit[i] - means[i]) * (x / unit[i] - means[i]));
        let of_column = |i: usize| {
            if largest[i] == 0.0 {
                return Self { mean: 0.0, deviation: 1.0 };
            }
            let deviation = (squares[i] / counts[i]).sqrt() * unit[i];
            // Rounding of the mean gives a constant column a deviation of some last digits.
            let is_constant = deviation <= largest[i] * f64::EPSILON * 4.0;
            Self { mean: means[i] * unit[i], deviation: if is_constant { 1.0 } else { deviation } }
        };
        (0..columns).map(of_column).collect()
    }

    /// The scaled number; a missing one becomes 0, the mean.
    pub(super) fn scaled(self, x: f64) -> f32 {
        if x.is_nan() { 0.0 } else { ((x - self.mean) / self.deviation) as f32 }
    }

    /// The number as it is; a missing one becomes the mean.
    fn unscaled(self, x: f64) -> f32 {
        if x.is_nan() { self.mean as f32 } else { x as f32 }
    }
}

/// Calls `take` with the column and the value of each number of rows that is there.
fn for_each<R: Iterator<Item = f64>>(rows: impl Iterator<Item = R>, mut take: impl FnMut(usize, f64)) {
    for row in rows {
        row.enumerate().filter(|(_, x)| !x.is_nan()).for_each(|(i, x)| take(i, x));
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
    pub(super) fn fit(column: &Column, rows: &[usize]) -> Result<Self, String> {
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
                let row = |&row: &usize| numbers[row * width..][..width].iter().map(|&x| f64::from(x));
                let is_vector = shape[..2] == [1, 1];
                let scaling =
                    if is_vector { Scaling::of_columns(width, rows.iter().map(row)) } else { Vec::new() };
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
    pub(super) fn encode(
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
                    let number = place.number(*scaling, x);
                    // A missing number is what the scaling says, which may be left to the model.
                    place.row(i)[0] = if x.is_nan() { number } else { finite(number, name, row, x)? };
                }
            }
            (Self::Category { levels, .. }, Values::Words(_) | Values::Numbers(_)) => {
                let known = Known::new(levels, values);
                for (i, &row) in rows.iter().enumerate() {
                    match known.find(row) {
                        None if !filling => {
                            return Err(format!(
                                "row {}, column `{name}`: the word is missing; complete it, leave the row \
                                 out, or take a missing word for none of the known ones with missing=mean",
                                row + 1
                            ));
                        }
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
                            None if x.is_nan() => 0.0,
                            None => x,
                        };
                        *to = if x.is_nan() { scaled } else { finite(scaled, name, row, f64::from(x))? };
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
    pub(super) fn text(column: &Column) -> Result<Self, String> {
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
                let is_other = |word: &&str| word.trim().parse::<f64>().is_err();
                let word = (0..values.rows())
                    .find_map(|row| Some((row, words.word(row).filter(is_other)?.to_owned())));
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

    pub(super) fn to_json(&self) -> Value {
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

    pub(super) fn from_json(value: &Value) -> Option<Self> {
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
pub(super) const INPUTS_MAX: usize = 1 << 24;

/// The place of a column's inputs among those of all.
pub(super) struct Place<'a> {
    pub(super) inputs: &'a mut [f32],
    pub(super) stride: usize,
    pub(super) offset: usize,
    pub(super) width: usize,
    pub(super) is_scaled: bool,
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
pub(super) struct Known<'a> {
    values: &'a Values,
    levels: HashMap<&'a str, usize>,
    /// The level of each word of a column of words.
    of_words: Vec<Option<usize>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(levels: &'a [String], values: &'a Values) -> Self {
        let levels: HashMap<_, _> = levels.iter().enumerate().map(|(i, level)| (level.as_str(), i)).collect();
        let of_words = match values {
            Values::Words(words) => words.levels().iter().map(|word| levels.get(&**word).copied()).collect(),
            _ => Vec::new(),
        };
        Self { values, levels, of_words }
    }

    /// The level of a row, none if its word is not known; none at all if the row has none.
    pub(super) fn find(&self, row: usize) -> Option<Option<usize>> {
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

pub(super) fn finite(scaled: f32, name: &str, row: usize, x: f64) -> Result<f32, String> {
    match scaled.is_finite() {
        true => Ok(scaled),
        false => Err(format!(
            "row {}, column `{name}`: {x} is too far from the others for single precision",
            row + 1
        )),
    }
}

pub(super) fn scaling(value: &Value) -> Option<Scaling> {
    let [mean, deviation] = value.as_array()?.as_slice() else { return None };
    let (mean, deviation) = (mean.as_f64()?, deviation.as_f64()?);
    (mean.is_finite() && deviation > 0.0 && deviation.is_finite()).then_some(Scaling { mean, deviation })
}

pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The different words of these rows, sorted.
pub(super) fn levels(words: &Words, rows: &[usize]) -> Vec<String> {
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
