//! Tests of the contents of published crates.

use crate::cargo;

/// A crate, and files that it must contain.
const PACKAGES: [(&str, &[&str]); 6] = [
    ("potstill-core", &["src/lib.rs"]),
    ("potstill-env", &["src/lib.rs"]),
    ("potstill-nn", &["src/lib.rs"]),
    ("potstill", &["data/digits.bin.gz", "presets/dqn-zoo.toml", "examples/custom_environment.rs"]),
    ("potstill-cli", &["src/lib.rs", "src/bin/potstill.rs"]),
    ("potstill-py", &["src/lib.rs"]),
];

#[test]
fn packages_are_whole_and_hold_nothing_else() {
    for (package, needed) in PACKAGES {
        let mut command = cargo(&["package", "--list", "--allow-dirty", "--offline", "--package", package]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{package}: {}", String::from_utf8_lossy(&output.stderr));
        let listed = String::from_utf8(output.stdout).unwrap();
        let files: Vec<&str> = listed.lines().collect();
        for needed in ["Cargo.toml", "README.md"].iter().chain(needed) {
            assert!(files.contains(needed), "{package} lacks {needed}: {files:?}");
        }
        // Tests read cases from `testdata/`, which is in no crate.
        assert!(!files.iter().any(|file| file.starts_with("tests/")), "{package}: {files:?}");
    }
}

#[test]
fn manifests_say_what_registries_show() {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    for (package, _) in PACKAGES {
        let manifest = std::fs::read_to_string(crates.join(package).join("Cargo.toml")).unwrap();
        for key in ["description", "readme", "keywords", "categories", "include", "license", "repository"] {
            let has = manifest.lines().any(|line| line.starts_with(key));
            assert!(has, "{package} has no {key}");
        }
        let list = manifest.lines().find_map(|line| line.strip_prefix("keywords = ")).unwrap();
        let keywords: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        // The limits of crates.io.
        assert!(keywords.len() <= 5 && keywords.iter().all(|word| word.len() <= 20), "{package}: {list}");
    }
}
