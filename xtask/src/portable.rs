//! Portability: the libraries build for targets with 32-bit indices, and without a disk.

use crate::{cargo, step};
use std::path::Path;
use std::process::Command;

const LIBRARIES: [&str; 4] = ["potstill-core", "potstill-env", "potstill-nn", "potstill"];

/// A target, and flags.
const TARGETS: [(&str, &[&str]); 2] =
    [("i686-unknown-linux-gnu", &[]), ("wasm32-unknown-unknown", &["--no-default-features"])];

/// Checks the libraries for each target whose standard library is installed, and reports which were NOT RUN; and without a disk
/// for this machine, where every warning counts.
///
/// # Errors
/// If one does not build.
pub(crate) fn check() -> Result<(), String> {
    let packages = || LIBRARIES.iter().flat_map(|library| ["--package", library]);
    let mut command = cargo(&["clippy", "--lib", "--locked", "--no-default-features"]);
    command.args(packages()).args(["--", "-D", "warnings"]);
    step("libraries without a disk", &mut command)?;
    for (target, flags) in TARGETS {
        if !is_installed(target) {
            println!(
                "\nNOT RUN: the libraries on {target}, because it is missing (rustup target add {target})."
            );
            continue;
        }
        let mut command = cargo(&["check", "--lib", "--locked", "--target", target]);
        command.args(packages()).args(flags);
        step(&format!("libraries on {target}"), &mut command)?;
    }
    Ok(())
}

