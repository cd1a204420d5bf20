//! Tests of what a distillation says of itself: teacher, control and student beside each other, over seeds, and in its report.

mod common;

use common::{potstill, result};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const CLASSIFIERS: [&str; 3] = ["teacher", "student_labels", "student_distilled"];

/// A folder with a teacher of digits, which knows its training rows.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    result(dir.path(), "train classifier --data digits --net-arch mlp:64 --epochs 20 --seed 5 --out wide");
    dir
}

const STUDENT: &str = "distill --teacher wide --student mlp:8 --data digits --epochs 6 --seed 3";

#[test]
fn a_control_is_the_classifier_of_the_same_seed() {
    let dir = folder();
    let path = dir.path();
    let summary = result(path, &format!("{STUDENT} --out student"));
    let alone =
        result(path, "train classifier --data digits --net-arch mlp:8 --epochs 6 --seed 3 --out alone");
    for measure in
        ["test_error", "nll", "brier", "ece", "calibration_temperature", "calibrated_ece", "parameters"]
    {
        assert_eq!(summary["student_labels"][measure], alone[measure], "{measure}");
    }
    assert_eq!(summary["test_error"], summary["student_distilled"]["test_error"]);
    assert_ne!(summary["student_labels"]["nll"], summary["student_distilled"]["nll"]);
    // What is told of a model is what is found when it is evaluated.
    let found = result(path, "eval student");
    for measure in ["test_error", "nll", "brier", "ece", "bytes", "parameters"] {
        assert_eq!(summary["student_distilled"][measure], found[measure], "{measure}");
    }
    let file = fs::metadata(path.join("student/model.safetensors")).unwrap().len();
    assert_eq!(summary["student_distilled"]["bytes"], json!(file));
    assert_eq!(summary["teacher"]["agreement"], 1.0);
    for key in CLASSIFIERS {
        let latency = &summary[key]["latency_us"];
        assert!(
            latency["p50"].as_f64().unwrap() > 0.0 && latency["p50"].as_f64() <= latency["p99"].as_f64(),
            "{key}"
        );
        assert!(summary[key]["rows_per_second"].as_f64().unwrap() > 0.0, "{key}");
    }

    // Without a control: the same student.
    let without = result(path, &format!("{STUDENT} --control false --out without"));
    assert_eq!(without["student_labels"], Value::Null);
    let model = |run: &str| fs::read(path.join(run).join("model.safetensors")).unwrap();
    assert!(model("student") == model("without"));
    let metrics = |run: &str| fs::read_to_string(path.join(run).join("metrics.jsonl")).unwrap();
    assert!(metrics("student").contains("eval/test_error_labels"));
    assert!(!metrics("without").contains("labels"));
}

