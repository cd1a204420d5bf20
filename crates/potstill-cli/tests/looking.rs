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

#[test]
fn an_unfinished_learner_of_data_has_no_score() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, "train classifier --data digits --net-arch mlp:8 --epochs 2 --out all/wide");
    let check = |name: &str, arguments: &str| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_potstill"));
        run.current_dir(root).args(arguments.split_whitespace());
        run.args(["--set", "checkpoint_freq=20", "--out", &format!("all/{name}")]);
        // Killed in the middle of a change to the disk.
        let mut run = run.env("POTSTILL_PAUSE_AT", "60").stderr(Stdio::piped()).spawn().unwrap();
        let mut words = String::new();
        let mut stderr = std::io::BufReader::new(run.stderr.take().unwrap());
        while !words.ends_with("paused\n") {
            assert!(std::io::BufRead::read_line(&mut stderr, &mut words).unwrap() > 0, "{words}");
        }
        run.kill().unwrap();
        run.wait().unwrap();
        let runs = json(root, "runs all");
        let entry =
            runs["runs"].as_array().unwrap().iter().find(|entry| entry["run"] == format!("all/{name}"));
        let entry = entry.unwrap();
        assert_eq!((&entry["state"], &entry["score"]), (&"crashed".into(), &Value::Null), "{name}");
        assert!(entry["step"].as_u64().unwrap() > 0);
        let text = String::from_utf8(potstill(root, "runs all").stdout).unwrap();
        let line = text.lines().find(|line| line.contains(&format!("all/{name}"))).unwrap();
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        // Run, state, algorithm, data, seeds, step, score, seconds.
        assert_eq!((cells[1], cells[6]), ("crashed, resumable", "-"), "{line}");
    };
    check("classifier", "train classifier --data digits --net-arch mlp:8");
    check("regression", "train regression --data digits:target=label --net-arch mlp:8");
    check("student", "distill --teacher all/wide --data digits --student mlp:4");
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
        finished(&["links/a", "links/b\u{fffd}"]),
        "the link upwards is not followed"
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
    // One seed has no interval.
    assert!(q[key]["ci95"].is_null() && q[key]["mean_ci95"].is_null(), "{q}");
    // The same numbers as in the summary of the folder.
    let summary: Value = serde_json::from_slice(&fs::read(root.join("s/summary.json")).unwrap()).unwrap();
    assert_eq!(summary[key], s[key]);
    let text = String::from_utf8(potstill(root, "compare s q").stdout).unwrap();
    assert!(
        text.contains("CliffWalking-v1") && text.contains("Return of an episode")
            || text.contains("Return while learning"),
        "{text}"
    );

    for (file, start) in [
        ("f.svg", &b"<svg"[..]),
        ("f.png", &b"\x89PNG"[..]),
        ("f.pdf", &b"%PDF-1.4"[..]),
        ("f.html", &b"<!doctype html>"[..]),
    ] {
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
        ("plot s q --out f.gif", "the name must end in .svg, .png, .pdf, .html or .csv"),
        ("plot s q --out f.csv --smooth 9", "--smooth has no effect with --out f.csv: the numbers are those"),
        (
            "plot s q --out f.html --title T",
            "--title has no effect with --out f.html: a page has every chart",
        ),
        ("plot s q --out f.svg --axis time", "axis time: write steps or episodes"),
        ("compare s q --center median", "center median: write mean or iqm"),
        ("plot s q --out f.svg --size 10x10", "size 10x10: write WIDTHxHEIGHT"),
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
fn students_are_compared_by_all_measures_of_classifiers() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, "train classifier --data digits --net-arch mlp:8 --epochs 1 --out teacher");
    let summary =
        json(root, "distill --teacher teacher --data digits --student mlp:4 --epochs 1 --out student");
    let compared = json(root, "compare teacher student");
    for key in ["test_error", "nll", "ece"] {
        let found = &compared["runs"][1][key]["mean"];
        assert_eq!(*found, summary["student_distilled"][key], "{key}: {compared}");
    }
}

