//! Statistics of a number over seeds, as summaries have them.

use crate::metrics::catalogue;
use crate::train::statistics::Center;
use serde_json::{Value, json};

/// Mean and interquartile mean of a score over seeds, with 95 % intervals, which are null for fewer than three
/// seeds and stay in the range of the score; `ci95` is that of the interquartile mean.
pub(crate) fn spread(key: &str, values: &[f64]) -> Value {
    let of = |center: Center| center.estimate(values).within(catalogue::range(key));
    let (iqm, mean) = (of(Center::Iqm), of(Center::Mean));
    json!({ "mean": mean.value, "mean_ci95": mean.interval, "iqm": iqm.value, "ci95": iqm.interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_stays_in_the_range_of_its_score() {
        // Unclipped, the mean's interval of three such errors begins below 0.
        let errors = [0.0, 0.02, 0.9];
        let check = |key: &str, is_clipped: bool| {
            let spread = spread(key, &errors);
            for interval in ["mean_ci95", "ci95"] {
                let (low, high) =
                    (spread[interval][0].as_f64().unwrap(), spread[interval][1].as_f64().unwrap());
                assert_eq!((low >= 0.0, high <= 1.0), (is_clipped, is_clipped), "{key}: {low} to {high}");
            }
        };
        check("test_error", true);
        check("agreement", true);
        check("calibrated_ece", true);
        check("return_last_100", false);
    }
}
