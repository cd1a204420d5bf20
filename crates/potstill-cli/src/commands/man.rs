//! `potstill man`.

use super::common::Command;
use super::{Cli, keys};
use crate::output;
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use potstill::Error;
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
        let mut root = keys::shown(Cli::command().disable_help_subcommand(true), &arguments);
        root.build();
        let Some(out) = self.out else {
            let mut command = &root;
            for word in &self.command {
                match command.find_subcommand(word) {
                    Some(subcommand) => command = subcommand,
                    // The algorithm, whose keys are shown.
                    None if command.get_name() == "train" && keys::named_algorithm(&arguments).is_some() => {}
                    None => {
                        let known = command.get_subcommands().map(clap::Command::get_name);
                        return Err(ConfigError::unknown("command", word, None, known).into());
                    }
                }
            }
            output::print(String::from_utf8_lossy(&page(command)).trim_end());
            return Ok(true);
        };
        let mut pages = Vec::new();
        collect(&root, &mut pages);
        store::make_folder(&out)?;
        for (name, text) in &pages {
            store::write_file(&out.join(format!("{name}.1")), text)?;
        }
        output::print(&format!("{} pages in {}", pages.len(), out.display()));
        Ok(true)
    }
}

fn page(command: &clap::Command) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing to a vector cannot fail.
    let _ = Page::new(command.clone()).render(&mut text);
    text
}

/// The pages of a command and of those below it, by name: `potstill-env-show`.
fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) {
    if command.is_hide_set() {
        return;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    pages.push((name, page(command)));
    command.get_subcommands().for_each(|subcommand| collect(subcommand, pages));
}
