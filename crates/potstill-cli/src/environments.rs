//! The environments in words: their list, and the page of one.

use crate::canvas::{self, Canvas};
use crate::game_keys;
use crate::output::print;
use potstill::commands::play_at_random;
use potstill::env::registry::{self, EnvOption, GENERAL_OPTIONS, Part, Spec};
use potstill::env::{EnvError, Space};
use potstill::report::Table;
use potstill::words::counted;
use serde_json::{Map, Value, json};
use std::io::IsTerminal;

/// Columns of a page.
const WIDTH: usize = 78;

/// The environments with their default options, and the errors of those that cannot be constructed.
fn constructed() -> (Vec<Spec>, Vec<EnvError>) {
    let mut specs = Vec::new();
    let errors =
        registry::ids().map(registry::find).filter_map(|spec| spec.map(|spec| specs.push(spec)).err());
    let errors = errors.collect();
    (specs, errors)
}

/// Prints the list.
pub(crate) fn list() {
    let (specs, errors) = constructed();
    let dash = || "-".to_owned();
    let rows = specs.iter().map(|spec| {
        vec![
            spec.id.clone(),
            spec.observation_space().to_string(),
            spec.action_space().to_string(),
            spec.time_limit_steps.map_or_else(dash, |n| n.to_string()),
            spec.reward_threshold.map_or_else(dash, |r| r.to_string()),
            if spec.stochastic { "yes" } else { "no" }.to_owned(),
            if spec.has_model() { "yes" } else { "no" }.to_owned(),
        ]
    });
    let head = ["environment", "observations", "actions", "limit", "solved at", "random", "model"];
    let rows = rows.collect();
    print(Table { head: head.map(str::to_owned).to_vec(), rows }.text().trim_end());
    print(
        "\n`potstill env show ID` says what one is. Options follow an id, as in\n\
         FrozenLake-v1:is_slippery=false,map_name=8x8. Every environment has",
    );
    let names =
        |options: &[EnvOption]| options.iter().map(|option| &*option.name).collect::<Vec<_>>().join(", ");
    print(&format!("{};\nsome have further ones:", names(GENERAL_OPTIONS)));
    for spec in specs.iter().filter(|spec| !spec.options.is_empty()) {
        for (i, line) in wrapped(&names(spec.options), WIDTH - 28).iter().enumerate() {
            print(&format!("  {:26}{line}", if i == 0 { spec.id.as_str() } else { "" }));
        }
    }
    for error in errors {
        print(&format!("\n{error}"));
    }
}

/// The list as JSON.
pub(crate) fn list_json() -> Value {
    let (specs, errors) = constructed();
    let errors: Vec<String> = errors.iter().map(EnvError::to_string).collect();
    let mut list = json!({ "environments": specs.iter().map(properties).collect::<Vec<_>>() });
    if !errors.is_empty() {
        list["errors"] = json!(errors);
    }
    list
}

fn properties(spec: &Spec) -> Value {
    json!({
        "id": spec.id,
        "task": spec.summary,
        "observation_space": space_json(&spec.observation_space()),
        "action_space": space_json(&spec.action_space()),
        "time_limit_steps": spec.time_limit_steps,
        "reward_threshold": spec.reward_threshold,
        "stochastic": spec.stochastic,
        "model": spec.has_model(),
        "actions": spec.actions,
        "controls": spec.controls,
        "options": options_json(spec.options),
    })
}

fn options_json(options: &[EnvOption]) -> Value {
    let option = |option: &EnvOption| {
        json!({
            "name": option.name,
            "help": option.meaning,
            "default": option.default,
            "example": option.example,
        })
    };
    options.iter().map(option).collect()
}

fn space_json(space: &Space) -> Value {
    match space {
        Space::Discrete { n } => json!({ "kind": "discrete", "n": n }),
        Space::Tuple { sizes } => json!({ "kind": "tuple", "sizes": sizes }),
        // JSON has no infinity; an unbounded side is null.
        Space::Box { low, high } => json!({ "kind": "box", "shape": [low.len()], "low": low, "high": high }),
        Space::MultiBinary { shape } => json!({ "kind": "multi-binary", "shape": shape }),
        Space::Image { .. } => json!({ "kind": "image", "shape": space.shape() }),
    }
}

/// The page of an environment as JSON.
pub(crate) fn page_json(spec: &Spec) -> Value {
    let mut documentation = Map::new();
    for section in registry::sections(spec.documentation) {
        let key = match section.heading.as_str() {
            "" => "about".to_owned(),
            heading => heading.to_lowercase().replace(' ', "_"),
        };
        let part = |part: &Part| match part {
            Part::Text(text) => json!(text),
            Part::Table(rows) => json!(rows),
            Part::Lines(lines) => json!(lines.join("\n")),
        };
        documentation.insert(key, section.parts.iter().map(part).collect());
    }
    let mut page = properties(spec);
    page["command"] = json!("env show");
    page["general_options"] = options_json(GENERAL_OPTIONS);
    page["documentation"] = Value::Object(documentation);
    page
}