#[test]
fn seeds_have_intervals_from_three_on() {
    let dir = folder();
    let path = dir.path();
    let check = |seeds: u64, has_interval: bool| {
        let out = format!("of-{seeds}");
        let summary = result(path, &format!("{STUDENT} --seeds {seeds} --out {out}"));
        assert_eq!((&summary["command"], &summary["seeds"]), (&json!("distill"), &json!(seeds)));
        assert_eq!(summary["teacher"]["run"], "wide");
        for key in ["student_labels", "student_distilled"] {
            for measure in ["test_error", "nll", "ece", "agreement"] {
                let spread = &summary[key][measure];
                assert_eq!(spread["ci95"].is_array(), has_interval, "{key} {measure}: {spread}");
                assert!(spread["mean"].is_f64(), "{key} {measure}: {spread}");
            }
            assert!(
                summary[key]["parameters"].is_u64() && summary[key]["latency_us"]["p50"]["mean"].is_f64()
            );
        }
        // One seed is the run of that seed.
        let of = |seed: u64, key: &str| {
            let text = fs::read(path.join(format!("{out}/seed-{seed}/summary.json"))).unwrap();
            let summary: Value = serde_json::from_slice(&text).unwrap();
            summary[key]["test_error"].as_f64().unwrap()
        };
        let gains: Vec<f64> =
            (3..3 + seeds).map(|seed| of(seed, "student_distilled") - of(seed, "student_labels")).collect();
        let mean = gains.iter().sum::<f64>() / seeds as f64;
        let difference = &summary["distilled_minus_labels"]["test_error"];
        assert!((difference["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{difference}");
        assert_eq!(difference["mean_ci95"].is_array(), has_interval);
    };
    check(2, false);
    check(3, true);
    // A folder grows, and a finished one is read.
    let more = result(path, "resume of-2 --seeds 3");
    let three: Value = serde_json::from_slice(&fs::read(path.join("of-3/summary.json")).unwrap()).unwrap();
    for key in ["student_labels", "student_distilled"] {
        assert_eq!(more[key]["test_error"], three[key]["test_error"], "{key}");
    }
}

#[test]
fn the_terminal_says_what_was_gained_and_the_report_shows_it() {
    let dir = folder();
    let path = dir.path();
    let output = potstill(path, &format!("{STUDENT} --out student"));
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert!(
        first.contains("the student of 610 parameters makes ") && first.contains("; the teacher makes "),
        "{text}"
    );
    let heads = text.lines().find(|line| line.contains("labels only")).unwrap();
    let words: Vec<&str> = heads.split_whitespace().collect();
    assert_eq!(words, ["teacher", "labels", "only", "distilled"]);
    let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).map(str::to_owned);
    for name in
        ["test error, %", "NLL", "ECE, %", "agreement, %", "parameters", "bytes", "us a row", "rows a second"]
    {
        assert!(line(name).is_some(), "{name}: {text}");
    }
    let report = fs::read_to_string(path.join("student/report.html")).unwrap();
    for part in ["Calibration", "Errors by class", "differ most", "Soft targets", "Reliability: labels only"]
    {
        assert!(report.contains(part), "{part}");
    }
    // Made again from the files of the run.
    fs::remove_file(path.join("student/report.html")).unwrap();
    result(path, "report student");
    assert_eq!(fs::read_to_string(path.join("student/report.html")).unwrap(), report);
}

#[test]
fn a_folder_of_seeds_shows_what_one_run_shows_over_seeds() {
    let dir = folder();
    let path = dir.path();
    let output = potstill(path, &format!("{STUDENT} --seeds 3 --out three"));
    let printed = String::from_utf8(output.stdout).unwrap();
    let told = printed.lines().next().unwrap();
    assert!(told.contains("% errors of 500 test samples over 3 seeds with the teacher, "), "{told}");
    let report = fs::read_to_string(path.join("three/report.html")).unwrap();
    assert!(report.contains(&format!("<p class=\"lead\">Result: {told}.")), "{told}");
    let shown = String::from_utf8(potstill(path, "show three").stdout).unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&shown).starts_with(&format!("Result: {told}.")), "{shown}");
    let parts = [
        "mean [95 %], 3 seeds",
        "labels only",
        "distilled - labels",
        "Calibration",
        "Reliability: labels only",
        "after temperature scaling",
        "perfect calibration",
        "Errors by class",
        "differ most",
        "Soft targets",
    ];
    for part in parts {
        assert!(report.contains(part), "{part}");
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // One table in both, and one center: the mean of the seeds.
    let line = |text: &str, name: &str| -> String {
        text.lines().map(words).find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"))
    };
    for name in ["mean [95 %], 3 seeds", "test error, %", "NLL", "ECE after scaling, %", "agreement, %"] {
        assert_eq!(line(&printed, name), line(&shown, name));
    }
    let of = |seed: u64| -> Value {
        let text = fs::read(path.join(format!("three/seed-{seed}/summary.json"))).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let errors = [3, 4, 5].map(|seed| of(seed)["student_distilled"]["test_error"].as_f64().unwrap());
    let mean = format!("{:.2}", 100.0 * errors.iter().sum::<f64>() / 3.0);
    assert!(told.contains(&format!("makes {mean} % errors")), "{told}");
    assert!(line(&printed, "test error, %").contains(&format!(" {mean} [")), "{printed}");
    let of_seeds = line(&shown, "three distill");
    assert!(of_seeds.starts_with(&format!("three distill digits 3 {mean} [")), "{of_seeds}");
    assert!(shown.contains("Over seeds: means with 95 % intervals") && !shown.contains("IQM"), "{shown}");
    assert!(!printed.contains("interquartile"), "{printed}");
    // Three times 500 test samples.
    let matrix = |run: &str| -> u64 {
        let shown = common::json(path, &format!("show {run}"));
        let squares = shown["maps"][0]["squares"].as_array().unwrap().clone();
        squares.iter().map(|square| square["value"].as_f64().unwrap() as u64).sum()
    };
    assert_eq!((matrix("three"), matrix("three/seed-3")), (1500, 500));
    // Made again, and by a folder that has grown.
    fs::remove_file(path.join("three/report.html")).unwrap();
    result(path, "report three");
    assert_eq!(fs::read_to_string(path.join("three/report.html")).unwrap(), report);
    result(path, "resume three --seeds 4");
    assert!(fs::read_to_string(path.join("three/report.html")).unwrap().contains("mean [95 %], 4 seeds"));
}

#[test]
fn few_seeds_claim_nothing() {
    let dir = folder();
    let check = |seeds: &str, words: &str| {
        let output = potstill(dir.path(), &format!("{STUDENT}{seeds}"));
        let text = String::from_utf8(output.stdout).unwrap();
        let first = text.lines().next().unwrap();
        assert!(
            first.contains(&format!("; {words} cannot tell gain from chance: give --seeds 5; ")),
            "{first}"
        );
        assert!(!first.contains("fewer") && !first.contains("gained"), "{first}");
    };
    check("", "one seed");
    check(" --seeds 2", "two seeds");
}

#[test]
fn a_training_that_was_too_short_is_told() {
    let dir = folder();
    let path = dir.path();
    let check = |arguments: &str, epochs: u64, is_short: bool| {
        let summary = result(path, arguments);
        let remark = summary["remark"].as_str().unwrap_or_default().to_owned();
        let words = format!("the loss was still falling: the last tenth of the {epochs} epochs brought ");
        assert_eq!(remark.starts_with(&words), is_short, "{arguments}: {remark}");
        assert_eq!(remark.ends_with("more --epochs may help"), is_short, "{arguments}: {remark}");
    };
    check(&format!("{STUDENT} --out short"), 6, true);
    check(&format!("{STUDENT} --seeds 2 --out two"), 6, true);
    check("train classifier --data digits --net-arch mlp:8 --epochs 10 --out few", 10, true);
    check("train classifier --data digits --net-arch mlp:32 --epochs 60 --out long", 60, false);
    for run in ["short", "two"] {
        let shown = String::from_utf8(potstill(path, &format!("show {run}")).stdout).unwrap();
        let lead: Vec<&str> = shown.split("\n\n").next().unwrap().split_whitespace().collect();
        assert!(lead.join(" ").contains(". The loss was still falling: "), "{shown}");
    }
}

#[test]
fn a_teacher_without_answers_to_the_test_rows_has_no_figures() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let table = |rows: usize| -> String {
        let row = |i: usize| format!("{},{}\n", i as f64 / 10.0 - 3.0, if i < 30 { "low" } else { "high" });
        format!("x,class\n{}", (0..rows).map(row).collect::<String>())
    };
    fs::write(path.join("data.csv"), table(60)).unwrap();
    fs::write(path.join("test.csv"), table(60)).unwrap();
    let answers: String = (0..60).map(|i| if i < 30 { "0.9,0.1\n" } else { "0.2,0.8\n" }).collect();
    fs::write(path.join("answers.csv"), format!("p(low),p(high)\n{answers}")).unwrap();
    let distil = "distill --teacher answers.csv --student mlp:4 --data data.csv:label=class --test test.csv --epochs 20";
    let summary = result(path, &format!("{distil} --out student"));
    for measure in ["test_error", "nll", "ece", "agreement", "bytes", "latency_us"] {
        assert_eq!(summary["teacher"][measure], Value::Null, "{measure}");
    }
    assert_eq!(summary["student_distilled"]["agreement"], Value::Null);
    assert!(summary["student_labels"]["test_error"].is_f64());
    let text = String::from_utf8(potstill(path, &format!("{distil} --out again")).stdout).unwrap();
    assert!(text.contains("the teacher's errors are not known") && text.contains("not known "), "{text}");
}
