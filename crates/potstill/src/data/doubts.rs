//! Inputs that look as if they should be something else: numbers that are words because of some of their
//! values, and names or numbers of rows.

use super::frame::{DataFrame, Values, Words};
use super::preprocessing::possible_inputs;
use super::source::DataOptions;

/// A share of different values above which a column of words should perhaps have been one of numbers.
const SHARE: f64 = 0.5;
/// Different values below which nothing is said.
const LEVELS_MIN: usize = 3;
/// Rows below which nothing is said of different values.
const ROWS_MIN: usize = 20;
/// The share of different values from which a column of words is taken for names of the rows.
const DIFFERENT: f64 = 0.9;

/// A sentence on each column that is to be an input and looks like something else.
pub(crate) fn doubts(frame: &DataFrame, options: &DataOptions) -> Vec<String> {
    if options.text.is_some() {
        return Vec::new();
    }
    // What is missing is told where it is needed.
    let inputs = possible_inputs(frame, options).unwrap_or_default();
    let columns = inputs.into_iter().map(|i| &frame.columns()[i]);
    let doubt_of = |values: &Values, name: &str| doubt(values).or_else(|| name_of_rows(values, name));
    columns
        .filter_map(|column| {
            let doubt = doubt_of(&column.values, &column.name)?;
            Some(format!("column `{}`: {doubt}", column.name))
        })
        .collect()
}

/// The doubt on a column whose values tell the rows apart, and nothing else of them.
fn name_of_rows(values: &Values, name: &str) -> Option<String> {
    let rows = values.rows();
    if rows < ROWS_MIN {
        return None;
    }
    match values {
        Values::Words(words) if words.levels().len() as f64 >= DIFFERENT * rows as f64 => {
            let (what, text) = match are_sentences(words) {
                true => ("texts", format!("write text={name} to learn from them, or ")),
                false => ("words", String::new()),
            };
            Some(format!(
                "{} different {what} in {rows} rows, each of which would be an input of its own; {text}write \
                 id={name} if they name the rows, or drop={name}",
                words.levels().len()
            ))
        }
        Values::Numbers(numbers) => {
            let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let mut seen = vec![false; rows];
            // The first row of each of as many whole numbers as there are rows.
            let is_new = |&x: &f64| {
                let place = x - low;
                place.fract() == 0.0
                    && place < rows as f64
                    && !std::mem::replace(&mut seen[place as usize], true)
            };
            numbers.iter().all(is_new).then(|| {
                format!(
                    "it numbers the rows, from {low} on, and tells nothing else of them; write id={name} if \
                     it names them, or drop={name}"
                )
            })
        }
        _ => None,
    }
}

/// Returns true if most of the different values are of several words.
fn are_sentences(words: &Words) -> bool {
    let several = words.levels().iter().filter(|text| text.split_whitespace().nth(2).is_some()).count();
    2 * several > words.levels().len()
}

