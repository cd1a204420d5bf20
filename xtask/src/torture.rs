//! `cargo xtask torture`: the tests of crashes, damage and fuzzed input, in larger sizes than the ordinary
//! run has time for.

use crate::cargo;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The default duration.
pub(crate) const MINUTES: u64 = 30;

/// A test whose size is a number in an environment variable.
struct Scaled {
    name: &'static str,
    variable: &'static str,
    arguments: &'static [&'static str],
    /// Its share of the time.
    share: u32,
    /// The first size.
    first: u64,
}

const SCALED: [Scaled; 4] = [
    Scaled {
        name: "killed processes",
        variable: "POTSTILL_TORTURE_KILLS",
        arguments: &["--package", "potstill-cli", "--test", "kill"],
        share: 8,
        first: 10,
    },
    Scaled {
        name: "crashes of a simulated disk",
        variable: "POTSTILL_TORTURE_SEEDS",
        arguments: &["--package", "potstill", "--lib", "store::simulated"],
        share: 3,
        first: 20,
    },
    Scaled {
        name: "damaged checkpoints",
        variable: "POTSTILL_TORTURE_DAMAGES",
        arguments: &["--package", "potstill", "--lib", "store::damage"],
        share: 3,
        first: 20,
    },
    Scaled {
        name: "full disks",
        variable: "POTSTILL_TORTURE_DISKS",
        arguments: &["--package", "potstill-cli", "--test", "disk"],
        share: 2,
        first: 5,
    },
];

/// The share of the time of all targets in `fuzz/` together.
const FUZZ_SHARE: u32 = 6;

/// A line of the final table.
struct Row {
    what: String,
    count: String,
    result: String,
}

impl Row {
    fn new(what: &str, count: impl Into<String>, result: impl Into<String>) -> Self {
        Self { what: what.to_owned(), count: count.into(), result: result.into() }
    }
}

/// Runs everything for about this many minutes.
///
/// # Errors
/// If any test failed.
pub(crate) fn torture(minutes: u64) -> Result<(), String> {
    let (started, time) = (Instant::now(), Duration::from_secs(60 * minutes));
    let nightly = nightly();
    let fuzz = nightly.clone().and_then(|()| cargo_fuzz());
    // The two with a fixed duration, and everything that has to be built, come first; the others share the
    // rest.
    println!("=== building");
    for test in &SCALED {
        // As it will be run: another choice of packages may mean other features, and another build.
        let mut build = cargo(&["test", "--release", "--locked", "--no-run"]);
        build.args(test.arguments);
        expect(&mut build, "building the tests")?;
    }
    let mut rows = Vec::new();
    rows.push(sanitized(&nightly));
    let targets = if fuzz.is_ok() { targets()? } else { Vec::new() };
    if fuzz.is_ok() {
        expect(rustup().args(["cargo", "fuzz", "build"]), "building the fuzz targets")?;
    }
    let end = Instant::now() + time.saturating_sub(started.elapsed()).max(time / 2);
    let mut parts =
        SCALED.iter().map(|test| test.share).sum::<u32>() + if fuzz.is_ok() { FUZZ_SHARE } else { 0 };
    // Each gets its share of the remaining time.
    let left = || end.saturating_duration_since(Instant::now());
    for test in &SCALED {
        rows.extend(scaled(test, left() * test.share / parts));
        parts -= test.share;
    }
    match fuzz {
        Ok(()) => {
            for (done, target) in targets.iter().enumerate() {
                rows.push(fuzzed(target, left() / (targets.len() - done) as u32));
            }
        }
        Err(reason) => rows.push(Row::new("fuzz targets", "", format!("NOT RUN: {reason}"))),
    }
    println!("\n=== {:.1} minutes", started.elapsed().as_secs_f64() / 60.0);
    let width = |cell: fn(&Row) -> &str| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let (what, count) = (width(|row| &row.what), width(|row| &row.count));
    for row in &rows {
        println!("{:what$}  {:>count$}  {}", row.what, row.count, row.result);
    }
    let failed = rows.iter().filter(|row| row.result == FAILED).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} failed", rows.len())) }
}

const PASSED: &str = "passed";
const FAILED: &str = "FAILED";

/// A program of the nightly toolchain.
fn rustup() -> Command {
    let mut command = Command::new("rustup");
    // Variables that Cargo sets for the stable toolchain must not reach it.
    command.args(["run", "nightly"]).env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    command
}

fn nightly() -> Result<(), String> {
    let found = rustup().args(["rustc", "--version"]).output().is_ok_and(|output| output.status.success());
    let reason = "there is no nightly compiler (rustup toolchain install nightly)";
    if found { Ok(()) } else { Err(reason.to_owned()) }
}

fn cargo_fuzz() -> Result<(), String> {
    let found =
        rustup().args(["cargo", "fuzz", "--version"]).output().is_ok_and(|output| output.status.success());
    if found { Ok(()) } else { Err("there is no cargo-fuzz (cargo install cargo-fuzz)".to_owned()) }
}

fn expect(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed ({status})")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// Runs a command quietly; shows the output of a failure.
fn run(command: &mut Command) -> Result<Output, ()> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            print!("{}", String::from_utf8_lossy(&output.stderr));
            println!("{command:?} failed ({})", output.status);
            Err(())
        }
        Err(error) => {
            println!("{command:?}: {error}");
            Err(())
        }
    }
}

/// Largest growth of a size: an estimated time is uncertain.
const GROWTH_MAX: u64 = 8;

