//! A Python program that answers lines of JSON. Needs Python; `cargo xtask test` provides it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Oracle {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// A script in `testdata`.
    pub(crate) fn start(script: &str) -> Self {
        let python = std::env::var("POTSTILL_PYTHON").expect("set by `cargo xtask test`");
        let script = format!("{}/../../testdata/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python);
        let mut process = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (requests, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, requests, answers: BufReader::new(answers) }
    }

    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
