//! Tests of the commands that inspect runs: runs, compare, plot, report, config.

mod common;

use common::{json, potstill};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const CLIFF: &str = "--env CliffWalking-v1 --episodes 200";

#[test]
fn runs_are_listed_with_their_state() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, &format!("train sarsa {CLIFF} --out all/done"));
    json(root, &format!("train sarsa {CLIFF} --seeds 3 --out all/deep/seeds"));
    let dqn = "train dqn --env CartPole-v1 --steps 3000 --set net_arch=mlp:8 --set checkpoint_freq=100";
    // Killed in the middle of a change to the disk.
    let mut crashed = Command::new(env!("CARGO_BIN_EXE_potstill"));
    crashed.current_dir(root).args(dqn.split_whitespace()).args(["--out", "all/crashed"]);
    crashed.env("POTSTILL_PAUSE_AT", "60").stderr(Stdio::piped());
    let mut crashed = crashed.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(crashed.stderr.take().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "paused\n");
    let state = |run: &str| {
        let runs = json(root, "runs all");
        let found =
            runs["runs"].as_array().unwrap().iter().find(|entry| entry["run"] == run).unwrap().clone();
        (found["state"].as_str().unwrap().to_owned(), found["resumable"].as_bool().unwrap(), found)
    };
    assert_eq!(state("all/crashed").0, "running");
    // No other process may write there.
    let refused = potstill(root, "resume all/crashed");
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert!(error.contains("all/crashed is in use by another process (process "), "{error}");
    crashed.kill().unwrap();
    crashed.wait().unwrap();
    let (word, resumable, entry) = state("all/crashed");
    assert_eq!((word.as_str(), resumable), ("crashed", true));
    assert!(entry["step"].as_u64().unwrap() > 0);
    assert_eq!(state("all/done").0, "finished");
    assert_eq!(state("all/done").2["score"]["name"], "return_last_100");
    assert_eq!(state("all/deep/seeds").2["seeds"], serde_json::json!({ "finished": 3, "all": 3 }));

    let failed = potstill(
        root,
        "train dqn --env CartPole-v1 --steps 3000 --set net_arch=mlp:8 --set learning_rate=1e30 --out all/failed",
    );
    let error = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: training stopped in CartPole-v1, seed 0, at step 1024: "), "{error}");
    assert!(error.ends_with("see all/failed/failure.json\n"), "{error}");
    assert!(root.join("all/failed/failure.safetensors").is_file());
    assert_eq!(state("all/failed").0, "failed");

    fs::write(root.join("all/done/config.toml"), "algorithm = 'sarsa'").unwrap();
    let (word, resumable, entry) = state("all/done");
    assert_eq!((word.as_str(), resumable), ("damaged", false));
    let problem = entry["problem"].as_str().unwrap();
    assert!(problem.starts_with("all/done/config.toml is cut off after 19 of "), "{problem}");
    let text = String::from_utf8(potstill(root, "runs all").stdout).unwrap();
    assert!(text.contains("crashed, resumable") && text.contains("3 of 3"), "{text}");
}

/// Runs behind links and under names that are no UTF-8; a link to a folder around it ends nowhere.
#[cfg(unix)]
#[test]
fn runs_behind_links_and_odd_names_are_listed() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, "train sarsa --env CliffWalking-v1 --episodes 5 --out disk/a");
    fs::create_dir(root.join("links")).unwrap();
    symlink("../disk/a", root.join("links/a")).unwrap();
    symlink("..", root.join("links/up")).unwrap();
    symlink("nowhere", root.join("links/dangling")).unwrap();
    let odd = root.join("links").join(std::ffi::OsStr::from_bytes(b"b\xff"));
    Command::new("cp").arg("-r").args([root.join("disk/a"), odd]).status().unwrap();
    let listed = |folder: &str| -> Vec<(String, String)> {
        let all = json(root, &format!("runs {folder}"));
        let text = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
        all["runs"].as_array().unwrap().iter().map(|run| (text(run, "run"), text(run, "state"))).collect()
    };
    let finished = |names: &[&str]| -> Vec<(String, String)> {
        names.iter().map(|name| (name.to_string(), "finished".to_owned())).collect()
    };
    assert_eq!(
        listed("links"),
        finished(&["links/a", "links/b\u{fffd}", "links/up/disk/a"]),
        "the link upwards is followed once"
    );
    assert_eq!(listed("disk"), finished(&["disk/a"]));
}

#[test]
fn a_run_without_its_checksums_is_told_of() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, "train sarsa --env CliffWalking-v1 --episodes 5 --out run");
    fs::remove_file(root.join("run/manifest.json")).unwrap();
    for command in ["eval run", "show run", "compare run", "export run --out run.safetensors"] {
        let output = potstill(root, command);
        assert!(output.status.success(), "{command}");
        let words = String::from_utf8(output.stderr).unwrap();
        let expected = "warning: run/manifest.json is missing: damage to the files of the run is not found; \
                        `potstill resume run` writes it again\n";
        assert_eq!(words, expected, "{command}");
    }
    assert!(potstill(root, "resume run").status.success());
    assert!(potstill(root, "eval run").stderr.is_empty());
}

