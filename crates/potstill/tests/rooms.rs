//! Import rules between the modules of the crate. The compiler does not enforce them, so a test reads the
//! `use` lines.

#[path = "rooms/modules.rs"]
mod modules;

use modules::{Modules, rust_files};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each module and the modules that it may import: the table in ARCHITECTURE.md.
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

/// The modules named after `crate::`, outside of tests.
fn imports(text: &str) -> BTreeSet<&str> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
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
    let rules = rules();
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let allowed = rules.get(&room).unwrap_or_else(|| panic!("no row for {room} in ARCHITECTURE.md"));
        let text = fs::read_to_string(&file).unwrap();
        // The settings macro expands elsewhere and names its own module.
        for import in imports(&text).into_iter().filter(|&import| import != room) {
            let place = inside.display();
            assert!(
                allowed.contains(import),
                "{place} imports {import}, but {room} may import only: {allowed:?}"
            );
            used.insert((room.clone(), import.to_owned()));
        }
    }
    // An unused permission is a hole.
    let granted = rules.iter().flat_map(|(room, allowed)| allowed.iter().map(|a| (room.clone(), a.clone())));
    assert_eq!(granted.collect::<BTreeSet<_>>(), used);
}

#[test]
fn the_table_of_the_library_lists_its_public_modules() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split(" | ").next());
    let listed: Vec<&str> =
        rows.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches(['[', '`', ']'])).collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), declared);
    assert_eq!(listed.len(), declared.len(), "a module stands twice: {listed:?}");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found: Vec<Vec<String>> = Vec::new();
    for library in fs::read_dir(crates).unwrap() {
        let library = library.unwrap().path();
        let name = library.file_name().unwrap().to_str().unwrap().to_owned();
        let modules = Modules::read(&library.join("src"));
        assert!(modules.imports() > 0, "{name} imports nothing: the finder is blind");
        let circles = modules.circles().into_iter();
        found.extend(circles.map(|circle| circle.iter().map(|file| format!("{name}/{file}")).collect()));
    }
    assert!(found.is_empty(), "files that import each other: {found:#?}");
}

#[test]
fn the_finder_sees_circles_and_only_those() {
    let check = |files: &[(&str, &str)], expected: &[&[&str]]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(Modules::read(folder.path()).circles(), expected, "{files:?}");
    };
    let (a, b) = ("use crate::b::{self, C};", "pub struct C;");
    check(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)], &[]);
    let back = "pub struct C; fn f() { super::a::g() }";
    check(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", back)], &[&["a.rs", "b.rs"]]);
    // Names in tests and comments do not count.
    let tested = "// crate::a\n#[cfg(test)]\nmod tests { use crate::a::X; }";
    check(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", tested)], &[]);
    // A parent that only re-exports a name does not depend on it; one that uses it does.
    let child = ("m/child.rs", "use super::Shared;\npub struct Item;");
    let passes = "mod child;\npub use child::Item;\npub struct Shared;";
    check(&[("lib.rs", "mod m;"), ("m/mod.rs", passes), child], &[]);
    let uses = "mod child;\npub use child::Item;\npub struct Shared(Item);";
    check(&[("lib.rs", "mod m;"), ("m/mod.rs", uses), child], &[&["m/child.rs", "m/mod.rs"]]);
    // Through a parent, siblings depend on each other.
    let one = ("m/one.rs", "use super::{Two};\npub struct One;");
    let two = ("m/two.rs", "use crate::m::One;\npub struct Two;");
    let both = "mod one;\nmod two;\npub(crate) use one::One;\npub(crate) use two::Two;";
    check(&[("lib.rs", "mod m;"), ("m/mod.rs", both), one, two], &[&["m/one.rs", "m/two.rs"]]);
    // Three in a ring.
    let ring = [
        ("lib.rs", ""),
        ("x.rs", "use crate::y::Y;"),
        ("y.rs", "use crate::z::*;"),
        ("z.rs", "use crate::x;"),
    ];
    check(&ring, &[&["x.rs", "y.rs", "z.rs"]]);
}

/// The files of the public modules that a file declares, recursively.
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
