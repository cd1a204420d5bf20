//! Runs the command as a user does.

#![allow(dead_code, reason = "no test needs all of it")]

pub(crate) mod flowers;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the command in a folder.
pub(crate) fn potstill(dir: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(dir).args(arguments.split_whitespace()).output().unwrap()
}

/// Runs it with `--json`; it must succeed, perhaps with warnings.
pub(crate) fn result(dir: &Path, arguments: &str) -> Value {
    let output = potstill(dir, &format!("{arguments} --json"));
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs it with `--json`; it must succeed, and print one object and nothing else.
pub(crate) fn json(dir: &Path, arguments: &str) -> Value {
    let output = potstill(dir, &format!("{arguments} --json"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {words}");
    assert!(output.stderr.is_empty(), "no terminal, no progress: {words}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one object and nothing else");
    serde_json::from_str(&text).unwrap()
}

/// Checks that a command is refused with a line that contains these words, and leaves nothing.
pub(crate) fn refused(dir: &Path, arguments: &str, words: &str) {
    let names = |dir: &Path| fs::read_dir(dir).unwrap().count();
    let before = names(dir);
    let output = potstill(dir, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), error.trim_end().lines().count()),
        (Some(2), 1),
        "{arguments}: {error}"
    );
    assert!(error.contains(words), "{arguments}: {error}");
    assert_eq!(names(dir), before, "{arguments}: something is left");
}
