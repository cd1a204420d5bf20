//! The folders of Minari's data sets on this machine.

use std::env;
use std::path::PathBuf;

/// The variable that names the folder of all data sets.
const ROOT: &str = "MINARI_DATASETS_PATH";

/// The folder of the data set with this id, `NAMESPACE/name-vN`: below `MINARI_DATASETS_PATH`, or else below
/// `.minari/datasets` in the home of the user. It need not exist. A path, which begins with `/` or `.`, is
/// taken as it is.
///
/// If it is no id: the reason.
pub fn minari_folder(id: &str) -> Result<PathBuf, String> {
    if is_path(id) {
        return Ok(PathBuf::from(id));
    }
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let version = id.rsplit_once("-v").map_or("", |(_, version)| version);
    // Minari takes no namespace of one letter.
    let is_short = id.rsplit_once('/').is_some_and(|(namespace, _)| namespace.len() < 2);
    if is_short
        || !id.split('/').all(is_word)
        || version.is_empty()
        || !version.chars().all(|c| c.is_ascii_digit())
    {
        return Err(
            "the name of a data set of Minari is NAMESPACE/name-v0, of letters, digits, _ and -".to_owned()
        );
    }
    let root = env::var_os(ROOT).filter(|root| !root.is_empty()).map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".minari").join("datasets")));
    let root =
        root.ok_or_else(|| format!("there is no home folder; set {ROOT} to the folder of data sets"))?;
    Ok(root.join(id))
}

/// Returns true for a path in place of an id.
pub(crate) fn is_path(id: &str) -> bool {
    id.starts_with(['/', '.']) || std::path::Path::new(id).is_absolute()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_paths() {
        let check = |id: &str, expected: Result<&str, ()>| {
            let found = minari_folder(id);
            let found = found.as_ref().map(|path| path.to_str().unwrap()).map_err(|_| ());
            match expected {
                Ok(end) => assert!(found.is_ok_and(|path| path.ends_with(end)), "{id}: {found:?}"),
                Err(()) => assert_eq!(found, Err(()), "{id}"),
            }
        };
        check("pole/random-v0", Ok("pole/random-v0"));
        check("D4RL/pen/human-v12", Ok("D4RL/pen/human-v12"));
        check("./sets/pole", Ok("./sets/pole"));
        check("/sets/pole", Ok("/sets/pole"));
        check("pole", Err(()));
        check("pole/random-v", Err(()));
        check("pole/../random-v0", Err(()));
        check("pole//random-v0", Err(()));
        check("p/random-v0", Err(()));
        check("pole/ran dom-v0", Err(()));
        check("", Err(()));
    }
}
