//! The grammar of `--data`: `PLACE` or `PLACE:key=value,key=value`, and before it `FORMAT:` to leave nothing to the content.
//!
//! | option | meaning |
//! |---|---|
//! | `label=NAME` | the column of classes |
//! | `target=NAME` | the column of numbers that a regression learns |
//! | `inputs=NAME` | the array of inputs, of several |
//! | `text=NAME` | the column of texts, which are then the only inputs |
//! | `id=NAME` | the column that names the rows; no input |
//! | `drop=NAME`, `drop=["A","B"]` | columns that are no inputs |
//! | `missing=mean` | a missing number is the mean of its column, a missing word none of the known ones; otherwise both are refused |
//! | `missing=drop` | of a file of a teacher's answers: training rows without one are left out; otherwise they are refused |
//! | `memory=SIZE` | the most memory for the rows (`64MiB`; 4 GiB if not given), and again for their encoded values; above it they lie in a temporary file, with the same results |
//! | `header=false` | the first line of a CSV file is data; the columns are `column1`, `column2` and so on |
//!
//! ```
//! use potstill::data::DataSource;
//!
//! let source = DataSource::parse("flowers, 2026.csv:label=species,missing=mean", &["csv"])?;
//! assert_eq!((source.format, source.place), (None, "flowers, 2026.csv"));
//! assert_eq!(source.options.label.as_deref(), Some("species"));
//! assert_eq!(source.options.fills_missing, Some(true));
//! assert_eq!(DataSource::parse("csv:a:b", &["csv"])?.place, "a:b");
//! # Ok::<(), String>(())
//! ```

use crate::config::nearest;
use potstill_env::registry::id::{Given, options};

/// The options of a data source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataOptions {
    /// The column of classes.
    pub label: Option<String>,
    /// The column of numbers that a regression learns.
    pub target: Option<String>,
    /// The array of inputs.
    pub inputs: Option<String>,
    /// The column of texts, the only inputs.
    pub text: Option<String>,
    /// The column that names the rows.
    pub id: Option<String>,
    /// Columns that are no inputs.
    pub drop: Vec<String>,
    /// Replaces missing values, or refuses them; if it is not said, a model does what it was trained with, and else they are refused.
    pub fills_missing: Option<bool>,
    /// Leaves out training rows to which a teacher has no answer; otherwise they are refused.
    pub drops_missing: bool,
    /// The file holds a teacher's answers, and need have no inputs.
    pub is_of_answers: bool,
    /// The first line of a CSV file names the columns.
    pub header: bool,
    /// The most bytes of rows in memory; above it they lie in a file.
    pub memory: usize,
}

impl Default for DataOptions {
    fn default() -> Self {
        let (label, target, inputs, text, id) = (None, None, None, None, None);
        Self {
            label,
            target,
            inputs,
            text,
            id,
            drop: Vec::new(),
            fills_missing: None,
            drops_missing: false,
            is_of_answers: false,
            header: true,
            memory: MEMORY,
        }
    }
}

/// The names of all options.
const OPTIONS: [&str; 10] =
    ["labels", "label", "target", "inputs", "text", "id", "drop", "missing", "header", "memory"];
/// The most bytes of rows in memory, if it is not said.
const MEMORY: usize = (1 << 30) * (usize::BITS as usize / 16);

impl DataOptions {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let name = || match value.is_empty() {
            true => Err(format!("{key}= needs the name of a column")),
            false => Ok(Some(value.to_owned())),
        };
        let word = |words: [&str; 2]| match words.iter().position(|word| word.eq_ignore_ascii_case(value)) {
            Some(index) => Ok(index == 0),
            None => Err(format!("{key}={value}: expected {} or {}", words[0], words[1])),
        };
        let known = match key {
            "label" | "labels" => &self.label,
            "target" => &self.target,
            "inputs" => &self.inputs,
            "id" => &self.id,
            _ => &None,
        };
        if let Some(known) = known {
            return Err(format!("{key}={value}: there is {key}={known} already; give one"));
        }
        match key {
            "label" | "labels" => self.label = name()?,
            "target" => self.target = name()?,
            "inputs" => self.inputs = name()?,
            "text" if self.text.is_some() => {
                return Err(format!(
                    "text={value}: one column of texts is learned from, and there is one already"
                ));
            }
            "text" => self.text = name()?,
            "id" => self.id = name()?,
            "drop" => self.drop.extend(list(value)),
            "missing" if value.eq_ignore_ascii_case("drop") => self.drops_missing = true,
            "missing" => self.fills_missing = Some(word(["mean", "refuse"])?),
            "memory" => {
                let size = bytes(value);
                self.memory = size.ok_or_else(|| format!("memory={value}: expected a size such as 64MiB"))?;
            }
            "header" => self.header = word(["true", "false"])?,
            _ => {
                return Err(match nearest(key, OPTIONS.into_iter()) {
                    Some(near) => format!("no option `{key}`; did you mean `{near}`?"),
                    None => format!("no option `{key}`; the options are {}", OPTIONS.join(", ")),
                });
            }
        }
        match (&self.label, &self.target) {
            (Some(_), Some(_)) => {
                Err("give label= for classes or target= for a regression, not both".to_owned())
            }
            _ if self.text.is_some() && self.inputs.is_some() => {
                Err("give text= for texts or inputs= for an array, not both".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Refuses a column with two roles.
    fn check_roles(&self) -> Result<(), String> {
        let of = |role: &'static str, name: &Option<String>| name.clone().map(|name| (role, name));
        let learned = [("label", &self.label), ("target", &self.target), ("id", &self.id)];
        let taken = [("text", &self.text), ("inputs", &self.inputs)];
        let mut roles: Vec<(&str, String)> =
            learned.iter().chain(&taken).filter_map(|(role, name)| of(role, name)).collect();
        roles.extend(self.drop.iter().map(|name| ("drop", name.clone())));
        for (i, (role, name)) in roles.iter().enumerate() {
            if let Some((before, _)) =
                roles[..i].iter().find(|(before, known)| known == name && before != role)
            {
                return Err(format!(
                    "{before}={name} and {role}={name}: a column has one role; give another"
                ));
            }
        }
        Ok(())
    }
}

/// A number of bytes, such as 4096, 64KiB, 64MiB or 2GiB.
fn bytes(text: &str) -> Option<usize> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let unit = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (number, size) = unit.unwrap_or((text, 1_usize));
    number.trim().parse::<usize>().ok()?.checked_mul(size)
}

/// The names of `NAME` or `["A","B"]`.
pub(crate) fn list(value: &str) -> Vec<String> {
    let inner = value.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inner {
        None => vec![value.to_owned()],
        Some(inner) => inner.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect(),
    }
}

/// A data source as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSource<'a> {
    /// The format, if one was named.
    pub format: Option<&'a str>,
    /// The path, or the name of a built-in data set.
    pub place: &'a str,
    /// The options.
    pub options: DataOptions,
}

impl<'a> DataSource<'a> {
    /// The format that a data source begins with, if it names one, and the rest.
    pub(crate) fn without_format(text: &'a str, formats: &[&str]) -> (Option<&'a str>, &'a str) {
        let prefix = text.split_once(':').filter(|(prefix, _)| formats.contains(prefix));
        prefix.map_or((None, text), |(format, rest)| (Some(format), rest))
    }

