//! Words of commands that are printed to be pasted into a shell.
//!
//! ```
//! use potstill::shell::{path, word};
//! use std::path::Path;
//!
//! assert_eq!(word("runs/pole"), "runs/pole");
//! assert_eq!(word("my runs/it's"), r"'my runs/it'\''s'");
//! assert_eq!(path(Path::new("-run")), "./-run");
//! ```

use std::path::Path;

/// A word as it is, or in quotation marks if a POSIX shell would read it as something else. Control characters are escaped in
/// the form `$'...'`, so that the command stays one line.
pub fn word(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return escaped(text.as_bytes());
    }
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+^".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A path as a word; one that begins with a hyphen is not read as a flag, and one that is not UTF-8 has its bytes escaped.
pub fn path(path: &Path) -> String {
    let text = match path.to_str() {
        Some(text) => word(text),
        None => escaped(path.as_os_str().as_encoded_bytes()),
    };
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") { format!("./{text}") } else { text }
}

/// Bytes in the form `$'...'`: text as it is, the rest as `\xNN`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => {
                    c.to_string().bytes().for_each(|byte| text += &format!("\\x{byte:02x}"));
                }
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        for (text, expected) in [
            ("runs/pole-2_a.b", "runs/pole-2_a.b"),
            ("FrozenLake-v1:desc=SF/FG,size=3", "FrozenLake-v1:desc=SF/FG,size=3"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(rm x); `y` & \"z\"", "'$(rm x); `y` & \"z\"'"),
            ("it's", r"'it'\''s'"),
            ("~/a*", "'~/a*'"),
            ("läufe/日本", "läufe/日本"),
            ("a\nb'\\", r"$'a\x0ab\'\\'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_without_a_name_in_utf8_has_its_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"a\xff b");
        assert_eq!(path(Path::new(name)), r"$'a\xff b'");
    }

    /// The words as a shell reads them.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in ["a b", "it's", "$HOME `id` \"x\" \\", "*?[a]{b,c}~!#;&|<>()", "a,b=c"] {
            let command = format!("printf %s {}", word(text));
            let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
