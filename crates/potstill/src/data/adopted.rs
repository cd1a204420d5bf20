//! A preprocessing that was fitted on other rows, under the options of these: each is honoured, or refused by name.

use super::encoding::{Encoding, Known, Scaling};
use super::frame::DataFrame;
use super::preprocessing::{Preprocessing, Target};
use super::source::DataOptions;

impl Preprocessing {
    /// This preprocessing with missing values filled or refused as the options say, if they say it.
    pub(crate) fn filling(&self, options: &DataOptions) -> Self {
        Self { fills_missing: options.fills_missing.unwrap_or(self.fills_missing), ..self.clone() }
    }

    /// The way of rows into a file that encodes them itself: its own words (`levels`, of each input; none of numbers), and missing
    /// numbers as they are.
    pub(crate) fn before_file(&self, levels: &[&[String]]) -> Self {
        let unfilled = Scaling { mean: f64::NAN, deviation: 1.0 };
        let own = |i: usize| levels.get(i).copied().filter(|_| levels.len() == self.inputs.len());
        let encoding = |(i, encoding): (usize, &Encoding)| {
            let column = encoding.column().to_owned();
            match (own(i).unwrap_or_default(), encoding) {
                ([], Encoding::Number { .. } | Encoding::Category { .. }) => {
                    Encoding::Number { column, scaling: unfilled }
                }
                ([], Encoding::Array { shape, scaling, .. }) => {
                    Encoding::Array { column, shape: *shape, scaling: vec![unfilled; scaling.len()] }
                }
                ([], other) => other.clone(),
                (levels, _) => Encoding::Category { column, levels: levels.to_vec() },
            }
        };
        Self { inputs: self.inputs.iter().enumerate().map(encoding).collect(), ..self.clone() }
    }

    /// The preprocessing of a model for rows of a source with these options. The model's columns stay its inputs; a column
    /// of classes or numbers that the options name takes the place of the one that was learned.
    ///
    /// # Errors
    /// If an option contradicts the model, or names a column that is not there: which, and why.
    pub(crate) fn for_rows(&self, frame: &DataFrame, options: &DataOptions) -> Result<Self, String> {
        let columns: Vec<&str> = self.inputs.iter().map(Encoding::column).collect();
        let takes = || match columns.as_slice() {
            [one] => format!("the model takes the column `{one}`"),
            several => format!("the model takes {} columns", several.len()),
        };
        let dropped = options.drop.iter().map(|name| ("drop", name));
        for (key, name) in dropped.chain(options.id.iter().map(|name| ("id", name))) {
            frame.find(name)?;
            if columns.contains(&name.as_str()) {
                return Err(format!(
                    "{key}={name}: the model takes this column as an input; leave the option out"
                ));
            }
        }
        for (key, named) in [("inputs", &options.inputs), ("text", &options.text)] {
            let Some(name) = named else { continue };
            let is_same = if key == "text" { self.text() == Some(name) } else { columns == [name] };
            if !is_same {
                return Err(format!("{key}={name}: {}; leave the option out", takes()));
            }
        }
        let mut adopted = self.filling(options);
        let named = options.label.iter().map(|name| ("label", name));
        for (key, name) in named.chain(options.target.iter().map(|name| ("target", name))) {
            frame.find(name)?;
            match (&mut adopted.target, key) {
                (Target::Classes { .. }, "label") | (Target::Value { .. }, "target")
                    if columns.contains(&name.as_str()) =>
                {
                    return Err(format!(
                        "{key}={name}: the model takes this column as an input; name the one that it predicts"
                    ));
                }
                (Target::Classes { column, .. }, "label") | (Target::Value { column, .. }, "target") => {
                    name.clone_into(column);
                }
                (Target::Classes { .. }, _) => {
                    return Err(format!(
                        "target={name}: the model predicts classes; name them with label={name}"
                    ));
                }
                (Target::Value { .. }, _) => {
                    return Err(format!(
                        "label={name}: the model predicts numbers; name them with target={name}"
                    ));
                }
            }
        }
        Ok(adopted)
    }

    /// A sentence on each column with words that this preprocessing does not know, and takes for none of the known ones.
    pub(crate) fn unknown_words(&self, frame: &DataFrame) -> Vec<String> {
        let sentence = |encoding: &Encoding| {
            let Encoding::Category { column, levels } = encoding else { return None };
            let values = &frame.columns()[frame.find(column).ok()?].values;
            let known = Known::new(levels, values);
            let mut unknown = (0..frame.rows()).filter(|&row| known.find(row) == Some(None));
            let first = unknown.next()?;
            let rows = match 1 + unknown.count() {
                1 => "1 row has a word".to_owned(),
                count => format!("{count} rows have words"),
            };
            let word = values.text(first).unwrap_or_default();
            Some(format!(
                "column `{column}`: {rows} that the model has not learned (`{word}`, row {})",
                first + 1
            ))
        };
        self.inputs.iter().filter_map(sentence).collect()
    }

