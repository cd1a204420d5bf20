//! Checks of the prose: links lead to files, lines are short, doc comments begin with a noun or a verb.

use std::fs;
use std::path::{Path, PathBuf};

/// Pages with short lines, outside of tables and code.
const PAGES: [&str; 9] = [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "STYLE.md",
    "SECURITY.md",
    "GLOSSARY.md",
    "crates/potstill/examples/README.md",
    "examples/own-potstill/README.md",
    "reproductions/README.md",
];
const COLUMNS_MAX: usize = 120;

/// Words with which no doc comment begins (STYLE.md): a clause after one of them hides its noun.
const QUESTION_WORDS: [&str; 11] =
    ["What", "Who", "Whom", "Whose", "Which", "How", "Where", "When", "Why", "Whether", "That"];

/// The address of this repository's files, by which pages outside of it link to them.
const REPOSITORY: &str = "https://github.com/potstill/potstill/blob/main/";

/// The targets of a page's links, without those to the web; those to this repository begin with `/`.
fn links(text: &str) -> impl Iterator<Item = String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.map(|target| target.replace(REPOSITORY, "/")).filter(|target| !target.starts_with("http"))
}

/// The pages whose links and lines are checked: those of the list, and the book's.
fn pages(root: &Path) -> Vec<String> {
    let chapters = fs::read_dir(root.join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let name = |path: PathBuf| path.strip_prefix(root).unwrap().display().to_string();
    PAGES.iter().map(|&page| page.to_owned()).chain(chapters.map(name)).collect()
}

/// The paths of files in a text's code: words with a slash and one of these endings.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split('`').skip(1).step_by(2);
    code.filter(|code| code.contains('/') && [".rs", ".py", ".md"].iter().any(|end| code.ends_with(end)))
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

/// Numbers of the lines in which a doc comment begins with a question word.
fn questions(code: &str) -> Vec<usize> {
    let is_doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
    let mut within = false;
    let begins_badly = |(number, line): (usize, &str)| {
        let line = line.trim_start();
        let is_first = !std::mem::replace(&mut within, is_doc(line)) && is_doc(line);
        let word = line.get(3..).and_then(|text| text.split_whitespace().next());
        (is_first && word.is_some_and(|word| QUESTION_WORDS.contains(&word))).then_some(number + 1)
    };
    code.lines().enumerate().filter_map(begins_badly).collect()
}

/// The Rust files below a folder, without build outputs.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true if path.ends_with("target") => Vec::new(),
        true => sources(&path),
        false => vec![path],
    };
    entries.flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

#[test]
fn doc_comments_begin_with_a_noun_or_a_verb() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files: Vec<PathBuf> =
        ["crates", "examples", "fuzz", "xtask"].iter().flat_map(|part| sources(&root.join(part))).collect();
    assert!(files.len() > 200, "only {} files", files.len());
    let found = files.iter().flat_map(|file| {
        let lines = questions(&fs::read_to_string(file).unwrap());
        lines.into_iter().map(move |line| format!("{}:{line}", file.strip_prefix(root).unwrap().display()))
    });
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "doc comments that begin with a question word: {found:#?}");
}

#[test]
fn question_words_are_found_only_where_a_doc_comment_begins() {
    let code = "//! What is here.\n\n/// Rows.\n/// Which is more.\nfn f() {\n    // How it works.\n    /// Whether so.\n    let x;\n}\n";
    assert_eq!(questions(code), [1, 7]);
    assert_eq!(questions("/// Whatever.\n//// What.\n///\n/// How.\n"), [0; 0]);
}

#[test]
fn links_lead_to_files_and_lines_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for page in pages(root) {
        let path = root.join(&page);
        let text = fs::read_to_string(&path).unwrap();
        for target in links(&text) {
            let target = target.split('#').next().unwrap();
            let file = match target.strip_prefix('/') {
                Some(target) => root.join(target),
                None => path.parent().unwrap().join(target),
            };
            assert!(file.exists(), "{page}: no file {target}");
        }
        assert_eq!(long_lines(&text), [0; 0], "{page}: lines with more than {COLUMNS_MAX} columns");
        let is_conflict = text.lines().any(|line| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>"));
        assert!(!is_conflict, "{page}: both sides of a merge");
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

/// The claims of the README's "What holds", each with the text up to the next.
fn claims(readme: &str) -> Vec<&str> {
    let section = readme.split("## What holds\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    section.split("\n- ").skip(1).map(|claim| claim.split("\n\n").next().unwrap()).collect()
}

#[test]
fn every_claim_of_the_readme_names_its_test_and_every_speed_its_commit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let exists = |path: &str| root.join(path).exists() || root.join("crates").join(path).exists();
    let claims = claims(&readme);
    assert!(claims.len() > 7, "{claims:?}");
    for claim in claims {
        assert!(paths(claim).any(exists), "no test is named: {claim}");
    }
    for path in paths(&readme) {
        assert!(exists(path), "the README names {path}, which is not there");
    }
    // A paragraph that says who measured a speed says on which commit, and where its numbers are kept.
    let speeds: Vec<&str> = readme
        .split("\n\n")
        .filter(|part| part.contains("benches/peers/") && part.contains(".py`"))
        .collect();
    assert!(speeds.len() > 2, "{speeds:?}");
    for speed in speeds {
        let commit = speed.split("commit `").nth(1).and_then(|rest| rest.split('`').next());
        let is_hash =
            commit.is_some_and(|hash| hash.len() >= 7 && hash.chars().all(|c| c.is_ascii_hexdigit()));
        assert!(is_hash && speed.contains("benches/peers/results"), "no commit or no folder: {speed}");
    }
}

#[test]
fn claims_end_where_the_next_begins() {
    let text =
        "x\n## What holds\n\n- **A.** `a/b.rs`\n  more\n- **B.** b\n\nAfter `c/d.md`.\n## Next\n- no\n";
    assert_eq!(claims(text), ["**A.** `a/b.rs`\n  more", "**B.** b"]);
    assert_eq!(paths(text).collect::<Vec<_>>(), ["a/b.rs", "c/d.md"]);
}

#[test]
fn long_lines_and_links_are_found() {
    let long = "x".repeat(121);
    let text = format!(
        "{long}\n```\n{long}\n```\n| {long} |\nshort [a](b/c.md) and [d](https://e), [f]({REPOSITORY}g)\n{long}\n"
    );
    assert_eq!(long_lines(&text), [1, 7]);
    assert_eq!(links(&text).collect::<Vec<_>>(), ["b/c.md", "/g"]);
}
