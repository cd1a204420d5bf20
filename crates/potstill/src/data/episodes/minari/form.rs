//! Minari's spaces, and their values in the columns of a file.

use super::super::raw::{NumberKind, Raw};
use super::super::{Rows, checked_space};
use potstill_env::Space;
use serde_json::{Value, json};
use std::fmt::Write;
use std::ops::Range;

/// The sides from which an image of bytes is compressed.
const IMAGE_MIN: usize = 32;

/// The values of a space as Minari has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    pub(super) space: Space,
    pub(super) kind: FormKind,
    /// The type of the numbers.
    pub(super) number: NumberKind,
    /// The description, which is written again.
    pub(super) description: String,
}

/// The kinds of spaces.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FormKind {
    /// A number from this one on.
    Discrete { start: i64 },
    /// A column for each part, whose numbers begin at these.
    Tuple { starts: Vec<i64> },
    /// A list of parts, whose numbers begin at these; its shape.
    MultiDiscrete { starts: Vec<i64>, shape: Vec<usize> },
    /// Arrays of this shape.
    Array { shape: Vec<usize> },
}

/// Nested lists of a shape, all of whose numbers are the same.
fn filled(shape: &[usize], number: &str) -> String {
    match shape {
        [] => number.to_owned(),
        [side, rest @ ..] => format!("[{}]", vec![filled(rest, number); *side].join(", ")),
    }
}

impl Form {
    /// The form of a space that did not come from Minari.
    pub(super) fn of(space: &Space) -> Self {
        let int64 = NumberKind::Int { bytes: 8, is_signed: true };
        let discrete =
            |n: usize| format!("{{\"type\": \"Discrete\", \"dtype\": \"int64\", \"start\": 0, \"n\": {n}}}");
        let (kind, number, description) = match space {
            Space::Discrete { n } => (FormKind::Discrete { start: 0 }, int64, discrete(*n)),
            Space::Tuple { sizes } => {
                let parts: Vec<String> = sizes.iter().map(|&n| discrete(n)).collect();
                let description = format!("{{\"type\": \"Tuple\", \"subspaces\": [{}]}}", parts.join(", "));
                (FormKind::Tuple { starts: vec![0; sizes.len()] }, int64, description)
            }
            Space::MultiBinary { shape } => {
                let int8 = NumberKind::Int { bytes: 1, is_signed: true };
                let n = match shape[..] {
                    [n] => n.to_string(),
                    _ => json!(shape).to_string(),
                };
                let description = format!("{{\"type\": \"MultiBinary\", \"n\": {n}}}");
                (FormKind::Array { shape: shape.clone() }, int8, description)
            }
            &Space::Image { frames, height, width, channels } => {
                let shape: Vec<usize> =
                    (frames > 1).then_some(frames).into_iter().chain([height, width, channels]).collect();
                let description = format!(
                    "{{\"type\": \"Box\", \"dtype\": \"uint8\", \"shape\": {}, \"low\": {}, \"high\": {}}}",
                    json!(shape),
                    filled(&shape, "0"),
                    filled(&shape, "255")
                );
                let uint8 = NumberKind::Int { bytes: 1, is_signed: false };
                (FormKind::Array { shape }, uint8, description)
            }
            Space::Box { low, high } => {
                let sides = [low, high].map(|side| {
                    let bounds: Vec<String> =
                        side.iter().map(|&bound| python_number(f64::from(bound))).collect();
                    bounds.join(", ")
                });
                let description = format!(
                    "{{\"type\": \"Box\", \"dtype\": \"float32\", \"shape\": [{}], \"low\": [{}], \"high\": [{}]}}",
                    low.len(),
                    sides[0],
                    sides[1]
                );
                let kind = FormKind::Array { shape: vec![low.len()] };
                (kind, NumberKind::Float { bytes: 4 }, description)
            }
        };
        Self { space: space.clone(), kind, number, description }
    }