#[test]
fn runs_are_compared_and_drawn() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, &format!("train sarsa {CLIFF} --seeds 4 --out s"));
    json(root, &format!("train q-learning {CLIFF} --seed 1 --out q"));
    let compared = json(root, "compare s q");
    let (s, q) = (&compared["runs"][0], &compared["runs"][1]);
    assert_eq!((&s["seeds"], &s["algorithm"], &q["seeds"]), (&4.into(), &"sarsa".into(), &1.into()));
    let key = "return_last_100";
    let of = |run: &Value, part: &str| run[key][part].as_f64().unwrap();
    let ends = |entry: &Value| [0, 1].map(|end| entry[key]["ci95"][end].as_f64().unwrap());
    assert!(ends(s)[0] < of(s, "iqm") && of(s, "iqm") < ends(s)[1]);
    assert_eq!(ends(q)[0], ends(q)[1]);
    // The same numbers as in the summary of the folder.
    let summary: Value = serde_json::from_slice(&fs::read(root.join("s/summary.json")).unwrap()).unwrap();
    assert_eq!(summary[key], s[key]);
    let text = String::from_utf8(potstill(root, "compare s q").stdout).unwrap();
    assert!(text.contains("CliffWalking-v1") && text.contains("Return while learning"), "{text}");

    for (file, start) in
        [("f.svg", &b"<svg"[..]), ("f.png", &b"\x89PNG"[..]), ("f.html", &b"<!doctype html>"[..])]
    {
        assert_eq!(json(root, &format!("plot s q --out {file}"))["out"], file);
        assert!(fs::read(root.join(file)).unwrap().starts_with(start), "{file}");
    }
    json(root, "plot q --out q.csv");
    let csv = fs::read_to_string(root.join("q.csv")).unwrap();
    assert!(csv.starts_with("step,time/episodes,rollout/ep_rew,"), "{csv}");
    assert_eq!(csv.lines().count(), 201);
    fs::remove_file(root.join("q/report.html")).unwrap();
    assert_eq!(json(root, "report q")["out"], "q/report.html");
    assert!(json(root, "resume q")["steps"].as_u64().unwrap() > 1000, "every file is as it should be");
    assert_eq!(json(root, "report s")["out"], "s/report.html");
    assert!(fs::read_to_string(root.join("s/report.html")).unwrap().contains("<svg"));

    for (arguments, expected) in [
        ("plot s q --out f.gif", "the name must end in .svg, .png, .html or .csv"),
        ("plot s q --out f.csv", "a .csv file is for one run"),
        ("plot q --metric train/los --out f.svg", "unknown metric `train/los`; known: time/episodes"),
        ("compare nowhere", "nowhere is not a run directory"),
        ("runs nowhere", "cannot list nowhere"),
        ("config dq", "unknown algorithm `dq`; did you mean `dqn`?"),
        ("resume q --steps 9", "q does not run for a number of steps"),
        ("resume nowhere", "nowhere is not a run directory: there is nothing there"),
    ] {
        let output = potstill(root, arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.starts_with("error: ") && error.contains(expected), "{arguments}: {error}");
    }
}

#[test]
fn a_printed_configuration_is_one() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let text = potstill(root, "config sarsa").stdout;
    fs::write(root.join("sarsa.toml"), text).unwrap();
    let from_file = json(root, &format!("train sarsa {CLIFF} --config sarsa.toml --out a"));
    let plain = json(root, &format!("train sarsa {CLIFF} --out b"));
    assert_eq!(from_file["return_last_100"], plain["return_last_100"]);
    let schema: Value = serde_json::from_slice(&potstill(root, "config --schema").stdout).unwrap();
    // One kind for each algorithm, and two of distillation.
    let algorithms = json(root, "algos")["algorithms"].as_array().unwrap().len();
    assert_eq!(schema["anyOf"].as_array().unwrap().len(), algorithms + 2);
    // A run's own file makes the same run again, also of several seeds and of a student.
    json(root, &format!("train sarsa {CLIFF} --seeds 2 --out c"));
    json(root, "train sarsa --config c/config.toml --out d");
    let dqn = "train dqn --env CartPole-v1 --steps 1500 --set net_arch=mlp:8";
    json(root, &format!("{dqn} --out teacher"));
    let few = "--set rounds=2 --set transfer_states=300 --set gradient_steps=100";
    json(root, &format!("distill --teacher teacher --student mlp:4 --env CartPole-v1 {few} --out e"));
    json(root, "distill --config e/config.toml --out f");
    for (one, other) in [("c/seed-1", "d/seed-1"), ("e", "f")] {
        let model = |run: &str| fs::read(root.join(run).join("model.safetensors")).unwrap();
        assert!(model(one) == model(other), "{one} {other}");
    }
}
