//! Keys of `potstill play --keys`: choices by arrows, digits and first letters, and the numbers of a box of actions by
//! pairs of keys.

use potstill::env::Space;
use potstill::env::registry::Spec;

/// A key, as far as games distinguish it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Key {
    /// `left`, `right`, `up` or `down`.
    Arrow(&'static str),
    Byte(u8),
}

/// The effect of a key on the action of the next step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Press {
    /// The action with this index.
    Choice(usize),
    /// A value of one number of an action in a box; the others keep theirs.
    Number(usize, f64),
}

/// The keys that set a number of an action to its lowest and its highest value.
type Pair = [Key; 2];

const LEFT_RIGHT: Pair = [Key::Arrow("left"), Key::Arrow("right")];
const DOWN_UP: Pair = [Key::Arrow("down"), Key::Arrow("up")];
/// Columns of the keyboard; `q` leaves.
const COLUMNS: [Pair; 6] =
    [column(b"sw"), column(b"de"), column(b"fr"), column(b"gt"), column(b"hy"), column(b"ju")];

const fn column(keys: &[u8; 2]) -> Pair {
    [Key::Byte(keys[0]), Key::Byte(keys[1])]
}

/// The magnitude of a number without a bound.
const UNBOUNDED: f64 = 1.0;

/// The lowest and the highest values of an action in a box, with the keys that set them; none for choices, and without
/// keys if it has more numbers than there are.
fn pairs(space: &Space) -> Option<Vec<(Pair, [f64; 2])>> {
    let Space::Box { low, high } = space else { return None };
    let keys: &[Pair] = match low.len() {
        1 => &[LEFT_RIGHT],
        2 => &[DOWN_UP, LEFT_RIGHT],
        _ => COLUMNS.get(..low.len()).unwrap_or_default(),
    };
    let bound = |x: f32| if x.is_finite() { f64::from(x) } else { UNBOUNDED.copysign(f64::from(x)) };
    Some(
        keys.iter()
            .zip(low.iter().zip(high))
            .map(|(&keys, (&low, &high))| (keys, [bound(low), bound(high)]))
            .collect(),
    )
}

/// Returns true if there are keys for the actions of an environment.
pub(crate) fn are_there(spec: &Spec) -> bool {
    pairs(&spec.action_space()).is_none_or(|pairs| !pairs.is_empty())
}

/// The action of a step in which no key is pressed; none if the game waits for one.
pub(crate) fn idle(spec: &Spec) -> Option<Vec<f64>> {
    if let Space::Box { low, high } = spec.action_space() {
        return Some(
            low.iter().zip(&high).map(|(&low, &high)| f64::from(0.0_f32.clamp(low, high))).collect(),
        );
    }
    let none = spec.actions.iter().position(|word| *word == "none");
    if spec.actions.is_empty() { Some(vec![0.0]) } else { none.map(|i| vec![i as f64]) }
}

/// The effect of a key in an environment.
pub(crate) fn press(spec: &Spec, key: Key) -> Option<Press> {
    let Some(pairs) = pairs(&spec.action_space()) else {
        return choice(spec.actions, key).map(Press::Choice);
    };
    let key = if let Key::Byte(letter) = key { Key::Byte(letter.to_ascii_lowercase()) } else { key };
    pairs.iter().enumerate().find_map(|(i, (keys, values))| {
        let end = keys.iter().position(|own| *own == key)?;
        Some(Press::Number(i, values[end]))
    })
}

/// The index of the action of a key.
fn choice(actions: &[&str], key: Key) -> Option<usize> {
    let place = |word: &str| actions.iter().position(|action| *action == word);
    match key {
        Key::Arrow(word) => place(word),
        Key::Byte(b' ') => ["fire", "hit", "pick up", "none"].into_iter().find_map(place),
        Key::Byte(digit @ b'0'..=b'9') => Some(usize::from(digit - b'0')).filter(|&i| i < actions.len()),
        Key::Byte(letter) => {
            let first = |action: &&str| action.as_bytes().first() == Some(&letter.to_ascii_lowercase());
            actions.iter().position(first)
        }
    }
}

fn name(key: Key) -> String {
    match key {
        Key::Arrow("left") => "\u{2190}".to_owned(),
        Key::Arrow("right") => "\u{2192}".to_owned(),
        Key::Arrow("up") => "\u{2191}".to_owned(),
        Key::Arrow(_) => "\u{2193}".to_owned(),
        Key::Byte(byte) => char::from(byte).to_string(),
    }
}

