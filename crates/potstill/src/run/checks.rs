//! Checks of a request: environments, datasets, networks and output folders.

use crate::algorithm::{Algorithm, Builder};
use crate::config::ConfigError;
use crate::error::Error;
use crate::jobs::RunConfig;
use crate::shell;
use crate::store;
use potstill_env::registry::id::{self, Given, GivenOption};
use potstill_env::registry::{self, Spec};
use potstill_env::{Autoreset, EnvError, Space};
use std::path::Path;

pub(crate) fn find_env(id: &str) -> Result<Spec, ConfigError> {
    registry::find(id).map_err(|error| match error {
        EnvError::Unknown { id } => ConfigError::unknown("environment", &id, None, registry::ids()),
        other => ConfigError::Usage(other.to_string()),
    })
}

/// The environment of a run directory.
///
/// # Errors
/// If it is one of another program, or has other options now.
pub(crate) fn env_of_run(run: &Path, id: &str) -> Result<Spec, ConfigError> {
    let run = run.display();
    registry::find(id).map_err(|error| match error {
        EnvError::Unknown { id } => ConfigError::Usage(format!(
            "{run} is of the environment `{id}`, which this program does not have; use the program that registers it"
        )),
        other => ConfigError::Usage(format!("{run}: {other}")),
    })
}

/// Refuses an environment that cannot be acted in.
pub(crate) fn check_playable(spec: &Spec) -> Result<(), Error> {
    match spec.is_playable() {
        true => Ok(()),
        false => Err(usage(format!(
            "{}: only recorded transitions are at hand, and no environment to act in; train, distill and eval take one with --env ID",
            spec.name()
        ))),
    }
}

pub(crate) fn usage(message: impl Into<String>) -> Error {
    ConfigError::Usage(message.into()).into()
}

/// Fails early if the output folder cannot be used, before any work is done.
pub(crate) fn check_out(out: Option<&Path>) -> Result<(), Error> {
    out.map_or(Ok(()), store::RunDir::check_free).map_err(Error::from)
}

/// Finds an environment to act in by its id, with `key=value` options in addition to those of the id.
/// `desc=@FILE` reads a map from a file.
///
/// # Errors
/// If there is no such environment or option, only recorded transitions of it are at hand, or a file cannot
/// be read.
pub fn find_environment(id: &str, set: &[String]) -> Result<Spec, Error> {
    let more = set.iter().map(String::as_str).filter(|option| !option.is_empty());
    let id = match id::split(id) {
        (name, "") => more.enumerate().fold(name.to_owned(), |id, (i, option)| {
            format!("{id}{}{option}", if i == 0 { ':' } else { ',' })
        }),
        _ => more.fold(id.to_owned(), |id, option| format!("{id},{option}")),
    };
    let spec = find_env(&with_files(&id)?)?;
    check_playable(&spec)?;
    Ok(spec)
}

/// The id with the contents of files in place of their names, so that it needs no files.
pub(crate) fn with_files(id: &str) -> Result<String, Error> {
    let (name, text) = id::split(id);
    // Options that cannot be read are told by the registry, after an unknown name.
    let options = id::options(text).unwrap_or_default();
    let file = |option: &GivenOption<'_>| match option.value {
        Given::File(path) => Some(path.to_owned()),
        Given::Text(_) => None,
    };
    let files: Vec<String> = options.iter().filter_map(file).collect();
    if files.is_empty() {
        let quoted = options.iter().find_map(|option| match option.value {
            Given::Text(text) => Some((option.key, text.strip_prefix('@')?)),
            Given::File(_) => None,
        });
        // The text of a value may begin so, if its environment takes it.
        return match (quoted, find_env(id)) {
            (Some((key, path)), Err(error)) => Err(usage(format!(
                "{error}; a file is named with the @ before the quotation mark: {key}=@\"{path}\""
            ))),
            _ => Ok(id.to_owned()),
        };
    }
    let written = |option: &GivenOption<'_>| match option.value {
        Given::Text(_) => Ok(option.written.to_owned()),
        Given::File(path) => {
            let text = store::read_text(Path::new(path))?;
            let value = id::rows(&text).and_then(|rows| id::text_option(option.key, &rows.join("/")));
            value.map_err(|reason| usage(format!("{path}: {reason}")))
        }
    };
    let with = options.iter().map(written).collect::<Result<Vec<_>, Error>>()?.join(",");
    let without: Vec<&str> =
        options.iter().filter(|option| file(option).is_none()).map(|option| option.written).collect();
    let with = format!("{name}:{with}");
    // What the file's text has caused is told with the file's name.
    let fault = |id: &str| find_env(id).err().map(|error| error.to_string());
    match (fault(&with), fault(&format!("{name}:{}", without.join(",")))) {
        (Some(reason), other) if other.as_ref() != Some(&reason) => {
            Err(usage(format!("{}: {reason}", files.join(" and "))))
        }
        _ => Ok(with),
    }
}

pub(crate) fn bad(key: &str, reason: String) -> Error {
    ConfigError::value(key, reason).into()
}

