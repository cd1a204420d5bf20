//! Columns that look as if they should hold numbers, and are words because of some of their values.

use super::frame::{DataFrame, Values};

/// A share of different values above which a column of words should perhaps have been one of numbers.
const SHARE: f64 = 0.5;
/// Different values below which nothing is said.
const LEVELS_MIN: usize = 3;

/// A sentence on each column of words that looks like one of numbers, but for those in `roles`, such as names of rows.
pub(crate) fn doubts(frame: &DataFrame, roles: &[Option<&str>]) -> Vec<String> {
    let columns = frame.columns().iter().filter(|column| !roles.contains(&Some(column.name.as_str())));
    columns
        .filter_map(|column| doubt(&column.values).map(|doubt| format!("column `{}`: {doubt}", column.name)))
        .collect()
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
            let found = doubts(&DataFrame::new(vec![Column::new("x", words)]).unwrap(), &[Some("y")]);
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
        assert!(doubts(&DataFrame::new(vec![Column::new("y", words)]).unwrap(), &[Some("y")]).is_empty());
    }
}
