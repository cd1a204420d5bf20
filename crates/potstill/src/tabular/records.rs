//! Lists of varying length, such as the steps of an episode: their codec, and their returns.

use crate::agent::{LearnError, checked_target};
use potstill_core::snapshot::{Codec, Field};
use potstill_core::{Snapshot, SnapshotError, Value};

/// The codec of a list of items that are `I` indices and `N` numbers each. The length of the list is saved under the field's name, the
/// indices of all items under `places`, and their numbers under `numbers`.
pub(crate) struct Records<const I: usize, const N: usize, S, J> {
    limit: usize,
    bounds: [usize; I],
    numbers: &'static str,
    split: S,
    join: J,
}

/// The codec of a list of less than `limit` items, whose indices are below `bounds`: a state, or a state and an action.
pub(crate) fn records<T, const I: usize, const N: usize, S, J>(
    limit: usize,
    bounds: [usize; I],
    numbers: &'static str,
    split: S,
    join: J,
) -> Records<I, N, S, J>
where
    S: Fn(T) -> ([usize; I], [f64; N]),
    J: Fn([usize; I], [f64; N]) -> T,
{
    Records { limit, bounds, numbers, split, join }
}

/// The codec of the states of an episode, below `states`, each with the reward after it.
pub(crate) fn state_rewards<C>(states: usize) -> impl Codec<C>
where
    C: Clone + IntoIterator<Item = (usize, f64)> + FromIterator<(usize, f64)>,
{
    let split = |(state, reward): (usize, f64)| ([state], [reward]);
    records(usize::MAX, [states], "rewards", split, |[state], [reward]| (state, reward))
}

/// Replaces the rewards of the last steps of an episode by the returns from there on, of which `after` is the one after
/// them all.
pub(crate) fn to_returns<'a>(
    steps: impl DoubleEndedIterator<Item = &'a mut (usize, f64)>,
    gamma: f64,
    after: f64,
) -> Result<(), LearnError> {
    let mut g = after;
    for (_, reward) in steps.rev() {
        g = checked_target(*reward + gamma * g)?;
        *reward = g;
    }
    Ok(())
}

impl<C, const I: usize, const N: usize, S, J> Codec<C> for Records<I, N, S, J>
where
    C: Clone + IntoIterator + FromIterator<C::Item>,
    S: Fn(C::Item) -> ([usize; I], [f64; N]),
    J: Fn([usize; I], [f64; N]) -> C::Item,
{
    fn save(&self, field: &C, name: &str, snapshot: &mut Snapshot) {
        let (places, numbers): (Vec<_>, Vec<_>) = field.clone().into_iter().map(&self.split).unzip();
        places.len().save(name, snapshot);
        let places = places.into_iter().flatten().map(|place| place as u64).collect();
        snapshot.insert("places", Value::U64s(places));
        snapshot.insert(self.numbers, Value::F64s(numbers.into_iter().flatten().collect()));
    }

    fn load(&self, field: &mut C, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let length = snapshot.index(name, self.limit)?;
        let places = snapshot.u64s("places", I * length)?.chunks_exact(I);
        let numbers = snapshot.f64s(self.numbers, N * length)?.chunks_exact(N);
        let item = |(place, numbers): (&[u64], &[f64])| {
            if let Some((value, bound)) =
                place.iter().zip(self.bounds).find(|(value, bound)| **value >= *bound as u64)
            {
                let reason = match I {
                    1 => format!("{value} is not below {bound}"),
                    _ => "no state or action of the table".to_owned(),
                };
                return Err(SnapshotError::invalid("places", reason));
            }
            let place = std::array::from_fn(|i| place[i] as usize);
            Ok((self.join)(place, std::array::from_fn(|i| numbers[i])))
        };
        *field = places.zip(numbers).map(item).collect::<Result<C, _>>()?;
        Ok(())
    }
}
