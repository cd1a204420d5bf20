//! `potstill man`.

use super::common::Command;
use crate::{keys, output, root};
use clap::Args;
use clap_mangen::Man as Page;
use potstill::Error;
use potstill::algorithm::ALGORITHMS;
use potstill::config::ConfigError;
use potstill::run::Observer;
use potstill::store;
use std::ffi::OsString;
use std::path::PathBuf;

/// Print the manual page of a command, or write all pages
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  potstill man train dqn | man -l -
  potstill man --out ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The command, such as `env show`, or `train` with an algorithm
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

impl Command for Man {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let arguments: Vec<OsString> = ["potstill"]
            .into_iter()
            .chain(self.command.iter().map(String::as_str))
            .map(OsString::from)
            .collect();
        let mut root = keys::shown(root::command().disable_help_subcommand(true), &arguments);
        root.build();
        let Some(out) = self.out else {
            let mut command = &root;
            for word in &self.command {
                match command.find_subcommand(word) {
                    Some(subcommand) => command = subcommand,
                    // The algorithm, whose keys are shown.
                    None if keys::is_trainer(command.get_name())
                        && keys::named_algorithm(&arguments).is_some() => {}
                    None => {
                        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
                        let known = shown.map(clap::Command::get_name);
                        return Err(ConfigError::unknown("command", word, None, known).into());
                    }
                }
            }
            output::print_raw(
                String::from_utf8_lossy(&page(command, &name_of(command, &arguments))).trim_end(),
            );
            return Ok(true);
        };
        let mut pages = Vec::new();
        collect(&root, &mut pages);
        pages.extend(ALGORITHMS.iter().map(|algorithm| of_algorithm(algorithm.name)));
        store::make_folder(&out)?;
        for (name, text) in &pages {
            store::write_file(&out.join(format!("{name}.1")), text)?;
        }
        output::print(&format!("{} pages in {}", pages.len(), out.display()));
        Ok(true)
    }
}

fn page(command: &clap::Command, name: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let source = format!("potstill {}", env!("CARGO_PKG_VERSION"));
    let page = Page::new(command.clone().display_name(name.to_owned())).title(name).source(source);
    // Writing to a vector cannot fail.
    let _ = page.render(&mut text);
    text
}

/// The name of a command's page: `potstill-env-show`, or `potstill-train-dqn` if the arguments name an algorithm.
fn name_of(command: &clap::Command, arguments: &[OsString]) -> String {
    let name = command.get_display_name().unwrap_or(command.get_name());
    match keys::named_algorithm(arguments) {
        Some(algorithm) => format!("{name}-{}", algorithm.name),
        None => name.to_owned(),
    }
}

/// The page of an algorithm's settings, with its name.
fn of_algorithm(algorithm: &str) -> (String, Vec<u8>) {
    let arguments = ["potstill", "train", algorithm].map(OsString::from);
    let mut root = keys::shown(root::command().disable_help_subcommand(true), &arguments);
    root.build();
    let train = root.find_subcommand("train").unwrap_or(&root);
    let name = name_of(train, &arguments);
    let text = page(train, &name);
    (name, text)
}

/// The pages of a command and of those below it, by name: `potstill-env-show`.
fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) {
    if command.is_hide_set() {
        return;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let text = page(command, &name);
    pages.push((name, text));
    command.get_subcommands().for_each(|subcommand| collect(subcommand, pages));
}