#[test]
fn a_sweep_is_compared_by_the_keys_that_differ() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    for alpha in ["0.1", "0.5"] {
        let out = format!("runs/sweep/alpha={alpha}");
        json(root, &format!("train q-learning {CLIFF} --seeds 3 --set alpha={alpha} --out {out}"));
    }
    let compared = json(root, "compare runs/sweep");
    assert_eq!(compared["differing"], serde_json::json!({ "alpha": ["0.1", "0.5"] }));
    assert_eq!(compared["runs"][0]["run"], "runs/sweep/alpha=0.1");
    let improvement = &compared["probability_of_improvement"][0];
    // 200 episodes are few for a step size of 0.1: each seed with 0.5 is better.
    assert_eq!((&improvement["value"], &improvement["ci95"][0]), (&0.0.into(), &0.0.into()));
    let profile = &compared["performance_profiles"][1]["points"];
    assert_eq!((profile.as_array().unwrap().len(), &profile[2]["above"]), (3, &0.0.into()));
    let text = String::from_utf8(potstill(root, "compare runs/sweep").stdout).unwrap();
    let words = [
        "alpha=0.1    0.1 ",
        "All: q-learning on CliffWalking-v1.",
        "Return of an episode, mean of 3 seeds",
        "over episode)",
    ];
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let by_steps =
        String::from_utf8(potstill(root, "compare runs/sweep --axis steps --center iqm").stdout).unwrap();
    assert!(
        by_steps.contains("mean of 100 episodes, IQM of 3 seeds") && by_steps.contains("over step)"),
        "{by_steps}"
    );

    json(root, "plot runs/sweep --out long.csv");
    let csv = fs::read_to_string(root.join("long.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("run,seed,step,episode,metric,value"));
    // Two runs of three seeds of 200 episodes with four numbers each.
    assert_eq!(lines.filter(|line| line.contains(",rollout/ep_rew,")).count(), 2 * 3 * 200);
    let looks = ["--title", "Step sizes", "--size", "400x300", "--smooth", "10", "--out", "f.svg"];
    let plotted = Command::new(env!("CARGO_BIN_EXE_potstill"))
        .current_dir(root)
        .args(["plot", "runs/sweep", "--metric", "rollout/ep_len"])
        .args(looks)
        .status();
    assert!(plotted.unwrap().success());
    let svg = fs::read_to_string(root.join("f.svg")).unwrap();
    assert!(svg.contains("width=\"400\" height=\"300\"") && svg.contains(">Step sizes</text>"), "{svg}");
    // Two seeds are too few for an interval.
    let two = json(root, &format!("train sarsa {CLIFF} --seeds 2 --out two"));
    assert!(two["return_last_100"]["ci95"].is_null() && two["return_last_100"]["mean"].is_number(), "{two}");
    let text = String::from_utf8(potstill(root, "compare two").stdout).unwrap();
    assert!(text.contains(" (no interval)"), "{text}");
}

#[test]
fn records_over_seeds_have_the_steps_of_the_runs() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let last = |out: &str| -> Value {
        let text = fs::read_to_string(root.join(out).join("metrics.jsonl")).unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    };
    json(root, &format!("train sarsa {CLIFF} --seeds 2 --out episodes"));
    let mean = (last("episodes/seed-0")["step"].as_u64().unwrap()
        + last("episodes/seed-1")["step"].as_u64().unwrap())
        / 2;
    let found = last("episodes");
    assert!(found["step"].as_u64().unwrap().abs_diff(mean) <= 1 && found["time/episodes"] == 200, "{found}");
    let dqn = "train dqn --env CartPole-v1 --steps 1500 --set net_arch=mlp:4 --set eval_freq=500 --seeds 2 --out steps";
    json(root, dqn);
    let of = |out: &str| last(out)["eval/mean_reward"].as_f64().unwrap();
    let found = last("steps");
    assert_eq!(
        (&found["step"], of("steps")),
        (&1500.into(), (of("steps/seed-0") + of("steps/seed-1")) / 2.0)
    );
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
    // One kind for each algorithm, and three of distillation.
    let algorithms = json(root, "algos")["algorithms"].as_array().unwrap().len();
    assert_eq!(schema["anyOf"].as_array().unwrap().len(), algorithms + 3);
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

#[test]
fn folders_of_runs_are_understood() {
    let dir = TempDir::new().unwrap();
    let root = dir.path();
    json(
        root,
        "train sarsa --env CliffWalking-v1 --episodes 20 --alpha 0.5,0.05,1 --seeds 3 --out runs/grid",
    );
    json(root, "train q-learning --env FrozenLake-v1 --episodes 5 --out runs/lake");
    fs::create_dir(root.join("runs/empty")).unwrap();
    let told = |arguments: &str| {
        let output = potstill(root, arguments);
        let words = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(words).unwrap())
    };
    // What `runs/*` and `runs/grid/*` name.
    let grid =
        "runs/grid/alpha=0.05 runs/grid/alpha=0.5 runs/grid/alpha=1 runs/grid/run.lock runs/grid/sweep.toml";
    for (arguments, expected) in [
        (format!("compare {grid}"), "All: sarsa on CliffWalking-v1."),
        (
            "compare runs/grid runs/lake runs/empty".to_owned(),
            "No figure: the runs are on different environments",
        ),
        ("show runs/grid".to_owned(), "alpha=0.05 and alpha=0.5 and alpha=1"),
        ("report runs/grid".to_owned(), "runs/grid/report.html"),
        ("report runs".to_owned(), "runs/report.html"),
    ] {
        let (code, words) = told(&arguments);
        assert!(code == Some(0) && words.contains(expected), "{arguments}: {words}");
    }
    assert!(fs::read_to_string(root.join("runs/report.html")).unwrap().contains("FrozenLake-v1: "));
    for (arguments, expected) in [
        ("eval runs/grid", "it is a folder of 3 runs; name one, such as runs/grid/alpha=0.05"),
        ("eval runs", "it is a folder of 4 runs; name one, such as runs/grid/alpha=0.05"),
        ("compare notes", "there is nothing there"),
    ] {
        let (code, words) = told(arguments);
        assert!(code == Some(2) && words.contains(expected), "{arguments}: {words}");
    }
    // One center and one order everywhere.
    let mean = |run: &str| {
        json(root, &format!("compare {run}"))["runs"][0]["return_last_100"]["mean"].as_f64().unwrap()
    };
    let scores: Vec<String> = ["0.05", "0.5", "1"]
        .iter()
        .map(|alpha| format!("{:.1}", mean(&format!("runs/grid/alpha={alpha}"))))
        .collect();
    for command in ["compare runs/grid", "runs runs/grid"] {
        let (_, words) = told(command);
        let places: Vec<Option<usize>> = scores.iter().map(|score| words.find(score.as_str())).collect();
        assert!(places[0].is_some() && places[0] < places[1] && places[1] < places[2], "{command}: {words}");
    }
    let page = told("show runs/grid/alpha=1").1;
    assert!(
        page.starts_with("Result: mean return ") && !page.contains("better than one of the second"),
        "{page}"
    );
    // A picture that was written is named.
    let (_, words) = told("play --env CliffWalking-v1:max_episode_steps=5 --svg walk.svg");
    assert!(words.ends_with("walk.svg\n"), "{words}");
}
