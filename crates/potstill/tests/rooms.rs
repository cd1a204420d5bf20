//! Who may import whom. Inside one crate the compiler does not hold this line, so a test reads the `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each room and the rooms it may import: the table in ARCHITECTURE.md.
fn rules() -> BTreeMap<String, BTreeSet<String>> {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ARCHITECTURE.md");
    let text = fs::read_to_string(map).unwrap();
    let table = text.split_once("| room | what is there | may import |").unwrap().1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names = |cell: &str| -> BTreeSet<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (names(cells[1]).pop_first().unwrap(), names(cells[3]))
    })
    .collect()
}

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
    after
        .map(|rest| {
            assert!(!rest.starts_with('{'), "import from one room per line, so that this test can read it");
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
        })
        .collect()
}

#[test]
fn every_room_imports_only_what_it_may() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let rules = rules();
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for file in files {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let allowed = rules.get(&room).unwrap_or_else(|| panic!("no row for {room} in ARCHITECTURE.md"));
        let text = fs::read_to_string(&file).unwrap();
        // The settings macro expands elsewhere and names its own room.
        for import in imports(&text).into_iter().filter(|&import| import != room) {
            let place = inside.display();
            assert!(
                allowed.contains(import),
                "{place} imports {import}, but {room} may import only: {allowed:?}"
            );
            used.insert((room.clone(), import.to_owned()));
        }
    }
    // A permission that nobody needs is a hole.
    let granted = rules.iter().flat_map(|(room, allowed)| allowed.iter().map(|a| (room.clone(), a.clone())));
    assert_eq!(granted.collect::<BTreeSet<_>>(), used);
}

/// The files of the public modules that a file declares, and theirs.
fn public_modules(file: &Path, modules: &mut Vec<std::path::PathBuf>) {
    let text = fs::read_to_string(file).unwrap();
    let folder = match file.file_stem().unwrap().to_str().unwrap() {
        "lib" | "mod" => file.parent().unwrap().to_owned(),
        name => file.parent().unwrap().join(name),
    };
    for name in text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        let found = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
        let module = found.into_iter().find(|path| path.is_file()).expect("a module has a file");
        public_modules(&module, modules);
        modules.push(module);
    }
}

#[test]
fn every_public_module_has_an_example() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for library in ["potstill-core", "potstill-env", "potstill-nn", "potstill"] {
        let root = crates.join(library).join("src/lib.rs");
        let mut modules = Vec::new();
        public_modules(&root, &mut modules);
        assert!(!modules.is_empty(), "{library}");
        for module in modules {
            let text = fs::read_to_string(&module).unwrap();
            let about = text.lines().take_while(|line| line.starts_with("//!"));
            // Each is run by the documentation tests.
            assert!(about.into_iter().any(|line| line == "//! ```"), "{} has no example", module.display());
        }
    }
}
