//! Environments of which only recorded transitions are at hand: their spaces are in the id, and they are
//! not played.
//!
//! `recorded:NAME:observations=SPACE,actions=SPACE`:
//!
//! Spaces are written as [`Space::text`] gives them.
//!
//! ```
//! use potstill_env::Space;
//! use potstill_env::registry::{find, recorded};
//!
//! let id = recorded::id("Robot-v0", &Space::uniform(2, -8.0, 8.0), &Space::Discrete { n: 3 });
//! assert_eq!(id, "recorded:Robot-v0:observations=Box(-8:8*2),actions=Discrete(3)");
//! let spec = find(&id)?;
//! assert_eq!((spec.action_space(), spec.is_playable()), (Space::Discrete { n: 3 }, false));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

use super::entry::Entry;
use super::id::{RECORDED, text_option};
use crate::Outcome;
use crate::Space;
use crate::replayed::{Constructed, Foreign};
use crate::space::{Numbers, NumbersMut};

/// The name where none is known.
const NAMELESS: &str = "unknown";

/// The id of an environment with these spaces; `name` is that of the data, if it is known.
pub fn id(name: &str, observations: &Space, actions: &Space) -> String {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let name: String = name.chars().map(|c| if in_name(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = if name.is_empty() { NAMELESS } else { name };
    let option = |key: &str, space: &Space| {
        text_option(key, &space.text()).expect("no quotation marks in the text of a space")
    };
    format!("{RECORDED}{name}:{},{}", option("observations", observations), option("actions", actions))
}

/// The entry of an environment with an id of the namespace.
pub(super) fn entry(id: &str) -> Entry {
    Entry::of_foreign(id, |options| {
        let mut spaces = [None, None];
        for (key, text) in options {
            let place = match key.as_str() {
                "observations" => 0,
                "actions" => 1,
                _ => return Err(format!("no option `{key}`; the options are observations and actions")),
            };
            spaces[place] = Some(text.parse().map_err(|reason| format!("{key}={text}: {reason}"))?);
        }
        match spaces {
            [Some(observations), Some(actions)] => {
                Ok(Constructed { env: Box::new(NotAtHand), observations, actions })
            }
            _ => Err("give both of its spaces: observations=Box(-1:1*4),actions=Discrete(2)".to_owned()),
        }
    })
}

/// An environment that is not at hand.
struct NotAtHand;

const REASON: &str = "only recorded transitions are at hand, and no environment to act in";

impl Foreign for NotAtHand {
    fn reset(&mut self, _: Option<u64>, _: NumbersMut<'_>) -> Result<(), String> {
        Err(REASON.to_owned())
    }

    fn step(&mut self, _: Numbers<'_>, _: NumbersMut<'_>) -> Result<Outcome, String> {
        Err(REASON.to_owned())
    }

    fn random_state(&mut self) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }

    fn set_random_state(&mut self, _: &[u8]) -> Result<(), String> {
        Err(REASON.to_owned())
    }

    fn reseed(&mut self, _: u64) -> Result<(), String> {
        Err(REASON.to_owned())
    }

    fn warn(&self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::find;

    #[test]
    fn an_environment_has_its_spaces_and_is_not_played() {
        let (seen, done) = (Space::uniform(3, -8.0, 8.0), Space::uniform(1, -2.0, 2.0));
        let id = id("my env: v0", &seen, &done);
        assert_eq!(id, "recorded:my-env--v0:observations=Box(-8:8*3),actions=Box(-2:2)");
        let spec = find(&id).unwrap();
        assert_eq!((spec.id.as_str(), spec.observation_space(), spec.action_space()), (&*id, seen, done));
        assert!(!spec.is_playable() && find("CartPole-v1").unwrap().is_playable());
        let mut env = spec.make_control().unwrap();
        env.reset(None, &mut [0.0; 3]);
        assert!(env.step(&[0.0], &mut [0.0; 3]).unwrap_err().to_string().contains("recorded transitions"));
        assert!(
            find("recorded:x:actions=Discrete(2)").unwrap_err().to_string().contains("both of its spaces")
        );
        assert!(
            super::id("", &Space::Discrete { n: 2 }, &Space::Discrete { n: 2 })
                .starts_with("recorded:unknown:")
        );
    }
}
