//! Environments of which only recorded transitions are at hand: their spaces are in the id, and they are not played.
//!
//! `recorded:NAME:observations=SPACE,actions=SPACE`:
//!
//! | space | text |
//! |---|---|
//! | `Space::Discrete`, `Tuple`, `MultiBinary` | as they are displayed: `Discrete(4)`, `Tuple(32, 11, 2)` |
//! | `Space::Image` | its frames if there are several, rows, points and channels: `Image(84, 84, 3)` |
//! | `Space::Box` | the bounds of its components, and how many follow each other with the same: `Box(-1:1*2, -8:8)` |

use super::entry::Entry;
use crate::Outcome;
use crate::Space;
use crate::replayed::{Constructed, Foreign};
use crate::space::{Numbers, NumbersMut};

/// The namespace of these environments.
pub(super) const NAMESPACE: &str = "recorded:";
/// The name where none is known.
const NAMELESS: &str = "unknown";
/// The most numbers of an observation or action.
const FEATURES_MAX: usize = 1 << 20;

/// The id of an environment with these spaces; `name` is that of the data, if it is known.
pub fn id(name: &str, observations: &Space, actions: &Space) -> String {
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let name: String = name.chars().map(|c| if in_name(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = if name.is_empty() { NAMELESS } else { name };
    let option = |key: &str, space: &Space| {
        super::id::text_option(key, &text(space)).expect("no quotation marks in the text of a space")
    };
    format!("{NAMESPACE}{name}:{},{}", option("observations", observations), option("actions", actions))
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
            spaces[place] = Some(parse(text).map_err(|reason| format!("{key}={text}: {reason}"))?);
        }
        match spaces {
            [Some(observations), Some(actions)] => {
                Ok(Constructed { env: Box::new(NotAtHand), observations, actions })
            }
            _ => Err("give both of its spaces: observations=Box(-1:1*4),actions=Discrete(2)".to_owned()),
        }
    })
}

/// The text of a space.
fn text(space: &Space) -> String {
    let Space::Box { low, high } = space else { return space.to_string() };
    let bounds: Vec<(f32, f32)> = low.iter().copied().zip(high.iter().copied()).collect();
    let part = |part: &[(f32, f32)]| {
        let ((low, high), times) = (part[0], part.len());
        if times == 1 { format!("{low}:{high}") } else { format!("{low}:{high}*{times}") }
    };
    let parts: Vec<String> = bounds.chunk_by(|a, b| a == b).map(part).collect();
    format!("Box({})", parts.join(", "))
}

/// The space of a text; the error is the reason.
fn parse(text: &str) -> Result<Space, String> {
    let expected =
        || "expected a space, such as Discrete(4), Box(-1:1*2, -inf:inf) or Image(84, 84, 3)".to_owned();
    let (name, rest) = text.trim().split_once('(').ok_or_else(expected)?;
    let parts: Vec<&str> = rest.strip_suffix(')').ok_or_else(expected)?.split(',').map(str::trim).collect();
    let numbers = || parts.iter().map(|part| part.parse().ok()).collect::<Option<Vec<usize>>>();
    let is_small = |sides: &[usize]| {
        sides
            .iter()
            .try_fold(1_usize, |product, side| product.checked_mul(*side))
            .is_some_and(|n| n <= FEATURES_MAX)
    };
    let space = match (name, numbers().as_deref()) {
        ("Discrete", Some(&[n])) if n <= usize::MAX / 2 => Space::Discrete { n },
        ("Tuple", Some(sizes)) if is_small(sizes) => Space::Tuple { sizes: sizes.to_vec() },
        ("MultiBinary", Some(shape)) if is_small(shape) => Space::MultiBinary { shape: shape.to_vec() },
        ("Image", Some(&[height, width, channels])) if is_small(&[height, width, channels]) => {
            Space::Image { frames: 1, height, width, channels }
        }
        ("Image", Some(&[frames, height, width, channels]))
            if is_small(&[frames, height, width, channels]) =>
        {
            Space::Image { frames, height, width, channels }
        }
        ("Box", _) => {
            let (mut low, mut high) = (Vec::new(), Vec::new());
            for part in parts {
                let (bounds, times) = part.split_once('*').unwrap_or((part, "1"));
                let (from, to) = bounds.split_once(':').ok_or_else(expected)?;
                let bound = |text: &str| text.trim().parse::<f32>().map_err(|_| expected());
                let times: usize = times.trim().parse().map_err(|_| expected())?;
                if times > FEATURES_MAX - low.len() {
                    return Err(format!("it has more than {FEATURES_MAX} numbers"));
                }
                low.resize(low.len() + times, bound(from)?);
                high.resize(high.len() + times, bound(to)?);
            }
            Space::Box { low, high }
        }
        _ => return Err(expected()),
    };
    space.well_formed()?;
    Ok(space)
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
    fn spaces_are_read_as_they_are_written() {
        let check = |space: Space, expected: &str| {
            assert_eq!(text(&space), expected);
            assert_eq!(parse(expected), Ok(space), "{expected}");
        };
        check(Space::Discrete { n: 4 }, "Discrete(4)");
        check(Space::Tuple { sizes: vec![32, 11, 2] }, "Tuple(32, 11, 2)");
        check(Space::MultiBinary { shape: vec![2, 3] }, "MultiBinary(2, 3)");
        check(Space::Image { frames: 4, height: 84, width: 84, channels: 1 }, "Image(4, 84, 84, 1)");
        check(Space::uniform(17, f32::NEG_INFINITY, f32::INFINITY), "Box(-inf:inf*17)");
        check(Space::Box { low: vec![-1.0, -1.0, -8.5], high: vec![1.0, 1.0, 0.1] }, "Box(-1:1*2, -8.5:0.1)");
    }

    #[test]
    fn a_space_that_cannot_be_is_told() {
        let check = |text: &str, expected: &str| {
            let reason = parse(text).unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        };
        for text in [
            "",
            "4",
            "Box(4)",
            "Box(a:b)",
            "Discrete(-1)",
            "Discrete(2, 3)",
            "Image(2)",
            "Sphere(2)",
            "Box(0:1",
        ] {
            check(text, "expected a space");
        }
        check("Discrete(0)", "has no element");
        check("Box(1:-1)", "component 0 is from 1 to -1");
        check("Box(0:1*1048577)", "more than 1048576 numbers");
        check("Tuple(99999999999, 99999999999)", "expected a space");
    }

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
