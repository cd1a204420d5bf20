//! The book in `docs/`: its commands print what it shows, its figures are what they draw, its numbers are theirs.
//!
//! `POTSTILL_BLESS="reason in one line" cargo nextest run -p potstill-cli --test book` writes what is printed and drawn now.

#[path = "common/console.rs"]
mod console;
#[path = "common/numbers.rs"]
mod numbers;

use console::{Part, Step, matches, page, parts, renewed, steps};
use numbers::{numbers, strangers};
use std::fs;
use std::path::{Path, PathBuf};

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src")
}

fn chapter(name: &str) {
    console::check(&book().join(name), std::env::var("POTSTILL_BLESS").is_ok());
}

/// Declares a test for each chapter, so that they run side by side.
macro_rules! chapters {
    ($($test:ident $file:literal;)*) => {
        const CHAPTERS: &[&str] = &[$($file),*];

        $(
            #[test]
            fn $test() {
                chapter($file);
            }
        )*
    };
}

chapters! {
    introduction "introduction.md";
    temperature "temperature.md";
    terms "terms.md";
    cliff "cliff.md";
    sarsa_and_q_learning "sarsa-and-q-learning.md";
    deep_q_learning "deep-q-learning.md";
    policy_gradient "policy-gradient.md";
    offline "offline.md";
    the_teacher "teacher.md";
    shipping_a_student "student.md";
    runs "runs.md";
    own_environments "own-environment.md";
}

#[test]
fn every_chapter_is_in_the_summary_and_is_run() {
    let summary = fs::read_to_string(book().join("SUMMARY.md")).unwrap();
    let linked: Vec<&str> = summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert_eq!(linked, CHAPTERS);
    let files = fs::read_dir(book()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = files.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").count();
    assert_eq!(pages, CHAPTERS.len());
    let commands = CHAPTERS.iter().map(|name| steps(&fs::read_to_string(book().join(name)).unwrap()).len());
    assert!(commands.sum::<usize>() > 30);
}

#[test]
fn numbers_in_the_text_are_those_of_a_block_of_the_chapter() {
    for name in CHAPTERS {
        let found = strangers(&fs::read_to_string(book().join(name)).unwrap());
        assert!(
            found.is_empty(),
            "{name}: numbers that no block has; print them, or name them in <!-- given: ... -->: {found:?}"
        );
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_page_is_its_parts() {
    let text = "A.\n\n```console\n$ cat << END\n> a\n> END\na\n> b\n$ true\n```\n\n```\n$ no\n```\n";
    let expected = [("cat << END\na\nEND", "a\n> b"), ("true", "")];
    let expected = expected.map(|(command, shown)| Step { command: command.to_owned(), shown: lines(shown) });
    assert_eq!(steps(text), expected);
    assert_eq!(page(&parts(text)), text);
    assert_eq!(parts("x"), [Part::Line("x".to_owned())]);
}

#[test]
fn what_is_left_out_may_be_anything() {
    for (shown, output, expected) in [
        ("a 1", "a 1", true),
        ("a 1", "a 2", false),
        ("a  1", "a 1", false),
        ("a [..]", "a   2.5", true),
        ("a [..] c", "a b", false),
        ("a [..] c [..] e", "a b c d e", true),
        ("a [..] c [..] e", "a b d e", false),
        ("a\n...\nd", "a\nb\nc\nd", true),
        ("a\n...", "a", true),
        ("...\nb\n...", "a\nc", false),
        ("", "a", false),
    ] {
        assert_eq!(matches(&lines(shown), &lines(output)), expected, "{shown} {output}");
    }
}

#[test]
fn what_was_left_out_stays_out() {
    for (shown, output, expected) in [
        ("value 1", "value 2", "value 2"),
        ("time [..] s\nvalue 1", "time 7 s\nvalue 2", "time [..] s\nvalue 2"),
        ("...\nvalue 1\n...", "a\nvalue 2\nb", "...\nvalue 2\n..."),
        ("a 1\n...\nc 1", "a 2\nb 2\nc 2", "a 2\n...\nc 2"),
        ("a 1", "b 1\nc 2", "b 1\nc 2"),
        ("...\na 1\nb 1", "b 2", "...\nb 2"),
    ] {
        assert_eq!(renewed(&lines(shown), &lines(output)), lines(expected), "{shown}");
    }
}

#[test]
fn numbers_without_a_block_are_found() {
    let check = |page: &str, expected: &[&str]| {
        let found: Vec<String> = strangers(page).into_iter().map(|number| number.text).collect();
        assert_eq!(found, expected, "{page}");
    };
    check("It is -27.0, or 27.\n```console\n$ x\na -26.97 [-28.1]\n```\n", &[]);
    check("It is 27.1.\n```\n-26.97\n```\n", &["27.1"]);
    check("In 2015, section 12, two of 3 had 12 %, `-14` and `x=15`, [a 16](b17).", &["12", "14", "16"]);
    check("12,000 of 13\n<!-- given: 13 (a book) -->\n```\n12000 0.55\n```\n55 %", &[]);
    assert_eq!(numbers("v1 CartPole-v1 1e-3").len(), 1);
}