fn doubt(values: &Values) -> Option<String> {
    let Values::Words(words) = values else { return None };
    let levels = words.levels();
    if levels.len() < LEVELS_MIN {
        return None;
    }
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let with_point = |text: &str| text.matches(',').count() == 1 && is_number(&text.replace(',', "."));
    let per_cent = |text: &str| text.trim().strip_suffix('%').is_some_and(is_number);
    let all = |holds: &dyn Fn(&str) -> bool| levels.iter().all(|level| holds(level) || is_number(level));
    let first = |holds: &dyn Fn(&str) -> bool| levels.iter().find(|level| holds(level));
    if let Some(example) = first(&with_point).filter(|_| all(&with_point)) {
        return Some(format!(
            "its numbers have decimal commas (`{example}`), so that they are words; write points"
        ));
    }
    if let Some(example) = first(&per_cent).filter(|_| all(&per_cent)) {
        return Some(format!(
            "its values are per cents (`{example}`), so that they are words; write numbers"
        ));
    }
    let numbers = levels.iter().filter(|level| is_number(level)).count();
    let other = levels
        .iter()
        .find(|level| !is_number(level))
        .filter(|_| numbers as f64 > SHARE * levels.len() as f64)?;
    let row = (0..words.len()).find(|&row| words.word(row) == Some(other)).map_or(0, |row| row + 1);
    Some(format!(
        "{numbers} of its {} different values are numbers, but `{other}` (row {row}) is not, so that all are words; correct or remove it",
        levels.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn numbers_that_became_words_are_told() {
        let check = |texts: &[&str], expected: Option<&str>| {
            let mut words = Values::words();
            texts.iter().for_each(|text| words.push_word(Some(text)));
            let found = doubts(&frame(words), &DataOptions::default());
            let told = expected.map(|text| format!("column `x`: {text}"));
            assert_eq!(found, told.into_iter().collect::<Vec<_>>(), "{texts:?}");
        };
        check(
            &["1,5", "2,25", "3"],
            Some("its numbers have decimal commas (`1,5`), so that they are words; write points"),
        );
        check(
            &["62.3%", "1%", "5%"],
            Some("its values are per cents (`62.3%`), so that they are words; write numbers"),
        );
        let told = "3 of its 4 different values are numbers, but `hello` (row 3) is not, so that all are words; correct or remove it";
        check(&["1", "2", "hello", "3"], Some(told));
        check(&["red", "blue", "green", "7"], None);
        check(&["1", "x"], None);
        let mut words = Values::words();
        ["1", "2", "3", "x"].into_iter().for_each(|text| words.push_word(Some(text)));
        let roles: [fn(&mut DataOptions) -> &mut Option<String>; 3] =
            [|options| &mut options.label, |options| &mut options.id, |options| &mut options.text];
        for role in roles {
            let mut options = DataOptions::default();
            *role(&mut options) = Some("x".to_owned());
            assert!(doubts(&frame(words.clone()), &options).is_empty());
        }
    }

    fn frame(values: Values) -> DataFrame {
        DataFrame::new(vec![Column::new("x", values)]).unwrap()
    }

    #[test]
    fn names_and_numbers_of_rows_are_told() {
        let check = |values: Values, expected: Option<&str>| {
            let told = expected.map(|text| format!("column `x`: {text}"));
            assert_eq!(doubts(&frame(values), &DataOptions::default()), told.into_iter().collect::<Vec<_>>());
        };
        let words = |word: &dyn Fn(usize) -> String, rows: usize| {
            let mut words = Values::words();
            (0..rows).for_each(|row| words.push_word(Some(&word(row))));
            words
        };
        let numbers =
            |number: &dyn Fn(usize) -> f64, rows: usize| Values::Numbers((0..rows).map(number).collect());
        let names = |count: usize| {
            format!(
                "{count} different words in 20 rows, each of which would be an input of its own; write id=x \
                 if they name the rows, or drop=x"
            )
        };
        check(words(&|row| format!("n{row}"), 20), Some(&names(20)));
        check(words(&|row| format!("n{}", row.min(17)), 20), Some(&names(18)));
        check(words(&|row| format!("n{}", row.min(16)), 20), None);
        check(words(&|row| format!("n{row}"), 19), None);
        check(
            words(&|row| format!("a note on {row}"), 20),
            Some(
                "20 different texts in 20 rows, each of which would be an input of its own; write text=x to \
                 learn from them, or write id=x if they name the rows, or drop=x",
            ),
        );
        let numbered = "it numbers the rows, from 1 on, and tells nothing else of them; write id=x if it \
                        names them, or drop=x";
        check(numbers(&|row| (row + 1) as f64, 20), Some(numbered));
        // In another order: 7 and 20 have no common divisor.
        check(numbers(&|row| (7 * row % 20 + 1) as f64, 20), Some(numbered));
        check(numbers(&|row| (row + row / 19) as f64, 20), None);
        check(numbers(&|row| row.min(18) as f64, 20), None);
        check(numbers(&|row| row as f64 / 2.0, 20), None);
        check(numbers(&|row| row as f64, 19), None);
        check(numbers(&|_| f64::NAN, 20), None);
    }
}
