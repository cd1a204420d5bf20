//! Console blocks of Markdown pages, run as a reader would run them, and compared with what they show.
//!
//! In a block of the kind `console` a line after `$ ` is a command for a shell, lines after `> ` continue it,
//! and the lines below are its output. In those, `[..]` stands for anything within a line, and a line `...` for
//! any lines: what differs from run to run, such as times, and what the page leaves out.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::{env, mem};

/// A placeholder for any lines.
const LINES: &str = "...";
/// A placeholder for any text within a line.
const TEXT: &str = "[..]";

/// A part of a page.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// A line that is not run.
    Line(String),
    /// A command with its output.
    Step(Step),
}

/// A command of a console block.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    /// The text for the shell, continuation lines included.
    pub(crate) command: String,
    /// The lines that the page shows below it.
    pub(crate) shown: Vec<String>,
}

/// The parts of a page in their order.
pub(crate) fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut within, mut step) = (false, None::<Step>);
    for line in page.lines() {
        let is_fence = line.starts_with("```");
        if is_fence || !within || line.starts_with("$ ") {
            parts.extend(mem::take(&mut step).map(Part::Step));
        }
        within = if is_fence { line == "```console" } else { within };
        match (line.strip_prefix("$ "), &mut step) {
            (Some(command), _) if within => {
                step = Some(Step { command: command.to_owned(), shown: Vec::new() });
            }
            (_, Some(step)) => match line.strip_prefix("> ").filter(|_| step.shown.is_empty()) {
                Some(more) => step.command += &format!("\n{more}"),
                None => step.shown.push(line.to_owned()),
            },
            _ => parts.push(Part::Line(line.to_owned())),
        }
    }
    parts
}

/// The commands of a page.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let step = |part| match part {
        Part::Step(step) => Some(step),
        Part::Line(_) => None,
    };
    parts(page).into_iter().filter_map(step).collect()
}

/// The page that has these parts.
pub(crate) fn page(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Line(line) => format!("{line}\n"),
        Part::Step(step) => {
            let command = step.command.replace('\n', "\n> ");
            let shown: String = step.shown.iter().map(|line| format!("{line}\n")).collect();
            format!("$ {command}\n{shown}")
        }
    };
    parts.iter().map(text).collect()
}

/// Runs a command in a folder, where `potstill` is the program under test.
///
/// # Errors
/// Its output, if it fails.
pub(crate) fn output(dir: &Path, command: &str) -> Result<Vec<String>, String> {
    let program = Path::new(env!("CARGO_BIN_EXE_potstill")).parent().unwrap();
    let others = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(program.to_owned()).chain(env::split_paths(&others))).unwrap();
    let mut shell = Command::new("bash");
    // Both streams in their order.
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(dir).env("PATH", path);
    // The data sets of Minari that a page makes are not the user's.
    let output = shell.env("MINARI_DATASETS_PATH", dir.join("sets")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect();
    if output.status.success() { Ok(lines) } else { Err(format!("{command}\n{text}\n{}", output.status)) }
}

/// Returns true if a page may show these lines for this output.
pub(crate) fn matches(shown: &[String], output: &[String]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return output.is_empty() };
    if first == LINES {
        return (0..=output.len()).any(|skipped| matches(rest, &output[skipped..]));
    }
    output.split_first().is_some_and(|(line, others)| is_line(first, line) && matches(rest, others))
}

/// Returns true if a line may be shown so. What is left out may be wider or narrower, so that blanks count as one
/// beside it.
fn is_line(shown: &str, line: &str) -> bool {
    if !shown.contains(TEXT) {
        return shown == line;
    }
    let (shown, line) = (joined(shown), joined(line));
    let parts: Vec<&str> = shown.split(TEXT).collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    let Some(mut rest) = line.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    parts[1..parts.len() - 1].iter().all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn joined(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines to show for a new output: those that were shown before, and are left out as before. Where these are
/// not found again, everything is shown.
pub(crate) fn renewed(shown: &[String], output: &[String]) -> Vec<String> {
    let output: Vec<String> = output.iter().map(|line| left_out(shown, line)).collect();
    let mut lines = Vec::new();
    let mut begin = 0;
    for (i, kept) in shown.split(|line| line == LINES).enumerate() {
        if i > 0 {
            lines.push(LINES.to_owned());
        }
        let alike =
            |at: &usize| kept.iter().zip(&output[*at..]).filter(|(a, b)| words(a) == words(b)).count();
        let ends = output.len().checked_sub(kept.len());
        // The first of the best places.
        let place = (begin..=ends.unwrap_or(0)).rev().max_by_key(alike).unwrap_or(begin);
        lines.extend(output.iter().skip(place).take(kept.len()).cloned());
        begin = place + kept.len();
    }
    if matches(&lines, &output) { lines } else { output }
}

/// The words of a line without its numbers, by which it is found again.
fn words(line: &str) -> String {
    line.chars().filter(|c| c.is_alphabetic()).collect()
}

/// A line of output with those words left out that a line like it leaves out.
fn left_out(shown: &[String], line: &str) -> String {
    let new: Vec<&str> = line.split_whitespace().collect();
    let like = shown.iter().filter(|old| old.contains(TEXT)).find_map(|old| {
        let old: Vec<&str> = old.split_whitespace().collect();
        (old.len() == new.len() && old[0] == new[0]).then_some(old)
    });
    let (mut text, mut at) = (line.to_owned(), 0);
    for (old, new) in like.iter().flatten().zip(&new) {
        let begin = at + text[at..].find(new).expect("it is a word of the line");
        let word = if *old == TEXT { TEXT } else { new };
        text.replace_range(begin..begin + new.len(), word);
        at = begin + word.len();
    }
    text
}

/// Runs the commands of a page in an empty folder and compares their output; with `bless` writes what they print
/// into the page, and files that the commands make into `figures` beside it.
///
/// # Panics
/// If a command fails, or prints something else than the page shows.
pub(crate) fn check(path: &Path, bless: bool) {
    let text = fs::read_to_string(path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut parts = parts(&text);
    for part in &mut parts {
        let Part::Step(Step { command, shown }) = part else { continue };
        let output =
            output(dir.path(), command).unwrap_or_else(|words| panic!("{}: {words}", path.display()));
        if matches(shown, &output) {
            continue;
        }
        assert!(
            bless,
            "{}: $ {command}\nshown:\n{}\n\nprinted:\n{}\n\nIf this is meant: POTSTILL_BLESS=\"reason in one line\" cargo nextest run -p potstill-cli --test book",
            path.display(),
            shown.join("\n"),
            output.join("\n")
        );
        *shown = renewed(shown, &output);
    }
    check_figures(path, &text, dir.path(), bless);
    if bless {
        fs::write(path, page(&parts)).unwrap();
    }
}

/// Compares the figures that a page shows with those that its commands have made.
fn check_figures(path: &Path, text: &str, made: &Path, bless: bool) {
    for name in text.split("](figures/").skip(1).filter_map(|rest| rest.split(')').next()) {
        let kept = path.with_file_name("figures").join(name);
        let new = fs::read(made.join(name))
            .unwrap_or_else(|_| panic!("no command of {} makes {name}", path.display()));
        if bless {
            fs::write(&kept, &new).unwrap();
        }
        assert!(
            fs::read(&kept).is_ok_and(|old| old == new),
            "{name} is not what {} draws; bless it",
            path.display()
        );
    }
}