    /// A sentence on each column of numbers with missing values, which this preprocessing takes for the mean.
    pub(crate) fn filled_values(&self, frame: &DataFrame) -> Vec<String> {
        let sentence = |encoding: &Encoding| {
            let Encoding::Number { column, .. } = encoding else { return None };
            let missing = frame.columns()[frame.find(column).ok()?].values.missing();
            (self.fills_missing && missing > 0).then(|| {
                let (is, rows) = (if missing == 1 { "is" } else { "are" }, frame.rows());
                format!("column `{column}`: {missing} of {rows} values {is} missing and taken for the mean")
            })
        };
        self.inputs.iter().filter_map(sentence).collect()
    }

    /// The preprocessing of a student that learns what a model of this one has learned, from training rows of a source with
    /// these options: the same, without the columns that they leave out, or that of other inputs, if they name some.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub(crate) fn for_student(
        &self,
        frame: &DataFrame,
        rows: &[usize],
        options: &DataOptions,
    ) -> Result<Self, String> {
        let columns: Vec<&str> = self.inputs.iter().map(Encoding::column).collect();
        let has_others = options.inputs.as_deref().is_some_and(|name| columns != [name])
            || options.text.as_deref().is_some_and(|name| self.text() != Some(name));
        if has_others {
            let mut own = options.clone();
            match &self.target {
                Target::Classes { column, .. } => own.label = Some(column.clone()),
                Target::Value { column, .. } => own.target = Some(column.clone()),
            }
            let fitted = Self::fit(frame, rows, &own)?;
            return Ok(Self { target: self.target.clone(), ..fitted });
        }
        let mut adopted = self.filling(options);
        for name in options.drop.iter().chain(&options.id) {
            frame.find(name)?;
            adopted.inputs.retain(|encoding| encoding.column() != name);
        }
        match adopted.inputs.is_empty() {
            true => Err("no column is left for the inputs".to_owned()),
            false => Ok(adopted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, Values};

    fn frame() -> DataFrame {
        let mut words = Values::words();
        ["a", "b", "a"].into_iter().for_each(|word| words.push_word(Some(word)));
        let numbers = |name: &str| Column::new(name, Values::Numbers(vec![1.0, 2.0, f64::NAN].into()));
        let columns = vec![numbers("x"), numbers("y"), numbers("z"), Column::new("label", words.clone())];
        DataFrame::new([columns, vec![Column::new("kind", words)]].concat()).unwrap()
    }

    fn options(text: &str) -> DataOptions {
        crate::data::DataSource::parse(&format!("f.csv:{text}"), &[]).unwrap().options
    }

    /// A model of x and y.
    fn fitted() -> Preprocessing {
        Preprocessing::fit(&frame(), &[0, 1], &options("drop=[\"z\",\"kind\"]")).unwrap()
    }

    #[test]
    fn options_of_other_rows_are_honoured_or_refused() {
        let check = |text: &str, expected: Result<(&str, bool), &str>| {
            let adopted = fitted().for_rows(&frame(), &options(text));
            let found = adopted.as_ref().map(|p| (p.target().column(), p.encode(&frame(), &[2]).is_ok()));
            assert_eq!(found.map_err(String::as_str), expected, "{text}");
        };
        check("drop=z", Ok(("label", false)));
        check("missing=mean", Ok(("label", true)));
        check("label=kind", Ok(("kind", false)));
        check("id=kind", Ok(("label", false)));
        check("drop=x", Err("drop=x: the model takes this column as an input; leave the option out"));
        check("id=y", Err("id=y: the model takes this column as an input; leave the option out"));
        check("inputs=x", Err("inputs=x: the model takes 2 columns; leave the option out"));
        check("text=kind", Err("text=kind: the model takes 2 columns; leave the option out"));
        check("target=z", Err("target=z: the model predicts classes; name them with label=z"));
        check(
            "label=x",
            Err("label=x: the model takes this column as an input; name the one that it predicts"),
        );
        check("drop=labell", Err("it has no column `labell`; did you mean `label`?"));
    }

    #[test]
    fn a_student_has_the_columns_that_its_options_leave() {
        let check = |text: &str, expected: Result<&[&str], &str>| {
            let adopted = fitted().for_student(&frame(), &[0, 1], &options(text));
            let columns =
                adopted.as_ref().map(|p| p.inputs().iter().map(Encoding::column).collect::<Vec<_>>());
            assert_eq!(columns.map_err(String::as_str), expected.map(<[&str]>::to_vec), "{text}");
        };
        check("drop=z", Ok(&["x", "y"]));
        check("drop=y", Ok(&["x"]));
        check("id=x", Ok(&["y"]));
        check("inputs=z", Ok(&["z"]));
        check("text=kind", Ok(&["kind"]));
        check("drop=[\"x\",\"y\"]", Err("no column is left for the inputs"));
        check("drop=xx", Err("it has no column `xx`; it has x, y, z, label, kind"));
        let filled = fitted().for_student(&frame(), &[0, 1], &options("missing=mean")).unwrap();
        assert_eq!(filled.encode(&frame(), &[2]).unwrap(), [0.0, 0.0]);
        assert_eq!(filled.for_student(&frame(), &[0, 1], &options("missing=refuse")).unwrap(), fitted());
    }
}
