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

fn read_by_tensorboard(folder: &Path) -> Value {
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

    let all = read_by_tensorboard(&root.path().join("run"));
    // The hyperparameters are those of the run, each declared, and the configuration is there as a text.
    assert_eq!(
        (&all["hparams"]["net_arch"], &all["hparams"]["batch_size"]),
        (&"mlp:16".into(), &64.0.into())
    );
    assert_eq!((&all["hparams"]["double"], &all["ended"]), (&Value::Bool(false), &1.into()));
    let mut keys: Vec<&str> = all["hparams"].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(all["declared"], serde_json::json!(keys));
    assert_eq!(all["metrics"], serde_json::json!(["eval/mean_reward", "rollout/ep_rew_mean"]));
    let config = fs::read_to_string(root.path().join("run/config.toml")).unwrap();
    let shown = all["texts"]["config/text_summary"][0].as_str().unwrap();
    assert_eq!(
        shown.lines().map(str::trim).collect::<Vec<_>>(),
        config.lines().map(str::trim).collect::<Vec<_>>()
    );
    let mut read: Scalars = serde_json::from_value(all["scalars"].clone()).unwrap();
    let fps = read.remove("time/fps").expect("what depends on the clock is for TensorBoard only");
    assert!(!fps.is_empty() && fps.iter().all(|(_, fps)| *fps > 0.0));
    let recorded = recorded(&root.path().join("run"));
    assert_eq!(read.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    for name in [
        "rollout/ep_rew_mean",
        "train/loss",
        "train/learning_rate",
        "train/n_updates",
        "train/q_values",
        "train/grad_norm",
    ] {
        assert!(read.contains_key(name), "{name}");
    }
    for (name, expected) in recorded {
        let single: Vec<(u64, f64)> = expected.iter().map(|&(step, v)| (step, f64::from(v as f32))).collect();
        assert_eq!(read[&name], single, "{name}");
    }
}
