//! The result of a run in one sentence.

use crate::metrics::catalogue::{MEAN_RETURN, RETURN_LAST_100, START_VALUE, TEST_ERROR};
use serde_json::Value;

/// The most informative number of a summary, with its meaning; none without one.
///
/// ```
/// use potstill::run::headline;
/// use serde_json::json;
///
/// let summary = json!({ "mean_return": 487.25, "episodes": 100, "best_step": 4000 });
/// let expected = "mean return 487.25: the best evaluated model (step 4000), greedy, over 100 new episodes";
/// assert_eq!(headline(&summary).as_deref(), Some(expected));
/// ```
pub fn headline(summary: &Value) -> Option<String> {
    if summary["seeds"].is_number() {
        return over_seeds(summary);
    }
    let number = |key: &str| summary[key].as_f64();
    if let (Some(own), Some(teacher)) = (number(MEAN_RETURN), number("teacher_mean_return")) {
        let agreement = number("agreement").map_or(String::new(), |share| {
            format!("; both choose the same action in {} % of the states", short(100.0 * share))
        });
        return Some(format!(
            "mean return {} of the student, {} of its teacher, over 100 new episodes{agreement}",
            short(own),
            short(teacher)
        ));
    }
    if let Some(own) = number(MEAN_RETURN) {
        let step = number("best_step").map_or(String::new(), |step| format!(" (step {step})"));
        return Some(format!(
            "mean return {}: the best evaluated model{step}, greedy, over 100 new episodes",
            short(own)
        ));
    }
    if let Some(error) = number(TEST_ERROR) {
        let samples = number("test_samples").map_or(String::new(), |n| format!(" of {n} test samples"));
        let teacher = number("teacher_test_error")
            .map_or(String::new(), |error| format!("; its teacher's is {} %", short(100.0 * error)));
        return Some(format!("test error {} %{samples}{teacher}", short(100.0 * error)));
    }
    if let Some(mean) = number(RETURN_LAST_100) {
        let episodes = number("episodes").unwrap_or(100.0).min(100.0);
        return Some(format!(
            "mean return {} of the last {episodes} episodes, while learning (with exploration)",
            short(mean)
        ));
    }
    let value = number(START_VALUE)?;
    Some(match number("sweeps") {
        Some(sweeps) => format!("value of the start {}: exact, after {sweeps} sweeps", short(value)),
        None => format!("value of the start {}", short(value)),
    })
}

/// The result of a folder of seeds.
fn over_seeds(summary: &Value) -> Option<String> {
    let seeds = &summary["seeds"];
    let of = |key: &str| summary[key]["mean"].as_f64().map(|mean| (mean, &summary[key]["mean_ci95"]));
    let interval = |bounds: &Value, factor: f64| match (bounds[0].as_f64(), bounds[1].as_f64()) {
        (Some(low), Some(high)) => {
            format!(", 95 % interval {} to {}", short(factor * low), short(factor * high))
        }
        _ => String::new(),
    };
    if let Some((mean, bounds)) = of(MEAN_RETURN) {
        return Some(format!(
            "mean return {} over {seeds} seeds{}: the best evaluated model of each",
            short(mean),
            interval(bounds, 1.0)
        ));
    }
    if let Some((mean, bounds)) = of(TEST_ERROR) {
        return Some(format!(
            "test error {} % over {seeds} seeds{}",
            short(100.0 * mean),
            interval(bounds, 100.0)
        ));
    }
    let (mean, bounds) = of(RETURN_LAST_100)?;
    let bounds = interval(bounds, 1.0);
    Some(format!(
        "mean return {} over {seeds} seeds{bounds}: each one's last 100 episodes, while learning",
        short(mean)
    ))
}

/// At most two decimals.
fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.01 {
        return format!("{value:.3}");
    }
    // Zero has no sign.
    format!("{:.2}", value + 0.0).trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_result_is_told_with_its_meaning() {
        let check = |summary: Value, expected: Option<&str>| {
            assert_eq!(headline(&summary).as_deref(), expected, "{summary}");
        };
        check(
            json!({ "return_last_100": -61.56, "start_value": -13.0, "episodes": 500 }),
            Some("mean return -61.56 of the last 100 episodes, while learning (with exploration)"),
        );
        check(
            json!({ "return_last_100": -61.0, "episodes": 5 }),
            Some("mean return -61 of the last 5 episodes, while learning (with exploration)"),
        );
        check(
            json!({ "start_value": 0.414_640_362, "sweeps": 300 }),
            Some("value of the start 0.41: exact, after 300 sweeps"),
        );
        check(
            json!({ "test_error": 0.035_71, "test_samples": 360, "teacher_test_error": 0.0206 }),
            Some("test error 3.57 % of 360 test samples; its teacher's is 2.06 %"),
        );
        check(
            json!({ "mean_return": 500.0, "teacher_mean_return": 498.5, "agreement": 0.973 }),
            Some(
                "mean return 500 of the student, 498.5 of its teacher, over 100 new episodes; both choose the same action in 97.3 % of the states",
            ),
        );
        check(
            json!({ "seeds": 10, "return_last_100": { "mean": -27.0, "mean_ci95": [-28.5, -25.25], "iqm": -26.0 } }),
            Some(
                "mean return -27 over 10 seeds, 95 % interval -28.5 to -25.25: each one's last 100 episodes, while learning",
            ),
        );
        check(
            json!({ "seeds": 2, "mean_return": { "mean": 9.0, "mean_ci95": null } }),
            Some("mean return 9 over 2 seeds: the best evaluated model of each"),
        );
        check(json!({ "seconds": 3 }), None);
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (500.0, "500"),
            (-0.001, "-0.001"),
            (0.0, "0"),
            (-0.0, "0"),
            (0.5, "0.5"),
            (-10.0, "-10"),
            (1e6, "1000000"),
            (-0.55, "-0.55"),
        ] {
            assert_eq!(short(value), expected);
        }
    }
}
