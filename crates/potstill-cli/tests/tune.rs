//! Tests of searches in rounds: `potstill tune`.

mod common;

use common::{potstill, refused, result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Six evaluations a trial: brackets of 3 trials with 2 evaluations, and of 2 trials without an early end.
const POLE: &str = "tune dqn --env CartPole-v1 --steps 600 --eval-freq 100 --eval-episodes 2 --learning-starts 50 --trials 8 \
                    --round 2 --search learning_rate=log:1e-4:1e-2 --search net_arch=mlp:4|mlp:8,8 --search \
                    batch_size=int-log:8:32 --winner-seeds 3";

/// The files of a search that must be the same however it was run.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let runs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut runs: Vec<_> = runs.filter(|path| path.is_dir()).collect();
    runs.extend((1..=3).map(|seed| folder.join(format!("winner/seed-{seed}"))));
    runs.sort();
    let mut files = vec![("study".to_owned(), fs::read(folder.join("study.json")).unwrap())];
    for run in runs {
        for name in ["config.toml", "metrics.jsonl"] {
            let contents = fs::read(run.join(name)).unwrap();
            files.push((format!("{}/{name}", run.strip_prefix(folder).unwrap().display()), contents));
        }
    }
    files
}

/// The result without what depends on the clock and the folder.
fn lasting(mut result: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(entries) => {
                entries.retain(|key, _| !["seconds", "out"].contains(&key.as_str()));
                entries.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut result);
    result
}

/// The names of files that differ.
fn differing(a: &Path, b: &Path) -> Vec<String> {
    let (a, b) = (files(a), files(b));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
    a.into_iter().zip(b).filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0).collect()
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    for prune in ["hyperband", "median"] {
        let search = format!("{POLE} --prune {prune}");
        let [one, many, killed] = ["one", "many", "killed"].map(|name| format!("{prune}-{name}"));
        let whole = result(path, &format!("{search} --threads 1 --out {one}"));
        let wide = result(path, &format!("{search} --threads 3 --out {many}"));
        assert_eq!(differing(&path.join(&one), &path.join(&many)), [""; 0], "{prune} on three threads");
        assert_eq!(lasting(wide), lasting(whole.clone()));

        // Killed again and again, at other moments, and continued.
        let mut arguments = format!("{search} --threads 2 --out {killed}");
        for pause in [60, 110, 170, 90, 240, 130, 310] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
            command.current_dir(path).args(arguments.split_whitespace());
            let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(pause));
            // It may have ended.
            let _ = process.kill();
            process.wait().unwrap();
            if path.join(&killed).join("tune.toml").is_file() {
                arguments = format!("resume {killed}");
            }
        }
        let resumed = result(path, &arguments);
        assert_eq!(differing(&path.join(&one), &path.join(&killed)), [""; 0], "{prune}, killed");
        assert_eq!(lasting(resumed), lasting(whole));
        let journal = fs::read_to_string(path.join(&killed).join("journal.log")).unwrap();
        assert_eq!(told(&journal), told(&fs::read_to_string(path.join(&one).join("journal.log")).unwrap()));
    }
}

/// The entries of a journal without their times, in no order.
fn told(journal: &str) -> BTreeSet<String> {
    let entry = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        for key in ["datetime_start", "datetime_complete", "study_name"] {
            entry.as_object_mut().unwrap().remove(key);
        }
        entry.to_string()
    };
    let entries: Vec<String> = journal.lines().map(entry).collect();
    let distinct: BTreeSet<String> = entries.iter().cloned().collect();
    assert_eq!(distinct.len(), entries.len(), "an entry stands twice");
    distinct
}

