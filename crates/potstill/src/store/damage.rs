//! Exhaustive tests that every damage to a checkpoint is detected.

use super::disk::Disk;
use super::simulated::{SimulatedDisk, Unsynced};
use super::{Checkpoint, Log, RunDir, StoreError, names};
use potstill_core::{Pcg64, Snapshot, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time of a load, whatever the bytes.
const LOAD_MAX: Duration = Duration::from_secs(1);

fn dir(disk: &Arc<SimulatedDisk>) -> RunDir {
    RunDir { disk: disk.clone(), path: PathBuf::from("/run"), made: Vec::new(), lock: None }
}

/// A run with two checkpoints, the newer with that many random numbers of four bytes.
struct Run {
    disk: SimulatedDisk,
    older: Checkpoint,
}

impl Run {
    fn new(numbers: usize) -> Self {
        let disk = Arc::new(SimulatedDisk::new());
        disk.create_dir(Path::new("/run")).unwrap();
        let dir = dir(&disk);
        let mut log = Log::create(&dir, names::METRICS).unwrap();
        let mut save = |step: u64, numbers: usize| {
            log.add(&dir, b"{\"step\":1}\n").unwrap();
            log.flush(&dir).unwrap();
            let mut rng = Pcg64::new(step);
            let values = (0..numbers).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
            let state = Snapshot::new().with("step", Value::U64(step)).with("values", Value::F32s(values));
            let checkpoint = Checkpoint {
                step,
                state,
                logs: vec![log.mark(&dir).unwrap()],
                lost: Vec::new(),
                score: None,
                seconds: 0.5,
                config: None,
            };
            checkpoint.save(&dir, 2).unwrap();
            checkpoint
        };
        let older = save(1, 4);
        save(2, numbers);
        Self { disk: copy(&disk), older }
    }

    fn read(&self, file: &str) -> Vec<u8> {
        self.disk.read(&path(file)).unwrap()
    }

    /// Checks that with these contents in a file of the newer checkpoint, or without the file, the newer is
    /// refused, and the older found. Returns the reported reason.
    fn check(&self, file: &str, contents: Option<&[u8]>, what: &str) -> String {
        let disk = Arc::new(copy(&self.disk));
        match contents {
            Some(contents) => disk.write(&path(file), contents).unwrap(),
            None => disk.remove(&path(file)).unwrap(),
        }
        let dir = dir(&disk);
        let newest = |fallback: bool| {
            let started = Instant::now();
            let found = Checkpoint::newest(&dir, fallback);
            assert!(started.elapsed() < LOAD_MAX, "{file}, {what}: {:?}", started.elapsed());
            found
        };
        let error = newest(false).expect_err(what);
        let StoreError::Damaged { path: named, reason, remedy } = error else {
            panic!("{file}, {what}: {error}");
        };
        assert_eq!(named, path(file), "{what}");
        assert_eq!(remedy, "`potstill resume /run --fallback` continues from step 1", "{file}, {what}");
        assert!(newest(true).unwrap().as_ref() == Some(&self.older), "{file}, {what}");
        assert_eq!(Checkpoint::steps(&dir).unwrap(), [1], "{file}, {what}");
        reason
    }
}

fn path(file: &str) -> PathBuf {
    Path::new("/run/checkpoints/step-2").join(file)
}

fn copy(disk: &SimulatedDisk) -> SimulatedDisk {
    disk.after_crash(Unsynced::Kept, &mut Pcg64::new(0))
}

/// The reason reported for a manifest that contradicts itself.
fn unsure(bytes: usize) -> String {
    format!("is damaged or cut off in its {bytes} bytes: its own checksum does not agree")
}

#[test]
fn every_flipped_bit_is_found() {
    let run = Run::new(4096);
    assert_eq!(run.read(names::STATE).len(), 16_528);
    for file in [names::STATE, names::MANIFEST] {
        let mut contents = run.read(file);
        for bit in 0..contents.len() * 8 {
            let byte = bit / 8;
            contents[byte] ^= 1 << (bit % 8);
            let reason = run.check(file, Some(&contents), &format!("bit {bit}"));
            let from = byte / 4096 * 4096;
            let expected = match (file, bit % 8) {
                (names::STATE, _) => {
                    format!("is damaged between byte {from} and {}", (from + 4096).min(contents.len()))
                }
                // A manifest is ASCII here: a byte with its highest bit set is invalid.
                (_, 7) => format!("is damaged: no text after byte {byte}"),
                _ => unsure(contents.len()),
            };
            assert_eq!(reason, expected, "{file}, bit {bit}");
            contents[byte] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_truncation_is_found() {
    let run = Run::new(4096);
    for file in [names::STATE, names::MANIFEST] {
        let contents = run.read(file);
        for length in 0..contents.len() {
            let reason = run.check(file, Some(&contents[..length]), &format!("{length} bytes"));
            let expected = match file {
                names::STATE => format!("is cut off after {length} of 16528 bytes"),
                _ if length < 21 => format!("is cut off after {length} bytes"),
                _ => unsure(length),
            };
            assert_eq!(reason, expected);
        }
        assert_eq!(run.check(file, None, "missing"), "is missing");
    }
}

/// The number of random damages of a large state; 200 by default.
fn damages() -> u64 {
    std::env::var("POTSTILL_TORTURE_DAMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

/// Typical damages of files by disks, cables and programs, at a random position.
fn damage(contents: &[u8], rng: &mut Pcg64) -> (Vec<u8>, &'static str) {
    let mut damaged = contents.to_vec();
    let bits = 1 + rng.below(17);
    let length = 1 + rng.below(1 << bits);
    let at = rng.below(contents.len() - length);
    let what = match rng.below(7) {
        0 => {
            damaged[at..at + length].iter_mut().for_each(|byte| *byte = rng.below(256) as u8);
            "random bytes"
        }
        1 => {
            damaged[at..at + length].fill(0);
            "zeros"
        }
        2 => {
            let from = rng.below(contents.len() - length);
            damaged.copy_within(from..from + length, at);
            "bytes of another place"
        }
        3 => {
            damaged.drain(at..at + length);
            "bytes missing"
        }
        4 => {
            damaged.splice(at..at, contents[at..at + length].iter().copied());
            "bytes twice"
        }
        5 => {
            damaged.extend_from_slice(&contents[at..at + length]);
            "more at the end"
        }
        _ => {
            damaged[at..at + length].reverse();
            "bytes backwards"
        }
    };
    (damaged, what)
}

/// The two numbers in `is damaged between byte A and B`.
fn place(reason: &str) -> Option<(usize, usize)> {
    let (from, to) = reason.strip_prefix("is damaged between byte ")?.split_once(" and ")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

#[test]
fn damage_to_a_big_state_is_found() {
    let run = Run::new(2 << 20);
    let contents = run.read(names::STATE);
    assert_eq!(contents.len(), 8_388_752);
    let mut rng = Pcg64::new(1);
    let mut found = 0;
    while found < damages() {
        let (damaged, what) = damage(&contents, &mut rng);
        // A palindrome is the same when reversed.
        if damaged == contents {
            continue;
        }
        let reason = run.check(names::STATE, Some(&damaged), what);
        let first = damaged.iter().zip(&contents).position(|(a, b)| a != b).unwrap_or(contents.len());
        match place(&reason) {
            Some((from, to)) => assert!((from..to).contains(&first), "{what} from {first}: {reason}"),
            None => {
                let (some, all) = (damaged.len(), contents.len());
                let expected = if some < all {
                    format!("is cut off after {some} of {all} bytes")
                } else {
                    format!("has {some} bytes, expected {all}")
                };
                assert_eq!(reason, expected, "{what}");
            }
        }
        found += 1;
    }
    println!("{found} of {found} damages of a big state were found");
}
