//! The result of a run in one sentence.

use super::classifiers::{gain, gain_of_values, measured_on};
use crate::algorithm::Algorithm;
use crate::metrics::catalogue::{
    BEHAVIOUR, MEAN_RETURN, RECORDED_EPISODES, RECORDED_RETURN, RETURN_LAST_100, START_VALUE, TEST_ERROR,
    TEST_RMSE,
};
use crate::words::{capital, counted};
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
    if let Some(gain) = gain(summary).or_else(|| gain_of_values(summary)) {
        return Some(gain);
    }
    if summary["seeds"].is_number() {
        return over_seeds(summary);
    }
    let number = |key: &str| summary[key].as_f64();
    let agreement = number("agreement")
        .map(|share| format!("choose the same action in {} % of the states", short(100.0 * share)));
    let distance = number("action_distance").map(|distance| format!("{distance:.3} of half the box"));
    if let (Some(own), Some(teacher)) = (number(MEAN_RETURN), number("teacher_mean_return")) {
        let agreement = agreement.map_or(String::new(), |agreement| format!("; both {agreement}"));
        let distance =
            distance.map_or(String::new(), |distance| format!("; their actions are {distance} apart"));
        return Some(format!(
            "mean return {} of the student, {} of its teacher, over 100 new episodes{agreement}{distance}",
            short(own),
            short(teacher)
        ));
    }
    // On recorded states, without an environment.
    if let Some(states) = number("transfer_states").filter(|_| number(MEAN_RETURN).is_none()) {
        let learned = format!("the student learned from {}", counted(states, "recorded state"));
        let compared = agreement.map(|words| format!("student and teacher {words} that were held out"));
        let compared = compared
            .or(distance.map(|words| format!("in others its actions are {words} from the teacher's")));
        return Some(compared.map_or(learned.clone(), |compared| format!("{learned}; {compared}")));
    }
    if let Some(own) = number(MEAN_RETURN) {
        if summary["command"] == "eval" {
            return Some(evaluated(summary, own));
        }
        if let (Some(episodes), Some(recorded)) = (number(RECORDED_EPISODES), number(RECORDED_RETURN)) {
            return Some(format!(
                "mean return {} of the last model, greedy, over 100 new episodes; {} {} {}",
                short(own),
                counted(episodes, "recorded episode"),
                if episodes == 1.0 { "has" } else { "have" },
                short(recorded)
            ));
        }
        let step = number("best_step").map_or(String::new(), |step| format!(" (step {step})"));
        return Some(format!(
            "mean return {}: the best evaluated model{step}, greedy, over 100 new episodes",
            short(own)
        ));
    }
    if let Some(error) = number(TEST_ERROR) {
        let on = measured_on(summary);
        let samples = number("test_samples").map_or(String::new(), |n| format!(" of {}", counted(n, on)));
        return Some(format!("test error {} %{samples}", short(100.0 * error)));
    }
    if let Some(error) = number(TEST_RMSE) {
        let samples =
            number("test_samples").map_or(String::new(), |n| format!(" of {}", counted(n, "test sample")));
        let teacher = number("teacher_test_rmse")
            .map_or(String::new(), |error| format!("; its teacher's is {}", short(error)));
        return Some(format!("root of the mean squared error {}{samples}{teacher}", short(error)));
    }
    let value = number(START_VALUE);
    if is_prediction(summary) {
        return Some(predicted(summary, value?));
    }
    if let Some(recorded) = number(RECORDED_EPISODES) {
        let learned = value.map_or(String::new(), |value| {
            format!("; the greedy policy's value of the start is {}", short(value))
        });
        return Some(format!("learned from {}{learned}", counted(recorded, "recorded episode")));
    }
    if let Some(mean) = number(RETURN_LAST_100) {
        let episodes = counted(number("episodes").unwrap_or(100.0).min(100.0), "episode");
        if let Some(run) = summary[BEHAVIOUR].as_str() {
            let learned = value.map_or(String::new(), |value| {
                format!("; the value of the start that was learned from it is {}", short(value))
            });
            return Some(format!(
                "mean return {} of the last {episodes}, in which {run} acted{learned}",
                short(mean)
            ));
        }
        return Some(format!(
            "mean return {} of the last {episodes}, while learning (with exploration)",
            short(mean)
        ));
    }
    let value = value?;
    Some(match number("sweeps") {
        Some(sweeps) => {
            format!("value of the start {}: exact, after {}", exact(value), counted(sweeps, "sweep"))
        }
        None => format!("value of the start {}", short(value)),
    })
}

