//! `cargo xtask test`: all checks before a change lands; `--quick` is the part of them for between two
//! changes.
//! `cargo xtask torture`: the same with more of everything, for a given time.
#![forbid(unsafe_code)]

#[cfg(test)]
mod docs;
#[cfg(test)]
mod packages;
mod portable;
mod torture;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// The oldest Python that the pinned packages run on.
const PYTHON_MIN: (u32, u32) = (3, 11);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Cargo runs this in the user's folder.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    env::set_current_dir(root).expect("the workspace is there");
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test(),
        ["test", "--quick"] => quick(),
        ["torture"] => torture::torture(torture::MINUTES),
        ["torture", "--minutes", n] => match n.parse() {
            Ok(minutes @ 1..=1440) => torture::torture(minutes),
            _ => Err(format!("--minutes {n}: write a number from 1 to 1440")),
        },
        _ => Err("usage: cargo xtask test [--quick] | cargo xtask torture [--minutes N]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Checks the form of the code: formatting and clippy.
fn lint() -> Result<(), String> {
    step("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
    step(
        "clippy",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    )
}

/// Runs the checks that find most mistakes in the least time: lints, unit tests, and the conformance of every
/// algorithm.
fn quick() -> Result<(), String> {
    let started = Instant::now();
    lint()?;
    let runner: &[&str] = if nextest() { &["nextest", "run"] } else { &["test"] };
    let mut tests = cargo(runner);
    // One call, so that Cargo builds once: `conformance` is the one integration test.
    tests.args(["--workspace", "--lib", "--bins", "--test", "conformance", "--locked", "--no-fail-fast"]);
    step("unit tests and conformance", &mut tests)?;
    println!(
        "\nQuick checks passed in {:.0} s. Run `cargo xtask test` before the change lands.",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn nextest() -> bool {
    succeeds(cargo(&["nextest", "--version"]))
}

fn test() -> Result<(), String> {
    lint()?;
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    step("documentation", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    step("documentation tests", &mut cargo(&["test", "--workspace", "--doc", "--locked"]))?;
    portable::check()?;
    let python = python();
    let nextest = nextest();
    let runner: &[&str] =
        if nextest { &["nextest", "run", "--workspace"] } else { &["test", "--workspace", "--tests"] };
    // Built first, since the tests of the Python package run the command.
    step("build of the tests", cargo(runner).args(["--locked", "--no-run"]))?;
    python_package()?;
    // The runner comes last, so that its count of tests is the last line.
    let mut tests = cargo(runner);
    tests.args(["--locked", "--no-fail-fast"]);
    match &python {
        Ok(python) => {
            let all: &[&str] = if nextest { &["--run-ignored", "all"] } else { &["--", "--include-ignored"] };
            tests.env("POTSTILL_PYTHON", python).args(all);
        }
        Err(reason) => {
            println!(
                "\nNOT RUN: the tests against the real Gymnasium, Minari, MinAtar, TensorBoard and onnxruntime, because {reason}."
            );
        }
    }
    match chromium() {
        Some(browser) => _ = tests.env("POTSTILL_CHROMIUM", browser),
        None => println!("\nNOT RUN: the report in a real browser, because there is no Chromium."),
    }
    step("tests", tests.env("POTSTILL_XTASK", "test"))
}

/// The name of a headless browser, if there is one.
fn chromium() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        let mut command = Command::new(name);
        command.arg("--version");
        succeeds(command)
    })
}

/// Runs one step and shows its output.
fn step(name: &str, command: &mut Command) -> Result<(), String> {
    println!("\n=== {name}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} failed ({status})")),
        Err(error) => Err(format!("{name} could not be run: {error}")),
    }
}

fn succeeds(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The interpreter of a virtual environment under `target/` with the packages that parity tests need; the error is the
/// reason why there is none.
fn python() -> Result<PathBuf, String> {
    // The second file's packages come without their dependencies: windows and plots.
    environment(
        "target/python",
        &[("testdata/requirements.txt", &[]), ("testdata/minatar/requirements.txt", &["--no-deps"])],
    )
}

/// Builds and installs the Python package in a virtual environment of its own, as a user does but for the profile, which is
/// that of the other tests, and runs its tests.
fn python_package() -> Result<(), String> {
    let python = match environment("target/python-package", &[("python/requirements.txt", &["--no-deps"])]) {
        Ok(python) => python,
        Err(reason) => {
            println!("\nNOT RUN: the tests of the Python package, because {reason}.");
            return Ok(());
        }
    };
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall"]);
    install.args(["--no-deps", "--no-build-isolation", "--config-settings=build-args=--profile=dev", "."]);
    // The build finds maturin beside the interpreter.
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = python.parent().into_iter().map(Path::to_owned).chain(env::split_paths(&path));
    let path = env::join_paths(folders).map_err(|error| error.to_string())?;
    step("Python package", install.env("PATH", path))?;
    let mut tests = Command::new(&python);
    tests.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "python/tests"]);
    // The command beside this program, wherever Cargo's target folder is.
    let here = env::current_exe().map_err(|error| error.to_string())?;
    tests.env("POTSTILL_COMMAND", here.with_file_name(format!("potstill{}", env::consts::EXE_SUFFIX)));
    step("tests of the Python package", tests.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// The interpreter of a virtual environment in a folder, with the packages of files of requirements, which pip reads with
/// further options; the error is the reason why there is none.
fn environment(folder: &str, requirements: &[(&str, &[&str])]) -> Result<PathBuf, String> {
    println!("\n=== Python packages in {folder}");
    let mut wanted = String::new();
    for (file, _) in requirements {
        wanted += &fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    }
    let folder = env::current_dir().map_err(|error| error.to_string())?.join(folder);
    let (interpreter, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if interpreter.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("already there: {}", folder.display());
        return Ok(interpreter);
    }
    let system =
        ["python3", "python3.13", "python3.12", "python3.11"].into_iter().find(|name| is_recent(name));
    let (major, minor) = PYTHON_MIN;
    let system = system.ok_or_else(|| format!("there is no Python {major}.{minor} or later"))?;
    let failed = |what: &str| format!("{what} failed");
    // The remains of an interrupted installation must not be taken for a complete one.
    let _ = fs::remove_dir_all(&folder);
    if !Command::new(system).args(["-m", "venv"]).arg(&folder).status().is_ok_and(|s| s.success()) {
        return Err(failed("`python3 -m venv` (is the package python3-venv installed?)"));
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    for (file, how) in requirements {
        let mut install = Command::new(&interpreter);
        if !install.args(pip).arg(file).args(*how).status().is_ok_and(|s| s.success()) {
            return Err(failed(&format!("installing {file} (is there a network?)")));
        }
    }
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    println!("installed: {}", folder.display());
    Ok(interpreter)
}

fn is_recent(name: &str) -> bool {
    let (major, minor) = PYTHON_MIN;
    let question = format!("import sys; sys.exit(sys.version_info < ({major}, {minor}))");
    let mut command = Command::new(name);
    command.args(["-c", &question]);
    succeeds(command)
}
