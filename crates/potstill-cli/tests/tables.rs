//! Tests of tabular algorithms, planners and recordings on the command line.

mod common;

use common::{json, potstill};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn planners_tell_what_the_start_is_worth() {
    let dir = TempDir::new().unwrap();
    for (arguments, value, iterations) in [
        ("value-iteration --env FrozenLake8x8-v1 --set gamma=0.99", 0.414_640_362, 100..2000),
        ("policy-iteration --env Taxi-v4", 7.93, 1..10),
        ("modified-policy-iteration --env DynaMaze --set gamma=0.95", 0.513_342_083, 1..50),
        ("value-iteration --env CliffWalking-v1 --set epsilon=0.1", -20.707_677, 10..500),
    ] {
        let result = json(dir.path(), &format!("train {arguments}"));
        assert!((number(&result["start_value"]) - value).abs() < 1e-6, "{result}");
        assert!(iterations.contains(&result["iterations"].as_u64().unwrap()), "{result}");
        assert!(number(&result["residual"]) < 1e-9, "{result}");
        // The planned policy can be played.
        let evaluated = json(dir.path(), &format!("eval {} --episodes 50", result["out"].as_str().unwrap()));
        assert!(number(&evaluated["mean_return"]) > -30.0, "{evaluated}");
    }
    let late =
        potstill(dir.path(), "train value-iteration --env FrozenLake-v1 --set max_sweeps=5 --out late");
    let words = String::from_utf8(late.stderr).unwrap();
    assert_eq!(late.status.code(), Some(1), "{words}");
    assert!(words.contains("after 5 sweeps; give a larger --set tolerance or max_sweeps"), "{words}");
}

#[test]
fn many_seeds_are_one_job() {
    let dir = TempDir::new().unwrap();
    let command =
        "train sarsa --env CliffWalking-v1 --episodes 500 --seeds 60 --set alpha=0.5 --set epsilon=0.1";
    let result = json(dir.path(), &format!("{command} --threads 1 --out one"));
    let last = &result["return_last_100"];
    // 2,000 seeds of other programs give -26.6 to -27.1; the spread between seeds is 7.
    assert!((number(&last["mean"]) - -26.9).abs() < 4.5, "{last}");
    let interval = [number(&last["ci95"][0]), number(&last["ci95"][1])];
    assert!(interval[0] < number(&last["iqm"]) && number(&last["iqm"]) < interval[1], "{last}");
    let metrics = fs::read_to_string(dir.path().join("one/metrics.jsonl")).unwrap();
    let lines: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[499]["time/episodes"]), (500, &json!(500)));
    let mean = lines[400..].iter().map(|line| number(&line["rollout/ep_rew"])).sum::<f64>() / 100.0;
    assert!((mean - number(&last["mean"])).abs() < 1e-9, "{mean} {last}");
    // The answer does not depend on the number of threads.
    json(dir.path(), &format!("{command} --threads 2 --out two"));
    for file in ["metrics.jsonl", "seed-0/model.safetensors", "seed-59/model.safetensors"] {
        let read = |run: &str| fs::read(dir.path().join(run).join(file)).unwrap();
        assert!(read("one") == read("two"), "{file}");
    }
}

#[test]
fn a_policy_is_learned_from_what_others_did() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    let recorded =
        json(root, "play --env CliffWalking-v1:max_episode_steps=200 --episodes 300 --record walks.jsonl");
    assert_eq!(recorded["episodes"], 300);
    for algorithm in ["q-learning", "double-q-learning", "q-lambda", "tree-backup", "dyna-q --set gamma=1"] {
        let result = json(root, &format!("train {algorithm} --data walks.jsonl --set alpha=0.5"));
        assert!((number(&result["start_value"]) - -13.0).abs() < 0.5, "{algorithm}: {result}");
        // The returns are those of the recorded policy, and no score of the run.
        assert_eq!((&result["recorded_episodes"], &result["return_last_100"]), (&json!(300), &Value::Null));
        assert_eq!(result["remark"], Value::Null, "{algorithm}");
        let evaluated = json(root, &format!("eval {} --episodes 3", result["out"].as_str().unwrap()));
        assert_eq!(evaluated["mean_return"], -13.0, "{algorithm}");
    }
    // Prediction from data evaluates the recorded policy: here all episodes begin in one state and terminate,
    // so that the mean is exact.
    let recorded = json(root, "play --env FrozenLake-v1 --episodes 2000 --record lake.jsonl");
    let predicted = json(root, "train monte-carlo-prediction --data lake.jsonl");
    assert!(
        (number(&predicted["start_value"]) - number(&recorded["mean_return"])).abs() < 1e-9,
        "{predicted}"
    );
    // A run can only be resumed with its original data.
    json(root, "train q-learning --data walks.jsonl --out begun");
    fs::remove_file(root.join("begun/summary.json")).unwrap();
    let walks = fs::read_to_string(root.join("walks.jsonl")).unwrap();
    fs::write(root.join("walks.jsonl"), walks.replacen("-1.0", "-2.0", 1)).unwrap();
    let refused = potstill(root, "resume begun --fallback");
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("it is not the file that the run was begun with"), "{words}");
}

#[test]
fn data_are_found_from_anywhere() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    json(root, "play --env FrozenLake-v1 --episodes 200 --record lake.jsonl");
    json(root, "train q-learning --data lake.jsonl --steps 3000 --out whole");
    json(root, "train q-learning --data lake.jsonl --steps 1000 --out part");
    let elsewhere = root.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    json(&elsewhere, "resume ../part --steps 3000");
    let model = |run: &str| fs::read(root.join(run).join("model.safetensors")).unwrap();
    assert!(model("part") == model("whole"));
}

