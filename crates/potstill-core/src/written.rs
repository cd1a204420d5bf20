//! Numbers and truth values as people write them.
//!
//! ```
//! use potstill_core::written::{number, truth, whole};
//!
//! assert_eq!((whole("100k"), whole("1e5"), whole("100_000")), (Some(100_000), Some(100_000), Some(100_000)));
//! assert_eq!((number("2.5e-4"), number("1_000.5")), (Some(2.5e-4), Some(1000.5)));
//! assert_eq!((truth("True"), truth("off"), truth("maybe")), (Some(true), Some(false), None));
//! ```

/// A whole number from 0: digits, perhaps with `_` between them, in the form `1e5`, or in thousands or
/// millions (`100k`, `1.5M`). `None` for anything else, and for what is not whole or has more than 64 bits.
pub fn whole(text: &str) -> Option<u64> {
    let text = ungrouped(text)?;
    if let Ok(plain) = text.parse::<u64>() {
        return Some(plain);
    }
    let (digits, thousands) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 3),
        b'm' | b'M' => (&text[..text.len() - 1], 6),
        _ => (text.as_str(), 0),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) if thousands == 0 => (mantissa, exponent.parse::<i32>().ok()?),
        Some(_) => return None,
        None => (digits, 0),
    };
    decimal(mantissa, exponent.checked_add(thousands)?)
}

/// The whole number `mantissa * 10^exponent`, computed on its digits, so that no bit is lost.
fn decimal(mantissa: &str, exponent: i32) -> Option<u64> {
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let before = before.strip_prefix('+').unwrap_or(before);
    let digits = format!("{before}{}", after.trim_end_matches('0'));
    if before.is_empty() && after.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let zeros = i64::from(exponent) - after.trim_end_matches('0').len() as i64;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    if zeros >= 0 {
        return if zeros > 20 {
            None
        } else {
            format!("{digits}{}", "0".repeat(zeros as usize)).parse().ok()
        };
    }
    let kept = digits.len().checked_sub(usize::try_from(-zeros).ok()?)?;
    let (whole, fraction) = digits.split_at(kept);
    if whole.is_empty() || fraction.bytes().any(|digit| digit != b'0') { None } else { whole.parse().ok() }
}

/// A number: as [`str::parse`] takes it, perhaps with `_` between its digits. Not a number is none.
pub fn number(text: &str) -> Option<f64> {
    ungrouped(text)?.parse::<f64>().ok().filter(|number| !number.is_nan())
}

/// `true`, `yes`, `on` and `1` are true, `false`, `no`, `off` and `0` false, in any case.
pub fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The text without the `_` between digits; none if one stands elsewhere.
fn ungrouped(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_digit = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let misplaced = |(i, byte): (usize, &u8)| {
        *byte == b'_' && !(is_digit(i.checked_sub(1)) && is_digit(i.checked_add(1)))
    };
    if bytes.iter().enumerate().any(misplaced) { None } else { Some(text.replace('_', "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_exact_or_none() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("100_000", Some(100_000)),
            ("1e5", Some(100_000)),
            ("1E+5", Some(100_000)),
            ("2.5e3", Some(2500)),
            ("120e-1", Some(12)),
            ("5.0", Some(5)),
            ("100k", Some(100_000)),
            ("1.5M", Some(1_500_000)),
            ("2m", Some(2_000_000)),
            (" 10 ", Some(10)),
            ("18446744073709551615", Some(u64::MAX)),
            ("9007199254740993e0", Some(9_007_199_254_740_993)),
            ("0e999999999", Some(0)),
            ("18446744073709551616", None),
            ("1e20", None),
            ("1e999999999", None),
            ("1e99999999999", None),
            ("1e-999999999", None),
            ("2.5", None),
            ("1.0005k", None),
            ("-1", None),
            ("1e5k", None),
            ("k", None),
            (".", None),
            ("", None),
            ("_1", None),
            ("1__0", None),
            ("1_", None),
            ("ten", None),
            ("0x10", None),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_and_truths() {
        for (text, expected) in [
            ("1e-3", Some(1e-3)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-1_000", Some(-1000.0)),
            ("inf", Some(f64::INFINITY)),
            ("nan", None),
            ("100k", None),
            ("1,5", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        for (text, expected) in [
            ("TRUE", Some(true)),
            ("Yes", Some(true)),
            ("1", Some(true)),
            ("no", Some(false)),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(truth(text), expected, "{text}");
        }
    }
}
