//! Tests of a disk that is full, read-only, limited or gone: a clear error, the previous checkpoint intact,
//! and no remains after the next start.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const TRAIN: &str = "train dqn --env CartPole-v1 --steps 20000 --seed 1 --set net_arch=mlp:16 --set checkpoint_freq=1000 \
                     --set eval_freq=5000 --set eval_episodes=2 --set gradient_steps=8";

/// Runs a script in its own mount namespace, in which `$DISK` is an empty disk of this size. None if the
/// system does not allow it.
fn with_disk(root: &Path, bytes: u64, script: &str) -> Option<String> {
    let prelude = format!(
        "mkdir -p disk && mount -t tmpfs -o size={bytes} tmpfs disk || exit 77; potstill={}; cd disk\n",
        env!("CARGO_BIN_EXE_potstill")
    );
    let mut command = Command::new("unshare");
    command.current_dir(root).args(["-rm", "bash", "-c", &(prelude + script)]);
    match command.output() {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        Ok(output) if output.status.code() != Some(1) && output.status.code() != Some(77) => {
            panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        }
        _ => {
            println!("NOT RUN: this system allows no mount namespace");
            None
        }
    }
}

fn finished(root: &Path, arguments: &str) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    let status = command.current_dir(root).args(arguments.split_whitespace()).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{arguments}");
    fs::read(root.join("whole/model.safetensors")).unwrap()
}

/// Number of sizes of the full disk; 3 by default.
fn sizes() -> u64 {
    std::env::var("POTSTILL_TORTURE_DISKS").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

#[test]
fn a_full_disk_keeps_the_previous_checkpoint() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let whole = finished(root, &format!("{TRAIN} --out whole"));
    let expected = "../whole/model.safetensors";
    assert!(!whole.is_empty());
    for i in 0..sizes() {
        let bytes = 24_576 + i * (900_000 / sizes());
        let script = format!(
            "$potstill {TRAIN} --out run >out 2>/tmp/$$.err; rc=$?; error=$(cat /tmp/$$.err); rm /tmp/$$.err
             if [ $rc = 0 ]; then echo finished; exit; fi
             echo \"$rc $error\"; ls -A run/checkpoints 2>/dev/null | sort | tail -1
             mount -o remount,size=80m . 
             if [ -e run/config.toml ]; then $potstill resume run >/dev/null || exit 3
             else $potstill {TRAIN} --out run >/dev/null || exit 4; fi
             cmp run/model.safetensors {expected} || exit 5
             find run -name '.*' -o -name '*.tmp'"
        );
        let Some(said) = with_disk(root, bytes, &script) else { return };
        let mut lines = said.lines();
        let error = lines.next().unwrap();
        assert!(error.starts_with("1 error: cannot "), "{bytes}: {error}");
        assert!(error.contains("the disk is full (") && error.contains(" free)"), "{bytes}: {error}");
        // At most a whole checkpoint, whose name does not begin with a point.
        assert!(lines.all(|line| line.starts_with("step-") || line.is_empty()), "{bytes}: {said}");
    }
    println!("{0} of {0} full disks kept the previous checkpoint", sizes());
}

#[test]
fn a_read_only_disk_is_told_of() {
    let root = TempDir::new().unwrap();
    let script = format!(
        "$potstill {TRAIN} --out run >/dev/null || exit 3
         mount -o remount,ro .
         $potstill eval run --episodes 2 >/dev/null || exit 4
         $potstill resume run 2>&1; echo $?
         $potstill train sarsa --env CliffWalking-v1 --episodes 5 --out new 2>&1; echo $?"
    );
    let Some(said) = with_disk(root.path(), 80_000_000, &script) else { return };
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("error: cannot lock run/run.lock: Read-only file system"), "{said}");
    assert!(lines[2].starts_with("error: cannot create new: Read-only file system"), "{said}");
    assert_eq!((lines[1], lines[3]), ("2", "2"));
}

#[test]
fn a_file_size_limit_is_an_error_like_another() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let whole = finished(root, &format!("{TRAIN} --out whole"));
    // 100 blocks of 1,024 bytes: enough for the first checkpoints.
    let script = format!("ulimit -f 100; exec {} {TRAIN} --out run", env!("CARGO_BIN_EXE_potstill"));
    let output = Command::new("bash").current_dir(root).args(["-c", &script]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: cannot write run/"), "{error}");
    assert!(error.contains("File too large"), "{error}");
    finished(root, "resume run");
    assert!(fs::read(root.join("run/model.safetensors")).unwrap() == whole);
}

#[test]
fn a_vanished_folder_is_told_of_and_goes_on_elsewhere() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    // Long enough to be moved in the middle.
    let train = TRAIN.replace("--steps 20000", "--steps 100000");
    let whole = finished(root, &format!("{train} --out whole"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(root).args(train.split_whitespace()).args(["--out", "run"]).stderr(Stdio::piped());
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    while !root.join("run/checkpoints/step-1000").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    fs::rename(root.join("run"), root.join("moved")).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: cannot ") && error.contains("No such file or directory"), "{error}");
    assert!(!root.join("run").exists(), "it is not made again behind the user's back");
    finished(root, "resume moved");
    assert!(fs::read(root.join("moved/model.safetensors")).unwrap() == whole);
}