/// Returns true if the compiler finds the target's standard library: rustup is not the only way to install
/// one.
fn is_installed(target: &str) -> bool {
    let question = ["--print", "target-libdir", "--target", target];
    let found = Command::new("rustc").args(question).output().ok().filter(|output| output.status.success());
    found.is_some_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

#[cfg(test)]
mod tests {
    use super::LIBRARIES;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Returns true if a constant of a line needs more than 32 bits without a type of 64 bits.
    fn too_wide(line: &str) -> bool {
        let code = line.split("//").next().unwrap_or_default();
        if ["u64", "U64", "i64", "u128", "f64", "unsigned_abs"].iter().any(|wide| names(code, wide)) {
            return false;
        }
        let sides: Vec<&str> = code.split("<<").collect();
        let shifts = sides.windows(2).any(|pair| {
            // A variable has a type of its own.
            pair[0].trim_end().ends_with(|c: char| c.is_ascii_digit())
                && leading_number(pair[1].trim_start()).is_some_and(|bits| bits >= 32)
        });
        let literal = |word: &str| leading_number(word).is_some_and(|n| n > u128::from(u32::MAX));
        let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
        shifts || (names(code, "usize") && words.filter(|word| !word.contains('.')).any(literal))
    }

    /// Returns true if a type is in the code, alone or as the suffix of a number; `as u64` makes a wide
    /// number of a narrow one.
    fn names(code: &str, of: &str) -> bool {
        code.replace(&format!(" as {of}"), "").contains(of)
    }

    fn leading_number(text: &str) -> Option<u128> {
        let digits: String = text.chars().filter(|&c| c != '_').take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_constant_of_a_library_needs_more_than_32_bits_as_an_index() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
        let mut files = Vec::new();
        for library in LIBRARIES {
            sources(&crates.join(library).join("src"), &mut files);
        }
        assert!(files.len() > 100, "{} files", files.len());
        let mut found = Vec::new();
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                if too_wide(line) {
                    found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
                }
            }
        }
        assert!(
            found.is_empty(),
            "write the type (u64) where it is one, or make it smaller:\n{}",
            found.join("\n")
        );
    }

    #[test]
    fn constants_that_are_too_wide_are_found() {
        for (line, expected) in [
            ("let n = snapshot.index(\"steps\", 1 << 62)? as u64;", true),
            ("const MAX: usize = 1 << 33;", true),
            ("const MAX: usize = 1 << 31;", false),
            ("const MAX: u64 = 1 << 42;", false),
            ("let bits = 1_u64 << 62;", false),
            ("const MAX: usize = 5_000_000_000;", true),
            ("const MAX: usize = 4_294_967_295;", false),
            ("let x: usize = 6_755_399_441_055_744.0 as usize;", false),
            ("memory_limit: u64 = 8_000_000_000,", false),
            ("let n = 1; // not 1 << 62", false),
        ] {
            assert_eq!(too_wide(line), expected, "{line}");
        }
    }

    const DISK: &str = "#[cfg(feature = \"disk\")]";
    /// Files, clocks, threads and processes: they compile for targets that have none, and fail there.
    const NEEDS_SYSTEM: [&str; 8] = [
        "std::fs",
        "std::time",
        "std::thread",
        "std::process",
        "std::net",
        "std::env::",
        "Instant",
        "thread::",
    ];
    /// Files that may ask for threads, since they do without where there are none, and for the time that these
    /// take.
    const DOES_WITHOUT_THREADS: [&str; 4] = [
        "potstill-nn/src/helpers.rs",
        "potstill-nn/src/workers.rs",
        "potstill/src/train/parallel.rs",
        "potstill/src/deep/task.rs",
    ];

    /// The code that is compiled without a disk: without tests, comments, and the item after each `DISK`.
    fn code_without_disk(text: &str) -> Vec<&str> {
        let lines: Vec<&str> = text.lines().collect();
        let (mut code, mut next) = (Vec::new(), 0);
        while let Some(&line) = lines.get(next) {
            next += 1;
            let indent = line.len() - line.trim_start().len();
            if line.trim() == "#[cfg(test)]" && indent == 0 {
                break;
            }
            if line.trim() == DISK {
                // To the end of the item: a line of its indent, or less, that ends one.
                while let Some(&line) = lines.get(next) {
                    next += 1;
                    let is_within = line.len() - line.trim_start().len() > indent;
                    if !is_within && line.ends_with(['}', ';', ',']) {
                        break;
                    }
                }
                continue;
            }
            if !line.trim_start().starts_with("//") {
                code.push(line);
            }
        }
        code
    }

    /// The files of a crate that are compiled without a disk, with their code.
    fn files_without_disk(file: &Path, found: &mut Vec<(PathBuf, String)>) {
        let text = fs::read_to_string(file).unwrap();
        let code = code_without_disk(&text);
        let name = file.file_stem().unwrap();
        let folder = file.parent().unwrap();
        let folder = if name == "lib" || name == "mod" { folder.to_owned() } else { folder.join(name) };
        for line in &code {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["mod", module] | [_, "mod", module] = words[..]
                && let Some(module) = module.strip_suffix(';')
            {
                let alone = folder.join(format!("{module}.rs"));
                let file = if alone.exists() { alone } else { folder.join(module).join("mod.rs") };
                files_without_disk(&file, found);
            }
        }
        found.push((file.to_owned(), code.join("\n")));
    }

    #[test]
    fn what_is_compiled_without_a_disk_touches_no_file_clock_or_thread() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
        let mut files = Vec::new();
        for library in LIBRARIES {
            files_without_disk(&crates.join(library).join("src/lib.rs"), &mut files);
        }
        assert!(files.len() > 150, "{} files", files.len());
        for (file, code) in files {
            let is_excused = DOES_WITHOUT_THREADS.iter().any(|excused| file.ends_with(excused));
            let needs: Vec<&&str> = NEEDS_SYSTEM.iter().filter(|needed| code.contains(**needed)).collect();
            let keeps_time = file.ends_with("helpers.rs") || file.ends_with("workers.rs");
            let allowed = |needed: &str| {
                is_excused
                    && (needed.contains("thread") || keeps_time && ["std::time", "Instant"].contains(&needed))
            };
            assert!(
                needs.iter().all(|needed| allowed(needed)),
                "{}: {needs:?} without the feature `disk`",
                file.display()
            );
            assert_eq!(is_excused, !needs.is_empty(), "{}: no excuse is needed", file.display());
        }
    }

    #[test]
    fn items_that_need_a_disk_are_left_out() {
        let text = format!(
            "use a;\n{DISK}\nuse std::fs;\n{DISK}\nfn f() {{\n    Instant;\n}}\n// std::time\nenum E {{\n    A,\n    {DISK}\n    B(fs),\n}}\n\
             {DISK}\npub use {{\n    b,\n}};\nmod c;\n#[cfg(test)]\nmod tests {{}}\n"
        );
        assert_eq!(code_without_disk(&text), ["use a;", "enum E {", "    A,", "}", "mod c;"]);
    }
}