    /// Parses a space's description.
    ///
    /// If it is damaged, or a space that is not read: its name.
    pub(super) fn parse(description: &str, has_jpeg: bool) -> Result<Self, String> {
        let value = python_json(description, NotFinite::Text).map_err(|error| format!("no JSON: {error}"))?;
        let text = |key: &str| value[key].as_str().unwrap_or_default();
        let name = text("type");
        let discrete = |part: &Value| {
            let n = part["n"].as_u64().and_then(|n| usize::try_from(n).ok());
            let start = match &part["start"] {
                Value::Null => Some(0),
                start => start.as_i64(),
            };
            n.zip(start).filter(|_| part["type"] == "Discrete")
        };
        let bad = || format!("{name}, whose description is damaged");
        let shape = |value: &Value| -> Option<Vec<usize>> {
            let side = |side: &Value| side.as_u64().and_then(|side| usize::try_from(side).ok());
            value.as_array()?.iter().map(side).collect()
        };
        let number = |usual: &str| match value["dtype"].as_str().unwrap_or(usual) {
            // Written in single precision, in which it is held.
            "float16" => Ok(NumberKind::Float { bytes: 4 }),
            kind => {
                NumberKind::of_name(kind).ok_or_else(|| format!("{name}, whose numbers are of type {kind}"))
            }
        };
        let (space, kind, number) = match name {
            "Discrete" => {
                let (n, start) = discrete(&value).ok_or_else(bad)?;
                (Space::Discrete { n }, FormKind::Discrete { start }, number("int64")?)
            }
            "Tuple" => {
                let parts = value["subspaces"].as_array().ok_or_else(bad)?;
                let parts: Option<Vec<(usize, i64)>> = parts.iter().map(discrete).collect();
                let parts = parts.ok_or("Tuple of other spaces than Discrete, which is not supported")?;
                let (sizes, starts) = parts.into_iter().unzip();
                (Space::Tuple { sizes }, FormKind::Tuple { starts }, number("int64")?)
            }
            "MultiDiscrete" => {
                let (sizes, shape) = nested(&value["nvec"]).ok_or_else(bad)?;
                let starts = match &value["start"] {
                    Value::Null => vec![0.0; sizes.len()],
                    starts => {
                        nested(starts).filter(|(starts, _)| starts.len() == sizes.len()).ok_or_else(bad)?.0
                    }
                };
                let sizes = sizes.into_iter().map(|n| n as usize).collect();
                let starts = starts.into_iter().map(|start| start as i64).collect();
                (Space::Tuple { sizes }, FormKind::MultiDiscrete { starts, shape }, number("int64")?)
            }
            "MultiBinary" => {
                let shape = match value["n"].as_u64() {
                    Some(n) => vec![usize::try_from(n).map_err(|_| bad())?],
                    None => shape(&value["n"]).ok_or_else(bad)?,
                };
                (Space::MultiBinary { shape: shape.clone() }, FormKind::Array { shape }, number("int8")?)
            }
            "Box" => {
                let shape = shape(&value["shape"]).ok_or_else(bad)?;
                let sides =
                    [nested(&value["low"]).ok_or_else(bad)?.0, nested(&value["high"]).ok_or_else(bad)?.0];
                let [low, high] = sides.map(|side| side.into_iter().map(|x| x as f32).collect::<Vec<f32>>());
                let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side));
                if count != Some(low.len()) || low.len() != high.len() {
                    return Err(bad());
                }
                let number = number("float32")?;
                let is_image = matches!(shape[..], [h, w] | [h, w, _] if h.min(w) >= IMAGE_MIN)
                    && number == NumberKind::Int { bytes: 1, is_signed: false }
                    && low.iter().all(|&x| x == 0.0)
                    && high.iter().all(|&x| x == 255.0);
                if is_image && has_jpeg {
                    return Err(
                        "pictures in JPEG, which are not read; make the data set with jpeg_encoding=False"
                            .to_owned(),
                    );
                }
                (Space::Box { low, high }, FormKind::Array { shape }, number)
            }
            "" => return Err("no space".to_owned()),
            _ => return Err(format!("a space of type {name}, which is not supported")),
        };
        let space = checked_space(space).map_err(|reason| format!("{name}, {reason}"))?;
        Ok(Self { space, kind, number, description: description.to_owned() })
    }

    /// The numbers in a row of a file's column.
    pub(super) fn width(&self) -> usize {
        match &self.kind {
            FormKind::MultiDiscrete { starts, .. } => starts.len(),
            FormKind::Array { shape } => shape.iter().product(),
            FormKind::Discrete { .. } | FormKind::Tuple { .. } => 1,
        }
    }

    /// Appends so many rows of a column, or of the columns of its parts.
    ///
    /// If the columns do not fit, or have a number outside of the space.
    pub(super) fn append(&self, columns: &[Raw<'_>], count: usize, rows: &mut Rows) -> Result<(), String> {
        let width = self.width();
        if let Some(column) = columns.iter().find(|column| column.count() < count * width) {
            let found = column.count() / width.max(1);
            return Err(format!("it has {found} rows, not {count}"));
        }
        match (&self.kind, columns) {
            (FormKind::Discrete { start }, [column]) => column.append_to(rows, 0..count, *start),
            (FormKind::Array { .. }, [column]) => {
                if !matches!(self.number, NumberKind::Float { .. }) {
                    let mut wrong = None;
                    column.for_each(0..count * width, |x| {
                        wrong = wrong.or((!self.number.holds(x)).then_some(x));
                    });
                    if let Some(x) = wrong {
                        return Err(format!("it holds {x}, which is no {}", self.number.name()));
                    }
                }
                column.append_to(rows, 0..count * width, 0)
            }
            (FormKind::MultiDiscrete { starts, .. }, [column]) => {
                let mut parts = vec![Vec::with_capacity(count); starts.len()];
                let mut at = 0;
                column.for_each(0..count * width, |x| {
                    parts[at % width].push(x);
                    at += 1;
                });
                self.append_parts(&parts, starts, rows)
            }
            (FormKind::Tuple { starts }, columns) if columns.len() == starts.len() => {
                let part = |column: &Raw<'_>| {
                    let mut part = Vec::with_capacity(count);
                    column.for_each(0..count, |x| part.push(x));
                    part
                };
                self.append_parts(&columns.iter().map(part).collect::<Vec<_>>(), starts, rows)
            }
            _ => Err(format!("it has {} parts, which do not fit {}", columns.len(), self.space)),
        }
    }

    /// Appends indices that stand for the numbers of several parts.
    fn append_parts(&self, parts: &[Vec<f64>], starts: &[i64], rows: &mut Rows) -> Result<(), String> {
        let Space::Tuple { sizes } = &self.space else { unreachable!("a space of parts") };
        for row in 0..parts[0].len() {
            let mut index = 0;
            for ((part, start), &size) in parts.iter().zip(starts).zip(sizes) {
                let x = part[row] - *start as f64;
                if !(x >= 0.0 && x < size as f64 && x.fract() == 0.0) {
                    return Err(format!("it holds {}, which is not in {}", part[row], self.space));
                }
                index = index * size + x as usize;
            }
            rows.push(index as f64);
        }
        Ok(())
    }

    /// The columns of a range of rows, with as many rows of zeros behind them.
    pub(super) fn columns(&self, rows: &Rows, range: Range<usize>, padding: usize) -> Vec<Raw<'static>> {
        let count = range.len() / self.space.features();
        let column = |numbers: &mut dyn Iterator<Item = f64>| {
            let mut bytes = Vec::with_capacity((count + padding) * self.width() * self.number.size());
            numbers.for_each(|x| self.number.write(x, &mut bytes));
            bytes.resize(bytes.len() + padding * self.width() * self.number.size(), 0);
            Raw::new(self.number, bytes)
        };
        let numbers = || range.clone().map(|at| rows.number(at));
        let parts = |number: f64| self.space.parts(number as usize);
        match &self.kind {
            FormKind::Discrete { start } => vec![column(&mut numbers().map(|x| x + *start as f64))],
            FormKind::Array { .. } => vec![column(&mut numbers())],
            FormKind::MultiDiscrete { starts, .. } => {
                let shifted = |(part, start): (usize, &i64)| part as f64 + *start as f64;
                let row = |x: f64| parts(x).into_iter().zip(starts).map(shifted).collect::<Vec<_>>();
                vec![column(&mut numbers().flat_map(row))]
            }
            FormKind::Tuple { starts } => {
                let part = |i: usize| column(&mut numbers().map(|x| parts(x)[i] as f64 + starts[i] as f64));
                (0..starts.len()).map(part).collect()
            }
        }
    }
}

