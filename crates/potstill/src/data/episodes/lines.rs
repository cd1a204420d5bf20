//! Episodes as JSON lines.
//!
//! The first line describes the environment: `{"potstill":"recording","version":1,"env":ID,
//! "observation_space":"Box(2)","action_space":"Discrete(4)"}`. A box with a bound has all of them beside it,
//! `"observation_low":[-1.0,null]` and so on, where `null` is no bound. What else is known of the data stands
//! in `"metadata"`.
//!
//! Each further line is an episode: `{"observations":[[0.5,1.0],[0.25,-1.0]],"actions":[0],"rewards":[-1.0],
//! "ending":"truncated","seed":7}`, with one observation more than actions and rewards. An element of a
//! discrete space, or of a tuple, is its index; one of a box is a list of numbers, also if it has a single
//! component. The ending is `terminated`, `truncated`, `both`, or `null` where the recording was cut off.

use super::super::content::{Content, unreadable};
use super::super::reader::{Data, Head, Reader};
use super::super::source::DataOptions;
use super::{OfflineDataset, Rows, checked_space};
use potstill_env::Space;
use serde_json::{Map, Value, json};
use std::io::{self, BufRead, Write};
use std::ops::Range;

/// The version of the format.
const VERSION: u64 = 1;
/// The names of endings, with the two flags.
const ENDINGS: [(&str, [bool; 2]); 3] =
    [("terminated", [true, false]), ("truncated", [false, true]), ("both", [true, true])];

/// The format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines;

impl Reader for Lines {
    fn name(&self) -> &'static str {
        "recording"
    }

    fn summary(&self) -> &'static str {
        "a recording of `potstill play --record`"
    }

    fn recognizes(&self, head: &Head<'_>) -> bool {
        let Head::File(bytes) = head else { return false };
        let first = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
        let says = |word: &[u8]| first.is_some_and(|line| line.windows(word.len()).any(|part| part == word));
        first.is_some_and(|line| line.trim_ascii_start().starts_with(b"{"))
            && says(b"\"potstill\"")
            && says(b"\"recording\"")
    }

    fn read(&self, content: &dyn Content, options: &DataOptions) -> Result<Data, String> {
        read(content.inflated().map_err(unreadable)?, options.memory).map(Data::episodes)
    }
}

/// The episodes of a file, of which each column holds at most so many bytes in memory.
///
/// If it is no recording: the line and the reason.
pub(crate) fn read(reader: impl BufRead, memory: usize) -> Result<OfflineDataset, String> {
    let mut data: Option<OfflineDataset> = None;
    for (i, line) in reader.lines().enumerate() {
        let at = |reason: String| format!("line {}: {reason}", i + 1);
        let line = line.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => at(format!("it is no text: {error}")),
            _ => unreadable(error),
        })?;
        if line.trim().is_empty() {
            continue;
        }
        let value: Value =
            serde_json::from_str(&line).map_err(|error| at(format!("it is no JSON: {error}")))?;
        match &mut data {
            None => data = Some(head(&value, memory).map_err(at)?),
            Some(data) => episode(data, &value).map_err(at)?,
        }
    }
    match data {
        None => Err("it is empty".to_owned()),
        Some(data) if data.episodes().is_empty() => Err("it holds no episode".to_owned()),
        Some(data) => Ok(data),
    }
}

/// The data set without episodes that the first line describes.
fn head(head: &Value, memory: usize) -> Result<OfflineDataset, String> {
    if head["potstill"] != "recording" {
        return Err("it does not begin as a recording of `potstill play --record`".to_owned());
    }
    if head["version"] != VERSION {
        return Err(format!("its version is {}; this program reads {VERSION}", head["version"]));
    }
    let word = |key: &str| {
        let word = head[key].as_str();
        word.ok_or_else(|| format!("`{key}` is missing or no text"))
    };
    let space = |what: &str| {
        let (key, text) = (format!("{what}_space"), word(&format!("{what}_space"))?);
        let bounds = ["low", "high"].map(|side| &head[format!("{what}_{side}")]);
        space(text, bounds).map_err(|reason| format!("`{key}` is {text}, {reason}"))
    };
    let (observations, actions) = (space("observation")?, space("action")?);
    let mut data = OfflineDataset::below(memory, word("env")?, observations, actions);
    data.metadata = head["metadata"].as_object().cloned().unwrap_or_default();
    Ok(data)
}

