//! The order of names: letters by letters, numbers by their values.

use std::cmp::Ordering;
use std::path::Path;

/// The order of two paths, in which `seed-9` is before `seed-10` and `alpha=0.5` before `alpha=1`.
///
/// ```
/// use potstill::store::by_name;
/// use std::path::Path;
///
/// let mut runs = ["grid/alpha=1", "grid/alpha=0.001", "grid/alpha=0.5", "grid-2"].map(Path::new);
/// runs.sort_by(|a, b| by_name(a, b));
/// assert_eq!(runs, ["grid/alpha=0.001", "grid/alpha=0.5", "grid/alpha=1", "grid-2"].map(Path::new));
/// ```
pub fn by_name(a: &Path, b: &Path) -> Ordering {
    let mut names = (a.components(), b.components());
    loop {
        let (ours, theirs) = match (names.0.next(), names.1.next()) {
            (Some(ours), Some(theirs)) => (ours.as_os_str(), theirs.as_os_str()),
            (ours, theirs) => return ours.is_some().cmp(&theirs.is_some()),
        };
        let order =
            natural(&ours.to_string_lossy(), &theirs.to_string_lossy()).then_with(|| ours.cmp(theirs));
        if order.is_ne() {
            return order;
        }
    }
}

/// The order of two names.
fn natural(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (ours, theirs) = (number(a), number(b));
        let order = match (ours, theirs) {
            (Some((x, _)), Some((y, _))) => x.total_cmp(&y),
            _ => a.chars().next().cmp(&b.chars().next()),
        };
        if order.is_ne() || a.is_empty() {
            return order;
        }
        let length = |text: &str, number: Option<(f64, usize)>| match number {
            Some((_, length)) => length,
            None => text.chars().next().map_or(0, char::len_utf8),
        };
        let both = ours.is_some() && theirs.is_some();
        (a, b) = (&a[length(a, ours.filter(|_| both))..], &b[length(b, theirs.filter(|_| both))..]);
    }
}

/// The number at the beginning of a text, digits with or without a fraction, and its length.
fn number(text: &str) -> Option<(f64, usize)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    let length = if fraction > 0 { whole + 1 + fraction } else { whole };
    let value = (whole > 0).then(|| text[..length].parse().ok()).flatten()?;
    Some((value, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_their_values() {
        let check = |ordered: &[&str]| {
            for pair in ordered.windows(2) {
                assert_eq!(natural(pair[0], pair[1]), Ordering::Less, "{pair:?}");
                assert_eq!(natural(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
            }
        };
        check(&["seed-2", "seed-9", "seed-10", "seed-100"]);
        check(&["", "alpha=0.05", "alpha=0.5", "alpha=0.5,epsilon=0", "alpha=1", "alpha=1_n", "beta"]);
        check(&["run", "run-2", "run-2-b", "run-10"]);
        assert_eq!(natural("läufe-2", "läufe-2"), Ordering::Equal);
    }
}