#[test]
fn an_episode_without_an_end_fails_with_a_word() {
    let dir = TempDir::new().unwrap();
    let command = "train off-policy-monte-carlo --env CliffWalking-v1 --episodes 3 --set exploration=boltzmann --set temperature=0.001";
    let output = potstill(dir.path(), &format!("{command} --out endless"));
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.contains("an episode of 1000000 steps has not ended")
            && words.contains("max_episode_steps=1000"),
        "{words}"
    );
    assert!(dir.path().join("endless/failure.json").is_file());
}

#[test]
fn another_run_acts() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    json(root, "train q-learning --env CliffWalking-v1 --episodes 500 --out bold");
    let command = "train sarsa --env CliffWalking-v1 --episodes 400 --set behaviour=bold";
    let result = json(root, &format!("{command} --out follower"));
    // It walks along the edge from the first episode on.
    assert!(number(&result["return_last_100"]) > -120.0, "{result}");
    let first = fs::read_to_string(root.join("follower/metrics.jsonl")).unwrap();
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert!(number(&first["rollout/ep_len"]) < 60.0, "{first}");
    // The run has a copy of the other's table, and continues without the other.
    json(root, &format!("{command} --set checkpoint_freq=500 --out kept"));
    fs::remove_dir_all(root.join("bold")).unwrap();
    let model = fs::read(root.join("kept/model.safetensors")).unwrap();
    for lost in ["model.safetensors", "summary.json"] {
        fs::remove_file(root.join("kept").join(lost)).unwrap();
    }
    json(root, "resume kept --fallback");
    assert!(fs::read(root.join("kept/model.safetensors")).unwrap() == model);
    assert!(fs::read(root.join("follower/model.safetensors")).unwrap() == model);
}

#[test]
fn a_run_is_shown_with_its_maps() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    json(root, "train value-iteration --env CliffWalking-v1 --out best");
    let text = String::from_utf8(potstill(root, "show best").stdout).unwrap();
    for row in [
        "  -14 -13 -12 -11 -10  -9  -8  -7  -6  -5  -4  -3    → → → → → → → → → → → ↓\n",
        "  -12 -11 -10  -9  -8  -7  -6  -5  -4  -3  -2  -1    → → → → → → → → → → → ↓\n",
        "  -13   C   C   C   C   C   C   C   C   C   C   G    ↑ C C C C C C C C C C G\n",
    ] {
        assert!(text.contains(row), "{text}");
    }
    json(root, "train q-learning --env CliffWalking-v1 --episodes 300 --out learned");
    let shown = json(root, "show learned");
    assert_eq!(shown["maps"].as_array().unwrap().len(), 2);
    let squares = shown["maps"][1]["squares"].as_array().unwrap();
    let visits: f64 = squares.iter().filter_map(|square| square["value"].as_f64()).sum();
    assert_eq!(visits, number(&shown["summary"]["steps"]));
    let report = fs::read_to_string(root.join("learned/report.html")).unwrap();
    assert_eq!(report.matches("<svg class=\"map\"").count(), 2);
    assert!(String::from_utf8(potstill(root, "play learned").stdout).unwrap().contains("return -13"));
}

#[test]
fn results_of_the_book_are_reproduced() {
    let dir = TempDir::new().unwrap();
    for (name, claims) in [("cliff", 7), ("dyna-maze", 4), ("double-q", 9), ("windy", 4)] {
        // Few runs have wide intervals: only a gross error would show, but the text is complete.
        let output = potstill(dir.path(), &format!("reproduce {name} --runs 30 --out {name} --json"));
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(result["claims"].as_array().unwrap().len(), claims, "{result}");
        let agrees = result["verdict"] == "agrees";
        assert_eq!(output.status.code(), Some(i32::from(!agrees)), "{result}");
        let wrong =
            result["claims"].as_array().unwrap().iter().filter(|claim| claim["verdict"] != "agrees").count();
        assert!(wrong <= 2, "{result}");
        for file in ["README.md", "raw.csv", "report.html", "figure.svg", "summary.json"] {
            assert!(dir.path().join(name).join(file).is_file(), "{name}/{file}");
        }
    }
    let again = potstill(dir.path(), "reproduce windy --runs 30 --threads 1 --out again --json");
    assert!(again.status.code().is_some_and(|code| code < 2));
    for file in ["README.md", "raw.csv", "report.html", "figure.svg", "summary.json"] {
        let read = |folder: &str| fs::read_to_string(dir.path().join(folder).join(file)).unwrap();
        assert_eq!(read("again"), read("windy"), "{file} depends on the folder or on threads");
    }
    let given = potstill(dir.path(), "reproduce windy --data a.csv --json");
    assert_eq!(given.status.code(), Some(2));
    let message = String::from_utf8_lossy(&given.stderr);
    assert!(message.contains("`windy` is measured without data; leave --data out"), "{message}");
    let unknown = potstill(dir.path(), "reproduce wind --json");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("unknown result `wind`; did you mean `windy`?")
    );
}

#[test]
fn the_pace_is_measured() {
    let dir = TempDir::new().unwrap();
    let result = json(dir.path(), "bench tabular --seconds 0.1");
    assert_eq!((&result["algorithm"], &result["env"]), (&json!("q-learning"), &json!("CliffWalking-v1")));
    assert!(number(&result["updates_per_second"]) > 10_000.0, "{result}");
}