#[test]
fn the_best_trial_is_run_again_with_new_seeds() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let found = result(path, &format!("{POLE} --prune hyperband --out search"));
    let tune = &found["tune"];
    // Brackets of 3, 2 and 3 trials, whose thirds go on.
    assert_eq!(
        [&tune["finished"], &tune["pruned"], &tune["failed"]].map(|count| count.as_u64().unwrap()),
        [4, 4, 0]
    );
    assert_eq!(
        (&tune["evaluations"], &tune["evaluations_without_pruning"]),
        (&json!(4 * 6 + 4 * 2), &json!(48))
    );
    let finished = found["sweep"].as_array().unwrap();
    let score = |point: &Value| point["summary"]["mean_return"].as_f64().unwrap();
    let best = finished.iter().map(score).fold(0.0, f64::max);
    assert_eq!(
        (&found["chosen"]["by"], found["chosen"]["score"].as_f64()),
        (&json!("mean_return"), Some(best))
    );
    let winner = &found["winner"];
    assert!(winner["mean_return"]["iqm"].is_f64() && winner["mean_return"]["ci95"].is_array(), "{winner}");
    let config = |run: &str| -> toml::Table {
        fs::read_to_string(path.join("search").join(run).join("config.toml")).unwrap().parse().unwrap()
    };
    let (chosen, again) = (config(found["chosen"]["run"].as_str().unwrap()), config("winner"));
    assert_eq!((chosen["seed"].as_integer(), again["seed"].as_integer()), (Some(0), Some(1)));
    assert_eq!(again["seeds"].as_integer(), Some(3));
    for key in ["learning_rate", "net_arch", "batch_size"] {
        assert_eq!(chosen[key], again[key], "{key}");
    }

    // The folder stands for its winner, and is looked at as other searches are.
    let words = String::from_utf8(potstill(path, "show search").stdout).unwrap();
    for part in [
        "Chosen among 4 finished of 8 trials (4 stopped early) by return",
        "of 3 new seeds",
        "32 of 48 evaluations, 67 %",
    ] {
        assert!(words.replace('\n', " ").contains(part), "{part}: {words}");
    }
    for part in ["Progress of the search", "best so far", "stopped early, or failed"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(fs::read_to_string(path.join("search/report.html")).unwrap().contains("Progress of the search"));
    result(path, "export search/winner/seed-1 --to onnx --out one.onnx");
    // Trials that were stopped are marked, and can go on as runs of their own.
    let listed = result(path, "runs search");
    let listed = listed["runs"].as_array().unwrap();
    let pruned: Vec<&Value> = listed.iter().filter(|run| run["state"] == "pruned").collect();
    assert_eq!(pruned.len(), 4);
    let one = pruned[0]["run"].as_str().unwrap();
    assert_eq!(result(path, &format!("resume {one}"))["steps"], 600);
    let again = result(path, "resume search");
    assert_eq!(lasting(again), lasting(found));
    let listed = result(path, "runs search");
    let states =
        |state: &str| listed["runs"].as_array().unwrap().iter().filter(|run| run["state"] == state).count();
    assert_eq!((states("pruned"), states("finished")), (3, 6));
}

#[test]
fn a_training_on_data_is_chosen_by_validation_never_by_the_test() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let points = |rows: usize, turn: usize| {
        let row = |i: usize| {
            let corner = [[0.0, 0.0], [1.0, 0.1], [0.2, 1.0]][i % 3];
            let by = [(i * 37 % 29) as f64 / 29.0 - 0.5, (i * 53 % 31) as f64 / 31.0 - 0.5];
            let class = ["red", "green", "blue"][(i + turn) % 3];
            format!("{:.3},{:.3},{class}\n", corner[0] + 0.9 * by[0], corner[1] + 0.9 * by[1])
        };
        format!("x,y,colour\n{}", (0..rows).map(row).collect::<String>())
    };
    for (name, text) in
        [("points.csv", points(240, 0)), ("test.csv", points(90, 0)), ("false.csv", points(90, 1))]
    {
        fs::write(path.join(name), text).unwrap();
    }
    let search = "tune classifier --data points.csv:label=colour --epochs 9 --net-arch mlp:8 --trials 6 --round 3 --sampler \
                  quasi-random --prune halving --search learning_rate=log:1e-3:1e-1 --winner-seeds 2";
    let found = result(path, &format!("{search} --test test.csv --out search"));
    let blind = result(path, &format!("{search} --test false.csv --out blind"));
    assert_eq!(blind["chosen"], found["chosen"]);
    assert_ne!(blind["winner"]["test_error"], found["winner"]["test_error"]);
    assert_eq!(
        (&found["chosen"]["by"], &found["chosen"]["validation_samples"]),
        (&json!("test_error"), &json!(48))
    );
    // Nine epochs: six trials to one, two to three, one to the end.
    assert_eq!(found["tune"]["evaluations"], 6 + 2 * 2 + 6);
    assert_eq!(found["winner"]["test_samples"], 90);
    // The folder is looked at without its data, which it needs to go on.
    fs::remove_file(path.join("points.csv")).unwrap();
    assert!(potstill(path, "show search").status.success());
    assert_eq!(potstill(path, "resume search").status.code(), Some(2));
    let direction: Value = serde_json::from_str(
        fs::read_to_string(path.join("search/journal.log")).unwrap().lines().next().unwrap(),
    )
    .unwrap();
    assert_eq!(direction["directions"], json!([1]));
}

#[test]
fn trials_that_fail_are_told_and_others_chosen() {
    let dir = TempDir::new().unwrap();
    let path = dir.path();
    let search = "tune dqn --env CartPole-v1 --steps 400 --eval-freq 200 --eval-episodes 2 --learning-starts 50 --optimizer sgd \
                  --net-arch mlp:8 --trials 4 --round 4 --sampler quasi-random --winner-seeds 1";
    let found = result(path, &format!("{search} --search learning_rate=1e-3|1e25 --out search"));
    for trial in found["tune"]["trials"].as_array().unwrap() {
        let is_wild = trial["values"]["learning_rate"].as_f64() > Some(1.0);
        assert_eq!((trial["state"] == "failed", trial["error"].is_string()), (is_wild, is_wild), "{trial}");
    }
    assert_eq!(found["chosen"]["values"]["learning_rate"], 1e-3);
    // One new seed is a run of its own, for which the folder stands.
    result(path, "export search --to onnx --out winner.onnx");
    let output = potstill(path, &format!("{search} --search learning_rate=1e24|1e25 --out wild"));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && words.contains("all 4 trials of wild failed; the first: "),
        "{words}"
    );
}

