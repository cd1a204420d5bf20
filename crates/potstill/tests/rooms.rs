//! Who may import whom. Inside one crate the compiler does not hold this line, so a test reads the `use` lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each room and the rooms it may import. ARCHITECTURE.md says why.
const RULES: [(&str, &str); 18] = [
    ("agent", "experience model"),
    ("config", ""),
    ("deep", "agent config experience model policy teacher"),
    ("distill", "config experience model policy targets teacher"),
    ("error", "config export store train"),
    ("experience", ""),
    ("export", "model tabular"),
    ("lib", "error"),
    ("model", "experience policy tabular"),
    ("policy", "targets"),
    (
        "quickstart",
        "agent config deep distill error experience model policy report run store tabular targets teacher train",
    ),
    ("report", ""),
    (
        "run",
        "agent config deep distill error experience export model policy report store tabular teacher train",
    ),
    ("store", ""),
    ("tabular", "agent config experience model policy targets"),
    ("targets", ""),
    ("teacher", "targets"),
    ("train", "agent experience model"),
];

fn source_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The rooms named after `crate::`, outside of tests.
fn imports(text: &str) -> BTreeSet<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let after = lines.flat_map(|line| line.split("crate::").skip(1));
    after.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()).collect()
}

#[test]
fn every_room_imports_only_what_it_may() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for file in files {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let (_, allowed) =
            RULES.iter().find(|rule| rule.0 == room).unwrap_or_else(|| panic!("no rule for {room}"));
        let text = fs::read_to_string(&file).unwrap();
        // The settings macro expands elsewhere and names its own room.
        for import in imports(&text).into_iter().filter(|&import| import != room) {
            let fine = allowed.split(' ').any(|allowed| allowed == import);
            assert!(fine, "{} imports {import}, but {room} may import only: {allowed}", inside.display());
            used.insert((room.clone(), import.to_owned()));
        }
    }
    // A permission that nobody needs is a hole.
    for (room, allowed) in RULES {
        for allowed in allowed.split(' ').filter(|allowed| !allowed.is_empty()) {
            let needed = used.contains(&(room.to_owned(), allowed.to_owned()));
            assert!(needed || room == "lib", "{room} may import {allowed}, but does not");
        }
    }
}
