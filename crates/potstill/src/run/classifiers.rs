//! Teacher, student of labels alone, and distilled student of a run, or of several seeds: in a sentence, in a table, and over
//! seeds.

use super::spread::spread;
use crate::jobs::{LABELS_TEST_RMSE, STUDENT_DISTILLED, STUDENT_LABELS, TEACHER};
use crate::metrics::catalogue::{NLL, TEST_ERROR, TEST_RMSE, difference_range};
use crate::report::{NOT_KNOWN, Table};
use crate::train::statistics::paired_difference;
use crate::words::counted;
use serde_json::{Map, Value, json};

/// The classifiers, with their titles.
const CLASSIFIERS: [(&str, &str); 3] =
    [(TEACHER, "teacher"), (STUDENT_LABELS, "labels only"), (STUDENT_DISTILLED, "distilled")];
/// The key that is true if all seeds have trained the same model.
pub(super) const SAME_MODEL: &str = "same_model";
/// The key of what the distilled student has more than the one of labels alone.
const DIFFERENCE: &str = "distilled_minus_labels";
/// The measures of which there is a difference.
const DIFFERENT: [&str; 5] = [TEST_ERROR, "nll", "brier", "ece", "agreement"];

/// The title of a classifier by its key.
pub(super) fn title_of(key: &str) -> &'static str {
    CLASSIFIERS.iter().find(|(known, _)| *known == key).map_or("classifier", |(_, title)| title)
}

/// The first line of costs, which are shown without intervals.
const COSTS: usize = 6;

/// A line of the table: title, place in a classifier's numbers, factor and digits after the point.
const LINES: [(&str, &str, f64, usize); 11] = [
    ("test error, %", "/test_error", 100.0, 2),
    ("NLL", "/nll", 1.0, 3),
    ("Brier score", "/brier", 1.0, 3),
    ("ECE, %", "/ece", 100.0, 1),
    ("ECE after scaling, %", "/calibrated_ece", 100.0, 1),
    ("agreement, %", "/agreement", 100.0, 1),
    ("parameters", "/parameters", 1.0, 0),
    ("bytes of the file", "/bytes", 1.0, 0),
    ("us a row, median", "/latency_us/p50", 1.0, 1),
    ("us a row, 99 %", "/latency_us/p99", 1.0, 1),
    ("rows a second", "/rows_per_second", 1.0, 0),
];

/// The numbers of teacher and students as a table, over seeds their means with 95 % intervals; none of
/// another summary.
///
/// ```
/// use potstill::run::classifier_table;
/// use serde_json::json;
///
/// let student = json!({ "test_error": 0.031, "parameters": 1234 });
/// let table = classifier_table(&json!({ "teacher": { "run": "wide" }, "student_distilled": student })).unwrap();
/// assert_eq!(table.head, ["", "teacher", "distilled"]);
/// assert_eq!(table.rows[0], ["test error, %", "not known", "3.10"]);
/// assert_eq!(classifier_table(&json!({ "test_error": 0.031 })), None);
/// ```
pub fn classifier_table(summary: &Value) -> Option<Table> {
    summary[STUDENT_DISTILLED].is_object().then_some(())?;
    let mut shown: Vec<(&str, &str)> =
        CLASSIFIERS.into_iter().filter(|(key, _)| summary[*key].is_object()).collect();
    if summary[DIFFERENCE].is_object() {
        shown.push((DIFFERENCE, "distilled - labels"));
    }
    let mut head = vec![center_words(summary)];
    head.extend(shown.iter().map(|(_, title)| (*title).to_owned()));
    let line = |(i, (title, place, factor, decimals)): (usize, (&str, &str, f64, usize))| {
        let found: Vec<Option<&Value>> = shown.iter().map(|(key, _)| known(&summary[*key], place)).collect();
        found.iter().any(Option::is_some).then(|| {
            let cell = |(value, (key, _)): (&Option<&Value>, &(&str, &str))| match value {
                Some(value) if place == "/rows_per_second" => {
                    mean_of(value).map_or(String::new(), |x| thousands(three_digits(x)))
                }
                Some(value) if i >= COSTS => {
                    mean_of(value).map_or(String::new(), |x| in_words(x, factor, decimals))
                }
                Some(value) => cell(value, factor, decimals),
                None if *key == TEACHER => NOT_KNOWN.to_owned(),
                None => String::new(),
            };
            let cells = found.iter().zip(&shown).map(cell);
            let title = match summary["validation_samples"].is_null() {
                true => title.to_owned(),
                false => title.replacen("test", "validation", 1),
            };
            std::iter::once(title).chain(cells).collect()
        })
    };
    Some(Table { head, rows: LINES.into_iter().enumerate().filter_map(line).collect() })
}

