//! Refusals of a command line, each in one line: what, and what to write instead.

use crate::commands::any_of;
use crate::keys;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// The line of an error of clap; none of help and versions, which are no errors.
pub(crate) fn line(error: &clap::Error, command: &Command, arguments: &[OsString]) -> Option<String> {
    let place = Place::of(command, arguments);
    let arg = || said(error, ContextKind::InvalidArg).into_iter().next().unwrap_or_default();
    let value = || said(error, ContextKind::InvalidValue).concat();
    Some(match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::UnknownArgument => keys::advice(error, &place, arguments)
            .unwrap_or_else(|| format!("`{}` takes no `{}`; {}", place.name, arg(), place.help())),
        ErrorKind::InvalidValue => {
            let known = said(error, ContextKind::ValidValue);
            let expected = match known.is_empty() {
                true => String::new(),
                false => format!(": expected {}", any_of(known.iter().map(String::as_str))),
            };
            match value().as_str() {
                "" if known.is_empty() => format!("{} needs a value; {}", flag(&arg()), place.help()),
                "" => format!("{} needs a value{expected}", flag(&arg())),
                value => {
                    let near = near(&said(error, ContextKind::SuggestedValue));
                    format!("{} {value}{expected}{near}", flag(&arg()))
                }
            }
        }
        ErrorKind::ValueValidation => {
            let reason = error.source().map_or_else(|| "it is no such value".to_owned(), ToString::to_string);
            format!("{} {}: {reason}", flag(&arg()), value())
        }
        ErrorKind::ArgumentConflict => {
            let (one, others) = (arg(), said(error, ContextKind::PriorArg));
            let command = said(error, ContextKind::InvalidSubcommand);
            match others.first() {
                Some(other) if !command.is_empty() => {
                    let command = command.concat();
                    format!("{} stands before `{command}`; write its flags behind it", flag(other))
                }
                Some(other) if *other == one => twice(flag(&one)),
                Some(other) => format!("{} does not go with {}; leave one out", flag(&one), flag(other)),
                None => plain(error),
            }
        }
        ErrorKind::MissingRequiredArgument => {
            let needed: Vec<String> =
                said(error, ContextKind::InvalidArg).iter().map(|arg| arg.replace(['<', '>'], "")).collect();
            let needed = match needed.as_slice() {
                [some @ .., last] if !some.is_empty() => format!("{} and {last}", some.join(", ")),
                one => one.concat(),
            };
            format!("`{}` needs {needed}; {}", place.name, place.help())
        }
        ErrorKind::InvalidSubcommand => {
            let given = said(error, ContextKind::InvalidSubcommand).concat();
            let told = match near(&said(error, ContextKind::SuggestedSubcommand)).as_str() {
                "" => format!("; {}", place.help()),
                near => near.to_owned(),
            };
            format!("`{}` has no command `{given}`{told}", place.name)
        }
        _ => plain(error),
    })
}

/// The command that a command line names, and its name after the program's; that of the program, if it names
/// none.
pub(crate) struct Place<'a> {
    pub(crate) command: &'a Command,
    pub(crate) name: String,
}

impl<'a> Place<'a> {
    fn of(command: &'a Command, arguments: &[OsString]) -> Self {
        let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
        let mut place = Self { command, name: String::new() };
        for word in words.skip_while(|word| word.starts_with('-')) {
            let Some(below) = place.command.find_subcommand(word) else { break };
            let gap = if place.name.is_empty() { "" } else { " " };
            place = Self { command: below, name: format!("{}{gap}{}", place.name, below.get_name()) };
        }
        if place.name.is_empty() {
            command.get_name().clone_into(&mut place.name);
        }
        place
    }

    /// The sentence that leads to its help.
    pub(crate) fn help(&self) -> String {
        let of_program = self.command.get_name() == self.name && self.command.has_subcommands();
        let name = if of_program { String::new() } else { format!(" {}", self.name) };
        format!("`potstill{name} --help` lists what there is")
    }
}

/// The texts that an error has of a kind.
fn said(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The name of a flag, without the placeholder of its value: `--out <FILE>`, or `<FILE>` of an argument
/// without a flag.
fn flag(arg: &str) -> &str {
    arg.split(' ').next().unwrap_or(arg).trim_matches(['<', '>', '[', ']', '.'])
}

/// The refusal of a flag that stands twice; several values of a setting are one list.
fn twice(flag: &str) -> String {
    let key = flag.trim_start_matches('-').replace('-', "_");
    match keys::is_key(&key) {
        true => format!("{flag} is given twice; give it once, and several values as a list, {flag} A,B"),
        false => format!("{flag} is given twice; give it once"),
    }
}

fn near(names: &[String]) -> String {
    // The likeliest is the last one.
    names.last().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The first paragraph of an error in one line.
fn plain(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.split("\n\n").next().unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