#[test]
fn what_cannot_be_searched_is_refused() {
    let dir = TempDir::new().unwrap();
    let pole = "tune dqn --env CartPole-v1 --steps 1000 --trials 2 --out none";
    let check = |arguments: &str, words: &str| refused(dir.path(), arguments, words);
    check(pole, "`tune` needs --search KEY=RANGE");
    check(
        &format!("{pole} --search lerning_rate=log:1e-4:1e-2"),
        "unknown key `lerning_rate` (--search); did you mean `learning_rate`?",
    );
    check(
        &format!("{pole} --search learning_rate=log:1e-2:1e-4"),
        "`learning_rate` (--search): the first number must be below the second",
    );
    check(
        &format!("{pole} --search learning_rate=uniform:-1:1"),
        "`learning_rate` (--search): must be 0 or above",
    );
    check(
        "tune cql --env CartPole-v1 --data random:200 --steps 20 --set eval_freq=0 --search gamma=0.9|0.99",
        "a search chooses by returns, and these trials measure none",
    );
    check(
        &format!("{pole} --search gamma=0.9|0.99 --set record=all.jsonl"),
        "--record is for one run: the trials would write to one place",
    );
    check(&format!("{pole} --search learning_rate"), "write --search KEY=RANGE");
    check(&format!("{pole} --search gamma=0.9"), "`gamma` (--search): write log:A:B or uniform:A:B");
    check(&format!("{pole} --search gamma=0.9|0.90"), "`gamma` (--search): one value is given twice");
    check(&format!("{pole} --search gamma=0.9|x"), "`gamma` (--search): expected a number");
    check(&format!("{pole} --search net_arch=log:1:2"), "`net_arch` (--search)");
    check(
        &format!("{pole} --search batch_size=uniform:1:2"),
        "expected whole numbers, int:A:B or int-log:A:B",
    );
    check(
        &format!("{pole} --gamma 0.9 --search gamma=0.9|0.99"),
        "`gamma` has a value (command line) and a --search; leave one out",
    );
    check(&format!("{pole} --search gamma=0.9|0.99 --search gamma=0.8|0.9"), "one key is given twice");
    check(&format!("{pole} --search seed=int:1:9"), "a search has one `seed`, not several; --winner-seeds N");
    check(
        &format!("{pole} --search eval_freq=int:1:9"),
        "a search has one `eval_freq`: trials are compared as they are measured",
    );
    check(
        "tune dqn --env CartPole-v1 --search steps=int:10:900 --prune halving --out none",
        "compares trials of one length",
    );
    check(
        &format!("{pole} --search gamma=0.9|0.99 --prune hyperbant"),
        "expected none, median, halving or hyperband",
    );
    check(&format!("{pole} --search gamma=0.9|0.99 --sampler bayes"), "expected random, quasi-random or tpe");
    check(
        &format!("{pole} --search gamma=0.9|0.99 --eval-freq 0 --prune median"),
        "stops trials by their evaluations",
    );
    check(
        "tune dqn --env CartPole-v1 --search gamma=0.9|0.99 --trials 0 --out none",
        "write a whole number from 1 to 10000",
    );
    check(
        "tune semi-gradient-sarsa --env MountainCar-v0 --episodes 50 --search gamma=0.9|0.99 --prune halving --out none",
        "needs a length in --steps",
    );
    check(
        "tune q-learning --env CliffWalking-v1 --episodes 50 --search alpha=uniform:0.1:1 --prune median --out none",
        "has no evaluations while it learns",
    );
    check(
        "tune value-iteration --env FrozenLake-v1 --search gamma=0.9|0.99 --out none",
        "has no score to choose by",
    );
    check("tune dqn --env CartPol-v1 --steps 100 --search gamma=0.9|0.99 --out none", "unknown environment");
    check(&format!("{pole} --search net_arch=mlp:8|mlp:99999"), "mlp:99999");
    check("tune dnq --env CartPole-v1 --search gamma=0.9|0.99 --out none", "did you mean `dqn`?");
}

#[test]
fn a_table_is_searched_by_its_returns_while_learning() {
    let dir = TempDir::new().unwrap();
    let found = result(
        dir.path(),
        "tune q-learning --env CliffWalking-v1 --episodes 60 --trials 5 --round 5 --search alpha=uniform:0.05:1 --winner-seeds 3 \
         --out search",
    );
    assert_eq!(found["chosen"]["by"], "return_last_100");
    assert_eq!(found["tune"]["finished"], 5);
    let damaged = |name: &str, text: &str, words: &str| {
        let path = dir.path().join("search").join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, text).unwrap();
        let output = potstill(dir.path(), "resume search");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(words), "{told}");
        assert_eq!(told.trim_end().lines().count(), 1);
        fs::write(&path, whole).unwrap();
    };
    damaged("tune.toml", "[tune]", "has no right");
    damaged("tune.toml", "tune = ", "not valid TOML");
    damaged("study.json", "{}", "study.json has no trials");
    result(dir.path(), "resume search");
}
