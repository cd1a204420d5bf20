//! Refusals of a command line, each in one line: what, and what to write instead.

use crate::keys::{Distillation, Kinds, Training, is_trainer, keys_of, named_algorithm};
use crate::output::any_of;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use potstill::commands::run_kinds;
use potstill::config::{name_here, nearest};
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
        ErrorKind::UnknownArgument => unknown_flag(error, &place, arguments)
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
struct Place<'a> {
    command: &'a Command,
    name: String,
    /// True for the program itself.
    is_program: bool,
}

impl<'a> Place<'a> {
    fn of(command: &'a Command, arguments: &[OsString]) -> Self {
        let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
        let mut place = Self { command, name: String::new(), is_program: true };
        for word in words.skip_while(|word| word.starts_with('-')) {
            let Some(below) = place.command.find_subcommand(word) else { break };
            let gap = if place.name.is_empty() { "" } else { " " };
            let name = format!("{}{gap}{}", place.name, below.get_name());
            place = Self { command: below, name, is_program: false };
        }
        if place.is_program {
            command.get_name().clone_into(&mut place.name);
        }
        place
    }

    /// The sentence that leads to its help.
    fn help(&self) -> String {
        let name = if self.is_program { String::new() } else { format!(" {}", self.name) };
        format!("`potstill{name} --help` lists what there is")
    }
}

/// The refusal of a flag that a command does not have, with what a flag of other libraries is called here.
fn unknown_flag(error: &clap::Error, at: &Place<'_>, arguments: &[OsString]) -> Option<String> {
    let ContextValue::String(given) = error.get(ContextKind::InvalidArg)? else { return None };
    let name = given.strip_prefix("--")?.split('=').next()?;
    let (place, subcommand) = (at.name.as_str(), at.command);
    let flags: Vec<&str> = subcommand.get_arguments().filter_map(clap::Arg::get_long).collect();
    let names: Vec<String> = flags.iter().map(|flag| flag.replace('-', "_")).collect();
    let of_algorithm: Option<Vec<&str>> = named_algorithm(arguments).and_then(|algorithm| {
        let kind = Training::all().into_iter().find(|kind| kind.name == algorithm.name)?;
        Some(kind.keys.iter().map(|(key, _)| key.name).collect())
    });
    // The algorithm's own keys first, then the command's other flags.
    let mut known = of_algorithm.unwrap_or_default();
    let own = known.clone();
    known.extend(
        names
            .iter()
            .map(String::as_str)
            .filter(|name| own.is_empty() || !keys_of(&Training::all()).contains_key(name)),
    );
    let key = name.replace('-', "_");
    let keys: Vec<&str> = keys_of(&run_kinds()).into_keys().collect();
    if place == "resume" && (key == "set" || keys.contains(&&*key) || name_here(&key, &keys).is_some()) {
        let mut words =
            arguments.iter().filter_map(|word| word.to_str()).skip_while(|word| *word != place).skip(1);
        let run = words.find(|word| !word.starts_with('-') && !word.contains('=')).unwrap_or("RUN");
        return Some(format!(
            "`resume` goes on with the settings that a run was begun with; with others a new run goes on \
             from it: `potstill train ALGO --from {run} --{}`",
            if key == "set" {
                "set KEY=VALUE".to_owned()
            } else {
                format!("{} VALUE", key.replace('_', "-"))
            }
        ));
    }
    let other = [Training::COMMAND, Distillation::COMMAND].into_iter().find(|other| {
        let kinds = if *other == Training::COMMAND { Training::all() } else { Distillation::all() };
        *other != place && keys_of(&kinds).contains_key(&*key)
    });
    if let Some(other) = other.filter(|_| is_trainer(place) || place == Distillation::COMMAND) {
        return Some(format!("`{place}` has no --{name}; it is a flag of `potstill {other}`"));
    }
    let here = match name_here(name, &known) {
        Some(here) => Some(here.to_owned()),
        None => nearest(&name.replace('-', "_"), known.iter().copied()),
    };
    Some(match here {
        Some(here) => format!("`{place}` has no --{name}; did you mean --{}?", here.replace('_', "-")),
        None => match named_algorithm(arguments) {
            Some(algorithm) => {
                let help = format!("{place} {}", algorithm.name);
                format!("`{place}` has no --{name}; `potstill {help} --help` lists what there is")
            }
            None => format!("`{place}` has no --{name}; {}", at.help()),
        },
    })
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
    match keys_of(&run_kinds()).contains_key(&*key) {
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