/// The first words of a page: the result of a run, and the remark on it if there is one; none without a
/// result.
pub(crate) fn lead(summary: &Value) -> Option<String> {
    let result = headline(summary)?;
    let remark = summary["remark"].as_str().map_or(String::new(), |remark| format!(" {}.", capital(remark)));
    Some(format!("Result: {result}.{remark}"))
}

/// Returns true for the summary of a prediction algorithm, which judges a policy and has none of its own.
pub(crate) fn is_prediction(summary: &Value) -> bool {
    let algorithm = summary["algorithm"].as_str().and_then(|name| Algorithm::find(name).ok());
    algorithm.is_some_and(|algorithm| algorithm.family == "prediction")
}

/// The result of a prediction algorithm.
fn predicted(summary: &Value, value: f64) -> String {
    let count = |key: &str| summary[key].as_u64();
    let of = match (count(RECORDED_EPISODES), summary[BEHAVIOUR].as_str()) {
        (Some(recorded), _) => format!("the policy of {}", counted(recorded, "recorded episode")),
        (None, Some(run)) => format!("the policy of {run}"),
        (None, None) => "the uniformly random policy".to_owned(),
    };
    let episodes = counted(count("episodes").unwrap_or_default(), "episode");
    format!("value of the start {} under {of}, after {episodes}", short(value))
}

/// The result of a folder of seeds, with the center over seeds that tables of it show.
fn over_seeds(summary: &Value) -> Option<String> {
    let seeds = counted(&summary["seeds"], "seed");
    let (center, ends, name) = match summary["center"].as_str() {
        Some("IQM") => ("iqm", "ci95", "interquartile mean"),
        _ => ("mean", "mean_ci95", "mean"),
    };
    let of = |key: &str, factor: f64, unit: &str| {
        let value = summary[key][center].as_f64()?;
        let bounds = &summary[key][ends];
        let interval = match (bounds[0].as_f64(), bounds[1].as_f64()) {
            (Some(low), Some(high)) => {
                format!(", 95 % interval {} to {}", short(factor * low), short(factor * high))
            }
            _ => String::new(),
        };
        Some(format!("{}{unit} over {seeds}{interval}", short(factor * value)))
    };
    let teacher = |key: &str| {
        let value = summary[key]["mean"].as_f64();
        value.map_or(String::new(), |value| format!("; its teacher's is {}", short(value)))
    };
    if let Some(value) = of(MEAN_RETURN, 1.0, "") {
        let teacher = teacher("teacher_mean_return");
        if let Some(recorded) = summary[RECORDED_RETURN]["mean"].as_f64() {
            let recorded = short(recorded);
            return Some(format!(
                "{name} return {value}: the last model of each; recorded episodes have {recorded}"
            ));
        }
        let which = if summary["command"] == "eval" { "the model" } else { "the best evaluated model" };
        return Some(format!("{name} return {value}: {which} of each{teacher}"));
    }
    if let Some(value) = of(TEST_ERROR, 100.0, " %") {
        return Some(format!("{name} test error {value}"));
    }
    if let Some(value) = of(TEST_RMSE, 1.0, "") {
        return Some(format!(
            "{name} root of the mean squared test error {value}{}",
            teacher("teacher_test_rmse")
        ));
    }
    let learned = || Some(format!("{name} value of the start {}", of(START_VALUE, 1.0, "")?));
    if is_prediction(summary) {
        return learned();
    }
    match of(RETURN_LAST_100, 1.0, "") {
        Some(value) => Some(format!("{name} return {value}: each one's last 100 episodes, while learning")),
        None => learned(),
    }
}

/// The result of `eval`.
fn evaluated(summary: &Value, mean: f64) -> String {
    let interval = match (summary["mean_return_low"].as_f64(), summary["mean_return_high"].as_f64()) {
        (Some(low), Some(high)) => format!(", 95 % interval {} to {}", short(low), short(high)),
        _ => String::new(),
    };
    let episodes = counted(&summary["episodes"], "episode");
    format!("mean return {} over {episodes}{interval}, greedy", short(mean))
}