    /// Parses a data source; `formats` are the known ones.
    ///
    /// # Errors
    /// If an option is unknown or has no such value.
    pub fn parse(text: &'a str, formats: &[&str]) -> Result<Self, String> {
        let (format, rest) = Self::without_format(text, formats);
        let (place, given) = place_and_options(rest);
        if place.is_empty() {
            return Err(format!("`{text}` names no file"));
        }
        let mut parsed = Self { format, place, options: DataOptions::default() };
        for option in options(given)? {
            match option.value {
                Given::Text(value) => parsed.options.set(option.key, value)?,
                Given::File(_) => return Err(format!("{}: expected a name, not a file", option.key)),
            }
        }
        parsed.options.check_roles()?;
        Ok(parsed)
    }
}

/// Splits `PLACE:key=value,...` into the place and the text of its options. A path may have colons, too: options begin after the
/// first that `key=` follows.
pub(crate) fn place_and_options(text: &str) -> (&str, &str) {
    let begins = text.match_indices(':').map(|(at, _)| at).find(|at| begins_an_option(&text[at + 1..]));
    begins.map_or((text, ""), |at| (&text[..at], &text[at + 1..]))
}

/// Returns true if `key=` is at the beginning of a text.
pub(crate) fn begins_an_option(text: &str) -> bool {
    let key = text.split_once('=').map_or("", |(key, _)| key);
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_options_are_told_apart() {
        let check = |text: &str, expected: Result<(Option<&str>, &str), &str>| {
            let source = DataSource::parse(text, &["csv", "mnist"]);
            let found = source.as_ref().map(|source| (source.format, source.place));
            assert_eq!(found.map_err(String::as_str), expected, "{text}");
        };
        check("digits", Ok((None, "digits")));
        check("mnist:../data/mnist", Ok((Some("mnist"), "../data/mnist")));
        check("a:b.csv", Ok((None, "a:b.csv")));
        check("a=b:c.csv:label=x", Ok((None, "a=b:c.csv")));
        check("a b,c.csv:label=x,drop=[\"u\",\"v\"],header=false", Ok((None, "a b,c.csv")));
        check(":label=x", Err("`:label=x` names no file"));
        check("a.csv:labell=x", Err("no option `labell`; did you mean `label`?"));
        check("a.csv:label=", Err("label= needs the name of a column"));
        check("a.csv:memory=64MiB", Ok((None, "a.csv")));
        check("a.csv:memory=lots", Err("memory=lots: expected a size such as 64MiB"));
        check("a.csv:missing=zero", Err("missing=zero: expected mean or refuse"));
        check("a.csv:text=x,label=y", Ok((None, "a.csv")));
        check("a.csv:text=y,label=y", Err("label=y and text=y: a column has one role; give another"));
        check(
            "a.csv:label=y,drop=[\"x\",\"y\"]",
            Err("label=y and drop=y: a column has one role; give another"),
        );
        check("a.csv:id=x,id=y", Err("id=y: there is id=x already; give one"));
        check("a.csv:label=x,label=y", Err("label=y: there is label=x already; give one"));
        check(
            "a.csv:text=x,text=y",
            Err("text=y: one column of texts is learned from, and there is one already"),
        );
        check("a.csv:text=x,inputs=y", Err("give text= for texts or inputs= for an array, not both"));
        check("a.csv:label=x,target=y", Err("give label= for classes or target= for a regression, not both"));
    }

    #[test]
    fn several_columns_are_dropped() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(DataSource::parse(text, &[]).unwrap().options.drop, expected, "{text}");
        };
        check("a.csv:drop=x", &["x"]);
        check("a.csv:drop=x,drop=y", &["x", "y"]);
        check("a.csv:drop=[\"x\", \"y z\"]", &["x", "y z"]);
        check("a.csv:drop=\"x, y\"", &["x, y"]);
    }
}
