//! Imports between the files of a crate, read from `use` lines and from paths in the code; tests and comments
//! do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The path of a module or an item.
type Names = Vec<String>;

/// The modules of a crate that are files.
pub(crate) struct Modules {
    /// The file of each module.
    files: BTreeMap<Names, String>,
    /// For each file the files that it imports from.
    edges: BTreeMap<String, BTreeSet<String>>,
}

/// A source file.
struct Source {
    module: Names,
    /// Names that it imports or re-exports, and their paths.
    imports: Vec<Import>,
    /// Every path in the code, `use` lines left out.
    paths: Vec<Names>,
    /// Every word of the code, `use` lines left out.
    words: BTreeSet<String>,
}

struct Import {
    name: String,
    path: Names,
    is_public: bool,
}

impl Modules {
    /// Reads the crate whose root lies in this folder.
    pub(crate) fn read(source: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut sources = Vec::new();
        for file in rust_files(source) {
            let inside = file.strip_prefix(source).unwrap();
            let mut module: Names = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let last = module.pop().unwrap();
            match last.trim_end_matches(".rs") {
                "lib" | "main" | "mod" => {}
                name => module.push(name.to_owned()),
            }
            files.insert(module.clone(), inside.to_str().unwrap().to_owned());
            sources.push(Source::read(module, &fs::read_to_string(&file).unwrap()));
        }
        let mut modules = Self { files, edges: BTreeMap::new() };
        for source in &sources {
            let file = modules.files[&source.module].clone();
            // A name that is only re-exported is no dependency.
            let used = |import: &&Import| !import.is_public || source.words.contains(&import.name);
            let paths = source.imports.iter().filter(used).map(|import| &import.path).chain(&source.paths);
            let targets = paths.filter_map(|path| modules.target(&source.module, path, &sources, 8));
            let targets: BTreeSet<String> = targets.filter(|target| *target != file).collect();
            modules.edges.insert(file, targets);
        }
        modules
    }

    /// The number of imports from one file into another.
    pub(crate) fn imports(&self) -> usize {
        self.edges.values().map(BTreeSet::len).sum()
    }

    /// The file that defines the item of a path; re-exports are followed.
    fn target(&self, module: &Names, path: &Names, sources: &[Source], depth: usize) -> Option<String> {
        let full = self.absolute(module, path)?;
        let known = (0..=full.len()).rev().find(|&n| self.files.contains_key(&full[..n]))?;
        let (module, rest) = full.split_at(known);
        if let (Some(name), true) = (rest.first(), depth > 0) {
            let source = sources.iter().find(|source| source.module == module)?;
            if let Some(import) =
                source.imports.iter().find(|import| import.is_public && import.name == *name)
            {
                let further = import.path.iter().chain(&rest[1..]).cloned().collect();
                // Items of other crates are in no file of this one.
                return self.target(&source.module, &further, sources, depth - 1);
            }
        }
        Some(self.files[module].clone())
    }

    /// A path from the root; `None` if it leads into another crate.
    fn absolute(&self, module: &Names, path: &Names) -> Option<Names> {
        let mut at = module.clone();
        let mut rest = path.as_slice();
        match path.first()?.as_str() {
            "crate" => (at, rest) = (Names::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                at.push(child.to_owned());
                if !self.files.contains_key(&at) {
                    return None;
                }
                rest = &path[1..];
            }
        }
        at.extend(rest.iter().cloned());
        Some(at)
    }

    /// Files that import each other, each cycle sorted.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&String, BTreeSet<&String>> =
            self.edges.keys().map(|file| (file, self.reached(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, from_here) in &reached {
            if from_here.contains(*file) {
                let circle = from_here.iter().filter(|other| reached[**other].contains(*file));
                circles.insert(circle.map(|other| (*other).clone()).collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    fn reached(&self, file: &String) -> BTreeSet<&String> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = self.edges[file].iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&self.edges[next]);
            }
        }
        seen
    }
}

impl Source {
    fn read(module: Names, text: &str) -> Self {
        // Unit tests are at the end of a file, or in a file of their own.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines = code.lines().map(|line| line.split("//").next().unwrap());
        let mut rest = lines.collect::<Vec<_>>().join("\n");
        let mut imports = Vec::new();
        while let Some((start, end)) = next_use(&rest) {
            let item = rest[start..end].to_owned();
            let (visibility, tree) = item.split_once("use ").unwrap();
            let attributes = &rest[..start];
            let is_test = attributes.trim_end().ends_with("#[cfg(test)]");
            if !is_test {
                let tokens = tokens(tree);
                let is_public = visibility.contains("pub");
                spread(&mut tokens.as_slice(), &Names::new(), is_public, &mut imports);
            }
            rest.replace_range(start..=end, "");
        }
        let tokens = tokens(&rest);
        let mut paths = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            let begins = is_word(token) && (i == 0 || !matches!(tokens[i - 1], "$" | "::"));
            if begins && tokens.get(i + 1) == Some(&"::") {
                let mut path = vec![(*token).to_owned()];
                let mut at = i + 1;
                while tokens.get(at) == Some(&"::") && tokens.get(at + 1).is_some_and(|name| is_word(name)) {
                    path.push(tokens[at + 1].to_owned());
                    at += 2;
                }
                paths.push(path);
            }
        }
        let words = tokens.iter().filter(|token| is_word(token)).map(|word| (*word).to_owned()).collect();
        Self { module, imports, paths, words }
    }
}

/// The beginning of the next `use` item, and its semicolon.
fn next_use(text: &str) -> Option<(usize, usize)> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let item = line.trim_start();
        let after = match item.strip_prefix("pub") {
            Some(public) => match public.strip_prefix('(') {
                Some(scope) => scope.split_once(") ").map_or("", |(_, after)| after),
                None => public.trim_start(),
            },
            None => item,
        };
        if after.starts_with("use ") {
            let start = start + line.len() - item.len();
            return Some((start, start + text[start..].find(';')?));
        }
        start += line.len();
    }
    None
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and single signs.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word(rest) {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Parses one branch of a `use` tree, up to a comma, a closing brace or the end.
fn spread(tokens: &mut &[&str], before: &Names, is_public: bool, imports: &mut Vec<Import>) {
    let mut path = before.clone();
    while let Some((&token, rest)) = tokens.split_first() {
        match token {
            "," | "}" => break,
            "{" => {
                *tokens = rest;
                loop {
                    spread(tokens, &path, is_public, imports);
                    let sign = tokens.first().copied();
                    *tokens = tokens.get(1..).unwrap_or_default();
                    if sign != Some(",") {
                        return;
                    }
                }
            }
            "as" => {
                let name = rest[0].to_owned();
                *tokens = &rest[1..];
                imports.push(Import { name, path, is_public });
                return;
            }
            "::" => {}
            "self" if !path.is_empty() => {}
            // A glob import stands for the module.
            "*" => {}
            name => path.push(name.to_owned()),
        }
        *tokens = rest;
    }
    if path.len() > before.len() || !before.is_empty() && !path.is_empty() {
        imports.push(Import { name: path[path.len() - 1].clone(), path, is_public });
    }
}
