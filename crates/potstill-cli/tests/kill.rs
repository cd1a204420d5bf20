//! Tests of `kill -9` at random moments, half of them in the middle of a change to the disk: the resumed run
//! equals the uninterrupted one.

use potstill::algorithm::{ALGORITHMS, Builder};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A run to be killed.
struct Case {
    /// The directory of its uninterrupted twin.
    name: String,
    /// The command without `--out`.
    arguments: String,
}

/// The first smoke run of every algorithm with many checkpoints, and the kinds of distillation, whose teachers are two of these.
fn cases() -> Vec<Case> {
    let train = ALGORITHMS.iter().map(|algorithm| {
        let set: String =
            algorithm.smoke[0].split_whitespace().map(|pair| format!(" --set {pair}")).collect();
        // Planners count sweeps, of which there are fewer than steps.
        let freq = if matches!(algorithm.builder, Builder::Model(_)) { 20 } else { 150 };
        let name = algorithm.name;
        (name.to_owned(), format!("train {name}{set} --set checkpoint_freq={freq}"))
    });
    let students = [
        (
            "policy",
            "distill --teacher dqn --student mlp:4 --env CartPole-v1 --set rounds=5 --set transfer_states=1000 \
             --set gradient_steps=3000 --set checkpoint_freq=250",
        ),
        (
            "soft-targets",
            "distill --teacher classifier --student mlp:8 --data digits --set epochs=10 --set checkpoint_freq=20",
        ),
        ("tree", "distill --teacher classifier --student tree:12 --data digits --set checkpoint_freq=10"),
    ];
    let students = students.map(|(name, arguments)| (name.to_owned(), arguments.to_owned()));
    train.chain(students).map(|(name, arguments)| Case { name, arguments }).collect()
}

/// The number of processes to kill, beside the one that every case loses at least.
fn kills() -> usize {
    std::env::var("POTSTILL_TORTURE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A deterministic generator of numbers below a bound (Steele, Lea and Flood 2014, SplitMix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn command(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potstill"));
    command.current_dir(dir).args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn finish(dir: &Path, arguments: &str) {
    let output = command(dir, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Kills a process in the middle of its n-th change to the disk; false if it ended before.
fn kill_in_a_change(mut command: Command, n: u64) -> bool {
    let mut child = command.env("POTSTILL_PAUSE_AT", n.to_string()).spawn().unwrap();
    // A run that was killed before its first checkpoint reports that it starts again.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // Data may have their own.
    let told = ["warning: there is no checkpoint", "warning: --data"];
    let line = lines.find(|line| !told.iter().any(|start| line.starts_with(start)));
    let paused = line.as_deref() == Some("paused");
    assert!(paused || line.is_none(), "{line:?}");
    kill(&mut child);
    paused
}

/// Kills a process after a time; false if it ended before.
fn kill_after(mut command: Command, time: Duration) -> bool {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(time);
    let running = child.try_wait().unwrap().is_none();
    kill(&mut child);
    running
}

fn kill(child: &mut Child) {
    // SIGKILL; a process that has ended is no error.
    let _ = child.kill();
    child.wait().unwrap();
}

/// The files in which a resumed run equals an uninterrupted one.
fn results(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = vec!["model.safetensors".to_owned(), "metrics.jsonl".to_owned()];
    let checkpoints = fs::read_dir(run.join("checkpoints")).unwrap();
    let mut names: Vec<String> =
        checkpoints.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    files.extend(names.into_iter().map(|name| format!("checkpoints/{name}/state.safetensors")));
    files.into_iter().map(|file| (file.clone(), fs::read(run.join(&file)).unwrap())).collect()
}

#[test]
fn a_killed_run_ends_as_if_it_had_not_been() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let mut draws = Draws(1);
    let mut references = Vec::new();
    let cases = cases();
    for Case { name, arguments } in &cases {
        let started = Instant::now();
        finish(root, &format!("{arguments} --out {name}"));
        references.push((results(&root.join(name)), started.elapsed()));
    }
    let (mut killed, mut round) = (0, 0);
    let mut survivors: BTreeSet<usize> = (0..cases.len()).collect();
    while killed < kills() || !survivors.is_empty() {
        let turn = round % cases.len();
        assert!(round < 20 * cases.len() + kills(), "{} ends before it can be killed", cases[turn].name);
        let Case { name, arguments } = &cases[turn];
        let (expected, duration) = &references[turn];
        round += 1;
        let run = format!("run-{round}");
        // Once or twice: also the process that resumes may die.
        for _ in 0..1 + draws.below(2) {
            let begun = root.join(&run).join("config.toml").exists();
            let arguments = if begun { format!("resume {run}") } else { format!("{arguments} --out {run}") };
            let at = draws.below(60);
            let after = duration.mul_f64(draws.below(1000) as f64 / 1000.0);
            let is_killed = if killed % 2 == 0 {
                kill_in_a_change(command(root, &arguments), at)
            } else {
                kill_after(command(root, &arguments), after)
            };
            if is_killed {
                killed += 1;
                survivors.remove(&turn);
            }
        }
        if root.join(&run).join("config.toml").exists() {
            finish(root, &format!("resume {run}"));
        } else {
            // Killed before the run wrote its configuration: its remains do not count.
            finish(root, &format!("{arguments} --out {run}"));
        }
        let found = results(&root.join(&run));
        assert_eq!(expected.len(), found.len(), "{name}, {run}: files");
        for ((file, expected), (also, found)) in expected.iter().zip(found) {
            assert_eq!(*file, also, "{name}, {run}");
            assert!(*expected == found, "{name}: {run}/{file} differs");
        }
        let left = |folder: &str| fs::read_dir(root.join(&run).join(folder)).unwrap();
        for entry in left("").chain(left("checkpoints")) {
            let entry = entry.unwrap().file_name().into_string().unwrap();
            assert!(!entry.starts_with('.'), "{run} still holds {entry}");
        }
        fs::remove_dir_all(root.join(&run)).unwrap();
    }
    println!("{killed} of {killed} killed processes resumed to the same bytes");
}

/// Starts a command on a copy of a run, kills it in its n-th change to the disk, and returns true if it was
/// killed.
fn killed_on_copy(root: &Path, run: &str, arguments: &str, n: u64) -> bool {
    let _ = fs::remove_dir_all(root.join("copy"));
    let copied = Command::new("cp").current_dir(root).args(["-r", run, "copy"]).status().unwrap();
    assert!(copied.success());
    kill_in_a_change(command(root, arguments), n)
}

#[test]
fn a_killed_change_of_a_finished_run_can_be_made_again() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let train = "train q-learning --env CliffWalking-v1 --steps";
    finish(root, &format!("{train} 2000 --out short"));
    finish(root, &format!("{train} 3000 --out long"));
    let (mut extended, mut reported) = (0, 0);
    for n in 0..60 {
        if killed_on_copy(root, "short", "resume copy --steps 3000", n) {
            // The run is unchanged, or the longer one; both can be resumed.
            finish(root, "resume copy");
            if fs::read(root.join("copy/model.safetensors")).unwrap()
                != fs::read(root.join("long/model.safetensors")).unwrap()
            {
                finish(root, "resume copy --steps 3000");
            }
            assert!(
                results(&root.join("copy"))[..2] == results(&root.join("long"))[..2],
                "killed in change {n}"
            );
            extended += 1;
        }
        if killed_on_copy(root, "short", "report copy", n) {
            finish(root, "resume copy");
            finish(root, "report copy");
            finish(root, "resume copy");
            reported += 1;
        }
    }
    assert!(extended > 30 && reported > 10, "{extended} {reported}");
}