/// Reads a space from its text, such as `Box(4)`, and the bounds of a box.
fn space(text: &str, bounds: [&Value; 2]) -> Result<Space, String> {
    let length = text.strip_prefix("Box(").and_then(|rest| rest.strip_suffix(')')?.trim().parse().ok());
    let Some(length) = length else {
        let is_known = ["Discrete(", "Tuple(", "MultiBinary("].iter().any(|name| text.starts_with(name));
        let space = if is_known { text.parse().ok() } else { None };
        let sizes = text.split(['(', ',', ')']).filter_map(|part| part.trim().parse().ok());
        let sizes: Vec<usize> = sizes.collect();
        if is_known && !sizes.is_empty() {
            checked_space(Space::Tuple { sizes })?;
        }
        let words = "which is none of Discrete(N), Tuple(N, ...), Box(N) and MultiBinary(N, ...)";
        return checked_space(space.ok_or(words)?);
    };
    checked_space(Space::MultiBinary { shape: vec![length] })?;
    let side = |given: &Value, unbounded: f32| match given.as_array() {
        None => Ok(vec![unbounded; length]),
        Some(list) if list.len() == length => {
            let bound = |bound: &Value| bound.as_f64().map_or(unbounded, |bound| bound as f32);
            Ok(list.iter().map(bound).collect())
        }
        Some(list) => Err(format!("but there are {} bounds", list.len())),
    };
    checked_space(Space::Box {
        low: side(bounds[0], f32::NEG_INFINITY)?,
        high: side(bounds[1], f32::INFINITY)?,
    })
}

/// Appends the episode of a line.
fn episode(data: &mut OfflineDataset, line: &Value) -> Result<(), String> {
    let list = |key: &str| line[key].as_array().ok_or_else(|| format!("`{key}` is missing or no list"));
    let (observations, actions, rewards) = (list("observations")?, list("actions")?, list("rewards")?);
    if actions.is_empty() || observations.len() != actions.len() + 1 || rewards.len() != actions.len() {
        let (o, a, r) = (observations.len(), actions.len(), rewards.len());
        return Err(format!("{o} observations, {a} actions and {r} rewards; one observation more is needed"));
    }
    let [width, action_width] = data.widths();
    let columns = [
        ("observations", observations, &mut data.observations, width),
        ("actions", actions, &mut data.actions, action_width),
    ];
    for (key, list, rows, width) in columns {
        for item in list {
            push(rows, item, width).map_err(|reason| format!("`{key}` holds {item}, {reason}"))?;
        }
    }
    for reward in rewards {
        let number = reward.as_f64();
        data.rewards.push(number.ok_or_else(|| format!("`rewards` holds {reward}, which is no number"))?);
    }
    let ending = &line["ending"];
    let flags = match ENDINGS.iter().find(|(name, _)| ending.as_str() == Some(name)) {
        Some((_, flags)) => *flags,
        None if ending.is_null() && line.get("ending").is_some() => [false, false],
        None => return Err(format!("`ending` is {ending}, not \"terminated\" or \"truncated\"")),
    };
    let seed = match &line["seed"] {
        Value::Null => None,
        seed => Some(seed.as_u64().ok_or_else(|| format!("`seed` is {seed}, no whole number"))?),
    };
    data.end_episode(flags, seed)
}

/// Appends the row of a JSON value; the error is the expected form.
fn push(rows: &mut Rows, item: &Value, width: usize) -> Result<(), String> {
    if let Rows::Indices(_) = rows {
        return item
            .as_f64()
            .and_then(|number| rows.push(number))
            .ok_or("which is no whole number".to_owned());
    }
    let list = item.as_array().ok_or("which is no list of numbers")?;
    if list.len() != width {
        return Err(format!("which has {}, not {width}", list.len()));
    }
    list.iter().try_for_each(|number| {
        let pushed = number.as_f64().and_then(|number| rows.push(number));
        pushed.ok_or("which is no list of numbers".to_owned())
    })
}

/// Writes a data set.
///
/// If it cannot be written.
pub fn write(data: &OfflineDataset, to: &mut dyn Write) -> io::Result<()> {
    let mut head = json!({
        "potstill": "recording",
        "version": VERSION,
        "env": data.env,
        "observation_space": data.observation_space.to_string(),
        "action_space": data.action_space.to_string(),
    });
    for (what, space) in [("observation", &data.observation_space), ("action", &data.action_space)] {
        if let Space::Box { low, high } = space
            && low.iter().chain(high).any(|bound| bound.is_finite())
        {
            // What is not finite is `null`.
            head[format!("{what}_low")] = json!(low);
            head[format!("{what}_high")] = json!(high);
        }
    }
    if !data.metadata.is_empty() {
        head["metadata"] = Value::Object(Map::clone(&data.metadata));
    }
    writeln!(to, "{head}")?;
    let [width, action_width] = data.widths();
    for (i, episode) in data.episodes.iter().enumerate() {
        to.write_all(b"{\"observations\":")?;
        write_rows(&data.observations, data.observation_range(i), width, to)?;
        to.write_all(b",\"actions\":")?;
        write_rows(&data.actions, data.action_range(i), action_width, to)?;
        to.write_all(b",\"rewards\":")?;
        write_list(&data.rewards[episode.range()], to)?;
        let flags = [episode.terminated, episode.truncated];
        let ending = ENDINGS.iter().find(|(_, known)| *known == flags).map(|(name, _)| *name);
        write!(to, ",\"ending\":{}", json!(ending))?;
        if let Some(seed) = episode.seed {
            write!(to, ",\"seed\":{seed}")?;
        }
        to.write_all(b"}\n")?;
    }
    Ok(())
}

