//! Files that the user names, and standard output and error that refuse what is written.
#![cfg(unix)]

mod common;

use common::{json, potstill};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Runs a line of a shell in a folder, with `potstill` as `$p`.
fn shell(dir: &Path, line: &str) -> Output {
    let mut command = Command::new("bash");
    command.current_dir(dir).args(["-c", line]).env("p", env!("CARGO_BIN_EXE_potstill")).output().unwrap()
}

const TRAIN: &str = "train q-learning --env CliffWalking-v1 --episodes 20";
const RECORD: &str = "play --env Blackjack-v1 --episodes 3 --record";

#[test]
fn what_stdout_refuses_is_a_failure() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, &format!("{TRAIN} --out run"));
    for arguments in [
        "env list",
        "env list --json",
        "env trace --env CartPole-v1 --actions random:50 --json",
        "algos",
        "config dqn",
        "config --schema",
        "compare run",
        "eval run --json",
        "show run",
        "runs .",
        "play --env Blackjack-v1",
        "--help",
        "train --help",
        "--version",
        &format!("{TRAIN} --out full"),
        &format!("{TRAIN} --out full-json --json"),
        "report run",
    ] {
        let output = shell(root, &format!("$p {arguments} > /dev/full"));
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {words}");
        let expected = "error: cannot write to stdout: No space left on device (os error 28)\n";
        assert_eq!(words, expected, "{arguments}");
        // A reader that goes away is no failure.
        let arguments = arguments.replace("--out full", "--out gone");
        let output = shell(root, &format!("set -o pipefail; $p {arguments} | true"));
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{arguments}");
    }
    // The run itself is whole.
    assert_eq!(json(root, "eval full --episodes 2")["episodes"], 2);
}