/// The numbers of nested lists, and their shape.
fn nested(value: &Value) -> Option<(Vec<f64>, Vec<usize>)> {
    let number = |value: &Value| match value {
        Value::String(word) if word == "Infinity" => Some(f64::INFINITY),
        Value::String(word) if word == "-Infinity" => Some(f64::NEG_INFINITY),
        value => value.as_f64(),
    };
    match value {
        Value::Array(list) => {
            let (mut numbers, mut shape) = (Vec::new(), None);
            for item in list {
                let (inner, inner_shape) = nested(item)?;
                numbers.extend(inner);
                if *shape.get_or_insert_with(|| inner_shape.clone()) != inner_shape {
                    return None;
                }
            }
            Some((numbers, [vec![list.len()], shape.unwrap_or_default()].concat()))
        }
        value => Some((vec![number(value)?], Vec::new())),
    }
}

/// The replacement of numbers that are not finite, which are no JSON.
#[derive(Clone, Copy)]
pub(super) enum NotFinite {
    Text,
    Null,
}

/// Parses JSON as Python writes it, with `Infinity`, `-Infinity` and `NaN`.
pub(super) fn python_json(text: &str, not_finite: NotFinite) -> Result<Value, serde_json::Error> {
    let mut json = String::with_capacity(text.len());
    let (mut rest, mut in_text) = (text, false);
    while let Some(c) = rest.chars().next() {
        let word =
            ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !in_text && rest.starts_with(word));
        let length = match (c, word) {
            (_, Some(word)) => {
                match not_finite {
                    NotFinite::Text => _ = write!(json, "\"{word}\""),
                    NotFinite::Null => json.push_str("null"),
                }
                rest = &rest[word.len()..];
                continue;
            }
            // With the character behind it, which may be a quote.
            ('\\', _) if in_text => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            ('"', _) => {
                in_text = !in_text;
                1
            }
            _ => c.len_utf8(),
        };
        json.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    serde_json::from_str(&json)
}