/// The keys of an environment, each with its meaning.
pub(crate) fn words(spec: &Spec) -> Vec<String> {
    match pairs(&spec.action_space()).as_deref() {
        Some([(keys, values)]) => {
            keys.iter().zip(values).map(|(&key, value)| format!("{} {value}", name(key))).collect()
        }
        Some(pairs) => {
            let of = |(i, ([low, high], _)): (usize, &(Pair, _))| {
                let number = spec
                    .controls
                    .get(i)
                    .map_or_else(|| format!("number {}", i + 1), |name| (*name).to_owned());
                format!("{}{} {number}", name(*low), name(*high))
            };
            pairs.iter().enumerate().map(of).collect()
        }
        None => {
            let of = |(i, word): (usize, &&'static str)| {
                let is_arrow = ["left", "right", "up", "down"].contains(word);
                let key = if is_arrow { name(Key::Arrow(word)) } else { i.to_string() };
                format!("{key} {word}")
            };
            spec.actions.iter().enumerate().map(of).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill::env::registry::find;

    const fn arrow(word: &'static str) -> Key {
        Key::Arrow(word)
    }

    fn byte(letter: char) -> Key {
        Key::Byte(letter as u8)
    }

    #[test]
    fn the_keys_are_told() {
        let check =
            |id: &str, expected: &str| assert_eq!(words(&find(id).unwrap()).join("   "), expected, "{id}");
        check("FrozenLake-v1", "\u{2190} left   \u{2193} down   \u{2192} right   \u{2191} up");
        check("Blackjack-v1", "0 stick   1 hit");
        check("Pendulum-v1", "\u{2190} -2   \u{2192} 2");
        check("LunarLander-v3", "0 none   \u{2190} left   \u{2191} up   \u{2192} right");
        check("LunarLanderContinuous-v3", "\u{2193}\u{2191} main engine   \u{2190}\u{2192} side engines");
        check("BipedalWalker-v3", "sw hip 1   de knee 1   fr hip 2   gt knee 2");
    }

    #[test]
    fn keys_mean_choices() {
        let lake = ["left", "down", "right", "up"];
        let check = |actions: &[&str], key: Key, expected: Option<usize>| {
            assert_eq!(choice(actions, key), expected, "{actions:?} {key:?}");
        };
        check(&lake, arrow("up"), Some(3));
        check(&lake, byte('2'), Some(2));
        check(&lake, byte('4'), None);
        check(&lake, byte('D'), Some(1));
        let cards = ["stick", "hit"];
        check(&cards, arrow("up"), None);
        check(&cards, byte(' '), Some(1));
        check(&cards, byte('s'), Some(0));
        check(&["none", "left", "right", "fire"], byte(' '), Some(3));
    }

    #[test]
    fn keys_set_numbers_of_a_box() {
        let check = |id: &str, key: Key, expected: Option<Press>| {
            assert_eq!(press(&find(id).unwrap(), key), expected, "{id} {key:?}");
        };
        check("Pendulum-v1", arrow("left"), Some(Press::Number(0, -2.0)));
        check("Pendulum-v1", arrow("right"), Some(Press::Number(0, 2.0)));
        check("Pendulum-v1", byte('1'), None);
        // Box(2): the main engine, and the side engines, of which the left one fires below -0.5.
        check("LunarLanderContinuous-v3", arrow("up"), Some(Press::Number(0, 1.0)));
        check("LunarLanderContinuous-v3", arrow("left"), Some(Press::Number(1, -1.0)));
        check("LunarLander-v3", arrow("left"), Some(Press::Choice(1)));
        check("LunarLander-v3", arrow("up"), Some(Press::Choice(2)));
        check("LunarLander-v3", arrow("right"), Some(Press::Choice(3)));
        check("BipedalWalker-v3", byte('s'), Some(Press::Number(0, -1.0)));
        check("BipedalWalker-v3", byte('E'), Some(Press::Number(1, 1.0)));
        check("BipedalWalker-v3", byte('f'), Some(Press::Number(2, -1.0)));
        check("BipedalWalker-v3", byte('t'), Some(Press::Number(3, 1.0)));
        check("BipedalWalker-v3", byte('q'), None);
        check("BipedalWalker-v3", arrow("up"), None);
    }

    #[test]
    fn without_a_key_nothing_is_done_or_the_game_waits() {
        let check = |id: &str, expected: Option<&[f64]>| {
            assert_eq!(idle(&find(id).unwrap()).as_deref(), expected, "{id}");
        };
        check("LunarLander-v3", Some(&[0.0]));
        check("LunarLanderContinuous-v3", Some(&[0.0, 0.0]));
        check("BipedalWalker-v3", Some(&[0.0; 4]));
        check("FrozenLake-v1", None);
    }
}