/// The words for the center of numbers over seeds; none for those of one run.
fn center_words(summary: &Value) -> String {
    let Some(seeds) = summary["seeds"].as_u64() else { return String::new() };
    let has_interval = summary[STUDENT_DISTILLED][TEST_ERROR]["mean_ci95"].is_array();
    format!("mean{}, {}", if has_interval { " [95 %]" } else { "" }, counted(seeds, "seed"))
}

/// A number, or a statistic of numbers.
fn known<'a>(numbers: &'a Value, place: &str) -> Option<&'a Value> {
    numbers.pointer(place).filter(|value| !value.is_null())
}

fn mean_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value["mean"].as_f64())
}

fn in_words(x: f64, factor: f64, decimals: usize) -> String {
    // Zero has no sign.
    format!("{:.decimals$}", factor * x + 0.0)
}

/// A measurement of a machine's speed, rounded to three digits.
fn three_digits(x: f64) -> f64 {
    let unit =
        std::iter::successors(Some(1.0), |unit| Some(10.0 * unit)).find(|unit| x.abs() < 1000.0 * unit);
    unit.filter(|_| x.is_finite()).map_or(x, |unit| unit * (x / unit).round())
}

/// A number, with its interval over seeds if there is one.
fn cell(value: &Value, factor: f64, decimals: usize) -> String {
    let words = |x: f64| in_words(x, factor, decimals);
    let mean = mean_of(value).map_or(String::new(), words);
    match (value["mean_ci95"][0].as_f64(), value["mean_ci95"][1].as_f64()) {
        (Some(low), Some(high)) if high - low > 1e-9 => format!("{mean} [{}, {}]", words(low), words(high)),
        _ => mean,
    }
}

/// The result of a distillation of classes in a sentence; none of another run. Nothing is claimed unless the
/// 95 % interval of the paired difference of errors, or of their negative log-likelihoods, is without 0.
pub(super) fn gain(summary: &Value) -> Option<String> {
    let error = |key: &str| mean_of(&summary[key][TEST_ERROR]).map(|error| 100.0 * error);
    let own = error(STUDENT_DISTILLED)?;
    let parameters = mean_of(&summary[STUDENT_DISTILLED]["parameters"]).unwrap_or_default();
    let on = summary["test_samples"].as_u64();
    let on = on.map_or(String::new(), |count| format!(" of {}", counted(count, measured_on(summary))));
    let seeds = summary["seeds"].as_u64();
    let over = seeds.map_or(String::new(), |seeds| format!(" over {}", counted(seeds, "seed")));
    let student =
        format!("the student of {} parameters makes {own:.2} % errors{on}{over}", thousands(parameters));
    let teacher = match error(TEACHER) {
        Some(error) => format!("; the teacher makes {error:.2} %"),
        None => "; the teacher's errors are not known".to_owned(),
    };
    let Some(labels) = error(STUDENT_LABELS) else { return Some(format!("{student}{teacher}")) };
    let both = format!("{student} with the teacher, {labels:.2} % without");
    let verdict = match Paired::of(summary, TEST_ERROR, 100.0) {
        Some(errors) => verdict(&both, &errors, Paired::of(summary, NLL, 1.0).as_ref()),
        None => format!("{both}; {}", without_interval(summary)),
    };
    Some(format!("{verdict}{teacher}"))
}

/// The words for a difference without an interval: of one model, however many seeds, or of too few seeds.
fn without_interval(summary: &Value) -> String {
    if summary[SAME_MODEL] == true {
        return "seeds do not change this student, which tells nothing of chance: try others of --split-seed"
            .to_owned();
    }
    format!("{} cannot tell gain from chance: give --seeds 5", few(summary["seeds"].as_u64().unwrap_or(1)))
}

