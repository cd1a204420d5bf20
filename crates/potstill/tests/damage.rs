//! Damage to any file of a finished run is found, named with its remedy, and repaired if possible.

use potstill::Error;
use potstill::commands::{DistillRequest, ResumeRequest, TrainRequest, distill, resume, train};
use potstill::run::{Quiet, Sources};
use potstill::store::{RunDir, StoreError};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The remedy for a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Remedy {
    /// The run makes it again from a checkpoint.
    Fallback,
    /// A log of the past: the run goes on without it.
    Anew,
    /// It came from outside; the run cannot make it again.
    Backup,
    /// The list of checksums itself.
    Remove,
}

use Remedy::{Anew, Backup, Fallback, Remove};

/// Every file of a finished run.
const FILES: [(&str, Remedy); 10] = [
    ("config.toml", Backup),
    ("teacher.safetensors", Backup),
    ("manifest.json", Remove),
    ("metrics.jsonl", Anew),
    ("events.out.tfevents.potstill", Anew),
    ("model.safetensors", Fallback),
    ("visits.json", Fallback),
    ("quality.json", Fallback),
    ("summary.json", Fallback),
    ("report.html", Fallback),
];

fn sources(settings: &str, teacher: &Path) -> Sources {
    let mut set: Vec<String> = settings.split_whitespace().map(str::to_owned).collect();
    if settings.contains("student=") {
        set.push(format!("teacher={}", teacher.display()));
    }
    Sources { set, ..Sources::default() }
}

/// A finished run in `root/run`, with its teacher, if it has one, in `root/teacher`.
fn finished(root: &Path, algorithm: Option<&str>, settings: &str) {
    let sources = sources(settings, &root.join("teacher"));
    let out = Some(root.join("run"));
    match algorithm {
        Some(algorithm) => {
            let algorithm = algorithm.to_owned();
            train(&TrainRequest { algorithm, sources, out, threads: 1, ..TrainRequest::default() }, &Quiet)
        }
        None => distill(&DistillRequest { sources, out, threads: 1, ..DistillRequest::default() }, &Quiet),
    }
    .unwrap();
}

fn resumed(run: &Path, fallback: bool) -> Result<Value, Error> {
    resume(&ResumeRequest { run: run.to_owned(), fallback, threads: 1, ..ResumeRequest::default() }, &Quiet)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Checks that the error names the file, a place in it, and the remedy.
fn assert_told(error: &StoreError, file: &Path, remedy: Remedy, what: &str) {
    let StoreError::Damaged { path, reason, remedy: told } = error else { panic!("{what}: {error}") };
    assert_eq!(path, file, "{what}");
    // A configuration that is still one may have been edited.
    if reason == "was changed after it was written" {
        assert!(
            file.ends_with("config.toml") && told.starts_with("a run keeps the settings"),
            "{what}: {told}"
        );
        return;
    }
    assert!(reason.contains("byte") && reason.contains(|c: char| c.is_ascii_digit()), "{what}: {reason}");
    let run = file.parent().unwrap().display();
    let expected = match remedy {
        Fallback => format!("`potstill resume {run} --fallback` makes it again from the last checkpoint"),
        Anew => {
            format!("`potstill resume {run} --fallback` makes a new one, which begins at the last checkpoint")
        }
        Backup => "copy it from a backup, or train again".to_owned(),
        Remove => {
            "without it no file of the run can be trusted; to continue regardless, remove it".to_owned()
        }
    };
    assert_eq!(*told, expected, "{what}");
    assert!(error.is_input(), "{what}");
}

fn check(root: &Path) {
    let (whole, run) = (root.join("run"), root.join("damaged"));
    let mut files = Vec::new();
    for (name, remedy) in FILES.into_iter().filter(|(name, _)| whole.join(name).exists()) {
        files.push(name);
        let contents = fs::read(whole.join(name)).unwrap();
        let last = contents.len() - 1;
        let flips = [0, last / 2, last].map(|byte| {
            let mut damaged = contents.clone();
            damaged[byte] ^= 1;
            (format!("{name}, byte {byte} flipped"), damaged)
        });
        let cuts = [0, last / 2, last]
            .map(|length| (format!("{name}, cut off after {length} bytes"), contents[..length].to_vec()));
        for (what, damaged) in flips.into_iter().chain(cuts) {
            let _ = fs::remove_dir_all(&run);
            copy(&whole, &run);
            fs::write(run.join(name), damaged).unwrap();
            let found = RunDir::open(&run).unwrap().verify().expect_err(&what);
            assert_told(&found, &run.join(name), remedy, &what);
            let Err(Error::Store(found)) = resumed(&run, false) else { panic!("{what} is resumed") };
            assert_told(&found, &run.join(name), remedy, &what);
            let made_good = resumed(&run, true);
            if matches!(remedy, Backup | Remove) {
                let Err(Error::Store(found)) = made_good else { panic!("{what} is passed over") };
                assert_told(&found, &run.join(name), remedy, &what);
                continue;
            }
            made_good.unwrap_or_else(|error| panic!("{what}: {error}"));
            // Without its past a log begins where the run went on: at its end.
            let kept = if name == "metrics.jsonl" { 1 } else { 2 };
            for file in &["model.safetensors", "metrics.jsonl"][..kept] {
                let same = fs::read(run.join(file)).unwrap() == fs::read(whole.join(file)).unwrap();
                assert!(same, "{what}: {file} is another one");
            }
            RunDir::open(&run).unwrap().verify().unwrap_or_else(|error| panic!("{what}: {error}"));
            resumed(&run, false).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
    // A file that is missing in the list above would not be tried.
    let entries =
        fs::read_dir(&whole).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in entries.filter(|name| !["checkpoints", "run.lock"].contains(&name.as_str())) {
        assert!(files.contains(&name.as_str()), "{name}");
    }
    assert!(files.len() >= 7);
}

#[test]
fn in_a_tabular_run() {
    let root = TempDir::new().unwrap();
    finished(root.path(), Some("q-learning"), "env=CliffWalking-v1 episodes=60 checkpoint_freq=500");
    check(root.path());
}

#[test]
fn in_a_deep_run() {
    let root = TempDir::new().unwrap();
    let settings = "env=CartPole-v1 steps=600 net_arch=mlp:16 learning_starts=100 train_freq=8 buffer_size=500 \
                    eval_freq=200 eval_episodes=2 checkpoint_freq=150";
    finished(root.path(), Some("dqn"), settings);
    check(root.path());
}

#[test]
fn in_a_distillation() {
    let root = TempDir::new().unwrap();
    finished(root.path(), Some("classifier"), "data=digits net_arch=mlp:12 epochs=2 test_samples=1500");
    fs::rename(root.path().join("run"), root.path().join("teacher")).unwrap();
    finished(root.path(), None, "student=mlp:4 data=digits epochs=3 test_samples=1500 checkpoint_freq=3");
    // The run has a copy of its teacher, and does not need the original.
    fs::remove_dir_all(root.path().join("teacher")).unwrap();
    check(root.path());
}
