//! The grammar of an environment's id: `NAME:key=value,key=value`.
//!
//! | value | meaning |
//! |---|---|
//! | `word` | the text up to the next comma |
//! | `"any, text"` | the text between the quotation marks, commas included |
//! | `["SF","FG"]` | a list, up to its bracket |
//! | `@path` | a file: up to the end, or the comma before the next `key=` |
//! | `@"path"` | a file, whatever its name |
//!
//! Before the name there may be a [namespace](NAMESPACES), that of Gymnasium's environments for example:
//! `gym:LunarLander-v3:gravity=-5`.
//!
//! ```
//! use potstill_env::registry::id::{Given, options, split, text_option};
//!
//! let (name, given) = split("FrozenLake-v1:desc=@maps, old/pond.txt,is_slippery=false");
//! let given = options(given)?;
//! assert_eq!((name, given[0].key, &given[0].value), ("FrozenLake-v1", "desc", &Given::File("maps, old/pond.txt")));
//! assert_eq!((given[1].key, &given[1].value), ("is_slippery", &Given::Text("false")));
//! assert_eq!(split("gym:LunarLander-v3:gravity=-5"), ("gym:LunarLander-v3", "gravity=-5"));
//! assert_eq!(split("gym:package:Own-v0"), ("gym:package:Own-v0", ""));
//! // The text of a file stays a value, whatever is in it.
//! assert_eq!(text_option("desc", "SFFG,is_slippery=false")?, "desc=\"SFFG,is_slippery=false\"");
//! # Ok::<(), String>(())
//! ```

/// An option as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenOption<'a> {
    /// The whole option, as written.
    pub written: &'a str,
    /// Its name.
    pub key: &'a str,
    /// Its value.
    pub value: Given<'a>,
}

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// The value itself.
    Text(&'a str),
    /// The path of a file that holds it.
    File(&'a str),
}

/// The namespaces of environments that live outside of this program, each with its colon:
/// `gym:CartPole-v1`. Of those of `recorded:` only [spaces and transitions](super::recorded) are at hand.
pub const NAMESPACES: [&str; 3] = ["gym:", "python:", RECORDED];

/// The namespace of environments that are not at hand.
pub(super) const RECORDED: &str = "recorded:";

/// The namespace of an id of an environment outside of this program.
pub fn namespace(id: &str) -> Option<&'static str> {
    NAMESPACES.into_iter().find(|namespace| id.starts_with(namespace))
}

/// Splits an id into its name, with its namespace, and the text of its options.
pub fn split(id: &str) -> (&str, &str) {
    let Some(namespace) = namespace(id) else { return id.split_once(':').unwrap_or((id, "")) };
    // The name may have a colon of its own, as Gymnasium's `package:ID` has.
    let mut colons = id.match_indices(':').map(|(at, _)| at).skip_while(|at| *at < namespace.len());
    let options = colons.find(|at| begins_an_option(&id[at + 1..]));
    options.map_or((id, ""), |at| (&id[..at], &id[at + 1..]))
}

/// Parses the options after the colon of an id.
///
/// # Errors
/// If one is not `key=value`, or a quotation mark or a bracket is not closed.
pub fn options(text: &str) -> Result<Vec<GivenOption<'_>>, String> {
    let mut given = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(',');
        if rest.is_empty() {
            return Ok(given);
        }
        let comma = rest.find(',').unwrap_or(rest.len());
        let equals = rest.find('=').filter(|equals| *equals < comma);
        let Some(equals) = equals else {
            let part = &rest[..comma];
            // A list of numbers, such as rewards.
            let hint = match given.last() {
                Some(GivenOption { key, value: Given::Text(first), .. })
                    if part.trim().parse::<f64>().is_ok() =>
                {
                    format!("; numbers of one option are joined by colons: {key}={first}:{part}")
                }
                _ => String::new(),
            };
            return Err(format!("`{part}`: write options as key=value,key=value{hint}"));
        };
        let (length, value) = value(&rest[equals + 1..]).map_err(|reason| format!("`{rest}`: {reason}"))?;
        let written = &rest[..equals + 1 + length];
        given.push(GivenOption { written, key: rest[..equals].trim(), value });
        rest = &rest[written.len()..];
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(format!("`{written}`: write a comma before the next option, not `{rest}`"));
        }
    }
}