/// The mean difference of the distilled student from the one of labels alone, over seeds, with its 95 %
/// interval.
struct Paired {
    mean: f64,
    low: f64,
    high: f64,
}

impl Paired {
    /// The difference of a measure, times a factor; none of too few seeds.
    fn of(summary: &Value, measure: &str, factor: f64) -> Option<Self> {
        let difference = &summary[DIFFERENCE][measure];
        let number = |value: &Value| value.as_f64().map(|number| factor * number);
        let (low, high) = (&difference["mean_ci95"][0], &difference["mean_ci95"][1]);
        Some(Self { mean: number(&difference["mean"])?, low: number(low)?, high: number(high)? })
    }

    /// Returns true if 0 is not in the interval.
    fn is_sure(&self) -> bool {
        self.high < 0.0 || self.low > 0.0
    }

    /// The size of the difference in words for less and for more, with the interval of this size.
    fn words(&self, [less, more]: [&str; 2], decimals: usize) -> String {
        let is_less = self.mean < 0.0;
        let (low, high) = if is_less { (-self.high, -self.low) } else { (self.low, self.high) };
        let (side, size) = (if is_less { less } else { more }, format!("{:.decimals$}", self.mean.abs()));
        format!("{}, 95 % interval {low:.decimals$} to {high:.decimals$}", side.replace("{}", &size))
    }
}

/// The result of a distillation of values beside a student of labels alone in a sentence; none of another run.
pub(super) fn gain_of_values(summary: &Value) -> Option<String> {
    let of = |key: &str| mean_of(&summary[key]);
    let (own, labels) = (of(TEST_RMSE)?, of(LABELS_TEST_RMSE)?);
    let seeds = summary["seeds"].as_u64();
    let over = seeds.map_or(String::new(), |seeds| format!(" over {}", counted(seeds, "seed")));
    let decimals = decimals_of(own.abs().max(labels.abs()));
    let both = format!(
        "root of the mean squared test error {own:.decimals$}{over} with the teacher, {labels:.decimals$} without"
    );
    let verdict = match Paired::of(summary, TEST_RMSE, 1.0) {
        Some(paired) if paired.is_sure() => {
            let begin = if paired.mean < 0.0 { "" } else { "the teacher does harm: " };
            format!("{begin}{both}: {}", paired.words(["{} less", "{} more"], decimals))
        }
        Some(_) => format!("nothing sure was gained: {both}; 0 is in the 95 % interval of the difference"),
        None => format!("{both}; {}", without_interval(summary)),
    };
    let teacher = of("teacher_test_rmse");
    let teacher = teacher.map_or(String::new(), |error| format!("; the teacher has {error:.decimals$}"));
    Some(format!("{verdict}{teacher}"))
}

/// The digits after the point by which a number of this size has about five digits: from 1 to 12.
fn decimals_of(size: f64) -> usize {
    let mut scaled = size;
    let digits = (1..=12).find(|_| {
        scaled *= 10.0;
        scaled >= 1e4
    });
    digits.unwrap_or(12)
}

/// The conclusion from the paired differences of errors and of negative log-likelihoods, around the sentence
/// on both students.
fn verdict(both: &str, errors: &Paired, nll: Option<&Paired>) -> String {
    let likelihood =
        nll.filter(|nll| nll.is_sure()).map(|nll| nll.words(["NLL lower by {}", "NLL higher by {}"], 3));
    if errors.is_sure() {
        let begin = if errors.mean < 0.0 { "" } else { "the teacher does harm: " };
        let likelihood = likelihood.map_or(String::new(), |words| format!("; {words}"));
        return format!(
            "{begin}{both}: {}{likelihood}",
            errors.words(["{} points fewer", "{} points more"], 2)
        );
    }
    match (likelihood, nll) {
        (Some(words), Some(nll)) => {
            let begin = if nll.mean < 0.0 { "" } else { "the teacher does harm: " };
            format!("{begin}{both}: no sure difference of errors (0 is in its 95 % interval), but {words}")
        }
        (_, Some(_)) => format!(
            "nothing sure was gained: {both}; 0 is in the 95 % intervals of the differences of errors and \
             of NLL"
        ),
        (_, None) => {
            format!("nothing sure was gained: {both}; 0 is in the 95 % interval of the difference")
        }
    }
}

