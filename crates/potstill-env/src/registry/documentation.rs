//! The documentation of an environment, for reading in a terminal: Markdown without its signs.

use std::borrow::Cow;

/// An option of an environment, as its documentation declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvOption {
    /// The name.
    pub name: Cow<'static, str>,
    /// The meaning, and the allowed values.
    pub meaning: Cow<'static, str>,
    /// The default in words; empty if there is none.
    pub default: Cow<'static, str>,
    /// A value that it may have.
    pub example: Cow<'static, str>,
}

impl EnvOption {
    /// An option from its texts.
    pub const fn new(
        name: &'static str,
        meaning: &'static str,
        default: &'static str,
        example: &'static str,
    ) -> Self {
        let (name, meaning) = (Cow::Borrowed(name), Cow::Borrowed(meaning));
        Self { name, meaning, default: Cow::Borrowed(default), example: Cow::Borrowed(example) }
    }
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A paragraph.
    Text(String),
    /// The rows of a table, the first of which is its head.
    Table(Vec<Vec<String>>),
    /// Lines that stay as they are.
    Lines(Vec<String>),
}

/// The parts under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The heading; empty for the introduction.
    pub heading: String,
    /// Paragraphs and tables.
    pub parts: Vec<Part>,
}

/// The sections of a Markdown text, or of the module documentation (`//!`) of a source file. Blocks of code
/// are left out, and those of text are kept.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    // The language of a block, within one.
    let (mut block, mut goes_on) = (None, false);
    for line in markdown(text).map(str::trim) {
        let parts = &mut sections.last_mut().expect("the introduction is there").parts;
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_none() { Some(language) } else { None };
            if block == Some("text") {
                parts.push(Part::Lines(Vec::new()));
            }
            goes_on = false;
            continue;
        }
        match (line, parts.last_mut()) {
            (line, Some(Part::Lines(lines))) if block == Some("text") => lines.push(line.to_owned()),
            _ if block.is_some() => {}
            _ => goes_on = add(&mut sections, line, goes_on),
        }
    }
    sections.retain(|section| !section.parts.is_empty());
    sections
}

/// Adds a line of Markdown; returns true if the next may belong to the same part.
fn add(sections: &mut Vec<Section>, line: &str, goes_on: bool) -> bool {
    let parts = &mut sections.last_mut().expect("the introduction is there").parts;
    if line.is_empty() {
        return false;
    }
    if line.starts_with('#') {
        let heading = plain(line.trim_start_matches('#').trim());
        sections.push(Section { heading, parts: Vec::new() });
        return false;
    }
    if line.starts_with('|') {
        let cells = line.trim_matches('|').split('|').map(|cell| plain(cell.trim())).collect();
        match parts.last_mut() {
            // The line between head and rows.
            Some(Part::Table(_)) if line.starts_with("|--") => {}
            Some(Part::Table(rows)) if goes_on => rows.push(cells),
            _ => parts.push(Part::Table(vec![cells])),
        }
        return true;
    }
    match parts.last_mut() {
        Some(Part::Text(text)) if goes_on => *text += &format!(" {}", plain(line)),
        _ => parts.push(Part::Text(plain(line))),
    }
    true
}

/// The options in the table under the heading "Options": its columns are option, meaning, default and, if it
/// differs from the default, an example.
pub(super) fn options(text: &str) -> Vec<EnvOption> {
    let sections = sections(text);
    let parts = sections.iter().filter(|section| section.heading == "Options").flat_map(|s| &s.parts);
    let rows = parts.filter_map(|part| match part {
        Part::Table(rows) if rows[0].first().is_some_and(|cell| cell == "option") => Some(&rows[1..]),
        _ => None,
    });
    let option = |row: &Vec<String>| {
        let cell = |i: usize| Cow::Owned(row.get(i).cloned().unwrap_or_default());
        let example = if row.get(3).is_some_and(|cell| !cell.is_empty()) { 3 } else { 2 };
        EnvOption { name: cell(0), meaning: cell(1), default: cell(2), example: cell(example) }
    };
    rows.flatten().map(option).collect()
}

/// The lines of Markdown in a text.
fn markdown(text: &str) -> impl Iterator<Item = &str> {
    let is_source = text.lines().any(|line| line.starts_with("//!"));
    let lines = text.lines().skip_while(move |line| is_source && !line.starts_with("//!"));
    let lines = lines.take_while(move |line| !is_source || line.starts_with("//!"));
    lines.map(move |line| if is_source { &line[3..] } else { line })
}

/// The text without the signs of code and links.
fn plain(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((shown, after)) = link.split_once(']') else { break };
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        words += before;
        match target {
            Some((_, after)) => (words, rest) = (words + shown, after),
            // A link to an item of the code, or brackets.
            None if shown.starts_with('`') => (words, rest) = (words + shown, after),
            None => (words, rest) = (words + "[" + shown + "]", after),
        }
    }
    (words + rest).replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "// A licence.\n\
        //! `Pond`: cross a\n//! [pond](crate::pond) of [`Space`]s in [0, 1].\n\
        //!\n//! ```\n//! # code\n//! ```\n//!\n\
        //! # Rewards\n//!\n//! None.\n\
        //! ```text\n//! a  [b]\n//! ```\n\
        //!\n//! # Options\n//!\n//! Two of them.\n//!\n\
        //! | option | meaning | default | example |\n//! |---|---|---|---|\n\
        //! | `deep` | the depth | `2` | |\n//! | `map` | a map | | `SG` |\n\
        //!\n//! And no more.\n\nuse x;\n//! not this\n";

    #[test]
    fn module_documentation_is_read_as_markdown() {
        let text = |words: &str| Part::Text(words.to_owned());
        let sections = sections(SOURCE);
        let headings: Vec<&str> = sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["", "Rewards", "Options"]);
        assert_eq!(sections[0].parts, [text("Pond: cross a pond of Spaces in [0, 1].")]);
        assert_eq!(sections[1].parts, [text("None."), Part::Lines(vec!["a  [b]".to_owned()])]);
        assert_eq!(sections[2].parts.len(), 3);
        assert_eq!(sections[2].parts[2], text("And no more."));
        // The same as Markdown.
        let markdown: Vec<&str> = super::markdown(SOURCE).collect();
        assert_eq!(super::sections(&markdown.join("\n")), sections);
    }

    #[test]
    fn a_table_declares_the_options() {
        let expected =
            [EnvOption::new("deep", "the depth", "2", "2"), EnvOption::new("map", "a map", "", "SG")];
        assert_eq!(options(SOURCE), expected);
        assert!(options("# Options\n\nNone.\n\n# Else\n\n| option |\n|---|\n| x |\n").is_empty());
        assert!(options("").is_empty() && sections("").is_empty());
    }
}