/// Runs a test in growing sizes until its share of the time is over. A larger size includes the smaller ones:
/// the last is reported.
fn scaled(test: &Scaled, share: Duration) -> Vec<Row> {
    let started = Instant::now();
    // Size and seconds of the last two.
    let mut before = (0, 0.0);
    let mut size = test.first;
    let found = loop {
        println!("\n=== {}: {}={size}", test.name, test.variable);
        let begun = Instant::now();
        let mut command = cargo(&["test", "--release", "--locked"]);
        command.args(test.arguments).args(["--", "--nocapture"]);
        let Ok(output) = run(command.env(test.variable, size.to_string())) else {
            return vec![Row::new(test.name, format!("{}={size}", test.variable), FAILED)];
        };
        let now = (size, begun.elapsed().as_secs_f64());
        let left = share.saturating_sub(started.elapsed()).as_secs_f64();
        let next = next_size(before, now, left);
        if next <= size {
            break counts(&String::from_utf8_lossy(&output.stdout));
        }
        (before, size) = (now, next);
    };
    if found.is_empty() {
        // A filter that matches no test would pass as well.
        return vec![Row::new(test.name, "counted nothing", FAILED)];
    }
    found.into_iter().map(|(what, count)| Row::new(&what, count, PASSED)).collect()
}

/// The size for which a test takes a number of seconds, estimated from the sizes and seconds of its last two
/// runs.
fn next_size(before: (u64, f64), now: (u64, f64), left: f64) -> u64 {
    let slope = (now.1 - before.1) / (now.0 - before.0) as f64;
    // A part of the time does not depend on the size, and measurements are not exact.
    let each = slope.max(0.2 * now.1 / now.0 as f64);
    let fits = now.0 as f64 + (left - now.1) / each;
    (fits.max(0.0) as u64).min(GROWTH_MAX * now.0)
}

/// The counts in the output of tests, such as `312 of 312 killed processes resumed to the same bytes`.
fn counts(output: &str) -> Vec<(String, String)> {
    let count = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_number = |word: &str| word.parse::<u64>().is_ok();
        let at = words.windows(3).position(|w| is_number(w[0]) && w[1] == "of" && is_number(w[2]))?;
        Some((words[at + 3..].join(" "), words[at..at + 3].join(" ")))
    };
    output.lines().filter_map(count).collect()
}

/// The names of the fuzz targets: the folders of their seeds.
fn targets() -> Result<Vec<String>, String> {
    let folder = Path::new("testdata/fuzz");
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// Fuzzes a parser for a time. Crashing inputs are kept in `fuzz/artifacts`, and belong into `testdata/fuzz`.
fn fuzzed(target: &str, time: Duration) -> Row {
    // Zero means no limit; and a run of a moment has not found anything.
    let seconds = time.as_secs().max(5);
    println!("\n=== fuzz target {target}, {seconds} seconds");
    let what = format!("inputs that did not break the parser `{target}`");
    let corpus = format!("fuzz/corpus/{target}");
    if let Err(error) = std::fs::create_dir_all(&corpus) {
        return Row::new(&what, error.to_string(), FAILED);
    }
    let mut command = rustup();
    command.args(["cargo", "fuzz", "run", target, &corpus, &format!("testdata/fuzz/{target}"), "--"]);
    command.args(["-timeout=5", "-malloc_limit_mb=256", "-print_final_stats=1"]);
    let Ok(output) = run(command.arg(format!("-max_total_time={seconds}"))) else {
        return Row::new(&what, "see fuzz/artifacts", FAILED);
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let executed = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let n = executed.unwrap_or("?").trim();
    Row::new(&what, format!("{n} of {n}"), PASSED)
}

/// The tests of the crates with `unsafe` code, under AddressSanitizer.
fn sanitized(nightly: &Result<(), String>) -> Row {
    let what = "tests of potstill-core and potstill-nn under AddressSanitizer";
    if let Err(reason) = nightly {
        return Row::new(what, "", format!("NOT RUN: {reason}"));
    }
    let Some(host) = host() else {
        return Row::new(what, "", "NOT RUN: the compiler does not name its host");
    };
    println!("\n=== {what}");
    let mut command = rustup();
    // With a target named, the flags do not reach build scripts and macros.
    command.args(["cargo", "test", "--locked", "--package", "potstill-core", "--package", "potstill-nn"]);
    command.args(["--lib", "--tests"]);
    command.args(["--target", &host, "--target-dir", "target/sanitizer"]);
    let Ok(output) = run(command.env("RUSTFLAGS", "-Zsanitizer=address")) else {
        return Row::new(what, "", FAILED);
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = |line: &str| line.strip_prefix("test result: ok. ")?.split_once(' ')?.0.parse::<u64>().ok();
    let n: u64 = text.lines().filter_map(passed).sum();
    Row::new(what, format!("{n} of {n}"), if n > 0 { PASSED } else { FAILED })
}

fn host() -> Option<String> {
    let output = rustup().args(["rustc", "-vV"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_to_fill_the_time() {
        // Four seconds and a tenth for each.
        assert_eq!(next_size((10, 5.0), (80, 12.0), 30.0), 260);
        assert_eq!(next_size((10, 5.0), (80, 12.0), 500.0), 640);
        // No time is left for as much again.
        assert!(next_size((10, 5.0), (80, 12.0), 11.0) < 80);
        // A larger size was faster: something else was going on.
        assert_eq!(next_size((10, 5.0), (20, 4.0), 8.0), 120);
    }

    #[test]
    fn counts_are_found_in_what_tests_print() {
        let output = "running 1 test\ntest a ... 31 of 31 killed processes resumed to the same bytes\nok\n";
        let expected = ("killed processes resumed to the same bytes".to_owned(), "31 of 31".to_owned());
        assert_eq!(counts(output), [expected]);
    }
}