/// The environment, if its spaces are those of the algorithm.
pub(crate) fn env_for(algorithm: &Algorithm, id: Option<&str>) -> Result<Spec, Error> {
    let id = id.ok_or_else(|| usage("which environment? give --env ID (see `potstill envs`)"))?;
    let spec = find_env(id)?;
    let (fits, needs, instead) = match algorithm.builder {
        Builder::States(_) | Builder::Model(_) => {
            // Planes have no bounded box as observation space; some environments also give features.
            let instead = match spec.make_vec_features(1, Autoreset::SameStep) {
                Some(_) => {
                    let boxes = shell::word(&format!("{id}{}bins=8", joint(id)));
                    format!("; put them into boxes (--env {boxes}), or train dqn")
                }
                None => "; train dqn".to_owned(),
            };
            (spec.make_states().is_some(), "discrete observations", instead)
        }
        Builder::Policy(..) if spec.action_space().discrete().is_some() => {
            (spec.make_features().is_some(), "observations with features", one_hot(id))
        }
        Builder::Control(_) | Builder::Policy(..) => {
            let actions = spec.action_space();
            if let Some(reason) = misfit(&actions) {
                let name = algorithm.name;
                return Err(usage(format!(
                    "`{name}` needs actions of a bounded box; those of {id} {reason}"
                )));
            }
            (spec.make_control().is_some(), "observations with features", one_hot(id))
        }
        Builder::Features(_) | Builder::Labels(_) => {
            (spec.make_features().is_some(), "observations with features", one_hot(id))
        }
    };
    if !fits {
        let (name, actions) = (algorithm.name, spec.action_space());
        let takes_boxes = matches!(algorithm.builder, Builder::Control(_) | Builder::Policy(..));
        return Err(usage(match actions.discrete() {
            None if !takes_boxes => {
                format!("`{name}` needs discrete actions; those of {id} are {actions}; train sac, td3 or ppo")
            }
            _ => {
                let space = spec.observation_space();
                format!("`{name}` needs {needs}; those of {id} are {space}{instead}")
            }
        }));
    }
    Ok(spec)
}

/// The reason for which actions are none of a bounded box.
fn misfit(actions: &Space) -> Option<String> {
    let Space::Box { low, high } = actions else {
        return Some(format!("are {actions}; train ppo, a2c or dqn"));
    };
    let i = low.iter().zip(high).position(|(low, high)| !(high - low).is_finite())?;
    Some(format!("are not: component {i} is from {} to {}", low[i], high[i]))
}

/// The advice to give one number to each discrete observation, if the environment can.
fn one_hot(id: &str) -> String {
    let one_hot = format!("{id}{}one_hot=true", joint(id));
    match registry::find(&one_hot) {
        Ok(_) => format!("; give one number to each (--env {})", shell::word(&one_hot)),
        Err(_) => String::new(),
    }
}

/// The separator between an id and a further option.
pub(crate) fn joint(id: &str) -> char {
    if id.contains(':') { ',' } else { ':' }
}

pub(crate) fn env_and_length(algorithm: &Algorithm, run: &RunConfig) -> Result<Spec, Error> {
    let spec = env_for(algorithm, run.env.as_deref())?;
    match (run.steps, run.episodes) {
        (None, None) => Err(usage(match algorithm.builder {
            Builder::States(_) | Builder::Model(_) | Builder::Labels(_) => {
                "how long? give --steps N or --episodes N"
            }
            // Schedules of networks are relative to steps.
            Builder::Features(_) | Builder::Control(_) | Builder::Policy(..) => "how long? give --steps N",
        })),
        (Some(_), Some(_)) => Err(usage("give --steps or --episodes, not both")),
        _ => Ok(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_stand_in_two_places_and_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "SF\nFG\n").unwrap();
        let set = vec!["is_slippery=false".to_owned(), format!("desc=@{}", file.path().display())];
        let spec = find_environment("FrozenLake-v1:max_episode_steps=9", &set).unwrap();
        assert_eq!(spec.id, "FrozenLake-v1:max_episode_steps=9,is_slippery=false,desc=SF/FG");
        assert_eq!((spec.time_limit_steps, spec.observation_space().discrete()), (Some(9), Some(4)));
    }

    #[test]
    fn a_quoted_file_name_is_told() {
        let error = find_environment("Gridworld-v0:desc=\"@my maze, 2.txt\"", &[]).unwrap_err().to_string();
        let hint = "; a file is named with the @ before the quotation mark: desc=@\"my maze, 2.txt\"";
        assert!(error.ends_with(hint), "{error}");
    }

    #[test]
    fn the_text_of_a_file_is_never_an_option() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a, pond.txt");
        let id = format!("FrozenLake-v1:desc=@{},is_slippery=false", file.display());
        let check = |text: &str, expected: Result<&str, &str>| {
            std::fs::write(&file, text).unwrap();
            let found = find_environment(&id, &[]);
            match (found, expected) {
                (Ok(spec), Ok(expected)) => assert_eq!(spec.id, expected, "{text}"),
                (Err(error), Err(expected)) => {
                    assert_eq!(error.to_string(), format!("{}: {expected}", file.display()), "{text}");
                    assert_eq!(error.exit_code(), 2);
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        let lake = "FrozenLake-v1:desc=SF/FG,is_slippery=false";
        check("\u{feff}SF\r\nFG\r\n", Ok(lake));
        check("[\"SF\",\"FG\"]", Ok(lake));
        let comma = "FrozenLake-v1: desc: row 1 column 5 is ','; a map is made of S (start), F (frozen), H (hole), G (goal)";
        check("SFFG,success_rate=1", Err(comma));
        check("SFFG\",success_rate=1", Err("desc: a value has no quotation marks"));
        check(
            "@SFFG",
            Err(
                "FrozenLake-v1: desc: row 1 column 1 is '@'; a map is made of S (start), F (frozen), H (hole), G (goal)",
            ),
        );
    }
}