/// A number as Python writes it.
fn python_number(x: f64) -> String {
    match x {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        x => json!(x).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_those_of_minari() {
        let check = |description: &str, expected: Result<(Space, FormKind), &str>| {
            let form = Form::parse(description, true).map(|form| (form.space, form.kind));
            assert_eq!(form, expected.map_err(str::to_owned), "{description}");
        };
        check(
            r#"{"type": "Box", "dtype": "float64", "shape": [2, 1], "low": [[-1.5], [-Infinity]], "high": [[1.5], [Infinity]]}"#,
            Ok((
                Space::Box { low: vec![-1.5, f32::NEG_INFINITY], high: vec![1.5, f32::INFINITY] },
                FormKind::Array { shape: vec![2, 1] },
            )),
        );
        check(
            r#"{"type": "Discrete", "dtype": "int64", "start": -1, "n": 3}"#,
            Ok((Space::Discrete { n: 3 }, FormKind::Discrete { start: -1 })),
        );
        check(
            r#"{"type": "MultiDiscrete", "dtype": "int64", "nvec": [2, 3], "start": [0, 1]}"#,
            Ok((
                Space::Tuple { sizes: vec![2, 3] },
                FormKind::MultiDiscrete { starts: vec![0, 1], shape: vec![2] },
            )),
        );
        check(r#"{"type": "Dict", "subspaces": {}}"#, Err("a space of type Dict, which is not supported"));
        check(
            r#"{"type": "Text", "charset": "Infinity"}"#,
            Err("a space of type Text, which is not supported"),
        );
        check(
            r#"{"type": "Tuple", "subspaces": [{"type": "Box"}]}"#,
            Err("Tuple of other spaces than Discrete, which is not supported"),
        );
        check(r#"{"type": "Discrete", "n": 0}"#, Err("Discrete, which has no element"));
        let of_bytes = |side: usize| {
            let rows = vec![vec![0; side]; side];
            let high = vec![vec![255; side]; side];
            json!({"type": "Box", "dtype": "uint8", "shape": [side, side], "low": rows, "high": high})
                .to_string()
        };
        let image = Form::parse(&of_bytes(32), true).unwrap_err();
        assert_eq!(image, "pictures in JPEG, which are not read; make the data set with jpeg_encoding=False");
        assert!(Form::parse(&of_bytes(32), false).is_ok() && Form::parse(&of_bytes(31), true).is_ok());
    }

    #[test]
    fn descriptions_are_read_as_the_space_that_they_are_of() {
        let spaces = [
            Space::Discrete { n: 3 },
            Space::Tuple { sizes: vec![32, 11, 2] },
            Space::MultiBinary { shape: vec![3] },
            Space::MultiBinary { shape: vec![2, 2] },
            Space::Box { low: vec![f32::NEG_INFINITY, -4.8], high: vec![f32::INFINITY, 4.8] },
        ];
        for space in spaces {
            let form = Form::of(&space);
            assert_eq!(Form::parse(&form.description, true), Ok(form), "{space}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_found_outside_of_texts_alone() {
        let value = python_json(
            r#"{"a\"": [NaN, -Infinity, "\\", "Infinity \" NaN"], "b": Infinity}"#,
            NotFinite::Null,
        );
        assert_eq!(value.unwrap(), json!({"a\"": [null, null, "\\", "Infinity \" NaN"], "b": null}));
    }
}
