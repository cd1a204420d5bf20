//! What can be checked of the prose: links lead to files, and lines are short.

use std::fs;
use std::path::Path;

/// Pages with short lines, outside of tables and code.
const PAGES: [&str; 7] = [
    "README.md",
    "CONTRIBUTING.md",
    "STYLE.md",
    "SECURITY.md",
    "GLOSSARY.md",
    "crates/potstill/examples/README.md",
    "reproductions/README.md",
];
const COLUMNS_MAX: usize = 120;

/// The targets of a page's links, without those to the web.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.starts_with("http"))
}

/// Numbers of the lines that are too long.
fn long_lines(text: &str) -> Vec<usize> {
    let mut is_code = false;
    let is_long = |(number, line): (usize, &str)| {
        is_code ^= line.starts_with("```");
        let is_free = is_code || line.starts_with('|');
        (!is_free && line.chars().count() > COLUMNS_MAX).then_some(number + 1)
    };
    text.lines().enumerate().filter_map(is_long).collect()
}

#[test]
fn links_lead_to_files_and_lines_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for page in PAGES {
        let path = root.join(page);
        let text = fs::read_to_string(&path).unwrap();
        for target in links(&text) {
            let target = target.split('#').next().unwrap();
            assert!(path.parent().unwrap().join(target).exists(), "{page}: no file {target}");
        }
        assert_eq!(long_lines(&text), [0; 0], "{page}: lines with more than {COLUMNS_MAX} columns");
    }
}

#[test]
fn files_that_security_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(|name| name.contains('/')).collect();
    let files: Vec<&&str> =
        named.iter().filter(|name| !name.starts_with("runs") && !name.contains(' ')).collect();
    assert!(files.len() > 15, "{files:?}");
    for file in files {
        let found = root.join(file).exists() || root.join("crates").join(file).exists();
        assert!(found, "SECURITY.md names {file}, which is not there");
    }
}

#[test]
fn long_lines_and_links_are_found() {
    let long = "x".repeat(121);
    let text =
        format!("{long}\n```\n{long}\n```\n| {long} |\nshort [a](b/c.md) and [d](https://e)\n{long}\n");
    assert_eq!(long_lines(&text), [1, 7]);
    assert_eq!(links(&text).collect::<Vec<_>>(), ["b/c.md"]);
}