#[test]
fn what_stderr_refuses_is_nothing() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    // Both warn that nothing is learned.
    let few = "train dqn --env CartPole-v1 --steps 100 --set net_arch=mlp:4 --set eval_freq=0";
    for (i, more) in ["", "--json", "--seeds 2"].into_iter().enumerate() {
        for (to, refusal) in [("full", "2>/dev/full"), ("closed", "2>&-"), ("gone", "2> >(true)")] {
            let output = shell(root, &format!("$p {few} {more} --out {to}-{i} {refusal}"));
            assert_eq!(output.status.code(), Some(0), "{more} {refusal}");
            assert!(root.join(format!("{to}-{i}/summary.json")).exists(), "{more} {refusal}");
        }
    }
    let output = shell(root, "$p eval nowhere 2>/dev/full");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_named_file_is_written_where_it_leads_to() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    json(root, &format!("{TRAIN} --out run"));
    fs::create_dir(root.join("real")).unwrap();
    for (arguments, file) in [
        (RECORD, "a.jsonl"),
        ("play --env CliffWalking-v1:max_episode_steps=3 --svg", "a.svg"),
        ("plot run --out", "b.svg"),
        ("plot run --out", "c.png"),
        ("plot run --out", "d.html"),
        ("plot run --out", "e.csv"),
        ("export run --out", "f.safetensors"),
    ] {
        let (link, target) = (root.join(file), root.join("real").join(file));
        symlink(format!("real/{file}"), &link).unwrap();
        if !arguments.starts_with("export") {
            fs::write(&target, "old").unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let done = potstill(root, &format!("{arguments} {file}"));
        assert!(done.status.success(), "{file}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{file}");
        assert!(fs::metadata(&target).unwrap().len() > 3, "{file}");
        if !arguments.starts_with("export") {
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
        // The reader of a pipe has the same contents.
        let pipe = format!("pipe-{file}");
        let line = format!(
            "mkfifo {pipe} && {{ $p {arguments} {pipe} >/dev/null & cat {pipe} > {pipe}.read; wait $!; }} && cmp {pipe}.read {file}"
        );
        let output = shell(root, &line);
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let output = shell(root, &format!("$p {RECORD} /dev/stdout > both"));
    assert!(output.status.success());
    let both = fs::read_to_string(root.join("both")).unwrap();
    assert!(both.starts_with('{') && both.contains("record"), "{both}");
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
}

#[test]
fn wrong_input_files_are_exit_code_2() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    fs::write(root.join("a.gz"), b"\x1f\x8b\x08\x00").unwrap();
    fs::write(root.join("utf16.toml"), b"\xff\xfea\x00").unwrap();
    fs::create_dir(root.join("folder")).unwrap();
    symlink("nowhere/at/all", root.join("dangling")).unwrap();
    let long = "a".repeat(300);
    for (arguments, expected) in [
        (format!("{TRAIN} --config folder"), "error: folder is a folder; name a file"),
        (format!("{TRAIN} --config a.gz"), "error: a.gz is compressed by gzip; unpack it first"),
        (format!("{TRAIN} --config utf16.toml"), "error: utf16.toml is text in UTF-16; save it as UTF-8"),
        ("train q-learning --data a.gz".to_owned(), "error: --data a.gz: it cannot be read: "),
        ("env check --env FrozenLake-v1:desc=@folder".to_owned(), "error: folder is a folder; name a file"),
        ("env trace --env CartPole-v1 --actions folder".to_owned(), "error: folder is a folder; name a file"),
        (
            format!("{TRAIN} --out dangling"),
            "error: dangling is a link to nowhere/at/all, which does not exist; remove the link or create that folder",
        ),
        (format!("{TRAIN} --out {long}"), "error: cannot use aaa"),
        (format!("{RECORD} folder"), "error: folder is a folder; name a file"),
        (
            format!("{RECORD} nowhere/a.jsonl"),
            "error: cannot write nowhere/a.jsonl: No such file or directory",
        ),
    ] {
        let output = potstill(root, &arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {words}");
        assert!(words.starts_with(expected) && words.lines().count() == 1, "{arguments}: {words}");
    }
}

/// Paths and printed commands with blanks, commas and quotation marks.
#[test]
fn a_printed_command_can_be_pasted() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    fs::create_dir(root.join("maps, old")).unwrap();
    fs::write(root.join("maps, old/pond.txt"), "\u{feff}[\"SFF\",\n \"FFG\"]\n").unwrap();
    let expected = "FrozenLake-v1:desc=SFF/FFG,is_slippery=false";
    let id = "FrozenLake-v1:desc=@maps, old/pond.txt,is_slippery=false";
    let toml = "env = 'FrozenLake-v1:desc=@maps, old/pond.txt,is_slippery=false'\nepisodes = 20\n";
    fs::write(root.join("lake.toml"), toml).unwrap();
    let train = "$p train q-learning --episodes 20";
    for (i, line) in [
        format!("{train} --env '{id}'"),
        format!("{train} --set 'env={id}'"),
        "$p train q-learning --config lake.toml".to_owned(),
        "$p train q-learning --config \"it's run 0/config.toml\"".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let output = shell(root, &format!("{line} --out \"it's run {i}\""));
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {words}");
        let config = fs::read_to_string(root.join(format!("it's run {i}/config.toml"))).unwrap();
        assert!(config.contains(expected), "{line}: {config}");
        let text = String::from_utf8(output.stdout).unwrap();
        let next = text.lines().find_map(|line| line.strip_prefix("Next: ")).unwrap();
        assert!(next.ends_with(&format!(r"eval 'it'\''s run {i}'")), "{next}");
        let output = shell(root, next);
        assert!(output.status.success(), "{next}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for line in [
        format!("$p env check --env '{id}'"),
        "$p env check --env FrozenLake-v1 --set 'desc=@maps, old/pond.txt'".to_owned(),
        "$p env check --env FrozenLake-v1 --set 'desc=[\"SFF\",\"FFG\"]'".to_owned(),
        "$p play --env FrozenLake-v1 --set 'desc=@\"maps, old/pond.txt\"' --json".to_owned(),
        "$p bench tabular q-learning --env 'FrozenLake-v1:desc=@maps, old/pond.txt' --seconds 0.05"
            .to_owned(),
    ] {
        let output = shell(root, &line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // The text of a map is no option.
    fs::write(root.join("pond.txt"), "SFFG,is_slippery=false").unwrap();
    let output = shell(root, "$p train value-iteration --env FrozenLake-v1:desc=@pond.txt --set gamma=0.99");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    let expected = "error: pond.txt: FrozenLake-v1: desc: row 1 column 5 is ','; a map is made of";
    assert!(words.starts_with(expected), "{words}");
}
