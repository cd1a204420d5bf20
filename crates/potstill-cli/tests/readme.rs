//! Tests of the README's commands, as written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The lines of the README's `sh` blocks, without comments.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Runs a command line in the root, and restores `runs/` afterwards.
fn run(command: &str) -> String {
    let output = Command::new("bash").current_dir(root()).args(["-c", command]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn both_commands_work_as_written() {
    let commands = commands();
    assert_eq!(commands[..2], ["cargo run --release -- quickstart", "cargo xtask test"]);

    let shown = run(&commands[0]);
    for words in ["The cliff", "Teacher to student", "Dark knowledge", "report.html"] {
        assert!(shown.contains(words), "{shown}");
    }
    let line = shown.lines().find(|line| line.contains("Run directory: ")).unwrap();
    let out = root().join(line.rsplit("Run directory: ").next().unwrap());
    assert!(out.join("report.html").is_file());
    check_summary(&out);
    fs::remove_dir_all(out).unwrap();

    // Within `cargo xtask test` the second command is what runs this very test; elsewhere it is run here.
    if std::env::var("POTSTILL_XTASK").as_deref() != Ok("test") {
        run(&commands[1]);
    }
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.lines().any(|line| line == commands[1]), "CI runs what the README says");
}

/// Checks the figures that the README promises of the quickstart.
fn check_summary(out: &Path) {
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    let number = |path: &str| {
        summary.pointer(path).and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("{path}"))
    };
    let within = |path: &str, low: f64, high: f64| {
        assert!((low..=high).contains(&number(path)), "{path} is {}, not in {low}..={high}", number(path));
    };
    within("/cliff/q_learning/return_last_100", -52.8, -47.8);
    within("/cliff/q_learning/greedy_steps", 13.0, 13.0);
    within("/cliff/sarsa/return_last_100", -28.4, -25.4);
    within("/policy/teacher/mean_return", 475.0, 500.0);
    within("/policy/student/mean_return", 450.0, 500.0);
    within("/policy/student/parameters", 1.0, number("/policy/teacher/parameters") / 20.0);
    within("/policy/agreement", 0.8, 1.0);
    within("/digits/teacher/test_error", 0.01, 0.04);
    within("/digits/student_labels/test_error", 0.02, 0.08);
    within("/digits/student_distilled/test_error", 0.02, 0.08);
    assert!(summary["seconds"].as_f64().is_some());
}