/// The first value of a text, and its length as written.
fn value(text: &str) -> Result<(usize, Given<'_>), &'static str> {
    let quoted = |from: usize| {
        let length = text[from..].find('"').ok_or("its quotation mark is not closed")?;
        Ok((from + length + 1, &text[from..from + length]))
    };
    if text.starts_with("@\"") {
        return quoted(2).map(|(length, path)| (length, Given::File(path)));
    }
    if let Some(path) = text.strip_prefix('@') {
        let ends = path.match_indices(',').map(|(at, _)| at).find(|at| begins_an_option(&path[at + 1..]));
        let path = &path[..ends.unwrap_or(path.len())];
        return Ok((1 + path.len(), Given::File(path)));
    }
    if text.starts_with('"') {
        return quoted(1).map(|(length, text)| (length, Given::Text(text)));
    }
    let length = match text.starts_with('[') {
        true => 1 + text.find(']').ok_or("its bracket is not closed")?,
        false => text.find(',').unwrap_or(text.len()),
    };
    Ok((length, Given::Text(&text[..length])))
}

fn begins_an_option(text: &str) -> bool {
    let key = text.split_once('=').map_or("", |(key, _)| key.trim_start());
    !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// An option with this text as its value, in quotation marks if it would be read as something else.
///
/// # Errors
/// If the text holds a quotation mark.
pub fn text_option(key: &str, text: &str) -> Result<String, String> {
    if text.contains('"') {
        return Err(format!("{key}: a value has no quotation marks"));
    }
    let is_plain = !text.contains(',') && !text.starts_with(['@', '[']) && text.trim() == text;
    Ok(if is_plain { format!("{key}={text}") } else { format!("{key}=\"{text}\"") })
}

/// The rows of a map: separated by line ends or `/`, or a list as in Gymnasium's documentation,
/// `["SFFF", "FHFH"]`. Blanks around a row, empty rows and lines that begin with `;` do not count.
///
/// # Errors
/// If a row of a list is not in quotation marks.
pub fn rows(text: &str) -> Result<Vec<&str>, String> {
    // Editors of some systems begin a file with this mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    let Some(list) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with(';'));
        let rows = lines.flat_map(|line| line.split('/')).map(str::trim);
        return Ok(rows.filter(|row| !row.is_empty() && !row.starts_with(';')).collect());
    };
    let items = list.trim().trim_end_matches(',').split(',').map(str::trim);
    let row = |(r, item): (usize, &'_ str)| {
        let within = |mark: char| item.strip_prefix(mark)?.strip_suffix(mark);
        within('"')
            .or(within('\''))
            .map(str::len)
            .ok_or_else(|| format!("row {} of the list is {item}; write each row in quotation marks", r + 1))
    };
    let items: Vec<&str> = items.collect();
    let lengths = items.iter().enumerate().map(|(r, item)| row((r, item))).collect::<Result<Vec<_>, _>>()?;
    Ok(items.into_iter().zip(lengths).map(|(item, length)| &item[1..=length]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_form_says() {
        let check = |text: &str, expected: &[(&str, Given<'_>)]| {
            let given = options(text).unwrap();
            let found: Vec<(&str, Given<'_>)> =
                given.iter().map(|option| (option.key, option.value)).collect();
            assert_eq!(found, expected, "{text}");
            // What is written again reads as the same.
            let written: Vec<&str> = given.iter().map(|option| option.written).collect();
            assert_eq!(options(&written.join(",")).unwrap(), given, "{text}");
        };
        let (text, file) = (Given::Text, Given::File);
        check("", &[]);
        check("a=1,,b=2,", &[("a", text("1")), ("b", text("2"))]);
        check("a=, b=2", &[("a", text("")), ("b", text("2"))]);
        check("desc=@my maps, old/p.txt", &[("desc", file("my maps, old/p.txt"))]);
        check("desc=@a,b.txt,size=3", &[("desc", file("a,b.txt")), ("size", text("3"))]);
        check("desc=@\"a,size=3.txt\",b=2", &[("desc", file("a,size=3.txt")), ("b", text("2"))]);
        check("desc=\"SF,size=3\",b=2", &[("desc", text("SF,size=3")), ("b", text("2"))]);
        check("desc=[\"SF\",\"FG\"],b=2", &[("desc", text("[\"SF\",\"FG\"]")), ("b", text("2"))]);
    }

    #[test]
    fn what_is_no_option_is_told() {
        let check = |text: &str, expected: &str| assert_eq!(options(text).unwrap_err(), expected);
        check("a=1,8x8", "`8x8`: write options as key=value,key=value");
        check(
            "reward_schedule=10,-5,-1",
            "`-5`: write options as key=value,key=value; numbers of one option are joined by colons: reward_schedule=10:-5",
        );
        check("8x8,a=1", "`8x8`: write options as key=value,key=value");
        check("a=\"b", "`a=\"b`: its quotation mark is not closed");
        check("a=[b", "`a=[b`: its bracket is not closed");
        check("a=\"b\"c=1", "`a=\"b\"`: write a comma before the next option, not `c=1`");
    }

    #[test]
    fn a_map_is_lines_or_slashes_or_a_list() {
        for text in [
            "SF/FG",
            "SF\r\nFG\n",
            "\u{feff}SF\n FG \n\n",
            "; a lake, with a / in its name\nSF\n  ; \"here\"\nFG",
            "[\"SF\",\"FG\"]",
            "['SF', 'FG',]",
            "[\n  \"SF\",\n  \"FG\",\n]\n",
        ] {
            assert_eq!(rows(text).unwrap(), ["SF", "FG"], "{text}");
        }
        assert_eq!(rows("").unwrap(), [""; 0]);
        assert_eq!(
            rows("[\"SF\", FG]").unwrap_err(),
            "row 2 of the list is FG; write each row in quotation marks"
        );
    }

    #[test]
    fn a_text_with_quotation_marks_cannot_leave_them() {
        assert_eq!(text_option("desc", "SF/FG").unwrap(), "desc=SF/FG");
        assert_eq!(text_option("desc", "@SF").unwrap(), "desc=\"@SF\"");
        assert!(text_option("desc", "S\",size=3").is_err());
    }
}
