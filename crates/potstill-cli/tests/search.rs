//! Tests of searches: a distillation, or a training on data, with several values of some keys, or within a budget.

mod common;

use common::{potstill, result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;

/// Points of three classes about the corners of a triangle; `turn` moves the label of each on to the next class.
fn points(rows: usize, turn: usize) -> String {
    let row = |i: usize| {
        let corner = [[0.0, 0.0], [1.0, 0.1], [0.2, 1.0]][i % 3];
        let by = [(i * 37 % 29) as f64 / 29.0 - 0.5, (i * 53 % 31) as f64 / 31.0 - 0.5];
        let class = ["red", "green", "blue"][(i + turn) % 3];
        format!("{:.3},{:.3},{class}\n", corner[0] + 0.9 * by[0], corner[1] + 0.9 * by[1])
    };
    format!("x,y,colour\n{}", (0..rows).map(row).collect::<String>())
}

/// A folder with points, test points, the same test points with false labels, and a teacher.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in
        [("points.csv", points(240, 0)), ("test.csv", points(90, 0)), ("false.csv", points(90, 1))]
    {
        fs::write(dir.path().join(name), text).unwrap();
    }
    result(
        dir.path(),
        "train classifier --data points.csv:label=colour --test test.csv --net-arch mlp:32 --epochs 30 --out wide",
    );
    dir
}

const SEARCH: &str = "distill --teacher wide --data points.csv:label=colour --student mlp:2,mlp:8 --temperature 1,4 --alpha \
                      0.5,0.9 --seeds 3 --epochs 8 --learning-rate 0.01";

