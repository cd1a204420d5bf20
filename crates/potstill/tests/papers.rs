//! `PAPERS.md` follows from the algorithms' descriptors and from the module docs of their files.
//!
//! `POTSTILL_BLESS="reason in one line" cargo nextest run -p potstill --test papers` writes it.

use potstill::algorithm::{ALGORITHMS, Algorithm};
use potstill::reproduce::RESULTS;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# Papers

From a paper to the file that implements it, its presets, and what was measured. Written by a test from the algorithms'
descriptors and module docs (`crates/potstill/tests/papers.rs`), not by hand.

| paper, equation or box | algorithm | file | presets | published results |
|---|---|---|---|---|
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The results about an algorithm: the committed folder, or the command that measures it.
fn results(algorithm: &Algorithm) -> String {
    let about = RESULTS.iter().filter(|result| result.algorithms.contains(&algorithm.name));
    let links = about.map(|result| {
        let folder = format!("reproductions/{}/README.md", result.name);
        let is_committed = root().join(&folder).is_file();
        if is_committed {
            format!("[{}]({folder})", result.name)
        } else {
            format!("`potstill reproduce {}`", result.name)
        }
    });
    links.collect::<Vec<_>>().join(", ")
}

/// The paragraph or list of a file's module doc that begins with "Differences".
fn differences(file: &str) -> Option<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let about = text.lines().map_while(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("\n");
    let from = &about[about.find("Differences from the ")?..];
    // Until an empty line; a line of a list goes on after its indentation.
    let lines = from.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let mut words = String::new();
    for line in lines {
        let glue = if line.starts_with("- ") { "\n" } else { " " };
        if !words.is_empty() {
            words += glue;
        }
        words += line;
    }
    // Links of the documentation lead nowhere here, and their paths have colons.
    let words = unlinked(&words);
    let (heading, rest) = words.split_once(':')?;
    Some(match heading.split_once(", beside ") {
        Some((_, others)) => format!("Beside {others}:\n\n{}", rest.trim()),
        None => capitalised(rest.trim()),
    })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The switches in the table of a file's module doc: key and paper.
fn switches(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        (cells[0].trim_end_matches('`').to_owned(), cells[2].to_owned())
    })
    .collect()
}

/// The methods of distillation: the paper, the command and the file.
const STUDENTS: [(&str, &str, &str); 4] = [
    (
        "Hinton, Vinyals and Dean 2015, sections 2 and 3",
        "distill --data",
        "crates/potstill/src/distill/classifier.rs",
    ),
    (
        "Rusu et al. 2015, section 3.2; Ross, Gordon and Bagnell 2011",
        "distill --env",
        "crates/potstill/src/distill/policy.rs",
    ),
    ("Romero et al. 2015, equation 3", "distill --hint", "crates/potstill/src/distill/hints.rs"),
    ("Zagoruyko and Komodakis 2017", "distill --attention", "crates/potstill/src/distill/hints.rs"),
];

/// Markdown without the targets of its links.
fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (name, target) = after.split_once(']').expect("a link ends");
        plain += before;
        plain += name;
        rest = match target.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => target,
        };
    }
    plain + rest
}

/// Text in lines of at most 120 columns.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let mut width = 0;
        for word in paragraph.split_whitespace() {
            if width > 0 && width + 1 + word.chars().count() > 118 {
                lines += if paragraph.starts_with("- ") { "\n  " } else { "\n" };
                width = 2;
            } else if width > 0 {
                lines.push(' ');
                width += 1;
            }
            lines += word;
            width += word.chars().count();
        }
        lines.push('\n');
    }
    lines
}

fn short(file: &str) -> &str {
    file.strip_prefix("crates/potstill/src/").expect("a file of the library")
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for algorithm in ALGORITHMS {
        let Algorithm { name, source, file, .. } = algorithm;
        let presets: Vec<String> =
            algorithm.presets.iter().map(|preset| format!("`{}`", preset.name)).collect();
        let short = short(file);
        let (presets, results) = (presets.join(", "), results(algorithm));
        writeln!(page, "| {source} | `{name}` | [{short}]({file}) | {presets} | {results} |").unwrap();
    }
    let dqn = "crates/potstill/src/deep/dqn.rs";
    let of_dqn = switches(dqn);
    assert!(!of_dqn.is_empty(), "{dqn} has a table of switches");
    for (key, paper) in of_dqn {
        writeln!(page, "| {paper} | `dqn --set {key}=...` | [{}]({dqn}) |  |  |", short(dqn)).unwrap();
    }
    for (paper, command, file) in STUDENTS {
        writeln!(page, "| {paper} | `{command}` | [{}]({file}) |  |  |", short(file)).unwrap();
    }
    let losses = "crates/potstill/src/distill/divergence.rs";
    let of_losses = switches(losses);
    assert!(!of_losses.is_empty(), "{losses} has a table of divergences");
    for (key, paper) in of_losses {
        writeln!(page, "| {paper} | `distill --divergence {key}` | [{}]({losses}) |  |  |", short(losses))
            .unwrap();
    }
    page += "\n## Differences from the papers and the book\n";
    let mut files: Vec<(&str, String)> = Vec::new();
    let students = STUDENTS.iter().map(|&(_, command, file)| (file, command));
    for (file, name) in ALGORITHMS.iter().map(|algorithm| (algorithm.file, algorithm.name)).chain(students) {
        match files.iter_mut().find(|known| known.0 == file) {
            Some((_, names)) => write!(names, ", `{name}`").unwrap(),
            None => files.push((file, format!("`{name}`"))),
        }
    }
    for (file, names) in files {
        let text = differences(file)
            .unwrap_or_else(|| panic!("{file}: no \"Differences from the ...:\" in the module doc"));
        write!(page, "\n### {names}\n\n{}", wrapped(&text)).unwrap();
    }
    page
}

#[test]
fn papers_is_up_to_date() {
    let path = root().join("PAPERS.md");
    let page = page();
    if std::env::var("POTSTILL_BLESS").is_ok() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "PAPERS.md is not what the descriptors say. POTSTILL_BLESS=\"reason in one line\" cargo nextest run -p potstill --test papers"
    );
}

#[test]
fn results_name_algorithms_that_are_there() {
    for result in RESULTS {
        for name in result.algorithms {
            assert!(ALGORITHMS.iter().any(|algorithm| algorithm.name == *name), "{}: {name}", result.name);
        }
    }
}
