//! Reads our event files with TensorBoard's own reader. Needs Python; `cargo xtask test` provides it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

type Scalars = BTreeMap<String, Vec<(u64, f64)>>;

fn run(dir: &Path, arguments: &str) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(dir).args(arguments.split_whitespace()).output().unwrap().status.code()
}

fn read_by_tensorboard(folder: &Path) -> Scalars {
    let python = std::env::var("POTSTILL_PYTHON").expect("set by `cargo xtask test`");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/tensorboard/read_events.py");
    let output = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `metrics.jsonl` by name.
fn recorded(run: &Path) -> Scalars {
    let mut scalars = Scalars::new();
    for line in fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines() {
        let record: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        let step = record["step"].as_u64().unwrap();
        for (name, value) in record.into_iter().filter(|(name, _)| name != "step") {
            scalars.entry(name).or_default().push((step, value.as_f64().unwrap()));
        }
    }
    scalars
}

#[test]
#[ignore = "needs TensorBoard, by cargo xtask test"]
fn tensorboard_reads_every_scalar() {
    let root = TempDir::new().unwrap();
    let train = "train dqn --env CartPole-v1 --steps 3000 --set net_arch=mlp:16 --set eval_freq=700 --set eval_episodes=2 \
                 --set checkpoint_freq=400 --out run";
    // Killed in a change and resumed: the file is truncated, and every record is there once.
    let mut killed = Command::new(env!("CARGO_BIN_EXE_potstill"));
    killed.current_dir(root.path()).args(train.split_whitespace()).env("POTSTILL_PAUSE_AT", "40");
    let mut killed = killed.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(killed.stderr.take().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "paused\n");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(run(root.path(), "resume run"), Some(0));

    let mut read = read_by_tensorboard(&root.path().join("run"));
    let fps = read.remove("time/fps").expect("what depends on the clock is for TensorBoard only");
    assert!(!fps.is_empty() && fps.iter().all(|(_, fps)| *fps > 0.0));
    let recorded = recorded(&root.path().join("run"));
    assert_eq!(read.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    assert!(read.contains_key("rollout/ep_rew_mean") && read.contains_key("train/loss"));
    for (name, expected) in recorded {
        let single: Vec<(u64, f64)> = expected.iter().map(|&(step, v)| (step, f64::from(v as f32))).collect();
        assert_eq!(read[&name], single, "{name}");
    }
}