/// Prints the page of an environment.
pub(crate) fn page(spec: &Spec) {
    wrapped(&format!("{}: {}", spec.id, spec.summary), WIDTH).iter().for_each(|line| print(line));
    print("");
    let number_and_name = |(i, name): (usize, &&str)| format!("{i} {name}");
    let names: Vec<String> = spec.actions.iter().enumerate().map(number_and_name).collect();
    let actions = match names.is_empty() {
        true => bounded(&spec.action_space(), spec.controls),
        false => format!("{}: {}", spec.action_space(), names.join(", ")),
    };
    let keys = game_keys::words(spec);
    let facts = [
        ("observations", bounded(&spec.observation_space(), &[])),
        ("actions", actions),
        ("keys", if keys.is_empty() { "-".to_owned() } else { keys.join(", ") }),
        ("time limit", spec.time_limit_steps.map_or_else(|| "none".to_owned(), |n| counted(n, "step"))),
        (
            "solved at",
            spec.reward_threshold.map_or_else(|| "-".to_owned(), |r| format!("a mean return of {r}")),
        ),
        ("random", if spec.stochastic { "yes" } else { "no" }.to_owned()),
        ("exact model", if spec.has_model() { "yes" } else { "no" }.to_owned()),
    ];
    for (name, value) in facts {
        entry(name, &value, 14);
    }
    picture(spec);
    let sections = registry::sections(spec.documentation);
    let declares = |part: &Part| matches!(part, Part::Table(rows) if rows[0][0] == "option");
    for section in &sections {
        print(format!("\n{}", section.heading).trim_end_matches('\n'));
        for (i, part) in section.parts.iter().enumerate() {
            if i > 0 {
                print("");
            }
            match part {
                Part::Text(text) => wrapped(text, WIDTH - 2).iter().for_each(|line| indented(line)),
                // With the defaults of this id.
                Part::Table(_) if declares(part) => options(spec.options),
                Part::Table(rows) => {
                    let table = Table { head: rows[0].clone(), rows: rows[1..].to_vec() }.text();
                    table.trim_end().lines().for_each(|line| print(line.trim_end()));
                }
                Part::Lines(lines) => lines.iter().for_each(|line| indented(line)),
            }
        }
    }
    if !spec.options.is_empty() && !sections.iter().flat_map(|section| &section.parts).any(declares) {
        print("\nOptions");
        options(spec.options);
    }
    print("\nOptions of every environment");
    options(GENERAL_OPTIONS);
    let example = spec.options.iter().find(|option| !option.example.is_empty());
    let example = example.unwrap_or(&GENERAL_OPTIONS[0]);
    let id = format!("{}:{}={}", spec.name(), example.name, example.example);
    print(&format!("\nOptions follow the id, wherever an id is taken:\n  --env {id}"));
}

/// Prints a rendering of the start of an episode, if there is one.
fn picture(spec: &Spec) {
    let mut play = play_at_random(spec);
    play.reset(0);
    if let Some(scene) = play.scene() {
        print("");
        let in_colour = canvas::has_colours(std::io::stdout().is_terminal());
        Canvas::draw(&scene, WIDTH - 2, 24, in_colour).lines().iter().for_each(|line| indented(line));
    }
}

fn indented(line: &str) {
    print(&format!("  {line}"));
}

/// Prints options with their meaning, default and an example.
fn options(options: &[EnvOption]) {
    let width = options.iter().map(|option| option.name.chars().count()).max().unwrap_or(0) + 4;
    for option in options {
        let default = match &*option.default {
            "" => String::new(),
            default => format!("default {default}"),
        };
        let example = match &*option.example {
            example if example.is_empty() || *example == option.default => String::new(),
            example => format!("for example {}={example}", option.name),
        };
        let further: Vec<String> = [default, example].into_iter().filter(|words| !words.is_empty()).collect();
        let further = if further.is_empty() { String::new() } else { format!(" ({})", further.join("; ")) };
        entry(&format!("  {}", option.name), &format!("{}{further}", option.meaning), width);
    }
}

/// Prints a name and a text beside it.
fn entry(name: &str, text: &str, width: usize) {
    for (i, line) in wrapped(text, WIDTH.saturating_sub(width)).iter().enumerate() {
        print(format!("{:width$}{line}", if i == 0 { name } else { "" }).trim_end());
    }
}

/// A space with the bounds of a small box.
fn bounded(space: &Space, names: &[&str]) -> String {
    match space {
        Space::Box { low, high } if low.len() <= 8 => {
            let side = |(i, (low, high)): (usize, (&f32, &f32))| {
                let name = names.get(i).map_or(String::new(), |name| format!("{name} "));
                format!("{name}{low} to {high}")
            };
            let sides: Vec<String> = low.iter().zip(high).enumerate().map(side).collect();
            format!("{space}: {}", sides.join(", "))
        }
        _ => space.to_string(),
    }
}

/// Lines of at most so many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            *line += word;
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            *line += &format!(" {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let check = |text: &str, width: usize, expected: &[&str]| assert_eq!(wrapped(text, width), expected);
        check("a bc def", 4, &["a bc", "def"]);
        check("abcdef g", 3, &["abcdef", "g"]);
        check("", 9, &[""]);
    }
}