/// Nine decimals, without zeros at their end.
fn exact(value: f64) -> String {
    // Zero has no sign.
    format!("{:.9}", value + 0.0).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// At most two decimals.
fn short(value: f64) -> String {
    // Larger numbers would be rows of zeros.
    if value.abs() >= 1e15 {
        return format!("{value:e}");
    }
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
            Some("value of the start 0.414640362: exact, after 300 sweeps"),
        );
        check(
            json!({ "test_error": 0.035_71, "test_samples": 360 }),
            Some("test error 3.57 % of 360 test samples"),
        );
        check(
            json!({ "transfer_states": 3600, "agreement": 0.84 }),
            Some(
                "the student learned from 3600 recorded states; student and teacher choose the same action in 84 % of the \
                 states that were held out",
            ),
        );
        check(
            json!({ "transfer_states": 3600, "action_distance": 0.25 }),
            Some(
                "the student learned from 3600 recorded states; in others its actions are 0.250 of half the box from the \
                 teacher's",
            ),
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
            json!({ "mean_return": 500.0, "last_return": 500.0, "recorded_episodes": 898, "recorded_return": 22.25 }),
            Some(
                "mean return 500 of the last model, greedy, over 100 new episodes; 898 recorded episodes have 22.25",
            ),
        );
        check(
            json!({ "seeds": 2, "mean_return": { "mean": 9.0 }, "recorded_return": { "mean": 22.25 } }),
            Some("mean return 9 over 2 seeds: the last model of each; recorded episodes have 22.25"),
        );
        check(
            json!({ "seeds": 2, "mean_return": { "mean": 9.0, "mean_ci95": null } }),
            Some("mean return 9 over 2 seeds: the best evaluated model of each"),
        );
        check(json!({ "seconds": 3 }), None);
        check(
            json!({ "return_last_100": -61.0, "episodes": 1 }),
            Some("mean return -61 of the last 1 episode, while learning (with exploration)"),
        );
        check(
            json!({
                "seeds": 3,
                "test_rmse": { "mean": 2.5, "mean_ci95": [2.25, 2.75] },
                "teacher_test_rmse": { "mean": 2.0 },
            }),
            Some(
                "mean root of the mean squared test error 2.5 over 3 seeds, 95 % interval 2.25 to 2.75; its \
                 teacher's is 2",
            ),
        );
        check(
            json!({ "seeds": 3, "center": "IQM", "mean_return": { "mean": 9.0, "iqm": 9.5, "ci95": [9.0, 10.0] } }),
            Some(
                "interquartile mean return 9.5 over 3 seeds, 95 % interval 9 to 10: the best evaluated model of each",
            ),
        );
        check(
            json!({ "command": "eval", "mean_return": 9.4, "episodes": 10, "mean_return_low": 9.0, "mean_return_high": 9.75 }),
            Some("mean return 9.4 over 10 episodes, 95 % interval 9 to 9.75, greedy"),
        );
        // From what others did.
        check(
            json!({ "algorithm": "q-learning", "recorded_episodes": 300, "episodes": 3000, "start_value": -13.0 }),
            Some("learned from 300 recorded episodes; the greedy policy's value of the start is -13"),
        );
        check(
            json!({ "algorithm": "sarsa", "behaviour": "bold", "episodes": 400, "return_last_100": -20.5, "start_value": -30.0 }),
            Some(
                "mean return -20.5 of the last 100 episodes, in which bold acted; the value of the start that was learned from it is -30",
            ),
        );
        // Of a policy that is judged.
        check(
            json!({ "algorithm": "td-prediction", "episodes": 100, "return_last_100": 0.49, "start_value": 0.48 }),
            Some("value of the start 0.48 under the uniformly random policy, after 100 episodes"),
        );
        check(
            json!({ "algorithm": "monte-carlo-prediction", "episodes": 40, "recorded_episodes": 4, "start_value": 0.25 }),
            Some("value of the start 0.25 under the policy of 4 recorded episodes, after 40 episodes"),
        );
        check(
            json!({ "algorithm": "td-prediction", "seeds": 3, "return_last_100": { "mean": 0.5 }, "start_value": { "mean": 0.4, "mean_ci95": [0.3, 0.5] } }),
            Some("mean value of the start 0.4 over 3 seeds, 95 % interval 0.3 to 0.5"),
        );
    }

    #[test]
    fn a_page_begins_with_the_result_and_the_remark() {
        let check = |summary: Value, expected: Option<&str>| assert_eq!(lead(&summary).as_deref(), expected);
        check(json!({ "test_error": 0.04 }), Some("Result: test error 4 %."));
        let remark = "more may help";
        check(
            json!({ "test_error": 0.04, "remark": remark }),
            Some("Result: test error 4 %. More may help."),
        );
        check(json!({ "remark": remark }), None);
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
            (-1.5e300, "-1.5e300"),
            (-0.55, "-0.55"),
        ] {
            assert_eq!(short(value), expected);
        }
    }
}