#[test]
fn a_search_chooses_by_validation_and_claims_of_new_seeds() {
    let dir = folder();
    let path = dir.path();
    let found = result(path, &format!("{SEARCH} --test test.csv --out search"));
    assert_eq!(found["sweep"].as_array().unwrap().len(), 8);
    let score = |point: &Value| point["summary"]["test_error"]["mean"].as_f64().unwrap();
    let tried = found["sweep"].as_array().unwrap();
    let least = tried.iter().map(score).fold(1.0, f64::min);
    // The lowest loss of those within one standard error of the fewest errors, of 48 samples.
    let share = (least * 48.0 + 2.0) / 52.0;
    let within = least + (share * (1.0 - share) / 48.0).sqrt();
    let nll = |point: &&Value| point["summary"]["student_distilled"]["nll"]["mean"].as_f64().unwrap();
    let best =
        tried.iter().filter(|point| score(point) <= within).min_by(|a, b| nll(a).total_cmp(&nll(b))).unwrap();
    assert_eq!(
        (&found["chosen"]["run"], &found["chosen"]["score"], &found["chosen"]["by"]),
        (&best["run"], &best["summary"]["test_error"]["mean"], &json!("test_error"))
    );
    // A fifth of the 240 training rows, and none of the 90 test rows.
    assert_eq!(found["chosen"]["validation_samples"], 48);
    let config = |run: &str| -> toml::Table {
        fs::read_to_string(path.join("search").join(run).join("config.toml")).unwrap().parse().unwrap()
    };
    let chosen = found["chosen"]["run"].as_str().unwrap();
    assert_eq!(config(chosen)["seed"].as_integer(), Some(0));
    let winner = config("winner");
    let of_winner = (
        winner["seed"].as_integer(),
        winner["seeds"].as_integer(),
        winner["validation_samples"].as_integer(),
    );
    assert_eq!(of_winner, (Some(3), Some(3), Some(0)));
    assert!(found["winner"]["student_distilled"]["test_error"]["mean"].as_f64().is_some());
    assert!(
        found["winner"]["student_labels"].is_object()
            && found["winner"]["distilled_minus_labels"].is_object()
    );
    let seed = |name: &str| -> Value {
        let text = fs::read_to_string(path.join("search").join(name).join("summary.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (of_search, of_winner) = (seed(&format!("{chosen}/seed-0")), seed("winner/seed-3"));
    assert_eq!((&of_search["train_samples"], &of_search["test_samples"]), (&json!(192), &json!(48)));
    assert_eq!((&of_winner["train_samples"], &of_winner["test_samples"]), (&json!(240), &json!(90)));
    assert!(of_search["student_labels"].is_null(), "combinations have no control");

    // With other labels of the test rows the same is chosen, from the same numbers.
    let blind = result(path, &format!("{SEARCH} --test false.csv --out blind"));
    let numbers = |found: &Value| -> Vec<Value> {
        found["sweep"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point["summary"]["test_error"].clone())
            .collect()
    };
    assert_eq!((numbers(&blind), &blind["chosen"]), (numbers(&found), &found["chosen"]));
    assert_ne!(
        blind["winner"]["student_distilled"]["test_error"],
        found["winner"]["student_distilled"]["test_error"]
    );

    // On one thread, and begun again in the middle: the same.
    let files = |folder: &str| -> Vec<Vec<u8>> {
        [chosen, "winner"]
            .map(|run| fs::read(path.join(folder).join(run).join("metrics.jsonl")).unwrap())
            .to_vec()
    };
    result(path, &format!("{SEARCH} --test test.csv --threads 1 --out single"));
    assert!(files("single") == files("search"));
    fs::remove_dir_all(path.join("single/winner")).unwrap();
    fs::remove_dir_all(path.join("single").join(chosen).join("seed-1")).unwrap();
    fs::remove_file(path.join("single").join(chosen).join("summary.json")).unwrap();
    let resumed = result(path, "resume single");
    assert!(files("single") == files("search"));
    assert_eq!(resumed["chosen"], found["chosen"]);

    let page = String::from_utf8(potstill(path, "show search").stdout).unwrap();
    for part in
        ["Chosen among 8 combinations", "by temperature and alpha", "Quality against size", "labels only"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(potstill(path, "report search").status.success());
    assert!(fs::read_to_string(path.join("search/report.html")).unwrap().contains("Choice"));

    // A search on other data is another one; a finished one is looked at without any.
    fs::write(path.join("points.csv"), points(239, 0)).unwrap();
    let output = potstill(path, "resume search");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && told.contains("not the data that the run was begun with"),
        "{told}"
    );
    fs::remove_file(path.join("points.csv")).unwrap();
    fs::remove_dir_all(path.join("wide")).unwrap();
    assert!(potstill(path, "show search").status.success());
}

#[test]
fn answers_out_of_fold_reach_every_row_of_a_run_with_a_validation_part() {
    let dir = folder();
    let path = dir.path();
    result(
        path,
        "train classifier --data points.csv:label=colour --net-arch mlp:8 --epochs 4 --test-samples 60 --validation-samples 50 --out \
         run",
    );
    result(path, "distill record --teacher run --folds 3 --out answers.csv");
    let text = fs::read_to_string(path.join("answers.csv")).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let logits: Vec<usize> = (0..head.len()).filter(|&i| head[i].starts_with("logit(")).collect();
    assert_eq!(logits.len(), 3, "{head:?}");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 240);
    assert!(rows.iter().all(|row| row[logits[0]] != row[logits[1]]), "a row has no answer");
    // The test part is that of other runs, not the validation part.
    assert_eq!(result(path, "eval run")["test_samples"], 60);
}

#[test]
fn students_stay_within_a_budget() {
    let dir = folder();
    let path = dir.path();
    let students = |found: &Value| -> BTreeSet<String> {
        let points = found["sweep"].as_array().unwrap().iter();
        points.map(|point| point["values"]["student"].as_str().unwrap().to_owned()).collect()
    };
    let on = "distill --teacher wide --data points.csv:label=colour --test test.csv --epochs 2";
    let found = result(path, &format!("{on} --budget 1.2KiB --out small"));
    for point in found["sweep"].as_array().unwrap() {
        let bytes = point["summary"]["student_distilled"]["bytes"].as_u64().unwrap();
        assert!(bytes <= 1228, "{point}");
    }
    let small = students(&found);
    assert!(small.contains("mlp") && small.contains("mlp:8") && !small.contains("mlp:64"), "{small:?}");
    // The widest that fits: one unit more has another 24 bytes.
    let widest =
        small.iter().filter_map(|student| student.strip_prefix("mlp:")?.parse::<u64>().ok()).max().unwrap();
    let bytes = |student: &str| {
        let one = result(path, &format!("{on} --student {student} --out {}", student.replace(':', "")));
        one["student_distilled"]["bytes"].as_u64().unwrap()
    };
    assert!(
        bytes(&format!("mlp:{widest}")) <= 1228 && bytes(&format!("mlp:{}", widest + 1)) > 1228,
        "{widest}"
    );

    let given = result(path, &format!("{on} --student mlp:4,mlp:2000 --budget 2KiB --out given"));
    assert_eq!(students(&given), BTreeSet::from(["mlp:4".to_owned()]));
    // The folder stands for its winner.
    for (run, out) in [("given", "folder"), ("given/winner", "winner")] {
        result(path, &format!("export {run} --to onnx --out {out}.onnx"));
    }
    assert!(fs::read(path.join("folder.onnx")).unwrap() == fs::read(path.join("winner.onnx")).unwrap());
    let words =
        String::from_utf8(potstill(path, &format!("{on} --student mlp:4,mlp:6 --out told")).stdout).unwrap();
    assert!(words.contains("\nWinner: told/winner\nFolder: told\n"), "{words}");
    // A second is enough for a row of every student.
    let fast = result(path, &format!("{on} --student mlp:4,mlp:8 --budget 1000ms --out fast"));
    assert_eq!(students(&fast).len(), 2);
}

#[test]
fn a_search_that_cannot_choose_is_refused() {
    let dir = folder();
    let check = |arguments: &str, expected: &str| {
        let output = potstill(dir.path(), &format!("{arguments} --out refused"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(told.contains(expected), "{arguments}: {told}");
        assert!(!dir.path().join("refused").exists(), "{arguments}: nothing is left behind");
    };
    let on = "distill --teacher wide --data points.csv:label=colour --test test.csv --epochs 2";
    check(&format!("{on} --student mlp:2,mlp:4 --validation-samples 0"), "never by the test");
    check(
        &format!("{on} --student mlp:2,mlp:4 --validation-samples 240"),
        "must leave something to train on",
    );
    check(&format!("{on} --student mlp:2,mlp:4 --validation-samples 0.0"), "never by the test");
    check(&format!("{on} --student mlp:2 --seed 1,2"), "--seeds N repeats each combination");
    check(&format!("{on} --student mlp:2 --split-seed 1,2"), "a search has one `split_seed`, not several");
    check(
        &format!("{on} --student tree:2,mlp:2 --budget 2KiB"),
        "the size of \"tree:2\" is known when it has grown",
    );
    // The chosen one would learn from 240 rows: 1 more than 239.
    let minibatches = "--student mlp:2:batchnorm,mlp:4:batchnorm --batch-size 239";
    check(&format!("{on} {minibatches}"), "leaves one of 240 samples");
    check(&format!("{on} --student mlp:2,mlp:2"), "one value is given twice");
    check(&format!("{on} --budget 100B"), "no student takes at most 100 bytes; a linear student takes");
    check(&format!("{on} --budget 16"), "write bytes, as in 16KiB, or a time for a row, as in 20us");
    check(&format!("{on} --student mlp:2,mlp:4 --temperature 1,0"), "temperature");
}

#[test]
fn trainings_on_data_are_searched_too() {
    let dir = folder();
    let found = result(
        dir.path(),
        "train classifier --data points.csv:label=colour --net-arch mlp:2,mlp:16 --epochs 10 --learning-rate 0.01 --seeds 2 \
         --out search",
    );
    assert_eq!(found["chosen"]["values"], json!({ "net_arch": "mlp:16" }));
    assert!(found["winner"]["test_error"]["mean"].as_f64().is_some());
    let few = "train classifier --data points.csv:label=colour --net-arch mlp:2,mlp:3 --epochs 1 --validation-samples 2e1 --out few";
    assert_eq!(result(dir.path(), few)["chosen"]["validation_samples"], 20);
    // A format before the path stays before it: the search can be continued from anywhere.
    let named =
        "train classifier --data csv:points.csv:label=colour --net-arch mlp:2,mlp:3 --epochs 1 --out named";
    result(dir.path(), named);
    result(&dir.path().join("few"), "resume ../named");
    let table = potstill(dir.path(), "resume search");
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("validation error, %") && table.contains("net_arch=mlp:16"), "{table}");
}
