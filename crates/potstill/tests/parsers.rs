//! Every parser against arbitrary bytes, damaged valid inputs, and everything in `testdata/fuzz`.

#[path = "parsers/targets.rs"]
mod targets;

use potstill::core::{Pcg64, Snapshot, Value};
use potstill::export::safetensors;
use potstill::model::{Model, QTable};
use potstill::nn::NetworkSpec;
use potstill::store::{FileMark, Manifest, snapshot_file};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::{Path, PathBuf};
use targets::{TARGETS, check};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz").join(target)
}

/// Names and contents of a target's files, sorted.
fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder(target)).unwrap();
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// A file's name is the expected result: `valid-...` is accepted, `refused-...` is not, `crash-...` no longer
/// crashes.
#[test]
fn every_kept_input_is_replayed() {
    for (target, _) in TARGETS {
        let files = files(target);
        for (name, bytes) in &files {
            let accepted = check(target, bytes);
            match name.split('-').next() {
                Some("valid") => assert!(accepted, "{target}/{name} is refused"),
                Some("refused") => assert!(!accepted, "{target}/{name} is accepted"),
                _ => assert!(name.starts_with("crash-"), "{target}/{name} says nothing"),
            }
        }
        assert!(files.iter().any(|(name, _)| name.starts_with("valid-")), "{target} has nothing valid");
    }
}

/// Environment variable with which the binary files below are written anew.
const REMAKE_VARIABLE: &str = "POTSTILL_REMAKE_FUZZ";

/// The binary files equal the output of this program.
#[test]
fn the_binary_files_are_up_to_date() {
    let inner = Snapshot::new().with("weights", Value::F32s(vec![0.5, -1.5])).with("done", Value::Bool(true));
    let state = Snapshot::new()
        .with("step", Value::U64(7))
        .with("score", Value::F64(-0.25))
        .with("bytes", Value::U8s(vec![1, 2, 3]))
        .with("counts", Value::U64s(vec![4]))
        .with("means", Value::F64s(vec![]))
        .with("agent", Value::Tree(inner));
    let about = serde_json::json!({ "step": 7, "score": -0.25 }).as_object().unwrap().clone();
    let marks =
        vec![FileMark::whole("state.safetensors", &[7; 5000]), FileMark::growing("metrics.jsonl", 9, 3)];
    let spec: NetworkSpec = "mlp:3:tanh".parse().unwrap();
    let network = Model::Network(spec.build(4, 2, &mut Pcg64::new(1)));
    let files = [
        ("state/valid-every-kind.safetensors", snapshot_file::write(&state)),
        ("state/valid-nothing.safetensors", snapshot_file::write(&Snapshot::new())),
        ("manifest/valid-checkpoint.json", Manifest { files: marks, about }.write()),
        ("manifest/valid-nothing.json", Manifest::default().write()),
        ("model/valid-network.safetensors", safetensors::write(&network)),
        ("model/valid-table.safetensors", safetensors::write(&Model::Table(QTable::new(3, 2, -0.5)))),
    ];
    for (file, bytes) in files {
        if std::env::var_os(REMAKE_VARIABLE).is_some() {
            fs::write(folder(file), &bytes).unwrap();
        }
        assert!(
            fs::read(folder(file)).unwrap() == bytes,
            "{file}: if that is meant, set {REMAKE_VARIABLE}=1"
        );
    }
}

/// Inputs that are long in one way: a prefix, a part that is repeated, and a suffix.
#[test]
fn what_is_deep_or_long_takes_little_time_and_no_stack() {
    let cases = [
        ("config", "", "a.", "a = 1"),
        ("config", "a = ", "[", ""),
        ("config", "a = ", "{a=", ""),
        ("config", "[", "a.", "a]"),
        ("config", "", "[[a]]\n", ""),
        ("config", "a = \"", "\\u0041", "\""),
        ("config", "seed = ", "1", ""),
        ("set", "seed=", "[", ""),
        ("set", "seed=", "{a=", ""),
        ("set", "seed=1", "0", ""),
        ("network", "mlp:", "8,", "8"),
        ("network", "mlp", ":tanh", ""),
        ("manifest", "{\"format\":1,\"about\":{},\"files\":", "[", ""),
        ("manifest", "{\"format\":1,\"about\":{},\"files\":[", "{},", "{}]"),
        ("state", "{\"", "a.", "a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
        ("state", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[0", ",9999999999", "]}}"),
        ("model", "{\"a\":", "[", ""),
        ("history", "{\"a\":", "[", ""),
        ("history", "", "{\"step\":1}\n", ""),
        ("history", "", "\n", ""),
    ];
    for (target, before, repeated, after) in cases {
        for times in [100, 20_000] {
            check(target, format!("{before}{}{after}", repeated.repeat(times)).as_bytes());
        }
    }
    let names: String = (0..20_000).map(|i| format!("{{\"step\":1,\"n{i}\":1}}\n")).collect();
    assert!(check("history", names.as_bytes()));
    let keys: String = (0..20_000).map(|i| format!("key_{i} = 1\n")).collect();
    assert!(!check("config", keys.as_bytes()));
    let tensors = |i: usize| format!("\"t{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    let header = (0..20_000).map(tensors).collect::<Vec<_>>().join(",");
    assert!(check("state", format!("{{{header}}}").as_bytes()));
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for (target, _) in TARGETS {
            check(target, &bytes);
        }
    }

    #[test]
    fn arbitrary_text(text in "[ -~\n\u{e9}\u{1f600}]{0,200}") {
        for (target, _) in TARGETS {
            check(target, text.as_bytes());
        }
    }

    /// A kept input with some bytes changed, removed, doubled, or inserted from another.
    #[test]
    fn damaged_inputs(
        which in any::<[Index; 2]>(),
        changes in proptest::collection::vec((0_u8..5, any::<[Index; 3]>(), any::<u8>()), 1..6),
    ) {
        for (target, _) in TARGETS {
            let files = files(target);
            let mut bytes = which[0].get(&files).1.clone();
            let other = &which[1].get(&files).1;
            for (kind, places, byte) in &changes {
                if bytes.is_empty() {
                    break;
                }
                let (a, b) = (places[0].index(bytes.len()), places[1].index(bytes.len()));
                let range = a.min(b)..a.max(b);
                match kind {
                    0 => bytes[a] = *byte,
                    1 => bytes.truncate(a),
                    2 => _ = bytes.drain(range),
                    3 => _ = bytes.splice(a..a, bytes[range].to_vec()),
                    _ if other.is_empty() => {}
                    _ => {
                        let from = places[2].index(other.len());
                        let to = other.len().min(from + 64);
                        bytes.splice(a..a, other[from..to].iter().copied());
                    }
                }
            }
            check(target, &bytes);
        }
    }
}
