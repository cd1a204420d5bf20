//! The program is a whole `potstill`: what the command does for the built-in environments it does for these.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn command(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_own-potstill"));
    command.current_dir(dir).args(arguments.split_whitespace());
    command
}

fn run(dir: &Path, arguments: &str) -> Output {
    command(dir, arguments).output().unwrap()
}

/// Runs the program, which must succeed; its output.
fn text(dir: &Path, arguments: &str) -> String {
    let output = run(dir, arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(dir: &Path, arguments: &str) -> Value {
    serde_json::from_str(&text(dir, &format!("{arguments} --json"))).unwrap()
}

/// One environment of each kind, and how it is trained: in one copy, and in many where the algorithm has any.
const TRAINED: [(&str, &str); 6] = [
    ("Corridor-v0:length=7", "train q-learning --steps 2000 --set checkpoint_freq=300"),
    ("Corridor-v0:one_hot=true", "train dqn --steps 700 --set num_envs=3"),
    ("Docking-v0", "train dqn --steps 700"),
    ("Docking-v0", "train dqn --steps 700 --set num_envs=4"),
    ("Catch-v0", "train dqn --steps 700 --set num_envs=2 --set net_arch=cnn:4x3,16"),
    ("Push-v0", "train random-linear --steps 700 --set checkpoint_freq=100"),
];

/// Settings that make a deep run short.
fn short(arguments: &str) -> String {
    let deep = "--set learning_starts=100 --set train_freq=8 --set gradient_steps=1 --set buffer_size=500 \
                --set eval_freq=200 --set eval_episodes=2 --set checkpoint_freq=100";
    let network = if arguments.contains("net_arch") { "" } else { "--set net_arch=mlp:8" };
    if arguments.contains("dqn") { format!("{arguments} {deep} {network}") } else { arguments.to_owned() }
}

#[test]
fn environments_are_listed_explained_and_checked() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let listed = json(dir, "env list");
    let ids: Vec<&str> =
        listed["environments"].as_array().unwrap().iter().map(|env| env["id"].as_str().unwrap()).collect();
    for id in ["CartPole-v1", "Catch-v0", "Corridor-v0", "Docking-v0", "Push-v0"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert!(ids.is_sorted());
    let shown = json(dir, "env show Corridor-v0:length=21");
    assert_eq!(shown["observation_space"], json!({ "kind": "discrete", "n": 21 }));
    assert_eq!(shown["time_limit_steps"], 1000);
    let length = json!({ "name": "length", "help": "squares: 3 to 1000", "default": "11", "example": "21" });
    assert_eq!(shown["options"][0], length);
    assert_eq!(shown["documentation"]["rewards"], json!(["-1 for each step."]));
    let page = text(dir, "env show Corridor-v0");
    assert!(page.contains("squares: 3 to 1000 (default 11; for example length=21)"), "{page}");
    for id in ["Catch-v0", "Corridor-v0", "Docking-v0", "Push-v0", "Corridor-v0:slip=0,length=3"] {
        let checked = json(dir, &format!("env check --env {id}"));
        assert_eq!(checked["passed"], true, "{checked}");
        assert!(
            json(dir, &format!("bench env --env {id} --num-envs 20 --seconds 0.05"))["steps_per_second"]
                .as_f64()
                > Some(0.0)
        );
        let trace = text(dir, &format!("env trace --env {id} --actions random:4 --json"));
        assert!((2..=5).contains(&trace.lines().count()), "{trace}");
        assert_eq!(
            json(dir, &format!("play --env {id} --episodes 2"))["episodes"].as_array().unwrap().len(),
            2
        );
    }
    for (arguments, expected) in [
        ("env show Corridor-v1", "unknown environment `Corridor-v1`; did you mean `Corridor-v0`?"),
        (
            "env show Corridor-v0:width=2",
            "Corridor-v0: there is no option `width`; there is length, slip, max_",
        ),
        ("train dqn --env Corridor-v0:length=2 --steps 9", "length=2: write a whole number from 3 to 1000"),
        ("train q-learning --env Docking-v0 --steps 9", "(--env Docking-v0:bins=8)"),
    ] {
        let output = run(dir, arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {words}");
        assert!(words.contains(expected) && words.lines().count() == 1, "{arguments}: {words}");
    }
}

/// The files in which a resumed run equals an uninterrupted one.
fn results(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = vec!["config.toml".to_owned(), "model.safetensors".into(), "metrics.jsonl".into()];
    for checkpoint in fs::read_dir(run.join("checkpoints")).unwrap() {
        names.push(format!("checkpoints/{}/state.safetensors", checkpoint.unwrap().file_name().display()));
    }
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(run.join(name)).unwrap())).collect()
}

/// Starts a run and kills it in its n-th change to the disk.
fn kill_in_a_change(dir: &Path, arguments: &str, n: u32) {
    let mut child = command(dir, arguments)
        .env("POTSTILL_PAUSE_AT", n.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.find(|line| !line.starts_with("warning:")).as_deref(), Some("paused"), "{arguments}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_run_ends_as_if_it_had_not_been() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    for (i, (id, arguments)) in TRAINED.into_iter().enumerate() {
        let train = format!("{} --env {id}", short(arguments));
        text(dir, &format!("{train} --out whole-{i}"));
        // Before, in and after the first checkpoints.
        for n in [9, 22, 31] {
            let run = format!("killed-{i}-{n}");
            kill_in_a_change(dir, &format!("{train} --out {run}"), n);
            let unfinished = String::from_utf8(self::run(dir, &format!("eval {run}")).stderr).unwrap();
            assert!(unfinished.contains(&format!("`own-potstill resume {run}`")), "{unfinished}");
            text(dir, &format!("resume {run}"));
            let (expected, found) = (results(&dir.join(format!("whole-{i}"))), results(&dir.join(&run)));
            for ((name, expected), (also, found)) in expected.iter().zip(&found) {
                assert!(name == also && expected == found, "{id}, {arguments}, killed in change {n}: {name}");
            }
            assert_eq!(expected.len(), found.len());
        }
    }
}

#[test]
fn runs_are_evaluated_watched_reported_and_compared() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    for (i, (id, arguments)) in TRAINED.into_iter().enumerate() {
        let run = format!("run-{i}");
        let trained = json(dir, &format!("{} --env {id} --out {run}", short(arguments)));
        assert_eq!(trained["env"], id);
        let config = fs::read_to_string(dir.join(&run).join("config.toml")).unwrap();
        assert!(config.contains(&format!("env = \"{id}\"")), "{config}");
        // The configuration runs the same run again.
        let algorithm = arguments.split_whitespace().nth(1).unwrap();
        text(dir, &format!("train {algorithm} --config {run}/config.toml --out again-{i}"));
        let model = |run: &str| fs::read(dir.join(run).join("model.safetensors")).unwrap();
        assert!(model(&run) == model(&format!("again-{i}")), "{id}");
        let evaluated = json(dir, &format!("eval {run} --episodes 3"));
        assert_eq!((&evaluated["env"], &evaluated["episodes"]), (&json!(id), &json!(3)));
        json(dir, &format!("play {run} --episodes 1"));
        text(dir, &format!("report {run}"));
        let report = fs::read_to_string(dir.join(&run).join("report.html")).unwrap();
        assert!(report.contains(&format!("{algorithm} on {id}, seed 0")));
    }
    // Maps of the corridor's values.
    let shown = json(dir, "show run-0");
    assert_eq!(shown["maps"][0]["squares"].as_array().unwrap().len(), 7);
    assert_eq!(shown["maps"][0]["squares"][5]["action"], "→");

    let compared = text(dir, "compare run-2 run-3");
    assert!(compared.contains("run-2") && compared.contains("run-3"), "{compared}");
    text(dir, "plot run-2 run-3 --out curves.svg");
    text(dir, "train q-learning --env Corridor-v0 --episodes 20 --seeds 3 --out seeds");
    text(dir, "resume run-0 --steps 3000");
    let distilled = json(
        dir,
        "distill --teacher run-2 --student mlp:4 --env Docking-v0 --set rounds=2 --set transfer_states=200 \
         --set gradient_steps=50 --out student",
    );
    assert_eq!(distilled["env"], "Docking-v0");
    json(dir, "play run-0 --episodes 3 --record walks.jsonl");
    assert_eq!(json(dir, "train q-learning --data walks.jsonl --out learned")["env"], "Corridor-v0:length=7");
    let listed = json(dir, "runs .");
    assert!(listed["runs"].as_array().unwrap().len() > 12, "{listed}");
}

/// To a program that does not register it, a run is one of an unknown environment.
#[test]
fn another_program_says_what_it_lacks() {
    use potstill::commands::{EvaluateRequest, evaluate};
    let dir = TempDir::new().unwrap();
    text(dir.path(), "train q-learning --env Corridor-v0 --episodes 20 --out run");
    let run = dir.path().join("run");
    let request = EvaluateRequest { run: run.clone(), env: None, episodes: 1, seed: 0, threads: 1 };
    // This test is such a program.
    let error = evaluate(&request).unwrap_err();
    let expected = format!(
        "{} is of the environment `Corridor-v0`, which this program does not have; use the program that registers it",
        run.display()
    );
    assert_eq!((error.to_string(), error.exit_code()), (expected, 2));
}