#[test]
fn a_killed_folder_of_seeds_ends_as_if_it_had_not_been() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let train =
        "train sarsa --env CliffWalking-v1 --episodes 100 --set checkpoint_freq=500 --seeds 3 --threads 2";
    finish(root, &format!("{train} --out whole"));
    for n in (0..120).step_by(7) {
        if !kill_in_a_change(command(root, &format!("{train} --out family-{n}")), n) {
            continue;
        }
        if root.join(format!("family-{n}/config.toml")).exists() {
            finish(root, &format!("resume family-{n}"));
        } else {
            // The remains of a run without a configuration do not count.
            finish(root, &format!("{train} --out family-{n}"));
        }
        for seed in 0..3 {
            let of = |family: &str| results(&root.join(family).join(format!("seed-{seed}")));
            assert!(of("whole") == of(&format!("family-{n}")), "killed in change {n}, seed {seed}");
        }
    }
}

#[test]
fn a_student_killed_at_its_very_beginning_finds_its_teacher() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let cases = cases();
    let case = |wanted: &str| cases.iter().find(|case| case.name == wanted).expect("a case");
    for Case { name, arguments } in [case("dqn"), case("policy")] {
        finish(root, &format!("{arguments} --out {name}"));
    }
    let distil = &case("policy").arguments;
    let mut without_teacher = 0;
    for n in 0..14 {
        let run = format!("run-{n}");
        assert!(kill_in_a_change(command(root, &format!("{distil} --out {run}")), n));
        let has = |file: &str| root.join(&run).join(file).exists();
        without_teacher += usize::from(has("config.toml") && !has("teacher.safetensors"));
        if has("config.toml") {
            finish(root, &format!("resume {run}"));
        } else {
            finish(root, &format!("{distil} --out {run}"));
        }
        assert!(results(&root.join(&run)) == results(&root.join("policy")), "killed in change {n}");
    }
    assert!(without_teacher > 1, "{without_teacher}");
}
