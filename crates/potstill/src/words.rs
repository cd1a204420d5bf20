//! Words of messages and pages: numbers with their nouns, sentences.
//!
//! ```
//! use potstill::words::{capital, counted};
//!
//! assert_eq!((counted(1, "row"), counted(2, "class")), ("1 row".to_owned(), "2 classes".to_owned()));
//! assert_eq!(capital("so it is"), "So it is");
//! ```

use std::fmt::Display;

/// A number with its noun, in the plural unless the number is 1.
pub fn counted(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    match &*count {
        "1" => format!("1 {noun}"),
        _ => format!("{count} {}", plural(noun)),
    }
}

/// The regular plural of a noun: rows, classes, copies, keys.
fn plural(noun: &str) -> String {
    let stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    match stem {
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with(['s', 'x']) => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}

/// Names in a row, and of many the first `shown` with their number.
pub fn in_short(names: &[String], shown: usize) -> String {
    match names.get(..shown) {
        Some(first) if names.len() > shown => {
            format!("{}, ... ({} in all)", first.join(", "), names.len())
        }
        _ => names.join(", "),
    }
}

/// The text with a capital at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_the_first_of_them() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let check = |shown: usize, expected: &str| assert_eq!(in_short(&names, shown), expected);
        check(2, "a, b, ... (3 in all)");
        check(3, "a, b, c");
        check(4, "a, b, c");
    }

    #[test]
    fn one_is_singular_and_all_else_plural() {
        let check = |count: u64, noun: &str, expected: &str| assert_eq!(counted(count, noun), expected);
        check(1, "column", "1 column");
        check(0, "column", "0 columns");
        check(2, "class", "2 classes");
        check(11, "epoch", "11 epochs");
        check(3, "box", "3 boxes");
        check(2, "copy", "2 copies");
        check(2, "key", "2 keys");
        check(21, "test sample", "21 test samples");
        assert_eq!(counted(serde_json::json!(1), "seed"), "1 seed");
    }
}