/// A small number of seeds in words.
fn few(seeds: u64) -> String {
    match seeds {
        1 => "one seed".to_owned(),
        2 => "two seeds".to_owned(),
        _ => counted(seeds, "seed"),
    }
}

/// One of the samples that a run was measured on, in words.
pub(super) fn measured_on(summary: &Value) -> &'static str {
    if summary["validation_samples"].is_null() { "test sample" } else { "validation sample" }
}

/// A whole number with commas.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// Adds the statistics over seeds of every number of the classifiers to a summary, and those of the differences.
pub(super) fn add_over_seeds(all: &mut Value, summaries: &[Value]) {
    for (key, _) in CLASSIFIERS {
        let of_seeds: Vec<&Value> = summaries.iter().map(|summary| &summary[key]).collect();
        if !of_seeds.is_empty() && of_seeds.iter().all(|numbers| numbers.is_object()) {
            all[key] = over_seeds(key, &of_seeds);
        }
    }
    let differences = DIFFERENT.into_iter().filter_map(|measure| {
        let of = |key: &str| -> Option<Vec<f64>> {
            summaries.iter().map(|summary| summary[key][measure].as_f64()).collect()
        };
        let (labels, distilled) = (of(STUDENT_LABELS)?, of(STUDENT_DISTILLED)?);
        let difference = (!labels.is_empty()).then(|| paired_difference(&distilled, &labels))?;
        let difference = difference.within(difference_range(measure));
        Some((measure.to_owned(), json!({ "mean": difference.value, "mean_ci95": difference.interval })))
    });
    // A regression has its numbers beside each other.
    let numbers =
        |key: &str| -> Option<Vec<f64>> { summaries.iter().map(|summary| summary[key].as_f64()).collect() };
    let of_values = numbers(TEST_RMSE).zip(numbers(LABELS_TEST_RMSE)).filter(|(own, _)| !own.is_empty());
    let of_values = of_values.map(|(own, labels)| {
        let difference = paired_difference(&own, &labels);
        (TEST_RMSE.to_owned(), json!({ "mean": difference.value, "mean_ci95": difference.interval }))
    });
    let differences: Map<String, Value> = differences.chain(of_values).collect();
    if !differences.is_empty() {
        all[DIFFERENCE] = Value::Object(differences);
    }
}

