//! Hashes that pin what tests compute, kept in `testdata/golden` so that a meant change need not be copied by hand.
//!
//! `POTSTILL_BLESS="reason in one line" cargo nextest run -p potstill --test conformance` rewrites the entries that differ, each with
//! that reason; without the variable a difference is a failure.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The environment variable that blesses, and whose value is the reason.
const BLESS: &str = "POTSTILL_BLESS";

/// Comes first in every file.
const HEAD: &str = "\
# What a seed leads to, as a hash; the name is the one in the test. Not edited by hand: a meant change is blessed with
#     POTSTILL_BLESS=\"reason in one line\" cargo nextest run -p potstill --test conformance
# which rewrites only the entries that differ, with that reason.

";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/golden/conformance.toml")
}

/// The reason to bless with, if the variable is set.
///
/// # Panics
/// If the reason is empty or longer than a line.
fn reason() -> Option<String> {
    let reason = std::env::var(BLESS).ok()?;
    let reason = reason.trim();
    let is_line = !reason.is_empty() && !reason.contains(char::is_control);
    assert!(is_line, "{BLESS} is the reason for the change: write one line");
    Some(reason.to_owned())
}

/// Compares a hash with its entry, or rewrites the entry when blessing.
///
/// # Panics
/// If the entry is missing or differs, and `POTSTILL_BLESS` is not set.
pub(crate) fn check(name: &str, hash: u64) {
    match reason() {
        Some(reason) => rewrite(|golden| bless(golden, name, hash, &reason)),
        None => {
            let text = std::fs::read_to_string(path()).unwrap_or_default();
            compare(&parse(&text), name, hash).unwrap_or_else(|message| panic!("{message}"));
        }
    }
}

/// Checks that every entry has one of these names; removes those that have not when blessing.
///
/// # Panics
/// If there are stale entries, and `POTSTILL_BLESS` is not set.
pub(crate) fn check_names(names: &[String]) {
    let is_stale = |name: &str| !names.iter().any(|known| known == name);
    if reason().is_some() {
        return rewrite(|golden| golden.retain(|name, _| !is_stale(name)));
    }
    let golden = parse(&std::fs::read_to_string(path()).unwrap_or_default());
    let stale: Vec<&str> = golden.keys().map(String::as_str).filter(|name| is_stale(name)).collect();
    assert!(!golden.is_empty(), "{} has no entries", path().display());
    assert!(stale.is_empty(), "stale entries in {}: {stale:?}. {}", path().display(), how());
}

fn how() -> String {
    format!(
        "If the change is meant: {BLESS}=\"reason in one line\" cargo nextest run -p potstill --test conformance"
    )
}

fn parse(text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path().display()))
}

fn written(hash: u64) -> String {
    format!("{hash:#018x}")
}

fn compare(golden: &Table, name: &str, hash: u64) -> Result<(), String> {
    let found = written(hash);
    match golden.get(name).map(|entry| entry.get("hash").and_then(Value::as_str)) {
        Some(Some(expected)) if expected == found => Ok(()),
        Some(Some(expected)) => Err(format!("{name}: {found}, but golden is {expected}. {}", how())),
        Some(None) => Err(format!("{name}: the entry has no hash. {}", how())),
        None => Err(format!("{name}: {found}, but there is no golden entry. {}", how())),
    }
}

fn bless(golden: &mut Table, name: &str, hash: u64, reason: &str) {
    if compare(golden, name, hash).is_err() {
        let entry = [("hash", written(hash)), ("reason", reason.to_owned())];
        let entry = Table::from_iter(entry.map(|(key, value)| (key.to_owned(), Value::String(value))));
        golden.insert(name.to_owned(), Value::Table(entry));
    }
}

fn write(golden: &Table) -> String {
    let mut text = HEAD.to_owned();
    for (name, entry) in golden {
        let value = |key: &str| entry.get(key).cloned().unwrap_or_else(|| Value::String(String::new()));
        let (hash, reason) = (value("hash"), value("reason"));
        writeln!(text, "{name} = {{ hash = {hash}, reason = {reason} }}").expect("memory takes it");
    }
    text
}

/// Changes the file under a lock: the tests of a run are processes of their own.
fn rewrite(change: impl FnOnce(&mut Table)) {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path()).unwrap();
    file.lock().unwrap();
    let mut before = String::new();
    file.read_to_string(&mut before).unwrap();
    let mut golden = parse(&before);
    change(&mut golden);
    let after = write(&golden);
    if after != before {
        file.set_len(0).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(after.as_bytes()).unwrap();
    }
}

#[test]
fn only_what_differs_is_blessed() {
    let text = format!("{HEAD}a = {{ hash = \"0x0000000000000007\", reason = \"old\" }}\n");
    let mut golden = parse(&text);
    assert_eq!(compare(&golden, "a", 7), Ok(()));
    for (name, hash, part) in [("a", 8, "golden is 0x0000000000000007"), ("b", 7, "no golden entry")] {
        let message = compare(&golden, name, hash).unwrap_err();
        assert!(message.contains(part) && message.contains("POTSTILL_BLESS="), "{message}");
    }
    bless(&mut golden, "a", 7, "new");
    assert_eq!(write(&golden), text);
    bless(&mut golden, "b", 0xab, "says \"why\"");
    let b = "b = { hash = \"0x00000000000000ab\", reason = 'says \"why\"' }\n";
    assert_eq!(write(&golden), format!("{text}{b}"));
    assert_eq!(parse(&write(&golden)), golden);
}
