//! Checks of the lengths of slices.

/// The width of each of `samples` rows.
///
/// # Panics
/// If the rows are not of one width, above 0.
pub(super) fn width(rows: &[f32], samples: usize) -> usize {
    if samples == 0 && rows.is_empty() {
        return 1;
    }
    let is_whole = samples > 0 && !rows.is_empty() && rows.len().is_multiple_of(samples);
    assert!(is_whole, "{} numbers for {samples} samples", rows.len());
    rows.len() / samples
}

/// Checks that there is one discount per return.
pub(super) fn assert_pairs(returns: &[f32], discounts: &[f32]) {
    assert_eq!(discounts.len(), returns.len(), "one discount per return");
}