/// Numbers of several seeds as statistics over them; what is no number is the first one's.
fn over_seeds(key: &str, values: &[&Value]) -> Value {
    if let Some(entries) = values[0].as_object() {
        let of_key = |key: &String| {
            let inner: Vec<&Value> = values.iter().map(|value| &value[key.as_str()]).collect();
            (key.clone(), over_seeds(key, &inner))
        };
        return Value::Object(entries.keys().map(of_key).collect());
    }
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.as_f64()).collect();
    match numbers {
        // The same in every seed, as the number of parameters.
        Some(numbers) if numbers.iter().all(|number| *number == numbers[0]) && values[0].is_u64() => {
            values[0].clone()
        }
        Some(numbers) => spread(key, &numbers),
        None => values[0].clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_told_or_that_there_is_none() {
        const STUDENT: &str = "the student of 12,345 parameters makes 3.00 % errors of 500 test samples";
        const BOTH: &str = "the student of 12,345 parameters makes 3.00 % errors of 500 test samples \
                            over 5 seeds with the teacher, 4.50 % without";
        let check = |labels: Value, seeds: Value, errors: Value, nll: Value, expected: &str| {
            let difference = |interval: Value| match (interval[0].as_f64(), interval[1].as_f64()) {
                (Some(low), Some(high)) => json!({ "mean": (low + high) / 2.0, "mean_ci95": interval }),
                _ => json!({ "mean": -0.015, "mean_ci95": interval }),
            };
            let summary = json!({
                "test_samples": 500,
                "seeds": seeds,
                "teacher": { "test_error": 0.02 },
                "student_labels": { "test_error": labels },
                "student_distilled": { "test_error": 0.03, "parameters": 12_345 },
                "distilled_minus_labels": { "test_error": difference(errors), "nll": difference(nll) },
            });
            let expected = format!("{expected}; the teacher makes 2.00 %");
            assert_eq!(gain(&summary), Some(expected), "{summary}");
        };
        let none = || Value::Null;
        check(none(), none(), none(), none(), STUDENT);
        // One and two seeds claim neither a gain nor that there is none.
        for labels in [0.045, 0.03, 0.01] {
            let without = 100.0 * labels;
            check(
                json!(labels),
                none(),
                none(),
                none(),
                &format!(
                    "{STUDENT} with the teacher, {without:.2} % without; one seed cannot tell gain from \
                     chance: give --seeds 5"
                ),
            );
            check(
                json!(labels),
                json!(2),
                none(),
                none(),
                &format!(
                    "{STUDENT} over 2 seeds with the teacher, {without:.2} % without; two seeds cannot tell \
                     gain from chance: give --seeds 5"
                ),
            );
        }
        let five = |errors: Value, nll: Value, expected: &str| {
            check(json!(0.045), json!(5), errors, nll, &expected.replace("BOTH", BOTH));
        };
        let unsure = || json!([-0.04, 0.01]);
        five(json!([-0.02, -0.01]), unsure(), "BOTH: 1.50 points fewer, 95 % interval 1.00 to 2.00");
        five(
            json!([-0.02, -0.01]),
            json!([0.1, 0.3]),
            "BOTH: 1.50 points fewer, 95 % interval 1.00 to 2.00; NLL higher by 0.200, 95 % interval 0.100 \
             to 0.300",
        );
        five(
            json!([0.01, 0.02]),
            unsure(),
            "the teacher does harm: BOTH: 1.50 points more, 95 % interval 1.00 to 2.00",
        );
        five(
            unsure(),
            json!([-0.3, -0.1]),
            "BOTH: no sure difference of errors (0 is in its 95 % interval), but NLL lower by 0.200, 95 % \
             interval 0.100 to 0.300",
        );
        five(
            json!([0.0, 0.0]),
            json!([0.1, 0.3]),
            "the teacher does harm: BOTH: no sure difference of errors (0 is in its 95 % interval), but NLL \
             higher by 0.200, 95 % interval 0.100 to 0.300",
        );
        five(
            unsure(),
            unsure(),
            "nothing sure was gained: BOTH; 0 is in the 95 % intervals of the differences of errors and of \
             NLL",
        );
        let copies = json!({
            "seeds": 3,
            "same_model": true,
            "student_labels": { "test_error": 0.08 },
            "student_distilled": { "test_error": 0.15, "parameters": 9 },
        });
        let told = "the student of 9 parameters makes 15.00 % errors over 3 seeds with the teacher, 8.00 % without; seeds do not \
                    change this student, which tells nothing of chance: try others of --split-seed; the teacher's errors are \
                    not known";
        assert_eq!(gain(&copies).as_deref(), Some(told));
        five(unsure(), none(), "nothing sure was gained: BOTH; 0 is in the 95 % interval of the difference");
        assert_eq!(gain(&json!({ "test_error": 0.1 })), None);
    }

    #[test]
    fn the_gain_of_a_regression_is_told() {
        let check = |seeds: Value, difference: Value, expected: &str| {
            let summary = json!({
                "seeds": seeds,
                "test_rmse": 2.5,
                "labels_test_rmse": 3.0,
                "teacher_test_rmse": 2.0,
                "distilled_minus_labels": { "test_rmse": { "mean": -0.5, "mean_ci95": difference } },
            });
            assert_eq!(
                gain_of_values(&summary),
                Some(format!("{expected}; the teacher has 2.0000")),
                "{summary}"
            );
        };
        const BOTH: &str = "root of the mean squared test error 2.5000 with the teacher, 3.0000 without";
        const OVER: &str =
            "root of the mean squared test error 2.5000 over 5 seeds with the teacher, 3.0000 without";
        check(
            Value::Null,
            Value::Null,
            &format!("{BOTH}; one seed cannot tell gain from chance: give --seeds 5"),
        );
        check(
            json!(5),
            json!([-0.75, -0.25]),
            &format!("{OVER}: 0.5000 less, 95 % interval 0.2500 to 0.7500"),
        );
        check(
            json!(5),
            json!([-1.25, 0.25]),
            &format!("nothing sure was gained: {OVER}; 0 is in the 95 % interval of the difference"),
        );
        assert_eq!(gain_of_values(&json!({ "test_rmse": 2.5 })), None);
    }

    #[test]
    fn speeds_have_three_digits() {
        let check = |rows: f64, expected: &str| {
            let student = json!({ "test_error": 0.1, "rows_per_second": rows });
            let table = classifier_table(&json!({ "student_distilled": student })).unwrap();
            assert_eq!(table.rows.last().unwrap()[1], expected, "{rows}");
        };
        check(12_345_678.9, "12,300,000");
        check(98_765.4, "98,800");
        check(999.6, "1,000");
        check(31.4, "31");
    }

    #[test]
    fn a_table_over_seeds_names_its_center() {
        let check = |seeds: Value, interval: Value, expected: &str| {
            let errors = json!({ "mean": 0.1, "mean_ci95": interval });
            let summary = json!({ "seeds": seeds, "student_distilled": { "test_error": errors } });
            assert_eq!(classifier_table(&summary).unwrap().head[0], expected);
        };
        check(Value::Null, Value::Null, "");
        check(json!(1), Value::Null, "mean, 1 seed");
        check(json!(2), Value::Null, "mean, 2 seeds");
        check(json!(3), json!([0.05, 0.15]), "mean [95 %], 3 seeds");
    }

    #[test]
    fn seeds_have_intervals_and_paired_differences() {
        let seed = |labels: f64, distilled: f64| {
            json!({
                "teacher": { "run": "wide", "parameters": 9000, "test_error": null },
                "student_labels": { "test_error": labels },
                "student_distilled": { "test_error": distilled, "latency_us": { "p50": distilled } },
            })
        };
        let mut all = json!({});
        add_over_seeds(&mut all, &[seed(0.10, 0.08), seed(0.20, 0.17), seed(0.30, 0.29)]);
        assert_eq!(all["teacher"], json!({ "run": "wide", "parameters": 9000, "test_error": null }));
        let mean = all["student_distilled"]["latency_us"]["p50"]["mean"].as_f64().unwrap();
        assert!((mean - 0.18).abs() < 1e-12, "{mean}");
        let difference = &all["distilled_minus_labels"]["test_error"];
        // -0.02, -0.03 and -0.01: a mean of -0.02, and an interval that is narrower than that of either error.
        assert!((difference["mean"].as_f64().unwrap() + 0.02).abs() < 1e-12, "{difference}");
        let width = |interval: &Value| interval[1].as_f64().unwrap() - interval[0].as_f64().unwrap();
        assert!(
            width(&difference["mean_ci95"]) < 0.5 * width(&all["student_labels"]["test_error"]["mean_ci95"])
        );
        // Two seeds have no interval.
        let mut two = json!({});
        add_over_seeds(&mut two, &[seed(0.10, 0.08), seed(0.20, 0.17)]);
        assert_eq!(two["distilled_minus_labels"]["test_error"]["mean_ci95"], Value::Null);
        let table = classifier_table(&two).unwrap();
        assert_eq!(table.rows[0], ["test error, %", "not known", "15.00", "12.50", "-2.50"]);
        // Neither an agreement nor the difference of two leaves what is possible: unclipped, 0, 1 and 1 reach from -0.77 to 2.1.
        let agreeing = |labels: f64, distilled: f64| json!({ "student_labels": { "agreement": labels }, "student_distilled": { "agreement": distilled } });
        let mut shares = json!({});
        add_over_seeds(&mut shares, &[agreeing(0.0, 0.0), agreeing(0.0, 1.0), agreeing(0.0, 1.0)]);
        assert_eq!(shares["student_distilled"]["agreement"]["mean_ci95"], json!([0.0, 1.0]));
        assert_eq!(shares["distilled_minus_labels"]["agreement"]["mean_ci95"][1], json!(1.0));
    }
}
