//! Signals: the first saves a run and stops it within a second, whatever it is doing, and the resumed run ends as if there had been none.
#![cfg(unix)]

mod common;

use common::json;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Starts a command whose stderr is kept.
fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn started(root: &Path, arguments: &str, out: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(root).args(arguments.split_whitespace()).args(["--out", out]);
    spawn(&mut command)
}

/// Waits until a run has begun.
fn wait_for(child: &mut Child, root: &Path, out: &str) {
    while !root.join(out).join("metrics.jsonl").exists() {
        assert!(child.try_wait().unwrap().is_none(), "{out} has ended before it began");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_same(root: &Path, a: &str, b: &str) {
    for file in ["model.safetensors", "metrics.jsonl"] {
        let read = |run: &str| fs::read(root.join(run).join(file)).unwrap();
        assert!(read(a) == read(b), "{a}/{file} and {b}/{file}");
    }
}

const DQN: &str = "train dqn --env CartPole-v1 --steps 40000 --seed 5 --set net_arch=mlp:32";

#[test]
fn a_signal_saves_the_run() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, &format!("{DQN} --out whole"));
    // One, as from a key; two in short order, as `timeout` sends them; two of different kinds.
    for (i, (signals, code)) in [
        (&["INT"][..], 130),
        (&["TERM"], 143),
        (&["HUP"], 129),
        (&["TERM", "TERM"], 143),
        (&["INT", "INT"], 130),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("run-{i}");
        let mut child = started(root, DQN, &out);
        wait_for(&mut child, root, &out);
        for (i, name) in signals.iter().enumerate() {
            std::thread::sleep(Duration::from_millis(5 * i as u64));
            // It may have ended in between.
            let _ = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).output();
        }
        let output = child.wait_with_output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(code), "{words}");
        assert!(
            words.starts_with("stopped at step ") && words.contains(&format!("`potstill resume {out}`")),
            "{words}"
        );
        json(root, &format!("resume {out}"));
        assert_same(root, "whole", &out);
    }
}

#[test]
fn a_signal_tells_of_all_seeds_and_combinations() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    for (out, more, first, told) in [
        (
            "seeds",
            "--seeds 3",
            "seed-5",
            " of 12000000 steps, 0 of 3 seeds done, all saved; `potstill resume seeds` continues them",
        ),
        (
            "grid",
            "--gamma 0.9,0.99",
            "gamma=0.9",
            " steps, 0 of 2 combinations done, all saved; `potstill resume grid` continues them",
        ),
    ] {
        // None is done before the signal, however fast the machine is.
        let long = DQN.replace("--steps 40000", "--steps 4000000");
        let mut child = started(root, &format!("{long} --threads 1 {more}"), out);
        wait_for(&mut child, root, &format!("{out}/{first}"));
        std::thread::sleep(Duration::from_millis(200));
        signal(&child, "INT");
        let output = child.wait_with_output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(130), "{words}");
        assert!(words.starts_with("stopped at ") && words.trim_end().ends_with(told), "{words}");
    }
}

/// Each of these would take many seconds to its next step, sweep or evaluation.
#[test]
fn a_signal_is_heard_in_the_middle_of_long_work() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let pole = "train dqn --env CartPole-v1 --steps 5000 --set net_arch=mlp:8 --set learning_starts=100";
    for (i, arguments) in [
        &format!("{pole} --set train_freq=200 --set gradient_steps=1000000 --set eval_freq=0"),
        &format!("{pole} --set eval_freq=100 --set eval_episodes=1000000"),
        "train pqn --env CartPole-v1 --steps 100000 --set eval_freq=100 --set eval_episodes=1000000",
        "train mcts --env CliffWalking-v1 --steps 10 --set simulations=1000000 --set horizon=1000000",
        "train dyna-q --env DynaMaze --steps 100 --set planning_steps=1000000000000",
        "train tree-backup --env AccessControl:max_episode_steps=200000 --episodes 5000 --set gamma=0.99 --set n=1000000",
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("run-{i}");
        let mut child = started(root, arguments, &out);
        wait_for(&mut child, root, &out);
        // Long enough to be in the middle of it.
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, "TERM");
        let output = child.wait_with_output().unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(143), "{arguments}: {words}");
        assert!(words.contains(", saved as of step "), "{arguments}: {words}");
    }
}

/// Halts a run in a change to the disk, so that it cannot save.
#[test]
fn a_later_signal_ends_a_run_unsaved_and_says_so() {
    let root = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(root.path()).args(DQN.split_whitespace()).args(["--out", "run"]);
    let mut child = spawn(command.env("POTSTILL_PAUSE_AT", "12"));
    wait_for(&mut child, root.path(), "run");
    signal(&child, "TERM");
    std::thread::sleep(Duration::from_millis(2000));
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    let words = words(&output);
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(words.ends_with("ended at once by a further signal; what was not saved is lost\n"), "{words}");
}

#[test]
fn without_checkpoints_the_code_is_that_of_lost_work() {
    let root = TempDir::new().unwrap();
    let arguments = format!("{DQN} --set checkpoint_freq=0");
    let mut child = started(root.path(), &arguments, "run");
    wait_for(&mut child, root.path(), "run");
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(words(&output).contains(", not saved: it will begin again;"), "{}", words(&output));
}

/// As under `nohup`.
#[cfg(target_os = "linux")]
#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let root = TempDir::new().unwrap();
    let script = format!("trap '' HUP; exec {} {DQN} --out run", env!("CARGO_BIN_EXE_potstill"));
    let mut child = spawn(Command::new("sh").current_dir(root.path()).args(["-c", &script]));
    wait_for(&mut child, root.path(), "run");
    signal(&child, "HUP");
    assert!(child.wait_with_output().unwrap().status.success());
}