/// Writes a range of numbers as a list of indices, or of lists of `width` numbers.
fn write_rows(rows: &Rows, range: Range<usize>, width: usize, to: &mut dyn Write) -> io::Result<()> {
    match rows {
        Rows::Indices(indices) => write_list(&indices[range], to),
        Rows::Floats(floats) => {
            let wide = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
            write_lists(floats[range].chunks_exact(width).map(wide), to)
        }
        Rows::Bytes(bytes) => write_lists(bytes[range].chunks_exact(width).map(<[u8]>::to_vec), to),
    }
}

fn write_lists<T: serde::Serialize>(
    lists: impl Iterator<Item = Vec<T>>,
    to: &mut dyn Write,
) -> io::Result<()> {
    for (i, list) in lists.enumerate() {
        to.write_all(if i == 0 { b"[" } else { b"," })?;
        write_list(&list, to)?;
    }
    to.write_all(b"]")
}

fn write_list<T: serde::Serialize>(numbers: &[T], to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(to, numbers).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"potstill":"recording","version":1,"env":"E","observation_space":"Box(2)","action_space":"Discrete(2)"}"#;
    const EPISODE: &str =
        r#"{"observations":[[0.5,1.0],[0.25,-1.0]],"actions":[1],"rewards":[-1.5],"ending":"truncated"}"#;

    fn parse(text: &str) -> Result<OfflineDataset, String> {
        read(text.as_bytes(), usize::MAX)
    }

    #[test]
    fn what_is_written_is_read_with_seeds_bounds_endings_and_metadata() {
        let check = |line: &str| {
            let text = format!("{line}\n");
            let data = parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let mut again = Vec::new();
            write(&data, &mut again).unwrap();
            assert_eq!(String::from_utf8(again).unwrap(), text);
        };
        let episode = |from: &str, to: &str| check(&format!("{HEAD}\n{}", EPISODE.replace(from, to)));
        episode("", "");
        episode("\"truncated\"", "\"terminated\"");
        episode("\"truncated\"", "\"both\"");
        episode("\"truncated\"", "null");
        // Above 2^63.
        episode("\"truncated\"", "\"truncated\",\"seed\":18446744073709551615");
        let head = |more: &str| check(&format!("{}{more}}}\n{EPISODE}", HEAD.trim_end_matches('}')));
        head(r#","observation_low":[-1.0,null],"observation_high":[1.0,null]"#);
        head(r#","metadata":{"author":["A"],"description":"d"}"#);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let check = |text: String, expected: &str| assert_eq!(parse(&text).unwrap_err(), expected);
        let head = |from: &str, to: &str, expected: &str| check(HEAD.replace(from, to), expected);
        for text in ["Box", "Box(x)", "Dict(2)", "Discrete(2, 2)", "Tuple(3, x)"] {
            let none = "which is none of Discrete(N), Tuple(N, ...), Box(N) and MultiBinary(N, ...)";
            head("Box(2)", text, &format!("line 1: `observation_space` is {text}, {none}"));
        }
        head(
            "Box(2)\"",
            "Box(2)\",\"observation_low\":[1]",
            "line 1: `observation_space` is Box(2), but there are 1 bounds",
        );
        head(
            "Box(2)",
            "Tuple(9999999999, 9999999999)",
            "line 1: `observation_space` is Tuple(9999999999, 9999999999), which has too many elements",
        );
        let episode = |from: &str, to: &str, expected: &str| {
            check(format!("{HEAD}\n{}", EPISODE.replace(from, to)), expected);
        };
        episode("[0.5,1.0]", "[0.5]", "line 2: `observations` holds [0.5], which has 1, not 2");
        episode("[0.5,1.0]", "0.5", "line 2: `observations` holds 0.5, which is no list of numbers");
        episode("[0.5,1.0]", "[1e300,1]", "line 2: episode 1, step 1: number 1 of its observation is inf");
        episode("[1]", "[2]", "line 2: episode 1, step 1: its action 2 is not in Discrete(2)");
        episode("\"truncated\"", "\"truncated\",\"seed\":-1", "line 2: `seed` is -1, no whole number");
        episode(
            ",\"ending\":\"truncated\"",
            "",
            "line 2: `ending` is null, not \"terminated\" or \"truncated\"",
        );
    }
}
